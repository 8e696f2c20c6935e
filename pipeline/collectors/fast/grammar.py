r"""JSON as regular expressions, on its own and inside a string of other JSON, where it is escaped once more.

Owns what a string, a number and a blank look like at either *level*. Every expression is possessive: what it takes it
never gives back, so that matching costs time in proportion to the text. None takes more than JSON allows; some take
less, and leave the rest to the plain reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

NUMBER = rb"-?(?:0|[1-9][0-9]{0,17}+)(?:\.[0-9]{1,18}+)?+(?:[eE][+-]?[0-9]{1,2}+)?+"
"""A number that any double holds; one of more digits, or beyond them, is left to the plain reader."""
COUNT = rb"0|[1-9][0-9]{0,17}+"
"""An integer of which the sum of several is still one of 64 bits."""

_BARE = rb"[ !#-\[\]-\xff]*+"  # not [^...]: the engine takes nearly twice as long for what a class leaves out
_ESCAPE = rb'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})'
STRING = rb'"' + _BARE + rb"(?:" + _ESCAPE + _BARE + rb')*+"'

# Inside a string, \" is a quote and \\n the escape of a line feed; \u2028 is a letter, \u0022 would be a quote again.
_ESCAPE_INSIDE = rb'\\\\(?:[bfnrt/]|\\\\|\\"|u[0-9a-fA-F]{4})|\\u(?!00[0-7])[0-9a-fA-F]{4}|\\/'
CONTENT_INSIDE = _BARE + rb"(?:(?:" + _ESCAPE_INSIDE + rb")" + _BARE + rb")*+"
"""What may stand between the quotes of a string inside a string."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """How JSON is written at one level."""

    quote: bytes
    string: re.Pattern[bytes]
    blanks: re.Pattern[bytes]


OUTSIDE = Level(quote=b'"', string=re.compile(STRING), blanks=re.compile(rb"[ \t]*+"))
INSIDE = Level(
    quote=b'\\"', string=re.compile(rb'\\"' + CONTENT_INSIDE + rb'\\"'), blanks=re.compile(rb"(?: |\\[nrt])*+")
)
