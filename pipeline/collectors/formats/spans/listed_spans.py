"""Documents that hold several spans: pages of APIs, traces, and what Sentry calls a transaction.

Owns where such a document has its spans, and what it says of all of them: each is returned with that. Does not own how
one span is written (``writings``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import list_at
from pipeline.collectors.formats.mapping import object_in
from pipeline.collectors.formats.spans.writings import PARENT_OF_JAEGER, at

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.collectors.values.strict_json import JsonObject

_GROUPS, _GROUPS_OF_TEMPO = "resourceSpans", "batches"
_SCOPES = ("scopeSpans", "instrumentationLibrarySpans")
"""Where the groups of OTLP have their spans. Tempo has the groups in ``trace`` as well."""
_OF_JAEGER = frozenset(("result",))
"""What an answer of Jaeger's newer API has, in which the groups are: others have a ``result`` beside other things."""
_PAGES = ("data", "rows", "spans", "traces")
"""Where a page has its spans, or the object that has them, or traces that have them."""
_DECIMAL = re.compile(r"[0-9]{1,20}")


def listed(document: JsonObject) -> Any:
    """Return what a document has as its spans: a list, or what stands in the place of one."""
    if isinstance(root := at(document, ("contexts", "trace")), dict) and "spans" in document:
        return list(_of_transaction(document, root))
    groups = _groups(document)
    if isinstance(groups, list) and groups and all(isinstance(each, dict) for each in groups):
        return [span for group in groups for span in _of_group(group)]
    if _is_trace(document):
        return list(_of_trace(document))
    held = next((value for name in _PAGES if isinstance(value := document.get(name), dict | list)), None)
    rows = held.get("spans") if isinstance(held, dict) else held
    if not isinstance(rows, list):
        return rows
    return [span for row in rows for span in (_of_trace(row) if _is_trace(row) else (_of_jaeger(row),))]


def _groups(document: JsonObject) -> Any:
    within = document.get("result") if document.keys() == _OF_JAEGER else document.get("trace")
    if isinstance(within, dict) and _GROUPS in within:
        return within.get(_GROUPS)
    return document.get(_GROUPS_OF_TEMPO)


def _of_group(group: JsonObject) -> Iterator[Any]:
    """Yield the spans of a group of OTLP, each with what the group says of all of them."""
    for scope in next((value for name in _SCOPES if isinstance(value := group.get(name), list)), []):
        for span in list_at(scope, "spans"):
            yield {**span, "resource": group.get("resource")} if isinstance(span, dict) else span


def _is_trace(row: Any) -> bool:
    """Tell a trace of Jaeger or of Cloud Trace."""
    return isinstance(row, dict) and isinstance(row.get("spans"), list) and ("processes" in row or "projectId" in row)


def _of_trace(trace: JsonObject) -> Iterator[Any]:
    """Yield the spans of a trace, each with what stands beside them."""
    processes = object_in(trace.get("processes"))
    for span in list_at(trace, "spans"):
        if not isinstance(span, dict):
            yield span
        elif "processes" in trace:
            yield _of_jaeger({"process": processes.get(str(span.get("processID"))), **span})
        else:
            ids = {name: _hex_of(span.get(name)) for name in ("spanId", "parentSpanId")}
            yield {"labels": {}, **span, "traceId": trace.get("traceId"), **ids}


def _of_jaeger(span: Any) -> Any:
    """Return a span of Jaeger with the id of the one around it, which is among its references; any other as it is."""
    if not isinstance(span, dict) or "traceID" not in span or PARENT_OF_JAEGER in span:
        return span
    around = [each for each in list_at(span, "references") if isinstance(each, dict)]
    parent = next((each.get("spanID") for each in around if each.get("refType") == "CHILD_OF"), None)
    return {**span, PARENT_OF_JAEGER: parent}


def _are_texts(values: list[Any]) -> bool:
    return all(isinstance(each, str) for each in values)


def _hex_of(decimal: Any) -> Any:
    """Return the id of a span in the hexadecimal digits of OTLP, where Cloud Trace has a decimal number.

    >>> _hex_of("17212216612453331316"), _hex_of("span-1")
    ('eedce9bd5a5ff974', 'span-1')
    """
    is_number = isinstance(decimal, str) and _DECIMAL.fullmatch(decimal) is not None
    return f"{int(decimal):016x}" if is_number else decimal


def _of_transaction(document: JsonObject, root: JsonObject) -> Iterator[Any]:
    """Yield the spans of a transaction and its own, each with its user and its tags."""
    tags = document.get("tags")
    pairs = (each for each in list_at(document, "tags") if isinstance(each, list) and each[1:] and _are_texts(each))
    named = tags if isinstance(tags, dict) else {name: value for name, value, *_ in pairs}
    resource = {"attributes": {"user.id": object_in(document.get("user")).get("id"), **named}}
    own = {**root, "data": root.get("data") or {}, "start_timestamp": document.get("start_timestamp")}
    for span in (*list_at(document, "spans"), own):
        yield {**span, "data": span.get("data") or {}, "resource": resource} if isinstance(span, dict) else span
