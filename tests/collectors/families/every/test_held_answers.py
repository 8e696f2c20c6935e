"""Answers that their API puts into another object, and those that are made later and asked for by their id."""

from __future__ import annotations

import json
from typing import Any

import pytest
from native_bodies import CHAT, GEMINI, HELD
from readings import read, sse, tokens


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/ai/ask", None])
@pytest.mark.parametrize("held", HELD)
def test_an_answer_within_another_object_is_read_as_itself(held: str, path: str | None) -> None:
    assert tokens(HELD[held], path=path)[:2] == (26, 41)
    assert tokens(json.dumps(HELD[held]), path=path)[:2] == (26, 41)
    assert read(HELD[held], path=path).response_id in ("c-1", "g-1")


def test_the_model_is_that_of_the_answer_else_that_of_what_holds_it() -> None:
    assert read(HELD["oracle"], path="/20231130/actions/chat").model_reported == "m-1"
    assert read(HELD["perplexity"] | {"model": "alias"}, path="/ai/ask").model_reported == "sonar-deep-research"


def test_the_chunks_of_a_stream_may_each_lie_within_another_object() -> None:
    path = "/v1internal:streamGenerateContent"
    first = {key: value for key, value in GEMINI.items() if key != "usageMetadata"}
    whole = sse({"response": first}, {"response": GEMINI, "traceId": "t-1"})
    assert tokens(whole, path=path)[:2] == (26, 41)
    assert read(sse({"response": first}, {"response": first}), path=path).status.value == "estimated"


def test_an_error_beside_what_is_held_is_one_all_the_same() -> None:
    broken = sse({"response": {"candidates": []}}, {"error": {"code": 503}})
    assert read(broken, path="/v1internal:streamGenerateContent").status.value == "failed"


def test_an_object_within_another_that_is_no_answer_says_nothing() -> None:
    for held in ({"response": {"text": "a", "usage": 3}}, {"result": {}}, {"response": "a"}, {"result": [CHAT]}):
        assert read(held, path="/ai/ask").status.value == "not_metered"
        assert read(held, path=None).status.value == "unknown"


def test_counts_alone_within_what_much_is_called_are_no_answer() -> None:
    for usage in ({"inputTokens": 900, "outputTokens": 80, "totalTokens": 980}, {"input_tokens": 900}):
        for held in ({"code": 0, "data": {"usage": usage}}, {"body": {"usageMetadata": {"promptTokenCount": 9}}}):
            assert read(held, path="/api/usage").status.value == "not_metered"


def test_each_chunk_of_a_stream_may_lie_beside_a_code() -> None:
    chunk = {"id": "c-1", "object": "chat.completion.chunk", "choices": [{"index": 0, "delta": {"content": "Mist."}}]}
    last = {"id": "c-1", "choices": [], "usage": {"prompt_tokens": 26, "completion_tokens": 41}}
    whole = sse({"code": 0, "data": chunk}, {"code": 0, "data": last}, {"code": 0, "data": True})
    assert tokens(whole, path="/ai/ask")[:2] == (26, 41)


ASKED_FOR = [
    ("/v1/chat/deferred-completion/r-1", CHAT),
    ("/api/paas/v4/async-result/z-1", CHAT | {"task_status": "SUCCESS"}),
    ("/async/chat/completions/a-1", HELD["perplexity"]),
    ("/v1/async/sonar/a-1", HELD["perplexity"]),
]


@pytest.mark.parametrize(("path", "body"), ASKED_FOR)
def test_what_was_made_in_the_background_is_measured_where_it_is_asked_for(path: str, body: Any) -> None:
    assert tokens(body, path=path, method="GET")[:2] == (26, 41)
    assert read(body, path=path, method="GET").response_id == "c-1"


@pytest.mark.parametrize(("path", "_body"), ASKED_FOR)
@pytest.mark.parametrize("status", [200, 202, 404])
def test_to_ask_before_it_is_done_consumes_nothing(path: str, _body: Any, status: int) -> None:
    for body in (None, "", {"id": "z-1", "task_status": "PROCESSING"}, {"id": "a-1", "status": "IN_PROGRESS"}):
        assert read(body, path=path, method="GET", status=status).status.value == "not_metered"
    assert read(CHAT, path=path, method="DELETE").status.value == "not_metered"
