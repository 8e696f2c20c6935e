"""No raw key, no prompt and no completion text leaves the collector, whatever is wrong with a line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from pipeline.base.errors import ConfigurationError
from pipeline.collectors import LogFormat, read_log
from pipeline.collectors.logs import line_blocks
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from pathlib import Path

CANARY = "canary-9f3a"
"""Allowed in every field as far as its characters go, so that only the rule that nothing is copied keeps it out."""


def _poisoned(exchange: Any) -> list[str]:
    """Lines with the canary as key, prompt and completion, each spoiled in another way."""
    line = exchange(
        api_key_id=...,
        api_key=CANARY,
        user=CANARY,
        request={"model": "jamba-large", "messages": [{"role": "user", "content": CANARY}]},
    )
    line["response"]["choices"][0]["message"]["content"] = CANARY
    text = json.dumps(line)
    body = line["response"]
    stream = f'data: {{"choices": [{{"delta": {{"content": "{CANARY}"}}}}]}}\n\n'
    changes: list[dict[str, Any]] = [
        {"ts": CANARY + " "},
        {"status": CANARY},
        {"request_id": CANARY + " " * 256},
        {"request": {"model": CANARY + "\u00fc" * 64}},
        {"request": CANARY},
        {"request": {"n": CANARY}},
        {"method": [CANARY]},
        {"path": f"/{CANARY}?key={CANARY}"},
        {"host": CANARY},
        {"response": [CANARY]},
        {"response": CANARY},
        {"response": stream},
        {"response": stream + f"error: {CANARY}\n\n"},
        {"response": stream + "data: {" + CANARY},
        {"response": body | {"id": CANARY + " " * 256}},
        {"response": body | {"model": CANARY + " " * 128}},
        {"response": body | {"usage": CANARY}},
        {"response": body | {"usage": {"prompt_tokens": CANARY, "completion_tokens": 1}}},
        {"response": body | {"error": CANARY, "usage": None}},
        {"response": json.dumps(body)[:-9]},
        {"status": 500},
    ]
    spoiled = [json.dumps(line | change) for change in changes]
    return [
        *spoiled,
        text,
        text[:-1],
        text + CANARY,
        f'"{CANARY}"',
        text[:-1] + f', "ts": "{CANARY}"}}',
        text[:-1] + f', "{CANARY}": NaN}}',
        text[:-1] + f', "{CANARY}": {"[" * 70}{"]" * 70}}}',
        text[:-1] + f', "{CANARY}": {"[" * 70}',
        text[:-1] + f', "{CANARY}": 1, "{CANARY}": 2, "status": 1, "status": 2}}',
        "x" * 3000 + CANARY,
    ]


def test_the_canary_is_in_no_table_no_record_and_no_report(exchange: Any, collect: Any) -> None:
    collected = collect(*_poisoned(exchange), CANARY.encode() + b"\xff", line_bytes_max=2500)
    assert len(collected.events) > 5
    assert len({row["reason"] for row in collected.quarantined}) == 7
    written = repr((collected.events, collected.quarantined, collected.records, collected.reading.problem))
    assert CANARY not in written
    sink = pa.BufferOutputStream()
    for segment in collected.segments:
        for table in (segment.events, segment.quarantined):
            with pa.ipc.new_stream(sink, table.schema) as writer:
                writer.write_table(table)
    assert CANARY.encode() not in sink.getvalue().to_pybytes()


def test_each_spoiled_line_alone_keeps_the_canary_in(exchange: Any, collect: Any) -> None:
    for line in _poisoned(exchange):
        collected = collect(line)
        assert CANARY not in repr((collected.events, collected.quarantined, collected.records)), line


def test_a_raw_key_without_a_secret_ends_the_reading_and_the_message_is_not_ours(
    exchange: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line_blocks, "_BLOCK_BYTES_MAX", 1)  # what is decoded at once is one line
    log = tmp_path / "app.jsonl"
    log.write_text(json.dumps(exchange()) + "\n" + json.dumps(exchange(api_key_id=..., api_key=CANARY)) + "\n")

    def refuse(_raw: str) -> str:
        message = "no secret for key fingerprints"
        raise ConfigurationError(message)

    reading = read_log(log, source="s", name="n", log_format=LogFormat(), fingerprint=refuse, segment_events_max=1)
    assert next(reading).record.lines == 1
    with pytest.raises(ConfigurationError, match="no secret") as caught:
        next(reading)
    assert CANARY not in "".join(map(str, caught.value.args))


def test_key_ids_never_need_the_secret(exchange: Any, tmp_path: Path) -> None:
    log = tmp_path / "app.jsonl"
    log.write_text(json.dumps(exchange(api_key=CANARY)) + "\n")

    def never(_raw: str) -> str:
        raise AssertionError

    (segment,) = read_log(log, source="s", name="n", log_format=LogFormat(), fingerprint=never)
    assert segment.events["api_key_id"].to_pylist() == ["key_1"]


def test_the_tables_have_the_schemas_of_the_lake(exchange: Any, collect: Any) -> None:
    (segment,) = collect(exchange(), "nonsense").segments
    assert segment.events.schema == USAGE_EVENTS
    assert segment.quarantined.schema == QUARANTINE
    assert segment.events.validate(full=True) is None
