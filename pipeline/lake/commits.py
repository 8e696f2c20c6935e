"""The lake of usage events: what was committed, and the one way to commit more.

A commit's log entry, written last, makes everything before it count; what no entry names is invisible, whatever lies in
the folders. Order of a commit: folders; data files under temporary names, each synced, then renamed to their sha256;
their folders synced; the log entry under a temporary name, synced, then linked to the next number; the log's folder
synced. Only then is it acknowledged. Death anywhere leaves the lake as it was or as it would have been.

Readers take the list of files from here, never from a folder, and have each checked first (``checked_files``).

Does not own an entry (``log.delta``), what counts after it (``log.snapshot``), the chain (``append_log``), the
layout of rows (``event_files``), nor the lock: safety is the ``link()``; the lock only makes a second run end at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import LakeIsNewer, LogEntryRefused
from pipeline.lake.data_files import WrittenFiles, is_overtaken, write_events, write_quarantined
from pipeline.lake.log import delta
from pipeline.lake.log.applying import snapshot_after
from pipeline.lake.log.commit import Commit
from pipeline.lake.log.parsing import parse_commit
from pipeline.lake.log.snapshot import LakeSnapshot
from pipeline.objects import append_log, disk, layout
from pipeline.objects.mounted.files import remove_on_store
from pipeline.objects.mounted.mounts import mount_of
from pipeline.objects.verified import names_in
from pipeline.tables.coded import CODED_EVENTS
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS
from pipeline.usage.events import COMPACTING_SINCE, FORGETTING_SINCE, LAKE_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from pipeline.lake.log.forgetting import KeptFile
    from pipeline.usage.sources import SourceRecord

_NOTHING_WRITTEN = WrittenFiles()
_UPGRADE = "upgrade Tallybook (the lake is sound: leave it as it is)"
ADVICE = "restore the lake from a backup, or move it away and collect the logs again"


def read_log(lake_dir: Path, *, until: int | None = None) -> LakeSnapshot:
    """Read the whole log, strictly; a lake that does not exist is empty. What is returned is durable.

    With ``until`` the snapshot is the one right after that commit, as if nothing had been committed since; the later
    entries are checked all the same. Raises ``LogEntryRefused`` for an entry that is torn, missing, changed, foreign or
    out of its chain, and where there is no commit ``until``; ``LakeIsNewer`` where a newer version of Tallybook added
    to the lake.
    """
    log_dir = layout.delta_log(lake_dir)
    try:
        chain = append_log.read_chain(log_dir, first_number=0, parse=parse_commit, advice=ADVICE)
    except LakeIsNewer as error:
        message = f"the lake of {lake_dir.parent} was written by a newer version of Tallybook: {error}; {_UPGRADE}"
        raise LakeIsNewer(message) from None
    _check_added_once(log_dir, chain.entries)
    _check_growth(log_dir, chain.entries)
    if until is not None and not 0 <= until < len(chain.entries):
        message = f"the lake of {lake_dir.parent} has no commit {until}, but {_there_are(len(chain.entries))}; {ADVICE}"
        raise LogEntryRefused(message)
    commits = chain.entries if until is None else chain.entries[: until + 1]
    # An entry's digest is stated by the one after it; the last one's is the chain's.
    entry_sha256 = (
        chain.last_sha256 if len(commits) == len(chain.entries) else chain.entries[len(commits)].previous_sha256
    )
    try:
        snapshot = snapshot_after(LakeSnapshot(), commits, entry_sha256)
        if until is not None:  # the later entries are checked all the same
            now = snapshot_after(snapshot, chain.entries[until + 1 :], chain.last_sha256)
            snapshot = snapshot.without(now.forgettings[len(snapshot.forgettings) :]).lying_in(now.locations)
    except ValueError as error:
        message = f"the log of the lake of {lake_dir.parent} is refused: {error}; {ADVICE}"
        raise LogEntryRefused(message) from None
    return snapshot


def commit(
    lake_dir: Path,
    snapshot: LakeSnapshot,
    *,
    events: pa.Table,
    quarantined: pa.Table,
    sources: Sequence[SourceRecord],
    committed_at: datetime,
    key_secret_check: str | None,
    written: WrittenFiles = _NOTHING_WRITTEN,
) -> LakeSnapshot:
    """Add the events and quarantined lines of these sources to the lake, durably, and return what it then holds.

    Some of them may be in files that are ``written`` there already, durably, for this commit or a later one.

    A lake of an earlier version is first brought to ours, by an entry of its own.

    Raises ``CommitConflict`` when another run committed first: read the log again, drop what it collected, and try
    again. Raises ``ValueError`` where there is no source (collecting twice must change nothing), where the tables are
    not of the lake's schemas, or where the sources do not account for every row.
    """
    _check_accounts(events, quarantined, sources, written)
    disk.make_folders(lake_dir.parent, layout.delta_log(lake_dir))
    snapshot = grown(lake_dir, snapshot, committed_at)
    number = next_number(snapshot)
    new = Commit(
        number=number,
        committed_at=committed_at,
        previous_sha256=snapshot.entry_sha256,
        data_files=(*written.data_files, *write_events(lake_dir, events, number)),
        quarantine_files=(*written.quarantine_files, *write_quarantined(lake_dir, quarantined, number)),
        sources=tuple(sources),
        key_secret_check=key_secret_check,
        lake_version=LAKE_VERSION if snapshot.version is None else None,
    )
    return appended(lake_dir, snapshot, new)


def sweep_orphans(lake_dir: Path, snapshot: LakeSnapshot) -> list[str]:
    """Remove data files that can never count, forgotten and compacted ones among them; return their paths.

    They are relative to the lake.

    A data file that no entry names can never count once the number of the commit it was written for is taken; until
    then its writer may be alive and about to link. So even where the lock failed to keep a second writer out, no commit
    loses its files.
    """
    table_dir, quarantine_dir = layout.usage_events(lake_dir), layout.quarantine(lake_dir)
    forgotten_dir = layout.forgotten(lake_dir)
    named: dict[Path, set[str]] = {}
    for path in named_files(lake_dir, snapshot):
        named.setdefault(path.parent, set()).add(path.name)
    partitions = [
        table_dir / name
        for name in names_in(table_dir)
        if layout.PARTITION_NAME.fullmatch(name) and (table_dir / name).is_dir()
    ]
    swept: list[Path] = []
    for folder in (quarantine_dir, forgotten_dir, *partitions):
        of_entries = named.get(folder, set())
        unnamed = [
            name for name in names_in(folder) if name not in of_entries and layout.DATA_FILE_NAME.fullmatch(name)
        ]
        orphans = [name for name in unnamed if is_overtaken(folder / name, snapshot.version)]
        remove_on_store(folder, orphans)  # first: what is gone here is not looked for there again
        swept += [folder / name for name in disk.remove_files(folder, orphans)]
    swept += _sweep_store(lake_dir, snapshot)
    return sorted(path.relative_to(lake_dir).as_posix() for path in swept)


def _sweep_store(lake_dir: Path, snapshot: LakeSnapshot) -> list[Path]:
    """Remove what a run left on the store that died with its machine, and held the store's lock then."""
    mounted = mount_of(lake_dir)
    if mounted is None or not mounted.was_left:
        return []
    from pipeline.lake.store_orphans import orphans_on_store  # noqa: PLC0415  # rare

    orphans = orphans_on_store(lake_dir, named_files(lake_dir, snapshot), snapshot.version)
    for path in orphans.overtaken:
        remove_on_store(path.parent, [path.name])
    mounted.was_left = bool(orphans.waiting)  # the next run looks once more
    return list(orphans.overtaken)


def named_files(lake_dir: Path, snapshot: LakeSnapshot) -> set[Path]:
    """Return every file that an entry names, whether it counts or is kept, less what was forgotten or compacted."""
    events, lines = layout.usage_events(lake_dir), layout.quarantine(lake_dir)
    return {
        *(events / file.stored.path for file in (*snapshot.data_files, *snapshot.superseded_files)),
        *(lines / file.stored.path for file in (*snapshot.quarantine_files, *snapshot.superseded_quarantine_files)),
        *(layout.forgotten(lake_dir) / file.name for file in kept_files(snapshot)),
    }


def kept_files(snapshot: LakeSnapshot) -> list[KeptFile]:
    """Return the files that are kept of what was forgotten: all identities, and the counts of the last time."""
    forgettings = snapshot.forgettings
    return [each.identities for each in forgettings] + (list(forgettings[-1].counts.values()) if forgettings else [])


def grown(lake_dir: Path, snapshot: LakeSnapshot, committed_at: datetime, *, to: int = LAKE_VERSION) -> LakeSnapshot:
    """Let the log of a lake of an earlier version state the columns of ours. Raises ``CommitConflict``."""
    if snapshot.version is None or (snapshot.lake_version or 0) >= to:
        return snapshot
    growth = Commit(
        number=next_number(snapshot),
        committed_at=committed_at,
        previous_sha256=snapshot.entry_sha256,
        data_files=(),
        quarantine_files=(),
        sources=(),
        key_secret_check=None,
        lake_version=to,
    )
    return appended(lake_dir, snapshot, growth)


def next_number(snapshot: LakeSnapshot) -> int:
    """Return the number of the commit that follows."""
    return 0 if snapshot.version is None else snapshot.version + 1


def appended(lake_dir: Path, snapshot: LakeSnapshot, new: Commit) -> LakeSnapshot:
    """Append an entry, durably, and return what the lake then holds. Raises ``CommitConflict``."""
    entry_sha256 = append_log.append_entry(layout.delta_log(lake_dir), new.number, delta.render_commit(new))
    return snapshot_after(snapshot, [new], entry_sha256)


def _check_growth(log_dir: Path, commits: Sequence[Commit]) -> None:
    """Refuse a lake that states the same columns again, or fewer."""
    version = 0
    for commit in commits:
        if commit.forgetting is not None and version < FORGETTING_SINCE:
            entry = append_log.entry_path(log_dir, commit.number)
            message = f"log entry {entry} is refused: it forgets events in version {version} of the lake; {ADVICE}"
            raise LogEntryRefused(message)
        if commit.compaction is not None and version < COMPACTING_SINCE:
            entry = append_log.entry_path(log_dir, commit.number)
            message = f"log entry {entry} is refused: it compacts files in version {version} of the lake; {ADVICE}"
            raise LogEntryRefused(message)
        if commit.lake_version is None:
            continue
        if commit.lake_version <= version:
            entry = append_log.entry_path(log_dir, commit.number)
            message = (
                f"log entry {entry} is refused: it states version {commit.lake_version} of the lake after version "
                f"{version}; {ADVICE}"
            )
            raise LogEntryRefused(message)
        version = commit.lake_version


def _there_are(commits: int) -> str:
    return f"commits 0 to {commits - 1}" if commits > 1 else "commit 0 alone" if commits else "none at all"


def _check_added_once(log_dir: Path, commits: Sequence[Commit]) -> None:
    paths: set[str] = set()
    for commit in commits:
        added = [file.path for file in commit.data_files] + [file.path for file in commit.quarantine_files]
        if commit.compaction is not None:
            added += [file.path for file in (*commit.compaction.data_files, *commit.compaction.quarantine_files)]
        for path in added:
            if path in paths:
                message = (
                    f"log entry {append_log.entry_path(log_dir, commit.number)} is refused: "
                    f"it adds {path} a second time; {ADVICE}"
                )
                raise LogEntryRefused(message)
            paths.add(path)


def _check_accounts(
    events: pa.Table, quarantined: pa.Table, sources: Sequence[SourceRecord], written: WrittenFiles
) -> None:
    """Refuse a commit whose records do not account for its rows: its books would never balance again."""
    if not sources:
        message = "a commit without sources would change the lake without reason; commit nothing instead"
        raise ValueError(message)
    for name, table, schemas in (
        ("events", events, (USAGE_EVENTS, CODED_EVENTS)),
        ("quarantined", quarantined, (QUARANTINE,)),
    ):
        if table.schema not in schemas:
            message = (
                f"{name} has the columns {table.schema.names} of types {[str(each) for each in table.schema.types]}; "
                "see pipeline.tables.schemas"
            )
            raise ValueError(message)
    counted = (
        sum(sum(record.events.values()) for record in sources),
        sum(sum(record.quarantined.values()) for record in sources),
    )
    in_files = written.rows
    there = events.num_rows + in_files[0], quarantined.num_rows + in_files[1]
    if counted != there:
        message = f"the sources count {counted} events and quarantined lines, and there are {there}"
        raise ValueError(message)
