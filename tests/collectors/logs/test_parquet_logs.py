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
from pipeline.collectors.logs.stored.parquet_rows import pieces_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.collectors.logs.stored.compression import Piece


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
    read: list[int] = []
    of_file = parquet_rows._lines_of  # noqa: SLF001

    def noting(file: pq.ParquetFile) -> Any:
        read.append(1)
        return of_file(file)

    monkeypatch.setattr(parquet_rows, "_lines_of", noting)
    assert collect_file(log, known=found.records).segments == []
    assert len(read) == 1, "its beginning is read, and no row more"


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
    assert found.reading.problem.detail == "the Parquet file breaks its format or a checksum, or is encrypted"


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


def pieces(content: bytes, asked: list[int] | None = None, **options: Any) -> list[Piece]:
    def read(at: int, size: int) -> bytes:
        if asked is not None:
            asked.append(size)
        return content[at : at + size]

    return list(pieces_of(read, len(content), **({"bytes_max": 2**30} | options)))


def test_rows_beyond_all_measure_are_refused(collect_file: Any, tmp_path: Path) -> None:
    content = encoded(pa.table({"prompt": ["a" * 10_000] * 1_000}), row_group_size=300)
    size = sum(len(piece.content) for piece in pieces(content))
    assert len(content) < size // 100
    assert len(pieces(content, bytes_max=size)) == len(pieces(content))
    found = collect_file(written(tmp_path / "log", content), decompressed_bytes_max=size - 1)
    assert found.reading.problem.reason == "expands_too_much"
    assert found.reading.problem.detail == f"more than {size - 1} bytes as JSON lines"


@pytest.mark.parametrize("length", [333, 1000 - len('{"prompt": ""}\n'), 10])
@pytest.mark.parametrize("rows", [1, 64, 130])
def test_pieces_are_bounded_and_believed_once_their_group_has_ended(
    length: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parquet_rows, "PIECE_BYTES_MAX", 1000)
    content = encoded(pa.table({"prompt": ["a" * length] * 2 * rows}), row_group_size=rows)
    found = pieces(content)
    assert max(len(piece.content) for piece in found) <= 1000
    line = b'{"prompt": "' + b"a" * length + b'"}\n'
    assert b"".join(piece.content for piece in found) == line * 2 * rows
    groups = [len(piece.content) for piece in found if piece.is_verified]
    first = next(at for at, piece in enumerate(found) if piece.is_verified)
    assert len(groups) == 2
    assert sum(len(piece.content) for piece in found[: first + 1]) == len(line) * rows
    assert found[-1].is_verified


def test_no_more_of_a_group_is_read_at_once_than_memory_bears_but_of_a_store() -> None:
    chance = random.Random(3)
    rows = pa.table({"a": [chance.randbytes(10_000).hex() for _ in range(300)], "b": range(300)})
    content = encoded(rows, compression="none", use_dictionary=False, write_batch_size=10)
    little: list[int] = []
    much: list[int] = []
    assert pieces(content, little) == pieces(content, much, reads_ahead=True)
    assert max(little) <= 2**20 < 5 * 2**20 < max(much)


def test_a_file_is_read_from_wherever_it_is_asked_for() -> None:
    file = parquet_rows._File(lambda at, size: b"0123456789"[at : at + size], 10)  # noqa: SLF001
    assert file.read(1) == b"0"
    assert (file.seek(3), file.read(2), file.read(2), file.tell()) == (3, b"34", b"56", 7)
    assert (file.seek(-4, io.SEEK_END), file.seek(1, io.SEEK_CUR), file.read(9), file.read(1)) == (6, 7, b"789", b"")


def test_the_rows_of_a_footer_say_how_much_there_is(tmp_path: Path) -> None:
    log = written(tmp_path / "log", encoded(pa.table({"a": range(10)}), row_group_size=3))
    with open_log(log, LogFormat()) as opened:
        assert opened.stated_size() is None
        assert opened.stated_rows() == 10


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
