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


def beginnings_in(texts: Array) -> Array:
    """Return where in some bytes a raw key may have begun: the places behind the beginnings of keys, ascending.

    Two characters are looked up at each place, which rules out nearly all of them.
    """
    pairs = texts[:-1].astype(np.uint16)
    pairs <<= 8
    pairs |= texts[1:]
    last = np.flatnonzero(_LAST.take(pairs))
    if not len(last):
        return last
    last = last[_BEFORE_LAST.take(pairs[last - 1])]  # of the first place, which is before no other, anything
    ends = last + 2
    is_end = np.zeros(len(ends), np.bool_)
    for beginning in BEGINNINGS:
        is_here = ends >= len(beginning)
        for back, character in enumerate(reversed(beginning.encode()), start=1):
            is_here &= texts[np.maximum(ends - back, 0)] == character
        is_end |= is_here
    found: Array = ends[is_end]
    return found


def _having(pairs: set[str]) -> Array:
    """Return of every two characters whether they are among some."""
    found = np.zeros(2**16, np.bool_)
    found[[int.from_bytes(pair.encode(), "big") for pair in pairs]] = True
    return found


_LAST = _having({beginning[-2:] for beginning in BEGINNINGS})
_BEFORE_LAST = _having({beginning[-3:-1] for beginning in BEGINNINGS})
