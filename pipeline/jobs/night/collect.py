"""Request logs → usage events: what is new in the sources, committed to the lake.

Owns what one call collects, how large its commits are, and what it answers; where another writer commits first, it
tries again. Does not own which logs these are (``logs``), one try to read them (``run``), nor its commits
(``batches``).
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline import lake
from pipeline.base.errors import CommitConflict
from pipeline.configuration.keys.key_aliases import read_key_aliases
from pipeline.configuration.source_files import source_text
from pipeline.jobs.night.batches import Batches
from pipeline.jobs.night.logs.logs_to_read import ConfiguredLogs, GivenLogs, configured_logs
from pipeline.jobs.night.run import Meant, Run
from pipeline.jobs.night.stored_logs import StoredLogs
from pipeline.jobs.state.history import refuse_lost_history
from pipeline.jobs.state.log_formats import log_format_of
from pipeline.jobs.wording import are
from pipeline.objects import layout
from pipeline.usage.sources import line_counts, quarantine_reasons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.collectors import SourceProblem
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.night.again import ReadAgain
    from pipeline.jobs.night.on_workers.logs_on_workers import LogsOnWorkers
    from pipeline.jobs.night.trial import QuarantineExample, RefusedSource
    from pipeline.jobs.state.history import History
    from pipeline.jobs.warned import NightWarning
    from pipeline.lake.log.snapshot import LakeSnapshot

COMMIT_EVENTS_MAX = 100_000
"""A commit is made when so many events wait, so that a backfill of any size runs in 300 MB and can be resumed."""
COMMIT_SEGMENTS_MAX = 10_000
"""So many segments whose rows workers wrote are one commit at most: an entry of some 5 MB."""
_TRIES_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one run of collect read."""

    files: int
    new_files: int
    """How many of them had something new."""
    segments: int
    lines: int
    events: int
    quarantined: int
    problems: tuple[SourceProblem, ...]
    warnings: tuple[NightWarning, ...]
    again: ReadAgain
    """What was read before and was read again."""
    told: tuple[str, ...]
    """One line on it, where anything was."""
    refused: tuple[RefusedSource, ...]
    """What was kept out, since most of it is refused: the run has failed."""
    quarantine_reasons: dict[str, int]
    """Of the lines that this run collected: how many are quarantined, by reason, most frequent first."""
    quarantine_example: QuarantineExample | None
    """A line of the most frequent one."""
    snapshot: LakeSnapshot = field(repr=False)
    """The whole lake, as of afterwards."""

    def document(self) -> dict[str, Any]:
        """Return all that it says of the run as JSON values, and nothing of the lake."""
        said = asdict(replace(self, snapshot=lake.LakeSnapshot()))
        del said["snapshot"]
        return said

    @property
    def quarantine_text(self) -> str:
        """Say in one line how many of the new lines are quarantined, why, and where one is; empty where none is."""
        if self.quarantine_example is None:
            return ""
        listed = ", ".join(f"{count} {reason}" for reason, count in self.quarantine_reasons.items())
        return (
            f"{self.quarantined} of them {are(self.quarantined)} quarantined ({listed}), such as "
            f"{self.quarantine_example.text}; 'tallybook doctor' lists all"
        )


def collect(
    workspace: Workspace,
    *,
    now: datetime,
    key_secret: bytes | None,
    accept_lost_commits: bool = False,
    history: History | None = None,
    paths: Sequence[LogPath] = (),
    received: Iterable[bytes] | None = None,
    keep: bool = False,
    source_names: Sequence[str] = (),
    as_source: str | None = None,
    again: bool = False,
    force: bool = False,
    on_progress: Callable[[str, int, int], None] | None = None,
    processes: int = 1,
    aliases_of: Path | None = None,
) -> Collected:
    """Commit what is new in the given files and sources, or in all configured sources.

    A file that no source names is read as the source ``as_source``, else as the only one that reads its first lines.
    So is a log that is ``received``, in pieces, which is kept in the workspace only where that is wanted: ``keep``.
    The caller holds the workspace's lock, and gives the ``history`` if it was asked for since; commits that are lost
    for good may be accepted. ``again`` reads first what was read of them before, and what could not be read is read
    again wherever it is read otherwise now. Collecting again what is known commits nothing. A source of which most is
    refused is kept out (``trial``), unless that is wanted: ``force``. Where another writer commits first, what it
    committed is dropped here and the rest tried again. ``processes`` read a large log together. Rotations of the key
    secret are those of the workspace ``aliases_of``, where it is another one. Raises ``HistoryLost`` where lake or
    register lack what other files name, and ``ConfigurationError`` where it cannot be told what a file is read as,
    where a source names a format that nobody reads, and where a raw key is met and the lake was made with another
    secret.
    """
    if history is None:
        history = refuse_lost_history(workspace, accept_at=now if accept_lost_commits else None)
    for source in workspace.settings.sources:
        log_format_of(workspace.settings, source)  # no night should find out with the first log of a source
    if layout.key_aliases(aliases_of or workspace.root).is_dir():
        read_key_aliases(aliases_of or workspace.root)  # what it cannot read is told before anything is committed
    stored = StoredLogs(workspace=workspace, now=now)
    stored.begin(history.snapshot.sources)
    found = (
        configured_logs(workspace, source_names, {} if again else stored.listed_after(source_names))
        if source_names or not (paths or received is not None)
        else ConfiguredLogs(logs=[], refused=[], warnings=[], without_logs=[], beside=frozenset())
    )
    logs = found.logs
    is_all = not (paths or source_names or received is not None)
    of_sources = {log.target for log in logs}
    given = GivenLogs(workspace=workspace, as_source=as_source)
    with ExitStack() as held:
        by_hand = [log for log in map(given.log, paths) if log.target not in of_sources]
        meant = set[str]()
        if received is not None:
            log = given.receive(received, keep=keep, held=held)
            by_hand += [log] if log.target not in of_sources else []
            meant |= {log.called, *(record.source for record in given.beginning_like(log))}
        meant |= {source_text(workspace.root, path) for path in paths}
        logs += by_hand
        what = Meant(names=frozenset(source_names), sources=frozenset(meant))
        is_by_hand = bool((paths or received is not None) and not source_names)
        workers = _workers_of(workspace, key_secret, on_progress)
        for tries in range(_TRIES_MAX):
            snapshot = lake.read_log(workspace.lake) if tries else history.snapshot
            warnings: list[NightWarning] = []
            batches = Batches(
                workspace=workspace,
                now=now,
                key_secret=key_secret,
                aliases_of=aliases_of,
                snapshot=snapshot,
                events_max=COMMIT_EVENTS_MAX,
                segments_max=COMMIT_SEGMENTS_MAX,
                warnings=warnings,
            )
            run = Run(
                workspace=workspace,
                batches=batches,
                warnings=warnings,
                on_progress=on_progress,
                processes=processes,
                is_forced=force,
                told=[*given.told, *stored.told(found.listings)],
                stored=stored,
                workers=workers,
            )
            lake.sweep_orphans(workspace.lake, snapshot)
            stored.begin(snapshot.sources)
            try:
                run.read_again(logs, what if again else None, None if is_by_hand else what)
                run.read(logs)
            except CommitConflict:
                continue  # somebody without the lock was faster; what they committed is known to the next try
            finally:
                stored.keep_read(batches.snapshot.sources)  # also of a run that is stopped: it may have read for hours
            stored.keep_listed(found.listings)
            run.told += workers.told if workers is not None else ()
            run.refuse(found.refused)
            if is_all:
                run.met += stored.before_marks(found.listings)
                run.find_unread_tails(logs, found.beside)
            return _collected(run, len(logs), [*found.warnings, *run.empty_sources(found.without_logs)])
    message = (
        f"other runs committed to {workspace.lake} {_TRIES_MAX} times while this one tried; "
        "stop them, or run this again later"
    )
    raise CommitConflict(message)


def _workers_of(
    workspace: Workspace, key_secret: bytes | None, on_progress: Callable[[str, int, int], None] | None
) -> LogsOnWorkers | None:
    """Return what lets the workers of the engine read, where that is configured."""
    if not workspace.engine.collect:
        return None
    from pipeline.jobs.night.on_workers.logs_on_workers import LogsOnWorkers  # noqa: PLC0415 - few have workers

    return LogsOnWorkers(
        workspace=workspace,
        key_secret=key_secret,
        segment_events_max=COMMIT_EVENTS_MAX,
        on_progress=on_progress,
    )


def _collected(run: Run, files: int, warnings: Sequence[NightWarning]) -> Collected:
    batches = run.batches
    counts, reasons = line_counts(batches.committed), quarantine_reasons(batches.committed)
    return Collected(
        files=files,
        new_files=len({record.source for record in batches.committed}),
        segments=len(batches.committed),
        lines=counts["lines"],
        events=counts["events"],
        quarantined=counts["quarantined"],
        problems=tuple(run.problems),
        warnings=(*warnings, *run.warnings),
        again=run.again,
        told=tuple(run.told),
        refused=tuple(run.refused),
        quarantine_reasons=reasons,
        quarantine_example=batches.examples[next(iter(reasons))] if reasons else None,
        snapshot=batches.snapshot,
    )
