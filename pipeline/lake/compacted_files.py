"""Compacted files are written: of small ones that become one, and of the others where one part is taken out.

Every row is read from a file that was verified, and what is written is read back. Nothing here makes a file count: the
entry that states it does. Does not own that entry (``log.compacting``), nor which files are compacted
(``pipeline.jobs.upkeep.compact``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.lake.checked_files import verified_data_files, verified_quarantine_files
from pipeline.lake.data_files import write_compacted
from pipeline.lake.log.commit import DataFile, QuarantineFile
from pipeline.lake.log.compacting import Compaction, Part
from pipeline.objects import disk, layout
from pipeline.objects.encoded import parquet_bytes
from pipeline.objects.mounted.files import publishing
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from pipeline.lake.log.commit import AnyFile
    from pipeline.lake.log.compacting import CompactedFile
    from pipeline.lake.log.snapshot import LakeSnapshot


def write_groups(
    lake_dir: Path, groups: Iterable[Sequence[AnyFile]], number: int, *, in_force: bool
) -> tuple[CompactedFile, ...]:
    """Write each group of files, of one date or of the quarantine, as one; all durable on return.

    A group that has a part of a compacted file has all of them, one behind the other as they lie there. ``number`` is
    the commit that they are written for. Raises ``DataFileDamaged``.
    """
    with publishing(layout.usage_events(lake_dir)) as published:
        found = []
        for group in groups:
            files = _as_they_lie(group)
            folder, rows = _rows_of(lake_dir, files)
            disk.make_folders(lake_dir.parent, folder)
            found.append(
                write_compacted(folder, rows, number, parts=_parts(files), in_force=in_force, published=published)
            )
        return tuple(found)


def without_parts(
    lake_dir: Path, snapshot: LakeSnapshot, number: int, *, gone: Collection[str], superseded: Collection[str]
) -> Compaction | None:
    """Write anew what stays of the compacted files of which parts go, or count no longer; None where there is none.

    ``gone`` and ``superseded`` are paths of files, compacted or not. What is superseded is kept, apart from what
    counts. What is returned says which files leave the table. Raises ``DataFileDamaged``.
    """
    leaving = {*gone, *superseded}
    touched = {file.within.file.path for file in snapshot.all_files if file.within and file.path in leaving}
    if not touched:
        return None
    stays = [file for file in snapshot.all_files if file.path not in gone]
    in_force = {file.path for file in snapshot.data_files} | {file.path for file in snapshot.quarantine_files}
    in_force -= leaving
    counting = _groups_of(stays, touched, in_force)
    kept = _groups_of(stays, touched, {file.path for file in stays} - in_force)
    written = [
        *write_groups(lake_dir, counting, number, in_force=True),
        *write_groups(lake_dir, kept, number, in_force=False),
    ]
    removed = [file.stored.path for file in snapshot.data_files if file.path in leaving or file.stored.path in touched]
    events = [file for file in written if "/" in file.path]
    return Compaction(
        data_files=tuple(events),
        quarantine_files=tuple(file for file in written if file not in events),
        removed=tuple(dict.fromkeys(removed)),
    )


def _groups_of(files: Iterable[AnyFile], touched: Collection[str], wanted: Collection[str]) -> list[list[AnyFile]]:
    """Return the wanted parts of each of these compacted files."""
    found: dict[str, list[AnyFile]] = {}
    for file in dict.fromkeys(files):
        if file.within is not None and file.within.file.path in touched and file.path in wanted:
            found.setdefault(file.within.file.path, []).append(file)
    return list(found.values())


def _as_they_lie(group: Sequence[AnyFile]) -> list[AnyFile]:
    """Return files with the parts of a compacted one side by side, in the order in which they lie there."""
    found: dict[str, list[AnyFile]] = {}
    for file in group:
        found.setdefault(file.stored.path, []).append(file)
    return [
        file
        for each in found.values()
        for file in sorted(each, key=lambda file: 0 if file.within is None else file.within.start)
    ]


def _parts(group: Sequence[AnyFile]) -> tuple[Part, ...]:
    """Return what a group is made of: each file, or the compacted file whose parts all are there."""
    found: dict[str, Part] = {}
    count: dict[str, int] = {}
    for file in group:
        count[file.stored.path] = count.get(file.stored.path, 0) + file.rows
    for file in group:
        whole = file.stored if count[file.stored.path] == file.stored.rows else file
        found.setdefault(whole.path, Part(path=whole.path, rows=whole.rows))
    return tuple(found.values())


def _rows_of(lake_dir: Path, group: Sequence[AnyFile]) -> tuple[Path, pa.Table]:
    events = [file for file in group if isinstance(file, DataFile)]
    lines = [file for file in group if isinstance(file, QuarantineFile)]
    schema = USAGE_EVENTS if events else QUARANTINE
    files = verified_data_files(lake_dir, events) if events else verified_quarantine_files(lake_dir, lines)
    folder = (
        layout.usage_events(lake_dir) / f"date={events[0].date.isoformat()}" if events else layout.quarantine(lake_dir)
    )
    return folder, pa.concat_tables([parquet_bytes.rows_as(file, schema) for file in files])
