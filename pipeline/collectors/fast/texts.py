"""JSON inside a string of the line: a body, or a chunk of a stream, with a typed decoder.

Owns the test that lets a text pass: what ``gate`` is for the lines of a block.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from msgspec import MsgspecError

from pipeline.collectors.fast import keys

if TYPE_CHECKING:
    from collections.abc import Callable

Document = TypeVar("Document")

_KEY = re.compile(r'"([a-z_]*)"[ \t\r\n]*:')
_OURS = frozenset((*keys.SHARED_KEYS, *keys.BODY_KEYS, "delta", "content"))
_ODD = re.compile(r"[:,\[][ \t\r\n]*-?(?:[0-9]+(?:\.[0-9]+)?[eE]|[0-9]{200})|\\u00[0-7]")
"""A number that a double may not hold, and an escape that may spell a key."""


def decoded(text: str, decode: Callable[[str], Document], *, depth_max: int) -> Document | None:
    """Return the document, ``None`` where the plain reader must read the text: it may be no JSON, or nothing that a strict reader takes.

    A key of ours that is stated twice, in whichever object, is such a case.
    """
    if text.count("{") + text.count("[") > depth_max or _ODD.search(text):
        return None
    stated = [key for key in _KEY.findall(text) if key in _OURS]
    if len(set(stated)) != len(stated):
        return None
    try:
        return decode(text)
    except (MsgspecError, UnicodeError):
        return None
