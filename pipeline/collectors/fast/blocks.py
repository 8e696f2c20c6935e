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
    ends = np.cumsum(np.fromiter(map(len, small), np.int64, len(small)) + 1) - 1 + len(PADDING)
    handed_over, has_request = suspects(b"".join((PADDING, b"\n".join(small), PADDING)), ends, depth_max=log_format.depth_max)
    rows: list[EventRow | QuarantineRow | None] = []
    quick = 0
    edges = [0, *(begin for begin, _ in spans[1:]), len(block)]  # the first line may begin with a BOM
    for index, content in enumerate(small):
        begin, end = spans[index]
        place = first_line + index, start + edges[index], start + edges[index + 1]
        row: EventRow | QuarantineRow | None = None
        if content and index not in handed_over:
            row = lines.read(
                content, cut.get(index), place, has_request=has_request[index], source=source, log_format=log_format, fingerprint=fingerprint
            )
            quick += row is not None
        rows.append(row or decode.decode_line(Line(*place, block[begin:end]), source=source, log_format=log_format, fingerprint=fingerprint))
    return rows, quick
