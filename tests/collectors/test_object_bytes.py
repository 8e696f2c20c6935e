"""The bytes of an object: those of the content that was listed, in bounded memory."""

from __future__ import annotations

import random
import threading
import tracemalloc
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from pipeline.base.errors import StoreRefused
from pipeline.collectors.formats.log_format import LogFormat
from pipeline.collectors.logs import object_bytes
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.object_bytes import opened, reading_ahead
from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.configuration.stored.stored_log import StoredLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.objects.stores import ObjectStore


class Store:
    """Answers ranges of one content, and knows how many were asked for."""

    url = "s3://bucket"

    def __init__(self, content_of: Callable[[int, int], bytes]) -> None:
        self.asked: list[tuple[int, int]] = []
        self._content_of = content_of

    def get_range(self, _key: str, start: int, end: int, *, tag: str) -> bytes:
        assert tag == "tag"
        self.asked.append((start, end))
        return self._content_of(start, end)


def log_of(store: Store, size: int, key: str = "a.jsonl") -> StoredLog:
    return StoredLog(
        url=f"s3://bucket/{key}",
        size=size,
        tag="tag",
        modified_at=datetime(2026, 10, 1, tzinfo=UTC),
        store=cast("ObjectStore", store),
    )


@pytest.mark.parametrize("seed", range(20))
def test_any_reads_give_the_bytes_that_lie_there(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    choice = random.Random(seed)
    for name, size in (("_SMALL_BYTES", 50), ("_HEAD_BYTES", 20), ("_SPAN_BYTES", 30), ("_WINDOW_BYTES", 20)):
        monkeypatch.setattr(object_bytes, name, size)
    monkeypatch.setattr(object_bytes, "_KEPT_BEHIND_BYTES", 64)
    content = choice.randbytes(choice.choice([0, 1, 49, 50, 51, 500]))
    store = Store(lambda start, end: content[start:end])
    with opened(log_of(store, len(content))) as read:
        at = 0
        for _ in range(200):
            offset = choice.choice([at, at, max(at - 20, 0), choice.randrange(len(content) + 10)])
            size = choice.choice([4, 20, 60, 200])
            assert read(offset, size) == content[offset : offset + size]
            at = min(offset + size, len(content))


def test_a_long_object_is_read_in_bounded_memory_and_each_byte_is_asked_for_once() -> None:
    line = b"x" * 1023 + b"\n"
    size = 192 * 2**20
    store = Store(lambda start, end: (line * ((end - start) // 1024 + 2))[start % 1024 :][: end - start])
    tracemalloc.start()
    with open_log(log_of(store, size), LogFormat()) as log:
        read = sum(len(block) for block in log.span(0, size))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert read == size
    assert most < 80 * 2**20
    assert sum(end - start for start, end in store.asked) <= size + 2**20


def test_a_small_object_is_one_request_and_the_head_of_a_large_one_is_little() -> None:
    small, large = (Store(lambda start, end: b"y" * (end - start)) for _ in range(2))
    with open_log(log_of(small, 100_000), LogFormat()) as log:
        log.head()
        assert len(b"".join(log.span(0, 100_000))) == 100_000
    assert small.asked == [(0, 100_000)]
    with open_log(log_of(large, 2**33), LogFormat()) as log:
        log.head()
        assert len(b"".join(log.span(2**32, 2**32 + 2**16))) == 2**16
    assert large.asked == [(0, 2**16), (2**32, 2**32 + 2**16)]


def test_an_answer_that_is_short_is_a_refusal() -> None:
    with opened(log_of(Store(lambda *_: b"abc"), 10)) as read, pytest.raises(LogUnreadable, match="gave 3 of the 10"):
        read(0, 10)


def test_a_store_that_refuses_one_after_the_other_is_asked_no_more() -> None:
    lock, asked = threading.Lock(), 0

    def refused(*_: int) -> bytes:
        nonlocal asked
        with lock:
            asked += 1
        message = "it is away"
        raise StoreRefused(message)

    store = Store(refused)
    logs = [log_of(store, 10, key=f"{number}") for number in range(200)]
    with reading_ahead(logs) as at:
        for log in logs:
            with opened(cast("StoredLog", at(log))) as read, pytest.raises(LogUnreadable, match=r"store_refused"):
                read(0, 4)
    assert asked < 50
