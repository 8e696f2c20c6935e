r"""Many lines of JSON at once: where their strings begin and end.

Owns the proof that what stands between two quotes of a line is text of a string: every backslash begins an escape, no character needs
one, and each quote that is no part of an escape is known. Does not own what the lines say, nor whether they are UTF-8.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.collectors.fast.positions import positions_of, rows_of, set_positions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.fast.positions import Positions

MARGIN_BYTES = 256
"""So many bytes follow the last line, so that looking beyond a line needs no care."""

_QUOTE, _BACKSLASH, _LINE_FEED = b'"\\\n'
_FIRST_PLAIN = 0x20


class QuotedLines(NamedTuple):
    """Lines, one after the other, and the quotes at which their strings begin and end."""

    content: bytes
    starts: Positions
    ends: Positions
    marks: Positions
    """Where there is such a quote, or the end of a line, in all lines."""
    firsts: Positions
    """For each line the index in ``marks`` of its first."""
    counts: Positions
    """How many a line has, its end among them; 0 for a line with bytes that no JSON has there."""


def quoted(lines: Sequence[bytes]) -> QuotedLines:
    """Find the strings of lines, which hold no line feed."""
    content = b"\n".join([*lines, bytes(MARGIN_BYTES)])
    ends = np.cumsum(np.fromiter(map(len, lines), np.int64, len(lines)) + 1) - 1
    starts = np.concatenate([[0], ends[:-1] + 1])
    letters = np.frombuffer(content, np.uint8)
    is_quote = letters == _QUOTE
    escapes = _escapes(positions_of(content, _BACKSLASH))
    escaped = letters[escapes + 1]
    is_quote[escapes[escaped == _QUOTE] + 1] = False
    numbered = escapes[escaped == ord("u")]
    is_number = _IS_HEX[rows_of(content, numbered + 2, 4).view(np.uint8)].reshape(-1, 4).all(axis=1)
    below = set_positions(letters < _FIRST_PLAIN)
    wrong = np.concatenate([escapes[~_IS_ESCAPE[escaped]], numbered[~is_number], below[letters[below] != _LINE_FEED]])
    is_quote[ends] = True
    marks = set_positions(is_quote)
    edges = np.searchsorted(marks, ends) + 1
    counts = np.diff(edges, prepend=0)
    owners = np.searchsorted(starts, wrong, "right") - 1
    counts[owners[wrong < ends[owners]]] = 0
    return QuotedLines(content, starts, ends, marks, np.append(0, edges[:-1]), counts)


def _escapes(backslashes: Positions) -> Positions:
    """Return those that begin an escape: of several in a row, the first, the third, and so on."""
    is_first = np.append(True, np.diff(backslashes) != 1)[: len(backslashes)]
    if is_first.all():
        return backslashes
    index = np.arange(len(backslashes))
    begins: Positions = backslashes[(index - np.maximum.accumulate(np.where(is_first, index, 0))) % 2 == 0]
    return begins


def _among(letters: bytes) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    is_among = np.zeros(256, np.bool_)
    is_among[list(letters)] = True
    return is_among


_IS_ESCAPE = _among(b'"\\/bfnrtu')
_IS_HEX = _among(b"0123456789abcdefABCDEF")
