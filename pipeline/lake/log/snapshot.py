"""What counts after a commit: the files and sources of all commits up to it, less those that later ones superseded.

Does not own entries (``commit``, ``delta``) nor committing (``pipeline.lake.commits``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from pipeline.lake.log import delta
from pipeline.lake.log.commit import DataFile, QuarantineFile
from pipeline.lake.log.compacting import Within
from pipeline.lake.log.superseding import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from pipeline.lake.log.commit import AnyFile, Commit
    from pipeline.lake.log.compacting import CompactedFile, Compaction
    from pipeline.lake.log.forgetting import Forgetting, ForgottenFile, LeftFile
    from pipeline.usage.sources import SourceRecord

_File = TypeVar("_File", DataFile, QuarantineFile)
_STATES = {True: "count", False: "are kept and do not count"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Superseded:
    """What a commit of logs that were read again took out of the lake."""

    commit: int
    data_files: tuple[DataFile, ...]
    quarantine_files: tuple[QuarantineFile, ...]
    replacements: tuple[DataFile, ...]
    """The data files that came in the place of ``data_files``."""
    events: int | None
    """So many events of ``data_files``, by the log, are not in ``replacements``; None where some were forgotten since.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class LakeSnapshot:
    """What the lake holds after a commit: what counts of this and all earlier commits, in their order.

    ``version`` is the number of the last commit and ``entry_sha256`` its entry's digest; both are None of an empty
    lake. ``key_secret_check`` is the last one that a commit stated, ``lake_version`` the version whose columns the
    table has; None of an empty lake.
    """

    version: int | None = None
    entry_sha256: str | None = None
    data_files: tuple[DataFile, ...] = ()
    quarantine_files: tuple[QuarantineFile, ...] = ()
    sources: tuple[SourceRecord, ...] = ()
    places: tuple[Place, ...] = ()
    """Of each source, where it was first accounted for."""
    key_secret_check: str | None = None
    lake_version: int | None = None
    committed_at: datetime | None = None
    """The latest clock of all these commits; ``None`` of an empty lake."""
    began_at: datetime | None = None
    """The clock of the first of them; ``None`` of an empty lake."""
    superseded: tuple[Superseded, ...] = ()
    """What counts no longer, commit by commit."""
    entry_digests: tuple[str | None, ...] = ()
    """Of each commit, by its number, the sha256 of its entry."""
    forgettings: tuple[Forgetting, ...] = ()
    """What was forgotten up to this commit."""
    forgotten_later: tuple[Forgetting, ...] = ()
    """What was forgotten since, some of which this snapshot may have held: its files are what is left of them now."""
    files_then: tuple[DataFile, ...] | None = None
    """Its data files as they were before anything was forgotten later; None where nothing was."""
    compacted: tuple[CompactedFile, ...] = ()
    """Every file of files that there ever was, in the order of the log, those among them that are gone since."""

    @property
    def superseded_files(self) -> tuple[DataFile, ...]:
        """Return the data files that count no longer; they are kept, since invoices were issued from them."""
        return tuple(file for each in self.superseded for file in each.data_files)

    @property
    def superseded_quarantine_files(self) -> tuple[QuarantineFile, ...]:
        """Return the files of quarantined lines that count no longer."""
        return tuple(file for each in self.superseded for file in each.quarantine_files)

    @property
    def all_files(self) -> tuple[AnyFile, ...]:
        """Return all files that are named: what counts, and what is kept."""
        return (
            *self.data_files,
            *self.superseded_files,
            *self.quarantine_files,
            *self.superseded_quarantine_files,
        )

    @property
    def homes(self) -> dict[str, Within]:
        """Return where the rows of what was compacted lie, by the paths of the parts."""
        return {file.path: file.within for file in self.all_files if file.within} if self.compacted else {}

    def after(self, commits: Iterable[Commit], entry_sha256: str | None) -> LakeSnapshot:
        """Return what the lake holds after some more commits, the last one's entry of this digest.

        Raises ``ValueError`` for a commit that supersedes what does not count, or by something else.
        """
        files = {file.path: file for file in self.data_files}
        quarantine = {file.path: file for file in self.quarantine_files}
        sources = dict(zip(self.places, self.sources, strict=True))
        superseded = list(self.superseded)
        homes, compacted = self.homes, list(self.compacted)
        found, commits = self, tuple(commits)
        # An entry's digest is stated by the one after it.
        digests = (*(commit.previous_sha256 for commit in commits[1:]), entry_sha256) if commits else ()
        for commit in commits:
            taken_out, forgetting, compaction = commit.superseding, commit.forgetting, commit.compaction
            _check_apart(commit, homes)
            table_before = _table(files, homes) if compaction is not None else frozenset()
            if forgetting is not None:
                places = list(forgetting.places)
                _check_replaced(places, commit, sources)
                for path in (each.path for each in forgetting.data_files if each.path in forgetting.in_force):
                    _removed(files, path)
                for path in (each.path for each in forgetting.quarantine_files if each.path in forgetting.in_force):
                    _removed(quarantine, path)
                superseded = [_less(each, forgetting) for each in superseded]
                found = replace(found, forgettings=(*found.forgettings, forgetting))
            elif taken_out is None:  # of one that only compacts, there is none
                places = [Place(commit=commit.number, source=number) for number in range(len(commit.sources))]
            else:
                places = list(taken_out.places)
                _check_replaced(places, commit, sources)
                superseded.append(
                    Superseded(
                        commit=commit.number,
                        data_files=tuple(_removed(files, path) for path in taken_out.data_files),
                        quarantine_files=tuple(_removed(quarantine, path) for path in taken_out.quarantine_files),
                        replacements=commit.data_files,
                        events=taken_out.events,
                    )
                )
            sources.update(zip(places, commit.sources, strict=True))
            files |= {file.path: _of(file, commit.number) for file in commit.data_files}
            quarantine |= {file.path: _of(file, commit.number) for file in commit.quarantine_files}
            if compaction is not None:
                kept: dict[str, AnyFile] = {file.path: file for each in superseded for file in each.data_files}
                kept |= {file.path: file for each in superseded for file in each.quarantine_files}
                homes = _moved(homes, compaction, {**files, **quarantine}, kept)
                compacted += [*compaction.data_files, *compaction.quarantine_files]
                _check_table(commit, compaction, table_before, _table(files, homes))
            clock = delta.to_the_millisecond(commit.committed_at)
            found = replace(
                found,
                version=commit.number,
                key_secret_check=found.key_secret_check if commit.key_secret_check is None else commit.key_secret_check,
                lake_version=found.lake_version if commit.lake_version is None else commit.lake_version,
                began_at=clock if found.began_at is None else found.began_at,
                committed_at=clock if found.committed_at is None else max(found.committed_at, clock),
            )
        found = replace(
            found,
            entry_sha256=entry_sha256,
            data_files=tuple(files.values()),
            quarantine_files=tuple(quarantine.values()),
            sources=tuple(sources.values()),
            places=tuple(sources),
            superseded=tuple(superseded),
            entry_digests=(*self.entry_digests, *digests),
            compacted=tuple(compacted),
        )
        return found.lying_in(homes) if homes else found

    def lying_in(self, homes: Mapping[str, Within]) -> LakeSnapshot:
        """Return the same, with the rows of its files where they lie by now."""
        if not homes:
            return self
        return replace(
            self,
            data_files=_within(self.data_files, homes),
            quarantine_files=_within(self.quarantine_files, homes),
            superseded=tuple(
                replace(
                    each,
                    data_files=_within(each.data_files, homes),
                    quarantine_files=_within(each.quarantine_files, homes),
                    replacements=_within(each.replacements, homes),
                )
                for each in self.superseded
            ),
            files_then=None if self.files_then is None else _within(self.files_then, homes),
        )

    def without(self, later: Iterable[Forgetting]) -> LakeSnapshot:
        """Return what is left of what it held, where some of it was forgotten by later commits."""
        later = tuple(later)
        if not later:
            return self
        files, quarantine, superseded = self.data_files, self.quarantine_files, self.superseded
        for forgetting in later:
            files = tuple(_left_of(files, forgetting.data_files))
            quarantine = tuple(_left_of(quarantine, forgetting.quarantine_files))
            superseded = tuple(_less(each, forgetting) for each in superseded)
        return replace(
            self,
            data_files=files,
            quarantine_files=quarantine,
            superseded=superseded,
            forgotten_later=later,
            files_then=self.data_files,
        )


def _left_of(files: Iterable[_File], forgotten: Iterable[ForgottenFile]) -> Iterable[_File]:
    """Yield files, and in the place of those that were forgotten what is left of them."""
    left = {each.path: each.left for each in forgotten}
    for file in files:
        if file.path not in left:
            yield file
        elif (rest := left[file.path]) is not None:
            yield _as_file(file, rest)


def _as_file(file: _File, rest: LeftFile) -> _File:
    return replace(file, path=rest.path, sha256=rest.sha256, size=rest.size, rows=rest.rows, origin=rest.origin)


def _less(superseded: Superseded, forgetting: Forgetting) -> Superseded:
    """Return what a commit took out, less what was forgotten of it."""
    gone = {each.path for each in (*forgetting.data_files, *forgetting.quarantine_files)}
    of_events = {file.path for file in (*superseded.data_files, *superseded.replacements)}
    if not gone.intersection(of_events | {file.path for file in superseded.quarantine_files}):
        return superseded
    return replace(
        superseded,
        data_files=tuple(_left_of(superseded.data_files, forgetting.data_files)),
        replacements=tuple(_left_of(superseded.replacements, forgetting.data_files)),
        quarantine_files=tuple(_left_of(superseded.quarantine_files, forgetting.quarantine_files)),
        events=None if gone & of_events else superseded.events,
    )


def _of(file: _File, number: int) -> _File:
    """Return a file with the commit whose lines it holds."""
    return replace(file, origin=number) if file.origin is None else file


def _within(files: tuple[_File, ...], homes: Mapping[str, Within]) -> tuple[_File, ...]:
    return tuple(replace(file, within=homes[file.path]) if file.path in homes else file for file in files)


def _moved(
    homes: Mapping[str, Within],
    compaction: Compaction,
    in_force: Mapping[str, AnyFile],
    kept: Mapping[str, AnyFile],
) -> dict[str, Within]:
    """Return where rows lie after a compaction.

    Raises ``ValueError`` where it states other rows than there are, or leaves a file of which only a part is anything.
    """
    found = {path: home for path, home in homes.items() if path in in_force or path in kept}
    held: dict[str, list[tuple[str, int]]] = {}
    rows_of = {path: file.rows for path, file in (*in_force.items(), *kept.items())}
    for path, home in found.items():
        held.setdefault(home.file.path, []).append((path, home.start))
        rows_of[home.file.path] = home.file.rows
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
    for path, home in found.items():
        file = in_force.get(path) or kept.get(path)
        if file is None or (path in in_force) != home.file.in_force:
            message = f"it leaves {path} in {home.file.path}, whose parts {_STATES[home.file.in_force]}"
            raise ValueError(message)
        rows[home.file.path] += file.rows
        files[home.file.path] = home.file
    wrong = sorted(path for path, file in files.items() if rows[path] != file.rows)
    if wrong:
        message = f"it leaves {wrong[0]} with {files[wrong[0]].rows} rows, of which {rows[wrong[0]]} are of a file"
        raise ValueError(message)
    return found


def _table(files: Mapping[str, DataFile], homes: Mapping[str, Within]) -> frozenset[str]:
    """Return the paths of the files that the table consists of, as other engines see it."""
    return frozenset(homes[path].file.path if path in homes else path for path in files)


def _check_table(commit: Commit, compaction: Compaction, before: frozenset[str], after: frozenset[str]) -> None:
    """Refuse an entry by whose actions other engines would count something else."""
    added = {file.path for file in commit.data_files} | {file.path for file in compaction.data_files if file.in_force}
    if set(compaction.removed) != before - after or added != after - before:
        message = "its actions leave a table that holds something else than what counts"
        raise ValueError(message)


def _check_apart(commit: Commit, homes: Mapping[str, Within]) -> None:
    """Refuse an entry that takes out a part of a compacted file, and does not say what becomes of the others."""
    if commit.compaction is not None or not homes:
        return
    gone: list[str] = []
    if commit.superseding is not None:
        gone += [*commit.superseding.data_files, *commit.superseding.quarantine_files]
    if commit.forgetting is not None:
        gone += [file.path for file in (*commit.forgetting.data_files, *commit.forgetting.quarantine_files)]
    compacted = next((path for path in gone if path in homes), None)
    if compacted is not None:
        message = f"it takes out {compacted}, which lies in {homes[compacted].file.path} with others"
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
