"""Where the system has temporary files (``TMPDIR``): folders and files for the time of one run, never durable.

A folder says whose process it is of, so that what a killed run left is known for that. Does not own what lies in them.
"""

from __future__ import annotations

import os
import re
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import NoTemporaryFolder
from pipeline.objects.temporary.dead import is_dead

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = re.compile(r"tallybook-([1-9][0-9]{0,9})-\w+")


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Make a folder for the body. Raises ``NoTemporaryFolder`` where there is none to make it in."""
    with tempfile.TemporaryDirectory(prefix=f"tallybook-{os.getpid()}-", dir=system_folder()) as folder:
        yield Path(folder)


def system_folder() -> str:
    """Return the system's folder for temporary files. Raises ``NoTemporaryFolder`` where no file can be made in any."""
    try:
        return tempfile.gettempdir()
    except FileNotFoundError as nowhere:
        _, _, listed = str(nowhere.strerror).partition("[")
        tried = listed.removesuffix("]") or repr(os.environ.get("TMPDIR", ""))
        message = (
            f"no temporary file can be written in any of {tried}; set TMPDIR to a folder with room that the user who "
            "runs this may write, and run the command again"
        )
        raise NoTemporaryFolder(message) from None


def left_folders() -> list[Path]:
    """Return the folders of dead processes (``dead``); none where nothing can be listed."""
    try:
        found = sorted(Path(tempfile.gettempdir()).iterdir())
    except OSError:
        return []
    return [path for path in found if (named := _NAME.fullmatch(path.name)) and is_dead(path, int(named[1]))]
