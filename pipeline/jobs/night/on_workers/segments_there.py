"""Segments whose rows a worker wrote into the lake: what is known of them here, and their rows where anybody asks.

Those that share files are a lot. A commit names the files of a lot where it takes all of its segments; of one that it
takes in part, the rows are read from the files and written anew.

Owns the lot, and which of its rows are whose. Does not own whether a reading is believed (``logs_on_workers``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.checked_files import verified_data_files, verified_quarantine_files
from pipeline.lake.data_files import WrittenFiles
from pipeline.objects.encoded import parquet_bytes
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pipeline.collectors.segment import Segment
    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.usage.sources import SourceRecord


@dataclass(eq=False, kw_only=True)
class Lot:
    """Files that a worker wrote of segments that follow one another."""

    lake_dir: Path
    files: WrittenFiles
    number_max: int
    """The last commit that may name them."""
    segments: int
    """How many there are."""

    @cached_property
    def events(self) -> pa.Table:
        """All events, in the order of their logs."""
        return _read(verified_data_files(self.lake_dir, self.files.data_files), USAGE_EVENTS)

    @cached_property
    def quarantined(self) -> pa.Table:
        """All quarantined lines, in the order of their logs."""
        return _read(verified_quarantine_files(self.lake_dir, self.files.quarantine_files), QUARANTINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentThere:
    """As ``LogSegment``, whose rows are in files of its lot."""

    record: SourceRecord
    lot: Lot = field(repr=False)

    @property
    def coded(self) -> pa.Table:
        """Its events, as they are in files."""
        return self.events

    @property
    def events(self) -> pa.Table:
        """Its events."""
        return _of(self.lot.events, self.record)

    @property
    def quarantined(self) -> pa.Table:
        """Its quarantined lines."""
        return _of(self.lot.quarantined, self.record)


def parted(segments: Sequence[Segment], number: int) -> tuple[list[Segment], WrittenFiles]:
    """Return the segments whose rows the commit of this number is to write, and the files that it names as they are."""
    taken = Counter(id(each.lot) for each in segments if isinstance(each, SegmentThere))
    lots = {id(each.lot): each.lot for each in segments if isinstance(each, SegmentThere)}
    whole = {key: lot for key, lot in lots.items() if taken[key] == lot.segments and number <= lot.number_max}
    held = [each for each in segments if not (isinstance(each, SegmentThere) and id(each.lot) in whole)]
    return held, WrittenFiles(
        data_files=tuple(file for lot in whole.values() for file in lot.files.data_files),
        quarantine_files=tuple(file for lot in whole.values() for file in lot.files.quarantine_files),
    )


def _read(files: Iterable[FileRows], schema: pa.Schema) -> pa.Table:
    rows = pa.concat_tables([schema.empty_table(), *(parquet_bytes.rows_as(file, schema) for file in files)])
    return rows.sort_by([("source", "ascending"), ("byte_start", "ascending"), ("line", "ascending")])


def _of(rows: pa.Table, record: SourceRecord) -> pa.Table:
    """Return the rows of a segment: a log is read once in a run, and its segments follow one another."""
    is_of_it = pc.and_(
        pc.equal(rows["source"], record.source),
        pc.and_(pc.greater_equal(rows["byte_start"], record.start), pc.less(rows["byte_start"], record.end)),
    )
    return rows.filter(is_of_it)
