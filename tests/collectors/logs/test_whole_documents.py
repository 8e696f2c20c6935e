"""Logs that are one JSON document, and lines that hold several entries."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors.logs.whole_document import is_one_document

if TYPE_CHECKING:
    from pathlib import Path


def _entries(exchange: Any, count: int) -> list[dict[str, Any]]:
    body = exchange()["response"]
    return [exchange(request_id=f"r-{n}", response=body | {"id": f"c-{n}"}) for n in range(count)]


def _ids(collected: Any) -> list[str]:
    return [event["response_id"] for event in collected.events]


FORMS = {
    "on one line": json.dumps,
    "indented": lambda entries: json.dumps(entries, indent=2),
    "an entry a line": lambda entries: "[\n" + ",\n".join(map(json.dumps, entries)) + "\n]\n",
    "the bracket before the first": lambda entries: "[" + ",\n".join(map(json.dumps, entries)) + "]",
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["log.json", "log.json.gz"])
def test_an_array_is_the_events_of_its_entries(
    collect_file: Any, collect: Any, exchange: Any, tmp_path: Path, *, form: str, name: str
) -> None:
    entries = _entries(exchange, 5)
    content = FORMS[form](entries).encode()
    log = tmp_path / name
    log.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    collected = collect_file(log)
    places = {"line", "byte_start", "byte_end"}
    assert [{name: event[name] for name in event.keys() - places} for event in collected.events] == [
        {name: event[name] for name in event.keys() - places} for event in collect(*entries).events
    ]
    (record,) = collected.records
    assert (record.further, record.start, record.end) == (4, 0, len(content))
    assert record.lines == record.joined + 1 == len(content.decode().split("\n")) - content.endswith(b"\n")
    assert collect_file(log, known=[record]).segments == []


def test_an_entry_that_is_refused_costs_no_other_and_is_named(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    entries = [*_entries(exchange, 2), 7, exchange(api_key_id=...)]
    log = tmp_path / "log.json"
    log.write_text(json.dumps(entries), encoding="utf-8")
    collected = collect_file(log)
    assert _ids(collected) == ["c-0", "c-1"]
    assert [(row["reason"], row["detail"]) for row in collected.quarantined] == [
        ("not_an_object", "entry 3: JSON, and no object"),
        ("missing_field", "entry 4: api_key or api_key_id"),
    ]


def test_equal_entries_without_ids_are_entries_of_their_own_and_a_copy_of_the_log_is_none(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    nameless = exchange(request_id=..., response={"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 1}})
    logs = [tmp_path / "a.json", tmp_path / "b.json"]
    found = []
    for log in logs:
        log.write_text(json.dumps([nameless, nameless]), encoding="utf-8")
        found.append([event["event_id"] for event in collect_file(log).events])
    assert found[0] == found[1]
    assert len(set(found[0])) == 2


def test_a_line_that_is_an_array_holds_several_entries(collect: Any, exchange: Any) -> None:
    entries = _entries(exchange, 3)
    collected = collect(json.dumps(entries[:2]), entries[2])
    assert _ids(collected) == ["c-0", "c-1", "c-2"]
    assert [event["line"] for event in collected.events] == [1, 1, 2]
    (record,) = collected.records
    assert (record.lines, record.joined, record.further, record.blank) == (2, 0, 1, 0)


def test_an_export_of_nothing_says_nothing_and_an_empty_array_on_a_line_is_quarantined(
    collect_file: Any, collect: Any, tmp_path: Path
) -> None:
    log = tmp_path / "export.json"
    log.write_text("[\n]", encoding="utf-8")
    collected = collect_file(log)
    assert (collected.events, collected.quarantined, collected.records[0].blank) == ([], [], 1)
    assert collect("[]").refusal[0] == "not_an_object"


def test_a_document_that_is_being_written_is_said_and_read_once_it_is_whole(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    log = tmp_path / "export.json"
    whole = json.dumps(_entries(exchange, 3), indent=1)
    log.write_text(whole[:-200], encoding="utf-8")
    first = collect_file(log)
    assert first.segments == []
    assert first.reading.problem.reason.value == "document_not_whole"
    log.write_text(whole, encoding="utf-8")
    second = collect_file(log)
    assert _ids(second) == ["c-0", "c-1", "c-2"]
    assert second.reading.problem is None


@pytest.mark.parametrize("form", ["an entry a line", "indented"])
def test_a_document_of_which_only_the_first_line_is_there_is_waited_for(
    collect_file: Any, exchange: Any, tmp_path: Path, *, form: str
) -> None:
    log = tmp_path / "app.jsonl"
    log.write_bytes(b"\n")
    known = collect_file(log).records
    whole = "\n" + FORMS[form](_entries(exchange, 3))
    for size in (3, 4):
        log.write_text(whole[:size], encoding="utf-8")
        begun = collect_file(log, known=known)
        assert (begun.segments, begun.reading.problem.reason.value) == ([], "document_not_whole")
    log.write_text(whole, encoding="utf-8")
    assert _ids(collect_file(log, known=known)) == ["c-0", "c-1", "c-2"]


def test_a_first_line_that_is_torn_in_an_array_keeps_no_other_from_being_read(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    log = tmp_path / "app.jsonl"
    lines = [json.dumps([entry]) + "\n" for entry in _entries(exchange, 3)]
    log.write_text(lines[0][:40] + "\n" + "".join(lines[1:]), encoding="utf-8")
    collected = collect_file(log)
    assert (_ids(collected), len(collected.quarantined), collected.reading.problem) == (["c-1", "c-2"], 1, None)


def test_one_object_in_a_json_file_is_read_without_its_line_end_and_more_lines_after_it(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    log = tmp_path / "one.json"
    first, second = map(json.dumps, _entries(exchange, 2))
    log.write_text(first, encoding="utf-8")
    before = collect_file(log)
    assert _ids(before) == ["c-0"]
    log.write_text(f"{first}\n{second}\n", encoding="utf-8")
    after = collect_file(log, known=before.records)
    assert _ids(after) == ["c-1"]


def test_a_document_beyond_the_cap_is_quarantined_whole(collect_file: Any, exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "log.json"
    log.write_text(json.dumps(_entries(exchange, 30), indent=1), encoding="utf-8")
    collected = collect_file(log, line_bytes_max=1000)
    assert not collected.events
    assert [row["reason"] for row in collected.quarantined] == ["line_too_long"]


LONG = b'{"a": "' + b"x" * 70_000 + b'"}'


@pytest.mark.parametrize(
    ("name", "content", "is_one"),
    [
        ("a.jsonl", b"", False),
        ("a.jsonl", b'{"a": 1}\n', False),
        ("a.jsonl", b'{"a": 1}', False),
        ("a.jsonl", b"[1]\n[2]\n", False),
        ("a.jsonl", b"text\n", False),
        ("a.jsonl", b"\0\0\0\n{", False),
        ("a.jsonl", LONG[:-9] + b"\n" + LONG + b"\n", False),
        ("a.jsonl", b"\0" * 70_000 + b'\n{"a": 1}\n{"a": 2}\n', False),
        ("a.jsonl", b"\0" * 2_000 + b"\n[\n{}]", True),
        ("a.json", b'{"a": 1}', True),
        ("a.HAR", b'{"a": 1}', True),
        ("a.json.zst", b'{"a": 1}', True),
        ("a.json", b'{"a": 1}\n{"a": 2}\n', False),
        ("a.jsonl", b"\xef\xbb\xbf[\n{}]", True),
        ("a.jsonl", b'{\n "a": 1}', True),
        ("a.jsonl", b'{"log": {\r\n "a": 1}}', True),
        ("a.jsonl", b'{"ts": "2026-01-\n{"a": 1}\n', False),
        ("a.json", LONG, True),
        ("a.json", LONG + b"\n" + LONG + b"\n", False),
        ("a.jsonl", b"[" + LONG + b",\n" + LONG + b"]", True),
        ("a.jsonl", b"[" + LONG + b"]\n[" + LONG + b"]\n", False),
    ],
)
def test_one_document_is_told_from_lines(name: str, content: bytes, *, is_one: bool) -> None:
    pieces = [content[at : at + 1000] for at in range(0, len(content), 1000)]
    assert is_one_document(name, content[: 2**16], pieces) is is_one


@pytest.mark.parametrize(
    ("content", "is_one"),
    [
        (b'{"a": 1}', True),
        (b'\n{"a": 1}{"a": 2}', True),
        (b'{"a": 1}\n', False),
        (b'{"a": 1}\n{"a": 2}', False),
        (b'{"a": 1}{"a": 2', False),
        (b'text {"a": 1}', False),
    ],
)
def test_a_log_whose_writer_is_done_may_be_documents_without_any_line_end(content: bytes, *, is_one: bool) -> None:
    assert is_one_document("a.log", content, [content], is_final=True) is is_one
    assert is_one_document("a.log", content, [content]) is False


def test_of_a_long_first_line_of_an_array_the_last_byte_tells_whether_it_goes_on() -> None:
    for last in (*range(32, 127), ord("\r")):
        content = b'[{"a": "' + b"x" * 2**16 + bytes([last]) + b"\n more"
        assert is_one_document("a.jsonl", content[: 2**16], [content]) is (last not in b"}]\r"), chr(last)


def test_objects_over_several_lines_one_after_another_are_entries_and_so_is_what_is_added(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    log = tmp_path / "app.jsonl"
    texts = [json.dumps(entry, indent=2) + "\n" for entry in _entries(exchange, 5)]
    log.write_text("".join(texts[:2]), encoding="utf-8")
    first = collect_file(log)
    assert (_ids(first), first.reading.problem) == (["c-0", "c-1"], None)
    log.write_text("".join(texts[:4]) + texts[4][:70], encoding="utf-8")
    torn = collect_file(log, known=first.records)
    assert not torn.events
    assert torn.reading.problem.reason.value == "document_not_whole"
    log.write_text("".join(texts), encoding="utf-8")
    second = collect_file(log, known=first.records)
    assert (_ids(second), second.reading.problem) == (["c-2", "c-3", "c-4"], None)
    lines = "".join(texts).count("\n")
    assert [event["line"] for event in second.events] == [lines] * 3
    log.write_text("".join(texts) + "\n \n", encoding="utf-8")
    blank = collect_file(log, known=[*first.records, *second.records])
    assert (blank.events, blank.quarantined, blank.reading.problem) == ([], [], None)


@pytest.mark.parametrize("between", ["", " ", ","])
@pytest.mark.parametrize(("name", "put"), [("firehose.gz", gzip.compress), ("firehose.json", bytes)])
def test_documents_that_ran_together_in_a_log_without_any_line_end_are_entries(
    collect_file: Any, collect: Any, exchange: Any, tmp_path: Path, *, between: str, name: str, put: Any
) -> None:
    entries = _entries(exchange, 3)
    entries[1]["request"] = {"model": "jamba-mini", "messages": [{"role": "user", "content": '"}{"a": "é'}]}
    content = between.join(json.dumps(entry, ensure_ascii=False) for entry in entries).encode()
    log = tmp_path / name
    log.write_bytes(put(content))
    collected = collect_file(log)
    assert (_ids(collected), collected.quarantined, collected.reading.problem) == (["c-0", "c-1", "c-2"], [], None)
    assert [event["event_id"] for event in collected.events] == [
        event["event_id"] for event in collect(*entries).events
    ]
    (record,) = collected.records
    assert (record.lines, record.further, record.start, record.end) == (1, 2, 0, len(content))
    assert collect_file(log, known=[record]).segments == []


def test_one_exchange_in_a_compressed_log_without_a_line_end_is_read_and_a_torn_one_waits(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    log = tmp_path / "a.log.gz"
    content = json.dumps(exchange()).encode()
    log.write_bytes(gzip.compress(content[:-1]))
    torn = collect_file(log)
    assert (torn.segments, torn.reading.pending_bytes) == ([], len(content) - 1)
    log.write_bytes(gzip.compress(content))
    assert len(collect_file(log).events) == 1
    log.write_bytes(gzip.compress(content + content[:-9] + b"}"))
    assert collect_file(log).reading.problem.reason.value == "document_not_whole"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_last_line_of_a_compressed_log_is_read_where_it_is_an_object_without_its_line_end(
    collect_file: Any, collect: Any, exchange: Any, tmp_path: Path, *, end: str
) -> None:
    entries = _entries(exchange, 5)
    lines = [json.dumps(entry) for entry in entries]
    log = tmp_path / "a.jsonl.gz"
    log.write_bytes(gzip.compress(end.join(lines[:3]).encode()))
    first = collect_file(log)
    assert (_ids(first), first.reading.pending_bytes) == (["c-0", "c-1", "c-2"], 0)
    assert [record.lines for record in first.records] == [2, 1]
    assert [event["line"] for event in first.events] == [1, 2, 3]
    assert collect_file(log, known=first.records).segments == []
    log.write_bytes(gzip.compress(end.join(lines).encode()))  # it went on all the same
    second = collect_file(log, known=first.records)
    assert (_ids(second), second.quarantined) == (["c-3", "c-4"], [])
    at_once = collect(*entries)
    found = [event["event_id"] for event in (*first.events, *second.events)]
    assert found == [event["event_id"] for event in at_once.events]


def test_a_last_line_that_is_no_object_waits_as_that_of_a_log_that_is_being_written_does(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    line = json.dumps(exchange())
    for name, put, last in (
        ("torn.gz", gzip.compress, line[:-1]),
        ("text.gz", gzip.compress, "a text"),
        ("array.gz", gzip.compress, f"[{line}]"),
        ("a.jsonl", bytes, line),
    ):
        log = tmp_path / name
        log.write_bytes(put(f"{line}\n{last}".encode()))
        collected = collect_file(log)
        assert (len(collected.events), collected.reading.pending_bytes) == (1, len(last)), name


def test_the_last_line_of_a_log_that_was_rotated_since_is_read_once_it_is_compressed(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    log = tmp_path / "a.jsonl"
    content = "\n".join(json.dumps(entry) for entry in _entries(exchange, 3)).encode()
    log.write_bytes(content)
    first = collect_file(log)
    assert _ids(first) == ["c-0", "c-1"]
    rotated = tmp_path / "a.jsonl.1.gz"
    rotated.write_bytes(gzip.compress(content))
    assert _ids(collect_file(rotated, known=first.records)) == ["c-2"]
