"""Logs of gateways: what is about a model, whose key it was, and what their counts mean.

Bills of whole logs are compared in ``tests/scenarios/test_gateway_logs.py``.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from logged_documents import (
    ARCHIVE,
    COMPLETION,
    COUNTED,
    RAW,
    agentgateway_line,
    apisix_line,
    envoy_line,
    higress_line,
    kong_line,
    nginx_line,
    of_kong,
)
from odd_documents import changed_in_places

from pipeline.collectors import KeyFingerprint, LogFormat
from pipeline.collectors.exchange import read_exchange
from pipeline.collectors.formats.entries import entries_of
from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.gateways import agentgateway, apisix, envoy, higress, kong, nginx
from pipeline.collectors.formats.gateways.access_logs import (
    changed,
    is_route_of_no_meter,
    is_route_of_ones_own,
    key_in,
    method_of_asked,
    path_of,
)
from pipeline.collectors.formats.request_log import read_envelope
from pipeline.collectors.formats.tools import har
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import CONTRADICTED, parse

SECRET = b"a secret of thirty-two bytes, ok!"
FINGERPRINT = KeyFingerprint(secret=SECRET)(RAW)
LINES = {
    agentgateway: agentgateway_line(),
    kong: COUNTED,
    envoy: envoy_line(),
    apisix: apisix_line(),
    higress: higress_line(),
    nginx: nginx_line(),
}
EVERY = pytest.mark.parametrize("module", LINES, ids=lambda module: module.NAME)


@EVERY
def test_a_line_is_of_its_own_format_and_of_no_other(module: Any) -> None:
    assert [each.NAME for each in LINES if each.recognises(LINES[module])] == [module.NAME]
    found = format_of(LINES[module])
    assert found is not None
    assert found.name == module.NAME


@EVERY
def test_a_line_is_an_event_dated_by_its_arrival(module: Any, collect: Any) -> None:
    event = collect(json.dumps(LINES[module])).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert event["model_reported"] == "jamba-large"
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"
    assert event["left_out"] is None


STATUSES = ("status", "response_code", "http.status")
OF_A_MODEL = [name for name in agentgateway_line() if name.startswith("gen_ai.")]
OTHERS = {
    agentgateway: agentgateway_line(**dict.fromkeys(OF_A_MODEL), api_key_id=None)
    | {"http.path": "/mcp", "gen_ai.tool.name": "weather"},
    kong: kong_line(upstream_uri="/orders", consumer=None, authenticated_entity=None),
    envoy: {**dict.fromkeys(envoy_line()), "start_time": "2026-11-04T10:00:01Z", "response_code": 200, "method": "POST"}
    | {"x-envoy-origin-path": "/mcp", "gen_ai.usage.input_tokens": "-"},
    apisix: apisix_line(uri="/orders", llm_summary=None, consumer=None),
    higress: higress_line("-", path="/orders"),
    nginx: nginx_line(request_uri="/healthz", request_method="GET", llm_model="", llm_usage="", api_key_id=""),
}
UNSEEN = {
    agentgateway: agentgateway_line(**dict.fromkeys(OF_A_MODEL)),
    kong: kong_line(),
    envoy: envoy_line() | {name: None for name in envoy_line() if name.startswith("gen_ai.")},
    apisix: apisix_line(llm_summary=None),
    higress: higress_line("-", consumer="lena"),
    nginx: nginx_line(llm_model="", llm_usage=""),
}


@EVERY
def test_a_line_about_something_else_is_no_exchange_though_nobody_is_named(module: Any, collect: Any) -> None:
    collected = collect(json.dumps(OTHERS[module]), format=module.NAME)
    assert (collected.events, collected.quarantined) == ([], [])


@EVERY
def test_a_completion_that_the_gateway_did_not_look_at_is_unknown_and_not_left_out(module: Any, collect: Any) -> None:
    assert collect(json.dumps(UNSEEN[module]), format=module.NAME).event["status"] == "unknown"


@EVERY
def test_who_is_missing_is_told_by_the_quarantine(module: Any, collect: Any) -> None:
    nobody = {
        "authenticated_entity": None,
        "consumer": None,
        "x-client-id": None,
        "api_key_id": "-",
        **({"ai_log": json.dumps({"model": "jamba-large", "input_token": 1})} if module is higress else {}),
    }
    assert collect(json.dumps(LINES[module] | nobody), format=module.NAME).refusal[0] == "missing_field"


@EVERY
def test_a_source_may_name_the_payer_otherwise(module: Any, collect: Any) -> None:
    line = json.dumps(LINES[module] | {"team": "blue"})
    event = collect(line, format=module.NAME, fields={"api_key_id": "team"}).event
    assert (event["api_key_id"], event["prompt_tokens"]) == ("blue", 40)


def test_agentgateway_s_parts_lie_within_their_wholes(collect: Any) -> None:
    parts = {"cache_read.input": 30, "cache_creation.input": 4, "reasoning": 2, "input_audio": 3, "output_audio": 1}
    line = agentgateway_line(**{f"gen_ai.usage.{name}_tokens": count for name, count in parts.items()})
    collected = collect(json.dumps(line))
    assert collected.tokens == (40, 5, 30, 4, 2)
    assert (collected.event["prompt_audio_tokens"], collected.event["completion_audio_tokens"]) == (3, 1)


def test_agentgateway_s_input_of_before_it_had_the_cache_within_is_quarantined_where_that_shows(collect: Any) -> None:
    line = agentgateway_line(**{"gen_ai.usage.cache_read.input_tokens": 400})
    assert collect(json.dumps(line)).refusal == (
        "contradictory_usage",
        "prompt_cached_tokens 400 > prompt_tokens 40",
    )


def test_an_input_of_agentgateway_s_tokenizer_alone_is_no_measurement(collect: Any) -> None:
    line = agentgateway_line(**{"gen_ai.usage.output_tokens": None})
    assert collect(json.dumps(line)).event["status"] == "unknown"


@pytest.mark.parametrize("duration", ["1.25s", "", None, 1250, "-5ms"])
def test_where_agentgateway_does_not_say_how_long_it_took_the_end_dates_a_call(duration: Any, collect: Any) -> None:
    event = collect(json.dumps(agentgateway_line(duration=duration)), format="agentgateway").event
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:02.500000+00:00"


def test_a_time_of_agentgateway_s_that_is_none_is_told_by_the_quarantine(collect: Any) -> None:
    assert collect(json.dumps(agentgateway_line(time="noon"))).refusal[0] == "invalid_field"


def test_a_call_that_agentgateway_traced_has_the_ids_of_its_span(collect: Any) -> None:
    traced = agentgateway_line(**{"trace.id": "5b8e", "span.id": "eee1"})
    assert collect(json.dumps(traced)).event["request_id"] == "5b8e/eee1"
    for lacking in ("trace.id", "span.id"):
        assert collect(json.dumps(traced | {lacking: None})).event["request_id"] is None


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"api_key_id": None, "jwt.sub": "lena"}, "lena"),
        ({"api_key_id": None, "agw.api_key.name": "blue", "jwt.sub": "lena"}, "blue"),
        ({"agw.api_key.name": "blue"}, "key_1"),
    ],
)
def test_whose_call_agentgateway_s_was_is_what_is_added_else_the_key_s_name_else_the_token_s(
    stated: dict[str, Any], expected: str, collect: Any
) -> None:
    assert collect(json.dumps(agentgateway_line(**stated))).event["api_key_id"] == expected


def test_a_route_of_one_s_own_in_agentgateway_is_what_its_operation_is(collect: Any) -> None:
    own = {"http.path": "/anything"}
    assert collect(json.dumps(agentgateway_line(**own))).tokens[:2] == (40, 5)
    vectors = {"gen_ai.operation.name": "embeddings", "gen_ai.usage.output_tokens": None}
    assert collect(json.dumps(agentgateway_line(**own, **vectors))).tokens[:2] == (40, 0)
    counted = {"http.path": "/v1/messages/count_tokens"}
    assert collect(json.dumps(agentgateway_line(**counted))).event["status"] == "not_metered"


def test_kong_s_guess_of_a_stream_without_usage_is_no_measurement(collect: Any) -> None:
    guessed = {"prompt_tokens": 0, "completion_tokens": 71, "total_tokens": 71, "cost": 0}
    payload = {"response": json.dumps({"object": "chat.completion", "choices": [], "usage": guessed})}
    event = collect(json.dumps(of_kong(usage=guessed, payload=payload))).event
    assert (event["status"], event["completion_tokens"], event["model_reported"]) == ("unknown", None, "jamba-large")


PARTS_OF_KONG = {
    "prompt_tokens": 40,
    "completion_tokens": 5,
    "total_tokens": 45,
    "cost": 0,
    "prompt_tokens_details": {"cached_tokens": 30, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": 0},
}


@pytest.mark.parametrize(("mode", "parts"), [("stream", (30, None, 2)), ("oneshot", (None, None, None))])
def test_what_kong_puts_together_of_a_stream_has_no_parts_so_its_counts_are_read(
    mode: str, parts: tuple[int | None, ...], collect: Any
) -> None:
    composed = {"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "Hi"}}]}
    composed |= {"response": "Hi", "usage": {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45}}
    line = of_kong(usage=PARTS_OF_KONG, payload={"response": json.dumps(composed)})
    line["ai"]["proxy"]["meta"]["request_mode"] = mode
    assert collect(json.dumps(line)).tokens == (40, 5, *parts)


def test_what_kong_put_together_counts_where_its_statistics_are_off(collect: Any) -> None:
    composed = {"object": "chat.completion", "choices": [], "usage": {"prompt_tokens": 40, "completion_tokens": 5}}
    line = of_kong(payload={"response": json.dumps(composed)})
    line["ai"]["proxy"]["meta"]["request_mode"] = "stream"
    assert collect(json.dumps(line)).tokens[:2] == (40, 5)


def test_a_session_of_realtime_in_kong_has_its_audio(collect: Any) -> None:
    usage = {
        "input_tokens": 40,
        "output_tokens": 25,
        "total_tokens": 65,
        "output_tokens_reasoning_tokens_count": 2,
        "input_tokens_details": {"text_tokens": 10, "audio_tokens_count": 30},
        "output_tokens_details": {"text_tokens": 5, "audio_tokens": 20},
    }
    line = of_kong(usage=usage) | {"upstream_uri": "/v1/realtime?model=gpt-realtime", "response": {"status": 101}}
    line["request"]["method"] = "GET"
    line["ai"]["proxy"]["meta"]["request_mode"] = "realtime"
    collected = collect(json.dumps(line))
    assert collected.tokens == (40, 25, None, None, 2)
    event = collected.event
    assert (event["prompt_audio_tokens"], event["completion_audio_tokens"], event["left_out"]) == (30, 20, None)


def test_a_model_that_kong_does_not_know_is_the_one_that_the_path_names(collect: Any) -> None:
    line = of_kong(usage=PARTS_OF_KONG) | {"upstream_uri": "/openai/deployments/jamba/chat/completions"}
    line["ai"]["proxy"]["meta"] = {"request_model": "UNSPECIFIED", "response_model": "UNSPECIFIED"}
    event = collect(json.dumps(line)).event
    assert (event["model_requested"], event["model_reported"]) == ("jamba", None)


@pytest.mark.parametrize("plugin", ["ai-proxy", "ai-proxy-advanced"])
def test_kong_s_plugins_are_read_by_their_older_names(plugin: str, collect: Any) -> None:
    line = of_kong(plugin=plugin, usage={"prompt_token": 40, "completion_token": 5, "total_tokens": 45})
    assert collect(json.dumps(line)).tokens[:2] == (40, 5)


def test_what_another_plugin_of_kong_asked_for_itself_is_not_what_the_caller_asked(collect: Any) -> None:
    line = of_kong(usage={"prompt_tokens": 40, "completion_tokens": 5})
    line["ai"]["ai-request-transformer"] = {"usage": {"prompt_tokens": 900, "completion_tokens": 90}}
    assert collect(json.dumps(line)).tokens[:2] == (40, 5)


@pytest.mark.parametrize(
    ("status", "expected"), [("Hit", "not_metered"), ("Miss", "measured"), ("Refresh", "measured")]
)
def test_an_answer_of_kong_s_own_cache_is_not_metered(status: str, expected: str, collect: Any) -> None:
    line = of_kong(usage={"prompt_tokens": 40, "completion_tokens": 5}, cache={"cache_status": status})
    assert collect(json.dumps(line)).event["status"] == expected


def test_kong_s_credential_is_the_key_and_the_consumer_stands_in_for_it(collect: Any) -> None:
    assert collect(json.dumps(COUNTED)).event["api_key_id"] == "cred-1"
    assert collect(json.dumps(COUNTED | {"authenticated_entity": None})).event["api_key_id"] == "c-1"
    named = collect(json.dumps(COUNTED), fields={"api_key_id": "consumer.username"}, format="kong")
    assert named.event["api_key_id"] == "lena"


def test_envoy_s_counts_may_be_text_and_what_was_cached_is_within_them(collect: Any) -> None:
    line = envoy_line(**{"gen_ai.usage.input_tokens": "40", "gen_ai.usage.cache_read.input_tokens": "30"})
    assert collect(json.dumps(line)).tokens[:3] == (40, 5, 30)


def test_zeros_of_envoy_are_an_answer_whose_usage_nobody_saw(collect: Any) -> None:
    line = envoy_line(**{"gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0})
    assert collect(json.dumps(line)).event["status"] == "unknown"


SUMMARY = {
    "model": "opus",
    "prompt_tokens": "40",
    "completion_tokens": "5",
    "total_tokens": "45",
    "cache_read_input_tokens": "30",
    "cache_creation_input_tokens": "10",
}


@pytest.mark.parametrize(
    ("uri", "prompt"), [("/v1/messages", 80), ("/anthropic/v1/messages?beta=1", 80), (COMPLETION, 40)]
)
def test_apisix_leaves_out_of_a_prompt_of_messages_what_was_cached(uri: str, prompt: int, collect: Any) -> None:
    assert collect(json.dumps(apisix_line(uri=uri, llm_summary=SUMMARY))).tokens[:4] == (prompt, 5, 30, 10)


@pytest.mark.parametrize(
    "uri",
    ["/v1//messages/", "/v1/%6Dessages", "/v1/x/..%2Fmessages?beta=1", "/v1/./messages/."],
)
def test_apisix_knows_messages_by_where_a_path_leads_however_a_caller_writes_it(uri: str, collect: Any) -> None:
    assert collect(json.dumps(apisix_line(uri=uri, llm_summary=SUMMARY))).tokens[:4] == (80, 5, 30, 10)


def test_what_apisix_counts_of_converse_with_a_cache_does_not_add_up_and_is_quarantined(collect: Any) -> None:
    counts = {"model": "nova", "prompt_tokens": "10", "completion_tokens": "5", "total_tokens": "45"}
    parts = dict.fromkeys(("cache_read_input_tokens", "cache_creation_input_tokens", "reasoning_tokens"), "0")
    line = apisix_line(uri="/model/nova/converse", llm_summary=counts | parts)
    assert collect(json.dumps(line)).refusal[0] == "contradictory_usage"


@pytest.mark.parametrize("model", ["unknown", "UNKNOWN"])
def test_a_model_that_higress_does_not_know_is_the_one_that_the_path_names(model: str, collect: Any) -> None:
    line = higress_line({"model": model}, path="/openai/deployments/jamba/chat/completions")
    event = collect(json.dumps(line)).event
    assert (event["model_requested"], event["model_reported"], event["prompt_tokens"]) == ("jamba", None, 40)


def test_higress_says_what_was_audio_where_it_says_parts(collect: Any) -> None:
    parts = {"input_token_details": {"audio_tokens": 30}, "output_token_details": {"audio_tokens": 3}}
    for stated in (parts, {name: json.dumps(each) for name, each in parts.items()}):
        event = collect(json.dumps(higress_line(stated))).event
        assert (event["prompt_audio_tokens"], event["completion_audio_tokens"]) == (30, 3)


STREAMED = SUMMARY | {"stream": "true", "reasoning_tokens": "0"}


@pytest.mark.parametrize(
    ("stated", "prompt"),
    [
        ({"model": "sonnet-4-5"}, 80),  # asked by Anthropic's own API
        ({"prompt_tokens": "39", "model": "jamba"}, 79),  # what exceeds the prompt is not within it
        ({"reasoning_tokens": "2", "model": "jamba"}, 40),  # of chat alone
        ({"cache_read_input_tokens": "0", "cache_creation_input_tokens": "0"}, 40),
        ({"stream": "false"}, 80),
    ],
)
def test_what_was_cached_of_a_stream_in_anthropic_s_form_counts_where_it_is_known_to_lie(
    stated: dict[str, str], prompt: int, collect: Any
) -> None:
    line = apisix_line(uri="/v1/messages", llm_summary=STREAMED | stated)
    assert collect(json.dumps(line)).tokens[0] == prompt


def test_a_stream_of_which_nobody_knows_where_the_cached_tokens_lie_is_refused_and_says_whose_it_was(
    collect: Any,
) -> None:
    line = apisix_line(uri="/v1/messages", llm_summary=STREAMED | {"model": "jamba-large"})
    collected = collect(json.dumps(line))
    assert collected.refusal[0] == "contradictory_usage"
    assert "40 of cached tokens may be within the prompt of 40" in collected.refusal[1]
    (row,) = collected.quarantined
    assert (row["api_key_id"], row["prompt_tokens"], row["completion_tokens"]) == ("lena", 40, 5)
    body = {"type": "message", "role": "assistant", "usage": {"input_tokens": 10, "cache_read_input_tokens": 30}}
    body["usage"] |= {"output_tokens": 5}
    answered = line | {"response": {"status": 200, "headers": {}, "body": json.dumps(body)}}
    assert collect(json.dumps(answered)).tokens[:3] == (40, 5, 30)


@pytest.mark.parametrize("uri", ["/v1/images/generations", "/v1/rerank", "/threads/t/messages"])
def test_what_apisix_counted_is_billed_whatever_the_caller_s_path_is_called(uri: str, collect: Any) -> None:
    assert collect(json.dumps(apisix_line(uri=uri))).tokens[:2] == (40, 5)
    zeros = {"request_model": "jamba", "prompt_tokens": "0", "completion_tokens": "0"}
    assert collect(json.dumps(apisix_line(uri=uri, llm_summary=zeros))).event["status"] == "not_metered"


@pytest.mark.parametrize("module", [kong, apisix], ids=lambda module: module.NAME)
@pytest.mark.parametrize("method", ["PUT", "GET", "DELETE", "get"])
def test_a_gateway_that_asks_models_itself_posts_it_by_whatever_method_a_caller_brought_it(
    module: Any, method: str, collect: Any
) -> None:
    line = json.loads(json.dumps(LINES[module]).replace('"POST"', json.dumps(method)))
    assert collect(json.dumps(line)).tokens[:2] == (40, 5)
    unseen = json.loads(json.dumps(ZEROS[module]).replace('"POST"', json.dumps(method)))
    assert collect(json.dumps(unseen)).event["status"] == "unknown"
    path = {"upstream_uri": "/v1/files"} if module is kong else {}
    files = unseen | path | {"request": unseen["request"] | {"uri": "/v1/files"}}
    assert collect(json.dumps(files)).event["status"] == "not_metered"


def test_a_summary_of_apisix_whose_counts_are_none_is_refused_by_the_count(collect: Any) -> None:
    line = apisix_line(uri="/v1/messages", llm_summary=SUMMARY | {"cache_read_input_tokens": "a few"})
    assert collect(json.dumps(line)).refusal[0] == "invalid_usage"


def test_a_body_in_apisix_log_counts_for_more_than_the_summary(collect: Any) -> None:
    body = {"id": "chatcmpl-1", "choices": [], "usage": {"prompt_tokens": 41, "completion_tokens": 6}}
    line = apisix_line(response={"status": 200, "headers": {}, "body": json.dumps(body)})
    event = collect(json.dumps(line)).event
    assert (event["prompt_tokens"], event["response_id"]) == (41, "chatcmpl-1")


def test_an_answer_of_apisix_own_cache_is_not_metered(collect: Any) -> None:
    line = apisix_line(response={"status": 200, "headers": {"x-ai-cache-status": "HIT"}})
    assert collect(json.dumps(line)).event["status"] == "not_metered"


@pytest.mark.parametrize(
    ("headers", "key"),
    [
        ({"Authorization": f"Bearer {RAW}"}, RAW),
        ({"authorization": f"bearer  {RAW}", "x-api-key": "other"}, RAW),
        ({"X-Api-Key": RAW}, RAW),
        ({"x-goog-api-key": [RAW]}, RAW),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261104", "api-key": RAW}, RAW),
        ({"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261104"}, None),
        ({"authorization": "Basic bGVuYTpzZWNyZXQ="}, None),
        ({"authorization": "Bearer "}, None),
        ({"authorization": "Bearer REDACTED"}, None),
        ({"authorization": "Bearer [hidden]"}, None),
        ({"authorization": "Bearer sk-****************"}, None),
        ({"x-api-key": "sk-...cdef"}, None),
        ({"x-api-key": [RAW, "other"]}, None),
        ({"x-api-key": 7}, None),
        (None, None),
    ],
)
def test_a_key_is_what_a_caller_sent_and_nobody_masked(headers: Any, key: str | None) -> None:
    found = key_in(headers)
    assert (found if found is None else found.split()[-1]) == key


def test_a_caller_without_a_consumer_is_the_fingerprint_of_the_key_that_apisix_logged(collect: Any) -> None:
    line = json.dumps(apisix_line(headers={"authorization": f"Bearer {RAW}"}, consumer=None))
    collected = collect(line)
    assert collected.event["api_key_id"] == FINGERPRINT
    assert RAW not in repr(collected)


def test_a_masked_key_is_nobody_s(collect: Any) -> None:
    line = json.dumps(apisix_line(headers={"authorization": "Bearer ******"}, consumer=None))
    assert collect(line).refusal == ("missing_field", "api_key or api_key_id")


def test_higress_counts_of_anthropic_and_gemini_are_made_whole_by_their_total(collect: Any) -> None:
    cached = json.dumps({"cache_read_input_tokens": 30, "cache_creation_input_tokens": 10})
    anthropic = higress_line({"model": "opus", "input_token_details": cached, "total_token": 85})
    assert collect(json.dumps(anthropic)).tokens[:4] == (80, 5, 30, 10)
    thoughts = json.dumps({"thoughtsTokenCount": 20})
    gemini = higress_line({"model": "gemini-3", "output_token_details": thoughts, "total_token": 65})
    assert collect(json.dumps(gemini)).tokens == (40, 25, None, None, 20)


@pytest.mark.parametrize("written", [json.dumps, dict], ids=["text", "object"])
def test_higress_parts_of_gemini_go_by_the_plugin_s_own_names_too(written: Any, collect: Any) -> None:
    parts = {"cached_content_token_count": 30, "tool_use_prompt_token_count": 0}
    line = {
        "model": "gemini-3",
        "input_token_details": written(parts),
        "output_token_details": written({"thoughts_token_count": 20}),
        "total_token": 65,
    }
    assert collect(json.dumps(higress_line(line))).tokens == (40, 25, 30, None, 20)
    assert collect(json.dumps(higress_line(line | {"input_token_details": {}}))).tokens == (40, 25, None, None, 20)


@pytest.mark.parametrize(("tools", "is_refused"), [(9, True), ("9", True), (9.5, True), ("none", False), ([9], False)])
def test_what_a_tool_of_gemini_s_consumed_is_refused_since_higress_does_not_say_whether_it_is_charged(
    tools: Any, *, is_refused: bool, collect: Any
) -> None:
    line = {"model": "gemini-3", "input_token_details": {"tool_use_prompt_token_count": tools}, "total_token": 45}
    collected = collect(json.dumps(higress_line(line)))
    if not is_refused:
        assert collected.tokens[:2] == (40, 5)
        return
    assert collected.refusal[0] == "contradictory_usage"
    assert collected.refusal[1].startswith("tool_use_prompt_token_count is 9")
    (row,) = collected.quarantined
    assert (row["api_key_id"], row["prompt_tokens"]) == ("lena", 40)


def test_higress_counts_that_do_not_add_up_are_quarantined_with_their_numbers(collect: Any) -> None:
    reason, detail = collect(json.dumps(higress_line({"model": "opus", "total_token": 85}))).refusal
    assert reason == "contradictory_usage"
    assert "85" in detail


def test_the_id_of_an_answer_is_known_from_higress(collect: Any) -> None:
    assert collect(json.dumps(higress_line({"chat_id": "chatcmpl-1"}))).event["response_id"] == "chatcmpl-1"


@pytest.mark.parametrize(
    ("written", "arrived"),
    [
        ({"msec": "1793700006.250", "request_time": "5.000"}, "2026-11-03T10:00:01.250000+00:00"),
        ({"msec": 1793700006.25, "request_time": 5.0}, "2026-11-03T10:00:01.250000+00:00"),
        ({"msec": "1793700006.250", "request_time": ""}, "2026-11-03T10:00:06.250000+00:00"),
        ({"msec": "1793700006.250", "request_time": "-"}, "2026-11-03T10:00:06.250000+00:00"),
        ({"time_iso8601": "2026-11-03T12:00:06+02:00", "request_time": "5.5"}, "2026-11-03T10:00:00.500000+00:00"),
        ({"time_local": "03/Nov/2026:11:00:06 +0100", "request_time": "5"}, "2026-11-03T10:00:01+00:00"),
    ],
)
def test_a_line_of_nginx_is_dated_by_when_the_request_arrived(written: Any, arrived: str, collect: Any) -> None:
    line = {name: value for name, value in nginx_line().items() if name not in ("msec", "request_time")}
    assert collect(json.dumps(line | written)).event["occurred_at"].isoformat() == arrived


@pytest.mark.parametrize("written", [{"msec": "soon"}, {"time_local": "03/Foo/2026:11:00:06 +0100"}])
def test_a_line_of_nginx_without_a_date_is_refused(written: Any, collect: Any) -> None:
    line = {name: value for name, value in nginx_line().items() if name != "msec"}
    assert collect(json.dumps(line | written)).refusal[1].startswith("ts")


def test_what_nginx_calls_the_request_is_its_first_line(collect: Any) -> None:
    line = nginx_line(request="POST /v1/embeddings HTTP/1.1")
    del line["request_uri"], line["request_method"]
    event = collect(json.dumps(line | {"llm_usage": json.dumps({"prompt_tokens": 40, "total_tokens": 40})})).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 0)


def test_a_raw_key_in_a_log_of_nginx_is_not_looked_at(collect: Any) -> None:
    line = nginx_line(http_authorization=f"Bearer {RAW}", api_key_id="")
    collected = collect(json.dumps(line))
    assert collected.refusal[0] == "missing_field"
    assert RAW not in repr(collected.quarantined)


OURS = {**LINES, har: ARCHIVE}


@pytest.mark.parametrize("module", OURS, ids=lambda module: module.NAME)
@pytest.mark.parametrize(
    "line",
    [{}, {"level": "info", "msg": "started"}, {"path": "/orders", "method": "GET"}, {"uri": "/", "request": "x"}],
)
def test_a_line_of_something_else_is_quarantined_where_its_source_names_the_format(
    module: Any, line: Any, collect: Any
) -> None:
    assert collect(json.dumps(line), format=module.NAME).refusal[0] in ("missing_field", "invalid_field")


VALUES = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.text(max_size=5),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


@pytest.mark.long
@given(chance=some.data())
@pytest.mark.parametrize("module", OURS, ids=lambda module: module.NAME)
def test_a_document_with_anything_in_any_place_is_read_or_refused(module: Any, chance: some.DataObject) -> None:
    document = changed_in_places(OURS[module], VALUES, chance)
    line = parse(json.dumps(document))
    with suppress(LineRefused):
        entries, log_format = entries_of(line, LogFormat(format=module.NAME))
        for entry in entries:
            read_exchange(read_envelope(entry, log_format, KeyFingerprint(secret=SECRET)), log_format)
    format_of(line)


@pytest.mark.parametrize("module", OURS, ids=lambda module: module.NAME)
def test_content_enters_neither_events_nor_the_quarantine(module: Any, collect: Any) -> None:
    canary = "canary-9f3a"
    whole = json.dumps(OURS[module]).replace("user-agent-of-a-caller", canary)
    asked = json.dumps({"model": "jamba", "messages": [{"content": canary}]})
    more = {"request_body": asked, "canary-9f3a": canary, "headers": {"x-api-key": canary}, "cookie": canary}
    text = json.dumps(json.loads(whole) | more)
    spoiled = [text.replace("40", '"forty"'), text.replace("1793700001250", '"noon"').replace("T10:00", "")]
    spoiled = [line for line in spoiled if line != text]
    collected = collect(text, *spoiled, format=module.NAME)
    assert len(collected.events) + len(collected.quarantined) == 1 + len(spoiled)
    assert collected.events
    assert canary not in repr([collected.events, collected.quarantined])


def test_a_copy_remembers_what_was_stated_twice() -> None:
    stated = parse('{"a": 1, "a": 2, "b": 3}')
    copied = changed(stated, {"b": 4})
    assert (copied.get("a"), copied["b"], stated["b"]) == (CONTRADICTED, 4, 3)


OWN = "/anything"
ZEROS: dict[Any, dict[str, Any]] = {
    agentgateway: agentgateway_line(
        **{"http.path": OWN, "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0},
    ),
    kong: of_kong(usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}) | {"upstream_uri": OWN},
    envoy: envoy_line(
        **{"x-envoy-origin-path": OWN, "gen_ai.usage.input_tokens": 0, "gen_ai.usage.output_tokens": 0},
    ),
    apisix: apisix_line(
        uri=OWN,
        llm_summary={"request_model": "jamba", "prompt_tokens": "0", "completion_tokens": "0", "stream": "true"},
    ),
    higress: higress_line({"input_token": 0, "output_token": 0, "total_token": 0}, path=OWN),
    nginx: nginx_line(request_uri=OWN, llm_usage=json.dumps({"prompt_tokens": 0, "completion_tokens": 0})),
}


@EVERY
def test_a_call_that_the_log_traces_is_unknown_without_its_counts_on_a_route_of_ones_own(
    module: Any, collect: Any
) -> None:
    event = collect(json.dumps(ZEROS[module])).event
    assert (event["status"], event["prompt_tokens"], event["dialect"]) == ("unknown", None, "logged-usage")
    assert "jamba" in (event["model_reported"] or event["model_requested"])


@EVERY
def test_a_call_that_failed_on_a_route_of_ones_own_is_failed(module: Any, collect: Any) -> None:
    line = dict(ZEROS[module])
    for name in STATUSES:
        if name in line:
            line[name] = "502"
    if "response" in line:
        line["response"] = line["response"] | {"status": 502}
    assert collect(json.dumps(line)).event["status"] == "failed"


@EVERY
def test_a_socket_on_the_route_of_a_completion_is_unknown_though_it_was_asked_for_by_get(
    module: Any, collect: Any
) -> None:
    line = json.loads(json.dumps(UNSEEN[module]).replace('"POST"', '"GET"'))
    assert collect(json.dumps(line), format=module.NAME).events == []
    line |= {name: "101" for name in STATUSES if name in line}
    if "response" in line:
        line["response"] = line["response"] | {"status": 101}
    assert collect(json.dumps(line), format=module.NAME).event["status"] == "unknown"


def test_what_the_gateway_asks_for_later_is_no_call_of_a_model() -> None:
    assert is_route_of_ones_own(OWN)
    assert is_route_of_ones_own(OWN, "POST")
    assert is_route_of_ones_own("/v1/predictions", "POST")
    for path, method in (
        *((OWN, "GET"), ("/v1/predictions/p-1", None), ("/v1/predictions/p-1", "GET"), ("/v1/responses/r-1", None)),
        *(("/v1/messages", "POST"), ("/v1/files", "POST"), ("/v1/embeddings", None), (None, None), (7, 7)),
    ):
        assert not is_route_of_ones_own(path, method), path


def test_a_route_that_no_meter_is_for_is_one_whatever_asks_for_it() -> None:
    assert is_route_of_no_meter("/v1/images/generations")
    for path in (OWN, COMPLETION, "/v1/embeddings", None, 7):
        assert not is_route_of_no_meter(path), path


@pytest.mark.parametrize(
    ("path", "method", "asked"),
    [
        *((path, method, None) for path in (COMPLETION, "/v1/embeddings", OWN, None) for method in ("GET", "DELETE")),
        *((path, method, method) for path in (COMPLETION, OWN, None, 7) for method in ("POST", "PUT", None)),
        *(("/v1/files", method, method) for method in ("GET", "POST", "DELETE", None)),
        *((f"/v1/{what}/x", "GET", "GET") for what in ("responses", "predictions")),
    ],
)
def test_a_method_that_would_make_another_route_of_a_model_s_is_none(path: Any, method: Any, asked: Any) -> None:
    assert method_of_asked(path, method) == asked


def test_where_a_path_leads_is_nowhere_where_it_is_no_text() -> None:
    assert [path_of(path) for path in ("//v1/messages/?a", None, 7)] == ["/v1/messages", "", ""]


def test_what_higress_writes_of_any_request_is_no_trace_of_a_model(collect: Any) -> None:
    for of_any in ({"response_type": "normal"}, {"model": "unknown"}, {"model": ""}, {"input_token": None}, []):
        line = higress_line(json.dumps(of_any), path=OWN, consumer="lena")
        assert collect(json.dumps(line)).event["status"] == "not_metered", of_any
    for of_model in ({"model": "jamba"}, {"input_token": 0}, {"output_token": 0}, {"total_token": "0"}):
        line = higress_line(json.dumps(of_model), path=OWN, consumer="lena")
        assert collect(json.dumps(line)).event["status"] == "unknown", of_model


def test_a_model_in_a_path_of_ones_own_stays_known_where_nginx_names_no_other(collect: Any) -> None:
    line = nginx_line(request_uri="/openai/deployments/my-gpt/ask", llm_model="")
    event = collect(json.dumps(line)).event
    assert (event["status"], event["model_requested"]) == ("measured", "my-gpt")
    asked = collect(json.dumps(line | {"llm_request_model": "jamba"})).event
    assert asked["model_requested"] == "jamba"
