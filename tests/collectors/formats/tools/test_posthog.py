"""Events of PostHog, as its exports and its API have them, and what each of them bills."""

from __future__ import annotations

import json
from typing import Any

import pytest
from logged_documents import posthog_event

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.tools import posthog

CACHE = {"ai_cache_read_input_tokens": 30, "ai_cache_creation_input_tokens": 4}


def test_a_generation_is_an_event_dated_by_when_it_began(collect: Any) -> None:
    found = format_of(posthog_event())
    assert found is not None
    assert found.name == "posthog"
    event = collect(posthog_event()).event
    assert (event["status"], event["model_requested"], event["prompt_tokens"]) == ("measured", "jamba-large", 40)
    assert (event["api_key_id"], event["request_id"]) == ("key_1", "0193-1")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"ai_latency": None}, "02.500000"),
        ({"ai_latency": "soon"}, "02.500000"),
        ({"ai_latency": "0.5"}, "02"),
        ({"ai_latency": 2}, "00.500000"),
        ({"ai_ingestion_source": "otel"}, "02.500000"),
        ({"timestamp": "2026-11-03 10:00:02.5"}, "01.250000"),
        ({"timestamp": "2026-11-03 10:00:02.5", "ai_latency": None}, "02.500000"),
    ],
)
def test_what_came_as_a_span_has_the_start_and_others_the_end(
    stated: dict[str, Any], expected: str, collect: Any
) -> None:
    event = collect(posthog_event(**stated)).event
    assert event["occurred_at"].isoformat() == f"2026-11-03T10:00:{expected}+00:00"


def test_a_time_that_is_none_is_told_by_the_quarantine(collect: Any) -> None:
    assert collect(posthog_event(timestamp="noon")).refusal[0] == "invalid_field"


@pytest.mark.parametrize(
    ("stated", "prompt"),
    [
        ({}, 40),
        ({"ai_cache_reporting_exclusive": True}, 74),
        ({"ai_cache_reporting_exclusive": "true"}, 74),
        ({"ai_provider": "anthropic"}, 74),
        ({"ai_provider": "bedrock", "ai_model": "eu.anthropic.sonnet-4-5-v1:0"}, 74),
        ({"ai_provider": "vertex", "ai_model": "claude_sonnet_4_5"}, 74),
        ({"ai_provider": "anthropic", "ai_cache_reporting_exclusive": False}, 40),
        ({"ai_provider": "gateway", "ai_model": "claude_sonnet_4_5"}, 74),
        ({"ai_provider": "gateway", "ai_model": "claude_sonnet_4_5", "ai_framework": "vercel"}, 40),
        ({"ai_provider": "gateway", "ai_model": "claude_3", "ai_framework": "vercel", "ai_input_tokens": 9}, 43),
    ],
)
def test_the_cache_lies_within_the_input_or_apart_as_posthog_takes_it(
    stated: dict[str, Any], prompt: int, collect: Any
) -> None:
    assert collect(posthog_event(**CACHE, **stated)).tokens == (prompt, 5, 30, 4, None)


def test_an_input_that_nobody_stated_is_none_whatever_was_cached(collect: Any) -> None:
    event = collect(posthog_event(**CACHE, ai_provider="anthropic", ai_input_tokens=None)).event
    assert (event["status"], event["prompt_tokens"]) == ("unknown", None)
    thought = {"ai_model": "gemini-2.5-pro", "ai_output_tokens": None, "ai_reasoning_tokens": 3}
    assert collect(posthog_event(**thought)).event["status"] == "unknown"


def test_a_cache_beyond_the_input_that_is_said_to_hold_it_is_quarantined(collect: Any) -> None:
    refusal = collect(posthog_event(ai_cache_read_input_tokens=50)).refusal
    assert refusal == ("contradictory_usage", "prompt_cached_tokens 50 > prompt_tokens 40")


def test_what_was_written_may_be_there_by_its_lifetime_alone(collect: Any) -> None:
    lives = {"ai_cache_creation_5m_input_tokens": 3, "ai_cache_creation_1h_input_tokens": 1}
    for stated in (lives, lives | {"ai_cache_creation_input_tokens": 4}):
        collected = collect(posthog_event(ai_provider="anthropic", **stated))
        assert collected.tokens == (44, 5, None, 4, None)
        assert collected.event["prompt_cache_write_1h_tokens"] == 1


@pytest.mark.parametrize(
    ("stated", "completion"),
    [
        ({}, 5),
        ({"ai_model": "gemini-2.5-pro"}, 8),
        ({"ai_model": "google/gemini-3-flash"}, 8),
        ({"ai_model": "gemini-2.0-flash"}, 5),
        ({"ai_model": "gemini-2.5-pro", "ai_framework": "langchain"}, 5),
        ({"ai_model": "gemini-2.5-pro", "ai_ingestion_source": "otel"}, 5),
    ],
)
def test_thoughts_of_gemini_lie_outside_of_the_output_but_where_a_framework_adds_them(
    stated: dict[str, Any], completion: int, collect: Any
) -> None:
    assert collect(posthog_event(ai_reasoning_tokens=3, **stated)).tokens == (40, completion, None, None, 3)


def test_audio_is_a_part(collect: Any) -> None:
    event = collect(posthog_event(ai_audio_input_tokens=6, ai_audio_output_tokens=2)).event
    assert (event["prompt_audio_tokens"], event["completion_audio_tokens"]) == (6, 2)


def test_vectors_are_a_prompt(collect: Any) -> None:
    assert collect(posthog_event(event="$ai_embedding", ai_output_tokens=None)).tokens[:2] == (40, 0)


@pytest.mark.parametrize("name", ["$ai_trace", "$ai_span", "$ai_metric", "$pageview"])
def test_other_events_are_nothing(name: str, collect: Any) -> None:
    collected = collect(posthog_event(event=name), posthog_event())
    assert (len(collected.events), len(collected.quarantined)) == (1, 0)


def test_events_of_an_application_are_nothing_where_the_format_is_stated(collect: Any) -> None:
    own = posthog_event(event="signed up")
    assert not posthog.recognises(own)
    assert collect(own, format="posthog").events == []


@pytest.mark.parametrize("of_error", [{"ai_is_error": True}, {"ai_is_error": "true"}, {"ai_http_status": 500}])
def test_a_call_that_failed_and_counts_nothing_is_failed(of_error: dict[str, Any], collect: Any) -> None:
    nothing = {"ai_input_tokens": None, "ai_output_tokens": None}
    assert collect(posthog_event(**nothing, **of_error)).event["status"] == "failed"
    assert collect(posthog_event(ai_http_status=0)).event["status"] == "measured"


def test_whose_call_it_was_is_the_person_where_no_property_says_so(collect: Any) -> None:
    event = posthog_event()
    del event["properties"]["api_key_id"]
    assert collect(event).event["api_key_id"] == "lena"
    assert collect(event | {"distinct_id": "t-1"}).refusal[0] == "missing_field"
    named = collect(event, format="posthog", fields={"api_key_id": "properties.$ai_provider"})
    assert named.event["api_key_id"] == "openai"


def test_properties_may_be_text_and_events_a_page(collect: Any) -> None:
    event = posthog_event()
    text = event | {"properties": json.dumps(event["properties"])}
    other = {name: value for name, value in event.items() if name != "uuid"} | {"id": "0193-2"}
    collected = collect({"next": None, "results": [text, other, posthog_event(event="$ai_trace")]})
    assert [(each["request_id"], each["prompt_tokens"]) for each in collected.events] == [
        ("0193-1", 40),
        ("0193-2", 40),
    ]


def test_a_count_that_is_none_is_refused_in_the_place_of_its_event(collect: Any) -> None:
    collected = collect({"results": [posthog_event(ai_input_tokens=-1), posthog_event(uuid="0193-2")]})
    assert [event["request_id"] for event in collected.events] == ["0193-2"]
    assert [refused["reason"] for refused in collected.quarantined] == ["invalid_usage"]


def test_a_page_that_holds_what_is_no_event_is_refused(collect: Any) -> None:
    assert collect({"results": [posthog_event(), 7]}).refusal == ("invalid_field", "results is no list of events")


def test_entries_keep_the_event_for_fields_to_name() -> None:
    (entry,) = posthog.entries(posthog_event())
    assert isinstance(entry, dict)
    assert entry["event"] == posthog_event()
    assert entry["properties"] == posthog_event()["properties"]
