"""Rows of new-api and One API, as their API and their database have them, and what each of them bills."""

from __future__ import annotations

import json
from typing import Any

import pytest
from logged_documents import new_api_row, one_api_row, one_hub_row

from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.gateways import new_api

FLAG = new_api._FLAG_OF_ANTHROPIC.pattern.removesuffix("_?")  # noqa: SLF001 - as it is called
BY_ANTHROPIC = {"cache_tokens": 3000, "cache_creation_tokens": 500, "usage_semantic": "anthropic", FLAG: True}


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def test_a_row_is_an_event_dated_by_when_its_call_began(collect: Any) -> None:
    found = format_of(new_api_row())
    assert found is not None
    assert found.name == "new-api"
    event = collect(new_api_row(is_stream=True)).event
    assert (event["status"], event["model_requested"], event["model_reported"]) == ("measured", "jamba-large", None)
    assert (event["api_key_id"], event["request_id"]) == ("7", "20261103100001250kQ3xZ9aB")
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01+00:00"
    assert collect(new_api_row()).tokens == (40, 5, 0, None, None)


def test_a_row_of_one_api_names_its_user_and_the_name_of_the_key(collect: Any) -> None:
    event = collect(one_api_row()).event
    assert (event["status"], event["api_key_id"], event["request_id"]) == (
        *("measured", "12/production"),
        "2026110310000125012345678",
    )
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"
    assert collect(one_api_row()).tokens == (40, 5, None, None, None)


def test_a_row_of_one_hub_has_parts_in_its_metadata(collect: Any) -> None:
    event = collect(one_hub_row()).event
    assert (event["status"], event["api_key_id"]) == ("measured", "12/production")
    assert event["request_id"] == "1793700003-4711"
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"
    assert collect(one_hub_row()).tokens == (40, 5, None, None, None)
    assert collect(one_hub_row(metadata=None)).tokens == (40, 5, None, None, None)


@pytest.mark.parametrize(
    ("parts", "tokens", "for_an_hour"),
    [
        ({"cached_tokens": 30, "reasoning_tokens": 4}, (40, 5, 30, None, 4), None),
        ({"cached_read_tokens": 20, "cached_write_tokens": 10}, (40, 5, 20, 10, None), None),
        ({"cached_write_tokens": 7, "cached_write_1h_tokens": 3}, (40, 5, None, 10, None), 3),
        ({"cached_write_5m_tokens": 7, "cached_write_1h_tokens": 3}, (40, 5, None, 10, None), 3),
        ({"cached_tokens": 20, "openai_cache_write_tokens": 10}, (40, 5, 20, 10, None), None),
        ({"cached_tokens": 0, "cached_read_tokens": 0}, (40, 5, 0, None, None), None),
    ],
)
@pytest.mark.parametrize("written", [dict, json.dumps])
def test_parts_of_one_hub_are_within_their_wholes(
    parts: dict[str, int], tokens: tuple[int | None, ...], for_an_hour: int | None, written: Any, collect: Any
) -> None:
    collected = collect(one_hub_row(metadata=written(parts)))
    assert collected.tokens == tokens
    assert collected.event["prompt_cache_write_1h_tokens"] == for_an_hour


def test_sound_of_one_hub_is_told_apart_and_a_part_that_is_none_refused(collect: Any) -> None:
    event = collect(one_hub_row(metadata={"input_audio_tokens": 30, "output_audio_tokens": 4})).event
    assert (event["prompt_audio_tokens"], event["completion_audio_tokens"]) == (30, 4)
    assert collect(one_hub_row(metadata={"cached_tokens": -1})).refusal[0] == "invalid_usage"
    assert collect(one_hub_row(content="倍率：15.00 × 1.00")).event["status"] == "measured"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"use_time": 0}, "03"),
        ({"use_time": "2"}, "01"),
        ({"use_time": None}, "03"),
        ({"use_time": "soon"}, "03"),
        ({"created_at": "1793700003"}, "01"),
    ],
)
def test_how_long_a_call_took_is_taken_off_when_it_ended(stated: dict[str, Any], expected: str, collect: Any) -> None:
    assert collect(new_api_row(**stated)).event["occurred_at"].isoformat() == f"2026-11-03T10:00:{expected}+00:00"


def test_a_time_that_is_none_is_told_by_the_quarantine(collect: Any) -> None:
    assert collect(new_api_row(created_at="noon")).refusal[0] == "invalid_field"


@pytest.mark.parametrize(
    ("other", "prompt", "written"),
    [
        ({"cache_tokens": 30, "cache_write_tokens": 4}, 40, 4),
        ({"cache_tokens": 30, "cache_write_tokens": 4, "input_tokens_total": 74}, 74, 4),
        (BY_ANTHROPIC, 3540, 500),
        ({**BY_ANTHROPIC, "usage_semantic": None}, 3540, 500),
        ({**BY_ANTHROPIC, FLAG: None}, 3540, 500),
        ({**BY_ANTHROPIC, "input_tokens_total": 3540}, 3540, 500),
        ({**BY_ANTHROPIC, "cache_tokens": 30, "cache_creation_tokens": 4}, 74, 4),
        ({"cache_tokens": 30, "cache_creation_tokens_5m": 3, "cache_creation_tokens_1h": 1}, 74, 4),
        ({"cache_tokens": 300, "cache_creation_tokens": 4}, 344, 4),
        ({"cache_tokens": 3, "cache_creation_tokens": 400}, 443, 400),
    ],
)
def test_the_cache_lies_within_the_prompt_or_apart_as_the_row_says(
    other: dict[str, Any], prompt: int, written: int, collect: Any
) -> None:
    assert collect(new_api_row(other=other)).tokens == (prompt, 5, other["cache_tokens"], written, None)


def test_a_cache_beyond_the_prompt_that_is_said_to_hold_it_is_quarantined(collect: Any) -> None:
    refusal = collect(new_api_row(other={"cache_tokens": 50, "usage_semantic": "openai"})).refusal
    assert refusal == ("contradictory_usage", "prompt_cached_tokens 50 > prompt_tokens 40")


@pytest.mark.parametrize(
    ("other", "written"),
    [
        ({"cache_creation_tokens_5m": 3, "cache_creation_tokens_1h": 1}, 4),
        ({"cache_creation_tokens_5m": 3, "cache_creation_tokens_1h": 1, "cache_creation_tokens": 4}, 4),
        ({"cache_creation_tokens_1h": 1, "cache_creation_tokens": 6}, 6),
        ({"cache_creation_tokens_1h": 1, "cache_creation_tokens": 6, "cache_write_tokens": 6}, 6),
    ],
)
def test_what_was_written_is_counted_once_and_for_an_hour_told_apart(
    other: dict[str, Any], written: int, collect: Any
) -> None:
    event = collect(new_api_row(other={"usage_semantic": "anthropic", **other})).event
    assert (event["prompt_tokens"], event["prompt_cache_write_tokens"]) == (40 + written, written)
    assert event["prompt_cache_write_1h_tokens"] == 1


@pytest.mark.parametrize("kind", ["audio", "ws"])
def test_audio_is_a_part(kind: str, collect: Any) -> None:
    sound = {kind: True, "audio_input": 30, "audio_output": 4, "text_input": 10, "text_output": 1}
    event = collect(new_api_row(other={**sound, "request_path": "/v1/realtime"})).event
    assert (event["prompt_tokens"], event["prompt_audio_tokens"], event["completion_audio_tokens"]) == (40, 30, 4)
    event = collect(new_api_row(other={"audio_input_token_count": 6, "audio_output": 4})).event
    assert (event["prompt_audio_tokens"], event["completion_audio_tokens"]) == (6, None)


def test_the_model_that_a_channel_calls_otherwise_is_the_one_that_answered(collect: Any) -> None:
    row = new_api_row(other={"is_model_mapped": True, "upstream_model_name": "jamba-large-1.7"})
    event = collect(row).event
    assert (event["model_requested"], event["model_reported"]) == ("jamba-large", "jamba-large-1.7")
    by_name = collect(row, format="new-api", fields={"response.model": "model_name"}).event
    assert by_name["model_reported"] == "jamba-large"


@pytest.mark.parametrize("kind", [0, 1, 3, 4, 6, 7, "1"])
def test_what_is_no_call_is_nothing(kind: Any, collect: Any) -> None:
    collected = collect(new_api_row(type=kind), new_api_row(type=9, prompt_tokens=0, completion_tokens=0))
    assert (collected.events, collected.quarantined) == ([], [])
    assert collect(new_api_row(other={"violation_fee": True})).events == []


def test_a_row_of_a_type_that_nobody_knows_and_that_has_tokens_is_quarantined(collect: Any) -> None:
    assert collect(new_api_row(type=9)).refusal == ("invalid_field", "type is 9, and 2 of a row that is a call")
    refusal = collect(without(new_api_row(), "type"), format="new-api").refusal
    assert refusal == ("invalid_field", "type is no number, and 2 of a row that is a call")


def test_tries_that_failed_are_one_call_with_the_one_that_was_answered(collect: Any) -> None:
    nothing = {"type": 5, "prompt_tokens": 0, "completion_tokens": 0, "quota": 0}
    failed = new_api_row(id=4710, other={"status_code": 429, "error_type": "upstream_error"}, **nothing)
    event = collect(failed).event
    assert (event["status"], event["http_status"]) == ("failed", 429)
    assert collect(new_api_row(**nothing)).event["status"] == "failed"
    collected = collect(failed, new_api_row())
    assert {event["event_id"] for event in collected.events} == {collected.events[0]["event_id"]}


def test_a_test_of_a_channel_is_nothing(collect: Any) -> None:
    nothing = {"type": 5, "prompt_tokens": 0, "completion_tokens": 0, "token_name": "", "user_id": 0}
    assert collect(one_api_row(**nothing)).events == []


def test_an_answer_that_nobody_counted_is_unknown(collect: Any) -> None:
    assert collect(new_api_row(prompt_tokens=0, completion_tokens=0)).event["status"] == "unknown"


@pytest.mark.parametrize(
    ("admin", "status"),
    [
        ({"local_count_tokens": True}, "unknown"),
        ({"usage_billing_path": "local"}, "unknown"),
        ({"usage_billing_path": "billing-usage-gemini-estimated", "local_count_tokens": True}, "unknown"),
        ({"usage_billing_path": "billing-usage-gemini", "local_count_tokens": True}, "measured"),
        ({"usage_billing_path": "upstream"}, "measured"),
        ({"local_count_tokens": False}, "measured"),
    ],
)
def test_counts_of_the_gateways_own_tokenizer_are_no_usage(admin: dict[str, Any], status: str, collect: Any) -> None:
    assert collect(new_api_row(other={"admin_info": admin})).event["status"] == status
    told = {"usage.prompt_tokens": "prompt_tokens", "usage.completion_tokens": "completion_tokens"}
    of_gateway = collect(new_api_row(other={"admin_info": admin}), format="new-api", fields=told)
    assert of_gateway.event["status"] == "measured"


def test_a_prompt_that_the_gateway_guessed_is_no_usage(collect: Any) -> None:
    row = new_api_row(content="上游无计费信息, 模型 jamba-large", completion_tokens=0)
    assert collect(row).event["status"] == "unknown"


@pytest.mark.parametrize(
    ("other", "status"),
    [
        ({"request_path": "/v1/embeddings"}, "measured"),
        ({"request_path": "/pg/chat/completions"}, "measured"),
        ({"request_path": "/my/own"}, "measured"),
        ({"request_path": None}, "measured"),
        ({"request_path": "/v1/images/generations"}, "not_metered"),
        ({"request_path": "/v1/audio/speech", "audio": True}, "not_metered"),
        ({"request_path": "/mj/submit/imagine"}, "not_metered"),
        ({"request_path": "/v1/video/generations", "is_task": True}, "not_metered"),
        ({"task_id": "task_1", "pre_consumed": 100}, "not_metered"),
    ],
)
def test_what_has_a_price_a_piece_is_not_metered(other: dict[str, Any], status: str, collect: Any) -> None:
    assert collect(new_api_row(other=other)).event["status"] == status


def test_a_price_of_one_api_is_no_number_of_tokens(collect: Any) -> None:
    event = collect(one_api_row(content="倍率：15.00 × 1.00", prompt_tokens=75, completion_tokens=0)).event
    assert (event["status"], event["prompt_tokens"], event["other_usage"]) == ("not_metered", None, None)


@pytest.mark.parametrize(
    ("row", "key_id"),
    [
        (new_api_row(token_id=0, token_name="playground-default"), "12/playground-default"),
        (new_api_row(token_id="8"), "8"),
        (one_api_row(token_name="生产"), "12/%E7%94%9F%E4%BA%A7"),
    ],
)
def test_whose_call_it_was_is_the_key_or_the_user_with_its_name(row: Any, key_id: str, collect: Any) -> None:
    assert collect(row).event["api_key_id"] == key_id


@pytest.mark.parametrize("nobody", [{"token_name": ""}, {"user_id": 0}, {"token_name": None}])
def test_a_call_of_nobody_is_quarantined(nobody: dict[str, Any], collect: Any) -> None:
    assert collect(one_api_row(**nobody)).refusal[0] == "missing_field"
    named = collect(one_api_row(**nobody), format="new-api", fields={"api_key_id": "username"})
    assert named.event["api_key_id"] == "lena"


def test_a_row_without_the_id_of_its_call_goes_by_its_own(collect: Any) -> None:
    rows = [without(new_api_row(), "request_id"), new_api_row(request_id=""), without(one_api_row(), "request_id")]
    assert [collect(row).event["request_id"] for row in rows] == ["1793700003-4711"] * 3
    of_users = [
        new_api_row(id=3, request_id="", other={"admin_info": None}) | {"other": "{}"},
        without(one_api_row(id=0), "request_id"),
    ]
    assert [collect(row).event["request_id"] for row in of_users] == [None, None]


@pytest.mark.parametrize(
    "page",
    [
        {"success": True, "message": "", "data": {"items": [new_api_row(), new_api_row(type=1)], "total": 2}},
        {"success": True, "message": "", "data": [one_api_row(), one_api_row(type=1)]},
        {"success": True, "message": "", "data": {"data": [one_hub_row(), one_hub_row(type=4)], "page": 1, "size": 10}},
    ],
)
def test_a_page_holds_rows(page: dict[str, Any], collect: Any) -> None:
    assert [event["status"] for event in collect(page).events] == ["measured"]


def test_rows_of_databases_are_rows(collect: Any) -> None:
    of_sqlite = [without(new_api_row(is_stream=1, channel_id=3), "channel", "channel_name")]
    of_postgres = without(new_api_row(channel_id=3), "channel")
    assert collect(json.dumps(of_sqlite)).event["status"] == "measured"
    assert collect(of_postgres).event["status"] == "measured"


def test_a_count_that_is_none_is_refused_in_the_place_of_its_row(collect: Any) -> None:
    collected = collect({"data": [new_api_row(prompt_tokens=-1), new_api_row(request_id="2")]})
    assert [event["request_id"] for event in collected.events] == ["2"]
    assert [refused["reason"] for refused in collected.quarantined] == ["invalid_usage"]


def test_a_page_that_holds_what_is_no_row_is_refused(collect: Any) -> None:
    assert collect({"data": [new_api_row(), 7]}).refusal == ("invalid_field", "data is no list of rows")


def test_a_row_is_known_by_its_names() -> None:
    for name in ("created_at", "type", "token_name", "model_name", "quota", "prompt_tokens", "completion_tokens"):
        assert not new_api.recognises(without(new_api_row(), name))
    assert not new_api.recognises({"data": {"items": [7]}})
