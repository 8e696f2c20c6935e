"""The bodies of OpenAI-compatible chat completions, AI21's first of all: plain documents and streams of chunks.

Owns which of the stated usages counts, what a stream without usage amounts to, and the fields of the answer.
Does not own the counts inside ``usage`` (``token_counts``) nor other families (``families``).

AI21 states usage in the last chunk, beside ``finish_reason``; OpenAI in a chunk without choices, and only when asked;
Groq under ``x_groq``; Perplexity states running totals in every chunk. So the last stated usage wins, and nothing is summed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.collectors import fields
from pipeline.collectors.families import OPENAI_CHAT
from pipeline.collectors.token_counts import both_counts, token_counts, usage_object
from pipeline.usage import TokenCounts, UsageStatus

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.strict_json import JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyReading:
    """What a body says; ``tokens`` only where it is ``measured`` or ``estimated``."""

    status: UsageStatus
    dialect: str | None = None
    response_id: str | None = None
    model_reported: str | None = None
    service_tier: str | None = None
    finish_reason: str | None = None
    is_stream: bool | None = None
    """Whether the answer came as a stream; ``None`` where there is none to tell it from."""
    choices: int | None = None
    tokens: TokenCounts | None = None
    content_chunks: int | None = None
    other_usage: str | None = None
    left_out: str | None = None


def is_chat_completion(documents: Sequence[JsonObject]) -> bool:
    """Tell whether documents have the structure of a chat completion with usage: a list of choices and a usage object."""
    return any(isinstance(document.get("choices"), list) for document in documents) and any(
        isinstance(usage, dict) and usage for document in documents for usage in (document.get("usage"), _x_groq_usage(document))
    )


def read_document(document: JsonObject, *, model_requested: str | None) -> BodyReading:
    """Read a plain body. One usage covers all choices, the prompt counted once. Raises ``LineRefused``."""
    usage = usage_object(document.get("usage"))
    model = fields.model(document.get("model"), "response.model")
    status = UsageStatus.FAILED if document.get("error") else UsageStatus.UNKNOWN
    tokens, dialect = None, OPENAI_CHAT
    if usage is not None and (stated := both_counts(usage)) is not None:
        status = UsageStatus.MEASURED
        tokens, dialect = _normalised(usage, stated, model or model_requested)
    choices = document.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return BodyReading(
        status=status,
        dialect=dialect,
        response_id=fields.identifier(document.get("id"), "response.id"),
        model_reported=model,
        service_tier=_service_tier(document, usage),
        finish_reason=fields.label(first.get("finish_reason"), "finish_reason") if isinstance(first, dict) else None,
        is_stream=False,
        choices=len(choices) if isinstance(choices, list) else None,
        tokens=tokens,
    )


def read_stream(chunks: Sequence[JsonObject], *, has_error: bool, model_requested: str | None, choices_requested: int | None) -> BodyReading:
    """Read the chunks of a stream. Without usage a stream is failed, estimated from its content, or unknown. Raises ``LineRefused``."""
    seen = _Seen()
    for chunk in chunks:
        seen.add(chunk)
    tokens, dialect, status = None, OPENAI_CHAT, UsageStatus.UNKNOWN
    if seen.usage is not None:
        status = UsageStatus.MEASURED
        tokens, dialect = _normalised(seen.usage, seen.stated, seen.model or model_requested)
    elif has_error or seen.has_error:
        status = UsageStatus.FAILED
    elif seen.content_chunks:
        status = UsageStatus.ESTIMATED
        tokens = TokenCounts(prompt_tokens=None, completion_tokens=seen.content_chunks)
    return BodyReading(
        status=status,
        dialect=dialect,
        response_id=seen.response_id,
        model_reported=seen.model,
        service_tier=seen.service_tier,
        finish_reason=seen.finish_reason,
        is_stream=True,
        choices=choices_requested,
        tokens=tokens,
        content_chunks=seen.content_chunks if seen.usage is None else None,
    )


@dataclass(slots=True)
class _Seen:
    """What the chunks so far have said."""

    response_id: str | None = None
    model: str | None = None
    service_tier: str | None = None
    finish_reason: str | None = None
    usage: JsonObject | None = None
    stated: tuple[int, int] = (0, 0)
    has_error: bool = False
    content_chunks: int = 0

    def add(self, chunk: JsonObject) -> None:
        """Take in the next chunk: the first id and model, the last tier, finish reason and usage."""
        response_id, model = chunk.get("id"), chunk.get("model")
        if self.response_id is None:
            self.response_id = fields.identifier(response_id, "response.id")
        if self.model is None:
            self.model = fields.model(model, "response.model")
        usage = usage_object(chunk.get("usage"))
        self.service_tier = _service_tier(chunk, usage) or self.service_tier
        self._add_usage(usage)
        self._add_usage(usage_object(_x_groq_usage(chunk)))
        self.has_error = self.has_error or chunk.get("error") is not None
        choices = chunk.get("choices")
        if isinstance(choices, list):
            self._add_choices(choices)

    def _add_usage(self, usage: JsonObject | None) -> None:
        counts = both_counts(usage) if usage is not None else None
        if counts is not None and (any(counts) or self.usage is None):  # a zero placeholder never replaces real usage
            self.usage, self.stated = usage, counts

    def _add_choices(self, choices: list[Any]) -> None:
        has_content = False
        for choice in choices:
            if not isinstance(choice, dict):
                continue
            self.finish_reason = fields.label(choice.get("finish_reason"), "finish_reason") or self.finish_reason
            delta = choice.get("delta")
            content = delta.get("content") if isinstance(delta, dict) else None
            has_content = has_content or (isinstance(content, str | list) and bool(content))
        self.content_chunks += has_content


def _normalised(usage: JsonObject, stated: tuple[int, int], model: str | None) -> tuple[TokenCounts, str]:
    counts, conventions = token_counts(usage, stated=stated, model=model)
    return counts, "/".join((OPENAI_CHAT, "+".join(conventions))) if conventions else OPENAI_CHAT


def _service_tier(document: JsonObject, usage: JsonObject | None) -> str | None:
    tier = fields.label(document.get("service_tier"), "service_tier")
    return tier or (fields.label(usage.get("service_tier"), "usage.service_tier") if usage is not None else None)


def _x_groq_usage(document: JsonObject) -> Any:
    x_groq = document.get("x_groq")
    return x_groq.get("usage") if isinstance(x_groq, dict) else None
