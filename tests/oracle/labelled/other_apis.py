"""Labelled traps of every other API: what it states is known from how the body is made.

Logged under a path of their own, so that the oracle reads them by ``family_wire``. Does not own chat (``traps``).
"""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from maker import BASE
from wire import OTHER_APIS, Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

    from maker import Maker, Trap

    Told = tuple[str, object, Tokens]


def other_apis(make: Maker) -> None:
    """Each API once, whole or as a stream."""
    for told in (responses, anthropic, gemini, interactions, converse, invoke, cohere, ollama):
        for path, response, tokens in told(make, *make.tokens()):
            exchange = make.exchange(response=response, path=f"{OTHER_APIS}{path}")
            make.log(exchange, f"other-apis/{told.__name__}", "measured", tokens, "billed")


def sse(*events: dict[str, Any]) -> str:
    return "".join(f"event: {event.get('type', 'message')}\ndata: {json.dumps(event)}\n\n" for event in events)


def lines(*documents: dict[str, Any]) -> str:
    return "".join(json.dumps(document) + "\n" for document in documents)


def chunks(*documents: dict[str, Any]) -> str:
    """An invoke stream, as an SDK logs it."""
    return lines(*({"chunk": {"bytes": base64.b64encode(json.dumps(each).encode()).decode()}} for each in documents))


def responses(make: Maker, prompt: int, completion: int) -> Iterator[Told]:
    part, some = prompt // 3, completion // 2
    usage = {"input_tokens": prompt, "output_tokens": completion, "total_tokens": prompt + completion}
    usage |= {"input_tokens_details": {"cached_tokens": part}, "output_tokens_details": {"reasoning_tokens": some}}
    tokens = Tokens(completion, prompt, cached=part, reasoning=some)
    body = {"object": "response", "status": "completed", "output": [{"type": "message"}], "usage": usage}
    yield "/v1/responses", make.shown(body | {"id": make.new_id()}), tokens
    begun = {"id": make.new_id(), "object": "response", "status": "in_progress", "usage": None}
    delta = {"type": "response.output_text.delta", "delta": make.text()}
    completed = {"type": "response.completed", "response": begun | body}
    yield "/v1/responses", sse({"type": "response.created", "response": begun}, delta, completed), tokens


def anthropic(make: Maker, prompt: int, completion: int) -> Iterator[Told]:
    read, wrote = prompt // 3, prompt // 4
    fresh = {"input_tokens": prompt - read - wrote}
    cache = {"cache_read_input_tokens": read, "cache_creation_input_tokens": wrote}

    def events() -> tuple[dict[str, Any], ...]:
        start = {
            "type": "message",
            "role": "assistant",
            "id": make.new_id(),
            "usage": fresh | cache | {"output_tokens": 1},
        }
        return (
            {"type": "message_start", "message": start},
            {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": make.text()}},
            {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": completion}},
            {"type": "message_stop"},
        )

    tokens = Tokens(completion, prompt, cached=read, write=wrote)
    yield "/v1/messages", sse(*events()), tokens
    yield "/model/anthropic.haiku-3/invoke-with-response-stream", chunks(*events()), tokens


def gemini(make: Maker, prompt: int, completion: int) -> Iterator[Told]:
    tools, thoughts, cached = prompt // 5, completion // 2, prompt // 4
    usage = {
        "promptTokenCount": prompt - tools,
        "toolUsePromptTokenCount": tools,
        "candidatesTokenCount": completion - thoughts,
        "thoughtsTokenCount": thoughts,
        "cachedContentTokenCount": cached,
        "totalTokenCount": prompt + completion,
    }
    parts = {"candidates": [{"content": {"parts": [{"text": make.text()}]}}]}
    tokens = Tokens(completion, prompt, cached=cached, reasoning=thoughts)
    body = parts | {"usageMetadata": usage, "responseId": make.new_id()}
    yield "/v1beta/models/x:generateContent", make.shown(body), tokens
    early = parts | {"usageMetadata": {"promptTokenCount": prompt, "totalTokenCount": prompt}}
    last = parts | {"usageMetadata": usage, "responseId": make.new_id()}
    yield "/v1beta/models/x:streamGenerateContent", json.dumps([early, last]), tokens


def interactions(make: Maker, prompt: int, completion: int) -> Iterator[Told]:
    thoughts = completion // 3
    usage = {"total_input_tokens": prompt, "total_output_tokens": completion - thoughts}
    usage |= {"total_thought_tokens": thoughts, "total_tokens": prompt + completion}
    body = {"id": make.new_id(), "object": "interaction", "status": "completed", "outputs": [{}], "usage": usage}
    yield "/v1beta/interactions", make.shown(body), Tokens(completion, prompt, reasoning=thoughts)


def converse(make: Maker, prompt: int, completion: int) -> Iterator[Told]:
    read, wrote = prompt // 3, prompt // 4
    usage = {"inputTokens": prompt - read - wrote, "cacheReadInputTokens": read, "cacheWriteInputTokens": wrote}
    usage |= {"outputTokens": completion, "totalTokens": prompt + completion}
    tokens = Tokens(completion, prompt, cached=read, write=wrote)
    message = {"message": {"role": "assistant", "content": [{"text": make.text()}]}}
    yield "/model/x/converse", make.shown({"output": message, "stopReason": "end_turn", "usage": usage}), tokens
    events = ({"contentBlockDelta": {"delta": {"text": make.text()}}}, {"metadata": {"usage": usage}})
    yield "/model/x/converse-stream", lines(*events), tokens


def invoke(make: Maker, prompt: int, completion: int) -> Iterator[Told]:
    tokens, half = Tokens(completion, prompt), completion // 2
    results = [{"tokenCount": half, "outputText": "x"}, {"tokenCount": completion - half, "outputText": make.text()}]
    yield "/model/amazon.titan-text/invoke", make.shown({"inputTextTokenCount": prompt, "results": results}), tokens
    first = {"generation": "x", "prompt_token_count": prompt, "generation_token_count": 1}
    last = {"generation": make.text(), "prompt_token_count": None, "generation_token_count": completion}
    yield "/model/meta.llama3/invoke-with-response-stream", chunks(first, last), tokens
    metrics = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": prompt, "outputTokenCount": completion}}
    yield "/model/mistral.small/invoke-with-response-stream", chunks({"outputs": [{"text": "x"}]}, metrics), tokens


def cohere(make: Maker, prompt: int, completion: int) -> Iterator[Told]:
    usage = {
        "billed_units": {"input_tokens": prompt, "output_tokens": completion},
        "tokens": {"input_tokens": prompt + 1_394, "output_tokens": completion + 6},
    }
    tokens = Tokens(completion, prompt)
    message = {"role": "assistant", "content": [{"type": "text", "text": make.text()}]}
    body = {"id": make.new_id(), "finish_reason": "COMPLETE", "message": message, "usage": usage}
    yield "/v2/chat", make.shown(body), tokens
    answer = {"response_id": make.new_id(), "text": make.text(), "meta": usage}
    events = ({"event_type": "text-generation", "text": "x"}, {"event_type": "stream-end", "response": answer})
    yield "/v1/chat", lines(*events), tokens


def ollama(make: Maker, prompt: int, completion: int) -> Iterator[Told]:
    done = {"message": {"content": ""}, "done": True, "prompt_eval_count": prompt, "eval_count": completion}
    yield "/api/chat", lines({"message": {"content": make.text()}, "done": False}, done), Tokens(completion, prompt)
    yield "/api/generate", make.shown({"response": make.text()} | done), Tokens(completion, prompt)


def cut_copies(make: Maker) -> None:
    """A stream, and copies of it that were cut: whatever comes first or last, the one that came to its end is billed.

    A copy that states a greater prompt than that, or another model, is no beginning of it.
    """
    exchange, response_id = make.exchange(path=f"{OTHER_APIS}/v1/messages"), make.new_id()
    prompt, completion = make.tokens()
    models = make.chance.sample(make.models, 2)

    def copy(hours: float, model: str, fresh: int, made: int, fate: str, *, is_cut: bool) -> None:
        usage = {"input_tokens": fresh, "output_tokens": 1}
        start = {"type": "message_start", "message": {"type": "message", "role": "assistant", "id": response_id}}
        start["message"] |= {"model": model, "usage": usage}  # type: ignore[operator] # it is a dict
        text = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": make.text()}}
        end = {"type": "message_delta", "delta": {}, "usage": {"output_tokens": completion}}
        response = sse(start, *make.chance.choice([[], [text], [text, text]])) if is_cut else sse(start, text, end)
        copied = replace(exchange, at=exchange.at + timedelta(hours=hours), response=response)
        make.log(copied, "cut-copies", "measured", Tokens(made, fresh), fate, make.chance.choice(BASE))

    copy(0, models[0], prompt, completion, "billed", is_cut=False)
    for hours, model, fresh, fate in (
        *((-1, models[0], prompt, "duplicate"), (1, models[0], prompt, "duplicate")),
        *((2, models[0], prompt + 1, "conflict"), (3, models[1], prompt, "conflict")),
    ):
        if make.chance.random() < 0.5:
            copy(hours, model, fresh, 1, fate, is_cut=True)


OTHERS: tuple[Trap, ...] = (other_apis, cut_copies)
