"""Spans of Opik, and what each of them bills."""

from __future__ import annotations

from typing import Any

import pytest
from logged_documents import opik_span

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.tools import opik

ONE = opik_span()


def original(**counts: int) -> dict[str, int]:
    """What a provider stated, as Opik has it."""
    return {f"original_usage.{name.replace('__', '.')}": value for name, value in counts.items()}


@pytest.mark.parametrize(
    "written",
    [
        ONE,
        {"page": 1, "size": 1, "total": 1, "content": [ONE]},
        {"trace": {"id": ONE["trace_id"]}, "spans": [ONE, opik_span(type="tool"), opik_span(type="general")]},
        {**{name: ONE.get(name) for name in ("id", "trace_id", "type", "start_time", "usage", "metadata", "model")}}
        | {"project_name": "desk"},
    ],
)
def test_a_call_is_an_event_with_the_id_of_its_answer(written: dict[str, Any], collect: Any) -> None:
    found = format_of(written)
    assert found is not None
    assert found.name == "opik"
    event = collect(written).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["api_key_id"], event["request_id"], event["response_id"]) == ("key_1", ONE["id"], "chatcmpl-1")
    assert (event["model_requested"], event["model_reported"]) == ("jamba", "jamba-large")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"


@pytest.mark.parametrize("outer", [(230, 150), (280, 100), (200, 100)])
def test_what_the_provider_stated_counts_and_not_what_opik_made_of_it(outer: tuple[int, int], collect: Any) -> None:
    """What was written to a cache was once put into the completion."""
    stated = original(input_tokens=200, output_tokens=100, cache_creation_input_tokens=50, cache_read_input_tokens=30)
    usage = {"prompt_tokens": outer[0], "completion_tokens": outer[1], "total_tokens": sum(outer), **stated}
    assert collect(opik_span(usage=usage, model="claude_opus_5")).tokens == (280, 100, 30, 50, None)


@pytest.mark.parametrize(
    ("stated", "tokens"),
    [
        (
            original(prompt_tokens=40, completion_tokens=5, total_tokens=45, prompt_tokens_details__cached_tokens=30),
            (40, 5, 30, None, None),
        ),
        (
            original(
                input_tokens=40,
                output_tokens=5,
                input_tokens_details__cached_tokens=30,
                output_tokens_details__reasoning_tokens=4,
            ),
            (40, 5, 30, None, 4),
        ),
        (
            original(inputTokens=6, outputTokens=5, cacheReadInputTokens=30, cacheWriteInputTokens=4),
            (40, 5, 30, 4, None),
        ),
        (
            original(
                prompt_token_count=40,
                candidates_token_count=2,
                thoughts_token_count=3,
                total_token_count=45,
                cached_content_token_count=30,
            ),
            (40, 5, 30, None, 3),
        ),
        (
            original(input_tokens=40, output_tokens=5, input_token_details__cache_read=30, total_tokens=45),
            (40, 5, 30, None, None),
        ),
    ],
)
def test_each_provider_is_read_as_it_counts(
    stated: dict[str, int], tokens: tuple[int | None, ...], collect: Any
) -> None:
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2, **stated}
    assert collect(opik_span(usage=usage)).tokens == tokens


def test_parts_of_a_cache_alone_lie_within_the_prompt(collect: Any) -> None:
    parts = original(cache_read_input_tokens=30, cache_creation_input_tokens=4)
    usage = {"prompt_tokens": 40, "completion_tokens": 5, **parts}
    assert collect(opik_span(usage=usage)).tokens == (40, 5, 30, 4, None)
    more = usage | original(cache_read_input_tokens=41)
    assert collect(opik_span(usage=more)).refusal[0] == "contradictory_usage"


def test_counts_of_names_that_opik_does_not_give_are_quarantined(collect: Any) -> None:
    usage = {"input_tokens": 40, "output_tokens": 5, "cache_read.input_tokens": 30}
    assert collect(opik_span(usage=usage)).refusal[0] == "invalid_usage"
    assert collect(opik_span(usage={"prompt_tokens": 40, "completion_tokens": 5})).tokens[:2] == (40, 5)


@pytest.mark.parametrize("name", ["character_count", "input_characters", "video_duration_seconds"])
def test_what_is_spoken_or_filmed_is_not_metered(name: str, collect: Any) -> None:
    usage = {"prompt_tokens": 150, "completion_tokens": 0, **original(prompt_tokens=150, **{name: 150})}
    assert collect(opik_span(usage=usage)).event["status"] == "not_metered"


def test_a_call_that_failed_states_so(collect: Any) -> None:
    error = {"exception_type": "RateLimitError", "traceback": "…"}
    assert collect(opik_span(usage=None)).event["status"] == "unknown"
    assert collect(opik_span(usage=None, error_info=error)).event["status"] == "failed"
    assert collect(opik_span(error_info=error)).event["status"] == "measured"


def test_an_id_in_the_metadata_of_others_is_no_answers(collect: Any) -> None:
    assert collect(opik_span(metadata={"created_from": "desk"})).event["response_id"] is None


def test_whose_it_was_a_source_says(collect: Any) -> None:
    named = {"format": "opik", "fields": {"api_key_id": "span.metadata.tenant"}}
    assert collect(opik_span(metadata={"tenant": "acme"}), **named).event["api_key_id"] == "acme"
    assert collect(opik_span(metadata={"api_key_id": None})).refusal[0] == "missing_field"


@pytest.mark.parametrize("name", ["id", "trace_id", "type", "start_time", "project_id"])
def test_what_has_not_all_of_it_is_no_span(name: str) -> None:
    assert not opik.recognises({each: value for each, value in ONE.items() if each != name})


def test_a_page_that_holds_something_else_is_refused(collect: Any) -> None:
    for page in ([ONE, 7], [ONE, {"id": 1}], [ONE, opik_span(type="other")]):
        assert collect({"content": page}).refusal[0] == "invalid_field"
    assert collect({"log": "x"}, format="opik").refusal[0] == "invalid_field"
