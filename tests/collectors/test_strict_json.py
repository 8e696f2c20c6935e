"""JSON without laxness: what a lenient reader would bill is quarantined."""

from __future__ import annotations

import json
from typing import Any

import pytest


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999", "1" + "0" * 309])
@pytest.mark.parametrize("place", ["line", "body", "chunk"])
def test_a_number_that_is_no_json_is_quarantined_wherever_it_is(collect: Any, exchange: Any, number: str, place: str) -> None:
    text = json.dumps(exchange(response="BODY", extra="EXTRA"))
    body = '{"id": "x", "choices": [], "created": NUMBER, "usage": {"prompt_tokens": 1, "completion_tokens": 1}}'.replace("NUMBER", number)
    response = {"line": "", "body": body, "chunk": f"data: {body}\n\n"}[place]
    text = text.replace('"BODY"', json.dumps(response)).replace('"EXTRA"', number if place == "line" else "0")
    assert collect(text).refusal[0] == "invalid_json"


@pytest.mark.parametrize("text", ["{", "{} {}", "nonsense", "{'ts': 1}", '{"a": 01}', '{"a": "\x01"}', '{"a": 1,}'])
def test_a_line_that_is_not_one_json_document_is_quarantined(collect: Any, text: str) -> None:
    assert collect(text).refusal == ("invalid_json", "the line is not one JSON document")


@pytest.mark.parametrize("text", ["[]", '"text"', "1", "null", "true"])
def test_a_line_that_is_no_object_is_quarantined(collect: Any, text: str) -> None:
    assert collect(text).refusal[0] == "not_an_object"


@pytest.mark.parametrize("spoiled", [b"\xff", b"\xed\xa0\x80", b"\xc3", b"\xf8\x88\x80\x80\x80"])
def test_invalid_utf8_is_quarantined_with_its_place(collect: Any, spoiled: bytes) -> None:
    assert collect(b'{"a": "' + spoiled + b'"}').refusal == ("invalid_utf8", "at byte 7 of the line")


def test_half_a_surrogate_pair_in_the_content_is_billed_all_the_same(collect: Any, exchange: Any) -> None:
    line = exchange()
    line["response"]["choices"][0]["message"]["content"] = "\ud83d"
    assert collect(line).event["status"] == "measured"


def _nested(levels: int) -> str:
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("place", ["line", "body", "chunk"])
def test_nesting_is_bounded_at_sixty_four(collect: Any, exchange: Any, place: str) -> None:
    def line(levels: int) -> str:
        # the object around it is one level, and so is the line's for a body that is logged as an object
        document = '{"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}, "deep": ' + _nested(levels - 1) + "}"
        if place == "line":
            return json.dumps(exchange(response=...))[:-1] + f', "deep": {_nested(levels - 1)}}}'
        return json.dumps(exchange(response=document if place == "body" else f"data: {document}\n\n"))

    assert not collect(line(64)).quarantined
    assert collect(line(65)).refusal == ("nested_too_deep", "nested deeper than 64")


@pytest.mark.parametrize("text", ["[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 900, "[" * 900])
def test_absurd_nesting_is_refused_without_hanging_on_the_stack(collect: Any, text: str) -> None:
    assert collect(text).refusal[0] == "nested_too_deep"


def test_brackets_inside_strings_are_no_nesting(collect: Any, exchange: Any) -> None:
    assert collect(exchange(note="[" * 500 + '"' + "{" * 500)).event["status"] == "measured"
    assert collect('{"a": "' + "[" * 500).refusal[0] == "invalid_json"


@pytest.mark.parametrize(
    ("twice", "field"),
    [
        ('"status": 200, "status": 500', "status"),
        ('"ts": "2026-09-01T12:00:00Z", "ts": "2026-09-02T12:00:00Z"', "ts"),
        ('"api_key_id": "key_1", "api_key_id": "key_2"', "api_key_id"),
        ('"request": {"model": "jamba-mini", "model": "jamba-large"}', "model"),
        ('"response": {"choices": [], "usage": {"prompt_tokens": 1, "prompt_tokens": 9, "completion_tokens": 1}}', "prompt_tokens"),
        ('"response": {"choices": [], "usage": null, "usage": {"prompt_tokens": 1, "completion_tokens": 1}}', "usage"),
        ('"response": {"choices": [], "usage": {"prompt_tokens": 1, "prompt_tokens": true, "completion_tokens": 1}}', "prompt_tokens"),
    ],
)
def test_a_field_that_decides_stated_twice_with_different_values_is_quarantined(collect: Any, exchange: Any, twice: str, field: str) -> None:
    line = exchange(**{"request": ..., "response": ...} if twice.startswith(('"request"', '"response"')) else {})
    assert collect(json.dumps(line)[:-1] + f", {twice}}}").refusal == ("duplicate_key", f"{field} is stated more than once with different values")


def test_duplicate_keys_in_a_logged_body_are_quarantined_too(collect: Any, exchange: Any) -> None:
    body = '{"choices": [], "usage": {"completion_tokens": 1, "completion_tokens": 1000, "prompt_tokens": 1}}'
    assert collect(exchange(response=body)).refusal[0] == "duplicate_key"
    assert collect(exchange(response=f"data: {body}\n\n")).refusal[0] == "duplicate_key"


@pytest.mark.parametrize(
    "harmless", ['"note": 1, "note": 2', '"status": 200', '"note": {"a": 1, "a": 2}', '"request": {"model": "jamba-large", "stream": false}']
)
def test_duplicate_keys_that_decide_nothing_or_agree_are_harmless(collect: Any, exchange: Any, harmless: str) -> None:
    assert collect(json.dumps(exchange())[:-1] + f", {harmless}}}").event["status"] == "measured"


def test_a_number_too_small_for_a_double_is_json_and_no_token_count(collect: Any, exchange: Any) -> None:
    assert collect(json.dumps(exchange())[:-1] + ', "note": 1e-99999999999999999999}').event["status"] == "measured"
    body = '{"choices": [], "usage": {"prompt_tokens": 1e-99999999999999999999, "completion_tokens": 1}}'
    assert collect(exchange(response=body)).refusal[0] == "invalid_usage"
