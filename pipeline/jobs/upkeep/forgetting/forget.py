"""Forget, durably: write what is left and what is kept, let one entry of the log make it so, and only then remove.

Death before the entry leaves the lake as it was; death after it leaves files that count no longer, and that the same
command, or the next night, removes. Does not own what is forgotten (``plan``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.base.errors import ForgettingBlocked
from pipeline.configuration.source_files import source_path
from pipeline.jobs.state.aggregate import aggregate_what_is_new, write_marts
from pipeline.jobs.state.claims import broken_claims_of
from pipeline.jobs.state.counted import answers, dates_counted, open_periods
from pipeline.jobs.state.suspicious import SUSPICIOUS_COPIES, suspicious_copies, write_suspicious_copies
from pipeline.jobs.upkeep.forgetting.chosen import rows_of
from pipeline.jobs.upkeep.forgetting.plan import logs_with_forgotten
from pipeline.lake import counted
from pipeline.lake.checked_files import verified_quarantine_files
from pipeline.lake.commits import appended, grown, next_number, read_log, sweep_orphans
from pipeline.lake.compacted_files import without_parts
from pipeline.lake.data_files import write_events, write_kept, write_quarantined
from pipeline.lake.derived import CHARGES, EXCHANGES_DAILY, USAGE_DAILY
from pipeline.lake.log.commit import Commit
from pipeline.lake.log.forgetting import Forgetting, ForgottenFile, LeftFile
from pipeline.objects import disk, layout
from pipeline.objects.encoded.parquet_bytes import rows_as
from pipeline.objects.mounted.mounts import mount_of
from pipeline.tables import schemas
from pipeline.usage.events import FORGETTING_SINCE

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.upkeep.forgetting.chosen import Mask
    from pipeline.jobs.upkeep.forgetting.plan import Plan
    from pipeline.lake.log.commit import DataFile, QuarantineFile
    from pipeline.lake.log.snapshot import LakeSnapshot


def forget(workspace: Workspace, plan: Plan) -> LakeSnapshot:
    """Do what is planned, durably, and return what the lake then holds; where nothing is left to do, clean up alone.

    Only for the holder of the workspace's lock. Raises ``CommitConflict`` where another run committed first.
    """
    snapshot = plan.snapshot if plan.is_nothing else _committed(workspace.lake, plan)
    remove_what_was_forgotten(workspace, snapshot)
    return snapshot


def remove_what_was_forgotten(workspace: Workspace, snapshot: LakeSnapshot) -> None:
    """Remove, durably, every file of what was forgotten, and what earlier runs derived of it; and derive it anew."""
    if not snapshot.forgettings:
        return
    lake = workspace.lake
    if (mounted := mount_of(lake)) is not None:
        mounted.was_left = True  # whoever forgot may have died before all of it was gone from the store
    sweep_orphans(lake, snapshot)
    table_dir = layout.usage_events(lake)
    days = {file.path.partition("/")[0] for each in snapshot.forgettings for file in each.data_files}
    for folder in (table_dir / day for day in sorted(days)):
        if folder.is_dir():
            disk.sync_folder(folder)
            disk.remove_empty_folder(folder)
    for folder in (table_dir, layout.quarantine(lake), layout.forgotten(lake)):
        if folder.is_dir():
            disk.sync_folder(folder)
    _forget_counts(lake, {day.removeprefix("date=") for day in days})
    _remove_received(workspace, snapshot)
    built = aggregate_what_is_new(workspace)
    if broken := broken_claims_of(built.marts):
        listed = "; ".join(f"{check.name}: {check.detail}" for check in broken)
        message = f"what was forgotten is gone, and a claim about the counts does not hold: {listed}"
        raise ForgettingBlocked(message)
    write_marts(workspace, built)
    write_suspicious_copies(workspace, built, suspicious_copies(workspace, built))
    for name in (USAGE_DAILY, EXCHANGES_DAILY, CHARGES, SUSPICIOUS_COPIES):
        disk.sync_folder(lake / name)


def _committed(lake: Path, plan: Plan) -> LakeSnapshot:
    snapshot = grown(lake, plan.snapshot, plan.at, to=FORGETTING_SINCE)
    number = next_number(snapshot)
    data_files = {file.path: file for file in (*snapshot.superseded_files, *snapshot.data_files)}
    lines = {file.path: file for file in (*snapshot.superseded_quarantine_files, *snapshot.quarantine_files)}
    in_force = {file.path for file in snapshot.data_files} | {file.path for file in snapshot.quarantine_files}
    left = {path: _left_events(lake, data_files[path], plan, number) for path in plan.chosen.events}
    left_lines = {path: _left_lines(lake, lines[path], plan, number) for path in plan.chosen.lines}
    identities = pa.table({"event_id": plan.chosen.identities.cast(pa.binary(16))})
    disk.make_folders(lake.parent, layout.forgotten(lake))
    forgetting = Forgetting(
        rule=plan.rule,
        places=tuple(plan.records),
        data_files=tuple(_forgotten(path, plan.chosen.events[path], left[path]) for path in plan.chosen.events),
        quarantine_files=tuple(_forgotten(path, plan.chosen.lines[path], left_lines[path]) for path in left_lines),
        events=plan.events,
        quarantined=plan.quarantined,
        months=tuple((month.account_id, month.period) for month in plan.months if month.is_billed and month.account_id),
        points=plan.points,
        counts={name: write_kept(lake, table, number, name) for name, table in plan.counts.items()},
        identities=write_kept(lake, identities, number, "identities"),
        in_force=frozenset(in_force.intersection((*left, *left_lines))),
    )
    commit = Commit(
        number=number,
        committed_at=plan.at,
        previous_sha256=snapshot.entry_sha256,
        data_files=tuple(file for path, file in left.items() if path in in_force and file is not None),
        quarantine_files=tuple(file for path, file in left_lines.items() if path in in_force and file is not None),
        sources=tuple(plan.records.values()),
        key_secret_check=None,
        forgetting=forgetting,
        compaction=without_parts(lake, snapshot, number, gone={*left, *left_lines}, superseded=()),
    )
    appended(lake, snapshot, commit)
    return read_log(lake)


def _left_events(lake: Path, file: DataFile, plan: Plan, number: int) -> DataFile | None:
    rows = rows_of(lake, file).filter(pa.array(~plan.chosen.events[file.path]))
    return next(iter(write_events(lake, rows, number, origin=file.origin)), None)


def _left_lines(lake: Path, file: QuarantineFile, plan: Plan, number: int) -> QuarantineFile | None:
    rows = rows_as(verified_quarantine_files(lake, [file])[0], schemas.QUARANTINE)
    rows = rows.filter(pa.array(~plan.chosen.lines[file.path]))
    return next(iter(write_quarantined(lake, rows, number, origin=file.origin)), None)


def _forgotten(path: str, mask: Mask, left: DataFile | QuarantineFile | None) -> ForgottenFile:
    rest = None
    if left is not None:
        rest = LeftFile(path=left.path, sha256=left.sha256, size=left.size, rows=left.rows, origin=left.origin or 0)
    return ForgottenFile(path=path, rows=int(mask.sum()), left=rest)


def _forget_counts(lake: Path, days: set[str]) -> None:
    """Remove what nights counted of these dates, and what they made of it."""
    kept = {day: entry for day, entry in counted.read_entries(lake, dates_counted.KIND).items() if day not in days}
    for kind, entries in ((dates_counted.KIND, kept), (open_periods.KIND, {}), (answers.KIND, {})):
        counted.write_entries(lake, kind, entries, {})
        disk.sync_folder(counted.folder_of(lake, kind))


def _remove_received(workspace: Workspace, snapshot: LakeSnapshot) -> None:
    """Remove the logs that came by standard input and were kept, where nothing of them counts any more."""
    for called in logs_with_forgotten(workspace, list(snapshot.sources))[0]:
        path = source_path(workspace.root, called)
        if path.parent.parent == layout.received(workspace.root):
            disk.remove_files(path.parent, [path.name])
            disk.sync_folder(path.parent)
