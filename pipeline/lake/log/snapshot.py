"""What counts after a commit: the files and sources of all commits up to it, less those that later ones superseded.

Does not own entries (``commit``, ``delta``), how it follows from them (``applying``), nor committing
(``pipeline.lake.commits``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from pipeline.lake.log.commit import DataFile, QuarantineFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from pipeline.lake.log.commit import AnyFile
    from pipeline.lake.log.compacting import CompactedFile, Within
    from pipeline.lake.log.forgetting import Forgetting, ForgottenFile, LeftFile
    from pipeline.lake.log.superseding import Place
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
    def locations(self) -> dict[str, Within]:
        """Return where the rows of what was compacted lie, by the paths of the parts."""
        return {file.path: file.within for file in self.all_files if file.within} if self.compacted else {}

    def lying_in(self, locations: Mapping[str, Within]) -> LakeSnapshot:
        """Return the same, with the rows of its files where they lie by now."""
        if not locations:
            return self
        return replace(
            self,
            data_files=_within(self.data_files, locations),
            quarantine_files=_within(self.quarantine_files, locations),
            superseded=tuple(
                replace(
                    each,
                    data_files=_within(each.data_files, locations),
                    quarantine_files=_within(each.quarantine_files, locations),
                    replacements=_within(each.replacements, locations),
                )
                for each in self.superseded
            ),
            files_then=None if self.files_then is None else _within(self.files_then, locations),
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
            superseded = tuple(without_forgotten(each, forgetting) for each in superseded)
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


def without_forgotten(superseded: Superseded, forgetting: Forgetting) -> Superseded:
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


def _within(files: tuple[_File, ...], locations: Mapping[str, Within]) -> tuple[_File, ...]:
    return tuple(replace(file, within=locations[file.path]) if file.path in locations else file for file in files)
