"""Tables as text (CSV): each row is the line that it would be as JSON."""

from __future__ import annotations

import csv
import gzip
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors.values.csv_cells import Header, header_of, object_of

if TYPE_CHECKING:
    from pathlib import Path

ANSWER = {
    "id": "chatcmpl-1",
    "model": "jamba-large",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": 'a "text"\n'}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 5, "total_tokens": 25},
}
CHUNKS = [
    {"id": "c-2", "model": "m", "choices": [{"index": 0, "delta": {"content": "x"}}]},
    {"id": "c-2", "model": "m", "choices": [], "usage": ANSWER["usage"]},
]
STREAM = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in CHUNKS) + "data: [DONE]\n\n"
ROWS = [
    {"ts": "2026-10-01 00:00:00.123+00", "api_key_id": "key_1", "status": 200, "response": json.dumps(ANSWER)},
    {"ts": "2026-10-01 00:00:01+00", "api_key_id": "4711", "status": 200, "response": json.dumps(ANSWER, indent=1)},
    {"ts": 1790812802, "api_key_id": "key_1", "status": 200, "response": STREAM},
]


def table(rows: list[dict[str, Any]], **dialect: Any) -> bytes:
    """Rows as a program writes them."""
    written = io.StringIO()
    writer = csv.DictWriter(written, list(rows[0]), lineterminator="\n", **dialect)
    writer.writeheader()
    writer.writerows(rows)
    return written.getvalue().encode()


@pytest.fixture
def read(tmp_path: Path, collect_file: Any) -> Any:
    def of(content: bytes, name: str = "calls.csv", **options: Any) -> Any:
        (tmp_path / name).write_bytes(content)
        return collect_file(tmp_path / name, **options)

    return of


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("calls.csv", table(ROWS)),
        ("calls.csv.1", table(ROWS)),
        ("calls.tsv", table(ROWS, delimiter="\t")),
        ("calls.csv", b"\xef\xbb\xbf" + table(ROWS, delimiter=";")),
        ("calls.csv", table(ROWS, quoting=csv.QUOTE_ALL).replace(b"\n", b"\r\n")),
        ("calls.csv.gz", gzip.compress(table(ROWS))),
    ],
)
def test_rows_are_the_lines_that_they_would_be(name: str, content: bytes, read: Any, collect: Any) -> None:
    found = read(content, name)
    assert found.quarantined == []
    expected = collect(*ROWS).events
    told = ("event_id", "occurred_at", "api_key_id", "response_id", "prompt_tokens", "completion_tokens", "http_status")
    assert [[event[each] for each in told] for event in found.events] == [
        [event[each] for each in told] for event in expected
    ]


def test_a_column_may_say_its_zone_in_brackets_as_those_of_azure_s_portal(read: Any) -> None:
    rows = [{"TimeGenerated [UTC]": row["ts"], **{name: row[name] for name in list(row)[1:]}} for row in ROWS]
    found = read(table(rows), format="request-log", fields={"ts": '"TimeGenerated [UTC]"'})
    assert (len(found.events), found.quarantined) == (3, [])


def test_a_row_may_have_several_lines_and_each_is_accounted_for(read: Any) -> None:
    content = table(ROWS)
    found = read(content)
    (segment,) = found.segments
    assert segment.record.end == len(content)
    assert [event["line"] for event in found.events][-1] == content.count(b"\n")


@pytest.mark.parametrize("cut", [1, 40, 200])
def test_a_row_that_is_open_is_left_for_the_next_run(cut: int, read: Any, tmp_path: Path, collect_file: Any) -> None:
    content = table(ROWS)
    first = read(content[:-cut])
    assert len(first.events) == 2
    (tmp_path / "calls.csv").write_bytes(content)
    rest = collect_file(tmp_path / "calls.csv", known=first.records)
    assert [event["response_id"] for event in rest.events] == ["c-2"]


def test_rows_that_are_added_later_are_read_by_the_header(read: Any, tmp_path: Path, collect_file: Any) -> None:
    first = read(table(ROWS[:1]))
    (tmp_path / "calls.csv").write_bytes(table(ROWS))
    rest = collect_file(tmp_path / "calls.csv", known=first.records)
    assert [event["response_id"] for event in rest.events] == ["chatcmpl-1", "c-2"]


def test_segments_end_behind_the_row_that_fills_them(read: Any) -> None:
    found = read(table(ROWS * 3), segment_events_max=2)
    assert [segment.events.num_rows for segment in found.segments] == [2, 2, 2, 2, 1]


@pytest.mark.parametrize("odd", [b"7,8\n", b'"a",b,c,d,e\n', b'x,"y"z,1,2\n', b"\xff,b,c,d\n"])
def test_what_is_no_row_is_quarantined_alone(odd: bytes, read: Any) -> None:
    found = read(table(ROWS[:1]) + odd + table(ROWS[1:2]).partition(b"\n")[2])
    assert (len(found.events), len(found.quarantined)) == (2, 1)


INJECTED = json.dumps({"ts": "2026-10-01T00:00:00Z", "api_key_id": "key_2", "response": ANSWER})
"""What a caller may write as a text of theirs: the line of somebody else."""


def _with_lines_of_others(size: int) -> list[dict[str, Any]]:
    """Rows of which one has a text, of so many bytes and more, with lines in it that look like rows and lines."""
    row = f'2026-10-01T00:00:00Z,key_2,200,"{json.dumps(ANSWER).replace(chr(34), chr(34) * 2)}"'
    text = "\n".join(("x" * size, INJECTED, row, "y"))
    return [ROWS[0], ROWS[0] | {"response": text}, ROWS[1]]


def test_a_row_beyond_the_cap_is_too_long_and_what_follows_is_read(read: Any) -> None:
    found = read(table(_with_lines_of_others(1000)), line_bytes_max=1200)
    assert [row["reason"] for row in found.quarantined] == ["line_too_long"]
    assert {event["api_key_id"] for event in found.events} == {"key_1", "4711"}


def test_behind_a_line_beyond_the_cap_nothing_is_a_row(read: Any) -> None:
    """Nobody knows whether a cell is open there."""
    found = read(table(_with_lines_of_others(2000)), line_bytes_max=1200)
    assert {event["api_key_id"] for event in found.events} == {"key_1"}
    assert {row["reason"] for row in found.quarantined} == {"line_too_long", "invalid_json"}


def test_what_is_no_row_is_no_line_of_json_either(read: Any) -> None:
    found = read(table(ROWS[:1]) + INJECTED.encode() + b"\n")
    assert ([event["api_key_id"] for event in found.events], len(found.quarantined)) == (["key_1"], 1)


def test_rows_of_a_tool_are_read_by_its_format(read: Any) -> None:
    row = {
        "id": "0193",
        "inference_id": "0192",
        "model_name": "m",
        "model_provider_name": "p",
        "timestamp": "2026-10-01 00:00:00",
        "raw_response": json.dumps(ANSWER),
        "tags": json.dumps({"tensorzero::api_key_public_id": "key_1"}),
        "cached": "false",
    }
    assert read(table([row])).event["prompt_tokens"] == 20


def test_fields_name_columns(read: Any) -> None:
    rows = [{"at": ROWS[0]["ts"], "who": "key_1", "in": 20, "out": 5, "empty": ""}]
    fields = {"ts": "at", "api_key_id": "who", "usage.prompt_tokens": "in", "usage.completion_tokens": "out"}
    event = read(table(rows), fields=fields).event
    assert (event["prompt_tokens"], event["completion_tokens"]) == (20, 5)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("calls.jsonl", b"ts,key"),
        ("calls.csv", b'{"ts": 1, "a": 2}'),
        ("calls.csv", b"7,8"),
        ("calls.csv", b"alone"),
        ("calls.csv", b"a,,b"),
        ("calls.csv", b"#Version: 1.0"),
        ("calls.csv", b"\xff,a"),
    ],
)
def test_what_names_no_columns_is_no_table(name: str, line: bytes) -> None:
    assert header_of(name, line) is None


@given(st.lists(st.text(), min_size=2, max_size=4).filter(any), st.sampled_from(",;\t|"))
def test_cells_are_what_was_written(cells: list[str], delimiter: str) -> None:
    columns = tuple(f"c{number}" for number in range(len(cells)))
    written = delimiter.join('"' + cell.replace('"', '""') + '"' for cell in cells)
    row = object_of(written, Header(columns, delimiter))
    assert row is not None
    plain = {name: str(value) for name, value in json.loads(row).items() if isinstance(value, str)}
    assert plain.items() <= dict(zip(columns, cells, strict=True)).items()
    assert json.loads(row).keys() == {name for name, cell in zip(columns, cells, strict=True) if cell}
