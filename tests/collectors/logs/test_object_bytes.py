"""The bytes of an object: those of the content that was listed, in bounded memory."""

from __future__ import annotations

import random
import threading
import tracemalloc
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

import pytest

from pipeline.base.errors import StoreRefused
from pipeline.collectors.formats.log_format import LogFormat
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason
from pipeline.collectors.logs.stored import object_bytes
from pipeline.collectors.logs.stored.object_bytes import opened, reading_ahead
from pipeline.configuration.stored.stored_log import StoredLog
from pipeline.objects.stores import TagDiffers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

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


MIB = 2**20


class AtOnce:
    """Does what it is given at once, so that what was asked for is there to be counted."""

    def __init__(self, threads: int) -> None:
        self.threads = threads

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, call: Callable[..., bytes], *arguments: object) -> Future[bytes]:
        coming: Future[bytes] = Future()
        try:
            coming.set_result(call(*arguments))
        except StoreRefused as refused:
            coming.set_exception(refused)
        return coming

    def shutdown(self, *, wait: bool, cancel_futures: bool) -> None:
        assert (wait, cancel_futures) == (False, True), "who ends does not wait for what is on its way"


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_bytes, "ThreadPoolExecutor", AtOnce)


def zeros(start: int, end: int) -> bytes:
    return bytes(end - start)


def asked_after(store: Store, read: Callable[[int, int], bytes], offset: int, size: int) -> list[tuple[int, int]]:
    """Return which ranges a read asks for, in their order in the object."""
    before = len(store.asked)
    assert len(read(offset, size)) == size
    return sorted(store.asked[before:])


@pytest.mark.parametrize(("size", "first"), [(MIB, MIB), (MIB + 1, 2**16), (1, 1)])
def test_an_object_up_to_a_mebibyte_is_asked_for_whole_and_of_a_larger_one_64_kib(size: int, first: int) -> None:
    store = Store(zeros)
    with opened(log_of(store, size)) as read:
        assert asked_after(store, read, 0, 1) == [(0, first)]
        assert asked_after(store, read, 0, first) == []
        assert asked_after(store, read, first - 1, 1) == []


@pytest.mark.usefixtures("at_once")
def test_who_reads_on_is_sent_spans_of_4_mib_of_which_three_are_ahead_of_him() -> None:
    store, span, head = Store(zeros), 4 * MIB, 2**16
    with opened(log_of(store, 64 * MIB)) as read:
        read(0, head)
        spans = [(head + number * span, head + (number + 1) * span) for number in range(16)]
        assert asked_after(store, read, head, 1) == spans[:4], "as many as reach three spans beyond"
        assert asked_after(store, read, head + 1, span - 1) == []
        assert asked_after(store, read, head + span, 1) == [spans[4]]
        assert asked_after(store, read, head + span, 2 * span) == spans[5:6]
        assert asked_after(store, read, 0, head) == [], "the beginning stays"
        assert asked_after(store, read, head - 5, 10) == [], "what lies in both is put together of both"


@pytest.mark.usefixtures("at_once")
def test_what_is_little_and_lies_elsewhere_is_asked_for_alone_and_what_is_more_begins_spans_there() -> None:
    store, elsewhere, window = Store(zeros), 32 * MIB, 2**16
    with opened(log_of(store, 64 * MIB)) as read:
        read(0, window)
        assert asked_after(store, read, elsewhere, window) == [(elsewhere, elsewhere + window)]
        assert asked_after(store, read, elsewhere + 3 * window, 1) == [
            (elsewhere + 3 * window, elsewhere + 3 * window + 1)
        ]
        spans = asked_after(store, read, elsewhere, window + 1)
        assert spans[0] == (elsewhere, elsewhere + 4 * MIB)
        assert len(spans) == 4


@pytest.mark.usefixtures("at_once")
def test_a_block_and_a_window_behind_the_reader_are_kept_and_nothing_before_them() -> None:
    store, head, kept = Store(zeros), 2**16, 8 * MIB + 2**17
    with opened(log_of(store, 64 * MIB)) as read:
        read(0, head)
        at = head
        while at < 32 * MIB + head:
            read(at, MIB)
            at += MIB
        assert asked_after(store, read, at - kept, 1) == []
        assert asked_after(store, read, at, MIB) != []
        far_behind = head + MIB
        assert asked_after(store, read, far_behind, 10) == [(far_behind, far_behind + 10)]


def test_the_last_bytes_are_as_many_as_there_are_and_behind_them_nothing_is_asked_for() -> None:
    store = Store(lambda start, end: b"0123456789"[start:end])
    with opened(log_of(store, 10)) as read:
        assert [read(10, 1), read(11, 5), read(0, 0)] == [b"", b"", b""]
        assert store.asked == []
        assert [read(9, 5), read(0, 100)] == [b"9", b"0123456789"]
    with opened(log_of(store, 0)) as read:
        assert read(0, 1) == b""


def test_what_a_store_refuses_and_what_was_replaced_are_told_apart() -> None:
    def raised(error: Exception) -> Callable[[int, int], bytes]:
        def get(*_: int) -> bytes:
            raise error

        return get

    replaced = "it was replaced, or removed, since it was listed; what is there then is read by the next run"
    for error, reason, detail in (
        (TagDiffers("another"), ProblemReason.REPLACED_WHILE_READ, replaced),
        (StoreRefused("it is away"), ProblemReason.STORE_REFUSED, "it is away"),
    ):
        with opened(log_of(Store(raised(error)), 10)) as read, pytest.raises(LogUnreadable) as unreadable:
            read(0, 4)
        assert (unreadable.value.reason, unreadable.value.detail) == (reason, detail)
    with opened(log_of(Store(lambda *_: b"abc"), 10)) as read, pytest.raises(LogUnreadable) as short:
        read(0, 4)
    assert short.value.detail == ("s3://bucket/a.jsonl gave 3 of the 10 bytes from byte 0 on; run the command again")


def begun(at: Callable[[object], object], log: StoredLog) -> bytes:
    with opened(cast("StoredLog", at(log))) as read:
        return read(0, 4)


@pytest.mark.usefixtures("at_once")
def test_the_beginnings_of_the_next_32_objects_are_asked_for_once_each_in_their_order() -> None:
    keys: list[str] = []

    class Named(Store):
        def get_range(self, key: str, start: int, end: int, *, tag: str) -> bytes:
            keys.append(key)
            return super().get_range(key, start, end, tag=tag)

    store = Named(zeros)
    logs = [log_of(store, 10, key=f"{number:02}") for number in range(40)]
    with reading_ahead(logs) as at:
        begun(at, logs[0])
        begun(at, logs[0])
        begun(at, logs[1])
    assert sorted(keys) == [log.key for log in logs[:33]]
    keys.clear()
    with reading_ahead(logs) as at:
        begun(at, logs[5])
        begun(at, logs[4])
    assert sorted(keys) == [log.key for log in logs[4:37]]
    keys.clear()
    with reading_ahead(logs[:1]) as at:
        begun(at, logs[3])
    assert keys == ["03"], "one that was not named is asked for by itself"


@pytest.mark.usefixtures("at_once")
def test_files_and_empty_objects_are_not_asked_for_ahead(tmp_path: Path) -> None:
    store = Store(zeros)
    empty, full, file = log_of(store, 0, key="empty"), log_of(store, 5, key="full"), tmp_path / "a.jsonl"
    with reading_ahead([file, empty, full]) as at:
        assert at(file) is file
        assert begun(at, empty) == b""
        assert begun(at, full) == bytes(4)
    assert store.asked == [(0, 5)]
    with reading_ahead([file, empty]) as at:
        assert (at(file), at(empty)) == (file, empty)
        assert cast("StoredLog", at(empty)).first is None


@pytest.mark.usefixtures("at_once")
def test_after_three_refusals_in_a_row_a_store_is_asked_no_more_and_another_one_is() -> None:
    answers: list[bool] = []

    def get(start: int, end: int) -> bytes:
        if answers.pop(0):
            return bytes(end - start)
        message = "it is away"
        raise StoreRefused(message)

    def outcome(at: Callable[[object], object], log: StoredLog) -> str:
        try:
            return "read" if begun(at, log) else ""
        except LogUnreadable as unreadable:
            return unreadable.detail

    store, other = Store(get), Store(zeros)
    first = log_of(other, 10, key="first")
    with reading_ahead([first]) as at:
        answers[:] = [False, False, True, False, False, False]
        logs = [log_of(store, 10, key=f"{number}") for number in range(8)]
        assert [outcome(at, log) for log in logs[:6]] == ["it is away"] * 2 + ["read"] + ["it is away"] * 3
        assert outcome(at, logs[6]) == ("s3://bucket/6 was not asked for, since the store refused 3 objects in a row")
        assert outcome(at, first) == "read"
    assert len(store.asked) == 6


@pytest.mark.usefixtures("at_once")
def test_objects_that_a_store_refuses_by_themselves_hide_none_behind_them() -> None:
    def get(start: int, end: int) -> bytes:
        if len(store.asked) <= 40:
            message = "it lies in an archive"
            raise StoreRefused(message, is_of_object=True)
        return bytes(end - start)

    store = Store(get)
    logs = [log_of(store, 10, key=f"{number}") for number in range(41)]
    with reading_ahead(logs) as at:
        for log in logs[:40]:
            with pytest.raises(LogUnreadable, match="it lies in an archive"):
                begun(at, log)
        assert begun(at, logs[40])
