"""What was counted of each UTC date, without counting history again.

A date is counted when its events, or what decides their slices, have changed.

What is kept of a date: its slice totals, the sorted beginnings of its identities, and those of its events that may have
copies. Two claims carry it. Totals and beginnings are a function of the date's data files (named by their sha256), its
time slices, the prompt bands and the program, all of which are in the entry's ``inputs``. And of the entries that one
manifest names, every beginning that occurs twice in any of them is among the kept copies of each that has it: new
beginnings are looked up in every other date, and a date in which one is found for the first time is read again. More
copies than necessary do no harm: SQL tells those apart that only begin alike.

Owns which dates are read. Does not own what is counted (``pipeline.warehouse.date_counts``), the files
(``pipeline.lake.counted``), nor any truth: ``verify`` counts every event without it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline.base.errors import DataFileDamaged
from pipeline.lake.checked_files import check_present, verified_data_files
from pipeline.lake.counted import NewEntry, read_entries, read_piece, write_entries
from pipeline.objects.encoded import arrow_bytes
from pipeline.warehouse.date_counts import COPIES, SLICE_TOTALS, by_date, claims_of_slices, count_slices, read_copies
from pipeline.warehouse.identities import beginnings, beginnings_of, distinct, repeated_beginnings
from pipeline.warehouse.program import digest_of, program_parts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pipeline.lake.counted import Entry
    from pipeline.lake.log.commit import DataFile
    from pipeline.lake.log.snapshot import LakeSnapshot
    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.engines.engine import Engine, Rows
    from pipeline.warehouse.identities import Prefixes

ROUND_EVENTS_MAX = 32_000_000
"""So many events (or one date's) are counted before they are kept: what is in memory at a time is some 16 bytes of
each.
"""
KIND = "dates"
_TOTALS, _BEGINNINGS, _COPIES, _COPIED = "slice_totals", "beginnings", "copies", "beginnings_of_copies"
_DOUBTFUL = "claims about it do not hold"
_EPOCH, _DAY_MICROSECONDS = date(1970, 1, 1), 86_400_000_000


@dataclass(slots=True, kw_only=True)
class DatesCounted:
    """The dates of a snapshot, and what was counted of them.

    Only for the holder of the workspace's lock: it writes what it counts.
    """

    lake: Path
    engine: Engine
    files: Mapping[date, Sequence[DataFile]]
    inputs: Mapping[date, str]
    reference: Mapping[str, pa.Table]
    entries: dict[date, Entry] = field(default_factory=dict)
    broken_claims: dict[str, Rows] = field(default_factory=dict)
    """The claims about what was counted now, with the rows that break them. Counts that break one are not kept."""

    @classmethod
    def of(
        cls, lake: Path, snapshot: LakeSnapshot, reference: Mapping[str, pa.Table], *, engine: Engine
    ) -> DatesCounted:
        """Count what is not kept of a snapshot.

        Raises ``DataFileDamaged`` for a data file that is missing or of another size, and for one that is read and has
        another sha256.
        """
        check_present(lake, snapshot)
        files: dict[date, list[DataFile]] = {}
        for file in snapshot.data_files:
            files.setdefault(file.date, []).append(file)
        dates = cls(
            lake=lake,
            engine=engine,
            files=files,
            inputs=_inputs(files, reference),
            reference=reference,
        )
        found = read_entries(lake, KIND)
        dates.entries = {
            day: found[str(day)]
            for day, inputs in dates.inputs.items()
            if str(day) in found and found[str(day)].inputs == inputs
        }
        dates.count_again(dates.damaged(dates.entries, _COPIED))
        return dates

    @property
    def claims(self) -> dict[str, Rows]:
        """The claims about what was counted, now or before, with the rows of now that break them."""
        return claims_of_slices(self.reference) | self.broken_claims

    def forget(self) -> None:
        """Let the next night count every date again."""
        write_entries(self.lake, KIND, {}, {})

    def count_again(self, days: Iterable[date]) -> None:
        """Count these dates and all that are not kept, and keep them."""
        self._forget(days)
        while missing := sorted(self.files.keys() - self.entries.keys()):
            self._count(self._first(missing))
        self._keep({})

    def damaged(self, days: Iterable[date], *pieces: str) -> set[date]:
        """Return those of the dates whose slice totals or copies (or these ``pieces``) are not what was written."""
        found = set()
        for day in days:
            try:
                for piece in pieces or (_TOTALS, _COPIES):
                    self._read(day, piece)
            except DataFileDamaged:
                found.add(day)
        return found

    def totals(self, days: Iterable[date]) -> pa.Table:
        """Return the slice totals of some dates, as ``SLICE_TOTALS``."""
        return self._tables(days, _TOTALS, SLICE_TOTALS)

    def copies(self, days: Iterable[date]) -> pa.Table:
        """Return the events of some dates that may have copies, as ``COPIES``."""
        return self._tables(days, _COPIES, COPIES)

    def digest(self, day: date, *, of_copies_alone: bool = False) -> list[str]:
        """Return what identifies a date's copies and, with them, its totals."""
        pieces = self.entries[day].pieces
        return [str(day), pieces[_COPIES].sha256, "" if of_copies_alone else pieces[_TOTALS].sha256]

    def beginnings_of_copies(self, day: date) -> Prefixes:
        """Return the beginnings of a date's copies, sorted, each once."""
        return np.frombuffer(self._read(day, _COPIED), np.uint64)

    def _tables(self, days: Iterable[date], piece: str, schema: pa.Schema) -> pa.Table:
        tables = [arrow_bytes.decode(self._read(day, piece)) for day in sorted(days)]
        return pa.concat_tables(tables).cast(schema) if tables else schema.empty_table()

    def _read(self, day: date, piece: str) -> bytes:
        return read_piece(self.lake, KIND, self.entries[day], piece)

    def _first(self, days: Sequence[date]) -> list[date]:
        """Return the first of these dates, as many as are counted at a time."""
        events = list(accumulate(sum(file.rows for file in self.files[day]) for day in days))
        return [day for day, so_far in zip(days, events, strict=True) if so_far <= max(ROUND_EVENTS_MAX, events[0])]

    def _count(self, days: Sequence[date]) -> None:
        """Count these dates beside those that are kept.

        Read again of the kept ones where copies of new events are found.
        """
        paths = {day: self._verified(day) for day in days}
        new = beginnings(paths)
        damaged: set[date] = set()
        old = {day: partial(self._beginnings, day, damaged) for day in self.entries}
        repeated, hits = repeated_beginnings(list(new.values()), old)
        copied = {day: self.beginnings_of_copies(day) for day in hits}
        again = {
            day: distinct(np.concatenate([copied[day], found]))
            for day, found in hits.items()
            if not np.isin(found, copied[day], assume_unique=True).all()
        }
        if damaged := damaged | self.damaged(again):
            self._forget(damaged)
            return  # they are counted like those that are missing
        paths |= {day: self._verified(day) for day in again}
        events = [path for day in days for path in paths[day]]
        totals, broken = count_slices(events, self.reference, engine=self.engine)
        wanted = distinct(np.concatenate([repeated, *again.values()]))
        copies = read_copies([path for each in paths.values() for path in each], wanted, engine=self.engine)
        totals_of, copies_of = by_date(totals, "slice_at", days), by_date(copies, "occurred_at", paths)
        counted = {day: {_TOTALS: arrow_bytes.encode(totals_of[day]), _BEGINNINGS: new[day].tobytes()} for day in days}
        counted |= {day: {piece: self._read(day, piece) for piece in (_TOTALS, _BEGINNINGS)} for day in again}
        for day, rows in copies_of.items():
            counted[day] |= {_COPIES: arrow_bytes.encode(rows), _COPIED: beginnings_of(rows["event_id"]).tobytes()}
        inputs = {day: self.entries[day].inputs for day in again} | {
            day: _DOUBTFUL if any(broken.values()) else self.inputs[day] for day in days
        }
        self._keep({day: NewEntry(inputs=inputs[day], pieces=pieces) for day, pieces in counted.items()})
        self.broken_claims = {name: [*self.broken_claims.get(name, ()), *rows] for name, rows in broken.items()}

    def _forget(self, days: Iterable[date]) -> None:
        forgotten = set(days)
        self.entries = {day: entry for day, entry in self.entries.items() if day not in forgotten}

    def _keep(self, new: Mapping[date, NewEntry]) -> None:
        kept = {str(day): entry for day, entry in self.entries.items() if day not in new}
        written = write_entries(self.lake, KIND, kept, {str(day): entry for day, entry in new.items()})
        self.entries = {day: written[str(day)] for day in self.files if str(day) in written}

    def _verified(self, day: date) -> list[FileRows]:
        return verified_data_files(self.lake, self.files[day])

    def _beginnings(self, day: date, damaged: set[date]) -> Prefixes:
        try:
            return np.frombuffer(self._read(day, _BEGINNINGS), np.uint64)
        except DataFileDamaged:
            damaged.add(day)
            return np.empty(0, np.uint64)


def _inputs(files: Mapping[date, Sequence[DataFile]], reference: Mapping[str, pa.Table]) -> dict[date, str]:
    """Return, for each date, the digest of everything that its slice totals and beginnings are a function of."""
    program = program_parts()
    bands = [list(row.values()) for row in reference["prompt_bands"].to_pylist()]
    slices: dict[int, list[tuple[int, ...]]] = {}
    instants = (column.cast(pa.int64()).to_pylist() for column in reference["time_slices"].itercolumns())
    for of_slice in zip(*instants, strict=True):
        slices.setdefault(of_slice[0] // _DAY_MICROSECONDS, []).append(of_slice)
    return {
        day: digest_of([program, bands, day.isoformat(), slices.get((day - _EPOCH).days), sorted(f.path for f in mine)])
        for day, mine in files.items()
    }
