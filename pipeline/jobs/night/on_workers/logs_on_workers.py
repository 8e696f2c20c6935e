"""Which logs workers read, and which of their readings are believed.

A reading is believed only where the log begins as it did when it was planned, and where what it was continued from, or
could have been, is what is known when its turn comes. So it does not matter what happened in between: another log of
the run may hold the same lines, another run may have committed them, a log may have been renamed. What is not believed
is read on this machine, as without workers.

Where workers write into the lake too, what they wrote is looked at here (``taken_in``) before any of it is believed.

Owns the choice, jobs of bounded size, and this rule. Does not own what workers do (``at_worker``).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Self

from pipeline.base.errors import ConfigurationError, DataFileDamaged, EngineRefused
from pipeline.collectors.logs.lineage import window
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.configuration.stored.stored_log import StoredLog
from pipeline.jobs.key_ids import secret_for_workers
from pipeline.jobs.night.on_workers.at_worker import ANSWERS
from pipeline.jobs.night.on_workers.read_there import ReadingsOfJob
from pipeline.jobs.night.on_workers.taken_in import take_in
from pipeline.jobs.night.on_workers.wire import (
    AnswerOfLog,
    LakeThere,
    PartKind,
    PlannedLog,
    Seen,
    Shared,
    candidates_digest,
    files_of,
    task_text,
)
from pipeline.jobs.state.log_formats import log_format_of
from pipeline.objects import disk, layout
from pipeline.objects.mounted.mounts import REQUESTS_AT_ONCE, mount_of
from pipeline.objects.temporary.spooled import SpooledBytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from pathlib import Path

    from pipeline.collectors import KnownSources, LogFormat
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.key_ids import SecretForWorkers
    from pipeline.jobs.night.logs.logs_to_read import LogOfSource
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
_TASK_BYTES_MAX = 2**31
"""Where workers write: a task makes files of its own, which are the larger the more it has, up to a million events."""
_NUMBERS_AHEAD = 8
"""So many commits may come in between, of others or of this run, and what workers wrote can still be named."""
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
    _looked_at: set[LogPath] = field(default_factory=set)
    _planned: dict[str, PlannedLog] = field(default_factory=dict)
    _targets: dict[str, LogPath] = field(default_factory=dict)
    _heads: SpooledBytes = field(default_factory=SpooledBytes)
    _places: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Where in ``_heads`` the first bytes of an object are."""
    _readings: dict[str, ReadThere] = field(default_factory=dict)
    _secret: SecretForWorkers | None = None

    def begin(self, logs: Sequence[LogOfSource]) -> None:
        """Say which logs are going to be read, in their order. What was read of them already is kept."""
        self._logs = logs

    def is_read_here(self, log: LogPath) -> bool:
        """Say whether this machine is going to read a log, as far as that is known."""
        return str(log) not in self._readings

    def begins_job(self, log: LogOfSource) -> bool:
        """Say whether workers are asked once more when the reading of this log is wanted."""
        return log.target not in self._looked_at

    def reading(self, log: LogOfSource, known: KnownSources, number: int) -> ReadThere | None:
        """Return what a worker read of the next log; ``None`` where this machine is to read it.

        ``known`` is everything that was collected up to here, ``number`` that of the next commit. Raises
        ``EngineRefused`` where workers cannot read logs that this machine can, or where what they wrote is not what
        they said.
        """
        if self.begins_job(log):
            self._run_job(self._logs[self._logs.index(log) :], known, number)
        called = str(log.target)
        planned, reading = self._planned.get(called), self._readings.get(called)
        if planned is None or reading is None or reading.answer.seen is not Seen.AS_PLANNED:
            return None
        if reading.number_max is not None and number > reading.number_max:
            return None  # others committed so much meanwhile that what was written may be swept
        head = self._head_of(log)
        if head is None or window(head[: planned.head.size]) != planned.head:
            return None
        return reading if candidates_digest(known.with_head_of(head)) == reading.answer.candidates else None

    def _head_of(self, log: LogOfSource) -> bytes | None:
        """Return how a log begins now; of an object, how that content began which was listed and read."""
        place = self._places.get(str(log.target))
        return self._heads.at(place) if place is not None else _head_of(log.target, self._format_of(log))

    def _run_job(self, logs: Sequence[LogOfSource], known: KnownSources, number: int) -> None:
        """Let workers read so many of these logs as one job may hold, from the first on."""
        if self._secret is None:
            self._secret = secret_for_workers(self.workspace.root, environment=self.key_secret)
            if self._secret.is_rotated:
                self.told.append(OPEN_ROTATION_TEXT)
        groups: dict[bytes, list[PlannedLog]] = {}
        size = 0
        with _looking_ahead([log for log in logs if self._is_for_workers(log)]) as opened:
            for log in logs:
                if size >= _JOB_BYTES:
                    break
                if log.target in self._looked_at:
                    continue
                self._looked_at.add(log.target)
                planned = self._plan(log, opened, known) if self._is_for_workers(log) else None
                if planned is not None:
                    beginning, each = planned
                    groups.setdefault(beginning, []).append(each)
                    size += _weight(each)
        if groups:
            self._ask([*groups.values()], self._secret, self._lake_there(number))

    def _is_for_workers(self, log: LogOfSource) -> bool:
        """Say whether workers may read a log.

        Not where it was named or came by standard input, which they may not see; nor where it belongs to a batch, whose
        files are paired here; nor while a rotation of the key secret is open.
        """
        is_rotated = self._secret is not None and self._secret.is_rotated
        return not (log.is_named or log.source.batch is not None or is_rotated)

    def _plan(
        self, log: LogOfSource, opened: Callable[[LogPath], LogPath], known: KnownSources
    ) -> tuple[bytes, PlannedLog] | None:
        """Return how a log begins, and what a worker is told of it; ``None`` where this machine reads it.

        That is where it has not changed, and where it cannot be opened.
        """
        try:
            with open_log(opened(log.target), self._format_of(log)) as file:
                head, size, compression = file.head(), file.file_size, file.compression.value
        except LogUnreadable:
            return None
        candidates = known.with_head_of(head)
        if not size or any(each.file_size == size and each.compression == compression for each in candidates):
            return None
        line = head.partition(b"\n")[0]
        called = str(log.target)
        planned = PlannedLog(
            path=called,
            source=log.called,
            name=log.source.name,
            head=window(head),
            file_size=size,
            known=tuple(candidates),
        )
        if isinstance(log.target, StoredLog):
            self._places[called] = self._heads.add(head)
            planned = replace(planned, bucket=log.target.store.url, tag=log.target.tag)
        self._targets[called] = log.target
        return (line if len(line) >= _FIRST_LINE_BYTES_MIN else head), planned

    def _lake_there(self, number: int) -> LakeThere | None:
        """Return where workers write, and make the folders that they look for; ``None`` where they hand rows back."""
        if not self.workspace.engine.write:
            return None
        lake_dir, there = self.workspace.lake, self.workspace.engine.lake
        mounted = mount_of(lake_dir)
        if mounted is None and "://" in there:
            message = (
                f"workers are to write into the lake at {there}, and the lake of this workspace is a folder; set "
                "[lake] url to the store that both use, or [engine] lake to the path at which workers mount the folder"
            )
            raise ConfigurationError(message)
        disk.make_folders(lake_dir.parent, layout.delta_log(lake_dir))
        return LakeThere(
            url="" if mounted is None else mounted.store.url,
            folder="" if mounted is not None else there or lake_dir.resolve().as_posix(),
            number_max=number + 1 + _NUMBERS_AHEAD,  # one more where the lake grows
        )

    def _ask(
        self, groups: Sequence[Sequence[PlannedLog]], secret: SecretForWorkers, lake_there: LakeThere | None
    ) -> None:
        from pipeline.warehouse.engines.on_workers import answered  # noqa: PLC0415  # few use it

        sources = {source.name: source for source in self.workspace.settings.sources}
        names = {log.name for group in groups for log in group}
        shared = Shared(
            formats={name: log_format_of(self.workspace.settings, sources[name]) for name in sorted(names)},
            secret_check=secret.check,
            aliases=secret.aliases,
            segment_events_max=self.segment_events_max,
            lake=lake_there,
        )
        planned = {log.path: log for group in groups for log in group}
        done, total = 0, sum(log.file_size for log in planned.values())
        size = _TASK_BYTES
        if lake_there is not None:
            size = min(max(size, sum(map(_weight, planned.values())) // _TASKS_AT_ONCE), _TASK_BYTES_MAX)
        tasks = [task_text(task) for task in _tasks(groups, size)]
        job = ReadingsOfJob(self.workspace.lake, lake_there)
        remote = self.workspace.engine.remote
        with _TakingIn(self.workspace.lake, lake_there) as taking_in:
            for part in answered(remote, tasks, work=ANSWERS, shared=shared.text(), at_once=_TASKS_AT_ONCE):
                job.add(part.task, part.number, part.kind, part.content)
                if part.kind == PartKind.FILES:
                    taking_in.add(part.content)
                if part.kind == PartKind.LOG and self.on_progress is not None:
                    log = planned[AnswerOfLog.of(part.content).path]
                    done += log.file_size
                    self.on_progress(log.source, done, total)
        readings = _readings_of(job)
        for path, reading in readings.items():
            self._refuse_unseen(planned[path], reading, shared.formats[planned[path].name])
        self._planned |= planned
        self._readings |= readings

    def _refuse_unseen(self, log: PlannedLog, reading: ReadThere, log_format: LogFormat) -> None:
        """Raise ``EngineRefused`` where a worker cannot open a log that this machine can."""
        if reading.answer.seen is not Seen.NOT_THERE:
            return
        head = _head_of(self._targets[log.path], log_format)
        if head is None or window(head[: log.head.size]) != log.head:
            return
        but_here, remedy = "lies here", "let the workers find the logs at the same paths"
        if log.bucket:
            but_here = "this machine can"
            remedy = "give the workers, in their own environment, what they need to read that store, as it is here"
        message = (
            f"a worker cannot open {log.path} ({reading.answer.detail}), which {but_here}; nothing of this was "
            f"collected: {remedy}, or collect here with --engine duckdb"
        )
        raise EngineRefused(message)

    def _format_of(self, log: LogOfSource) -> LogFormat:
        return log_format_of(self.workspace.settings, log.source)


class _TakingIn:
    """Looks at what workers wrote while others still write."""

    def __init__(self, lake_dir: Path, lake_there: LakeThere | None) -> None:
        self._lake_dir = lake_dir
        self._number_max = 0 if lake_there is None else lake_there.number_max
        self._pool = ThreadPoolExecutor(REQUESTS_AT_ONCE)
        self._pending: list[Future[None]] = []

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def add(self, content: bytes) -> None:
        """Look at the files that a part of an answer names."""
        files = files_of(content)
        self._pending.append(self._pool.submit(take_in, self._lake_dir, files, self._number_max))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for the last. Raises ``EngineRefused`` where a file is not what a worker said."""
        self._pool.shutdown(wait=True, cancel_futures=kind is not None)
        if kind is None:
            for each in self._pending:
                try:
                    each.result()
                except (DataFileDamaged, ValueError) as damaged:
                    raise _not_as_told(damaged) from damaged


def _readings_of(job: ReadingsOfJob) -> dict[str, ReadThere]:
    try:
        return {each.answer.path: each for each in job.readings()}
    except ValueError as error:
        raise _not_as_told(error) from error


def _not_as_told(error: Exception) -> EngineRefused:
    return EngineRefused(
        f"what a worker wrote is not what it said: {error}; nothing of this was collected: run it again, and where it "
        "stays so, collect here with --engine duckdb"
    )


@contextmanager
def _looking_ahead(logs: Sequence[LogOfSource]) -> Iterator[Callable[[LogPath], LogPath]]:
    """Yield what returns a log as it is to be opened to see how it begins; of many objects, many are asked at once."""
    if not any(isinstance(log.target, StoredLog) for log in logs):
        yield lambda target: target
        return
    from pipeline.collectors.logs.stored.object_bytes import WINDOWS, reading_ahead  # noqa: PLC0415  # few have logs there

    with reading_ahead((log.target for log in logs), whole_up_to=WINDOWS) as opened:
        yield opened


def _tasks(groups: Sequence[Sequence[PlannedLog]], bytes_min: int) -> Iterator[list[Sequence[PlannedLog]]]:
    """Put groups together, in their order, until they are long enough to be worth a worker's while."""
    held: list[Sequence[PlannedLog]] = []
    size = 0
    for group in groups:
        held.append(group)
        size += sum(map(_weight, group))
        if size >= bytes_min:
            yield held
            held, size = [], 0
    if held:
        yield held


def _weight(log: PlannedLog) -> int:
    return max(log.file_size, _LOG_BYTES_MIN * (1 + len(log.known)))


def _head_of(path: LogPath, log_format: LogFormat) -> bytes | None:
    try:
        with open_log(path, log_format) as file:
            return file.head()
    except LogUnreadable:
        return None
