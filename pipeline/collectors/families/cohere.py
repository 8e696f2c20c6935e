"""Cohere's chat and generate, versions 1 and 2, as JSON and as streams.

Version 2 states ``usage``, in a stream in ``delta.usage`` of ``message-end``; version 1 states ``meta``, in a stream of
JSON lines in ``response.meta`` of ``stream-end``. Both hold ``billed_units`` and mostly ``tokens``, which also counts
Cohere's own preamble. Cohere charges ``billed_units`` (its schema: "the number of billed input tokens"), so they are
the bill; where they are absent, ``tokens``. Cached tokens are a part of ``tokens`` and may exceed the billed input, so
they are stated only with ``tokens``; reasoning only where it lies within the completion. No body names the model.
A generation that broke off says so in its last event, by an ``error`` and by its finish reason, and states no usage.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families.reading import (
    Reading,
    Stated,
    any_of,
    apart,
    count_of,
    error_of,
    first,
    last,
    latest,
    object_at,
    others_of,
    part_at,
    with_others,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.collectors.bodies.body import Body
    from pipeline.collectors.families.reading import Asked
    from pipeline.collectors.values.strict_json import JsonObject

V1, V2 = "cohere-v1", "cohere-v2"

_V2_EVENTS = frozenset(
    (
        *("message-start", "message-end", "content-start", "content-delta", "content-end"),
        *("tool-plan-delta", "tool-call-start", "tool-call-delta", "tool-call-end"),
        *("citation-start", "citation-end"),
    )
)
_V1_EVENTS = frozenset(
    (
        *("stream-start", "stream-end", "text-generation", "search-queries-generation", "search-results"),
        *("citation-generation", "tool-calls-generation", "tool-calls-chunk"),
    )
)
_BROKEN_OFF = frozenset(("ERROR", "ERROR_TOXIC", "ERROR_LIMIT"))
"""The finish reasons of an answer that did not come to its end by an error."""
_OTHERS = {"search_units": ("billed_units", "search_units"), "images": ("billed_units", "images")}


def recognises_v2(document: JsonObject) -> bool:
    """Tell an answer of version 2, or an event of its stream."""
    if word(document.get("type")) in _V2_EVENTS or "billed_units" in object_at(document, "usage"):
        return True
    message = object_at(document, "message")
    is_answer = "choices" not in document and "finish_reason" in document
    return is_answer and any(name in message for name in ("content", "tool_calls", "tool_plan"))


def recognises_v1(document: JsonObject) -> bool:
    """Tell an answer of version 1, or an event of its stream."""
    if word(document.get("event_type")) in _V1_EVENTS:
        return True
    has_answer = "generation_id" in document or isinstance(document.get("generations"), list)
    is_of_langchain = "llm_output" in document  # its results have such a list as well
    return has_answer and not is_of_langchain and ("text" in document or "generations" in document)


def read_v2(body: Body, asked: Asked) -> Reading:
    """Read an answer of version 2. Raises ``LineRefused`` where a count is none."""
    return _read(V2, body, asked)


def read_v1(body: Body, asked: Asked) -> Reading:
    """Read an answer of version 1. Raises ``LineRefused`` where a count is none."""
    return _read(V1, body, asked)


def _read(family: str, body: Body, asked: Asked) -> Reading:
    del asked
    names = ("id",) if family == V2 else ("response_id", "id", "generation_id")
    answers = apart(body.documents, _is_whole, lambda document: first(document.get(name) for name in names))
    return with_others(_read_one(family, names, answer) for answer in answers)


def _is_whole(documents: Sequence[JsonObject]) -> bool:
    """Tell a counted answer that is no stream."""
    usages = [object_at(document, name) for document in documents for name in ("usage", "meta")]
    return not any(map(_kind, documents)) and any(_stated(usage) is not None for usage in usages)


def _read_one(family: str, names: Sequence[str], documents: Sequence[JsonObject]) -> Reading:
    places = [place for document in documents for place in _places(document)]
    stated = None
    for place in places:
        for usage in (object_at(place, "usage"), object_at(place, "meta")):
            stated = latest(stated, _stated(usage))
    return Reading(
        family=family,
        stated=stated,
        response_id=first(place.get(name) for place in places for name in names),
        finish_reason=last(place.get("finish_reason") for place in places),
        choices=1,
        has_error=any(error_of(place) or word(place.get("finish_reason")) in _BROKEN_OFF for place in places),
        has_content=any(place.get(name) for place in places for name in ("message", "text", "generations")),
        generated_chunks=sum(map(_is_generated, documents)),
    )


def _places(document: JsonObject) -> Iterator[JsonObject]:
    yield document
    is_last = _kind(document) in ("message-end", "stream-end")
    inner_of = object_at if is_last else part_at  # usage stands in the last event alone
    yield from (inner for name in ("delta", "response") if (inner := inner_of(document, name)))


def _is_generated(document: JsonObject) -> bool:
    return _kind(document) in {
        "content-delta",
        "tool-plan-delta",
        "tool-call-delta",
        "text-generation",
        "tool-calls-chunk",
    }


def _kind(document: JsonObject) -> str:
    return word(any_of(document, "type")) or word(any_of(document, "event_type"))


def _stated(usage: JsonObject) -> Stated | None:
    others = others_of(usage, _OTHERS)
    billed, tokens = object_at(usage, "billed_units"), object_at(usage, "tokens")
    for counts, conventions in ((billed, ("billed-units",)), (tokens, ())):
        prompt, completion = count_of(counts, "input_tokens"), count_of(counts, "output_tokens")
        if prompt is None or completion is None:
            continue
        reasoning = count_of(tokens, "reasoning_tokens")
        cached = None if conventions else count_of(usage, "cached_tokens")
        return Stated(
            prompt=prompt,
            completion=completion,
            cached=cached if cached is None or cached <= prompt else None,
            reasoning=reasoning if reasoning is None or reasoning <= completion else None,
            conventions=conventions,
            others=others,
        )
    return None
