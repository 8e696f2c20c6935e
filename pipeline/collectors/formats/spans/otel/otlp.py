"""What a line of OTLP JSON is, and what its spans and log records say by themselves: when, which, with what attributes.

A line has ``resourceSpans[].scopeSpans[].spans[]`` or ``resourceLogs[].scopeLogs[].logRecords[]``; attributes are
lists of ``{key, value}``, integers and times in nanoseconds are text, ids are hex (the OpenTelemetry specification,
"JSON Protobuf Encoding" of OTLP and "OpenTelemetry Protocol File Exporter"). Does not own what attributes mean.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import word
from pipeline.collectors.formats.pages import rows_of
from pipeline.collectors.formats.traced_ids import traced_id
from pipeline.collectors.values.strict_json import ContradictedObject, stated_once
from pipeline.collectors.values.traced import whole_number

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.collectors.values.strict_json import JsonObject

LOG_RECORDS = ("resourceLogs", "scopeLogs", "logRecords")
"""The names of the lists in which log records lie, one in another."""
_SPANS = "spans"
RECORDS = (("resourceSpans", "scopeSpans", _SPANS), LOG_RECORDS)
SIGNALS = ("resourceSpans", "resourceLogs", "resourceMetrics")
TIMES = ("startTimeUnixNano", "timeUnixNano", "observedTimeUnixNano")
_ERROR = 2
_NAME_OF_ERROR = re.compile("STATUS_CODE_ERROR")
_HTTP_STATUS = re.compile(r"[1-5][0-9]{2}")
_INTEGER = re.compile(r"-?[0-9]{1,20}")


def recognises(document: JsonObject) -> bool:
    """Tell a line of OTLP JSON, of whatever signal."""
    return any(isinstance(document.get(name), list) for name in SIGNALS)


def all_records(document: JsonObject) -> Iterator[tuple[JsonObject, JsonObject, JsonObject, bool]]:
    """Yield every span and log record with its attributes, those of its resource, and whether it is a span.

    Raises ``LineRefused`` (``invalid_field``) where a list or an object of the line is none.
    """
    for of_resource, scopes, records in RECORDS:
        for group in _objects(document, of_resource):
            resource = group.get("resource")
            of_all = _attributes(resource) if isinstance(resource, dict) else {}
            for record in (record for scope in _objects(group, scopes) for record in _objects(scope, records)):
                yield record, _attributes(record), of_all, records == _SPANS


def name_of(record: JsonObject, attributes: JsonObject) -> str:
    """Return what an event is called; a span is not asked."""
    return word(record.get("eventName") or attributes.get("event.name"))


def own_name_of(record: JsonObject, attributes: JsonObject) -> str:
    """Return what a tool calls its event: the bridge of Rust's ``tracing`` says in ``eventName`` where it was written.

    Source: ``opentelemetry-appender-tracing`` of ``open-telemetry/opentelemetry-rust``.
    """
    return word(attributes.get("event.name") or record.get("eventName"))


def body_of(record: JsonObject) -> str:
    """Return the text of a log record."""
    return word(_value(record.get("body")))


def time_of(record: JsonObject) -> Any:
    """Return when a call began; an event has only the time at which it was recorded."""
    return next(
        (value for name in TIMES if (value := record.get(name)) not in (None, "0", 0)),
        None,
    )


def id_of(record: JsonObject) -> str | None:
    """Return the id of a span, which is that of its events too: its trace's and its own."""
    return traced_id(record.get("traceId"), record.get("spanId"))


def has_error(record: JsonObject, attributes: JsonObject) -> bool:
    """Tell what failed, by the type of its error or by the status of its span."""
    status = record.get("status")
    code = status.get("code") if isinstance(status, dict) else None
    is_error = code == _ERROR or _NAME_OF_ERROR.fullmatch(word(code)) is not None
    return bool(attributes.get("error.type")) or is_error


def http_status(attributes: JsonObject) -> Any:
    """Return the status of HTTP, which the error's type may be."""
    status = attributes.get("http.response.status_code")
    kind = attributes.get("error.type")
    return kind if status is None and isinstance(kind, str) and _HTTP_STATUS.fullmatch(kind) else status


def first(attributes: JsonObject, *names: str) -> Any:
    """Return the first attribute of several that is stated; ``CONTRADICTED`` where it is stated twice.

    Whoever reads the entry refuses that, and the other spans of its line are read.
    """
    return next((value for name in names if (value := attributes.get(name)) not in (None, "")), None)


def integer_of(value: Any) -> Any:
    """Return an integer that may be written as text; anything else is left as it is."""
    return whole_number(value) if isinstance(value, str) and _INTEGER.fullmatch(value) else value


def _objects(document: JsonObject, name: str) -> list[JsonObject]:
    values = stated_once(document, name)
    return [] if values is None else rows_of(values, f"{name} is no list of objects")


def _attributes(holder: JsonObject) -> JsonObject:
    """Return attributes by name. What is nested holds messages, and is left where it is."""
    pairs = [(str(entry.get("key")), _value(entry.get("value"))) for entry in _objects(holder, "attributes")]
    found = dict(pairs)
    return found if len(found) == len(pairs) else ContradictedObject(pairs)


def _value(value: Any) -> Any:
    """Return what an ``AnyValue`` holds: text, a number, a flag, or a list of these; an integer may stand as text."""
    if not isinstance(value, dict):
        return None
    if "intValue" in value:
        return integer_of(value.get("intValue"))
    if "arrayValue" in value:
        array = value.get("arrayValue")
        values = array.get("values") if isinstance(array, dict) else None
        return [_value(one) for one in values] if isinstance(values, list) else None
    return next((value.get(name) for name in ("stringValue", "boolValue", "doubleValue") if name in value), None)
