"""Of the documents of one body the last that states counts is meant; one that states none takes nothing back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.collectors.bodies.body import Body
from pipeline.collectors.families import BY_NAME, model_studio
from pipeline.collectors.families.native.apis import APIS
from pipeline.collectors.families.native.frameworks import FRAMEWORKS
from pipeline.collectors.families.reading import Asked

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.collectors.families.reading import Stated


def _traced(ended: dict[str, Any]) -> dict[str, Any]:
    return {"trace": {"trace": {"orchestrationTrace": {"modelInvocationOutput": ended}}}}


COUNTING: dict[str, Callable[[int, int], dict[str, Any]]] = {
    "openai-chat": lambda prompt, completion: {
        "choices": [],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion},
    },
    "openai-completions": lambda prompt, completion: {
        "choices": [{"text": "a"}],
        "usage": {"prompt_tokens": prompt, "completion_tokens": completion},
    },
    "openai-responses": lambda prompt, completion: {
        "type": "response.completed",
        "response": {"object": "response", "usage": {"input_tokens": prompt, "output_tokens": completion}},
    },
    "anthropic": lambda prompt, completion: {
        "type": "message_delta",
        "usage": {"input_tokens": prompt, "output_tokens": completion},
    },
    "gemini-interactions": lambda prompt, completion: {
        "event_type": "interaction.complete",
        "interaction": {"usage": {"total_input_tokens": prompt, "total_output_tokens": completion}},
    },
    "gemini": lambda prompt, completion: {
        "usageMetadata": {"promptTokenCount": prompt, "candidatesTokenCount": completion}
    },
    "cohere-v2": lambda prompt, completion: {
        "type": "message-end",
        "delta": {"usage": {"tokens": {"input_tokens": prompt, "output_tokens": completion}}},
    },
    "cohere-v1": lambda prompt, completion: {
        "event_type": "stream-end",
        "response": {"meta": {"tokens": {"input_tokens": prompt, "output_tokens": completion}}},
    },
    "ollama": lambda prompt, completion: {
        "done": True,
        "response": "a",
        "prompt_eval_count": prompt,
        "eval_count": completion,
    },
    "vercel-sdk": lambda prompt, completion: {
        "finishReason": "stop",
        "usage": {"inputTokens": prompt, "outputTokens": completion},
    },
    "bedrock-titan": lambda prompt, completion: {
        "inputTextTokenCount": prompt,
        "totalOutputTextTokenCount": completion,
        "outputText": "a",
    },
    "bedrock-llama": lambda prompt, completion: {
        "prompt_token_count": prompt,
        "generation_token_count": completion,
        "generation": "a",
    },
    "bedrock-converse": lambda prompt, completion: {
        "metadata": {"usage": {"inputTokens": prompt, "outputTokens": completion}}
    },
    "bedrock-agents": lambda prompt, completion: _traced(
        {"traceId": "t-1", "metadata": {"usage": {"inputTokens": prompt, "outputTokens": completion}}}
    ),
    "bedrock-sonic": lambda prompt, completion: {
        "event": {"usageEvent": {"totalInputTokens": prompt, "totalOutputTokens": completion}}
    },
}
"""What states both counts in each family that reads several documents of one answer; no other embedding is of one."""
BARE: dict[str, dict[str, Any]] = {
    "openai-chat": {"choices": [{"delta": {}}], "usage": None},
    "openai-completions": {"choices": [{"text": "b"}]},
    "openai-responses": {"type": "response.completed", "response": {"object": "response", "usage": None}},
    "anthropic": {"type": "message_delta", "usage": {"input_tokens": None}},
    "gemini-interactions": {"event_type": "interaction.complete", "interaction": {"usage": {}}},
    "gemini": {"candidates": [], "usageMetadata": {"trafficType": "ON_DEMAND"}},
    "cohere-v2": {"type": "message-end", "delta": {"usage": {}}},
    "cohere-v1": {"event_type": "stream-end", "response": {"meta": {}}},
    "ollama": {"done": True, "response": "b"},
    "vercel-sdk": {"finishReason": "stop", "usage": {"inputTokens": None}},
    "bedrock-titan": {"outputText": "b"},
    "bedrock-llama": {"generation": "b"},
    "bedrock-converse": {"metadata": {"usage": {}}},
    "bedrock-agents": _traced({"traceId": "t-1"}),
    "bedrock-sonic": {"event": {"usageEvent": {"completionId": "c-1"}}},
}
"""One of the same kind that states none."""


def counts(family: str, *documents: dict[str, Any]) -> tuple[int | None, int | None] | None:
    stated: Stated | None = BY_NAME[family].read(Body(documents=[*documents], is_stream=True), Asked()).stated
    return None if stated is None else (stated.prompt, stated.completion)


@pytest.mark.parametrize("family", COUNTING)
def test_what_was_stated_is_the_last_that_was_whatever_comes_before_and_behind(family: str) -> None:
    first, last, bare = COUNTING[family](3, 2), COUNTING[family](30, 20), BARE[family]
    assert counts(family, bare) is None
    assert counts(family, last) == (30, 20)
    assert counts(family, first, last) == (30, 20)
    assert counts(family, bare, first, bare, last, bare) == (30, 20)
    assert counts(family, bare, first, bare) == (3, 2)


def test_each_family_that_is_billed_is_among_these() -> None:
    native = {each.name for each in (*APIS, *FRAMEWORKS)} | {model_studio.NAME}  # these are in test_native
    assert set(BY_NAME) - COUNTING.keys() - native == {"embeddings", "unbilled", "bedrock-invoke"}
