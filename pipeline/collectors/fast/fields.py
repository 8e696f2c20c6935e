"""The checks of ``pipeline.collectors.fields`` and ``instants`` for values that repeat or are plain, without their words.

Owns the caches, which are bounded. False or ``None`` means that the plain reader must look.
"""

from __future__ import annotations

from functools import lru_cache

from pipeline.collectors import fields, instants
from pipeline.collectors.refusal import LineRefused

_IDENTIFIER_MAX = 256
_SECONDS = {f"{second:02}": second * 1_000_000 for second in range(60)}
_FIRST_US, _LAST_US = instants.instant_us("2000-01-01T00:00:00Z"), instants.instant_us("2099-12-31T23:59:59.999999Z")
_SOME_SECOND = "2020-01-01T00:00:00"
_SOME_US = instants.instant_us(_SOME_SECOND + "Z")


def identifier(value: str) -> bool:
    """Tell whether a text is an id."""
    if len(value) <= _IDENTIFIER_MAX and value.isascii() and value.replace("-", "").isalnum():
        return True
    try:
        return fields.identifier(value, "") is not None
    except LineRefused:
        return False


@lru_cache(maxsize=4096)
def model(value: str) -> bool:
    """Tell whether a text is a model or a key id."""
    try:
        return fields.model(value, "") is not None
    except LineRefused:
        return False


@lru_cache(maxsize=1024)
def label(value: str) -> bool:
    """Tell whether a text is a finish reason or a tier."""
    try:
        return fields.label(value, "") is not None
    except LineRefused:
        return False


def is_usual_object(value: str | None) -> bool:
    """Tell whether ``object`` leaves it open, or says, that a body is a chat completion."""
    return value is None or value.startswith("chat.completion")


def instant_us(value: str) -> int | None:
    """Return microseconds since 1970 of an RFC 3339 instant: minute, second and the rest are worked out once for all that share them."""
    minute, second, rest = _minute_us(value[:17]), _SECONDS.get(value[17:19]), _rest_us(value[19:])
    if minute is None or second is None or rest is None:
        return None
    at = minute + second + rest
    return at if _FIRST_US <= at <= _LAST_US else None


@lru_cache(maxsize=4096)
def _minute_us(text: str) -> int | None:
    return _us(text + "00Z")


@lru_cache(maxsize=8192)
def _rest_us(text: str) -> int | None:
    at = _us(_SOME_SECOND + text)
    return None if at is None else at - _SOME_US


def _us(text: str) -> int | None:
    try:
        return instants.instant_us(text)
    except LineRefused:
        return None
