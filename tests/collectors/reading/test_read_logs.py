"""One log to its segments: where each ends, what its record says, what is left, and why a log was not read."""

from __future__ import annotations

import bz2
import gzip
import inspect
import json
import lzma
from concurrent.futures import Future
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.base.zstd import zstd
from pipeline.collectors import LogFormat, decode, read_again, read_by, read_log
from pipeline.collectors.batch_files import BatchOf
from pipeline.collectors.decode import EventRow, QuarantineRow, decode_line
from pipeline.collectors.event_columns import NOTHING, joined, of_rows, record_batch
from pipeline.collectors.kernel import in_order
from pipeline.collectors.logs import line_blocks, log_file, logical_lines
from pipeline.collectors.logs.digests import new_digest, usual_algorithm
from pipeline.collectors.logs.lineage import KnownSources, possible_ends, window
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import ProblemReason, SourceProblem
from pipeline.collectors.reading import filling, log_reading
from pipeline.collectors.segment import SegmentBuilder, coded_together
from pipeline.tables.coded import CODED_EVENTS, plain
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS
from pipeline.usage.sources import SegmentDigest, SourceRecord

if TYPE_CHECKING:
    from pathlib import Path

NINE = 1_772_355_600
E, B, Q = b"E", b"B", b"Q"


def written(kind: bytes, number: int) -> bytes:
    """Return a line: an exchange, a blank one, or one that is refused."""
    if kind == E:
        body = {"id": f"c-{number}", "choices": [], "usage": {"prompt_tokens": 10 + number, "completion_tokens": 3}}
        line = {"ts": NINE + number, "api_key_id": f"key_{number % 2}", "status": 200, "response": body}
        return json.dumps(line).encode() + b"\n"
    return b"  \n" if kind == B else b"{torn\n"


def log_of(kinds: bytes) -> list[bytes]:
    return [written(kinds[at : at + 1], at) for at in range(len(kinds))]


def read(path: Path, content: bytes | None = None, **options: Any) -> tuple[Any, list[Any]]:
    if content is not None:
        path.write_bytes(content)
    found = read_log(
        path,
        **{"source": "logs/a", "name": "app", "log_format": LogFormat(), "fingerprint": str} | options,
    )
    segments = list(found)
    assert all(segment.record.is_balanced for segment in segments)
    return found, segments


def digest(content: bytes) -> SegmentDigest:
    made = new_digest(usual_algorithm())
    made.update(content)
    return SegmentDigest(usual_algorithm(), made.hexdigest())


def ids(segment: Any) -> list[str]:
    return segment.events["response_id"].to_pylist()  # type: ignore[no-any-return]


READERS = pytest.mark.parametrize("reader", ["fast", "plain"])
HOW = {bytes: "none", gzip.compress: "gzip", zstd.compress: "zstd", lzma.compress: "xz", bz2.compress: "bzip2"}
PACKED = pytest.mark.parametrize("pack", HOW)


@READERS
@PACKED
def test_a_log_is_segments_whose_records_account_for_every_line(tmp_path: Path, reader: str, pack: Any) -> None:
    lines = log_of(b"EBQEE")
    content = b"".join(lines)
    packed = pack(content + b'{"ts": ')
    found, segments = read(tmp_path / "log", packed, reader=reader, segment_events_max=3)
    ends = [len(b"".join(lines[:4])), len(content)]
    common: dict[str, Any] = {
        "source": "logs/a",
        "name": "app",
        "compression": HOW[pack],
        "file_size": len(packed),
        "read_by": read_by(LogFormat()),
    }
    assert [segment.record for segment in segments] == [
        SourceRecord(
            **common,
            start=0,
            end=ends[0],
            first_line=1,
            digest=digest(content[: ends[0]]),
            head=window(content[: ends[0]]),
            tail=window(content[: ends[0]]),
            lines=4,
            blank=1,
            quarantined={"invalid_json": 1},
            events={"measured": 2},
        ),
        SourceRecord(
            **common,
            start=ends[0],
            end=ends[1],
            first_line=5,
            digest=digest(content[ends[0] :]),
            head=window(content),
            tail=window(content),
            lines=1,
            blank=0,
            events={"measured": 1},
        ),
    ]
    assert [ids(segment) for segment in segments] == [["c-0", "c-3"], ["c-4"]]
    assert [segment.quarantined["line"].to_pylist() for segment in segments] == [[3], []]
    assert (found.pending_bytes, found.problem, found.continued, found.kernel_failures) == (7, None, None, 0)
    records = [segment.record for segment in segments]
    for known in (records, KnownSources(records)):
        again, more = read(tmp_path / "log", pack(content + lines[0]), reader=reader, known=known)
        assert (again.continued, [ids(each) for each in more]) == (records[-1], [["c-0"]])
        assert (more[0].record.first_line, more[0].record.start, again.pending_bytes) == (6, ends[1], 0)
    same, nothing = read(tmp_path / "log", packed, reader=reader, known=records)
    assert (nothing, same.continued) == ([], records[-1])


PARTS_OF_LOGS = [
    *("\n", "\r\n", " ", "\t", "\0", "\ufeff", "\x0b", "\x1e"),
    *("{", "}", "[", "]", ",", '"a"', ":", "1", "x"),
    *('{"a": 1}', '{"}": "\\"]\udc80"}', "[{\n}]", "[{}]", '{\n"a": {}}', "{},\n", '[{"a": "{"},\n{}]\n'),
]


@settings(max_examples=400)
@given(
    added=st.lists(st.lists(st.sampled_from(PARTS_OF_LOGS), min_size=1, max_size=6), min_size=1, max_size=4),
    name=st.sampled_from(["a.json", "a"]),
)
@example(added=[['{"a": {}}'], ["\n", "{}", "\n"]], name="a.json")
@example(added=[["[{}", "\n", "]", " ", "\0", "\ufeff"], ["{}", "\n"]], name="a")
@example(added=[["\n", "[{\n}]", "\x0b"], ["{\n}"]], name="a")
@example(added=[['{\n"a": 1}', " ", '{\n"a": 2}'], [" ", '{"a": 3}']], name="a")
@example(added=[['{\n"a": 1}'], ['{"a": 2}'], ["x"], ["\n"]], name="a")
@example(added=[["[{}],[{}]\n[{}]"], ["\n"], ["x\n"]], name="a")
@example(added=[['[{"a": "\udc80"}]\n[{}]'], ["\n"]], name="a")
@example(added=[['{"a": 1},{"b": 2}'], [","], ["\n{}\n"]], name="a.json")
@example(added=[[" ", "\0"], [" ", "{}"], ["x\n"]], name="a.json")
@example(added=[["[" * 5_000 + "]" * 5_000], ["\n\n"], ["{}\n"]], name="a")
def test_a_segment_ends_where_ends_are_looked_for_however_the_log_grows(
    tmp_path_factory: pytest.TempPathFactory, added: list[list[str]], name: str
) -> None:
    log = tmp_path_factory.mktemp("logs") / name
    steps = ["".join(parts).encode("utf-8", "surrogateescape") for parts in added]
    for reader in ("fast", "plain"):
        log.write_bytes(b"")
        known: list[SourceRecord] = []
        for step in steps:
            found, segments = read(log, log.read_bytes() + step, reader=reader, segment_events_max=1, known=known)
            assert found.continued == (known[-1] if known else None)
            known += [segment.record for segment in segments]
        assert {record.end for record in known} <= possible_ends(log.read_bytes())


@READERS
@pytest.mark.parametrize(
    ("kinds", "segment_events_max", "counts"),
    [
        (b"EEEEE", 2, [(2, 2), (2, 2), (1, 1)]),
        (b"EEEE", 2, [(2, 2), (2, 2)]),
        (b"BBEBEBBE", 2, [(5, 2), (3, 1)]),
        (b"QEQE", 2, [(2, 1), (2, 1)]),
        (b"EEE", 1, [(1, 1), (1, 1), (1, 1)]),
        (b"EBB", 1, [(1, 1), (2, 0)]),
        (b"BB", 1, [(2, 0)]),
        (b"E", 9, [(1, 1)]),
        (b"", 9, []),
    ],
)
def test_a_segment_ends_after_the_very_line_that_fills_it(
    tmp_path: Path, reader: str, kinds: bytes, segment_events_max: int, counts: list[tuple[int, int]]
) -> None:
    _, segments = read(tmp_path / "log", b"".join(log_of(kinds)), reader=reader, segment_events_max=segment_events_max)
    assert [(segment.record.lines, segment.events.num_rows) for segment in segments] == counts


@pytest.mark.parametrize(("segment_events_max", "rows"), [(4, [4, 4, 2]), (3, [3, 3, 3, 1]), (1, [1] * 10)])
def test_lines_that_are_being_decoded_have_their_room_in_the_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, segment_events_max: int, rows: list[int]
) -> None:
    monkeypatch.setattr(log_file, "_PLAIN_BLOCK_BYTES", 64)
    monkeypatch.setattr(line_blocks, "_BLOCK_BYTES", 1)
    monkeypatch.setattr(in_order, "_BYTES_A_THREAD", 1)
    monkeypatch.setattr(Future, "done", lambda _: False)  # what is asked for early is never there yet
    lines = log_of(E * 10)
    content = b"".join(lines)
    _, segments = read(tmp_path / "log", content, processes=3, segment_events_max=segment_events_max)
    assert [segment.events.num_rows for segment in segments] == rows
    assert [each for segment in segments for each in ids(segment)] == [f"c-{number}" for number in range(10)]
    ends = [len(b"".join(lines[: sum(rows[: at + 1])])) for at in range(len(rows))]
    assert [(each.record.start, each.record.end, each.record.digest) for each in segments] == [
        (start, end, digest(content[start:end])) for start, end in pairwise([0, *ends])
    ]


CRI = b"2026-10-01T00:00:00.123456789Z stdout "


@READERS
@pytest.mark.parametrize("taken_bytes", [1, 400, 2**21])
def test_lines_that_a_logger_wrapped_and_split_are_read_as_they_were_logged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, taken_bytes: int
) -> None:
    monkeypatch.setattr(filling, "_TAKEN_BYTES", taken_bytes)
    lines = [written(E, number)[:-1] for number in range(5)]
    wrapped = [CRI + b"F " + line + b"\n" for line in lines]
    split = CRI + b"P " + lines[1][:50] + b"\n" + CRI + b"F " + lines[1][50:] + b"\n"
    open_part = CRI + b"P " + lines[4][:50] + b"\n"
    content = wrapped[0] + split + CRI + b"F text\n" + wrapped[2] + wrapped[3]
    found, segments = read(tmp_path / "log", content + open_part, reader=reader, segment_events_max=2)
    assert [ids(segment) for segment in segments] == [["c-0", "c-1"], ["c-2", "c-3"]]
    first, second = (segment.record for segment in segments)
    assert (first.lines, first.joined, first.blank, second.lines, second.first_line) == (3, 1, 0, 3, 4)
    assert (second.end, second.blank, found.pending_bytes) == (len(content), 1, len(open_part))
    assert [segment.events["line"].to_pylist() for segment in segments] == [[1, 3], [5, 6]]
    assert segments[0].events["byte_start"].to_pylist() == [0, len(wrapped[0])]


def test_one_document_over_many_lines_is_read_once_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "log"
    entries = b"[\n" + written(E, 0)[:-1] + b",\n" + written(E, 1)[:-1] + b"\n]\n"
    for reader in ("fast", "plain"):
        found, segments = read(path, entries, reader=reader)
        assert [ids(segment) for segment in segments] == [["c-0", "c-1"]]
        record = segments[0].record
        assert (record.lines, record.joined, record.further, record.end) == (4, 3, 1, len(entries))
        assert (found.problem, found.pending_bytes) == (None, 0)
        found, segments = read(path, entries[:-3], reader=reader)
        detail = "the log begins as one JSON document over several lines, and is none yet: it is read once it is"
        assert found.problem == SourceProblem(
            source="logs/a", reason=ProblemReason.DOCUMENT_NOT_WHOLE, offset=0, detail=detail
        )
        assert (segments, found.pending_bytes) == ([], len(entries) - 3)
    one = tmp_path / "one.json"
    _, segments = read(one, written(E, 0)[:-1])
    assert [ids(segment) for segment in segments] == [["c-0"]]


@READERS
@pytest.mark.parametrize(("pack", "how"), [(pack, how) for pack, how in HOW.items() if pack is not bytes])
def test_a_stream_that_is_cut_is_read_as_far_as_it_goes_and_said(
    tmp_path: Path, reader: str, pack: Any, how: str
) -> None:
    lines = log_of(b"EEE")
    one, two = pack(b"".join(lines[:2])), pack(lines[2] * 50)
    cut = one + two[:-3]
    found, segments = read(tmp_path / "log", cut, reader=reader)
    assert ids(segments[0])[:2] == ["c-0", "c-1"]
    assert found.problem is not None
    assert (found.problem.source, found.problem.reason) == ("logs/a", ProblemReason.ENDS_INSIDE_MEMBER)
    assert found.problem.detail == f"the {how} stream ends inside a member, at byte {len(cut)} of the file"
    assert found.problem.offset == segments[-1].record.end
    known = [segment.record for segment in segments]
    again, more = read(tmp_path / "log", one + two, reader=reader, known=known)
    assert again.problem is None
    assert sum(segment.events.num_rows for segment in (*segments, *more)) == 52


@READERS
@pytest.mark.parametrize("doubted", [1, 2, 2**18])
@pytest.mark.parametrize("segment_events_max", [1, 2, 100])
def test_nothing_of_a_damaged_log_is_handed_out_beyond_its_last_whole_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reader: str, doubted: int, segment_events_max: int
) -> None:
    monkeypatch.setattr(log_reading, "_DOUBTED_LINES_MAX", doubted)
    lines = log_of(b"EEE")
    damaged = gzip.compress(b"".join(lines[:2])) + gzip.compress(lines[2])[:-6] + b"x" * 9
    found, segments = read(tmp_path / "log", damaged, reader=reader, segment_events_max=segment_events_max)
    assert [each for segment in segments for each in ids(segment)] == ["c-0", "c-1"]
    end = len(b"".join(lines[:2]))
    detail = "the gzip stream breaks its format or checksum"
    assert found.problem == SourceProblem(
        source="logs/a", reason=ProblemReason.CORRUPT_COMPRESSION, offset=end, detail=detail
    )
    assert found.pending_bytes == 0
    again, nothing = read(tmp_path / "log", damaged, reader=reader, known=[each.record for each in segments])
    assert (nothing, again.problem) == ([], found.problem)
    whole = gzip.compress(b"".join(lines))
    found, segments = read(tmp_path / "log", whole, reader=reader, segment_events_max=segment_events_max)
    assert [each for segment in segments for each in ids(segment)] == ["c-0", "c-1", "c-2"]
    assert (found.problem, found.continued) == (None, None)


def test_a_log_in_another_format_and_one_that_cannot_be_opened_are_said(tmp_path: Path) -> None:
    found, segments = read(tmp_path / "log", b"ORC" + b"x" * 50)
    detail = (
        "this is ORC; logs are JSON lines in UTF-8 or UTF-16, plain or as gzip, zstd, xz or bzip2, or rows of Parquet"
    )
    assert found.problem == SourceProblem(source="logs/a", reason=ProblemReason.NOT_JSON_LINES, offset=0, detail=detail)
    assert segments == []
    found, _ = read(tmp_path / "none")
    detail = "opening: No such file or directory"
    assert found.problem == SourceProblem(source="logs/a", reason=ProblemReason.UNREADABLE, offset=0, detail=detail)
    found, _ = read(tmp_path / "log", gzip.compress(b"PAR1"))
    assert found.problem is not None
    assert found.problem.reason is ProblemReason.NOT_JSON_LINES
    (tmp_path / "link").symlink_to(tmp_path / "log")
    (tmp_path / "log").write_bytes(written(E, 0))
    assert read(tmp_path / "link")[0].problem is not None
    assert len(read(tmp_path / "link", follows_links=True)[1]) == 1


def test_a_reading_begins_when_it_is_asked_and_may_be_closed_before_its_end(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"".join(log_of(b"EEE")))
    found = read_log(path, source="s", name="n", log_format=LogFormat(), fingerprint=str, segment_events_max=1)
    path.write_bytes(b"".join(log_of(b"EE")))
    assert ids(next(found)) == ["c-0"]
    found.close()
    assert list(found) == []
    told: list[int] = []
    for pack in (bytes, gzip.compress):
        told.clear()
        read(path, pack(b"".join(log_of(b"EE"))), on_bytes=told.append)
        assert told[-1] == path.stat().st_size


def test_how_many_bytes_are_left_to_read_decides_how_many_threads_do_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    class Seen(in_order.InOrder):
        def __init__(self, *, threads: int, size: int, **rest: Any) -> None:
            asked.append((threads, size))
            super().__init__(threads=threads, size=size, **rest)

    monkeypatch.setattr(in_order, "InOrder", Seen)
    content = b"".join(log_of(b"EEE"))
    _, segments = read(tmp_path / "log", content, processes=3, segment_events_max=2)
    known = [segments[0].record]
    read(tmp_path / "log", processes=3, known=known)
    read(tmp_path / "log", processes=3, reader="plain")
    read(tmp_path / "log", gzip.compress(content), processes=3)
    packed = (tmp_path / "log").stat().st_size
    assert asked == [(3, len(content)), (3, len(content) - known[0].end), (1, len(content)), (3, 8 * packed)]


def test_what_of_a_batch_was_not_there_is_said_where_lines_were_read(tmp_path: Path) -> None:
    result = json.dumps({"custom_id": "z", "response": {"body": {}}, "error": None}).encode() + b"\n"
    requests = tmp_path / "in.jsonl"
    requests.write_text(json.dumps({"custom_id": "a", "body": {}}) + "\n", encoding="utf-8")
    batch = {"id": "b-1", "object": "batch", "created_at": NINE, "metadata": {"api_key_id": "key_1"}}
    log_format = LogFormat(format="openai-batch")
    of = BatchOf(object=batch, input=requests, missing=("something",))
    found, segments = read(tmp_path / "log", result * 2, log_format=log_format, batch=of)
    said = "1 of its custom ids are not in its input file, so what they asked for is not known"
    assert found.batch_texts == ["something", said]
    assert segments[0].events["api_key_id"].to_pylist() == ["key_1"] * 2
    assert segments[0].record.read_by == read_by(of.read(log_format))
    known = [segment.record for segment in segments]
    assert read(tmp_path / "log", log_format=log_format, batch=of, known=known)[0].batch_texts == []
    assert read(tmp_path / "log", log_format=log_format)[0].batch_texts == []
    alone = BatchOf(object=None, input=None, missing=("something",))
    assert read(tmp_path / "log", log_format=log_format, batch=alone)[0].batch_texts == ["something"]


def rows_of(*numbers: int) -> list[Any]:
    found = []
    for number in numbers:
        content = written(E, number).rstrip()
        line = Line(number + 1, 100 * number, 100 * number + 100, content)
        found += decode_line(line, source="s", log_format=LogFormat(), fingerprint=str)
    return found


def test_rows_become_arrow_as_they_are() -> None:
    rows = rows_of(0, 1, 2)
    assert all(isinstance(row, EventRow) for row in rows)
    values = [row.values for row in rows]
    batch = record_batch(of_rows(values), "s")
    expected = [dict(zip(USAGE_EVENTS.names, each, strict=True)) for each in values]
    made = pa.Table.from_batches([batch]).to_pylist()
    for each, row in zip(made, expected, strict=True):
        assert int(each["occurred_at"].timestamp() * 1_000_000) == row.pop("occurred_at")
        del each["occurred_at"]
        assert each == row
    assert batch.schema.equals(CODED_EVENTS)
    assert len(of_rows(values)) == 3
    assert of_rows(values).statuses() == {"measured": 3}
    assert of_rows([]).statuses() == {}
    assert NOTHING not in of_rows(values).instants
    assert NOTHING == -1


def test_parts_are_joined_in_the_order_of_their_lines() -> None:
    values = [row.values for row in rows_of(0, 1, 2, 3)]
    unknown = dict(zip(USAGE_EVENTS.names, values[3], strict=True)) | {"status": "unknown", "request_id": "r\u00e9q"}
    values[3] = tuple(unknown.values())
    whole = record_batch(of_rows(values), "s").to_pylist()
    for parts in (
        [values[:2], values[2:]],
        [values[2:], values[:2]],
        [[values[1], values[3]], [], [values[0], values[2]]],
        [[each] for each in values[::-1]],
        [values],
    ):
        together = joined([of_rows(part) for part in parts])
        assert record_batch(together, "s").to_pylist() == whole
        assert together.statuses() == {"measured": 3, "unknown": 1}
        assert len(together.shared.values) == len({tuple(each) for each in together.shared.values})
    assert len(joined([of_rows([]), of_rows([])])) == 0
    codes = joined([of_rows(values[:1]), of_rows(values[1:2])]).keys
    assert [codes.values[code] for code in codes.codes] == ["key_0", "key_1"]
    assert codes.codes.dtype == np.int64


def test_a_builder_counts_lines_by_what_became_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    event, other = rows_of(0, 1)
    torn = decode_line(Line(9, 0, 6, b"{torn"), source="s", log_format=LogFormat(), fingerprint=str)[0]
    assert isinstance(torn, QuarantineRow)
    for batch_rows in (1, 2, 2**14):
        monkeypatch.setattr("pipeline.collectors.segment._BATCH_ROWS", batch_rows)
        builder = SegmentBuilder("s")
        builder.add([event])
        builder.add([])
        builder.add([event, other, torn], lines=4)
        builder.add([torn])
        assert (builder.lines, builder.blank, builder.joined, builder.further, builder.rows) == (7, 1, 3, 2, 5)
        held, quarantined = builder.held()
        assert (len(held), quarantined.num_rows) == (3, 2)
        assert isinstance(held, pa.Table) == (batch_rows < 2**14)
        events = held if isinstance(held, pa.Table) else record_batch(held, "s")
        assert events["response_id"].to_pylist() == ["c-0", "c-0", "c-1"]
        assert (dict(builder.events), dict(builder.quarantined)) == ({"measured": 3}, {"invalid_json": 2})
        assert quarantined.schema.equals(QUARANTINE)
        builder.begin()
        assert (builder.lines, builder.blank, builder.joined, builder.further, builder.rows) == (0, 0, 0, 0, 0)
        assert [table.num_rows for table in builder.held()] == [0, 0]
        builder.add_all([of_rows([event.values]), of_rows([other.values])], [torn.values], blank=2, further=1, joined=3)
        assert (builder.lines, builder.blank, builder.joined, builder.further, builder.rows) == (7, 2, 3, 1, 3)
        builder.add([other])
        held, quarantined = builder.held()
        assert (len(held), quarantined.num_rows) == (3, 1)
        assert dict(builder.events) == {"measured": 3}


@READERS
def test_few_events_of_many_logs_become_arrow_together_and_are_what_they_are_alone(
    tmp_path: Path, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.collectors.segment._SEGMENTS_AT_ONCE", 3)
    kinds = [E, E * 3, B, Q + E * 2, E * 63, E * 64, E, b"QQ", E * 63, E * 2, E * 2, E, E * 70, E * 71]
    segments = []
    for number, kind in enumerate(kinds):
        lines = b"".join(log_of(kind)).replace(b"c-", b"%d-" % number).replace(b"key_1", b"key_%d" % number)
        segments += read(tmp_path / "log", lines, reader=reader, source=f"logs/{number}")[1]
    are_few = [not isinstance(each.held, pa.Table) for each in segments]
    assert are_few == [0 < kind.count(E) < 64 for kind in kinds]
    expected = [row for segment in segments for row in segment.events.to_pylist()]
    assert [row["source"] for row in expected] == [
        f"logs/{at}" for at, kind in enumerate(kinds) for _ in range(kind.count(E))
    ]
    table = coded_together(segments)
    assert plain(table).to_pylist() == expected
    assert table.schema.equals(CODED_EVENTS)
    sizes = [len(chunk) for chunk in table["event_id"].chunks if len(chunk)]
    assert sizes == [4, 65, 64, 1, 67, 1, 70, 71]
    assert coded_together([]).num_rows == 0


def test_what_waits_to_become_arrow_is_no_part_of_what_reads_the_next_log(tmp_path: Path) -> None:
    _, (first,) = read(tmp_path / "log", b"".join(log_of(E * 3)), source="logs/first")
    expected = first.events.to_pylist()
    for number in range(5):
        body = {"id": f"other-{number}", "model": f"m-{number}", "choices": [], "usage": {"prompt_tokens": number}}
        line = {"ts": NINE, "api_key_id": f"key_other_{number}", "status": 200 + number, "response": body}
        read(tmp_path / "log", json.dumps(line).encode() + b"\n" + b"".join(log_of(E * 40)))
    assert first.events.to_pylist() == expected


def test_nothing_is_of_no_choice() -> None:
    assert joined([of_rows([])]).keys.codes.size == joined([of_rows([])]).shared.codes.size == 0


def test_lines_that_were_taken_out_of_others_are_decoded_as_soon_as_there_are_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    class Seen(in_order.InOrder):
        def of_lines(self, lines: Any) -> Any:
            counts.append(len(lines))
            return super().of_lines(lines)

    monkeypatch.setattr(in_order, "InOrder", Seen)
    monkeypatch.setattr(logical_lines, "_RUN_BYTES", -1)  # each comes by itself
    line = written(E, 0)[:-1]
    content = b"".join(b"Oct  1 00:00:00 host gateway[12]: " + line + b"\n" for _ in range(5))
    for taken_bytes, expected in ((2 * len(line), [2, 2, 1]), (2 * len(line) + 1, [3, 2]), (1, [1] * 5)):
        monkeypatch.setattr(filling, "_TAKEN_BYTES", taken_bytes)
        counts.clear()
        read(tmp_path / "log", content)
        assert counts == expected


def test_how_many_chunks_were_generated_is_kept_row_by_row() -> None:
    values = []
    for number, chunks in enumerate((2, 0, 5)):
        stream = "".join('data: {"choices": [{"delta": {"content": "a"}}]}\n\n' for _ in range(chunks))
        content = json.dumps({"ts": NINE, "api_key_id": "k", "response": stream or None}).encode()
        line = Line(number + 1, number, number + 1, content)
        (row,) = decode_line(line, source="s", log_format=LogFormat(), fingerprint=str)
        values.append(row.values)
    made = record_batch(of_rows(values), "s")
    assert made["content_chunks"].to_pylist() == [2, None, 5]
    assert made["completion_tokens"].to_pylist() == [2, None, 5]


def test_parts_that_begin_in_order_may_go_on_out_of_it() -> None:
    values = [row.values for row in rows_of(0, 1, 2)]
    together = joined([of_rows(values[:1]), of_rows(values[2:]), of_rows(values[1:2])])
    assert record_batch(together, "s")["line"].to_pylist() == [1, 2, 3]


def test_a_reading_says_how_many_blocks_the_kernel_failed_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(in_order.InOrder):
        def close(self) -> None:
            super().close()
            self.failures = 3

    monkeypatch.setattr(in_order, "InOrder", Failing)
    log = tmp_path / "app.jsonl"
    log.write_bytes(written(E, 1))
    found = read_log(log, source="s", name="n", log_format=LogFormat(), fingerprint=str)
    assert found.kernel_failures == 0
    assert sum(segment.events.num_rows for segment in found) == 1
    assert found.kernel_failures == 3


def test_a_log_is_read_many_lines_at_a_time_unless_one_asks_otherwise_and_again_however_many_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"".join(log_of(E * 200))
    monkeypatch.setattr(decode, "decode_line", lambda *_, **__: pytest.fail("a line was read by itself"))
    _, (segment,) = read(tmp_path / "log", content)
    again = read_again(tmp_path / "log", segment.record, name="app", log_format=LogFormat(), fingerprint=str)
    assert again is not None
    assert (again.record, again.events) == (segment.record, segment.events)


def test_the_plain_reader_reads_each_line_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[int] = []
    monkeypatch.setattr(decode, "decode_line", lambda line, **_: taken.append(line.number) or [])
    read(tmp_path / "log", b"\n\n\n", reader="plain")
    assert taken == [1, 2, 3]


def test_what_nobody_asks_for_is_done_by_one_thread_as_a_whole_and_behind_no_link() -> None:
    def unasked(function: Any) -> dict[str, Any]:
        given = inspect.signature(function).parameters.values()
        return {each.name: each.default for each in given if each.default is not each.empty}

    usual = {"follows_links": False, "processes": 1, "batch": None}
    assert unasked(read_again) == usual
    more = {"known": (), "segment_events_max": 1_000_000, "on_bytes": None, "reader": "fast"}
    assert unasked(read_log) == usual | more
    assert unasked(open_log) == {"follows_links": False}
