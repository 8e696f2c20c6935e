"""Spans of OpenTelemetry that are written otherwise than as OTLP: by SDKs, and by what keeps traces.

Facts. A span has its ids, its start, its status and its attributes, by whatever names, and what its attributes are
called is the same everywhere. So each is written as OTLP first, and ``spans.otel`` says what it is.

* The SDK for Python, ``ReadableSpan.to_json``, which its exporter to the console writes: ids in ``context``, as hex
  behind ``0x``; ``status.status_code``. The API of Phoenix (``/v1/projects/…/spans``) and its exports have the same
  names, with ``status_code``, and a page in ``data``; a row of their data frames has them with dots
  (``context.trace_id``, ``attributes.llm.token_count.prompt``).
* Rows of ClickHouse, by the collector's exporter (``otel_traces``): ``SpanAttributes`` and ``ResourceAttributes`` are
  maps of texts. ``Timestamp`` is without an offset, of UTC mostly.
* CloudWatch (``aws/spans``, where AgentCore and Transaction Search put them): the names of OTLP in one object a span,
  whose attributes are an object.
* Logfire (``records`` of its query API, in ``rows``): ``start_timestamp``, ``otel_resource_attributes``. What has only
  begun is a ``pending_span`` beside its span.
* Application Insights (``AppDependencies``, or ``dependencies``, and so for requests): ``Properties`` or
  ``customDimensions`` are an object of texts, or the text of one.
* MLflow: a trace with its spans in ``data``, or a span (``mlflow``).
* SigNoz (``signoz_index_v3`` in ClickHouse): attributes by their types, ``attributes_string`` and its like.
* Tempo, by its API, and Grafana where it saves a trace: the groups of OTLP, in ``batches`` or in ``trace``.
* Elasticsearch, by the collector's exporter in its mode ``otel``: ``@timestamp`` is the start.
* Rows that have attributes at their top: of Dynatrace (``span.id``), Honeycomb (``trace.span_id``) and New Relic, whose
  own is ``id``. Programs log ids of traces as well, so these are spans where an attribute is about a model.

An id of a trace and a span is that of OTLP, so a span that was exported as both is one event. Of attributes that are
texts, numbers are texts too: those whose name says that they count are read as such.

Source: ``opentelemetry-sdk/src/opentelemetry/sdk/trace/__init__.py`` of open-telemetry/opentelemetry-python;
``src/phoenix/server/api/routers/v1/spans.py`` of Arize-ai/phoenix and a trace recorded in its tests; rows recorded by
``agntcy/observe``; ``docs/reference/sql.md`` and ``docs/how-to-guides/query-api.md`` of pydantic/logfire; "Transaction
Search" of CloudWatch; "Azure Monitor Logs table reference", ``AppDependencies``; ``traces_migrations.go`` of
SigNoz/signoz-otel-collector; "Tempo HTTP API"; ``otelserializer`` of the collector's ``elasticsearchexporter``;
"Semantic Dictionary" of Dynatrace; "Send trace data" of Honeycomb; "Trace API" of New Relic.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors.families.reading import list_at, word
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.mapping import first_stated, object_in
from pipeline.collectors.formats.pages import first_row, rows_of
from pipeline.collectors.formats.spans import mlflow, otel
from pipeline.collectors.formats.spans.otel.otlp import integer_of
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import BrokenJson, parse, stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.collectors.values.strict_json import JsonObject

NAME = "spans"


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


_AT_THE_TOP = "attributes."
_WRITINGS = (
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
        within=_AT_THE_TOP,
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
_GROUPS, _SCOPES = ("batches", "resourceSpans"), ("scopeSpans", "instrumentationLibrarySpans")
"""Where Tempo has the groups of OTLP, also in ``trace``, and where these have their spans."""
_PAGES = ("data", "rows", "spans")
"""Where a page has its spans, or the object that has them."""
_PENDING = "pending_span"
"""What Logfire calls a span that has begun: the same span is a row once more when it has ended."""
_STATUSES = ("status_code", "StatusCode", "otel_status_code", "status", "span.status_code", "otel.status_code")
_ERRORS = frozenset(("error", "status_code_error", "2"))
_SUCCESS = ("Success", "success")
"""What Application Insights calls it."""
_HEX = re.compile(r"(?:0x)?([0-9a-fA-F]{16}|[0-9a-fA-F]{32})")
_COUNTED = re.compile("usage|token")
"""What is in the name of an attribute that may count."""
_TYPES = {
    "string_value": "stringValue",
    "int_value": "intValue",
    "double_value": "doubleValue",
    "bool_value": "boolValue",
    "array_value": "arrayValue",
}
"""The types of OTLP as Protocol Buffers call them, and Phoenix' API of OTLP (``/spans/otlpv1``) does."""
_TRUTHS = {"true": True, "false": False}
_LISTED = re.compile(r'\[(?:"|\])')


def recognises(document: JsonObject) -> bool:
    """Tell a span, a page of them, or a trace with its spans."""
    first = first_row(_listed(document), document)
    return first is not None and _writing_of(first) is not None


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the exchanges among one or several spans, each with its ``attributes`` and those of its ``resource``.

    Raises ``LineRefused``: ``invalid_field`` where a page holds what is no span, or what a span has is none of it.
    """
    page = [document] if _writing_of(document) is not None else _listed(document)
    spans = rows_of(page, "there is no list of spans")
    of_trace = mlflow.resource_of(document)
    found = [each for each in spans if each.get("kind") != _PENDING]
    answers: dict[str, Any] = {}
    groups = [_group(each, of_trace, answers) for each in found]
    exchanges = otel.entries({"resourceSpans": groups})
    for entry in exchanges:
        if (answer := answers.get(word(entry["request_id"]))) is not None:
            entry["response"] = answer
    return exchanges


def _listed(document: JsonObject) -> Any:
    """Return what a page has as its spans."""
    trace = document.get("trace")
    groups = _at(trace if isinstance(trace, dict) else document, (_GROUPS[isinstance(trace, dict)],))
    if isinstance(groups, list) and groups and all(isinstance(each, dict) for each in groups):
        return [span for group in groups for span in _of_group(group)]
    held = next((value for name in _PAGES if isinstance(value := document.get(name), dict | list)), None)
    return held.get("spans") if isinstance(held, dict) else held


def _of_group(group: JsonObject) -> Iterator[JsonObject]:
    """Yield the spans of a group of OTLP, each with what the group says of all of them."""
    for scope in next((value for name in _SCOPES if isinstance(value := group.get(name), list)), []):
        for span in list_at(scope, "spans"):
            yield {**span, "resource": group.get("resource")} if isinstance(span, dict) else span


def _writing_of(document: JsonObject) -> Writing | None:
    """Return how a document is written as a span, ``None`` where it is none."""
    for writing in _WRITINGS:
        is_told = all(isinstance(_at(document, place), str) for place in writing.ids[:2])
        has_attributes = (
            any(map(OF_MODELS.match, document)) if writing.is_flat else writing.within or writing.attributes in document
        )
        is_span = not writing.only_spans or any(name in document for name in writing.only_spans)
        if is_told and has_attributes and is_span and any(name in document for name in writing.start):
            return writing
    return None


def _at(document: JsonObject, place: Iterable[str]) -> Any:
    value: Any = document
    for name in place:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _group(document: JsonObject, of_trace: JsonObject, answers: dict[str, Any]) -> JsonObject:
    """Return a span as OTLP has it; what it holds as the answer is put into ``answers``, by the id of its exchange.

    Raises ``LineRefused`` (``invalid_field``) where it is no span.
    """
    writing = _writing_of(document)
    if writing is None:
        raise LineRefused(QuarantineReason.INVALID_FIELD, "there is no span of one of the writings that are known")
    trace, own, around = (_id_of(_at(document, place)) for place in writing.ids)
    attributes = _attributes_of(document, writing)
    if isinstance(attributes, dict) and mlflow.is_of_mlflow(attributes):
        attributes, answer = mlflow.attributes_and_answer(attributes)
        answers |= {} if answer is None else {f"{trace}/{own}": answer}
    span = {
        "traceId": trace,
        "spanId": own,
        "parentSpanId": around,
        "startTimeUnixNano": in_utc(first_stated(document, *writing.start)),
        "status": {"code": 2} if _has_error(document) else {},
        "attributes": _pairs(attributes),
    }
    resource = _at(document, writing.resource) if writing.resource else None
    if not isinstance(resource, list):
        resource = {**object_in(resource), **of_trace} if of_trace else object_in(resource)
    return {"resource": {"attributes": _pairs(resource)}, "scopeSpans": [{"spans": [span]}]}


def _id_of(value: Any) -> Any:
    """Return an id as OTLP has it, in small hexadecimal digits; anything else as it is.

    >>> _id_of("0xEEE19B7EC3C1B174"), _id_of("7uGbfsPBsXQ=")
    ('eee19b7ec3c1b174', 'eee19b7ec3c1b174')
    """
    found = _HEX.fullmatch(value) if isinstance(value, str) else None
    return found[1].lower() if found is not None else mlflow.hex_of(value)


def _attributes_of(document: JsonObject, writing: Writing) -> Any:
    """Return the attributes of a span, an object or a list of pairs. Raises ``LineRefused`` where they are none."""
    if writing.within:
        return {
            name.removeprefix(writing.within): document.get(name)
            for name in document
            if name.startswith(writing.within)
        }
    if writing.is_flat:
        return document
    held = stated_once(document, writing.attributes)
    if writing.more:
        held = {
            **object_in(held),
            **{name: value for each in writing.more for name, value in object_in(document.get(each)).items()},
        }
    if not held or isinstance(held, list):
        return held or {}
    attributes = object_in(held)
    if not attributes:
        raise LineRefused(QuarantineReason.INVALID_FIELD, f"{writing.attributes} is no object")
    return attributes


def _has_error(document: JsonObject) -> bool:
    values = [document.get(name) for name in _STATUSES]
    values += [value.get(name) for value in values if isinstance(value, dict) for name in ("code", "status_code")]
    said = {str(value).lower() for value in values if isinstance(value, str | int)}
    failed = {str(document.get(name)).lower() for name in _SUCCESS}
    return not said.isdisjoint(_ERRORS) or "false" in failed or document.get("error") is True


def _pairs(attributes: Any) -> list[Any]:
    """Return attributes as OTLP has them; a list of pairs is that, but for the letters of its types."""
    if isinstance(attributes, list):
        return [_pair(each) if isinstance(each, dict) else each for each in attributes]
    return [
        {"key": name, "value": typed}
        for name, value in _named(attributes)
        if (typed := _value_of(name, value)) is not None
    ]


def _named(attributes: JsonObject, above: str = "") -> Iterator[tuple[str, Any]]:
    """Yield attributes, those that lie in one another by names with dots."""
    for name in attributes:
        value = attributes.get(name)
        if isinstance(value, dict):
            yield from _named(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _pair(pair: JsonObject) -> JsonObject:
    """Return a pair with the value that OTLP has; its value may be plain, or its types may be in snake case."""
    key, value = pair.get("key"), pair.get("value")
    return {"key": key, "value": _typed(value) if isinstance(value, dict) else _value_of(str(key), value)}


def _typed(value: JsonObject) -> JsonObject:
    typed = {_TYPES.get(kind, kind): value.get(kind) for kind in value}
    array = typed.get("arrayValue")
    if isinstance(array, dict) and isinstance(array.get("values"), list):
        values = [_typed(each) if isinstance(each, dict) else each for each in array["values"]]
        return {"arrayValue": {"values": values}}
    return typed


def _value_of(name: str, value: Any) -> JsonObject | None:
    """Return what OTLP has of a value, ``None`` of nothing, and of an object within a list, which nobody looks at."""
    if value is None or isinstance(value, dict):
        return None
    if isinstance(value, list):
        held = [each for one in value if (each := _value_of(name, one)) is not None]
        return {"arrayValue": {"values": held}}
    if isinstance(value, str):
        return _value_of_text(name, value)
    if isinstance(value, Decimal) and value == value.to_integral_value() and _COUNTED.search(name):
        value = int(value)  # a data frame has fractions where some of its rows have no count
    return {"boolValue" if isinstance(value, bool) else "intValue" if isinstance(value, int) else "doubleValue": value}


def _value_of_text(name: str, text: str) -> JsonObject:
    """Return what OTLP has of a text, which may be how a number, a truth or a list is written."""
    if _COUNTED.search(name):
        return {"intValue": text} if integer_of(text) is not text else {"stringValue": text}
    if text in _TRUTHS:
        return {"boolValue": _TRUTHS[text]}
    if _LISTED.match(text):
        try:
            return _value_of(name, parse(text)) or {}
        except BrokenJson:
            return {"stringValue": text}
    return {"stringValue": text}
