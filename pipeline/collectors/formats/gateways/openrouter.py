"""Generations of OpenRouter, as its API (``/api/v1/generation``) answers for each by its id.

An object is a generation, in ``data``; several may be put together there. ``native_tokens_prompt`` and
``native_tokens_completion`` are the provider's own counts, which OpenRouter bills and its answers state: of an image,
7 and 1,304 in both. ``tokens_prompt`` and ``tokens_completion`` are those of a tokenizer of its own (10 and 15), and
are not looked at. What was read from a cache is within the prompt, and reasoning within the completion; what was
written to a cache is not told apart.

``id`` is the answer's (``gen-…``), so a generation is its answer once more: also of a stream that was cut before its
usage, which states nothing itself. ``created_at`` is of UTC. ``external_user`` is the ``user`` of the request; the key
is not said. ``api_type`` is what was asked. One that was ``cancelled`` consumed what it counts.

Vercel's AI Gateway answers for its generations (``gen_…``) by the same names, and states what was written to a cache as
well (``native_tokens_cache_creation``). Whether the prompt holds the cache, and the completion reasoning, is documented
nowhere, and its answers of chat leave reasoning out: a generation that states either is refused.

Source: the schema and the example of ``getGeneration`` in OpenRouter's OpenAPI; "Generation Lookup" of Vercel's
documentation, and ``getGenerationInfo`` of its SDK; an answer and its generation that were
recorded together, of an image (April 2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import word
from pipeline.collectors.formats.gateways.access_logs import changed
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.mapping import number
from pipeline.collectors.formats.pages import first_row, rows_of
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "openrouter"

_NAMES = ("id", "created_at", "native_tokens_prompt", "native_tokens_completion")
_PATHS = {"completions": "/v1/chat/completions", "embeddings": "/v1/embeddings"}
"""What the types of calls that are metered are; any other is on a route of its own."""
_ID_OF_VERCEL = "gen_"
_WRITTEN_OF_VERCEL = "native_tokens_cache_creation"
_PARTS_OF_VERCEL = ("native_tokens_cached", _WRITTEN_OF_VERCEL, "native_tokens_reasoning")

MAPPING: Mapping[str, Any] = {
    "ts": "created_at",
    "api_key_id": "external_user",
    "response.id": "id",
    "path": "api_type",
    "request.stream": "streamed",
    "response.model": "model",
    "response.finish_reason": "finish_reason",
    "service_tier": "service_tier",
    "usage.prompt_tokens": "native_tokens_prompt",
    "usage.completion_tokens": "native_tokens_completion",
    "usage.cached_tokens": "native_tokens_cached",
    "usage.reasoning_tokens": "native_tokens_reasoning",
}


def recognises(document: JsonObject) -> bool:
    """Tell a generation, or what holds one or several."""
    held = document.get("data")
    first = first_row(held, held if isinstance(held, dict) else document)
    return first is not None and all(name in first for name in _NAMES)


def entries(document: JsonObject) -> list[JsonObject | LineRefused]:
    """Return generations, each with its instant in UTC and the route of what was asked.

    Raises ``LineRefused`` (``invalid_field``) where what holds them has something else. One of Vercel's whose parts
    nobody can place is refused in its place.
    """
    held = stated_once(document, "data") if "created_at" not in document else document
    page = [held] if isinstance(held, dict) else held
    return [_entry(each) for each in rows_of(page, "data is no generation, and no list of them")]


def _entry(generation: JsonObject) -> JsonObject | LineRefused:
    is_of_vercel = _WRITTEN_OF_VERCEL in generation or word(generation.get("id")).startswith(_ID_OF_VERCEL)
    if is_of_vercel and any(number(generation.get(name)) for name in _PARTS_OF_VERCEL):
        detail = "a generation of Vercel's states tokens of a cache or of reasoning, which may be within its two counts"
        return LineRefused(QuarantineReason.CONTRADICTORY_USAGE, detail)
    kind = word(stated_once(generation, "api_type"))
    path = _PATHS.get(kind, f"/v1/{kind}") if kind else None
    return changed(generation, {"created_at": in_utc(stated_once(generation, "created_at")), "api_type": path})
