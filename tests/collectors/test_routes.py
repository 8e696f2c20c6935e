"""Which path is a completion, an embedding, or neither, endpoint by endpoint, and which model a path names."""

from __future__ import annotations

import pytest

from pipeline.collectors.routes import (
    Route,
    id_asked_for,
    model_in_path,
    path_led_to,
    route_of,
    route_of_streamed,
    with_model_of,
)

COMPLETIONS = [
    *("/v1/chat/completions", "/studio/v1/chat/completions", "/v1/completions", "/v1/complete"),
    *("/v1/responses", "/v1/responses/compact", "/v1beta/interactions", "/v1/generate", "/v1/messages"),
    *("/v1/chat", "/v2/chat", "/api/chat", "/api/generate"),
    *(
        f"/v1/models/m:{verb}"
        for verb in ("generateContent", "streamGenerateContent", "rawPredict", "streamRawPredict")
    ),
    *(f"/model/m/{verb}" for verb in ("converse", "converse-stream", "invoke", "invoke-with-response-stream")),
    "/model/m/invoke-with-bidirectional-stream",
    *("/v1/decisions", "/v1beta/decisions", "/providers/microsoft/v1/systemone"),
]
EMBEDDINGS = [
    *("/v1/embeddings", "/v1/embed", "/v1/embeddings/multimodal", "/embed_all", "/embed_sparse"),
    *("/v1/models/m:embedContent", "/v1/models/m:batchEmbedContents"),
]
OTHERS = [
    *("/v1/threads", "/v1/threads/t/messages", "/v1/assistants/a/x", "/v1/conversations/c/items"),
    *("/v1/conversations/c/messages", "/v1/threads/runs", "/v1/threads/video/messages"),
    *("/v1/audio/speech", "/v1/batches", "/v1/cachedContents", "/v1/responses/r/cancel", "/v1/messages/count_tokens"),
    *("/v1/files", "/v1/fine_tuning/jobs", "/v1/fine-tuning/jobs", "/health", "/healthz", "/v1/images/generations"),
    *("/v1/responses/input_tokens", "/studio/v1/library/files", "/metrics", "/v1/models", "/v1/moderations"),
    *(
        "/v1/rerank",
        "/v1/runs/r",
        "/v1/models/?limit=9",
        "/models",
        "/api/tags",
        "/tokenize",
        "/detokenize",
        "/v1/uploads",
        "/v1/vector_stores",
    ),
    *("/v1/videos", "/v1/models/m:countTokens", "/v1/publishers/p/m:computeTokens"),
]
UNLISTED = [
    *(f"/{word}/ask" for word in ("health", "library", "tags", "metrics", "cancel")),
    "/models/meta-llama/Llama-3",
    "/v2/models/m/generate",
    "/v1/models/m",
    "/",
    "",
    "/ai/ask",
    "/v1/m:predict",
    "/v1/models/m:predict",
    *("/loans/decisions", "/v1/decisions/7"),
    "/v1/chatty",
    "/v1/messages/m-1",
]


@pytest.mark.parametrize("path", COMPLETIONS)
def test_an_endpoint_of_completions_is_one(path: str) -> None:
    assert route_of(path) is Route.COMPLETION
    assert route_of(f"{path}s-not") is not Route.COMPLETION


@pytest.mark.parametrize("path", EMBEDDINGS)
def test_an_endpoint_of_embeddings_is_one(path: str) -> None:
    assert route_of(path) is Route.EMBEDDING
    assert route_of(f"{path}s-not") is not Route.EMBEDDING


@pytest.mark.parametrize("path", OTHERS)
def test_an_endpoint_of_anything_else_is_none(path: str) -> None:
    assert route_of(path) is Route.OTHER


@pytest.mark.parametrize("path", UNLISTED)
def test_of_a_route_that_no_list_knows_the_body_decides(path: str) -> None:
    assert route_of(path) is Route.UNLISTED


@pytest.mark.parametrize(
    "path",
    [
        *("v1/messages", "//v1//messages//", "/V1/Messages", "/v1/messages?a=/files", "/v1/messages#/files"),
        *(" /v1/messages ", "/v1/%6Dessages", "/v1/./messages", "/v1/files/../messages", "/v1/files/%2E%2E/messages"),
        *("/../v1/messages", "/v1/messages/x/..", f"/{'a' * 600}/v1/messages"),
        *(
            "/v1/files/..%2Fmessages",
            "/v1/threads/%2e%2e%2fmessages",
            "/threads/t/..%2f..%2Fv1%2fmessages",
            "/%2Fv1/messages",
        ),
    ],
)
def test_query_fragment_slashes_case_escapes_and_dots_do_not_matter(path: str) -> None:
    assert route_of(path) is Route.COMPLETION


@pytest.mark.parametrize(
    "path",
    [
        *("/threads/v1/messages", "/threads/v1/chat/completions", "/v1/assistants/a/chat/completions"),
        *("/conversations/x/v1/messages", "/v1/conversations/c/responses", "/threads/models/m:generateContent"),
    ],
)
def test_what_a_path_begins_with_makes_nothing_else_of_a_completion(path: str) -> None:
    assert route_of(path) is Route.COMPLETION
    assert route_of(path, "GET") is Route.OTHER
    assert route_of("/threads/v1/embeddings") is Route.EMBEDDING


@pytest.mark.parametrize(
    ("path", "method", "route"),
    [
        (None, None, Route.COMPLETION),
        (None, "POST", Route.COMPLETION),
        (None, "", Route.COMPLETION),
        (None, "GET", Route.OTHER),
        ("/v1/messages", " post ", Route.COMPLETION),
        ("/v1/messages", "", Route.COMPLETION),
        ("/v1/messages", "GET", Route.OTHER),
        ("/v1/messages", "OPTIONS", Route.OTHER),
        ("/v1/messages", "put", Route.COMPLETION),
        ("/v1/embeddings", " PATCH", Route.EMBEDDING),
        ("/v1/messages", "DELETE", Route.OTHER),
        (None, "PUT", Route.COMPLETION),
        ("/v1/files", "PUT", Route.OTHER),
        ("/v1/messages", "query", Route.COMPLETION),
        ("/v1/files", "QUERY", Route.OTHER),
        ("/v1/embeddings", "GET", Route.OTHER),
        ("/ai/ask", "GET", Route.OTHER),
        ("/v1/responses/resp_1", "GET", Route.COMPLETION),
        ("/v1/responses/resp_1", "get", Route.COMPLETION),
        ("/v1/interactions/i_1", "GET", Route.COMPLETION),
        ("/v1/chat/deferred-completion/r-1", "GET", Route.UNLISTED),
        ("/api/paas/v4/async-result/z-1", "GET", Route.UNLISTED),
        ("/async/chat/completions/a-1", "GET", Route.UNLISTED),
        ("/v1/async/sonar/a-1", "GET", Route.UNLISTED),
        ("/v1/predictions/p-1", " get ", Route.UNLISTED),
        ("/v1/predictions/p-1", "DELETE", Route.OTHER),
        ("/v1/async/sonar", "GET", Route.OTHER),
        ("/v1/chat/completions/c-1", "GET", Route.OTHER),
        ("/v1/responses/resp_1", "DELETE", Route.OTHER),
        ("/v1/responses/resp_1/input_items", "GET", Route.OTHER),
        ("/v1/responses", "GET", Route.OTHER),
        ("/v1/responses/resp_1", "POST", Route.UNLISTED),
        ("/v1/threads/t/responses/resp_1", "GET", Route.OTHER),
    ],
)
def test_what_is_posted_is_a_completion_and_so_is_a_background_response_that_is_asked_for(
    path: str | None, method: str | None, route: Route
) -> None:
    assert route_of(path, method) is route


def test_where_a_path_leads_is_without_query_escapes_and_segments_that_lead_nowhere() -> None:
    assert path_led_to("//v1/x/..%2F%6Dessages/?beta=/v1#a") == "/v1/messages"
    assert path_led_to("") == "/"


def test_a_path_that_is_too_long_to_be_kept_says_the_same() -> None:
    for length in (512 - len("//v1/messages"), 513 - len("//v1/messages")):
        assert route_of(f"/{'a' * length}/v1/messages", "") is Route.COMPLETION
        assert route_of(f"/{'a' * length}/v1/messages", "GET") is Route.OTHER


@pytest.mark.parametrize(
    ("path", "model"),
    [
        *(
            (f"/model/a.b-v1%3A0/{verb}", "a.b-v1:0")
            for verb in ("converse", "converse-stream", "invoke", "invoke-async")
        ),
        ("/model/m/invoke-with-response-stream", "m"),
        ("/v1beta/models/gemini-x:generateContent?alt=sse", "gemini-x"),
        ("/openai/deployments/my-gpt/chat/completions", "my-gpt"),
        ("/v1/engines/ada/completions", "ada"),
        ("/v1/realtime?model=gpt-realtime", "gpt-realtime"),
        ("/v1/realtime?a=1&model=a%2Fb&c=2#d", "a/b"),
        ("/v1/realtime?models=a&model=", None),
        (
            "/openai/realtime?api-version=2025-04-01-preview&deployment=gpt-4o-realtime-preview",
            "gpt-4o-realtime-preview",
        ),
        ("wss://my.azure.example/openai/realtime/?deployment=a%2Fb#c", "a/b"),
        ("/openai/realtime?deployment=a&model=b", "b"),
        ("/openai/realtime?my-deployment=a&deployment=", None),
        ("/openai/realtime#?deployment=a", None),
        ("/ask?deployment=blue", None),
        ("/model/m/other", None),
        ("/v1/models/m", None),
        ("/v1/models/m:generateContent/x", None),
        ("/v1/chat/completions", None),
        ("/openai/deployments/a%20b/x", "a%20b"),
    ],
)
def test_a_path_names_the_model_where_its_api_does(path: str, model: str | None) -> None:
    assert model_in_path(path) == model


def test_a_model_in_a_path_that_is_too_long_is_kept_as_its_digest() -> None:
    found = model_in_path("/model/" + "x" * 200 + "/invoke")
    assert found is not None
    assert found.startswith("%sha256:")


def test_a_dot_at_the_end_of_a_path_leads_nowhere_else() -> None:
    assert route_of("/v1/messages/.") is route_of("/v1/messages/%2e/") is Route.COMPLETION


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ("", "/realtime"),
        ("key=k&api-key=k&models=m&my-deployment=d", "/realtime"),
        ("api-key=k&model=m%2F1&key=k", "/realtime?model=m%2F1"),
        ("deployment=d&api-version=1&model=m", "/realtime?deployment=d&model=m"),
    ],
)
def test_of_a_query_nothing_is_kept_but_the_model(query: str, path: str) -> None:
    assert with_model_of("/realtime", query) == path


@pytest.mark.parametrize("path", [None, "/", "/ai/ask?q=Fog", "/v1/chat/completions", "/v1/messages"])
def test_of_a_stream_that_was_asked_for_the_body_decides(path: str | None) -> None:
    assert route_of_streamed(path, " get ") is Route.UNLISTED
    for method in (None, "", "HEAD", "DELETE", "OPTIONS", "POST"):
        assert route_of_streamed(path, method) is Route.OTHER


@pytest.mark.parametrize(
    "path",
    ["/v1/files/f-1/content", "/v1/batches/b-1", "/v1/threads/t/chat/completions", "/v1/Conversations/c-1", "/health"],
)
def test_what_was_stored_is_no_stream_that_was_made_as_it_was_asked_for(path: str) -> None:
    assert route_of_streamed(path, "GET") is Route.OTHER


@pytest.mark.parametrize(
    ("path", "method", "found"),
    [
        ("/v1/responses/resp_A1?stream=true&starting_after=42", "GET", "resp_A1"),
        ("/v1beta/Interactions/int_1/", "get", "int_1"),
        ("/v1/responses/resp_A1", "POST", None),
        ("/v1/responses/resp_A1", "DELETE", None),
        ("/v1/responses/resp_A1", None, None),
        ("/v1/responses/compact", "POST", None),
        ("/v1/responses", "GET", None),
        ("/v1/responses/resp_A1/input_items", "GET", None),
        ("/v1/conversations/c/responses/resp_A1", "GET", None),
        (None, "GET", None),
    ],
)
def test_what_is_asked_for_is_known_by_the_id_in_its_path(path: str | None, method: str | None, found: str) -> None:
    assert id_asked_for(path, method) == found
