"""Spans of Datadog's LLM Observability, as its API exports them, and what each of them bills."""

from __future__ import annotations

from typing import Any

import pytest
from logged_documents import datadog_span

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.spans import datadog


def page(*spans: dict[str, Any]) -> dict[str, Any]:
    return {"data": [*spans], "meta": {"status": "done", "page": None}}


@pytest.mark.parametrize("written", [datadog_span(), datadog_span()["attributes"], page(datadog_span())])
def test_a_span_of_a_model_is_an_event(written: dict[str, Any], collect: Any) -> None:
    found = format_of(written)
    assert found is not None
    assert found.name == "datadog"
    event = collect(written).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert (event["api_key_id"], event["model_reported"]) == ("key_1", "jamba-large")
    assert event["request_id"] == "6903738200000000af2d3775dfc70530/14624140233640368324"
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"


def test_the_start_may_be_in_milliseconds_as_the_documentation_has_it(collect: Any) -> None:
    at = collect(datadog_span(start_ns=1_793_700_001_250)).event["occurred_at"]
    assert at.isoformat() == "2026-11-03T10:00:01.250000+00:00"


@pytest.mark.parametrize(
    ("metrics", "tokens"),
    [
        ({"cache_read_input_tokens": 30}, (40, 5, 30, None, None)),
        ({"cache_read_input_tokens": 30.0, "input_tokens": 40.0}, (40, 5, 30, None, None)),
        ({"cache_read_input_tokens": 30, "cache_write_input_tokens": 4}, (40, 5, 30, 4, None)),
        ({"reasoning_output_tokens": 3}, (40, 5, None, None, 3)),
        ({"ephemeral_5m_input_tokens": 3, "ephemeral_1h_input_tokens": 1}, (40, 5, None, 4, None)),
        ({"cache_write_input_tokens": 4, "ephemeral_5m_input_tokens": 3}, (40, 5, None, 4, None)),
    ],
)
def test_parts_lie_within_the_two_counts(metrics: dict[str, Any], tokens: Any, collect: Any) -> None:
    assert collect(datadog_span(metrics=metrics)).tokens == tokens


def test_what_was_written_for_an_hour_is_told_apart(collect: Any) -> None:
    metrics = {"cache_write_input_tokens": 4, "ephemeral_1h_input_tokens": 1}
    assert collect(datadog_span(metrics=metrics)).event["prompt_cache_write_1h_tokens"] == 1


def test_what_a_cache_counts_beyond_the_input_is_refused(collect: Any) -> None:
    assert collect(datadog_span(metrics={"cache_read_input_tokens": 41})).refusal[0] == "contradictory_usage"
    assert collect(datadog_span(metrics={"input_tokens": "40"})).refusal[0] == "invalid_usage"
    assert collect(datadog_span(metrics={"total_tokens": 99})).refusal[0] == "contradictory_usage"


@pytest.mark.parametrize("kind", ["workflow", "agent", "task", "tool", "retrieval", "experiment"])
def test_spans_around_calls_are_nothing(kind: str, collect: Any) -> None:
    """A framework's span is a workflow where the client below it is traced as well."""
    collected = collect(datadog_span(span_kind=kind))
    assert not collected.events
    assert not collected.quarantined


def test_a_kind_that_nobody_knows_is_refused(collect: Any) -> None:
    assert collect(datadog_span(span_kind="dream"), format="datadog").refusal[0] == "invalid_field"
    assert collect(page(datadog_span(), datadog_span(span_kind="dream"))).refusal[0] == "invalid_field"
    assert collect(page(datadog_span(), 7)).refusal[0] == "invalid_field"  # type: ignore[arg-type]


def test_vectors_have_a_prompt_alone(collect: Any) -> None:
    metrics = {"output_tokens": None, "total_tokens": None}
    event = collect(datadog_span(span_kind="embedding", metrics=metrics)).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 0)


def test_a_span_that_failed_is_failed_and_one_without_counts_unknown(collect: Any) -> None:
    nothing = {"input_tokens": None, "output_tokens": None, "total_tokens": None}
    assert collect(datadog_span(metrics=nothing, status="error")).event["status"] == "failed"
    assert collect(datadog_span(metrics=nothing)).event["status"] == "unknown"
    assert collect(datadog_span(metrics=dict.fromkeys(nothing, 0))).event["status"] == "unknown"
    assert collect(datadog_span(status="error")).event["status"] == "measured"


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"tags": ["user_id:lena"]}, "lena"),
        ({"tags": ["user_id:lena", "api_key_id:key_2"]}, "key_2"),
        ({"tags": ["user_id:lena"], "metadata": {"api_key_id": "key_3"}}, "key_3"),
        ({"tags": ["api_key_id:a:b", "api_key_id:c"]}, "a:b"),
    ],
)
def test_whose_call_it_was_is_a_tag_or_said_beside(fields: dict[str, Any], key: str, collect: Any) -> None:
    assert collect(datadog_span(**fields)).event["api_key_id"] == key


def test_a_call_of_nobody_is_refused_until_a_source_says_whose(collect: Any) -> None:
    for tags in ([], ["api_key_id:"], "api_key_id:key_1", [7]):
        assert collect(datadog_span(tags=tags)).refusal == ("missing_field", "api_key or api_key_id")
    named = {"format": "datadog", "fields": {"api_key_id": "tags.env"}}
    assert collect(datadog_span(), **named).event["api_key_id"] == "prod"
    assert collect(datadog_span(), format="datadog", fields={"api_key_id": "span.ml_app"}).event["api_key_id"] == "desk"


def test_a_count_that_is_none_costs_its_own_span_alone(collect: Any) -> None:
    other = datadog_span(metrics={"input_tokens": -1}, span_id="2")
    collected = collect(page(datadog_span(), other, datadog_span(span_id="3")))
    assert len(collected.events) == 2
    assert [row["reason"] for row in collected.quarantined] == ["invalid_usage"]


@pytest.mark.parametrize("name", ["ml_app", "start_ns", "trace_id", "span_kind"])
def test_what_has_not_all_of_it_is_no_span(name: str) -> None:
    span = datadog_span()
    del span["attributes"][name]
    assert not datadog.recognises(span)
    assert not datadog.recognises({"data": [7]})
