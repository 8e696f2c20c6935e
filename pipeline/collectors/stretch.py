"""A stretch of a log as Arrow tables, with the record that accounts for each of its lines.

Owns the counting (lines = blank + quarantined + events) and the way from rows to Arrow. Does not own the meaning of a
line (``decode``) nor the commit (``pipeline.storage``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.collectors.decode import EventRow, QuarantineRow
from pipeline.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.decode import Row
    from pipeline.sources import SourceRecord

_BATCH_ROWS = 2**14  # rows wait as Python tuples until so many are there, then as Arrow columns


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Lines of one log that can be committed together: their events, their quarantined lines, and their record."""

    record: SourceRecord
    events: pa.Table
    """Rows of ``schemas.USAGE_EVENTS``, in the order of the log."""
    quarantined: pa.Table
    """Rows of ``schemas.QUARANTINE``, in the order of the log."""


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
        self.lines += 1
        if isinstance(row, EventRow):
            self.events[row.status.value] += 1
            self._event_rows.append(row.values)
        elif isinstance(row, QuarantineRow):
            self.quarantined[row.reason.value] += 1
            self._quarantine_rows.append(row.values)
        else:
            self.blank += 1

    def tables(self) -> tuple[pa.Table, pa.Table]:
        """Return events and quarantined lines."""
        return self._event_rows.table(), self._quarantine_rows.table()


class _Rows:
    def __init__(self, schema: pa.Schema) -> None:
        self._schema = schema
        self._rows: list[Row] = []
        self._batches: list[pa.RecordBatch] = []

    def append(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) >= _BATCH_ROWS:
            self._flush()

    def table(self) -> pa.Table:
        self._flush()
        return pa.Table.from_batches(self._batches, schema=self._schema)

    def _flush(self) -> None:
        if self._rows:
            self._batches.append(_record_batch(self._rows, self._schema))
            self._rows = []


def _record_batch(rows: Sequence[Row], schema: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array(values, type=column.type) for column, values in zip(schema, zip(*rows, strict=True), strict=True)]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
