"""Logs that call things otherwise: by whatever rule a field is found, the same exchange is read."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from fuzzing import LineMaker
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import ConfigurationError
from pipeline.collectors import LogFormat
from pipeline.collectors.decode import EventRow, QuarantineRow, decode_line
from pipeline.collectors.formats.log_format import read_by
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.values.strict_json import depth_of_document, parse
from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage.events import LOG_FIELDS, MAPPED_FIELDS

if TYPE_CHECKING:
    import random

calm = settings(max_examples=300, deadline=None)

_REQUEST = ("model", "stream", "n")
_OF_PLACE = [USAGE_EVENTS.get_field_index(name) for name in ("byte_start", "byte_end")]
_IDS = [USAGE_EVENTS.get_field_index(name) for name in ("request_id", "response_id")]
_EVENT_ID = USAGE_EVENTS.get_field_index("event_id")


def test_a_value_is_found_by_every_kind_of_rule(collect: Any, exchange: Any) -> None:
    line = exchange(api_key_id=..., status=..., request_id=..., path=..., request=...) | {
        "auth": {"key.id": "key_7"},
        "state": "success",
        "ids": [{"n": "req-9"}],
        "raw": json.dumps({"model": "jamba-large", "stream": False}),
    }
    event = collect(
        line,
        fields={
            "api_key_id": 'auth."key.id"',
            "status": {"from": "state", "success": 200, "failure": 500},
            "request_id": ["trace", "meta.id", "ids.0.n"],
            "path": {"value": "/v1/chat/completions"},
            "request.model": "raw.model",
            "request.stream": "raw.stream",
        },
    ).event
    found = [event[name] for name in ("api_key_id", "http_status", "request_id", "model_requested", "status")]
    assert found == ["key_7", 200, "req-9", "jamba-large", "measured"]


def _token(**claims: Any) -> str:
    """A token of RFC 7519 whose signature nobody checks."""
    parts = ({"alg": "none"}, claims)
    written = (base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts)
    return ".".join((*written, "c2lnbmF0dXJl"))


@pytest.mark.parametrize("before", ["", "Bearer ", "bearer  "])
def test_a_step_may_lead_into_the_claims_of_a_token(before: str, collect: Any, exchange: Any) -> None:
    token = before + _token(sub="user-1", org={"id": "acme"}, **{"https://desk.example/tenant": "t-9"})
    line = exchange(api_key_id=...) | {"headers": {"authorization": token}}
    paths = {
        "headers.authorization.sub": "user-1",
        "headers.authorization.org.id": "acme",
        'headers.authorization."https://desk.example/tenant"': "t-9",
    }
    for path, key in paths.items():
        events = collect(line, line, fields={"api_key_id": path}).events
        assert [event["api_key_id"] for event in events] == [key, key]
    for other in ("a.b.c", before + "sk-1234567890abcdef.abcdefgh.x", token[:40]):
        line = exchange(api_key_id=...) | {"headers": {"authorization": other}}
        assert collect(line, fields={"api_key_id": "headers.authorization.sub"}).refusal[0] == "missing_field"


def test_an_element_of_an_array_may_be_meant_by_a_member_of_it(collect: Any, exchange: Any) -> None:
    headers = [{"name": "Host", "value": "h"}, {"name": "X-Team", "value": "team-a"}, {"name": "x-team", "value": "b"}]
    line = exchange(api_key_id=..., status=...) | {"headers": headers, "parts": [{"n": 7, "v": 503}, "x", None]}
    fields = {"api_key_id": "headers.[name=x-team].value", "status": "parts.[n=7].v"}
    event = collect(line, fields=fields).event
    assert (event["api_key_id"], event["http_status"]) == ("team-a", 503)
    for path in ("headers.[name=x-other].value", "headers.[key=x-team].value", "request.[name=x-team].value"):
        assert collect(line, fields={"api_key_id": path}).refusal == ("missing_field", "api_key or api_key_id")


def test_what_is_stated_in_parts_may_be_joined(collect: Any, exchange: Any) -> None:
    line = exchange(ts=..., api_key_id=...) | {"on": "2026-10-01", "at": "00:00:05.25", "org": "acme", "user": 7}
    fields = {
        "ts": {"join": ["on", "at"], "with": "T"},
        "api_key_id": {"join": ["org", ["user", "team"]], "with": "/"},
        "request_id": {"join": ["org", "user"]},
    }
    event = collect(line, fields=fields, time_zone="UTC").event
    assert event["occurred_at"].isoformat() == "2026-10-01T00:00:05.250000+00:00"
    assert (event["api_key_id"], event["request_id"]) == ("acme/7", "acme7")
    less = {name: value for name, value in line.items() if name != "user"}
    assert collect(less, fields=fields, time_zone="UTC").refusal == ("missing_field", "api_key or api_key_id")
    assert collect(line | {"on": {"a": 1}}, fields=fields, time_zone="UTC").refusal[0] == "invalid_field"


def test_a_request_may_be_in_base64_and_a_message_of_http(collect: Any, exchange: Any) -> None:
    body = json.dumps({"model": "jamba-mini", "stream": False})
    message = f"POST /v1/chat/completions HTTP/1.1\r\nHost: h\r\n\r\n{body}"
    for request in (message, *(base64.b64encode(text.encode()).decode() for text in (body, message))):
        event = collect(exchange(request=request)).event
        assert (event["model_requested"], event["left_out"]) == ("jamba-mini", None)


def test_a_value_that_is_not_in_the_map_is_judged_by_its_field(collect: Any, exchange: Any) -> None:
    fields = {"status": {"from": "state", "success": 200, "true": 201, "7": 202}}
    read = [collect(exchange(status=...) | {"state": state}, fields=fields).event for state in ("odd", "503", True, 7)]
    assert [(event["http_status"], event["left_out"]) for event in read] == [
        (0, "status"),
        (503, None),
        (201, None),
        (202, None),
    ]


def test_the_first_name_that_is_stated_and_not_empty_counts(collect: Any, exchange: Any) -> None:
    fields = {"api_key_id": ["a", "b.c", {"value": "nobody"}]}
    lines = [{"a": "", "b": {"c": "key_c"}}, {"a": "key_a", "b": {"c": "key_c"}}, {"a": None}]
    collected = collect(*(exchange(api_key_id=...) | line for line in lines), fields=fields)
    assert [event["api_key_id"] for event in collected.events] == ["key_c", "key_a", "nobody"]


def test_of_several_places_of_a_count_a_zero_loses_to_a_real_number(collect: Any) -> None:
    fields = {f"usage.{name}": [f"a.{name}", f"b.{name}"] for name in ("prompt_tokens", "completion_tokens")}
    line = {"ts": "2026-09-01T12:00:00Z", "api_key_id": "key_1", "status": 200}
    for first, second in (({"prompt_tokens": 0}, {"prompt_tokens": 40}), ({"prompt_tokens": "0"}, {})):
        placed = {"a": {"completion_tokens": 5} | first, "b": {"completion_tokens": 7} | second}
        assert collect(line | placed, fields=fields).tokens[:2] == (second.get("prompt_tokens", 0), 5)


def test_json_text_is_stepped_into_and_what_is_none_holds_nothing(collect: Any, exchange: Any) -> None:
    inner = exchange(ts=..., api_key_id=...)
    fields = {name: f"message.event.{name}" for name in inner}
    texts = [json.dumps({"event": json.dumps(inner)}), "no JSON", '{"event": {"resp', "5"]
    collected = collect(*(exchange(response=...) | {"message": text} for text in texts), fields=fields)
    assert [event["status"] for event in collected.events] == ["measured", "unknown", "unknown", "unknown"]
    assert [event["prompt_tokens"] for event in collected.events] == [10, None, None, None]


TEXTS = {
    "once": json.dumps,
    "twice": lambda value: json.dumps(json.dumps(value)),
    "three times": lambda value: json.dumps(json.dumps(json.dumps(value))),
    "escaped once more, without its quotes": lambda value: json.dumps(json.dumps(value))[1:-1],
    "after a byte order mark": lambda value: f"\ufeff {json.dumps(value)}\n",
}
"""How loggers make a text of JSON."""


@pytest.mark.parametrize("as_text", TEXTS.values(), ids=TEXTS)
def test_json_is_read_however_often_it_was_made_a_text(collect: Any, exchange: Any, as_text: Any) -> None:
    line = exchange(request={"model": "alias", "stream": False})
    expected = [collect(line).event[name] for name in WHAT_IT_SAYS]
    around = {name: value for name, value in line.items() if name not in ("request", "response")}
    inner = {"request": line["request"], "response": line["response"]}
    texts = {name: as_text(value) for name, value in inner.items()}
    written = [
        (around | texts, {}),
        (around | {"msg": as_text(inner)}, {"request": "msg.request", "response": "msg.response"}),
        (around | {"msg": as_text(texts)}, {"request": "msg.request", "response": "msg.response"}),
        (around | {"msg": as_text(texts)}, {"request.model": "msg.request.model", "response": "msg.response"}),
        ({"msg": as_text(line)}, {name: f"msg.{name}" for name in line}),
        ({"msg": as_text([{"line": line}])}, {name: f"msg.0.line.{name}" for name in line}),
    ]
    for document, fields in written:
        event = collect(document, fields=fields).event
        assert [event[name] for name in WHAT_IT_SAYS] == expected, fields
        assert event["left_out"] is None
    assert collect({"msg": as_text(line)}, line_in="msg").event["prompt_tokens"] == 10
    assert collect({"msg": line}, line_in="msg").event["prompt_tokens"] == 10


WHAT_IT_SAYS = ("event_id", "status", "prompt_tokens", "completion_tokens", "model_requested", "model_reported")


@pytest.mark.parametrize("as_text", TEXTS.values(), ids=TEXTS)
def test_counts_and_headers_may_be_texts_of_json(collect: Any, exchange: Any, as_text: Any) -> None:
    line = exchange(response=...) | {"u": as_text({"prompt_tokens": 10, "completion_tokens": "2"})}
    one_by_one = {"usage.prompt_tokens": "u.prompt_tokens", "usage.completion_tokens": "u.completion_tokens"}
    for fields in ({"usage": "u"}, one_by_one):
        event = collect(line, fields=fields).event
        assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 10, 2)
    headers = {"x-amzn-bedrock-input-token-count": "3", "x-amzn-bedrock-output-token-count": "4"}
    stated = {"path": "/model/m/invoke", "response": {"odd": 1}, "response_headers": as_text(headers)}
    assert collect(exchange() | stated).event["prompt_tokens"] == 3


def test_a_quoted_text_in_a_record_of_an_exporter_is_no_line(collect: Any, exchange: Any) -> None:
    """A program that logs what a caller wrote, as JSON, writes a JSON string; whom that names must not be billed."""
    quoted = json.dumps(json.dumps(exchange()))
    record = {"insertId": "1", "logName": "app", "textPayload": quoted}
    collected = collect(record)
    assert (collected.events, collected.quarantined) == ([], [])
    assert collect(record, line_in="textPayload").event["prompt_tokens"] == 10


def test_a_key_that_the_way_to_a_field_states_twice_refuses_the_line(collect: Any, exchange: Any) -> None:
    line = json.dumps(exchange(api_key_id=...))[:-1] + ', "auth": {"id": "key_a", "id": "key_b"}}'
    assert collect(line, fields={"api_key_id": "auth.id"}).refusal == (
        "duplicate_key",
        "id is stated more than once with different values",
    )


@pytest.mark.long
@calm
@given(seed=st.integers(0, 2**32), moves=st.randoms(use_true_random=False))
def test_a_log_that_calls_its_fields_otherwise_says_the_same(seed: int, moves: random.Random) -> None:
    content = LineMaker(seed, families=0.5).made().content
    try:
        document = json.loads(content)
    except (ValueError, RecursionError):
        return
    if not isinstance(document, dict) or depth_of_document(document) > 40:
        return
    ours = json.dumps(document).encode()
    moved, fields = _moved(document, moves)
    before, after = _read(ours, {}), _read(json.dumps(moved).encode(), fields)
    assert type(before) is type(after)
    assert _compared(before) == _compared(after), fields


def _moved(document: dict[str, Any], moves: random.Random) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a line with its fields at other places, and the rules that find them there."""
    line: dict[str, Any] = {}
    fields: dict[str, Any] = {}
    stated = dict(document)
    request = stated.get("request")
    if isinstance(request, dict) and moves.random() < 0.5:
        del stated["request"]
        stated |= {f"request.{name}": request[name] for name in _REQUEST if request.get(name) is not None}
    for name, value in stated.items():
        if name not in LOG_FIELDS or name in MAPPED_FIELDS:
            line[name] = value
            continue
        place = f"{moves.choice(('x', 'y z', 'é'))}{len(fields)}"
        rule: Any
        match moves.randrange(6 if value == "" else 7):  # of several names, one that is empty counts for nothing
            case 0:
                line[place], rule = value, place
            case 1:
                line[place], rule = {"in": {"a.b": value}}, f'{place}.in."a.b"'
            case 2:
                line[place], rule = [None, {"it": value}], f"{place}.1.it"
            case 3:
                line[place], rule = json.dumps({"it": value}), f"{place}.it"
            case 4:
                line[f"a.{place}"], rule = value, f"a.{place}"
            case 5:
                line[f"b.{place}"], rule = value, f'"b.{place}"'
            case _:
                line[place], rule = {"deep": {"it": value}}, [f"{place}.none", f"{place}.deep.it"]
        fields[name] = rule
    return line, fields


def _read(content: bytes, fields: dict[str, Any]) -> EventRow | QuarantineRow | None:
    line = Line(1, 0, len(content), content)
    log_format = LogFormat(fields=fields)
    rows = decode_line(line, source="s", log_format=log_format, fingerprint=lambda raw: f"key_{len(raw)}")
    assert len(rows) <= 1
    return rows[0] if rows else None


def _compared(row: EventRow | QuarantineRow | None) -> Any:
    """Return a row without its place, and without an identity that is made of the line's bytes."""
    if not isinstance(row, EventRow):
        return None if row is None else (row.reason, row.values[4:])
    own = {*_OF_PLACE, *(() if any(row.values[at] is not None for at in _IDS) else (_EVENT_ID,))}
    return row.status, [value for at, value in enumerate(row.values) if at not in own]


# Counts mapped one by one


def test_a_log_that_counts_and_has_no_body_is_measured_as_its_body_would_be(collect: Any) -> None:
    line = {"at": 1_793_700_000, "who": "key_a", "m": {"in": "120", "out": 42, "hit": 80, "think": "12"}, "x": "gpt"}
    fields = {
        "ts": "at",
        "api_key_id": "who",
        "response.model": "x",
        "usage.prompt_tokens": "m.in",
        "usage.completion_tokens": "m.out",
        "usage.cached_tokens": "m.hit",
        "usage.reasoning_tokens": "m.think",
    }
    collected = collect(line, fields=fields)
    assert collected.tokens == (120, 42, 80, None, 12)
    assert [collected.event[name] for name in ("status", "dialect", "model_reported", "stream")] == [
        "measured",
        "logged-usage",
        "gpt",
        None,
    ]


@pytest.mark.parametrize("stream", [True, False, None])
def test_zeros_in_place_of_counts_are_unknown_and_never_free(collect: Any, stream: Any) -> None:
    line = {"ts": 1_793_700_000, "api_key_id": "k", "status": 200, "in": 0, "out": 0, "s": stream}
    fields = {"usage.prompt_tokens": "in", "usage.completion_tokens": "out", "request.stream": "s"}
    event = collect(line, fields=fields).event
    assert (event["status"], event["prompt_tokens"], event["stream"]) == ("unknown", None, stream)


@pytest.mark.parametrize(
    ("stated", "status"),
    [
        ({}, "unknown"),
        ({"in": 5}, "unknown"),
        ({"in": "-", "out": "-"}, "unknown"),
        ({"in": 5, "out": 0}, "measured"),
        ({"in": "5.0", "out": " 1 "}, "measured"),
        ({"error": "it broke"}, "failed"),
        ({"error": {"code": 5}, "in": 0, "out": 0}, "failed"),
        ({"error": {"code": 5}, "in": 7, "out": 0}, "measured"),
        ({"error": "", "in": 7, "out": 1}, "measured"),
    ],
)
def test_what_is_counted_and_whether_it_failed_decide(collect: Any, stated: dict[str, Any], status: str) -> None:
    fields = {"usage.prompt_tokens": "in", "usage.completion_tokens": "out", "response.error": "error"}
    assert collect({"ts": 1_793_700_000, "api_key_id": "k"} | stated, fields=fields).event["status"] == status


@pytest.mark.parametrize(
    ("stated", "refusal"),
    [
        ({"in": "many", "out": 1}, ("invalid_usage", "prompt_tokens is no number")),
        (
            {"in": -1, "out": 1},
            ("invalid_usage", "prompt_tokens is -1; a token count lies between 0 and 1000000000000"),
        ),
        ({"in": 5, "out": 1, "hit": 6}, ("contradictory_usage", None)),
        ({"in": 5, "out": 1, "all": 9}, ("contradictory_usage", None)),
    ],
)
def test_counts_that_cannot_be_are_refused_as_those_of_a_body_are(
    collect: Any, stated: dict[str, Any], refusal: tuple[str, str | None]
) -> None:
    names = {"prompt_tokens": "in", "completion_tokens": "out", "cached_tokens": "hit", "total_tokens": "all"}
    fields = {f"usage.{name}": path for name, path in names.items()}
    reason, detail = collect({"ts": 1_793_700_000, "api_key_id": "k"} | stated, fields=fields).refusal
    assert reason == refusal[0]
    assert refusal[1] in (None, detail)


def test_parts_that_a_log_counts_apart_are_added_where_the_source_says_so(collect: Any) -> None:
    fields = {
        "usage.prompt_tokens": {"sum": ["u.input", "u.read", "u.wrote"]},
        "usage.completion_tokens": "u.output",
        "usage.cached_tokens": "u.read",
        "usage.cache_write_tokens": "u.wrote",
    }
    line = {"ts": 1_793_700_000, "api_key_id": "k", "u": {"input": 10, "read": "70", "wrote": 20, "output": 3}}
    assert collect(line, fields=fields).tokens == (100, 3, 70, 20, None)
    assert collect(line | {"u": {"input": 10, "output": 3}}, fields=fields).tokens == (10, 3, None, None, None)
    assert collect(line | {"u": {"input": "x", "output": 3}}, fields=fields).refusal[0] == "invalid_usage"


def test_all_writes_to_a_cache_and_audio_have_a_name(collect: Any) -> None:
    names = {
        "prompt_tokens": 100,
        "completion_tokens": 50,
        "cache_write_tokens": 40,
        "cache_write_1h_tokens": 30,
        "prompt_audio_tokens": 20,
        "completion_audio_tokens": 10,
    }
    line = {"ts": 1_793_700_000, "api_key_id": "k"} | names
    event = collect(line, fields={f"usage.{name}": name for name in names}).event
    assert [event[f"prompt_{name}"] for name in ("cache_write_tokens", "cache_write_1h_tokens", "audio_tokens")] == [
        40,
        30,
        20,
    ]
    assert event["completion_audio_tokens"] == 10


@pytest.mark.long
@calm
@given(
    both=st.tuples(st.integers(0, 1000), st.integers(0, 1000)),
    parts=st.fixed_dictionaries(
        {},
        optional={
            name: st.integers(0, 1200) for name in ("cached_tokens", "cache_write_tokens", "reasoning_tokens", "audio")
        },
    ),
    total=st.one_of(st.none(), st.integers(0, 2500), st.just(-1)),
    model=st.sampled_from(["jamba", "gemini-2", "grok-4", "sonar-pro"]),
    written=st.tuples(st.booleans(), st.booleans()),
)
def test_counts_of_a_log_amount_to_what_the_same_usage_object_of_a_body_does(
    both: tuple[int, int], parts: dict[str, int], total: int | None, model: str, written: tuple[bool, bool]
) -> None:
    (prompt, completion), (is_text, is_whole) = both, written
    usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": completion}
    within = {"cached_tokens", "cache_write_tokens"} & parts.keys()
    details = {name: parts[name] for name in within} | ({"audio_tokens": parts["audio"]} if "audio" in parts else {})
    usage |= {"prompt_tokens_details": details} if details else {}
    if "reasoning_tokens" in parts:
        usage["completion_tokens_details"] = {"reasoning_tokens": parts["reasoning_tokens"]}
    if total is not None:
        usage["total_tokens"] = prompt + completion if total < 0 else total
    common = {"ts": 1_793_700_000, "api_key_id": "k", "status": 200, "request_id": "r"}
    choice = {"index": 0, "message": {"content": "."}, "finish_reason": "stop"}
    body = common | {"response": {"id": "c", "model": model, "choices": [choice], "usage": usage}}
    wholes = ("prompt_tokens", "completion_tokens", "total_tokens")
    flat: dict[str, int] = {name: usage[name] for name in wholes if name in usage}
    flat |= {{"audio": "prompt_audio_tokens"}.get(name, name): value for name, value in parts.items()}
    counts: dict[str, Any] = {name: str(value) if is_text else value for name, value in flat.items()}
    of_log = common | {"m": model, "i": "c", "f": "stop"} | ({"u": usage} if is_whole else counts)
    fields: dict[str, Any] = {"usage": "u"} if is_whole else {f"usage.{name}": name for name in flat}
    fields |= {"response.model": "m", "response.id": "i", "response.finish_reason": "f"}
    before, after = _read(json.dumps(body).encode(), {}), _read(json.dumps(of_log).encode(), fields)
    assert isinstance(before, EventRow) == isinstance(after, EventRow), (before, after)
    if isinstance(before, EventRow) and isinstance(after, EventRow):
        names = [field.name for field in USAGE_EVENTS]
        said, logged = dict(zip(names, before.values, strict=True)), dict(zip(names, after.values, strict=True))
        assert said.pop("dialect").replace("openai-chat", "logged-usage") == logged.pop("dialect")
        for name in ("byte_start", "byte_end", "choices", "stream"):
            said.pop(name), logged.pop(name)
        assert said == logged
    elif isinstance(before, QuarantineRow) and isinstance(after, QuarantineRow):
        assert before.values[4:6] == after.values[4:6]


def test_what_a_body_states_counts_before_what_the_log_says_of_it(collect: Any, exchange: Any) -> None:
    fields = {
        "usage.prompt_tokens": "in",
        "usage.completion_tokens": "out",
        "response.id": "rid",
        "response.model": "model",
    }
    beside = {"in": 99, "out": 9, "rid": "other", "model": "other"}
    event = collect(exchange() | beside, fields=fields).event
    assert (event["prompt_tokens"], event["response_id"], event["dialect"]) == (10, "chatcmpl-1", "openai-chat")
    response = {"choices": [{"message": {"content": "."}}]}
    event = collect(exchange(response=response) | beside, fields=fields).event
    assert [event[name] for name in ("prompt_tokens", "response_id", "model_reported", "dialect")] == [
        99,
        "other",
        "other",
        "openai-chat/logged-usage",
    ]


def test_fields_of_the_answer_are_not_looked_at_where_nobody_named_them(collect: Any, exchange: Any) -> None:
    line = exchange(response=None) | {"usage": {"prompt_tokens": 5, "completion_tokens": 5}, "cache_hit": True}
    line |= {"usage.prompt_tokens": 7, "response.id": "x", "service_tier": "batch"}
    event = collect(line).event
    assert [event[name] for name in ("status", "response_id", "service_tier")] == ["unknown", None, None]


def test_a_tier_that_the_source_names_counts_before_that_of_the_answer(collect: Any, exchange: Any) -> None:
    response = exchange()["response"] | {"service_tier": "default"}
    assert (
        collect(exchange(response=response), fields={"service_tier": {"value": "batch"}}).event["service_tier"]
        == "batch"
    )
    assert collect(exchange(response=response), fields={"service_tier": "tier"}).event["service_tier"] == "default"


@pytest.mark.parametrize(("hit", "status"), [(True, "not_metered"), ("TRUE", "not_metered"), (False, "measured")])
def test_an_answer_from_the_gateways_own_cache_is_no_bill_and_says_what_it_was(
    collect: Any, exchange: Any, hit: Any, status: str
) -> None:
    event = collect(exchange() | {"c": hit}, fields={"cache_hit": "c"}).event
    assert event["status"] == status
    if status == "not_metered":
        assert (event["prompt_tokens"], event["dialect"]) == (None, "openai-chat/cache-hit")
        assert json.loads(event["other_usage"]) == {"prompt_tokens": 10, "completion_tokens": 3}


def test_a_cache_hit_that_is_neither_true_nor_false_decides_a_bill_and_is_refused(collect: Any, exchange: Any) -> None:
    assert collect(exchange() | {"c": "perhaps"}, fields={"cache_hit": "c"}).refusal == (
        "invalid_field",
        "cache_hit is neither true nor false",
    )


def test_embeddings_that_a_log_counts_are_prompt_alone(collect: Any) -> None:
    line = {"ts": 1_793_700_000, "api_key_id": "k", "path": "/v1/embeddings", "in": 9}
    event = collect(line, fields={"usage.prompt_tokens": "in"}).event
    assert [event[name] for name in ("status", "prompt_tokens", "completion_tokens")] == ["measured", 9, 0]


def test_what_no_meter_is_for_keeps_the_counts_of_its_log_by_name(collect: Any) -> None:
    line = {"ts": 1_793_700_000, "api_key_id": "k", "path": "/v1/images/generations", "in": 9, "out": 4}
    fields = {"usage.prompt_tokens": "in", "usage.completion_tokens": "out"}
    event = collect(line, fields=fields).event
    assert (event["status"], event["prompt_tokens"]) == ("not_metered", None)
    assert json.loads(event["other_usage"]) == {"completion_tokens": 4, "prompt_tokens": 9}


def test_zeros_on_a_route_that_no_list_knows_are_no_trace_of_a_completion(collect: Any) -> None:
    line = {"ts": 1_793_700_000, "api_key_id": "k", "path": "/own", "in": 0, "out": 0}
    fields = {"usage.prompt_tokens": "in", "usage.completion_tokens": "out"}
    assert collect(line, fields=fields).event["status"] == "not_metered"
    assert collect(line | {"in": 3}, fields=fields).event["status"] == "measured"


def test_a_refused_line_tells_its_key_and_counts_by_the_same_rules(collect: Any) -> None:
    fields = {"api_key_id": "who.id", "usage.prompt_tokens": "in", "usage.completion_tokens": "out"}
    (row,) = collect({"ts": "no", "who": {"id": "key_a"}, "in": "7", "out": 2}, fields=fields).quarantined
    assert (row["api_key_id"], row["prompt_tokens"], row["completion_tokens"]) == ("key_a", 7, 2)


# Instants without an offset


@pytest.mark.parametrize(
    ("zone", "ts", "instant"),
    [
        ("Europe/Berlin", "2026-09-01T12:00:00.25", datetime(2026, 9, 1, 10, 0, 0, 250_000, tzinfo=UTC)),
        ("Europe/Berlin", "2026-12-01 12:00:00", datetime(2026, 12, 1, 11, tzinfo=UTC)),
        ("Europe/Berlin", "2026-09-01T12:00:00-05:00", datetime(2026, 9, 1, 17, tzinfo=UTC)),
        ("Europe/Berlin", 1_788_264_000, datetime(2026, 9, 1, 12, tzinfo=UTC)),
        ("Europe/Berlin", "2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
        ("Europe/Berlin", "2026-10-25T03:00:00", datetime(2026, 10, 25, 2, 0, tzinfo=UTC)),
        ("Asia/Kathmandu", "2026-01-01T00:00:00", datetime(2025, 12, 31, 18, 15, tzinfo=UTC)),
        ("UTC", "2026-09-01T12:00:00", datetime(2026, 9, 1, 12, tzinfo=UTC)),
    ],
)
def test_an_instant_without_an_offset_is_in_the_zone_that_its_source_states(
    collect: Any, exchange: Any, zone: str, ts: Any, instant: datetime
) -> None:
    assert collect(exchange(ts=ts), time_zone=zone).event["occurred_at"] == instant


@pytest.mark.parametrize(
    ("ts", "detail"),
    [
        (
            "2026-03-29T02:30:00",
            "ts is within an hour that clocks in Europe/Berlin skip; see the time_zone of the source",
        ),
        ("0001-01-01T00:00:00", "ts lies outside the years 2000 to 2099"),
        ("9999-12-31T23:59:59", "ts lies outside the years 2000 to 2099"),
        ("2026-02-30T00:00:00", "ts is no date and time of the calendar"),
    ],
)
def test_an_instant_that_no_clock_there_shows_is_refused(collect: Any, exchange: Any, ts: str, detail: str) -> None:
    assert collect(exchange(ts=ts), time_zone="Europe/Berlin").refusal == ("invalid_field", detail)


def test_a_zone_is_never_guessed(collect: Any, exchange: Any) -> None:
    assert collect(exchange(ts="2026-09-01T12:00:00")).refusal[0] == "invalid_field"
    with pytest.raises(ConfigurationError, match="time zone 'Mars' is unknown"):
        LogFormat(time_zone="Mars")


# The reader is another one


def test_every_setting_of_a_mapping_is_part_of_what_a_log_was_read_by() -> None:
    formats = [
        LogFormat(),
        LogFormat(fields={"status": "state"}),
        LogFormat(fields={"status": {"from": "state", "ok": 200}}),
        LogFormat(fields={"status": {"from": "state", "ok": 201}}),
        LogFormat(fields={"status": {"value": 200}}),
        LogFormat(fields={"status": ["state"]}),
        LogFormat(format="request-log"),
        LogFormat(format="litellm"),
        LogFormat(time_zone="UTC"),
        LogFormat(line_in="message"),
        LogFormat(ids_may_look_like_keys=True),
    ]
    assert len(set(map(read_by, formats))) == len(formats)
    assert [LogFormat(**json.loads(json.dumps(each.settings()))) for each in formats] == formats


def test_an_unknown_format_is_told_with_those_that_there_are() -> None:
    with pytest.raises(ConfigurationError, match=r"format is 'csv'; it is one of request-log, .*litellm"):
        LogFormat(format="csv")


def test_parsed_lines_are_not_changed_by_looking_fields_up() -> None:
    document = parse('{"u": {"prompt_tokens": "5"}, "ts": 1793700000, "api_key_id": "k"}')
    rules = LogFormat(fields={"usage": "u", "usage.completion_tokens": "ts"})
    before = json.dumps(document)
    rules.of(document)("usage")
    assert json.dumps(document) == before


@pytest.mark.parametrize("name", ["cache_write_1h_tokens", "cache_write_tokens", "cached_tokens"])
def test_a_part_that_is_no_count_is_refused_by_its_name(collect: Any, name: str) -> None:
    line = {"ts": "2026-09-01T12:00:00Z", "api_key_id": "key_1", "path": "/v1/chat/completions", "in": 9, "out": 4}
    names = {"usage.prompt_tokens": "in", "usage.completion_tokens": "out", f"usage.{name}": "part"}
    reason, detail = collect(line | {"part": -1}, fields=names).refusal
    assert reason == "invalid_usage"
    assert detail.split(" is ")[0].rpartition(".")[2] == name
