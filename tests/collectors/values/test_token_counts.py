"""The usage object: what is a count, what goes by which name, and which contradictions a provider explains."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.usage import TOKENS_MAX


def _line(exchange: Any, usage: dict[str, Any], model: str = "jamba-large") -> dict[str, Any]:
    line: dict[str, Any] = exchange(request={"model": model})
    line["response"]["usage"] = usage
    return line


def test_a_count_may_be_an_integral_float(collect: Any, exchange: Any) -> None:
    text = json.dumps(_line(exchange, {"prompt_tokens": "P", "completion_tokens": 3, "total_tokens": "T"}))
    assert collect(text.replace('"P"', "28.0").replace('"T"', "3.1e1")).tokens[:2] == (28, 3)
    assert collect(text.replace('"P"', "1000000000000").replace('"T"', "null")).tokens[:2] == (10**12, 3)


@pytest.mark.parametrize(
    "name", ["prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens"]
)
@pytest.mark.parametrize(
    "count",
    ["true", "false", "1.5", "-1", "1000000000001", "9223372036854775808", '"10"', "[]", "{}", "1e300", "0.1e-400"],
)
def test_what_is_no_count_is_quarantined(collect: Any, exchange: Any, name: str, count: str) -> None:
    text = json.dumps(_line(exchange, {"prompt_tokens": 10, "completion_tokens": 3} | {name: "COUNT"}))
    reason, detail = collect(text.replace('"COUNT"', count)).refusal
    assert reason == "invalid_usage"
    assert detail.startswith(name)


@pytest.mark.parametrize(
    "name", ["prompt_tokens_details", "prompt_token_details", "completion_tokens_details", "completion_token_details"]
)
def test_details_that_are_no_object_are_quarantined_and_null_ones_are_absent(
    collect: Any, exchange: Any, name: str
) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 3}
    assert collect(_line(exchange, usage | {name: [1]})).refusal == ("invalid_usage", f"{name} is no object")
    assert collect(_line(exchange, usage | {name: None})).tokens == (10, 3, None, None, None)


@pytest.mark.parametrize(
    "stated",
    [
        {"prompt_tokens_details": {"cached_tokens": 6}},
        {"prompt_token_details": {"cached_tokens": 6}},
        {"num_cached_tokens": 6},
        {"prompt_cache_hit_tokens": 6, "prompt_cache_miss_tokens": 4},
        {"cached_tokens": 6},
        {"cache_read_input_tokens": 6},
        {"cached_tokens": 6, "prompt_tokens_details": {"cached_tokens": 6}},
        {"cached_tokens": 6, "prompt_tokens_details": {"cached_tokens": 0}},
        {"cached_tokens": 0, "prompt_tokens_details": {"cached_tokens": 6}},
    ],
)
def test_cached_tokens_go_by_many_names_and_are_part_of_the_prompt(
    collect: Any, exchange: Any, stated: dict[str, Any]
) -> None:
    assert collect(
        _line(exchange, {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13} | stated)
    ).tokens == (10, 3, 6, None, None)


@pytest.mark.parametrize(
    "stated",
    [
        {"prompt_tokens_details": {"cache_write_tokens": 4}},
        {"cache_creation_tokens": 4},
        {"cache_creation_input_tokens": 4},
        {"prompt_tokens_details": {"cached_write_tokens": 4}},
        {"prompt_tokens_details": {"cache_creation_input_tokens": 4}},
    ],
)
def test_cache_writes_go_by_several_names(collect: Any, exchange: Any, stated: dict[str, Any]) -> None:
    assert collect(_line(exchange, {"prompt_tokens": 10, "completion_tokens": 3} | stated)).tokens == (
        10,
        3,
        None,
        4,
        None,
    )


@pytest.mark.parametrize(
    "stated",
    [
        {"completion_tokens_details": {"reasoning_tokens": 2}},
        {"completion_token_details": {"reasoning_tokens": 2}},
        {"reasoning_tokens": 2},
    ],
)
def test_reasoning_is_part_of_the_completion_and_never_added_to_it(
    collect: Any, exchange: Any, stated: dict[str, Any]
) -> None:
    assert collect(
        _line(exchange, {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13} | stated)
    ).tokens == (10, 3, None, None, 2)


def test_zero_stated_is_zero_and_nothing_stated_is_null(collect: Any, exchange: Any) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 0, "prompt_tokens_details": {"cached_tokens": 0}}
    assert collect(_line(exchange, usage)).tokens == (10, 0, 0, None, None)


@pytest.mark.parametrize("model", ["grok-4", "x-ai/grok-4-fast", "xai/grok-3-mini", "Grok-4"])
def test_grok_behind_azure_counts_as_cached_what_its_prompt_leaves_out(collect: Any, exchange: Any, model: str) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 213,
        "total_tokens": 223,
        "prompt_tokens_details": {"cached_tokens": 161},
    }
    collected = collect(_line(exchange, usage, model))
    assert collected.tokens == (10, 213, None, None, None)
    assert collected.event["dialect"] == "openai-chat/cached-unknown"


def test_the_reported_model_decides_before_the_requested_one(collect: Any, exchange: Any) -> None:
    line = _line(
        exchange,
        {"prompt_tokens": 10, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 161}},
        "my-alias",
    )
    line["response"]["model"] = "grok-4"
    assert collect(line).tokens == (10, 1, None, None, None)
    line["request"]["model"], line["response"]["model"] = "grok-4", "jamba-large"
    assert collect(line).refusal == ("contradictory_usage", "prompt_cached_tokens 161 > prompt_tokens 10")


@pytest.mark.parametrize("model", ["jamba-large", "not-grok", "mygrok/grok"])
def test_more_cached_than_prompt_is_quarantined_with_both_numbers(collect: Any, exchange: Any, model: str) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "cached_tokens": 6, "cache_creation_tokens": 5}
    assert collect(_line(exchange, usage, model)).refusal == (
        "contradictory_usage",
        "prompt_cached_tokens + prompt_cache_write_tokens 11 > prompt_tokens 10",
    )


def test_two_names_with_different_counts_are_quarantined_with_both_numbers(collect: Any, exchange: Any) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 1, "cached_tokens": 6, "num_cached_tokens": 5}
    assert collect(_line(exchange, usage)).refusal == (
        "contradictory_usage",
        "num_cached_tokens 5 and cached_tokens 6 differ",
    )


def test_reasoning_counted_beside_the_completion_is_put_into_it(collect: Any, exchange: Any) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 3,
        "total_tokens": 63,
        "completion_tokens_details": {"reasoning_tokens": 50},
    }
    collected = collect(_line(exchange, usage))
    assert collected.tokens == (10, 53, None, None, 50)
    assert collected.event["dialect"] == "openai-chat/reasoning-apart"


def test_reasoning_and_cached_tokens_may_both_need_a_convention(collect: Any, exchange: Any) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 3,
        "total_tokens": 63,
        "reasoning_tokens": 50,
        "cached_tokens": 100,
    }
    collected = collect(_line(exchange, usage, "grok-4"))
    assert collected.tokens == (10, 53, None, None, 50)
    assert collected.event["dialect"] == "openai-chat/reasoning-apart+cached-unknown"


def test_audio_counted_in_the_total_alone_leaves_the_counts_as_stated(collect: Any, exchange: Any) -> None:
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 248,
        "total_tokens": 632,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 375},
    }
    collected = collect(_line(exchange, usage))
    assert collected.tokens == (9, 248, 0, None, None)
    assert collected.event["dialect"] == "openai-chat/audio-apart"


def test_what_was_cached_and_counted_outside_the_prompt_is_put_into_it(collect: Any, exchange: Any) -> None:
    usage = {
        "prompt_tokens": 10,
        "completion_tokens": 3,
        "total_tokens": 113,
        "cache_read_input_tokens": 60,
        "cache_creation_input_tokens": 40,
    }
    collected = collect(_line(exchange, usage))
    assert collected.tokens == (110, 3, 60, 40, None)
    assert collected.event["dialect"] == "openai-chat/cached-apart"


@pytest.mark.parametrize("total", [12, 14, 1])
def test_a_total_that_nothing_explains_is_quarantined_with_the_numbers(collect: Any, exchange: Any, total: int) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": total, "reasoning_tokens": 2}
    assert collect(_line(exchange, usage)).refusal == (
        "contradictory_usage",
        f"total_tokens {total} is not prompt_tokens 10 + completion_tokens 3",
    )


@pytest.mark.parametrize("total", [0, None])
def test_a_total_that_is_not_stated_contradicts_nothing(collect: Any, exchange: Any, total: Any) -> None:
    assert collect(_line(exchange, {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": total})).tokens[
        :2
    ] == (10, 3)


def test_more_reasoning_than_completion_is_quarantined_with_both_numbers(collect: Any, exchange: Any) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "reasoning_tokens": 50}
    assert collect(_line(exchange, usage)).refusal == (
        "contradictory_usage",
        "reasoning_tokens 50 > completion_tokens 3",
    )


def test_reasoning_that_the_total_denies_is_another_tokenizers_and_left_out(collect: Any, exchange: Any) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13, "reasoning_tokens": 50}
    collected = collect(_line(exchange, usage))
    assert collected.tokens == (10, 3, None, None, None)
    assert collected.event["dialect"] == "openai-chat/reasoning-unknown"


@pytest.mark.parametrize("mark", [{"market_cost": "0.01"}, {"citation_tokens": 7}, {"num_search_queries": 3}])
def test_reasoning_outside_completion_and_total_is_put_into_the_completion(
    collect: Any, exchange: Any, mark: dict[str, Any]
) -> None:
    usage = {"prompt_tokens": 90, "completion_tokens": 300, "total_tokens": 390, "reasoning_tokens": 64} | mark
    assert collect(_line(exchange, usage)).tokens == (90, 364, None, None, 64)


def test_thoughts_that_only_the_total_of_a_gemini_model_holds_are_completion(collect: Any, exchange: Any) -> None:
    usage = {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 44}
    assert collect(_line(exchange, usage, "gemini-2.5-pro")).tokens == (9, 35, None, None, 30)


@pytest.mark.parametrize("beside", [{}, {"prompt_tokens": 0, "completion_tokens": 0}])
def test_counts_may_go_by_the_names_of_another_family(collect: Any, exchange: Any, beside: dict[str, int]) -> None:
    assert collect(_line(exchange, beside | {"input_tokens": 40, "output_tokens": 5})).tokens[:2] == (40, 5)


def test_a_normalised_count_beyond_what_a_count_may_be_is_quarantined(collect: Any, exchange: Any) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": TOKENS_MAX, "reasoning_tokens": 1, "market_cost": "1"}
    assert collect(_line(exchange, usage)).refusal[0] == "invalid_usage"


def test_audio_that_was_read_from_a_cache_counts_as_that(collect: Any, exchange: Any) -> None:
    usage = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "prompt_tokens_details": {"cached_tokens": 70, "audio_tokens": 40},
        "completion_tokens_details": {"reasoning_tokens": 45, "audio_tokens": 20},
    }
    event = collect(_line(exchange, usage)).event
    assert (event["prompt_cached_tokens"], event["prompt_audio_tokens"]) == (70, 30)
    assert (event["reasoning_tokens"], event["completion_audio_tokens"]) == (45, 5)


def test_audio_beside_the_prompt_is_of_unknown_share_and_left_out(collect: Any, exchange: Any) -> None:
    usage = {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"audio_tokens": 40}}
    assert collect(_line(exchange, usage)).event["prompt_audio_tokens"] is None


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"cached_tokens": 800, "cached_read_tokens": 300, "cached_write_tokens": 500}, (300, 500)),
        ({"cached_tokens": 300, "cached_read_tokens": 300, "cached_write_tokens": 500}, (300, 500)),
        ({"cached_tokens": 500, "cached_write_tokens": 500}, (0, 500)),
        ({"cached_tokens": 500, "cached_read_tokens": 0, "cached_write_tokens": 500}, (0, 500)),
        ({"cached_tokens": 0, "cached_write_tokens": 500, "cache_write_tokens": 500}, (0, 500)),
        ({"cached_tokens": 300, "cached_read_tokens": 300}, (300, None)),
        ({"cached_tokens": 300, "cached_write_tokens": 0}, (300, 0)),
        ({"cached_read_tokens": 300}, (300, None)),
    ],
)
def test_what_bifrost_read_from_a_cache_holds_nothing_that_was_written(
    collect: Any, exchange: Any, details: dict[str, Any], expected: tuple[int, int | None]
) -> None:
    usage = {"prompt_tokens": 2000, "completion_tokens": 3, "total_tokens": 2003, "prompt_tokens_details": details}
    assert collect(_line(exchange, usage)).tokens == (2000, 3, *expected, None)
    of_response = {"input_tokens": 2000, "output_tokens": 3, "total_tokens": 2003, "input_tokens_details": details}
    body = {"object": "response", "id": "resp_1", "model": "jamba-large", "status": "completed", "usage": of_response}
    assert collect(exchange(response=body)).tokens == (2000, 3, *expected, None)


def test_what_bifrost_wrote_to_a_cache_for_an_hour_is_told_apart(collect: Any, exchange: Any) -> None:
    lifetimes = {"cached_write_tokens_5m": 3, "cached_write_tokens_1h": 1}
    details = {"cached_tokens": 0, "cached_write_tokens": 4, "cached_write_token_details": lifetimes}
    usage = {"prompt_tokens": 20, "completion_tokens": 3, "prompt_tokens_details": details}
    assert collect(_line(exchange, usage)).event["prompt_cache_write_1h_tokens"] == 1
    of_response = {"input_tokens": 20, "output_tokens": 3, "total_tokens": 23, "input_tokens_details": details}
    body = {"object": "response", "id": "resp_1", "model": "jamba-large", "status": "completed", "usage": of_response}
    assert collect(exchange(response=body)).event["prompt_cache_write_1h_tokens"] == 1
