"""What a line says around its body."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("ts", "instant"),
    [
        ("2026-09-01T12:00:00Z", datetime(2026, 9, 1, 12, tzinfo=UTC)),
        ("2026-09-01t12:00:00z", datetime(2026, 9, 1, 12, tzinfo=UTC)),
        ("2026-09-01T14:00:00.25+02:00", datetime(2026, 9, 1, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-08-31T23:30:00-05:30", datetime(2026, 9, 1, 5, tzinfo=UTC)),
        ("2026-09-01T12:00:00.123456999Z", datetime(2026, 9, 1, 12, 0, 0, 123_456, tzinfo=UTC)),
        (1_788_264_000, datetime(2026, 9, 1, 12, tzinfo=UTC)),
        (1_788_264_000_250, datetime(2026, 9, 1, 12, 0, 0, 250_000, tzinfo=UTC)),
        (1_788_264_000.000001, datetime(2026, 9, 1, 12, 0, 0, 1, tzinfo=UTC)),
        (946_684_800, datetime(2000, 1, 1, tzinfo=UTC)),
    ],
)
def test_an_instant_is_read_to_the_microsecond_in_utc(collect: Any, exchange: Any, ts: Any, instant: datetime) -> None:
    assert collect(exchange(ts=ts)).event["occurred_at"] == instant


def test_a_fraction_of_many_nines_never_becomes_the_next_second(collect: Any) -> None:
    line = collect('{"ts": 1788264000.99999999999999999999999999999999, "api_key_id": "k", "status": 500}')
    assert line.event["occurred_at"] == datetime(2026, 9, 1, 12, 0, 0, 999_999, tzinfo=UTC)


@pytest.mark.parametrize(
    "ts",
    [
        "2026-09-01T12:00:00",
        "2026-09-01",
        "2026-02-30T12:00:00Z",
        "2026-09-01T25:00:00Z",
        "2026-09-01T12:00:00+24:00",
        "2026-09-01T12:00:00.Z",
        "20260901T120000Z",
        "٢٠٢٦-09-01T12:00:00Z",
        "1999-12-31T23:59:59Z",
        "2100-01-01T00:00:00Z",
        "",
        -1,
        1e30,
        10**400,
        True,
        [],
    ],
)
def test_a_naive_or_impossible_instant_is_quarantined(collect: Any, exchange: Any, ts: Any) -> None:
    reason, detail = collect(exchange(ts=ts)).refusal
    assert reason in {"invalid_field", "invalid_json"}
    assert reason == "invalid_json" or detail.startswith("ts ")


@pytest.mark.parametrize(("field", "named"), [("ts", "ts"), ("status", "status"), ("api_key_id", "api_key or api_key_id")])
@pytest.mark.parametrize("absent", [..., None])
def test_a_line_without_a_required_field_is_quarantined(collect: Any, exchange: Any, field: str, named: str, absent: Any) -> None:
    assert collect(exchange(**{field: absent})).refusal == ("missing_field", named)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("status", "200"),
        ("status", 200.0),
        ("status", True),
        ("status", 99),
        ("status", 600),
        ("request_id", "has space"),
        ("request_id", "x" * 257),
        ("request_id", True),
        ("request_id", 1.5),
        ("api_key_id", "key 1"),
        ("api_key_id", "k" * 129),
        ("api_key_id", 7),
        ("method", 1),
        ("path", {}),
        ("request", []),
        ("request", ""),
        ("request", {"model": "two words"}),
        ("request", {"model": "m" * 129}),
        ("request", {"model": 1}),
        ("request", {"stream": "true"}),
        ("request", {"n": "1"}),
        ("request", {"n": -1}),
        ("request", {"n": 2**31}),
        ("response", 1),
        ("response", False),
    ],
)
@pytest.mark.parametrize("status_of_line", [200, 500])
def test_a_field_of_the_wrong_form_is_quarantined_whatever_the_status(collect: Any, exchange: Any, field: str, value: Any, status_of_line: int) -> None:
    reason, detail = collect(exchange(**{"status": status_of_line, field: value})).refusal
    assert reason == "invalid_field"
    assert detail.startswith(field)


def test_an_integer_request_id_is_its_digits_and_an_empty_one_is_none(collect: Any, exchange: Any) -> None:
    assert collect(exchange(request_id=12_345)).event["request_id"] == "12345"
    assert collect(exchange(request_id="")).event["request_id"] is None


def test_the_requested_model_is_kept_beside_the_reported_one(collect: Any, exchange: Any) -> None:
    line = exchange(request={"model": "jamba-large"})
    line["response"]["model"] = "jamba-large-1.7-2025-07"
    event = collect(line).event
    assert (event["model_requested"], event["model_reported"]) == ("jamba-large", "jamba-large-1.7-2025-07")
    assert collect(exchange(request={"model": ""})).event["model_requested"] is None
    assert collect(exchange(request={})).event["model_requested"] is None


def test_a_key_id_wins_over_a_raw_key(collect: Any, exchange: Any) -> None:
    assert collect(exchange(api_key_id="key_1", api_key="sk-raw")).event["api_key_id"] == "key_1"
    assert collect(exchange(api_key_id="", api_key="sk-raw")).event["api_key_id"].startswith("key_")


@pytest.mark.parametrize("raw", ["", "  ", "Bearer ", None])
def test_a_blank_raw_key_is_no_key(collect: Any, exchange: Any, raw: Any) -> None:
    assert collect(exchange(api_key_id=..., api_key=raw)).refusal[0] == "missing_field"


@pytest.mark.parametrize("raw", [7, ["sk"], '"\\ud800"'])
def test_a_raw_key_that_is_no_text_is_quarantined(collect: Any, exchange: Any, raw: Any) -> None:
    line = exchange(api_key_id=..., api_key="\ud800" if isinstance(raw, str) else raw)
    assert collect(line).refusal[0] == "invalid_field"


def test_fields_may_have_other_names_and_lie_in_objects(collect: Any) -> None:
    line = {
        "time": "2026-09-01T12:00:00Z",
        "auth": {"key_id": "key_9"},
        "http": {"code": 200},
        "asked": {"model": "jamba-mini", "n": 2},
        "resp": {"body": {"id": "chatcmpl-9", "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}},
        "request_id": "kept under its own name",
        "rid": "r-9",
    }
    fields = {"ts": "time", "api_key_id": "auth.key_id", "status": "http.code", "request": "asked", "response": "resp.body", "request_id": "rid"}
    event = collect(line, fields=fields).event
    assert (event["api_key_id"], event["request_id"], event["model_requested"], event["completion_tokens"]) == ("key_9", "r-9", "jamba-mini", 2)


def test_the_requested_model_may_lie_outside_the_request(collect: Any, exchange: Any) -> None:
    line = exchange(request=..., meta={"deployment": "jamba-mini"})
    assert collect(line, fields={"request.model": "meta.deployment"}).event["model_requested"] == "jamba-mini"


def test_a_key_with_dots_wins_over_the_path_through_objects(collect: Any, exchange: Any) -> None:
    line = exchange(api_key_id=..., **{"auth.id": "key_flat", "auth": {"id": "key_deep"}})
    assert collect(line, fields={"api_key_id": "auth.id"}).event["api_key_id"] == "key_flat"


def test_a_path_through_what_is_no_object_finds_nothing(collect: Any, exchange: Any) -> None:
    line = exchange(api_key_id=..., auth="key_1")
    assert collect(line, fields={"api_key_id": "auth.id"}).refusal == ("missing_field", "api_key or api_key_id")


def test_fields_that_nobody_named_are_not_looked_at(collect: Any, exchange: Any) -> None:
    assert collect(exchange(latency_ms="slow", host=[1], extra={"ts": None})).event["status"] == "measured"
