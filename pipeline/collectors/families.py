"""Which API family a body belongs to, told from the structure of its JSON and from nothing else.

Owns the names of the families and how they are recognised, and finds the id and model of those that are not read yet.
Does not own the reading of usage: only ``openai-chat`` is read (``chat``), the others are counted as ``unknown``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors import fields
from pipeline.collectors.refusal import LineRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.collectors.strict_json import JsonObject

OPENAI_CHAT = "openai-chat"
OPENAI_COMPLETIONS = "openai-completions"
OPENAI_RESPONSES = "openai-responses"
ANTHROPIC = "anthropic"
GEMINI = "gemini"
BEDROCK_CONVERSE = "bedrock-converse"
COHERE_V2 = "cohere-v2"
OLLAMA = "ollama"

FAMILIES = (OPENAI_CHAT, OPENAI_COMPLETIONS, OPENAI_RESPONSES, ANTHROPIC, GEMINI, BEDROCK_CONVERSE, COHERE_V2, OLLAMA)

_ANTHROPIC_EVENTS = frozenset({"message_start", "message_delta", "message_stop", "content_block_start", "content_block_delta", "content_block_stop"})
_COHERE_EVENTS = frozenset(
    {"message-start", "message-end", "content-start", "content-delta", "content-end", "tool-plan-delta", "tool-call-start", "tool-call-delta", "tool-call-end"}
)
_CONVERSE_EVENTS = frozenset({"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop"})


def family_of_all(documents: Sequence[JsonObject]) -> str | None:
    """Return the family of a body of several documents: chat where any of them is, else the first that is recognised."""
    first: str | None = None
    for document in documents:
        family = family_of(document)
        if family == OPENAI_CHAT:
            return family
        first = first or family
    return first


def family_of(document: JsonObject) -> str | None:
    """Return the family of one document or chunk, ``None`` where its structure says nothing."""
    choices = document.get("choices")
    if isinstance(choices, list):
        return _family_of_choices(document, choices)
    return _family_of_kind(document) or _family_of_keys(document)


def identified(document: JsonObject) -> tuple[str | None, str | None]:
    """Return id and model of a document of a family that is not read yet; what is no valid id or model is left out."""
    places = [document, *(inner for name in ("message", "response") if isinstance(inner := document.get(name), dict))]
    ids = (_valid(fields.identifier, place.get(name)) for place in places for name in ("id", "responseId"))
    models = (_valid(fields.model, place.get(name)) for place in places for name in ("model", "modelVersion"))
    return next(filter(None, ids), None), next(filter(None, models), None)


def _family_of_choices(document: JsonObject, choices: list[Any]) -> str | None:
    of = _word(document.get("object"))
    if of in ("text_completion", "text.completion"):
        return OPENAI_COMPLETIONS
    if not choices:
        return OPENAI_CHAT if of.startswith("chat.completion") else None  # every OpenAI-like stream may have an empty list
    first = choices[0]
    if isinstance(first, dict) and "text" in first and "message" not in first and "delta" not in first:
        return OPENAI_COMPLETIONS
    return OPENAI_CHAT


def _family_of_kind(document: JsonObject) -> str | None:
    kind, of = _word(document.get("type")), _word(document.get("object"))
    if of.startswith("chat.completion"):
        return OPENAI_CHAT
    if of == "response" or kind.startswith("response."):
        return OPENAI_RESPONSES
    if kind in _COHERE_EVENTS:
        return COHERE_V2
    if kind in _ANTHROPIC_EVENTS or (kind == "message" and "role" in document):
        return ANTHROPIC
    return None


def _family_of_keys(document: JsonObject) -> str | None:
    usage = document.get("usage")
    stated = usage.keys() if isinstance(usage, dict) else frozenset()
    if "candidates" in document or "usageMetadata" in document:
        return GEMINI
    if "stopReason" in document or "inputTokens" in stated or not _CONVERSE_EVENTS.isdisjoint(document):
        return BEDROCK_CONVERSE
    if isinstance(document.get("done"), bool) and ("message" in document or "response" in document):
        return OLLAMA
    if "billed_units" in stated or ("message" in document and "finish_reason" in document):
        return COHERE_V2
    if "input_tokens" in stated and "content" in document:
        return ANTHROPIC
    return None


def _word(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _valid(check: Callable[[Any, str], str | None], value: Any) -> str | None:
    try:
        return check(value, "")
    except LineRefused:
        return None
