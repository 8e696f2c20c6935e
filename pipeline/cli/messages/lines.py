"""Messages on stderr, a line each: text for people, or JSON objects for whatever collects logs.

Owns the members of such an object, and what is known of this call of the command line while it speaks. Does not own
what is said.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.messages.asked import LogFormat
from pipeline.cli.visible import visible, visible_in_json

if TYPE_CHECKING:
    from collections.abc import Iterator


class Level(StrEnum):
    """How much a message matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


_BEFORE = {Level.INFO: "", Level.WARNING: "warning: ", Level.ERROR: "tallybook: "}
"""What a line of text begins with."""


@dataclass(slots=True, kw_only=True)
class Call:
    """One call of the command line, as far as it has come."""

    log_format: LogFormat = LogFormat.TEXT
    wants_json: bool = False
    """Whether its answer is asked for as JSON."""
    command: list[str] = field(default_factory=list)
    """The words of the command, as far as they are known to be some."""
    is_answered: bool = False
    """Whether anything was written to stdout."""
    last_message: str = ""
    started: float = field(default_factory=time.monotonic)


_CALL: ContextVar[Call | None] = ContextVar("call", default=None)
_OUTSIDE = Call()
"""Where no command runs, as in a traceback of last resort: messages are text."""


def current_call() -> Call:
    """Return the call that runs now."""
    return _CALL.get() or _OUTSIDE


@contextmanager
def calling(call: Call) -> Iterator[Call]:
    """Make this the call that runs now."""
    token = _CALL.set(call)
    try:
        yield call
    finally:
        _CALL.reset(token)


def write_message(text: str, *, level: Level, event: str, **fields: Any) -> None:
    """Write one line to stderr.

    As text it is ``visible``, so what a name in it holds acts on no terminal and a line end makes no line of its own.
    As JSON it is exact, by escapes; ``fields`` are values of JSON.
    """
    current_call().last_message = text
    if is_json():
        write_object(level=level, event=event, message=text, **fields)
    else:
        click.echo(f"{_BEFORE[level]}{visible(text)}", err=True)


def write_object(*, level: Level, event: str, **fields: Any) -> None:
    """Write one object to stderr; only where messages are JSON."""
    import json  # noqa: PLC0415  # help needs none

    said = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "level": level.value,
        "event": event,
        "command": " ".join(current_call().command),
        **fields,
    }
    click.echo(visible_in_json(json.dumps(said, ensure_ascii=False)), err=True)


def is_json() -> bool:
    """Whether messages are JSON."""
    return current_call().log_format is LogFormat.JSON
