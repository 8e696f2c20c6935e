"""Logs that nginx itself wrote, by the configurations of ``docs/sources.md``.

``nginx_1_22_*.jsonl`` were written by nginx 1.22.1 with lua-nginx-module 0.10.23, in front of a server that answered a
chat completion, a stream, a refusal, an embedding and a list of models: with bodies, with counts alone, and with bodies
by a ``log_format`` that lacks ``escape=json``.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.gateways import nginx
from pipeline.collectors.formats.gateways.nginx_escapes import unescaped

WRITTEN = {
    name: Path(__file__).with_name(f"nginx_1_22_{name}.jsonl").read_bytes().splitlines()
    for name in ("bodies", "counts", "without_escape_json")
}


def test_what_nginx_wrote_is_recognised() -> None:
    assert {
        found.name
        for name in ("bodies", "counts")
        for line in WRITTEN[name]
        if (found := format_of(json.loads(line))) is not None
    } == {"nginx"}


def events(collected: Any, *names: str) -> list[tuple[Any, ...]]:
    return [tuple(event[name] for name in names) for event in collected.events]


COUNTS = ("prompt_tokens", "completion_tokens", "prompt_cached_tokens")


@pytest.mark.parametrize("name", WRITTEN)
def test_its_usage_is_billed_whatever_it_was_told_to_write(name: str, collect: Any) -> None:
    collected = collect(*WRITTEN[name])
    assert collected.quarantined == []
    assert events(collected, "status", "http_status", "api_key_id", *COUNTS) == [
        ("measured", 200, "key_a", 40, 5, 30),
        ("measured", 200, "key_a", 40, 5, 30),
        ("failed", 429, "key_a", None, None, None),
        ("measured", 200, "key_a", 8, 0, None),
    ]
    assert events(collected, "model_reported", "response_id")[:2] == [
        ("jamba-large", "chatcmpl-1"),
        ("jamba-large", "chatcmpl-2"),
    ]


def test_escapes_of_nginx_stand_for_the_same_line() -> None:
    for written, whole in zip(WRITTEN["without_escape_json"], WRITTEN["bodies"], strict=True):
        text = unescaped(written)
        assert text is not None
        assert json.loads(text) == {
            name: value or ("-" if name == "request_body" else "") for name, value in json.loads(whole).items()
        }


@pytest.mark.parametrize(
    "line",
    [
        rb'{"body": "{\"id\": 7}"}',
        rb'{"body": "\x22 \n"}',
        rb'{"body": "\x2"}',
        rb'{"body": "\xff"}',
        rb"{}",
    ],
)
def test_escapes_that_nginx_does_not_write_stand_for_nothing(line: bytes) -> None:
    assert unescaped(line) is None


def test_a_line_with_escapes_of_others_is_quarantined(collect: Any) -> None:
    assert collect(rb'{"ts": "\x22 \n"}').refusal == ("invalid_json", "the line is not one JSON document")


@pytest.mark.parametrize("odd", [rb"\xFF", rb"\xC3", b"\xff", rb"\xED\xA0\x80"])
def test_bytes_of_a_caller_that_are_no_utf8_hide_nothing_however_nginx_writes_them(collect: Any, odd: bytes) -> None:
    line = {
        "msec": "1793700006.250",
        "status": "200",
        "request_method": "POST",
        "request_uri": "/v1/chat/completions?ODD",
        "http_user_agent": "ODD",
        "api_key_id": "key_a",
        "llm_model": "jamba-large",
        "llm_usage": json.dumps({"prompt_tokens": 40, "completion_tokens": 5}),
    }
    written = json.dumps(line).encode().replace(b"ODD", odd)
    written = written.replace(rb"\"", rb"\x22") if odd.startswith(b"\\") else written
    assert collect(written).tokens[:2] == (40, 5)


def test_a_request_log_with_escapes_of_nginx_is_read_and_teaches_nothing(collect: Any) -> None:
    body = {"id": "chatcmpl-%d", "choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 5}}
    escaped = json.dumps(body).replace('"', "\\x22")
    lines = [
        f'{{"ts": 179579684{number % 10}.5, "api_key_id": "key_a", "response": "{escaped % number}"}}'.encode()
        for number in range(50)
    ]
    collected = collect(*lines)
    assert collected.quarantined == []
    assert events(collected, "response_id", *COUNTS[:2]) == [(f"chatcmpl-{number}", 40, 5) for number in range(50)]


def entry(**fields: Any) -> dict[str, Any]:
    """What becomes of a line about a completion."""
    line = {"time_local": "27/Nov/2026:16:00:00 +0000", "status": 200, "llm_model": "jamba-large"} | fields
    (found,) = nginx.entries(line)
    return found


def test_the_path_and_method_of_a_line_come_before_those_of_its_request_line() -> None:
    stated = "POST /v1/chat/completions?a=1 HTTP/1.1"
    for fields, method, path in (
        ({"request": stated}, "POST", "/v1/chat/completions?a=1"),
        ({"request": stated, "request_method": "PUT"}, "PUT", "/v1/chat/completions?a=1"),
        ({"request": stated, "uri": "/v1/messages"}, "POST", "/v1/messages"),
        ({"request": stated, "uri": "/u", "request_uri": "/v1/messages"}, "POST", "/v1/messages"),
    ):
        found = entry(**fields)
        assert (found["request_method"], found["request_uri"]) == (method, path)
    for none in ("POST", 7, None, "POST  /v1"):
        assert "request_uri" not in entry(request=none)


@pytest.mark.parametrize(
    ("fields", "arrived_us"),
    [
        ({}, 1_795_795_200_000_000),
        ({"request_time": "0.250"}, 1_795_795_199_750_000),
        ({"request_time": 2}, 1_795_795_198_000_000),
        ({"time_local": "27/Nov/2026:16:00:00 +0130", "request_time": "0"}, 1_795_789_800_000_000),
        ({"time_local": "27/Jan/2026:16:00:00 +0000"}, 1_769_529_600_000_000),
        ({"time_local": "27/Dec/2026:16:00:00 +0000"}, 1_798_387_200_000_000),
        *(({"request_time": taken}, None) for taken in ("soon", "NaN", "sNaN", "-Infinity", "1e300000")),
        ({"time_local": "27/Nop/2026:16:00:00 +0000"}, None),
        ({"time_local": "yesterday"}, None),
        ({"time_local": ""}, None),
    ],
)
def test_a_request_arrived_when_it_was_logged_less_the_time_it_took(
    fields: dict[str, Any], arrived_us: int | None
) -> None:
    assert entry(**fields).get("arrived_at") == arrived_us


@pytest.mark.parametrize(
    ("fields", "is_about"),
    [
        ({"uri": "/v1/chat/completions"}, True),
        ({"request_uri": "/v1/chat/completions?a=1"}, True),
        ({"request_uri": "/v1/chat/completions", "uri": "/health"}, True),
        ({"request_uri": "/health", "uri": "/v1/chat/completions"}, False),
        ({"request_uri": "/health", "llm_model": "jamba-large"}, True),
        ({"request_uri": "/health", "llm_usage": '{"prompt_tokens": 1}'}, True),
        ({"request_uri": "/health"}, False),
        ({"uri": "/ask", "resp_body": '{"choices": [{"message": {}}]}'}, True),
        ({"uri": "/ask", "response_body": '{"choices": [{"message": {}}]}'}, True),
        ({"uri": "/ask", "response_body": '{"weather": "fine"}'}, False),
    ],
)
def test_a_line_is_about_a_model_where_its_path_its_answer_or_the_log_says_so(
    fields: dict[str, Any], *, is_about: bool
) -> None:
    line = {"time_local": "27/Nov/2026:16:00:00 +0000", "status": 200, "request_method": "POST"} | fields
    assert len(nginx.entries(line)) == is_about
