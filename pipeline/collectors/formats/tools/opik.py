"""Spans of Opik, as its API lists them, its SDKs search them, and its command line exports them.

Facts. A span of the type ``llm`` is a call; others are of tools, of guardrails or of a program's own functions, and
what they count lies below them. ``usage`` is flat: ``prompt_tokens``, ``completion_tokens`` and ``total_tokens`` are
what Opik makes of a provider's counts, and what the provider stated stands beside them, each name behind
``original_usage.``, those within others with a dot between. Only the latter are looked at where they are whole: of
Anthropic's, older SDKs put what was written to a cache into the completion, newer ones into the prompt. Its exporter
for Vercel's SDK has no more of them than parts of a cache, which lie within the prompt then. What was spoken or filmed
is counted in characters and seconds by names of tokens.

``metadata`` has what a client answered beside its texts, so of those that Opik wraps itself (``created_from``) the id
of the answer. Whose it was only metadata say. ``start_time`` is of UTC. A page of the API has its spans in ``content``,
an exported trace in ``spans``.

Source: ``llm_usage`` and ``integrations`` of ``sdks/python``, ``opik-vercel/src/exporter.ts`` of ``sdks/typescript``,
``SpanPublic`` and ``SpanCostCalculator`` of comet-ml/opik.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import count_of, object_at, sum_of, word
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.pages import first_row, rows_of
from pipeline.collectors.formats.places import Places
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "opik"

_NEEDED = frozenset(("id", "trace_id", "type", "start_time"))
_BESIDE = frozenset(("project_id", "project_name"))
_TOLD_BY = frozenset(("usage", "feedback_scores", "last_updated_at", "total_estimated_cost", "parent_span_id"))
_CALL = "llm"
_TYPES = frozenset((_CALL, "general", "tool", "guardrail"))
_CLIENTS = frozenset(("openai", "anthropic"))
"""Clients whose answers Opik keeps in the metadata, less their texts."""
_ORIGINAL = "original_usage."
_PLAIN = frozenset(("prompt_tokens", "completion_tokens", "total_tokens"))
_PROMPTS = ("prompt_tokens", "input_tokens", "inputTokens")
_OF_GOOGLE = "prompt_token_count"
_CACHE = {"cache_read_input_tokens": "cached_tokens", "cache_creation_input_tokens": "cache_write_tokens"}
_NO_TOKENS = frozenset(("character_count", "input_characters", "video_duration_seconds"))
_SPEECH = "/v1/audio/speech"
"""Stands for what is counted otherwise than in tokens."""

PLACES = Places(
    fields={
        "ts": "start_time",
        "api_key_id": "metadata.api_key_id",
        "request_id": "id",
        "request.model": "model",
        "response.id": "metadata.id",
        "response.model": "metadata.model",
        "service_tier": "metadata.service_tier",
    },
    counts=("usage",),
    marks=("error_info", "tags", *sorted((_BESIDE | _TOLD_BY) - {"usage"})),
)


def recognises(document: JsonObject) -> bool:
    """Tell a span, a page of them, or an exported trace."""
    first = first_row(_page(document), document)
    if first is None or not _is_span(first) or _BESIDE.isdisjoint(first):
        return False
    return not _TOLD_BY.isdisjoint(first)


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the calls among spans, each with its ``span`` for a source to name.

    Raises ``LineRefused``: ``invalid_field`` where a page holds what is no span, ``invalid_usage`` where nothing says
    what was counted.
    """
    page = _page(document)
    spans = rows_of([document] if page is None else page, "there is no list of spans")
    if not all(map(_is_span, spans)):
        raise LineRefused(QuarantineReason.INVALID_FIELD, "there is no span of a type that is known")
    return [_entry(span) for span in spans if stated_once(span, "type") == _CALL]


def _is_span(document: JsonObject) -> bool:
    return document.keys() >= _NEEDED and word(document.get("type")) in _TYPES


def _page(document: JsonObject) -> Any:
    """Return what a page, or a trace, has as its spans; ``None`` of a span alone."""
    return next((value for name in ("content", "spans") if isinstance(value := document.get(name), list)), None)


def _entry(span: JsonObject) -> JsonObject:
    metadata = object_at(span, "metadata")
    original = _original(object_at(span, "usage"))
    answer_id = metadata.get("id") if word(metadata.get("created_from")) in _CLIENTS else None
    error = stated_once(span, "error_info")
    usage = _usage(object_at(span, "usage"), original)
    return {
        "span": span,
        "ts": in_utc(stated_once(span, "start_time")),
        "api_key_id": stated_once(metadata, "api_key_id"),
        "request_id": span.get("id"),
        "status": 500 if error and not usage else 200,
        "path": "/v1/chat/completions" if _NO_TOKENS.isdisjoint(original) else _SPEECH,
        "request": {"model": span.get("model")},
        "response.id": answer_id,
        "response.model": metadata.get("model") if answer_id else None,
        "response.error": bool(error),
        "service_tier": metadata.get("service_tier") if answer_id else None,
        "usage": usage,
    }


def _original(usage: JsonObject) -> JsonObject:
    """Return what the provider stated, as the object that it was."""
    found: JsonObject = {}
    for name in usage:
        if not name.startswith(_ORIGINAL):
            continue
        *within, last = name.removeprefix(_ORIGINAL).split(".")
        place = found
        for step in within:
            inner = place.setdefault(step, {})
            place = inner if isinstance(inner, dict) else {}
        place[last] = stated_once(usage, name)
    return found


def _usage(usage: JsonObject, original: JsonObject) -> JsonObject:
    """Return usage as chat states it. Raises ``LineRefused`` (``invalid_usage``) where nothing says what it counts."""
    if _OF_GOOGLE in original:
        return _of_google(original)
    if any(name in original for name in _PROMPTS):
        return original
    plain = {name: stated_once(usage, name) for name in usage if name in _PLAIN}
    parts = {_CACHE.get(name, name): original.get(name) for name in original}
    is_known = parts.keys() <= set(_CACHE.values()) and all(name in _PLAIN or _ORIGINAL in name for name in usage)
    if not is_known and _NO_TOKENS.isdisjoint(original):
        message = "usage has other names than Opik gives it, and nothing says what they include"
        raise LineRefused(QuarantineReason.INVALID_USAGE, message)
    return {**plain, "prompt_tokens_details": parts} if parts else plain


def _of_google(original: JsonObject) -> JsonObject:
    return {
        "inputTokens": sum_of(count_of(original, _OF_GOOGLE), count_of(original, "tool_use_prompt_token_count")),
        "outputTokens": count_of(original, "candidates_token_count") or 0,
        "totalTokens": original.get("total_token_count"),
        "cachedInputTokens": original.get("cached_content_token_count"),
        "reasoningTokens": original.get("thoughts_token_count"),
    }
