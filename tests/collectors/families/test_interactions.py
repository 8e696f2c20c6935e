"""Gemini's Interactions: JSON, streams, and what runs in the background."""

from __future__ import annotations

from typing import Any

import pytest
from readings import read, tokens, ways

PATH = "/v1beta/interactions"
USAGE = {
    "total_input_tokens": 50,
    "total_tool_use_tokens": 6,
    "total_cached_tokens": 32,
    "total_output_tokens": 20,
    "total_thought_tokens": 11,
    "total_tokens": 87,
}


def _interaction(**fields: Any) -> dict[str, Any]:
    return {
        "id": "v1_abc",
        "object": "interaction",
        "model": "gemini-3-flash",
        "status": "completed",
        "outputs": [{"type": "text", "text": "Fog."}],
        "usage": USAGE,
    } | fields


def _stream(**fields: Any) -> list[dict[str, Any]]:
    begun = {"id": "v1_abc", "object": "interaction", "model": "gemini-3-flash", "status": "in_progress"}
    return [
        {"event_type": "interaction.start", "interaction": begun},
        {"event_type": "content.delta", "index": 0, "delta": {"type": "text", "text": "Fog."}},
        {"event_type": "interaction.completed", "interaction": _interaction(**fields)},
    ]


def test_tool_use_is_input_and_thoughts_are_output() -> None:
    assert tokens(_interaction(), path=PATH) == (56, 31, 32, None, 11)
    reading = read(_interaction(), path=PATH)
    assert (reading.dialect, reading.response_id, reading.model_reported) == (
        "gemini-interactions",
        "v1_abc",
        "gemini-3-flash",
    )
    assert reading.finish_reason == "completed"


@pytest.mark.parametrize("way", ways())
def test_a_stream_states_its_usage_when_it_is_completed(way: str) -> None:
    body = ways(*_stream())[way]
    assert tokens(body, path=PATH) == (56, 31, 32, None, 11)
    reading = read(body, path=PATH)
    assert (reading.response_id, reading.model_reported, reading.finish_reason) == (
        "v1_abc",
        "gemini-3-flash",
        "completed",
    )


def test_an_agent_in_the_background_is_unknown_until_it_is_asked_for() -> None:
    running = _interaction(status="in_progress", outputs=[], usage=None)
    assert read(running, path=PATH).status.value == "unknown"
    assert tokens(_interaction(), path=f"{PATH}/v1_abc", method="GET")[:2] == (56, 31)


def test_what_failed_is_failed_unless_it_states_usage() -> None:
    assert read(_interaction(status="failed", outputs=[], usage=None), path=PATH).status.value == "failed"
    assert read(_interaction(status="failed"), path=PATH).status.value == "measured"
    error = {"event_type": "error", "error": {"code": "unavailable", "message": "later"}}
    assert read(ways(*_stream()[:2], error)["transcript"], path=PATH).status.value == "failed"


@pytest.mark.parametrize("name", ["usage", "total_usage"])
@pytest.mark.parametrize("way", ways())
def test_running_totals_beside_events_count_until_the_stream_states_its_usage(way: str, name: str) -> None:
    """Any streamed event may have them (``StepDeltaMetadata`` of Google's SDK)."""
    begun, delta, completed = _stream()
    running = [
        USAGE | {"total_output_tokens": output, "total_thought_tokens": 4, "total_tokens": 60 + output}
        for output in (0, 7)
    ]
    first, second = (event | {"metadata": {name: usage}} for event, usage in zip((begun, delta), running, strict=True))
    assert tokens(ways(first, second)[way], path=PATH) == (56, 11, 32, None, 4)
    assert tokens(ways(first, second, delta)[way], path=PATH) == (56, 11, 32, None, 4)
    assert tokens(ways(first, second, completed)[way], path=PATH) == (56, 31, 32, None, 11)


def test_what_a_caller_writes_beside_an_interaction_is_no_usage() -> None:
    labelled = _interaction(metadata={"usage": {"total_input_tokens": 9, "total_output_tokens": 9}})
    assert tokens(labelled, path=PATH) == (56, 31, 32, None, 11)
    assert read(labelled | {"usage": None}, path=PATH).status.value == "unknown"


def test_a_stream_that_was_cut_is_estimated() -> None:
    reading = read(ways(*_stream()[:2])["transcript"], path=PATH)
    assert (reading.status.value, reading.content_chunks) == ("estimated", 1)


@pytest.mark.parametrize("path", ["/ai/ask", None])
def test_it_is_known_by_its_body_and_never_taken_for_chat(path: str | None) -> None:
    assert read(_interaction(), path=path).dialect == "gemini-interactions"
    bare = {"id": "v1_abc", "usage": USAGE}
    assert tokens(bare, path=path)[:2] == (56, 31)


@pytest.mark.parametrize("http_status", [499, 500])
def test_stated_usage_counts_under_any_status(http_status: int) -> None:
    assert tokens(_interaction(), path=PATH, status=http_status)[:2] == (56, 31)


def test_one_part_alone_is_no_usage() -> None:
    assert read(_interaction(usage={"total_input_tokens": 50}), path=PATH).status.value == "unknown"


@pytest.mark.parametrize("way", ["alone", *ways()])
def test_audio_is_counted_apart_and_what_of_it_was_cached_is_cached(way: str) -> None:
    usage = {
        "total_input_tokens": 1000,
        "input_tokens_by_modality": [{"modality": "text", "tokens": 500}, {"modality": "audio", "tokens": 500}],
        "total_cached_tokens": 400,
        "cached_tokens_by_modality": [{"modality": "text", "tokens": 100}, {"modality": "audio", "tokens": 300}],
        "total_output_tokens": 90,
        "output_tokens_by_modality": [{"modality": "text", "tokens": 20}, {"modality": "audio", "tokens": 70}],
        "total_thought_tokens": 30,
        "total_tool_use_tokens": 60,
        "tool_use_tokens_by_modality": [{"modality": "text", "tokens": 39}, {"modality": "audio", "tokens": 21}],
        "total_tokens": 1180,
    }
    bodies = {"alone": _interaction(usage=usage)} | ways(*_stream(usage=usage))
    assert tokens(bodies[way], path=PATH) == (1060, 120, 400, None, 30)
    counts = read(bodies[way], path=PATH).tokens
    assert counts is not None
    assert (counts.prompt_audio_tokens, counts.completion_audio_tokens) == (221, 70)


@pytest.mark.parametrize("details", [None, [], {}, "audio", ["audio"], [{"modality": "text", "tokens": 9}]])
def test_without_a_count_of_audio_there_is_none(details: Any) -> None:
    counts = read(_interaction(usage=USAGE | {"input_tokens_by_modality": details}), path=PATH).tokens
    assert counts is not None
    assert (counts.prompt_tokens, counts.prompt_audio_tokens, counts.completion_audio_tokens) == (56, None, None)


@pytest.mark.parametrize("way", ["alone", *ways()])
def test_what_was_searched_is_kept_by_name(way: str) -> None:
    """Google charges it by the query."""
    called = [("google_search", 2), ("google_maps", 1), ("google_search", 1), ("retrieval", 4)]
    usage = USAGE | {"grounding_tool_count": [{"type": tool, "count": count} for tool, count in called]}
    bodies = {"alone": _interaction(usage=usage)} | ways(*_stream(usage=usage))
    reading = read(bodies[way], path=PATH)
    assert reading.other_usage == '{"map_searches":1,"retrievals":4,"web_searches":3}'
    assert tokens(bodies[way], path=PATH) == (56, 31, 32, None, 11)


@pytest.mark.parametrize(
    "searched",
    [None, 3, {}, [None], [{"type": "google_search"}], [{"count": 3}], [{"type": "x", "count": 3}]]
    + [[{"type": "google_search", "count": count}] for count in (0, None, "3", -1)],
)
def test_what_counts_no_search_is_kept_nowhere_and_costs_nothing(searched: Any) -> None:
    reading = read(_interaction(usage=USAGE | {"grounding_tool_count": searched}), path=PATH)
    assert (reading.status.value, reading.other_usage) == ("measured", None)
