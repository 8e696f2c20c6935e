"""Spans of Datadog's LLM Observability, as its API exports them (``/api/v2/llm-obs/v1/spans/events``).

An object is a span: ``id``, ``type`` and ``attributes``; or what its attributes are; or a page of spans in ``data``.
Exchanges are of the kinds ``llm`` and ``embedding``. Workflows, agents, tasks, tools and retrievals give none, as a
blank line does: so is a framework's span where the client below it is traced as well (``is_workflow`` of
``ddtrace/llmobs/_integrations/langchain.py``).

``metrics`` are numbers, and may be fractions of zero (``40.0``). ``input_tokens`` and ``output_tokens`` are wholes of
whatever provider: its libraries add what Anthropic and Bedrock read from and wrote to a cache, and Gemini's thoughts.
``cache_read_input_tokens``, ``cache_write_input_tokens`` and ``reasoning_output_tokens`` are parts, and what was
written for an hour is ``ephemeral_1h_input_tokens``. Costs that Datadog estimates are beside them.

``start_ns`` is in nanoseconds, and in the documentation's own example in milliseconds; which it is its length says.
Tags are texts, a name and a value with a colon between. Whose call it was is the tag ``api_key_id``, else that of the
metadata, else the tag ``user_id``. No id of the answer is kept, so an exchange is known by its trace and its span.

Source: "Export API" of Datadog's documentation of LLM Observability; ``ddtrace/llmobs/_constants.py`` and
``_integrations/`` of DataDog/dd-trace-py (2026).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.families.reading import count, object_at, sum_of, word
from pipeline.collectors.formats.mapping import first_stated, object_in
from pipeline.collectors.formats.pages import each_or_refused, first_row, rows_of
from pipeline.collectors.formats.traced_ids import traced_id
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "datadog"

_PATHS = {"llm": "/chat/completions", "embedding": "/embeddings"}
"""The kinds of spans that are exchanges, with what each is."""
_KINDS = frozenset((*_PATHS, "workflow", "agent", "task", "tool", "retrieval", "experiment"))
_KEY = "api_key_id"
_USER = "user_id"
_BY_LIFETIME = ("ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens")


def recognises(document: JsonObject) -> bool:
    """Tell a span, or a page of them."""
    first = first_row(document.get("data"), document)
    if first is None:
        return False
    held = first.get("attributes")
    span = held if isinstance(held, dict) else first
    return word(span.get("span_kind")) in _KINDS and all(name in span for name in ("ml_app", "start_ns", "trace_id"))


def entries(document: JsonObject) -> list[JsonObject | LineRefused]:
    """Return the exchanges among one or several spans, each with its ``span``.

    Raises ``LineRefused`` (``invalid_field``) where a page holds what is no span. A count that is none is refused in
    the place of its span.
    """
    is_page = "attributes" not in document and "span_kind" not in document
    page = stated_once(document, "data") if is_page else [document]
    spans = [object_at(each, "attributes") or each for each in rows_of(page, "data is no list of spans")]
    if not _KINDS.issuperset(word(stated_once(span, "span_kind")) for span in spans):
        message = "span_kind is none of a span: a newer Datadog may have more, and usage of it must not be lost"
        raise LineRefused(QuarantineReason.INVALID_FIELD, message)
    return each_or_refused(_entry, (span for span in spans if span["span_kind"] in _PATHS))


def _entry(span: JsonObject) -> JsonObject:
    tags = _tags(span)
    return {
        "ts": stated_once(span, "start_ns"),
        "api_key_id": tags.get(_KEY) or first_stated(object_in(span.get("metadata")), _KEY) or tags.get(_USER),
        "request_id": traced_id(span.get("trace_id"), span.get("span_id")),
        "path": _PATHS[span["span_kind"]],
        "response.model": stated_once(span, "model_name"),
        "response.error": span.get("status") == "error",
        **{f"usage.{name}": value for name, value in _counts(object_at(span, "metrics")).items()},
        "span": span,
        "tags": tags,
    }


def _tags(span: JsonObject) -> JsonObject:
    """Return tags by their names; of several of one name, the first."""
    tags = span.get("tags")
    pairs = [tag.partition(":") for tag in tags if isinstance(tag, str)] if isinstance(tags, list) else []
    return {name: value for name, _, value in reversed(pairs) if value}


def _counts(metrics: JsonObject) -> dict[str, int | None]:
    """Return the counts of a span, parts within their wholes. Raises ``LineRefused`` where one is none."""
    for_an_hour = _part(metrics, _BY_LIFETIME[1])
    return {
        "prompt_tokens": _part(metrics, "input_tokens"),
        "completion_tokens": _part(metrics, "output_tokens"),
        "total_tokens": _part(metrics, "total_tokens"),
        "cached_tokens": _part(metrics, "cache_read_input_tokens"),
        "cache_write_tokens": _part(metrics, "cache_write_input_tokens")
        or sum_of(*(_part(metrics, name) for name in _BY_LIFETIME)),
        "cache_write_1h_tokens": for_an_hour,
        "reasoning_tokens": _part(metrics, "reasoning_output_tokens"),
    }


def _part(metrics: JsonObject, name: str) -> int | None:
    return count(stated_once(metrics, name), name)
