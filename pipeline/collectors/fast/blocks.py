"""A block of whole lines to rows.

Cut what repeats, match lines by the patterns that are known, read the others one by one and learn from them.

Owns the order of these steps, and which line a pattern may be learned from. Rows are those of ``decode.decode_line``,
for every line.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, NamedTuple

from pipeline.collectors import decode
from pipeline.collectors.decode import EventRow
from pipeline.collectors.event_columns import EventColumns, own_of, shared_of
from pipeline.collectors.fast.lines import QuickReader
from pipeline.collectors.fast.patterns.line_patterns import patterns_of
from pipeline.collectors.fast.patterns.matching import Matcher
from pipeline.collectors.fast.patterns.samples import uses_of_sample
from pipeline.collectors.fast.streams import cut_streams
from pipeline.collectors.fast.streams.condense import DEPTH, condensed
from pipeline.collectors.fast.streams.cut_lines import CutLines
from pipeline.collectors.logs.line_blocks import edges_of
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.logs.memory import keep_freed_memory
from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.collectors.decode import QuarantineRow, Row
    from pipeline.collectors.event_columns import Columns
    from pipeline.collectors.fast.patterns.line_patterns import Captured, LinePattern
    from pipeline.collectors.formats.log_format import LogFormat

_FIRST_LINES = 16
"""So many lines of a log are read before patterns are tried, then twice as many, and so on: what the first teach helps
all others.
"""
_STATUS = USAGE_EVENTS.get_field_index("status")


class DecodedLines(NamedTuple):
    """What some lines amount to."""

    events: Columns
    quarantined: list[Row]
    """The values of ``schemas.QUARANTINE``, in the order of the log."""
    blank: int
    matched: int
    """How many a pattern matched."""
    quick: int
    """How many others were not left to the plain reader whole."""


class BlockDecoder:
    """Decodes the blocks of one log; its methods raise what ``fingerprint`` raises."""

    def __init__(self, *, source: str, log_format: LogFormat, fingerprint: Callable[[str], str]) -> None:
        keep_freed_memory()
        self.source = source
        self.log_format = log_format
        self.fingerprint = fingerprint
        self._patterns = patterns_of(log_format)
        self._matcher = Matcher(self._patterns, identity=log_format.identity, fingerprint=fingerprint)
        self._at_once = _FIRST_LINES
        # it knows our names of fields alone
        is_usual = log_format.is_simple and not log_format.fields and log_format.dialect is None
        self._is_learning = log_format.is_simple
        self._quick_reader = (
            QuickReader(
                source=source,
                depth_max=log_format.depth_max,
                identity=log_format.identity,
                fingerprint=fingerprint,
            )
            if is_usual
            else None
        )

    def decoded(self, block: bytes, spans: Sequence[tuple[int, int]], *, start: int, first_line: int) -> DecodedLines:
        """Return what ``decode.decode_line`` returns for each line.

        ``spans`` are the lines in ``block`` without their terminators, each followed by CRLF or LF; ``start`` is the
        offset of the block in the log, ``first_line`` the number of its first line.
        """
        is_collecting = gc.isenabled()
        gc.disable()  # there are no cycles in what is made here, and a hundred thousand tuples to look for them in
        try:
            return self._decoded(block, spans, start, first_line)
        finally:
            if is_collecting:
                gc.enable()

    def _decoded(self, content: bytes, spans: Sequence[tuple[int, int]], start: int, first_line: int) -> DecodedLines:
        cut = condensed(content, spans) if self.log_format.depth_max >= DEPTH else {}
        edges = [start + edge for edge in edges_of(content, spans)]
        lines = CutLines(content, spans, edges, first_line, cut)
        events = EventColumns(self.source)
        quarantined: list[Row] = []
        blank = matched = quick = first = 0
        while first < len(spans):
            last = min(first + self._at_once, len(spans))
            self._at_once *= 2 if last - first == self._at_once else 1
            here = self._part(lines, range(first, last), events, quarantined)
            blank, matched, quick, first = blank + here[0], matched + here[1], quick + here[2], last
        return DecodedLines(events.columns, quarantined, blank, matched, quick)

    def _part(
        self, lines: CutLines, indices: range, events: EventColumns, quarantined: list[Row]
    ) -> tuple[int, int, int]:
        """Add the rows of some lines; return how many were blank, matched, and read the quick way."""
        blank = quick = 0
        unmatched = self._matcher.match_lines(lines, indices, events)
        for index in sorted(unmatched):
            row, is_quick = self._read(lines, index)
            quick += is_quick
            if row is None:
                blank += 1
            elif isinstance(row, EventRow):
                events.add(row.values)
                if self._is_learning:
                    self._learn(lines.looked_at(index), row.values, unmatched[index])
            else:
                quarantined.append(row.values)
        return blank, len(indices) - len(unmatched), quick

    def _read(self, lines: CutLines, index: int) -> tuple[EventRow | QuarantineRow | None, bool]:
        """Read one line, and tell whether the quick reader did."""
        place, cut = lines.place(index), lines.cut.get(index)
        if self._quick_reader is not None:
            values = self._quick_reader.read(lines.looked_at(index), place)
            if values is not None:
                return EventRow(UsageStatus(values[_STATUS]), values), True
            if cut is not None:
                row = cut_streams.read(
                    cut, place, source=self.source, log_format=self.log_format, fingerprint=self.fingerprint
                )
                if row is not None:
                    return row, True
        line = Line(*place, lines.line(index))
        return decode.decode_line(
            line, source=self.source, log_format=self.log_format, fingerprint=self.fingerprint
        ), False

    def _learn(self, content: bytes, row: Row, found: tuple[LinePattern, Captured] | None) -> None:
        """Learn from a line that was read.

        A pattern, if it has none yet, and what lines of its pattern with its deciding values amount to.
        """
        if found is None:
            if not self._patterns.is_worth_learning(content):
                return
            found = self._patterns.learn(content, uses_of_sample(content, row, self.log_format))
            if found is None:
                return
        pattern, captured = found
        groups = [[value] for value in captured]
        (deciding,) = pattern.deciding_of(groups)
        if self._patterns.wants(pattern, deciding):
            own, _, _ = self._matcher.values(pattern, groups)
            is_matched = tuple([values[0] for values in own]) == own_of(row)[: len(own)]
            self._patterns.remember(pattern, deciding, shared_of(row) if is_matched else None)
