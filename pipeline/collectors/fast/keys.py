"""Keys that a line may state twice in one object, among those that decide an event; found in a whole block at once.

A quick decoder takes the last of two. So every key in the block is looked up: the bytes before a quote and a colon. Outside a
string that is a key; inside one the quote would be escaped. A key of ours may come once in a line, whichever object holds it,
but for ``model``, which has two places, and for what a request calls like the keys of a body.

Owns the list of keys. Does not own what they mean (``lines``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.collectors.fast.positions import positions_of

if TYPE_CHECKING:
    from pipeline.collectors.fast.positions import Bytes, Flags, Positions, Words

LINE_KEYS = ("ts", "request_id", "api_key", "api_key_id", "status", "method", "path", "request", "response")
SHARED_KEYS = ("model", "stream", "n")
BODY_KEYS = (
    *("id", "object", "choices", "usage", "service_tier", "finish_reason"),
    *("prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"),
    *("cached_tokens", "cache_write_tokens", "reasoning_tokens"),
)
_KEYS = (*LINE_KEYS, *SHARED_KEYS, *BODY_KEYS)
_REQUEST, _RESPONSE = _KEYS.index("request"), _KEYS.index("response")
_FIRST_SHARED, _FIRST_BODY = len(LINE_KEYS), len(LINE_KEYS) + len(SHARED_KEYS)
_CLASSES = 64

_QUOTE, _COLON, _BACKSLASH = b'":\\'
_IS_BLANK = np.zeros(256, np.bool_)
_IS_BLANK[list(b" \t\r\n")] = True
_BLANKS_MAX = 4

_QUOTES = np.uint64(0x2222222222222222)
_BACKSLASHES = np.uint64(0x5C5C5C5C5C5C5C5C)
_ONES = np.uint64(0x0101010101010101)
_HIGH_BITS = np.uint64(0x8080808080808080)
_LOW_BITS = np.uint64(0x7F7F7F7F7F7F7F7F)
_FACTORS = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)
_TABLE_BITS = 12
_NOWHERE = np.iinfo(np.int64).max


def repeating(padded: bytes, block: Bytes, ends: Positions) -> tuple[Positions, Flags]:
    """Return the lines (as ``gate.suspects`` counts them) in which a key of ours may be stated twice in one object.

    What comes after the key ``request`` and not after ``response`` is believed to be a request, and there keys of a body may repeat. So
    also returned is which lines have that key: it must be the line's own.
    """
    closing, odd = _closing_quotes(padded, block)
    known, escaped = _classes(padded, closing)
    is_ours = known >= 0
    at, known = closing[is_ours], known[is_ours]
    line = np.searchsorted(ends, at, side="right")
    request, response = _place(known == _REQUEST, at, line, len(ends)), _place(known == _RESPONSE, at, line, len(ends))
    is_asked = (at > request[line]) & ((at < response[line]) | (response[line] < request[line]))
    counted = known * 2 + (is_asked & (known >= _FIRST_SHARED))
    counted = counted[~(is_asked & (known >= _FIRST_BODY))]
    line = line[~(is_asked & (known >= _FIRST_BODY))]
    counts = np.bincount(line * _CLASSES + counted, minlength=len(ends) * _CLASSES)
    found = np.concatenate([np.flatnonzero(counts > 1) // _CLASSES, np.searchsorted(ends, np.concatenate([odd, escaped]), side="right")])
    return found, request < _NOWHERE


def _closing_quotes(padded: bytes, block: Bytes) -> tuple[Positions, Positions]:
    """Return the quotes that close keys, and places where a key's colon comes after more blanks than are looked at."""
    last = positions_of(padded, _COLON) - 1
    odd = np.empty(0, np.int64)
    if (is_blank := _IS_BLANK[block[last]]).any():
        apart = last[is_blank]
        last = last[~is_blank]
        for _ in range(_BLANKS_MAX):
            apart = apart - _IS_BLANK[block[apart]]
        odd = apart[_IS_BLANK[block[apart]]]
        last = np.sort(np.concatenate([last, apart]))
    last = last[block[last] == _QUOTE]
    return last[block[last - 1] != _BACKSLASH], odd


def _classes(padded: bytes, closing: Positions) -> tuple[Positions, Positions]:
    """Return for each quote which of ``_KEYS`` it closes, or -1, and the quotes of keys that hold an escape.

    Keys of more than 16 characters are told by their last 16; one of at most 16 that has an escape has a backslash in its last 24.
    """
    words = np.ndarray(len(padded) - 7, "V8", padded, 0, (1,))
    low, low_ends = _without_opening(words[closing - 8].view("<u8"))
    high, high_ends = _without_opening(words[closing - 16].view("<u8"))
    high[low_ends] = 0
    rest = np.flatnonzero(~(low_ends | high_ends))
    third, _ = _without_opening(words[closing[rest] - 24].view("<u8"))
    escaped = np.concatenate([closing[_has(low, _BACKSLASHES) | _has(high, _BACKSLASHES)], closing[rest[_has(third, _BACKSLASHES)]]])
    candidate = _SLOTS[_slot(low, high)]
    return np.where((_LOW[candidate] == low) & (_HIGH[candidate] == high), candidate, -1), escaped


def _has(words: Words, eight: np.uint64) -> Flags:
    """Tell which words hold a byte, given eight times."""
    differs = words ^ eight
    has: Flags = ((differs - _ONES) & ~differs & _HIGH_BITS) != 0
    return has


def _without_opening(words: Words) -> tuple[Words, Flags]:
    """Clear the last quote in each word (its last byte is the highest) and all before it, and tell where there was one."""
    differs = words ^ _QUOTES
    marks = ~(((differs & _LOW_BITS) + _LOW_BITS) | differs | _LOW_BITS)  # 0x80 in each byte that is a quote
    for shift in (8, 16, 32):
        marks |= marks >> np.uint64(shift)
    return words & ~((marks >> np.uint64(7)) * np.uint64(0xFF)), (marks != 0)


def _slot(low: Words, high: Words) -> Words:
    return ((low * _FACTORS[0]) ^ (high * _FACTORS[1])) >> np.uint64(64 - _TABLE_BITS)


def _place(is_key: Flags, at: Positions, line: Positions, lines: int) -> Positions:
    """Return for each line where the key stands; beyond everything where it does not."""
    place = np.full(lines, _NOWHERE)
    place[line[is_key]] = at[is_key]
    return place


_WORDS = np.array([(f'"{key}'.encode().rjust(16, b'"')[-16:]) for key in _KEYS], "S16").view("<u8").reshape(-1, 2)
_LOW, _ = _without_opening(_WORDS[:, 1].copy())
_HIGH = np.where(_without_opening(_WORDS[:, 1].copy())[1], 0, _without_opening(_WORDS[:, 0].copy())[0]).astype(np.uint64)
_SLOTS = np.zeros(2**_TABLE_BITS, np.int64)
_SLOTS[_slot(_LOW, _HIGH)] = np.arange(len(_KEYS))
if len(set(_slot(_LOW, _HIGH).tolist())) != len(_KEYS):
    message = "two keys share a slot; take other factors"
    raise ValueError(message)
