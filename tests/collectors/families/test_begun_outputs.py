"""A stream of chat that was cut behind what it stated at its start says so: a copy that came to its end counts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows
from readings import read, sse

from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.rules import table

PATH = "/v1/chat/completions"


def used(prompt: int, completion: int) -> dict[str, int]:
    return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion}


def chunk(text: str | None, usage: dict[str, int] | None = None, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text} if text else {"role": "assistant"}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "choices": [choice], "usage": usage}


SAID = [chunk("Mist"), chunk(" over"), chunk(" the")]
BEGUN, END = used(100, 0), used(100, 3)


@pytest.mark.parametrize("text", [None, "A"])
@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        pytest.param(SAID, (100, 0, "openai-chat/output-begun"), id="cut"),
        pytest.param([*SAID, chunk(" bay", END)], (100, 3, "openai-chat"), id="running totals"),
        pytest.param([*SAID, chunk(None, None, "stop")], (100, 0, "openai-chat"), id="came to its end"),
        pytest.param([chunk(None)], (100, 0, "openai-chat"), id="nothing followed"),
        pytest.param([*SAID, chunk(None, END, "stop")], (100, 3, "openai-chat"), id="whole"),
        pytest.param([*SAID, chunk(None, END)], (100, 3, "openai-chat"), id="whole without a reason"),
    ],
)
def test_what_goes_on_behind_its_usage_and_does_not_end_had_only_begun(
    text: str | None, rest: list[dict[str, Any]], expected: tuple[int, int, str]
) -> None:
    """Bedrock states Jamba's prompt in the first chunk, and gateways that of Anthropic's models."""
    reading = read(sse(chunk(text, BEGUN), *rest), path=PATH)
    assert reading.tokens is not None
    assert (reading.tokens.prompt_tokens, reading.tokens.completion_tokens, reading.dialect) == expected


def test_what_is_no_stream_came_to_its_end() -> None:
    message = {"role": "assistant", "content": "Mist."}
    assert read({"choices": [{"message": message}], "usage": BEGUN}, path=PATH).dialect == "openai-chat"
    beside = [chunk("Mist"), chunk(" over")]
    beside[0]["choices"][0]["usage"] = BEGUN
    assert read(sse(*beside), path=PATH).dialect == "openai-chat"


def test_both_readers_say_which_had_only_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})
    lines = []
    for number in range(60):
        first = chunk("A" if number % 3 else None, used(100 + number, number % 4))
        last = [chunk(None, used(100 + number, number))] if number % 7 == 0 else []
        body = sse(first, *[chunk("Mist")] * (number % 5), *last)
        line = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r-{number}", "api_key_id": "k", "status": 200}
        lines.append(json.dumps({**line, "path": PATH, "response": body}).encode())
    assert found_rows(by_kernel(lines)) == read_plainly(lines)
