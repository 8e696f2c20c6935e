"""The interface of a wrapper: its name, what lies in a line, and which lines tell that a log is its logger's."""

from __future__ import annotations

import json
import re
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
    ordinal: int | None = None
    """Which part of its stream it is, from 1 on, where the logger numbers them: none is joined out of its turn."""


class Wrapper(NamedTuple):
    """What one logger puts around lines."""

    name: str
    unwrap: Callable[[bytes], Unwrapped | None]
    """Returns what lies in a line without its line end, ``None`` where the line is not of this logger."""
    knows: Callable[[bytes], bool]
    """Tells whether a line, or its beginning, shows that a log is this logger's: behind a few words of text, only JSON
    does.
    """


_JSON = re.compile(rb'\{\s*["}]|\[\s*[{\["\]]')


def text_before(before: bytes, line: bytes) -> re.Match[bytes] | None:
    """Match what a logger writes before each line, an expression; ``None`` where it is not there.

    Most logs have nothing but objects in them, before which no text stands: of none of these expressions, which are
    long, a program is made then.
    """
    return None if line.startswith(b"{") else re.match(before, line)


def behind(before: bytes, line: bytes) -> Unwrapped | None:
    """Return what stands behind that which a logger writes before each line, ``None`` where it is not there."""
    found = text_before(before, line)
    return None if found is None else Unwrapped(content=line[found.end() :])


def knows_behind(before: bytes, line: bytes) -> bool:
    """Tell whether JSON stands behind that."""
    found = text_before(before, line)
    return found is not None and _JSON.match(line, found.end()) is not None


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
