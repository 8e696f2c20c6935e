"""Lines that a collector of OpenTelemetry read from files: the exchanges are those of the file."""

from __future__ import annotations

import json
from typing import Any

import pytest

FILE = {"log.file.name": "app.log", "log.file.path": "/var/log/app.log"}
OF_CONTAINER = {"log.iostream": "stdout", "logtag": "F", "time": "2026-10-01T00:00:00Z", "k8s.pod.name": "gateway-0"}
PLACES = {"line", "byte_start", "byte_end"}


def any_value(value: Any) -> dict[str, Any]:
    """Return a value as the collector writes it, which parses numbers as floating ones."""
    if isinstance(value, dict):
        return {"kvlistValue": {"values": pairs(value)}}
    if isinstance(value, list):
        return {"arrayValue": {"values": [any_value(each) for each in value]}}
    kind = "boolValue" if isinstance(value, bool) else "doubleValue" if isinstance(value, int) else "stringValue"
    return {} if value is None else {kind: value}


def pairs(members: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": any_value(value)} for key, value in members.items()]


def record(body: Any, attributes: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"timeUnixNano": "1790812800000000000", "body": any_value(body), "attributes": pairs(attributes or FILE)}


def batch(*records: Any) -> dict[str, Any]:
    return {"resourceLogs": [{"resource": {"attributes": []}, "scopeLogs": [{"scope": {}, "logRecords": [*records]}]}]}


@pytest.mark.parametrize("attributes", [FILE, OF_CONTAINER, {"log.file.name": "a", "stream": "stdout"}])
@pytest.mark.parametrize("is_parsed", [False, True])
def test_lines_in_bodies_are_those_of_the_file(
    collect: Any, exchange: Any, *, attributes: dict[str, Any], is_parsed: bool
) -> None:
    lines = [exchange(request_id=f"r{at}", response=exchange()["response"] | {"id": f"c{at}"}) for at in range(3)]
    bodies = lines if is_parsed else [json.dumps(line) for line in lines]
    records = [record("listening", attributes), *(record(body, attributes) for body in bodies)]
    ours, theirs = collect(*lines), collect(batch(*records[:2]), batch(*records[2:]))
    assert not theirs.quarantined
    assert [{name: event[name] for name in event.keys() - PLACES} for event in theirs.events] == [
        {name: event[name] for name in event.keys() - PLACES} for event in ours.events
    ]


def test_an_exchange_beside_a_line_is_one_as_well(collect: Any, exchange: Any) -> None:
    event = {
        "gen_ai.operation.name": "chat",
        "gen_ai.usage.input_tokens": 7,
        "gen_ai.usage.output_tokens": 2,
        "api_key_id": "key_2",
    }
    counts = [{"key": name, "value": {"intValue": str(value)}} for name, value in event.items() if type(value) is int]
    named = pairs({name: value for name, value in event.items() if isinstance(value, str)})
    details = {"eventName": "gen_ai.client.inference.operation.details", "attributes": counts + named}
    details |= {"timeUnixNano": "1790812800000000000", "traceId": "0" * 31 + "1", "spanId": "0" * 15 + "1"}
    collected = collect(batch(details, record(json.dumps(exchange())), record("up")))
    assert [(each["api_key_id"], each["prompt_tokens"]) for each in collected.events] == [("key_1", 10), ("key_2", 7)]
    assert not collected.quarantined


def test_a_line_of_another_format_is_found_in_a_body(collect: Any) -> None:
    line = {
        "call_type": "acompletion",
        "startTime": 1_793_700_001,
        "status": "success",
        "metadata": {"user_api_key_hash": "key_a"},
        "response": {"choices": [{"message": {"content": "."}}], "usage": {"prompt_tokens": 4, "completion_tokens": 2}},
    }
    for body in (line, json.dumps(line)):
        event = collect(batch(record(body))).event
        assert (event["api_key_id"], event["prompt_tokens"], event["completion_tokens"]) == ("key_a", 4, 2)


@pytest.mark.parametrize("is_parsed", [False, True])
@pytest.mark.parametrize("attributes", [FILE | {"level": "info"}, FILE | {"user": "u"}])
def test_a_body_beside_what_a_program_said_is_no_line_and_is_told(
    collect: Any, exchange: Any, *, attributes: dict[str, Any], is_parsed: bool
) -> None:
    """A caller's text may have been put there from a field of the program's."""
    forged = exchange(api_key_id="key_of_somebody_else")
    body = forged if is_parsed else json.dumps(forged)
    collected = collect(batch(record(body, attributes), record("up", attributes), record({"a": 1}, attributes)))
    assert collected.events == []
    (row,) = collected.quarantined
    assert (row["reason"], row["api_key_id"]) == ("invalid_field", None)


@pytest.mark.parametrize(
    "odd",
    [
        {"body": 5},
        {"attributes": 5},
        {"attributes": []},
        {"attributes": [5]},
        {"attributes": [{"key": ["log.file.name"], "value": {"stringValue": "a"}}]},
        {"body": {"kvlistValue": {"values": [{"key": "n", "value": {"intValue": "--5"}}]}}},
        {"body": {"kvlistValue": {"values": [{"key": "n", "value": {"intValue": "9" * 5000}}]}}},
        {"body": {}},
        {"body": {"stringValue": 5}},
        {"body": {"kvlistValue": 5}},
        {"body": {"stringValue": '["a"]'}},
        {"body": {"stringValue": ""}},
    ],
    ids=str,
)
def test_what_is_no_line_of_a_file_says_nothing(collect: Any, exchange: Any, odd: Any) -> None:
    collected = collect(batch(record(json.dumps(exchange())) | odd))
    assert collected.events == []


def test_a_torn_line_is_quarantined_and_costs_no_other(collect: Any, exchange: Any) -> None:
    whole = json.dumps(exchange())
    collected = collect(batch(record(whole[:-9]), record(whole)))
    assert [event["api_key_id"] for event in collected.events] == ["key_1"]
    assert [row["reason"] for row in collected.quarantined] == ["invalid_json"]


@pytest.mark.parametrize("mapped", [{}, {"ts": "at"}], ids=["as it is", "mapped"])
def test_a_line_of_a_request_log_holds_no_records_whatever_else_is_in_it(
    collect: Any, exchange: Any, mapped: dict[str, str]
) -> None:
    """So the kernel need not look for them in what it reads."""
    lines = [exchange(request_id=f"r{at}", response=exchange()["response"] | {"id": f"c{at}"}) for at in range(2)]
    forged = batch(record(json.dumps(exchange(api_key_id="key_of_somebody_else"))))
    named = [{mapped.get(name, name): value for name, value in line.items()} for line in lines]
    collected = collect(*(line | forged for line in named), fields=mapped)
    assert [event["api_key_id"] for event in collected.events] == ["key_1", "key_1"]
    assert not collected.quarantined
