"""What a document, a number and a line are taken for, at the borders of each rule."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from readings import read, tokens

from pipeline.collectors import LogFormat
from pipeline.collectors.families.bedrock import answers as bedrock
from pipeline.collectors.formats.entries import lines_in
from pipeline.collectors.formats.gateways import apisix, envoy
from pipeline.collectors.formats.instants import instant_us
from pipeline.collectors.formats.tools import langfuse
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import UNREADABLE, parse
from pipeline.collectors.wrappers import wrapper_of

CHAT = "/v1/chat/completions"


@pytest.mark.parametrize(
    ("document", "is_one"),
    [
        ({"generation": "a", "prompt_token_count": 1}, True),
        ({"generation": "a", "generation_token_count": 1}, True),
        ({"generation": "a"}, False),
        ({"prompt_token_count": 1, "generation_token_count": 1}, False),
    ],
)
def test_llama_is_known_by_a_generation_and_either_count(document: dict[str, Any], *, is_one: bool) -> None:
    assert bedrock.recognises_llama(document) is is_one


@pytest.mark.parametrize(
    ("more", "is_one"),
    [
        ({"x-envoy-origin-path": "/x"}, True),
        ({"gen_ai.usage.input_tokens": 1, "other": 2}, True),
        ({"other": 2}, False),
        ({}, False),
    ],
)
def test_envoy_is_known_by_one_name_of_its_gateway_among_others(more: dict[str, Any], *, is_one: bool) -> None:
    assert envoy.recognises({"start_time": "t", "response_code": 200} | more) is is_one
    for needed in ("start_time", "response_code"):
        assert not envoy.recognises({needed: 1} | more)


def test_observations_are_known_alone_and_in_a_page() -> None:
    observation = {"type": "GENERATION", "traceId": "t", "startTime": "s"}
    for document in (observation, {"data": [observation]}, {"data": [observation, 7]}):
        assert langfuse.recognises(document)
    for document in ({"date": [observation]}, {"data": []}, {"data": [7]}, {"data": observation}):
        assert not langfuse.recognises(document)


@pytest.mark.parametrize(("method", "count"), [("POST", 1), ("GET", 0), (None, 1)])
def test_a_line_of_apisix_is_about_a_model_where_somebody_posted(method: str | None, count: int) -> None:
    line = {
        "start_time": 1,
        "apisix_latency": 1,
        "request": {"uri": CHAT, "method": method},
        "response": {"status": 200, "body": ""},
        "client_ip": "::1",
        "upstream": "",
    }
    if apisix.recognises(line):
        assert len(apisix.entries(line)) == count
    assert apisix.recognises(line)


@pytest.mark.parametrize(
    ("model", "is_apart"),
    [
        ("sonar-reasoning", True),
        ("perplexity/sonar-reasoning", True),
        ("Perplexity/Sonar", True),
        ("other/sonar", False),
        ("jamba-sonar", False),
    ],
)
def test_reasoning_above_its_completion_is_apart_where_the_model_is_one_of_perplexitys(
    model: str, *, is_apart: bool
) -> None:
    body = {
        "object": "chat.completion",
        "model": model,
        "choices": [{"index": 0, "message": {"content": "a"}}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 9}},
    }
    if is_apart:
        assert tokens(body, path=CHAT) == (5, 11, None, None, 9)
        assert read(body, path=CHAT).dialect == "openai-chat/reasoning-apart"
    else:
        with pytest.raises(LineRefused):
            read(body, path=CHAT)


FIRST_S, LAST_S = 946_684_800, 4_102_444_800
"""The first second of 2000, and the first of 2100, since 1970."""


@pytest.mark.parametrize("unit", [1, 1_000, 1_000_000])
def test_a_number_is_an_instant_from_2000_to_2099_in_seconds_and_parts_of_them(unit: int) -> None:
    for value, found in (
        (FIRST_S * unit, FIRST_S * 10**6),
        ((LAST_S - 1) * unit, (LAST_S - 1) * 10**6),
    ):
        assert instant_us(value, "ts") == instant_us(Decimal(value), "ts") == found


@pytest.mark.parametrize("value", [FIRST_S - 1, LAST_S, LAST_S * 1_000, LAST_S * 10**6, 0, -1])
def test_a_number_beyond_these_years_is_no_instant(value: int) -> None:
    with pytest.raises(LineRefused):
        instant_us(value, "ts")


@pytest.mark.parametrize(
    ("digits", "is_read"),
    [
        ("9" * 308, True),
        ("1" + "0" * 308, True),
        ("-1" + "0" * 308, True),
        ("2" + "0" * 308, False),
        ("9" * 309, False),
    ],
)
def test_a_whole_number_is_read_up_to_the_largest_double(digits: str, *, is_read: bool) -> None:
    assert parse(f"[{digits}]") == [int(digits) if is_read else UNREADABLE]


def test_what_a_logger_wrapped_is_known_by_the_first_eight_lines_that_say_anything() -> None:
    wrapped = json.dumps({"log": "x\n", "stream": "stdout", "time": "2026-09-01T12:00:00Z"}).encode()
    for before, is_known in ((0, True), (7, True), (8, False), (20, False)):
        found = wrapper_of(b"no line\n\n \n" * before + wrapped + b"\n")
        assert (found is not None) is is_known


@pytest.mark.parametrize(
    ("document", "is_line"),
    [
        ({"time": "2026-09-01T12:00:00Z", "who": "key_1"}, True),
        ({"time": "2026-09-01T12:00:00Z", "key": "sk-1"}, True),
        ({"time": "2026-09-01T12:00:00Z"}, False),
        ({"who": "key_1"}, False),
    ],
)
def test_a_document_with_a_time_and_a_key_is_a_line_whatever_it_holds(
    document: dict[str, Any], *, is_line: bool
) -> None:
    held = {"time": "2026-09-01T13:00:00Z", "who": "key_2"}
    log_format = LogFormat(fields={"ts": "time", "api_key_id": "who", "api_key": "key"})
    whole = document | {"log": json.dumps(held), "date": 1}
    (entry,) = lines_in(whole, log_format)
    assert entry.document == (whole if is_line else held)
