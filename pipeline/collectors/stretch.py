"""A stretch of a log as Arrow tables, with the record that accounts for each of its lines.

Owns the counting (lines = blank + quarantined + events) and the way from rows to Arrow. Does not own the meaning of a
line (``decode``) nor the commit (``pipeline.storage``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.collectors.decode import EventRow, QuarantineRow
from pipeline.columns import record_batch
from pipeline.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.collectors.decode import Row
    from pipeline.sources import SourceRecord

_STATUS = itemgetter(USAGE_EVENTS.get_field_index("status"))
_REASON = itemgetter(QUARANTINE.get_field_index("reason"))
_BATCH_ROWS = 2**14  # rows wait as Python tuples until so many are there, then as Arrow columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Lines of one log that can be committed together: their events, their quarantined lines, and their record."""

    record: SourceRecord
    events: pa.Table
    """Rows of ``schemas.USAGE_EVENTS``, in the order of the log."""
    quarantined: pa.Table
    """Rows of ``schemas.QUARANTINE``, in the order of the log."""


def counts_of(events: Sequence[Row], quarantined: Sequence[Row]) -> tuple[Counter[str], Counter[str]]:
    """Count the rows of ``schemas.USAGE_EVENTS`` by status, and those of ``schemas.QUARANTINE`` by reason."""
    return Counter(map(_STATUS, events)), Counter(map(_REASON, quarantined))


class StretchBuilder:
    """Takes in decoded lines one by one."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Begin a new stretch, without a line yet."""
        self.lines = 0
        self.blank = 0
        self.events: Counter[str] = Counter()
        self.quarantined: Counter[str] = Counter()
        self._event_rows = _Rows(USAGE_EVENTS)
        self._quarantine_rows = _Rows(QUARANTINE)

    @property
    def rows(self) -> int:
        """Events and quarantined lines so far."""
        return self.lines - self.blank

    def add(self, row: EventRow | QuarantineRow | None) -> None:
        """Count one line, and keep its row."""
        if isinstance(row, EventRow):
            self.add_all([row.values], [], blank=0)
        elif isinstance(row, QuarantineRow):
            self.add_all([], [row.values], blank=0)
        else:
            self.add_all([], [], blank=1)

    def add_all(self, events: Sequence[Row], quarantined: Sequence[Row], *, blank: int) -> None:
        """Count lines that follow one another, and keep their rows."""
        self.lines += len(events) + len(quarantined) + blank
        self.blank += blank
        statuses, reasons = counts_of(events, quarantined)
        self.events.update(statuses)
        self.quarantined.update(reasons)
        self._event_rows.extend(events)
        self._quarantine_rows.extend(quarantined)

    def add_batches(self, events: pa.Table, quarantined: pa.Table, *, statuses: Mapping[str, int], reasons: Mapping[str, int], blank: int) -> None:
        """Count lines that follow one another, of which the rows are in Arrow already."""
        self.lines += events.num_rows + quarantined.num_rows + blank
        self.blank += blank
        self.events.update(statuses)
        self.quarantined.update(reasons)
        self._event_rows.extend_batches(events.to_batches())
        self._quarantine_rows.extend_batches(quarantined.to_batches())

    def tables(self) -> tuple[pa.Table, pa.Table]:
        """Return events and quarantined lines."""
        return self._event_rows.table(), self._quarantine_rows.table()


class _Rows:
    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows: list[Row] = []
        self._batches: list[pa.RecordBatch] = []

    def extend(self, rows: Sequence[Row]) -> None:
        self._rows += rows
        if len(self._rows) >= _BATCH_ROWS:
            self._flush()

    def extend_batches(self, batches: Sequence[pa.RecordBatch]) -> None:
        self._flush()
        self._batches += batches

    def table(self) -> pa.Table:
        self._flush()
        return pa.Table.from_batches(self._batches, schema=self._schema)

    def _flush(self) -> None:
        if self._rows:
            self._batches.append(record_batch(self._rows, self._schema))
            self._rows = []
