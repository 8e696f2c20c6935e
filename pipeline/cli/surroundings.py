"""What the machine refuses, in one line: a full or failing disk, a file that may not be read, too few open files.

Owns which errors are the machine's and not ours, what each is of, and what to do about it; and the three streams that a
process is begun with. Does not own exit codes.
"""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from types import TracebackType

STANDARD_OUTPUT = "standard output"

_AGAIN = "what was done before stays, the rest is not done"
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
    # Python calls again what a signal interrupts, but for calls on names, which a network file system may interrupt.
    errno.EINTR: "run the command again",
    errno.ENOMEM: "give the machine more memory, or stop what else takes it, and run the command again",
}
_INTERRUPT = KeyboardInterrupt.__name__
_INTERRUPTED_QUERY = "Query interrupted"
"""What DuckDB says, without a class of its own."""
_NO_THREAD = "can't start new thread"
"""What Python says, without a class of its own."""
_NOT_MAPPED = "failed to map segment from shared object"
"""What the system's loader says of a library: there are too few addresses, or its file system may not be run from."""


def machine_error_text(error: BaseException) -> str | None:
    """Say in one line what the machine refused, where, and what to do; ``None`` where an error is none of its."""
    if isinstance(error, MemoryError):
        return _text("there is not enough memory", errno.ENOMEM)
    if isinstance(error, RuntimeError) and str(error) == _NO_THREAD:
        remedy = "raise the limits of processes and of memory (ulimit -u, ulimit -v) and run the command again"
        return f"no thread can be started; {_AGAIN}: {remedy}"
    if isinstance(error, ImportError) and _NOT_MAPPED in str(error):
        remedy = "raise the limit of memory (ulimit -v), or install where programs may run, and run the command again"
        return f"{error.path or 'a library'} cannot be loaded; {_AGAIN}: {remedy}"
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        path = refused_path(error)
        return _text(f"{os.strerror(error.errno)}{'' if path is None else f' at {path}'}", error.errno)
    engine = sys.modules.get("duckdb")
    if engine is not None and isinstance(error, (engine.IOException, engine.OutOfMemoryException)):
        said = str(error).partition("\n")[0]
        default = errno.EIO if isinstance(error, engine.IOException) else errno.ENOMEM
        if "offload" in said:  # beyond what may be put down where the lake lies: nine tenths of the room there
            default = errno.ENOSPC
        return _text(f"counting failed: {said}", _errno_of(said, default))
    return None


def machine_remedy(error: BaseException) -> str | None:
    """Say what of the command is done, and what to do; ``None`` where an error is none of the machine's."""
    if isinstance(error, OSError) and error.errno in _REMEDIES:
        return f"{_AGAIN}: {_REMEDIES[error.errno]}"
    return None


def is_interrupt(error: BaseException) -> bool:
    """Say whether an error is somebody's interrupt: DuckDB makes errors of its own of one that comes while it runs.

    Another one while it asks for rows, and another one while it counts.
    """
    engine = sys.modules.get("duckdb")
    if engine is None:
        return False
    is_asking = isinstance(error, engine.InvalidInputException) and _INTERRUPT in str(error)
    return is_asking or (isinstance(error, RuntimeError) and str(error) == _INTERRUPTED_QUERY)


def refused_path(error: BaseException) -> str | None:
    """Return what the machine refused: the second of two paths, or what was read or written when it did.

    The system names no path where a file is open already. Whoever reads it holds the path as ``path``, or is it; and
    click holds the stream that it writes to as ``file``.
    """
    for named in (getattr(error, "filename2", None), getattr(error, "filename", None)):
        if named is not None and not isinstance(named, int):
            return os.fsdecode(named)
    held = [_held(each) for each in _frames(error.__traceback__)]
    return next((each for each in reversed(held) if each is not None), None)


def _frames(trace: TracebackType | None) -> list[TracebackType]:
    frames = []
    while trace is not None:
        frames.append(trace)
        trace = trace.tb_next
    return frames


def _held(trace: TracebackType) -> str | None:
    names = trace.tb_frame.f_locals
    path = next((names[name] for name in ("path", "self") if isinstance(names.get(name), Path)), None)
    if path is not None:
        return str(path)
    return STANDARD_OUTPUT if sys.stdout is not None and names.get("file") is sys.stdout else None


def mend_streams() -> bool:
    """Let each standard stream be one that can be used, and say whether stdout was there.

    One that the process was begun without is opened on nothing: else the next file that is opened, such as the lock's,
    has its number, and what a library prints lands in it. One that does not wait, as some programs begin others with,
    is made to: Python drops what a full pipe does not take, without a word.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free: this one
        else:
            os.set_blocking(number, True)
    had_stdout = sys.stdout is not None
    sys.stdin = sys.stdin or os.fdopen(0, encoding="utf-8")
    sys.stdout, sys.stderr = sys.stdout or _writing(1), sys.stderr or _writing(2)
    return had_stdout


def _writing(number: int) -> TextIO:
    return os.fdopen(number, "w", encoding="utf-8")


def _text(what: str, number: int) -> str:
    return f"{what}; {_AGAIN}: {_REMEDIES[number]}"


def _errno_of(said: str, default: int) -> int:
    """Return the number of an error that is told in words alone; ``default`` where none is named."""
    return next((number for number in _REMEDIES if os.strerror(number) in said), default)
