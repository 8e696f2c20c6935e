"""What of a text reaches a terminal: every character that acts on one, or shows nothing, is written out.

Owns which characters these are. Does not own where a text comes from: names of models, keys, tags, files and accounts
are written by others, and a terminal obeys whoever writes to it.
"""

from __future__ import annotations

import re
import unicodedata

_BLANK = (
    "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Letters and marks by category, but nothing to see: Unicode's Default_Ignorable_Code_Point, and the empty Braille."""
_SUSPECT = re.compile(f"[^ -~\u00a1-\u00ac\u00ae-\u02ff]|[{_BLANK}]")
"""What is looked at more closely; usual text is passed over at the speed of the expression."""
_IS_BLANK = re.compile(f"[{_BLANK}]")
_KEPT = {"Zs"}
"""Spaces of other widths stay: they show, and they are part of names in some languages."""


def visible(text: str) -> str:
    r"""Return a text in which each character shows and none acts: ``ESC [ 31 m`` becomes ``\x1b[31m``.

    Control characters (line ends and tabs too, which would make a line or a cell of their own), escape sequences,
    marks that change the direction of writing, and characters without width are written as Python escapes them. So are
    lone surrogates, which no terminal can be sent.
    """
    return _SUSPECT.sub(_shown, text)


def visible_in_json(text: str) -> str:
    r"""Return JSON that says the same, with all that ``visible`` would write out beyond ASCII as ``\uXXXX``.

    Only strings of JSON can hold such a character, and there its escape means the same; below ASCII's space, JSON has
    escapes already.
    """
    return _SUSPECT.sub(lambda found: found[0] if found[0] == "\n" or not _hides(found[0]) else _json(found[0]), text)


def _shown(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii") if _hides(found[0]) else found[0]


def _hides(character: str) -> bool:
    category = unicodedata.category(character)
    return (category[0] in "CZ" and category not in _KEPT) or bool(_IS_BLANK.match(character))


def _json(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[place]:02x}{units[place + 1]:02x}" for place in range(0, len(units), 2))
