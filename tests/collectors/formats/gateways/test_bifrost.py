"""Rows of Bifrost's table, as its API and its database have them, and what each of them bills."""

from __future__ import annotations

import json
from typing import Any

import pytest
from logged_documents import bifrost_row

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.gateways import bifrost

NO_USAGE: dict[str, Any] = {"token_usage": None}


def usage(details: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    counts = {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45}
    return {**counts, **({} if details is None else {"prompt_tokens_details": details}), **more}


def of_database(**fields: Any) -> dict[str, Any]:
    """Return a row as ``row_to_json`` has it: objects are text, and four counts are columns."""
    row = bifrost_row(**fields)
    stated = row["token_usage"] or {}
    columns = {name: stated.get(name, 0) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
    return {
        **{name: value for name, value in row.items() if name not in ("object", "token_usage")},
        **columns,
        "cached_read_tokens": stated.get("prompt_tokens_details", {}).get("cached_read_tokens", 0),
        "object_type": row["object"],
        "token_usage": json.dumps(stated) if stated else "",
        "cache_debug": json.dumps(row["cache_debug"]) if row.get("cache_debug") else "",
        "error_details": json.dumps(row["error_details"]) if row.get("error_details") else "",
        "params": json.dumps(row["params"]) if row.get("params") else "",
    }


BOTH = pytest.mark.parametrize("row", [bifrost_row, of_database])


@BOTH
def test_a_row_is_an_event_of_the_callers_key(row: Any, collect: Any) -> None:
    found = format_of(row())
    assert found is not None
    assert found.name == "bifrost"
    event = collect(row(alias="jamba")).event
    assert (event["status"], event["model_requested"], event["model_reported"]) == ("measured", "jamba", "jamba-large")
    assert (event["api_key_id"], event["request_id"]) == ("key_1", "0b6f6c1e-8f3e-4c43-9b1e-2f7d1c9a0001")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"
    assert (event["http_status"], event["finish_reason"], event["dialect"]) == (200, "stop", "logged-usage")
    assert collect(row()).tokens[:2] == (40, 5)


@BOTH
@pytest.mark.parametrize(
    ("details", "expected"),
    [
        ({"cached_tokens": 30, "cached_read_tokens": 30}, (30, None)),
        ({"cached_tokens": 34, "cached_read_tokens": 30, "cached_write_tokens": 4}, (30, 4)),
        ({"cached_tokens": 30, "cached_read_tokens": 30, "cached_write_tokens": 4, "cache_write_tokens": 4}, (30, 4)),
        ({"cached_tokens": 4, "cached_write_tokens": 4}, (0, 4)),
    ],
)
def test_the_cache_lies_within_the_prompt(row: Any, details: Any, expected: Any, collect: Any) -> None:
    assert collect(row(token_usage=usage(details))).tokens == (40, 5, *expected, None)


@BOTH
def test_parts_are_read(row: Any, collect: Any) -> None:
    details = {"cached_write_tokens": 4, "cached_write_token_details": {"cached_write_tokens_1h": 1}, "audio_tokens": 6}
    made = usage(details, completion_tokens_details={"reasoning_tokens": 3, "audio_tokens": 1})
    event = collect(row(token_usage=made)).event
    assert (event["reasoning_tokens"], event["prompt_cache_write_1h_tokens"]) == (3, 1)
    assert (event["prompt_audio_tokens"], event["completion_audio_tokens"]) == (6, 1)


@BOTH
def test_reasoning_that_a_provider_counts_apart_is_added_as_its_total_tells(row: Any, collect: Any) -> None:
    made = usage(total_tokens=145, completion_tokens_details={"reasoning_tokens": 100})
    event = collect(row(token_usage=made, model="grok-4")).event
    assert (event["prompt_tokens"], event["completion_tokens"], event["reasoning_tokens"]) == (40, 105, 100)
    assert event["dialect"] == "logged-usage/reasoning-apart"


@BOTH
def test_a_copy_out_of_bifrosts_cache_is_not_metered(row: Any, collect: Any) -> None:
    hit = {"cache_hit": True, "hit_type": "semantic", "input_tokens": 3, "model_used": "text-embedding-3-small"}
    event = collect(row(cache_debug=hit)).event
    assert (event["status"], event["dialect"]) == ("not_metered", "logged-usage/cache-hit")
    assert collect(row(cache_debug={**hit, "cache_hit": False})).event["status"] == "measured"


@BOTH
def test_what_failed_is_billed_where_it_states_usage(row: Any, collect: Any) -> None:
    failed = {"status": "error", "error_details": {"is_bifrost_error": False, "status_code": 429, "error": {}}}
    event = collect(row(**failed, **NO_USAGE)).event
    assert (event["status"], event["http_status"]) == ("failed", 429)
    assert collect(row(**failed)).event["status"] == "measured"
    assert collect(row(status="error", **NO_USAGE)).event["http_status"] == 500
    assert collect(row(status="cancelled", **NO_USAGE)).event["status"] == "failed"


@BOTH
def test_a_row_without_usage_is_unknown_until_it_has_some(row: Any, collect: Any) -> None:
    assert collect(row(**NO_USAGE)).event["status"] == "unknown"
    begun = row(status="processing", stop_reason=None, **NO_USAGE)
    collected = collect(begun, row())
    assert [event["status"] for event in collected.events] == ["unknown", "measured"]
    assert len({event["event_id"] for event in collected.events}) == 1


def test_columns_count_where_usage_is_kept_elsewhere(collect: Any) -> None:
    row = of_database(token_usage=usage({"cached_read_tokens": 30}))
    assert collect(row | {"token_usage": ""}).tokens == (40, 5, 30, None, None)


@BOTH
@pytest.mark.parametrize(
    ("kind", "status"),
    [
        *((kind, "measured") for kind in ("text_completion_stream", "responses", "realtime.turn", "compaction")),
        *((kind, "measured") for kind in ("chat.completion", "unknown", None)),
        *((kind, "not_metered") for kind in ("speech", "image_generation", "rerank", "count_tokens")),
        *((kind, "not_metered") for kind in ("list_models", "responses_retrieve", "video_generation", "ocr")),
    ],
)
def test_what_was_asked_for_decides_what_is_metered(row: Any, kind: str | None, status: str, collect: Any) -> None:
    assert collect(row(object=kind)).event["status"] == status


@BOTH
def test_a_kind_that_nobody_knows_and_that_counts_nothing_is_not_metered(row: Any, collect: Any) -> None:
    assert collect(row(object="batch_create", **NO_USAGE)).event["status"] == "not_metered"


@BOTH
def test_vectors_are_a_prompt(row: Any, collect: Any) -> None:
    made = {"prompt_tokens": 40, "total_tokens": 40}
    assert collect(row(object="embedding", token_usage=made)).tokens[:2] == (40, 0)


@BOTH
@pytest.mark.parametrize(
    ("path", "status"), [("/v1/chat/completions", "measured"), ("/v1/images/edits", "not_metered"), (None, "measured")]
)
def test_what_was_passed_through_is_what_its_path_says(row: Any, path: str | None, status: str, collect: Any) -> None:
    passed = row(object="passthrough_stream", params={"method": "POST", "path": path, "status_code": 200})
    assert collect(passed).event["status"] == status


def test_whose_call_it_was_is_the_virtual_key_or_the_user(collect: Any) -> None:
    assert collect(bifrost_row(virtual_key_id=None, user_id="lena")).event["api_key_id"] == "lena"
    assert collect(bifrost_row(virtual_key_id=None)).refusal[0] == "missing_field"
    named = collect(bifrost_row(), format="bifrost", fields={"api_key_id": "customer_id"})
    assert named.event["api_key_id"] == "customer-1"


@pytest.mark.parametrize(
    "written", ["2026-11-03 10:00:01.25", "2026-11-03 11:00:01.25+01:00", "2026-11-03T10:00:01.25"]
)
def test_an_instant_without_an_offset_is_of_utc(written: str, collect: Any) -> None:
    event = collect(bifrost_row(timestamp=written)).event
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"


def test_a_page_holds_rows(collect: Any) -> None:
    other = bifrost_row(id="2", fallback_index=1, parent_request_id="1", stream=1)
    page = {"logs": [bifrost_row(), other], "pagination": {"limit": 50}, "stats": {}, "has_logs": True}
    assert [event["request_id"] for event in collect(page).events] == [bifrost_row()["id"], "2"]
    assert collect({"logs": [bifrost_row(), 7]}).refusal == ("invalid_field", "logs is no list of rows")


def test_a_count_that_is_none_is_refused(collect: Any) -> None:
    assert collect(bifrost_row(token_usage=usage(prompt_tokens=-1))).refusal[0] == "invalid_usage"
    assert collect(bifrost_row(token_usage=usage(total_tokens=99))).refusal[0] == "contradictory_usage"


def test_a_row_is_known_by_its_names() -> None:
    for name in ("id", "timestamp", "provider", "model", "status", "selected_key_id", "fallback_index"):
        assert not bifrost.recognises({key: value for key, value in bifrost_row().items() if key != name})
    assert not bifrost.recognises({"logs": [7]})
