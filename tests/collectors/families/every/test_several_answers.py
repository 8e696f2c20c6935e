"""A body may hold several whole answers: each is an event of its own, the same that it would be alone."""

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

Counts = tuple[str | None, int | None, int | None]


def chat(id: str, prompt: int, completion: int) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": "Fog."}, "finish_reason": "stop"}
    return {"id": id, "object": "chat.completion", "model": "m", "choices": [choice], "usage": used(prompt, completion)}


def used(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def chunk(id: str, text: str | None, usage: dict[str, int] | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text} if text else {}, "finish_reason": None if text else "stop"}
    found = {"id": id, "object": "chat.completion.chunk", "model": "m", "choices": [choice]}
    return found if usage is None else {**found, "usage": usage}


def text(id: str, prompt: int, completion: int) -> dict[str, Any]:
    choice = {"index": 0, "text": "Fog.", "finish_reason": "stop"}
    return {"id": id, "object": "text_completion", "model": "m", "choices": [choice], "usage": used(prompt, completion)}


def message(id: str, prompt: int, completion: int) -> dict[str, Any]:
    usage = {"input_tokens": prompt, "output_tokens": completion}
    return {"type": "message", "role": "assistant", "id": id, "model": "m", "content": [{}], "usage": usage}


def cohere(id: str, prompt: int, completion: int) -> dict[str, Any]:
    usage = {"billed_units": {"input_tokens": prompt, "output_tokens": completion}}
    return {"id": id, "message": {"content": [{"text": "Fog."}]}, "finish_reason": "COMPLETE", "usage": usage}


def converse(_: str, prompt: int, completion: int) -> dict[str, Any]:
    usage = {"inputTokens": prompt, "outputTokens": completion, "totalTokens": prompt + completion}
    return {"stopReason": "end_turn", "output": {"message": {"content": [{"text": "Fog."}]}}, "usage": usage}


def embedding(_: str, prompt: int, __: int) -> dict[str, Any]:
    return {"data": [{"embedding": [0.5]}], "model": "m", "usage": {"prompt_tokens": prompt, "total_tokens": prompt}}


WHOLE = {
    "chat": ("/v1/chat/completions", chat),
    "completions": ("/v1/completions", text),
    "anthropic": ("/v1/messages", message),
    "cohere": ("/v2/chat", cohere),
    "converse": ("/model/m/converse", converse),
    "embeddings": ("/v1/embeddings", embedding),
}
STREAMS: dict[str, list[dict[str, Any]]] = {
    "one after another": [
        *(chunk("a", "Fog."), chunk("a", None, used(100, 20))),
        *(chunk("b", "Mist."), chunk("b", "Rain."), chunk("b", None, used(200, 30))),
    ],
    "usage in chunks of their own": [
        *({"id": "", "model": "", "choices": []}, chunk("a", "Fog."), chunk("a", None)),
        {"id": "a", "choices": [], "usage": used(100, 20)},
        *(chunk("b", "Mist."), chunk("b", None), {"id": "b", "choices": [], "usage": used(200, 30)}),
    ],
}


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})


def counted(response: Any, path: str) -> list[Counts]:
    whole = read(response, path=path)
    readings = [each for each in (whole, *whole.parts) if each.tokens is not None]
    return [
        (each.response_id, each.tokens.prompt_tokens, each.tokens.completion_tokens)
        for each in readings
        if each.tokens is not None
    ]


@pytest.mark.parametrize("kind", WHOLE)
def test_each_of_several_whole_answers_is_an_event(kind: str) -> None:
    path, made = WHOLE[kind]
    answers = [made("a", 100, 20), made("b", 200, 30), made("c", 7, 3)]
    alone = [each for answer in answers for each in counted(answer, path)]
    assert [prompt for _, prompt, _ in alone] == [100, 200, 7]
    assert counted(answers, path) == alone
    assert counted("\n".join(map(json.dumps, answers)), path) == alone


@pytest.mark.parametrize("kind", WHOLE)
def test_answers_without_ids_of_their_own_are_told_apart_by_their_places(kind: str) -> None:
    path, made = WHOLE[kind]
    parts = read([made("a", 100, 20), made("b", 200, 30)], path=path).parts
    assert [(each.response_id, each.part) for each in parts] in ([("b", None)], [(None, "answer 2")])


@pytest.mark.parametrize("name", STREAMS)
def test_a_stream_in_which_a_model_was_called_again_has_an_event_of_each_call(name: str) -> None:
    assert counted(sse(*STREAMS[name]), "/v1/chat/completions") == [("a", 100, 20), ("b", 200, 30)]


@pytest.mark.parametrize(
    "documents",
    [
        pytest.param([chunk("a", "Fog.", used(100, 1)), chunk("b", None, used(100, 20))], id="ids of chunks"),
        pytest.param([chunk("a", None, used(100, 1)), chunk("b", None, used(100, 20))], id="each chunk says why"),
        pytest.param([chunk("a", "Fog."), chunk("b", "Mist."), chunk("b", None, used(100, 20))], id="broken off"),
        pytest.param(
            [chunk("a", "Fog."), chunk("a", None), {"id": "z", "choices": [], "usage": used(100, 20)}], id="z"
        ),
        pytest.param([chat("a", 100, 1), chat("a", 100, 20)], id="said again"),
    ],
)
def test_chunks_with_other_ids_are_no_other_answers(documents: list[dict[str, Any]]) -> None:
    assert counted(sse(*documents), "/v1/chat/completions") == [("a", 100, 20)]


def test_what_other_models_did_for_a_further_answer_is_an_event_too() -> None:
    advised = message("b", 200, 30)
    advised["usage"]["iterations"] = [{"type": "advisor_message", "model": "x", "input_tokens": 9, "output_tokens": 4}]
    assert counted([message("a", 100, 20), advised], "/v1/messages") == [("a", 100, 20), ("b", 200, 30), ("b", 9, 4)]


@pytest.mark.parametrize("kind", [*WHOLE, *STREAMS])
def test_both_readers_say_the_same_of_several(kind: str) -> None:
    chance = random.Random(kind)
    lines = []
    for number in range(40):
        counts = [(f"{name}{number}", chance.randrange(9), chance.randrange(9)) for name in "abc"[: number % 3 + 1]]
        path, made = WHOLE.get(kind, ("/v1/chat/completions", chat))
        documents = STREAMS.get(kind) or [made(*each) for each in counts]
        response = sse(*documents) if number % 2 else documents
        line = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r-{number}", "api_key_id": "k", "status": 200}
        lines.append(json.dumps({**line, "path": path, "response": response}).encode())
    assert found_rows(by_kernel(lines)) == read_plainly(lines)
