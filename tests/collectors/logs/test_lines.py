"""Bytes to lines: complete ones only, none lost, none too long."""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors import LogFormat, read_log
from pipeline.collectors.logs.digests import new_digest, usual_algorithm
from pipeline.collectors.logs.lines import LineSplitter
from pipeline.usage.sources import Algorithm, SegmentDigest

if TYPE_CHECKING:
    from pathlib import Path


def _digest_of(content: bytes) -> SegmentDigest:
    digest = new_digest(usual_algorithm())
    digest.update(content)
    return SegmentDigest(usual_algorithm(), digest.hexdigest())


def test_every_line_is_counted_blank_quarantined_or_event(collect: Any, exchange: Any) -> None:
    collected = collect(exchange(), "", "  \t ", "\r", "nonsense", exchange(status=500, response=None), b"\xff")
    (record,) = collected.records
    assert (record.lines, record.blank) == (7, 3)
    assert record.events == {"failed": 1, "measured": 1}
    assert record.quarantined == {"invalid_json": 1, "invalid_utf8": 1}


def test_a_line_keeps_its_number_and_its_bytes(collect: Any, exchange: Any) -> None:
    text = json.dumps(exchange())
    collected = collect("", text, "nonsense", text + " ")
    assert [(event["line"], event["byte_start"], event["byte_end"]) for event in collected.events] == [
        (2, 1, len(text) + 2),
        (4, len(text) + 11, 2 * len(text) + 13),
    ]
    assert [(row["line"], row["byte_start"], row["byte_end"]) for row in collected.quarantined] == [
        (3, len(text) + 2, len(text) + 11)
    ]


def test_only_a_line_that_is_ended_is_read(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    text = json.dumps(exchange()).encode()
    log = tmp_path / "app.jsonl"
    log.write_bytes(text + b"\n" + text)
    collected = collect_file(log)
    assert [event["line"] for event in collected.events] == [1]
    assert collected.records[0].end == len(text) + 1
    assert collected.reading.pending_bytes == len(text)


@pytest.mark.parametrize("content", [b"", b"{", b"\x1f", b"\x1f\x8b", b"(\xb5/\xfd"])
def test_a_log_without_a_complete_line_gives_no_segment(collect_file: Any, tmp_path: Path, content: bytes) -> None:
    log = tmp_path / "app.jsonl"
    log.write_bytes(content)
    collected = collect_file(log)
    assert collected.segments == []
    problem = collected.reading.problem
    assert (problem and problem.reason) == ("ends_inside_member" if len(content) > 1 else None)


def test_a_line_may_end_in_crlf(collect: Any, exchange: Any) -> None:
    text = json.dumps(exchange(request_id=..., response=None))
    event = collect(text).event
    with_cr = collect(text + "\r").event
    assert with_cr["event_id"] == event["event_id"]
    assert with_cr["byte_end"] == event["byte_end"] + 1


@pytest.mark.parametrize("reader", ["fast", "plain"])
def test_nuls_byte_order_marks_and_record_separators_around_a_line_are_no_part_of_it(
    exchange: Any, tmp_path: Path, reader: Any
) -> None:
    bare = json.dumps(exchange(request_id=..., response=None)).encode()
    mark = b"\xef\xbb\xbf"
    lines = [
        bare,
        mark + bare,
        b"\0" * 5000 + bare,
        mark + b"\0" + mark + bare + b"\r\0\0",
        b"\0" * 9,
        mark,
        bare + b"\r",
        b"\0x",
        b"\x1e" + bare,
    ]
    log = tmp_path / "log"
    log.write_bytes(b"".join(line + b"\n" for line in lines))
    (segment,) = read_log(log, source="s", name="n", log_format=LogFormat(), fingerprint=str, reader=reader)
    events, quarantined = segment.events.to_pylist(), segment.quarantined.to_pylist()
    assert [event["line"] for event in events] == [1, 2, 3, 4, 7, 9]
    assert len({event["event_id"] for event in events}) == 1
    assert (segment.record.blank, [row["line"] for row in quarantined]) == (2, [8])
    edges = [sum(len(line) + 1 for line in lines[:number]) for number in range(len(lines) + 1)]
    assert all(
        (row["byte_start"], row["byte_end"]) == (edges[row["line"] - 1], edges[row["line"]])
        for row in events + quarantined
    )


@pytest.mark.parametrize("length", [101, 5_000_000])
def test_a_line_beyond_the_cap_is_quarantined_and_reading_goes_on(collect: Any, exchange: Any, length: int) -> None:
    short = exchange(request=..., request_id=..., path=..., method=..., response=None)
    collected = collect("x" * length, short, line_bytes_max=100)
    assert [(row["reason"], row["detail"]) for row in collected.quarantined] == [
        ("line_too_long", f"{length + 1} bytes; the cap is 100")
    ]
    assert [(event["line"], event["byte_start"]) for event in collected.events] == [(2, length + 1)]


def test_a_line_at_the_cap_is_read(collect: Any) -> None:
    assert collect("x" * 100, line_bytes_max=100).refusal[0] == "invalid_json"


def test_an_endless_line_costs_no_memory_and_is_left_for_the_next_run(collect_file: Any, tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    log.write_bytes(b"\n" + b"x" * 3_000_000)
    collected = collect_file(log, line_bytes_max=1000)
    assert collected.records[0].digest == _digest_of(b"\n")
    assert collected.reading.pending_bytes == 3_000_000


def test_a_segment_ends_where_it_may_be_committed_and_its_digest_is_that_of_its_bytes(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    lines = [json.dumps(exchange(request_id=f"r-{number}")).encode() + b"\n" for number in range(10)]
    log = tmp_path / "app.jsonl"
    log.write_bytes(b"".join([*lines, b"\n", b"unfinished"]))
    records = collect_file(log, segment_events_max=4).records
    assert [(record.first_line, record.lines, record.next_line) for record in records] == [
        (1, 4, 5),
        (5, 4, 9),
        (9, 3, 12),
    ]
    for record, content in zip(records, (lines[:4], lines[4:8], [*lines[8:], b"\n"]), strict=True):
        assert record.digest == _digest_of(b"".join(content))
        assert record.end - record.start == len(b"".join(content))


def test_a_segment_may_hold_no_events_at_all(collect: Any) -> None:
    (segment,) = collect("", "", "").segments
    assert (segment.events.num_rows, segment.quarantined.num_rows, segment.record.blank) == (0, 0, 3)


@pytest.mark.long
def test_block_boundaries_never_matter() -> None:
    rng = random.Random(7)
    content = (
        b"\xef\xbb\xbffirst\r\n\n"
        + b"".join(rng.randbytes(rng.choice([0, 1, 5, 30, 30, 90_000])) + b"\n" for _ in range(25))
        + b"unfinished"
    )

    def split(block_bytes: int) -> list[Any]:
        splitter = LineSplitter(
            (content[at : at + block_bytes] for at in range(0, len(content), block_bytes)), line_bytes_max=40
        )
        return [(line, splitter.end, splitter.next_line, splitter.tail, splitter.segment_digest) for line in splitter]

    whole = split(len(content))
    assert len(whole) > 25
    for _, end, _, tail, digest in whole:
        assert tail == content[max(0, end - 65_536) : end]
        assert digest == (Algorithm.SHA256, hashlib.sha256(content[:end]).hexdigest())
    for block_bytes in (997, 4096, 65_536):
        assert split(block_bytes) == whole


@pytest.mark.parametrize("reader", ["fast", "plain"])
@pytest.mark.parametrize("nuls", [0, 1, 999, 1_000, 5_000, 2**20, 3 * 2**20 + 7])
@pytest.mark.parametrize("block_bytes", [1_000, 2**20])
def test_nuls_between_lines_are_skipped_however_many_they_are(
    exchange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, reader: Any, nuls: int, block_bytes: int
) -> None:
    if nuls > 2**20 and block_bytes < 2**20:
        nuls //= 30
    monkeypatch.setattr("pipeline.collectors.logs.log_file._PLAIN_BLOCK_BYTES", block_bytes)
    text = json.dumps(exchange()).encode()
    too_long = b'{"api_key_id": "key_9", "request": "' + b"x" * 200_000 + b'"}'
    hole = b"\0" * nuls
    log = tmp_path / "app.jsonl"
    content = b"".join((text, b"\n", hole, text, b"\n", hole, b"\n", hole, too_long, b"\n", hole, text, b"\r\n", hole))
    log.write_bytes(content)
    reading = read_log(
        log, source="s", name="n", log_format=LogFormat(line_bytes_max=1_000), fingerprint=str, reader=reader
    )
    (segment,) = reading
    assert segment.events["line"].to_pylist() == [1, 2, 5]
    assert [(row["line"], row["reason"], row["api_key_id"]) for row in segment.quarantined.to_pylist()] == [
        (4, "line_too_long", "key_9")
    ]
    record = segment.record
    assert (record.lines, record.blank, reading.pending_bytes) == (5, 1, nuls)
    assert record.digest == _digest_of(content[: record.end])
    assert record.tail.sha256 == hashlib.sha256(content[max(record.end - 2**16, 0) : record.end]).hexdigest()
