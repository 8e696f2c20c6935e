"""Many lines of each native API, and of answers that others hold, are what the plain reader says of each."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows
from native_bodies import CASES, HELD, SPOKEN, live, turn
from readings import sse

from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.rules import table

ODD = (0, 1, None, "7", 2.0, 10**12, -1, True)
SPEED = {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 9, "output_tokens": 3}}}
TEXT = {"type": "content_block_delta", "delta": {"text": "Snow."}}
HEARD = {
    "total_input_tokens": 100,
    "input_tokens_by_modality": [{"modality": "text", "tokens": 10}, {"modality": "audio", "tokens": 90}],
    "total_output_tokens": 20,
    "output_tokens_by_modality": [{"modality": "audio", "tokens": 20}],
    "total_thought_tokens": 30,
    "total_tokens": 150,
}
CHAT = "/v1/chat/completions"
TIMINGS = {"cache_n": 236, "prompt_n": 5, "prompt_ms": 30.9, "predicted_n": 35, "predicted_ms": 661.0}
USAGE = {"usage": {"prompt_tokens": 241, "completion_tokens": 35, "total_tokens": 276}}
CALL = {"model_id": "qwen-max", "input_tokens": 282, "output_tokens": 449}
OTHER = {"model_id": "deepseek-r1", "input_tokens": 1464, "output_tokens": 8}
ZEROS = {"type": "message_delta", "usage": {"input_tokens": 0, "output_tokens": 9}}
ANSWERED = {"type": "ai", "content": "Fog.", "response_metadata": {"id": "l-1", "model_name": "m-1"}}
RESULT = {
    "generations": [
        [{"text": "Fog.", "message": ANSWERED | {"usage_metadata": {"input_tokens": number, "output_tokens": 35}}}]
        for number in (241, 17)
    ],
    "llm_output": {"token_usage": {"prompt_tokens": 258, "completion_tokens": 70, "total_tokens": 328}},
    "type": "LLMResult",
}
BODIES: dict[str, tuple[str | None, list[Any]]] = {
    **{name: (case.path, [case.whole]) for name, case in CASES.items()},
    **{f"{name}, streamed": (case.path, [*case.chunks]) for name, case in CASES.items() if case.chunks},
    **{f"{name}, cut": (case.path, [*case.chunks[:-1]]) for name, case in CASES.items() if len(case.chunks) > 1},
    **{f"held by {name}": ("/ai/ask", [whole]) for name, whole in HELD.items()},
    "a turn": (None, [turn(1)]),
    "a session": ("/v1/realtime", [{"type": "session.created", "session": {"model": "m"}}, turn(1), SPOKEN, turn(2)]),
    "a live session": ("/ws/BidiGenerateContent", [{"setupComplete": {}}, *(live(n) for n in (1, 2, 3))]),
    "a live turn": ("/ws/BidiGenerateContent", [{"serverContent": {"modelTurn": {}}}, live(1)]),
    "heard": ("/v1beta/interactions", [{"object": "interaction", "outputs": [{}], "usage": HEARD}]),
    "a result": ("/ai/ask", [RESULT]),
    "a result that states it itself": ("/ai/ask", [RESULT | {"generations": [[{"text": "Fog."}]]}]),
    "timings": (CHAT, [{"choices": [{"delta": {"content": "Fog."}}]}, {"choices": [], "timings": TIMINGS}]),
    "timings beside usage": (CHAT, [{"choices": [{"message": {"content": "Fog."}}], "timings": TIMINGS} | USAGE]),
    "a workflow": ("/ai/ask", [{"output": {"text": "Fog."}, "usage": {"models": [CALL, OTHER]}, "request_id": "d-1"}]),
    "begun": ("/v1/messages", [SPEED, TEXT, TEXT]),
    "fast": ("/v1/messages", [SPEED, TEXT, {"type": "message_delta", "usage": {"output_tokens": 9, "speed": "fast"}}]),
    "zeros": (
        "/v1/messages",
        [SPEED, TEXT, {"type": "message_delta", "usage": {"input_tokens": 0, "output_tokens": 9}}],
    ),
}

PLAIN = {
    *(
        "a live session",
        "a session",
        "a turn",
        "a workflow",
        "dashscope-apps",
        "dashscope-apps, streamed",
        "dashscope-apps, cut",
        "dashscope, streamed",
        "dashscope, cut",
    ),
    *(
        "mistral-conversations",
        "watsonx",
        "watsonx, streamed",
        "watsonx, cut",
        "spark",
        "spark, streamed",
        "spark, cut",
        "held by oracle",
        "held by oracle's cohere",
        "microsoft-ai",
    ),
}
"""What the kernel hands over: several events a line, models under names of ids, lists under names of
texts, parts that are subtracted or vary.
"""


@pytest.fixture(autouse=True)
def _learns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})


def _varied(value: Any, chance: random.Random, odd: float, factor: int) -> Any:
    """Return JSON with other numbers in it, which add up as before, but for some that no count can be."""
    if isinstance(value, dict):
        return {name: _varied(each, chance, odd, factor) for name, each in value.items()}
    if isinstance(value, list):
        return [_varied(each, chance, odd, factor) for each in value]
    if isinstance(value, str) and value.isdigit():
        return str(chance.choice(ODD)) if chance.random() < odd else str(int(value) * factor)
    if type(value) is not int:
        return value
    return chance.choice(ODD) if chance.random() < odd else value * factor


@pytest.mark.long
@pytest.mark.parametrize("odd", [0.0, 0.2])
@pytest.mark.parametrize("name", BODIES)
def test_both_readers_say_the_same(name: str, odd: float) -> None:
    path, documents = BODIES[name]
    chance = random.Random(f"{name} {odd}")
    lines = []
    for number in range(60):
        own = _varied(documents, chance, odd, chance.randrange(1, 50))
        line = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r-{number}", "api_key_id": "k", "status": 200}
        line |= {"path": path, "request": {"model": "m"}, "response": sse(*own) if len(own) > 1 else own[0]}
        lines.append(json.dumps(line).encode())
    found = by_kernel(lines)
    assert found_rows(found) == read_plainly(lines)
    assert odd or name in PLAIN or found.told, "the kernel reads none of them"
