"""What one entry of the log says: a commit, and the files that it adds.

Owns what a commit may do at once, and how Delta's history calls that. Does not own the entry as bytes (``delta``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from datetime import date, datetime

    from pipeline.lake.log.compacting import CompactedFile, Compaction, Within
    from pipeline.lake.log.forgetting import Forgetting
    from pipeline.lake.log.superseding import Superseding
    from pipeline.usage.sources import SourceRecord

OPERATION = "COLLECT"
AGAIN = "READ AGAIN"
"""The operation of an entry that supersedes readings of before."""
FORGET = "FORGET"
"""The operation of an entry that says what is forgotten."""
COMPACT = "OPTIMIZE"
"""The operation of an entry that only compacts files; Delta's own word."""
GROWTH = "ADD COLUMNS"
"""The operation of an entry that only states the columns of a later version; Delta's own word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataFile:
    """A Parquet file of usage events of one UTC date.

    ``path`` is relative to the table, ``date=YYYY-MM-DD/<sha256>.parquet``.
    """

    path: str
    date: date
    sha256: str
    size: int
    rows: int
    origin: int | None = None
    """The commit of whose lines it holds events; None in an entry: its own."""
    within: Within | None = field(default=None, compare=False)
    """Where its rows lie, where it was compacted: it is no file of its own any more, and the same all the same."""

    @property
    def stored(self) -> DataFile | CompactedFile:
        """The file that its rows lie in."""
        return self if self.within is None else self.within.file


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineFile:
    """A Parquet file of quarantined lines; ``path`` is relative to the quarantine, ``<sha256>.parquet``."""

    path: str
    sha256: str
    size: int
    rows: int
    origin: int | None = None
    """As that of a data file."""
    within: Within | None = field(default=None, compare=False)
    """As that of a data file."""

    @property
    def stored(self) -> QuarantineFile | CompactedFile:
        """The file that its rows lie in."""
        return self if self.within is None else self.within.file


AnyFile: TypeAlias = DataFile | QuarantineFile


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What one entry of the log says.

    ``committed_at`` is kept to the millisecond; the first entry has no ``previous_sha256``.

    ``lake_version`` is the version whose columns it states: the first entry does, and one that does nothing else.
    """

    number: int
    committed_at: datetime
    previous_sha256: str | None
    data_files: tuple[DataFile, ...]
    quarantine_files: tuple[QuarantineFile, ...]
    sources: tuple[SourceRecord, ...]
    key_secret_check: str | None
    lake_version: int | None = None
    superseding: Superseding | None = None
    forgetting: Forgetting | None = None
    compaction: Compaction | None = None
    """Beside what it supersedes or forgets, or alone."""

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for an entry that nobody could write: one that grows the lake and adds to it as well."""
        has_version = self.lake_version is not None
        if self.number == 0 and not has_version:
            message = "the first entry states the version of the lake"
            raise ValueError(message)
        if self.number > 0 and has_version and (self.data_files or self.quarantine_files or self.sources):
            message = "it states other columns and adds to the lake too; each has an entry of its own"
            raise ValueError(message)
        is_more = (self.superseding is not None) + (self.forgetting is not None)
        if is_more + has_version > 1:
            message = "it states other columns, supersedes readings or forgets events; each has an entry of its own"
            raise ValueError(message)
        if self.compaction is None or is_more:
            return
        if has_version or self.data_files or self.quarantine_files or self.sources:
            message = "it compacts files and does something else; each has an entry of its own"
            raise ValueError(message)

    @property
    def removed(self) -> tuple[str, ...]:
        """Paths of the data files that it takes out of the table."""
        if self.compaction is not None:
            return self.compaction.removed
        if self.superseding is not None:
            return self.superseding.data_files
        if self.forgetting is not None:
            in_force = self.forgetting.in_force
            return tuple(file.path for file in self.forgetting.data_files if file.path in in_force)
        return ()

    @property
    def operation(self) -> str:
        """Say what it does in the word that Delta's history shows."""
        if self.superseding is not None:
            return AGAIN
        if self.forgetting is not None:
            return FORGET
        if self.compaction is not None:
            return COMPACT
        return OPERATION if self.number == 0 or self.lake_version is None else GROWTH
