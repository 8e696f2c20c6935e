"""A segment of a log as Arrow tables, with the record that accounts for each of its lines.

Owns the counting (``SourceRecord.is_balanced``) and the way from rows to Arrow. Does not own the meaning of a
line (``decode``) nor the commit (``pipeline.lake``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import groupby, islice
from operator import itemgetter
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from pipeline.collectors.decode import EventRow
from pipeline.collectors.event_columns import joined, of_rows, record_batch, record_batch_of_logs
from pipeline.tables import columns
from pipeline.tables.coded import CODED_EVENTS, plain, together
from pipeline.tables.schemas import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.collectors.decode import QuarantineRow, Row
    from pipeline.collectors.event_columns import Events
    from pipeline.usage.sources import SourceRecord

_REASON = itemgetter(QUARANTINE.get_field_index("reason"))
_BATCH_ROWS = 2**14  # so many wait as Python values, then they become Arrow
_FEW_ROWS = 2**6
"""Fewer events than these become Arrow with those of other logs: a thousand logs have as many columns as one."""
_SEGMENTS_AT_ONCE = 2**10
_NO_LINES = pa.Table.from_batches([], schema=QUARANTINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogSegment:
    """Lines of one log that can be committed together: their events, their quarantined lines, and their record."""

    record: SourceRecord
    held: pa.Table | Events
    """Its events, in the order of the log: rows of ``coded.CODED_EVENTS``, or of ``schemas.USAGE_EVENTS``; few are not
    Arrow yet."""
    quarantined: pa.Table
    """Rows of ``schemas.QUARANTINE``, in the order of the log."""

    @property
    def coded(self) -> pa.Table:
        """Its events as Arrow, made when they are asked for; those of many segments: ``coded_together``."""
        return next(_tables_of([self]))

    @property
    def events(self) -> pa.Table:
        """Rows of ``schemas.USAGE_EVENTS``, made when they are asked for."""
        return plain(self.coded)


class Segment(Protocol):
    """A segment, wherever its rows are: ``LogSegment`` has them."""

    @property
    def record(self) -> SourceRecord:
        """What accounts for each of its lines."""

    @property
    def coded(self) -> pa.Table:
        """As in ``LogSegment``."""

    @property
    def events(self) -> pa.Table:
        """As in ``LogSegment``."""

    @property
    def quarantined(self) -> pa.Table:
        """As in ``LogSegment``."""


def coded_together(segments: Iterable[Segment]) -> pa.Table:
    """Return the events of segments, in their order: rows of ``coded.CODED_EVENTS``."""
    return together(list(_tables_of(segments)))


def _tables_of(segments: Iterable[Segment]) -> Iterator[pa.Table]:
    held = ((each.held if isinstance(each, LogSegment) else each.coded, each.record.source) for each in segments)
    for are_tables, run in groupby(held, key=_is_table):
        if are_tables:
            yield from (table for table, _ in run)
        while logs := list(islice(run, _SEGMENTS_AT_ONCE)):
            yield pa.Table.from_batches([record_batch_of_logs(logs)])


def _is_table(held_and_source: tuple[pa.Table | Events, str]) -> bool:
    return isinstance(held_and_source[0], pa.Table)


class SegmentBuilder:
    """Takes in decoded lines of one log."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.begin()

    def begin(self) -> None:
        """Begin a new segment, without a line yet."""
        self.lines = 0
        self.blank = 0
        self.joined = 0
        self.further = 0
        self.events: Counter[str] = Counter()
        self.quarantined: Counter[str] = Counter()
        self._rows: list[Row] = []
        self._waiting: list[Events] = []
        self._waiting_rows = 0
        self._event_batches: list[pa.RecordBatch] = []
        self._quarantine_rows: list[Row] = []
        self._quarantine_batches: list[pa.RecordBatch] = []

    @property
    def rows(self) -> int:
        """Events and quarantined lines so far."""
        return self.lines + self.further - self.joined - self.blank

    def add(self, rows: Sequence[EventRow | QuarantineRow], *, lines: int = 1) -> None:
        """Count what so many lines tell together, and keep its rows."""
        self.lines += lines
        self.joined += lines - 1
        for row in rows:
            if isinstance(row, EventRow):
                self._rows.append(row.values)
            else:
                self._quarantine_rows.append(row.values)
        self.further += max(len(rows) - 1, 0)
        self.blank += not rows
        self._flush(_BATCH_ROWS)

    def add_all(
        self, events: Sequence[Events], quarantined: Sequence[Row], *, blank: int, further: int = 0, joined: int = 0
    ) -> None:
        """Count lines that follow one another, and keep their rows; ``further`` ones are beyond the first of a line.

        ``joined`` lines of the log are parts of what a later one ends.
        """
        count = sum(map(len, events))
        self.lines += count + len(quarantined) + blank - further + joined
        self.joined += joined
        self.further += further
        self.blank += blank
        self._waiting += events
        self._waiting_rows += count
        self._quarantine_rows += quarantined
        self._flush(_BATCH_ROWS)

    def held(self) -> tuple[pa.Table | Events, pa.Table]:
        """Return events, as ``LogSegment`` holds them, and quarantined lines.

        From now on all are counted, by status and by reason.
        """
        are_few = not self._event_batches and 0 < len(self._rows) + self._waiting_rows < _FEW_ROWS
        few = self._taken() if are_few else None
        self._flush(1)
        events = pa.Table.from_batches(self._event_batches, schema=CODED_EVENTS) if few is None else few
        if not self._quarantine_batches:
            return events, _NO_LINES
        return events, pa.Table.from_batches(self._quarantine_batches, schema=QUARANTINE)

    def _taken(self) -> Events:
        """Count the events that wait, and return them: none waits any more."""
        events = joined([*self._waiting, *([of_rows(self._rows)] if self._rows else [])])
        self.events.update(events.statuses())
        self._rows, self._waiting, self._waiting_rows = [], [], 0
        return events

    def _flush(self, rows_min: int) -> None:
        """Make Arrow of the rows that wait, where so many do."""
        if len(self._rows) + self._waiting_rows >= rows_min:
            self._event_batches.append(record_batch(self._taken(), self._source))
        if len(self._quarantine_rows) >= rows_min:
            self.quarantined.update(map(_REASON, self._quarantine_rows))
            self._quarantine_batches.append(columns.record_batch(self._quarantine_rows, QUARANTINE))
            self._quarantine_rows = []
