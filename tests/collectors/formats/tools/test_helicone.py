"""Rows of Helicone's export, after ``HeliconeRequest`` in its repository."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors.formats.tools import helicone
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Exchange

FETCHED = "fetching body from signed_url... contact engineering@helicone.ai for more information"
BODY: dict[str, Any] = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {
        "prompt_tokens": 100,
        "completion_tokens": 30,
        "total_tokens": 130,
        "prompt_tokens_details": {"cached_tokens": 80},
        "completion_tokens_details": {"reasoning_tokens": 20},
    },
}


def row(**fields: Any) -> dict[str, Any]:
    """Return a row as it is exported without bodies; a keyword replaces a field."""
    return {
        "response_id": "4b3c",
        "response_created_at": "2026-09-01 12:00:02.000",
        "response_status": 200,
        "response_body": {"helicone_message": FETCHED},
        "request_id": "0a1b2c",
        "request_created_at": "2026-09-01 12:00:00.250",
        "request_body": {"helicone_message": FETCHED},
        "request_path": "https://api.openai.com/v1/chat/completions",
        "request_user_id": "user-7",
        "request_properties": {"api_key_id": "key_1"},
        "request_model": "gpt-4o",
        "provider": "OPENAI",
        "prompt_tokens": 20,
        "completion_tokens": 10,
        "prompt_cache_read_tokens": 0,
        "prompt_cache_write_tokens": 0,
        "total_tokens": 30,
        "cache_reference_id": "00000000-0000-0000-0000-000000000000",
        "cache_enabled": False,
    } | fields


def test_the_body_decides_whatever_the_columns_count(exchanges: Callable[..., list[Exchange]]) -> None:
    request = {"model": "gpt-4o", "stream": False, "messages": []}
    (found,) = exchanges(helicone, row(response_body=BODY, request_body=request, prompt_cache_read_tokens=80))
    assert found.tokens == (100, 30, 80, None, 20)
    assert (found.reading.response_id, found.envelope.request_id) == ("chatcmpl-1", "0a1b2c")
    assert (found.envelope.model_requested, found.envelope.api_key_id) == ("gpt-4o", "key_1")
    assert found.envelope.occurred_us == 1_788_264_000_250_000


def test_without_a_body_reasoning_is_added_to_the_completion_that_leaves_it_out(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    (plain,) = exchanges(helicone, row())
    (reasoned,) = exchanges(helicone, row(prompt_tokens="20", completion_tokens="10", reasoning_tokens="20"))
    assert (plain.tokens, reasoned.tokens) == ((20, 10, None, None, None), (20, 30, None, None, 20))


@pytest.mark.parametrize("name", ["prompt_cache_read_tokens", "prompt_cache_write_tokens"])
def test_cached_tokens_without_a_body_are_refused_with_what_to_do(
    exchanges: Callable[..., list[Exchange]], name: str
) -> None:
    with pytest.raises(LineRefused, match=r"15 cached tokens may be within the 20 .* export with --include-body"):
        exchanges(helicone, row(**{name: 15}))


CHUNK = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "model": "gpt-4o-2024-08-06"}
CHUNKS = [
    CHUNK | {"choices": [{"index": 0, "delta": {"content": "Hello."}}], "usage": None},
    CHUNK
    | {"choices": [], "usage": BODY["usage"] | {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110}},
    CHUNK | {"choices": [], "usage": BODY["usage"]},
    {},
]
"""A stream that states running totals, as Helicone keeps it."""
EVENTS = [
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "model": "m",
            "usage": {"input_tokens": 3, "cache_read_input_tokens": 90, "output_tokens": 1},
        },
    },
    {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello."}},
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"input_tokens": 10, "output_tokens": 30}},
]
TRANSCRIPT = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in EVENTS)
COUNTED = {"prompt_tokens": 999, "completion_tokens": 999, "total_tokens": 1998, "helicone_calculated": True}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (BODY | {"usage": COUNTED, "streamed_data": CHUNKS}, (100, 30, 80, None, 20)),
        ({"streamed_data": CHUNKS}, (100, 30, 80, None, 20)),
        (json.dumps(BODY | {"usage": COUNTED, "streamed_data": CHUNKS}), (100, 30, 80, None, 20)),
        ({"id": "msg_1", "usage": {"input_tokens": 13}, "streamed_data": TRANSCRIPT}, (100, 30, 90, None, None)),
        (BODY | {"usage": COUNTED, "streamed_data": "?", "bedrock_events": EVENTS}, (100, 30, 90, None, None)),
        (BODY | {"streamed_data": [], "bedrock_events": None}, (100, 30, 80, None, 20)),
    ],
)
def test_the_chunks_of_a_stream_are_its_answer_and_not_what_helicone_made_of_them(
    exchanges: Callable[..., list[Exchange]], body: Any, expected: tuple[int | None, ...]
) -> None:
    (found,) = exchanges(helicone, row(response_body=body))
    assert (found.reading.status, found.tokens) == (UsageStatus.MEASURED, expected)


def test_what_helicone_counted_with_a_tokenizer_is_no_usage_of_a_stream(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    (found,) = exchanges(helicone, row(response_body=BODY | {"usage": COUNTED, "streamed_data": CHUNKS[:1]}))
    assert (found.reading.status, found.tokens) == (UsageStatus.ESTIMATED, (None, 1, None, None, None))


def test_a_hit_in_the_cache_is_never_a_bill(exchanges: Callable[..., list[Exchange]]) -> None:
    hit = row(response_body=BODY, cache_reference_id="9f8e7d6c-0000-4000-8000-000000000001", prompt_tokens=0)
    (found,) = exchanges(helicone, hit)
    assert (found.reading.status, found.tokens) == (UsageStatus.NOT_METERED, None)


def test_a_call_that_was_answered_with_an_error_is_failed_and_one_that_was_cancelled_is_unknown(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    counts = {"prompt_tokens": 0, "completion_tokens": 0}
    (failed,) = exchanges(helicone, row(response_status=429, **counts))
    (cancelled,) = exchanges(helicone, row(response_status=-3, **counts))
    assert (failed.reading.status, cancelled.reading.status) == (UsageStatus.FAILED, UsageStatus.UNKNOWN)
    assert cancelled.envelope.left_out == frozenset()


def test_a_page_of_the_api_holds_many(exchanges: Callable[..., list[Exchange]]) -> None:
    page = {"data": [row(), row(request_id="0a1b2d", request_properties={})], "error": None}
    assert [one.envelope.api_key_id for one in exchanges(helicone, page)] == ["key_1", "user-7"]


def entry(**fields: Any) -> dict[str, Any]:
    """What becomes of a row; ``...`` leaves a field out."""
    (found,) = helicone.entries({name: value for name, value in row(**fields).items() if value is not ...})
    return found


def test_names_of_before_stand_in_for_those_of_now() -> None:
    found = entry(
        request_model=...,
        model="gpt-4o-mini",
        request_path=...,
        target_url="/v1/messages",
        request_properties=...,
        properties={"Api-Key-Id": "key_2"},
    )
    assert (found["request"], found["path"], found["api_key_id"]) == ({"model": "gpt-4o-mini"}, "/v1/messages", "key_2")
    assert found["response.model"] == "gpt-4o-mini"
    both = entry(model="other", response_model="gpt-4o-2024", target_url="/v1/x", properties={"api_key_id": "key_2"})
    assert (both["request"], both["path"], both["api_key_id"]) == (
        {"model": "gpt-4o"},
        "https://api.openai.com/v1/chat/completions",
        "key_1",
    )
    assert both["response.model"] == "gpt-4o-2024"
    assert entry(request_properties={})["api_key_id"] == "user-7"
    assert entry(request_properties={}, request_user_id="", user_id="user-8")["api_key_id"] == "user-8"


@pytest.mark.parametrize(
    ("status", "kept", "is_error"),
    [(200, 200, False), ("200", 200, False), (399, 399, False), (400, 400, True), (0, None, False), (-1, None, False)],
)
def test_a_status_of_an_error_is_one_from_400_on(status: Any, kept: int | None, *, is_error: bool) -> None:
    found = entry(response_status=status)
    assert (found["status"], found["response.error"]) == (kept, is_error)


def test_counts_of_a_row_without_a_body_are_told_by_our_names() -> None:
    found = entry(reasoning_tokens=4, prompt_audio_tokens="2", completion_audio_tokens=1)
    assert {name: value for name, value in found.items() if name.startswith("usage.")} == {
        "usage.prompt_tokens": 20,
        "usage.completion_tokens": 14,
        "usage.reasoning_tokens": 4,
        "usage.prompt_audio_tokens": 2,
        "usage.completion_audio_tokens": 1,
    }
    hit = entry(cache_reference_id="7a")
    assert hit["cache_hit"] is True
    assert not any(name.startswith("usage.") for name in hit)


@pytest.mark.parametrize("name", ["prompt_cache_read_tokens", "prompt_cache_write_tokens"])
def test_cached_tokens_without_a_body_are_refused_with_both_numbers(name: str) -> None:
    with pytest.raises(LineRefused, match="7 cached tokens may be within the 20 of the prompt or beside them"):
        entry(**{name: 7})


@pytest.mark.parametrize(
    ("model", "status"),
    [
        ("jamba", UsageStatus.UNKNOWN),
        ("tool:weather", UsageStatus.NOT_METERED),
        ("vector_db", UsageStatus.NOT_METERED),
        ("data:prices", UsageStatus.NOT_METERED),
        (None, UsageStatus.NOT_METERED),
    ],
)
def test_a_call_of_a_model_without_a_body_or_counts_is_unknown_on_whatever_route(
    exchanges: Callable[..., list[Exchange]], model: str | None, status: UsageStatus
) -> None:
    named = {"request_model": model, "response_model": None, "request_path": "/ask", "target_url": None}
    (found,) = exchanges(helicone, row(**named, prompt_tokens=0, completion_tokens=0))
    assert found.reading.status is status
    (answered,) = exchanges(helicone, row(**named, response_body={"weather": "fine"}))
    assert answered.reading.status is UsageStatus.NOT_METERED
