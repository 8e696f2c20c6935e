"""How spans of OpenTelemetry are written by what keeps them: a declaration each (``written_spans`` says what is known).

To add one that has a span with its ids, its start and its attributes in one object, declare it in ``WRITINGS``.

Owns names, and how a span is told. Does not own documents that hold several (``listed_spans``), nor what becomes of one
(``written_spans``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.collectors.values.strict_json import JsonObject

PARENT_OF_JAEGER = "parentSpanID"
"""Where a span of Jaeger has the id of the one around it, once it was found among its references."""


class Writing(NamedTuple):
    """How a span is written: what it has by which names. A place of several names is a way through objects."""

    ids: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    """Where the ids of its trace, its own and that of the span around it stand."""
    start: tuple[str, ...]
    """By which names its start goes, the first that is stated."""
    attributes: str
    resource: tuple[str, ...] = ()
    within: str = ""
    """How names of attributes begin that stand at the top, where they are no object of their own."""
    more: tuple[str, ...] = ()
    """Where more attributes lie."""
    is_flat: bool = False
    """Whether attributes stand at the top by their own names."""
    only_spans: tuple[str, ...] = ()
    """Of what keeps logs by the same names, one of what only spans have: lines of a log may hold what is billed."""
    dot: str = "."
    """What stands for a dot in names of attributes."""
    of_resource: str = ""
    """How names begin that are the resource's, where they stand at the top."""
    sums_at_root: bool = False
    """Whether the span at the root of a trace is given the sums of those below."""
    told_by: tuple[tuple[str, ...], frozenset[str]] | None = None
    """Where it says what it is, among other things that have the same ids, and what spans are called there."""


ATTRIBUTES = "attributes."
_EVENTS = frozenset(
    (
        "gen_ai.client.inference.operation.details",
        *(f"gen_ai.{who}.message" for who in ("system", "user", "assistant", "tool")),
        "gen_ai.choice",
    )
)
"""The event of an inference, and those of its messages."""
WRITINGS = (
    Writing(
        ids=(("context", "trace_id"), ("context", "span_id"), ("parent_id",)),
        start=("start_time",),
        attributes="attributes",
        resource=("resource", "attributes"),
    ),
    Writing(
        ids=(("context.trace_id",), ("context.span_id",), ("parent_id",)),
        start=("start_time",),
        attributes="",
        within=ATTRIBUTES,
    ),
    Writing(
        ids=(("TraceId",), ("SpanId",), ("ParentSpanId",)),
        start=("Timestamp",),
        attributes="SpanAttributes",
        resource=("ResourceAttributes",),
    ),
    Writing(
        ids=(("traceId",), ("spanId",), ("parentSpanId",)),
        start=("startTimeUnixNano",),
        attributes="attributes",
        resource=("resource", "attributes"),
    ),
    Writing(
        ids=(("trace_id",), ("span_id",), ("parent_span_id",)),
        start=("start_timestamp", "start_time_unix_nano"),
        attributes="attributes",
        resource=("otel_resource_attributes",),
    ),
    Writing(
        ids=(("trace_id",), ("span_id",), ("parent_span_id",)),
        start=("timestamp",),
        attributes="attributes_string",
        resource=("resources_string",),
        more=("attributes_number", "attributes_bool"),
        only_spans=("parent_span_id", "duration_nano"),
    ),
    Writing(
        ids=(("trace_id",), ("span_id",), ("parent_span_id",)),
        start=("@timestamp",),
        attributes="attributes",
        resource=("resource", "attributes"),
        only_spans=("duration", "kind"),
    ),
    Writing(
        ids=(("trace_id",), ("span_id",), ("parent_span_id",)),
        start=("start_time",),
        attributes="attributes",
        resource=("resource", "attributes"),
        only_spans=("duration_nano", "parent_span_id"),
    ),
    Writing(
        ids=(("trace_id",), ("span_id",), ("parent_span_id",)),
        start=("start_timestamp",),
        attributes="data",
        resource=("resource", "attributes"),
    ),
    *(
        Writing(
            ids=(("traceID",), ("spanID",), (PARENT_OF_JAEGER,)),
            start=("startTime",),
            attributes=attributes,
            resource=("process", "tags"),
            dot=dot,
        )
        for attributes, dot in (("tag", "@"), ("tags", "."))
    ),
    Writing(
        ids=(("traceId",), ("id",), ("parentId",)),
        start=("timestamp",),
        attributes="tags",
        only_spans=("localEndpoint",),
    ),
    *(
        Writing(
            ids=(("traceId",), ("spanId",), ("parentSpanId",)),
            start=("startTime",),
            attributes=attributes,
            resource=("resource", "attributes"),
            within=within,
            only_spans=("durationInNanos",),
            dot=dot,
            of_resource="resource.attributes." if within else "",
            sums_at_root=True,
        )
        for attributes, within, dot in (("attributes", "", "."), ("", "span.attributes.", "@"))
    ),
    Writing(
        ids=(("traceId",), ("spanId",), ("parentSpanId",)),
        start=("startTime",),
        attributes="attributes",
        resource=("resource", "attributes"),
        told_by=(("type",), frozenset(("span",))),
    ),
    Writing(
        ids=(("traceId",), ("spanId",), ("parentSpanId",)),
        start=("startTime",),
        attributes="labels",
    ),
    Writing(
        ids=(("trace",), ("spanId",), ("parentSpanId",)),
        start=("timestamp",),
        attributes="labels",
        told_by=(("labels", "event.name"), _EVENTS),
    ),
    *(
        Writing(
            ids=(("trace", "id"), own, ("parent", "id")),
            start=("@timestamp",),
            attributes="labels",
            more=("numeric_labels",),
            told_by=(("processor", "event"), frozenset(("span", "transaction"))),
            dot="_",
        )
        for own in (("span", "id"), ("transaction", "id"))
    ),
    Writing(
        ids=(("TRACE", "trace_id"), ("TRACE", "span_id"), ("RECORD", "parent_span_id")),
        start=("START_TIMESTAMP",),
        attributes="RECORD_ATTRIBUTES",
        resource=("RESOURCE_ATTRIBUTES",),
        told_by=(("RECORD_TYPE",), frozenset(("SPAN",))),
    ),
    *(
        Writing(ids=ids, start=start, attributes="", is_flat=True)
        for ids, start in (
            ((("trace.id",), ("span.id",), ("span.parent_id",)), ("start_time",)),
            ((("trace.trace_id",), ("trace.span_id",), ("trace.parent_id",)), ("timestamp", "Timestamp", "time")),
            ((("trace.id",), ("id",), ("parent.id",)), ("timestamp",)),
        )
    ),
    Writing(
        ids=(("OperationId",), ("Id",), ("ParentId",)),
        start=("TimeGenerated", "time"),
        attributes="Properties",
    ),
    Writing(
        ids=(("operation_Id",), ("id",), ("operation_ParentId",)),
        start=("timestamp",),
        attributes="customDimensions",
    ),
)

OF_MODELS = re.compile(r"(?:gen_ai|llm|ai|openinference)\.")
"""How names of attributes begin that are about a model."""


def writing_of(document: JsonObject) -> Writing | None:
    """Return how a document is written as a span, ``None`` where it is none."""
    return next((writing for writing in WRITINGS if _is_written(document, writing)), None)


def at(document: JsonObject, place: Iterable[str]) -> Any:
    """Return what lies at a place, ``None`` where nothing does."""
    value: Any = document
    for name in place:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _is_written(document: JsonObject, writing: Writing) -> bool:
    has_ids = all(isinstance(at(document, place), str) for place in writing.ids[:2])
    if not has_ids or not any(name in document for name in writing.start):
        return False
    if writing.only_spans and not any(name in document for name in writing.only_spans):
        return False
    if writing.told_by is not None and str(at(document, writing.told_by[0])) not in writing.told_by[1]:
        return False
    return _has_attributes(document, writing)


def _has_attributes(document: JsonObject, writing: Writing) -> bool:
    if writing.is_flat:
        return any(map(OF_MODELS.match, document))
    if writing.within:
        return writing.within == ATTRIBUTES or any(name.startswith(writing.within) for name in document)
    return writing.attributes in document
