"""Bytes to lines, to blocks of lines, and to what was logged: places, numbers, edges and digests, case by case."""

from __future__ import annotations

import hashlib
import itertools
import json
from typing import Any

import pytest

from pipeline.collectors.logs import line_blocks, lines
from pipeline.collectors.logs.line_blocks import LineBlocks
from pipeline.collectors.logs.lines import Line, LineSplitter, LongLine, are_nuls, bare_span
from pipeline.collectors.logs.logical_lines import LogicalLines
from pipeline.collectors.logs.whole_document import WholeDocument, is_one_document
from pipeline.collectors.wrappers import (
    WRAPPERS,
    Unwrapped,
    Wrapper,
    cloudwatch,
    cri,
    docker,
    fluent_bit,
    journald,
    wrapper_of,
)
from pipeline.usage.sources import Algorithm, SegmentDigest

WINDOW = 65_536
BOM = b"\xef\xbb\xbf"


def sha(content: bytes) -> SegmentDigest:
    return SegmentDigest(Algorithm.SHA256, hashlib.sha256(content).hexdigest())


@pytest.mark.parametrize(
    ("line", "bare"),
    [
        *((b"a", b"a"), (b"", b""), (b"a\r", b"a"), (b"\r", b""), (b"a\r\r", b"a\r"), (b"\0\0a\0\0", b"a")),
        *((BOM + b"a", b"a"), (b"\0" + BOM + b"\0a\r\0", b"a"), (b"\0\0", b""), (BOM, b""), (b"a\0b", b"a\0b")),
        *((b"a" + BOM, b"a" + BOM), (b"\r\0", b""), (b" a ", b" a ")),
    ],
)
def test_a_line_is_bare_of_nuls_marks_and_a_carriage_return(line: bytes, bare: bytes) -> None:
    for before, behind in ((b"", b""), (b"xx", b"yy")):
        begin, end = bare_span(before + line + behind, len(before), len(before) + len(line))
        assert (before + line + behind)[begin:end] == bare


def test_a_beginning_of_nuls_is_one_while_nothing_else_has_come() -> None:
    assert are_nuls([b"\0", b"\0\0"])
    assert not are_nuls([b"\0", b"\0a"])
    assert are_nuls([])


LONG = b"a" * WINDOW + b"b" * 100 + b"c" * WINDOW
LINES: list[tuple[list[bytes], list[tuple[int, int, bytes | None, bytes]]]] = [
    ([b"a\nb\n"], [(0, 2, b"a", b""), (2, 4, b"b", b"")]),
    ([b"a", b"b\nc", b"d"], [(0, 3, b"ab", b"")]),
    ([b"a\nb", b"\nc", b"\n"], [(0, 2, b"a", b""), (2, 4, b"b", b""), (4, 6, b"c", b"")]),
    ([b"", b"\n\n"], [(0, 1, b"", b""), (1, 2, b"", b"")]),
    ([b"a\r\n", BOM + b"b\n"], [(0, 3, b"a", b""), (3, 8, b"b", b"")]),
    ([b"abcd\n"], [(0, 5, b"abcd", b"")]),
    ([b"abcde\nf\n"], [(0, 6, None, b"abcde"), (6, 8, b"f", b"")]),
    ([b"abc", b"de", b"f\ng\n"], [(0, 7, None, b"abcdef"), (7, 9, b"g", b"")]),
    ([b"abc", b"d", b"\ng\n"], [(0, 5, b"abcd", b""), (5, 7, b"g", b"")]),
    ([b"x\nabcdef", b"gh\ny\n"], [(0, 2, b"x", b""), (2, 11, None, b"abcdefgh"), (11, 13, b"y", b"")]),
    ([b"abcdef", b"gh", b"ij"], []),
    ([b"\0\0\0\0\0\0abcd\n"], [(0, 11, b"abcd", b"abcd")]),
    ([b"\0\0\0\0\0\0abcde\n"], [(0, 12, None, b"abcde")]),
    ([b"\0\0", b"\0a", b"b\r\n"], [(0, 7, b"ab", b"ab")]),
    ([b"\0\0", b"\0\0\n"], [(0, 5, b"", b"")]),
    ([LONG + b"\n"], [(0, len(LONG) + 1, None, b"a" * WINDOW + b"\n" + b"c" * (WINDOW - 1))]),
    (
        [LONG[: WINDOW + 50], LONG[WINDOW + 50 :], b"\n"],
        [(0, len(LONG) + 1, None, b"a" * WINDOW + b"\n" + b"c" * (WINDOW - 1))],
    ),
    ([LONG[: WINDOW + 50] + b"\r\n"], [(0, WINDOW + 52, None, b"a" * WINDOW + b"b" * 50)]),
    ([LONG[:WINDOW] + b"\n"], [(0, WINDOW + 1, None, b"a" * WINDOW)]),
]


Found = list[tuple[int, int, bytes | None, bytes]]


def check_found(found: Found, lines: Found) -> None:
    """Compare lines; one behind NULs that is kept whole has its edges too, which nobody asks for."""
    assert [each[:3] for each in found] == [each[:3] for each in lines]
    assert [each[3] for each in found if each[2] is None] == [each[3] for each in lines if each[2] is None]


def check_segment(splitter: LineSplitter | LineBlocks, content: bytes, before: bytes) -> None:
    """Compare what is known of a segment of this content with its bytes, and of the one that begins after it."""
    assert splitter.segment_digest == sha(content)
    assert splitter.tail == (before + content)[-WINDOW:]
    splitter.begin_segment()
    assert (splitter.segment_start, splitter.segment_digest) == (1000 + len(content), sha(b""))


def ended(pieces: list[bytes], lines: list[tuple[int, int, bytes | None, bytes]]) -> bytes:
    """Return the bytes of the lines that have ended."""
    return b"".join(pieces)[: lines[-1][1] if lines else 0]


@pytest.mark.parametrize(("pieces", "lines"), LINES)
def test_complete_lines_are_handed_out_with_their_places(pieces: list[bytes], lines: Any) -> None:
    before = b"z" * 70_000
    splitter = LineSplitter(iter(pieces), start=1000, first_line=7, before=before, line_bytes_max=4)
    assert (splitter.end, splitter.next_line, splitter.tail) == (1000, 7, before[-WINDOW:])
    found = []
    for line in splitter:
        found.append((line.start - 1000, line.end - 1000, line.content, line.edges))
        assert (splitter.end, splitter.next_line) == (line.end, line.number + 1)
        assert line.number == 6 + len(found)
        assert line.lines == 1
    check_found(found, lines)
    check_segment(splitter, ended(pieces, lines), before)


def test_a_splitter_returns_to_a_place_as_if_nothing_had_been_handed_out_since() -> None:
    splitter = LineSplitter(iter([b"a\nb\nc\n"]), line_bytes_max=9)
    lines = iter(splitter)
    next(lines)
    place = splitter.place()
    next(lines)
    splitter.return_to(place)
    assert (splitter.end, splitter.next_line, splitter.tail) == (2, 2, b"a\n")
    assert splitter.segment_digest == sha(b"a\n")
    next(lines)
    splitter.return_to(place)
    assert splitter.segment_digest == sha(b"a\n")
    assert splitter.segment_start == 0


def test_the_tail_is_the_last_window_of_many_lines() -> None:
    lines = [b"%05d" % number + b"x" * 994 + b"\n" for number in range(200)]
    content = b"".join(lines)
    splitter = LineSplitter(iter(lines), line_bytes_max=2000)
    blocks = LineBlocks(iter(lines), line_bytes_max=2000)
    for _ in splitter:
        pass
    for block in blocks:
        rest = block
        assert rest is not None
        while bytes(rest.content).count(b"\n") > 1:
            part, rest = rest.split_behind(1)
            blocks.take(part, 1)
        blocks.take(rest, 1)
    assert splitter.tail == blocks.tail == content[-WINDOW:]
    assert (splitter.end, blocks.end, splitter.next_line, blocks.next_line) == (200_000, 200_000, 201, 201)


@pytest.mark.parametrize(("pieces", "lines"), LINES)
@pytest.mark.parametrize("sizes", [(2**22, 2**23), (1, 2), (4, 8)])
def test_blocks_are_of_whole_lines_and_a_long_line_stands_alone(
    monkeypatch: pytest.MonkeyPatch, sizes: tuple[int, int], pieces: list[bytes], lines: Any
) -> None:
    for name, size in zip(("_BLOCK_BYTES", "_BLOCK_BYTES_MAX"), sizes, strict=True):
        monkeypatch.setattr(line_blocks, name, size)
    before = b"z" * 70_000
    blocks = LineBlocks(iter(pieces), start=1000, first_line=7, before=before, line_bytes_max=4)
    assert (blocks.end, blocks.segment_start, blocks.next_line, blocks.tail) == (1000, 1000, 7, before[-WINDOW:])
    found: list[tuple[int, int, bytes | None, bytes]] = []
    for block in blocks:
        if block is None:
            continue
        assert (blocks.end, blocks.next_line) == (block.start, 7 + len(found))
        before_it = len(found)
        if block.line is None:
            at = block.start - 1000
            for raw in bytes(block.content).splitlines(keepends=True):
                begin, end = bare_span(raw, 0, len(raw) - 1)
                found.append((at, at + len(raw), raw[begin:end], b""))
                at += len(raw)
            assert bytes(block.content).endswith(b"\n")
            assert block.end == at + 1000
        else:
            line = block.line
            assert (line.number, line.start, line.end) == (0, block.start, block.end)
            found.append((line.start - 1000, line.end - 1000, line.content, line.edges))
        blocks.take(block, len(found) - before_it)
        assert (blocks.end, blocks.next_line) == (block.end, 7 + len(found))
    check_found(found, lines)
    check_segment(blocks, ended(pieces, lines), before)


@pytest.mark.parametrize(
    ("pieces", "contents"),
    [
        ([b"aaa\n" * 5], [b"aaa\naaa\n", b"aaa\naaa\n", b"aaa\n"]),
        ([b"aaaaaaaaaaaa\nb\n"], [b"aaaaaaaaaaaa\n", b"b\n"]),
        ([b"aaaaaaa\nb\n"], [b"aaaaaaa\n", b"b\n"]),
        ([b"\n" * 17], [b"\n" * 8, b"\n" * 8, b"\n"]),
        ([b"a\n", b"b\n", b"c"], [b"a\nb\n"]),
        ([b"a\n", b"b"], [b"a\n"]),
        ([b"a\nb", b"cdef", b"\n"], [b"a\n", b"bcdef\n"]),
        ([b"a\nb", b"c\ndef", b"\n"], [b"a\nbc\n", b"def\n"]),
        ([b"abcd\n", b"ef\n"], [b"abcd\n", b"ef\n"]),
        ([b"abc"], []),
    ],
)
def test_a_block_is_as_long_as_it_has_to_be_and_no_longer_than_it_may(
    monkeypatch: pytest.MonkeyPatch, pieces: list[bytes], contents: list[bytes]
) -> None:
    for name, size in (("_BLOCK_BYTES", 4), ("_BLOCK_BYTES_MAX", 8)):
        monkeypatch.setattr(line_blocks, name, size)
    assert [block and block.content for block in LineBlocks(iter(pieces), line_bytes_max=100)] == contents


def unwrap(line: bytes) -> Unwrapped | None:
    """Take a made-up wrapper off: stream, P or F, and what was written."""
    if line[:1] not in (b"A", b"B"):
        return None
    return Unwrapped(content=line[2:], is_part=line[1:2] == b"P", stream=line[:1].decode())


def logical(*lines: bytes, bytes_max: int = 1000, closes: bool = False) -> tuple[Any, LogicalLines]:
    splitter = LineSplitter(iter([b"".join(line + b"\n" for line in lines)]), line_bytes_max=10**6)
    found = LogicalLines(splitter, Wrapper("any", unwrap, bool), bytes_max=bytes_max, closes=closes)
    groups = [[(line.number, line.start, line.end, line.content, line.lines) for line in group] for group in found]
    return groups, found


ONE, TWO = b'{"a": 1}', b'{"b": 2}'


def test_a_wrapped_line_is_what_lies_in_it_and_text_that_is_no_json_says_nothing() -> None:
    groups, found = logical(b"AF" + ONE, b"plain", b"AFtext", b'AF{"torn": 1')
    assert groups == [
        [(1, 0, 11, ONE, 1)],
        [(2, 11, 17, b"plain", 1)],
        [(3, 17, 24, b"", 1)],
        [(4, 24, 37, b'{"torn": 1', 1)],
    ]
    assert (found.end, found.next_line, found.segment_start, found.tail[-3:]) == (37, 5, 0, b" 1\n")
    found.begin_segment()
    assert (found.segment_start, found.segment_digest) == (37, sha(b""))


def test_parts_are_joined_stream_by_stream_and_what_came_between_waits_for_them() -> None:
    groups, _ = logical(b'AP{"a"', b"AF: 1}", b"AF" + TWO)
    assert groups == [[(2, 0, 14, ONE, 2)], [(3, 14, 25, TWO, 1)]]
    groups, _ = logical(b'AP{"a"', b"BF" + TWO, b"plain", b"AF: 1}")
    assert groups == [[(2, 7, 18, TWO, 1), (3, 18, 24, b"plain", 1), (4, 0, 31, ONE, 2)]]
    groups, _ = logical(b'AP{"a"', b'BP{"b"', b"AF: 1}", b"BF: 2}")
    assert groups == [[(3, 0, 21, ONE, 2), (4, 7, 28, TWO, 2)]]
    groups, _ = logical(b"AP ", b"AF" + ONE)  # whole as it is, though its last part would be so too
    assert groups == [[(2, 0, 15, b" " + ONE, 2)]]


def test_what_is_open_at_the_end_is_for_the_next_run_unless_there_is_none() -> None:
    lines = (b"AF" + ONE, b'AP{"a"', b'AP: 1, "c"')
    groups, found = logical(*lines)
    assert groups == [[(1, 0, 11, ONE, 1)]]
    assert (found.end, found.next_line, found.segment_digest) == (11, 2, sha(b"AF" + ONE + b"\n"))
    groups, found = logical(*lines, closes=True)
    assert groups == [[(1, 0, 11, ONE, 1)], [(3, 11, 29, b'{"a": 1, "c"', 2)]]
    assert (found.end, found.next_line) == (29, 4)
    groups, _ = logical(b"AF" + ONE, closes=True)
    assert groups == [[(1, 0, 11, ONE, 1)]]


def test_whoever_was_killed_while_it_wrote_never_ended_its_line() -> None:
    groups, _ = logical(b'AP{"a": 1, ', b"AF" + TWO)
    assert groups == [[(1, 0, 12, b'{"a": 1, ', 1), (2, 12, 23, TWO, 1)]]
    groups, _ = logical(b'AP{"a": 1, ', b'AP{"b"', b"AF: 2}")
    assert groups == [[(1, 0, 12, b'{"a": 1, ', 1), (3, 12, 26, TWO, 2)]]
    groups, _ = logical(b'AP{"a": 1, ', b"AF[2]")
    assert groups == [[(2, 0, 18, b'{"a": 1, [2]', 2)]]
    groups, _ = logical(b'AP{"a": 1, ', b"AF{torn")
    assert groups == [[(2, 0, 20, b'{"a": 1, {torn', 2)]]
    deep = b"[" * 100_000
    groups, _ = logical(b'AP{"a": 1, "b": ' + deep, b"AF{" + deep, bytes_max=10**6)
    assert [each[0] for each in groups[0]] == [2]


def test_what_is_held_back_is_bounded_and_a_joined_line_beyond_the_cap_is_too_long() -> None:
    splitter = LineSplitter(iter([b"AP12345678\nAP12345678\nAP1\nBF" + ONE + b"\n"]), line_bytes_max=1000)
    groups = list(LogicalLines(splitter, Wrapper("any", unwrap, bool), bytes_max=8, closes=False))
    assert groups == [
        [Line(3, 0, 26, None, b"12345678123456781\n12345678123456781", 3)],
        [Line(4, 26, 37, ONE)],
    ]
    splitter = LineSplitter(iter([b"AP1234\nplain\nplain\nplain\nAF5678\n"]), line_bytes_max=1000)
    groups = list(LogicalLines(splitter, Wrapper("any", unwrap, bool), bytes_max=8, closes=False))
    assert [[line.number for line in group] for group in groups] == [[1, 2, 3, 4], [5]]
    splitter = LineSplitter(iter([b"AP12345678\nAP12345678\nAF\n"]), line_bytes_max=1000)
    groups = list(LogicalLines(splitter, Wrapper("any", unwrap, bool), bytes_max=8, closes=False))
    assert [[line.number for line in group] for group in groups] == [[3]]
    splitter = LineSplitter(iter([b'AP{"a": \nAF1}\n']), line_bytes_max=1000)
    assert [
        line.content
        for group in LogicalLines(splitter, Wrapper("any", unwrap, bool), bytes_max=8, closes=False)
        for line in group
    ] == [ONE]
    splitter = LineSplitter(iter([b'AP{"a": \nAF1}\n']), line_bytes_max=1000)
    assert [
        line.content
        for group in LogicalLines(splitter, Wrapper("any", unwrap, bool), bytes_max=7, closes=False)
        for line in group
    ] == [None]


def test_without_a_wrapper_each_line_is_a_group_as_it_is() -> None:
    splitter = LineSplitter(iter([b"AP1\nAF2\n"]), line_bytes_max=1000)
    assert [[line.content for line in group] for group in LogicalLines(splitter, None, bytes_max=8, closes=False)] == [
        *([b"AP1"], [b"AF2"]),
    ]


OBJECT = b'{\n "a": 1\n}\n'


@pytest.mark.parametrize(
    ("name", "log", "is_one"),
    [
        ("a.jsonl", OBJECT, True),
        ("a.jsonl", b'{\r\n\t"a": 1}', True),
        ("a.jsonl", b'{ "a" : {\n "b"', True),
        ("a.jsonl", b'{"a": {\n}', True),
        *(("a.jsonl", b'{"a": [\n ' + following, True) for following in (b"[", b"{", b'"', b"]")),
        ("a.jsonl", b'{"a\\"b": [\n {', True),
        ("a.jsonl", b'{"a": [\n 1', False),
        ("a.jsonl", b'{"a": 1,\n "b": 2}', False),
        ("a.jsonl", b'{"a": 1}\n{"a": 2}\n', False),
        ("a.jsonl", b"{\n1", False),
        ("a.jsonl", b'[\n{"a": 1}]', True),
        ("a.jsonl", b'[{"a": 1},\n{"a": 2}]', True),
        ("a.jsonl", b'[{"a": 1}]\n[{"a": 2}]\n', False),
        ("a.jsonl", b'[{"a": 1}]\n', False),
        ("a.jsonl", b'[{"a": 1}]\n \n', False),
        ("a.jsonl", b'[{"a": 1}]', True),
        ("a.jsonl", b"[torn\n[1]", False),
        ("a.jsonl", b"[[{\n[1]", False),
        ("a.jsonl", b"[\xff]\n[1]", False),
        ("a.jsonl", b'[{"a": "torn\n{"a": 2}\n', False),
        ("a.jsonl", b'[{"a": "\\"\n{"a": 2}\n', False),
        *(
            ("a.jsonl", b"[" + rest, True)
            for rest in (b"\n", b" \r\n", b" {\n", b'{"a": "\xff", "b\\"": 1,\n', b'{"a": 1}\n')
        ),
        *(("a.jsonl", rest, True) for rest in (b"{\n", b"{ \r\n \n", b'{"a": {\n', b'{"a": [\n\t')),
        ("a.jsonl", b"\0" + BOM + b"\n " + OBJECT, True),
        *((name, b'{"a": 1}', True) for name in ("a.json", "a.har", "A.JSON", "a.json.gz", "a.har.zst", "a.json.zstd")),
        *((name, b'{"a": 1}', False) for name in ("a.jsonl", "a.log", "a.json.bak", "json", "a.json.gz.x")),
        ("a.json", b"[pod/gateway-0/app] ", False),
        ("a.json", b"[pod", True),
        ("a.json", b'{"a": 1}\n', False),
        ("a.json", b"", False),
        ("a.json", b"1", False),
        ("a.json", b'"a"', False),
    ],
)
def test_a_log_is_one_document_where_its_first_lines_say_so(name: str, log: bytes, *, is_one: bool) -> None:
    assert is_one_document(name, log, iter([log])) is is_one


@pytest.mark.parametrize(
    ("begins", "rest", "is_one"),
    [
        (b"[", [b'{"a": 1}, \n {"a": 2}]'], True),
        (b"[", [b'{"a": 1},', b"\n", b'{"a": 2}]'], True),
        (b"[", [b'{"a": 1}\n', b"x"], False),
        (b"[", [b"[1]\n", b"x"], False),
        (b"[", [b"1\r\n", b"x"], False),
        (b"[", [b'{"a": 1},\n'], True),
        (b"[", [b'{"a": 1}', b"", b"]", b"\n"], False),
        (b"[[", [b"[", b"\n"], False),
        (b"[", [b'{"a": 1}, {"a": 2}'], True),
        (b"{", [b'"a": 1\n', b"x"], False),
        (b"{", [b'"a": 1'], False),
    ],
)
def test_a_first_line_longer_than_the_head_is_looked_for_in_what_follows(
    begins: bytes, rest: list[bytes], *, is_one: bool
) -> None:
    asked = []

    def pieces() -> Any:
        for piece in (b"\0\n" + begins, *rest, b"never asked for" * (is_one and len(rest) > 2)):
            asked.append(piece)
            yield piece

    assert is_one_document("a.jsonl", b"\0\n" + begins, pieces()) is is_one


def whole(*pieces: bytes, line_bytes_max: int = 1000, first_line: int = 1) -> tuple[list[Any], WholeDocument]:
    document = WholeDocument(iter(pieces), start=100, first_line=first_line, line_bytes_max=line_bytes_max)
    return list(itertools.chain.from_iterable(document)), document


def test_a_whole_document_is_one_line_of_many() -> None:
    content = b"\0" + BOM + OBJECT
    lines, document = whole(content[:5], content[5:], first_line=7)
    edges = content + b"\n" + content
    assert lines == [Line(9, 100, 100 + len(content), OBJECT.strip(), edges, 3)]
    assert (document.end, document.next_line, document.tail, document.is_whole) == (
        100 + len(content),
        10,
        content,
        True,
    )
    assert document.segment_digest == sha(content)
    document.begin_segment()
    assert (document.segment_start, document.segment_digest) == (document.end, sha(b""))
    (line,), document = whole(OBJECT.rstrip())
    assert (line.number, line.lines, document.next_line) == (3, 3, 4)
    for nothing in (b"[\n]\n", b"[ ]", b"[[\r\n\t]]"):
        (line,), _ = whole(nothing)
        assert line.content == b""
    (line,), _ = whole(b"{}")
    assert line.content == b"{}"


def test_a_document_that_is_not_whole_is_left_for_the_next_run() -> None:
    for cut in (OBJECT[:-2], b"", b"[1", b'{"a": 1}}', b"\xff}"):
        lines, document = whole(cut)
        assert lines == []
        assert (document.end, document.next_line, document.is_whole, document.tail) == (100, 1, False, b"")
        assert document.segment_digest == sha(b"")


def test_a_document_beyond_the_cap_is_a_line_that_is_too_long_once_it_has_ended() -> None:
    (line,), document = whole(OBJECT, line_bytes_max=len(OBJECT))
    assert line.content == OBJECT.strip()
    (line,), document = whole(OBJECT, line_bytes_max=len(OBJECT) - 1)
    assert (line.content, line.edges, line.lines, document.is_whole) == (None, OBJECT + b"\n" + OBJECT, 3, True)
    lines, document = whole(OBJECT[:-2], b"   ", line_bytes_max=3)
    assert (lines, document.is_whole) == ([], False)
    (line,), document = whole(b"[" * 3, b"x" * 2 * WINDOW, b"]\n ", line_bytes_max=3)
    body = b"[[[" + b"x" * 2 * WINDOW + b"]\n "
    assert line.edges == body[:WINDOW] + b"\n" + body[-WINDOW:]
    assert (document.tail, line.lines) == (body[-WINDOW:], 2)


CRI = b"2026-10-01T00:00:00.123456789Z stdout "


@pytest.mark.parametrize(
    ("module", "line", "unwrapped"),
    [
        (cri, CRI + b"F " + ONE, Unwrapped(ONE, is_part=False, stream="stdout")),
        (cri, CRI + b"P {", Unwrapped(b"{", is_part=True, stream="stdout")),
        (cri, CRI.replace(b"stdout", b"stderr") + b"F x", Unwrapped(b"x", is_part=False, stream="stderr")),
        (cri, CRI.replace(b"Z", b"+02:00") + b"P:tag:other x", Unwrapped(b"x", is_part=True, stream="stdout")),
        (cri, CRI + b"F", Unwrapped(b"", is_part=False, stream="stdout")),
        (cri, CRI + b"F a\rb", Unwrapped(b"a\rb", is_part=False, stream="stdout")),
        (cri, CRI + b"X x", None),
        (cri, CRI.replace(b"stdout", b"stdin") + b"F x", None),
        (cri, b"x " + CRI + b"F x", None),
        (cloudwatch, b"2026-10-01T00:00:00.123Z " + ONE, Unwrapped(ONE)),
        (cloudwatch, b"2026-10-01T00:00:00.123Z [1]\r2", Unwrapped(b"[1]\r2")),
        (cloudwatch, b"2026-10-01T00:00:00.123Z text", Unwrapped(b"text")),
        (cloudwatch, b"2026-10-01T00:00:00Z {}", None),
        (docker, b'{"log": "a\\n", "stream": "stdout", "time": "x"}', Unwrapped(b"a", is_part=False, stream="stdout")),
        (docker, b'{"log": "a\\r\\n", "time": "x", "attrs": {}}', Unwrapped(b"a", is_part=False, stream="")),
        (docker, b'{"log": "a", "time": "x"}', Unwrapped(b"a", is_part=True, stream="")),
        (docker, b'{"log": "\\ud83d\\n", "time": "x"}', Unwrapped(b"\xed\xa0\xbd", is_part=False, stream="")),
        (docker, b'{"log": "a\\n"}', None),
        (docker, b'{"log": 7, "time": "x"}', None),
        (docker, b'{"log": "a\\n", "time": "x", "more": 1}', None),
        (docker, b'{"time": "x", "attrs": "\\"log\\""}', None),
        (docker, b'["log", "time"]', None),
        (docker, b'{"log": "a\\n", "time": "x"', None),
        *(
            (fluent_bit, json.dumps({"log": "a\r\n", beside: "x"}).encode(), Unwrapped(b"a"))
            for beside in ("date", "@timestamp", "kubernetes")
        ),
        *(
            (
                fluent_bit,
                json.dumps({"log": "a\n", beside: tag, "stream": "stderr"}).encode(),
                Unwrapped(b"a", is_part=tag == "P", stream="stderr"),
            )
            for beside in ("_p", "logtag")
            for tag in ("P", "F")
        ),
        (fluent_bit, b'{"log": "a"}', None),
        (fluent_bit, b'{"log": 7, "date": 1}', None),
        (fluent_bit, b'{"log": "a", "date": 1, "ts": 1}', None),
        (fluent_bit, b'{"log": "a", "date": 1', None),
        (fluent_bit, b'{"message": "a", "date": 1}', None),
        (fluent_bit, b'["log", "date"]', None),
        (fluent_bit, b'app: [1.5, {"log": "a"}]', Unwrapped(b"a")),
        (fluent_bit, b'app: [[1.5, {"x": 1}], {"log": "a"}]', Unwrapped(b"a")),
        (fluent_bit, b'app: [1.5, {"a": 1}]', Unwrapped(b'{"a": 1}')),
        (fluent_bit, b'app: [1.5, {"log": 7}]', Unwrapped(b'{"log": 7}')),
        (fluent_bit, b'app: [1.5, {"log": "a", "ts": 1}]', Unwrapped(b'{"log": "a", "ts": 1}')),
        (fluent_bit, b'two words: [1.5, {"log": "a"}]', None),
        *(
            (journald, json.dumps({"MESSAGE": "a\n", beside: "x"}).encode(), Unwrapped(b"a"))
            for beside in ("__CURSOR", "__REALTIME_TIMESTAMP", "_BOOT_ID")
        ),
        (journald, b'{"MESSAGE": [97, 255, 0], "_BOOT_ID": "x"}', Unwrapped(b"a\xff\0")),
        (journald, b'{"MESSAGE": [256], "_BOOT_ID": "x"}', None),
        (journald, b'{"MESSAGE": [-1], "_BOOT_ID": "x"}', None),
        (journald, b'{"MESSAGE": [true], "_BOOT_ID": "x"}', None),
        (journald, b'{"MESSAGE": null, "_BOOT_ID": "x"}', None),
        (journald, b'{"MESSAGE": "a"}', None),
        (journald, b'{"MESSAGE": "a", "_BOOT_ID": "x", "ts": 1}', None),
        (journald, b'{"message": "a", "_BOOT_ID": "x"}', None),
        (journald, b'["MESSAGE", "_BOOT_ID"]', None),
        (
            journald,
            b'{"MESSAGE": "a", "_BOOT_ID": "x", "_LINE_BREAK": "line-max", "_STREAM_ID": "s", "_PID": "7"}',
            Unwrapped(b"a", is_part=True, stream="s"),
        ),
        (
            journald,
            b'{"MESSAGE": "a", "_BOOT_ID": "x", "_LINE_BREAK": "eof", "_PID": "7"}',
            Unwrapped(b"a", is_part=False, stream="7"),
        ),
    ],
)
def test_a_wrapper_says_what_lies_in_a_line_of_its_own(module: Any, line: bytes, unwrapped: Unwrapped | None) -> None:
    assert module.unwrap(line) == unwrapped


def test_a_log_s_wrapper_is_that_of_the_first_line_that_has_any() -> None:
    assert [wrapper.name for wrapper in WRAPPERS] == [
        *(
            "cloudwatch",
            "command-output",
            "cri",
            "docker",
            "elasticsearch",
            "fluent-bit",
            "fluentd",
            "journald",
            "lambda",
            "stored-rows",
        ),
        "syslog",
    ]
    wrapped = CRI + b"F x"

    def name_of(head: bytes) -> str | None:
        found = wrapper_of(head)
        return found and found.name

    assert name_of(wrapped + b"\r\n") == "cri"
    assert name_of(b"\n \ndamaged\n" * 7 + wrapped) == "cri"
    assert name_of(b"damaged\n" * 8 + wrapped) is None
    assert name_of(b"a-1 | said\ndamaged\n" * 7 + b"a-1 | {}") == "command-output"
    assert name_of(b"a-1 | said\ndamaged\n" * 8 + b"a-1 | {}") is None
    docker_line = b'{"log": "a\\n", "time": "x"}\r\n'
    assert name_of(b"x\n" + docker_line + wrapped) == "docker"
    assert name_of(b"") is None


@pytest.mark.parametrize("kind", [LineSplitter, LineBlocks])
@pytest.mark.parametrize("begun", [[b"abc", b"de"], [b"\0", b"\0"]])
def test_of_a_line_beyond_the_cap_or_behind_nuls_no_more_is_kept_than_has_to_be(
    monkeypatch: pytest.MonkeyPatch, kind: Any, begun: list[bytes]
) -> None:
    asked: list[bytes] = []
    begins: list[int] = []

    def pieces() -> Any:
        for piece in (*begun, b"x", b"\n"):
            asked.append(piece)
            yield piece

    class Seen(LongLine):
        def __init__(self, *given: Any) -> None:
            begins.append(len(asked))
            super().__init__(*given)

    for module in (line_blocks, lines):
        monkeypatch.setattr(module, "LongLine", Seen)
    list(kind(pieces(), line_bytes_max=4))
    assert begins == [1 if begun[0] == b"\0" else 2]


def test_a_long_line_behind_a_block_is_begun_at_once_and_a_block_ends_as_soon_as_it_is_long_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[bytes] = []
    begins: list[int] = []

    def pieces() -> Any:
        for piece in (b"a\n", b"abc", b"de", b"x", b"\n"):
            asked.append(piece)
            yield piece

    class Seen(LongLine):
        def __init__(self, *given: Any) -> None:
            begins.append(len(asked))
            super().__init__(*given)

    monkeypatch.setattr(line_blocks, "LongLine", Seen)
    monkeypatch.setattr(line_blocks, "_BLOCK_BYTES", 2)
    list(LineBlocks(pieces(), line_bytes_max=4))
    assert begins == [3]
    monkeypatch.setattr(line_blocks, "_BLOCK_BYTES", 4)
    found = [block and block.content for block in LineBlocks(iter([b"a\n", b"b\n", b"c\n"]), line_bytes_max=4)]
    assert found == [b"a\nb\n", b"c\n"]


@pytest.mark.parametrize("kind", [LineSplitter, LineBlocks])
def test_a_short_line_that_comes_in_pieces_is_no_long_one(monkeypatch: pytest.MonkeyPatch, kind: Any) -> None:
    for module in (line_blocks, lines):
        monkeypatch.setattr(module, "LongLine", lambda *_: pytest.fail("it is not long"))
    found = kind(iter([b"", b"a", b"", b"bcd", b"\n", b""]), line_bytes_max=4)
    assert len(list(found)) == 1
