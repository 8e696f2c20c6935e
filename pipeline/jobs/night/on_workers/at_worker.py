"""What a worker does: it reads logs as this machine would, and hands back what it read.

This is the entrance of a worker's process, so it reads its environment, as the command line does: the secret of key ids
is there, where the engine keeps secrets, and nowhere else. Does not write, and commits nothing.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError, TallybookError
from pipeline.collectors import KeyFingerprint, KnownSources, read_log
from pipeline.collectors.logs.lineage import window
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.configuration.keys.key_aliases import KeyAliases
from pipeline.configuration.keys.key_secret import SECRET_VARIABLE, find_key_secret
from pipeline.jobs.key_ids import KeyIds
from pipeline.jobs.night.on_workers.wire import (
    AnswerOfLog,
    PartKind,
    Seen,
    Shared,
    candidates_digest,
    record_content,
    task_of,
)
from pipeline.objects import arrow_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from pipeline.jobs.night.on_workers.wire import PlannedLog

ANSWERS = "pipeline.jobs.night.on_workers.at_worker:answers"
"""The name of ``answers``, for whoever sends tasks."""
_PART_ROWS = 2**14
"""So many rows are handed back at once: some MB of them."""
_REFUSED = "refused"


class _SecretMissing(TallybookError):
    """A raw key was met, and the worker cannot turn it into its id."""


def answers(shared: str, task: str) -> Iterator[tuple[str, bytes]]:
    """Read the logs of a task, and yield kinds and contents of parts.

    ``refused``, and why, where a raw key is met and the secret is not the one that the lake was made with.
    """
    common = Shared.of(shared)
    key_ids = _KeyIdsThere(common)
    for group in task_of(task):
        known = KnownSources(record for log in group for record in log.known)
        for log in group:
            try:
                yield from _answer(log, common, known, key_ids)
            except _SecretMissing as missing:
                yield _REFUSED, f"{log.source} holds raw keys, and {missing}".encode()
                return


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


def _answer(log: PlannedLog, shared: Shared, known: KnownSources, key_ids: _KeyIdsThere) -> Iterator[tuple[str, bytes]]:
    path, log_format = Path(log.path), shared.formats[log.name]
    try:
        with open_log(path, log_format) as file:
            head, is_less = file.head(), file.file_size < log.file_size
    except LogUnreadable as unseen:
        yield PartKind.LOG, AnswerOfLog(path=log.path, seen=Seen.NOT_THERE, detail=unseen.detail).content()
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
    for segment in reading:
        read.append(segment.record)
        yield from _parts(PartKind.EVENTS, segment.events)
        yield from _parts(PartKind.QUARANTINED, segment.quarantined)
        yield PartKind.SEGMENT, record_content(segment.record)
    known.add(read)
    answer = AnswerOfLog(
        path=log.path,
        seen=Seen.AS_PLANNED if _begins_so_still(log, shared) else Seen.OTHERWISE,
        candidates=candidates,
        continued=reading.continued,
        problem=reading.problem,
        pending_bytes=reading.pending_bytes,
        kernel_failures=reading.kernel_failures,
        has_raw_keys=key_ids.is_used,
    )
    yield PartKind.LOG, answer.content()


def _begins_so_still(log: PlannedLog, shared: Shared) -> bool:
    """Say whether what was read between two looks was the log that was planned: it may have been renamed meanwhile."""
    try:
        with open_log(Path(log.path), shared.formats[log.name]) as file:
            return window(file.head(log.head.size)) == log.head
    except LogUnreadable:
        return False


def _parts(kind: PartKind, rows: pa.Table) -> Iterator[tuple[str, bytes]]:
    for start in range(0, rows.num_rows, _PART_ROWS):
        yield kind, arrow_bytes.encode(rows.slice(start, _PART_ROWS))
