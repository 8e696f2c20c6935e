"""Spans of Braintrust, as its API and its exports have them, and what its SDKs write into spans of OpenTelemetry.

Facts. A row is a span: ``span_attributes.type`` says what it is, and only ``llm`` is a call; ``task``, ``function``,
``tool``, ``eval``, ``score`` and others give none, as a blank line does. ``metrics`` are numbers, and may be fractions
of zero. ``prompt_tokens`` hold what was read from a cache and written to it, also of Anthropic
(``finalizeAnthropicTokens`` of the SDK for JavaScript, ``finalize_anthropic_tokens`` of that for Python,
``traceanthropic.go``), and ``tokens`` are the total. That for Java leaves Anthropic's cache out of both
(``InstrumentationSemConv.java``): its span has the whole message in ``output``, whose usage decides. Elsewhere
``output`` is what a program put there, such as the text that a model wrote or what that was parsed to, and a caller may
have it write a message: so it is one where it is an object, and its two counts are those of ``metrics``, and the model
is that of ``metadata``. Thoughts of Gemini lie within the completion by JavaScript and beside it by Python, and the
total tells. What was written to a cache may be stated by its lifetime alone. ``cached`` is an answer out of the cache
of Braintrust's proxy.

``metrics.start`` is in seconds, when the call began; ``created`` when it was logged. Whose call it was is
``metadata.api_key_id``: ``user`` there is what was sent to the model.

Source: ``braintrustdata/braintrust-sdk-javascript``, ``-python``, ``-go`` and ``-java`` (2026); "Fetch project logs" of
the API's reference.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import count, object_at, sum_of, word
from pipeline.collectors.formats.mapping import first_stated, object_in
from pipeline.collectors.formats.pages import each_or_refused, first_row, rows_of
from pipeline.collectors.formats.places import Places
from pipeline.collectors.formats.traced_ids import traced_id
from pipeline.collectors.values.strict_json import stated_once
from pipeline.collectors.values.traced import is_integer

if TYPE_CHECKING:
    from pipeline.collectors.values.refusal import LineRefused
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "braintrust"

_CALL = "llm"
_PAGES = ("events", "data")
"""Where a page has its rows: of the API, and of a query."""
_LIFETIMES = ("prompt_cache_creation_5m_tokens", "prompt_cache_creation_1h_tokens")
_MESSAGE = re.compile("message")
_COUNTS_OF_MESSAGE = {"prompt_tokens": "input_tokens", "completion_tokens": "output_tokens"}
_COUNTS = {
    "prompt_tokens": ("prompt_tokens",),
    "completion_tokens": ("completion_tokens",),
    "total_tokens": ("tokens", "total_tokens"),
    "cached_tokens": ("prompt_cached_tokens",),
    "cache_write_tokens": ("prompt_cache_creation_tokens",),
    "cache_write_1h_tokens": (_LIFETIMES[1],),
    "reasoning_tokens": ("completion_reasoning_tokens",),
    "prompt_audio_tokens": ("prompt_audio_tokens",),
    "completion_audio_tokens": ("completion_audio_tokens",),
}
"""By our names of them; the second name of the total is that of the handler for LangChain."""

PLACES = Places(
    fields={
        "ts": ["metrics.start", "created"],
        "api_key_id": "metadata.api_key_id",
        "request_id": ["root_span_id", "span_id", "id"],
        "request.model": "metadata.model",
    },
    nested=("output",),
    counts_within=("created",),  # of an answer: a number that no count hangs on, and that differs from line to line
    marks=("error", "tags"),
    literals=("span_attributes.type",),
)


def recognises(document: JsonObject) -> bool:
    """Tell a span, or a page of them."""
    first = first_row(_listed(document), document)
    return first is not None and all(name in first for name in ("span_attributes", "root_span_id", "metrics"))


def entries(document: JsonObject) -> list[JsonObject | LineRefused]:
    """Return the exchanges among one or several spans, each with its ``span``.

    Raises ``LineRefused`` (``invalid_field``) where a page holds what is no span. A count that is none is refused in
    the place of its span.
    """
    page = [document] if "span_attributes" in document else _listed(document)
    spans = rows_of(page, "there is no list of spans")
    return each_or_refused(_entry, (span for span in spans if _type_of(span) == _CALL))


def answer_of(metrics: JsonObject, metadata: JsonObject, output: JsonObject) -> JsonObject:
    """Return what a span says of its answer and its usage, in the names of an entry.

    Raises ``LineRefused`` (``invalid_usage``) where a count is none.
    """
    model = metadata.get("model")
    answer: JsonObject = {"request": {"model": model}, "cache_hit": bool(_part(metrics, "cached"))}
    if _is_message(output, metrics):
        message = output if model is None else {name: output.get(name) for name in output if name != "model"}
        return {**answer, "response": message}
    counts = {
        ours: next((value for name in theirs if (value := _part(metrics, name)) is not None), None)
        for ours, theirs in _COUNTS.items()
    }
    if counts["cache_write_tokens"] is None:
        counts["cache_write_tokens"] = sum_of(*(_part(metrics, name) for name in _LIFETIMES))
    return {**answer, **{f"usage.{name}": value for name, value in counts.items()}}


def _is_message(output: JsonObject, metrics: JsonObject) -> bool:
    """Tell a message of Anthropic's, whose two counts are those that the span states beside it."""
    usage = output.get("usage")
    if _MESSAGE.fullmatch(word(output.get("type"))) is None or not isinstance(usage, dict):
        return False
    counts = ((_part(metrics, ours), usage.get(theirs)) for ours, theirs in _COUNTS_OF_MESSAGE.items())
    return all(is_integer(stated) and stated == own for stated, own in counts)


def _listed(document: JsonObject) -> Any:
    return next((value for name in _PAGES if isinstance(value := document.get(name), list)), None)


def _type_of(span: JsonObject) -> str:
    return word(object_in(stated_once(span, "span_attributes")).get("type"))


def _entry(span: JsonObject) -> JsonObject:
    metrics, metadata = object_in(stated_once(span, "metrics")), object_in(span.get("metadata"))
    began = stated_once(metrics, "start")
    return {
        "ts": stated_once(span, "created") if began is None else began,
        "api_key_id": first_stated(metadata, "api_key_id"),
        "request_id": traced_id(span.get("root_span_id"), first_stated(span, "span_id", "id")),
        "response.error": bool(span.get("error")),
        **answer_of(metrics, metadata, object_at(span.get("output"))),
        "span": span,
    }


def _part(metrics: JsonObject, name: str) -> int | None:
    return count(stated_once(metrics, name), name)
