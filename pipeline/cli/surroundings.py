"""What the machine refuses, in one line: a full or failing disk, a file that may not be read, too few open files.

Owns which errors are the machine's and not ours, and what to do about each. Does not own exit codes.
"""

from __future__ import annotations

import errno
import os
import sys

_AGAIN = "nothing that was not acknowledged counts"
_REMEDIES = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "make room and run the command again"),
    errno.EFBIG: "raise the limit of a file's size (ulimit -f) and run the command again",
    errno.EROFS: "make that file system writable, or copy the workspace to one that is, and run the command again",
    **dict.fromkeys(
        (errno.EMFILE, errno.ENFILE), "raise the limit of open files (ulimit -n) and run the command again"
    ),
    **dict.fromkeys(
        (errno.EACCES, errno.EPERM), "let the user who runs this read and write it, and run the command again"
    ),
    **dict.fromkeys(
        (errno.EIO, errno.ENXIO, errno.ESTALE, errno.ETIMEDOUT),
        "look after that disk or mount, then run the command again, and 'tallybook verify'",
    ),
    errno.ENOMEM: "give the machine more memory, or stop what else takes it, and run the command again",
}


def machine_error_text(error: BaseException) -> str | None:
    """Say in one line what the machine refused, where, and what to do; ``None`` where an error is none of its."""
    if isinstance(error, MemoryError):
        return _text("there is not enough memory", errno.ENOMEM)
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        path = error.filename2 if error.filename2 is not None else error.filename
        where = "" if path is None else f" at {os.fsdecode(path) if isinstance(path, (str, bytes)) else path}"
        return _text(f"{os.strerror(error.errno)}{where}", error.errno)
    engine = sys.modules.get("duckdb")
    if engine is not None and isinstance(error, (engine.IOException, engine.OutOfMemoryException)):
        said = str(error).partition("\n")[0]
        return _text(f"counting failed: {said}", _errno_of(said))
    return None


def _text(what: str, number: int) -> str:
    return f"{what}; {_AGAIN}: {_REMEDIES[number]}"


def _errno_of(said: str) -> int:
    """Return the number of an error that is told in words alone; where none is named, memory or a disk gave out."""
    return next((number for number in _REMEDIES if os.strerror(number) in said), errno.EIO)
