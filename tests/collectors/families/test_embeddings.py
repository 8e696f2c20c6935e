"""Embeddings are metered by their prompt, whoever made them."""

from __future__ import annotations

from typing import Any

import pytest
from readings import read, tokens

VECTOR = [0.25, -0.5]


def _openai(usage: dict[str, Any]) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": VECTOR}]
    return {"object": "list", "data": data, "model": "text-embedding-3-small", "usage": usage}


SHAPES: dict[str, tuple[str, dict[str, Any]]] = {
    "openai": ("/v1/embeddings", _openai({"prompt_tokens": 19, "total_tokens": 19})),
    "openai in base64": (
        "/v1/embeddings",
        _openai({"prompt_tokens": 19, "total_tokens": 19})
        | {"data": [{"object": "embedding", "embedding": "AACAPgAAAL8="}]},
    ),
    "with a completion of zero": (
        "/v1/embeddings",
        _openai({"prompt_tokens": 19, "completion_tokens": 0, "total_tokens": 19}),
    ),
    "voyage": ("/v1/embeddings", _openai({"total_tokens": 19})),
    "cohere": (
        "/v2/embed",
        {"id": "e-1", "embeddings": {"float": [VECTOR]}, "meta": {"billed_units": {"input_tokens": 19}}},
    ),
    "cohere, of text and images": (
        "/v2/embed",
        {
            "id": "e-1",
            "embeddings": {"float": [VECTOR]},
            "meta": {"billed_units": {"input_tokens": 7, "image_tokens": 12, "images": 1}},
        },
    ),
    "cohere, of images": (
        "/v2/embed",
        {"embeddings": {"float": [VECTOR]}, "meta": {"billed_units": {"input_tokens": 0, "image_tokens": 19}}},
    ),
    "sglang": ("/encode", {"embedding": VECTOR, "meta_info": {"id": "s-1", "prompt_tokens": 19}}),
    "gemini": (
        "/v1beta/models/gemini-embedding-001:embedContent",
        {"embedding": {"values": VECTOR}, "usageMetadata": {"promptTokenCount": 19}},
    ),
    "gemini, of a batch": (
        "/v1beta/models/gemini-embedding-001:embedContent",
        {"embedding": {"values": VECTOR}, "tokenCount": 19},
    ),
    "ollama": ("/api/embed", {"model": "nomic-embed-text", "embeddings": [VECTOR], "prompt_eval_count": 19}),
    "vertex": (
        "/v1/projects/p/publishers/google/models/text-embedding-005:predict",
        {
            "predictions": [
                {"embeddings": {"values": VECTOR, "statistics": {"token_count": count}}} for count in (12, 7)
            ]
        },
    ),
    "of several vectors": (
        "/v1/embeddings",
        {"object": "list", "data": [{"object": "embedding", "embeddings": [VECTOR]}], "usage": {"total_tokens": 19}},
    ),
    "voyage, of passages in their context": (
        "/v1/contextualizedembeddings",
        {
            "object": "list",
            "data": [{"object": "list", "data": [{"object": "embedding", "embedding": VECTOR}], "index": 0}],
            "usage": {"total_tokens": 19},
        },
    ),
    "ark, of one thing": (
        "/api/v3/embeddings/multimodal",
        {"object": "list", "data": {"object": "embedding", "embedding": VECTOR}, "usage": {"prompt_tokens": 19}},
    ),
    "dashscope": (
        "/api/v1/services/embeddings/text-embedding/text-embedding",
        {"output": {"embeddings": [{"embedding": VECTOR, "text_index": 0}]}, "usage": {"total_tokens": 19}},
    ),
    "watsonx": (
        "/ml/v1/text/embeddings",
        {"model_id": "m-1", "results": [{"embedding": VECTOR}], "input_token_count": 19},
    ),
    "minimax": ("/v1/embeddings", {"vectors": [VECTOR], "total_tokens": 19, "base_resp": {"status_code": 0}}),
    "gigachat": (
        "/api/v1/embeddings",
        {
            "object": "list",
            "data": [{"embedding": VECTOR, "index": at, "usage": {"prompt_tokens": n}} for at, n in enumerate((12, 7))],
        },
    ),
    "oracle": ("/20231130/actions/embedText", {"embeddings": [VECTOR], "usage": {"promptTokens": 19}}),
    "oracle, of each text": (
        "/20231130/actions/embedText",
        {"embeddings": [VECTOR, VECTOR], "modelId": "m-1", "modelVersion": "1", "inputTextTokenCounts": [12, 7]},
    ),
    "cohere, of parts": (
        "/v2/embed",
        {"embeddings": {"float": [VECTOR]}, "meta": {"billed_units": {"image_tokens": 12, "text_tokens": 7}}},
    ),
    "cohere, of parts and their sum": (
        "/v2/embed",
        {
            "embeddings": {"float": [VECTOR]},
            "meta": {"billed_units": {"input_tokens": 19, "image_tokens": 12, "text_tokens": 7}},
        },
    ),
    "cohere, of text and of parts": (
        "/v2/embed",
        {
            "embeddings": {"float": [VECTOR]},
            "meta": {"billed_units": {"input_tokens": 7, "image_tokens": 12, "text_tokens": 7}},
        },
    ),
    "an SDK": ("/v1/embeddings", {"embeddings": [VECTOR], "usage": {"inputTokens": 19}}),
    "titan": ("/model/amazon.titan-embed-text-v2%3A0/invoke", {"embedding": VECTOR, "inputTextTokenCount": 19}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_the_prompt_is_metered_and_nothing_was_generated(shape: str) -> None:
    path, body = SHAPES[shape]
    assert tokens(body, path=path) == (19, 0, None, None, None)
    assert read(body, path=path).dialect == "embeddings"


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("path", [None, "/ai/vectors"])
def test_they_are_told_by_their_shape_and_never_taken_for_a_completion(shape: str, path: str | None) -> None:
    _, body = SHAPES[shape]
    assert tokens(body, path=path)[:2] == (19, 0)
    assert read(body, path=path).dialect == "embeddings"


def test_what_of_the_prompt_are_images_is_kept_by_name() -> None:
    """Cohere has another price for them."""
    assert read(SHAPES["cohere, of text and images"][1], path="/v2/embed").other_usage == '{"image_tokens":12}'
    assert read(SHAPES["cohere"][1], path="/v2/embed").other_usage is None


@pytest.mark.parametrize("path", ["/v1/embed", None])
def test_images_that_are_billed_instead_of_tokens_are_unknown_tokens_and_kept_by_name(path: str | None) -> None:
    body = {"id": "e-1", "embeddings": {"float": [VECTOR]}, "meta": {"billed_units": {"images": 2}}}
    reading = read(body, path=path)
    assert (reading.status.value, reading.dialect, reading.other_usage) == ("unknown", "embeddings", '{"images":2}')
    of_text = body | {"meta": {"billed_units": {"input_tokens": 7, "images": 2}}}
    assert read(of_text, path=path).other_usage is None


def test_images_that_are_counted_without_tokens_are_kept_by_name_and_hide_no_count_beside_them() -> None:
    """Cohere's older models are billed by the image, and state nothing else of one."""
    body = {"id": "e-1", "embeddings": {"float": [VECTOR]}, "meta": {"billed_units": {"images": 2}}}
    for path in ("/v1/embed", "/ai/vectors"):
        reading = read(body, path=path)
        assert (reading.status.value, reading.other_usage) == ("unknown", '{"images":2}')
    headers = {"x-amzn-bedrock-input-token-count": "19"}
    path = "/model/cohere.embed-english-v3/invoke"
    assert tokens(body, path=path, response_headers=headers)[:2] == (19, 0)


@pytest.mark.parametrize("path", ["/embed", "/embed_all", "/embed_sparse"])
def test_vectors_without_any_count_are_counted_by_the_header_of_their_server(path: str) -> None:
    """Hugging Face's server of embeddings answers with lists alone."""
    for body in ([[0.5, 0.25]], [], "[[0.5]]"):
        reading = read(body, path=path, response_headers={"X-Compute-Tokens": "19"})
        assert (reading.status.value, reading.dialect) == ("measured", "embeddings/response-headers")
        assert tokens(body, path=path, response_headers={"x-compute-tokens": 19})[:2] == (19, 0)
        assert read(body, path=path).status.value == "unknown"
    assert read([[0.5]], path="/rerank", response_headers={"x-compute-tokens": "19"}).status.value == "not_metered"


def test_what_is_stated_first_counts_whatever_stands_in_other_places() -> None:
    path, body = SHAPES["openai"]
    assert tokens(body | {"meta": {"billed_units": {"input_tokens": "many"}}}, path=path)[:2] == (19, 0)


def test_the_path_decides_before_a_body_that_could_be_another_family() -> None:
    only_counts = {"usageMetadata": {"promptTokenCount": 19, "totalTokenCount": 19}}
    path = "/v1beta/models/gemini-embedding-001:embedContent"
    assert read(only_counts, path=path).dialect == "embeddings"
    assert tokens(only_counts, path=path)[:2] == (19, 0)


def test_the_model_is_that_of_the_body_else_that_of_the_path() -> None:
    path, body = SHAPES["openai"]
    assert read(body, path=path).model_reported == "text-embedding-3-small"
    path, body = SHAPES["titan"]
    assert read(body, path=path).model_in_path == "amazon.titan-embed-text-v2:0"


def test_without_usage_they_are_unknown_and_an_error_is_failed() -> None:
    path, body = SHAPES["openai"]
    assert read(body | {"usage": None}, path=path).status.value == "unknown"
    assert read({"error": {"message": "too long"}}, path=path, status=400).status.value == "failed"


@pytest.mark.parametrize("http_status", [499, 500])
def test_stated_usage_counts_under_any_status(http_status: int) -> None:
    path, body = SHAPES["voyage"]
    assert tokens(body, path=path, status=http_status)[:2] == (19, 0)


def test_zeros_beside_vectors_are_no_measurement() -> None:
    assert read(_openai({"prompt_tokens": 0, "total_tokens": 0}), path="/v1/embeddings").status.value == "unknown"


def test_the_model_of_vectors_goes_by_the_name_that_their_api_has_for_it() -> None:
    """Of Oracle's a version stands beside it."""
    path, of_watsonx = SHAPES["watsonx"]
    assert read(of_watsonx, path=path).model_reported == "m-1"
    assert read(of_watsonx | {"model": "m-2"}, path=path).model_reported == "m-2"
    assert read(SHAPES["oracle, of each text"][1], path="/20231130/actions/embedText").model_reported == "m-1"
