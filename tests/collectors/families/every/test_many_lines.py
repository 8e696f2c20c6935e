"""Many lines that are written alike, of each family: whatever reads them faster says what the plain reader says."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from readings import aws_stream, invoke_events, json_lines, sse

from pipeline.collectors import KeyFingerprint, LogFormat
from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.logs.lines import Line
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable

LINES = 300
CHAT = "/v1/chat/completions"


def _chat(usage: dict[str, Any], model: str) -> dict[str, Any]:
    choices = [{"index": 0, "message": {"role": "assistant", "content": "Thaw."}, "finish_reason": "stop"}]
    return {"object": "chat.completion", "model": model, "choices": choices, "usage": usage}


def _anthropic(usage: dict[str, Any]) -> dict[str, Any]:
    content = [{"type": "text", "text": "Thaw."}]
    return {
        "type": "message",
        "role": "assistant",
        "model": "opus-4-5",
        "content": content,
        "stop_reason": "end_turn",
        "usage": usage,
    }


def _gemini(n: int) -> dict[str, Any]:
    usage = {
        "promptTokenCount": 9 + n,
        "candidatesTokenCount": n,
        "thoughtsTokenCount": 3,
        "totalTokenCount": 12 + 2 * n,
    }
    return {
        "candidates": [{"content": {"parts": [{"text": "Thaw."}]}, "finishReason": "STOP"}],
        "usageMetadata": usage,
        "modelVersion": "gemini-3",
    }


BODIES: dict[str, tuple[str, Callable[[int], Any]]] = {
    "responses": (
        "/v1/responses",
        lambda n: {
            "id": f"resp_{n}",
            "object": "response",
            "status": "completed",
            "model": "gpt-5",
            "output": [{"type": "message"}],
            "usage": {
                "input_tokens": 40 + n,
                "input_tokens_details": {"cached_tokens": n},
                "output_tokens": 5,
                "total_tokens": 45 + n,
            },
        },
    ),
    "completions": (
        "/v1/completions",
        lambda n: {
            "id": f"cmpl-{n}",
            "object": "text_completion",
            "choices": [{"index": 0, "text": "Thaw."}],
            "usage": {"prompt_tokens": 40 + n, "completion_tokens": 5, "total_tokens": 45 + n},
        },
    ),
    "anthropic": (
        "/v1/messages",
        lambda n: (
            _anthropic(
                {
                    "input_tokens": n,
                    "cache_read_input_tokens": 2 * n,
                    "cache_creation_input_tokens": 7,
                    "output_tokens": 5,
                }
            )
            | {"id": f"msg_{n}"}
        ),
    ),
    "anthropic stream": (
        "/v1/messages",
        lambda n: sse(
            {
                "type": "message_start",
                "message": _anthropic({"input_tokens": n, "output_tokens": 1}) | {"id": f"msg_{n}"},
            },
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Thaw."}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 5 + n}},
        ),
    ),
    "gemini": ("/v1beta/models/gemini-3:generateContent", lambda n: _gemini(n) | {"responseId": f"r-{n}"}),
    "gemini array": ("/v1beta/models/gemini-3:streamGenerateContent", lambda n: [_gemini(1), _gemini(n)]),
    "converse": (
        "/model/amazon.nova-pro-v1%3A0/converse",
        lambda n: {
            "output": {"message": {"content": [{"text": "Thaw."}]}},
            "stopReason": "end_turn",
            "usage": {"inputTokens": 40 + n, "outputTokens": 5, "totalTokens": 45 + n},
        },
    ),
    "converse stream": (
        "/model/amazon.nova-pro-v1%3A0/converse-stream",
        lambda n: aws_stream(
            ("contentBlockDelta", {"delta": {"text": "Thaw."}}),
            ("metadata", {"usage": {"inputTokens": n, "outputTokens": 5, "totalTokens": 5 + n}}),
        ),
    ),
    "llama stream": (
        "/model/meta.llama3-8b-instruct-v1%3A0/invoke-with-response-stream",
        lambda n: aws_stream(
            *invoke_events({"generation": "Thaw.", "prompt_token_count": 40 + n, "generation_token_count": 5})
        ),
    ),
    "cohere": (
        "/v2/chat",
        lambda n: {
            "id": f"c2-{n}",
            "finish_reason": "COMPLETE",
            "message": {"role": "assistant", "content": [{"type": "text", "text": "Thaw."}]},
            "usage": {
                "billed_units": {"input_tokens": n, "output_tokens": 5},
                "tokens": {"input_tokens": 900 + n, "output_tokens": 6},
            },
        },
    ),
    "ollama": (
        "/api/chat",
        lambda n: json_lines(
            {"model": "qwen3", "message": {"content": "Thaw."}, "done": False},
            {"model": "qwen3", "message": {"content": ""}, "done": True, "prompt_eval_count": 40 + n, "eval_count": 5},
        ),
    ),
    "embeddings": (
        "/v1/embeddings",
        lambda n: {
            "object": "list",
            "model": "e-3",
            "data": [{"embedding": [0.5]}],
            "usage": {"prompt_tokens": 40 + n, "total_tokens": 40 + n},
        },
    ),
    "rerank": (
        "/v1/rerank",
        lambda n: {
            "id": f"k-{n}",
            "results": [{"relevance_score": 0.5}],
            "meta": {"billed_units": {"search_units": n}},
        },
    ),
    "grok": (
        CHAT,
        lambda n: _chat(
            {
                "prompt_tokens": n,
                "completion_tokens": 5,
                "total_tokens": 5 + n,
                "prompt_tokens_details": {"cached_tokens": 150},
            },
            "grok-4",
        ),
    ),
    "vercel": (
        CHAT,
        lambda n: _chat(
            {
                "prompt_tokens": n,
                "completion_tokens": 5,
                "total_tokens": 5 + n,
                "reasoning_tokens": n % 7,
                "market_cost": "0.01",
            },
            "openai/gpt-5",
        ),
    ),
    "zeros now and then": (
        CHAT,
        lambda n: _chat({"prompt_tokens": n % 3, "completion_tokens": 0, "total_tokens": n % 3}, "jamba-large"),
    ),
    "tool calls alone": (
        CHAT,
        lambda n: sse(
            *(
                {
                    "id": f"chatcmpl-{n}",
                    "choices": [{"index": 0, "delta": {"tool_calls": [{"function": {"arguments": "{"}}]}}],
                }
                for _ in range(3)
            )
        ),
    ),
}


@pytest.mark.parametrize("family", BODIES)
@pytest.mark.parametrize("status", [200, 499])
def test_every_line_is_what_the_plain_reader_says(collect: Any, family: str, status: int) -> None:
    path, body = BODIES[family]
    contents = [
        json.dumps(
            {
                "ts": f"2026-09-01T12:{n // 60:02}:{n % 60:02}Z",
                "request_id": f"req-{n}",
                "api_key_id": "key_1",
                "status": status,
                "method": "POST",
                "path": path,
                "request": {"model": "asked-for"},
                "response": body(n),
            }
        ).encode()
        for n in range(LINES)
    ]
    collected = collect(*contents)
    assert not collected.quarantined
    fingerprint = KeyFingerprint(secret=b"any secret of thirty-two bytes, ok")
    for number, (content, event) in enumerate(zip(contents, collected.events, strict=True), 1):
        line = Line(number, event["byte_start"], event["byte_end"], content)
        (row,) = decode_line(line, source=event["source"], log_format=LogFormat(), fingerprint=fingerprint)
        assert isinstance(row, EventRow)
        plain = dict(zip(USAGE_EVENTS.names, row.values, strict=True))
        same = {name for name in USAGE_EVENTS.names if name not in {"event_id", "occurred_at"}}
        assert {name: event[name] for name in same} == {name: plain[name] for name in same}
        assert event["event_id"] == plain["event_id"]
