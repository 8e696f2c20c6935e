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
* Jaeger: a trace of its API, where each span says by ``processID`` which of ``processes`` it is of; a document of its
  Elasticsearch, where tags may be fields of ``tag`` with ``@`` for dots. Zipkin: ``tags`` are texts.
* Data Prepper, into OpenSearch: the names of OTLP and ``startTime``; older ones have attributes at the top, behind
  ``span.attributes.`` and with ``@`` for dots. Newer ones give the span at the root of a trace the sums of those below,
  a model and an agent (``GenAiEnrichmentHelper.java``); they name no operation there, and none is billed.
* Cloud Trace: traces of its first API, whose ids of spans are decimal, and rows of its table in BigQuery. In Cloud
  Logging, events of OpenTelemetry have their attributes as ``labels``, and ``trace`` is a path
  (``opentelemetry-exporter-gcp-logging``).
* Elastic's APM: attributes are labels, texts and numbers apart, with ``_`` for dots (``input/otlp/traces.go``).
* Snowflake: rows of an event table (``RECORD_TYPE`` is ``SPAN``), of UTC.
* Sentry: a transaction with its spans, whose attributes are ``data``, and spans alone.
* Copilot's command line, into a file (``COPILOT_OTEL_FILE_EXPORTER_PATH``): ``type`` is ``span``, a time is an array of
  seconds and nanoseconds, as the SDK for JavaScript has it. Metrics are lines of the same file, and nothing here.
* Rows that have attributes at their top: of Dynatrace (``span.id``), Honeycomb (``trace.span_id``) and New Relic, whose
  own is ``id``. Programs log ids of traces as well, so these are spans where an attribute is about a model.

An id of a trace and a span is that of OTLP, so a span that was exported as both is one event. Of attributes that are
texts, numbers are texts too: those whose name says that they count are read as such.

Source: ``opentelemetry-sdk/src/opentelemetry/sdk/trace/__init__.py`` of open-telemetry/opentelemetry-python;
``src/phoenix/server/api/routers/v1/spans.py`` of Arize-ai/phoenix and a trace recorded in its tests; rows recorded by
``agntcy/observe``; ``docs/reference/sql.md`` and ``docs/how-to-guides/query-api.md`` of pydantic/logfire; "Transaction
Search" of CloudWatch; "Azure Monitor Logs table reference", ``AppDependencies``; ``traces_migrations.go`` of
SigNoz/signoz-otel-collector; "Tempo HTTP API"; ``otelserializer`` of the collector's ``elasticsearchexporter``;
"Semantic Dictionary" of Dynatrace; "Send trace data" of Honeycomb; "Trace API" of New Relic; ``model/json`` of
jaegertracing/jaeger; "Zipkin API"; ``JacksonSpan.java`` of opensearch-project/data-prepper; "Trace schema" and
``projects.traces`` of Cloud Trace; "Event table columns" of Snowflake; elastic/apm-data; "Event Payloads" of Sentry's
developer documentation; "OpenTelemetry monitoring" of GitHub Copilot, and files of its versions 1.0.84 and 1.0.89.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import word
from pipeline.collectors.formats.instants import in_utc
from pipeline.collectors.formats.mapping import first_stated, object_in
from pipeline.collectors.formats.pages import first_row, rows_of
from pipeline.collectors.formats.spans import mlflow, otel
from pipeline.collectors.formats.spans.listed_spans import listed
from pipeline.collectors.formats.spans.otel.otlp import integer_of
from pipeline.collectors.formats.spans.writings import OF_MODELS, at, writing_of
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import BrokenJson, parse, stated_once
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.collectors.formats.spans.writings import Writing
    from pipeline.collectors.values.strict_json import JsonObject

NAME = "spans"

_METRIC = "metric"
"""What a line of Copilot's file says that it is."""
_PENDING = "pending_span"
"""What Logfire calls a span that has begun: the same span is a row once more when it has ended."""
_STATUSES = ("status_code", "StatusCode", "otel_status_code", "status", "span.status_code", "otel.status_code")
_ERRORS = frozenset(("error", "status_code_error", "2", "internal_error"))
"""The last is Sentry's."""
_SUCCESS = ("Success", "success")
"""What Application Insights calls it."""
_HEX = re.compile(r"(?:0x|projects/[^/]{1,64}/traces/)?([0-9a-fA-F]{16}|[0-9a-fA-F]{32})")
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
_TYPED = frozenset(("type", "value"))
_NONE = re.compile("0*")
"""What stands for no span around one."""
_CLIENT = re.compile("CLIENT")
_PUT_AT_ROOT = frozenset(
    (
        *("gen_ai.system", "gen_ai.provider.name", "gen_ai.agent.name", "gen_ai.request.model"),
        *("gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens"),
    )
)
"""What Data Prepper puts at the root of a trace."""
_KIND_OF_CODING_TOOL = ("span.type", "llm_request")
_WITH_UNDERSCORES = {"_".join(name.split(".")): name for name in otel.NAMES}
"""Names of attributes by what Elastic's APM makes of them."""
_TRUTHS = {"true": True, "false": False}
_LISTED = re.compile(r'\[(?:"|\])')


def recognises(document: JsonObject) -> bool:
    """Tell a span, a page of them, or a trace with its spans; and what is metrics of the same file."""
    if _is_of_metrics(document):
        return True
    first = first_row(listed(document), document)
    return first is not None and writing_of(first) is not None


def entries(document: JsonObject) -> list[JsonObject]:
    """Return the exchanges among one or several spans, each with its ``attributes`` and those of its ``resource``.

    Raises ``LineRefused``: ``invalid_field`` where a page holds what is no span, or what a span has is none of it.
    """
    if _is_of_metrics(document):
        return []
    page = [document] if writing_of(document) is not None else listed(document)
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


def _is_of_metrics(document: JsonObject) -> bool:
    return document.get("type") == _METRIC and isinstance(document.get("dataPoints"), list)


def _group(document: JsonObject, of_trace: JsonObject, answers: dict[str, Any]) -> JsonObject:
    """Return a span as OTLP has it; what it holds as the answer is put into ``answers``, by the id of its exchange.

    Raises ``LineRefused`` (``invalid_field``) where it is no span.
    """
    writing = writing_of(document)
    if writing is None:
        raise LineRefused(QuarantineReason.INVALID_FIELD, "there is no span of one of the writings that are known")
    trace, own, around = (_id_of(at(document, place)) for place in writing.ids)
    attributes = _with_dots(_attributes_of(document, writing), writing.dot)
    if writing.sums_at_root and isinstance(attributes, dict):
        attributes = _without_sums(document, attributes, around)
    if isinstance(attributes, dict) and mlflow.is_of_mlflow(attributes):  # which may be objects, and OTLP has none
        attributes, answer = mlflow.attributes_and_answer({name: _bare(attributes.get(name)) for name in attributes})
        answers |= {} if answer is None else {f"{trace}/{own}": answer}
    span = {
        "traceId": trace,
        "spanId": own,
        "parentSpanId": around,
        "startTimeUnixNano": _start_of(first_stated(document, *writing.start)),
        "attributes": _pairs(attributes),
    }
    span["status"] = {"code": 2} if _has_error(document) or _says_error(span["attributes"]) else {}
    resource = _resource_of(document, writing)
    if not isinstance(resource, list):
        resource = {**object_in(resource), **of_trace} if of_trace else object_in(resource)
    return {"resource": {"attributes": _pairs(resource)}, "scopeSpans": [{"spans": [span]}]}


def _start_of(stated: Any) -> Any:
    """Return an instant that is in UTC where it does not say; two numbers are seconds, and nanoseconds on top of them.

    >>> _start_of([1788000000, 123456789])
    1788000000123456789
    """
    if isinstance(stated, list) and [type(each) for each in stated] == [int, int]:
        return stated[0] * 10**9 + stated[1]
    return in_utc(stated)


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


def _resource_of(document: JsonObject, writing: Writing) -> Any:
    """Return the attributes of the resource."""
    if writing.of_resource:
        named = {name: document.get(name) for name in document if name.startswith(writing.of_resource)}
        return _with_dots({name.removeprefix(writing.of_resource): named[name] for name in named}, writing.dot)
    return at(document, writing.resource) if writing.resource else None


def _with_dots(attributes: Any, dot: str) -> Any:
    """Return attributes by their names, in which something else stands for each dot.

    A name with ``_`` is one with dots where that is known: any other is as it is.
    """
    if dot == "." or not isinstance(attributes, dict):
        return attributes
    names = {
        name: _WITH_UNDERSCORES.get(name, name) if dot == "_" else ".".join(name.split(dot)) for name in attributes
    }
    return {named: attributes.get(name) for name, named in names.items()}


def _without_sums(document: JsonObject, attributes: JsonObject, around: Any) -> JsonObject:
    """Return attributes of a span of Data Prepper, less what it made of others.

    At the root of a trace it puts the sums of what lies below, the system, the model and the agent: where nothing else
    is said of a model, and the span is no client's, it is none of a call. Of a coding tool's spans it copies the input
    without what was cached: its counts are left out, as they are where the tool itself writes them.
    """
    if attributes.get(_KIND_OF_CODING_TOOL[0]) == _KIND_OF_CODING_TOOL[1]:
        return {name: value for name, value in attributes.items() if not name.startswith("gen_ai.usage.")}
    is_root = around is None or _NONE.fullmatch(str(around)) is not None
    is_of_a_client = _CLIENT.search(word(document.get("kind"))) is not None
    said = {name for name in attributes if OF_MODELS.match(name)}
    is_sum = is_root and not is_of_a_client and said <= _PUT_AT_ROOT
    return {name: value for name, value in attributes.items() if name not in said} if is_sum else attributes


def _says_error(pairs: list[Any]) -> bool:
    """Tell a span that states its status among its attributes, as OTLP is translated to Jaeger and Zipkin."""
    return any(
        pair.get("key") == "otel.status_code" and pair.get("value") == {"stringValue": "ERROR"}
        for pair in pairs
        if isinstance(pair, dict)
    )


def _has_error(document: JsonObject) -> bool:
    values = [*(document.get(name) for name in _STATUSES), at(document, ("RECORD", "status"))]
    values += [value.get(name) for value in values if isinstance(value, dict) for name in ("code", "status_code")]
    said = {str(value).lower() for value in values if isinstance(value, str | int)}
    failed = {str(document.get(name)).lower() for name in _SUCCESS}
    is_said = document.get("error") is True or at(document, ("event", "outcome")) == "failure"
    return not said.isdisjoint(_ERRORS) or "false" in failed or is_said


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
        value = _bare(attributes.get(name))
        if isinstance(value, dict):
            yield from _named(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _bare(value: Any) -> Any:
    """Return what is stated beside its type, as Sentry has it; anything else as it is."""
    is_typed = isinstance(value, dict) and _TYPED.issuperset(value) and "value" in value
    return value.get("value") if is_typed else value


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
