"""Entries applied in order to what the lake holds: files and sources come, are taken out, forgotten, and moved.

Owns what an entry must fit to: it is refused where it takes out what does not count, or states other rows than there
are. Does not own what an entry says (``commit``, ``delta``) nor the result (``snapshot``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from pipeline.lake.log import delta
from pipeline.lake.log.commit import DataFile, QuarantineFile
from pipeline.lake.log.compacting import Within
from pipeline.lake.log.snapshot import Superseded, without_forgotten
from pipeline.lake.log.superseding import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.lake.log.commit import AnyFile, Commit
    from pipeline.lake.log.compacting import CompactedFile, Compaction
    from pipeline.lake.log.forgetting import Forgetting
    from pipeline.lake.log.snapshot import LakeSnapshot
    from pipeline.lake.log.superseding import Superseding
    from pipeline.usage.sources import SourceRecord

_File = TypeVar("_File", DataFile, QuarantineFile)
_STATES = {True: "count", False: "are kept and do not count"}


def snapshot_after(before: LakeSnapshot, commits: Iterable[Commit], entry_sha256: str | None) -> LakeSnapshot:
    """Return what the lake holds after some more commits, the last one's entry of this digest.

    Raises ``ValueError`` for a commit that supersedes what does not count, or by something else.
    """
    commits = tuple(commits)
    held = _Held.of(before)
    for commit in commits:
        held.apply(commit)
    # An entry's digest is stated by the one after it.
    digests = (*(commit.previous_sha256 for commit in commits[1:]), entry_sha256) if commits else ()
    snapshot = replace(
        _with_last_stated(before, commits),
        entry_sha256=entry_sha256,
        data_files=tuple(held.files.values()),
        quarantine_files=tuple(held.quarantine.values()),
        sources=tuple(held.sources.values()),
        places=tuple(held.sources),
        superseded=tuple(held.superseded),
        entry_digests=(*before.entry_digests, *digests),
        forgettings=tuple(held.forgettings),
        compacted=tuple(held.compacted),
    )
    return snapshot.lying_in(held.locations)


def _with_last_stated(before: LakeSnapshot, commits: Sequence[Commit]) -> LakeSnapshot:
    """Return a snapshot with the number, the clocks and whatever else commits state for all that follow them."""
    if not commits:
        return before
    clocks = [delta.to_the_millisecond(commit.committed_at) for commit in commits]
    key_secret_checks = [commit.key_secret_check for commit in commits if commit.key_secret_check is not None]
    lake_versions = [commit.lake_version for commit in commits if commit.lake_version is not None]
    return replace(
        before,
        version=commits[-1].number,
        key_secret_check=[before.key_secret_check, *key_secret_checks][-1],
        lake_version=[before.lake_version, *lake_versions][-1],
        began_at=clocks[0] if before.began_at is None else before.began_at,
        committed_at=max(clocks if before.committed_at is None else [before.committed_at, *clocks]),
    )


@dataclass(slots=True, kw_only=True)
class _Held:
    """What the lake holds while entries are applied to it."""

    files: dict[str, DataFile]
    """What counts, by path; likewise below."""
    quarantine: dict[str, QuarantineFile]
    sources: dict[Place, SourceRecord]
    superseded: list[Superseded]
    forgettings: list[Forgetting]
    locations: dict[str, Within]
    """Where the rows of what was compacted lie, by the paths of the parts."""
    compacted: list[CompactedFile]

    @classmethod
    def of(cls, snapshot: LakeSnapshot) -> _Held:
        """Return what it holds."""
        return cls(
            files={file.path: file for file in snapshot.data_files},
            quarantine={file.path: file for file in snapshot.quarantine_files},
            sources=dict(zip(snapshot.places, snapshot.sources, strict=True)),
            superseded=list(snapshot.superseded),
            forgettings=list(snapshot.forgettings),
            locations=snapshot.locations,
            compacted=list(snapshot.compacted),
        )

    def apply(self, commit: Commit) -> None:
        """Let it hold what it does after a commit. Raises ``ValueError`` for one that does not fit."""
        check_apart(commit, self.locations)
        table_before = self._table() if commit.compaction is not None else frozenset()
        if commit.forgetting is not None:
            places = self._forget(commit, commit.forgetting)
        elif commit.superseding is not None:
            places = self._supersede(commit, commit.superseding)
        else:  # of one that only compacts, there is none
            places = [Place(commit=commit.number, source=number) for number in range(len(commit.sources))]
        self.sources.update(zip(places, commit.sources, strict=True))
        self.files |= {file.path: _of(file, commit.number) for file in commit.data_files}
        self.quarantine |= {file.path: _of(file, commit.number) for file in commit.quarantine_files}
        if commit.compaction is not None:
            self._compact(commit.compaction)
            _check_table(commit, commit.compaction, table_before, self._table())

    def _forget(self, commit: Commit, forgetting: Forgetting) -> Sequence[Place]:
        """Take out the files that are forgotten, and return whose records the commit replaces."""
        _check_replaced(forgetting.places, commit, self.sources)
        for file in forgetting.data_files:
            if file.path in forgetting.in_force:
                _removed(self.files, file.path)
        for file in forgetting.quarantine_files:
            if file.path in forgetting.in_force:
                _removed(self.quarantine, file.path)
        self.superseded = [without_forgotten(each, forgetting) for each in self.superseded]
        self.forgettings.append(forgetting)
        return forgetting.places

    def _supersede(self, commit: Commit, superseding: Superseding) -> Sequence[Place]:
        """Keep the files that count no longer as such, and return whose records the commit replaces."""
        _check_replaced(superseding.places, commit, self.sources)
        self.superseded.append(
            Superseded(
                commit=commit.number,
                data_files=tuple(_removed(self.files, path) for path in superseding.data_files),
                quarantine_files=tuple(_removed(self.quarantine, path) for path in superseding.quarantine_files),
                replacements=commit.data_files,
                events=superseding.events,
            )
        )
        return superseding.places

    def _compact(self, compaction: Compaction) -> None:
        kept: dict[str, AnyFile] = {file.path: file for each in self.superseded for file in each.data_files}
        kept |= {file.path: file for each in self.superseded for file in each.quarantine_files}
        self.locations = moved(self.locations, compaction, {**self.files, **self.quarantine}, kept)
        self.compacted += [*compaction.data_files, *compaction.quarantine_files]

    def _table(self) -> frozenset[str]:
        """Return the paths of the files that the table consists of, as other engines see it."""
        return frozenset(self.locations[path].file.path if path in self.locations else path for path in self.files)


def _of(file: _File, number: int) -> _File:
    """Return a file with the commit whose lines it holds."""
    return replace(file, origin=number) if file.origin is None else file


def moved(
    locations: Mapping[str, Within],
    compaction: Compaction,
    in_force: Mapping[str, AnyFile],
    kept: Mapping[str, AnyFile],
) -> dict[str, Within]:
    """Return where rows lie after a compaction, by the paths of their files.

    ``locations`` are where they lay, ``in_force`` the files that count, ``kept`` those that do not any more. Raises
    ``ValueError`` where it states other rows than there are, or leaves a file of which only a part is anything.
    """
    found = {path: location for path, location in locations.items() if path in in_force or path in kept}
    held: dict[str, list[tuple[str, int]]] = {}
    rows_of = {path: file.rows for path, file in (*in_force.items(), *kept.items())}
    for path, location in found.items():
        held.setdefault(location.file.path, []).append((path, location.start))
        rows_of[location.file.path] = location.file.rows
    for new in (*compaction.data_files, *compaction.quarantine_files):
        start = 0
        for part in new.parts:
            if part.rows != rows_of.get(part.path):
                message = f"it compacts {part.rows} rows of {part.path}, which has {rows_of.get(part.path, 'none')}"
                raise ValueError(message)
            parts = held.get(part.path, [(part.path, 0)])
            found |= {path: Within(file=new, start=start + within) for path, within in parts}
            start += part.rows
    rows: Counter[str] = Counter()
    files = {}
    for path, location in found.items():
        file = in_force.get(path) or kept.get(path)
        if file is None or (path in in_force) != location.file.in_force:
            message = f"it leaves {path} in {location.file.path}, whose parts {_STATES[location.file.in_force]}"
            raise ValueError(message)
        rows[location.file.path] += file.rows
        files[location.file.path] = location.file
    wrong = sorted(path for path, file in files.items() if rows[path] != file.rows)
    if wrong:
        message = f"it leaves {wrong[0]} with {files[wrong[0]].rows} rows, of which {rows[wrong[0]]} are of a file"
        raise ValueError(message)
    return found


def _check_table(commit: Commit, compaction: Compaction, before: frozenset[str], after: frozenset[str]) -> None:
    """Refuse an entry by whose actions other engines would count something else."""
    added = {file.path for file in commit.data_files} | {file.path for file in compaction.data_files if file.in_force}
    if set(compaction.removed) != before - after or added != after - before:
        message = "its actions leave a table that holds something else than what counts"
        raise ValueError(message)


def check_apart(commit: Commit, locations: Mapping[str, Within]) -> None:
    """Refuse an entry that takes out a part of a compacted file, and does not say what becomes of the others."""
    if commit.compaction is not None or not locations:
        return
    gone: list[str] = []
    if commit.superseding is not None:
        gone += [*commit.superseding.data_files, *commit.superseding.quarantine_files]
    if commit.forgetting is not None:
        gone += [file.path for file in (*commit.forgetting.data_files, *commit.forgetting.quarantine_files)]
    compacted = next((path for path in gone if path in locations), None)
    if compacted is not None:
        message = f"it takes out {compacted}, which lies in {locations[compacted].file.path} with others"
        raise ValueError(message)


def _removed(files: dict[str, _File], path: str) -> _File:
    if path not in files:
        message = f"it removes {path}, which does not count"
        raise ValueError(message)
    return files.pop(path)


def _check_replaced(places: Iterable[Place], commit: Commit, sources: dict[Place, SourceRecord]) -> None:
    for place, record in zip(places, commit.sources, strict=True):
        before = sources.get(place)
        if before is None or _segment_of(before) != _segment_of(record):
            message = (
                f"it replaces source {place.source} of commit {place.commit} by bytes {record.start} to {record.end} "
                f"of {record.source}, which is another segment"
            )
            raise ValueError(message)


def _segment_of(record: SourceRecord) -> tuple[object, ...]:
    """Return what a record keeps however it is read."""
    return (record.source, record.start, record.end, record.first_line, record.lines, record.digest)
