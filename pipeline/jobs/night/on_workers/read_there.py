"""What workers handed back, put down until it is wanted: one reading a log.

Owns the way from parts to segments. Does not own whether a reading is believed (``logs_on_workers``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from pipeline.collectors import LogSegment
from pipeline.jobs.night.on_workers.wire import AnswerOfLog, PartKind, record_of
from pipeline.objects import arrow_bytes
from pipeline.objects.spooled import SpooledBytes
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.collectors import SourceProblem
    from pipeline.usage.sources import SourceRecord

_Place: TypeAlias = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadThere:
    """The new segments of one log that a worker read; as ``LogReading`` once its iteration has ended."""

    answer: AnswerOfLog
    parts: tuple[tuple[PartKind, _Place], ...]
    spooled: SpooledBytes

    def __iter__(self) -> Iterator[LogSegment]:
        """Yield the segments, as often as it is asked."""
        events: list[pa.Table] = []
        quarantined: list[pa.Table] = []
        for kind, place in self.parts:
            content = self.spooled.at(place)
            if kind is PartKind.SEGMENT:
                yield LogSegment(
                    record=record_of(content),
                    events=pa.concat_tables([USAGE_EVENTS.empty_table(), *events]),
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
    def kernel_failures(self) -> int:
        """See ``LogReading``."""
        return self.answer.kernel_failures

    def close(self) -> None:
        """Nothing is open."""


class ReadingsOfJob:
    """Takes in the parts of a job's tasks, in whatever order they come."""

    def __init__(self) -> None:
        self._spooled = SpooledBytes()
        self._parts: dict[int, dict[int, tuple[PartKind, _Place]]] = {}

    def add(self, task: int, number: int, kind: str, content: bytes) -> None:
        """Put a part down."""
        self._parts.setdefault(task, {})[number] = PartKind(kind), self._spooled.add(content)

    def readings(self) -> Iterator[ReadThere]:
        """Yield what was read of each log; for when all parts are there."""
        for of_task in self._parts.values():
            parts: list[tuple[PartKind, _Place]] = []
            for _, (kind, place) in sorted(of_task.items()):
                if kind is PartKind.LOG:
                    answer = AnswerOfLog.of(self._spooled.at(place))
                    yield ReadThere(answer=answer, parts=tuple(parts), spooled=self._spooled)
                    parts = []
                else:
                    parts.append((kind, place))
