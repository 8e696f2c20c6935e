"""Bedrock: Converse, Nova, Titan, Llama, and the counts that AWS adds itself."""

from __future__ import annotations

import base64
from decimal import Decimal
from typing import Any

import pytest
from readings import aws_stream, converse_ways, family_reading, invoke_events, invoke_ways, read, tokens

from pipeline.collectors.families.bedrock.answers import stated_beside
from pipeline.collectors.families.reading import Stated
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import QuarantineReason

CONVERSE = "/model/anthropic.haiku-3-20240307-v1%3A0/converse"
CONVERSE_STREAM = f"{CONVERSE}-stream"
USAGE = {"inputTokens": 12, "outputTokens": 30, "totalTokens": 42}
CACHED = {
    "inputTokens": 12,
    "outputTokens": 30,
    "cacheReadInputTokens": 100,
    "cacheWriteInputTokens": 50,
    "totalTokens": 192,
}
METRICS = "amazon-bedrock-invocationMetrics"
HEADERS = {"X-Amzn-Bedrock-Input-Token-Count": "17", "x-amzn-bedrock-output-token-count": "51"}


def _converse(usage: dict[str, Any], **fields: Any) -> dict[str, Any]:
    content = [{"text": "Sleet."}]
    return {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": "end_turn",
        "usage": usage,
    } | fields


def _events(usage: dict[str, Any] | None) -> list[tuple[str, dict[str, Any]]]:
    events: list[tuple[str, dict[str, Any]]] = [
        ("messageStart", {"role": "assistant"}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "Sl"}}),
        ("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"text": "eet."}}),
        ("messageStop", {"stopReason": "end_turn"}),
    ]
    return events if usage is None else [*events, ("metadata", {"usage": usage, "metrics": {"latencyMs": 400}})]


def test_the_prompt_is_input_and_what_was_read_from_and_written_to_the_cache() -> None:
    assert tokens(_converse(CACHED), path=CONVERSE) == (162, 30, 100, 50, None)


def test_the_other_spellings_repeat_the_same_numbers_and_are_never_added() -> None:
    again = CACHED | {"cacheReadInputTokenCount": 100, "cacheWriteInputTokenCount": 50}
    assert tokens(_converse(again), path=CONVERSE) == (162, 30, 100, 50, None)
    alone = USAGE | {"cacheReadInputTokenCount": 0, "cacheWriteInputTokenCount": 0}
    assert tokens(_converse(alone), path=CONVERSE) == (12, 30, 0, 0, None)


OF_OPENAI = "/model/us.openai.gpt-5.6-sol/converse-stream"
TWICE = {"inputTokens": 4995, "outputTokens": 19, "cacheReadInputTokens": 0, "cacheWriteInputTokens": 4993}


@pytest.mark.parametrize("total", [10007, 5014, None])
def test_streams_of_openai_s_models_have_the_cache_in_their_input_as_well(total: int | None) -> None:
    stream = aws_stream(*_events(TWICE | {"totalTokens": total}))
    assert tokens(stream, path=OF_OPENAI) == (4995, 19, 0, 4993, None)
    assert read(stream, path=OF_OPENAI).dialect == "bedrock-converse/cached-within"
    assert tokens(stream, path=None, request={"model": "openai.gpt-5.6-sol"}) == (4995, 19, 0, 4993, None)
    assert tokens(stream, path="/ask", request={"model": "openai.gpt-5.6-sol"}) == (4995, 19, 0, 4993, None)


def test_in_all_other_answers_the_cache_lies_beside_the_input() -> None:
    apart = TWICE | {"inputTokens": 2, "totalTokens": 5014}
    for answer in (_converse(apart), aws_stream(*_events(apart))):
        assert tokens(answer, path=OF_OPENAI) == (4995, 19, 0, 4993, None)
        assert read(answer, path=OF_OPENAI).dialect == "bedrock-converse"
    twice = TWICE | {"totalTokens": 10007}
    for path, request in ((CONVERSE_STREAM, {"model": "openai.gpt-5.6-sol"}), (None, {"model": "an-openai.x"})):
        assert tokens(aws_stream(*_events(twice)), path=path, request=request) == (9988, 19, 0, 4993, None)
    assert tokens(_converse(twice), path=OF_OPENAI) == (9988, 19, 0, 4993, None)
    with pytest.raises(LineRefused):
        read(aws_stream(*_events(TWICE | {"totalTokens": 6000})), path=OF_OPENAI)
    assert read(aws_stream(*_events(USAGE)), path=OF_OPENAI).dialect == "bedrock-converse"


def test_writes_that_live_an_hour_are_told_by_their_ttl() -> None:
    details = [{"ttl": "5m", "inputTokens": 20}, {"ttl": "1h", "inputTokens": 30}]
    stated = family_reading(_converse(CACHED | {"cacheDetails": details})).stated
    assert stated is not None
    assert (stated.prompt, stated.written, stated.written_1h) == (162, 50, 30)


def test_no_body_names_model_or_id_so_the_path_names_the_model() -> None:
    reading = read(_converse(USAGE), path=CONVERSE)
    assert (reading.dialect, reading.response_id, reading.model_reported) == ("bedrock-converse", None, None)
    assert reading.model_in_path == "anthropic.haiku-3-20240307-v1:0"
    assert reading.finish_reason == "end_turn"
    assert read(_converse(USAGE), path=CONVERSE, request={"model": "haiku"}).model_in_path is None


@pytest.mark.parametrize(
    ("invoked", "model"),
    [
        ("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.haiku-v1:0", "us.anthropic.haiku-v1:0"),
        ("anthropic.haiku-v1:0", "anthropic.haiku-v1:0"),
        (
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1",
        ),
    ],
)
def test_the_model_that_a_router_took_is_the_one_that_is_billed(invoked: str, model: str) -> None:
    trace = {"promptRouter": {"invokedModelId": invoked}}
    assert read(_converse(CACHED) | {"trace": trace}, path=CONVERSE).model_reported == model
    *events, (last, metadata) = _events(CACHED)
    for body in (converse_ways(*events, (last, metadata | {"trace": trace}))[way] for way in converse_ways()):
        assert read(body, path=CONVERSE_STREAM).model_reported == model


@pytest.mark.parametrize("way", converse_ways())
def test_a_stream_states_its_usage_in_the_metadata(way: str) -> None:
    body = converse_ways(*_events(CACHED))[way]
    assert tokens(body, path=CONVERSE_STREAM) == (162, 30, 100, 50, None)
    reading = read(body, path=CONVERSE_STREAM)
    assert (reading.finish_reason, reading.is_stream) == ("end_turn", True)


def test_a_stream_that_lost_its_last_frame_is_estimated() -> None:
    whole = base64.b64decode(aws_stream(*_events(USAGE)))
    reading = read(base64.b64encode(whole[:-9]).decode(), path=CONVERSE_STREAM)
    assert (reading.status.value, reading.content_chunks) == ("estimated", 2)


def test_a_stream_with_a_damaged_frame_says_nothing() -> None:
    whole = bytearray(base64.b64decode(aws_stream(*_events(USAGE))))
    whole[40] ^= 1
    assert read(base64.b64encode(whole).decode(), path=CONVERSE_STREAM).status.value == "unknown"


@pytest.mark.parametrize(
    "body",
    [
        aws_stream(*_events(None), exception="modelStreamErrorException"),
        converse_ways(*_events(None), ("modelStreamErrorException", {"message": "it broke"}))["lines of events"],
        converse_ways(*_events(None), ("throttlingException", {"message": "it broke"}))["array of events"],
        aws_stream(exception="internalServerException"),
    ],
    ids=["frames", "lines", "array", "nothing else"],
)
def test_an_exception_in_a_stream_is_an_error(body: Any) -> None:
    assert read(body, path=CONVERSE_STREAM).status.value == "failed"


def test_usage_beside_an_exception_is_measured() -> None:
    assert tokens(aws_stream(*_events(USAGE), exception="modelTimeoutException"), path=CONVERSE_STREAM)[:2] == (12, 30)


@pytest.mark.parametrize(("usage", "half"), [({"inputTokens": 30}, "prompt"), ({"outputTokens": 30}, "completion")])
def test_half_a_usage_is_unknown_and_the_half_is_kept_by_name(usage: dict[str, Any], half: str) -> None:
    reading = read(_converse(usage), path=CONVERSE)
    assert (reading.status.value, reading.tokens, reading.other_usage) == ("unknown", None, f'{{"{half}_tokens":30}}')


def test_a_total_that_is_not_its_sum_is_refused_with_the_numbers() -> None:
    with pytest.raises(LineRefused) as refused:
        read(_converse(CACHED | {"totalTokens": 42}), path=CONVERSE)
    assert refused.value.reason is QuarantineReason.CONTRADICTORY_USAGE


@pytest.mark.parametrize("path", [None, "/ai/ask", "/model/amazon.nova-lite-v1%3A0/invoke"])
def test_converse_is_known_by_its_body(path: str | None) -> None:
    assert tokens(_converse(USAGE), path=path)[:2] == (12, 30)


@pytest.mark.parametrize("http_status", [424, 499, 500])
def test_stated_usage_counts_under_any_status(http_status: int) -> None:
    assert tokens(_converse(USAGE), path=CONVERSE, status=http_status)[:2] == (12, 30)


def test_zeros_beside_an_answer_are_no_measurement() -> None:
    zeros = {"inputTokens": 0, "outputTokens": 0, "totalTokens": 0}
    assert read(_converse(zeros), path=CONVERSE).status.value == "unknown"


@pytest.mark.parametrize("way", invoke_ways())
def test_nova_states_on_invoke_what_converse_states(way: str) -> None:
    chunks = [{name: payload} for name, payload in _events(CACHED)]
    chunks[-1] |= {METRICS: {"inputTokenCount": 12, "outputTokenCount": 30}}
    body = invoke_ways(*chunks)[way]
    assert tokens(body, path="/model/amazon.nova-pro-v1%3A0/invoke-with-response-stream") == (162, 30, 100, 50, None)


def test_titan_adds_its_results_and_counts_may_be_written_as_decimals() -> None:
    results = [
        {"tokenCount": 20.0, "outputText": "a", "completionReason": "FINISH"},
        {"tokenCount": 5, "outputText": "b"},
    ]
    body = {"inputTextTokenCount": 28.0, "results": results}
    path = "/model/amazon.titan-text-express-v1/invoke"
    reading = read(body, path=path)
    assert tokens(body, path=path)[:2] == (28, 25)
    assert (reading.dialect, reading.model_in_path, reading.finish_reason) == (
        "bedrock-titan",
        "amazon.titan-text-express-v1",
        "FINISH",
    )


@pytest.mark.parametrize("way", invoke_ways())
def test_titan_streams_its_input_first_and_its_output_last(way: str) -> None:
    chunks = [
        {"outputText": "a", "index": 0, "totalOutputTextTokenCount": None, "inputTextTokenCount": 28},
        {
            "outputText": "b",
            "index": 0,
            "totalOutputTextTokenCount": 25,
            "completionReason": "LENGTH",
            "inputTextTokenCount": None,
        },
    ]
    chunks[1] |= {METRICS: {"inputTokenCount": 28, "outputTokenCount": 25}}
    body = invoke_ways(*chunks)[way]
    assert tokens(body)[:2] == (28, 25)
    assert read(body).finish_reason == "LENGTH"


def test_llama_states_both_counts() -> None:
    body = {"generation": "Rime.", "prompt_token_count": 18, "generation_token_count": 33, "stop_reason": "length"}
    reading = read(body, path="/model/meta.llama3-8b-instruct-v1%3A0/invoke")
    assert tokens(body)[:2] == (18, 33)
    assert (reading.dialect, reading.finish_reason) == ("bedrock-llama", "length")


@pytest.mark.parametrize("way", invoke_ways())
def test_llama_streams_running_totals(way: str) -> None:
    chunks: list[dict[str, Any]] = [
        {"generation": "R", "prompt_token_count": 18, "generation_token_count": 1, "stop_reason": None},
        {"generation": "i", "prompt_token_count": None, "generation_token_count": 2, "stop_reason": None},
        {"generation": "me", "prompt_token_count": None, "generation_token_count": 3, "stop_reason": "stop"},
    ]
    chunks[-1] |= {METRICS: {"inputTokenCount": 18, "outputTokenCount": 3}}
    assert tokens(invoke_ways(*chunks)[way])[:2] == (18, 3)


@pytest.mark.parametrize(
    "chunks",
    [
        [{"outputs": [{"text": "Rime.", "stop_reason": "stop"}]}],
        [{"completion": "Rime.", "stop_reason": "stop_sequence"}],
        [{"is_finished": False, "text": "Rime."}, {"is_finished": True, "finish_reason": "COMPLETE"}],
        [{"outputText": "Rime.", "index": 0}],
    ],
    ids=["mistral", "anthropic text", "cohere command", "titan without its own"],
)
def test_the_metrics_of_aws_count_where_the_model_states_nothing(chunks: list[dict[str, Any]]) -> None:
    chunks[-1] = chunks[-1] | {METRICS: {"inputTokenCount": 17, "outputTokenCount": 51}}
    for body in invoke_ways(*chunks).values():
        assert tokens(body, path="/model/x/invoke-with-response-stream")[:2] == (17, 51)


@pytest.mark.parametrize(
    "body",
    [
        {"outputs": [{"text": "Rime.", "stop_reason": "stop"}]},
        {"generations": [{"text": "Rime.", "id": "g"}], "id": "c-1", "prompt": "say"},
        {"id": 7, "prompt": {"text": "say"}, "completions": [{"data": {"text": "Rime."}}]},
        {"completion": "Rime.", "stop_reason": "stop_sequence", "type": "completion"},
    ],
    ids=["mistral", "cohere command", "j2", "anthropic text"],
)
def test_the_headers_of_aws_count_where_the_body_states_nothing(body: dict[str, Any]) -> None:
    line = {"path": "/model/x.y-v1%3A0/invoke", "response_headers": HEADERS}
    assert tokens(body, **line)[:2] == (17, 51)
    assert read(body, path=line["path"]).status.value == "unknown"


def test_headers_may_be_lists_and_numbers_and_never_win_over_the_body() -> None:
    headers = {"x-amzn-bedrock-input-token-count": ["17"], "x-amzn-bedrock-output-token-count": 51}
    assert tokens({"outputs": []}, path="/model/x/invoke", response_headers=headers)[:2] == (17, 51)
    assert tokens(_converse(USAGE), path=CONVERSE, response_headers=headers)[:2] == (12, 30)
    half = {"x-amzn-bedrock-input-token-count": "17"}
    assert read({"outputs": []}, path="/model/x/invoke", response_headers=half).status.value == "unknown"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("7", 7),
        (["7", "9"], 7),
        (7, 7),
        ([7], 7),
        (Decimal("7.0"), 7),
        (None, None),
        ("seven", "is no number"),
        ("7.0", "is no number"),
        ("-7", "is no number"),
        ("", "is no number"),
        ("\u0667", "is no number"),
        ([], "is no number"),
        (True, "is no number"),
        (-7, "is -7; a token count lies between 0 and 1000000000000"),
        ("1000000000001", "is 1000000000001; a token count lies between 0 and 1000000000000"),
    ],
)
def test_a_header_of_aws_is_a_count_in_digits_or_the_line_is_refused(value: Any, told: Any) -> None:
    name = "X-Amzn-Bedrock-Input-Token-Count"
    headers = {"content-type": "x", name: value, "x-amzn-bedrock-output-token-count": "2"}
    if isinstance(told, str):
        with pytest.raises(LineRefused) as refused:
            stated_beside([], headers)
        assert refused.value.detail == f"{name.lower()} {told}"
        return
    found = stated_beside([], headers)
    assert found == (told and Stated(prompt=told, completion=2, conventions=("response-headers",)))
    assert stated_beside([], {}) is None


@pytest.mark.parametrize("body", [None, "", {"ok": True}, "no JSON at all"])
def test_what_headers_count_on_a_path_that_no_meter_is_for_is_not_metered(body: Any) -> None:
    headers = {"x-amzn-bedrock-input-token-count": "17", "x-amzn-bedrock-output-token-count": "51"}
    assert read(body, path="/v1/files", response_headers=headers).status.value == "not_metered"
    assert read(body, path="/model/x/invoke", response_headers=headers).status.value == "measured"


@pytest.mark.parametrize("name", ["outputs", "completion", "completions", "text"])
def test_zeros_of_aws_beside_what_a_model_of_its_own_shape_delivered_are_no_measurement(name: str) -> None:
    zeros = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 0, "outputTokenCount": 0}}
    assert read(zeros | {name: [{"text": "Thaw."}]}, path="/model/x/invoke").status.value == "unknown"
    assert read(zeros | {name: []}, path="/model/x/invoke").status.value == "measured"


def test_what_aws_counted_is_used_in_every_family_that_states_nothing_itself() -> None:
    chunks = [{"choices": [{"index": 0, "message": {"content": text}}]} for text in "abcde"]
    chunks[-1]["amazon-bedrock-invocationMetrics"] = {"inputTokenCount": 40, "outputTokenCount": 5}
    for response in invoke_ways(*chunks).values():
        assert tokens(response, path="/model/mistral.mistral-large-2402-v1%3A0/invoke-with-response-stream")[:2] == (
            40,
            5,
        )
    chunks[-1]["usage"] = {"prompt_tokens": 41, "completion_tokens": 6}
    assert tokens(list(chunks), path="/v1/chat/completions")[:2] == (41, 6)


def test_an_error_of_aws_is_failed_although_its_headers_count() -> None:
    body = {"message": "Too many requests"}
    assert read(body, path="/model/x/invoke", status=429).status.value == "failed"


def test_jamba_on_invoke_is_chat() -> None:
    body = {"id": "cmpl-1", "choices": [{"index": 0, "message": {"role": "assistant", "content": "Rime."}}]}
    body |= {
        "usage": {"prompt_tokens": 17, "completion_tokens": 3, "total_tokens": 20},
        "meta": {"requestDurationMillis": 9},
    }
    reading = read(body, path="/model/ai21.jamba-1-5-large-v1%3A0/invoke")
    assert (reading.dialect, reading.model_in_path) == ("openai-chat", "ai21.jamba-1-5-large-v1:0")
    chunks = [
        {
            "id": "cmpl-1",
            "choices": [{"index": 0, "delta": {"content": "R"}}],
            "usage": {"prompt_tokens": 17, "completion_tokens": 0},
        },
        {
            "id": "cmpl-1",
            "choices": [{"index": 0, "delta": {"content": "ime"}}],
            "usage": {"prompt_tokens": 17, "completion_tokens": 3},
        },
    ]
    assert tokens(aws_stream(*invoke_events(*chunks)), path="/model/x/invoke-with-response-stream")[:2] == (17, 3)


def test_headers_with_digits_of_other_scripts_are_no_counts() -> None:
    headers = dict.fromkeys(HEADERS, "\u0661\u0667")
    assert read({"text": "Sleet."}, path="/model/x/invoke", response_headers=HEADERS).tokens is not None
    with pytest.raises(LineRefused, match="is no number"):
        read({"text": "Sleet."}, path="/model/x/invoke", response_headers=headers)


def test_the_tier_that_served_it_and_optimised_latency_have_prices_of_their_own() -> None:
    for told, tier in [
        ({"serviceTier": {"type": "flex"}}, "flex"),
        ({"serviceTier": {"type": "priority"}, "performanceConfig": {"latency": "optimized"}}, "priority"),
        ({"serviceTier": {"type": "default"}, "performanceConfig": {"latency": "standard"}}, "default"),
        ({"performanceConfig": {"latency": "optimized"}}, "optimized"),
        ({"serviceTier": {"type": "default"}, "performanceConfig": {"latency": "optimized"}}, "optimized"),
        ({"performanceConfig": {"latency": "standard"}}, None),
        ({}, None),
    ]:
        assert read(_converse(USAGE) | told, path=CONVERSE).service_tier == tier
        *events, (name, last) = _events(USAGE)
        streamed = converse_ways(*events, (name, last | told))["array of events"]
        assert read(streamed, path=CONVERSE_STREAM).service_tier == tier


@pytest.mark.parametrize("path", ["/v1beta/models/gemini-3-pro:generateContent", "/v1beta/openai/chat/completions"])
def test_the_header_of_gemini_names_the_tier_that_served(path: str) -> None:
    chat = {"choices": [{"message": {"content": "."}}], "usage": {"prompt_tokens": 3, "completion_tokens": 4}}
    usage = {"promptTokenCount": 3, "candidatesTokenCount": 4, "totalTokenCount": 7}
    native = {"candidates": [{"content": {"parts": [{"text": "."}]}}], "usageMetadata": usage}
    body = native if path.endswith("generateContent") else chat
    for tier in ("flex", "priority", "standard"):
        assert read(body, path=path, response_headers={"X-Gemini-Service-Tier": tier}).service_tier == tier
    priced = native | {"usageMetadata": usage | {"serviceTier": "flex"}}
    assert read(priced, path=path, response_headers={"x-gemini-service-tier": "standard"}).service_tier == "flex"
    assert read(body, path=path).service_tier is None


@pytest.mark.parametrize("tier", ["flex", ["flex"]])
def test_the_header_of_an_invoke_names_the_tier(tier: Any) -> None:
    path, counts = "/model/x/invoke", dict(HEADERS)
    body = {"type": "message", "role": "assistant", "usage": {"input_tokens": 3, "output_tokens": 4}}
    headers = {"X-Amzn-Bedrock-Service-Tier": tier}
    assert read(body, path=path, response_headers=headers).service_tier == "flex"
    assert read({"text": "Sleet."}, path=path, response_headers=counts | headers).service_tier == "flex"
    standard = body | {"usage": {"input_tokens": 3, "output_tokens": 4, "service_tier": "standard"}}
    assert read(standard, path=path, response_headers=headers).service_tier == "flex"
    usual = {"x-amzn-bedrock-service-tier": "default"}
    assert read(standard, path=path, response_headers=usual).service_tier == "standard"
    assert read(body, path=path, response_headers=usual).service_tier == "default"
    latency = {"x-amzn-bedrock-performanceconfig-latency": "optimized"}
    assert read(body, path=path, response_headers=latency).service_tier == "optimized"
    assert read(body, path=path, response_headers={"x-amzn-bedrock-service-tier": 7}).service_tier is None
    assert read(body | {"usage": None}, path="/v1/files", response_headers=headers).service_tier is None


def test_vectors_have_no_output_so_the_header_of_their_input_is_all_that_counts() -> None:
    headers = {"x-amzn-bedrock-input-token-count": "9"}
    for path in ("/model/cohere.embed-english-v3/invoke", None):
        body = {"embeddings": [[0.1, 0.2]], "response_type": "embeddings_floats"}
        assert tokens(body, path=path, response_headers=headers)[:2] == (9, 0)
        assert read(body, path=path, response_headers=headers).dialect == "embeddings/response-headers"
    assert read({"text": "Sleet."}, path="/model/x/invoke", response_headers=headers).status.value == "unknown"
