"""What workers handed back, put down until it is wanted: one reading a log.

Owns the way from parts to segments. Does not own whether a reading is believed (``logs_on_workers``), nor the rows that
workers wrote into the lake (``segments_there``).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from pipeline.collectors.segment import LogSegment
from pipeline.jobs.night.on_workers.segments_there import Lot, SegmentThere
from pipeline.jobs.night.on_workers.wire import AnswerOfLog, PartKind, files_of, record_of
from pipeline.objects.encoded import arrow_bytes
from pipeline.objects.temporary.spooled import SpooledBytes
from pipeline.tables.coded import together
from pipeline.tables.schemas import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.collectors import SourceProblem
    from pipeline.collectors.segment import Segment
    from pipeline.jobs.night.on_workers.wire import LakeThere
    from pipeline.lake.data_files import WrittenFiles
    from pipeline.usage.sources import SourceRecord, Window

_Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadThere:
    """The new segments of one log that a worker read; as ``LogReading`` once its iteration has ended."""

    answer: AnswerOfLog
    parts: tuple[tuple[PartKind, _Place], ...]
    spooled: SpooledBytes
    lots: tuple[Lot, ...] = ()
    """Of each segment whose rows a worker wrote, the files that they are in."""

    @property
    def number_max(self) -> int | None:
        """The last commit that may name what was written of it; ``None`` where nothing was."""
        return min((lot.number_max for lot in self.lots), default=None)

    def __iter__(self) -> Iterator[Segment]:
        """Yield the segments, as often as it is asked."""
        if self.lots:
            records = (record_of(self.spooled.at(place)) for _, place in self.parts)
            yield from (SegmentThere(record=each, lot=lot) for each, lot in zip(records, self.lots, strict=True))
            return
        events: list[pa.Table] = []
        quarantined: list[pa.Table] = []
        for kind, place in self.parts:
            content = self.spooled.at(place)
            if kind is PartKind.SEGMENT:
                yield LogSegment(
                    record=record_of(content),
                    held=together(events),
                    quarantined=pa.concat_tables([QUARANTINE.empty_table(), *quarantined]),
                )
                events, quarantined = [], []
            else:
                (events if kind is PartKind.EVENTS else quarantined).append(arrow_bytes.decode(content))

    @property
    def batch_texts(self) -> list[str]:
        """Nothing: logs of batches are read on this machine."""
        return []

    @property
    def continued(self) -> SourceRecord | None:
        """See ``LogReading``."""
        return self.answer.continued

    @property
    def problem(self) -> SourceProblem | None:
        """See ``LogReading``."""
        return self.answer.problem

    @property
    def pending_bytes(self) -> int:
        """See ``LogReading``."""
        return self.answer.pending_bytes

    @property
    def heads(self) -> tuple[Window, ...]:
        """See ``LogReading``."""
        return self.answer.heads

    @property
    def kernel_failures(self) -> int:
        """See ``LogReading``."""
        return self.answer.kernel_failures

    def close(self) -> None:
        """Nothing is open."""


class ReadingsOfJob:
    """Takes in the parts of a job's tasks, in whatever order they come."""

    def __init__(self, lake_dir: Path, lake: LakeThere | None) -> None:
        self._lake_dir = lake_dir
        self._lake = lake
        self._spooled = SpooledBytes()
        self._parts: dict[int, dict[int, tuple[PartKind, _Place]]] = {}

    def add(self, task: int, number: int, kind: str, content: bytes) -> None:
        """Put a part down."""
        self._parts.setdefault(task, {})[number] = PartKind(kind), self._spooled.add(content)

    def readings(self) -> Iterator[ReadThere]:
        """Yield what was read of each log; for when all parts are there.

        Raises ``ValueError`` where segments were to be written, and no files are told of them, or of other rows.
        """
        for of_task in self._parts.values():
            ordered = [part for _, part in sorted(of_task.items())]
            lots = iter(() if self._lake is None else self._lots(ordered, self._lake))
            parts: list[tuple[PartKind, _Place]] = []
            for kind, place in ordered:
                if kind is PartKind.LOG:
                    answer = AnswerOfLog.of(self._spooled.at(place))
                    count = 0 if self._lake is None else len(parts)
                    yield ReadThere(
                        answer=answer, parts=tuple(parts), spooled=self._spooled, lots=tuple(islice(lots, count))
                    )
                    parts = []
                elif kind is not PartKind.FILES:
                    parts.append((kind, place))

    def _lots(self, ordered: Sequence[tuple[PartKind, _Place]], lake: LakeThere) -> list[Lot]:
        """Return the lot of each segment of a task, in their order."""
        lots: list[Lot] = []
        waiting: list[SourceRecord] = []
        for kind, place in ordered:
            if kind is PartKind.SEGMENT:
                waiting.append(record_of(self._spooled.at(place)))
            elif kind is PartKind.FILES:
                files = files_of(self._spooled.at(place))
                _check_rows(waiting, files)
                lot = Lot(lake_dir=self._lake_dir, files=files, number_max=lake.number_max, segments=len(waiting))
                lots += [lot] * len(waiting)
                waiting = []
        if waiting:
            message = f"{len(waiting)} segments without files"
            raise ValueError(message)
        return lots


def _check_rows(records: Sequence[SourceRecord], files: WrittenFiles) -> None:
    """Raise ``ValueError`` where records tell of other rows than files have."""
    events = sum(sum(record.events.values()) for record in records)
    quarantined = sum(sum(record.quarantined.values()) for record in records)
    if (events, quarantined) != files.rows:
        message = "{} events and {} quarantined lines in files of {} and {}".format(events, quarantined, *files.rows)
        raise ValueError(message)
