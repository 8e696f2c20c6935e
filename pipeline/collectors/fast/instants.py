"""Instants as ``pipeline.collectors.formats.instants`` reads them.

One by one with what they share worked out once, or many at once.

Owns the caches, which are bounded, and the way through numpy for texts that are written alike. ``None`` where the plain
reader must look.
"""

from __future__ import annotations

from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pipeline.collectors.formats import instants
from pipeline.collectors.refusal import LineRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

_SECONDS = {f"{second:02}": second * 1_000_000 for second in range(60)}
_FIRST_US, _LAST_US = instants.instant_us("2000-01-01T00:00:00Z"), instants.instant_us("2099-12-31T23:59:59.999999Z")
_SOME_SECOND = "2020-01-01T00:00:00"
_SOME_US = instants.instant_us(_SOME_SECOND + "Z")


def instants_us(texts: Sequence[bytes]) -> list[int | None]:
    """Return microseconds since 1970 of instants in RFC 3339 with an offset, or of epoch seconds or milliseconds."""
    found = _alike(texts) if b"-" in texts[0] and set(map(len, texts)) == {len(texts[0])} else None
    return found or [_one(text.decode("ascii")) for text in texts]


def _alike(texts: Sequence[bytes]) -> list[int | None] | None:
    """Return the same of dates and times that are equally long.

    ``None`` where the first or one with its offset is none.
    """
    first, size = _one(texts[0].decode("ascii")), len(texts[0])
    offset_size = 1 if texts[0].endswith(b"Z") else len("+00:00")
    letters = np.frombuffer(b"".join(texts), np.uint8).reshape(len(texts), size)
    if first is None:
        return None
    elsewhere = np.flatnonzero((letters[:, -offset_size:] != letters[0, -offset_size:]).any(axis=1)).tolist()
    try:
        local = (
            np.frombuffer(letters[:, :-offset_size].tobytes(), f"S{size - offset_size}")
            .astype("datetime64[us]")
            .astype(np.int64)
        )
    except ValueError:  # no date of the calendar
        return None
    found: list[int] = (local - (int(local[0]) - first)).tolist()
    checked = [at if _FIRST_US <= at <= _LAST_US else None for at in found]
    for index in elsewhere:
        checked[index] = _one(texts[index].decode("ascii"))
    return checked


def _one(text: str) -> int | None:
    return instant_us(text) if "-" in text else _us(int(text) if text.isdigit() else Decimal(text))


def instant_us(value: str) -> int | None:
    """Return microseconds since 1970 of a date and time with an offset.

    Minute, second and the rest are worked out once for all that share them.
    """
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


def _us(value: str | int | Decimal) -> int | None:
    try:
        return instants.instant_us(value)
    except LineRefused:
        return None
