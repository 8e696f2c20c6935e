"""As ``test_whole_readings``, of Gemini's two APIs, Cohere's, Ollama's, embeddings, and what no meter is for."""

from __future__ import annotations

from typing import Any

import pytest
from readings import said

from pipeline.collectors.families.reading import Reading, Stated
from pipeline.collectors.values.refusal import LineRefused

PARTS = {"content": {"parts": [{"text": "a"}]}}


def gemini(usage: dict[str, Any] | None, **fields: Any) -> dict[str, Any]:
    return {"candidates": [PARTS | {"finishReason": "STOP"}], "usageMetadata": usage, "responseId": "g-1"} | fields


@pytest.mark.parametrize(
    ("usage", "stated"),
    [
        (
            {
                "promptTokenCount": 50,
                "toolUsePromptTokenCount": 6,
                "candidatesTokenCount": 9,
                "thoughtsTokenCount": 4,
                "cachedContentTokenCount": 20,
                "totalTokenCount": 69,
                "promptTokensDetails": [
                    {"modality": "AUDIO", "tokenCount": 3},
                    {"modality": "TEXT", "tokenCount": 47},
                    {"modality": 4, "tokenCount": 2},
                    {"modality": "AUDIO"},
                    "AUDIO",
                ],
                "candidatesTokensDetails": [{"modality": "AUDIO", "tokenCount": 5}, {"modality": 1, "tokenCount": 4}],
            },
            Stated(prompt=56, completion=13, cached=20, reasoning=4, prompt_audio=5, completion_audio=5, total=69),
        ),
        ({"promptTokenCount": 50}, Stated(prompt=50, completion=0)),
        ({"promptTokenCount": 0, "candidatesTokenCount": 0}, Stated(prompt=0, completion=0)),
        ({"promptTokenCount": 5, "responseTokenCount": 9}, Stated(prompt=5, completion=9)),
        ({"promptTokenCount": 5, "thoughtsTokenCount": 4}, Stated(prompt=5, completion=4, reasoning=4)),
        (
            {"promptTokenCount": 5, "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 0}]},
            Stated(prompt=5, completion=0),
        ),
        (
            {"candidatesTokenCount": 9, "cachedContentTokenCount": 2, "totalTokenCount": 9},
            Stated(prompt=None, completion=9),
        ),
        ({"candidatesTokenCount": 0, "totalTokenCount": 0}, None),
        ({"thoughtsTokenCount": 4}, None),
        ({"trafficType": "ON_DEMAND"}, None),
        (None, None),
    ],
)
def test_counts_of_gemini_are_added_to_their_wholes_and_an_absent_prompt_is_unknown(
    usage: dict[str, Any] | None, stated: Stated | None
) -> None:
    found = said(gemini(usage))
    assert found.stated == stated
    assert (found.family, found.response_id, found.finish_reason, found.choices) == ("gemini", "g-1", "STOP", 1)
    assert (found.has_content, found.generated_chunks, found.has_error) == (True, 1, False)


@pytest.mark.parametrize(("retrieved", "others"), [(30, {"retrieved_prompt_tokens": 30}), (0, {})])
def test_what_a_search_retrieved_is_kept_by_name_and_left_out_of_prompt_and_total(
    retrieved: int, others: dict[str, int]
) -> None:
    usage = {
        "promptTokenCount": 50,
        "toolUsePromptTokenCount": retrieved,
        "candidatesTokenCount": 9,
        "totalTokenCount": 59 + retrieved,
    }
    grounded = PARTS | {"groundingMetadata": {"webSearchQueries": ["rain"]}}
    conventions = ("grounded",) if retrieved else ()
    assert said(gemini(usage, candidates=[grounded])).stated == Stated(
        prompt=50, completion=9, total=59, others=others, conventions=conventions
    )
    for candidates in ([PARTS | {"groundingMetadata": {"webSearchQueries": []}}], [PARTS, grounded]):
        assert said(gemini(usage, candidates=candidates)).stated == Stated(
            prompt=50 + retrieved, completion=9, total=59 + retrieved
        )


def test_of_a_stream_of_gemini_the_last_counts_are_meant_whole() -> None:
    chunks: list[dict[str, Any]] = [
        {
            "candidates": [PARTS, PARTS],
            "usageMetadata": {"promptTokenCount": 60, "candidatesTokenCount": 1, "trafficType": "ON_DEMAND"},
            "modelVersion": "gemini-x",
            "responseId": "g-1",
        },
        {
            "candidates": [PARTS | {"finishReason": 1}],
            "usageMetadata": {"promptTokenCount": 50, "serviceTier": "flex"},
            "modelVersion": "gemini-y",
            "responseId": "g-2",
        },
        {"candidates": [], "usageMetadata": {"trafficType": "PROVISIONED"}},
        {"candidates": ["no candidate"]},
    ]
    assert said(*chunks) == Reading(
        family="gemini",
        stated=Stated(prompt=50, completion=1),
        response_id="g-1",
        model="gemini-x",
        service_tier="PROVISIONED",
        finish_reason="1",
        choices=2,
        has_content=True,
        generated_chunks=2,
    )
    assert said({"candidates": []}) == Reading(family="gemini")
    assert said({"candidates": []}, {"error": {}}).has_error
    both = {"serviceTier": "flex", "trafficType": "ON_DEMAND"}
    assert said(gemini(both)).service_tier == "flex"


def interaction(usage: dict[str, Any] | None, **fields: Any) -> dict[str, Any]:
    return {"object": "interaction", "id": "i-1", "model": "m-1", "status": "completed", "usage": usage} | fields


@pytest.mark.parametrize(
    ("usage", "stated"),
    [
        (
            {
                "total_input_tokens": 50,
                "total_tool_use_tokens": 6,
                "total_output_tokens": 9,
                "total_thought_tokens": 4,
                "total_cached_tokens": 20,
                "total_tokens": 69,
            },
            Stated(prompt=56, completion=13, cached=20, reasoning=4, total=69),
        ),
        ({"total_input_tokens": 50, "total_output_tokens": 9}, Stated(prompt=50, completion=9)),
        ({"total_input_tokens": 50, "total_reasoning_tokens": 4}, Stated(prompt=50, completion=4, reasoning=4)),
        ({"total_input_tokens": 50}, None),
        ({"total_output_tokens": 9}, None),
        (None, None),
    ],
)
def test_tool_use_of_an_interaction_is_prompt_and_its_thoughts_are_completion(
    usage: dict[str, Any] | None, stated: Stated | None
) -> None:
    assert said(interaction(usage, service_tier="flex", outputs=[{}])) == Reading(
        family="gemini-interactions",
        stated=stated,
        response_id="i-1",
        model="m-1",
        service_tier="flex",
        finish_reason="completed",
        choices=1,
        has_content=True,
    )


def test_a_stream_of_an_interaction_says_what_its_last_event_holds() -> None:
    usage = {"total_input_tokens": 50, "total_output_tokens": 9}
    events: list[dict[str, Any]] = [
        {"event_type": "interaction.start", "interaction": interaction(None, status="in_progress")},
        {"event_type": "content.delta", "delta": {"text": "a"}},
        {"event_type": "content.delta", "delta": {}},
        {"event_type": "interaction.completed", "interaction": interaction(usage)},
    ]
    expected = Reading(
        family="gemini-interactions",
        stated=Stated(prompt=50, completion=9),
        response_id="i-1",
        model="m-1",
        finish_reason="completed",
        choices=1,
        generated_chunks=1,
    )
    assert said(*events) == expected
    assert said(*events, {"event_type": "interaction.x", "error": {}}).has_error
    assert said(interaction(None, status="failed")).has_error


def cohere(usage: dict[str, Any] | None, **fields: Any) -> dict[str, Any]:
    answer = {"id": "c-1", "finish_reason": "COMPLETE", "message": {"content": [{"text": "a"}]}, "usage": usage}
    return answer | fields


@pytest.mark.parametrize(
    ("usage", "stated"),
    [
        (
            {
                "billed_units": {"input_tokens": 8, "output_tokens": 9, "search_units": 2, "images": 3},
                "tokens": {"input_tokens": 1394, "output_tokens": 11, "reasoning_tokens": 9},
                "cached_tokens": 4,
            },
            Stated(
                prompt=8,
                completion=9,
                reasoning=9,
                conventions=("billed-units",),
                others={"search_units": 2, "images": 3},
            ),
        ),
        (
            {
                "billed_units": {"input_tokens": 8, "output_tokens": 9},
                "tokens": {"input_tokens": 20, "output_tokens": 20, "reasoning_tokens": 10},
            },
            Stated(prompt=8, completion=9, conventions=("billed-units",)),
        ),
        (
            {"tokens": {"input_tokens": 20, "output_tokens": 9, "reasoning_tokens": 3}, "cached_tokens": 20},
            Stated(prompt=20, completion=9, cached=20, reasoning=3),
        ),
        (
            {"tokens": {"input_tokens": 20, "output_tokens": 9}, "cached_tokens": 21},
            Stated(prompt=20, completion=9),
        ),
        (
            {"billed_units": {"input_tokens": 8}, "tokens": {"input_tokens": 20, "output_tokens": 9}},
            Stated(prompt=20, completion=9),
        ),
        (
            {"billed_units": {"output_tokens": 8}, "tokens": {"input_tokens": 20, "output_tokens": 9}},
            Stated(prompt=20, completion=9),
        ),
        (
            {"billed_units": {"input_tokens": 0, "output_tokens": 0}},
            Stated(prompt=0, completion=0, conventions=("billed-units",)),
        ),
        ({"billed_units": {"search_units": 2}}, None),
        ({}, None),
    ],
)
def test_what_cohere_bills_comes_before_what_its_tokenizer_counted(
    usage: dict[str, Any], stated: Stated | None
) -> None:
    common: dict[str, Any] = {"stated": stated, "finish_reason": "COMPLETE", "choices": 1, "has_content": True}
    assert said(cohere(usage)) == Reading(family="cohere-v2", response_id="c-1", **common)
    first = {"generation_id": "c-1", "text": "a", "finish_reason": "COMPLETE", "meta": usage}
    assert said(first) == Reading(family="cohere-v1", response_id="c-1", **common)


USAGE = {"billed_units": {"input_tokens": 8, "output_tokens": 9}}
COUNTED = Stated(prompt=8, completion=9, conventions=("billed-units",))


def test_a_stream_of_cohere_states_its_usage_in_its_last_event() -> None:
    second: list[dict[str, Any]] = [
        {"type": "message-start", "id": "c-1"},
        *({"type": f"{kind}-delta"} for kind in ("content", "tool-plan", "tool-call")),
        {"type": "content-end"},
        {"type": "message-end", "delta": {"finish_reason": "MAX_TOKENS", "usage": USAGE}},
    ]
    common: dict[str, Any] = {"stated": COUNTED, "finish_reason": "MAX_TOKENS", "choices": 1}
    assert said(*second) == Reading(family="cohere-v2", response_id="c-1", generated_chunks=3, **common)
    first: list[dict[str, Any]] = [
        {"event_type": "stream-start", "generation_id": "c-1"},
        *({"event_type": event} for event in ("text-generation", "tool-calls-chunk", "search-results")),
        {
            "event_type": "stream-end",
            "response": {"response_id": "r-1", "text": "a", "meta": USAGE},
            "finish_reason": "MAX_TOKENS",
        },
    ]
    expected = Reading(family="cohere-v1", response_id="c-1", generated_chunks=2, has_content=True, **common)
    assert said(*first) == expected
    assert said(*first, {"error": {}}).has_error
    assert said(*second, {"error": {}}).has_error


@pytest.mark.parametrize("name", ["response_id", "id", "generation_id"])
def test_an_answer_of_cohere_s_first_version_has_its_id_by_one_of_three_names(name: str) -> None:
    assert said({"generations": [{"text": "a"}], name: "c-1"}) == Reading(
        family="cohere-v1", response_id="c-1", choices=1, has_content=True
    )


@pytest.mark.parametrize("name", ["message", "text", "generations"])
def test_an_answer_of_cohere_has_said_something_where_one_of_these_holds_it(name: str) -> None:
    assert said({"usage": {"billed_units": {}}, name: "a"}).has_content
    assert not said({"usage": {"billed_units": {}}, name: ""}).has_content


def test_ollama_states_its_counts_beside_done_and_an_absent_prompt_is_unknown() -> None:
    lines: list[dict[str, Any]] = [
        {"model": "m-1", "message": {"content": "a"}, "done": False, "prompt_eval_count": 1, "eval_count": 1},
        {"model": "m-1", "message": {"thinking": "b"}, "done": False},
        {"model": "m-1", "message": {"tool_calls": [{}]}, "done": False},
        {"model": "m-1", "message": {"content": ""}, "done": False},
    ]
    counts = {"prompt_eval_count": 50, "eval_count": 9, "prompt_eval_cached_count": 20}
    last = {"model": "m-1", "message": {}, "done": True, "done_reason": "length", **counts}
    assert said(*lines, last) == Reading(
        family="ollama",
        stated=Stated(prompt=50, completion=9, cached=20),
        model="m-1",
        finish_reason="length",
        choices=1,
        has_content=True,
        generated_chunks=3,
    )
    assert said(*lines).stated is None
    assert said(*lines, {"error": "gone"}).has_error
    answer = {"response": "a", "done": True}
    assert said(answer | {"eval_count": 9, "prompt_eval_cached_count": 20}) == Reading(
        family="ollama",
        stated=Stated(prompt=None, completion=9, conventions=("prompt-unknown",)),
        choices=1,
        has_content=True,
        generated_chunks=1,
    )
    assert said(answer | {"prompt_eval_count": 50}).stated is None
    assert not said({"response": "", "message": {}, "done": True}).has_content


@pytest.mark.parametrize(
    ("beside", "prompt"),
    [
        *(({"usage": {name: 8}}, 8) for name in ("prompt_tokens", "input_tokens", "total_tokens")),
        ({"usage": {"prompt_tokens": 8, "input_tokens": 9, "total_tokens": 10}}, 8),
        ({"usage": {"prompt_tokens": 0, "total_tokens": 8}}, 8),
        ({"usage": {"prompt_tokens": 0}}, 0),
        *(({"meta": {"billed_units": {name: 8}}}, 8) for name in ("input_tokens", "image_tokens")),
        ({"meta": {"tokens": {"input_tokens": 8}}}, 8),
        ({"meta": {"tokens": {"input_tokens": 9}, "billed_units": {"input_tokens": 8}}}, 8),
        *(({"usageMetadata": {name: 8}}, 8) for name in ("promptTokenCount", "totalTokenCount")),
        *(({name: 8}, 8) for name in ("prompt_eval_count", "inputTextTokenCount")),
        ({"embeddings": [{"statistics": {"token_count": 3}}, {"statistics": {"tokenCount": 5}}, {}]}, 8),
        ({"embedding": {"statistics": {"token_count": 8}}}, 8),
        ({"embedding": {"statistics": {"token_count": 0}}}, 0),
        ({"predictions": [{"embeddings": {"statistics": {"token_count": 3}}}] * 2}, 6),
        ({"usage": {"prompt_tokens": 8}, "embedding": {"statistics": {"token_count": 9}}}, 8),
    ],
)
def test_all_that_embeddings_consume_is_prompt_wherever_it_is_stated(beside: dict[str, Any], prompt: int) -> None:
    found = said({"embedding": [0.5], "id": "e-1", "model": "m-1"} | beside)
    images = {"image_tokens": prompt} if "image_tokens" in str(beside) else {}
    assert found == Reading(
        family="embeddings",
        stated=Stated(prompt=prompt, completion=0, others=images),
        response_id="e-1",
        model="m-1",
        has_content=True,
    )


def test_embeddings_may_state_nothing_and_each_document_that_counts_is_an_answer() -> None:
    one = {"embedding": [0.5], "usage": {"prompt_tokens": 8}}
    other = {"embedding": [0.5], "usage": {"prompt_tokens": 9}, "modelVersion": "m-2"}
    nothing = {"embedding": [0.5]}
    assert said(nothing).stated is None
    second = Reading(
        family="embeddings",
        stated=Stated(prompt=9, completion=0),
        model="m-2",
        has_content=True,
        part="answer 2",
    )
    assert said(nothing, one, other, nothing) == Reading(
        family="embeddings", stated=Stated(prompt=8, completion=0), has_content=True, parts=(second,)
    )
    assert said(one, {"error": {}}).has_error


@pytest.mark.parametrize(
    ("beside", "others"),
    [
        *(({"usage": {name: 8}}, {"prompt_tokens": 8}) for name in ("prompt_tokens", "input_tokens")),
        *(({"usage": {name: 8}}, {"completion_tokens": 8}) for name in ("completion_tokens", "output_tokens")),
        ({"usage": {"total_input_tokens": 8}}, {"prompt_tokens": 8}),
        ({"usage": {"total_output_tokens": 8}}, {"completion_tokens": 8}),
        ({"usageMetadata": {"promptTokenCount": 8}}, {"prompt_tokens": 8}),
        ({"usageMetadata": {"candidatesTokenCount": 8}}, {"completion_tokens": 8}),
        ({"usage": {"prompt_tokens": 8, "input_tokens": 9}}, {"prompt_tokens": 8}),
        ({"usage": {"seconds": 8}}, {"seconds": 8}),
        ({"meta": {"billed_units": {"search_units": 8}}}, {"search_units": 8}),
        ({"usage": {"prompt_tokens": 8, "output_tokens": "many", "seconds": 0}}, {"prompt_tokens": 8}),
    ],
)
def test_counts_that_no_meter_is_for_are_kept_by_name(beside: dict[str, Any], others: dict[str, int]) -> None:
    assert said({"id": "u-1", "model": "m-1"} | beside, by="unbilled") == Reading(
        family="unbilled",
        stated=Stated(prompt=None, completion=None, others=others),
        response_id="u-1",
        model="m-1",
    )


def test_what_no_meter_is_for_may_state_nothing_and_an_error() -> None:
    assert said({"object": "batch"}) == Reading(family="unbilled")
    assert said({"object": "batch"}, {"error": {}}) == Reading(family="unbilled", has_error=True)
    counts = (
        {"object": "batch", "usage": {"prompt_tokens": count, **more}} for count, more in ((8, {"seconds": 2}), (9, {}))
    )
    found = said(*counts).stated
    assert found is not None
    assert found.others == {"prompt_tokens": 9, "seconds": 2}


def test_what_leads_to_usage_of_cohere_is_stated_once_in_the_event_that_ends_a_stream() -> None:
    for kind, name in (("type", "delta"), ("event_type", "response")):
        end = "message-end" if kind == "type" else "stream-end"
        with pytest.raises(LineRefused, match=f"{name} is stated more than once"):
            said(f'{{"{kind}": "{end}", "{name}": {{"a": 1}}, "{name}": {{"a": 2}}}}')
        begun = "content-delta" if kind == "type" else "text-generation"
        assert said(f'{{"{kind}": "{begun}", "{name}": {{"a": 1}}, "{name}": {{"a": 2}}}}').generated_chunks == 1
