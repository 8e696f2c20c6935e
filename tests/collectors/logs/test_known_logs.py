"""Logs as files: what is read of them, how far they are believed, and by which record each is known again."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.base.zstd import zstd
from pipeline.collectors import LogFormat
from pipeline.collectors.again import hash_log, read_again, records_beginning_like
from pipeline.collectors.logs import digests, log_file
from pipeline.collectors.logs.digests import DigestUnavailable, new_digest, usual_algorithm
from pipeline.collectors.logs.hashed_again import Hashed, hash_segments, nothing_of
from pipeline.collectors.logs.lineage import KnownSources, believed, continue_from, possible_ends, window
from pipeline.collectors.logs.log_file import LogFile, open_log
from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason, SourceProblem
from pipeline.collectors.logs.stored import compression
from pipeline.collectors.logs.stored.compression import Compression, Piece, compression_of, decompressed
from pipeline.collectors.logs.stored.other_formats import refuse_other_formats
from pipeline.collectors.logs.unread_tails import ends_of, unread_tails
from pipeline.usage.sources import Algorithm, SegmentDigest, SourceRecord, Window

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.collectors.logs.lineage import Continuation

CHECKED = {int(zstd.CompressionParameter.checksum_flag): 1}
GZIP, ZSTD, NONE = Compression.GZIP, Compression.ZSTD, Compression.NONE


def packed(content: bytes, how: Compression) -> bytes:
    if how is GZIP:
        return gzip.compress(content, mtime=0)
    return zstd.compress(content) if how is ZSTD else content


def sha(content: bytes) -> SegmentDigest:
    return SegmentDigest(Algorithm.SHA256, hashlib.sha256(content).hexdigest())


def record(log: bytes, start: int, end: int, **known: Any) -> SourceRecord:
    """Return the record of a segment of a log, of lines that are blank."""
    lines = log[start:end].count(b"\n")
    tail = log[max(end - 65_536, 0) : end]
    stated: dict[str, Any] = {
        "source": "logs/app.jsonl",
        "name": "app",
        "compression": "none",
        "file_size": len(log),
        "start": start,
        "end": end,
        "first_line": 1 + log[:start].count(b"\n"),
        "digest": sha(log[start:end]),
        "head": window(log[: min(end, 65_536)]),
        "tail": window(tail),
        "lines": lines,
        "blank": lines,
    }
    return SourceRecord(**stated | known)


@contextmanager
def opened(path: Path, content: bytes, **settings: Any) -> Iterator[LogFile]:
    path.write_bytes(content)
    with open_log(path, LogFormat(**settings)) as log:
        yield log


def refusal(call: Any) -> tuple[str, str]:
    with pytest.raises(LogUnreadable) as refused:
        call()
    assert str(refused.value) == f"{refused.value.reason}: {refused.value.detail}"
    return refused.value.reason.value, refused.value.detail


@pytest.mark.parametrize(
    ("first", "how"),
    [
        (b"\x1f\x8b\x08\x00", GZIP),
        (b"\x1f\x8b", GZIP),
        (b"\x28\xb5\x2f\xfd", ZSTD),
        (b"\x28\xb5\x2f", NONE),
        (b"\xfd7zXZ\0", Compression.XZ),
        (b"\xfd7zXZ", NONE),
        (b"BZh9", Compression.BZIP2),
        (b"BZ", NONE),
        (b"\xff\xfe{\0", Compression.UTF_16),
        (b"\xff\xfe\0\0", NONE),
        (b"\x1f", NONE),
        (b"", NONE),
        (b'{"a"', NONE),
    ],
)
def test_compression_is_told_by_the_first_bytes(first: bytes, how: Compression) -> None:
    assert compression_of(first) is how


def pieces(blocks: list[bytes], how: Compression, bytes_max: int = 10**6) -> list[Piece]:
    return list(decompressed(iter(blocks), how, bytes_max=bytes_max))


@pytest.mark.parametrize("how", [GZIP, ZSTD])
def test_members_follow_one_another_and_each_end_is_verified(how: Compression) -> None:
    one, two = packed(b"one", how), packed(b"two", how)
    padding = b"\0\0" if how is GZIP else b""
    for blocks in (
        [one + padding + two],
        [one, padding, two],
        [one[:5], one[5:] + two[:4], two[4:]],
        [one, two + padding],
    ):
        found = pieces(blocks, how)
        assert b"".join(piece.content for piece in found) == b"onetwo"
        assert found[-1].is_verified
    assert b"".join(piece.content for piece in pieces([one], how) if piece.is_verified) == b"one"
    assert pieces([packed(b"", how)], how) == [Piece(content=b"", is_verified=True)]
    assert pieces([], how) == []
    assert pieces([b""], how) == []


@pytest.mark.parametrize("how", [GZIP, ZSTD])
def test_a_stream_that_is_cut_ends_in_a_piece_that_is_not_verified(how: Compression) -> None:
    one = packed(b"one", how)
    for blocks in ([one[:-1]], [one, one[:6]], [one + one[:-2]]):
        found = pieces(blocks, how)
        assert found[-1] == Piece(content=b"", is_verified=False)
        assert [piece.is_verified for piece in found].count(True) == (len(b"".join(blocks)) > len(one))


@pytest.mark.parametrize("how", [GZIP, ZSTD])
def test_a_stream_that_breaks_or_grows_too_much_is_unreadable(how: Compression) -> None:
    whole = bytearray(zstd.compress(b"one" * 9, options=CHECKED) if how is ZSTD else packed(b"one", how))
    whole[-1 if how is ZSTD else -5] ^= 1
    for blocks in ([bytes(whole)], [packed(b"one", how) + b"x" * 30]):
        reason, detail = refusal(lambda blocks=blocks: pieces(blocks, how))
        assert (reason, detail) == ("corrupt_compression", f"the {how.value} stream breaks its format or checksum")
    content = packed(b"abcde", how)
    assert pieces([content], how, 5)[-1].is_verified
    assert refusal(lambda: pieces([content], how, 4)) == ("expands_too_much", "more than 4 bytes when decompressed")
    assert refusal(lambda: pieces([content, content], how, 9)) == (
        "expands_too_much",
        "more than 9 bytes when decompressed",
    )


@pytest.mark.parametrize("how", [GZIP, ZSTD])
def test_a_piece_is_bounded_whatever_it_is_made_of(how: Compression, monkeypatch: pytest.MonkeyPatch) -> None:
    content = b"x" * 5_000_000 + os.urandom(20_000)
    whole = packed(content, how)
    for size in (2**20, 1000):
        monkeypatch.setattr(compression, "PIECE_BYTES_MAX", size)
        for blocks in ([whole], [whole[at : at + 700] for at in range(0, len(whole), 700)], [whole + whole]):
            found = pieces(blocks, how, 10**8)
            largest = max(len(piece.content) for piece in found)
            assert largest == size if blocks == [whole] else largest <= size
            assert b"".join(piece.content for piece in found) == content * (b"".join(blocks).count(whole))
            assert found[-1].is_verified


def test_nothing_but_a_regular_file_is_a_log(tmp_path: Path) -> None:
    def opening(path: Path, **settings: Any) -> Any:
        def call() -> None:
            with open_log(path, LogFormat(), **settings):
                pass

        return call

    link = tmp_path / "link"
    log = tmp_path / "log"
    log.write_bytes(b"a\n")
    link.symlink_to(log)
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    not_regular = ("not_a_regular_file", "only regular files are logs")
    assert refusal(opening(tmp_path)) == not_regular
    assert refusal(opening(fifo)) == not_regular
    assert refusal(opening(link)) == ("not_a_regular_file", "opening: Too many levels of symbolic links")
    assert refusal(opening(tmp_path / "none")) == ("unreadable", "opening: No such file or directory")
    opening(link, follows_links=True)()
    with open_log(log, LogFormat()) as file:
        assert (file.file_size, file.compression) == (2, NONE)
    with pytest.raises(LogUnreadable, match="reading: Bad file descriptor"):
        list(file.span(0, 2))


@pytest.mark.parametrize("how", [NONE, GZIP, ZSTD])
def test_a_span_is_what_there_is_of_it(tmp_path: Path, how: Compression) -> None:
    content = b"0123456789\nabc\n"
    with opened(tmp_path / "log", packed(content, how)) as log:
        for start, end in ((0, 15), (0, 99), (3, 7), (0, 0), (7, 7), (14, 15), (15, 20), (20, 30), (9, 4)):
            assert b"".join(log.span(start, end)) == content[start:end]
        assert log.head() == log.head() == content
        assert b"".join(piece.content for piece in log.pieces()) == content
        assert log.compression is how
        told: list[int] = []
        list(log.span(0, 99, told.append))
        assert told == [log.file_size]


def test_a_plain_log_is_read_in_blocks_that_end_with_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", 8)
    content = b"abc\ndef\nghijklmnopqrst\nu\nvw"
    with opened(tmp_path / "log", content) as log:
        blocks = list(log.span(0, 99))
        assert blocks == [b"abc\ndef\n", b"ghijklmn", b"opqrst\n", b"u\nvw"]
        told: list[int] = []
        assert list(log.span(5, 26, told.append)) == [b"ef\n", b"ghijklmn", b"opqrst\n", b"u\nv"]
        assert told == [8, 16, 23, 26]
        assert [piece.content for piece in log.pieces()] == [content[at : at + 8] for at in range(0, 27, 8)]
        assert all(piece.is_verified for piece in log.pieces())
        (tmp_path / "log").write_bytes(b"abc\n")
        assert b"".join(log.span(0, 99)) == b"abc\n"


def test_a_log_that_ends_inside_a_member_says_so_once_it_was_read(tmp_path: Path) -> None:
    for how in (GZIP, ZSTD):
        whole = packed(b"abc\n", how)
        with opened(tmp_path / "log", whole[:-1]) as log:
            assert log.cut_at == []
            assert log.head().rstrip() in (b"abc", b"")
            list(log.pieces())
            assert log.cut_at[-1] == len(whole) - 1
        with opened(tmp_path / "log", whole) as log:
            list(log.pieces())
            assert log.cut_at == []
        with opened(tmp_path / "log", packed(b"abc\n", how), decompressed_bytes_max=3) as log:
            assert log.head() == b""
            assert refusal(lambda log=log: list(log.pieces()))[0] == "expands_too_much"


def test_a_container_states_the_size_where_it_speaks_for_the_whole_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    content = b"abc\n" * 300
    for how in (GZIP, ZSTD, NONE):
        with opened(path, packed(content, how)) as log:
            assert log.stated_size() == 1200
    for how in (GZIP, ZSTD):
        with opened(path, packed(content, how) * 2) as log:
            assert log.stated_size() is None
    with opened(path, packed(content, ZSTD) + b"\x50\x2a\x4d\x18\x01\0\0\0x") as log:
        assert log.stated_size() is None
    with opened(path, packed(content, GZIP) + packed(content, ZSTD)) as log:
        assert log.stated_size() is None
    with opened(path, packed(content, GZIP)) as log:
        one = log.file_size
    for size in (one - 3, one - 2, one - 1, one, one + 1):
        monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", size - 1)
        with opened(path, packed(content, GZIP) * 2) as log:
            assert log.stated_size() is None, size
    monkeypatch.undo()
    streamed = zstd.compress(content, options={zstd.CompressionParameter.content_size_flag: 0})
    with opened(path, streamed) as log:
        assert log.stated_size() is None
    with opened(path, b"\x28\xb5\x2f\xfd") as log:
        assert log.stated_size() is None
    with opened(path, b"\x1f\x8b\x08") as log:
        assert log.stated_size() == int.from_bytes(b"\x1f\x8b\x08", "little")


LOG = b"".join(b"line %04d\n" % number for number in range(30))
"""Thirty lines of ten bytes."""


def place_of(log: LogFile, records: list[SourceRecord]) -> Continuation:
    return continue_from(KnownSources(records), log)


@pytest.mark.parametrize("how", [NONE, GZIP, ZSTD])
def test_a_log_goes_on_behind_the_record_that_reaches_farthest(tmp_path: Path, how: Compression) -> None:
    first, second, third = record(LOG, 0, 100), record(LOG, 100, 200), record(LOG, 200, 250)
    with opened(tmp_path / "log", packed(LOG, how)) as log:
        for known in ([first, second, third], [third, second, first], [second, third]):
            place = place_of(log, known)
            assert (place.start, place.first_line, place.end, place.record) == (250, 26, 300, third)
            assert (place.before, place.problem, place.is_verified, place.is_segment) == (LOG[:250], None, True, False)
        assert place_of(log, [first]).record == first
        whole = record(LOG, 250, 300)
        assert place_of(log, [whole, third]).start == 300


@pytest.mark.parametrize("how", [NONE, GZIP, ZSTD])
def test_of_records_that_end_alike_the_one_of_more_lines_is_meant(tmp_path: Path, how: Compression) -> None:
    fewer, more = record(LOG, 0, 100), record(LOG, 0, 100, lines=11, blank=11)
    with opened(tmp_path / "log", packed(LOG, how)) as log:
        for known in ([fewer, more], [more, fewer]):
            assert (place_of(log, known).record, place_of(log, known).first_line) == (more, 12)


@pytest.mark.parametrize("how", [NONE, GZIP, ZSTD])
def test_a_record_of_another_log_is_none_of_this_one_however_alike_they_begin(tmp_path: Path, how: Compression) -> None:
    other = LOG[:150] + b"other 015\n" + LOG[160:]
    shared = record(LOG, 0, 100)
    beyond = record(other, 100, 200, head=shared.head)
    longer = record(LOG + LOG, 0, 310)
    with opened(tmp_path / "log", packed(LOG, how)) as log:
        assert place_of(log, [shared, beyond, longer]).record == shared
        unknown = place_of(log, [beyond])
        assert (unknown.start, unknown.first_line, unknown.before, unknown.record) == (0, 1, b"", None)
        assert (unknown.end, unknown.is_verified) == (300, True)
        strangers = [replace(shared, head=window(b"x" * 100)), replace(shared, head=window(LOG + b"x"))]
        stranger = place_of(log, strangers)
        assert (stranger.start, stranger.record) == (0, None)
        assert (stranger.end, stranger.is_verified) == ((300, True) if how is NONE else (0, False))
    with opened(tmp_path / "log", packed(LOG[:90], how)) as log:
        assert place_of(log, [shared]).record is None


@pytest.mark.parametrize("how", [GZIP, ZSTD])
def test_several_records_compete_in_one_pass_over_a_compressed_log(tmp_path: Path, how: Compression) -> None:
    content = b"".join(b"line %06d\n" % number for number in range(8000))
    other = content[:70_000] + b"x" * 26_000
    competing = [
        record(content, 0, 12),
        record(content, 12, 1200),
        record(other, 0, 84_000),
        record(content, 1200, 72_000),
        record(content, 0, 66_000),
        record(content + b"x\n" * 9, 0, 96_006),
    ]
    assert len(content) == 96_000
    blocks = packed(content[:40_000], how) + packed(content[40_000:], how)
    with opened(tmp_path / "log", blocks) as log:
        for known in (competing, competing[::-1]):
            place = place_of(log, known)
            assert (place.record, place.start, place.end) == (competing[3], 72_000, 96_000)
            assert place.before == content[72_000 - 65_536 : 72_000]
        assert place_of(log, competing[:3]).record == competing[1]
        assert place_of(log, [competing[0]]).before == content[:12]


@pytest.mark.parametrize("how", [GZIP, ZSTD])
def test_an_unchanged_compressed_log_is_known_without_decompressing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Compression
) -> None:
    content = packed(LOG, how)
    whole = record(LOG, 0, 300, compression=how.value, file_size=len(content))
    with opened(tmp_path / "log", content) as log:
        head = log.head()
        monkeypatch.setattr(LogFile, "pieces", lambda *_: pytest.fail("it was decompressed"))
        monkeypatch.setattr(LogFile, "head", lambda *_: head)
        place = place_of(log, [record(LOG, 0, 100, compression=how.value, file_size=len(content)), whole])
        assert (place.record, place.start, place.end, place.before) == (whole, 300, 300, b"")
        others = [replace(whole, file_size=1), replace(whole, compression="none"), replace(whole, end=290)]
        for other in others:
            with pytest.raises(pytest.fail.Exception):
                place_of(log, [other])


@pytest.mark.parametrize("how", [GZIP, ZSTD])
def test_a_damaged_log_is_believed_up_to_its_last_whole_member_and_a_cut_one_to_its_end(
    tmp_path: Path, how: Compression
) -> None:
    one, two = packed(LOG[:100], how), packed(LOG[100:], how)
    with opened(tmp_path / "log", one + two + b"damage, and more of it") as log:
        place = believed(log)
        assert (place.start, place.end, place.record, place.is_verified) == (0, 300, None, True)
        assert place.problem is not None
        assert place.problem.reason is ProblemReason.CORRUPT_COMPRESSION
        again = place_of(log, [record(LOG, 0, 100)])
        assert (again.start, again.end, again.problem is not None) == (100, 300, True)
    with opened(tmp_path / "log", one + two[:-2]) as log:
        assert believed(log).problem is None
        assert believed(log).end in (100, 300)
    with opened(tmp_path / "log", packed(LOG, how)) as log:
        assert (believed(log).end, believed(log).problem) == (300, None)


def test_records_are_found_by_the_head_of_a_log_whatever_its_length() -> None:
    short, long, other = record(LOG, 0, 50), record(LOG, 0, 100), record(b"x" * 50, 0, 50)
    known = KnownSources([short])
    known.add([long, other])
    assert known.with_head_of(LOG) == [long, short]
    assert known.with_head_of(LOG[:100]) == [long, short]
    assert known.with_head_of(LOG[:99]) == [short]
    assert known.with_head_of(LOG[:49]) == []
    assert KnownSources().with_head_of(LOG) == []
    assert window(b"abc") == window(bytearray(b"abc"))
    assert (window(b"abc").size, window(b"abc").sha256) == (3, hashlib.sha256(b"abc").hexdigest())


@pytest.fixture
def digests_asked_for(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows by one with each digest of a beginning that is asked for."""
    asked: list[int] = []

    class Counted:
        def __init__(self, content: bytes = b"") -> None:
            self.digest = hashlib.new("sha256", content)

        def update(self, content: bytes) -> None:
            self.digest.update(content)

        def hexdigest(self) -> str:
            asked.append(self.digest.digest_size)
            return self.digest.hexdigest()

    monkeypatch.setattr("pipeline.collectors.logs.lineage.hashlib.sha256", Counted)
    return asked


def test_a_log_is_compared_with_records_that_may_end_where_it_has_an_end_and_with_no_others(
    digests_asked_for: list[int],
) -> None:
    logs = [b'{"number": %d}\n' % 10**size for size in range(1_000)]
    long = b"x" * 70_000 + b"\n"
    known = KnownSources([*(record(log, 0, len(log)) for log in logs), record(long, 0, len(long))])
    digests_asked_for.clear()
    for log in logs:
        assert [found.end for found in known.with_head_of(log)] == [len(log)]
        assert [found.end for found in known.with_head_of(log + logs[3])] == [len(log)]
    assert len(digests_asked_for) <= 6 * len(logs)  # of two lines each, two ends are those of records, or three
    assert [found.end for found in known.with_head_of(long[:65_536])] == [len(long)]
    assert known.with_head_of(long[:65_535]) == []


def test_a_document_is_compared_where_it_ends_however_many_brackets_and_blanks_are_in_it(
    digests_asked_for: list[int],
) -> None:
    logs = [json.dumps([{"a": [{"b": "}" * 5}]}] * size, indent=40).encode() for size in range(1, 100, 3)]
    sizes = range(1, 40_000)  # of logs of before
    known = KnownSources(replace(record(b"", 0, size), head=Window(size=size, sha256=f"{size:064}")) for size in sizes)
    known.add(record(log, 0, len(log)) for log in logs)
    digests_asked_for.clear()
    for log in logs:
        assert [found.end for found in known.with_head_of(log)] == [len(log)]
        assert [found.end for found in known.with_head_of(log + b"\n\n")] == [len(log)]
    assert len(digests_asked_for) <= 2 * sum(log.count(b"\n") + 5 for log in logs)


@pytest.mark.parametrize(
    ("content", "ends"),
    [
        (b"", {0}),
        (b"ab", {0, 2}),
        (b"ab\ncd\n\nef", {0, 3, 6, 7, 9}),
        (b'{"a": {}}x', {0, 9, 10}),
        (b'a\n{"b": 1}\r\n{"c": 2}\n', {0, 2, 10, 11, 12, 20, 21}),  # each object may have been the last
        (b"[{\n}]\r\n\0 \xef\xbb\xbf[", {0, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13}),
        (b" \x0b\t{", {0, 1, 2, 3, 4}),
        (b'{"a": "}\xff\x01"} \n{"b": 1} \n', {0, 12, 13, 14, 22, 23, 24}),  # behind the first line, lines
        (b'{"a": 1}, {"b": 2}\n{"c": 3} \n', {0, 8, 9, 10, 18, 19, 27, 28, 29}),
        (b'{\n"a": 1}\n{"b": 2} {"c": 3}', {0, 2, 9, 10, 18, 19, 27}),
        (b'[{"a": 1}]\n[{"b": 2}] \n[', {0, 10, 11, 21, 22, 23, 24}),
        (b'\n{"a": 1e999}{"b": ' + b"9" * 5_000 + b"}x", {0, 1, 13, 5_020, 5_021}),
        (b'{"a": ' + b"[" * 20_000 + b"]" * 20_000 + b"}  x", {*range(20_007, 40_011), 0}),  # too deep to be followed
    ],
)
def test_a_segment_may_end_behind_a_line_a_document_and_their_blanks(content: bytes, ends: set[int]) -> None:
    assert possible_ends(content) == ends


def hashed(size: int, content: bytes, first_line: int, lines: int, problem: str = "") -> Hashed:
    return Hashed(size=size, digest=sha(content), first_line=first_line, lines=lines, problem=problem)


@pytest.mark.parametrize("how", [NONE, GZIP, ZSTD])
def test_segments_are_hashed_again_in_one_pass_in_the_order_of_their_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Compression
) -> None:
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", 64)
    monkeypatch.setattr(compression, "PIECE_BYTES_MAX", 64)
    records = [
        record(LOG, 100, 250),
        record(LOG, 0, 100),
        record(LOG, 90, 120),
        record(LOG + LOG, 250, 310),
        record(LOG, 250, 295),
    ]
    with opened(tmp_path / "log", packed(LOG, how)) as log:
        found = hash_segments(log, records)
        assert found == [
            hashed(150, LOG[100:250], 11, 15),
            hashed(100, LOG[:100], 1, 10),
            hashed(30, LOG[90:120], 10, 3),
            hashed(50, LOG[250:300], 26, 5),
            hashed(45, LOG[250:295], 26, 5),
        ]
        assert [each.differences(of) for each, of in zip(found, records, strict=True)] == [
            *([], [], [], ["50 of its 60 bytes are there"]),
            ["lines 5, recorded 4"],
        ]
        assert hash_segments(log, []) == []
        beyond = record(LOG + LOG, 300, 310)
        assert hash_segments(log, [beyond]) == [hashed(0, b"", 0, 0)]


def test_what_differs_of_a_segment_is_said_and_a_problem_where_it_could_not_be_read() -> None:
    of = record(LOG, 100, 250)
    whole = hashed(150, LOG[100:250], 11, 15)
    assert whole.differences(of) == []
    assert hashed(150, LOG[:150], 11, 15).differences(of) == [
        f"sha256 {sha(LOG[:150]).digits}, recorded {sha(LOG[100:250]).digits}"
    ]
    assert hashed(150, LOG[100:250], 12, 16).differences(of) == ["first line 12, recorded 11", "lines 16, recorded 15"]
    assert hashed(149, b"", 11, 15).differences(of) == ["149 of its 150 bytes are there"]
    assert hashed(149, b"", 11, 15, "it broke").differences(of) == ["it broke"]
    assert nothing_of(of, "it is gone") == hashed(0, b"", 0, 0, "it is gone")


def test_a_log_is_read_no_further_than_its_last_segment_and_a_break_says_what_was_there(tmp_path: Path) -> None:
    damaged = packed(LOG[:100], GZIP) + b"damage, and more of it"
    with opened(tmp_path / "log", damaged) as log:
        problem = "the gzip stream breaks its format or checksum (corrupt_compression)"
        assert hash_segments(log, [record(LOG, 0, 100), record(LOG, 100, 200)]) == [
            hashed(100, LOG[:100], 1, 10, problem),
            hashed(0, b"", 0, 0, problem),
        ]
        assert hash_segments(log, [record(LOG, 0, 100)]) == [hashed(100, LOG[:100], 1, 10)]


def test_a_log_is_hashed_by_its_path_and_of_one_that_is_gone_there_is_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(LOG)
    records = [record(LOG, 0, 100), record(LOG, 100, 300)]
    assert hash_log(path, records) == [hashed(100, LOG[:100], 1, 10), hashed(200, LOG[100:], 11, 20)]
    assert hash_log(path, []) == []
    gone = "opening: No such file or directory (unreadable)"
    assert hash_log(tmp_path / "none", records) == [hashed(0, b"", 0, 0, gone)] * 2
    assert hash_log(tmp_path / "none", []) == []
    assert records_beginning_like(path, LogFormat(), KnownSources(records), follows_links=False) == records[::-1]
    assert records_beginning_like(tmp_path / "none", LogFormat(), KnownSources(records), follows_links=False) == []
    link = tmp_path / "link"
    link.symlink_to(path)
    assert records_beginning_like(link, LogFormat(), KnownSources(records), follows_links=False) == []
    assert records_beginning_like(link, LogFormat(), KnownSources(records), follows_links=True) == records[::-1]


BLANK = b"          \n" * 30
"""Lines that are read, and say nothing."""


@pytest.mark.parametrize("how", [NONE, GZIP, ZSTD])
def test_a_segment_is_read_again_where_its_very_bytes_are_there(tmp_path: Path, how: Compression) -> None:
    path = tmp_path / "log"
    path.write_bytes(packed(BLANK, how))
    old = record(BLANK, 110, 220, read_by="3-old")

    def again(of: SourceRecord, at: Path = path, **settings: Any) -> Any:
        return read_again(at, of, name="now", log_format=LogFormat(), fingerprint=str, **settings)

    segment = again(old)
    now = segment.record
    assert (now.source, now.name, now.start, now.end) == ("logs/app.jsonl", "now", 110, 220)
    assert (now.first_line, now.lines, now.digest, now.blank) == (11, 10, old.digest, 10)
    assert (now.tail, now.file_size, now.compression) == (old.tail, path.stat().st_size, how.value)
    assert (segment.events.num_rows, segment.quarantined.num_rows) == (0, 0)
    assert again(replace(old, digest=sha(b"x"))) is None
    beyond = record(BLANK + BLANK, 220, 341)
    assert again(beyond) is None
    torn = record(BLANK, 110, 225)
    assert again(torn) is None
    assert again(old, tmp_path / "none") is None
    link = tmp_path / "link"
    link.symlink_to(path)
    assert again(old, link) is None
    assert again(old, link, follows_links=True).record == now


def test_a_plain_log_that_ends_otherwise_is_not_read_again_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    path.write_bytes(BLANK)
    other = replace(record(BLANK, 110, 220), tail=window(b"x" * 220))
    monkeypatch.setattr("pipeline.collectors.again.LogReading.segments_from", lambda *_: pytest.fail("it was read"))
    assert read_again(path, other, name="now", log_format=LogFormat(), fingerprint=str) is None
    with pytest.raises(pytest.fail.Exception):
        read_again(path, record(BLANK, 110, 220), name="now", log_format=LogFormat(), fingerprint=str)


def test_the_ends_of_plain_logs_are_those_that_nothing_continues_and_nobody_met() -> None:
    first, second = record(LOG, 0, 100), record(LOG, 100, 200)
    other = record(b"x" + LOG[1:], 0, 100)
    assert ends_of([first, second], []) == [second]
    assert ends_of([second, first, other], []) == [second]
    assert ends_of([other], []) == [other]
    assert ends_of([first], [first]) == []
    assert ends_of([first], [replace(first, source="elsewhere")]) == []
    assert ends_of([first], [other]) == [first]
    assert ends_of([second], [first]) == [second]
    assert ends_of([replace(first, compression="gzip")], []) == []
    assert ends_of([replace(first, start=0), replace(second, first_line=12)], []) == [
        first,
        replace(second, first_line=12),
    ]


def test_what_is_unread_of_a_log_that_is_gone_or_lies_elsewhere_is_said(tmp_path: Path) -> None:
    path = tmp_path / "moved"
    path.write_bytes(LOG)
    (tmp_path / "zipped").write_bytes(packed(LOG, GZIP))
    beside = [tmp_path / "none", tmp_path / "zipped", path]

    def told(*ends: SourceRecord) -> list[SourceProblem]:
        return list(unread_tails(ends, beside, name_of=lambda each: f"./{each.name}", log_format=LogFormat()))

    def problem(offset: int, detail: str) -> SourceProblem:
        return SourceProblem(source="logs/app.jsonl", reason=ProblemReason.TAIL_UNREAD, offset=offset, detail=detail)

    moved = problem(
        100,
        "it lies at ./moved now, where no glob of source 'app' finds it, and 200 bytes of it are unread; widen its "
        "paths, or run 'tallybook collect' on that file",
    )
    assert told(record(LOG, 0, 100)) == [moved]
    assert told(record(LOG, 0, 300)) == []
    gone = b"x" + LOG[1:]
    lost = problem(
        100,
        "it is found no more, and its last 200 bytes were unread, which had no line end yet; put it back under the "
        "paths of source 'app', or, if it is lost, add it to the source's gone",
    )
    assert told(record(gone, 0, 100), record(LOG, 0, 100)) == [lost, moved]
    assert told(record(gone, 0, 100, file_size=100)) == []


@pytest.mark.parametrize(
    ("first", "name"),
    [
        *((b"\xfd7zXZ\x00", "compressed twice"), (b"BZh9", "compressed twice"), (b"PK\x03\x04", "zip")),
        *((b"PAR1", "Parquet, compressed once more"), (b"PARE", "Parquet, encrypted")),
        *((b"\x04\x22\x4d\x18", "lz4"), (b"\xff\x06\x00\x00sNaPpY", "snappy"), (b"7z\xbc\xaf\x27\x1c", "7z")),
        *((b"\x1f\x9d\x90", "compress"), (b"\x78\x01", "zlib"), (b"\x78\x9c", "zlib"), (b"\x78\xda", "zlib")),
        *((b"\x1f\x8b", "compressed twice"), (b"\x28\xb5\x2f\xfd", "compressed twice")),
        *(
            (b"\0" * 257 + b"ustar", "tar"),
            (b"Obj\x01", "Avro"),
            (b"ORC", "ORC"),
            (b"SQLite format 3\x00", "an SQLite database"),
        ),
        *((b"\x00\x00\xfe\xff", "UTF-32"), (b"\xff\xfe\x00\x00", "UTF-32")),
        *((first, "UTF-16, compressed") for first in (b"\xff\xfea\0", b"\xfe\xff", b'{\0"\0', b'\0{\0"')),
    ],
)
def test_another_format_is_told_by_its_first_bytes(first: bytes, name: str) -> None:
    read = "logs are JSON lines in UTF-8 or UTF-16, plain or as gzip, zstd, xz or bzip2, or rows of Parquet"
    assert refusal(lambda: refuse_other_formats(first + b" and more")) == ("not_json_lines", f"this is {name}; {read}")


def test_a_line_that_says_ustar_where_tar_does_is_no_archive() -> None:
    refuse_other_formats(b"x" * 257 + b"ustar")


def test_an_access_log_as_text_is_told_what_to_do_instead() -> None:
    line = b'192.0.2.1 - frank [10/Oct/2026:13:55:36 -0700] "GET / HTTP/1.0" 200 2326'
    detail = (
        "this is an access log as text (nginx's combined format or its like), which says neither models nor tokens; "
        "let the server log JSON with the usage of answers, as docs/sources.md says of nginx"
    )
    assert refusal(lambda: refuse_other_formats(line)) == ("not_json_lines", detail)
    for other in (b'{"a": 1}', b"", b"plain text", line.replace(b"Oct", b"10"), b'{"' + line, b"x" * 129 + line):
        refuse_other_formats(other)


def test_the_digest_of_a_segment_is_blake3_where_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usual_algorithm() is Algorithm.BLAKE3
    assert new_digest(Algorithm.SHA256).hexdigest() == hashlib.sha256().hexdigest()
    assert new_digest(Algorithm.BLAKE3).hexdigest().startswith("af1349b9f5f9a1a6")
    monkeypatch.setattr(digests, "_blake3", None)
    assert usual_algorithm() is Algorithm.SHA256
    assert new_digest(Algorithm.SHA256).hexdigest() == hashlib.sha256().hexdigest()
    with pytest.raises(
        DigestUnavailable, match="is BLAKE3, and the package blake3 is not installed; pip install blake3"
    ):
        new_digest(Algorithm.BLAKE3)


def test_what_follows_a_gzip_member_and_is_no_padding_is_damage() -> None:
    one = packed(b"one", GZIP)
    assert pieces([one + b"\0\0\0"], GZIP)[-1].is_verified
    assert refusal(lambda: pieces([one + b"\0~~"], GZIP))[0] == "corrupt_compression"


def test_a_segment_is_read_again_whose_last_line_never_ended_and_in_blocks_of_any_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", 16)
    path = tmp_path / "log"
    path.write_bytes(BLANK)
    segment = read_again(path, record(BLANK, 110, 220), name="now", log_format=LogFormat(), fingerprint=str)
    assert segment is not None
    assert segment.record.tail == window(BLANK[:220])
    monkeypatch.setattr(compression, "PIECE_BYTES_MAX", 16)
    path.write_bytes(packed(BLANK, GZIP))
    segment = read_again(path, record(BLANK, 110, 220), name="now", log_format=LogFormat(), fingerprint=str)
    assert segment is not None
    assert segment.record.tail == window(BLANK[:220])
    wrapped = b"2026-10-01T00:00:00.123Z stdout P text\n" * 3
    path.write_bytes(wrapped + wrapped)
    of = record(wrapped + wrapped, 0, len(wrapped))
    segment = read_again(path, of, name="now", log_format=LogFormat(), fingerprint=str)
    assert segment is not None
    assert (segment.record.end, segment.record.joined, segment.record.blank) == (len(wrapped), 2, 1)
