"""The transcript of a usual stream, chunk by chunk with a typed decoder; whatever is unusual is not read here.

Owns what is usual: every payload a chunk of OpenAI-compatible chat or ``[DONE]``. The rules are those of ``chat.read_stream``,
which reads all that this module returns ``None`` for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import MsgspecError

from pipeline.collectors.fast.documents import decode_chunk
from pipeline.collectors.fast.fields import identifier, is_usual_object, label, model
from pipeline.collectors.fast.usage import Tokens, counted
from pipeline.collectors.sse import read_transcript

if TYPE_CHECKING:
    from pipeline.collectors.fast.documents import Chunk, ChunkUsage

Reading = tuple[str, str | None, str | None, str | None, str | None, Tokens | None, int | None]
"""Status, response id, model, tier, finish reason, tokens, content chunks."""

DEPTH = 5
"""How deep a chunk is nested at most: chunk, usage, details; or chunk, choices, choice, delta."""

_KEY = re.compile(r'"([a-z_]+)"[ \t\r\n]*:')
_ESCAPED_LETTER = re.compile(r"\\u00[0-7]")
_ANYWHERE = frozenset(("audio_tokens",))  # stated of the prompt and of the completion, and not read
_INTEGER_MAX = 2**63  # far below what a double holds


def read(text: str, *, dropped: int, depth_max: int) -> Reading | None:
    """Return what a transcript says, ``None`` where the plain reader must say it; ``dropped`` chunks with content were cut out of it."""
    if depth_max < DEPTH:
        return None
    transcript = read_transcript(text)
    seen = _Seen(dropped)
    for payload in transcript.payloads:
        if payload == "[DONE]":
            continue
        chunk = _chunk(payload)
        if chunk is None or not seen.add(chunk):
            return None
    return seen.reading(has_error=transcript.has_error)


def _chunk(payload: str) -> Chunk | None:
    """Decode a payload, unless a key is stated twice or may be written with escapes."""
    stated = _KEY.findall(payload)
    if (len(set(stated)) != len(stated) and _repeats(stated)) or ("\\u00" in payload and _ESCAPED_LETTER.search(payload)):
        return None
    try:
        return decode_chunk(payload)
    except (MsgspecError, UnicodeError):
        return None


def _repeats(stated: list[str]) -> bool:
    ours = [key for key in stated if key not in _ANYWHERE]
    return len(set(ours)) != len(ours)


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
        if chunk.choices is None or not is_usual_object(chunk.object) or not -_INTEGER_MAX < (chunk.created or 0) < _INTEGER_MAX:
            return False
        tier = chunk.service_tier or (chunk.usage.service_tier if chunk.usage is not None else None)
        if not (
            (self.response_id or not chunk.id or identifier(chunk.id)) and (self.model or not chunk.model or model(chunk.model)) and (not tier or label(tier))
        ):
            return False
        self.response_id = self.response_id or chunk.id or None
        self.model = self.model or chunk.model or None
        self.tier = tier or self.tier
        return self._add_choices(chunk) and (chunk.usage is None or self._add_usage(chunk.usage))

    def _add_choices(self, chunk: Chunk) -> bool:
        has_content = False
        for choice in chunk.choices or ():
            if not -_INTEGER_MAX < choice.index < _INTEGER_MAX or (choice.finish_reason and not label(choice.finish_reason)):
                return False
            self.is_chat = True
            self.finish_reason = choice.finish_reason or self.finish_reason
            has_content = has_content or bool(choice.delta.content)
        self.content_chunks += has_content
        return True

    def _add_usage(self, usage: ChunkUsage) -> bool:
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
