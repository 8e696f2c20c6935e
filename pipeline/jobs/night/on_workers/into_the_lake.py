"""What a worker writes into the lake: data files by their digests, which count once this machine commits them.

They say up to which commit they may be named, as each data file does. So what no entry names is an orphan once that
number is taken, and a commit that lost its number to another writer names the same files by the next one.

Owns the way there. Does not own the files (``pipeline.lake.data_files``), nor whether they are believed
(``taken_in``).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.base.errors import ConfigurationError, ExtraMissing, StoreRefused, TallybookError
from pipeline.collectors.segment import coded_together
from pipeline.jobs.night.on_workers.wire import PartKind, files_content, record_content
from pipeline.lake.data_files import (
    WrittenFiles,
    encoded_events,
    encoded_quarantined,
    write_events,
    write_quarantined,
)
from pipeline.objects import layout
from pipeline.objects.mounted.mounts import REQUESTS_AT_ONCE
from pipeline.tables.schemas import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.collectors.segment import LogSegment
    from pipeline.jobs.night.on_workers.wire import LakeThere


class LakeNotWritten(TallybookError):
    """A worker cannot write into the lake."""


class IntoTheLake:
    """Takes in segments, and writes those that were read one after the other into files together."""

    def __init__(self, lake: LakeThere, *, rows_max: int) -> None:
        self._lake = lake
        self._rows_max = rows_max
        self._held: list[LogSegment] = []
        self._rows = 0

    def add(self, segment: LogSegment) -> Iterator[tuple[PartKind, bytes]]:
        """Yield the parts of an answer that a segment makes. Raises ``LakeNotWritten``."""
        rows = segment.record.rows
        if self._rows + rows > self._rows_max:
            yield from self.end()
        self._held.append(segment)
        self._rows += rows
        yield PartKind.SEGMENT, record_content(segment.record)

    def end(self) -> Iterator[tuple[PartKind, bytes]]:
        """Write what is held. Raises ``LakeNotWritten``."""
        if self._held:
            events = coded_together(self._held)
            quarantined = pa.concat_tables([QUARANTINE.empty_table(), *(each.quarantined for each in self._held)])
            self._held, self._rows = [], 0
            yield PartKind.FILES, files_content(_written(self._lake, events, quarantined))


def _written(lake: LakeThere, events: pa.Table, quarantined: pa.Table) -> WrittenFiles:
    try:
        if lake.url:
            return _on_store(lake, events, quarantined)
        return _in_folder(lake, events, quarantined)
    except (ConfigurationError, ExtraMissing, StoreRefused) as refused:
        message = f"a worker cannot write to the lake: {refused}"
        raise LakeNotWritten(message) from refused
    except OSError as refused:
        message = f"a worker cannot write to the lake at {refused.filename or lake.folder}: {refused.strerror}"
        raise LakeNotWritten(message) from refused


def _on_store(lake: LakeThere, events: pa.Table, quarantined: pa.Table) -> WrittenFiles:
    """Put each file; one that is there already with the same bytes was put by an attempt of before."""
    from pipeline.objects.stores import ObjectStore  # noqa: PLC0415  # an extra

    store = ObjectStore(lake.url)
    here = Path()
    tables = layout.usage_events(here), layout.quarantine(here)

    def put(folder: Path, path: str, content: bytes) -> None:
        key = (folder / path).as_posix()
        if not store.put_if_absent(key, content):
            message = f"{lake.url}/{key} holds other bytes than its name says; take that object out"
            raise StoreRefused(message)

    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        data_files, quarantine_files, pending = [], [], []
        for file, content in encoded_events(events, lake.number_max):
            data_files.append(file)
            pending.append(pool.submit(put, tables[0], file.path, content))
        for lines, content in encoded_quarantined(quarantined, lake.number_max):
            quarantine_files.append(lines)
            pending.append(pool.submit(put, tables[1], lines.path, content))
        for each in pending:
            each.result()
    return WrittenFiles(data_files=tuple(data_files), quarantine_files=tuple(quarantine_files))


def _in_folder(lake: LakeThere, events: pa.Table, quarantined: pa.Table) -> WrittenFiles:
    folder = Path(lake.folder)
    if not layout.delta_log(folder).is_dir():
        message = (
            f"a worker finds no lake at {folder}, where this machine has it; let the workers mount it there, or name "
            "the path that they find it at in [engine] lake"
        )
        raise LakeNotWritten(message)
    return WrittenFiles(
        data_files=write_events(folder, events, lake.number_max),
        quarantine_files=write_quarantined(folder, quarantined, lake.number_max),
    )
