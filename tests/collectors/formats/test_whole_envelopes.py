"""What a line says around its body, as a whole: each field by its rule, and what a source may say of where it lies."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from pipeline.base.errors import ConfigurationError
from pipeline.collectors import KeyFingerprint, LogFormat, read_by, settings_digest
from pipeline.collectors.formats import found, log_format, request_log
from pipeline.collectors.formats.batches.batch import Batch
from pipeline.collectors.formats.entries import Entry, entries_in, entries_of, lines_in
from pipeline.collectors.formats.fingerprint import bare_key
from pipeline.collectors.formats.held import held_in, line_in
from pipeline.collectors.formats.log_format import READER_VERSION, batch_digests
from pipeline.collectors.formats.mapping import Mapped
from pipeline.collectors.formats.request_log import (
    NO_STATUS,
    NOTHING_BESIDE,
    Envelope,
    SaidBeside,
    in_our_names,
    read_envelope,
)
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import UNREADABLE, parse
from pipeline.configuration.log_fields import path_of, rules_of
from pipeline.usage import TOKENS_MAX
from pipeline.usage.events import LOGGED, Column, Kind, Role

NINE = 1_772_355_600
RAW = "sk-proj-0123456789abcdefghij"
LINE = {"ts": NINE, "api_key_id": "key_1"}
NO_NAMES = (None,) * len(LOGGED)


def envelope_of(line: dict[str, Any] | str, **settings: Any) -> Envelope:
    document = parse(line if isinstance(line, str) else json.dumps(line))
    return read_envelope(document, LogFormat(**settings), lambda raw: f"fingerprint of {raw}")


def envelope(**known: Any) -> Envelope:
    nothing: dict[str, Any] = dict.fromkeys(
        ("request_id", "method", "path", "model_requested", "stream_requested", "choices_requested", "response")
    )
    nothing |= {"http_status": NO_STATUS, "response_headers": {}, "logged": NO_NAMES, "left_out": frozenset()}
    return Envelope(**nothing | {"occurred_us": NINE * 1_000_000, "api_key_id": "key_1"} | known)


def refusal(line: dict[str, Any] | str, **settings: Any) -> tuple[str, str]:
    with pytest.raises(LineRefused) as refused:
        envelope_of(line, **settings)
    return refused.value.reason.value, refused.value.detail


def test_a_line_of_a_time_and_a_key_says_nothing_else() -> None:
    assert envelope_of(LINE) == envelope()
    absent = dict.fromkeys(("request_id", "status", "method", "path", "request", "response", "response_headers"))
    assert envelope_of(LINE | absent) == envelope()
    assert envelope_of(LINE | dict.fromkeys(("request_id", "status", "method", "path", "request"), "")) == envelope()


def test_every_field_is_read_under_its_name() -> None:
    line = LINE | {
        "request_id": "req 1",
        "status": "429",
        "method": "POST",
        "path": "/v1/messages",
        "request": {"model": "m-1", "stream": True, "n": 3},
        "response": {"a": 1},
        "response_headers": {"h": "1"},
    }
    expected = envelope(
        request_id="req%201",
        http_status=429,
        method="POST",
        path="/v1/messages",
        model_requested="m-1",
        stream_requested=True,
        choices_requested=3,
        response={"a": 1},
        response_headers={"h": "1"},
    )
    assert envelope_of(line) == expected
    as_text = {name: json.dumps(line[name]) for name in ("request", "response_headers")}
    assert envelope_of(line | as_text) == expected
    for response in ("text", [1], {}, "", []):
        assert envelope_of(LINE | {"response": response}) == envelope(response=response)


def test_what_is_ill_formed_and_decides_no_bill_is_left_out_and_named() -> None:
    odd = {
        "request_id": [],
        "status": 99,
        "method": 7,
        "path": {},
        "request": {"model": True, "stream": "yes", "n": -1},
        "response_headers": "no object",
    }
    names = ("request_id", "status", "method", "path", "request.model", "request.stream", "request.n")
    assert envelope_of(LINE | odd) == envelope(left_out=frozenset(names))
    for request in ([1], "no object", "{torn", 7):
        assert envelope_of(LINE | {"request": request}) == envelope(left_out=frozenset(("request",)))
    for request in (None, "", " ", "null", " null ", {}, "{}"):
        assert envelope_of(LINE | {"request": request}) == envelope()
    assert envelope_of(LINE | {"response_headers": [1]}) == envelope()
    for status, kept in ((100, 100), (599, 599), (600, None), ("two", None)):
        left_out = frozenset() if kept else frozenset(("status",))
        assert envelope_of(LINE | {"status": status}) == envelope(http_status=kept or NO_STATUS, left_out=left_out)
    assert envelope_of(LINE | {"request": {"n": 2**31 - 1}}).choices_requested == 2**31 - 1
    assert envelope_of(LINE | {"request": {"n": 0}}).choices_requested == 0
    assert envelope_of(LINE | {"request": {"n": 2**31}}).left_out == {"request.n"}
    assert envelope_of(LINE | {"request.model": "m-2", "request": {"model": "m-1"}}).model_requested == "m-2"
    twice = json.dumps(LINE)[:-1] + ', "request": {"model": "a", "model": "b", "n": 2}}'
    assert envelope_of(twice) == envelope(choices_requested=2, left_out=frozenset(("request.model",)))


@pytest.mark.parametrize(
    ("line", "reason", "detail"),
    [
        ({"api_key_id": "key_1"}, "missing_field", "ts"),
        ({"ts": NINE}, "missing_field", "api_key or api_key_id"),
        (LINE | {"api_key_id": ""}, "missing_field", "api_key or api_key_id"),
        ({"ts": NINE, "api_key": " Bearer  "}, "missing_field", "api_key or api_key_id"),
        (LINE | {"api_key_id": []}, "invalid_field", "api_key_id is neither a string nor a whole number"),
        ({"ts": NINE, "api_key": 7}, "invalid_field", "api_key is no string"),
        ({"ts": NINE, "api_key": "\ud83d"}, "invalid_field", "api_key holds half a character"),
        ({"ts": NINE, "api_key": "\u00e9\udfff"}, "invalid_field", "api_key holds half a character"),
        (
            LINE | {"api_key_id": "Bearer abc"},
            "invalid_field",
            "api_key_id begins as an Authorization header does; name that field api_key",
        ),
        (
            LINE | {"api_key_id": RAW},
            "invalid_field",
            (
                "api_key_id looks like a raw key; name that field api_key, so that it is fingerprinted, or where it is "
                "an id write ids_may_look_like_keys = true in its source"
            ),
        ),
        *(
            (
                LINE | {"response": value},
                "invalid_field",
                "response is neither an object, an array nor a string",
            )
            for value in (7, True)
        ),
        ('{"ts": 1, "ts": 2, "api_key_id": "a"}', "duplicate_key", "ts is stated more than once with different values"),
        (
            '{"ts": 1772355600, "api_key_id": "a", "path": "/a", "path": "/b"}',
            "duplicate_key",
            "path is stated more than once with different values",
        ),
    ],
)
def test_a_field_that_decides_the_bill_is_refused_with_what_is_wrong(
    line: dict[str, Any] | str, reason: str, detail: str
) -> None:
    assert refusal(line) == (reason, detail)


def test_a_key_id_is_kept_and_a_raw_key_is_fingerprinted() -> None:
    assert envelope_of(LINE | {"api_key": RAW}).api_key_id == "key_1"
    assert envelope_of(LINE | {"api_key_id": 7}).api_key_id == "7"
    assert envelope_of(LINE | {"api_key_id": " a "}).api_key_id == "%20a%20"
    raw = {"ts": NINE, "api_key_id": None, "api_key": "Bearer abc"}
    assert envelope_of(raw).api_key_id == "fingerprint of Bearer abc"
    assert envelope_of(raw | {"api_key": "\u00e9"}).api_key_id == "fingerprint of \u00e9"
    assert envelope_of(raw | {"api_key": "\ud7ff\ue000"}).api_key_id == "fingerprint of \ud7ff\ue000"
    assert envelope_of(LINE | {"api_key_id": RAW}, ids_may_look_like_keys=True).api_key_id == RAW
    same = {"api_key": "auth", "api_key_id": "auth"}
    assert envelope_of({"ts": NINE, "auth": "abc"}, fields=same).api_key_id == "fingerprint of abc"
    other = {"api_key": "auth"}
    assert envelope_of(LINE | {"auth": "abc"}, fields=other).api_key_id == "key_1"
    over = {"api_key": "api_key_id"}
    assert envelope_of(LINE, fields=over).api_key_id == "fingerprint of key_1"


def test_a_fingerprint_is_of_the_bare_key_under_a_secret_of_some_length() -> None:
    fingerprint = KeyFingerprint(secret=b"s" * 32)
    assert fingerprint("abc") == fingerprint(" Bearer  abc ") == fingerprint("bearer\tabc")
    assert fingerprint("abc") != KeyFingerprint(secret=b"t" * 32)("abc")
    assert [len(fingerprint("abc")), len(fingerprint.check())] == [36, 16]
    assert fingerprint("abc").startswith("key_")
    assert fingerprint.check() != KeyFingerprint(secret=b"t" * 32).check()
    assert [bare_key(each) for each in ("abc", " bearer abc ", "bearerabc", "Bearer Bearer x")] == [
        *("abc", "abc", "bearerabc", "Bearer x"),
    ]
    with pytest.raises(ConfigurationError, match="has 31 bytes; it needs at least 32"):
        KeyFingerprint(secret=b"s" * 31)


FIELDS = {
    "response.id": "r.id",
    "response.model": "r.model",
    "response.finish_reason": "r.why",
    "response.error": "r.error",
    "service_tier": "tier",
    "cache_hit": "hit",
    "usage": "u",
    "usage.prompt_tokens": "in",
    "usage.cached_tokens": "cached",
    "usage.cache_write_1h_tokens": "hour",
    "usage.reasoning_tokens": "thought",
}


def beside(line: dict[str, Any], **fields: Any) -> SaidBeside:
    return envelope_of(LINE | line, fields=fields or FIELDS).beside


def test_what_a_log_says_of_an_answer_is_looked_at_only_where_a_source_names_it() -> None:
    said = {"r": {"id": "r-1", "model": "m 1", "why": "stop", "error": "e"}, "tier": "flex", "hit": "true"}
    assert envelope_of(LINE | said).beside is NOTHING_BESIDE
    assert beside(said) == SaidBeside(
        response_id="r-1",
        model="m%201",
        finish_reason="stop",
        service_tier="flex",
        has_error=True,
        is_cached=True,
    )
    assert beside({}) == SaidBeside()
    only = beside({"r": {"id": "r-1"}, "tier": "flex"}, service_tier="tier")
    assert only == SaidBeside(service_tier="flex")
    odd = envelope_of(LINE | {"r": {"id": [], "model": True, "why": {}}}, fields=FIELDS)
    assert odd.left_out == {"response.id", "response.model", "finish_reason"}
    for value in (None, False, "", "-", 0, {}, []):
        assert not beside({"r": {"error": value}}).has_error
    for value in (True, "e", 1, {"a": 1}, "0"):
        assert beside({"r": {"error": value}}).has_error
    for value, is_cached in (("TRUE", True), ("1", True), (1, True), ("0", False), ("False", False), ("", False)):
        assert beside({"hit": value}).is_cached is is_cached
    assert refusal(LINE | {"hit": "maybe"}, fields=FIELDS) == ("invalid_field", "cache_hit is neither true nor false")
    assert refusal(LINE | {"tier": []}, fields=FIELDS) == (
        "invalid_field",
        "service_tier is neither a string nor a whole number",
    )


@pytest.mark.parametrize(
    ("line", "usage"),
    [
        ({"in": 7}, {"prompt_tokens": 7}),
        ({"in": "7"}, {"prompt_tokens": 7}),
        ({"in": "-"}, None),
        ({"in": 0}, {"prompt_tokens": 0}),
        ({"in": "a dozen"}, {"prompt_tokens": "a dozen"}),
        ({"cached": 5, "hour": 3}, {"prompt_tokens_details": {"cached_tokens": 5, "cache_write_1h_tokens": 3}}),
        ({"thought": 5}, {"completion_tokens_details": {"reasoning_tokens": 5}}),
        (
            {"u": {"prompt_tokens": "9", "details": {"a": "4", "b": None}}},
            {"prompt_tokens": 9, "details": {"a": 4, "b": None}},
        ),
        ({"u": '{"prompt_tokens": 9}'}, {"prompt_tokens": 9}),
        ({"u": {"prompt_tokens": 9}, "in": 7}, {"prompt_tokens": 7}),
        (
            {"u": {"prompt_tokens_details": {"audio_tokens": 1}}, "cached": 5},
            {"prompt_tokens_details": {"audio_tokens": 1, "cached_tokens": 5}},
        ),
        ({"u": {"prompt_tokens_details": 7}, "cached": 5}, {"prompt_tokens_details": {"cached_tokens": 5}}),
        ({"u": {}}, None),
        ({"u": "null"}, None),
        ({}, None),
    ],
)
def test_counts_of_a_log_become_a_usage_object(line: dict[str, Any], usage: Any) -> None:
    assert beside(line) == SaidBeside(usage=usage)


def test_what_a_source_names_beside_an_answer_leaves_what_decides_no_bill_left_out() -> None:
    line = json.dumps(LINE)[:-1] + ', "asked": "a", "asked": "b", "r": {"id": "r-1"}}'
    named = envelope_of(line, fields={"request.model": "asked", "response.id": "r.id"})
    expected = envelope(left_out=frozenset(("request.model",)), beside=SaidBeside(response_id="r-1"))
    assert named == expected


def column(kind: Kind, role: Role, log_field: str) -> Column:
    return Column(name="c", kind=kind, role=role, says="what a column to come may be", log_field=log_field)


@pytest.mark.parametrize(
    ("kind", "role", "value", "kept"),
    [
        (Kind.TEXT, Role.DIMENSION, "eu west", "eu%20west"),
        (Kind.TEXT, Role.DIMENSION, "x" * 65, "%sha256:" + hashlib.sha256(b"x" * 65).hexdigest()),
        (Kind.TEXT, Role.OUTCOME, "x" * 65, "x" * 65),
        (Kind.FLAG, Role.OUTCOME, True, True),
        (Kind.NUMBER, Role.OUTCOME, 2**31 - 1, 2**31 - 1),
        (Kind.NUMBER, Role.OUTCOME, 0, 0),
        (Kind.COUNT, Role.USAGE, TOKENS_MAX, TOKENS_MAX),
        (Kind.COUNT, Role.USAGE, 0, 0),
    ],
)
def test_a_column_that_is_read_as_it_is_lies_where_it_says_or_where_a_source_names_it(
    kind: Kind, role: Role, value: Any, kept: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "LOGGED", (column(kind, role, "served.at"),))
    assert envelope_of(LINE | {"served": {"at": value}}).logged == (kept,)
    assert envelope_of(LINE | {"served.at": value, "served": {"at": []}}).logged == (kept,)
    assert envelope_of(LINE).logged == (None,)
    monkeypatch.setattr(log_format, "rules_of", lambda _: {"served.at": path_of("zone")})
    assert envelope_of(LINE | {"zone": value, "served": {"at": "no"}}).logged == (kept,)


@pytest.mark.parametrize(
    ("kind", "role", "value", "why"),
    [
        (Kind.TEXT, Role.DIMENSION, [], "served is neither a string nor a whole number"),
        (Kind.FLAG, Role.OUTCOME, "yes", "served is neither true nor false"),
        (Kind.NUMBER, Role.OUTCOME, 2**31, "served is 2147483648; it lies between 0 and 2147483647"),
        (Kind.NUMBER, Role.OUTCOME, -1, "served is -1; it lies between 0 and 2147483647"),
        (Kind.COUNT, Role.USAGE, TOKENS_MAX + 1, f"served is {TOKENS_MAX + 1}; it lies between 0 and {TOKENS_MAX}"),
        (Kind.COUNT, Role.USAGE, -1, f"served is -1; it lies between 0 and {TOKENS_MAX}"),
    ],
)
def test_a_column_of_usage_that_is_none_is_refused_and_any_other_is_left_out(
    kind: Kind, role: Role, value: Any, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_log, "LOGGED", (column(kind, role, "served"),))
    if role is Role.USAGE:
        assert refusal(LINE | {"served": value}) == ("invalid_field", why)
    else:
        assert envelope_of(LINE | {"served": value}) == envelope(logged=(None,), left_out=frozenset(("served",)))


def test_usage_that_is_no_object_is_refused() -> None:
    for value in ("many", [1], 7):
        assert refusal(LINE | {"u": value}, fields=FIELDS) == ("invalid_field", "usage is no object")


def test_fields_are_told_by_our_names_less_those_that_are_stated_twice() -> None:
    line = parse('{"t": 5, "api_key_id": "a", "status": 1, "status": 2, "tier": "flex", "path": null, "more": 1}')
    assert in_our_names(line, LogFormat(fields={"ts": "t"})) == {"ts": 5, "api_key_id": "a"}
    assert in_our_names(line, LogFormat(fields={"service_tier": "tier"})) == {"api_key_id": "a", "service_tier": "flex"}
    assert in_our_names({"ts": 5, "service_tier": "flex"}, LogFormat()) == {"ts": 5}


def looked_up(rule: Any, line: dict[str, Any] | str, name: str = "request_id") -> Any:
    document = parse(line if isinstance(line, str) else json.dumps(line))
    return Mapped(document, rules_of({name: rule}), 64)(name)


@pytest.mark.parametrize(
    ("rule", "line", "value"),
    [
        ("a", {"a": 1}, 1),
        ("a.b", {"a": {"b": 1}}, 1),
        ("a.b", {"a.b": 2, "a": {"b": 1}}, 2),
        ('a."b.c"', {"a": {"b.c": 1}}, 1),
        ("a.0", {"a": [5, 6]}, 5),
        ("a.1", {"a": [5, 6]}, 6),
        ("a.2", {"a": [5, 6]}, None),
        ("a.-1", {"a": [5, 6]}, None),
        ("a.b", {"a": [5]}, None),
        ("a.b", {"a": '{"b": 1}'}, 1),
        ("a.b", {"a": '"{\\"b\\": 1}"'}, 1),
        ("a.0", {"a": "[5]"}, 5),
        ("a.b", {"a": "no json"}, None),
        ("a.b", {"a": 7}, None),
        ("a.b", {"a": None}, None),
        ("a", {}, None),
        (["a", "b"], {"a": "", "b": 2}, 2),
        (["a", "b"], {"a": 0, "b": 2}, 0),
        (["a", "b"], {"a": None}, None),
        ({"value": "x"}, {}, "x"),
        ({"from": "a", "x": "y"}, {"a": "x"}, "y"),
        ({"from": "a", "x": "y"}, {"a": "z"}, "z"),
        ({"from": "a", "true": "y"}, {"a": True}, "y"),
        ({"from": "a", "7": "y"}, {"a": 7}, "y"),
        ({"from": "a", "7": "y"}, {"a": [7]}, [7]),
        ({"from": ["a", "b"], "x": "y"}, {"b": "x"}, "y"),
    ],
)
def test_a_rule_finds_what_it_says(rule: Any, line: dict[str, Any], value: Any) -> None:
    name = "path" if isinstance(rule, dict) else "request_id"
    assert looked_up(rule, line, name) == value


@pytest.mark.parametrize(
    ("line", "total"),
    [
        ({"a": 1, "b": 2}, 3),
        ({"a": "1", "b": 2}, 3),
        ({"a": 0}, 0),
        ({"b": 2}, 2),
        ({}, None),
        ({"a": "-"}, None),
        ({"a": "x", "b": 2}, "x"),
        ({"a": True, "b": 2}, True),
    ],
)
def test_a_sum_is_of_what_is_stated_and_what_is_no_count_is_left_to_be_refused(
    line: dict[str, Any], total: Any
) -> None:
    found_ = looked_up({"sum": ["a", "b"]}, line, "usage.prompt_tokens")
    assert (found_, type(found_)) == (total, type(total))


def test_what_the_way_to_a_field_states_twice_refuses_the_line() -> None:
    for rule, line in (
        ("a.b", '{"a": 1, "a": 2}'),
        ("a.b", '{"a": {"b": 1, "b": 2}}'),
        ("a.b", '{"a.b": 1, "a.b": 2}'),
    ):
        with pytest.raises(LineRefused):
            looked_up(rule, line)
    with pytest.raises(LineRefused):
        Mapped(parse('{"status": 1, "status": 2}'), {}, 64)("status")
    assert Mapped({}, {}, 64)("status", 5) == 5


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"format": "xml"}, "format is 'xml'; it is one of " + ", ".join((found.REQUEST_LOG, *found.by_name()))),
        ({"identity": "none"}, "identity is 'none'; it is one of response-id, request-id, both"),
        ({"dialect": "x"}, "dialect is 'x'; it is one of openai-chat, "),
        ({"line_bytes_max": 0}, "line_bytes_max is 0; it is at least 1"),
        ({"depth_max": 0}, "depth_max is 0; it is at least 1"),
        ({"decompressed_bytes_max": 0}, "decompressed_bytes_max is 0; it is at least 1"),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        LogFormat(**settings)
    assert str(refused.value).startswith(message)
    assert LogFormat(line_bytes_max=1, depth_max=1, decompressed_bytes_max=1).depth_max == 1


def test_settings_are_these_and_what_they_read_by_is_their_digest() -> None:
    settings = {
        "format": None,
        "fields": {},
        "identity": "response-id",
        "dialect": None,
        "time_zone": None,
        "line_in": None,
        "line_bytes_max": 67_108_864,
        "depth_max": 64,
        "decompressed_bytes_max": 1_099_511_627_776,
    }
    assert LogFormat().settings() == settings
    assert LogFormat(ids_may_look_like_keys=True).settings() == settings | {"ids_may_look_like_keys": True}
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
    assert read_by(LogFormat()) == f"{READER_VERSION}-{digest}"
    batch = Batch(object={"id": "b-1"}, requests=None)
    assert read_by(LogFormat(batch=batch)) == f"{READER_VERSION}-{digest}-{batch.digest}"
    assert (settings_digest(read_by(LogFormat(batch=batch))), settings_digest(None), settings_digest("")) == (
        digest,
        "",
        "",
    )


def test_the_digests_of_a_batch_are_its_object_s_and_its_requests() -> None:
    of_object = hashlib.sha256(b'{"id": "b-1"}').hexdigest()[:16]
    of_requests = hashlib.sha256(b'{"a": {}}').hexdigest()[:16]
    alone, both = (Batch(object={"id": "b-1"}, requests=requests) for requests in (None, {"a": {}}))
    assert (alone.digest, both.digest) == (f"{of_object}.", f"{of_object}.{of_requests}")
    assert batch_digests(read_by(LogFormat(batch=alone))) == (of_object, "")
    assert batch_digests(read_by(LogFormat(batch=both))) == (of_object, of_requests)
    assert batch_digests(read_by(LogFormat())) == batch_digests(None) == ("", "")


REFUSED = "the line within the record is not one JSON document"
HELD = '{"ts": 1, "api_key_id": "a"}'
INNER = {"ts": 1, "api_key_id": "a"}


@pytest.mark.parametrize(
    ("document", "held"),
    [
        ({"messageType": "CONTROL_MESSAGE", "logEvents": [{"message": HELD}]}, []),
        ({"messageType": "CONTROL_MESSAGE"}, None),
        *(
            ({"logEvents": [{"message": HELD}, {"message": "text"}, {"message": 7}, "x"], beside: 1}, [INNER])
            for beside in ("logGroup", "logStream", "messageType")
        ),
        *(
            ({"events": [{"message": HELD}, {"message": HELD}], beside: 1}, [INNER, INNER])
            for beside in ("searchedLogStreams", "nextForwardToken", "nextBackwardToken")
        ),
        ({"logEvents": [{"message": HELD}]}, None),
        ({"logEvents": {"message": HELD}, "logGroup": 1}, None),
        *(({"@message": HELD, beside: 1}, [INNER]) for beside in ("@timestamp", "@ptr", "@logStream")),
        *(({"log": HELD, beside: 1}, [INNER]) for beside in ("date", "@timestamp", "kubernetes")),
        *(({"textPayload": HELD, beside: 1}, [INNER]) for beside in ("insertId", "logName")),
        *(({"jsonPayload": INNER, beside: 1}, [INNER]) for beside in ("insertId", "logName")),
        ({"jsonPayload": HELD, "insertId": 1}, None),
        ({"textPayload": INNER, "insertId": 1}, None),
        ({"log": HELD}, None),
        ({"message": HELD, "@timestamp": 1}, None),
        ({"log": "plain text", "date": 1}, []),
        ({"log": '"a": 1', "date": 1}, [REFUSED]),
        ({"log": json.dumps(HELD), "date": 1}, []),
    ],
)
def test_a_record_is_known_by_what_stands_beside_its_line(document: dict[str, Any], held: Any) -> None:
    found_ = held_in(document, depth_max=64)
    assert (found_ and [each.detail if isinstance(each, LineRefused) else each for each in found_]) == held


def test_a_place_that_a_source_names_may_hold_a_text_of_a_text() -> None:
    assert line_in(json.dumps(HELD), depth_max=64, is_named=True) == [INNER]
    assert line_in(json.dumps(HELD), depth_max=64) == []
    assert line_in("[1]", depth_max=64) == [[1]]
    assert line_in("1", depth_max=64) == []
    (broken,) = line_in('{"a": 1', depth_max=64)
    assert (broken.reason, broken.detail) == ("invalid_json", REFUSED)
    assert line_in("[[1]]", depth_max=1) == line_in('"[[1]]"', depth_max=1, is_named=True) == [[UNREADABLE]]


def documents(entries: list[Entry]) -> list[Any]:
    return [each.document if each.refused is None else each.refused.detail for each in entries]


def test_a_document_is_a_line_or_holds_some_down_to_a_depth() -> None:
    plain = LogFormat()
    record = {"log": HELD, "date": 1}
    assert documents(lines_in(INNER, plain)) == [INNER]
    assert documents(lines_in([INNER, 5, record], plain)) == [INNER, 5, INNER]
    assert documents(lines_in([], plain)) == [[]]
    assert documents(lines_in([1, 2], plain)) == [[1, 2]]
    assert documents(lines_in("text", plain)) == ["text"]
    assert documents(lines_in({"weather": "fine"}, plain)) == [{"weather": "fine"}]
    assert documents(lines_in({"log": '"a": 1', "date": 1}, plain)) == [REFUSED]
    nested: Any = INNER
    for _ in range(4):
        nested = {"log": json.dumps(nested), "date": 1}
    assert documents(lines_in(nested, plain)) == [INNER]
    deeper = {"log": json.dumps(nested), "date": 1}
    assert documents(lines_in(deeper, plain)) == [{"log": HELD, "date": 1}]
    assert documents(lines_in([[[[INNER]]]], plain)) == [[[[[INNER]]]]]
    in_lists = [[[[INNER], {}], {}], {}]
    assert documents(lines_in(in_lists, plain)) == [INNER, {}, {}, {}]


def test_what_a_source_says_a_line_lies_in_is_read_and_what_lies_nowhere_is_the_line_itself() -> None:
    named = LogFormat(line_in="message")
    within = named.within_line()
    assert (within.line_in, named.within_line() is within) == (None, True)
    assert lines_in({"message": INNER}, named) == [Entry(INNER, within)]
    assert lines_in({"message": json.dumps(HELD)}, named) == [Entry(INNER, within)]
    assert documents(lines_in({"message": [INNER, INNER]}, named)) == [INNER, INNER]
    assert documents(lines_in({"message": "plain text"}, named)) == []
    assert lines_in({"message": 7}, named) == [Entry({"message": 7}, named)]
    assert lines_in(INNER, named) == [Entry(INNER, named)]
    assert documents(lines_in({"log": HELD, "date": 1}, named)) == [INNER]


def test_the_entries_of_a_line_are_its_format_s_and_a_refusal_stands_in_the_place_of_one() -> None:
    plain = LogFormat()
    span = {"resourceSpans": [{"scopeSpans": [{"spans": []}]}]}
    assert entries_in(span, plain) == []
    assert documents(entries_in([INNER, span, 5], plain)) == [INNER, 5]
    broken = {"resourceSpans": [7]}
    (refused,) = entries_in(broken, plain)
    assert refused.refused is not None
    assert (refused.document, refused.log_format, refused.refused.detail) == (
        broken,
        plain,
        "resourceSpans is no list of objects",
    )
    assert entries_of(INNER, plain) == ([INNER], plain)
    assert entries_of(span, LogFormat(format="request-log")) == ([span], LogFormat(format="request-log"))
    assert entries_of(span, LogFormat(fields={"ts": "t"}))[0] == [span]
    entries, written = entries_of(span, plain)
    assert (entries, written.format) == ([], "request-log")
    assert written.fields["service_tier"] == '"service_tier"'
    assert written is plain.within("otel", None)


@pytest.mark.parametrize("key", ["api_key_id", "api_key"])
def test_a_line_that_calls_time_and_key_as_we_do_is_a_request_log_s_whatever_else_it_holds(key: str) -> None:
    line = {"ts": 1, key: "a", "resourceSpans": []}
    assert found.is_request_log(line)
    assert found.format_of(line) is None
    for missing in ("ts", key):
        other = {name: value for name, value in line.items() if name != missing}
        assert not found.is_request_log(other)
        assert found.format_of(other) is found.by_name()["otel"]
    assert found.format_of({"a": 1}) is None


def test_a_line_of_a_source_with_fields_is_one_where_its_time_and_key_are_found() -> None:
    named = LogFormat(fields={"ts": "t", "api_key_id": "k", "api_key": "raw"})
    for line in ({"t": 1, "k": "a"}, {"t": 1, "raw": "a"}):
        assert documents(lines_in(line | {"log": HELD, "date": 1}, named)) == [line | {"log": HELD, "date": 1}]
    for line in ({"t": 1}, {"k": "a"}):
        assert documents(lines_in(line | {"log": HELD, "date": 1}, named)) == [INNER]
    twice = parse('{"t": 1, "t": 2, "k": "a", "log": "{}", "date": 1}')
    assert lines_in(twice, named) == [Entry(twice, named)]


def test_a_format_that_a_source_names_reads_what_it_recognises_and_looks_into_the_rest() -> None:
    otel = LogFormat(format="otel")
    span: dict[str, Any] = {"resourceSpans": []}
    assert lines_in(span, otel) == [Entry(span, otel)]
    assert documents(lines_in({"log": json.dumps(span), "date": 1}, otel)) == [span]
    litellm = LogFormat(format="litellm", fields={"api_key_id": "who"})
    payload = {"startTime": 1, "who": "a"}
    assert documents(lines_in(payload | {"log": "{}", "date": 1}, litellm)) == [payload | {"log": "{}", "date": 1}]


def test_the_first_and_the_last_half_of_a_character_are_none_of_a_key() -> None:
    for half in ("\ud800", "\udfff"):
        assert refusal({"ts": NINE, "api_key": half}) == ("invalid_field", "api_key holds half a character")


def test_an_index_leads_into_a_list_alone() -> None:
    for value in (7, True, "text", {"1": 5}):
        assert looked_up("a.0", {"a": value}) is None


def test_the_field_that_a_source_names_counts_before_that_of_the_request() -> None:
    line = LINE | {"m": "named", "request": {"model": "asked", "stream": True}}
    named = envelope_of(line, fields={"request.model": "m"})
    assert (named.model_requested, named.stream_requested) == ("named", True)


def test_lists_lie_in_one_another_down_to_a_depth_and_a_batch_is_joined_where_a_format_can() -> None:
    in_lists: Any = [INNER]
    for _ in range(4):
        in_lists = [in_lists, {}]
    assert documents(lines_in(in_lists, LogFormat())) == [[INNER], {}, {}, {}, {}]
    batch = Batch(object={"id": "b-1"}, requests=None)
    assert entries_of({"resourceSpans": []}, LogFormat(format="otel", batch=batch))[0] == []


def test_a_line_that_a_named_format_recognises_is_one_whatever_else_it_holds_and_a_broken_one_stays_broken() -> None:
    span = {"resourceSpans": [], "log": HELD, "date": 1}
    otel = LogFormat(format="otel")
    assert lines_in(span, otel) == [Entry(span, otel)]
    assert documents(entries_in({"log": '"a": 1', "date": 1}, LogFormat())) == [REFUSED]
