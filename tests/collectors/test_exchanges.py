"""What an exchange amounts to: its path, then its status, then its body."""

from __future__ import annotations

import json
from typing import Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows
from readings import sse

from pipeline.collectors.routes import Route, route_of


@pytest.mark.parametrize(
    "path",
    [
        "/studio/v1/chat/completions",
        "/v1/chat/completions/",
        "/V1/Chat/Completions?api-version=2024-10-21#top",
        "https://api.ai21.com/studio/v1/chat/completions",
        "chat/completions",
        "/models/chat/completions",
        "/openai/deployments/x/chat/completions?api-version=1",
        "/v1/completions",
        "/v1/responses",
        "/v1/messages",
        "/v1/chat",
        "/v2/chat",
        "/api/chat",
        "/api/generate",
        "/v1beta/models/gemini-2.5-flash:generateContent",
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        "/model/ai21.jamba-1-5-large-v1%3A0/converse",
        "/model/x/converse-stream",
        "/model/x/invoke",
        "/model/x/invoke-with-response-stream",
    ],
)
def test_completions_are_known_by_the_end_of_their_path(path: str) -> None:
    assert route_of(path) is Route.COMPLETION


@pytest.mark.parametrize(
    "path",
    [
        "/v1/models",
        "/v1/files/file-1",
        "/v1/images/generations",
        "/v1/audio/transcriptions",
        "/v1/moderations",
        "/v1/batches",
        "/v1/messages/batches",
        "/v1/messages/count_tokens",
        "/v1/fine_tuning/jobs",
        "/v1/rerank",
        "/studio/v1/tokenize",
        "/studio/v1/library/files",
        "/v1/threads/t/messages",
        "/v1/threads/t/runs",
        "/v1/assistants",
        "/v1/conversations/c/items",
        "/v1/vector_stores",
        "/health",
        "/metrics",
    ],
)
def test_other_endpoints_are_not_metered_whatever_their_body_says(collect: Any, exchange: Any, path: str) -> None:
    assert route_of(path) is Route.OTHER
    for status in (200, 404, 500):
        event = collect(exchange(path=path, status=status)).event
        assert (event["status"], event["prompt_tokens"], event["dialect"]) == ("not_metered", None, None)


@pytest.mark.parametrize(
    "path",
    ["/v1/embeddings", "/v2/embed", "/v1beta/models/embedding-001:embedContent", "/v1beta/models/e:batchEmbedContents"],
)
def test_embeddings_are_metered_by_their_prompt(collect: Any, exchange: Any, path: str) -> None:
    body = {"object": "list", "data": [{"embedding": [0.5]}], "usage": {"prompt_tokens": 8, "total_tokens": 8}}
    event = collect(exchange(path=path, response=body)).event
    assert (event["status"], event["prompt_tokens"], event["completion_tokens"], event["dialect"]) == (
        "measured",
        8,
        0,
        "embeddings",
    )


@pytest.mark.parametrize("method", ["GET", "DELETE", "OPTIONS", "get"])
def test_what_is_not_posted_is_not_metered(collect: Any, exchange: Any, method: str) -> None:
    assert collect(exchange(method=method)).event["status"] == "not_metered"


@pytest.mark.parametrize("word", ["health", "library", "tags", "metrics", "models", "cancel"])
def test_an_answer_on_a_route_that_only_begins_like_an_endpoint_is_metered(
    collect: Any, exchange: Any, word: str
) -> None:
    assert collect(exchange(path=f"/{word}/ask")).tokens[:2] == (10, 3)
    assert collect(exchange(path=f"/{word}/ask", response={"status": "ok"})).event["status"] == "not_metered"
    assert collect(exchange(path=f"/v1/{word}")).event["status"] == "not_metered"


@pytest.mark.parametrize("path", ["/ai/ask?q=Fog", "/v1/chat/completions", None])
def test_a_stream_that_a_browser_asks_for_is_metered(collect: Any, exchange: Any, path: str | None) -> None:
    """``EventSource`` asks by GET; what is stored is never told in events."""
    chunk = {"id": "c-1", "choices": [{"index": 0, "delta": {"content": "Fog."}}]}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    last = {"id": "c-1", "choices": [], "usage": usage}
    whole, cut = sse(chunk, last), sse(chunk)
    assert collect(exchange(path=path, method="GET", response=whole)).tokens[:2] == (100, 20)
    assert collect(exchange(path=path, method="GET", response=cut)).event["status"] == "estimated"
    for method, where, response in [
        ("HEAD", path, whole),
        ("GET", "/v1/files/f-1/content", whole),
        ("GET", path, json.dumps(chunk) + "\n" + json.dumps(last)),
        ("GET", path, [chunk, last]),
        ("GET", path, sse({"method": "notifications/message"})),
        ("GET", path, "Fog."),
    ]:
        event = collect(exchange(path=where, method=method, response=response)).event
        assert (event["status"], event["prompt_tokens"]) == ("not_metered", None)


def test_both_readers_say_the_same_of_what_was_asked_for() -> None:
    chunk = {"id": "c-1", "choices": [{"index": 0, "delta": {"content": "Fog."}}]}
    lines = []
    for number in range(40):
        usage = {"prompt_tokens": number, "completion_tokens": 20, "total_tokens": number + 20}
        documents = [chunk, {"id": "c-1", "choices": [], "usage": usage}]
        response = sse(*documents) if number % 2 else documents
        line = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r-{number}", "api_key_id": "k", "status": 200}
        line |= {"method": ("GET", "POST", "HEAD", "get")[number % 4], "path": "/ai/ask", "response": response}
        lines.append(json.dumps(line).encode())
    assert found_rows(by_kernel(lines)) == read_plainly(lines)


def test_both_readers_say_the_same_of_printed_bytes() -> None:
    chunk = {"id": "c-1", "choices": [{"index": 0, "delta": {"content": "it's Fog."}}]}
    lines = []
    for number in range(60):
        usage = {"prompt_tokens": number, "completion_tokens": 20, "total_tokens": number + 20}
        stream = sse(chunk, {"id": f"c-{number}", "choices": [], "usage": usage})
        short = json.dumps({"choices": [{"message": {"content": "Fog."}}], "usage": usage})
        response = (str(stream.encode()), str(short.encode()), [str(stream.encode())], "b'Fog.'")[number % 4]
        line = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r-{number}", "api_key_id": "k", "status": 200}
        lines.append(json.dumps({**line, "path": "/v1/chat/completions", "response": response}).encode())
    assert found_rows(by_kernel(lines)) == read_plainly(lines)


@pytest.mark.parametrize("absent", [..., None, ""])
def test_without_path_or_method_the_body_decides(collect: Any, exchange: Any, absent: Any) -> None:
    assert collect(exchange(path=absent, method=absent)).tokens[:2] == (10, 3)
    assert collect(exchange(path=absent, method="post", response=None)).event["status"] == "unknown"


@pytest.mark.parametrize("status", [100, 301, 400, 401, 403, 408, 422, 429, 499, 500, 503, 599])
def test_an_error_status_fails_unless_usage_is_stated(collect: Any, exchange: Any, status: int) -> None:
    event = collect(exchange(status=status)).event
    assert (event["status"], event["http_status"], event["prompt_tokens"]) == ("measured", status, 10)
    event = collect(exchange(status=status, request={"model": "jamba-mini"}, response={"error": {"code": 1}})).event
    assert (event["status"], event["http_status"], event["model_requested"]) == ("failed", status, "jamba-mini")
    assert (event["prompt_tokens"], event["response_id"], event["dialect"]) == (None, None, None)


@pytest.mark.parametrize("status", [460, 499])
def test_a_client_that_left_first_was_refused_nothing(collect: Any, exchange: Any, sse: Any, status: int) -> None:
    chunks = [{"id": "c-1", "choices": [{"index": 0, "delta": {"content": text}}]} for text in ("Fo", "g.")]
    for path in ("/v1/chat/completions", "/gateway/ask"):
        event = collect(exchange(status=status, path=path, response=sse(*chunks))).event
        assert (event["status"], event["completion_tokens"], event["http_status"]) == ("estimated", 2, status)
    begun = {"id": "c-1", "choices": [{"index": 0, "delta": {"role": "assistant"}}]}
    assert collect(exchange(status=status, response=sse(begun))).event["status"] == "unknown"
    whole = {"choices": [{"message": {"content": "Fog."}}]}
    assert collect(exchange(status=status, response=whole)).event["status"] == "unknown"
    for nothing in (None, "", "client closed request", {"error": {"code": 1}}, sse(chunks[0], {"error": {"code": 1}})):
        assert collect(exchange(status=status, response=nothing)).event["status"] == "failed"
    assert collect(exchange(status=status, path="/v1/files", response=sse(*chunks))).event["status"] == "not_metered"
    assert collect(exchange(status=status, path="/weather", response={"a": 1})).event["status"] == "not_metered"
    assert collect(exchange(status=502, response=sse(*chunks))).event["status"] == "failed"


@pytest.mark.parametrize("status", [200, 201, 202, 299])
def test_every_status_of_success_is_read(collect: Any, exchange: Any, status: int) -> None:
    assert collect(exchange(status=status)).event["status"] == "measured"


@pytest.mark.parametrize("body", ['{"usage": {"prompt_tokens": NaN}}', '{"id": 1, "id": 2}', '{"usage": -1}'])
def test_the_body_of_what_failed_or_is_not_metered_refuses_no_line(collect: Any, exchange: Any, body: str) -> None:
    assert collect(exchange(status=500, response=body)).event["status"] == "failed"
    assert collect(exchange(path="/v1/rerank", response=body)).event["status"] == "not_metered"


def test_a_chat_completion_behind_an_odd_route_is_never_lost(collect: Any, exchange: Any, sse: Any) -> None:
    body = exchange()["response"]
    assert route_of("/gateway/ask-jamba") is Route.UNLISTED
    assert collect(exchange(path="/gateway/ask-jamba")).tokens[:2] == (10, 3)
    assert collect(
        exchange(path="/gateway/ask-jamba", response=sse({"choices": [{"delta": {"content": "a"}}]}, body))
    ).tokens[:2] == (10, 3)


@pytest.mark.parametrize(
    "response",
    [None, "", "OK", "{", {"weather": "fine"}, {"usage": "once a day"}, {"usage": {"cpu": 1}}, {"choices": ["a", "b"]}],
)
def test_anything_else_behind_an_odd_route_is_not_metered(collect: Any, exchange: Any, response: Any) -> None:
    assert collect(exchange(path="/gateway/other", response=response)).event["status"] == "not_metered"
    assert collect(exchange(path="/gateway/other", status=500, response=response)).event["status"] == "not_metered"


def test_a_chat_completion_behind_an_odd_route_is_checked_like_any_other(collect: Any, exchange: Any) -> None:
    line = exchange(path="/gateway/ask-jamba")
    line["response"]["usage"]["total_tokens"] = 1000
    assert collect(line).refusal[0] == "contradictory_usage"


FAMILIES: dict[str, list[Any]] = {
    "openai-completions": [
        {
            "id": "cmpl-1",
            "object": "text_completion",
            "choices": [{"text": "a"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 1},
        },
        {"choices": [{"text": "a"}], "usage": {"prompt_tokens": 1, "completion_tokens": 1}},
        (
            'data: {"object": "text_completion", "choices": [{"text": "a"}]}\n\ndata: {"object": '
            '"text_completion", "choices": [], "usage": {}}\n\n'
        ),
    ],
    "openai-responses": [
        {"id": "resp_1", "object": "response", "output": [], "usage": {"input_tokens": 1, "output_tokens": 1}},
        'event: response.created\ndata: {"type": "response.created", "response": {"id": "resp_1"}}\n\n',
    ],
    "anthropic": [
        {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "content": [],
            "usage": {"input_tokens": 1, "output_tokens": 1},
        },
        (
            'event: message_start\ndata: {"type": "message_start", "message": {"id": "msg_1", "usage": '
            '{"input_tokens": 1}}}\n\n'
        ),
    ],
    "gemini": [
        {"candidates": [], "usageMetadata": {"promptTokenCount": 1}, "responseId": "g1"},
        'data: {"candidates": [], "responseId": "g1"}\n\n',
        '[{"candidates": []}, {"candidates": []}]',
    ],
    "bedrock-converse": [
        {"output": {}, "stopReason": "end_turn", "usage": {"inputTokens": 1, "outputTokens": 1}},
        'data: {"contentBlockDelta": {}}\n\n',
    ],
    "cohere-v2": [
        {"id": "c1", "message": {}, "finish_reason": "COMPLETE", "usage": {"billed_units": {}, "tokens": {}}},
        'data: {"type": "message-start", "id": "c1"}\n\ndata: {"type": "content-delta"}\n\n',
    ],
    "ollama": [
        {"model": "llama3", "message": {}, "done": True, "eval_count": 5},
        (
            '{"model": "llama3", "response": "a", "done": false}\n{"model": "llama3", "response": "", "done": '
            'true, "eval_count": 1}\n'
        ),
        '{"model": "llama3", "message": {}, "done": false}\n{"model": "llama3", "mess',
    ],
}


@pytest.mark.parametrize(
    ("family", "response"), [(family, response) for family, responses in FAMILIES.items() for response in responses]
)
def test_every_family_is_recognised_on_any_route(collect: Any, exchange: Any, family: str, response: Any) -> None:
    for logged in (response, response if isinstance(response, str) else json.dumps(response)):
        for path in ("/v1/messages", "/ai/ask"):
            assert (collect(exchange(path=path, response=logged)).event["dialect"] or "").split("/")[0] == family


def test_the_ids_of_other_families_are_found_and_odd_ones_spelled_safely(collect: Any, exchange: Any) -> None:
    assert collect(exchange(response=FAMILIES["anthropic"][1])).event["response_id"] == "msg_1"
    assert collect(exchange(response=FAMILIES["gemini"][0])).event["response_id"] == "g1"
    assert collect(exchange(response=FAMILIES["ollama"][0])).event["model_reported"] == "llama3"
    invalid = FAMILIES["anthropic"][0] | {"id": "two words", "model": ["m"]}
    event = collect(exchange(response=invalid)).event
    assert (event["response_id"], event["model_reported"]) == ("two%20words", None)


def test_a_dialect_that_the_source_names_is_the_only_one_tried(collect: Any, exchange: Any) -> None:
    assert collect(exchange(), dialect="openai-chat").event["status"] == "measured"
    event = collect(exchange(), dialect="anthropic").event
    assert (event["status"], event["dialect"]) == ("unknown", None)
    event = collect(exchange(response=FAMILIES["gemini"][0]), dialect="gemini").event
    assert (event["status"], event["dialect"]) == ("measured", "gemini")
    text = {"id": "x", "choices": [{"text": "a"}], "usage": {"prompt_tokens": 1, "completion_tokens": 2}}
    assert collect(exchange(response=text), dialect="openai-chat").tokens[:2] == (1, 2)


def test_the_stream_column_says_how_it_was_answered_else_how_it_was_asked(collect: Any, exchange: Any) -> None:
    assert collect(exchange(request={"stream": True})).event["stream"] is False
    assert collect(exchange(request={"stream": True}, response=None)).event["stream"] is True
    assert collect(exchange(request=None, response=None)).event["stream"] is None
    assert collect(exchange(request=None, response="data: {}\n\n")).event["stream"] is None


@pytest.mark.parametrize(
    ("path", "succeeds", "fails"),
    [
        ("/v1/chat/completions", None, "failed"),
        ("/gateway/ask-jamba", "unknown", "not_metered"),
        ("/v1/rerank", "not_metered", "not_metered"),
    ],
)
def test_a_count_that_is_none_refuses_what_succeeded_on_a_completions_route_and_nothing_else(
    collect: Any, exchange: Any, path: str, succeeds: str | None, fails: str
) -> None:
    line = exchange(path=path)
    line["response"]["usage"]["prompt_tokens"] = -1
    collected = collect(line)
    assert [event["status"] for event in collected.events] == ([succeeds] if succeeds else [])
    assert [row["reason"] for row in collected.quarantined] == ([] if succeeds else ["invalid_usage"])
    assert collect(line | {"status": 500}).event["status"] == fails


@pytest.mark.parametrize("status", [199, 300])
def test_success_is_between_200_and_299(collect: Any, exchange: Any, status: int) -> None:
    assert collect(exchange(status=status, response={"weather": "fine"})).event["status"] == "failed"
    for within in (200, 299):
        assert collect(exchange(status=within, response={"weather": "fine"})).event["status"] == "unknown"


def test_an_answer_that_is_fetched_later_is_a_completion_and_nothing_else_that_is_fetched() -> None:
    path = "/v1/responses/resp_0123456789abcdef"
    assert route_of(path, "GET") is route_of(path, " get ") is Route.COMPLETION
    assert route_of(path, "DELETE") is route_of("/v1/models", "GET") is Route.OTHER
    assert isinstance(route_of(path, None), Route)
