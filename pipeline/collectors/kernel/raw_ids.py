"""Which ids may be raw keys: looked for in the bytes of many ids at once, where hardly ever is one.

Owns the search for how raw keys begin. Does not own their forms, nor which of the ids found are keys (``raw_keys``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.base.raw_keys import BEGINNINGS

if TYPE_CHECKING:
    from typing import TypeAlias

    Array: TypeAlias = np.ndarray[Any, Any]

_CHARACTERS = 3
"""So many of the last characters of beginnings the kernel looks at; each has as many."""
_GROUPS = 8


def are_beginnings(texts: Array, ends: Array) -> Array:
    """Return of places in some bytes whether the beginning of a raw key ends just before them."""
    is_end = np.zeros(len(ends), np.bool_)
    for beginning in BEGINNINGS if len(ends) else ():
        is_here = ends >= len(beginning)
        for back, character in enumerate(reversed(beginning.encode()), start=1):
            is_here &= texts[np.maximum(ends - back, 0)] == character
        is_end |= is_here
    return is_end


def _endings() -> Array:
    """Return the tables by which the kernel rules places out: for each of the last characters, by its two halves.

    They have a bit for each group of beginnings that end alike. What all six of a place say of none is no beginning.
    """
    last = sorted({beginning[-1] for beginning in BEGINNINGS})
    tables = np.zeros((_CHARACTERS, 2, 16), np.uint8)
    for beginning in BEGINNINGS:
        group = 1 << last.index(beginning[-1]) % _GROUPS
        for which, character in enumerate(beginning[-_CHARACTERS:].encode()):
            tables[which, 0, character & 15] |= group
            tables[which, 1, character >> 4] |= group
    return tables


def _pairs() -> Array:
    """Return a bit for each two characters, those of a byte from the lowest on: whether a beginning ends with them."""
    is_end = np.zeros(2**16, np.uint8)
    is_end[[int.from_bytes(beginning[-2:].encode(), "big") for beginning in BEGINNINGS]] = 1
    return np.packbits(is_end, bitorder="little")


ENDINGS, PAIRS = _endings(), _pairs()
