"""Limits of reading, each at exactly the limit and one beyond: lines, nesting, ids, status, sizes and windows."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import json
import lzma
from typing import TYPE_CHECKING, Any

import pytest
from blake3 import blake3

from pipeline.base.zstd import zstd
from pipeline.collectors import KeyFingerprint, LogFormat, read_log
from pipeline.collectors.logs.lines import LineSplitter
from pipeline.collectors.values import fields
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import (
    UNREADABLE,
    BrokenJson,
    depth_of_document,
    document_in,
    may_exceed,
    parse,
)
from pipeline.usage import TOKENS_MAX
from pipeline.usage.sources import Algorithm

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

WINDOW = 65_536
COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "xz": lzma.compress,
    "bzip2": bz2.compress,
}


def reading_of(path: Path, content: bytes, *, reader: Any = "fast", **settings: Any) -> tuple[list[Any], Any]:
    """Return the segments of a log, and its reading."""
    path.write_bytes(content)
    reading = read_log(
        path,
        source="logs/app.jsonl",
        name="app",
        log_format=LogFormat(**settings),
        fingerprint=KeyFingerprint(secret=b"x" * 32),
        reader=reader,
    )
    return list(reading), reading


@pytest.mark.parametrize("reader", ["fast", "plain"])
@pytest.mark.parametrize("form", COMPRESSIONS)
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_the_longest_line_is_read_and_one_byte_more_is_refused_with_its_length(
    tmp_path: Path, exchange: Any, reader: Any, form: str, end: bytes
) -> None:
    line = json.dumps(exchange()).encode()
    cap = len(line + end) - 1  # of a line without its LF
    content = (b" " + line + end) + (line + end) * 2 + (b"  " + line + end)
    (segment,), _ = reading_of(tmp_path / "log", COMPRESSIONS[form](content), reader=reader, line_bytes_max=cap)
    assert segment.events["line"].to_pylist() == [2, 3]
    assert segment.events["byte_start"].to_pylist() == [cap + 2, 2 * cap + 3]
    refused = segment.quarantined.select(["line", "reason", "detail"]).to_pylist()
    assert refused == [
        {"line": number, "reason": "line_too_long", "detail": f"{cap + more} bytes; the cap is {cap}"}
        for number, more in ((1, 2), (4, 3))
    ]
    assert segment.record.digest.digits
    assert segment.record.end == len(content)


@pytest.mark.parametrize("pieces", [1, 2, 3, 7, 1000])
def test_the_longest_line_is_one_whatever_pieces_it_comes_in(pieces: int) -> None:
    content = b"a" * 20 + b"\n" + b"b" * 21 + b"\n" + b"c" * 20 + b"\n"
    splitter = LineSplitter((content[at : at + pieces] for at in range(0, len(content), pieces)), line_bytes_max=20)
    assert [line.content for line in splitter] == [b"a" * 20, None, b"c" * 20]
    assert splitter.segment_digest.digits == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("reader", ["fast", "plain"])
def test_a_document_of_the_longest_line_is_read_and_one_byte_more_is_refused(
    tmp_path: Path, exchange: Any, reader: Any
) -> None:
    content = json.dumps([exchange()], indent=1).encode()
    path = tmp_path / "log.json"
    (segment,), _ = reading_of(path, content, reader=reader, line_bytes_max=len(content))
    assert (segment.events.num_rows, segment.record.lines) == (1, content.count(b"\n") + 1)
    digest = segment.record.digest
    assert (
        digest.digits
        == (blake3(content) if digest.algorithm is Algorithm.BLAKE3 else hashlib.sha256(content)).hexdigest()
    )
    (segment,), _ = reading_of(path, content, reader=reader, line_bytes_max=len(content) - 1)
    assert segment.quarantined["reason"].to_pylist() == ["line_too_long"]


@pytest.mark.parametrize("form", [form for form in COMPRESSIONS if form != "plain"])
def test_a_log_expands_to_exactly_what_it_may_and_not_to_one_byte_more(
    tmp_path: Path, exchange: Any, form: str
) -> None:
    content = (json.dumps(exchange()) + "\n").encode()
    compressed = COMPRESSIONS[form](content)
    segments, reading = reading_of(tmp_path / "log", compressed, decompressed_bytes_max=len(content))
    assert (len(segments), reading.problem) == (1, None)
    segments, reading = reading_of(tmp_path / "log", compressed, decompressed_bytes_max=len(content) - 1)
    assert (segments, reading.problem.reason) == ([], "expands_too_much")
    assert reading.problem.detail == f"more than {len(content) - 1} bytes when decompressed"


@pytest.mark.parametrize("size", [WINDOW - 1, WINDOW, WINDOW + 1, 2 * WINDOW - 1, 2 * WINDOW, 2 * WINDOW + 1])
@pytest.mark.parametrize("form", COMPRESSIONS)
@pytest.mark.parametrize("reader", ["fast", "plain"])
def test_windows_are_64_kib_or_all_there_is(tmp_path: Path, size: int, form: str, reader: Any) -> None:
    content = b"".join(b"%08d%s\n" % (number, b"x" * 991) for number in range(1000))[: size - 1] + b"\n"
    (segment,), _ = reading_of(tmp_path / "log", COMPRESSIONS[form](content), reader=reader)
    record = segment.record
    assert (record.head.size, record.tail.size) == (min(size, WINDOW), min(size, WINDOW))
    assert record.head.sha256 == hashlib.sha256(content[:WINDOW]).hexdigest()
    assert record.tail.sha256 == hashlib.sha256(content[-WINDOW:]).hexdigest()


def nested(depth: int, value: str = "7") -> str:
    """JSON text of a value in so many objects and arrays, by turns."""
    opened, closed = "", ""
    for level in range(depth):
        opened, closed = opened + ('{"a":' if level % 2 else "["), ("}" if level % 2 else "]") + closed
    return opened + value + closed


@pytest.mark.parametrize("depth_max", [1, 2, 3, 8, 64])
def test_the_deepest_nesting_is_read_and_one_level_more_is_unreadable(depth_max: int) -> None:
    def inmost(document: Any) -> Any:
        while isinstance(document, dict | list):
            document = document["a"] if isinstance(document, dict) else document[0]
        return document

    assert inmost(parse(nested(depth_max), depth_max=depth_max)) == 7
    for more in (1, 2, depth_max, depth_max + 1):
        deeper = parse(nested(depth_max + more), depth_max=depth_max)
        assert depth_of_document(deeper) == depth_max
        assert inmost(deeper) is UNREADABLE


@pytest.mark.parametrize("more", [0, 1, 2])
def test_what_is_cut_out_for_its_depth_is_json_too(more: int) -> None:
    with pytest.raises(BrokenJson):
        parse(nested(2 + more, "7,,8"), depth_max=2)
    with pytest.raises(BrokenJson):
        parse(nested(3 + more)[:-1], depth_max=2)
    with pytest.raises(BrokenJson):
        parse(nested(3 + more) + "]", depth_max=2)


def test_a_text_may_be_too_deep_only_with_more_brackets_than_levels() -> None:
    for text in ("[[[", b"[[[", "{{[", b"{[{"):
        assert not may_exceed(text, 3)
        assert may_exceed(text, 2)
    assert not may_exceed("[[[" + "x" * 9, 3)
    assert not may_exceed(b"[[[" + b"x" * 9, 3)


def test_a_document_may_be_made_a_text_twice_and_not_three_times() -> None:
    text = '{"a": 1}'
    for times in range(5):
        assert document_in(text) == ({"a": 1} if times < 3 else None)
        text = json.dumps(text)


@pytest.mark.parametrize(
    ("check", "longest"),
    [(fields.identifier, 256), (fields.model, 128), (fields.label, 64)],
    ids=["id", "model", "label"],
)
def test_the_longest_name_is_kept_letter_by_letter_and_one_more_becomes_a_digest(check: Any, longest: int) -> None:
    assert check("x" * longest, "field") == "x" * longest
    assert check("x" * (longest + 1), "field") == f"%sha256:{hashlib.sha256(b'x' * (longest + 1)).hexdigest()}"
    odd = "x" * (longest - 3)
    assert check(f"{odd} ", "field") == f"{odd}%20"
    assert check(f"x{odd} ", "field") == f"%sha256:{hashlib.sha256(f'x{odd} '.encode()).hexdigest()}"


def test_the_largest_number_that_is_a_name_has_308_digits() -> None:
    for sign in (1, -1):
        assert fields.identifier(sign * (10**308 - 1), "field") is not None
        with pytest.raises(LineRefused, match="field is neither a string nor a whole number"):
            fields.identifier(sign * 10**308, "field")


@pytest.mark.parametrize(("low", "high"), [(100, 599), (0, TOKENS_MAX), (0, fields.INT32_MAX)])
def test_an_integer_at_either_border_is_one_and_beyond_it_is_refused(low: int, high: int) -> None:
    for value in (low, high, str(low), f"{high}.0", f" +{low}", f"{high}\t"):
        assert fields.integer(value, "field", low=low, high=high) == int(float(value))
    for value in (low - 1, high + 1, str(high + 1), f"{low - 1}.00"):
        with pytest.raises(LineRefused, match=f"; it lies between {low} and {high}$"):
            fields.integer(value, "field", low=low, high=high)
    for value in (f"{low}.5", "", True, None, "1e3", f"{high} 0"):
        if value in ("", None):
            assert fields.integer(value, "field", low=low, high=high) is None
        else:
            with pytest.raises(LineRefused, match="field is no integer"):
                fields.integer(value, "field", low=low, high=high)


@pytest.mark.parametrize("reader", ["fast", "plain"])
@pytest.mark.parametrize(("status", "kept"), [(99, 0), (100, 100), (599, 599), (600, 0)])
def test_a_status_lies_between_100_and_599_and_any_other_is_left_out_by_name(
    tmp_path: Path, exchange: Any, reader: Any, status: int, kept: int
) -> None:
    line = (json.dumps(exchange(status=status)) + "\n").encode()
    (segment,), _ = reading_of(tmp_path / "log", line, reader=reader)
    (event,) = segment.events.to_pylist()
    assert event["http_status"] == kept
    assert (event["left_out"] or "").split(",").count("status") == (not kept)


@pytest.mark.parametrize("reader", ["fast", "plain"])
@pytest.mark.parametrize("rows_max", [1, 2, 3, 6, 7, 8])
def test_a_segment_holds_as_many_rows_as_it_may_and_the_next_one_the_rest(
    tmp_path: Path, exchange: Any, reader: Any, rows_max: int
) -> None:
    lines = [json.dumps(exchange(request_id=f"r-{number}")) for number in range(6)]
    path = tmp_path / "log"
    path.write_text("\n".join([*lines[:3], "", "no line of a log", *lines[3:], ""]))
    reading = read_log(
        path,
        source="logs/app.jsonl",
        name="app",
        log_format=LogFormat(),
        fingerprint=KeyFingerprint(secret=b"x" * 32),
        reader=reader,
        segment_events_max=rows_max,
    )
    rows = [segment.events.num_rows + segment.quarantined.num_rows for segment in reading]
    assert rows == [rows_max] * (7 // rows_max) + ([7 % rows_max] if 7 % rows_max else [])


@pytest.mark.parametrize("response", ["7", "true", "1.5"])
def test_a_response_that_is_no_body_is_refused_by_name(collect: Any, exchange: Any, response: str) -> None:
    line = json.dumps(exchange(response="RESPONSE")).replace('"RESPONSE"', response)
    assert collect(line).refusal == (
        "invalid_field",
        "response is neither an object, an array nor a string",
    )
