"""Which logs workers read, and which of their readings are believed.

A reading is believed only where the log begins as it did when it was planned, and where what it was continued from, or
could have been, is what is known when its turn comes. So it does not matter what happened in between: another log of
the run may hold the same lines, another run may have committed them, a log may have been renamed. What is not believed
is read on this machine, as without workers.

Owns the choice, jobs of bounded size, and this rule. Does not own what workers do (``at_worker``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import EngineRefused
from pipeline.collectors.logs.lineage import window
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.configuration.stored.stored_log import StoredLog
from pipeline.jobs.key_ids import secret_for_workers
from pipeline.jobs.night.on_workers.at_worker import ANSWERS
from pipeline.jobs.night.on_workers.read_there import ReadingsOfJob
from pipeline.jobs.night.on_workers.wire import (
    AnswerOfLog,
    PartKind,
    PlannedLog,
    Seen,
    Shared,
    candidates_digest,
    task_text,
)
from pipeline.jobs.state.log_formats import log_format_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.collectors import KnownSources, LogFormat
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.key_ids import SecretForWorkers
    from pipeline.jobs.night.logs_to_read import LogOfSource
    from pipeline.jobs.night.on_workers.read_there import ReadThere

_JOB_BYTES = 2**36
"""So much of logs, as they lie on disk, is one job: what workers hand back of it, a twentieth or so, waits in a
temporary file here, and a run that dies has committed the jobs before."""
_TASK_BYTES = 2**26
_LOG_BYTES_MIN = 2**20
"""A log counts as so much at least, and each record that is known of it as well: both are sent, and what is sent at
once must not be more than a hundred MB."""
_TASKS_AT_ONCE = 64
"""More would read more than this machine can take in, and some servers begin all tasks that there are at once."""
_FIRST_LINE_BYTES_MIN = 64
"""A shorter first line, such as a lone bracket, says nothing of the log."""

OPEN_ROTATION_TEXT = (
    "a rotation of the key secret is open, so logs are read on this machine: workers are given one secret only "
    "(tallybook keys rotate --finish ends it)"
)


@dataclass(kw_only=True)
class LogsOnWorkers:
    """What workers read in one run."""

    workspace: Workspace
    key_secret: bytes | None
    segment_events_max: int
    on_progress: Callable[[str, int, int], None] | None
    told: list[str] = field(default_factory=list)
    """One line on it, where there is something to say."""
    _logs: Sequence[LogOfSource] = ()
    _looked_at: set[Path] = field(default_factory=set)
    _planned: dict[str, PlannedLog] = field(default_factory=dict)
    _readings: dict[str, ReadThere] = field(default_factory=dict)
    _secret: SecretForWorkers | None = None

    def begin(self, logs: Sequence[LogOfSource]) -> None:
        """Say which logs are going to be read, in their order. What was read of them already is kept."""
        self._logs = logs

    def reading(self, log: LogOfSource, known: KnownSources) -> ReadThere | None:
        """Return what a worker read of the next log; ``None`` where this machine is to read it.

        ``known`` is everything that was collected up to here. Raises ``EngineRefused`` where workers cannot read logs
        that this machine can.
        """
        if isinstance(log.target, StoredLog):
            return None
        if log.target not in self._looked_at:
            self._run_job(self._logs[self._logs.index(log) :], known)
        planned, reading = self._planned.get(str(log.target)), self._readings.get(str(log.target))
        if planned is None or reading is None or reading.answer.seen is not Seen.AS_PLANNED:
            return None
        head = _head_of(log.target, self._format_of(log))
        if head is None or window(head[: planned.head.size]) != planned.head:
            return None
        return reading if candidates_digest(known.with_head_of(head)) == reading.answer.candidates else None

    def _run_job(self, logs: Sequence[LogOfSource], known: KnownSources) -> None:
        """Let workers read so many of these logs as one job may hold, from the first on."""
        if self._secret is None:
            self._secret = secret_for_workers(self.workspace.root, environment=self.key_secret)
            if self._secret.is_rotated:
                self.told.append(OPEN_ROTATION_TEXT)
        groups: dict[bytes, list[PlannedLog]] = {}
        size = 0
        for log in logs:
            if size >= _JOB_BYTES:
                break
            if isinstance(log.target, StoredLog) or log.target in self._looked_at:
                continue
            self._looked_at.add(log.target)
            planned = None if self._secret.is_rotated else self._plan(log, known)
            if planned is not None:
                beginning, each = planned
                groups.setdefault(beginning, []).append(each)
                size += _weight(each)
        if groups:
            self._ask([*groups.values()], self._secret)

    def _plan(self, log: LogOfSource, known: KnownSources) -> tuple[bytes, PlannedLog] | None:
        """Return how a log begins, and what a worker is told of it; ``None`` where this machine reads it.

        That is: where it was named or came by standard input, which workers may not see; where it is on a store; where
        it belongs to a batch, whose files are paired here; where it has not changed, and where it cannot be opened.
        """
        if isinstance(log.target, StoredLog) or log.is_named or log.source.batch is not None:
            return None
        try:
            with open_log(log.target, self._format_of(log)) as file:
                head, size, compression = file.head(), file.file_size, file.compression.value
        except LogUnreadable:
            return None
        candidates = known.with_head_of(head)
        if not size or any(each.file_size == size and each.compression == compression for each in candidates):
            return None
        line = head.partition(b"\n")[0]
        planned = PlannedLog(
            path=str(log.target),
            source=log.called,
            name=log.source.name,
            head=window(head),
            file_size=size,
            known=tuple(candidates),
        )
        return (line if len(line) >= _FIRST_LINE_BYTES_MIN else head), planned

    def _ask(self, groups: Sequence[Sequence[PlannedLog]], secret: SecretForWorkers) -> None:
        from pipeline.warehouse.engines.on_workers import answered  # noqa: PLC0415  # few use it

        sources = {source.name: source for source in self.workspace.settings.sources}
        names = {log.name for group in groups for log in group}
        shared = Shared(
            formats={name: log_format_of(self.workspace.settings, sources[name]) for name in sorted(names)},
            secret_check=secret.check,
            aliases=secret.aliases,
            segment_events_max=self.segment_events_max,
        )
        planned = {log.path: log for group in groups for log in group}
        tasks = [task_text(task) for task in _tasks(groups)]
        job = ReadingsOfJob()
        done, total = 0, sum(log.file_size for log in planned.values())
        remote = self.workspace.engine.remote
        for part in answered(remote, tasks, work=ANSWERS, shared=shared.text(), at_once=_TASKS_AT_ONCE):
            job.add(part.task, part.number, part.kind, part.content)
            if part.kind == PartKind.LOG and self.on_progress is not None:
                log = planned[AnswerOfLog.of(part.content).path]
                done += log.file_size
                self.on_progress(log.source, done, total)
        readings = {each.answer.path: each for each in job.readings()}
        for path, reading in readings.items():
            if reading.answer.seen is Seen.NOT_THERE and _begins_so(planned[path], shared.formats[planned[path].name]):
                message = (
                    f"a worker cannot open {path} ({reading.answer.detail}), which lies here; nothing of this was "
                    "collected: let the workers find the logs at the same paths, or collect here with --engine duckdb"
                )
                raise EngineRefused(message)
        self._planned |= planned
        self._readings |= readings

    def _format_of(self, log: LogOfSource) -> LogFormat:
        return log_format_of(self.workspace.settings, log.source)


def _tasks(groups: Sequence[Sequence[PlannedLog]]) -> Iterator[list[Sequence[PlannedLog]]]:
    """Put groups together, in their order, until they are long enough to be worth a worker's while."""
    held: list[Sequence[PlannedLog]] = []
    size = 0
    for group in groups:
        held.append(group)
        size += sum(map(_weight, group))
        if size >= _TASK_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


def _weight(log: PlannedLog) -> int:
    return max(log.file_size, _LOG_BYTES_MIN * (1 + len(log.known)))


def _begins_so(log: PlannedLog, log_format: LogFormat) -> bool:
    """Say whether a log still lies here as it was planned."""
    head = _head_of(Path(log.path), log_format)
    return head is not None and window(head[: log.head.size]) == log.head


def _head_of(path: Path, log_format: LogFormat) -> bytes | None:
    try:
        with open_log(path, log_format) as file:
            return file.head()
    except LogUnreadable:
        return None
