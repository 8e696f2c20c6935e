"""The checks of ``pipeline.collectors.fields`` and ``instants`` for values that repeat or are plain, without their words.

Owns the caches, which are bounded. False or ``None`` means that the plain reader must look.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pipeline.collectors import fields, instants
from pipeline.collectors.refusal import LineRefused

_IDENTIFIER_MAX = 256
_SECONDS = {f"{second:02}": second * 1_000_000 for second in range(60)}
_FIRST_US, _LAST_US = instants.instant_us("2000-01-01T00:00:00Z"), instants.instant_us("2099-12-31T23:59:59.999999Z")
_SOME_SECOND = "2020-01-01T00:00:00"
_SOME_US = instants.instant_us(_SOME_SECOND + "Z")


def is_identifier(value: Any) -> bool:
    """Tell whether a value is an id, or absent."""
    if type(value) is not str:
        return value is None
    if len(value) <= _IDENTIFIER_MAX and value.isascii() and value.replace("-", "").isalnum():
        return True
    try:
        fields.identifier(value, "")
    except LineRefused:
        return False
    return True


def is_model(value: Any) -> bool:
    """Tell whether a value is a model or a key id, or absent."""
    return value is None or (type(value) is str and _is_model(value))


def is_label(value: Any) -> bool:
    """Tell whether a value is a finish reason or a tier, or absent."""
    return value is None or (type(value) is str and _is_label(value))


def is_usual_object(value: Any) -> bool:
    """Tell whether ``object`` leaves it open, or says, that a body is a chat completion."""
    return value is None or (type(value) is str and value.startswith("chat.completion"))


@lru_cache(maxsize=4096)
def _is_model(value: str) -> bool:
    try:
        fields.model(value, "")
    except LineRefused:
        return False
    return True


@lru_cache(maxsize=1024)
def _is_label(value: str) -> bool:
    try:
        fields.label(value, "")
    except LineRefused:
        return False
    return True


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
