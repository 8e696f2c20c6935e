"""Looks at the bytes of a block, all at once: where one of them stands, and whether they are UTF-8.

Owns the scan. Packing its answers into bits first makes finding the few that are set three times as fast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from typing import TypeAlias

    Bytes: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint8]]
    Words: TypeAlias = np.ndarray[tuple[int], np.dtype[np.uint64]]
    Positions: TypeAlias = np.ndarray[tuple[int], np.dtype[np.int64]]
    Flags: TypeAlias = np.ndarray[tuple[int], np.dtype[np.bool_]]

_FEW_BYTES = 2**14


def positions_of(block: bytes | memoryview, byte: int) -> Positions:
    """Return the ascending offsets at which ``byte`` stands in ``block``."""
    return set_positions(np.frombuffer(block, np.uint8) == byte)


def set_positions(flags: Flags) -> Positions:
    """Return the ascending indices of the flags that are set; fast where they are few."""
    packed = np.packbits(flags)
    at = np.flatnonzero(packed != 0)
    bits = np.flatnonzero(np.unpackbits(packed[at]).view(np.bool_))
    positions: Positions = at[bits >> 3] * 8 + (bits & 7)
    return positions


def is_utf8(content: bytes | memoryview) -> bool:
    """Tell whether bytes are UTF-8; of many, without making text of them."""
    if len(content) <= _FEW_BYTES:
        try:
            str(content, "utf-8")
        except UnicodeDecodeError:
            return False
        return True
    text = pa.Array.from_buffers(
        pa.string(), 1, [None, pa.py_buffer(np.array([0, len(content)], np.int32)), pa.py_buffer(content)]
    )
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True
