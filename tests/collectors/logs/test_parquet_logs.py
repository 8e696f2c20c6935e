"""Logs that are rows of Parquet: read as the lines that they are, known again, and believed as far as whole."""

from __future__ import annotations

import gzip
import io
import json
import random
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from logged_documents import posthog_event

from pipeline.collectors import LogFormat
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.stored import parquet_rows
from pipeline.collectors.logs.stored.compression import PIECE_BYTES_MAX
from pipeline.collectors.logs.stored.parquet_rows import pieces_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """Return rows as a warehouse keeps them: what is an object or an array in one is its text."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: pa.array([_cell(row.get(name)) for row in rows]) for name in columns})


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def encoded(rows: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink, write_page_checksum=True, **options)
    return sink.getvalue()


def calls(exchange: Any, first: int, last: int) -> list[dict[str, Any]]:
    return [
        exchange(
            request_id=f"r-{at}",
            response={"id": f"c-{at}", "usage": {"prompt_tokens": at + 1, "completion_tokens": 3}},
            **({"note": "a\nb"} if at % 3 else {}),
        )
        for at in range(first, last)
    ]


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def ids(collected: Any) -> list[str]:
    return [event["request_id"] for event in collected.events]


def counted(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return events without where they lie, which is another place in another file."""
    return [{name: value for name, value in each.items() if not name.startswith("byte_")} for each in events]


@pytest.mark.parametrize("rows", [1, 63, 64, 65, 300])
def test_rows_are_read_as_the_lines_that_they_are(
    collect: Any, collect_file: Any, exchange: Any, tmp_path: Path, rows: int
) -> None:
    lines = calls(exchange, 0, rows)
    log = written(tmp_path / "calls.parquet", encoded(table(lines), row_group_size=100))
    found = collect_file(log)
    assert counted(found.events) == counted(collect(*lines).events)
    assert [event["line"] for event in found.events] == list(range(1, rows + 1))
    (record,) = found.records
    assert (record.compression, record.lines, record.file_size) == ("parquet", rows, log.stat().st_size)
    assert (found.reading.problem, found.reading.pending_bytes) == (None, 0)


def test_columns_that_are_objects_are_read_like_texts(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    lines = calls(exchange, 0, 5)
    as_structs = collect_file(written(tmp_path / "structs", encoded(pa.Table.from_pylist(lines))))
    as_texts = collect_file(written(tmp_path / "texts", encoded(table(lines))))
    assert counted(as_structs.events) == counted(as_texts.events)
    assert len(as_structs.events) == 5


def test_a_tool_that_exports_parquet_is_recognised(collect: Any, collect_file: Any, tmp_path: Path) -> None:
    event = posthog_event()
    columns = table([event])
    at = columns.schema.get_field_index("timestamp")
    instant = pa.array([event["timestamp"]]).cast(pa.timestamp("us", "UTC"))
    rows = columns.set_column(at, "timestamp", instant)  # as its batch export writes it
    found = collect_file(written(tmp_path / "posthog.parquet", encoded(rows)))
    assert counted(found.events) == counted(collect(event).events)


def test_a_log_is_known_by_its_rows_however_they_are_stored(
    collect_file: Any, exchange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = table(calls(exchange, 0, 200))
    log = written(tmp_path / "log", encoded(rows))
    found = collect_file(log, segment_events_max=70)
    assert len(found.records) == 3
    for other in ({"compression": "zstd"}, {"row_group_size": 7, "use_dictionary": False}):
        assert collect_file(written(tmp_path / "log", encoded(rows, **other)), known=found.records).segments == []
    written(log, encoded(rows))
    monkeypatch.setattr(parquet_rows, "_ROWS_AT_ONCE", 200)
    read: list[int] = []
    of_file = parquet_rows._lines_of  # noqa: SLF001

    def noting(file: pq.ParquetFile) -> Any:
        read.append(1)
        return of_file(file)

    monkeypatch.setattr(parquet_rows, "_lines_of", noting)
    assert collect_file(log, known=found.records).segments == []
    assert len(read) == 2, "its beginning, for what it says and for what it is known by: no row more"


def test_a_file_with_more_rows_in_its_place_is_continued(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    lines = calls(exchange, 0, 150)
    log = written(tmp_path / "log", encoded(table(lines[:90])))
    first = collect_file(log)
    again = collect_file(written(log, encoded(table(lines))), known=first.records)
    assert ids(first) + ids(again) == [f"r-{at}" for at in range(150)]
    assert again.records[0].first_line == 91


def test_another_file_of_the_same_size_is_another_log(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    def stored(first: int) -> bytes:
        return encoded(table(calls(exchange, first, first + 3)), compression="none", write_statistics=False)

    log = written(tmp_path / "log", stored(10))
    found = collect_file(log)
    written(log, stored(22))
    assert log.stat().st_size == found.records[0].file_size
    assert ids(collect_file(log, known=found.records)) == ["r-22", "r-23", "r-24"]


@pytest.mark.parametrize("cut", [1, 4, 9, 500])
def test_a_file_without_its_footer_is_still_being_written(
    collect_file: Any, exchange: Any, tmp_path: Path, cut: int
) -> None:
    whole = encoded(table(calls(exchange, 0, 9)))
    log = written(tmp_path / "log", whole[:-cut])
    found = collect_file(log)
    assert found.segments == []
    assert found.reading.problem.reason == "ends_inside_member"
    assert found.reading.problem.detail == "the Parquet file has no footer: it was cut, or is still being written"
    assert len(collect_file(written(log, whole), known=found.records).events) == 9


@pytest.mark.parametrize("size", [4, 8, 12])
def test_what_only_begins_like_parquet_is_no_log(collect_file: Any, tmp_path: Path, size: int) -> None:
    content = b"PAR1".ljust(size - 4, b"x") + (b"PAR1" if size > 4 else b"")
    found = collect_file(written(tmp_path / "log", content))
    expected = "ends_inside_member" if size == 4 else "corrupt_compression"
    assert (found.segments, found.reading.problem.reason) == ([], expected)


def test_a_damaged_group_costs_what_is_in_it_and_behind_it(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    whole = bytearray(encoded(table(calls(exchange, 0, 200)), row_group_size=100, compression="none"))
    whole[whole.index(b"c-150")] ^= 1
    found = collect_file(written(tmp_path / "log", bytes(whole)))
    assert ids(found) == [f"r-{at}" for at in range(100)]
    assert found.reading.problem.reason == "corrupt_compression"


def test_a_flipped_bit_of_its_columns_bills_no_other_usage(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    sound = encoded(table(calls(exchange, 0, 20)), compression="zstd")
    footer = len(sound) - 8 - int.from_bytes(sound[-8:-4], "little")
    whole = counted(collect_file(written(tmp_path / "sound", sound)).events)
    damage = random.Random(7)
    refused = 0
    for at in range(4, footer, 11):
        spoiled = bytearray(sound)
        spoiled[at] ^= 1 << damage.randrange(8)
        found = collect_file(written(tmp_path / "spoiled", bytes(spoiled)))
        assert all(event in whole for event in counted(found.events))
        refused += found.reading.problem is not None
    assert refused > (footer - 4) // 11 // 2


def test_what_parquet_is_compressed_in_and_what_is_encrypted_are_named(collect_file: Any, tmp_path: Path) -> None:
    for content, name in (
        (gzip.compress(encoded(pa.table({"a": [1]}))), "Parquet, compressed once more"),
        (b"PARE" + b"x" * 40 + b"PARE", "Parquet, encrypted"),
    ):
        problem = collect_file(written(tmp_path / "log", content)).reading.problem
        assert problem.reason == "not_json_lines"
        assert problem.detail.startswith(f"this is {name}; ")


def test_rows_beyond_all_measure_are_refused(collect_file: Any, tmp_path: Path) -> None:
    log = written(tmp_path / "log", encoded(pa.table({"prompt": ["a" * 10_000] * 1_000})))
    assert log.stat().st_size < 100_000
    found = collect_file(log, decompressed_bytes_max=2**20)
    assert found.reading.problem.reason == "expands_too_much"


def test_pieces_are_bounded_and_end_with_their_group(tmp_path: Path) -> None:
    content = encoded(pa.table({"prompt": ["a" * (PIECE_BYTES_MAX // 3)] * 10}), row_group_size=5)
    pieces = list(pieces_of(lambda at, size: content[at : at + size], len(content), bytes_max=2**30))
    assert max(len(piece.content) for piece in pieces) <= PIECE_BYTES_MAX
    assert b"".join(piece.content for piece in pieces).count(b"\n") == 10
    verified = [at for at, piece in enumerate(pieces) if piece.is_verified]
    assert verified == [len(pieces) // 2 - 1, len(pieces) - 1]
    with open_log(written(tmp_path / "log", content), LogFormat()) as log:
        assert log.stated_size() is None
        assert log.stated_rows() == 10


def test_a_row_that_is_no_exchange_is_quarantined_by_itself(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    lines = calls(exchange, 0, 3)
    del lines[1]["ts"]
    found = collect_file(written(tmp_path / "log", encoded(table(lines))))
    assert ids(found) == ["r-0", "r-2"]
    assert [(row["line"], row["reason"]) for row in found.quarantined] == [(2, "missing_field")]


def test_a_struct_that_names_two_of_its_members_alike_is_refused(collect_file: Any, tmp_path: Path) -> None:
    twice = pa.StructArray.from_arrays([pa.array([1]), pa.array([2])], ["tokens", "tokens"])
    found = collect_file(written(tmp_path / "log", encoded(pa.table({"usage": twice}))))
    assert (found.segments, found.reading.problem.reason) == ([], "corrupt_compression")


def test_two_columns_of_one_name_contradict_each_other(collect_file: Any, tmp_path: Path) -> None:
    rows = pa.table([pa.array([7]), pa.array([8])], names=["tokens", "tokens"])
    found = collect_file(written(tmp_path / "log", encoded(rows)))
    assert [(row["line"], row["reason"]) for row in found.quarantined] == [(1, "missing_field")]


def test_no_rows_are_no_log(collect_file: Any, tmp_path: Path) -> None:
    found = collect_file(written(tmp_path / "log", encoded(pa.table({"ts": pa.array([], pa.string())}))))
    assert (found.segments, found.reading.problem) == ([], None)
