"""Usual lines within a wrapper, taken out of it many at a time: the same lines as one by one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors.logs import logical_lines
from pipeline.collectors.logs.lines import Line, LineSplitter
from pipeline.collectors.logs.logical_lines import LogicalLines
from pipeline.collectors.wrappers import WRAPPERS

if TYPE_CHECKING:
    from pipeline.collectors.wrappers import Wrapper

BY_NAME = {wrapper.name: wrapper for wrapper in WRAPPERS}
HELD = (
    *(
        b'{"a": 1}',
        b'{"a": "\\u00e9 \\" \\\\ \\n"}',
        '{"a": "ü \U0001f600"}'.encode(),
        b"",
        b"text",
        b'"a" :  [1',
        b" ",
    ),
    *(b'{"a": 1}\r', b'{"a": 1}\0', b'\xef\xbb\xbf{"a": 1}', b"\0", b"\r", b"\r\r", b'{"torn', b'"', b"\\", b"\\\\"),
    *(b'","stream":"stdout","time":"', b'\\n","stream":"stdout","time":"1"}', b'{"a": "\xff"}', b"\x1f"),
)
"""What programs write: JSON, text, and what is hostile to whoever looks for the end of either."""
CRI = (
    b"2026-10-01T00:00:00.123456789Z stdout F ",
    b"2026-10-01T00:00:00+02:00 stderr F:x ",
    b"2026-10-01T00:00:00Z stdout F",
    b"2026-10-01T00:00:00Z stdout P ",
    b"2026-10-01T00:00:00Z stderr P:y ",
    b"2026-10-01 stdout F ",
    *(b"", b"\0", b"\xef\xbb\xbf"),
)


def _of_docker(held: bytes, kind: int) -> bytes:
    """Return an entry of Docker: as the driver writes it, or otherwise."""
    text = json.dumps(held.decode("utf-8", "surrogateescape" if kind == 7 else "replace"))[1:-1].encode()
    text = held.replace(b"\\", b"\\\\").replace(b'"', b'\\"') if kind == 1 else held if kind == 2 else text
    end = b"" if kind == 3 else b"\\r\\n" if kind == 4 else b"\\n"
    stream = b"stderr" if kind == 5 else b"stdout"
    time = b"2026-10-01T00:00:00.1Z" if kind != 6 else b'2026\\"'
    return b'{"log":"%s%s","stream":"%s","time":"%s"}' % (text, end, stream, time)


def _split(content: bytes, wrapper: Wrapper, pieces: list[int], run_max: int, *, closes: bool) -> tuple[Any, ...]:
    """Return the lines of a log, which comes in pieces, and what is known once all were split."""
    blocks, at = [], 0
    for piece in (*pieces, len(content)):
        blocks.append(content[at : at + piece])
        at += piece
    split = LogicalLines(LineSplitter(blocks, start=3, line_bytes_max=900), wrapper, bytes_max=900, closes=closes)
    split.run_max = run_max
    groups = list(split)
    lines = [line for group in groups for line in group]
    return lines, (split.end, split.next_line, split.tail, split.segment_digest), [*map(len, groups)]


def _of_journald(held: bytes, *, is_part: bool) -> bytes:
    entry = {"__CURSOR": "c", "_PID": "1", "MESSAGE": held.decode("utf-8", "replace")}
    return json.dumps(entry | ({"_LINE_BREAK": "line-max"} if is_part else {})).encode()


LINES = {
    "journald": st.builds(_of_journald, st.sampled_from(HELD), is_part=st.booleans()) | st.sampled_from(HELD),
    "cri": st.tuples(st.sampled_from(CRI), st.sampled_from(HELD)).map(b"".join),
    "docker": st.builds(_of_docker, st.sampled_from(HELD), st.integers(0, 12)) | st.sampled_from(HELD),
}


@pytest.mark.long
@pytest.mark.parametrize("name", sorted(LINES))
@given(data=st.data())
def test_lines_together_are_the_lines_one_by_one(name: str, data: st.DataObject) -> None:
    lines = data.draw(st.lists(LINES[name], max_size=12))
    content = b"".join(
        line.replace(b"\n", b"") + data.draw(st.sampled_from((b"\n", b"\n", b"\r\n", b"\0\n"))) for line in lines
    )
    pieces = data.draw(st.lists(st.integers(1, 300), max_size=3))
    closes = data.draw(st.booleans())
    expected = _split(content, BY_NAME[name], pieces, 0, closes=closes)
    for run_max in (1, 3, 1000):
        assert _split(content, BY_NAME[name], pieces, run_max, closes=closes)[:2] == expected[:2]


def _usual_lines(name: str, count: int) -> list[bytes]:
    if name == "journald":
        return [_of_journald(b'{"a": %d}' % number, is_part=False) for number in range(count)]
    if name == "cri":
        return [CRI[0] + b'{"a": %d}' % number for number in range(count)]
    return [_of_docker(b'{"a": %d}' % number, 0) for number in range(count)]


@pytest.mark.parametrize("name", sorted(LINES))
def test_as_many_come_together_as_there_is_room_for(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"\n".join((*_usual_lines(name, 10), b""))
    sizes = [_split(content, BY_NAME[name], [], run_max, closes=False)[2] for run_max in (0, 1, 4, 99)]
    assert sizes == [[1] * 10, [1] * 10, [4, 4, 2], [10]]
    monkeypatch.setattr(logical_lines, "_RUN_BYTES", content.index(b"\n") + 1)
    assert _split(content, BY_NAME[name], [], 99, closes=False)[2] == [2] * 5


def test_nothing_comes_together_while_a_part_waits_for_its_end() -> None:
    whole, part = b'2026-10-01T00:00:00Z stdout F {"a": 1}\n', b'2026-10-01T00:00:00Z stderr P {"b": \n'
    end = b"2026-10-01T00:00:00Z stderr F 2}\n"
    split = LogicalLines(
        LineSplitter([whole * 2 + part + whole * 2 + end + whole * 3], line_bytes_max=999),
        BY_NAME["cri"],
        bytes_max=999,
        closes=False,
    )
    split.run_max = 99
    assert [[line.number for line in group] for group in split] == [[1, 2], [4, 5, 6], [7, 8, 9]]


def test_in_a_block_longer_than_a_line_may_be_each_line_is_looked_at() -> None:
    content = b"".join(line + b"\n" for line in _usual_lines("cri", 3))
    split = LogicalLines(LineSplitter([content], line_bytes_max=60), BY_NAME["cri"], bytes_max=60, closes=False)
    split.run_max = 99
    assert [len(group) for group in split] == [1, 1, 1]
    long = CRI[0] + b'{"a": "%s"}\n' % (b"x" * 60)
    split = LogicalLines(LineSplitter([long], line_bytes_max=60), BY_NAME["cri"], bytes_max=60, closes=False)
    split.run_max = 99
    assert [line.content for group in split for line in group] == [None]


def test_the_end_of_a_line_that_began_in_another_block_is_no_line() -> None:
    content = b"x" + CRI[0] + b'{"a": 1}\n'
    assert _split(content, BY_NAME["cri"], [1], 99, closes=False)[0] == [Line(1, 3, 3 + len(content), content[:-1])]
    ((beyond_the_cap,), *_) = _split(b"x" * 1000 + content, BY_NAME["cri"], [1001], 99, closes=False)
    assert beyond_the_cap.content is None
