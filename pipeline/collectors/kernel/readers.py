"""Programs with what has been learned of their shapes: made once, and used by one log after the other.

Owns those that nobody uses. Does not own a program (``program``), nor what is learned (``rules.table``).
"""

from __future__ import annotations

import atexit
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from pipeline.collectors.kernel.program import Program, ProgramFailed
from pipeline.collectors.kernel.rules.plain import name_of
from pipeline.collectors.kernel.rules.table import RuleTable

if TYPE_CHECKING:
    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.formats.log_format import LogFormat

_IDLE_MAX = 4
"""Each has tens of megabytes."""


class Reader(NamedTuple):
    """A program for lines of a format, and what has been learned of the shapes that it has numbered."""

    program: Program
    rules: RuleTable
    of: Format | None
    what: str
    """The name of what it reads (``name_of``)."""


_idle: dict[str, list[Reader]] = {}
"""Readers that nobody uses, by what they read: the next log of the format goes on with one."""
_making = Lock()
"""Held while a reader is made: what is compiled once for all is not compiled by two threads."""
atexit.register(_idle.clear)  # wasmtime cannot give memory back once the interpreter has gone


def take(log_format: LogFormat, found: Format | None) -> Reader | None:
    """Return a reader of lines of a format that nobody else uses; ``None`` where there can be none."""
    with _making:
        try:
            return _idle[name_of(log_format, found)].pop()
        except LookupError:
            return new(log_format, found)


def give_back(reader: Reader) -> None:
    """Let somebody else use a reader; of too many, let go one of what was read first."""
    if sum(map(len, _idle.values())) >= _IDLE_MAX:
        next(filter(None, _idle.values())).pop()
    _idle.setdefault(reader.what, []).append(reader)


def new(log_format: LogFormat, found: Format | None) -> Reader | None:
    """Make a reader; ``None`` where the program is not installed, or is not for this machine, or for such logs."""
    try:
        program = Program(log_format, found)
    except (ImportError, OSError, ProgramFailed, ValueError):
        return None
    return Reader(program, RuleTable(program, log_format, found), found, name_of(log_format, found))
