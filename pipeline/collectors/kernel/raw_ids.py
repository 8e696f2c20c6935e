"""Which ids may be raw keys: what the kernel looks for in the bytes of many ids at once, where hardly ever is one.

Owns the tables by which it does. Does not own the forms of keys, nor which of the ids found are keys (``raw_keys``).
"""

from __future__ import annotations

from itertools import groupby, product
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.base.raw_keys import BEGINNINGS

if TYPE_CHECKING:
    from typing import TypeAlias

    Array: TypeAlias = np.ndarray[Any, Any]

_CHARACTERS = 3
"""So many of the last characters of beginnings the kernel looks at first; each has as many."""
_GROUPS = 8
_BEGINNINGS_MAX, _BEGINNING_BYTES_MAX = 32, 24
"""Twin: ``source/raw_keys.h``."""


def _endings() -> Array:
    """Return the tables by which the kernel rules places out: for each of the last characters, by its two halves.

    They have a bit for each group of beginnings that end alike. What all six of a place say of none is no beginning.
    """
    by_ending = sorted(BEGINNINGS, key=lambda beginning: beginning[::-1])
    groups = [list(alike) for _, alike in groupby(by_ending, key=lambda beginning: beginning[-1])]
    while len(groups) < _GROUPS:
        largest = max(groups, key=len)
        groups += [largest[len(largest) // 2 :]]
        del largest[len(largest) // 2 :]
    tables = np.zeros((_CHARACTERS, 2, 16), np.uint8)
    for number, group in enumerate(groups):
        for beginning, which in product(group, range(_CHARACTERS)):
            character = ord(beginning[-_CHARACTERS + which])
            tables[which, 0, character & 15] |= 1 << number % _GROUPS
            tables[which, 1, character >> 4] |= 1 << number % _GROUPS
    return tables


def _beginnings() -> Array:
    """Return the beginnings: a row has the size of one, and ends with its text."""
    rows = np.zeros((_BEGINNINGS_MAX, _BEGINNING_BYTES_MAX), np.uint8)
    for row, beginning in zip(rows, BEGINNINGS, strict=False):
        row[0], row[-len(beginning) :] = len(beginning), np.frombuffer(beginning.encode(), np.uint8)
    return rows


ENDINGS, KEY_BEGINNINGS = _endings(), _beginnings()
