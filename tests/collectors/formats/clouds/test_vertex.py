"""Rows of Vertex AI's request-response logging, as a public sample has them, and what each of them bills."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.collectors.formats.clouds import vertex
from pipeline.collectors.formats.found import by_name, format_of

USAGE = {
    "billablePromptUsage": {"textCount": 11},
    "promptTokenCount": 3,
    "candidatesTokenCount": 29,
    "thoughtsTokenCount": 901,
    "totalTokenCount": 933,
    "trafficType": "ON_DEMAND",
}
ANSWER: dict[str, Any] = {
    "candidates": [{"finishReason": "STOP", "content": {"role": "model", "parts": [{"text": "Hello there!"}]}}],
    "createTime": "2026-11-03T10:00:01.034753Z",
    "modelVersion": "gemini-2.5-pro",
    "responseId": "y0S_aMGPArCYqsMPntGNyA4",
    "usageMetadata": USAGE,
}
IN_SNAKE_CASE = {
    "candidates": [{"finish_reason": "STOP", "content": {"parts": [{"text": "Hello there!"}]}}],
    "create_time": "2026-11-03T10:00:01.034753Z",
    "model_version": "gemini-2.5-pro",
    "response_id": "y0S_aMGPArCYqsMPntGNyA4",
    "usage_metadata": {
        "prompt_token_count": 3,
        "candidates_token_count": 29,
        "thoughts_token_count": 901,
        "total_token_count": 933,
        "traffic_type": "ON_DEMAND",
    },
}
CHUNKS = [
    {"candidates": [{"content": {"parts": [{"text": "Hello"}]}}], "usageMetadata": {"promptTokenCount": 3}},
    ANSWER | {"usageMetadata": USAGE},
]
MESSAGE = {
    "id": "msg_vrtx_1",
    "type": "message",
    "model": "haiku",
    "content": [{"type": "text", "text": "Hi."}],
    "usage": {"input_tokens": 3, "cache_read_input_tokens": 70, "output_tokens": 13},
}


def row(**fields: Any) -> dict[str, Any]:
    """Return a row; keywords replace fields, ``...`` leaves one out."""
    line = {
        "endpoint": "",
        "deployed_model_id": "",
        "logging_time": "2026-11-03T10:00:12.248000Z",
        "request_id": "5374205265901353984",
        "request_payload": ["Hello world!"],
        "response_payload": ["Hello there!"],
        "model": "publishers/google/models/gemini-2.5-pro",
        "model_version": "default",
        "api_method": "GenerateContent",
        "full_request": {"contents": [{"parts": [{"text": "Hello world!"}]}], "labels": {"api_key_id": "key_1"}},
        "full_response": ANSWER,
        "metadata": {"request_latency": 11225.994},
    } | fields
    return {name: value for name, value in line.items() if value is not ...}


def test_a_row_is_the_event_that_a_request_log_of_it_would_be(collect: Any) -> None:
    line = {
        "ts": "2026-11-03T10:00:01.034753Z",
        "api_key_id": "key_1",
        "request_id": "5374205265901353984",
        "path": "/v1/models/gemini-2.5-pro:generateContent",
        "request": {"model": "gemini-2.5-pro", "stream": False},
        "response": ANSWER,
    }
    ours, theirs = collect(line).event, collect(row()).event
    for name in ("byte_end", "byte_start"):
        ours.pop(name), theirs.pop(name)
    assert ours == theirs
    assert (theirs["status"], theirs["prompt_tokens"], theirs["completion_tokens"]) == ("measured", 3, 930)
    assert (theirs["reasoning_tokens"], theirs["service_tier"]) == (901, "ON_DEMAND")


@pytest.mark.parametrize(
    "answer",
    [
        *(IN_SNAKE_CASE, json.dumps(ANSWER), [ANSWER], CHUNKS, json.dumps(CHUNKS)),
        "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in CHUNKS),
    ],
)
def test_an_answer_is_read_however_it_is_logged_and_a_stream_by_what_it_says_last(collect: Any, answer: Any) -> None:
    plain = collect(row()).event
    for method in ("StreamGenerateContent", "streamGenerateContent"):
        event = collect(row(full_response=answer, api_method=method)).event
        assert event["event_id"] == plain["event_id"]
        counts = [event[name] for name in ("status", "prompt_tokens", "completion_tokens", "reasoning_tokens")]
        assert counts == ["measured", 3, 930, 901]


def test_bodies_as_texts_say_whose_call_it_was_and_when(collect: Any) -> None:
    texts = row(full_request=json.dumps(row()["full_request"]), full_response=json.dumps(ANSWER))
    plain, event = collect(row()).event, collect(texts).event
    for name in ("api_key_id", "occurred_at", "event_id"):
        assert event[name] == plain[name]


def test_a_model_of_a_partner_is_read_by_its_family(collect: Any) -> None:
    asked = {"messages": [], "anthropic_version": "vertex-2023-10-16"}
    fields = {"api_key_id": {"value": "app"}}
    line = row(
        full_response=MESSAGE, full_request=asked, api_method="rawPredict", model="publishers/anthropic/models/h"
    )
    event = collect(line, format="vertex", fields=fields).event
    assert (event["dialect"], event["prompt_tokens"], event["prompt_cached_tokens"]) == ("anthropic", 73, 70)
    assert (event["model_requested"], event["model_reported"], event["stream"]) == ("h", "haiku", False)


def test_a_row_without_an_answer_is_unknown_and_one_with_an_error_failed(collect: Any) -> None:
    for answer in (None, {}):
        assert collect(row(full_response=answer)).event["status"] == "unknown"
    error = {"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}}
    assert collect(row(full_response=error)).event["status"] == "failed"


@pytest.mark.parametrize(
    "written", ["2026-11-03 10:00:12.248000 UTC", "2026-11-03 10:00:12.248", "2026-11-03T10:00:12.248Z"]
)
def test_without_its_creation_a_call_is_of_the_time_of_its_row(collect: Any, written: str) -> None:
    answer = {name: value for name, value in ANSWER.items() if name != "createTime"}
    event = collect(row(full_response=answer, logging_time=written)).event
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:12.248000+00:00"


def test_a_row_that_was_exported_twice_is_billed_once(collect: Any) -> None:
    first, second = collect(row(), row(logging_time="2026-11-03 10:00:12.248 UTC")).events
    assert first["event_id"] == second["event_id"]


def test_whose_call_it_was_a_label_says_and_nothing_else(collect: Any) -> None:
    assert collect(row(full_request={})).refusal == ("missing_field", "api_key or api_key_id")
    fields = {"api_key_id": "full_request.labels.team"}
    line = row(full_request={"labels": {"team": "search"}})
    assert collect(line, format="vertex", fields=fields).event["api_key_id"] == "search"


def test_a_row_is_known_by_four_names() -> None:
    assert format_of(row()) is by_name()["vertex"]
    for name in ("logging_time", "api_method", "full_request", "full_response"):
        assert not vertex.recognises(row(**{name: ...}))
