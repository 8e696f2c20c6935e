"""A system of several models says what each of them consumed, which is what it charges: each is an event of its own."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows
from readings import read, sse

from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.rules import table

PATH = "/openai/v1/chat/completions"
SAID = {"index": 0, "message": {"role": "assistant", "content": "Fog."}, "finish_reason": "stop"}
CHUNK = {"id": "c-1", "model": "groq/compound", "choices": [{"index": 0, "delta": {"content": "Fog."}}]}


def used(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def compound(whole: dict[str, int] | None, *models: tuple[str, int, int]) -> dict[str, Any]:
    each = [{"model": model, "usage": used(prompt, completion)} for model, prompt, completion in models]
    return {
        "id": "c-1",
        "object": "chat.completion",
        "model": "groq/compound",
        "choices": [SAID],
        "usage": whole,
        "usage_breakdown": {"models": each},
    }


def bot(*models: tuple[str, int, int]) -> dict[str, Any]:
    each = [{"name": model, **used(prompt, completion)} for model, prompt, completion in models]
    return {"id": "b-1", "model": "bot-1", "choices": [SAID], "bot_usage": {"model_usage": each, "action_usage": []}}


def counted(response: Any, path: str = PATH) -> list[tuple[str | None, str | None, int | None, int | None]]:
    whole = read(response, path=path)
    assert whole.status.value == "measured"
    return [
        (each.response_id, each.model_reported, each.tokens.prompt_tokens, each.tokens.completion_tokens)
        for each in (whole, *whole.parts)
        if each.tokens is not None
    ]


MODELS = (("gpt-oss-120b", 60, 10), ("llama-3.3-70b", 40, 15))
EACH = [("c-1", "gpt-oss-120b", 60, 10), ("c-1", "llama-3.3-70b", 40, 15)]


def test_each_model_is_an_event_in_an_answer_and_in_a_stream() -> None:
    whole = compound(used(100, 25), *MODELS)
    assert counted(whole) == EACH
    assert counted(compound(None, *MODELS)) == EACH
    last = {**CHUNK, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    told = {"usage": used(100, 25), "usage_breakdown": whole["usage_breakdown"]}
    assert counted(sse(CHUNK, {**last, "x_groq": told})) == EACH
    assert counted(sse(CHUNK, {**last, **told})) == EACH
    assert [part.part for part in read(whole, path=PATH).parts] == ["model 2"]


def test_a_model_that_was_called_twice_has_an_event_of_each_call() -> None:
    twice = (("gpt-oss-120b", 60, 10), ("gpt-oss-120b", 40, 15))
    assert [each[2:] for each in counted(compound(used(100, 25), *twice))] == [(60, 10), (40, 15)]


def test_models_of_a_bot_are_told_by_their_names() -> None:
    path = "/api/v3/bots/chat/completions"
    assert counted(bot(("doubao-pro", 60, 10), ("doubao-lite", 5, 2)), path) == [
        ("b-1", "doubao-pro", 60, 10),
        ("b-1", "doubao-lite", 5, 2),
    ]


@pytest.mark.parametrize(
    "models",
    [
        pytest.param((("gpt-oss-120b", 60, 10),), id="another sum"),
        pytest.param((), id="none"),
    ],
)
def test_models_that_do_not_add_up_to_the_answer_do_not_decide(models: Any) -> None:
    assert counted(compound(used(100, 25), *models)) == [("c-1", "groq/compound", 100, 25)]


@pytest.mark.parametrize("entry", [None, {"model": "m"}, {"usage": used(100, 25)}, {"model": "m", "usage": None}])
def test_a_model_that_states_no_counts_or_no_name_does_not_decide(entry: Any) -> None:
    answer = compound(used(100, 25))
    answer["usage_breakdown"]["models"] = [entry]
    assert counted(answer) == [("c-1", "groq/compound", 100, 25)]


def test_both_readers_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})
    chance = random.Random(1)
    lines = []
    for number in range(60):
        models = [(f"m-{name}", chance.randrange(50), chance.randrange(50)) for name in "ab"[: number % 2 + 1]]
        sums = [sum(model[at] for model in models) + (chance.random() < 0.2) for at in (1, 2)]
        line = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r-{number}", "api_key_id": "k", "status": 200}
        lines.append(json.dumps({**line, "path": PATH, "response": compound(used(*sums), *models)}).encode())
    assert found_rows(by_kernel(lines)) == read_plainly(lines)
