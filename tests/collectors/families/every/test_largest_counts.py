"""Counts at the border, in every family: the largest is billed, one more is refused, and so is what is no count."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from readings import read, tokens

from pipeline.collectors.values.refusal import LineRefused
from pipeline.usage import TOKENS_MAX, QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = [{"type": "text", "text": "Rime."}]
CHOICE = {"index": 0, "message": {"role": "assistant", "content": "Rime."}, "finish_reason": "stop"}

COUNTED: dict[str, tuple[str, Callable[[Any, Any], dict[str, Any]]]] = {
    "chat": (
        "/v1/chat/completions",
        lambda p, c: {"choices": [CHOICE], "usage": {"prompt_tokens": p, "completion_tokens": c}},
    ),
    "completions": (
        "/v1/completions",
        lambda p, c: {
            "object": "text_completion",
            "choices": [{"index": 0, "text": "Rime."}],
            "usage": {"prompt_tokens": p, "completion_tokens": c},
        },
    ),
    "responses": (
        "/v1/responses",
        lambda p, c: {
            "object": "response",
            "output": [{"type": "message", "content": TEXT}],
            "usage": {"input_tokens": p, "output_tokens": c},
        },
    ),
    "anthropic": (
        "/v1/messages",
        lambda p, c: {
            "type": "message",
            "role": "assistant",
            "content": TEXT,
            "usage": {"input_tokens": p, "output_tokens": c},
        },
    ),
    "gemini": (
        "/v1beta/models/gemini-3:generateContent",
        lambda p, c: {
            "candidates": [{"content": {"parts": [{"text": "Rime."}]}}],
            "usageMetadata": {"promptTokenCount": p, "candidatesTokenCount": c},
        },
    ),
    "interactions": (
        "/v1beta/interactions",
        lambda p, c: {
            "object": "interaction",
            "outputs": TEXT,
            "usage": {"total_input_tokens": p, "total_output_tokens": c},
        },
    ),
    "cohere": (
        "/v2/chat",
        lambda p, c: {
            "id": "c",
            "finish_reason": "COMPLETE",
            "message": {"role": "assistant", "content": TEXT},
            "usage": {"billed_units": {"input_tokens": p, "output_tokens": c}},
        },
    ),
    "cohere of before": (
        "/v1/chat",
        lambda p, c: {
            "generation_id": "g",
            "text": "Rime.",
            "finish_reason": "COMPLETE",
            "meta": {"billed_units": {"input_tokens": p, "output_tokens": c}},
        },
    ),
    "ollama": (
        "/api/chat",
        lambda p, c: {
            "model": "qwen3",
            "message": {"role": "assistant", "content": "Rime."},
            "done": True,
            "prompt_eval_count": p,
            "eval_count": c,
        },
    ),
    "converse": (
        "/model/amazon.nova-pro-v1%3A0/converse",
        lambda p, c: {
            "output": {"message": {"content": [{"text": "Rime."}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": p, "outputTokens": c},
        },
    ),
    "titan": (
        "/model/amazon.titan-text-express-v1/invoke",
        lambda p, c: {
            "inputTextTokenCount": p,
            "results": [{"tokenCount": c, "outputText": "Rime.", "completionReason": "FINISH"}],
        },
    ),
    "llama": (
        "/model/meta.llama3-8b-instruct-v1%3A0/invoke",
        lambda p, c: {
            "generation": "Rime.",
            "prompt_token_count": p,
            "generation_token_count": c,
            "stop_reason": "stop",
        },
    ),
}
"""Path, and the body that states so many tokens of the prompt and of the completion, alone."""

NO_COUNT = (TOKENS_MAX + 1, -1, 1.5, "7", True, [7])


@pytest.mark.parametrize("family", COUNTED)
@pytest.mark.parametrize("counts", [(TOKENS_MAX, TOKENS_MAX), (TOKENS_MAX, 0), (0, TOKENS_MAX), (1, 0), (0, 1)])
def test_the_largest_count_and_the_smallest_are_billed(family: str, counts: tuple[int, int]) -> None:
    path, body = COUNTED[family]
    assert tokens(body(*counts), path=path)[:2] == counts


@pytest.mark.parametrize("family", COUNTED)
@pytest.mark.parametrize("wrong", NO_COUNT, ids=str)
def test_one_more_than_the_largest_count_and_what_is_no_count_are_refused_as_the_same(family: str, wrong: Any) -> None:
    path, body = COUNTED[family]
    for counts in ((wrong, 1), (1, wrong)):
        with pytest.raises(LineRefused) as refused:
            read(body(*counts), path=path)
        assert refused.value.reason is QuarantineReason.INVALID_USAGE
        if wrong == TOKENS_MAX + 1:
            assert refused.value.detail.endswith(f" is {TOKENS_MAX + 1}; a token count lies between 0 and {TOKENS_MAX}")


@pytest.mark.parametrize("family", COUNTED)
def test_zeros_beside_an_answer_are_no_measurement_in_any_family(family: str) -> None:
    path, body = COUNTED[family]
    reading = read(body(0, 0), path=path)
    assert (reading.status.value, reading.tokens) == ("unknown", None)


ADDED: dict[str, tuple[str, Callable[[int], dict[str, Any]]]] = {
    "anthropic, the prompt": (
        "/v1/messages",
        lambda n: {
            "type": "message",
            "role": "assistant",
            "content": TEXT,
            "usage": {"input_tokens": TOKENS_MAX - 5, "cache_read_input_tokens": n, "output_tokens": 1},
        },
    ),
    "gemini, the completion": (
        "/v1beta/models/gemini-3:generateContent",
        lambda n: {
            "candidates": [{"content": {"parts": [{"text": "Rime."}]}}],
            "usageMetadata": {
                "promptTokenCount": 1,
                "candidatesTokenCount": TOKENS_MAX - 5,
                "thoughtsTokenCount": n,
            },
        },
    ),
    "chat, reasoning apart": (
        "/v1/chat/completions",
        lambda n: {
            "choices": [CHOICE],
            "usage": {
                "prompt_tokens": 0,
                "completion_tokens": TOKENS_MAX - 5,
                "total_tokens": TOKENS_MAX - 5 + n,
                "completion_tokens_details": {"reasoning_tokens": n},
            },
        },
    ),
}


@pytest.mark.parametrize("added", ADDED)
def test_a_sum_of_counts_that_is_the_largest_is_billed_and_one_more_is_refused(added: str) -> None:
    path, body = ADDED[added]
    assert TOKENS_MAX in tokens(body(5), path=path)
    with pytest.raises(LineRefused) as refused:
        read(body(6), path=path)
    assert refused.value.reason is QuarantineReason.INVALID_USAGE
