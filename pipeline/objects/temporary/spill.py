"""Where an engine may put down what does not fit into memory while it counts.

Ids and counts for the time of one run, never content.

Nothing here counts and nothing is made durable, so it bypasses ``disk``. The engine makes the folder when it first
needs it and takes it away when it is done; what a killed run leaves is swept by the next one that writes.

Does not own what is put down nor when (``pipeline.warehouse``).
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from pipeline.objects.temporary.dead import is_alive

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"\.spill-([1-9][0-9]{0,9})")


def spill_folder(lake_dir: Path) -> Path:
    """Return the folder of this process in the lake; it need not exist."""
    return lake_dir / f".spill-{os.getpid()}"


def sweep_spills(lake_dir: Path) -> list[str]:
    """Remove the folders of processes that are gone, however young (see ``dead``), and return their names.

    A reader that still counts keeps its own.
    """
    named = [(path, _NAME.fullmatch(path.name)) for path in sorted(lake_dir.iterdir())] if lake_dir.is_dir() else []
    dead = [
        path
        for path, matched in named
        if matched and path.is_dir() and not path.is_symlink() and not is_alive(int(matched[1]))
    ]
    for path in dead:
        import shutil  # noqa: PLC0415  # nearly every run finds nothing

        shutil.rmtree(path)
    return [path.name for path in dead]
