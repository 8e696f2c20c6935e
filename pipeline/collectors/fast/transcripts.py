"""The transcript of a usual stream, chunk by chunk; whatever is unusual is not read here.

Owns what is usual: every payload a chunk of OpenAI-compatible chat, or no JSON object at all. The rules are those of
``families.chat``, which reads all that this module returns ``None`` for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.collectors.bodies.sse import read_transcript
from pipeline.collectors.fast.documents import part_of
from pipeline.collectors.fast.fields import is_identifier, is_label, is_model, is_usual_object
from pipeline.collectors.fast.usage import counted

if TYPE_CHECKING:
    from pipeline.collectors.fast.documents import Document
    from pipeline.collectors.fast.usage import Tokens

    Reading: TypeAlias = tuple[str, str | None, str | None, str | None, str | None, Tokens | None, int | None]
    """Status, response id, model, tier, finish reason, tokens, content chunks."""


def read(text: str, *, depth_max: int) -> Reading | None:
    """Return what a transcript says, ``None`` where the plain reader must say it."""
    seen = _Seen()
    for payload in _payloads(text):
        if payload[:1] == "{":
            if not seen.add(payload, depth_max):
                return None
        elif payload.lstrip()[:1] == "{" or payload.startswith("data:"):
            return None
    return seen.reading()


def _payloads(text: str) -> list[str]:
    """Return the payloads that ``sse.read_transcript`` does.

    Of one event a line, and nothing else, without going through its lines.
    """
    end = "\r\n\r\n" if text.endswith("\r\n\r\n") else "\n\n"
    events = text.split(end)
    if (
        events[-1] == ""
        and all(event.startswith("data: ") for event in events[:-1])
        and text.count("\n") == (len(events) - 1) * 2
    ):
        line_ends = len(end) // 2 - 1
        if text.count("\r") == (len(events) - 1) * 2 * line_ends:
            return [event[6:] for event in events[:-1]]
    return read_transcript(text).payloads


class _Seen:
    """What the chunks so far have said."""

    __slots__ = ("finish_reason", "is_chat", "model", "response_id", "tier", "tokens")

    def __init__(self) -> None:
        self.response_id: str | None = None
        self.model: str | None = None
        self.tier: str | None = None
        self.finish_reason: str | None = None
        self.tokens: Tokens | None = None
        self.is_chat = False

    def add(self, payload: str, depth_max: int) -> bool:
        """Take in the next chunk; false where it is not usual."""
        chunk = part_of(payload, depth_max=depth_max)
        said = chunk.as_dict() if chunk is not None else {}
        choices, usage, tier = said.get("choices"), said.get("usage"), said.get("service_tier")
        if chunk is None or len(chunk) != len(said) or type(choices) is not list:
            return False
        if (
            said.get("error") is not None
            or said.get("x_groq") is not None
            or not is_usual_object(said.get("object"))
            or not is_label(tier)
        ):
            return False
        if not self.response_id:
            self.response_id = said.get("id")
            if not is_identifier(self.response_id):
                return False
        if not self.model:
            self.model = said.get("model")
            if not is_model(self.model):
                return False
        if usage is not None and any(type(choice) is not dict or choice.get("index") for choice in choices):
            return False  # it may be that of one choice alone
        if not self._add_choices(chunk, choices) or (usage is not None and not self._add_usage(chunk, usage, tier)):
            return False
        self.tier = tier or self.tier
        return True

    def _add_choices(self, chunk: Document, choices: list[Any]) -> bool:
        for place, choice in enumerate(choices):
            delta = choice.get("delta") if type(choice) is dict else None
            if type(delta) is not dict:
                return False
            where = chunk["choices"][place]
            if len(where) != len(choice) or len(where["delta"]) != len(delta):
                return False  # a key is stated twice
            reason, content = choice.get("finish_reason"), delta.get("content")
            if not is_label(reason) or not (content is None or type(content) is str):
                return False
            self.is_chat = True
            self.finish_reason = reason or self.finish_reason
        return True

    def _add_usage(self, chunk: Document, usage: Any, tier: str | None) -> bool:
        tokens = counted(chunk["usage"], usage) if type(usage) is dict else None
        if tokens is None:
            return False
        if not tier:
            tier = usage.get("service_tier")
            if not is_label(tier):
                return False
            self.tier = tier or self.tier
        if self.tokens is not None and not (tokens[0] and tokens[1]):
            return False  # it may be stated in parts
        self.tokens = tokens
        return True

    def reading(self) -> Reading | None:
        """Return what all chunks say together, where they state usage: what they do not, the plain reader estimates."""
        if not self.is_chat or self.tokens is None or not (self.tokens[0] and self.tokens[1]):
            return None
        return (
            "measured",
            self.response_id or None,
            self.model or None,
            self.tier,
            self.finish_reason,
            self.tokens,
            None,
        )
