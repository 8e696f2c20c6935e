"""Which files the globs of a source name: below the folder that the glob begins with, in a stable order, never outside of it.

Does not own opening them (``pipeline.collectors`` refuses what is no regular file).
"""

from __future__ import annotations

import glob
import re
from pathlib import Path

_MAGIC = re.compile(r"[*?\[]")


def files_of(workspace: Path, patterns: tuple[str, ...]) -> list[Path]:
    """Return the files that ``patterns`` (relative to the workspace, ``**`` for any depth) name, sorted, each once.

    A link that leads out of the folder that a pattern begins with is not followed.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        base = _base(workspace, pattern)
        for name in sorted(glob.glob(str(Path(glob.escape(str(workspace)), pattern)), recursive=True, include_hidden=False)):  # noqa: PTH207  # Path.glob refuses absolute patterns
            path = Path(name)
            if not path.is_dir() and path.parent.resolve().is_relative_to(base):
                found[path] = None
    return list(found)


def source_text(workspace: Path, path: Path) -> str:
    """Return how a log is named in the lake: relative to the workspace with ``/`` where it lies inside, else absolute."""
    folder = path.parent.resolve()  # the file's own name stays: a log is what it is called, also behind a link
    root = workspace.resolve()
    return (folder / path.name).relative_to(root).as_posix() if folder.is_relative_to(root) else (folder / path.name).as_posix()


def is_named_by(workspace: Path, path: Path, patterns: tuple[str, ...]) -> bool:
    """Say whether a file is one of those that ``patterns`` name."""
    target = path.resolve()
    return any(file.resolve() == target for file in files_of(workspace, patterns))


def _base(workspace: Path, pattern: str) -> Path:
    """Return the folder a pattern begins with, before its first wildcard; a link up to there was named explicitly."""
    parts = []
    for part in Path(pattern).parts[:-1]:
        if _MAGIC.search(part):
            break
        parts.append(part)
    return workspace.joinpath(*parts).resolve()
