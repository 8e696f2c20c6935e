"""Marts without counting history again: a date is counted when its events, or what decides their slices, have changed.

What is kept of a date: its slice totals, the sorted beginnings of its identities, and those of its events that may have copies. Two claims
carry it. Totals and beginnings are a function of the date's data files (named by their sha256), its time slices, the prompt bands and the
program, all of which are in the entry's ``inputs``. And of the entries that one manifest names, every beginning that occurs twice in any
of them is among the kept copies of each that has it: new beginnings are looked up in every other date, and a date in which one is
found for the first time is read again. More copies than necessary do no harm: SQL tells those apart that only begin alike.

Owns which dates are read. Does not own what is counted (``pipeline.warehouse.date_counts``), the files (``pipeline.storage.counted``), nor
any truth: ``verify`` counts every event without it.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from pipeline import __version__
from pipeline.errors import DataFileDamaged
from pipeline.resources import sql_digest
from pipeline.storage import parquet_bytes
from pipeline.storage.counted import NewEntry, read_entries, read_piece, write_entries
from pipeline.storage.lake import check_present, verified_data_files
from pipeline.storage.spill import spill_folder
from pipeline.warehouse.connection import ENGINE
from pipeline.warehouse.date_counts import COPIES, SLICE_TOTALS, build_counted_marts, by_date, count_slices, read_copies
from pipeline.warehouse.identities import beginnings, beginnings_of, repeated_beginnings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.storage.counted import Entry
    from pipeline.storage.delta import DataFile
    from pipeline.storage.lake import LakeSnapshot
    from pipeline.storage.workspace import Workspace
    from pipeline.warehouse.identities import Prefixes
    from pipeline.warehouse.marts import Marts, Rows

FORMAT = 1
"""Of the pieces, and of what is said in code about how they are made; a change of either is a new number."""
ROUND_EVENTS_MAX = 32_000_000
"""So many events (or one date's) are counted before they are kept: what is in memory at a time is some 16 bytes of each."""
_TOTALS, _BEGINNINGS, _COPIES, _COPIED = "slice_totals", "beginnings", "copies", "beginnings_of_copies"
_READ_EVERY_NIGHT = (_TOTALS, _COPIES, _COPIED)
_DOUBTFUL = "claims about it do not hold"


def count_by_date(workspace: Workspace, snapshot: LakeSnapshot, reference: Mapping[str, pa.Table]) -> Marts:
    """Count a snapshot, reading only dates that changed since they were kept, and keep what was counted.

    The marts are those of ``build_marts``. Only for the holder of the workspace's lock. Raises ``DataFileDamaged`` for a data file that is
    missing or of another size, and for one that is read and has another sha256.
    """
    check_present(workspace.lake, snapshot)
    files: dict[date, list[DataFile]] = {}
    for file in snapshot.data_files:
        files.setdefault(file.date, []).append(file)
    dates = _Dates(lake=workspace.lake, files=files, inputs=_inputs(files, reference), reference=reference)
    broken = dates.count_anew()
    return build_counted_marts(
        pa.concat_tables([SLICE_TOTALS.empty_table(), *(dates.table(day, _TOTALS, SLICE_TOTALS) for day in sorted(files))]),
        pa.concat_tables([COPIES.empty_table(), *(dates.table(day, _COPIES, COPIES) for day in sorted(files))]),
        reference,
        lake=workspace.lake,
        spill=spill_folder(workspace.lake),
        timezone=workspace.settings.timezone,
        unmeasured=workspace.settings.unmeasured.value,
        broken_slices=broken,
    )


def _inputs(files: Mapping[date, Sequence[DataFile]], reference: Mapping[str, pa.Table]) -> dict[date, str]:
    """Return, for each date, the digest of everything that its slice totals and beginnings are a function of."""
    program = [FORMAT, __version__, sql_digest(), ENGINE, sys.byteorder]
    bands = [list(row.values()) for row in reference["prompt_bands"].to_pylist()]
    slices: dict[date, list[list[str]]] = {}
    for row in reference["time_slices"].to_pylist():
        slices.setdefault(row["starts_at"].date(), []).append([instant.isoformat() for instant in row.values()])
    return {day: _digest([program, bands, day.isoformat(), slices.get(day), sorted(file.path for file in mine)]) for day, mine in files.items()}


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()


@dataclass(slots=True, kw_only=True)
class _Dates:
    """The dates of a snapshot, and the entries that hold what was counted of them."""

    lake: Path
    files: Mapping[date, Sequence[DataFile]]
    inputs: Mapping[date, str]
    reference: Mapping[str, pa.Table]
    entries: dict[date, Entry] = field(default_factory=dict)

    def count_anew(self) -> Rows:
        """Count every date that is not kept whole, and keep it. Return the keys, if any, whose events were lost between slices."""
        found = read_entries(self.lake)
        self.entries = {day: found[str(day)] for day in self.files if str(day) in found and self._is_current(day, found[str(day)])}
        broken: Rows = []
        while missing := sorted(self.files.keys() - self.entries.keys()):
            broken += self._count(self._first(missing))
        self._keep({})
        return broken

    def table(self, day: date, piece: str, schema: pa.Schema) -> pa.Table:
        return parquet_bytes.decode(read_piece(self.lake, self.entries[day], piece)).cast(schema)

    def _is_current(self, day: date, entry: Entry) -> bool:
        try:
            for piece in _READ_EVERY_NIGHT:
                read_piece(self.lake, entry, piece)
        except DataFileDamaged:
            return False
        return entry.inputs == self.inputs[day]

    def _first(self, days: Sequence[date]) -> list[date]:
        """Return the first of these dates, as many as are counted at a time."""
        events = list(accumulate(sum(file.rows for file in self.files[day]) for day in days))
        return [day for day, so_far in zip(days, events, strict=True) if so_far <= max(ROUND_EVENTS_MAX, events[0])]

    def _count(self, days: Sequence[date]) -> Rows:
        """Count these dates beside those that are kept, and read again of the kept ones where copies of new events are found."""
        paths = {day: self._verified(day) for day in days}
        new = {day: beginnings(paths[day]) for day in days}
        damaged: set[date] = set()
        old = {day: partial(self._beginnings, day, _BEGINNINGS, damaged) for day in self.entries}
        repeated, hits = repeated_beginnings(list(new.values()), old)
        if damaged:
            self.entries = {day: entry for day, entry in self.entries.items() if day not in damaged}
            return []  # their copies are not known: they are counted like those that are missing
        copied = {day: self._beginnings(day, _COPIED, damaged) for day in hits}
        again = {day: np.union1d(copied[day], found) for day, found in hits.items() if np.setdiff1d(found, copied[day]).size}
        paths |= {day: self._verified(day) for day in again}
        events = [path for day in days for path in paths[day]]
        totals, broken = count_slices(events, self.reference, lake=self.lake, spill=spill_folder(self.lake))
        wanted = np.unique(np.concatenate([repeated, *again.values()]))
        copies = read_copies([path for each in paths.values() for path in each], wanted, lake=self.lake, spill=spill_folder(self.lake))
        totals_of, copies_of = by_date(totals, "slice_at", days), by_date(copies, "occurred_at", paths)
        counted = {day: {_TOTALS: parquet_bytes.encode(totals_of[day]), _BEGINNINGS: new[day].tobytes()} for day in days}
        counted |= {day: {piece: read_piece(self.lake, self.entries[day], piece) for piece in (_TOTALS, _BEGINNINGS)} for day in again}
        for day, rows in copies_of.items():
            counted[day] |= {_COPIES: parquet_bytes.encode(rows), _COPIED: beginnings_of(rows["event_id"]).tobytes()}
        self._keep({day: NewEntry(inputs=_DOUBTFUL if broken else self.inputs[day], pieces=pieces) for day, pieces in counted.items()})
        return broken

    def _keep(self, new: Mapping[date, NewEntry]) -> None:
        kept = {str(day): entry for day, entry in self.entries.items() if day not in new}
        written = write_entries(self.lake, kept, {str(day): entry for day, entry in new.items()})
        self.entries = {day: written[str(day)] for day in self.files if str(day) in written}

    def _verified(self, day: date) -> list[Path]:
        return verified_data_files(self.lake, self.files[day])

    def _beginnings(self, day: date, piece: str, damaged: set[date]) -> Prefixes:
        try:
            return np.frombuffer(read_piece(self.lake, self.entries[day], piece), np.uint64)
        except DataFileDamaged:
            damaged.add(day)
            return np.empty(0, np.uint64)
