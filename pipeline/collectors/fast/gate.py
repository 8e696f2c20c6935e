"""What the quick decoder would take and the strict one refuses: found in a whole block of lines at once.

The quick decoder knows the grammar of JSON and checks the types of what is read. It does not see: bytes that are no UTF-8 in
text that it steps over, numbers beyond the range of a double there, depth, and keys stated twice. Lines in which any of
these *may* be are named here; it does no harm to name too many, for they are read by the plain reader.

Owns the suspicion. Does not own the verdict (``pipeline.collectors.decode``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.collectors.fast.keys import repeating
from pipeline.collectors.fast.positions import set_positions

if TYPE_CHECKING:
    from pipeline.collectors.fast.positions import Bytes, Flags, Positions

PADDING = b"\n" * 64
"""Before and after a block, so that looking around never leaves it."""

_DIGITS = b"0123456789"
_EXPONENT = ord("e")
_LOWER = 0x20
_BRACE = ord("{")  # "[" with the bit of lower case is "{"
_BACK = 24
_DIGITS_MANY = 200  # a double has 309 digits before the point at most; with an exponent of two digits it takes 210
_EIGHT_TRUE = np.uint64(0x0101010101010101)


def _table(members: bytes) -> Flags:
    table = np.zeros(256, np.bool_)
    table[list(members)] = True
    return table


_IS_NUMERIC = _table(_DIGITS + b".")
_BEFORE_NUMBER = _table(b":,[ \t\r\n")
_MINUS = ord("-")
_FOLLOWS_EXPONENT = _table(_DIGITS + b"+-")


def suspects(padded: bytes, ends: Positions, *, depth_max: int) -> tuple[set[int], list[bool]]:
    """Return the indices of lines that the plain reader must read, and which lines have a key ``request`` (see ``keys``).

    Line ``i`` of ``padded`` ends before ``ends[i]``, an LF; ``padded`` is the block between two ``PADDING``.
    """
    block = np.frombuffer(padded, np.uint8)
    repeats, has_request = repeating(padded, block, ends)
    found = np.concatenate([_not_utf8(padded, ends), _deep(block, ends, depth_max), _beyond_double(block, ends), repeats])
    return set(found.tolist()), has_request.tolist()


def _not_utf8(padded: bytes, ends: Positions) -> Positions:
    if padded.isascii() or _is_utf8(padded):
        return np.empty(0, np.int64)
    starts = np.concatenate([[0], ends[:-1]]).tolist()
    return np.array([line for line, (start, end) in enumerate(zip(starts, ends.tolist(), strict=True)) if not _is_utf8(padded[start:end])], np.int64)


def _is_utf8(content: bytes) -> bool:
    offsets = np.array([0, len(content)], np.int64)
    text = pa.Array.from_buffers(pa.large_string(), 1, [None, pa.py_buffer(offsets), pa.py_buffer(content)])
    try:
        text.validate(full=True)  # several times faster than decoding, which makes wide text of a single wide character
    except pa.ArrowInvalid:
        return False
    return True


def _deep(block: Bytes, ends: Positions, depth_max: int) -> Positions:
    openings = set_positions((block | _LOWER) == _BRACE)
    counts = np.diff(np.searchsorted(openings, ends), prepend=0)
    return np.flatnonzero(counts > depth_max)


def _beyond_double(block: Bytes, ends: Positions) -> Positions:
    """Return the lines with a number of which the exponent has three digits, or a sign and two, or the rest very many."""
    is_digit = (block - _DIGITS[0]) < 10  # noqa: PLR2004 - the digits
    is_hit = ((block[1:-1] | _LOWER) == _EXPONENT) & is_digit[:-2]
    at = set_positions(is_hit) + 1
    at = at[_FOLLOWS_EXPONENT[block[at + 1]]]
    at = at[_IS_NUMERIC[block[at + 2]] & _IS_NUMERIC[block[at + 3]]]  # three digits, or a sign and two
    before = block[(at - _BACK)[:, None] + np.arange(_BACK)][:, ::-1]
    is_other = ~_IS_NUMERIC[before]
    rows, first = np.arange(len(at)), is_other.argmax(axis=1)
    nearest, second = before[rows, first], before[rows, np.minimum(first + 1, _BACK - 1)]
    is_number = ~is_other[rows, first] | _BEFORE_NUMBER[nearest] | ((nearest == _MINUS) & (_BEFORE_NUMBER[second] | (first == _BACK - 1)))
    words = np.flatnonzero(is_digit[: len(is_digit) // 8 * 8].view(np.uint64) == _EIGHT_TRUE)
    span = _DIGITS_MANY // 8 - 2
    long = words[: max(len(words) - span, 0)]
    long = long[words[span:] - long == span] * 8
    return np.searchsorted(ends, np.concatenate([at[is_number], long]), side="right")
