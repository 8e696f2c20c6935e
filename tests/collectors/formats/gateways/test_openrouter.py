"""Generations of OpenRouter, and what each of them bills."""

from __future__ import annotations

from typing import Any

import pytest
from logged_documents import openrouter_generation

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.gateways import openrouter

ONE = openrouter_generation()["data"]


@pytest.mark.parametrize("written", [{"data": ONE}, {"data": [ONE]}, ONE])
def test_a_generation_is_the_event_of_its_answer(written: dict[str, Any], collect: Any) -> None:
    found = format_of(written)
    assert found is not None
    assert found.name == "openrouter"
    event = collect(written).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["api_key_id"], event["model_reported"]) == ("key_1", "ai21/jamba-large")
    assert (event["response_id"], event["finish_reason"]) == ("gen-1793700001-aBcDeFgHiJkLmNoPqRsT", "stop")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"


def test_counts_are_the_providers_and_their_parts_lie_within(collect: Any) -> None:
    said = {"native_tokens_cached": 30, "native_tokens_reasoning": 3, "tokens_prompt": 9, "tokens_completion": 900}
    assert collect(openrouter_generation(**said)).tokens == (40, 5, 30, None, 3)
    assert collect(openrouter_generation(native_tokens_cached=41)).refusal[0] == "contradictory_usage"


def test_a_generation_is_one_event_with_the_answer_of_the_same_key(collect: Any, exchange: Any) -> None:
    """Also of a stream that was cut before it stated its usage."""
    chunk = f'data: {{"id": "{ONE["id"]}", "choices": [{{"delta": {{"content": "x"}}}}]}}\n\n'
    line = exchange(response=chunk, request={"model": "ai21/jamba-large", "stream": True})
    cut, generation = collect(line).event, collect(openrouter_generation()).event
    assert (cut["status"], generation["status"]) == ("estimated", "measured")
    assert cut["event_id"] == generation["event_id"]


@pytest.mark.parametrize(
    ("said", "status", "completion"),
    [
        ({"cancelled": True, "finish_reason": None}, "measured", 5),
        ({"api_type": None}, "measured", 5),
        ({"api_type": "embeddings", "native_tokens_completion": None}, "measured", 0),
        ({"api_type": "embeddings", "native_tokens_completion": 0}, "measured", 0),
        ({"api_type": "rerank"}, "not_metered", None),
        ({"api_type": "images"}, "not_metered", None),
        ({"native_tokens_prompt": 0, "native_tokens_completion": 0}, "unknown", None),
        ({"native_tokens_prompt": None, "native_tokens_completion": None}, "unknown", None),
    ],
)
def test_what_was_asked_and_counted_decides(said: Any, status: str, completion: int | None, collect: Any) -> None:
    event = collect(openrouter_generation(**said)).event
    assert (event["status"], event["completion_tokens"]) == (status, completion)


def test_whose_it_was_is_the_user_of_the_request_or_what_a_source_says(collect: Any) -> None:
    assert collect(openrouter_generation(external_user=None)).refusal == ("missing_field", "api_key or api_key_id")
    named = {"format": "openrouter", "fields": {"api_key_id": {"value": "my-app"}}}
    assert collect(openrouter_generation(), **named).event["api_key_id"] == "my-app"


def test_an_instant_without_an_offset_is_of_utc(collect: Any) -> None:
    event = collect(openrouter_generation(created_at="2026-11-03 10:00:01.25"), time_zone="Europe/Berlin").event
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"


def test_a_list_that_holds_something_else_is_refused(collect: Any) -> None:
    assert collect({"data": [ONE, 7]}).refusal[0] == "invalid_field"
    assert collect({"data": 7}, format="openrouter").refusal[0] == "invalid_field"


@pytest.mark.parametrize("name", ["id", "created_at", "native_tokens_prompt", "native_tokens_completion"])
def test_what_has_not_all_of_it_is_no_generation(name: str) -> None:
    less = {each: value for each, value in ONE.items() if each != name}
    assert not any(openrouter.recognises(each) for each in (less, {"data": less}, {"data": [less]}, {"data": []}))


@pytest.mark.parametrize("name", ["native_tokens_cached", "native_tokens_cache_creation", "native_tokens_reasoning"])
def test_parts_of_a_generation_of_vercel_s_gateway_are_refused_since_nothing_says_where_they_lie(
    name: str, collect: Any
) -> None:
    nothing = {"native_tokens_cached": 0, "native_tokens_cache_creation": 0, "native_tokens_reasoning": 0}
    generation = openrouter_generation()["data"] | nothing | {"id": "gen_01J"}
    assert collect({"data": generation}).tokens[:2] == (generation["native_tokens_prompt"], 5)
    assert collect({"data": generation | {name: 3}}).refusal[0] == "contradictory_usage"
    older = {each: value for each, value in generation.items() if each != "native_tokens_cache_creation"}
    assert collect({"data": older | {name: 3}}).refusal[0] == "contradictory_usage"
