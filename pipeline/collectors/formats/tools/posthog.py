"""Generations of PostHog (``$ai_generation``, ``$ai_embedding``), as its batch exports and its API write events.

An object is an event, or a page of them in ``results``. ``properties`` may be JSON text. Any other event is nothing: a
trace (``$ai_trace``) and a span (``$ai_span``) repeat what generations below them count.

PostHog's SDKs capture an event when a call has ended: it began ``$ai_latency`` seconds before. What came as a span of
OpenTelemetry (``$ai_ingestion_source``) has the start already. Whether ``$ai_input_tokens`` hold what was read from and
written to a cache is ``$ai_cache_reporting_exclusive``, which PostHog itself writes to events as it prices them; where
it does not, they leave it out where the provider or the model is Anthropic's, but for Vercel's gateway, where counts
show it. Of Gemini 2.5 and 3, ``$ai_reasoning_tokens`` lie outside of the output; a framework and a span of
OpenTelemetry add them themselves. What was written may be there by its lifetime alone.

These are the rules by which PostHog prices and dates what it has. Source: ``generations`` and ``calculating-costs`` of
https://posthog.com/docs/ai-observability; of PostHog/posthog, ``input-costs.ts`` and ``output-costs.ts`` of its
ingestion, and where its traces are shown.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import count, sum_of, word
from pipeline.collectors.formats.instants import in_utc, instant_us
from pipeline.collectors.formats.mapping import first_stated, number, object_in
from pipeline.collectors.formats.pages import each_or_refused, first_row, rows_of
from pipeline.collectors.values.strict_json import stated_once

if TYPE_CHECKING:
    from pipeline.collectors.values.refusal import LineRefused
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "posthog"

_PATHS = {"$ai_generation": "/chat/completions", "$ai_embedding": "/embeddings"}
"""The events that are exchanges, with what each is."""
_OF_POSTHOG = "$"
"""How the names of PostHog's own events begin."""
_ANTHROPIC = re.compile(r"^claude_?|anthropic", re.IGNORECASE)
_THINKS_APART = re.compile(r"(?:^|/)gemini-(?:2\.5|3)", re.IGNORECASE)
_LATENCY = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,20})?", re.ASCII)
_SECOND_US = 1_000_000


def recognises(document: JsonObject) -> bool:
    """Tell an event of PostHog's own, or a page of them."""
    first = first_row(document.get("results"), document)
    return (
        first is not None
        and word(first.get("event")).startswith(_OF_POSTHOG)
        and "distinct_id" in first
        and "properties" in first
        and "timestamp" in first
    )


def entries(document: JsonObject) -> list[JsonObject | LineRefused]:
    """Return the generations among events, each with its ``event`` and its ``properties``.

    Raises ``LineRefused`` (``invalid_field``) where a page holds what is no event. A count that is none is refused in
    the place of its event.
    """
    page = stated_once(document, "results") if "event" not in document else [document]
    events = rows_of(page, "results is no list of events")
    return each_or_refused(_entry, (event for event in events if word(stated_once(event, "event")) in _PATHS))


def _entry(event: JsonObject) -> JsonObject:
    properties = object_in(stated_once(event, "properties"))
    return {
        "ts": _arrival(event, properties),
        "api_key_id": first_stated(properties, "api_key_id") or _person(event, properties),
        "request_id": first_stated(event, "uuid", "id"),
        "status": number(stated_once(properties, "$ai_http_status")) or None,
        "path": _PATHS[event["event"]],
        "request.model": stated_once(properties, "$ai_model"),
        "request.stream": stated_once(properties, "$ai_stream"),
        "response.error": _is_true(stated_once(properties, "$ai_is_error")),
        **{f"usage.{name}": value for name, value in _counts(properties).items()},
        "event": event,
        "properties": properties,
    }


def _is_true(value: Any) -> bool:
    return str(value).lower() == "true"


def _person(event: JsonObject, properties: JsonObject) -> Any:
    """Return who called; SDKs that are not told have a trace's id in its place."""
    person = stated_once(event, "distinct_id")
    return None if person == properties.get("$ai_trace_id") else person


def _arrival(event: JsonObject, properties: JsonObject) -> Any:
    ended_at = in_utc(stated_once(event, "timestamp"))
    taken = _LATENCY.fullmatch(str(stated_once(properties, "$ai_latency")))
    if taken is None or properties.get("$ai_ingestion_source") == "otel":
        return ended_at
    return instant_us(ended_at, "timestamp") - int(Decimal(taken[0]) * _SECOND_US)


def _counts(properties: JsonObject) -> dict[str, int | None]:
    """Return the counts of an event, parts within their wholes. Raises ``LineRefused`` where one is none."""
    asked, answered = _part(properties, "input"), _part(properties, "output")
    cached, reasoning = _part(properties, "cache_read_input"), _part(properties, "reasoning")
    for_an_hour = _part(properties, "cache_creation_1h_input")
    by_lifetime = sum_of(_part(properties, "cache_creation_5m_input"), for_an_hour)
    written = _part(properties, "cache_creation_input") or by_lifetime
    if asked is not None and _is_cache_apart(properties, asked, sum_of(cached, written) or 0):
        asked = sum_of(asked, cached, written)
    if answered is not None and _is_reasoning_apart(properties):
        answered = sum_of(answered, reasoning)
    return {
        "prompt_tokens": asked,
        "completion_tokens": answered,
        "cached_tokens": cached,
        "cache_write_tokens": written,
        "cache_write_1h_tokens": for_an_hour,
        "reasoning_tokens": reasoning,
        "prompt_audio_tokens": _part(properties, "audio_input"),
        "completion_audio_tokens": _part(properties, "audio_output"),
    }


def _is_cache_apart(properties: JsonObject, asked: int, cache: int) -> bool:
    stated = stated_once(properties, "$ai_cache_reporting_exclusive")
    if stated is not None:
        return _is_true(stated)
    provider = word(properties.get("$ai_provider"))
    if not any(_ANTHROPIC.search(name) for name in (provider, word(properties.get("$ai_model")))):
        return False
    is_of_vercel = provider.lower() == "gateway" and word(properties.get("$ai_framework")).lower() == "vercel"
    return not is_of_vercel or asked < cache


def _is_reasoning_apart(properties: JsonObject) -> bool:
    is_added = properties.get("$ai_framework") or properties.get("$ai_ingestion_source") == "otel"
    return not is_added and _THINKS_APART.search(word(properties.get("$ai_model"))) is not None


def _part(properties: JsonObject, name: str) -> int | None:
    name = f"$ai_{name}_tokens"
    return count(number(stated_once(properties, name)), name)
