"""Plain bodies: documents, however they were logged."""

from __future__ import annotations

import base64
import gzip
import json
import re
from typing import Any

import pytest

USAGE = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}


def _body(**fields: Any) -> dict[str, Any]:
    body = {
        "id": "chatcmpl-1",
        "choices": [{"index": 0, "message": {"content": "Hi"}, "finish_reason": "stop"}],
        "usage": USAGE,
    } | fields
    return {name: value for name, value in body.items() if value is not ...}


@pytest.mark.parametrize(
    "response",
    [
        _body(),
        json.dumps(_body()),
        json.dumps(_body(), indent=4),
        "\ufeff" + json.dumps(_body()),
        "\n \n\n         " + json.dumps(_body()) + "\n\n",
        json.dumps({"usage": USAGE, "choices": _body()["choices"], "id": "chatcmpl-1", "model": None}),
    ],
)
def test_a_body_is_read_however_it_was_logged(collect: Any, exchange: Any, response: Any) -> None:
    event = collect(exchange(response=response)).event
    assert (event["status"], event["dialect"], event["prompt_tokens"], event["completion_tokens"]) == (
        "measured",
        "openai-chat",
        10,
        3,
    )
    assert (event["response_id"], event["finish_reason"], event["choices"], event["stream"]) == (
        "chatcmpl-1",
        "stop",
        1,
        False,
    )
    assert (event["model_reported"], event["model_requested"], event["content_chunks"]) == (None, "jamba-large", None)


def test_one_usage_covers_all_choices(collect: Any, exchange: Any) -> None:
    choices = [
        {"index": n, "message": {}, "finish_reason": reason} for n, reason in enumerate(("length", "stop", "stop"))
    ]
    event = collect(exchange(response=_body(choices=choices))).event
    assert (event["choices"], event["finish_reason"], event["prompt_tokens"]) == (3, "length", 10)


@pytest.mark.parametrize(
    "usage",
    [..., None, {}, {"prompt_tokens": 10}, {"completion_tokens": 3}, {"prompt_tokens": 10, "completion_tokens": None}],
)
def test_a_success_without_usage_is_unknown_never_zero(collect: Any, exchange: Any, usage: Any) -> None:
    event = collect(exchange(response=_body(usage=usage))).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("unknown", None, None)
    assert (event["response_id"], event["dialect"]) == ("chatcmpl-1", "openai-chat")


@pytest.mark.parametrize("usage", [[], [1], "", "none", 0, 7, True, False])
def test_usage_that_is_no_object_is_quarantined(collect: Any, exchange: Any, usage: Any) -> None:
    assert collect(exchange(response=_body(usage=usage))).refusal == ("invalid_usage", "usage is no object")


def test_an_error_body_under_200_is_failed_and_one_with_usage_is_measured(collect: Any, exchange: Any) -> None:
    assert collect(exchange(response={"error": {"message": "overloaded"}})).event["status"] == "failed"
    assert collect(exchange(response=_body(usage=None, error="overloaded"))).event["status"] == "failed"
    assert collect(exchange(response=_body(usage=None, error=None))).event["status"] == "unknown"
    assert collect(exchange(response=_body(error={"code": 1}))).event["status"] == "measured"


@pytest.mark.parametrize(
    "response",
    [..., None, "", "  ", "OK", "<html>usage</html>", "true", "12", "[]", "[1]", "{}", '{"detail": "x"}', b"".decode()],
)
def test_a_body_that_says_nothing_is_unknown(collect: Any, exchange: Any, response: Any) -> None:
    event = collect(exchange(response=response)).event
    assert (event["status"], event["dialect"], event["response_id"]) == ("unknown", None, None)


@pytest.mark.parametrize("length", [1, 40, -1])
def test_a_cut_body_is_not_billed_and_not_lost(collect: Any, exchange: Any, length: int) -> None:
    event = collect(exchange(response=json.dumps(_body())[:length])).event
    assert (event["status"], event["prompt_tokens"]) == ("unknown", None)


@pytest.mark.parametrize(
    ("fields", "column", "kept"),
    [
        ({"id": "has space"}, "response_id", "has%20space"),
        ({"id": 7}, "response_id", "7"),
        ({"model": "two words"}, "model_reported", "two%20words"),
        ({"choices": [{"message": {}, "finish_reason": "two words"}]}, "finish_reason", "two%20words"),
        ({"service_tier": "gr\u00f6\u00dfer"}, "service_tier", "gr%C3%B6%C3%9Fer"),
        ({"usage": USAGE | {"service_tier": "x y"}}, "service_tier", "x%20y"),
    ],
)
def test_odd_names_in_an_answer_are_kept_in_their_safe_spelling(
    collect: Any, exchange: Any, fields: dict[str, Any], column: str, kept: str
) -> None:
    event = collect(exchange(response=_body(**fields))).event
    assert (event["status"], event[column]) == ("measured", kept)


@pytest.mark.parametrize(
    ("fields", "column"),
    [
        ({"id": "x" * 257}, "response_id"),
        ({"model": "a prompt rides in " * 20}, "model_reported"),
        ({"choices": [{"message": {}, "finish_reason": "x" * 65}]}, "finish_reason"),
    ],
)
def test_text_that_is_too_long_for_a_name_is_kept_as_its_digest_alone(
    collect: Any, exchange: Any, fields: dict[str, Any], column: str
) -> None:
    assert re.fullmatch("%sha256:[0-9a-f]{64}", collect(exchange(response=_body(**fields))).event[column])


def test_empty_ids_models_and_reasons_are_absent(collect: Any, exchange: Any) -> None:
    event = collect(
        exchange(response=_body(id="", model="", service_tier="", choices=[{"message": {}, "finish_reason": ""}]))
    ).event
    assert [event[name] for name in ("response_id", "model_reported", "service_tier", "finish_reason")] == [None] * 4


def test_the_service_tier_may_lie_in_usage(collect: Any, exchange: Any) -> None:
    assert (
        collect(exchange(response=_body(usage=USAGE | {"service_tier": "standard"}))).event["service_tier"]
        == "standard"
    )
    assert (
        collect(exchange(response=_body(service_tier="flex", usage=USAGE | {"service_tier": "standard"}))).event[
            "service_tier"
        ]
        == "flex"
    )


def test_what_the_model_wrote_is_never_taken_for_structure(collect: Any, exchange: Any) -> None:
    message = {
        "content": '"usage":{"prompt_tokens":1}\n\ndata: [DONE]\n\n',
        "usage": {"prompt_tokens": 7, "completion_tokens": 7},
    }
    assert collect(exchange(response=_body(choices=[{"message": message, "finish_reason": "stop"}]))).tokens[:2] == (
        10,
        3,
    )
    assert collect(exchange(response=_body(usage=..., choices=[{"message": message}]))).event["status"] == "unknown"
    breakdown = {"usage": {"prompt_tokens": 7, "completion_tokens": 7}}
    assert collect(exchange(response=_body(usage=..., breakdown=breakdown))).event["status"] == "unknown"


def test_a_chat_body_without_choices_that_states_its_usage_is_measured(collect: Any, exchange: Any) -> None:
    assert collect(exchange(response={"id": "chatcmpl-1", "usage": USAGE})).tokens[:2] == (10, 3)
    assert collect(exchange(response=_body(choices=[]))).event["choices"] == 0


def _message(body: bytes, *headers: str) -> str:
    """An answer of HTTP as a gateway keeps it, in base64."""
    head = "\r\n".join(("HTTP/1.1 200 OK", "Content-Type: application/json", *headers, "", ""))
    return base64.b64encode(head.encode() + body).decode()


def _chunked(body: bytes) -> bytes:
    parts = body[:20], body[20:]
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.mark.parametrize(
    "response",
    [
        _message(json.dumps(_body()).encode()),
        _message(_chunked(json.dumps(_body()).encode()), "Transfer-Encoding: chunked"),
        _message(gzip.compress(json.dumps(_body()).encode()), "Content-Encoding: gzip"),
        _message(_chunked(gzip.compress(json.dumps(_body()).encode())), "Transfer-Encoding: chunked"),
        _message(f"data: {json.dumps(_body())}\n\ndata: [DONE]\n\n".encode()),
        'HTTP/1.1 200 OK Content-Type: application/json Report-To: {"group":"g"} Server: s ' + json.dumps(_body()),
    ],
)
def test_a_body_is_read_out_of_a_message_of_http(collect: Any, exchange: Any, response: str) -> None:
    """As Tyk keeps it, in base64; its pump writes head and body on one line."""
    event = collect(exchange(response=response)).event
    assert (event["status"], event["prompt_tokens"], event["response_id"]) == ("measured", 10, "chatcmpl-1")


@pytest.mark.parametrize("is_named", [True, False])
@pytest.mark.parametrize("end", ["", "data: [DONE]  "])
def test_a_stream_is_read_behind_a_head_on_one_line(collect: Any, exchange: Any, end: str, *, is_named: bool) -> None:
    chunks = [
        {"id": "c-2", "model": "m", "choices": [{"index": 0, "delta": {"content": 'see data: {"a": 1}'}}]},
        {"id": "c-2", "model": "m", "choices": [], "usage": USAGE},
    ]
    events = "".join(f"{'event: chunk ' if is_named else ''}data: {json.dumps(chunk)}  " for chunk in chunks)
    event = collect(exchange(response="HTTP/1.1 200 OK Content-Type: text/event-stream " + events + end)).event
    assert (event["prompt_tokens"], event["response_id"], event["stream"]) == (10, "c-2", True)


def test_what_a_model_says_of_events_makes_no_stream(collect: Any, exchange: Any) -> None:
    choices = [{"index": 0, "message": {"content": 'see data: {"a": 1}'}, "finish_reason": "stop"}]
    event = collect(exchange(response="HTTP/1.1 200 OK " + json.dumps(_body(choices=choices)))).event
    assert (event["prompt_tokens"], event["stream"]) == (10, False)


@pytest.mark.parametrize(
    "response",
    ["HTTP/1.1 200 OK Server: s", "HTTP/1.1 200 OK " + "{ " * 100, 'HTTP/1.1 200 OK X: {"a": 1} {"id": ', "POST "],
)
def test_a_message_without_a_body_says_nothing(collect: Any, exchange: Any, response: str) -> None:
    assert collect(exchange(response=response)).event["status"] == "unknown"
