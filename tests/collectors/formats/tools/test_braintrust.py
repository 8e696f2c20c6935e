"""Spans of Braintrust, and what each of them bills."""

from __future__ import annotations

from typing import Any

import pytest
from logged_documents import braintrust_span

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.tools import braintrust

ONE = braintrust_span()


@pytest.mark.parametrize(
    "written", [ONE, {"events": [ONE, braintrust_span("task")], "cursor": "x"}, {"data": [ONE], "schema": {}}]
)
def test_a_call_is_an_event(written: dict[str, Any], collect: Any) -> None:
    found = format_of(written)
    assert found is not None
    assert found.name == "braintrust"
    event = collect(written).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["api_key_id"], event["request_id"]) == ("key_1", "root-1/span-1")
    assert event["model_requested"] == "jamba"
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"


@pytest.mark.parametrize(
    ("metrics", "tokens"),
    [
        ({"prompt_cached_tokens": 30.0, "prompt_cache_creation_tokens": 4}, (40, 5, 30, 4, None)),
        ({"prompt_cache_creation_5m_tokens": 3, "prompt_cache_creation_1h_tokens": 4}, (40, 5, None, 7, None)),
        ({"completion_reasoning_tokens": 3}, (40, 5, None, None, 3)),
        ({"completion_reasoning_tokens": 30, "tokens": 75}, (40, 35, None, None, 30)),
        ({"tokens": None, "total_tokens": 45}, (40, 5, None, None, None)),
        ({"completion_tokens": None, "tokens": 40}, (40, 0, None, None, None)),
    ],
)
def test_parts_lie_within_and_the_total_tells_what_does_not(
    metrics: dict[str, Any], tokens: tuple[int | None, ...], collect: Any
) -> None:
    assert collect(braintrust_span(metrics=metrics)).tokens == tokens


def test_what_no_total_explains_is_refused(collect: Any) -> None:
    """As of Bedrock by the SDK for Java, whose total has the cache and whose prompt has not."""
    assert collect(braintrust_span(metrics={"tokens": 445})).refusal[0] == "contradictory_usage"
    assert collect(braintrust_span(metrics={"prompt_cached_tokens": 41})).refusal[0] == "contradictory_usage"
    assert collect(braintrust_span(metrics={"prompt_tokens": "many"})).refusal[0] == "invalid_usage"


def test_a_message_with_its_usage_decides(collect: Any) -> None:
    usage = {"input_tokens": 40, "output_tokens": 5, "cache_read_input_tokens": 30}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "opus", "content": [], "usage": usage}
    collected = collect(braintrust_span(metrics={"prompt_cached_tokens": 30}, output=message))
    assert (collected.tokens, collected.event["response_id"]) == ((70, 5, 30, None, None), "msg_1")


@pytest.mark.parametrize("kind", ["task", "function", "tool", "eval", "score", "automation", None])
def test_what_is_around_calls_is_none(kind: str | None, collect: Any) -> None:
    collected = collect(braintrust_span(kind))
    assert not collected.events
    assert not collected.quarantined


def test_a_copy_out_of_the_cache_of_the_proxy_is_not_metered(collect: Any) -> None:
    assert collect(braintrust_span(metrics={"cached": 1})).event["status"] == "not_metered"
    assert collect(braintrust_span(metrics={"cached": 0})).event["status"] == "measured"


def test_without_counts_a_call_is_unknown_or_failed_and_without_a_start_of_when_it_was_logged(collect: Any) -> None:
    bare = {"prompt_tokens": None, "completion_tokens": None, "tokens": None, "start": None}
    assert collect(braintrust_span(metrics=bare)).event["status"] == "unknown"
    assert collect(braintrust_span(metrics=bare, error="timeout")).event["status"] == "failed"
    assert collect(braintrust_span(metrics=bare)).event["occurred_at"].isoformat() == "2026-11-03T10:00:02+00:00"


def test_whose_it_was_the_metadata_say_or_a_rule(collect: Any) -> None:
    row = braintrust_span(metadata={"model": "jamba", "tenant": "key_7"})
    assert collect(row).refusal == ("missing_field", "api_key or api_key_id")
    named = {"format": "braintrust", "fields": {"api_key_id": "span.metadata.tenant"}}
    assert collect(row, **named).event["api_key_id"] == "key_7"


@pytest.mark.parametrize("name", ["span_attributes", "root_span_id", "metrics"])
def test_what_has_not_all_of_it_is_no_span(name: str) -> None:
    assert not braintrust.recognises({each: value for each, value in ONE.items() if each != name})


def test_a_page_that_holds_what_is_no_span_is_refused(collect: Any) -> None:
    assert collect({"events": [ONE, 7]}).refusal[0] == "invalid_field"
