"""What a worker does: it reads logs as this machine would, and hands back what it read, or writes it into the lake.

This is the entrance of a worker's process, so it reads its environment, as the command line does: the secret of key ids
is there, and the credentials of stores, where the engine keeps secrets, and nowhere else. Commits nothing.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError, ExtraMissing, StoreRefused, TallybookError
from pipeline.collectors import KeyFingerprint, KnownSources, read_log
from pipeline.collectors.logs.lineage import window
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason
from pipeline.configuration.keys.key_aliases import KeyAliases
from pipeline.configuration.keys.key_secret import SECRET_VARIABLE, find_key_secret
from pipeline.configuration.stored.stored_log import StoredLog, stored_log_of
from pipeline.jobs.key_ids import KeyIds
from pipeline.jobs.night.on_workers.into_the_lake import IntoTheLake, LakeNotWritten
from pipeline.jobs.night.on_workers.wire import (
    AnswerOfLog,
    PartKind,
    Seen,
    Shared,
    candidates_digest,
    record_content,
    task_of,
)
from pipeline.objects.encoded import arrow_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from pipeline.collectors import LogFormat
    from pipeline.collectors.segment import LogSegment
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.jobs.night.on_workers.wire import PlannedLog
    from pipeline.objects.stores import ObjectStore

ANSWERS = "pipeline.jobs.night.on_workers.at_worker:answers"
"""The name of ``answers``, for whoever sends tasks."""
_PART_ROWS = 2**14
"""So many rows are handed back at once: some MB of them."""
_REFUSED = "refused"


class _SecretMissing(TallybookError):
    """A raw key was met, and the worker cannot turn it into its id."""


def answers(shared: str, task: str) -> Iterator[tuple[str, bytes]]:
    """Read the logs of a task, and yield kinds and contents of parts.

    ``refused``, and why, where a raw key is met and the secret is not the one that the lake was made with, and where
    the lake cannot be written to.
    """
    common, groups = Shared.of(shared), task_of(task)
    key_ids = _KeyIdsThere(common)
    rows = _RowsBack() if common.lake is None else IntoTheLake(common.lake, rows_max=common.segment_events_max)
    try:
        with _targets([log for group in groups for log in group]) as target_of:
            work = _Work(shared=common, target_of=target_of, key_ids=key_ids, rows=rows)
            for group in groups:
                known = KnownSources(record for log in group for record in log.known)
                for log in group:
                    yield from _answer(log, known, work)
        yield from rows.end()
    except (_SecretMissing, LakeNotWritten) as refused:
        yield _REFUSED, str(refused).encode()


class _RowsBack:
    """Hands back the rows of segments."""

    def add(self, segment: LogSegment) -> Iterator[tuple[PartKind, bytes]]:
        """Yield the parts of an answer that a segment makes."""
        yield from _parts(PartKind.EVENTS, segment.events)
        yield from _parts(PartKind.QUARANTINED, segment.quarantined)
        yield PartKind.SEGMENT, record_content(segment.record)

    def end(self) -> Iterator[tuple[PartKind, bytes]]:
        """Yield nothing: all was handed back."""
        yield from ()


@contextmanager
def _targets(logs: Sequence[PlannedLog]) -> Iterator[Callable[[PlannedLog], LogPath]]:
    """Yield what returns where a log is opened: a file, or the very content of an object that was listed.

    That raises ``LogUnreadable`` for an object of a store that cannot be opened from here.
    """
    stored, refused = _stored(logs)
    if not stored:
        yield lambda log: _path_of(log, refused)
        return
    from pipeline.collectors.logs.stored.object_bytes import reading_ahead  # noqa: PLC0415  # few have logs there

    with reading_ahead(stored.values()) as opened:
        yield lambda log: opened(stored[log.path]) if log.path in stored else _path_of(log, refused)


def _stored(logs: Sequence[PlannedLog]) -> tuple[dict[str, StoredLog], dict[str, str]]:
    """Return the objects among logs, by address; and of each bucket that cannot be opened, why."""
    stores: dict[str, ObjectStore] = {}
    refused: dict[str, str] = {}
    for bucket in {log.bucket for log in logs if log.bucket}:
        from pipeline.objects.stores import ObjectStore  # noqa: PLC0415  # few have logs there

        try:
            stores[bucket] = ObjectStore(bucket)
        except (ConfigurationError, ExtraMissing, StoreRefused) as why:
            refused[bucket] = str(why)
    found = {
        log.path: stored_log_of(log.path, stores[log.bucket], size=log.file_size, tag=log.tag)
        for log in logs
        if log.bucket in stores
    }
    return found, refused


def _path_of(log: PlannedLog, refused: Mapping[str, str]) -> Path:
    if log.bucket:
        raise LogUnreadable(ProblemReason.STORE_REFUSED, refused[log.bucket])
    return Path(log.path)


class _KeyIdsThere:
    """Turns raw keys into their ids, and knows whether it was asked to."""

    def __init__(self, shared: Shared) -> None:
        self.is_used = False
        self._shared = shared
        self._key_ids: KeyIds | None = None

    def __call__(self, raw: str) -> str:
        """Return the id of a raw key. Raises ``_SecretMissing``."""
        self.is_used = True
        if self._key_ids is None:
            self._key_ids = self._opened()
        return self._key_ids(raw)

    def _opened(self) -> KeyIds:
        wanted = self._shared.secret_check
        if wanted is None:
            message = f"this machine has no secret for their ids; set {SECRET_VARIABLE} here and for the workers"
            raise _SecretMissing(message)
        given = os.environb.get(SECRET_VARIABLE.encode())
        if given is None:
            message = f"a worker has no {SECRET_VARIABLE}; give it to the workers as a secret"
            raise _SecretMissing(message)
        try:
            present = KeyFingerprint(secret=find_key_secret(Path(), environment=given) or b"")
        except ConfigurationError as wrong:
            message = f"a worker's secret cannot be used: {wrong}"
            raise _SecretMissing(message) from wrong
        if present.check() != wanted:
            message = (
                f"a worker's {SECRET_VARIABLE} is not the secret of this machine (check {present.check()}, and "
                f"{wanted} here); give the workers the same"
            )
            raise _SecretMissing(message)
        return KeyIds(keeper=None, present=present, aliases=KeyAliases(ids=self._shared.aliases))


@dataclass(frozen=True, kw_only=True)
class _Work:
    """What is the same for all logs of a task."""

    shared: Shared
    target_of: Callable[[PlannedLog], LogPath]
    key_ids: _KeyIdsThere
    rows: _RowsBack | IntoTheLake


def _answer(log: PlannedLog, known: KnownSources, work: _Work) -> Iterator[tuple[str, bytes]]:
    shared, key_ids = work.shared, work.key_ids
    log_format = shared.formats[log.name]
    try:
        path = work.target_of(log)
        with open_log(path, log_format) as file:
            head, is_less = file.head(), file.file_size < log.file_size
    except LogUnreadable as unseen:
        is_replaced = unseen.reason is ProblemReason.REPLACED_WHILE_READ
        seen = Seen.OTHERWISE if is_replaced else Seen.NOT_THERE
        yield PartKind.LOG, AnswerOfLog(path=log.path, seen=seen, detail=unseen.detail).content()
        return
    if is_less or window(head[: log.head.size]) != log.head:
        yield PartKind.LOG, AnswerOfLog(path=log.path, seen=Seen.OTHERWISE).content()
        return
    candidates = candidates_digest(known.with_head_of(head))
    key_ids.is_used = False
    reading = read_log(
        path,
        source=log.source,
        name=log.name,
        log_format=log_format,
        fingerprint=key_ids,
        known=known,
        segment_events_max=shared.segment_events_max,
    )
    read = []
    try:
        for segment in reading:
            read.append(segment.record)
            yield from work.rows.add(segment)
    except _SecretMissing as missing:
        message = f"{log.source} holds raw keys, and {missing}"
        raise _SecretMissing(message) from missing
    known.add(read)
    answer = AnswerOfLog(
        path=log.path,
        seen=Seen.AS_PLANNED if _begins_so_still(log, path, log_format) else Seen.OTHERWISE,
        candidates=candidates,
        continued=reading.continued,
        problem=reading.problem,
        pending_bytes=reading.pending_bytes,
        heads=reading.heads,
        kernel_failures=reading.kernel_failures,
        has_raw_keys=key_ids.is_used,
    )
    yield PartKind.LOG, answer.content()


def _begins_so_still(log: PlannedLog, path: LogPath, log_format: LogFormat) -> bool:
    """Say whether what was read between two looks was the log that was planned: it may have been renamed meanwhile.

    An object cannot: each request named its content.
    """
    if isinstance(path, StoredLog):
        return True
    try:
        with open_log(path, log_format) as file:
            return window(file.head()[: log.head.size]) == log.head
    except LogUnreadable:
        return False


def _parts(kind: PartKind, rows: pa.Table) -> Iterator[tuple[PartKind, bytes]]:
    for start in range(0, rows.num_rows, _PART_ROWS):
        yield kind, arrow_bytes.encode(rows.slice(start, _PART_ROWS))
