"""What no meter is for is never a completion, and what it states is kept by name."""

from __future__ import annotations

from typing import Any

import pytest
from readings import read, sse

from pipeline.collectors.bodies.body import Body
from pipeline.collectors.families import unbilled
from pipeline.collectors.families.reading import Asked

SHAPES: dict[str, tuple[str, dict[str, Any], str | None]] = {
    "rerank of cohere": (
        "/v2/rerank",
        {"id": "k-1", "results": [{"index": 0, "relevance_score": 0.9}], "meta": {"billed_units": {"search_units": 1}}},
        '{"search_units":1}',
    ),
    "rerank of voyage": (
        "/v1/rerank",
        {
            "object": "list",
            "data": [{"index": 0, "relevance_score": 0.9}],
            "usage": {"prompt_tokens": 26, "total_tokens": 26},
        },
        '{"prompt_tokens":26}',
    ),
    "rerank that states a total alone": (
        "/v1/rerank",
        {"object": "list", "data": [{"index": 0, "relevance_score": 0.9}], "usage": {"total_tokens": 26}},
        '{"total_tokens":26}',
    ),
    "pages that were read by machine": (
        "/v1/ocr",
        {"pages": [{"index": 0}], "model": "m-1", "usage_info": {"pages_processed": 3, "doc_size_bytes": 90}},
        '{"pages":3}',
    ),
    "a stream of an image": (
        "/v1/images/generations",
        {
            "type": "image_generation.completed",
            "b64_json": "iVBO",
            "usage": {"input_tokens": 50, "output_tokens": 4160},
        },
        '{"completion_tokens":4160,"prompt_tokens":50}',
    ),
    "a stream of speech": (
        "/v1/audio/speech",
        {"type": "speech.audio.done", "usage": {"input_tokens": 14, "output_tokens": 101, "total_tokens": 115}},
        '{"completion_tokens":101,"prompt_tokens":14}',
    ),
    "images": (
        "/v1/images/generations",
        {
            "created": 1790000000,
            "data": [{"b64_json": "iVBO"}],
            "usage": {"input_tokens": 50, "output_tokens": 4160, "total_tokens": 4210},
        },
        '{"completion_tokens":4160,"prompt_tokens":50}',
    ),
    "images, and the model that wrote one of them": (
        "/v1/images/generations",
        {
            "created": 1790000000,
            "data": [{"b64_json": "PHN2"}],
            "usage": {
                "input_tokens": 50,
                "input_tokens_details": {"image_tokens": 20, "text_tokens": 30},
                "output_tokens": 4160,
                "output_tokens_details": {"image_tokens": 4157, "text_tokens": 3},
                "total_tokens": 4210,
            },
            "svg_usage": {"model": "m-2", "input_tokens": 200, "output_tokens": 310, "total_tokens": 510},
        },
        (
            '{"completion_text_tokens":3,"completion_tokens":4160,"prompt_image_tokens":20,"prompt_tokens":50,'
            '"svg_completion_tokens":310,"svg_prompt_tokens":200}'
        ),
    ),
    "cache of gemini": (
        "/v1beta/cachedContents",
        {"name": "cachedContents/x", "model": "models/m-1", "usageMetadata": {"totalTokenCount": 4096}},
        '{"total_tokens":4096}',
    ),
    "images by address": (
        "/v1/images/generations",
        {"created": 1790000000, "data": [{"url": "https://x.example/1.png"}]},
        None,
    ),
    "transcript in tokens": (
        "/v1/audio/transcriptions",
        {
            "text": "rain",
            "usage": {
                "type": "tokens",
                "input_tokens": 14,
                "input_token_details": {"audio_tokens": 11, "text_tokens": 3},
                "output_tokens": 5,
                "total_tokens": 19,
            },
        },
        '{"completion_tokens":5,"prompt_audio_tokens":11,"prompt_tokens":14}',
    ),
    "transcript in seconds": (
        "/v1/audio/transcriptions",
        {"text": "rain", "usage": {"type": "duration", "seconds": 7}},
        '{"seconds":7}',
    ),
    "transcript with segments": (
        "/v1/audio/transcriptions",
        {"task": "transcribe", "text": "rain", "segments": []},
        None,
    ),
    "moderation": (
        "/v1/moderations",
        {"id": "modr-1", "model": "omni-moderation", "results": [{"flagged": False}]},
        None,
    ),
    "moderation of mistral": (
        "/v1/moderations",
        {
            "id": "m-1",
            "model": "mistral-moderation",
            "results": [{"categories": {"pii": False}, "category_scores": {"pii": 0.001}}],
            "usage": {"prompt_tokens": 13, "completion_tokens": 0, "total_tokens": 74, "request_count": 1},
        },
        '{"prompt_tokens":13}',
    ),
    "run of an assistant": (
        "/v1/threads/thread_1/runs/run_1",
        {
            "id": "run_1",
            "object": "thread.run",
            "usage": {"prompt_tokens": 600, "completion_tokens": 50, "total_tokens": 650},
        },
        '{"completion_tokens":50,"prompt_tokens":600}',
    ),
    "batch": (
        "/v1/batches",
        {"id": "batch_1", "object": "batch", "usage": {"input_tokens": 900, "output_tokens": 70, "total_tokens": 970}},
        '{"completion_tokens":70,"prompt_tokens":900}',
    ),
    "count of tokens": ("/v1/messages/count_tokens", {"input_tokens": 2095}, None),
    "gemini's count of tokens": ("/v1beta/models/gemini-2.5-flash:countTokens", {"totalTokens": 31}, None),
    "vector store": ("/v1/vector_stores", {"id": "vs_1", "object": "vector_store", "usage_bytes": 0}, None),
}


BY_PATH: dict[str, tuple[str, dict[str, Any], str]] = {
    "classes of cohere": (
        "/v1/classify",
        {"id": "k-1", "classifications": [{"prediction": "x"}], "meta": {"billed_units": {"classifications": 7}}},
        '{"classifications":7}',
    ),
    "pages of cohere": (
        "/v2/parse",
        {"id": "k-1", "pages": [{"text": "rain"}], "meta": {"billed_units": {"pages": 5}}},
        '{"pages":5}',
    ),
    "rerank of watsonx": (
        "/ml/v1/text/rerank",
        {"model_id": "m-1", "results": [{"index": 0, "score": 0.9}], "input_token_count": 12},
        '{"prompt_tokens":12}',
    ),
    "guardrail of bedrock": (
        "/guardrail/g-1/version/1/apply",
        {
            "action": "NONE",
            "usage": {
                "topicPolicyUnits": 1,
                "contentPolicyUnits": 2,
                "wordPolicyUnits": 3,
                "sensitiveInformationPolicyUnits": 4,
                "sensitiveInformationPolicyFreeUnits": 5,
                "contextualGroundingPolicyUnits": 6,
                "contentPolicyImageUnits": 7,
                "automatedReasoningPolicyUnits": 8,
            },
        },
        (
            '{"automated_reasoning_units":8,"content_image_units":7,"content_units":2,"contextual_grounding_units":6,'
            '"sensitive_information_units":4,"topic_units":1}'
        ),
    ),
}


@pytest.mark.parametrize("shape", BY_PATH)
def test_what_only_its_path_tells_is_not_metered_and_kept_by_name(shape: str) -> None:
    path, body, others = BY_PATH[shape]
    reading = read(body, path=path)
    assert (reading.status.value, reading.tokens, reading.other_usage) == ("not_metered", None, others)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("has_path", [True, False])
def test_it_is_not_metered_with_a_path_and_without(shape: str, *, has_path: bool) -> None:
    path, body, others = SHAPES[shape]
    reading = read(body, path=path if has_path else None)
    assert (reading.status.value, reading.tokens) == ("not_metered", None)
    assert reading.other_usage == others


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_not_metered_on_a_route_that_no_list_knows(shape: str) -> None:
    assert read(SHAPES[shape][1], path="/ai/tools").status.value == "not_metered"


def test_a_transcript_that_is_streamed_is_not_metered() -> None:
    usage = {"type": "tokens", "input_tokens": 14, "output_tokens": 5, "total_tokens": 19}
    body = sse(
        {"type": "transcript.text.delta", "delta": "ra"},
        {"type": "transcript.text.done", "text": "rain", "usage": usage},
    )
    for path in ("/v1/audio/transcriptions", None):
        reading = read(body, path=path)
        assert (reading.status.value, reading.other_usage) == (
            "not_metered",
            '{"completion_tokens":5,"prompt_tokens":14}',
        )


def test_a_run_that_is_asked_for_is_not_metered_and_what_it_states_is_kept() -> None:
    path, body, others = SHAPES["run of an assistant"]
    reading = read(body, path=path, method="GET")
    assert (reading.status.value, reading.other_usage) == ("not_metered", others)


def test_counts_that_no_family_knows_are_kept_by_name_on_a_route_that_no_list_knows() -> None:
    body = {"answer": "rain", "usage": {"prompt_tokens": 40, "completion_tokens": 5}}
    reading = read(body, path="/ai/ask")
    assert (reading.status.value, reading.other_usage) == ("not_metered", '{"completion_tokens":5,"prompt_tokens":40}')
    assert read({"status": "ok", "usage": {"cpu": 3}}, path="/ai/health").other_usage is None
    assert read({"status": "ok", "usage": "low"}, path="/ai/health").status.value == "not_metered"


def test_what_states_nothing_has_no_counts_and_one_error_of_several_documents_is_one() -> None:
    nothing = unbilled.read(Body(documents=[{"object": "list"}, {}]), Asked())
    assert (nothing.stated, nothing.has_error) == (None, False)
    found = unbilled.read(Body(documents=[{"usage": {"seconds": 7}}, {"error": {"code": 1}}, {"id": "x"}]), Asked())
    assert found.stated is not None
    assert (found.stated.others, found.has_error, found.response_id) == ({"seconds": 7}, True, "x")


def test_results_are_a_rerank_or_a_moderation_by_what_is_in_the_first() -> None:
    for name in ("results", "data"):
        for known in ("relevance_score", "flagged", "category_scores"):
            assert unbilled.recognises({name: [{known: 0}]})
        for first in ({"score": 1}, 7, "flagged"):
            assert not unbilled.recognises({name: [first]})
        assert not unbilled.recognises({name: [{"score": 1}, {"flagged": True}]})


@pytest.mark.parametrize(
    ("usage", "kept"),
    [
        ({"image_count": 2}, '{"images":2}'),
        ({"generated_images": 2, "output_tokens": 90, "total_tokens": 90}, '{"completion_tokens":90,"images":2}'),
        ({"video_count": 1, "video_duration": 5, "video_ratio": "16:9"}, '{"seconds":5,"videos":1}'),
        ({"duration": 9}, '{"seconds":9}'),
        ({"characters": 31}, '{"characters":31}'),
        ({"duration": 9.5, "characters": "31"}, None),
    ],
)
def test_what_model_studio_and_ark_made_is_kept_by_the_names_of_others(usage: dict[str, Any], kept: str | None) -> None:
    body = {"output": {"task_status": "SUCCEEDED"}, "usage": usage, "request_id": "d-1"}
    for path in ("/api/v1/services/aigc/video-generation/video-synthesis", "/v1/videos"):
        reading = read(body, path=path)
        assert (reading.status.value, reading.other_usage) == ("not_metered", kept)
