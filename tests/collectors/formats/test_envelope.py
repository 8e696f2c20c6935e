"""What a line says around its body."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors import LogFormat
from pipeline.collectors.formats.request_log import read_envelope
from pipeline.collectors.values import fields
from pipeline.collectors.values.strict_json import parse

if TYPE_CHECKING:
    from pipeline.collectors.formats.request_log import Envelope


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
        (946_684_800_000_000_000, datetime(2000, 1, 1, tzinfo=UTC)),
        ("2026-09-01T14:00:00+0200", datetime(2026, 9, 1, 12, tzinfo=UTC)),
        ("2026-09-01T06:30:00.25-0530", datetime(2026, 9, 1, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-09-01T14:00:00+02", datetime(2026, 9, 1, 12, tzinfo=UTC)),
        ("2026-09-01 14:00:00 +0200", datetime(2026, 9, 1, 12, tzinfo=UTC)),
        ("2026-09-01 12:00:00z", datetime(2026, 9, 1, 12, tzinfo=UTC)),
        ("2026-09-01T12:00:00,833Z", datetime(2026, 9, 1, 12, 0, 0, 833_000, tzinfo=UTC)),
        ("2026-09-01T12:00:00.1234567Z", datetime(2026, 9, 1, 12, 0, 0, 123_456, tzinfo=UTC)),
        (1_788_264_000_123_456, datetime(2026, 9, 1, 12, 0, 0, 123_456, tzinfo=UTC)),
        (1_788_264_000_123_456_999, datetime(2026, 9, 1, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("1788264000", datetime(2026, 9, 1, 12, tzinfo=UTC)),
        ("1788264000.250", datetime(2026, 9, 1, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("1788264000250", datetime(2026, 9, 1, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("1788264000123456", datetime(2026, 9, 1, 12, 0, 0, 123_456, tzinfo=UTC)),
        ("1788264000123456999", datetime(2026, 9, 1, 12, 0, 0, 123_456, tzinfo=UTC)),
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
        "2026-09-01T12:00:00  Z",
        "2026-09-01T12:00:00+2",
        "2026-09-01T12:00:00+02:",
        "1788264",
        "17882640001",
        "1788264000.",
        "-1788264000",
        17_882_640_001,
        5e15,
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


@pytest.mark.parametrize(("field", "named"), [("ts", "ts"), ("api_key_id", "api_key or api_key_id")])
@pytest.mark.parametrize("absent", [..., None])
def test_a_line_without_a_required_field_is_quarantined(
    collect: Any, exchange: Any, field: str, named: str, absent: Any
) -> None:
    assert collect(exchange(**{field: absent})).refusal == ("missing_field", named)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("api_key_id", True),
        ("api_key_id", ["key_1"]),
        ("api_key_id", "Bearer abc"),
        ("response", 1),
        ("response", False),
    ],
)
@pytest.mark.parametrize("status_of_line", [200, 500])
def test_a_deciding_field_of_the_wrong_form_is_quarantined_whatever_the_status(
    collect: Any, exchange: Any, field: str, value: Any, status_of_line: int
) -> None:
    reason, detail = collect(exchange(**{"status": status_of_line, field: value})).refusal
    assert reason == "invalid_field"
    assert detail.startswith(field)


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("request_id", True, {"request_id"}),
        ("request_id", 1.5, {"request_id"}),
        ("request_id", {"id": 1}, {"request_id"}),
        ("status", True, {"status"}),
        ("status", 200.5, {"status"}),
        ("status", "-", {"status"}),
        ("status", 0, {"status"}),
        ("status", "600", {"status"}),
        ("status", None, set()),
        ("status", ..., set()),
        ("method", 1, {"method"}),
        ("path", {}, {"path"}),
        ("request", [], {"request"}),
        ("request", "no object", {"request"}),
        ("request", {"model": ["m"]}, {"request.model"}),
        ("request", {"stream": "yes"}, {"request.stream"}),
        ("request", {"n": "some"}, {"request.n"}),
        ("request", {"n": -1}, {"request.n"}),
        ("request", {"n": 2**31, "stream": 1}, {"request.n", "request.stream"}),
    ],
)
def test_a_field_that_decides_no_bill_is_left_out_and_named_and_never_costs_the_line(
    collect: Any, exchange: Any, field: str, value: Any, named: set[str]
) -> None:
    line = exchange(**{field: value})
    line["response"]["model"] = "jamba-large"
    kept = collect(line).event
    good = collect(json.dumps(exchange(**{field: ...}) | {"response": line["response"]})).event
    differing = {name for name in kept if kept[name] != good[name]}
    assert kept["status"] == "measured"
    assert differing <= {"request_id", "model_requested", "byte_end", "left_out", "http_status"}
    assert kept["left_out"] == (",".join(sorted(named)) or None)
    assert kept["http_status"] == (0 if field == "status" else 200)
    assert _envelope(line).left_out == named


def test_a_key_stated_twice_in_a_request_is_left_out_and_one_at_the_top_is_quarantined(
    collect: Any, exchange: Any
) -> None:
    text = json.dumps(exchange(request={"model": "jamba-large"}))
    twice = collect(text.replace('"request": {', '"request": {"n": 1, "n": 2, "stop": 1, "stop": 2, '))
    assert (twice.event["status"], twice.event["model_requested"]) == ("measured", "jamba-large")
    assert collect(text[:-1] + ', "request": {"model": "other"}}').refusal[0] == "duplicate_key"
    assert collect(text[:-1] + ', "api_key_id": "another"}').refusal[0] == "duplicate_key"


@pytest.mark.parametrize(("stated", "kept"), [("200", 200), (200.0, 200), ("200.0", 200), (" 429", 429), ("0200", 200)])
def test_a_status_may_be_text_or_have_a_fraction_of_zero(collect: Any, exchange: Any, stated: Any, kept: int) -> None:
    assert collect(exchange(status=stated)).event["http_status"] == kept


def test_a_name_with_odd_characters_is_percent_encoded_and_what_is_too_long_is_a_digest(
    collect: Any, exchange: Any
) -> None:
    line = exchange(api_key_id="schl\u00fcssel 1", request_id="|7d2c.4f.", request={"model": "50% off\n"})
    line["response"] |= {"id": "i d", "model": "m" * 129, "service_tier": "t" * 65}
    event = collect(line).event
    assert (event["api_key_id"], event["request_id"], event["response_id"]) == (
        "schl%C3%BCssel%201",
        "%7C7d2c.4f.",
        "i%20d",
    )
    assert event["model_requested"] == "50%25%20off%0A"
    assert event["model_reported"] == "%sha256:" + hashlib.sha256(b"m" * 129).hexdigest()
    assert event["service_tier"] == "%sha256:" + hashlib.sha256(b"t" * 65).hexdigest()


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_a_spelling_is_reversible_bounded_safe_and_different_for_different_names(one: str, other: str) -> None:
    for allowed, length_max in ((fields.IDENTIFIER, 256), (fields.MODEL, 128), (fields.LABEL, 72)):
        spelling = fields.spelled(one, allowed)
        assert re.fullmatch(r"[A-Za-z0-9._:/@+=~,;#%-]{1,256}", spelling)
        assert len(spelling) <= length_max
        assert spelling.startswith("%sha256:") or unquote(spelling) == one
        assert (fields.spelled(other, allowed) == spelling) is (other == one)


def test_half_a_character_in_a_name_is_spelled_too() -> None:
    assert fields.spelled("a\ud800", fields.MODEL) == "a%ED%A0%80"


def test_a_whole_number_is_the_id_that_its_digits_are(collect: Any, exchange: Any) -> None:
    lines = [exchange(api_key_id=key, request_id=request_id) for key, request_id in ((7, 5), ("7", "5"), (7.0, 5.0))]
    for line, response_id in zip(lines, (12, "12", 12.0), strict=True):
        line["response"]["id"] = response_id
    events = collect(*lines).events
    assert {(event["api_key_id"], event["request_id"], event["response_id"]) for event in events} == {("7", "5", "12")}
    assert len({event["event_id"] for event in events}) == 1


def test_a_request_may_be_its_json_as_text(collect: Any, exchange: Any) -> None:
    assert collect(exchange(request='{"model": "jamba-mini", "n": 2}')).event["model_requested"] == "jamba-mini"


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


@pytest.mark.parametrize(
    "raw",
    [
        "sk-0123456789abcdefABCD",
        "sk-proj-0123456789abcdefABCD",
        "gsk_0123456789abcdefABCD",
        "AIzaSyA0123456789abcdefABCD",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLW9m",
        "xai-0123456789abcdefABCD",
    ],
)
def test_a_raw_key_is_no_id_and_is_kept_nowhere(collect: Any, exchange: Any, raw: str) -> None:
    collected = collect(exchange(api_key_id=raw))
    reason, detail = collected.refusal
    assert (reason, detail.split(";")[0]) == ("invalid_field", "api_key_id looks like a raw key")
    assert "ids_may_look_like_keys = true in its source" in detail
    assert raw not in repr(collected)
    assert raw not in repr(collected.quarantined)
    for spelled in (f" {raw} ", f"team/{raw}", raw + "a" * 128):
        collected = collect(exchange(api_key_id=spelled))
        assert collected.refusal == (reason, detail)
        assert raw not in repr(collected)
    assert collect(exchange(api_key=raw)).event["api_key_id"].startswith("key_")
    taken = collect(exchange(api_key_id=raw), ids_may_look_like_keys=True)
    assert taken.event["api_key_id"] == raw


@pytest.mark.parametrize("key_id", ["key_0c52be8847d14f3b9e6dd18a2f7c4305", "sk-team-a", "sk-...cdef", "sk_a", "eyJ"])
def test_ids_and_masked_keys_are_ids(collect: Any, exchange: Any, key_id: str) -> None:
    assert collect(exchange(api_key_id=key_id)).event["api_key_id"] == key_id


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
    names = {
        "ts": "time",
        "api_key_id": "auth.key_id",
        "status": "http.code",
        "request": "asked",
        "response": "resp.body",
        "request_id": "rid",
    }
    event = collect(line, fields=names).event
    assert (event["api_key_id"], event["request_id"], event["model_requested"], event["completion_tokens"]) == (
        "key_9",
        "r-9",
        "jamba-mini",
        2,
    )


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


_ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["model", "n", "stream", "x"]), inner, max_size=3)
    ),
)


@pytest.mark.long
@given(st.sampled_from(["request", "request_id", "status", "method", "path", "latency_ms", "host"]), _ANYTHING)
def test_whatever_stands_in_a_field_that_decides_no_bill_the_line_is_read(field: str, value: Any) -> None:
    line = {"ts": "2026-09-01T12:00:00Z", "api_key_id": "key_1", "status": 200, "response": {"id": "r", "model": "m"}}
    envelope, good = _envelope(line | {field: value}), _envelope(line)
    assert (envelope.occurred_us, envelope.api_key_id, envelope.response) == (
        good.occurred_us,
        good.api_key_id,
        good.response,
    )
    assert envelope.left_out <= {field, "request.model", "request.stream", "request.n"}


def _envelope(line: Any) -> Envelope:
    return read_envelope(parse(json.dumps(line)), LogFormat(), lambda raw: f"key_{len(raw)}")
