"""Compact the lake: write many small files of a date as one, let one entry of the log make it so, then remove them.

What counts, and what every row is known by, stays as it is: an entry says where rows lie from then on, and no more.
Death before the entry leaves files that nothing names, death after it files that lie elsewhere by now; the same command
goes on, and whoever holds the lock next removes both. Does not own how such a file is written (``compacted_files``),
nor what an entry says of it (``pipeline.lake.log.compacting``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.jobs.state.history import refuse_lost_history
from pipeline.lake.commits import appended, grown, next_number, read_log, sweep_orphans
from pipeline.lake.compacted_files import write_groups
from pipeline.lake.log.commit import Commit, DataFile
from pipeline.lake.log.compacting import Compaction
from pipeline.objects import disk
from pipeline.objects.lock import locked
from pipeline.objects.mounted.mounts import mount_of
from pipeline.usage.events import COMPACTING_SINCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.lake.log.commit import AnyFile
    from pipeline.lake.log.snapshot import LakeSnapshot

FILES_PER_ENTRY = 10_000
"""So many files are named by one entry at most: every run reads all entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Files that become one."""

    files: tuple[AnyFile, ...]
    """Of one date, or of the quarantine; of a compacted one all parts."""
    in_force: bool
    """Whether they count, or are kept since invoices were issued from them."""

    @property
    def date(self) -> date | None:
        """Their date; None of quarantined lines."""
        first = self.files[0]
        return first.date if isinstance(first, DataFile) else None

    @property
    def stored(self) -> dict[str, int]:
        """The files that these lie in now, and their sizes."""
        return {file.stored.path: file.stored.size for file in self.files}


@dataclass(frozen=True, slots=True, kw_only=True)
class Compacted:
    """What becomes, or became, of one date."""

    date: date | None
    """None of quarantined lines."""
    in_force: bool
    files: int
    files_after: int
    rows: int
    size: int
    """Bytes of the files of before."""


def planned(snapshot: LakeSnapshot, *, before: date, size_max: int) -> list[Group]:
    """Return the files that become one each: smaller than ``size_max``, together no larger, and of days before a date.

    Quarantined lines have no date, and are always meant. Nothing is written.
    """
    found: list[Group] = []
    # What forgetting left of a file may be, to the byte, what it left of one that is kept: that one stays by itself.
    shared = {file.path for file in snapshot.data_files} & {file.path for file in snapshot.superseded_files}
    shared |= {file.path for file in snapshot.quarantine_files} & {
        file.path for file in snapshot.superseded_quarantine_files
    }
    kinds: tuple[tuple[Sequence[AnyFile], bool], ...] = (
        (snapshot.data_files, True),
        (snapshot.superseded_files, False),
        (snapshot.quarantine_files, True),
        (snapshot.superseded_quarantine_files, False),
    )
    for files, in_force in kinds:
        of_day: dict[date | None, list[AnyFile]] = {}
        for file in dict.fromkeys(files):
            day = file.date if isinstance(file, DataFile) else None
            if file.path not in shared and (day is None or day < before):
                of_day.setdefault(day, []).append(file)
        for _, of_it in sorted(of_day.items(), key=lambda each: str(each[0])):
            found += [Group(files=group, in_force=in_force) for group in _groups(of_it, size_max)]
    return found


def compact(workspace: Workspace, *, before: date, size_max: int, now: datetime) -> list[Compacted]:
    """Write what is planned, durably, until nothing is left to do; remove what lies elsewhere by then.

    Raises ``WorkspaceLocked``, ``HistoryLost``, ``DataFileDamaged``, and ``CommitConflict`` where another run committed
    first: what was done until then stays done, and the same command goes on.
    """
    lake = workspace.lake
    with locked(lake, command="tallybook compact", started_at=now):
        snapshot = first = refuse_lost_history(workspace).snapshot
        done: list[Group] = []
        while groups := _of_one_entry(planned(snapshot, before=before, size_max=size_max)):
            snapshot = _committed(lake, snapshot, groups, now)
            done += groups
        remove_what_was_compacted(lake, snapshot)
    return summary(first, done)


def remove_what_was_compacted(lake: Path, snapshot: LakeSnapshot) -> None:
    """Remove, durably, the files whose rows lie elsewhere, here and on the store. For the holder of the lock alone."""
    if not snapshot.compacted:
        return
    if (mounted := mount_of(lake)) is not None:
        mounted.was_left = True  # whoever compacted may have died before all of it was gone from the store
    swept = sweep_orphans(lake, snapshot)
    for folder in sorted({(lake / path).parent for path in swept}):
        if folder.is_dir():
            disk.sync_folder(folder)


def summary(snapshot: LakeSnapshot, groups: Iterable[Group]) -> list[Compacted]:
    """Add groups up by date. ``snapshot`` is the lake as it was before all of them."""
    was = {file.path: file.stored for file in snapshot.all_files}
    found: dict[tuple[bool, str], list[Group]] = {}
    for group in groups:
        found.setdefault((not group.in_force, str(group.date or "~")), []).append(group)
    rows = []
    for (_, _), mine in sorted(found.items()):
        files = {file.path: file for group in mine for file in group.files}
        stored = {was[path].path: was[path] for path in files}
        ends = {file.path: number for number, group in enumerate(mine) for file in group.files}
        rows.append(
            Compacted(
                date=mine[0].date,
                in_force=mine[0].in_force,
                files=len(stored),
                files_after=len(set(ends.values())),
                rows=sum(file.rows for file in files.values()),
                size=sum(file.size for file in stored.values()),
            )
        )
    return rows


def _groups(files: Sequence[AnyFile], size_max: int) -> list[tuple[AnyFile, ...]]:
    """Return runs of small files that are no larger together than one may be; of two files at least."""
    found: list[tuple[AnyFile, ...]] = []
    parts: dict[str, list[AnyFile]] = {}
    for file in files:
        parts.setdefault(file.stored.path, []).append(file)
    run: list[list[AnyFile]] = []
    size = 0
    for mine in [*(each for each in parts.values() if each[0].stored.size < size_max), None]:
        if run and (mine is None or size + mine[0].stored.size > size_max):
            if len(run) > 1:
                found.append(tuple(file for each in run for file in each))
            run, size = [], 0
        if mine is not None:
            run.append(mine)
            size += mine[0].stored.size
    return found


def _of_one_entry(groups: Sequence[Group]) -> list[Group]:
    """Return the first of them, as many as one entry names."""
    found: list[Group] = []
    files = 0
    for group in groups:
        files += len(group.stored)
        if found and files > FILES_PER_ENTRY:
            break
        found.append(group)
    return found


def _committed(lake: Path, snapshot: LakeSnapshot, groups: Sequence[Group], now: datetime) -> LakeSnapshot:
    snapshot = grown(lake, snapshot, now, to=COMPACTING_SINCE)
    number = next_number(snapshot)
    events = [group for group in groups if group.date is not None]
    lines = [group for group in groups if group.date is None]
    written = [
        tuple(
            file
            for in_force in (True, False)
            for file in write_groups(
                lake, [group.files for group in mine if group.in_force == in_force], number, in_force=in_force
            )
        )
        for mine in (events, lines)
    ]
    removed = (path for group in events if group.in_force for path in group.stored)
    entry = Commit(
        number=number,
        committed_at=now,
        previous_sha256=snapshot.entry_sha256,
        data_files=(),
        quarantine_files=(),
        sources=(),
        key_secret_check=None,
        compaction=Compaction(data_files=written[0], quarantine_files=written[1], removed=tuple(removed)),
    )
    appended(lake, snapshot, entry)
    return read_log(lake)
