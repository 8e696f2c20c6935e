"""Logs as xz state how much they hold, and logs in UTF-16 are the logs that they are in UTF-8."""

from __future__ import annotations

import json
import lzma
import random
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors.logs.stored.compression import Compression, compression_of
from pipeline.collectors.logs.stored.recoded import recoded
from pipeline.collectors.logs.stored.xz_index import xz_content_size

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be")


def _reading(content: bytes) -> Callable[[int, int], bytes]:
    return lambda at, size: content[at : at + size]


def _stated(content: bytes) -> int | None:
    return xz_content_size(_reading(content), len(content))


@pytest.mark.parametrize("size", [0, 1, 3, 4, 127, 128, 70_000, 5_000_000])
@pytest.mark.parametrize("check", [lzma.CHECK_NONE, lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256])
def test_an_index_of_xz_states_what_the_stream_holds(size: int, check: int) -> None:
    content = random.Random(size).randbytes(min(size, 1000)) * (size // 1000 or 1)
    assert _stated(lzma.compress(content, check=check)) == len(content)


def test_of_several_streams_or_padding_nothing_is_stated() -> None:
    one = lzma.compress(b"x" * 100)
    for content in (one + one, one + b"\0" * 4, b"\0" * 4 + one, one[4:], one[:-1], b"", b"YZ", one + b"YZ"):
        assert _stated(content) is None


def test_whatever_bit_of_its_end_is_flipped_nothing_else_is_stated() -> None:
    one = lzma.compress(random.Random(1).randbytes(300))
    for at in range(len(one) - 40, len(one)):
        for bit in range(8):
            spoiled = one[:at] + bytes([one[at] ^ 1 << bit]) + one[at + 1 :]
            assert _stated(spoiled) in (None, 300), (at, bit)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_log_in_utf_16_gives_what_it_gives_in_utf_8(
    collect_file: Any, exchange: Any, tmp_path: Path, encoding: str
) -> None:
    lines = [json.dumps(exchange(request_id=f"r-{n}", note="😀 é" * n), ensure_ascii=False) for n in range(300)]
    text = "\r\n".join([*lines[:-1], '{"ts": "bro😀'])
    plain, wide = tmp_path / "plain.jsonl", tmp_path / "wide.jsonl"
    plain.write_bytes(text.encode())
    wide.write_bytes(text.encode(encoding))
    one, other = collect_file(plain), collect_file(wide)
    assert len(one.events) == 299
    assert other.events == one.events
    assert other.reading.pending_bytes == one.reading.pending_bytes > 0
    (record,) = other.records
    assert (record.compression, record.file_size) == ("utf-16", wide.stat().st_size)
    assert record.digest == one.records[0].digest
    assert collect_file(wide, known=one.records).segments == []


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_log_in_utf_16_that_grows_is_continued(
    collect_file: Any, exchange: Any, tmp_path: Path, encoding: str
) -> None:
    whole = "".join(f"{json.dumps(exchange(request_id=f'r-{n}'))}\n" for n in range(4)).encode(encoding)
    log = tmp_path / "wide.jsonl"
    known: list[Any] = []
    found: list[str] = []
    for size in (*range(1000, len(whole), 333), len(whole)):
        log.write_bytes(whole[:size])
        collected = collect_file(log, known=known)
        known += collected.records
        found += [event["request_id"] for event in collected.events]
        is_odd = size % 2 == 1
        problem = collected.reading.problem
        assert (problem is not None and problem.reason == "ends_inside_member") == is_odd
    assert found == [f"r-{n}" for n in range(4)]


def test_what_is_no_utf_16_is_a_line_of_the_quarantine_and_the_rest_goes_on(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    lines = [f"{json.dumps(exchange(response={'id': f'c-{n}', 'usage': {}}))}\n" for n in range(3)]
    one, two, three = (line.encode("utf-16-le") for line in lines)
    at = two.index('"c-1"'.encode("utf-16-le")) + 4
    log = tmp_path / "wide.jsonl"
    log.write_bytes(b"\xff\xfe" + one + two[:at] + b"\x00\xdc" + two[at + 2 :] + three)
    collected = collect_file(log)
    assert [event["line"] for event in collected.events] == [1, 3]
    assert [row["reason"] for row in collected.quarantined] == ["invalid_utf8"]


def test_pieces_hang_on_no_size_of_blocks() -> None:
    text = "".join(chr(code) for code in (*range(0x20, 0x3000, 7), *range(0x1F600, 0x1F640)))
    for encoding in ENCODINGS:
        content = text.encode(encoding)
        for size in (2, 3, 7, 1000):
            blocks = [content[at : at + size] for at in range(0, len(content), size)]
            pieces = list(recoded(blocks, bytes_max=10**6))
            assert b"".join(piece.content for piece in pieces) == text.encode()
            assert pieces[-1].is_verified
        assert not list(recoded([content[:-1]], bytes_max=10**6))[-1].is_verified


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_utf_16_is_known_by_its_mark_or_by_how_an_object_begins(mark: str) -> None:
    for encoding in ("utf-16-le", "utf-16-be"):
        assert compression_of((mark + '{"ts"').encode(encoding)) is Compression.UTF_16
        assert compression_of(("\ufeff[").encode(encoding)) is Compression.UTF_16
        assert compression_of("text".encode(encoding)) is Compression.NONE
    assert compression_of((mark + '{"ts"').encode("utf-32-le")) is Compression.NONE
