"""Segments of logs that were read again, in the place of their earlier readings: all of them in one commit, or none.

Every commit keeps the lines it first accounted for, its *origin*: what comes of them later is in files of that origin,
one for each date, so that a row is told from a row of another reading of the same path (a log that was begun anew) by
its origin, its source and its byte range. A file whose rows all stay is left alone; of a date where one row differs,
the origin's file is replaced. Files are written origin by origin, so that one commit's rows are in memory at a time;
none of them counts before the entry that names them all. What is replaced stays on disk: invoices were issued from it.

Does not own reading (``pipeline.collectors``), nor which segments are read again (``pipeline.jobs.night.again``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.lake.checked_files import verified_data_files, verified_quarantine_files
from pipeline.lake.commits import appended, grown, next_number
from pipeline.lake.compacted_files import without_parts
from pipeline.lake.data_files import in_order, write_events, write_quarantined
from pipeline.lake.event_files import by_date
from pipeline.lake.log.commit import Commit
from pipeline.lake.log.superseding import Superseding
from pipeline.objects.encoded import parquet_bytes
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from pipeline.lake.log.commit import DataFile, QuarantineFile
    from pipeline.lake.log.snapshot import LakeSnapshot, Superseded
    from pipeline.lake.log.superseding import Place
    from pipeline.usage.sources import SourceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReading:
    """What the bytes of one segment amount to now."""

    place: Place
    record: SourceRecord
    """Of the same source and bytes as the one in this place."""
    events: pa.Table
    quarantined: pa.Table


@dataclass(slots=True, kw_only=True)
class Rereading:
    """Collects readings, and commits those that differ; where none does, the lake stays as it is."""

    lake_dir: Path
    snapshot: LakeSnapshot
    committed_at: datetime
    replaced_events: int = 0
    """Events of before that are not among those of now."""
    new_events: int = 0
    """Events of now that were not among those of before."""
    released: int = 0
    """Lines that are quarantined no longer."""
    new_quarantined: int = 0
    told_otherwise: int = 0
    """Lines that stay quarantined and of which something else is told."""
    _records: dict[Place, SourceRecord] = field(default_factory=dict)
    _data_files: list[DataFile] = field(default_factory=list)
    _quarantine_files: list[QuarantineFile] = field(default_factory=list)
    _removed: list[str] = field(default_factory=list)
    _removed_quarantine: list[str] = field(default_factory=list)
    _origins: dict[int, dict[Place, SourceRecord]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Sort the records by their origin."""
        for place, record in zip(self.snapshot.places, self.snapshot.sources, strict=True):
            self._origins.setdefault(place.commit, {})[place] = record

    def is_told_apart(self, place: Place) -> bool:
        """Say whether the rows of a segment are known from those of all others of its origin."""
        records = self._origins[place.commit]
        mine = records[place]
        return not any(
            other != place and record.source == mine.source and record.start < mine.end and mine.start < record.end
            for other, record in records.items()
        )

    def supersede(self, origin: int, readings: Sequence[NewReading]) -> None:
        """Take in all readings of one origin, and write the files of those that differ.

        Raises ``DataFileDamaged`` for a file of before that is not what it was, ``CommitConflict`` where another run
        commits first, and ``ValueError`` where records and rows do not balance.
        """
        records = self._origins[origin]
        after = {
            reading.place: replace(
                reading.record,
                compression=records[reading.place].compression,
                file_size=records[reading.place].file_size,
            )
            for reading in readings
        }
        if not after:
            return
        old = [records[place] for place in after]
        is_whole = len(after) == len(records)
        files = [file for file in self.snapshot.data_files if file.origin == origin]
        quarantine = [file for file in self.snapshot.quarantine_files if file.origin == origin]
        before = _read(verified_data_files(self.lake_dir, files), USAGE_EVENTS)
        events = pa.concat_tables([_others(before, old, whole=is_whole), *(reading.events for reading in readings)])
        lines_before = _read(verified_quarantine_files(self.lake_dir, quarantine), QUARANTINE)
        lines = pa.concat_tables(
            [_others(lines_before, old, whole=is_whole), *(reading.quarantined for reading in readings)]
        )
        _check_balance((records | after).values(), events, lines)
        days, is_line_changed = _changed_days(before, events), not in_order(lines_before).equals(in_order(lines))
        changed = {place: record for place, record in after.items() if record != records[place]}
        if not days and not is_line_changed and not changed:
            return
        self.snapshot = grown(self.lake_dir, self.snapshot, self.committed_at)
        if days:
            self._replace_events(origin, [file for file in files if file.date in days], before, days)
        if is_line_changed:
            self._replace_quarantined(origin, quarantine, lines_before, lines)
        self._records |= after if days or is_line_changed else changed

    def _replace_events(
        self, origin: int, files: Sequence[DataFile], before: pa.Table, days: Mapping[date, pa.Table]
    ) -> None:
        """Write the events of days that differ, in the place of ``files``; ``before`` are all of their origin."""
        new = pa.concat_tables([USAGE_EVENTS.empty_table(), *days.values()])
        self._removed += [file.path for file in files]
        self._data_files += write_events(self.lake_dir, new, next_number(self.snapshot), origin=origin)
        was = pa.concat_tables([USAGE_EVENTS.empty_table(), *(rows for day, rows in by_date(before) if day in days)])
        same = _same_rows(was, new)
        self.replaced_events += was.num_rows - same
        self.new_events += new.num_rows - same

    def _replace_quarantined(
        self, origin: int, files: Sequence[QuarantineFile], before: pa.Table, lines: pa.Table
    ) -> None:
        """Write the quarantined lines of an origin, in the place of ``files``, which hold those of ``before``."""
        self._removed_quarantine += [file.path for file in files]
        self._quarantine_files += write_quarantined(self.lake_dir, lines, next_number(self.snapshot), origin=origin)
        stayed = pc.sum(pc.is_in(_keys(before), value_set=_keys(lines))).as_py() or 0
        self.released += before.num_rows - stayed
        self.new_quarantined += lines.num_rows - stayed
        self.told_otherwise += stayed - _same_rows(before, lines)

    def commit(self, key_secret_check: str | None) -> LakeSnapshot:
        """Let the new readings count, durably, and return what the lake then holds. Raises ``CommitConflict``."""
        if not self._records:
            return self.snapshot
        number = next_number(self.snapshot)
        new = Commit(
            number=number,
            committed_at=self.committed_at,
            previous_sha256=self.snapshot.entry_sha256,
            data_files=tuple(self._data_files),
            quarantine_files=tuple(self._quarantine_files),
            sources=tuple(self._records.values()),
            key_secret_check=key_secret_check,
            superseding=Superseding(
                places=tuple(self._records),
                data_files=tuple(self._removed),
                quarantine_files=tuple(self._removed_quarantine),
                events=self.replaced_events,
                quarantined=self.released,
            ),
            compaction=without_parts(
                self.lake_dir,
                self.snapshot,
                number,
                gone=(),
                superseded={*self._removed, *self._removed_quarantine},
            ),
        )
        return appended(self.lake_dir, self.snapshot, new)


def superseded_events(lake_dir: Path, superseded: Superseded) -> int:
    """Count the events of a commit's superseded files that are not in those in their place.

    Raises ``DataFileDamaged`` for one that is not what it was.
    """
    count = 0
    for origin in {file.origin for file in superseded.data_files}:
        before, after = (
            _read(verified_data_files(lake_dir, [file for file in files if file.origin == origin]), USAGE_EVENTS)
            for files in (superseded.data_files, superseded.replacements)
        )
        count += int(before.num_rows) - _same_rows(before, after)
    return count


def _read(files: Iterable[parquet_bytes.FileRows], schema: pa.Schema) -> pa.Table:
    """Return the rows of verified files; a column that came later is null in those of before."""
    return pa.concat_tables([schema.empty_table(), *(parquet_bytes.rows_as(file, schema) for file in files)])


def _others(rows: pa.Table, records: Sequence[SourceRecord], *, whole: bool) -> pa.Table:
    """Return the rows that are of none of these segments; ``whole`` where these are all there are."""
    if whole or not rows.num_rows:
        return rows.slice(0, 0) if whole else rows
    within = [
        reduce(
            pc.and_,
            [
                pc.equal(rows["source"], record.source),
                pc.greater_equal(rows["byte_start"], record.start),
                pc.less(rows["byte_start"], record.end),
            ],
        )
        for record in records
    ]
    return rows.filter(pc.invert(reduce(pc.or_, within)))


def _changed_days(before: pa.Table, after: pa.Table) -> dict[date, pa.Table]:
    """Return what the dates hold now whose rows are not those of before; none of a date that has none any more."""
    was, now = dict(by_date(before)), dict(by_date(after))
    return {
        day: now.get(day, USAGE_EVENTS.empty_table())
        for day in sorted(was.keys() | now.keys())
        if day not in was or day not in now or not was[day].equals(now[day])
    }


def _same_rows(before: pa.Table, after: pa.Table) -> int:
    """Count the rows of one origin that are the same in both: source, first byte and identity say which is which."""
    place = pc.index_in(_keys(before), value_set=_keys(after))
    found = pc.is_valid(place)
    mine, theirs = before.filter(found), after.take(place.filter(found))
    if not mine.num_rows:
        return 0
    return int(pc.sum(reduce(pc.and_, [_same(mine[name], theirs[name]) for name in before.column_names])).as_py())


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> pa.ChunkedArray:
    both_null = pc.and_(pc.is_null(one), pc.is_null(other))
    return pc.or_(pc.fill_null(pc.equal(one, other), False), both_null)  # noqa: FBT003 - the value to fill in


def _keys(rows: pa.Table) -> pa.Array:
    places = pc.binary_join_element_wise(rows["source"], rows["byte_start"].cast(pa.string()), "\0")
    if "event_id" not in rows.column_names:
        return places.combine_chunks()
    identities = rows["event_id"].cast(pa.binary())
    return pc.binary_join_element_wise(places.cast(pa.binary()), identities, b"\0").combine_chunks()


def _check_balance(records: Iterable[SourceRecord], events: pa.Table, quarantined: pa.Table) -> None:
    """Refuse readings whose records do not account for the rows: the books would never balance again."""
    listed = list(records)
    stated = (
        sum(sum(record.events.values()) for record in listed),
        sum(sum(record.quarantined.values()) for record in listed),
    )
    if stated != (events.num_rows, quarantined.num_rows):
        message = (
            f"the sources of a commit count {stated} events and quarantined lines after they are read again, and there "
            f"are {(events.num_rows, quarantined.num_rows)}"
        )
        raise ValueError(message)
