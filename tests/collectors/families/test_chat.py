"""Chat as its providers count it: what is put into prompt and completion, what is left out, and what is estimated."""

from __future__ import annotations

import json
from typing import Any

import pytest
from readings import family_reading, read, tokens, ways

from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import QuarantineReason

PATH = "/v1/chat/completions"


def _chat(usage: dict[str, Any] | None, model: str = "jamba-large", **fields: Any) -> dict[str, Any]:
    choices = [{"index": 0, "message": {"role": "assistant", "content": "Frost."}, "finish_reason": "stop"}]
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": model,
        "choices": choices,
        "usage": usage,
    } | fields


def _chunk(delta: dict[str, Any] | None = None, usage: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    choices = [] if delta is None else [{"index": 0, "delta": delta}]
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": choices, "usage": usage} | fields


def _usage(prompt: int, completion: int, **more: Any) -> dict[str, Any]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion} | more


@pytest.mark.parametrize("cached", [158, 416])
def test_grok_behind_azure_caches_a_hidden_preamble_so_the_prompt_stands_and_cached_is_unknown(cached: int) -> None:
    usage = _usage(150, 213, prompt_tokens_details={"cached_tokens": cached, "text_tokens": 150})
    assert tokens(_chat(usage, "grok-4"), path=PATH) == (150, 213, None, None, None)
    assert read(_chat(usage, "grok-4"), path=PATH).dialect == "openai-chat/cached-unknown"


def test_magistral_counts_more_cached_than_its_prompt_likewise() -> None:
    usage = _usage(40, 90, num_cached_tokens=64)
    assert tokens(_chat(usage, "magistral-small"), path=PATH) == (40, 90, None, None, None)


def test_reasoning_of_vercels_gateway_lies_outside_completion_and_total() -> None:
    usage = _usage(19, 124, completion_tokens_details={"reasoning_tokens": 64}, market_cost="0.0019")
    assert tokens(_chat(usage, "openai/gpt-5"), path=PATH) == (19, 188, None, None, 64)
    assert read(_chat(usage, "openai/gpt-5"), path=PATH).dialect == "openai-chat/reasoning-apart"
    greater = _usage(19, 24, completion_tokens_details={"reasoning_tokens": 64}, market_cost="0.0019")
    assert tokens(_chat(greater, "google/gemini-2.5-pro"), path=PATH) == (19, 88, None, None, 64)


def test_reasoning_of_perplexity_lies_outside_completion_and_total() -> None:
    usage = _usage(19, 124, reasoning_tokens=900, citation_tokens=70, num_search_queries=5)
    assert tokens(_chat(usage, "sonar-deep-research"), path=PATH) == (19, 1024, None, None, 900)
    assert read(_chat(usage, "sonar-deep-research"), path=PATH).other_usage == '{"citation_tokens":70,"searches":5}'


def test_reasoning_of_xai_lies_outside_the_completion_and_its_total_tells() -> None:
    usage = _usage(19, 4, completion_tokens_details={"reasoning_tokens": 300}) | {"total_tokens": 323}
    assert tokens(_chat(usage, "grok-3-mini"), path=PATH) == (19, 304, None, None, 300)


def test_what_tools_of_xai_did_is_kept_by_name() -> None:
    counts = {"web_search_calls": 3, "x_search_calls": 1, "code_interpreter_calls": 0, "mcp_calls": 6}
    counts |= {"file_search_calls": 7, "document_search_calls": 8, "image_generation_calls": 9}
    usage = {"prompt_tokens": 40, "completion_tokens": 5, "num_server_side_tools_used": 4}
    usage |= {"server_side_tool_usage_details": counts}
    reading = read(_chat(usage, "grok-5"), path=PATH)
    named = {"document_searches": 8, "file_searches": 7, "images": 9, "server_tool_calls": 4}
    assert json.loads(reading.other_usage or "") == named | {"web_searches": 3, "x_searches": 1}
    usage["server_side_tool_usage_details"] = {"code_interpreter_calls": 5}
    assert read(_chat(usage, "grok-5"), path=PATH).other_usage == '{"code_runs":5,"server_tool_calls":4}'


@pytest.mark.parametrize(
    ("name", "lifetime"),
    [
        ("cache_write_tokens_details", "ttl_12h_tokens"),
        ("cache_creation_token_details", "ephemeral_12h_input_tokens"),
    ],
)
def test_what_is_written_for_twelve_hours_is_of_the_writes_and_kept_by_name(name: str, lifetime: str) -> None:
    details = {"cached_tokens": 0, "cache_write_tokens": 30, name: {lifetime: 20}}
    usage = {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45, "prompt_tokens_details": details}
    assert tokens(_chat(usage), path=PATH) == (40, 5, 0, 30, None)
    assert read(_chat(usage), path=PATH).other_usage == '{"cache_write_12h_tokens":20}'


def test_parts_of_counts_as_xais_sdk_and_hyperclova_write_them() -> None:
    of_xai = {"promptTokens": 40, "completionTokens": 5, "totalTokens": 57, "reasoningTokens": 12}
    assert tokens(_chat(of_xai | {"cachedPromptTextTokens": 30}, "grok-5"), path=PATH) == (40, 17, 30, None, 12)
    of_clova = {"promptTokens": 40, "completionTokens": 5, "completionTokensDetails": {"thinkingTokens": 3}}
    assert tokens(_chat(of_clova), path=PATH) == (40, 5, None, None, 3)


def test_thoughts_of_geminis_compatible_api_stand_in_the_total_alone() -> None:
    usage = _usage(19, 4) | {"total_tokens": 123}
    assert tokens(_chat(usage, "gemini-2.5-flash"), path=PATH) == (19, 104, None, None, 100)
    assert read(_chat(usage, "gemini-2.5-flash"), path=PATH).dialect == "openai-chat/thoughts-in-total"
    with pytest.raises(LineRefused) as refused:
        read(_chat(usage, "jamba-large"), path=PATH)
    assert refused.value.reason is QuarantineReason.CONTRADICTORY_USAGE


@pytest.mark.parametrize(
    "usage",
    [
        {
            "inputTokens": 300,
            "inputTokenDetails": {"noCacheTokens": 60, "cacheReadTokens": 200, "cacheWriteTokens": 40},
            "outputTokens": 50,
            "outputTokenDetails": {"textTokens": 38, "reasoningTokens": 12},
            "totalTokens": 350,
            "reasoningTokens": 12,
            "cachedInputTokens": 200,
        },
        {
            "input_tokens": 300,
            "output_tokens": 50,
            "total_tokens": 350,
            "input_token_details": {"audio": 0, "cache_read": 200, "cache_creation": 40},
            "output_token_details": {"audio": 0, "reasoning": 12},
        },
        {
            "prompt_tokens": 300,
            "completion_tokens": 50,
            "input_token_details": {"cached_tokens": 200, "cache_write_tokens": 40, "audio_tokens": 0},
            "output_token_details": {"reasoning_tokens": 12},
        },
    ],
    ids=["Vercel's SDK", "LangChain", "realtime"],
)
def test_parts_are_read_by_the_names_of_sdks(usage: dict[str, Any]) -> None:
    assert tokens(_chat(usage), path=PATH) == (300, 50, 200, 40, 12)


@pytest.mark.parametrize("place", ["token_usage", "usage_metadata"])
def test_usage_beside_an_answer_counts_where_the_answer_states_none(place: str) -> None:
    stated = {"input_tokens": 300, "output_tokens": 50, "input_token_details": {"cache_read": 200}}
    assert tokens(_chat(None) | {place: stated}, path=PATH) == (300, 50, 200, None, None)
    assert tokens(_chat(_usage(19, 4)) | {place: stated}, path=PATH)[:2] == (19, 4)


TIMINGS = {"cache_n": 230, "prompt_n": 7, "prompt_ms": 30.958, "predicted_n": 35, "predicted_ms": 661.064}
"""As llama.cpp's server states them, whether or not anybody asked for usage."""


@pytest.mark.parametrize("usage", [None, _usage(0, 0)])
def test_what_llama_cpp_counts_in_its_timings_counts_where_no_usage_is_stated(usage: dict[str, Any] | None) -> None:
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "timings": TIMINGS}
    for answer in (_chat(usage, timings=TIMINGS), [_chunk({"content": "Frost."}), _chunk(usage=usage, **last)]):
        assert tokens(answer, path=PATH) == (237, 35, 230, None, None)
        assert read(answer, path=PATH).dialect == "openai-chat/timings"
    begun = _chunk({"content": "Frost."}, timings=TIMINGS | {"predicted_n": 1})
    assert tokens([begun, _chunk({"content": "Fog."}, timings=TIMINGS)], path=PATH)[:3] == (237, 35, 230)


def test_beside_usage_that_names_no_cache_timings_say_what_was_cached() -> None:
    assert tokens(_chat(_usage(237, 35), timings=TIMINGS), path=PATH) == (237, 35, 230, None, None)
    named = _usage(237, 35, prompt_tokens_details={"cached_tokens": 200})
    assert tokens(_chat(named, timings=TIMINGS), path=PATH) == (237, 35, 200, None, None)
    assert tokens(_chat(_usage(229, 35), timings=TIMINGS), path=PATH) == (229, 35, None, None, None)


@pytest.mark.parametrize(
    "timings",
    [
        *(
            {**TIMINGS, name: value}
            for name in ("cache_n", "prompt_n", "predicted_n")
            for value in (-1, None, "7", 7.5)
        ),
        {"prompt_n": 7, "predicted_n": 35},  # of versions that do not say what was cached
        "7",
        None,
    ],
)
def test_timings_that_are_no_counts_say_nothing_and_cost_no_line(timings: Any) -> None:
    assert tokens(_chat(_usage(237, 35), timings=timings), path=PATH) == (237, 35, None, None, None)
    assert read(_chat(None, timings=timings), path=PATH).status == "unknown"


def test_what_an_sdk_states_is_explained_by_its_total() -> None:
    usage = {"inputTokens": 555, "outputTokens": 190, "totalTokens": 1802, "reasoningTokens": 1057}
    assert tokens(_chat(usage | {"cachedInputTokens": 316}), path=PATH) == (555, 1247, 316, None, 1057)
    converse = {"inputTokens": 10, "outputTokens": 5, "cacheReadInputTokens": 100, "cacheWriteInputTokens": 20}
    for total in ({}, {"totalTokens": 135}):
        assert tokens(_chat(converse | total), path=PATH) == (130, 5, 100, 20, None)
        as_much = converse | {"outputTokens": 125, "reasoningTokens": 120}
        whole = {name: count + 120 for name, count in total.items()}
        assert tokens(_chat(as_much | whole), path=PATH) == (130, 125, 100, 20, 120)
    assert tokens(_chat(converse | {"inputTokens": 130, "totalTokens": 135}), path=PATH) == (130, 5, 100, 20, None)


@pytest.mark.parametrize("place", ["cache_creation", "input_token_details"])
def test_what_was_written_is_the_sum_of_its_lifetimes_where_only_these_are_stated(place: str) -> None:
    lifetimes = {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 30}
    if place == "input_token_details":
        lifetimes["cache_creation"] = 0
    stated = family_reading(_chat(_usage(300, 50) | {place: lifetimes})).stated
    assert stated is not None
    assert (stated.written, stated.written_1h) == (40, 30)


def test_more_reasoning_than_completion_beside_a_total_that_agrees_drops_the_part() -> None:
    usage = _usage(19, 100, completion_tokens_details={"reasoning_tokens": 117})
    assert tokens(_chat(usage, "deepseek-r1"), path=PATH) == (19, 100, None, None, None)
    assert read(_chat(usage, "deepseek-r1"), path=PATH).dialect == "openai-chat/reasoning-unknown"


def test_writes_that_repeat_what_was_read_from_geminis_cache_are_dropped() -> None:
    usage = _usage(2168, 30, prompt_tokens_details={"cached_tokens": 2161, "cache_write_tokens": 2161})
    assert tokens(_chat(usage, "google/gemini-2.5-pro"), path=PATH) == (2168, 30, 2161, None, None)
    assert read(_chat(usage, "google/gemini-2.5-pro"), path=PATH).dialect == "openai-chat/written-repeats-cached"


def _of_litellm(prompt: int, completion: int, read: int, wrote: int, **details: int) -> dict[str, Any]:
    of_prompt = {"cached_tokens": read, "audio_tokens": None, **details}
    names = {"cache_read_input_tokens": read, "cache_creation_input_tokens": wrote}
    return _usage(prompt, completion, prompt_tokens_details=of_prompt, **names)


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (_of_litellm(120_357, 4156, 120_269, 21_002), (141_359, 4156, 120_269, 21_002, None)),
        (_of_litellm(31, 467, 0, 1253), (1284, 467, 0, 1253, None)),
        (_of_litellm(31, 467, 0, 1253) | {"prompt_tokens_details": None}, (1284, 467, 0, 1253, None)),
        (_of_litellm(100, 9, 60, 41), (141, 9, 60, 41, None)),
    ],
)
def test_what_litellm_left_out_of_the_prompt_of_what_anthropic_wrote_to_a_cache_is_added(
    usage: dict[str, Any], expected: tuple[int | None, ...]
) -> None:
    assert tokens(_chat(usage, "anthropic/sonnet-4"), path=PATH) == expected
    assert read(_chat(usage, "anthropic/sonnet-4"), path=PATH).dialect == "openai-chat/written-apart"


@pytest.mark.parametrize(
    "usage",
    [
        _of_litellm(100, 9, 60, 40),
        _of_litellm(98_805, 5120, 66_360, 32_435, cache_creation_tokens=32_435),
    ],
)
def test_what_lies_within_the_prompt_is_not_added_to_it(usage: dict[str, Any]) -> None:
    reading = read(_chat(usage, "anthropic/sonnet-4"), path=PATH)
    assert reading.tokens is not None
    assert (reading.tokens.prompt_tokens, reading.dialect) == (usage["prompt_tokens"], "openai-chat")


@pytest.mark.parametrize(
    "usage",
    [
        _of_litellm(100, 9, 60, 41, cache_creation_tokens=41),
        _of_litellm(100, 9, 60, 41) | {"cache_read_input_tokens": None},
        _of_litellm(100, 9, 60, 41) | {"total_tokens": None},
        _of_litellm(59, 9, 60, 41),
        _usage(100, 9, prompt_tokens_details={"cached_tokens": 60, "cache_write_tokens": 41}),
    ],
)
def test_parts_beyond_a_prompt_that_nothing_explains_are_quarantined(usage: dict[str, Any]) -> None:
    with pytest.raises(LineRefused) as refused:
        read(_chat(usage, "anthropic/sonnet-4"), path=PATH)
    assert refused.value.reason is QuarantineReason.CONTRADICTORY_USAGE


@pytest.mark.parametrize(
    "stated",
    [
        {"num_cached_tokens": 6},
        {"prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 13},
        {"cached_tokens": 6},
        {"cached_input_tokens": 6},
        {"prompt_tokens_details": {"cache_read_tokens": 6}},
        {"input_tokens_details": {"cached_tokens": 6}},
    ],
)
def test_cached_tokens_go_by_many_names(stated: dict[str, Any]) -> None:
    assert tokens(_chat(_usage(19, 4) | stated), path=PATH) == (19, 4, 6, None, None)


@pytest.mark.parametrize(
    "name", ["cache_write_tokens", "cache_creation_tokens", "cache_creation_input_tokens", "cached_creation_tokens"]
)
def test_cache_writes_go_by_many_names_at_the_top_and_in_the_details(name: str) -> None:
    assert tokens(_chat(_usage(19, 4, **{name: 6})), path=PATH) == (19, 4, None, 6, None)
    assert tokens(_chat(_usage(19, 4, prompt_tokens_details={name: 6})), path=PATH) == (19, 4, None, 6, None)


def test_parts_of_codex_lie_at_the_top_within_their_wholes() -> None:
    usage = {"input_tokens": 14_874, "cached_input_tokens": 3456, "output_tokens": 17, "reasoning_output_tokens": 10}
    assert tokens({"type": "turn.completed", "usage": usage}, path=PATH) == (14_874, 17, 3456, None, 10)


def test_input_and_output_tokens_are_prompt_and_completion() -> None:
    usage = {"input_tokens": 19, "output_tokens": 4, "total_tokens": 23}
    assert tokens(_chat(usage), path=PATH)[:2] == (19, 4)


def test_audio_is_told_apart() -> None:
    usage = _usage(19, 40, prompt_tokens_details={"audio_tokens": 9}, completion_tokens_details={"audio_tokens": 30})
    stated = family_reading(_chat(usage)).stated
    assert stated is not None
    assert (stated.prompt_audio, stated.completion_audio) == (9, 30)


@pytest.mark.parametrize("way", ways())
def test_the_usage_of_a_stream_may_stand_in_parts(way: str) -> None:
    first = _chunk({"role": "assistant"}, {"prompt_tokens": 19, "completion_tokens": 0, "total_tokens": 19})
    last = _chunk({}, {"prompt_tokens": 0, "completion_tokens": 4, "total_tokens": 4})
    assert tokens(ways(first, _chunk({"content": "Fr"}), last)[way], path=PATH)[:2] == (19, 4)


@pytest.mark.parametrize("way", ways())
def test_running_totals_are_not_added(way: str) -> None:
    chunks = [_chunk({"content": "x"}, _usage(19, count)) for count in (1, 2, 3, 4)]
    assert tokens(ways(*chunks)[way], path=PATH)[:2] == (19, 4)


def test_running_totals_of_each_choice_are_added_up() -> None:
    chunks = [
        _chunk(None, _usage(19, count)) | {"choices": [{"index": at, "delta": {"content": "x"}}]}
        for at, count in ((0, 1), (1, 1), (0, 3), (1, 2))
    ]
    assert tokens(ways(*chunks)["transcript"], path=PATH, request={"n": 2})[:2] == (19, 5)


def test_usage_may_stand_under_another_roof() -> None:
    groq = _chunk({}, None, x_groq={"id": "req_1", "usage": _usage(19, 4)})
    moonshot = _chunk({}) | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop", "usage": _usage(19, 4)}]}
    for last in (groq, moonshot):
        assert tokens(ways(_chunk({"content": "Fr"}), last)["transcript"], path=PATH)[:2] == (19, 4)


@pytest.mark.parametrize(
    "delta",
    [
        {"content": "Fr"},
        {"reasoning_content": "First"},
        {"reasoning": "First"},
        {"tool_calls": [{"index": 0, "function": {"arguments": '{"ci'}}]},
        {"refusal": "I can"},
    ],
)
def test_whatever_was_generated_counts_in_an_estimate(delta: dict[str, Any]) -> None:
    body = ways(_chunk({"role": "assistant", "content": ""}), _chunk(delta), _chunk(delta), _chunk({}))[
        "transcript that ends in [DONE]"
    ]
    reading = read(body, path=PATH)
    assert (reading.status.value, reading.content_chunks) == ("estimated", 2)


def test_zeros_beside_an_answer_are_no_measurement_and_beside_nothing_they_are_one() -> None:
    assert read(_chat(_usage(0, 0)), path=PATH).status.value == "unknown"
    stream = ways(_chunk({"content": "Fr"}), _chunk({}, _usage(0, 0)))["transcript"]
    assert read(stream, path=PATH).status.value == "estimated"
    empty = _chat(_usage(0, 0), choices=[])
    assert read(empty, path=PATH).status.value == "measured"


def test_a_placeholder_of_zeros_gives_way_to_real_usage() -> None:
    body = ways(_chunk({"content": "Fr"}, _usage(0, 0)), _chunk({}, _usage(19, 4)), _chunk({}, _usage(0, 0)))[
        "transcript"
    ]
    assert tokens(body, path=PATH)[:2] == (19, 4)


@pytest.mark.parametrize("empty", [[], "", False])
def test_what_languages_write_for_an_object_that_is_not_there_takes_nothing_back(empty: Any) -> None:
    for chunks in ([_chunk({}, empty), _chunk({}, _usage(19, 4))], [_chunk({}, _usage(19, 4)), _chunk({}, empty)]):
        assert tokens(ways(*chunks)["transcript"], path=PATH)[:2] == (19, 4)
    details = {"prompt_tokens_details": empty, "completion_tokens_details": empty}
    assert tokens(_chat(_usage(19, 4, **details)), path=PATH) == (19, 4, None, None, None)


@pytest.mark.parametrize("http_status", [408, 499, 500, 504])
def test_stated_usage_counts_under_any_status(http_status: int) -> None:
    reading = read(_chat(_usage(19, 4)), path=PATH, status=http_status)
    assert (reading.status.value, reading.response_id) == ("measured", "chatcmpl-1")
    without = "unknown" if http_status == 499 else "failed"
    assert read(_chat(None), path=PATH, status=http_status).status.value == without


def test_an_error_in_a_stream_fails_it_only_where_no_usage_was_stated() -> None:
    error = {"error": {"message": "overloaded", "code": 502}}
    assert read(ways(_chunk({"content": "Fr"}), error)["transcript"], path=PATH).status.value == "failed"
    assert (
        read(ways(_chunk({"content": "Fr"}, _usage(19, 4)), error)["transcript"], path=PATH).status.value == "measured"
    )


def test_chat_without_choices_is_read_only_where_nothing_else_fits() -> None:
    bare = {"id": "x-1", "usage": _usage(19, 4)}
    assert tokens(bare, path=PATH)[:2] == (19, 4)
    for usage in ({"input_tokens": 19, "output_tokens": 4}, {"inputTokens": 19, "outputTokens": 4, "totalTokens": 23}):
        assert read({"content": [{"text": "x"}], "usage": usage}, path=None).dialect in {
            "anthropic",
            "bedrock-converse",
        }


def test_a_choice_that_has_generated_nothing_yet_states_a_running_total_of_its_own() -> None:
    def chunk(index: int, completion: int) -> dict[str, Any]:
        return _chunk(None, _usage(10, completion)) | {"choices": [{"index": index, "delta": {"content": "a"}}]}

    assert tokens(ways(chunk(0, 3), chunk(1, 0), chunk(1, 2))["transcript"], path=PATH)[:2] == (10, 5)
    assert tokens(ways(chunk(0, 3), chunk(1, 2), _chunk(None, _usage(10, 6)))["transcript"], path=PATH)[:2] == (10, 6)


def test_fast_mode_behind_a_gateway_is_a_tier_as_its_own_api_has_it() -> None:
    for tier, found in [(None, "fast"), ("standard", "fast"), ("priority", "priority")]:
        usage = _usage(20, 40, speed="fast", service_tier=tier)
        assert read(_chat(usage, "opus-4-6"), path=PATH).service_tier == found
    assert read(_chat(_usage(20, 40, speed="standard")), path=PATH).service_tier is None


def test_the_traffic_that_vertex_states_in_its_compatible_api_is_a_tier_as_in_its_own() -> None:
    for tier, found in [(None, "PROVISIONED_THROUGHPUT"), ("flex", "flex")]:
        google = {"google": {"traffic_type": "PROVISIONED_THROUGHPUT"}}
        usage = _usage(20, 40, extra_properties=google, service_tier=tier)
        assert read(_chat(usage, "google/gemini-2.5-pro"), path=PATH).service_tier == found
    for properties in (None, {}, {"google": None}, {"google": {}}):
        assert read(_chat(_usage(20, 40, extra_properties=properties)), path=PATH).service_tier is None


def test_what_mistral_hears_is_charged_by_the_second_and_its_tokens_are_in_the_total_alone() -> None:
    reading = read(_chat(_usage(4, 635, total_tokens=3264, prompt_audio_seconds=203), "voxtral-small"), path=PATH)
    assert reading.tokens is not None
    assert (reading.tokens.prompt_tokens, reading.tokens.completion_tokens) == (4, 635)
    assert (reading.dialect, reading.other_usage) == ("openai-chat/audio-apart", '{"prompt_audio_seconds":203}')
    whole = read(_chat(_usage(400, 20, prompt_audio_seconds=10), "voxtral-small"), path=PATH)
    assert whole.dialect == "openai-chat"
    for seconds, total in [(0, 3264), (None, 3264), (203, 600)]:
        with pytest.raises(LineRefused):
            read(_chat(_usage(4, 635, total_tokens=total, prompt_audio_seconds=seconds)), path=PATH)


def test_watsonx_calls_the_model_by_another_name() -> None:
    answer = _chat(_usage(20, 40), "ibm/granite")
    answer["model_id"] = answer.pop("model")
    assert read(answer, path="/ml/v1/text/chat").model_reported == "ibm/granite"
    assert read({**answer, "model": "m"}, path="/ml/v1/text/chat").model_reported == "m"


def test_audio_that_was_cached_is_cached() -> None:
    details = {"cached_tokens": 400, "audio_tokens": 500, "cached_tokens_details": {"audio_tokens": 300}}
    stated = family_reading(_chat(_usage(1000, 40, prompt_tokens_details=details), "gpt-audio")).stated
    assert stated is not None
    assert (stated.prompt, stated.cached, stated.prompt_audio) == (1000, 400, 200)


@pytest.mark.parametrize(
    "details",
    [
        {"cache_creation_tokens": 60, "cache_creation_token_details": {"ephemeral_1h_input_tokens": 40}},
        {"cache_creation_input_tokens": 60, "cache_creation": {"ephemeral_1h_input_tokens": 40}},
    ],
)
def test_writes_that_live_an_hour_are_told_apart_behind_a_gateway_too(details: dict[str, Any]) -> None:
    stated = family_reading(_chat(_usage(100, 40, prompt_tokens_details=details), "opus-4-6")).stated
    assert stated is not None
    assert (stated.prompt, stated.written, stated.written_1h) == (100, 60, 40)
    beside = _usage(100, 40, cache_creation_input_tokens=60, cache_creation={"ephemeral_1h_input_tokens": 90})
    stated = family_reading(_chat(beside, "opus-4-6")).stated
    assert stated is not None
    assert (stated.written, stated.written_1h) == (60, 60)
    of_new_api = {"claude_cache_creation_5_m_tokens": 20, "claude_cache_creation_1_h_tokens": 40}
    details = {"cached_tokens": 30, "cached_creation_tokens": 60}
    stated = family_reading(_chat(_usage(100, 40, prompt_tokens_details=details, **of_new_api), "opus-4-6")).stated
    assert stated is not None
    assert (stated.prompt, stated.cached, stated.written, stated.written_1h) == (100, 30, 60, 40)


def test_what_only_the_total_counts_of_connectors_and_guards_is_kept_by_name() -> None:
    for name, convention in [("connector_tokens", "connectors-apart"), ("guardrails_tokens", "guard-apart")]:
        body = _chat(_usage(20, 40, total_tokens=760) | {name: 700})
        assert tokens(body, path=PATH)[:2] == (20, 40)
        reading = read(body, path=PATH)
        assert (reading.dialect, reading.other_usage) == (f"openai-chat/{convention}", f'{{"{name}":700}}')


def test_names_in_camel_case_are_those_of_some_apis_and_sdks() -> None:
    usage = {
        "promptTokens": 60,
        "completionTokens": 40,
        "totalTokens": 100,
        "promptTokensDetails": {"cachedTokens": 50},
        "completionTokensDetails": {"reasoningTokens": 30},
    }
    assert tokens(_chat(usage), path=PATH) == (60, 40, 50, None, 30)
    with pytest.raises(LineRefused):
        read(_chat(usage | {"totalTokens": 101}), path=PATH)


def test_of_usage_in_two_parts_each_has_parts_of_its_own() -> None:
    first = {"prompt_tokens": 100, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 90}}
    last = {"prompt_tokens": 0, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}}
    last |= {"completion_tokens_details": {"reasoning_tokens": 4}}
    chunks = _chunk({"content": "a"}, first), _chunk({}, last)
    assert tokens(ways(*chunks)["transcript"], path=PATH) == (100, 9, 90, None, 4)


@pytest.mark.parametrize("zeros", [{}, {"completion_tokens_details": {"reasoning_tokens": 0}}])
def test_zeros_behind_a_total_leave_what_the_total_tells(zeros: dict[str, Any]) -> None:
    xai = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 190}
    xai |= {"completion_tokens_details": {"reasoning_tokens": 40}}
    chunks = _chunk({"content": "a"}, xai), _chunk(None, _usage(0, 0) | zeros)
    assert tokens(ways(*chunks)["transcript"], path=PATH) == (100, 90, None, None, 40)


def test_zeros_in_the_usual_place_are_a_placeholder_beside_usage_within_a_choice() -> None:
    body = _chat(_usage(0, 0))
    body["choices"][0]["usage"] = _usage(19, 13)
    assert tokens(body, path=PATH)[:2] == (19, 13)
    assert read(_chat(_usage(0, 0)), path=PATH).status.value == "unknown"
