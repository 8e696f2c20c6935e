"""A log as a file: what is opened at all, and how far compressed bytes are believed."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import random
import tarfile
import zlib
from pathlib import Path
from typing import Any

import pytest

from pipeline.base.zstd import zstd
from pipeline.collectors import LogFormat, read_log
from pipeline.collectors.logs import log_file
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason
from pipeline.collectors.logs.stored import compression


def _lines(exchange: Any, first: int, last: int) -> bytes:
    return b"".join(
        json.dumps(exchange(request_id=f"r-{number}", response=None)).encode() + b"\n" for number in range(first, last)
    )


def _bzip2(content: bytes) -> bytes:
    return bz2.compress(content, 1)  # in blocks of 100 KB


def _zstd(content: bytes) -> bytes:
    return zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1})


def _tar(content: bytes) -> bytes:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        name = tarfile.TarInfo("app.jsonl")
        name.size = len(content)
        tar.addfile(name, io.BytesIO(content))
    return archive.getvalue()


def _ids(collected: Any) -> list[str]:
    return [event["request_id"] for event in collected.events]


COMPRESSIONS = [
    pytest.param(compress, name, id=name)
    for compress, name in ((gzip.compress, "gzip"), (_zstd, "zstd"), (lzma.compress, "xz"), (_bzip2, "bzip2"))
]


@pytest.mark.parametrize(("compress", "name"), COMPRESSIONS)
def test_a_compressed_log_gives_what_the_plain_one_gives(
    collect_file: Any, exchange: Any, tmp_path: Path, compress: Any, name: str
) -> None:
    content = _lines(exchange, 0, 3000) + b"unfinished"
    plain, compressed = tmp_path / "plain", tmp_path / "misnamed.jsonl"
    plain.write_bytes(content)
    compressed.write_bytes(compress(content))
    one, other = collect_file(plain), collect_file(compressed)
    assert other.events == one.events
    assert other.reading.pending_bytes == one.reading.pending_bytes == 10
    (record,) = other.records
    assert record.compression == name
    assert record.file_size == compressed.stat().st_size
    assert (record.head, record.tail, record.digest, record.end) == (
        one.records[0].head,
        one.records[0].tail,
        one.records[0].digest,
        one.records[0].end,
    )


@pytest.mark.parametrize(("compress", "name"), COMPRESSIONS)
def test_members_may_follow_one_another_and_lines_may_cross_them(
    collect_file: Any, exchange: Any, tmp_path: Path, compress: Any, name: str
) -> None:
    content = _lines(exchange, 0, 9)
    log = tmp_path / name
    log.write_bytes(compress(content[:777]) + compress(b"") + compress(content[777:]))
    assert _ids(collect_file(log)) == [f"r-{number}" for number in range(9)]


def test_zero_padding_after_a_gzip_member_is_tolerated(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "padded.gz"
    log.write_bytes(
        gzip.compress(_lines(exchange, 0, 2)) + b"\0" * 70_000 + gzip.compress(_lines(exchange, 2, 3)) + b"\0" * 5
    )
    collected = collect_file(log)
    assert _ids(collected) == ["r-0", "r-1", "r-2"]
    assert collected.reading.problem is None


def test_a_skippable_zstd_frame_is_skipped(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "skippable.zst"
    log.write_bytes(_zstd(_lines(exchange, 0, 2)) + b"\x50\x2a\x4d\x18\x05\0\0\0hello" + _zstd(_lines(exchange, 2, 3)))
    assert _ids(collect_file(log)) == ["r-0", "r-1", "r-2"]


@pytest.mark.parametrize("first", [b"\x50", b"\x5f"])
def test_a_zstd_stream_may_begin_with_a_skippable_frame(
    collect_file: Any, exchange: Any, tmp_path: Path, first: bytes
) -> None:
    content = _lines(exchange, 0, 3)
    skippable = first + b"\x2a\x4d\x18\x04\0\0\0size"  # as pzstd begins each frame
    log = tmp_path / "log"
    log.write_bytes(skippable + _zstd(content[:700]) + skippable + _zstd(content[700:]))
    collected = collect_file(log)
    assert (_ids(collected), collected.reading.problem) == (["r-0", "r-1", "r-2"], None)
    log.write_bytes(content)
    assert collect_file(log, known=collected.records).segments == []


@pytest.mark.parametrize(("compress", "name"), COMPRESSIONS)
def test_a_stream_that_is_merely_cut_is_a_growing_file(
    collect_file: Any, exchange: Any, tmp_path: Path, compress: Any, name: str
) -> None:
    content = b"".join(_lines(exchange, 0, 50) + os.urandom(200_000).hex().encode() + b"\n" for _ in range(3))
    compressed = compress(content)
    log = tmp_path / name
    log.write_bytes(compressed[: len(compressed) // 2])
    part = collect_file(log)
    assert part.reading.problem.reason == "ends_inside_member"
    assert 0 < len(part.events) < 150
    log.write_bytes(compressed)
    rest = collect_file(log, known=part.records)
    assert part.events + rest.events == collect_file(log).events


@pytest.mark.parametrize(("compress", "name"), COMPRESSIONS)
def test_nothing_after_the_last_verified_member_is_believed(
    collect_file: Any, exchange: Any, tmp_path: Path, compress: Any, name: str
) -> None:
    sound, spoiled = compress(_lines(exchange, 0, 5)), bytearray(compress(_lines(exchange, 5, 900)))
    spoiled[-3 if name == "zstd" else -7] ^= 1  # the checksum
    log = tmp_path / name
    log.write_bytes(sound + spoiled + compress(_lines(exchange, 900, 905)))
    collected = collect_file(log, segment_events_max=2)
    assert _ids(collected) == [f"r-{number}" for number in range(5)]
    problem = collected.reading.problem
    assert (problem.reason, problem.offset) == ("corrupt_compression", len(_lines(exchange, 0, 5)))


@pytest.mark.parametrize(("compress", "name"), COMPRESSIONS)
def test_a_flipped_bit_anywhere_bills_nothing_of_its_member(
    collect_file: Any, exchange: Any, tmp_path: Path, compress: Any, name: str
) -> None:
    content = _lines(exchange, 0, 40)
    sound = compress(content)
    whole = collect_file(_written(tmp_path / "sound", sound)).events
    refused = 0
    for at in range(0, len(sound), 7):
        spoiled = bytearray(sound)
        spoiled[at] ^= 0x10
        collected = collect_file(_written(tmp_path / name, bytes(spoiled)))
        # a damaged header may turn the file into one that is plain, cut or harmlessly renamed; its events are never
        # other ones
        assert all(event in whole for event in collected.events)
        refused += collected.reading.problem is not None
    assert refused > len(sound) // 7 // 2


def test_garbage_after_a_gzip_member_is_a_problem_and_the_member_counts(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    collected = collect_file(_written(tmp_path / "log", gzip.compress(_lines(exchange, 0, 2)) + b"garbage"))
    assert _ids(collected) == ["r-0", "r-1"]
    assert collected.reading.problem.reason == "corrupt_compression"


@pytest.mark.long
@pytest.mark.parametrize(("compress", "name"), COMPRESSIONS)
def test_a_prompt_that_compresses_beyond_all_measure_leaves_the_other_lines_readable(
    collect_file: Any, exchange: Any, tmp_path: Path, compress: Any, name: str
) -> None:
    long_line = b'{"prompt": "' + b"a" * (80 * 2**20) + b'"}\n'
    collected = collect_file(
        _written(tmp_path / name, compress(_lines(exchange, 0, 2) + long_line + _lines(exchange, 2, 3)))
    )
    assert _ids(collected) == ["r-0", "r-1", "r-2"]
    assert [row["reason"] for row in collected.quarantined] == ["line_too_long"]
    assert collected.reading.problem is None


@pytest.mark.parametrize(("compress", "name"), COMPRESSIONS)
def test_a_log_that_is_one_byte_short_is_read_and_said_to_be_cut(
    collect_file: Any, exchange: Any, tmp_path: Path, compress: Any, name: str
) -> None:
    whole = compress(_lines(exchange, 0, 3))
    collected = collect_file(_written(tmp_path / name, whole[:-1]))
    assert collected.reading.problem.reason == "ends_inside_member"
    again = collect_file(tmp_path / name, known=collected.records)
    assert again.reading.problem.reason == "ends_inside_member"
    rest = collect_file(_written(tmp_path / name, whole), known=collected.records)
    assert _ids(collected) + _ids(rest) == ["r-0", "r-1", "r-2"]
    assert rest.reading.problem is None


COMBINED = (
    b'127.0.0.1 - - [27/Nov/2026:16:27:24 +0000] "POST /v1/chat/completions HTTP/1.1" 200 319 "-" "curl/7.88.1"\n'
)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        pytest.param(gzip.compress("{}\n".encode("utf-16")), "UTF-16, compressed", id="utf-16 in gzip"),
        pytest.param(lzma.compress('{"ts": 1}\n'.encode("utf-16-be")), "UTF-16, compressed", id="utf-16-be in xz"),
        pytest.param("{}\n".encode("utf-32"), "UTF-32", id="utf-32"),
        pytest.param(b"PK\x03\x04\n\n", "zip", id="zip"),
        pytest.param(gzip.compress(b"PAR1\n\n"), "Parquet, compressed once more", id="parquet in gzip"),
        pytest.param(gzip.compress(bz2.compress(b"{}\n")), "compressed twice", id="bzip2 in gzip"),
        pytest.param(gzip.compress(gzip.compress(b"{}\n")), "compressed twice", id="gzip in gzip"),
        pytest.param(_zstd(gzip.compress(b"{}\n")), "compressed twice", id="gzip in zstd"),
        pytest.param(gzip.compress(_zstd(b"{}\n")), "compressed twice", id="zstd in gzip"),
        pytest.param(zlib.compress(b"{}\n"), "zlib", id="zlib"),
        pytest.param(zlib.compress(b"{}\n", 9), "zlib", id="zlib at its best"),
        pytest.param(_tar(b"{}\n"), "this is tar", id="tar"),
        pytest.param(gzip.compress(_tar(b"{}\n")), "this is tar", id="tar in gzip"),
        pytest.param(COMBINED * 3, "docs/sources.md", id="nginx combined"),
        pytest.param(gzip.compress(COMBINED), "neither models nor tokens", id="nginx combined in gzip"),
        pytest.param(b"2001:db8::7 - lena doe " + COMBINED[14:], "access log as text", id="a user with a blank"),
    ],
)
def test_what_is_no_log_of_json_lines_is_named_once(
    collect_file: Any, tmp_path: Path, content: bytes, name: str
) -> None:
    collected = collect_file(_written(tmp_path / "log", content))
    assert (collected.segments, collected.reading.problem.reason) == ([], "not_json_lines")
    assert name in collected.reading.problem.detail


def test_a_log_beyond_the_limit_of_its_size_is_a_problem(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = _written(tmp_path / "log", gzip.compress(_lines(exchange, 0, 2)) + gzip.compress(_lines(exchange, 2, 900)))
    collected = collect_file(log, decompressed_bytes_max=20_000)
    assert _ids(collected) == ["r-0", "r-1"]
    assert collected.reading.problem.reason == "expands_too_much"


def test_a_zstd_window_beyond_the_usual_is_refused(collect_file: Any, tmp_path: Path) -> None:
    header = b"\x28\xb5\x2f\xfd" + b"\x00" + bytes([(30 - 10) << 3])  # a frame that asks for a window of 1 GiB
    assert (
        collect_file(_written(tmp_path / "log", header + b"\x01\x00\x00")).reading.problem.reason
        == "corrupt_compression"
    )


@pytest.mark.parametrize(("window", "is_read"), [(0x88, True), (0x89, False)])
def test_a_zstd_window_of_128_mib_is_the_largest_that_is_read(tmp_path: Path, window: int, *, is_read: bool) -> None:
    """0x88 is a window of 2^27 bytes, and 0x89 one of an eighth more (RFC 8878, 3.1.1.1.2)."""
    content = b'{"ts": 1}\n'
    block = (1 | len(content) << 3).to_bytes(3, "little") + content  # the last one, as it is
    path = tmp_path / "app.jsonl.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd\x00" + bytes([window]) + block)
    with open_log(path, LogFormat()) as log:
        if is_read:
            assert b"".join(piece.content for piece in log.pieces()) == content
            return
        with pytest.raises(LogUnreadable) as refused:
            list(log.pieces())
    assert refused.value.reason is ProblemReason.CORRUPT_COMPRESSION


def test_a_piece_of_zstd_is_a_mebibyte_at_most_whatever_it_is_made_of(tmp_path: Path) -> None:
    """A block of one byte repeated 128 Ki times takes 4 bytes (RFC 8878, 3.1.1.2)."""
    block = (2**17 << 3 | 2).to_bytes(3, "little") + b"\n"
    last = (1 << 3 | 3).to_bytes(3, "little") + b"\n"
    path = tmp_path / "app.jsonl.zst"
    path.write_bytes(b"\x28\xb5\x2f\xfd\x00\x88" + block * 600 + last)
    with open_log(path, LogFormat()) as log:
        sizes = [len(piece.content) for piece in log.pieces()]
    assert sum(sizes) == 600 * 2**17 + 1
    assert max(sizes) == compression.PIECE_BYTES_MAX == 2**20


def test_only_regular_files_are_read(collect_file: Any, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for path in (tmp_path, fifo):
        collected = collect_file(path)
        assert collected.segments == []
        assert collected.reading.problem.reason == "not_a_regular_file"


def test_a_link_is_followed_only_where_it_was_named(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    link = tmp_path / "link.jsonl"
    link.symlink_to(_written(tmp_path / "log", _lines(exchange, 0, 1)))
    assert collect_file(link).reading.problem.reason == "not_a_regular_file"
    assert _ids(collect_file(link, follows_links=True)) == ["r-0"]


def test_a_log_that_is_gone_is_a_problem_without_an_exception(collect_file: Any, tmp_path: Path) -> None:
    problem = collect_file(tmp_path / "gone").reading.problem
    assert (problem.source, problem.reason, problem.detail) == (
        "logs/app.jsonl",
        "unreadable",
        "opening: No such file or directory",
    )


def test_a_reading_that_is_given_up_gives_the_file_back(exchange: Any, tmp_path: Path) -> None:
    log = _written(tmp_path / "log", _lines(exchange, 0, 3))
    descriptors = Path("/proc/self/fd")
    before = len(list(descriptors.iterdir()))
    reading = read_log(log, source="s", name="n", log_format=LogFormat(), fingerprint=str, segment_events_max=1)
    next(reading)
    assert len(list(descriptors.iterdir())) == before + 1
    reading.close()
    assert len(list(descriptors.iterdir())) == before


def test_raw_deflate_without_a_header_is_plain_text_to_us(collect_file: Any, tmp_path: Path) -> None:
    raw = zlib.compress(b"{}\n")[2:-4]  # less the header of zlib, and the checksum
    collected = collect_file(_written(tmp_path / "log", raw + b"\n"))
    assert [row["reason"] for row in collected.quarantined] == ["invalid_utf8"]


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("compress", [gzip.compress, _zstd, lzma.compress, bz2.compress])
@pytest.mark.parametrize("seed", range(4))
def test_a_compressed_log_is_put_where_there_is_room_in_blocks_that_end_with_a_line_where_one_ends_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compress: Any, seed: int
) -> None:
    chance = random.Random(seed)
    piece, block, window = chance.choice([(50, 700, 60), (900, 4_000, 500), (700, 300, 200), (1, 40, 20)])
    monkeypatch.setattr(compression, "PIECE_BYTES_MAX", piece)
    monkeypatch.setattr(log_file, "PIECE_BYTES_MAX", piece)
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", block)
    monkeypatch.setattr(log_file, "WINDOW_BYTES", window)
    lines = [b"x" * chance.choice([0, 1, 20, 150, 998, 3_000]) + b"\n" for _ in range(200)]
    content = b"".join(lines) + b"unfinished"
    log = tmp_path / "app.jsonl"
    log.write_bytes(b"".join(compress(content[at : at + 7_000]) for at in range(0, len(content), 7_000)))
    room = memoryview(bytearray(5_000))
    refused = chance.choice([0, 3])

    def lend(size: int) -> memoryview | None:
        room[:] = bytes(len(room))  # whoever keeps what lay there has lost it
        return None if refused and chance.randrange(refused) == 0 else room[:size]

    with open_log(log, LogFormat()) as opened:
        found, in_room = [], 0
        for each in opened.span_into(lend, 7, len(content) - 3, None):
            found.append(bytes(each))
            in_room += isinstance(each, memoryview)
            assert isinstance(each, bytes) or b"\n" not in found[-1][-window:] or found[-1].endswith(b"\n")
    assert b"".join(found) == content[7:-3]
    assert in_room > 5


def test_a_plain_log_is_read_in_blocks_that_end_with_a_line_where_one_ends_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", 200_000)
    monkeypatch.setattr(log_file, "WINDOW_BYTES", 1_000)
    far = b"x" * 250_000 + b"\n"
    content = b"".join(b"y" * size + b"\n" for size in (0, 1, 700, 150, 998, 999) * 400) + far + b"z\n" * 300_000
    log = tmp_path / "app.jsonl"
    log.write_bytes(content + b"unfinished")
    with open_log(log, LogFormat()) as opened:
        blocks = list(opened.span(7, len(content) + 3))
    assert b"".join(blocks) == content[7:] + b"unf"
    assert max(map(len, blocks)) == 200_000
    not_near = [block for block in blocks[:-1] if not block.endswith(b"\n")]
    assert len(not_near) == 1
    assert not_near[0].endswith(b"x" * 1_000)
