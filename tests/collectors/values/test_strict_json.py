"""JSON without laxness: what a lenient reader would bill is quarantined."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors.values.strict_json import UNREADABLE, parse

_DOCUMENTS = st.recursive(
    st.none() | st.integers() | st.text('[]{}\\",:a', max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
)
_NO_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 309, "9" * 5000]


@pytest.mark.parametrize("number", _NO_NUMBERS)
@pytest.mark.parametrize("place", ["line", "request", "body", "body as text", "chunk"])
def test_a_number_beyond_a_double_that_nobody_reads_costs_no_line(
    collect: Any, exchange: Any, number: str, place: str
) -> None:
    body = (
        '{"id": "x", "choices": [], "created": NUMBER, "usage": {"prompt_tokens": 1, "completion_tokens": 1}}'.replace(
            "NUMBER", number
        )
    )
    response = {"body as text": json.dumps(body), "chunk": json.dumps(f"data: {body}\n\n")}.get(place, body)
    text = json.dumps(exchange(request={"model": "jamba-large", "seed": "REQUEST"}, response="BODY", extra="EXTRA"))
    text = text.replace('"BODY"', response).replace('"REQUEST"', number if place == "request" else "0")
    collected = collect(text.replace('"EXTRA"', number if place == "line" else "0"))
    assert collected.tokens[:2] == (1, 1)


@pytest.mark.parametrize("number", _NO_NUMBERS)
def test_a_number_beyond_a_double_is_no_instant_no_key_and_no_count(collect: Any, exchange: Any, number: str) -> None:
    for field in ("ts", "api_key_id"):
        assert (
            collect(json.dumps(exchange(**{field: "NUMBER"})).replace('"NUMBER"', number)).refusal[0] == "invalid_field"
        )
    body = '{"choices": [], "usage": {"prompt_tokens": NUMBER, "completion_tokens": 1}}'.replace("NUMBER", number)
    assert collect(exchange(response=body)).refusal == ("invalid_usage", "prompt_tokens is no number")


@pytest.mark.parametrize(
    "text", ['{"a"', "{} {}", "{} 7", "{} , , {}", "nonsense", "{'ts': 1}", '{"a": 01}', '{"a": "\x01"}', '{"a": 1,}']
)
def test_a_line_that_is_not_one_json_document_is_quarantined(collect: Any, text: str) -> None:
    assert collect(text).refusal == ("invalid_json", "the line is not one JSON document")


@pytest.mark.parametrize("text", ["[]", '"text"', "1", "null", "true"])
def test_a_line_that_is_no_object_is_quarantined(collect: Any, text: str) -> None:
    assert collect(text).refusal[0] == "not_an_object"


SPOILED = (b"\xff", b"\xed\xa0\x80", b"\xc3", b"\xf8\x88\x80\x80\x80")


@pytest.mark.parametrize("spoiled", SPOILED)
def test_invalid_utf8_is_quarantined_with_its_place(collect: Any, spoiled: bytes) -> None:
    assert collect(b'{"a": "' + spoiled + b'"}').refusal == ("invalid_utf8", "at byte 7 of the line")


@pytest.mark.parametrize("spoiled", SPOILED)
@pytest.mark.parametrize("form", ["object", "text", "stream"])
def test_bytes_that_are_no_utf8_cost_nothing_where_they_decide_nothing(
    collect: Any, exchange: Any, spoiled: bytes, form: str
) -> None:
    body = exchange()["response"]
    answers = {"object": body, "text": json.dumps(body), "stream": f"data: {json.dumps(body)}\n\n: ODD"}
    line = exchange(response=answers[form], path="/v1/chat/completions?ODD", note="ODD", ODD={"ODD": ["ODD"]})
    text = json.dumps(line)
    expected = collect(text).event
    odd = collect(text.replace("Hello", "Hello ODD").encode().replace(b"ODD", spoiled)).event
    assert {**odd, "byte_end": 0} == {**expected, "byte_end": 0}


@pytest.mark.parametrize(
    ("field", "left_out"),
    [({"request_id": "ODD"}, "request_id"), ({"request": {"model": "ODD"}}, "request.model")],
)
def test_a_name_with_such_bytes_that_decides_no_bill_is_left_out(
    collect: Any, exchange: Any, field: dict[str, Any], left_out: str
) -> None:
    line = exchange(**field, n="x")
    line["response"]["model"] = "jamba-large-1.7"
    event = collect(json.dumps(line).encode().replace(b"ODD", b"r\xff")).event
    assert (event["status"], event["left_out"]) == ("measured", left_out)
    assert event[left_out.replace("request.model", "model_requested")] is None


@pytest.mark.parametrize(
    "change",
    [
        {"ts": "2026-09-01T12:00:00ZODD"},
        {"api_key_id": "ODD"},
        {"api_key_id": ..., "api_key": "ODD"},
        {"request": {"model": "ODD"}},
        {"response": {"id": "ODD"}},
        {"response": {"model": "ODD"}},
        {"response": {"service_tier": "ODD"}},
        {"response": {"id": None}, "request_id": "ODD"},
    ],
)
def test_such_bytes_are_quarantined_where_they_may_decide_a_bill(
    collect: Any, exchange: Any, change: dict[str, Any]
) -> None:
    line = exchange()
    body = line["response"] | change.get("response", {})
    line = {name: value for name, value in {**line, **change, "response": body}.items() if value is not ...}
    collected = collect(json.dumps(line).encode().replace(b"ODD", b"x\xff"))
    assert collected.refusal[0] == "invalid_utf8"
    (row,) = collected.quarantined
    assert row["prompt_tokens"] == collect(exchange()).event["prompt_tokens"]


def test_all_entries_of_a_line_are_refused_where_such_bytes_decide_something_in_one(
    collect: Any, exchange: Any
) -> None:
    harmless, decides = exchange(note="ODD"), exchange(api_key_id="ODD")
    both = json.dumps([harmless, decides]).encode().replace(b"ODD", b"\xff")
    assert collect(both).refusal[0] == "invalid_utf8"
    assert len(collect(json.dumps([harmless, harmless]).encode().replace(b"ODD", b"\xff")).events) == 2


def test_half_a_surrogate_pair_in_the_content_is_billed_all_the_same(collect: Any, exchange: Any) -> None:
    line = exchange()
    line["response"]["choices"][0]["message"]["content"] = "\ud83d"
    assert collect(line).event["status"] == "measured"


def _nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("place", ["line", "request", "body", "body as text", "chunk"])
@pytest.mark.parametrize("levels", [60, 64, 65, 128, 129, 200, 20_000])
def test_what_is_nested_too_deep_is_not_looked_into_and_costs_no_line(
    collect: Any, exchange: Any, place: str, levels: int
) -> None:
    deep = _nested(levels - 1)
    body = '{"choices": [], "deep": DEEP, "usage": {"prompt_tokens": 1, "completion_tokens": 1}}'.replace("DEEP", deep)
    response = {"body as text": json.dumps(body), "chunk": json.dumps(f"data: {body}\n\n")}.get(place, body)
    text = json.dumps(exchange(request={"model": "jamba-large", "tools": "REQUEST"}, response="BODY", extra="EXTRA"))
    text = text.replace('"BODY"', response).replace('"REQUEST"', deep if place == "request" else "0")
    collected = collect(text.replace('"EXTRA"', deep if place == "line" else "0"))
    assert collected.tokens[:2] == (1, 1)


@pytest.mark.long
@pytest.mark.parametrize("depth_max", [1, 2, 5, 64])
@given(_DOCUMENTS)
def test_all_that_is_not_nested_too_deep_is_read_as_it_is(depth_max: int, document: Any) -> None:
    def cut(value: Any, levels: int) -> Any:
        if isinstance(value, dict):
            return {key: cut(inner, levels - 1) for key, inner in value.items()} if levels else UNREADABLE
        if isinstance(value, list):
            return [cut(inner, levels - 1) for inner in value] if levels else UNREADABLE
        return value

    assert parse(json.dumps(document), depth_max=depth_max) == cut(document, depth_max)


def test_deep_nesting_does_not_hide_that_a_line_is_torn(collect: Any) -> None:
    deep = _nested(70)
    for torn in (
        f'{{"a": {deep}',
        f'{{"a": {deep}]}}',
        f'{{"a": {deep[:-1]}}}',
        f'{{"a": {deep[:70]}01{deep[70:]}}}',
        f'{{"a": {deep}}} {{}}',
    ):
        assert collect(torn).refusal == ("invalid_json", "the line is not one JSON document")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 900, "[" * 900])
def test_absurd_nesting_is_refused_without_hanging_on_the_stack(collect: Any, text: str) -> None:
    assert collect(text).refusal[0] == "invalid_json"


def test_brackets_inside_strings_are_no_nesting(collect: Any, exchange: Any) -> None:
    assert collect(exchange(note="[" * 500 + '"' + "{" * 500)).event["status"] == "measured"
    assert collect('{"a": "' + "[" * 500).refusal[0] == "invalid_json"


@pytest.mark.parametrize(
    ("twice", "field"),
    [
        ('"status": 200, "status": 500', "status"),
        ('"ts": "2026-09-01T12:00:00Z", "ts": "2026-09-02T12:00:00Z"', "ts"),
        ('"api_key_id": "key_1", "api_key_id": "key_2"', "api_key_id"),
        (
            '"response": {"choices": [], "usage": {"prompt_tokens": 1, "prompt_tokens": 9, "completion_tokens": 1}}',
            "prompt_tokens",
        ),
        ('"response": {"choices": [], "usage": null, "usage": {"prompt_tokens": 1, "completion_tokens": 1}}', "usage"),
        (
            '"response": {"choices": [], "usage": {"prompt_tokens": 1, "prompt_tokens": true, "completion_tokens": 1}}',
            "prompt_tokens",
        ),
    ],
)
def test_a_field_that_decides_stated_twice_with_different_values_is_quarantined(
    collect: Any, exchange: Any, twice: str, field: str
) -> None:
    line = exchange(**{"request": ..., "response": ...} if twice.startswith(('"request"', '"response"')) else {})
    assert collect(json.dumps(line)[:-1] + f", {twice}}}").refusal == (
        "duplicate_key",
        f"{field} is stated more than once with different values",
    )


def test_a_model_that_a_request_states_twice_is_no_model(collect: Any, exchange: Any) -> None:
    event = collect(
        json.dumps(exchange(request=...))[:-1] + ', "request": {"model": "jamba-mini", "model": "jamba-large"}}'
    ).event
    assert (event["status"], event["model_requested"]) == ("measured", None)  # its tokens are unpriced, and listed


def test_duplicate_keys_in_a_logged_body_are_quarantined_too(collect: Any, exchange: Any) -> None:
    body = '{"choices": [], "usage": {"completion_tokens": 1, "completion_tokens": 1000, "prompt_tokens": 1}}'
    assert collect(exchange(response=body)).refusal[0] == "duplicate_key"
    assert collect(exchange(response=f"data: {body}\n\n")).refusal[0] == "duplicate_key"


@pytest.mark.parametrize(
    "harmless",
    [
        '"note": 1, "note": 2',
        '"status": 200',
        '"note": {"a": 1, "a": 2}',
        '"request": {"model": "jamba-large", "stream": false}',
    ],
)
def test_duplicate_keys_that_decide_nothing_or_agree_are_harmless(collect: Any, exchange: Any, harmless: str) -> None:
    assert collect(json.dumps(exchange())[:-1] + f", {harmless}}}").event["status"] == "measured"


def test_a_number_too_small_for_a_double_is_json_and_no_token_count(collect: Any, exchange: Any) -> None:
    assert collect(json.dumps(exchange())[:-1] + ', "note": 1e-99999999999999999999}').event["status"] == "measured"
    body = '{"choices": [], "usage": {"prompt_tokens": 1e-99999999999999999999, "completion_tokens": 1}}'
    assert collect(exchange(response=body)).refusal[0] == "invalid_usage"
