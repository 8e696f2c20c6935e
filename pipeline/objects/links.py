"""Links within a workspace: what was put there by hand and leads, or may be written through, to somewhere else.

``lake`` and ``invoices`` may themselves be links, such as to a larger disk. Within them nothing is one: a folder that
is a link would have files written, and swept, where nobody looks for them. Does not own links among logs
(``pipeline.configuration.source_files``).
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def refuse_links(folders: Iterable[Path]) -> None:
    """Raise ``ConfigurationError`` for a link in one of these folders, or in a folder of theirs.

    Two levels are looked at: there are all folders that are written to. A folder that is not there has none.
    """
    for folder in folders:
        for path in _links_in(folder):
            message = (
                f"{path} is a symbolic link, and nothing is written through it: {folder.name} itself may be a link, "
                f"nothing within it; put what it leads to in its place"
            )
            raise ConfigurationError(message)


def refuse_other_names(path: Path, status: os.stat_result) -> None:
    """Raise ``ConfigurationError`` where an open file is no regular one, or has another name too: a hard link."""
    if not stat.S_ISREG(status.st_mode):
        message = f"{path} is no regular file; remove it, and it is made anew"
        raise ConfigurationError(message)
    if status.st_nlink > 1:
        message = (
            f"{path} has {status.st_nlink} names (hard links, as of a copy by cp -l), and would be overwritten under "
            "each; once no run is under way, remove this one, and it is made anew"
        )
        raise ConfigurationError(message)


def _links_in(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        return
    for path, entry in _entries(folder):
        if entry.is_symlink():
            yield path
        elif entry.is_dir(follow_symlinks=False):
            yield from (inner for inner, each in _entries(path) if each.is_symlink())


def _entries(folder: Path) -> Iterator[tuple[Path, os.DirEntry[str]]]:
    with os.scandir(folder) as entries:  # it knows what is a link without asking for each
        for entry in entries:
            yield folder / entry.name, entry
