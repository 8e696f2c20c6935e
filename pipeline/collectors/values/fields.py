"""What text may enter an event at all: a length and a character set per field, so that no prompt can ride in on a name.

Owns the checks of identifiers, models, labels, flags and small integers, the safe spelling of odd names, and the list
of what was left out. Does not own where the fields lie.

Every check returns the value or ``None`` where the field is absent (``null``, or an empty string), and raises
``LineRefused`` (``invalid_field``) with the field's name and never its text. That is right for a field that decides the
bill. Any other is read through ``LeftOut``, which turns a refusal into ``None`` and remembers the field's name.
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from pipeline.base.raw_keys import is_raw_key
from pipeline.collectors.values.refusal import LineRefused, shown
from pipeline.collectors.values.traced import whole_number
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Callable

    Value = TypeVar("Value")

INT32_MAX = 2**31 - 1

IDENTIFIER = re.compile(r"[A-Za-z0-9._:/@+=~,;#-]{1,256}")
MODEL = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}")
LABEL = re.compile(r"[A-Za-z0-9._:/@+-]{1,64}")
"""What is kept letter by letter; anything else is spelled by ``spelled``."""

_ODD = {
    IDENTIFIER: re.compile(r"[^A-Za-z0-9._:/@+=~,;#-]"),
    MODEL: re.compile(r"[^A-Za-z0-9._:/@+-]"),
    LABEL: re.compile(r"[^A-Za-z0-9._:/@+-]"),
}
_LENGTH_MAX = {IDENTIFIER: 256, MODEL: 128, LABEL: 64}
_WHOLE = re.compile(r"[ \t]*([+-]?[0-9]{1,30})(?:\.0{0,30})?[ \t]*", re.ASCII)
_DIGITS_MAX = 308  # more are beyond a double, and none of ours


class LeftOut:
    """The fields of one line that were not as they should be and decide no bill: read as absent, and named."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        """Begin with none."""
        self._names: set[str] = set()

    @property
    def names(self) -> frozenset[str]:
        """The names so far."""
        return frozenset(self._names)

    def checked(self, check: Callable[[Any, str], Value | None], value: Any, field: str) -> Value | None:
        """Return what ``check`` makes of a value; where it refuses, ``None``, and the field is named."""
        try:
            return check(value, field)
        except LineRefused:
            self._names.add(field)
            return None

    def looked_up(
        self, get: Callable[[str], Any], key: str, check: Callable[[Any, str], Value | None], field: str
    ) -> Value | None:
        """Return what ``check`` makes of ``get(key)``.

        Where either refuses (a key stated twice, too), ``None``, and the field is named.
        """
        try:
            return check(get(key), field)
        except LineRefused:
            self._names.add(field)
            return None


def identifier(value: Any, field: str) -> str | None:
    """Return a request or response id.

    At most 256 of ``A-Za-z0-9._:/@+=~,;#-``, else ``spelled``; a whole number as its digits.
    """
    return _text(value, field, IDENTIFIER)


def model(value: Any, field: str, *, may_look_like_key: bool = False) -> str | None:
    """Return a model or key id: at most 128 of ``A-Za-z0-9._:/@+-``, else ``spelled``; a whole number as its digits."""
    return _text(value, field, MODEL, may_look_like_key=may_look_like_key)


def label(value: Any, field: str) -> str | None:
    """Return a finish reason or service tier.

    At most 64 of ``A-Za-z0-9._:/@+-``, else ``spelled``; a whole number as its digits.
    """
    return _text(value, field, LABEL)


def text(value: Any, field: str) -> str | None:
    """Check that a field which is read and never stored is text."""
    if value is None or isinstance(value, str):
        return value or None
    raise LineRefused(QuarantineReason.INVALID_FIELD, f"{field} is no string")


def flag(value: Any, field: str) -> bool | None:
    """Check a boolean."""
    if value is None or isinstance(value, bool):
        return value
    raise LineRefused(QuarantineReason.INVALID_FIELD, f"{field} is neither true nor false")


def integer(value: Any, field: str, *, low: int, high: int) -> int | None:
    """Return an integer between ``low`` and ``high``, both included.

    ``200.0`` and ``"200"`` are 200, ``true`` is none.
    """
    if value is None or value == "":
        return None
    whole = _whole(value)
    if whole is None:
        raise LineRefused(QuarantineReason.INVALID_FIELD, f"{field} is no integer")
    if not low <= whole <= high:
        raise LineRefused(
            QuarantineReason.INVALID_FIELD, f"{field} is {shown(whole)}; it lies between {low} and {high}"
        )
    return whole


def spelled(name: str, allowed: re.Pattern[str]) -> str:
    """Return a name as an event keeps it.

    In ASCII, without blanks and control characters, no longer than ``allowed`` or 72 characters.

    Characters that are not allowed, and ``%``, are percent-encoded UTF-8 (RFC 3986 2.1), which ``urllib.parse.unquote``
    undoes; where that is too long, the name is ``%sha256:`` and the SHA-256 of its UTF-8 in hex, which no
    percent-encoded name can be. Different names are spelled differently, and what is allowed stays as it is.

    >>> spelled("modèle v2", MODEL)
    'mod%C3%A8le%20v2'
    """
    if allowed.fullmatch(name):
        return name
    if len(name) <= _LENGTH_MAX[allowed]:
        encoded = _ODD[allowed].sub(_percent_encoded, name)
        if len(encoded) <= _LENGTH_MAX[allowed]:
            return encoded
    return _digested(name)


def _digested(name: str) -> str:
    return f"%sha256:{hashlib.sha256(_utf8(name)).hexdigest()}"


def _percent_encoded(character: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in _utf8(character[0]))


def _utf8(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")  # JSON may state half a character


def _whole(value: Any) -> int | None:
    """Return a whole number that is stated as one, with a fraction of zero, or as text; ``None`` for anything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, Decimal):
        return int(value) if value.adjusted() < _DIGITS_MAX and value == value.to_integral_value() else None
    found = _WHOLE.fullmatch(value) if isinstance(value, str) else None
    return whole_number(found[1]) if found else None


def _text(value: Any, field: str, allowed: re.Pattern[str], *, may_look_like_key: bool = False) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        if not may_look_like_key and is_raw_key(value):
            return _digested(value)  # a log, or its mapping, has a key where a name belongs: none is stored
        return spelled(value, allowed)
    whole = _whole(value)
    if whole is None or abs(whole) >= 10**_DIGITS_MAX:
        raise LineRefused(QuarantineReason.INVALID_FIELD, f"{field} is neither a string nor a whole number")
    return spelled(str(whole), allowed)
