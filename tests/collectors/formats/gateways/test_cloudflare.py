"""Logs of Cloudflare's AI Gateway, in the shape of its API's reference."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipeline.collectors.formats.gateways import cloudflare


def row(**fields: Any) -> dict[str, Any]:
    """Return the log of a request; keywords replace fields, ``...`` leaves one out."""
    line = {
        "id": "01JADMCQQQBWH3NXZ5GCRN98DP",
        "cached": False,
        "created_at": "2026-11-03T10:00:01Z",
        "custom_cost": False,
        "cost": 0.00004,
        "duration": 302,
        "metadata": json.dumps({"api_key_id": "key_1", "team": "AI"}),
        "model": "gpt-4o-mini",
        "path": "v1/chat/completions",
        "provider": "openai",
        "request_content_type": "application/json",
        "response_content_type": "application/json",
        "status_code": 200,
        "success": True,
        "tokens_in": 40,
        "tokens_out": 5,
    } | fields
    return {name: value for name, value in line.items() if value is not ...}


def test_a_row_is_the_event_that_a_request_log_with_its_counts_would_be(collect: Any) -> None:
    fields = {"usage.prompt_tokens": "in", "usage.completion_tokens": "out"}
    line = {
        "ts": "2026-11-03T10:00:01Z",
        "api_key_id": "key_1",
        "request_id": "01JADMCQQQBWH3NXZ5GCRN98DP",
        "status": 200,
        "path": "v1/chat/completions",
        "request": {"model": "gpt-4o-mini"},
        "in": 40,
        "out": 5,
    }
    ours, theirs = collect(line, fields=fields).event, collect(row()).event
    for name in ("byte_end", "byte_start"):
        ours.pop(name), theirs.pop(name)
    assert ours == theirs
    assert (theirs["status"], theirs["prompt_tokens"], theirs["completion_tokens"]) == ("measured", 40, 5)


def test_an_answer_out_of_the_gateway_s_cache_is_not_metered(collect: Any) -> None:
    event = collect(row(cached=True)).event
    assert (event["status"], event["dialect"]) == ("not_metered", "logged-usage/cache-hit")
    assert json.loads(event["other_usage"]) == {"completion_tokens": 5, "prompt_tokens": 40}


def test_counts_of_zero_are_unknown_and_never_free(collect: Any) -> None:
    event = collect(row(tokens_in=0, tokens_out=0)).event
    assert (event["status"], event["prompt_tokens"]) == ("unknown", None)


@pytest.mark.parametrize(("status", "http_status"), [(429, 429), (None, 500), (..., 500)])
def test_a_request_that_failed_is_not_billed(collect: Any, status: Any, http_status: int) -> None:
    event = collect(row(success=False, status_code=status, tokens_in=0, tokens_out=0)).event
    assert (event["status"], event["http_status"]) == ("failed", http_status)


def test_a_request_that_was_tried_again_and_one_that_is_on_two_pages_are_billed_once(collect: Any) -> None:
    failed = row(id="a", success=False, status_code=500, tokens_in=0, tokens_out=0)
    events = collect(failed, row(id="b"), row(id="b")).events
    assert [event["status"] for event in events] == ["failed", "measured", "measured"]
    assert events[0]["event_id"] != events[1]["event_id"] == events[2]["event_id"]


def test_vectors_are_a_prompt_and_images_are_not_metered(collect: Any) -> None:
    vectors = collect(row(path="v1/embeddings", tokens_out=0))
    assert (vectors.event["status"], vectors.tokens[:2]) == ("measured", (40, 0))
    assert collect(row(path="v1/images/generations")).event["status"] == "not_metered"


def test_whose_request_it_was_its_metadata_says_and_nothing_else(collect: Any) -> None:
    assert collect(row(metadata={"api_key_id": "key_2"})).event["api_key_id"] == "key_2"
    missing = ("missing_field", "api_key or api_key_id")
    for metadata in (..., None, "{}", "no JSON", "[]", 7):
        assert collect(row(metadata=metadata)).refusal == missing
    fields = {"api_key_id": "metadata.team"}
    assert collect(row(), format="cloudflare", fields=fields).event["api_key_id"] == "AI"


@pytest.mark.parametrize("count", [-1, 1.5, "many", True, [], {}])
def test_what_is_no_count_is_refused(collect: Any, count: Any) -> None:
    assert collect(row(tokens_in=count)).refusal[0] == "invalid_usage"


def test_a_row_is_known_by_four_names() -> None:
    assert cloudflare.recognises(row())
    for name in ("created_at", "cached", "tokens_in", "tokens_out"):
        assert not cloudflare.recognises(row(**{name: ...}))


@pytest.mark.parametrize("path", ["run/@cf/meta/llama-3.1-8b-instruct", "predictions", "v1/predictions", "my-own"])
def test_counts_of_zero_are_unknown_whatever_the_provider_s_path_is(collect: Any, path: str) -> None:
    event = collect(row(path=path, model="@cf/meta/llama-3.1-8b-instruct", tokens_in=0, tokens_out=0)).event
    assert (event["status"], event["model_requested"]) == ("unknown", "@cf/meta/llama-3.1-8b-instruct")
    assert collect(row(path=path)).tokens[:2] == (40, 5)


@pytest.mark.parametrize("kind", ["image/png", "audio/mpeg", "video/mp4"])
def test_an_answer_that_is_an_image_or_a_sound_is_not_metered(collect: Any, kind: str) -> None:
    made = row(path="run/@cf/lykon/dreamshaper-8-lcm", response_content_type=kind, tokens_in=0, tokens_out=0)
    assert collect(made).event["status"] == "not_metered"
    for other in ("application/json", "text/event-stream", None, 7):
        assert collect(made | {"response_content_type": other}).event["status"] == "unknown"


def test_to_ask_whether_a_prediction_is_done_is_no_call_of_a_model(collect: Any) -> None:
    assert collect(row(path="predictions/p-1", tokens_in=0, tokens_out=0)).event["status"] == "not_metered"
