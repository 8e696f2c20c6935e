"""One run over logs: read in their order, held back while a source is on trial, and given to commits.

Owns what is warned of a log, and which logs are found no more. Does not own which logs these are (``logs``), reading
(``pipeline.collectors``), what is read again (``again``), nor the commits (``batches``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline import lake
from pipeline.base.warning_codes import WarningCode
from pipeline.collectors import (
    KnownSources,
    LogFormat,
    ProblemReason,
    SourceProblem,
    ends_of,
    read_by,
    read_log,
    unread_tails,
)
from pipeline.configuration.source_files import source_path, source_text
from pipeline.configuration.stored.key_glob import is_stored
from pipeline.configuration.stored.stored_log import size_of
from pipeline.jobs.night.again import NOTHING_AGAIN, LogAt, again_text, gone_text, read_all_again
from pipeline.jobs.night.left_out import left_out_text, without_forgotten
from pipeline.jobs.night.logs.logs_to_read import LogOfSource, files_beside
from pipeline.jobs.night.logs.received import is_received
from pipeline.jobs.night.trial import is_mostly_refused, is_on_trial, refused_source
from pipeline.jobs.state.forgotten.rules import WhatWasForgotten
from pipeline.jobs.state.log_formats import batch_files_of, log_format_of
from pipeline.jobs.warned import NightWarning
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from pipeline.collectors import LogReading
    from pipeline.collectors.batch_files import BatchFiles, BatchOf
    from pipeline.collectors.segment import Segment
    from pipeline.configuration.source_files import RefusedPath
    from pipeline.configuration.source_settings import SourceSettings
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.night.again import ReadAgain
    from pipeline.jobs.night.batches import Batches
    from pipeline.jobs.night.on_workers.logs_on_workers import LogsOnWorkers
    from pipeline.jobs.night.on_workers.read_there import ReadThere
    from pipeline.jobs.night.stored_logs import StoredLogs
    from pipeline.jobs.night.trial import RefusedSource
    from pipeline.jobs.state.stored.notes import CollectedObject
    from pipeline.usage.sources import SourceRecord

_OF_STORES = (ProblemReason.STORE_REFUSED, ProblemReason.REPLACED_WHILE_READ)
"""What nobody repairs in the log."""
_SINCE_CHANGED = "lines of theirs could not be read, or stated no usage, and the settings or the reader have changed"
_SINCE_BATCHES_CAME = f"their batch has come, or {_SINCE_CHANGED}"


@dataclass(slots=True)
class _Trial:
    """What is held back of a source until it is known whether it can be read as it is configured."""

    segments: list[Segment] = field(default_factory=list)
    rows: int = 0
    is_over: bool = False
    is_refused: bool = False

    def hold(self, segment: Segment) -> None:
        self.segments.append(segment)
        self.rows += segment.record.rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What somebody asked to be read again."""

    names: frozenset[str]
    sources: frozenset[str]

    def __call__(self, record: SourceRecord) -> bool:
        """Say whether it is this one; where nothing is named, it is."""
        is_all = not self.names and not self.sources
        return is_all or record.name in self.names or record.source in self.sources


def _lacks_unread_bytes(record: SourceRecord, behind: int) -> bool:
    """Say whether a log has fewer bytes behind a record than the plain one had from which it was collected.

    A copy from before its last, half line was begun is such a log, and it is not found again by it: what copies and
    truncates has lost that line. ``behind`` are bytes of the decompressed log: one that was compressed since has all.
    """
    return record.compression == "none" and behind < record.file_size - record.end


@dataclass(kw_only=True)
class Run:
    """One try to read what is new in some logs, in their order, up to the last commit."""

    workspace: Workspace
    batches: Batches
    """What becomes commits of what is read."""
    warnings: list[NightWarning]
    on_progress: Callable[[str, int, int], None] | None
    processes: int
    is_forced: bool
    stored: StoredLogs
    workers: LogsOnWorkers | None
    """Who reads logs for this machine; what they read stays where another writer commits first."""
    problems: list[SourceProblem] = field(default_factory=list)
    known: KnownSources = field(default_factory=KnownSources)
    met: list[SourceRecord] = field(default_factory=list)
    """The last record of each log that was found."""
    again: ReadAgain = NOTHING_AGAIN
    told: list[str] = field(default_factory=list)
    refused: list[RefusedSource] = field(default_factory=list)
    formats: dict[str, LogFormat] = field(default_factory=dict)
    """Of each source, once logs of it are read."""
    batch_files: dict[str, BatchFiles | None] = field(default_factory=dict)
    """Of each source, once they are looked for."""

    @cached_property
    def forgotten(self) -> WhatWasForgotten:
        """All that was forgotten, as of the commit that the run began with."""
        return WhatWasForgotten(workspace=self.workspace, forgettings=self.batches.snapshot.forgettings)

    def read_again(self, logs: Sequence[LogOfSource], meant: Meant | None, elsewhere: Meant | None) -> None:
        """Read again what these logs hold of what was read before: all of it, or ``None``: what failed.

        So are the logs that no glob names and that were collected by name, of ``elsewhere``, where they still lie.
        """
        self.batches.snapshot, self.again, refused = read_all_again(
            self.workspace.lake,
            self.batches.snapshot,
            [
                LogAt(
                    path=log.target,
                    source=log.called,
                    name=log.source.name,
                    log_format=self._format_of(log.source),
                    batch=self._batch_of(log),
                    follows_links=log.is_named,
                    heads=self.stored.heads(log),
                )
                for log in [*logs, *(self._collected_by_name(logs, elsewhere) if elsewhere is not None else ())]
            ],
            is_meant=meant or (lambda _: False),
            only_what_failed=meant is None,
            is_forced=self.is_forced,
            forgotten=self.forgotten,
            fingerprint=self.batches.key_id,
            secret_check=self.batches.secret_check,
            now=self.batches.now,
            processes=self.processes,
        )
        self.refused += refused
        if meant is not None:
            self.told.append(again_text(self.again, why="as asked"))
        elif self.again.segments:
            has_batches = any(log.source.batch is not None for log in logs)
            self.told.append(again_text(self.again, why=_SINCE_BATCHES_CAME if has_batches else _SINCE_CHANGED))
        if meant is not None and self.again.forgotten:
            self.told.append(
                f"{counted(self.again.forgotten, 'segment holds', 'segments hold')} what was forgotten, and "
                "stay as they were read"
            )
        if self.again.gone:
            gone = NightWarning(code=WarningCode.LOG_GONE, subject="", text=gone_text(self.again))
            self.warnings.append(gone)

    def _format_of(self, source: SourceSettings) -> LogFormat:
        if source.name not in self.formats:
            self.formats[source.name] = log_format_of(self.workspace.settings, source)
        return self.formats[source.name]

    def _batch_of(self, log: LogOfSource) -> BatchOf | None:
        """Return the batch whose output a log is; ``None`` where its source says nothing of batches."""
        name = log.source.name
        if name not in self.batch_files:
            files = self.batch_files[name] = batch_files_of(self.workspace.root, log.source)
            for path in files.no_objects if files is not None else ():
                called = source_text(self.workspace.root, path)
                self._warn(
                    WarningCode.BATCH_UNKNOWN, called, f"it is named as a batch object of source {name!r}, and is none"
                )
        files = self.batch_files[name]
        return None if files is None else files.of(log.target)

    def _collected_by_name(self, logs: Sequence[LogOfSource], meant: Meant) -> Iterator[LogOfSource]:
        """Yield the files of configured sources that lie where they were collected, under no glob."""
        sources = {source.name: source for source in self.workspace.settings.sources}
        under_globs = {log.called for log in logs}
        for name, called in dict.fromkeys(
            (each.name, each.source) for each in self.batches.snapshot.sources if meant(each)
        ):
            path = source_path(self.workspace.root, called)
            if name in sources and called not in under_globs and path.is_file() and not path.is_symlink():
                yield LogOfSource(target=path, called=called, source=sources[name], is_named=False)

    def read(self, logs: Sequence[LogOfSource]) -> None:
        """Read what is new in these logs, and commit it. Raises ``CommitConflict``."""
        self.known.add(self.batches.snapshot.sources)
        of_source: dict[str, list[LogOfSource]] = {}
        for log in logs:
            unchanged = self.stored.unchanged(log)
            if unchanged is None:
                of_source.setdefault(log.source.name, []).append(log)
            else:
                self._pass_over(log, unchanged)
        to_read = [log for its_logs in of_source.values() for log in its_logs]
        is_wanted = None
        if self.workers is not None:
            self.workers.begin(to_read)
            is_wanted = self.workers.is_read_here
        with self.stored.reading_ahead(to_read, is_wanted) as opened:
            self._read_sources(of_source, opened, sum(map(self._told_size, to_read)))
        self.batches.commit()

    def _pass_over(self, log: LogOfSource, unchanged: CollectedObject) -> None:
        """Do not open what was read to its end, and is unchanged since."""
        if not _lacks_unread_bytes(unchanged.record, unchanged.note.pending):
            self.met.append(unchanged.record)
        if unchanged.note.pending:
            self._warn_of_unended(log.called, unchanged.note.pending)

    def _read_sources(
        self, of_source: Mapping[str, Sequence[LogOfSource]], opened: Callable[[LogPath], LogPath], total: int
    ) -> None:
        read = 0
        for name, its_logs in of_source.items():
            log_format = self._format_of(its_logs[0].source)
            on_trial = (
                _Trial()
                if not self.is_forced and is_on_trial(self.batches.snapshot.sources, name, read_by(log_format))
                else None
            )
            for log in its_logs:
                if on_trial is None or not on_trial.is_refused:
                    at = replace(log, target=opened(log.target))
                    self._read_one(at, on_trial, self._on_bytes(log.called, read, total))
                read += self._told_size(log)
            if on_trial is not None:
                self._decide(on_trial)

    def _told_size(self, log: LogOfSource) -> int:
        """Return how large a log is, where somebody is told how far logs are read."""
        return 0 if self.on_progress is None else size_of(log.target)

    def _on_bytes(self, source: str, before: int, total: int) -> Callable[[int], None] | None:
        """Return what tells the person at the terminal how far the log is read.

        ``before`` bytes have been read of others.
        """
        on_progress = self.on_progress
        if on_progress is None:
            return None
        on_progress(source, before, total)
        return lambda read: on_progress(source, before + read, total)

    def _read_one(self, log: LogOfSource, on_trial: _Trial | None, on_bytes: Callable[[int], None] | None) -> None:
        source = log.called
        reading = self._reading(log, on_bytes)
        left_out, last = 0, None
        for read in reading:
            segment = without_forgotten(read, self.forgotten)
            last = segment.record
            left_out += segment.record.forgotten
            self.known.add([segment.record])
            self.met.append(segment.record)
            if on_trial is None or on_trial.is_over:
                self.batches.add(segment)
                continue
            on_trial.hold(segment)
            if on_trial.rows >= self.batches.events_max:
                self._decide(on_trial)
                if on_trial.is_refused:
                    reading.close()
                    return
        self.stored.read(log, reading, last)
        self._tell_of_left_out(source, left_out)
        for text in reading.batch_texts:
            self._warn(WarningCode.BATCH_UNKNOWN, source, text)
        self._meet(reading, last)
        if reading.kernel_failures:
            self._warn(
                WarningCode.KERNEL_FAILED,
                source,
                f"the kernel failed at {counted(reading.kernel_failures, 'block')} of lines, which were read "
                "one by one; nothing is missing, but please report it, with the version of wasmtime",
                blocks=reading.kernel_failures,
            )
        if reading.problem is not None:
            problem = reading.problem
            self.problems.append(problem)
            self._warn(
                WarningCode.LOG_UNREAD,
                source,
                f"{problem.detail} ({problem.reason}); read up to byte {problem.offset}"
                + ("" if problem.reason in _OF_STORES else ", repair or remove it and run again"),
            )
        elif reading.pending_bytes:
            self._warn_of_unended(source, reading.pending_bytes)

    def _meet(self, reading: LogReading | ReadThere, last: SourceRecord | None) -> None:
        """Know the log again by what had been collected of it before; ``last`` is of its last new segment."""
        before = reading.continued
        if before is not None:
            read = 0 if last is None else last.end - before.end
            if not _lacks_unread_bytes(before, read + reading.pending_bytes):
                self.met.append(before)

    def _warn_of_unended(self, source: str, pending: int) -> None:
        self._warn(
            WarningCode.LINE_UNENDED,
            source,
            f"the last {counted(pending, 'byte has', 'bytes have')} no line end yet; "
            "the line is read once it is complete",
            bytes=pending,
        )

    def _reading(self, log: LogOfSource, on_bytes: Callable[[int], None] | None) -> LogReading | ReadThere:
        """Return the reading of a log: a worker's where that may be believed, else one of this machine."""
        there = None if self.workers is None else self._read_by(self.workers, log)
        if there is not None:
            if there.answer.has_raw_keys:
                self.batches.opened_key_ids()  # the commit states its check
            return there
        return read_log(
            log.target,
            source=log.called,
            name=log.source.name,
            log_format=self._format_of(log.source),
            fingerprint=self.batches.key_id,
            known=self.known,
            segment_events_max=self.batches.events_max,
            follows_links=log.is_named,
            on_bytes=on_bytes,
            processes=self.processes,
            batch=self._batch_of(log),
        )

    def _read_by(self, workers: LogsOnWorkers, log: LogOfSource) -> ReadThere | None:
        if self.workspace.engine.write and workers.begins_job(log):
            self.batches.commit()  # what was written for the job before: a run that dies goes on after it
        return workers.reading(log, self.known, lake.next_number(self.batches.snapshot))

    def _tell_of_left_out(self, source: str, left_out: int) -> None:
        if left_out:
            self._warn(WarningCode.FORGOTTEN, source, left_out_text(left_out), exchanges=left_out)

    def _decide(self, on_trial: _Trial) -> None:
        """End a trial: what was held back is committed, or forgotten where most of it is refused."""
        if on_trial.is_over:
            return
        on_trial.is_over = True
        segments = on_trial.segments
        if is_mostly_refused(segment.record for segment in segments):
            on_trial.is_refused = True
            self.refused.append(refused_source(segments[0].record.name, segments, is_again=False))
            # Another source may name a copy of such a log, and that is not read yet.
            waiting = (segment.record for segment in self.batches.waiting)
            self.known = KnownSources([*self.batches.snapshot.sources, *waiting])
        else:
            for segment in segments:
                self.batches.add(segment)
        on_trial.segments = []

    def refuse(self, refused: Sequence[RefusedPath]) -> None:
        """Say what under the globs was not followed: it is a problem as a damaged log is one."""
        for each in refused:
            source = source_text(self.workspace.root, each.path)
            reason = ProblemReason.STORE_REFUSED if each.is_stored else ProblemReason.LINK_REFUSED
            self.problems.append(SourceProblem(source=source, reason=reason, offset=0, detail=each.detail))
            self._warn(WarningCode.LOG_UNREAD, source, f"{each.detail} ({reason})")

    def _warn(self, code: WarningCode, source: str, text: str, **counts: int) -> None:
        self.warnings.append(NightWarning(code=code, subject=source, text=f"{source}: {text}", counts=counts))

    def empty_sources(self, without_logs: Sequence[SourceSettings]) -> list[NightWarning]:
        """Say which sources have no log; one whose logs come by standard input needs none."""
        received = {record.name for record in self.batches.snapshot.sources if is_received(record.source)}
        return [
            NightWarning(
                code=WarningCode.NO_FILE_FITS,
                subject=source.name,
                text=f"source {source.name!r}: no file fits {', '.join(source.paths)}; "
                "check its paths in tallybook.toml",
            )
            for source in without_logs
            if source.name not in received
        ]

    def find_unread_tails(self, logs: Sequence[LogOfSource], beside: Collection[str]) -> None:
        """Say which logs of the configured sources had unread bytes and are found no more.

        None of those that lie ``beside`` logs, and were logs before.
        """
        root, sources = self.workspace.root, {source.name: source for source in self.workspace.settings.sources}
        unread = {problem.source for problem in self.problems}
        refused = {each.name for each in self.refused}  # whose logs were perhaps not all looked at
        unlisted = tuple(f"{problem.source}/" for problem in self.problems if is_stored(problem.source))
        ends = [
            end
            for end in ends_of(self.batches.snapshot.sources, self.met)
            if end.name in sources
            and end.name not in refused
            and end.source not in unread
            and not end.source.startswith(unlisted)
            and end.source not in beside
            and end.source not in sources[end.name].gone
        ]
        under_globs = {log.target for log in logs}
        others = [path for path in files_beside(root, ends) if path.resolve() not in under_globs]
        log_format = LogFormat()
        for problem in unread_tails(ends, others, name_of=lambda path: source_text(root, path), log_format=log_format):
            self.problems.append(problem)
            told = f"read up to byte {problem.offset}; {problem.detail} ({problem.reason})"
            self._warn(WarningCode.LOG_UNREAD, problem.source, told)
