"""Seeded lines of request logs: bodies as templates, made once, and lines cut from them, fast enough for gigabytes.

Owns what is in a line and the row that a correct reader finds in it. Does not own files (``generate``).

The bodies are those of AI21's Jamba models: streams of one token per chunk with CRLF between events and usage in the
last chunk, plain documents with usage at the end. What real logs do to readers is there in small shares: usage and
``[DONE]`` inside the text, escapes, other scripts, long lines, cut streams, errors, lines cut or run together by a
crash.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from string import ascii_letters, digits
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.turns.rows import Row

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

KINDS = ("streams", "short", "mixed", "obfuscated")
"""The last are streams with a text in every chunk that differs in length, as OpenAI pads what it sends."""
MODELS = ("jamba-large", "jamba-mini", "jamba-large-1.7", "jamba-mini-1.7")
KEYS = 40

_ID = "chatcmpl-IDENTITY"
_USAGE = '"USAGE"'
_TEMPLATES = 64
_LONG_TOKENS = 6_000  # about a megabyte of stream
_BEGINS_AT = datetime(2026, 3, 1, 6, tzinfo=UTC)
_STEP_MS = {"streams": 9_000, "short": 600, "mixed": 1_200, "obfuscated": 9_000}  # a quarter gigabyte is about a day
_WORDS = (  # of no meaning; what counts is how they are written in JSON
    *(
        "rain",
        "is",
        "likely",
        "over",
        "the",
        "northern",
        "valleys",
        "until",
        "early",
        "evening",
        "and",
        "a",
        "softer",
        "grip",
        "for",
        "ripe",
        "pears",
    ),
    *(
        "order",
        "leaves",
        "warehouse",
        "Thursday",
        "arrives",
        "two",
        "days",
        "later",
        "three",
        "five",
        "pumps",
        "serviced",
        "report",
        "attached",
        "below",
    ),
    *(",", ".", "\n", "\n\n", ":", ";", "(", ")", "\u2013", "\xe9", "\\", '"', "1", "24", "%", "{", "}"),
)
_TRICKY = (
    '"usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}',
    "data: [DONE]",
    '\r\n\r\ndata: {"usage": {"prompt_tokens": 7, "completion_tokens": 7}}\r\n\r\n',
    '"}, "status": 500, "api_key_id": "key_of_somebody_else", "x": "',
    "\\\\\\",
    '\\"',
    "\u2028\u2029",
    "日本語のテキスト",
    "👩‍👩‍👧",
    "\u0000\u001f",
    '"finish_reason": "length"',
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What a log is made of; equal recipes make equal bytes."""

    kind: str
    seed: int = 1
    has_prompts: bool = True
    """The request is logged with its messages."""

    def __post_init__(self) -> None:
        """Refuse a kind that there is not."""
        if self.kind not in KINDS:
            message = f"kind is {self.kind!r}; it is one of {', '.join(KINDS)}"
            raise ValueError(message)


class Line(NamedTuple):
    """A line with its terminator, and the row in it; ``None`` where a correct reader finds no exchange."""

    content: bytes
    row: Row | None


class _Template(NamedTuple):
    """A body around its id and usage. ``parts`` are joined by the id, on either side of the usage."""

    before: list[str]
    after: list[str]
    completion_tokens: int
    is_text: bool
    """The body is logged as a string, and so escaped once more."""
    has_usage: bool
    model: str | None

    def filled(self, response_id: str, usage: str) -> str:
        body = response_id.join(self.before)
        return (
            body + (usage.replace('"', '\\"') if self.is_text else usage) + response_id.join(self.after)
            if self.has_usage
            else body
        )


class _Layout(NamedTuple):
    """How one gateway writes its lines."""

    order: tuple[str, ...]
    comma: str = ", "
    colon: str = ": "
    end: str = "\n"
    offset_hours: int = 0


_USUAL = _Layout(("ts", "request_id", "api_key_id", "status", "method", "path", "request", "response"))
_ODD = (
    _USUAL._replace(comma=",", colon=":"),
    _USUAL._replace(end="\r\n", offset_hours=2),
    _USUAL._replace(order=(*_USUAL.order, "latency_ms", "upstream")),
    _USUAL._replace(
        order=("status", "response", "request", "path", "method", "ts", "api_key_id", "request_id"), offset_hours=-5
    ),
    _USUAL._replace(order=("upstream", *_USUAL.order), comma=" ,  ", colon=" :\t"),
    _USUAL._replace(
        order=("ts", "host", "api_key_id", "status", "path", "request", "response", "latency_ms"), comma=",", colon=":"
    ),
)
_FAILURES = (
    (429, '{"detail": "Too many requests"}'),
    (422, '{"detail": "max_tokens is too large"}'),
    (500, "null"),
    (503, '"upstream connect error"'),
)


def lines_of(recipe: Recipe) -> Iterator[Line]:
    """Yield the lines of a log without end."""
    return _Maker(recipe).lines()


class _Maker:
    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._chance = random.Random(f"{recipe.kind} {recipe.seed}")
        self._keys = [f"key_{self._chance.getrandbits(128):032x}" for _ in range(KEYS)]
        has_streams, has_documents = recipe.kind != "short", recipe.kind in ("short", "mixed")
        many, few = range(_TEMPLATES), range(8)
        self._prompts = [
            json.dumps(self._text(self._chance.randint(20, 120), is_tricky=number % 16 == 0)) for number in many
        ]
        self._streams = [
            self._stream(self._chance.randint(150, 280), is_tricky=number % 32 == 0) for number in many if has_streams
        ]
        self._cut = [self._stream(self._chance.randint(5, 200), is_cut=True) for _ in few if has_streams]
        self._long = self._stream(_LONG_TOKENS) if has_streams else None
        self._documents = [self._document(self._chance.randint(120, 260), number) for number in many if has_documents]
        self._half = self._document(40, 1, half_a_character="\\ud83d")
        self._at_ms = int(_BEGINS_AT.timestamp() * 1_000)

    def lines(self) -> Iterator[Line]:
        chance = self._chance
        while True:
            line = self._line()
            fate = chance.random()
            if fate < 0.0005:  # noqa: PLR2004 - a crash cut the line short
                yield Line(line.content[: chance.randrange(1, len(line.content.rstrip()))] + b"\n", None)
            elif fate < 0.001:  # noqa: PLR2004 - a crash, and the next run went on in the same line
                yield Line(line.content[: chance.randrange(1, len(line.content.rstrip()))] + self._line().content, None)
            else:
                if fate > 0.9995:  # noqa: PLR2004 - a blank line now and then
                    yield Line(b"\n", None)
                yield line

    def _line(self) -> Line:
        chance, is_mixed = self._chance, self._recipe.kind == "mixed"
        self._at_ms += chance.randrange(2 * _STEP_MS[self._recipe.kind])
        layout = chance.choice(_ODD) if chance.random() < (0.5 if is_mixed else 0.005) else _USUAL
        key, model, prompt = chance.choice(self._keys), chance.choice(MODELS), chance.choice(self._prompts)
        response_id = f"chatcmpl-{chance.getrandbits(128):032x}"
        if chance.random() < 0.01:  # noqa: PLR2004 - one in a hundred calls fails
            status, response = chance.choice(_FAILURES)
            row = Row(None, key, model, status, None, None, None, self._date())
            return Line(
                self._written(layout, model=model, key=key, prompt=prompt, status=status, response=response), row
            )
        template = self._template()
        prompt_tokens = chance.randint(20, 60_000)
        cached = prompt_tokens // 2 if chance.random() < 0.05 else None  # noqa: PLR2004 - one in twenty
        response = template.filled(response_id, _usage_text(prompt_tokens, template.completion_tokens, cached))
        stated = (prompt_tokens, template.completion_tokens, cached) if template.has_usage else (None, None, None)
        row = Row(response_id, key, template.model or model, 200, stated[0], stated[1], stated[2], self._date())
        return Line(self._written(layout, model=model, key=key, prompt=prompt, status=200, response=response), row)

    def _date(self) -> date:
        return datetime.fromtimestamp(self._at_ms / 1_000, UTC).date()

    def _template(self) -> _Template:
        chance, kind, fate = self._chance, self._recipe.kind, self._chance.random()
        is_stream = kind in ("streams", "obfuscated") or (kind == "mixed" and chance.random() < 0.35)  # noqa: PLR2004 - about a third
        if fate < 0.0002 and self._long is not None:  # noqa: PLR2004 - a very long answer
            return self._long
        if kind == "mixed" and fate < 0.003:  # noqa: PLR2004 - half a surrogate pair, as token-wise loggers write it
            return self._half
        if is_stream:
            return chance.choice(self._cut if fate > 0.995 else self._streams)  # noqa: PLR2004 - clients that went away
        return chance.choice(self._documents)

    def _written(self, layout: _Layout, *, model: str, key: str, prompt: str, status: int, response: str) -> bytes:
        comma, colon = layout.comma, layout.colon
        messages = (
            f'{comma}"messages"{colon}[{{"role"{colon}"user"{comma}"content"{colon}{prompt}}}]'
            if self._recipe.has_prompts
            else ""
        )
        at = datetime.fromtimestamp(self._at_ms / 1_000, timezone(timedelta(hours=layout.offset_hours)))
        values = {
            "ts": f'"{at.isoformat(timespec="milliseconds")}"',
            "request_id": f'"{self._chance.getrandbits(64):016x}"',
            "api_key_id": f'"{key}"',
            "status": str(status),
            "method": '"POST"',
            "path": '"/studio/v1/chat/completions"',
            "host": '"api.example.com"',
            "request": (
                f'{{"model"{colon}"{model}"{messages}{comma}"stream"{colon}'
                f"{'true' if response.startswith(chr(34)) else 'false'}}}"
            ),
            "response": response,
            "latency_ms": str(self._chance.randrange(200, 20_000)),
            "upstream": '{"name": "a", "usage": {"prompt_tokens": 3, "completion_tokens": 3}, "attempts": [1, 2]}',
        }
        return ("{" + comma.join(f'"{name}"{colon}{values[name]}' for name in layout.order) + "}" + layout.end).encode()

    def _text(self, words: int, *, is_tricky: bool) -> str:
        return " ".join(self._tokens(words, is_tricky=is_tricky))

    def _tokens(self, count: int, *, is_tricky: bool) -> list[str]:
        tokens = self._chance.choices(_WORDS, k=count)
        for _ in range(count // 10 if is_tricky else 0):
            tokens[self._chance.randrange(count)] = self._chance.choice(_TRICKY)
        return tokens

    def _stream(self, count: int, *, is_tricky: bool = False, is_cut: bool = False) -> _Template:
        """Make a stream of ``count`` tokens; a cut one ends within a chunk and states no usage."""
        deltas: list[dict[str, str]] = [
            {"role": "assistant"},
            *({"content": f" {token}"} for token in self._tokens(count, is_tricky=is_tricky)),
        ]
        chunks = [
            json.dumps(
                {"id": _ID, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} | self._padding(),
                ensure_ascii=count % 2 == 0,
            )
            for delta in deltas
        ]
        last = (
            f'{{"id": "{_ID}", "choices": [{{"index": 0, "delta": {{"content": ""}}, "finish_reason": '
            f'"stop"}}], "usage": {_USAGE}}}'
        )
        events = [f"data: {chunk}\r\n\r\n" for chunk in (chunks if is_cut else [*chunks, last])]
        transcript = "".join(events)[:-40] if is_cut else "".join([*events, "data: [DONE]\r\n\r\n"])
        return _template(
            json.dumps(transcript, ensure_ascii=count % 3 == 0),
            completion_tokens=count + 1,
            is_text=True,
            has_usage=not is_cut,
        )

    def _padding(self) -> dict[str, str]:
        if self._recipe.kind != "obfuscated":
            return {}
        return {"obfuscation": "".join(self._chance.choices(ascii_letters + digits, k=self._chance.randrange(4, 24)))}

    def _document(self, count: int, number: int, half_a_character: str = "") -> _Template:
        message = {"role": "assistant", "content": self._text(count, is_tricky=number % 32 == 0), "tool_calls": None}
        choice = json.dumps(
            {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}, ensure_ascii=number % 2 == 0
        )
        is_mixed = self._recipe.kind == "mixed"
        model = "jamba-mini-1.7-2026-02" if is_mixed and number % 4 == 0 else None
        stated = f', "model": "{model}"' if model else ""
        choice = choice.replace('"content": "', f'"content": "{half_a_character}')
        body = f'{{"id": "{_ID}", "choices": [{choice}], "usage": {_USAGE}{stated}}}'
        is_text = is_mixed and number % 4 == 2  # noqa: PLR2004 - a quarter of the bodies
        return _template(
            json.dumps(body) if is_text else body,
            completion_tokens=count + 1,
            is_text=is_text,
            has_usage=True,
            model=model,
        )


def _template(
    body: str, *, completion_tokens: int, is_text: bool, has_usage: bool, model: str | None = None
) -> _Template:
    usage = _USAGE.replace('"', '\\"') if is_text else _USAGE
    before, _, after = body.rpartition(usage) if has_usage else (body, "", "")
    return _Template(before.split(_ID), after.split(_ID), completion_tokens, is_text, has_usage, model)


def _usage_text(prompt_tokens: int, completion_tokens: int, cached: int | None) -> str:
    details = f', "prompt_tokens_details": {{"cached_tokens": {cached}}}' if cached is not None else ""
    return (
        f'{{"prompt_tokens": {prompt_tokens}, "completion_tokens": {completion_tokens}, "total_tokens": '
        f"{prompt_tokens + completion_tokens}{details}}}"
    )
