"""A block of whole lines to rows, in their order: cut what repeats, read what is usual; the rest goes to the plain reader.

Owns the order of these steps. Rows are those of ``decode.decode_line``, for every line.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.collectors import decode
from pipeline.collectors.decode import EventRow
from pipeline.collectors.fast.condense import DEPTH, condensed
from pipeline.collectors.fast.lines import QuickReader
from pipeline.collectors.fast.positions import set_positions
from pipeline.collectors.lines import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.collectors.decode import Row
    from pipeline.collectors.fast.condense import Condensed
    from pipeline.collectors.log_format import LogFormat

_WINDOW_BYTES = 2**19
_LOWER = np.uint8(0x20)
_OPENING = ord("{")  # "[" with the bit of lower case is "{"

np.empty(2**24, np.uint8)  # glibc keeps freed memory once it has given back a block of that size: without this every array costs page faults


class DecodedLines(NamedTuple):
    """What some lines amount to, in the order of the log."""

    events: list[Row]
    """The values of ``schemas.USAGE_EVENTS``."""
    quarantined: list[Row]
    """The values of ``schemas.QUARANTINE``."""
    blank: int
    quick: int
    """How many took the quick way."""


def is_quick(log_format: LogFormat) -> bool:
    """Tell whether the quick way is open for a log: one that calls its fields by our names and does not fix its dialect."""
    return not log_format.fields and log_format.dialect is None


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockDecoder:
    """Decodes the blocks of one log; its methods raise what ``fingerprint`` raises."""

    source: str
    log_format: LogFormat
    fingerprint: Callable[[str], str]

    def decoded(self, block: bytes, spans: Sequence[tuple[int, int]], *, start: int, first_line: int) -> DecodedLines:
        """Return what ``decode.decode_line`` returns for each line.

        ``spans`` are the lines in ``block`` without their terminators, each followed by CRLF or LF; ``start`` is the offset of the
        block in the log, ``first_line`` the number of its first line.
        """
        is_collecting = gc.isenabled()
        gc.disable()  # there are no cycles in what is made here, and a hundred thousand tuples to look for them in
        try:
            return self._decoded(block, spans, start, first_line)
        finally:
            if is_collecting:
                gc.enable()

    def _decoded(self, block: bytes, spans: Sequence[tuple[int, int]], start: int, first_line: int) -> DecodedLines:
        cut = condensed(block, spans) if self.log_format.depth_max >= DEPTH else {}
        brackets = _brackets(block, spans, cut)
        reader = QuickReader(
            source=self.source, depth_max=self.log_format.depth_max, prefers_request_id=self.log_format.identity == "request-id", fingerprint=self.fingerprint
        )
        events: list[Row] = []
        quarantined: list[Row] = []
        blank = quick = 0
        edges = [start, *(start + begin for begin, _ in spans[1:]), start + len(block)]  # the first line may begin with a BOM
        for index, (begin, end) in enumerate(spans):
            place = first_line + index, edges[index], edges[index + 1]
            its_cut = cut.get(index)
            content = block[begin:end] if its_cut is None else its_cut.content
            values = reader.read(content, its_cut, place, brackets[index])
            if values is not None:
                quick += 1
                events.append(values)
                continue
            row = decode.decode_line(Line(*place, block[begin:end]), source=self.source, log_format=self.log_format, fingerprint=self.fingerprint)
            if row is None:
                blank += 1
            else:
                (events if isinstance(row, EventRow) else quarantined).append(row.values)
        return DecodedLines(events, quarantined, blank, quick)


def _brackets(block: bytes, spans: Sequence[tuple[int, int]], cut: Mapping[int, Condensed]) -> list[int]:
    """Count the brackets that each line opens, in strings too; of a line that was cut, those that are left."""
    counts: list[int] = []
    first = 0
    while first < len(spans):
        if first in cut:
            counts.append(cut[first].content.count(b"{") + cut[first].content.count(b"["))
            first += 1
            continue
        begin, last = spans[first][0], first + 1
        while last < len(spans) and last not in cut and spans[last][1] - begin <= _WINDOW_BYTES:
            last += 1
        opened = set_positions((np.frombuffer(block, np.uint8, spans[last - 1][1] - begin, begin) | _LOWER) == _OPENING)
        edges = np.searchsorted(opened, np.array([spans[at][0] - begin for at in range(first, last)], np.int64))
        counts += np.diff(edges, append=len(opened)).tolist()
        first = last
    return counts
