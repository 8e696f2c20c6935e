"""LiteLLM's payloads: what its own library wrote, and the cases that its answers may be of.

``litellm_1_110_2.jsonl`` was written by LiteLLM 1.110.2: a custom logger's ``standard_logging_object`` of calls with
``mock_response``, one a line, without tracebacks and the table of prices.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.tools import litellm

WRITTEN = Path(__file__).with_name("litellm_1_110_2.jsonl").read_text(encoding="utf-8").splitlines()


def payload(**fields: Any) -> dict[str, Any]:
    """A successful call; keywords replace fields, ``...`` leaves one out."""
    line = {
        "id": "chatcmpl-1",
        "litellm_call_id": "call-1",
        "call_type": "acompletion",
        "status": "success",
        "cache_hit": None,
        "stream": None,
        "startTime": 1_793_700_001.25,
        "endTime": 1_793_700_002.5,
        "model": "openai/jamba-large",
        "model_group": "jamba",
        "metadata": {"user_api_key_hash": "88dc28d0", "usage_object": {}},
        "prompt_tokens": 40,
        "completion_tokens": 5,
        "total_tokens": 45,
        "response_cost": 99.0,
        "messages": [{"role": "user", "content": "Hi"}],
        "response": {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "model": "jamba-large",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": "."}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45},
        },
    } | fields
    return {name: value for name, value in line.items() if value is not ...}


RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "model": "jamba-large",
    "output": [{"type": "message"}],
    "usage": {"input_tokens": 40, "output_tokens": 5, "total_tokens": 45},
}


def test_what_litellm_wrote_is_recognised_and_told_apart(collect: Any) -> None:
    assert {found.name for line in WRITTEN if (found := format_of(json.loads(line)))} == {"litellm"}
    collected = collect(*WRITTEN)
    assert [
        (event["status"], event["http_status"], event["prompt_tokens"], event["completion_tokens"], event["dialect"])
        for event in collected.events
    ] == [
        ("measured", 200, 10, 20, "openai-chat"),
        ("measured", 200, 10, 20, "openai-chat"),
        ("measured", 200, 8, 2, "openai-chat"),
        ("failed", 429, None, None, None),
        ("measured", 200, 10, 0, "embeddings"),
        ("measured", 200, 10, 20, "openai-chat"),
        ("not_metered", 200, None, None, "openai-chat/cache-hit"),
    ]
    assert {event["api_key_id"] for event in collected.events} == {
        json.loads(WRITTEN[0])["metadata"]["user_api_key_hash"]
    }


def test_a_call_is_the_event_that_a_request_log_of_it_would_be(collect: Any) -> None:
    written = payload()
    line = {
        "ts": "2026-11-03T10:00:01.25Z",
        "api_key_id": "88dc28d0",
        "request_id": "call-1",
        "status": 200,
        "path": "/v1/chat/completions",
        "request": {"model": "jamba"},
        "response": written["response"],
    }
    ours, theirs = collect(line).event, collect(written).event
    for name in ("byte_end", "byte_start"):
        ours.pop(name), theirs.pop(name)
    assert ours == theirs


def test_a_cached_answer_never_takes_the_place_of_the_call_it_is_a_copy_of(collect: Any) -> None:
    first, copy = collect(payload(), payload(id="chatcmpl-1_cache_hit17", cache_hit=True)).events
    assert (first["status"], copy["status"]) == ("measured", "not_metered")
    assert first["event_id"] == copy["event_id"]
    assert json.loads(copy["other_usage"]) == {"completion_tokens": 5, "prompt_tokens": 40}


@pytest.mark.parametrize("named", ["response", "litellm_call_id"])
@pytest.mark.parametrize("flag", [None, False])
def test_whoever_chooses_an_id_that_ends_as_a_copys_does_is_billed(collect: Any, named: str, flag: Any) -> None:
    chosen = "mine_cache_hit1793700009.5"
    vectors = {"object": "list", "model": "jamba-large", "data": [], "usage": {"prompt_tokens": 40, "total_tokens": 40}}
    of = {"response": payload()["response"] | {"id": chosen}} if named == "response" else {named: chosen}
    more = {} if named == "response" else {"call_type": "aembedding", "response": vectors}
    event = collect(payload(id=chosen, cache_hit=flag, **of, **more)).event
    assert (event["status"], event["prompt_tokens"]) == ("measured", 40)
    assert chosen in (event["response_id"], event["request_id"])


@pytest.mark.parametrize("response", [{"text": "redacted-by-litellm"}, "redacted-by-litellm", None, {}])
def test_where_the_answer_was_redacted_the_counts_beside_it_count(collect: Any, response: Any) -> None:
    usage = {"prompt_tokens_details": {"cached_tokens": 30}, "completion_tokens_details": {"reasoning_tokens": 2}}
    metadata = {"user_api_key_hash": "88dc28d0", "usage_object": usage}
    collected = collect(payload(response=response, metadata=metadata))
    assert collected.tokens == (40, 5, 30, None, 2)
    assert collected.event["model_requested"] == "jamba"


OF_2025 = {
    "prompt_tokens": 120_357,
    "completion_tokens": 4156,
    "total_tokens": 124_513,
    "prompt_tokens_details": {"cached_tokens": 120_269},
    "cache_read_input_tokens": 120_269,
    "cache_creation_input_tokens": 21_002,
}
"""Usage of Anthropic's by LiteLLM when it left out of the prompt what was written to a cache."""


@pytest.mark.parametrize("is_redacted", [True, False])
def test_what_litellm_left_out_of_the_prompt_counts_whether_or_not_the_answer_is_there(
    collect: Any, *, is_redacted: bool
) -> None:
    counts = {name: OF_2025[name] for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
    response = None if is_redacted else payload()["response"] | {"usage": OF_2025}
    metadata = {"user_api_key_hash": "88dc28d0", "usage_object": OF_2025}
    collected = collect(payload(response=response, metadata=metadata, **counts))
    assert collected.tokens == (141_359, 4156, 120_269, 21_002, None)


def test_what_was_written_to_a_cache_for_an_hour_counts_where_the_answer_was_redacted(collect: Any) -> None:
    lifetimes = {"ephemeral_5m_input_tokens": 4, "ephemeral_1h_input_tokens": 6}
    usage = {"prompt_tokens_details": {"cache_creation_tokens": 10, "cache_creation_token_details": lifetimes}}
    metadata = {"user_api_key_hash": "88dc28d0", "usage_object": usage}
    event = collect(payload(response=None, metadata=metadata)).event
    assert (event["prompt_cache_write_tokens"], event["prompt_cache_write_1h_tokens"]) == (10, 6)


@pytest.mark.parametrize("usage", [{"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None])
def test_a_stream_of_which_litellm_saw_no_usage_is_unknown_and_never_free(collect: Any, usage: Any) -> None:
    response = payload()["response"] | {"usage": usage}
    zeros = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    event = collect(payload(response=response, stream=True, **zeros)).event
    assert (event["status"], event["prompt_tokens"]) == ("unknown", None)


@pytest.mark.parametrize(
    ("error", "http_status"),
    [({"error_code": "429"}, 429), ({"error_code": ""}, 500), ({"error_code": "odd"}, 0), (None, 500)],
)
def test_a_failure_without_usage_is_failed_whatever_its_code_is(collect: Any, error: Any, http_status: int) -> None:
    zeros = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    event = collect(payload(status="failure", response={}, error_information=error, **zeros)).event
    assert (event["status"], event["http_status"]) == ("failed", http_status)


@pytest.mark.parametrize(
    ("call_type", "response", "status"),
    [
        ("aimage_generation", {"created": 1, "data": [{"url": "https://x/y"}], "usage": None}, "not_metered"),
        ("atranscription", {"text": "said"}, "not_metered"),
        ("arerank", {"id": "r", "results": [{"index": 0, "relevance_score": 0.5}]}, "not_metered"),
        ("acreate_batch", {"id": "batch_1", "object": "batch", "status": "validating"}, "not_metered"),
        ("avector_store_search", {"search_query": "x", "rows": []}, "not_metered"),
        ("get_assistants", {}, "not_metered"),
        ("agenerate_content", {}, "unknown"),
        ("generate_content_stream", {}, "unknown"),
        ("pass_through_endpoint", {}, "not_metered"),
        ("pass_through_endpoint", payload()["response"], "measured"),
        ("anthropic_messages", payload()["response"], "measured"),
        ("aresponses", RESPONSE, "measured"),
        *((call, RESPONSE, "not_metered") for call in ("get_responses", "aget_responses", "acancel_responses")),
        ("aget_interaction", {"object": "interaction", "usage": {"total_input_tokens": 3}}, "not_metered"),
        ("", payload()["response"], "measured"),
    ],
)
def test_the_kind_of_a_call_says_whether_a_meter_is_for_it(
    collect: Any, call_type: str, response: Any, status: str
) -> None:
    zeros = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    assert collect(payload(call_type=call_type, response=response, **zeros)).event["status"] == status


@pytest.mark.parametrize("call_type", ["send_message", "asend_message", "asend_message_streaming"])
def test_words_of_a_message_to_an_agent_that_litellm_counted_are_no_usage(collect: Any, call_type: str) -> None:
    told = {"id": "m-1", "jsonrpc": "2.0", "result": {"kind": "message", "parts": [{"kind": "text", "text": "Fog."}]}}
    counted = {"usage": {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45}}
    for answer, kept in ((told, None), (told | counted, '{"completion_tokens":5,"prompt_tokens":40}')):
        event = collect(payload(call_type=call_type, response=answer)).event
        assert (event["status"], event["prompt_tokens"], event["other_usage"]) == ("not_metered", None, kept)


@pytest.mark.parametrize("call_type", ["decisions", "adecisions", "systemone", "asystemone"])
def test_what_of_a_decision_was_cached_counts_though_its_answer_does_not_say_it(collect: Any, call_type: str) -> None:
    answer = {"model": "jev-1", "answers": {"fog": {"type": "noul"}}, "usage": {"input_tokens": 40, "output_tokens": 5}}
    kept = {"prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 4}}
    metadata = {"user_api_key_hash": "88dc28d0", "usage_object": kept}
    decided = collect(payload(call_type=call_type, response=answer, metadata=metadata))
    assert decided.tokens == (40, 5, 30, 4, None)
    assert (decided.event["dialect"], decided.event["service_tier"]) == ("decisions", "decisions")
    for nothing in ({}, {"prompt_tokens_details": {"cached_tokens": 0}}, {"prompt_tokens_details": None}):
        told = payload(call_type=call_type, response=answer, metadata=metadata | {"usage_object": nothing})
        assert collect(told).tokens == (40, 5, None, None, None)
    redacted = payload(call_type=call_type, response={}, metadata=metadata)
    assert collect(redacted).tokens == (40, 5, 30, 4, None)


def test_an_answer_of_anthropic_that_was_passed_through_counts_as_anthropic_does(collect: Any) -> None:
    usage = {"input_tokens": 10, "cache_read_input_tokens": 70, "cache_creation_input_tokens": 20, "output_tokens": 3}
    response = {"id": "msg_1", "type": "message", "model": "m", "content": [], "usage": usage}
    metadata = {"user_api_key_hash": "88dc28d0", "usage_object": usage}
    zeros = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
    collected = collect(payload(call_type="anthropic_messages", response=response, metadata=metadata, **zeros))
    assert collected.tokens == (100, 3, 70, 20, None)


def test_without_the_proxy_there_is_no_key_until_the_source_names_one(collect: Any) -> None:
    line = payload(metadata={"user_api_key_hash": None})
    assert collect(line).refusal == ("missing_field", "api_key or api_key_id")
    fields = {"api_key_id": {"value": "library"}}
    assert collect(line, format="litellm", fields=fields).event["api_key_id"] == "library"


def test_a_line_of_our_own_is_a_request_logs_whatever_else_is_in_it(collect: Any, exchange: Any) -> None:
    event = collect(exchange() | {"call_type": "embedding", "startTime": 1, "cache_hit": True}).event
    assert (event["status"], event["api_key_id"]) == ("measured", "key_1")


def test_lines_that_are_no_payload_are_quarantined_where_the_format_is_named(collect: Any, exchange: Any) -> None:
    assert collect(exchange(), format="litellm").refusal == ("missing_field", "ts")


def test_nothing_is_recognised_by_one_word_alone() -> None:
    assert not any(map(litellm.recognises, ({}, {"call_type": "x"}, {"startTime": 1, "response": {}})))
