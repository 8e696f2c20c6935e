"""The transcript of a usual stream, chunk by chunk with a typed decoder; whatever is unusual is not read here.

Owns what is usual: every payload a chunk of OpenAI-compatible chat or ``[DONE]``. The rules are those of ``chat.read_stream``,
which reads all that this module returns ``None`` for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from pipeline.collectors.fast.documents import decode_chunk
from pipeline.collectors.fast.fields import identifier, is_usual_object, label, model
from pipeline.collectors.fast.texts import decoded
from pipeline.collectors.fast.usage import Tokens, counted
from pipeline.collectors.sse import read_transcript

if TYPE_CHECKING:
    from pipeline.collectors.fast.documents import Chunk, Usage

Reading = tuple[str, str | None, str | None, str | None, str | None, Tokens | None, int | None]
"""Status, response id, model, tier, finish reason, tokens, content chunks."""


def read(text: str, *, dropped: int, depth_max: int) -> Reading | None:
    """Return what a transcript says, ``None`` where the plain reader must say it; ``dropped`` chunks with content were cut out of it."""
    transcript = read_transcript(text)
    seen = _Seen(dropped)
    for payload in transcript.payloads:
        if payload == "[DONE]":
            continue
        chunk = decoded(payload, decode_chunk, depth_max=depth_max)
        if chunk is None or not seen.add(chunk):
            return None
    return seen.reading(has_error=transcript.has_error)


class _Seen:
    __slots__ = ("content_chunks", "finish_reason", "is_chat", "model", "response_id", "tier", "tokens")

    def __init__(self, dropped: int) -> None:
        self.response_id: str | None = None
        self.model: str | None = None
        self.tier: str | None = None
        self.finish_reason: str | None = None
        self.tokens: Tokens | None = None
        self.content_chunks = dropped
        self.is_chat = False

    def add(self, chunk: Chunk) -> bool:
        """Take in the next chunk; false where it is not usual."""
        if chunk.choices is None or not is_usual_object(chunk.object):
            return False
        tier = chunk.service_tier or (chunk.usage.service_tier if chunk.usage is not None else None)
        if not ((self.response_id or not chunk.id or identifier(chunk.id)) and (self.model or not chunk.model or model(chunk.model)) and (not tier or label(tier))):
            return False
        self.response_id = self.response_id or chunk.id or None
        self.model = self.model or chunk.model or None
        self.tier = tier or self.tier
        return self._add_choices(chunk) and (chunk.usage is None or self._add_usage(chunk.usage))

    def _add_choices(self, chunk: Chunk) -> bool:
        has_content = False
        for choice in chunk.choices or ():
            if choice.text is not UNSET or choice.delta is None or (choice.finish_reason and not label(choice.finish_reason)):
                return False
            self.is_chat = True
            self.finish_reason = choice.finish_reason or self.finish_reason
            has_content = has_content or bool(choice.delta.content)
        self.content_chunks += has_content
        return True

    def _add_usage(self, usage: Usage) -> bool:
        tokens = counted(usage)
        if tokens is None:
            return False
        if self.tokens is None or tokens[0] or tokens[1]:  # a zero placeholder never replaces real usage
            self.tokens = tokens
        return True

    def reading(self, *, has_error: bool) -> Reading | None:
        """Return what all chunks say together."""
        if not self.is_chat:
            return None
        common = (self.response_id, self.model, self.tier, self.finish_reason)
        if self.tokens is not None:
            return ("measured", *common, self.tokens, None)
        if has_error:
            return ("failed", *common, None, self.content_chunks)
        if self.content_chunks:
            return ("estimated", *common, (None, self.content_chunks, None, None, None), self.content_chunks)
        return ("unknown", *common, None, 0)
