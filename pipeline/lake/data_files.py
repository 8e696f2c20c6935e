"""Data files of one commit, written durably under the sha256 of their bytes.

Order: the bytes under a temporary name, synced; the rename; the folder, synced; and, where the lake is on a store, the
object there, before this returns. Nothing here makes a file count: the
log entry that names it does (``lake``). Does not own the layout of rows (``event_files``) nor the encoding
(``pipeline.objects.encoded``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.errors import DataFileDamaged
from pipeline.lake.event_files import sorted_days
from pipeline.lake.log.commit import DataFile, QuarantineFile
from pipeline.lake.log.compacting import CompactedFile
from pipeline.lake.log.forgetting import KeptFile
from pipeline.objects import disk, layout
from pipeline.objects.encoded import parquet_bytes
from pipeline.objects.mounted.files import publish, publishing
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    import pyarrow as pa

    from pipeline.lake.event_files import EventsOfDay
    from pipeline.lake.log.compacting import Part

_ORIGIN = "tallybook.origin"
"""The note that says of which earlier commit's lines it holds rows."""
_KEPT_ROWS = "tallybook.superseded"
"""The note of a compacted file whose parts do not count, and are kept: it has another name than one that counts."""
_PARTS = "tallybook.parts"
"""The note in a compacted file with the sha256 of the names of its parts: two of equal rows are two files.

Such are kept of a log that was read again, and once more as it was read at first.
"""
_NAME = "tallybook.kept"
"""The note that says which counts of forgotten events a file holds: two tables without rows are two files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenFiles:
    """Data files that are in the lake already, under their digests, and that no entry names yet."""

    data_files: tuple[DataFile, ...] = ()
    quarantine_files: tuple[QuarantineFile, ...] = ()

    @property
    def rows(self) -> tuple[int, int]:
        """How many events they hold, and how many quarantined lines."""
        return sum(file.rows for file in self.data_files), sum(file.rows for file in self.quarantine_files)


def encoded_events(events: pa.Table, number: int) -> Iterator[tuple[DataFile, bytes]]:
    """Yield one file for each date, with its bytes; the numbers are as in ``write_events``."""
    return _encoded_days(_days(events), number, None)


def _days(events: pa.Table) -> Iterator[EventsOfDay]:
    return sorted_days(events, rows_max=parquet_bytes.ROWS_PER_GROUP)


def _encoded_days(days: Iterable[EventsOfDay], number: int, origin: int | None) -> Iterator[tuple[DataFile, bytes]]:
    for day in days:
        content = parquet_bytes.encode_groups(day.parts, USAGE_EVENTS, day.rows, _notes(number, origin))
        sha256 = hashlib.sha256(content).hexdigest()
        file = DataFile(
            path=f"date={day.date.isoformat()}/{sha256}.parquet",
            date=day.date,
            sha256=sha256,
            size=len(content),
            rows=day.rows,
            origin=origin,
        )
        yield file, content


def encoded_quarantined(
    quarantined: pa.Table, number: int, *, origin: int | None = None
) -> Iterator[tuple[QuarantineFile, bytes]]:
    """Yield one file with its bytes; none where nothing was quarantined. The numbers are as in ``write_events``."""
    if quarantined.num_rows:
        sha256, content = _named_by_digest(in_order(quarantined), number, origin)
        path = f"{sha256}.parquet"
        yield (
            QuarantineFile(path=path, sha256=sha256, size=len(content), rows=quarantined.num_rows, origin=origin),
            content,
        )


def write_events(lake_dir: Path, events: pa.Table, number: int, *, origin: int | None = None) -> tuple[DataFile, ...]:
    """Write one file for each date, all durable on return.

    ``number`` is the commit that they are written for, or the last one that may name them: no later one ever will.
    ``origin`` is an earlier one of whose lines they hold events.
    """
    table_dir = layout.usage_events(lake_dir)
    files = []
    days = list(_days(events))
    disk.make_folders(lake_dir.parent, *(table_dir / f"date={day.date.isoformat()}" for day in days))
    with publishing(table_dir) as published:
        for file, content in _encoded_days(days, number, origin):
            _write(table_dir / file.path, content, published)
            files.append(file)
    return tuple(files)


def write_quarantined(
    lake_dir: Path, quarantined: pa.Table, number: int, *, origin: int | None = None
) -> tuple[QuarantineFile, ...]:
    """Write one file, durable on return; none where nothing was quarantined. The numbers are as in ``write_events``."""
    folder = layout.quarantine(lake_dir)
    files = []
    for file, content in encoded_quarantined(quarantined, number, origin=origin):
        disk.make_folders(lake_dir.parent, folder)
        _write(folder / file.path, content, publish)
        files.append(file)
    return tuple(files)


def write_compacted(
    folder: Path,
    rows: pa.Table,
    number: int,
    *,
    parts: tuple[Part, ...],
    in_force: bool,
    published: Callable[[Path, bytes], None] = publish,
) -> CompactedFile:
    """Write the rows of parts, one behind the other, into a folder that is there; durable on return.

    What was written is read back: nothing but this file has these rows soon. Raises ``DataFileDamaged`` where they are
    not what was to be written.
    """
    named = "".join(f"{part.path}\n" for part in parts)
    more = {_PARTS: hashlib.sha256(named.encode()).hexdigest()} | ({} if in_force else {_KEPT_ROWS: "1"})
    sha256, content = _named_by_digest(rows, number, None, more=more)
    path = folder / f"{sha256}.parquet"
    _write(path, content, published)
    written = path.read_bytes()
    if hashlib.sha256(written).hexdigest() != sha256 or not parquet_bytes.decode(written).equals(rows):
        message = f"data file {path} does not hold the rows that were written to it; run the command again"
        raise DataFileDamaged(message)
    name = f"{sha256}.parquet"
    return CompactedFile(
        path=f"{folder.name}/{name}" if layout.PARTITION_NAME.fullmatch(folder.name) else name,
        sha256=sha256,
        size=len(content),
        rows=rows.num_rows,
        in_force=in_force,
        parts=parts,
    )


def write_kept(lake_dir: Path, rows: pa.Table, number: int, name: str) -> KeptFile:
    """Write what is kept of forgotten events, durable on return, into the folder of that, which is there."""
    sha256, content = _named_by_digest(rows, number, None, more={_NAME: name})
    _write(layout.forgotten(lake_dir) / f"{sha256}.parquet", content, publish)
    return KeptFile(sha256=sha256, size=len(content), rows=rows.num_rows)


def in_order(quarantined: pa.Table) -> pa.Table:
    """Return quarantined lines in the order in which they are written."""
    return quarantined.sort_by(
        [(name, "ascending") for name in ("source", "line", "byte_start", "byte_end", "reason", "detail")]
    )


def is_overtaken(path: Path | pa.BufferReader, version: int | None) -> bool:
    """Say whether the commit that a file was written for, or the last one that may name it, has a taken number.

    Then an entry naming it can never come.

    A file that is no Parquet file of ours was written for no commit.
    """
    noted = parquet_bytes.read_notes(path).get(parquet_bytes.COMMIT_NOTE)
    return noted is None or (version is not None and int(noted) <= version)


def _named_by_digest(
    rows: pa.Table,
    number: int,
    origin: int | None,
    *,
    more: dict[str, str] | None = None,
) -> tuple[str, bytes]:
    """Return the sha256 and the bytes of a data file."""
    content = parquet_bytes.encode(rows, _notes(number, origin) | (more or {}))
    return hashlib.sha256(content).hexdigest(), content


def _notes(number: int, origin: int | None) -> dict[str, str]:
    """Return what a data file says of itself: its commits.

    So the same rows committed twice on purpose (a log that was truncated and written again) are two files, and a file
    that no entry names is known for what it is.
    """
    return {parquet_bytes.COMMIT_NOTE: str(number)} | ({} if origin is None else {_ORIGIN: str(origin)})


def _write(path: Path, content: bytes, published: Callable[[Path, bytes], None]) -> None:
    disk.rename(disk.write_temporary(path.parent, content), path)
    disk.sync_folder(path.parent)
    published(path, content)
