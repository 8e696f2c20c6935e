"""Blocks of lines, with bounds of a few bytes: the same lines in the same places, whatever pieces they come in."""

from __future__ import annotations

import gzip
import hashlib
import json
import random
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors import LogFormat
from pipeline.collectors.logs import line_blocks, log_file, logical_lines
from pipeline.collectors.logs.hashed_again import Hashed, hash_segments, nothing_of
from pipeline.collectors.logs.line_blocks import LineBlock, LineBlocks
from pipeline.collectors.logs.lines import Line, LineSplitter
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.logical_lines import LogicalLines
from pipeline.collectors.wrappers import Unwrapped, Wrapper
from pipeline.usage.sources import Algorithm, SegmentDigest, SourceRecord, Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pieces_of(content: bytes, size: int) -> Iterator[bytes]:
    return (content[at : at + size] for at in range(0, len(content), size))


def lines_of(block: LineBlock) -> list[tuple[int, int, bytes | None]]:
    """Place and content of the lines of a block."""
    if block.line is not None:
        assert block.line.number == 0
        return [(block.line.start, block.line.end, block.line.content)]
    found, at = list[tuple[int, int, bytes | None]](), block.start
    for line in bytes(block.content).split(b"\n")[:-1]:
        found.append((at, at + len(line) + 1, line))
        at += len(line) + 1
    assert at == block.end
    return found


def of_views(content: bytes, size: int) -> Iterator[memoryview]:
    """Pieces in lent memory, which is written to again for each."""
    room = bytearray(size)
    for piece in pieces_of(content, size):
        room[: len(piece)] = piece
        yield memoryview(room)[: len(piece)]


@pytest.mark.parametrize("seed", range(40))
def test_blocks_have_the_lines_that_are_split_one_by_one(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(line_blocks, "_BLOCK_BYTES", chance.choice([1, 10, 60]))
    monkeypatch.setattr(line_blocks, "_BLOCK_BYTES_MAX", chance.choice([5, 20, 100]))
    lines = [b"abcdefghij"[: chance.randrange(11)] * chance.choice([1, 1, 4]) for _ in range(30)]
    content = b"\n".join([*lines, b"unfinished"[: chance.randrange(3)]])
    cap, size = chance.choice([8, 12, 1000]), chance.choice([1, 3, 7, 50, 1000])
    before = b"before\n"
    settings: Any = {"start": 7, "first_line": 2, "before": before, "line_bytes_max": cap}
    splitter = LineSplitter(pieces_of(content, size), **settings)
    expected = []
    for line in splitter:
        state = (splitter.end, splitter.next_line, splitter.tail, splitter.segment_digest)
        expected.append(((line.start, line.end, line.content), state))
    for pieces in (pieces_of(content, size), of_views(content, size)):
        blocks = LineBlocks(pieces, **settings)
        found, waiting = [], list[tuple[LineBlock, int]]()
        for block in chain(blocks, [None]):
            if block is not None:
                found += lines_of(block)
                waiting.append((block._replace(content=bytes(block.content)), len(lines_of(block))))
                assert len(block.content) <= max(line_blocks._BLOCK_BYTES_MAX, 41)  # noqa: SLF001 - or a longer line
                if chance.random() < 0.5:
                    continue  # it is taken later
            for each in waiting:
                blocks.take(*each)
            waiting.clear()
            state = (blocks.end, blocks.next_line, blocks.tail, blocks.segment_digest)
            assert not found or (found[-1], state) == expected[len(found) - 1]
        assert found == [line for line, _ in expected]


def test_the_first_lines_of_a_block_and_the_rest_are_the_block() -> None:
    content = b"a\nbb\n\nccc\n"
    for block in (LineBlock(content, 10, 20), LineBlock(memoryview(content), 10, 20)):
        assert block.split_behind(3) == (LineBlock(b"a\nbb\n\n", 10, 16), LineBlock(b"ccc\n", 16, 20))
        assert block.split_behind(1) == (LineBlock(b"a\n", 10, 12), LineBlock(b"bb\n\nccc\n", 12, 20))


@pytest.mark.long
def test_a_block_has_8_mib_at_most() -> None:
    for line, count, lines in ((b"\n", 2**23 + 5, [2**23, 5]), (b"x" * (2**20 - 1) + b"\n", 20, [8, 8, 4])):
        found = [
            block and (len(block.content), block.end - block.start)
            for block in LineBlocks([line * count], line_bytes_max=2**21)
        ]
        assert found == [(each * len(line), each * len(line)) for each in lines]


def test_of_what_was_taken_a_window_is_remembered_and_no_more_than_a_block_beyond() -> None:
    window = log_file.WINDOW_BYTES
    blocks = LineBlocks([], line_bytes_max=2**21)
    content = random.Random(7).randbytes(window * 3 // 4)
    for number in range(20):
        start = number * len(content)
        blocks.take(LineBlock(content, start, start + len(content)), 1)
        assert blocks.tail == (content * 2)[-window:] if number else content
        assert sum(map(len, blocks._recent)) <= 2 * window  # noqa: SLF001 - what is kept is seen nowhere else


@pytest.mark.parametrize("block_bytes", [4, 5, 7, 16, 64, 1000])
def test_a_second_member_is_found_wherever_blocks_of_the_file_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block_bytes: int
) -> None:
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", block_bytes)
    for first in range(12):
        path = tmp_path / "log"
        path.write_bytes(gzip.compress(b"x" * first) + gzip.compress(b"y" * 9))
        with open_log(path, LogFormat()) as log:
            assert log.stated_size() is None
        path.write_bytes(gzip.compress(b"x" * first))
        with open_log(path, LogFormat()) as log:
            assert log.stated_size() == first


def test_a_plain_log_states_the_size_it_has(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"12345")
    with open_log(path, LogFormat()) as log:
        assert log.stated_size() == 5


@pytest.mark.parametrize(
    "compress", [bytes, gzip.compress, lambda each: gzip.compress(each[:9]) + gzip.compress(each[9:])]
)
@pytest.mark.parametrize("block_bytes", [1, 4, 1000])
def test_segments_hashed_again_are_what_lies_between_their_offsets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: Any, block_bytes: int
) -> None:
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", block_bytes)
    content = b"ab\ncd\n\nefgh\nij"
    path = tmp_path / "log"
    path.write_bytes(compress(content))
    places = [(start, end) for start in range(len(content)) for end in range(start + 1, len(content) + 4)]
    records = [segment(start, end) for start, end in places]
    with open_log(path, LogFormat()) as log:
        found = hash_segments(log, records)
        assert hash_segments(log, []) == []
    for (start, end), each in zip(places, found, strict=True):
        there = content[start:end]
        assert each.digest.digits == hashlib.sha256(there).hexdigest()
        assert (each.size, each.first_line, each.lines, each.problem) == (
            len(there),
            1 + content[:start].count(b"\n"),
            there.count(b"\n") + (not there.endswith(b"\n")),
            "",
        )


def segment(start: int, end: int, **fields: Any) -> SourceRecord:
    """The record of a segment of which only the place matters."""
    window = Window(size=0, sha256="")
    said: dict[str, Any] = {"first_line": 1, "lines": 0, "digest": SegmentDigest(Algorithm.SHA256, "")} | fields
    return SourceRecord(
        **said,
        source="logs/a",
        name="a",
        compression="none",
        file_size=0,
        start=start,
        end=end,
        head=window,
        tail=window,
        blank=0,
    )


def test_what_is_not_as_it_was_recorded_is_said_one_by_one() -> None:
    digest = SegmentDigest(Algorithm.SHA256, "aa")
    found = Hashed(size=10, digest=digest, first_line=3, lines=2, problem="")
    recorded = segment(5, 15, first_line=3, lines=2, digest=digest)
    assert found.differences(recorded) == []
    assert replace(found, first_line=4).differences(recorded) == ["first line 4, recorded 3"]
    assert replace(found, lines=1).differences(recorded) == ["lines 1, recorded 2"]
    other = replace(found, digest=SegmentDigest(Algorithm.SHA256, "bb"), lines=3)
    assert other.differences(recorded) == ["sha256 bb, recorded aa", "lines 3, recorded 2"]
    assert replace(other, size=9).differences(recorded) == ["9 of its 10 bytes are there"]
    assert replace(other, size=9, problem="broken").differences(recorded) == ["broken"]
    assert nothing_of(recorded, "gone").differences(recorded) == ["gone"]
    assert nothing_of(recorded, "").lines == nothing_of(recorded, "").size == 0


def test_a_log_that_breaks_has_what_was_decompressed_before(tmp_path: Path) -> None:
    path = tmp_path / "log"
    spoiled = bytearray(gzip.compress(b"cd\n"))
    spoiled[-5] ^= 0xFF
    path.write_bytes(gzip.compress(b"ab\n") + spoiled)
    with open_log(path, LogFormat()) as log:
        before, within, behind = hash_segments(log, [segment(0, 3), segment(1, 6), segment(4, 6)])
        (alone,) = hash_segments(log, [segment(0, 3)])
    assert (before.size, before.lines) == (3, 1)
    assert (within.size, behind.size, behind.first_line) == (2, 0, 0)
    assert within.problem == "the gzip stream breaks its format or checksum (corrupt_compression)"
    assert alone.problem == ""  # nothing is read beyond the last segment


@pytest.mark.parametrize("near", [1, 2, 3, 6, 100])
def test_blocks_of_a_plain_log_end_with_lines_where_one_ends_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, near: int
) -> None:
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", 6)
    monkeypatch.setattr(log_file, "WINDOW_BYTES", near)
    content = b"ab\ncd\nefghijklmn\nop\n\n\nqrs"
    path = tmp_path / "log"
    path.write_bytes(content)
    told: list[int] = []
    with open_log(path, LogFormat()) as log:
        for start in range(len(content)):
            for end in (start, start + 7, len(content), len(content) + 9):
                told.clear()
                blocks = list(log.span(start, end, told.append))
                assert b"".join(blocks) == content[start:end]
                assert told == [start + len(b"".join(blocks[: count + 1])) for count in range(len(blocks))]
                for block in blocks[:-1]:
                    assert len(block) == 6 or block.endswith(b"\n")
                    assert near < 6 or block.endswith(b"\n") or b"\n" not in block


def parts(*said: tuple[str, str, bool]) -> tuple[bytes, Any]:
    """A log of entries of a logger, each a part of a line of some stream, and what unwraps them."""

    def unwrap(content: bytes) -> Unwrapped | None:
        if not content.startswith(b"|"):
            return None
        _, stream, is_part, text = content.split(b"|", 3)
        return Unwrapped(text, is_part=is_part == b"P", stream=stream.decode())

    return b"".join(f"|{stream}|{'P' if is_part else 'F'}|{text}\n".encode() for stream, text, is_part in said), unwrap


def groups_of(content: bytes, unwrap: Any, *, bytes_max: int = 1000, closes: bool = False) -> tuple[list[Any], Any]:
    split = LogicalLines(
        LineSplitter([content], line_bytes_max=1000), Wrapper("any", unwrap, bool), bytes_max=bytes_max, closes=closes
    )
    groups = [[(line.number, line.lines, line.content) for line in group] for group in split]
    return groups, split


def test_lines_that_no_logger_wrapped_wait_with_the_parts_around_them() -> None:
    content, unwrap = parts(("o", '{"a": ', True), ("o", "1}", False))
    first, second = content.splitlines(keepends=True)
    groups, split = groups_of(b"bare 1\n" + first + b"bare 2\n" + second + b"bare 3\n", unwrap)
    assert groups == [[(1, 1, b"bare 1")], [(3, 1, b"bare 2"), (4, 2, b'{"a": 1}')], [(5, 1, b"bare 3")]]
    assert (split.next_line, split.segment_start) == (6, 0)


@pytest.mark.parametrize("closes", [True, False])
def test_what_is_open_at_the_end_is_for_the_next_run_unless_there_is_none(*, closes: bool) -> None:
    content, unwrap = parts(("o", '{"a": 1}', False), ("o", '{"b": 2}', True), ("e", '{"c": 3}', False))
    groups, split = groups_of(content, unwrap, closes=closes)
    ended = [[(2, 1, b'{"b": 2}'), (3, 1, b'{"c": 3}')]]
    assert groups == [[(1, 1, b'{"a": 1}')], *(ended if closes else [])]
    assert split.end == (len(content) if closes else content.index(b"\n") + 1)


def test_parts_that_are_no_line_together_give_way_to_the_last_ones_that_are() -> None:
    content, unwrap = parts(
        ("o", '{"a": 1, "torn', True), ("o", ' {"no": begin', True), ("o", '{"b": ', True), ("o", "2}", False)
    )
    groups, _ = groups_of(content, unwrap)
    assert groups == [[(2, 2, b'{"a": 1, "torn {"no": begin'), (4, 2, b'{"b": 2}')]]
    alone, unwrap = parts(("o", '{"torn', True), ("o", '{"b": 2}', False))
    assert groups_of(alone, unwrap)[0] == [[(1, 1, b""), (2, 1, b'{"b": 2}')]]
    whole, unwrap = parts(("o", '{"a": 1, "b": [', True), ("o", '{"c": 3}', True), ("o", "]}", False))
    assert groups_of(whole, unwrap)[0] == [[(3, 3, b'{"a": 1, "b": [{"c": 3}]}')]]
    never, unwrap = parts(("o", '{"a": 1,', True), ("o", "{nor this", False))
    assert groups_of(never, unwrap)[0] == [[(2, 2, b'{"a": 1,{nor this')]]


def numbered(*said: tuple[str, int, bool, str]) -> tuple[bytes, Any]:
    """A log of entries whose parts are numbered, and what unwraps them."""

    def unwrap(content: bytes) -> Unwrapped | None:
        if not content.startswith(b"|"):
            return None
        _, stream, ordinal, is_part, text = content.split(b"|", 4)
        return Unwrapped(text, is_part=is_part == b"P", stream=stream.decode(), ordinal=int(ordinal))

    lines = (f"|{stream}|{number}|{'P' if is_part else 'F'}|{text}\n" for stream, number, is_part, text in said)
    return "".join(lines).encode(), unwrap


def test_numbered_parts_are_joined_in_their_turn_and_otherwise_left_as_lines_of_the_log() -> None:
    content, unwrap = numbered(
        ("a", 1, True, '{"a"'), ("b", 1, True, '{"b"'), ("a", 2, False, ": 1}"), ("b", 2, False, ":2}")
    )
    assert groups_of(content, unwrap)[0] == [[(3, 2, b'{"a": 1}'), (4, 2, b'{"b":2}')]]
    content, unwrap = numbered(("a", 1, True, '{"a": "'), ("a", 2, True, '"'), ("a", 3, False, '{"b": 2}'))
    assert groups_of(content, unwrap)[0] == [[(3, 3, b'{"a": ""{"b": 2}')]]
    first, second, third = content.splitlines(keepends=True)
    for lines in ((first, third), (second, third), (first, third, second), (second, first, third), (third,)):
        left = [line.rstrip(b"\n") for line in lines]
        found = [line[2] for group in groups_of(b"".join(lines), unwrap)[0] for line in group]
        assert found == left


@pytest.mark.parametrize("closes", [True, False])
def test_a_numbered_part_without_its_end_holds_few_lines_back(*, closes: bool) -> None:
    content, unwrap = numbered(("a", 1, True, '{"a"'))
    held_back = b"bare\n" * logical_lines._HELD_BACK_MAX  # noqa: SLF001 - which is as it is
    groups, split = groups_of(content + held_back, unwrap, closes=closes)
    assert [len(group) for group in groups] == ([65] if closes else [])
    groups, split = groups_of(content + held_back + b"bare\n", unwrap, closes=closes)
    assert [len(group) for group in groups] == [66]
    assert groups[0][0] == (1, 1, content.rstrip(b"\n"))
    assert split.end == len(content + held_back) + 5


@pytest.mark.parametrize(("more", "is_read"), [(0, True), (1, False)])
def test_a_line_put_together_is_as_long_as_a_line_may_be(more: int, *, is_read: bool) -> None:
    text = json.dumps({"a": "x" * (200 + more)})
    content, unwrap = parts(("o", text[:100], True), ("o", text[100:], False))
    split = LogicalLines(
        LineSplitter([content], line_bytes_max=1000), Wrapper("any", unwrap, bool), bytes_max=209, closes=False
    )
    ((line,),) = list(split)
    assert (line.content is not None) is is_read
    assert line == Line(
        2, 0, len(content), text.encode() if is_read else None, b"" if is_read else f"{text}\n{text}".encode(), 2
    )


@pytest.mark.parametrize(("size", "numbers"), [(20, [[2, 3]]), (21, [[1, 2], [3]])])
def test_parts_without_an_end_are_ended_beyond_twice_the_longest_line(size: int, numbers: list[list[int]]) -> None:
    content, unwrap = parts(("o", "x" * 20, True), ("e", "y" * size, True), ("o", "z", False))
    groups, _ = groups_of(content, unwrap, bytes_max=20, closes=True)
    assert [[number for number, _, _ in group] for group in groups] == numbers


def test_what_is_no_part_of_a_document_says_nothing() -> None:
    for text, kept in (("starting up", b""), ('"a": 1', b'"a": 1'), ('{"a" : [', b'{"a" : ['), ('{"": 1}', b"")):
        content, unwrap = parts(("o", text, False))
        assert groups_of(content, unwrap)[0] == [[(1, 1, kept)]]
