"""Amazon Nova Sonic: what a session consumed is what its last event of usage says, speech apart from text."""

from __future__ import annotations

import base64
import json
import random
from typing import Any

import pytest
from both_readers import by_kernel, read_plainly
from fuzzing import found_rows
from readings import aws_stream, read, tokens

from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.rules import table

PATH = "/model/amazon.nova-sonic-v1%3A0/invoke-with-bidirectional-stream"


def used(heard: int, read_: int, spoken: int, written: int) -> dict[str, Any]:
    total = {
        "input": {"speechTokens": heard, "textTokens": read_},
        "output": {"speechTokens": spoken, "textTokens": written},
    }
    counts = {"totalInputTokens": heard + read_, "totalOutputTokens": spoken + written}
    details = {"delta": {"input": {"speechTokens": 1, "textTokens": 0}}, "total": total}
    usage = {"completionId": "c-1", "details": details, **counts, "totalTokens": heard + read_ + spoken + written}
    return {"event": {"usageEvent": usage}}


SESSION: list[dict[str, Any]] = [
    {"event": {"completionStart": {"sessionId": "s-1", "promptName": "p-1", "completionId": "c-1"}}},
    used(10, 5, 0, 0),
    {"event": {"textOutput": {"content": "Fog."}}},
    {"event": {"audioOutput": {"content": "AAAA"}}},
    used(30, 10, 25, 7),
    {"event": {"completionEnd": {"completionId": "c-1", "stopReason": "END_TURN"}}},
]


def in_chunk(event: dict[str, Any]) -> tuple[str, dict[str, str]]:
    return "chunk", {"bytes": base64.b64encode(json.dumps(event).encode()).decode()}


@pytest.mark.parametrize("path", [PATH, "/ai/speak", None])
@pytest.mark.parametrize(
    "body",
    [
        pytest.param(SESSION, id="events"),
        pytest.param("\n".join(map(json.dumps, SESSION)), id="lines"),
        pytest.param(aws_stream(*map(in_chunk, SESSION)), id="frames"),
    ],
)
def test_the_last_running_total_of_a_session_counts_and_speech_is_audio(body: Any, path: str | None) -> None:
    reading = read(body, path=path)
    counts = reading.tokens
    assert counts is not None
    assert (reading.status.value, reading.dialect) == ("measured", "bedrock-sonic")
    assert (counts.prompt_tokens, counts.completion_tokens) == (40, 32)
    assert (counts.prompt_audio_tokens, counts.completion_audio_tokens) == (30, 25)
    assert (reading.response_id, reading.finish_reason) == ("c-1", "END_TURN")
    assert reading.model_in_path == ("amazon.nova-sonic-v1:0" if path == PATH else None)


def test_a_session_without_its_usage_is_listed_and_one_total_that_is_no_sum_is_refused(collect: Any) -> None:
    assert read([SESSION[0], SESSION[2]], path=PATH).status.value == "estimated"
    assert read([SESSION[0]], path=PATH).status.value == "unknown"
    broken = used(10, 5, 0, 3)
    broken["event"]["usageEvent"]["totalTokens"] = 19
    line = {"ts": "2026-03-01T06:51:19Z", "api_key_id": "k", "status": 200, "path": PATH, "response": [broken]}
    assert collect(json.dumps(line)).refusal[0] == "contradictory_usage"


def test_zeros_behind_a_running_total_take_nothing_back() -> None:
    assert tokens([*SESSION, used(0, 0, 0, 0)], path=PATH)[:2] == (40, 32)


@pytest.mark.parametrize("size", range(2, len(SESSION) + 1))
def test_both_readers_say_the_same(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table, "LEARNED_FROM_BYTES", 0)
    monkeypatch.setattr(readers, "_idle", {})
    chance = random.Random(size)
    lines = []
    for number in range(30):
        session = [
            used(*(chance.randrange(40) for _ in range(4))) if each in SESSION[1::3] else each for each in SESSION
        ]
        line = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r-{number}", "api_key_id": "k", "status": 200}
        lines.append(json.dumps({**line, "path": PATH, "response": session[:size]}).encode())
    assert found_rows(by_kernel(lines)) == read_plainly(lines)
