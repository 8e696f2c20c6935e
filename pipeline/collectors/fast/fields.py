"""The checks of ``pipeline.collectors.fields`` for values that repeat or are plain, without their words.

Owns the caches, which are bounded. False or ``None`` means that the plain reader must look.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from pipeline.collectors import fields

_IDENTIFIER_MAX = 256


def is_identifier(value: Any) -> bool:
    """Tell whether a value is an id that is kept as it is, or absent."""
    if type(value) is not str:
        return value is None
    if len(value) <= _IDENTIFIER_MAX and value.isascii() and value.replace("-", "").isalnum():
        return True
    return not value or fields.IDENTIFIER.fullmatch(value) is not None


def is_model(value: Any) -> bool:
    """Tell whether a value is a model or a key id that is kept as it is, or absent."""
    return value is None or (type(value) is str and _is_model(value))


def is_label(value: Any) -> bool:
    """Tell whether a value is a finish reason or a tier that is kept as it is, or absent."""
    return value is None or (type(value) is str and _is_label(value))


def is_usual_object(value: Any) -> bool:
    """Tell whether ``object`` leaves it open, or says, that a body is a chat completion."""
    return value is None or (type(value) is str and value.startswith("chat.completion"))


@lru_cache(maxsize=4096)
def _is_model(value: str) -> bool:
    return not value or fields.MODEL.fullmatch(value) is not None


@lru_cache(maxsize=1024)
def _is_label(value: str) -> bool:
    return not value or fields.LABEL.fullmatch(value) is not None
