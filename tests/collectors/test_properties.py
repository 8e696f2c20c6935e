"""What is true of every log: how its bytes arrive never changes what is read from them."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.collectors import LogFormat, read_log
from pipeline.collectors.compression import Compression, decompressed
from pipeline.collectors.decode import decode_line
from pipeline.collectors.lines import LineSplitter

if TYPE_CHECKING:
    from pipeline.collectors import SourceProblem

FORMAT = LogFormat(line_bytes_max=600)

_BODY = {"choices": [{"delta": {"content": "a\u2028"}}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}
_RESPONSES = st.sampled_from(
    [None, "", _BODY, json.dumps(_BODY), f"data: {json.dumps(_BODY)}\r\n\r\n", 'data: {"choices":[{"delta":{"content":"b"}}]}\n\n', "x" * 700]
)
_LINES = st.one_of(
    st.builds(
        lambda response, number, status: json.dumps(
            {"ts": 1_788_264_000 + number, "api_key_id": f"k{number % 3}", "status": status, "request_id": f"r{number}", "response": response}
        ).encode(),
        _RESPONSES,
        st.integers(0, 50),
        st.sampled_from([200, 200, 429, "x"]),
    ),
    st.binary(max_size=40),
    st.sampled_from([b"", b" \r", b"{}", b"\xef\xbb\xbf", b"[" * 90]),
)
_LOGS = st.builds(lambda lines, rest: b"".join(line + b"\n" for line in lines) + rest, st.lists(_LINES, max_size=25), st.sampled_from([b"", b"{", b"\r"]))


def _rows(blocks: list[bytes]) -> list[Any]:
    splitter = LineSplitter(blocks, line_bytes_max=FORMAT.line_bytes_max)
    return [decode_line(line, source="s", log_format=FORMAT, fingerprint=str) for line in splitter]


def _cut(content: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(content) + 1) for place in places} | {len(content)})
    return [content[start:end] for start, end in zip([0, *ends], ends, strict=False) if end > start]


def _read(path: Path, known: tuple[Any, ...] = ()) -> tuple[list[Any], tuple[Any, ...], SourceProblem | None]:
    reading = read_log(path, source="s", name="n", log_format=FORMAT, fingerprint=str, known=known, stretch_events_max=3)
    stretches = list(reading)
    rows = [row for stretch in stretches for row in stretch.events.to_pylist() + stretch.quarantined.to_pylist()]
    for stretch in stretches:
        record = stretch.record
        assert record.lines == record.blank + sum(record.quarantined.values()) + sum(record.events.values())
    return sorted(rows, key=lambda row: row["line"]), tuple(stretch.record for stretch in stretches), reading.problem


@given(content=_LOGS, places=st.lists(st.integers(0, 10_000), max_size=12))
def test_block_boundaries_never_matter(content: bytes, places: list[int]) -> None:
    assert _rows(_cut(content, places)) == _rows([content])


@given(content=_LOGS)
def test_lines_are_contiguous_and_reach_to_the_last_line_feed(content: bytes) -> None:
    splitter = LineSplitter([content], line_bytes_max=FORMAT.line_bytes_max)
    lines = list(splitter)
    assert [line.number for line in lines] == list(range(1, content.count(b"\n") + 1))
    assert [line.start for line in lines] == [0, *(line.end for line in lines)][:-1] if lines else not splitter.end
    assert splitter.end == content.rfind(b"\n") + 1


@settings(max_examples=40, deadline=None)
@given(content=_LOGS.filter(lambda content: not content.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))), places=st.lists(st.integers(0, 10_000), max_size=5))
def test_a_log_that_grows_in_any_pieces_gives_what_reading_it_whole_gives(content: bytes, places: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        whole, growing = Path(folder) / "whole", Path(folder) / "growing"
        whole.write_bytes(content)
        expected, records, _ = _read(whole)
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
        assert sum(record.lines for record in known) == sum(record.lines for record in records)
        assert _read(growing, known)[0] == []


@settings(max_examples=40, deadline=None)
@given(content=_LOGS.filter(lambda content: not content.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))), places=st.lists(st.integers(0, 10_000), max_size=3))
def test_plain_gzip_and_zstd_give_the_same_however_many_members(content: bytes, places: list[int]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / name for name in ("plain", "gzip", "zstd")]
        pieces = _cut(content, places) or [b""]
        logs[0].write_bytes(content)
        logs[1].write_bytes(b"".join(map(gzip.compress, pieces)))
        logs[2].write_bytes(b"".join(map(zstandard.ZstdCompressor().compress, pieces)))
        plain, *compressed = [_read(log)[0] for log in logs]
        assert compressed == [plain, plain]


@given(content=st.binary(max_size=3000), places=st.lists(st.integers(0, 4000), max_size=6), block_places=st.lists(st.integers(0, 4000), max_size=6))
def test_decompression_does_not_hang_on_the_size_of_its_blocks(content: bytes, places: list[int], block_places: list[int]) -> None:
    for compression, compress in ((Compression.GZIP, gzip.compress), (Compression.ZSTD, zstandard.ZstdCompressor().compress)):
        compressed = b"".join(map(compress, _cut(content, places) or [b""]))
        pieces = list(decompressed(_cut(compressed, block_places), compression, bytes_max=10**6, ratio_max=2000))
        assert b"".join(piece.content for piece in pieces) == content
        assert pieces[-1].is_verified
