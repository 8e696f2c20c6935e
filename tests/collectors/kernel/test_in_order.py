"""Blocks of a log decoded by threads, and by whoever adds them: in the order of the log, whoever had which."""

from __future__ import annotations

import json
from threading import Event, current_thread, main_thread
from typing import TYPE_CHECKING, Any

import pytest
from both_readers import FORMAT, fingerprint

from pipeline.collectors.kernel import in_order, readers
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.in_order import InOrder
from pipeline.collectors.logs.line_blocks import LineBlock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BODY = {"usage": {"prompt_tokens": 1, "completion_tokens": 2}, "choices": [{"message": {"content": "x"}}]}


def lines(count: int, **more: Any) -> list[bytes]:
    known = {"ts": "2026-03-01T06:51:19Z", "api_key_id": "key_1", **more}
    return [json.dumps({**known, "response": {"id": f"c-{at}", **BODY}}).encode() + b"\n" for at in range(count)]


def blocks_of(contents: list[bytes]) -> Iterator[LineBlock]:
    at = 0
    for content in contents:
        yield LineBlock(content, at, at + len(content))
        at += len(content)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., InOrder]]:
    made: list[InOrder] = []

    def of(*, threads: int, of_key: Callable[[str], str] = fingerprint) -> InOrder:
        known: dict[str, Any] = {"source": "app", "log_format": FORMAT, "first_line": b"", "read": lambda *_: b""}
        made.append(InOrder(fingerprint=of_key, threads=threads, size=10**9, **known))
        return made[-1]

    monkeypatch.setattr(readers, "_idle", {})
    yield of
    for each in made:
        each.close()


def given_out(blocks: InOrder, contents: list[bytes], found: list[int]) -> list[int]:
    for each in blocks_of(contents):
        for block, _ in blocks.add(each):
            found.append(block.start)
    for block, _ in blocks.rest():
        found.append(block.start)
    return found


@pytest.mark.parametrize("threads", [1, 2, 3, 9])
def test_blocks_come_out_in_the_order_of_the_log(opened: Callable[..., InOrder], threads: int) -> None:
    contents = lines(40)
    assert given_out(opened(threads=threads), contents, []) == [block.start for block in blocks_of(contents)]


def test_who_adds_blocks_decodes_those_that_no_thread_has_begun_with(
    opened: Callable[..., InOrder], monkeypatch: pytest.MonkeyPatch
) -> None:
    contents, by_adder = lines(12), list[int]()
    is_begun, may_go_on = Event(), Event()
    decoded = BlockDecoder.decoded

    def noted(decoder: BlockDecoder, content: bytes, *, start: int, first_line: int) -> Any:
        if current_thread() is main_thread():
            by_adder.append(start)
            may_go_on.set()
        else:  # the only thread is stuck with the block that it has
            is_begun.set()
            assert may_go_on.wait(60)
        return decoded(decoder, content, start=start, first_line=first_line)

    monkeypatch.setattr(BlockDecoder, "decoded", noted)
    blocks, (first, *others) = opened(threads=2), blocks_of(contents)
    assert list(blocks.add(first)) == []
    assert is_begun.wait(60)
    starts = [block.start for each in others for block, _ in blocks.add(each)]
    starts += [block.start for block, _ in blocks.rest()]
    assert by_adder[0] == others[1].start  # and the one before waits for the thread
    assert starts == [block.start for block in blocks_of(contents)]


def test_blocks_that_are_ready_come_out_one_for_each_that_is_added(
    opened: Callable[..., InOrder], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who took all of them at once would give the threads nothing to do meanwhile."""
    may_go_on, are_done, decoded = Event(), [Event(), Event(), Event()], BlockDecoder.decoded

    def held(decoder: BlockDecoder, content: bytes, *, start: int, first_line: int) -> Any:
        assert may_go_on.wait(60)
        try:
            return decoded(decoder, content, start=start, first_line=first_line)
        finally:
            are_done[starts.index(start)].set()

    monkeypatch.setattr(BlockDecoder, "decoded", held)
    blocks, contents = opened(threads=2), list(blocks_of(lines(3)))
    starts = [block.start for block in contents]
    assert [list(blocks.add(each)) for each in contents[:2]] == [[], []]
    may_go_on.set()
    assert all(done.wait(60) for done in are_done[:2])
    assert [block.start for block, _ in blocks.add(contents[2])] == starts[:1]
    assert [block.start for block, _ in blocks.rest()] == starts[1:]


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_what_a_key_cannot_be_made_of_is_raised_behind_the_blocks_before(
    opened: Callable[..., InOrder], threads: int
) -> None:
    def refused(_raw: str) -> str:
        message = "no salt"
        raise ValueError(message)

    contents = [*lines(6), *lines(1, api_key_id=None, api_key="raw"), *lines(6)]
    found: list[int] = []
    with pytest.raises(ValueError, match="no salt"):
        given_out(opened(threads=threads, of_key=refused), contents, found)
    assert found == [block.start for block in blocks_of(contents[:6])]


@pytest.mark.parametrize(("threads", "kernels"), [(1, 1), (2, 3), (3, 4)])
def test_no_more_blocks_wait_than_there_is_memory_lent_for(
    opened: Callable[..., InOrder], monkeypatch: pytest.MonkeyPatch, threads: int, kernels: int
) -> None:
    made: list[BlockDecoder] = []

    class Noted(BlockDecoder):
        def __init__(self, **known: Any) -> None:
            made.append(self)
            super().__init__(**known)

    monkeypatch.setattr(in_order, "BlockDecoder", Noted)
    blocks, contents = opened(threads=threads), lines(60)
    for each in blocks_of(contents):
        room = blocks.lend(len(each.content))
        assert room is not None
        room[:] = each.content
        list(blocks.add(each._replace(content=room)))
    list(blocks.rest())
    assert 1 <= len(made) <= kernels
