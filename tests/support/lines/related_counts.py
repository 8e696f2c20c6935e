"""Lines whose counts hang together in every way: equal, sums of others, stated twice, in the body and beside it.

Owns the lines, as gateways and providers write them, and how counts are related. Does not own what they mean.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from readings import sse

from pipeline.collectors.families import chat_usage as names

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

Document = dict[str, Any]

MODELS = ("jamba-mini", "sonar-pro", "azure_ai/grok-3", "gemini-2.5-pro", "opus-4-5", "amazon.nova-lite-v1:0")
_PARTS = (
    *("_CACHED", "_CACHED", "_WRITTEN", "_WRITTEN_5M", "_WRITTEN_1H", "_REASONING", "_REASONING", "_PROMPT_AUDIO"),
    *("_CACHED_AUDIO", "_COMPLETION_AUDIO"),
)
"""The parts of a usage by the places that ``chat_usage`` knows of each."""
_PATHS = (*["/v1/chat/completions"] * 6, "/v1/messages", "/v1/moderations", "/gateway/route")


class Counts:
    """Counts that are sums of a few: many are equal, or sums of others."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        greatest = chance.choice((3, 9, 50, 10**4, 10**6))
        self._few = [chance.randint(1, greatest) for _ in range(chance.choice((2, 3, 4)))]

    def one(self) -> int:
        """Return a count."""
        return sum(self.chance.choices(self._few, k=self.chance.choice((1, 1, 2, 2, 3, 6))))


def line(chance: random.Random) -> bytes:
    """Return a line of a request log, which may count beside its answer."""
    counts, model = Counts(chance), chance.choice(MODELS)
    body = chance.choice((_document, _document, _stream, _cut, _message, _converse))(counts, model)
    stated = {"ts": "2026-03-01T06:51:19Z", "request_id": f"r-{chance.getrandbits(40):x}", "api_key_id": "k"}
    stated |= {"status": chance.choice((200, 200, 200, 500)), "path": chance.choice(_PATHS)}
    stated |= {"request": {"model": model}, "response": chance.choice((body, body, body, None))}
    if chance.random() < 0.5:
        stated["usage"] = _usage(counts)
    return json.dumps(stated).encode()


def _usage(counts: Counts) -> Document:
    """Return a usage object, some of whose parts are stated under two names, with a total, right or wrong, or none."""
    chance = counts.chance
    usage: Document = {chance.choice(names.PROMPT): counts.one(), chance.choice(names.COMPLETION): counts.one()}
    whole = sum(usage.values())
    for part in chance.sample(_PARTS, chance.choice((0, 1, 2, 3, 4))):
        count = counts.one()
        for place in chance.sample(getattr(names, part), chance.choice((1, 1, 1, 2))):
            _put(usage, place, chance.choice((count, count, count, counts.one())))
        whole += chance.choice((0, 0, count))
    if chance.random() < 0.6:
        usage[chance.choice(names.TOTAL)] = chance.choice((whole, whole, counts.one()))
    if chance.random() < 0.1:
        usage[chance.choice([*usage])] = chance.choice((0, None))
    return usage


def _put(usage: Document, place: Sequence[str], count: int) -> None:
    for name in place[:-1]:
        inner = usage.get(name)
        usage = usage[name] = inner if isinstance(inner, dict) else {}
    usage[place[-1]] = count


def _document(counts: Counts, model: str) -> Document:
    choices = [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}]
    return {"id": "c", "object": "chat.completion", "model": model, "choices": choices, "usage": _usage(counts)}


def _stream(counts: Counts, model: str) -> str:
    """Return chunks that state usage again and again, of one choice or of several."""
    chance = counts.chance
    chosen = chance.sample(range(3), chance.choice((1, 2, 3)))
    chunks = [
        {"id": "c", "model": model, "choices": [{"index": at, "delta": {"content": "x"}}], "usage": _usage(counts)}
        for at in chosen * chance.choice((1, 2))
    ]
    return sse(*chunks)


def _message(counts: Counts, model: str) -> Document:
    content = [{"type": "text", "text": "x"}]
    return {"id": "c", "type": "message", "role": "assistant", "model": model, "content": content} | {
        "usage": _of_anthropic(counts)
    }


def _cut(counts: Counts, model: str) -> str:
    """Return a stream of messages that was cut, or was not."""
    start = {"type": "message_start", "message": _message(counts, model)}
    end = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": _of_anthropic(counts)}
    return sse(start, *([end] if counts.chance.random() < 0.3 else []))


def _converse(counts: Counts, model: str) -> Document:
    """Return an answer of Converse, which says entry by entry what was written to a cache."""
    chance = counts.chance
    usage: Document = {"inputTokens": counts.one(), "outputTokens": counts.one(), "cacheWriteInputTokens": counts.one()}
    usage |= {"totalTokens": sum(usage.values())} if chance.random() < 0.5 else {}
    entries = [{"ttl": chance.choice(("1h", "1h", "5m")), "inputTokens": counts.one()} for _ in range(3)]
    message = {"role": "assistant", "content": [{"text": f"{model} said so"}]}
    return {"output": {"message": message}, "stopReason": "end_turn", "usage": usage | {"cacheDetails": entries}}


def _of_anthropic(counts: Counts) -> Document:
    usage = {"input_tokens": counts.one(), "output_tokens": counts.one()}
    others = ("cache_read_input_tokens", "cache_creation_input_tokens")
    return usage | {name: counts.one() for name in others if counts.chance.random() < 0.5}
