"""Instants of many rows at once, as ``pipeline.collectors.instants`` reads them one by one.

Owns the way through numpy for texts that are written alike. ``None`` where the plain reader must look.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from pipeline.collectors.instants import instant_us
from pipeline.collectors.refusal import LineRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

_FIRST_US, _LAST_US = instant_us("2000-01-01T00:00:00Z"), instant_us("2099-12-31T23:59:59.999999Z")


def instants_us(texts: Sequence[bytes]) -> list[int | None]:
    """Return microseconds since 1970 of instants in RFC 3339 with an offset, or of epoch seconds or milliseconds."""
    found = _alike(texts) if b"-" in texts[0] and set(map(len, texts)) == {len(texts[0])} else None
    return found or [_one(text.decode("ascii")) for text in texts]


def _alike(texts: Sequence[bytes]) -> list[int | None] | None:
    """Return the same of dates and times that are equally long, ``None`` where the first or one with its offset is none."""
    first, size = _one(texts[0].decode("ascii")), len(texts[0])
    offset_size = 1 if texts[0].endswith(b"Z") else len("+00:00")
    letters = np.frombuffer(b"".join(texts), np.uint8).reshape(len(texts), size)
    if first is None:
        return None
    elsewhere = np.flatnonzero((letters[:, -offset_size:] != letters[0, -offset_size:]).any(axis=1)).tolist()
    try:
        local = np.frombuffer(letters[:, :-offset_size].tobytes(), f"S{size - offset_size}").astype("datetime64[us]").astype(np.int64)
    except ValueError:  # no date of the calendar
        return None
    found: list[int] = (local - (int(local[0]) - first)).tolist()
    instants = [at if _FIRST_US <= at <= _LAST_US else None for at in found]
    for index in elsewhere:
        instants[index] = _one(texts[index].decode("ascii"))
    return instants


def _one(text: str) -> int | None:
    try:
        return instant_us(text if "-" in text else int(text) if text.isdigit() else Decimal(text))
    except LineRefused:
        return None
