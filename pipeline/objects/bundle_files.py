"""A bundle: files handed to somebody, written into a folder that was empty, with their checksums.

Does not own what is in them (``pipeline.jobs.proofs.bundle``).
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.objects import disk

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CHECKSUMS = "SHA256SUMS"


def refuse_what_is_not_empty(folder: Path) -> None:
    """Raise ``ConfigurationError`` where the folder holds anything: a bundle never mixes with other files."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        message = f"{folder} is not an empty folder; name a new one"
        raise ConfigurationError(message)
    if not folder.parent.is_dir():
        message = f"{folder.parent} does not exist; make it, or name another folder"
        raise ConfigurationError(message)


def write_bundle(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write the files, and then ``SHA256SUMS`` of them as ``sha256sum -c`` reads it.

    Raises ``ConfigurationError`` where the folder is not empty. After an ``OSError``, as of a full disk, it is as it
    was: half a bundle is of no use to its reader, and would be in the way of the next try.
    """
    refuse_what_is_not_empty(folder)
    was_there = folder.exists()
    disk.make_folders(folder.parent, folder)
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    written: list[str] = []
    try:
        for name, content in (*sorted(files.items()), (CHECKSUMS, sums.encode("utf-8"))):
            written.append(name)
            disk.replace_durably(folder / name, content, is_locked=False)
    except OSError:
        with suppress(OSError):  # a disk that refuses for good refuses this too; the first reason is told
            disk.remove_files(folder, written)
            if not was_there:
                disk.remove_empty_folder(folder)
        raise
