"""HTTP archives: which entries are exchanges with a model, and that a key in one is never kept.

Entries follow the specification of HAR 1.2 and Chrome's writer of it, with values of our own.
``mitmproxy_11_0_2.har`` was written by mitmproxy 11.0.2 (``hardump``) in front of a server that answered a chat
completion, a stream, a refusal, an embedding and a list of models.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from readings import aws_stream, sse

from pipeline.collectors import KeyFingerprint
from pipeline.collectors.formats.tools import har
from pipeline.collectors.values.refusal import LineRefused

RAW = "sk-test-0123456789abcdef"
FINGERPRINT = KeyFingerprint(secret=b"a secret of thirty-two bytes, ok!")
BODY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "jamba-large",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Rain."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45},
}
COMPLETION = "https://api.example/v1/chat/completions"


def entry(url: str = COMPLETION, *, text: str | None = None, **fields: Any) -> dict[str, Any]:
    """Return an entry of a request; keywords replace its own fields, the content's, or headers."""
    return {
        "startedDateTime": "2026-11-03T11:00:01.250+01:00",
        "time": 5012.7,
        "request": {
            "method": fields.pop("method", "POST"),
            "url": url,
            "httpVersion": "HTTP/2",
            "headers": [
                {"name": name, "value": value}
                for name, value in fields.pop("headers", {"Authorization": f"Bearer {RAW}"}).items()
            ],
            "queryString": [],
            "cookies": [{"name": "session", "value": "s3cr3t"}],
            "headersSize": -1,
            "bodySize": 80,
            "postData": {
                "mimeType": "application/json",
                "text": fields.pop("asked", json.dumps({"model": "jamba", "messages": [{"content": "Rain?"}]})),
            },
        },
        "response": {
            "status": fields.pop("status", 200),
            "headers": [
                {"name": name, "value": value}
                for name, value in fields.pop("answered", {"X-Request-Id": "req_1", "Date": "today"}).items()
            ],
            "content": {
                "size": 300,
                "mimeType": "application/json",
                **({} if text == "" else {"text": json.dumps(BODY) if text is None else text}),
                **fields.pop("content", {}),
            },
            "redirectURL": "",
        },
        "cache": {},
        "timings": {"send": 0, "wait": 5000, "receive": 12.7},
        **fields,
    }


def archive(*listed: Any) -> dict[str, Any]:
    return {"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "entries": [*listed]}}


def test_an_archive_is_recognised_and_a_log_of_something_else_is_not() -> None:
    assert har.recognises(archive())
    assert not har.recognises({"log": "entries"})
    assert not har.recognises({"log": {"entries": 3}})


def test_what_mitmproxy_wrote_is_read_entry_by_entry(exchanges: Any) -> None:
    written = Path(__file__).with_name("mitmproxy_11_0_2.har").read_text(encoding="utf-8")
    found = exchanges(har, written)
    assert [(each.reading.status, each.tokens) for each in found] == [
        ("measured", (40, 5, 30, None, None)),
        ("measured", (40, 5, 30, None, None)),
        ("failed", None),
        ("measured", (8, 0, None, None, None)),
    ]
    assert {each.envelope.api_key_id for each in found} == {FINGERPRINT("sk-test-a-0123456789")}
    assert len({each.envelope.request_id for each in found}) == len(found)
    assert [each.envelope.occurred_us for each in found] == sorted(each.envelope.occurred_us for each in found)


def test_an_entry_is_an_event_of_the_key_s_fingerprint(collect: Any) -> None:
    collected = collect(json.dumps(archive(entry())))
    event = collected.event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"]) == ("measured", 40, 5)
    assert event["api_key_id"] == FINGERPRINT(RAW)
    assert event["occurred_at"].isoformat() == "2026-11-03T10:00:01.250000+00:00"
    assert (event["model_requested"], event["model_reported"]) == ("jamba", "jamba-large")
    assert (event["response_id"], event["request_id"], event["left_out"]) == ("chatcmpl-1", "req_1", None)
    assert not any(secret in repr(collected) for secret in (RAW, "s3cr3t", "Rain"))


OTHERS = (
    entry("https://shop.example/", method="GET", text="<html></html>"),
    entry("https://shop.example/api/cart", text='{"items": 3}'),
    entry("https://shop.example/api/vote", text='{"choices": ["red", "blue"]}', asked="{}"),
    entry(COMPLETION, method="OPTIONS", text=""),
    entry("https://api.example/v1/models", method="GET", text='{"object": "list", "data": []}'),
    entry("https://shop.example/pictures", text='{"data": [{"url": "https://x"}]}'),
    entry("https://shop.example/upload", asked=None, text=""),
)


def test_what_is_no_model_s_gives_none_with_a_key_or_without(collect: Any) -> None:
    for other in OTHERS:
        assert har.entries(archive(other)) == []
    collected = collect(json.dumps(archive(*OTHERS[:2], entry(), *OTHERS[2:])))
    assert (len(collected.events), collected.quarantined) == (1, [])


def test_a_route_that_nobody_knows_is_a_model_s_by_its_answer(collect: Any) -> None:
    assert collect(json.dumps(archive(entry("https://gateway.example/ask")))).event["prompt_tokens"] == 40


def test_images_are_a_model_s_on_their_route_and_not_metered(collect: Any) -> None:
    text = json.dumps({"data": [{"url": "https://x"}], "usage": {"input_tokens": 9}})
    event = collect(json.dumps(archive(entry("https://api.example/v1/images/generations", text=text)))).event
    assert (event["status"], event["other_usage"]) == ("not_metered", '{"prompt_tokens":9}')


def test_a_body_in_base64_is_read(collect: Any) -> None:
    text = base64.b64encode(json.dumps(BODY).encode()).decode()
    line = json.dumps(archive(entry(text=text, content={"encoding": "base64"})))
    assert collect(line).event["prompt_tokens"] == 40


def test_what_is_said_to_be_base64_and_is_none_is_read_as_it_is(collect: Any) -> None:
    spoken = json.dumps(BODY | {"says": "Grüße"}, ensure_ascii=False)
    for text, status in ((spoken, "measured"), ("é" * 40, "unknown"), ("a" * 41, "unknown")):
        line = json.dumps(archive(entry(text=text, content={"encoding": "base64"})), ensure_ascii=False)
        assert collect(line).event["status"] == status


def test_a_stream_in_base64_that_was_cut_within_a_character_is_read_as_far_as_it_goes(collect: Any) -> None:
    cut = (sse(*CHUNKS, end="") + "data: é").encode()[:-1]
    line = archive(entry(text=base64.b64encode(cut).decode(), content={"encoding": "base64"}))
    assert collect(json.dumps(line)).event["prompt_tokens"] == 40


def test_an_event_stream_of_aws_stays_in_base64_and_is_read(collect: Any) -> None:
    usage = {"usage": {"inputTokens": 40, "outputTokens": 5, "totalTokens": 45}}
    text = aws_stream(("messageStop", {"stopReason": "end_turn"}), ("metadata", usage))
    url = "https://bedrock-runtime.us-east-1.amazonaws.com/model/ai21.jamba-1-5-large-v1%3A0/converse-stream"
    signed = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIA/20261103", "x-api-key": RAW}
    listed = entry(url, text=text, content={"encoding": "base64"}, headers=signed, asked="{}")
    event = collect(json.dumps(archive(listed))).event
    assert (event["prompt_tokens"], event["completion_tokens"], event["model_requested"]) == (
        *(40, 5),
        "ai21.jamba-1-5-large-v1:0",
    )


CHUNKS: tuple[dict[str, Any], ...] = (
    {"id": "chatcmpl-2", "choices": [{"index": 0, "delta": {"content": "Rain."}, "finish_reason": None}]},
    {"id": "chatcmpl-2", "model": "jamba-large", "choices": [], "usage": BODY["usage"]},
)


@pytest.mark.parametrize(
    "fields",
    [
        {"text": sse(*CHUNKS, end="data: [DONE]\n\n")},
        {
            "text": "",
            "_eventSourceMessages": [
                {"time": 1, "eventName": "message", "eventId": "", "data": json.dumps(chunk)} for chunk in CHUNKS
            ],
        },
        {
            "text": "",
            "_eventSourceMessages": [{"data": json.dumps(chunk, indent=1)} for chunk in CHUNKS],
        },
    ],
)
def test_a_stream_is_read_from_its_text_or_from_the_events_that_chrome_lists(fields: Any, collect: Any) -> None:
    event = collect(json.dumps(archive(entry(**fields)))).event
    assert (event["status"], event["stream"], event["prompt_tokens"]) == ("measured", True, 40)


def test_a_stream_that_a_page_asks_for_by_get_is_read_and_what_was_stored_is_not(collect: Any) -> None:
    """``EventSource`` asks by GET."""
    stream = sse({**BODY, "choices": [{"index": 0, "delta": {"content": "Rain."}}]})
    url = "https://api.example/ai/ask?q=Rain"
    assert collect(json.dumps(archive(entry(url, method="GET", text=stream)))).tokens[:2] == (40, 5)
    listed = [{"time": 1, "eventName": "message", "eventId": "", "data": json.dumps(chunk)} for chunk in CHUNKS]
    asked = entry(url, method="GET", text="", _eventSourceMessages=listed)
    assert collect(json.dumps(archive(asked))).tokens[:2] == (40, 5)
    for where, text in [(url, json.dumps(BODY)), ("https://api.example/v1/files/f-1/content", stream)]:
        assert collect(json.dumps(archive(entry(where, method="GET", text=text)))).events == []


def test_a_stream_whose_events_chrome_listed_without_their_data_is_unknown(collect: Any) -> None:
    listed = entry(text="", _eventSourceMessages=[{"time": 1, "eventName": "message", "eventId": ""}])
    assert collect(json.dumps(archive(listed))).event["status"] == "unknown"


def test_a_request_without_an_answer_is_unknown_and_one_that_failed_is_failed(collect: Any) -> None:
    assert collect(json.dumps(archive(entry(status=0, text="")))).event["status"] == "unknown"
    error = json.dumps({"error": {"type": "rate_limit_error"}})
    assert collect(json.dumps(archive(entry(status=429, text=error)))).event["status"] == "failed"


def test_a_key_in_the_url_is_fingerprinted_and_left_out_of_the_path(collect: Any) -> None:
    url = f"https://generativelanguage.googleapis.com/v1beta/models/gemini-3:generateContent?key={RAW}"
    text = json.dumps({"candidates": [], "usageMetadata": {"promptTokenCount": 40, "candidatesTokenCount": 5}})
    collected = collect(json.dumps(archive(entry(url, text=text, headers={}))))
    assert collected.event["api_key_id"] == FINGERPRINT(RAW)
    assert RAW not in repr(collected)


def test_an_entry_from_which_chrome_took_the_key_is_quarantined_unless_its_source_names_one(collect: Any) -> None:
    line = json.dumps(archive(entry(headers={"Accept": "*/*"})))
    assert collect(line).refusal == ("missing_field", "api_key or api_key_id")
    fields = {"api_key_id": {"value": "browser"}}
    assert collect(line, format="har", fields=fields).event["api_key_id"] == "browser"


def test_a_source_may_name_the_payer_by_a_header(collect: Any) -> None:
    line = json.dumps(archive(entry(headers={"X-Team": "blue"})))
    assert collect(line, format="har", fields={"api_key_id": 'headers."x-team"'}).event["api_key_id"] == "blue"


def test_the_same_entry_of_two_archives_is_one_and_another_is_another() -> None:
    first, *others = (
        har.entries(archive(entry(answered={}, **more)))[0]["request_id"]
        for more in ({}, {"pageref": "page_2"}, {"time": 5012.8}, {"startedDateTime": "2026-11-03T11:00:01.251+01:00"})
    )
    assert others[0] == first
    assert len({first, *others}) == 3


def test_entries_keep_their_order() -> None:
    found = har.entries(archive(*(entry(answered={"request-id": f"r{number}"}) for number in range(3))))
    assert [each["request_id"] for each in found] == ["r0", "r1", "r2"]


def test_an_entry_that_does_not_say_where_it_went_is_quarantined_and_not_left_out(collect: Any) -> None:
    for other in ({"startedDateTime": "2026-11-03T11:00:01Z"}, entry("https://[::1/v1", headers={})):
        assert collect(json.dumps(archive(other))).refusal[0] == "missing_field"


def test_an_archive_whose_entries_are_none_is_refused() -> None:
    with pytest.raises(LineRefused, match=r"log\.entries"):
        har.entries({"log": {"entries": ["x"]}})


def turn(number: int, **of_response: Any) -> dict[str, Any]:
    usage = {"input_tokens": 40 + number, "output_tokens": 5, "total_tokens": 45 + number}
    return {"id": f"resp_{number}", "object": "realtime.response", "status": "completed", "usage": usage, **of_response}


def said(*messages: Any, kind: str = "receive", opcode: int = 1) -> list[dict[str, Any]]:
    texts = (message if isinstance(message, str) else json.dumps(message) for message in messages)
    return [{"type": kind, "time": 1_793_700_001.25, "opcode": opcode, "data": text} for text in texts]


def socket(url: str, *messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    fields = {"method": "GET", "status": 101, "text": "", "asked": None} | fields
    return entry(url, _resourceType="websocket", _webSocketMessages=[*messages], **fields)


REALTIME = "wss://api.openai.example/v1/realtime?model=gpt-realtime"


def test_each_turn_of_a_socket_is_an_event_of_the_model_that_its_query_names(collect: Any) -> None:
    asked = said({"type": "response.create"}, {"type": "response.done", "response": turn(9)}, kind="send")
    answered = said(
        {"type": "session.created", "session": {"object": "realtime.session"}},
        *("ping", ""),
        *({"type": "response.done", "response": turn(number)} for number in (1, 2)),
    )
    events = collect(json.dumps(archive(socket(REALTIME, *asked, *answered)))).events
    assert [(each["status"], each["prompt_tokens"], each["response_id"]) for each in events] == [
        ("measured", 41, "resp_1"),
        ("measured", 42, "resp_2"),
    ]
    assert {each["model_requested"] for each in events} == {"gpt-realtime"}
    assert {(each["http_status"], each["stream"]) for each in events} == {(101, True)}


def test_a_socket_of_responses_is_read_as_a_stream_of_them(collect: Any) -> None:
    done = {"type": "response.completed", "response": turn(1, object="response", model="gpt-5")}
    listed = socket("wss://api.openai.example/v1/responses", *said(json.dumps(done, indent=1)))
    event = collect(json.dumps(archive(listed))).event
    assert (event["status"], event["prompt_tokens"], event["model_reported"]) == ("measured", 41, "gpt-5")
    assert event["stream"]
    over_two = listed | {
        "request": listed["request"] | {"method": "CONNECT"},
        "response": listed["response"] | {"status": 200},
    }
    assert collect(json.dumps(archive(over_two))).event["prompt_tokens"] == 41


@pytest.mark.parametrize(
    "messages",
    [
        None,
        [],
        [7, "text", {}],
        said({"type": "response.done", "response": turn(1)}, kind="send"),
        said({"type": "response.done", "response": turn(1)}, opcode=2),
        [{"type": "receive", "opcode": 1, "data": 7}],
    ],
)
def test_a_socket_of_which_nothing_was_received_is_unknown_on_the_route_of_a_completion_alone(
    messages: Any, collect: Any
) -> None:
    listed = {**socket("wss://api.openai.example/v1/responses"), "_webSocketMessages": messages}
    assert collect(json.dumps(archive(listed))).event["status"] == "unknown"
    other = {**socket("wss://shop.example/prices"), "_webSocketMessages": messages}
    assert collect(json.dumps(archive(other))).events == []


def test_what_another_socket_says_is_nothing(collect: Any) -> None:
    listed = socket("wss://shop.example/prices", *said({"price": 3, "usage": {"total_tokens": 9}}), headers={})
    collected = collect(json.dumps(archive(listed)))
    assert (collected.events, collected.quarantined) == ([], [])


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        (REALTIME, {"Sec-WebSocket-Protocol": f"realtime, openai-insecure-api-key.{RAW}, openai-beta.realtime-v1"}),
        (f"wss://my.azure.example/openai/realtime?deployment=gpt-realtime&api-key={RAW}&api-version=1", {}),
    ],
)
def test_a_key_that_a_socket_is_opened_with_is_fingerprinted_and_never_kept(
    url: str, headers: dict[str, str], collect: Any
) -> None:
    listed = socket(url, *said({"type": "response.done", "response": turn(1)}), headers=headers)
    collected = collect(json.dumps(archive(listed)))
    assert collected.event["api_key_id"] == FINGERPRINT(RAW)
    assert collected.event["model_requested"] == "gpt-realtime"
    assert RAW not in repr(collected)
    assert RAW not in har.entries(archive(listed))[0]["path"]


def test_no_masked_key_of_a_socket_is_taken_for_one(collect: Any) -> None:
    for header in ("realtime, openai-insecure-api-key.REDACTED", "realtime", 7):
        listed = socket(
            REALTIME,
            *said({"type": "response.done", "response": turn(1)}),
            headers={"Sec-WebSocket-Protocol": header},
        )
        assert collect(json.dumps(archive(listed))).refusal == ("missing_field", "api_key or api_key_id")
