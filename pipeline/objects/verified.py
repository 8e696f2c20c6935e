"""A file checked against its sha256 before anybody trusts it; and a folder that is listed, or refused.

Does not own which files count (``lake``, ``derived``).
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from typing import TYPE_CHECKING

from pipeline.base.errors import DataFileDamaged

if TYPE_CHECKING:
    from pathlib import Path


def verified_file(path: Path, *, sha256: str, size: int, advice: str) -> Path:
    """Return the path if its bytes have this sha256 and size.

    Else raise ``DataFileDamaged`` naming both, and the advice.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        message = f"data file {path} is missing; {advice}"
        raise DataFileDamaged(message) from None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        message = f"data file {path} is a link, and could lead anywhere; {advice}"
        raise DataFileDamaged(message) from None
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            message = f"data file {path} has {status.st_size} bytes, and its log says {size}; {advice}"
            raise DataFileDamaged(message)
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != sha256:
        message = f"data file {path} has the sha256 {actual}, and its log says {sha256}; {advice}"
        raise DataFileDamaged(message)
    return path


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, in order; none of one that is not there.

    Raises ``OSError`` where it may not be listed: a glob would find nothing.
    """
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries)


def has_sha256(path: str, sha256: str) -> bool:
    """Say whether there is a regular file of this content; one that cannot be read is none."""
    content = bytes_of(path)
    return content is not None and hashlib.sha256(content).hexdigest() == sha256


def bytes_of(path: str) -> bytes | None:
    """Return the content of a regular file, None where there is none that can be read. For many small ones."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        pieces = [os.read(descriptor, status.st_size + 1)]
        while len(pieces[-1]) and sum(map(len, pieces)) < status.st_size:  # one call gives no more than 2 GiB
            pieces.append(os.read(descriptor, status.st_size))
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return b"".join(pieces)


def has_size(path: Path, size: int) -> bool:
    """Say whether there is a regular file of this size."""
    try:
        status = path.lstat()
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and status.st_size == size


def check_size(path: Path, *, size: int, advice: str) -> None:
    """Raise ``DataFileDamaged`` where there is no regular file of this size.

    Its bytes are not read, and so not believed.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        message = f"data file {path} is missing; {advice}"
        raise DataFileDamaged(message) from None
    if not stat.S_ISREG(status.st_mode) or status.st_size != size:
        message = f"data file {path} has {status.st_size} bytes, and its log says {size}; {advice}"
        raise DataFileDamaged(message)
