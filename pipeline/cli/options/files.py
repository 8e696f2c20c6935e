"""Files on the command line that are written: a new one takes the place of what is there.

Owns what may not be replaced so. Does not own the writing (``pipeline.objects.disk``).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from typing import Any

_OF_THE_SYSTEM = (Path("/dev"), Path("/proc"))


class WrittenFile(click.Path):
    """The name of a file to write, as a ``Path``; with ``is_dash_stdout`` as text, of which ``-`` is stdout.

    A device, a pipe or a socket is refused, and so is a link such as ``/dev/stdout``: whoever may write into its folder
    would put a file in its place, for the whole machine.
    """

    def __init__(self, *, is_dash_stdout: bool = False) -> None:
        super().__init__(path_type=str if is_dash_stdout else Path, dir_okay=False, allow_dash=is_dash_stdout)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, or fail as a usage error."""
        converted = super().convert(value, param, ctx)
        path = os.fsdecode(converted)
        if _is_of_the_system(Path(path)):
            self.fail(f"{path} is no regular file, and would be replaced by one; name another file", param, ctx)
        return converted


def _is_of_the_system(path: Path) -> bool:
    try:
        is_other = not stat.S_ISREG(path.stat().st_mode)
    except OSError:
        return False  # nothing is there
    folder = Path(os.path.realpath(path.parent))
    return is_other or (path.is_symlink() and any(folder.is_relative_to(system) for system in _OF_THE_SYSTEM))
