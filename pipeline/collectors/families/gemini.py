"""Gemini's ``generateContent``: JSON, server-sent events, and streams as JSON arrays.

``totalTokenCount`` = ``promptTokenCount`` + ``toolUsePromptTokenCount`` + ``candidatesTokenCount`` +
``thoughtsTokenCount`` in 1,701 of 1,701 recorded generations, ``cachedContentTokenCount`` lies within the prompt,
thoughts are reasoning. ``usageMetadata`` is cumulative: the last object counts, whole, never per field and never the
sum. Absent counts of candidates, thoughts, tool use and cache are zero; an absent prompt is unknown. Where search
grounding ran, what it retrieved (``toolUsePromptTokenCount``) is not charged as input, says the price page: it is kept
by name, outside the prompt. The Live API calls the answer's counts ``response…``. What Google's SDKs for Python write
has the same names in snake case. Source: the reference of the Gemini API, ``UsageMetadata``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    any_of,
    count_of,
    counted_at,
    error_of,
    first,
    last,
    less,
    list_at,
    object_at,
    tokens_of,
)

if TYPE_CHECKING:
    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "gemini"

_AUDIO = ("AUDIO", 4)
"""The modality as text, and as the number that some clients log."""


_SNAKE = {
    "usage_metadata": "usageMetadata",
    "model_version": "modelVersion",
    "response_id": "responseId",
    "finish_reason": "finishReason",
    "grounding_metadata": "groundingMetadata",
    "web_search_queries": "webSearchQueries",
    "prompt_token_count": "promptTokenCount",
    "tool_use_prompt_token_count": "toolUsePromptTokenCount",
    "candidates_token_count": "candidatesTokenCount",
    "response_token_count": "responseTokenCount",
    "thoughts_token_count": "thoughtsTokenCount",
    "cached_content_token_count": "cachedContentTokenCount",
    "total_token_count": "totalTokenCount",
    "prompt_tokens_details": "promptTokensDetails",
    "cache_tokens_details": "cacheTokensDetails",
    "candidates_tokens_details": "candidatesTokensDetails",
    "response_tokens_details": "responseTokensDetails",
    "token_count": "tokenCount",
    "service_tier": "serviceTier",
    "traffic_type": "trafficType",
}
"""How SDKs for Python write names, and how the API does."""


def recognises(document: JsonObject) -> bool:
    """Tell an answer or a chunk of one; a cache that was made states ``usageMetadata`` too, and generated nothing."""
    is_cache = "cachedContents/" in str(document.get("name"))
    states_usage = "usageMetadata" in document or _counts(document.get("usage_metadata"))
    return "candidates" in document or (states_usage and not is_cache)


def _counts(usage: Any) -> bool:
    """Tell Gemini's usage in snake case from what others call so."""
    return isinstance(usage, dict) and ("prompt_token_count" in usage or "total_token_count" in usage)


def read(body: Body, asked: Asked) -> Reading:
    """Read a generation. Raises ``LineRefused`` where a count is none."""
    del asked
    documents = [_as_the_api_writes(document) for document in body.documents]
    usages = [usage for document in documents if (usage := object_at(document, "usageMetadata"))]
    counted = [usage for usage in usages if any(name.endswith("TokenCount") for name in usage)]
    candidates = [list_at(document, "candidates") for document in documents]
    firsts = [found[0] for found in candidates if found and isinstance(found[0], dict)]
    is_grounded = any(counted_at(first, "groundingMetadata", "webSearchQueries") for first in firsts)
    return Reading(
        family=NAME,
        stated=_stated(counted[-1], is_grounded=is_grounded) if counted else None,
        response_id=first(document.get("responseId") for document in documents),
        model=first(document.get("modelVersion") for document in documents),
        service_tier=last(_tier(usage) for usage in usages),
        finish_reason=last(_label(first.get("finishReason")) for first in firsts),
        choices=max(map(len, candidates), default=0) or None,
        has_error=any(map(error_of, documents)),
        has_content=any(list_at(first, "content", "parts") for first in firsts),
        generated_chunks=sum(bool(list_at(first, "content", "parts")) for first in firsts),
    )


def _as_the_api_writes(document: JsonObject) -> JsonObject:
    """Return a document of an SDK in the API's own names; any other as it is."""
    if not isinstance(any_of(document, "usage_metadata"), dict) and "model_version" not in document:
        return document
    found = _camel(document)
    for name in ("usageMetadata", "candidates"):
        value = found.get(name)
        if isinstance(value, dict):
            found[name] = _camel_usage(value)
        elif isinstance(value, list):
            found[name] = [_camel_candidate(each) if isinstance(each, dict) else each for each in value]
    return found


def _camel(value: JsonObject) -> JsonObject:
    return {_SNAKE.get(name, name): value.get(name) for name in value}


def _camel_usage(usage: JsonObject) -> JsonObject:
    found = _camel(usage)
    for name, value in found.items():
        if isinstance(value, list):
            found[name] = [_camel(each) if isinstance(each, dict) else each for each in value]
    return found


def _camel_candidate(candidate: JsonObject) -> JsonObject:
    found = _camel(candidate)
    grounding = found.get("groundingMetadata")
    return found | {"groundingMetadata": _camel(grounding)} if isinstance(grounding, dict) else found


def _stated(usage: JsonObject, *, is_grounded: bool) -> Stated | None:
    prompt = count_of(usage, "promptTokenCount")
    if prompt is None and not count_of(usage, "candidatesTokenCount"):
        return None
    tool_use = count_of(usage, "toolUsePromptTokenCount") or 0
    thoughts = count_of(usage, "thoughtsTokenCount")
    completion = (count_of(usage, "candidatesTokenCount", "responseTokenCount") or 0) + (thoughts or 0)
    total = count_of(usage, "totalTokenCount")
    inside = 0 if is_grounded else tool_use
    return Stated(
        prompt=None if prompt is None else prompt + inside,
        completion=completion,
        cached=None if prompt is None else count_of(usage, "cachedContentTokenCount"),
        reasoning=thoughts,
        prompt_audio=less(
            _audio(counted_at(usage, "promptTokensDetails")), _audio(counted_at(usage, "cacheTokensDetails"))
        ),
        completion_audio=_audio(
            counted_at(usage, "candidatesTokensDetails") or counted_at(usage, "responseTokensDetails")
        ),
        total=total - (tool_use - inside) if total and prompt is not None else None,
        others={"retrieved_prompt_tokens": tool_use} if is_grounded and tool_use else {},
        conventions=("grounded",) if is_grounded and tool_use else (),
    )


def _audio(details: list[Any]) -> int | None:
    return tokens_of(_AUDIO, details, "tokenCount")


def _tier(usage: JsonObject) -> object:
    return _label(usage.get("serviceTier") or usage.get("trafficType"))


def _label(value: object) -> object:
    return str(value) if type(value) is int else value  # enumerations may be logged as their numbers
