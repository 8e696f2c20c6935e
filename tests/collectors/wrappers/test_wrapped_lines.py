"""Lines in the wrapper of a logger: taken off, and what was split is joined, wherever a run or a segment ends."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors import KeyFingerprint, LogFormat, read_again, read_log
from pipeline.collectors.wrappers import WRAPPERS, wrapper, wrapper_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PART_BYTES = 400


def _entry(written: str, stream: str = "stdout") -> str:
    entry = {"log": written, "stream": stream, "time": "2026-09-01T12:00:00.1Z"}
    return json.dumps(entry, separators=(",", ":")) + "\n"


def docker(line: str, stream: str = "stdout") -> list[str]:
    """Return the entries that Docker makes of a line, with a limit on their parts that suits a test."""
    parts = [line[at : at + PART_BYTES] for at in range(0, len(line), PART_BYTES)] or [""]
    return [_entry(part, stream) for part in parts[:-1]] + [_entry(parts[-1] + "\n", stream)]


def _line(exchange: Any, number: int, padding: int = 0) -> str:
    body = exchange()["response"] | {"id": f"c-{number}"}
    return json.dumps(exchange(request_id=f"r-{number}", response=body) | {"note": "x" * padding})


def _ids(collected: Any) -> list[str]:
    return [event["response_id"] for event in collected.events]


def test_lines_in_a_container_log_are_the_events_of_the_bare_log(collect: Any, exchange: Any) -> None:
    lines = [_line(exchange, number, 1000 * (number % 3)) for number in range(6)]
    bare = collect(*lines)
    wrapped = collect(*("".join(docker(line)).rstrip("\n") for line in lines))
    places = {"line", "byte_start", "byte_end"}
    assert [{name: event[name] for name in event.keys() - places} for event in wrapped.events] == [
        {name: event[name] for name in event.keys() - places} for event in bare.events
    ]
    (record,) = wrapped.records
    assert (record.joined, record.further, record.blank) == (record.lines - 6, 0, 0)
    assert record.joined > 6


def test_an_event_of_several_lines_lies_from_the_first_to_the_last_of_them(collect: Any, exchange: Any) -> None:
    entries = docker(_line(exchange, 1, 700))
    assert len(entries) > 2
    (event,) = collect("".join(entries).rstrip("\n")).events
    assert (event["line"], event["byte_start"]) == (len(entries), 0)
    assert event["byte_end"] == len("".join(entries))


def test_parts_of_two_streams_may_alternate(collect: Any, exchange: Any) -> None:
    out, err = docker(_line(exchange, 1, 900)), docker(_line(exchange, 2, 300), "stderr")
    assert len(out) > len(err) > 1
    mixed = [*(entry for pair in zip(out, err, strict=False) for entry in pair), *out[len(err) :]]
    collected = collect("".join(mixed).rstrip("\n"))
    assert sorted(_ids(collected)) == ["c-1", "c-2"]
    assert not collected.quarantined


def test_what_a_program_writes_beside_its_log_says_nothing_and_a_torn_line_is_quarantined(
    collect: Any, exchange: Any
) -> None:
    beside = ["listening on :8080", "", 'said "hello: world"', "{curly} text"]
    torn = _line(exchange, 2)[200:]
    entries = [entry for line in [*beside, _line(exchange, 1), torn] for entry in docker(line)]
    collected = collect("".join(entries).rstrip("\n"))
    assert _ids(collected) == ["c-1"]
    assert [row["reason"] for row in collected.quarantined] == ["invalid_json"]
    assert collected.records[0].blank == len(beside)


def test_who_is_killed_while_it_writes_does_not_cost_the_line_after_it(collect: Any, exchange: Any) -> None:
    killed = docker(_line(exchange, 1, 900))[:2]
    collected = collect("".join([*killed, *docker(_line(exchange, 2, 900))]).rstrip("\n"))
    assert _ids(collected) == ["c-2"]
    assert [(row["line"], row["api_key_id"]) for row in collected.quarantined] == [(2, "key_1")]


def test_a_line_beyond_the_cap_is_quarantined_once_with_its_key(collect: Any, exchange: Any) -> None:
    entries = [*docker(_line(exchange, 1, 5000)), *docker(_line(exchange, 2))]
    collected = collect("".join(entries).rstrip("\n"), line_bytes_max=3000)
    assert _ids(collected) == ["c-2"]
    (row,) = collected.quarantined
    assert (row["reason"], row["api_key_id"]) == ("line_too_long", "key_1")


def test_parts_without_an_end_are_held_in_bounded_memory_and_cost_no_other_line(collect: Any, exchange: Any) -> None:
    parts = [_entry("y" * PART_BYTES, "stderr") for _ in range(40)]
    lines = [entry for number in range(40) for entry in docker(_line(exchange, number))]
    collected = collect("".join([*parts, *lines]).rstrip("\n"), line_bytes_max=4000)
    assert _ids(collected) == [f"c-{number}" for number in range(40)]


def test_a_line_whose_last_part_has_not_come_is_read_when_it_comes(
    collect_file: Any, exchange: Any, tmp_path: Path
) -> None:
    log = tmp_path / "app.log"
    entries = [*docker(_line(exchange, 1)), *docker(_line(exchange, 2, 900))]
    log.write_text("".join(entries[:-1]), encoding="utf-8")
    first = collect_file(log)
    assert _ids(first) == ["c-1"]
    assert first.reading.pending_bytes == len("".join(entries[len(docker(_line(exchange, 1))) : -1]))
    log.write_text("".join(entries), encoding="utf-8")
    second = collect_file(log, known=first.records)
    assert _ids(second) == ["c-2"]
    assert second.reading.pending_bytes == 0
    assert second.records[0].start == first.records[0].end


@pytest.mark.long
@given(seed=st.integers(0, 2**32))
def test_wherever_runs_and_segments_end_the_same_is_read(seed: int, tmp_path_factory: Any) -> None:
    chance = random.Random(seed)
    open_parts: dict[str, list[str]] = {"stdout": [], "stderr": []}
    made: list[str] = []
    entries: list[str] = []
    while len(made) < 12 or any(open_parts.values()):
        stream = chance.choice(("stdout", "stderr"))
        if not open_parts[stream] and len(made) < 12:
            made.append(f"c-{len(made)}")
            line = {"ts": 1_788_264_000, "api_key_id": "k", "status": 200, "response": {"id": made[-1], "choices": []}}
            open_parts[stream] = docker(json.dumps(line | {"note": "z" * chance.choice((0, 500, 900))}), stream)
        if open_parts[stream]:
            entries.append(open_parts[stream].pop(0))
    log = tmp_path_factory.mktemp("log") / "app.log"
    known: list[Any] = []
    found: list[str] = []
    for end in [*sorted(chance.sample(range(1, len(entries)), 3)), len(entries)]:
        log.write_text("".join(entries[:end]), encoding="utf-8")
        for segment in _segments(log, known, segment_events_max=chance.randrange(1, 5)):
            assert segment.record.is_balanced
            assert not segment.quarantined.num_rows
            known.append(segment.record)
            found += segment.events["response_id"].to_pylist()
    assert sorted(found) == sorted(made)
    assert sum(record.lines for record in known) == len(entries)
    for record in known:
        again = read_again(log, record, name="app", log_format=LogFormat(), fingerprint=_fingerprint)
        assert again is not None
        assert replace(again.record, file_size=record.file_size) == record


def _segments(log: Path, known: Sequence[Any], **options: Any) -> list[Any]:
    return list(
        read_log(
            log, source="app.log", name="app", log_format=LogFormat(), fingerprint=_fingerprint, known=known, **options
        )
    )


_fingerprint = KeyFingerprint(secret=b"a secret of thirty-two bytes, ok!")


@pytest.mark.parametrize(
    "fields", [{}, {"log": "x"}, {"log": "x", "time": "2026-09-01T12:00:00Z", "stream": "stdout"}], ids=len
)
def test_no_line_of_a_request_log_is_taken_for_wrapped(fields: dict[str, str], exchange: Any) -> None:
    line = json.dumps(exchange(**fields)).encode() + b"\n"
    assert wrapper_of(line) is None
    assert [wrapper.name for wrapper in WRAPPERS if wrapper.unwrap(line) is not None] == []


def test_what_stands_before_lines_is_compiled_where_a_line_is_no_object(
    exchange: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bytes] = []
    monkeypatch.setattr(wrapper.re, "match", lambda before, _: asked.append(before))
    objects = (json.dumps(exchange()).encode() + b"\n") * 9
    assert wrapper_of(objects) is None
    assert asked == []
    assert wrapper_of(b"serving\n" + objects) is None
    assert asked
