"""A log is known again by its bytes: continued where it has grown, new where it has not."""

from __future__ import annotations

import bz2
import errno
import gzip
import json
import lzma
import os
import random
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.base.zstd import zstd
from pipeline.collectors.logs import log_file
from pipeline.collectors.logs.stored.compression import decompressed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.collectors.logs.stored.compression import Piece

CHECKED = {int(zstd.CompressionParameter.checksum_flag): 1}


def _lines(exchange: Any, first: int, last: int, note: str = "") -> bytes:
    return b"".join(
        json.dumps(exchange(request_id=f"r-{number}", response=None, note=note)).encode() + b"\n"
        for number in range(first, last)
    )


def _ids(collected: Any) -> list[int]:
    return [int(event["request_id"].removeprefix("r-")) for event in collected.events]


def test_an_unchanged_log_has_nothing_new(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    log.write_bytes(_lines(exchange, 0, 500))
    first = collect_file(log)
    again = collect_file(log, known=first.records)
    assert again.segments == []
    assert (again.reading.pending_bytes, again.reading.problem) == (0, None)


def test_a_grown_log_is_continued_with_the_next_line(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    log.write_bytes(_lines(exchange, 0, 3) + b'{"ts": ')
    first = collect_file(log)
    log.write_bytes(_lines(exchange, 0, 5))
    second = collect_file(log, known=first.records)
    assert _ids(second) == [3, 4]
    (record,) = second.records
    assert (record.first_line, record.start) == (4, first.records[0].end)
    assert [event["line"] for event in second.events] == [4, 5]


def test_a_log_continues_after_the_record_that_reaches_farthest(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    log = tmp_path / "app.jsonl"
    known: list[Any] = []
    for count in (10, 600, 1200):
        log.write_bytes(_lines(exchange, 0, count))
        known += collect_file(log, known=known, segment_events_max=100).records
    log.write_bytes(_lines(exchange, 0, 1201))
    assert _ids(collect_file(log, known=known[::-1])) == [1200]


def test_a_moved_log_is_the_same_log(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    log.write_bytes(_lines(exchange, 0, 3))
    first = collect_file(log)
    assert collect_file(log.rename(tmp_path / "app.jsonl.1"), known=first.records).segments == []


def test_a_rotated_log_is_a_new_one_from_its_first_line(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    log.write_bytes(_lines(exchange, 0, 300))
    first = collect_file(log)
    for count in (1, 299, 301, 900):  # shorter, nearly as long, longer
        log.write_bytes(_lines(exchange, 1000, 1000 + count))
        fresh = collect_file(log, known=first.records)
        assert _ids(fresh) == list(range(1000, 1000 + count))
        assert fresh.records[0].first_line == 1


def test_a_log_truncated_in_place_is_a_new_one(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    log.write_bytes(_lines(exchange, 0, 300))
    first = collect_file(log)
    log.write_bytes(_lines(exchange, 0, 200))  # the same beginning, and less of it
    cut = collect_file(log, known=first.records)
    assert _ids(cut) == list(range(200))


def test_a_log_whose_middle_was_rewritten_before_its_end_is_a_new_one(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    log = tmp_path / "app.jsonl"
    log.write_bytes(_lines(exchange, 0, 900))
    first = collect_file(log)
    log.write_bytes(_lines(exchange, 0, 700) + _lines(exchange, 5000, 5300))
    assert _ids(collect_file(log, known=first.records))[-1] == 5299
    assert len(collect_file(log, known=first.records).events) == 1000


def test_a_log_compressed_after_it_was_collected_is_the_same_log(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    content = _lines(exchange, 0, 900)
    log = tmp_path / "app.jsonl"
    log.write_bytes(content)
    first = collect_file(log)
    for number, compress in enumerate((gzip.compress, zstd.compress, lzma.compress, bz2.compress)):
        compressed = tmp_path / f"app.jsonl.{number}"
        compressed.write_bytes(compress(content))
        assert collect_file(compressed, known=first.records).segments == []
        compressed.write_bytes(compress(content + _lines(exchange, 900, 902)))
        rest = collect_file(compressed, known=first.records)
        assert _ids(rest) == [900, 901]
        assert rest.records[0].first_line == 901
        assert rest.records[0].tail.size == 65_536


def test_a_gzip_that_grows_by_members_is_continued(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl.gz"
    known: list[Any] = []
    seen: list[int] = []
    for round_number in range(4):
        with log.open("ab") as file:
            file.write(gzip.compress(_lines(exchange, round_number * 300, round_number * 300 + 300)))
        collected = collect_file(log, known=known)
        known += collected.records
        seen += _ids(collected)
    assert seen == list(range(1200))


def test_a_member_of_the_same_size_as_all_before_is_not_taken_for_no_change(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    log = tmp_path / "app.jsonl.gz"
    log.write_bytes(gzip.compress(_lines(exchange, 100, 400)))
    first = collect_file(log)
    log.write_bytes(gzip.compress(_lines(exchange, 100, 400)) + gzip.compress(_lines(exchange, 500, 800)))
    assert _ids(collect_file(log, known=first.records)) == list(range(500, 800))


def test_two_logs_that_begin_alike_are_told_apart(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(_lines(exchange, 0, 300) + _lines(exchange, 1000, 1300))
    other.write_bytes(_lines(exchange, 0, 300) + _lines(exchange, 2000, 2300))
    first = collect_file(one)
    assert len(collect_file(other, known=first.records).events) == 600


def test_a_prefix_that_another_log_shares_is_read_once(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.write_bytes(_lines(exchange, 0, 3))
    other.write_bytes(_lines(exchange, 0, 5))  # a copy made later
    assert _ids(collect_file(other, known=collect_file(one).records)) == [3, 4]


def test_an_unchanged_plain_log_is_read_at_its_windows_only(
    collect_file: Any, exchange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "app.jsonl"
    log.write_bytes(_lines(exchange, 0, 4000))
    first = collect_file(log)
    read = os.pread
    sizes: list[int] = []

    def counted(descriptor: int, size: int, offset: int) -> bytes:
        sizes.append(size)
        return read(descriptor, size, offset)

    monkeypatch.setattr(os, "pread", counted)
    assert collect_file(log, known=first.records).segments == []
    assert sum(sizes) < 140_000 < log.stat().st_size


@pytest.mark.parametrize("compress", [gzip.compress, zstd.compress, lzma.compress])
def test_an_unchanged_compressed_log_is_not_decompressed_again(
    collect_file: Any, exchange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: Any
) -> None:
    noise = random.Random(3)
    content = b"".join(_lines(exchange, number, number + 1, note=noise.randbytes(150).hex()) for number in range(6000))
    log = tmp_path / "app.jsonl"
    log.write_bytes(compress(content))
    first = collect_file(log)
    sizes: list[int] = []

    def counted(*arguments: Any, **options: Any) -> Iterator[Piece]:
        for piece in decompressed(*arguments, **options):
            sizes.append(len(piece.content))
            yield piece

    monkeypatch.setattr(log_file, "decompressed", counted)
    assert collect_file(log, known=first.records).segments == []
    assert 65_536 <= sum(sizes) < len(content) / 2


@pytest.mark.parametrize("compress", [gzip.compress, partial(zstd.compress, options=CHECKED), bz2.compress])
def test_a_corrupt_member_is_reported_every_night_until_it_is_repaired(
    collect_file: Any, exchange: Any, tmp_path: Path, compress: Any
) -> None:
    sound, spoiled = compress(_lines(exchange, 100, 200)), bytearray(compress(_lines(exchange, 200, 300)))
    spoiled[30] ^= 0xFF
    log = tmp_path / "app.jsonl"
    log.write_bytes(sound + spoiled)
    first = collect_file(log)
    assert _ids(first) == list(range(100, 200))
    again = collect_file(log, known=first.records)
    assert first.reading.problem == again.reading.problem is not None
    log.write_bytes(sound + compress(_lines(exchange, 200, 300)))
    assert log.stat().st_size == first.records[0].file_size
    assert _ids(collect_file(log, known=first.records)) == list(range(200, 300))


@pytest.mark.parametrize("how", ["plain", "gzip", "zstd", "xz", "bzip2"])
def test_a_known_log_of_which_one_read_fails_is_never_read_from_its_start(
    how: str, collect_file: Any, exchange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compress = {
        "plain": bytes,
        "gzip": gzip.compress,
        "zstd": zstd.compress,
        "xz": lzma.compress,
        "bzip2": bz2.compress,
    }[how]
    before, after = (
        [compress(_lines(exchange, at, at + 20, os.urandom(500).hex())) for at in ats] for ats in ((0, 20), (40, 60))
    )
    log = tmp_path / "app.jsonl"
    log.write_bytes(b"".join(before))
    known = collect_file(log).records
    log.write_bytes(b"".join(before + after))
    for name in ("_PLAIN_BLOCK_BYTES", "_COMPRESSED_BLOCK_BYTES"):
        monkeypatch.setattr(log_file, name, 16_384)
    read, reads, fails_at = os.pread, 0, 0

    def failing(*arguments: Any) -> bytes:
        nonlocal reads
        reads += 1
        if reads == fails_at:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return read(*arguments)

    monkeypatch.setattr(os, "pread", failing)
    assert _ids(collect_file(log, known=known)) == list(range(40, 80))
    told = 0
    for fails_at in range(1, reads + 1):
        reads = 0
        once = collect_file(log, known=known)
        assert _ids(once) == list(range(40, 40 + len(once.events))), fails_at
        assert once.reading.problem is None or once.reading.problem.reason == "unreadable"
        assert once.reading.problem is not None or len(once.events) == 40
        told += once.reading.problem is not None
    assert told == fails_at > 3


def test_what_was_believed_of_a_cut_stream_is_not_read_again_when_it_turns_out_corrupt(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    content = _lines(exchange, 0, 50) + os.urandom(200_000).hex().encode() + b"\n"
    compressed = gzip.compress(content)
    log = tmp_path / "app.jsonl.gz"
    log.write_bytes(compressed[: len(compressed) // 2])
    part = collect_file(log)
    assert len(part.events) == 50
    log.write_bytes(compressed[:-8] + b"\0" * 8)
    spoiled = collect_file(log, known=part.records)
    assert spoiled.segments == []
    assert spoiled.reading.problem.reason == "corrupt_compression"
