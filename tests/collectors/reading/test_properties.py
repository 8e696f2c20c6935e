"""What is true of every log: how its bytes arrive never changes what is read from them."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.base.zstd import zstd
from pipeline.collectors import LogFormat, read_log
from pipeline.collectors.decode import EventRow, QuarantineRow, decode_line
from pipeline.collectors.logs.lines import Line, LineSplitter
from pipeline.collectors.logs.stored.compression import Compression, compression_of, decompressed
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    from pipeline.collectors import SourceProblem

calm = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # the claims are about results, not about the machine

FORMAT = LogFormat(line_bytes_max=600)

_BODY = {"choices": [{"delta": {"content": "a\u2028"}}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
_RESPONSES = st.sampled_from(
    [
        None,
        "",
        _BODY,
        json.dumps(_BODY),
        f"data: {json.dumps(_BODY)}\r\n\r\n",
        'data: {"choices":[{"delta":{"content":"b"}}]}\n\n',
        "x" * 700,
    ]
)
_LINES = st.one_of(
    st.builds(
        lambda response, number, status: json.dumps(
            {
                "ts": 1_788_264_000 + number,
                "api_key_id": f"k{number % 3}",
                "status": status,
                "request_id": f"r{number}",
                "response": response,
            }
        ).encode(),
        _RESPONSES,
        st.integers(0, 50),
        st.sampled_from([200, 200, 429, "x"]),
    ),
    st.binary(max_size=40),
    st.sampled_from([b"", b" \r", b"{}", b"\xef\xbb\xbf", b"[" * 90, b"[", b"{", b'[{"a": 1},', b"]", b"}"]),
)
_LOGS = st.builds(
    lambda lines, rest: b"".join(line + b"\n" for line in lines) + rest,
    st.lists(_LINES, max_size=25),
    st.sampled_from([b"", b"{", b"\r"]),
)


def _rows(blocks: list[bytes]) -> list[Any]:
    splitter = LineSplitter(blocks, line_bytes_max=FORMAT.line_bytes_max)
    return [row for line in splitter for row in decode_line(line, source="s", log_format=FORMAT, fingerprint=str)]


def _cut(content: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(content) + 1) for place in places} | {len(content)})
    return [content[start:end] for start, end in zip([0, *ends], ends, strict=False) if end > start]


def _read(path: Path, known: tuple[Any, ...] = ()) -> tuple[list[Any], tuple[Any, ...], SourceProblem | None]:
    reading = read_log(
        path, source="s", name="n", log_format=FORMAT, fingerprint=str, known=known, segment_events_max=3
    )
    segments = list(reading)
    rows = [row for segment in segments for row in segment.events.to_pylist() + segment.quarantined.to_pylist()]
    for segment in segments:
        record = segment.record
        assert record.is_balanced
    return sorted(rows, key=lambda row: row["line"]), tuple(segment.record for segment in segments), reading.problem


@pytest.mark.long
@calm
@given(content=_LOGS, places=st.lists(st.integers(0, 10_000), max_size=12))
def test_block_boundaries_never_matter(content: bytes, places: list[int]) -> None:
    assert _rows(_cut(content, places)) == _rows([content])


@calm
@given(content=_LOGS)
def test_lines_are_contiguous_and_reach_to_the_last_line_feed(content: bytes) -> None:
    splitter = LineSplitter([content], line_bytes_max=FORMAT.line_bytes_max)
    lines = list(splitter)
    assert [line.number for line in lines] == list(range(1, content.count(b"\n") + 1))
    assert [line.start for line in lines] == [0, *(line.end for line in lines)][:-1] if lines else not splitter.end
    assert splitter.end == content.rfind(b"\n") + 1


@pytest.mark.long
@calm
@given(
    content=_LOGS.filter(lambda content: compression_of(content) is Compression.NONE),
    places=st.lists(st.integers(0, 10_000), max_size=5),
)
def test_a_log_that_grows_in_any_pieces_gives_what_reading_it_whole_gives(content: bytes, places: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole, growing = Path(folder) / "whole", Path(folder) / "growing"
        whole.write_bytes(content)
        expected, records, problem = _read(whole)
        rows: list[Any] = []
        known: tuple[Any, ...] = ()
        growing.touch()
        for piece in [*_cut(content, places), b""]:
            with growing.open("ab") as file:
                file.write(piece)
            new_rows, new_records, _ = _read(growing, known)
            rows += new_rows
            known += new_records
        assert rows == expected
        if problem is None:  # of a document that is not whole, blank lines before it may have been read
            assert sum(record.lines for record in known) == sum(record.lines for record in records)
        assert _read(growing, known)[0] == []


@pytest.mark.long
@calm
@given(
    content=_LOGS.filter(lambda content: compression_of(content) is Compression.NONE),
    places=st.lists(st.integers(0, 10_000), max_size=3),
)
def test_plain_and_compressed_logs_give_the_same_however_many_members(content: bytes, places: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / name for name in ("plain", "gzip", "zstd", "xz", "bzip2")]
        pieces = _cut(content, places) or [b""]
        logs[0].write_bytes(content)
        packers = (gzip.compress, zstd.compress, lzma.compress, bz2.compress)
        for log, compress in zip(logs[1:], packers, strict=True):
            log.write_bytes(b"".join(map(compress, pieces)))
        plain, *compressed = [_read(log)[0] for log in logs]
        assert compressed == [plain] * len(packers)


@calm
@given(
    content=st.binary(max_size=3000),
    places=st.lists(st.integers(0, 4000), max_size=6),
    block_places=st.lists(st.integers(0, 4000), max_size=6),
)
def test_decompression_does_not_hang_on_the_size_of_its_blocks(
    content: bytes, places: list[int], block_places: list[int]
) -> None:
    for compression, compress in (
        (Compression.GZIP, gzip.compress),
        (Compression.ZSTD, zstd.compress),
        (Compression.XZ, lzma.compress),
        (Compression.BZIP2, bz2.compress),
    ):
        compressed = b"".join(map(compress, _cut(content, places) or [b""]))
        pieces = list(decompressed(_cut(compressed, block_places), compression, bytes_max=10**6))
        assert b"".join(piece.content for piece in pieces) == content
        assert pieces[-1].is_verified


_KEYS = st.sampled_from(
    [
        "id",
        "model",
        "object",
        "type",
        "choices",
        "usage",
        "error",
        "delta",
        "message",
        "content",
        "finish_reason",
        "service_tier",
        "x_groq",
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "prompt_tokens_details",
        "cached_tokens",
        "reasoning_tokens",
        "request",
        "stream",
        "n",
        "response",
        "candidates",
        "ts",
        "status",
        "api_key_id",
        "request_id",
        "path",
        "method",
        "done",
        "text",
    ]
)
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "x", "a b", "\ud800", 0, 1, 7, "chat.completion", "text_completion", "message"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=6),
    max_leaves=25,
)


@pytest.mark.long
@calm
@given(
    body=st.dictionaries(_KEYS, _VALUES, max_size=8),
    fields=st.dictionaries(_KEYS, _VALUES, max_size=2),
    form=st.integers(0, 3),
)
def test_no_line_raises_whatever_its_json_says(body: dict[str, Any], fields: dict[str, Any], form: int) -> None:
    text = json.dumps(body)
    response = [body, text, f"data: {text}\n\ndata: {text}\n\n", f"{text}\n{text}\n"][form]
    line = {"ts": 1_788_264_000, "api_key_id": "k", "status": 200, "response": response} | fields
    content = json.dumps(line).encode()
    (row, *_) = decode_line(Line(1, 0, len(content) + 1, content), source="s", log_format=LogFormat(), fingerprint=str)
    assert isinstance(row, EventRow | QuarantineRow)
    if isinstance(row, EventRow):
        event = dict(zip(USAGE_EVENTS.names, row.values, strict=True))
        assert event["prompt_tokens"] is None or event["status"] == "measured"
        assert (event["completion_tokens"] is not None) is (event["status"] in {"measured", "estimated"})
        pa.RecordBatch.from_pylist([event], schema=USAGE_EVENTS)


@calm
@given(data=st.data())
def test_a_damaged_line_never_raises_and_never_bills_more_than_one_exchange(data: st.DataObject) -> None:
    sound = json.dumps({"ts": 1_788_264_000, "api_key_id": "k", "status": 200, "response": json.dumps(_BODY)}).encode()
    at = data.draw(st.integers(0, len(sound)))
    content = (
        sound[:at] + data.draw(st.binary(max_size=4)).replace(b"\n", b"") + sound[at + data.draw(st.integers(0, 9)) :]
    )
    rows = decode_line(Line(1, 0, len(content) + 1, content), source="s", log_format=LogFormat(), fingerprint=str)
    assert len(rows) <= 1
    assert all(isinstance(row, EventRow | QuarantineRow) for row in rows)
