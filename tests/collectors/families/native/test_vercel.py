"""What Vercel's SDK makes of answers, by each of its versions, as it may be logged in place of the answer itself."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows
from readings import read, sse, tokens

from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.rules import table

V4 = {"promptTokens": 100, "completionTokens": 50, "totalTokens": 150}
V5 = {"inputTokens": 100, "outputTokens": 50, "totalTokens": 150, "reasoningTokens": 20, "cachedInputTokens": 30}
V6 = V5 | {
    "inputTokenDetails": {"noCacheTokens": 60, "cacheReadTokens": 30, "cacheWriteTokens": 10},
    "outputTokenDetails": {"textTokens": 30, "reasoningTokens": 20},
}
OF_PROVIDER = {
    "inputTokens": {"total": 100, "noCache": 60, "cacheRead": 30, "cacheWrite": 10},
    "outputTokens": {"total": 50, "text": 30, "reasoning": 20},
    "raw": {"input_tokens": 60, "cache_creation": {"ephemeral_1h_input_tokens": 4}},
}
USAGES = {
    "version 4": (V4, (100, 50, None, None, None)),
    "version 5": (V5, (100, 50, 30, None, 20)),
    "version 6": (V6, (100, 50, 30, 10, 20)),
    "a provider of version 6": (OF_PROVIDER, (100, 50, 30, 10, 20)),
}
EVERY = pytest.mark.parametrize("version", USAGES)
PATHS = pytest.mark.parametrize("path", ["/ai/ask", "/api/chat", "/v1/chat/completions", None])


def _counts(prompt: int, completion: int, **more: int) -> dict[str, Any]:
    return {"inputTokens": prompt, "outputTokens": completion, "totalTokens": prompt + completion, **more}


@PATHS
@EVERY
def test_a_result_is_read_with_all_its_parts(version: str, path: str | None) -> None:
    usage, expected = USAGES[version]
    answered = {"id": "chatcmpl-1", "modelId": "m-1", "timestamp": "2026-11-03T10:00:00.000Z"}
    result = {"text": "Mist.", "finishReason": "stop", "usage": usage, "response": answered}
    assert tokens(result, path=path) == expected
    reading = read(result, path=path)
    assert (reading.dialect, reading.response_id, reading.model_reported) == ("vercel-sdk", "chatcmpl-1", "m-1")
    assert reading.finish_reason == "stop"


@PATHS
@EVERY
def test_a_stream_is_read_by_the_part_that_ends_it(version: str, path: str | None) -> None:
    usage, expected = USAGES[version]
    reason = {"unified": "stop", "raw": "end_turn"}
    parts = [
        {"type": "response-metadata", "id": "msg_1", "modelId": "m-1"},
        {"type": "text-delta", "id": "0", "delta": "Mist."},
        {"type": "finish", "finishReason": reason, "usage": usage},
    ]
    assert tokens(sse(*parts), path=path) == expected
    reading = read(sse(*parts), path=path)
    assert (reading.response_id, reading.model_reported, reading.finish_reason) == ("msg_1", "m-1", "stop")


def test_usage_alone_is_the_sdk_s_by_the_names_of_its_parts() -> None:
    assert tokens({"text": "Mist.", "usage": V5}, path="/ai/ask") == (100, 50, 30, None, 20)


def test_a_response_of_genkit_has_google_s_parts_by_names_of_its_own() -> None:
    usage = _counts(106, 6, cachedContentTokens=40, thoughtsTokens=46) | {"totalTokens": 158}
    response = {"message": {"role": "model"}, "finishReason": "stop", "usage": usage}
    assert tokens(response, path="/ai/ask") == (106, 52, 40, None, 46)


def test_what_was_written_for_an_hour_is_what_the_provider_s_own_usage_says_of_it() -> None:
    reading = read({"content": [], "finishReason": "stop", "usage": OF_PROVIDER}, path="/ai/ask")
    assert reading.tokens is not None
    assert reading.tokens.prompt_cache_write_1h_tokens == 4


OF_ANTHROPIC = {
    "input_tokens": 4,
    "output_tokens": 7,
    "cache_read_input_tokens": 30,
    "cache_creation_input_tokens": 10,
}


@pytest.mark.parametrize(
    ("usage", "metadata", "expected"),
    [
        (_counts(4, 7, cachedInputTokens=30), {"anthropic": {"usage": OF_ANTHROPIC}}, (44, 7, 30, 10, None)),
        (
            {"promptTokens": 4, "completionTokens": 7, "totalTokens": 11},
            {"anthropic": {"cacheReadInputTokens": 30, "cacheCreationInputTokens": 10}},
            (44, 7, 30, 10, None),
        ),
        (
            _counts(4, 7, cachedInputTokens=30) | {"totalTokens": 51},
            {"bedrock": {"usage": {"cacheWriteInputTokens": 10}}},
            (44, 7, 30, 10, None),
        ),
        (V4, {"openai": {"cachedPromptTokens": 64, "reasoningTokens": 5}}, (100, 50, 64, None, 5)),
        (_counts(106, 6, reasoningTokens=46) | {"totalTokens": 158}, {"google": {}}, (106, 52, None, None, 46)),
    ],
    ids=["Anthropic, version 5", "Anthropic, version 4", "Bedrock", "OpenAI, version 4", "Google"],
)
def test_before_version_6_counts_are_those_of_their_provider(
    usage: dict[str, Any], metadata: dict[str, Any], expected: tuple[int | None, ...]
) -> None:
    result = {"text": "Mist.", "finishReason": "stop", "usage": usage, "providerMetadata": metadata}
    assert tokens(result, path="/ai/ask") == expected


def test_what_a_provider_says_beside_usage_that_has_its_parts_adds_nothing() -> None:
    result = {"finishReason": "stop", "usage": V6, "providerMetadata": {"anthropic": {"usage": OF_ANTHROPIC}}}
    assert tokens(result, path="/ai/ask") == (100, 50, 30, 10, 20)


STEPS = [
    {"finishReason": "tool-calls", "usage": _counts(100, 11), "response": {"id": "r-1", "modelId": "m-1"}},
    {"finishReason": "stop", "usage": _counts(200, 9), "response": {"id": "r-2", "modelId": "m-2"}},
]


def _calls(body: Any) -> list[tuple[Any, ...]]:
    reading = read(body, path="/ai/ask")
    each = [(one.response_id, one.part, one.model_reported, one.tokens) for one in (reading, *reading.parts)]
    return [(*names, counts and (counts.prompt_tokens, counts.completion_tokens)) for *names, counts in each]


def test_each_step_is_a_call_of_its_own_model_and_none_is_added_to_the_total() -> None:
    calls = [("r-1", None, "m-1", (100, 11)), ("r-2", None, "m-2", (200, 9))]
    of_last = {"text": "Mist.", "finishReason": "stop", "usage": _counts(200, 9), "totalUsage": _counts(300, 20)}
    assert _calls(of_last | {"response": STEPS[1]["response"], "steps": STEPS}) == calls
    ends = [{"type": "finish-step", **step} for step in STEPS]
    parts = [{"type": "start"}, *ends, {"type": "finish", "finishReason": "stop", "totalUsage": _counts(300, 20)}]
    assert _calls(sse(*parts)) == calls


def test_steps_without_ids_are_told_apart_by_their_places() -> None:
    steps = [{"usage": step["usage"]} for step in STEPS]
    result = {"finishReason": "stop", "usage": _counts(200, 9), "steps": steps}
    assert [call[:2] for call in _calls(result)] == [(None, None), (None, "step 1")]


def test_without_steps_the_usage_of_all_of_them_counts() -> None:
    result = {"text": "Mist.", "finishReason": "stop", "usage": _counts(200, 9), "totalUsage": _counts(300, 20)}
    assert tokens(result, path="/ai/ask")[:2] == (300, 20)
    assert tokens(result | {"steps": [{"text": "Mist."}]}, path="/ai/ask")[:2] == (300, 20)


def test_zeros_beside_a_text_are_no_measurement_and_an_error_has_failed() -> None:
    assert read({"text": "x", "finishReason": "stop", "usage": _counts(0, 0)}, path="/ai/ask").status.value == "unknown"
    parts = {"type": "error", "error": {}}, {"type": "finish", "finishReason": "error", "usage": {"inputTokens": None}}
    assert read(sse(*parts), path="/ai/ask").status.value == "failed"


def test_vectors_count_by_a_name_of_their_own() -> None:
    assert tokens({"embedding": [0.1], "usage": {"tokens": 7}}, path="/ai/embed")[:2] == (7, 0)


@pytest.mark.parametrize("broken", ["many", -1, 1.5])
def test_a_count_that_is_none_is_quarantined(broken: Any, collect: Any, exchange: Any) -> None:
    for usage in ({**V5, "cachedInputTokens": broken}, {**OF_PROVIDER, "inputTokens": {"total": broken}}):
        reason, detail = collect(exchange(response={"finishReason": "stop", "usage": usage})).refusal
        assert reason == "invalid_usage"
        assert "many" not in detail


BODIES = {
    **{name: {"text": "Fog.", "finishReason": "stop", "usage": usage} for name, (usage, _) in USAGES.items()},
    "Anthropic's": {
        "text": "Fog.",
        "finishReason": "stop",
        "usage": _counts(4, 7, cachedInputTokens=30),
        "providerMetadata": {"anthropic": {"usage": OF_ANTHROPIC}},
    },
    "steps": {"finishReason": "stop", "usage": _counts(200, 9), "steps": STEPS},
    "streamed": [{"type": "text-delta", "delta": "Fog."}, {"type": "finish", "finishReason": "stop", "usage": V6}],
}


def _scaled(value: Any, factor: int) -> Any:
    if isinstance(value, dict):
        return {name: _scaled(each, factor) for name, each in value.items()}
    if isinstance(value, list):
        return [_scaled(each, factor) for each in value]
    return value * factor if type(value) is int else value


@pytest.mark.parametrize("name", BODIES)
def test_both_readers_say_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})
    chance = random.Random(name)
    lines = []
    for number in range(40):
        own = _scaled(BODIES[name], chance.randrange(1, 50))
        line = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r-{number}", "api_key_id": "k", "status": 200}
        line |= {"path": "/ai/ask", "response": sse(*own) if isinstance(own, list) else own}
        lines.append(json.dumps(line).encode())
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
