"""What counts after a commit: the files and sources of all commits up to it, less those that later ones superseded.

Does not own entries (``delta``) nor committing (``commits``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from pipeline.lake import delta
from pipeline.lake.delta import DataFile, QuarantineFile
from pipeline.lake.superseding import Place

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pipeline.lake.delta import Commit
    from pipeline.lake.forgetting import Forgetting, ForgottenFile, LeftFile
    from pipeline.usage.sources import SourceRecord

_File = TypeVar("_File", DataFile, QuarantineFile)


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

    @property
    def superseded_files(self) -> tuple[DataFile, ...]:
        """Return the data files that count no longer; they are kept, since invoices were issued from them."""
        return tuple(file for each in self.superseded for file in each.data_files)

    @property
    def superseded_quarantine_files(self) -> tuple[QuarantineFile, ...]:
        """Return the files of quarantined lines that count no longer."""
        return tuple(file for each in self.superseded for file in each.quarantine_files)

    def after(self, commits: Iterable[Commit], entry_sha256: str | None) -> LakeSnapshot:
        """Return what the lake holds after some more commits, the last one's entry of this digest.

        Raises ``ValueError`` for a commit that supersedes what does not count, or by something else.
        """
        files = {file.path: file for file in self.data_files}
        quarantine = {file.path: file for file in self.quarantine_files}
        sources = dict(zip(self.places, self.sources, strict=True))
        superseded = list(self.superseded)
        found, commits = self, tuple(commits)
        # An entry's digest is stated by the one after it.
        digests = (*(commit.previous_sha256 for commit in commits[1:]), entry_sha256) if commits else ()
        for commit in commits:
            taken_out, forgetting = commit.superseding, commit.forgetting
            if forgetting is not None:
                places = list(forgetting.places)
                _check_replaced(places, commit, sources)
                for path in (each.path for each in forgetting.data_files if each.path in forgetting.in_force):
                    _removed(files, path)
                for path in (each.path for each in forgetting.quarantine_files if each.path in forgetting.in_force):
                    _removed(quarantine, path)
                superseded = [_less(each, forgetting) for each in superseded]
                found = replace(found, forgettings=(*found.forgettings, forgetting))
            elif taken_out is None:
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
            clock = delta.to_the_millisecond(commit.committed_at)
            found = replace(
                found,
                version=commit.number,
                key_secret_check=found.key_secret_check if commit.key_secret_check is None else commit.key_secret_check,
                lake_version=found.lake_version if commit.lake_version is None else commit.lake_version,
                began_at=clock if found.began_at is None else found.began_at,
                committed_at=clock if found.committed_at is None else max(found.committed_at, clock),
            )
        return replace(
            found,
            entry_sha256=entry_sha256,
            data_files=tuple(files.values()),
            quarantine_files=tuple(quarantine.values()),
            sources=tuple(sources.values()),
            places=tuple(sources),
            superseded=tuple(superseded),
            entry_digests=(*self.entry_digests, *digests),
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
