"""Portkey: rows of its export, and log objects of its gateway, as its documentation and its own code write them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.collectors.formats.found import by_name, format_of
from pipeline.collectors.formats.tools import portkey, portkey_log

URL = "https://api.openai.com/v1/chat/completions"
ASKED = {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]}
ANSWER = {
    "id": "chatcmpl-9Ri1u",
    "object": "chat.completion",
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi."}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 80},
    },
}
COUNTED_BY_CHUNKS = {
    **ANSWER,
    "object": "chat.completion.chunk",
    "usage": {"completion_tokens": 5},
}
"""A stream as the gateway puts it together, where the provider stated no usage: it counts the chunks."""


def without(line: dict[str, Any]) -> dict[str, Any]:
    """Return a line without what is ``...``."""
    return {name: value for name, value in line.items() if value is not ...}


def row(**fields: Any) -> dict[str, Any]:
    """Return a row with every field that can be exported; keywords replace fields, ``...`` leaves one out."""
    return without(
        {
            "id": "046b73bd-87da-4c0f-b716-2906d5f3f000",
            "trace_id": "8ecf39a3-06f0-49a4-80d6-83ab75c8c444",
            "created_at": "2026-11-03T10:00:01.250Z",
            "request": ASKED,
            "response": ANSWER,
            "is_success": True,
            "ai_org": "openai",
            "ai_model": "gpt-4o",
            "req_units": 100,
            "res_units": 30,
            "total_units": 130,
            "request_url": URL,
            "cost": 0.0105,
            "cost_currency": "USD",
            "response_time": 517,
            "response_status_code": 200,
            "mode": "single",
            "config": "",
            "prompt_slug": "",
            "metadata": {"api_key_id": "key_1", "_user": "lena"},
            "portkeyHeaders": {"x-portkey-api-key": "ab********xyz"},
        }
        | fields
    )


def logged(*, body: Any = ANSWER, asked: Any = ASKED, metrics: Any = None, **fields: Any) -> dict[str, Any]:
    """Return a log object; ``metrics`` replace single ones, and ``...`` leaves all of them, or a body, out."""
    measured: dict[str, Any] = {
        "id": "046b73bd-87da-4c0f-b716-2906d5f3f000",
        "created_at": "2026-11-03 10:00:01.250",
        "is_success": True,
        "ai_org": "openai",
        "ai_model": "gpt-4o",
        "req_units": 100,
        "res_units": 30,
        "total_units": 130,
        "cost": 0.0105,
        "response_status_code": 200,
        "cache_status": "DISABLED",
        "stream_mode": False,
        "virtual_key": "vk-openai",
        "api_key_id": "550e8400-e29b-41d4-a716-446655440004",
        "metadata.key": ["_user"],
        "metadata.value": ["lena"],
    }
    return without(
        {
            "_id": "046b73bd-87da-4c0f-b716-2906d5f3f000",
            "request": without(
                {
                    "url": URL,
                    "method": "POST",
                    "headers": {"content-type": "application/json"},
                    "body": asked,
                    "portkeyHeaders": {
                        "x-portkey-api-key": "ab********xyz",
                        "x-portkey-metadata": json.dumps({"_user": "lena"}),
                    },
                }
            ),
            "response": without(
                {
                    "status": 200,
                    "headers": {"content-type": "application/json", "x-portkey-cache-status": "DISABLED"},
                    "body": body,
                    "responseTime": 517,
                    "lastUsedOptionJsonPath": "config",
                }
            ),
            "organisation_id": "56916995-a761-4d90-bdf4-2c5550347777",
            "created_at": "Tue Nov 03 2026 10:00:01 GMT+0000 (Coordinated Universal Time)",
            "metrics": ... if metrics is ... else without({**measured, **(metrics or {})}),
        }
        | fields
    )


def same_but_for_places(ours: dict[str, Any], theirs: dict[str, Any]) -> bool:
    return all(ours[name] == theirs[name] for name in ours if name not in ("byte_end", "byte_start"))


def request_log(key: str, **fields: Any) -> dict[str, Any]:
    return {
        "ts": "2026-11-03T10:00:01.250Z",
        "api_key_id": key,
        "request_id": "046b73bd-87da-4c0f-b716-2906d5f3f000",
        "status": 200,
        "path": URL,
        "request": ASKED,
        "response": ANSWER,
    } | fields


def test_a_row_is_the_event_that_a_request_log_of_it_would_be(collect: Any) -> None:
    ours, theirs = collect(request_log("key_1")).event, collect(row()).event
    assert same_but_for_places(ours, theirs)
    assert (theirs["status"], theirs["prompt_tokens"], theirs["prompt_cached_tokens"]) == ("measured", 100, 80)


def test_a_log_object_is_the_event_that_a_request_log_of_it_would_be(collect: Any) -> None:
    line = request_log("550e8400-e29b-41d4-a716-446655440004", method="POST")
    ours, theirs = collect(line).event, collect(logged()).event
    assert same_but_for_places(ours, theirs)
    assert (theirs["status"], theirs["prompt_tokens"], theirs["completion_tokens"]) == ("measured", 100, 30)


def test_a_row_of_which_the_answer_was_not_exported_is_unknown_whatever_it_counts(collect: Any) -> None:
    for response in (..., None, {}, "...REDACTED..."):
        event = collect(row(response=response)).event
        assert (event["status"], event["prompt_tokens"], event["model_requested"]) == ("unknown", None, "gpt-4o")


def test_chunks_that_the_gateway_counted_are_no_usage(collect: Any) -> None:
    for line in (
        row(response=COUNTED_BY_CHUNKS, res_units=5),
        logged(body=COUNTED_BY_CHUNKS, metrics={"stream_mode": True, "res_units": 5}),
        logged(body=COUNTED_BY_CHUNKS, metrics={"stream_mode": False, "res_units": 5}),
    ):
        event = collect(line).event
        assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("unknown", None, None)


def test_a_call_that_was_not_tracked_is_billed_by_its_metrics_but_no_stream(collect: Any) -> None:
    untracked = {"body": ..., "asked": ...}
    event = collect(logged(**untracked)).event
    assert (event["status"], event["dialect"], event["model_reported"]) == ("measured", "logged-usage", "gpt-4o")
    assert (event["prompt_tokens"], event["completion_tokens"], event["prompt_cached_tokens"]) == (100, 30, None)
    stream = collect(logged(**untracked, metrics={"stream_mode": True})).event
    assert (stream["status"], stream["prompt_tokens"]) == ("unknown", None)
    before = collect(logged(**untracked, metrics=...)).event
    assert (before["status"], before["api_key_id"]) == ("unknown", "lena")


def test_vectors_that_are_left_out_are_billed_by_the_metrics(collect: Any) -> None:
    request = logged()["request"] | {"url": "https://api.openai.com/v1/embeddings"}
    metrics = {"req_units": 12, "res_units": 0, "ai_model": "text-embedding-3-small"}
    collected = collect(logged(body="...REDACTED...", request=request, metrics=metrics))
    assert (collected.event["status"], collected.event["model_reported"]) == ("measured", "text-embedding-3-small")
    assert (collected.event["prompt_tokens"], collected.event["completion_tokens"]) == (12, 0)


@pytest.mark.parametrize("word", ["HIT", "SEMANTIC HIT", "hit"])
def test_a_copy_out_of_the_gateway_s_cache_is_not_metered(collect: Any, word: str) -> None:
    headers = {"x-portkey-cache-status": word}
    for line in (
        row(cache_status=word),
        logged(metrics={"cache_status": word}),
        logged(metrics=..., response=logged()["response"] | {"headers": headers}),
    ):
        event = collect(line).event
        assert (event["status"], event["dialect"]) == ("not_metered", "openai-chat/cache-hit")
    event = collect(logged(body=..., metrics={"cache_status": word})).event
    assert (event["status"], event["dialect"]) == ("not_metered", "logged-usage/cache-hit")


@pytest.mark.long
def test_words_for_no_hit_are_metered_and_an_unknown_one_is_refused(collect: Any) -> None:
    for word in ("MISS", "SEMANTIC MISS", "REFRESH", "DISABLED", "miss", "", ...):
        assert collect(logged(metrics={"cache_status": word})).event["status"] == "measured"
        assert collect(row(cache_status=word)).event["status"] == "measured"
    assert collect(logged(metrics={"cache_status": "STALE"})).refusal[0] == "invalid_field"


def test_a_copy_whose_row_does_not_say_so_has_the_identity_of_the_first(collect: Any) -> None:
    first, copy = collect(row(), row(id="b", created_at="2026-11-03T11:00:01.250Z")).events
    assert first["event_id"] == copy["event_id"]


def test_each_target_of_a_fallback_is_an_exchange_and_one_that_failed_is_not_billed(collect: Any) -> None:
    error = {"error": {"message": "slow down", "type": "rate_limit"}}
    failed = row(id="a", response=error, response_status_code=429, is_success=False, req_units=0, res_units=0)
    first, second = collect(failed, row(id="b", ai_org="azure-openai")).events
    assert (first["status"], second["status"]) == ("failed", "measured")
    assert first["event_id"] != second["event_id"]
    response = {"status": 446, "headers": {}, "body": {"hook_results": {}, "error": {"message": "denied"}}}
    denied = collect(logged(response=response, metrics={"req_units": 0, "res_units": 0})).event
    assert (denied["status"], denied["http_status"]) == ("failed", 446)


def test_answers_in_the_words_of_each_provider_are_read_by_their_family(collect: Any) -> None:
    message = {
        "id": "msg_1",
        "type": "message",
        "model": "haiku",
        "content": [{"type": "text", "text": "Hi."}],
        "usage": {"input_tokens": 3, "cache_read_input_tokens": 70, "cache_creation_input_tokens": 20}
        | {"output_tokens": 13},
    }
    event = collect(row(response=message, request_url="https://api.anthropic.com/v1/messages")).event
    assert (event["dialect"], event["prompt_tokens"], event["prompt_cached_tokens"]) == ("anthropic", 93, 70)


def test_whose_call_it_was_the_key_of_the_gateway_or_the_metadata_say(collect: Any) -> None:
    assert collect(row(metadata={"_user": "lena"})).event["api_key_id"] == "lena"
    assert collect(row(metadata=json.dumps({"api_key_id": "key_2"}))).event["api_key_id"] == "key_2"
    assert collect(row(metadata={})).refusal == ("missing_field", "api_key or api_key_id")
    assert collect(logged(metrics=...)).event["api_key_id"] == "lena"
    said = {"x-portkey-metadata": json.dumps({"api_key_id": "key_3", "_user": "lena"})}
    request = logged()["request"] | {"portkeyHeaders": said}
    assert collect(logged(metrics=..., request=request)).event["api_key_id"] == "key_3"
    fields = {"api_key_id": "metrics.virtual_key"}
    assert collect(logged(), format="portkey-log", fields=fields).event["api_key_id"] == "vk-openai"


def test_no_masked_key_is_taken_for_one(collect: Any) -> None:
    request = {**logged()["request"], "portkeyHeaders": {"x-portkey-api-key": "ab********xyz"}}
    assert collect(logged(metrics=..., request=request)).refusal == ("missing_field", "api_key or api_key_id")
    assert collect(row(metadata=...)).refusal == ("missing_field", "api_key or api_key_id")


def test_dates_of_javascript_and_those_of_metrics_are_instants(collect: Any) -> None:
    written = "Tue Nov 03 2026 10:00:01 GMT+0000 (Coordinated Universal Time)"
    whole, finer = (collect(row(created_at=at)).event["occurred_at"] for at in (written, "2026-11-03T10:00:01Z"))
    assert whole == finer
    assert collect(logged(metrics=...)).event["occurred_at"] == whole
    assert collect(logged()).event["occurred_at"].microsecond == 250_000


def test_rows_and_objects_are_known_by_names_that_no_other_has_together() -> None:
    for module, line in ((portkey, row()), (portkey_log, logged())):
        assert format_of(line) is by_name()[module.NAME]
    for name in ("created_at", "ai_org", "ai_model"):
        assert not portkey.recognises(row(**{name: ...}))
    for name in ("_id", "request", "response", "organisation_id", "created_at"):
        assert not portkey_log.recognises({key: value for key, value in logged().items() if key != name})


@pytest.mark.parametrize("none", [..., None, "", {}, "{}", "{ }", "\n{}\n", " ", "null"])
def test_a_call_without_its_answer_is_unknown_on_whatever_route(collect: Any, none: Any) -> None:
    own = "https://models.example/ask"
    assert collect(row(response=none, request_url=own)).event["status"] == "unknown"
    assert collect(row(response={"weather": "fine"}, request_url=own)).event["status"] == "not_metered"
    assert collect(row(response=none, request_url="https://api.example/v1/predictions/p-1")).event["status"] == (
        "not_metered"
    )


def test_a_log_object_without_its_answer_is_unknown_on_whatever_route(collect: Any) -> None:
    zeros = {"req_units": 0, "res_units": 0}
    line = logged(body=..., metrics=zeros)
    for url, method, status in (
        ("https://models.example/ask", "POST", "unknown"),
        ("https://models.example/ask", "GET", "not_metered"),
        ("https://api.example/v1/files", "POST", "not_metered"),
    ):
        asked = line["request"] | {"url": url, "method": method}
        assert collect(line | {"request": asked}).event["status"] == status, url
    own = line["request"] | {"url": "https://models.example/ask"}
    assert collect(logged(body={"weather": "fine"}, request=own)).event["status"] == "not_metered"
