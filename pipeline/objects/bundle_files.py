"""A bundle: files handed to somebody, written into a folder that was empty, with their checksums.

Does not own what is in them (``pipeline.jobs.proofs.bundle``).
"""

from __future__ import annotations

import hashlib
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
    """Write the files, and ``SHA256SUMS`` of them as ``sha256sum -c`` reads it.

    Raises ``ConfigurationError`` where the folder is not empty.
    """
    refuse_what_is_not_empty(folder)
    disk.make_folders(folder.parent, folder)
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items()))
    for name, content in sorted({**files, CHECKSUMS: sums.encode("utf-8")}.items()):
        disk.replace_durably(folder / name, content, is_locked=False)
