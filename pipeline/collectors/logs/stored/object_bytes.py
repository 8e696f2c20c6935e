"""The bytes of an object: asked for in ranges of the content that was listed, some ahead of the reader.

A range of another content is refused by the store, so that nobody reads half of two versions. Small objects, and the
beginnings of large ones, are asked for many at once (``reading_ahead``); what follows of a large one comes in spans of
some MiB, as long as it is read from front to back. Memory is bounded, whatever the size of the object.

Owns what is asked for when. Does not own the calls (``pipeline.objects.stores``) nor what is listed
(``pipeline.configuration.stored``).
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.base.errors import StoreRefused
from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason
from pipeline.configuration.stored.stored_log import StoredLog
from pipeline.objects.mounted.mounts import REQUESTS_AT_ONCE
from pipeline.objects.stores import TagDiffers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Future

    from pipeline.configuration.stored.stored_log import LogPath

_SMALL_BYTES = 2**20
"""An object of this size is asked for whole."""
_HEAD_BYTES = 2**16
"""Of a larger one this is asked for first: it tells whether the log is known."""
_SPAN_BYTES = 2**22
_SPANS_AHEAD = 3
_KEPT_BEHIND_BYTES = 2**23 + 2**17
"""A reader looks for the last line end of a block of 8 MiB before it reads the block."""
_WINDOW_BYTES = 2**16
WHOLE, WINDOWS = _SMALL_BYTES, _HEAD_BYTES
"""Up to which size objects are asked for whole when they are going to be read, and when they are only looked at."""
_OBJECTS_AHEAD = 32
_REFUSALS_MAX = 3
"""After so many in a row nothing more is asked of a store in a run: each takes a minute and more. Objects that it
refuses by themselves do not count, or a thousand in an archive would hide what is new behind them.
"""


@contextmanager
def opened(log: StoredLog) -> Iterator[Callable[[int, int], bytes]]:
    """Yield what returns the bytes at an offset, at most so many. That raises ``LogUnreadable``."""
    with ThreadPoolExecutor(_SPANS_AHEAD + 1) as pool:
        try:
            yield _ObjectBytes(log, pool).read
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def reading_ahead(
    logs: Iterable[LogPath], *, whole_up_to: int = WHOLE, is_wanted: Callable[[StoredLog], bool] = lambda _: True
) -> Iterator[Callable[[LogPath], LogPath]]:
    """Ask for the beginnings of objects some time before they are opened, in the order of ``logs``.

    Yields what returns a log as it is to be opened; a file as it is. Where nothing is stored, nothing is done. What is
    not ``is_wanted`` when its turn is near is asked for only if it is opened all the same.
    """
    stored = [log for log in logs if isinstance(log, StoredLog) and log.size]
    if not stored:
        yield lambda log: log
        return
    with ThreadPoolExecutor(REQUESTS_AT_ONCE) as pool:
        beginnings = _Beginnings(stored, pool, whole_up_to=whole_up_to, is_wanted=is_wanted)
        try:
            yield lambda log: replace(log, first=beginnings.of) if isinstance(log, StoredLog) else log
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class _Beginnings:
    """The beginnings of many objects: those of the next ones are on their way while one is read."""

    def __init__(
        self,
        logs: Sequence[StoredLog],
        pool: ThreadPoolExecutor,
        *,
        whole_up_to: int,
        is_wanted: Callable[[StoredLog], bool],
    ) -> None:
        self._logs = logs
        self._whole_up_to = whole_up_to
        self._is_wanted = is_wanted
        self._places = {log.url: place for place, log in enumerate(logs)}
        self._pool = pool
        self._asked = 0
        self._coming: dict[int, Future[bytes]] = {}
        self._last: tuple[StoredLog, bytes] | None = None
        self._refused: dict[int, int] = {}
        """By store, how many refusals there were in a row."""

    def of(self, log: StoredLog) -> bytes:
        """Return the beginning of an object. Raises ``StoreRefused`` and ``TagDiffers``."""
        if self._last is not None and self._last[0] == log:
            return self._last[1]
        place = self._places.get(log.url)
        if place is not None:
            end = min(place + _OBJECTS_AHEAD, len(self._logs))
            for each in range(max(place, self._asked), end):
                if each == place or self._is_wanted(self._logs[each]):
                    self._coming[each] = self._pool.submit(self._asked_for, self._logs[each])
            self._asked = max(self._asked, end)
        coming = None if place is None else self._coming.pop(place, None)
        content = self._asked_for(log) if coming is None else coming.result()
        self._last = log, content
        return content

    def _asked_for(self, log: StoredLog) -> bytes:
        refused = self._refused.get(id(log.store), 0)
        if refused >= _REFUSALS_MAX:
            message = f"{log.url} was not asked for, since the store refused {refused} objects in a row"
            raise StoreRefused(message)
        try:
            content = _beginning(log, self._whole_up_to)
        except StoreRefused as refusal:
            self._refused[id(log.store)] = 0 if refusal.is_of_object else refused + 1
            raise
        self._refused[id(log.store)] = 0
        return content


class _ObjectBytes:
    """One object, read by offsets."""

    def __init__(self, log: StoredLog, pool: ThreadPoolExecutor) -> None:
        self._log = log
        self._pool = pool
        self._first: bytes | None = None
        self._spans: _Spans | None = None
        self._at = 0
        """Where the last read ended."""

    def read(self, offset: int, size: int) -> bytes:
        """Return the bytes from an offset on, fewer at the end. Raises ``LogUnreadable``."""
        end = min(offset + size, self._log.size)
        if offset >= end:
            return b""
        try:
            content = self._read(offset, end)
        except TagDiffers:
            detail = "it was replaced, or removed, since it was listed; what is there then is read by the next run"
            raise LogUnreadable(ProblemReason.REPLACED_WHILE_READ, detail) from None
        except StoreRefused as refusal:
            raise LogUnreadable(ProblemReason.STORE_REFUSED, str(refusal)) from None
        self._at = end
        return content

    def _read(self, offset: int, end: int) -> bytes:
        if self._first is None:
            first = self._log.first
            self._first = _beginning(self._log) if first is None else first(self._log)
        if end <= len(self._first):
            return self._first[offset:end]
        if offset < len(self._first):
            return self._first[offset:] + self._read(len(self._first), end)
        if self._spans is not None and self._spans.have(offset):
            return self._spans.read(offset, end)
        if end - offset <= _WINDOW_BYTES and offset != self._at:
            return _range(self._log, offset, end)  # by which it is known again; nobody reads on from here yet
        self._spans = _Spans(self._log, offset, self._pool)
        return self._spans.read(offset, end)


class _Spans:
    """Spans of an object, one after the other, from where somebody began to read it: some behind, some ahead."""

    def __init__(self, log: StoredLog, start: int, pool: ThreadPoolExecutor) -> None:
        self._log = log
        self._pool = pool
        self._spans: deque[tuple[int, int, Future[bytes]]] = deque()
        self._asked = self._start = start
        self._reached = start

    def have(self, offset: int) -> bool:
        """Say whether an offset lies in what is here or asked for, or follows it."""
        return self._start <= offset <= self._asked

    def read(self, offset: int, end: int) -> bytes:
        """Return bytes of it. Raises ``StoreRefused`` and ``TagDiffers``."""
        self._reached = max(self._reached, end)
        while self._spans and self._spans[0][1] <= min(offset, self._reached - _KEPT_BEHIND_BYTES):
            self._start = self._spans.popleft()[1]
        wanted = self._reached + _SPANS_AHEAD * _SPAN_BYTES
        while self._asked < min(wanted, self._log.size):
            start, self._asked = self._asked, min(self._asked + _SPAN_BYTES, self._log.size)
            self._spans.append((start, self._asked, self._pool.submit(_range, self._log, start, self._asked)))
        parts = [
            span.result()[max(offset - start, 0) : end - start]
            for start, following, span in self._spans
            if start < end and offset < following
        ]
        return parts[0] if len(parts) == 1 else b"".join(parts)


def _beginning(log: StoredLog, whole_up_to: int = WHOLE) -> bytes:
    return _range(log, 0, log.size if log.size <= whole_up_to else _HEAD_BYTES)


def _range(log: StoredLog, start: int, end: int) -> bytes:
    content = log.store.get_range(log.key, start, end, tag=log.tag)
    if len(content) != end - start:
        message = (
            f"{log.url} gave {len(content)} of the {end - start} bytes from byte {start} on; run the command again"
        )
        raise StoreRefused(message)
    return content
