"""The interface of a wrapper: its name, and what lies in a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Unwrapped(NamedTuple):
    """What lay in a line of a log."""

    content: bytes
    """A line, or a part of one, without its line end; empty where the line holds nothing of what was logged."""
    is_part: bool = False
    """Whether the line goes on in the next one of the same stream."""
    stream: str = ""
    """Which of several streams in one log it is of, such as ``stdout``: parts of different streams may alternate."""


class Wrapper(NamedTuple):
    """What one logger puts around lines."""

    name: str
    unwrap: Callable[[bytes], Unwrapped | None]
    """Returns what lies in a line without its line end, ``None`` where the line is not of this logger."""


def json_in(line: bytes) -> Any:
    """Return the JSON that a line is, ``None`` where it is none, or is nested deeper than any logger writes its own.

    Whoever is logged may nest what they send as deep as they like.
    """
    try:
        return json.loads(line)
    except (ValueError, RecursionError):  # also what is no UTF-8
        return None


def line_of(written: str) -> bytes:
    """Return a line that stood in a text, without its end."""
    return written.removesuffix("\n").removesuffix("\r").encode("utf-8", "surrogatepass")
