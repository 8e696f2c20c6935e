"""Bodies as providers write them.

Usage objects with the counts they mean, plain responses, and SSE transcripts of many habits.

Pure functions of what they are given. Does not own what becomes of a line (``traps`` and its siblings) nor files
(``random_logs``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from wire import Tokens

TEXTS = (
    "A short answer.",
    'It says "usage": {"prompt_tokens": 1, "completion_tokens": 1} in the manual.',
    "The stream ends with data: [DONE]\n\ndata: [DONE]\n\n and then nothing.",
    'data: {"usage": {"prompt_tokens": 7, "completion_tokens": 7, "total_tokens": 14}}\r\n\r\n',
    'Cut here: "}]}, "usage": {"prompt_tokens": 3, "completion_tokens": 3}} {"ts": 1}',
    'Ünïcode, 日本語, a half pair \ud83d, a separator \u2028 and \x85 and a back\\slash "quote"',
)
"""The model may write anything; only the structure counts. A half surrogate pair is what a token boundary leaves."""


def usages(prompt: int, completion: int) -> dict[str, tuple[dict[str, Any], Tokens, str | None]]:
    """Every way to state usage that must be understood.

    Name → (the object, what it means, the model that has this habit).
    """
    part, some = prompt // 2, completion // 2
    pair = {"prompt_tokens": prompt, "completion_tokens": completion}
    plain = {**pair, "total_tokens": prompt + completion}
    means, cached = Tokens(completion, prompt), Tokens(completion, prompt, cached=part)
    reasons = Tokens(completion, prompt, reasoning=some)
    apart = Tokens(completion + completion + 3, prompt, reasoning=completion + 3)
    return {
        "plain": (plain, means, None),
        "no-total": (pair, means, None),
        "total-zero": ({**pair, "total_tokens": 0}, means, None),
        "integral-floats": ({"prompt_tokens": float(prompt), "completion_tokens": float(completion)}, means, None),
        "null-details": ({**plain, "prompt_tokens_details": None, "completion_tokens_details": None}, means, None),
        "nested-usage": (
            {**plain, "breakdown": {"usage": {"prompt_tokens": 1, "completion_tokens": 1}}, "cost": 0.00123},
            means,
            None,
        ),
        "cached-details": ({**plain, "prompt_tokens_details": {"cached_tokens": part}}, cached, None),
        "cached-detail": ({**plain, "prompt_token_details": {"cached_tokens": part}}, cached, None),
        "cached-num": ({**plain, "num_cached_tokens": part}, cached, None),
        "cached-hit": (
            {**plain, "prompt_cache_hit_tokens": part, "prompt_cache_miss_tokens": prompt - part},
            cached,
            None,
        ),
        "cached-flat": ({**plain, "cached_tokens": part}, cached, None),
        "cached-twice-alike": (
            {**plain, "prompt_tokens_details": {"cached_tokens": part}, "prompt_cache_hit_tokens": part},
            cached,
            None,
        ),
        "cache-write": (
            {**plain, "prompt_tokens_details": {"cached_tokens": part, "cache_write_tokens": prompt - part}},
            Tokens(completion, prompt, cached=part, write=prompt - part),
            None,
        ),
        "cache-creation": ({**plain, "cache_creation_tokens": part}, Tokens(completion, prompt, write=part), None),
        "reasoning-inside": ({**plain, "completion_tokens_details": {"reasoning_tokens": some}}, reasons, None),
        "reasoning-flat": ({**plain, "reasoning_tokens": some}, reasons, None),
        "reasoning-apart": (
            {
                **plain,
                "total_tokens": prompt + 2 * completion + 3,
                "completion_tokens_details": {"reasoning_tokens": completion + 3},
            },
            apart,
            None,
        ),
        "audio-apart": (
            {
                **plain,
                "total_tokens": prompt + completion + 11,
                "prompt_tokens_details": {"audio_tokens": 11, "cached_tokens": 0},
            },
            means,
            None,
        ),
        "other-names": (
            {"input_tokens": prompt, "output_tokens": completion, "prompt_tokens": 0, "completion_tokens": 0},
            means,
            None,
        ),
        "another-tokenizer": ({**plain, "reasoning_tokens": completion + 7}, means, None),
        "cached-unknown": (
            {**plain, "prompt_tokens_details": {"cached_tokens": prompt + 9}},
            means,
            "grok-4",
        ),
    }


def usage_of(prompt: int, completion: int) -> dict[str, Any]:
    """The common form."""
    return usages(prompt, completion)["plain"][0]


def plain_body(response_id: str | None, usage: object, text: str, **more: object) -> dict[str, Any]:
    """A plain response; without ``usage`` key where it is ``...``."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": text, "usage": {"prompt_tokens": 5, "completion_tokens": 5}},
        "finish_reason": "stop",
    }
    body = {"id": response_id, "choices": [choice], "usage": usage, **more}
    return {key: value for key, value in body.items() if value is not ...}


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How one provider writes a stream."""

    eol: str = "\n"
    space: str = " "
    separators: tuple[str, str] = (",", ":")
    # the chunk with finish_reason; or "after" (choices []), "x_groq", "running", "placeholder", "null-after"
    usage_at: str = "finish"
    head: str = ""
    before_each: str = ""
    empty_first: bool = False
    done: bool = True
    last_blank: bool = True
    data_lines: int = 1

    def event(self, chunk: object) -> str:
        text = chunk if isinstance(chunk, str) else json.dumps(chunk, separators=self.separators)
        parts = text.split(self.separators[0] + '"choices"') if self.data_lines > 1 else [text]
        tail = [self.separators[0] + '"choices"' + part for part in parts[1:]]
        return self.before_each + "".join(f"data:{self.space}{part}{self.eol}" for part in [parts[0], *tail]) + self.eol

    def transcript(
        self, response_id: str | None, usage: dict[str, Any] | None, text: str, model: str | None = None
    ) -> str:
        """The whole stream, with ``usage`` where this provider puts it; without any where it is None."""
        events = [
            *self.opening(response_id, text, model, running=usage if self.usage_at == "running" else None),
            *self.closing(response_id, usage),
        ]
        whole = self.head + "".join(self.event(event) for event in [*events, *(["[DONE]"] if self.done else [])])
        return whole if self.last_blank else whole.removesuffix(self.eol * 2)

    def opening(
        self, response_id: str | None, text: str, model: str | None, running: dict[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """The chunks with content, a token each."""
        named = {"id": response_id, **({"model": model} if model else {})}
        deltas = [{"role": "assistant", "content": ""}, *({"content": token} for token in pieces(text))]
        chunks: list[dict[str, Any]] = [
            {**named, "choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": None}
            for delta in deltas
        ]
        if running:
            chunks = [
                {**chunk, "usage": {"prompt_tokens": running["prompt_tokens"], "completion_tokens": number}}
                for number, chunk in enumerate(chunks)
            ]
        if self.usage_at == "placeholder":
            chunks[0]["usage"] = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}
        return [
            *([{"id": "", "model": "", "choices": [], "prompt_filter_results": []}] if self.empty_first else []),
            *chunks,
        ]

    def closing(self, response_id: str | None, usage: dict[str, Any] | None) -> list[dict[str, Any]]:
        last: dict[str, Any] = {"id": response_id, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        if usage is None:
            return [last]
        if self.usage_at == "after":
            return [last, {"id": response_id, "choices": [], "usage": usage}]
        if self.usage_at == "x_groq":
            return [{**last, "x_groq": {"id": "req", "usage": usage}}]
        zero = {"prompt_tokens": 0, "completion_tokens": 0}
        after: dict[str, list[dict[str, Any]]] = {
            "null-after": [{"id": response_id, "choices": [], "usage": None}],
            "placeholder": [{"id": response_id, "choices": [], "usage": zero}],
        }
        return [{**last, "usage": usage}, *after.get(self.usage_at, [])]


def cut_stream(habit: Habit, response_id: str | None, text: str) -> str:
    """The stream up to the end of its content: no usage, no end."""
    return "".join(habit.event(chunk) for chunk in habit.opening(response_id, text, None))


def pieces(text: str) -> list[str]:
    """The text as tokens: none of them empty."""
    return [text[start : start + 5] for start in range(0, len(text), 5)]


AI21 = Habit(eol="\r\n", separators=(", ", ": "))
OPENAI = Habit(usage_at="after")
HABITS = {
    "ai21": AI21,
    "openai": OPENAI,
    "groq": Habit(usage_at="x_groq"),
    "azure": Habit(usage_at="after", empty_first=True),
    "openrouter": Habit(usage_at="after", before_each=": OPENROUTER PROCESSING\n\n"),
    "null-after-usage": Habit(usage_at="null-after"),
    "zero-placeholder": Habit(usage_at="placeholder"),
    "running-totals": Habit(usage_at="running"),
    "no-done": Habit(done=False),
    "last-event-without-blank-line": Habit(done=False, last_blank=False, eol="\r\n"),
    "no-space": Habit(space=""),
    "other-fields": Habit(before_each="event: message\nid: 7\nretry: 100\n"),
    "bom-and-blanks": Habit(head="\ufeff: hello\n\n\n"),
    "carriage-returns": Habit(eol="\r"),
    "many-data-lines": Habit(data_lines=2),
}
