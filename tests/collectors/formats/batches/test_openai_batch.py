"""Lines of batches' results, after the API references of OpenAI and Anthropic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors.formats.batches import openai_batch
from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from conftest import Exchange

BATCH = {
    "id": "batch_abc",
    "object": "batch",
    "endpoint": "/v1/chat/completions",
    "created_at": 1_788_000_000,
    "completed_at": 1_788_003_600,
    "metadata": {"api_key_id": "key_1"},
}
BODY = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_788_001_000,
    "model": "gpt-4o-2024-08-06",
    "service_tier": "default",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hello."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 20, "completion_tokens": 4, "total_tokens": 24},
}


def line(body: dict[str, Any] | None, *, status_code: int = 200, **fields: Any) -> dict[str, Any]:
    return {
        "id": "batch_req_1",
        "custom_id": "request-1",
        "response": {"status_code": status_code, "request_id": "req_1", "body": body},
        "error": None,
        "batch": BATCH,
    } | fields


def test_an_answer_of_a_batch_is_of_its_tier_and_of_the_time_at_which_it_was_made(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    (found,) = exchanges(openai_batch, line(BODY))
    assert found.tokens == (20, 4, None, None, None)
    assert found.reading.service_tier == "batch"
    assert (found.reading.response_id, found.envelope.request_id) == ("chatcmpl-1", "batch_req_1")
    assert found.envelope.occurred_us == 1_788_001_000_000_000
    assert found.envelope.api_key_id == "key_1"


def test_embeddings_and_errors_are_of_the_time_at_which_their_batch_was_done(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    embeddings = {
        "object": "list",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}],
        "model": "text-embedding-3-small",
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }
    of_embeddings = line(embeddings, batch=BATCH | {"endpoint": "/v1/embeddings"})
    refused = line({"error": {"message": "no such model", "type": "invalid_request_error"}}, status_code=400)
    expired = line(None, response=None, error={"code": "batch_expired", "message": "too late"})
    found = [exchanges(openai_batch, one)[0] for one in (of_embeddings, refused, expired)]
    assert {one.envelope.occurred_us for one in found} == {1_788_003_600_000_000}
    assert found[0].tokens == (8, 0, None, None, None)
    assert [one.reading.status for one in found[1:]] == [UsageStatus.FAILED, UsageStatus.FAILED]


def test_the_input_line_beside_an_output_names_the_model_that_was_asked_for(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    asked = {"custom_id": "request-1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "gpt-4o"}}
    (found,) = exchanges(openai_batch, line({"error": {"message": "x"}}, status_code=500, request=asked))
    assert (found.envelope.model_requested, found.reading.status) == ("gpt-4o", UsageStatus.FAILED)


def test_usage_that_an_answer_states_twice_stays_stated_twice(exchanges: Callable[..., list[Exchange]]) -> None:
    text = (
        '{"id": "batch_req_1", "custom_id": "a", "error": null, "batch": {"metadata": {"api_key_id": "key_1"}}, '
        '"response": {"status_code": 200, "body": {"created": 1788001000, "object": "chat.completion", "choices": [], '
        '"usage": {"prompt_tokens": 1, "completion_tokens": 1}, '
        '"usage": {"prompt_tokens": 9, "completion_tokens": 9}}}}'
    )
    with pytest.raises(LineRefused, match="duplicate_key: usage"):
        exchanges(openai_batch, text)


def test_messages_of_anthropic_are_of_the_tier_too_and_their_time_is_that_of_the_batch(
    exchanges: Callable[..., list[Exchange]],
) -> None:
    message = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m-large",
        "content": [{"type": "text", "text": "Hi."}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 5, "cache_read_input_tokens": 90, "output_tokens": 7, "service_tier": "standard"},
    }
    batch = {"id": "msgbatch_1", "ended_at": "2026-09-01T12:00:00Z", "metadata": {"api_key_id": "key_1"}}
    done = {"custom_id": "a", "result": {"type": "succeeded", "message": message}, "batch": batch}
    expired = {"custom_id": "b", "result": {"type": "expired"}, "batch": batch}
    (of_message,), (of_expired,) = (exchanges(openai_batch, one) for one in (done, expired))
    assert of_message.tokens == (95, 7, 90, None, None)
    assert (of_message.reading.service_tier, of_message.reading.response_id) == ("batch", "msg_1")
    assert of_message.envelope.occurred_us == 1_788_264_000_000_000
    assert (of_expired.reading.status, of_expired.envelope.request_id) == (UsageStatus.FAILED, "msgbatch_1/b")


@pytest.mark.long
def test_a_line_of_anthropics_own_types_is_recognised() -> None:
    types = pytest.importorskip("anthropic.types.messages.message_batch_individual_response")
    line = types.MessageBatchIndividualResponse.model_validate({"custom_id": "a", "result": {"type": "canceled"}})
    assert openai_batch.recognises(line.model_dump())
    assert not openai_batch.recognises({"custom_id": "a"})


@pytest.mark.parametrize(
    "asked",
    [
        {"custom_id": "request-1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "gpt-4o"}},
        {"custom_id": "request-1", "params": {"model": "sonnet-4-5", "max_tokens": 9, "messages": []}},
    ],
)
def test_a_line_of_an_input_file_is_no_exchange(asked: dict[str, Any]) -> None:
    assert openai_batch.recognises(asked)
    assert openai_batch.entries(asked) == []


@pytest.mark.parametrize("status_code", [200, 400, 500])
def test_the_status_of_a_line_is_that_of_its_response(status_code: int) -> None:
    (entry,) = openai_batch.entries(line(BODY, status_code=status_code))
    assert (entry["status"], entry["path"], entry["api_key_id"]) == (status_code, "/v1/chat/completions", "key_1")
    assert (entry["request_id"], entry["custom_id"], entry["service_tier"]) == ("batch_req_1", "request-1", "batch")
    assert entry["response"] == BODY
    assert entry["batch"] == BATCH


def test_a_request_that_is_logged_beside_its_answer_is_what_was_asked() -> None:
    asked = {"url": "/v1/embeddings", "body": {"model": "e-3"}}
    (entry,) = openai_batch.entries(line(BODY, request=asked))
    assert (entry["path"], entry["request"]) == ("/v1/chat/completions", {"model": "e-3"})
    (entry,) = openai_batch.entries(line(BODY, request=asked, batch={}))
    assert entry["path"] == "/v1/embeddings"
    for params in ({"params": {"model": "m"}}, {"model": "m"}):
        (entry,) = openai_batch.entries(line(BODY, request=params))
        assert entry["request"] == {"model": "m"}


def test_the_endpoint_of_a_batch_comes_before_the_url_of_its_request() -> None:
    asked = {"url": "/v1/embeddings", "body": {"model": "e-3"}}
    for batch, path in ((BATCH, "/v1/chat/completions"), ({"id": "b"}, "/v1/embeddings"), ({}, "/v1/embeddings")):
        (entry,) = openai_batch.entries(line(BODY, request=asked, batch=batch))
        assert entry["path"] == path
