"""A block of whole lines to rows, in their order: cut what repeats, ask the gate, decode; the rest goes to the plain reader.

Owns the order of these steps. Rows are those of ``decode.decode_line``, for every line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.collectors import decode
from pipeline.collectors.fast import lines
from pipeline.collectors.fast.condense import condensed
from pipeline.collectors.fast.gate import PADDING, suspects
from pipeline.collectors.lines import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.collectors.decode import EventRow, QuarantineRow
    from pipeline.collectors.log_format import LogFormat

_GATE_BYTES = 2**19
QUICK_BYTES_MAX = 2**16
"""A line that is longer than this, and could not be cut, is the plain reader's."""

np.empty(2**24, np.uint8)  # glibc keeps freed memory once it has given back a block of that size: without this every array costs page faults


def is_quick(log_format: LogFormat) -> bool:
    """Tell whether the quick way is open for a log: one that calls its fields by our names and does not fix its dialect."""
    return not log_format.fields and log_format.dialect is None


def decode_block(
    block: bytes, spans: Sequence[tuple[int, int]], *, start: int, first_line: int, source: str, log_format: LogFormat, fingerprint: Callable[[str], str]
) -> tuple[list[EventRow | QuarantineRow | None], int]:
    """Return the row of every line, ``None`` for a blank one, as ``decode.decode_line`` does, and how many took the quick way.

    ``spans`` are the lines in ``block`` without their terminators, each followed by CRLF or LF; ``start`` is the offset of the
    block in the log, ``first_line`` the number of its first line. Raises what ``fingerprint`` raises.
    """
    cut = condensed(block, spans)
    small = [cut[index].content if index in cut else block[begin:end] if end - begin <= QUICK_BYTES_MAX else b"" for index, (begin, end) in enumerate(spans)]
    handed_over, has_request = _asked(small, log_format.depth_max)
    rows: list[EventRow | QuarantineRow | None] = []
    quick = 0
    edges = [0, *(begin for begin, _ in spans[1:]), len(block)]  # the first line may begin with a BOM
    for index, content in enumerate(small):
        begin, end = spans[index]
        place = first_line + index, start + edges[index], start + edges[index + 1]
        row: EventRow | QuarantineRow | None = None
        if content and index not in handed_over:
            row = lines.read(content, cut.get(index), place, has_request=has_request[index], source=source, log_format=log_format, fingerprint=fingerprint)
            quick += row is not None
        rows.append(row or decode.decode_line(Line(*place, block[begin:end]), source=source, log_format=log_format, fingerprint=fingerprint))
    return rows, quick


def _asked(small: Sequence[bytes], depth_max: int) -> tuple[set[int], list[bool]]:
    """Ask the gate about lines, as many at once as are best worked on together."""
    sizes = np.fromiter(map(len, small), np.int64, len(small)) + 1
    handed_over: set[int] = set()
    has_request: list[bool] = []
    at, edges = 0, np.cumsum(sizes)
    while at < len(small):
        to = max(int(np.searchsorted(edges, (edges[at - 1] if at else 0) + _GATE_BYTES)), at + 1)
        ends = np.cumsum(sizes[at:to]) - 1 + len(PADDING)
        suspected, asking = suspects(b"".join((PADDING, b"\n".join(small[at:to]), PADDING)), ends, depth_max=depth_max)
        handed_over.update(index + at for index in suspected)
        has_request += asking
        at = to
    return handed_over, has_request
