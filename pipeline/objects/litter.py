"""What killed runs leave under temporary names, wherever the project writes: swept by whoever holds the lock next.

What was written under the workspace's lock and lies under a temporary name when the lock is taken is nobody's. Others
write without it: prices that are imported, an invoice that is rendered, an export that lies in the workspace. Of theirs
only what is dead is swept.

Owns what is swept. Does not own what is dead (``temporary.dead``), which folders are written to (``layout``), nor files
without a temporary name that count no more (``lake``, ``derived``).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.objects import disk, layout
from pipeline.objects.temporary import dead
from pipeline.objects.temporary.spill import sweep_spills

if TYPE_CHECKING:
    from collections.abc import Iterator


def sweep(workspace: Path) -> list[str]:
    """Remove what dead runs left, and return their names under the workspace; for the holder of its lock, at first."""
    swept = []
    for folder in written_folders(workspace):
        names = disk.temporaries(folder)
        left = [name for name in names if disk.is_of_a_holder(name) or is_dead(folder / name)]
        swept += [folder / name for name in disk.remove_files(folder, left)]
    lake_dir = layout.lake(workspace)
    swept += [lake_dir / name for name in sweep_spills(lake_dir)]
    return sorted(path.relative_to(workspace).as_posix() for path in swept)


def written_folders(workspace: Path) -> Iterator[Path]:
    """Yield each folder, of those that are there, in which a temporary name may stand for a file that we write.

    ``lake`` itself may be a link, such as to a larger disk; others are not ours, and hidden folders are of readers.
    """
    yield from (folder for folder in layout.written_folders(workspace) if folder.is_dir())
    for top in layout.written_wholly(workspace):
        yield from _all_below(top)


def is_dead(path: Path) -> bool:
    """Say whether whoever wrote a temporary file is gone; one that has its own name by now, or is gone, is not dead."""
    matched = disk.TEMPORARY_NAME.fullmatch(path.name)
    return matched is not None and dead.is_dead(path, int(matched[2]))


def left_behind(workspace: Path) -> tuple[list[Path], list[Path]]:
    """Return what dead runs left: what the next run that writes sweeps, and what it does not look for.

    The latter lies in the workspace beside what people had written there, such as exports.
    """
    to_be_swept = set(written_folders(workspace))
    found: tuple[list[Path], list[Path]] = ([], [])
    for place, _, names in os.walk(workspace):
        folder = Path(place)
        left = [folder / name for name in names if is_dead(folder / name)]
        found[folder not in to_be_swept].extend(sorted(left))
    return found


def _all_below(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    yield folder
    with os.scandir(folder) as entries:
        below = [each.name for each in entries if each.is_dir(follow_symlinks=False) and not each.name.startswith(".")]
    for name in sorted(below):
        yield from _all_below(folder / name)
