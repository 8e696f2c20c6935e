"""What text may enter an event at all: a length and a character set per field, so that no prompt can ride in on a name.

Owns the checks of identifiers, models, labels, flags and small integers. Does not own where the fields lie.
Every check returns the value or ``None`` where the field is absent (``null``, or an empty string), and raises
``LineRefused`` (``invalid_field``) with the field's name and never its text.
"""

from __future__ import annotations

import re
from typing import Any

from pipeline.collectors.refusal import LineRefused, shown
from pipeline.usage import QuarantineReason

INT32_MAX = 2**31 - 1

IDENTIFIER = re.compile(r"[A-Za-z0-9._:/@+=~,;#-]{1,256}")
MODEL = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}")
LABEL = re.compile(r"[A-Za-z0-9._:/@+-]{1,64}")


def identifier(value: Any, field: str) -> str | None:
    """Check a request or response id: at most 256 of ``A-Za-z0-9._:/@+=~,;#-``."""
    return _text(value, field, IDENTIFIER)


def model(value: Any, field: str) -> str | None:
    """Check a model or key id: at most 128 of ``A-Za-z0-9._:/@+-``."""
    return _text(value, field, MODEL)


def label(value: Any, field: str) -> str | None:
    """Check a finish reason or service tier: at most 64 of ``A-Za-z0-9._:/@+-``."""
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
    """Check an integer between ``low`` and ``high``, both included; ``200.0`` and ``true`` are none."""
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool):
        raise LineRefused(QuarantineReason.INVALID_FIELD, f"{field} is no integer")
    if not low <= value <= high:
        raise LineRefused(QuarantineReason.INVALID_FIELD, f"{field} is {shown(value)}; it lies between {low} and {high}")
    return value


def _text(value: Any, field: str, allowed: re.Pattern[str]) -> str | None:
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise LineRefused(QuarantineReason.INVALID_FIELD, f"{field} is no string")
    if not allowed.fullmatch(value):
        raise LineRefused(QuarantineReason.INVALID_FIELD, f"{field} of {len(value)} characters is too long or has a character that is not allowed")
    return value
