"""Exports that list many records in one document: the lines that they have, or the records.

Facts. A subscription of CloudWatch Logs delivers ``logEvents``, and ``aws logs filter-log-events`` writes ``events``,
each with the line in its ``message``; the API of Logs Insights writes each field of a row as a pair. Loki's API answers
streams of pairs of an instant and a line, behind which metadata may stand, and so it is pushed. A Worker of Cloudflare
has what it gave to its console in the ``message`` of its ``logs``. Azure writes ``records`` of resources, and answers
queries of Log Analytics by tables of columns and rows. Elasticsearch and OpenSearch answer a search by ``hits``, and
DynamoDB a scan or a query by ``Items``.
Source: the user guide of CloudWatch Logs, "Log group-level subscription filters"; the references of the AWS CLI and of
``GetQueryResults``; "Loki HTTP API"; "Tail Workers" and "Workers Trace Events" of Cloudflare; "Azure Monitor Log
Analytics API"; "Search API" of Elasticsearch; the references of the AWS CLI.

An export is known by what stands beside the records and in each of them: where one is otherwise, the document is
nobody's. Does not own what a record holds (``held``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.stored_rows import is_image
from pipeline.collectors.values.strict_json import ContradictedObject
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from pipeline.collectors.values.strict_json import JsonObject

MEMBER = re.compile(r'"[^"\\\x00-\x1f]{1,64}" *: *["{\[0-9tfn]')
"""What only a part of a JSON document has."""
_LISTS = (
    ("logEvents", "message", frozenset(("logGroup", "logStream", "messageType"))),
    ("events", "message", frozenset(("searchedLogStreams", "nextForwardToken", "nextBackwardToken"))),
    ("logs", "message", frozenset(("scriptName",))),
    ("Logs", "Message", frozenset(("ScriptName",))),
)
_ITEMS = "Items"
_OF_ITEMS = "ScannedCount"
"""Where a document has its records, where each has its line, and what stands beside the records."""
_OF_LOKI = frozenset(("streams", "dropped_entries"))
_OF_INSIGHTS = frozenset(("statistics", "status", "queryLanguage"))
_OF_HIT = frozenset(("_index", "_source"))
CONSOLE = "ContainerAppConsoleLogs"
"""The category of resource logs that have what containers wrote; those of others are lines of their own."""


def listed_in(document: JsonObject) -> list[Any] | None:
    """Return the lines or the records that an export lists, ``None`` where a document is none that does."""
    for name, of_record, beside in _LISTS:
        records = document.get(name)
        if isinstance(records, list) and not beside.isdisjoint(document):
            return [_alone(record.get(of_record)) for record in records if isinstance(record, dict)]
    items = document.get(_ITEMS)
    if isinstance(items, list) and _OF_ITEMS in document and all(map(is_image, items)):
        return items
    rows = _streamed_in(document)
    if rows is None:
        rows = _asked_in(document)
    records, found = document.get("records"), document.get("hits")
    if rows is not None:
        return rows
    if isinstance(records, list) and records:
        return records if all(isinstance(each, dict) and each.get("category") == CONSOLE for each in records) else None
    hits = found.get("hits") if isinstance(found, dict) else None
    are_hits = isinstance(hits, list) and all(isinstance(each, dict) and each.keys() >= _OF_HIT for each in hits)
    return hits if are_hits else None


def _alone(value: Any) -> Any:
    """Return what was given to a console alone: JSON behind other words is what a program says of somebody else."""
    if not isinstance(value, list):
        return value
    return value[0] if len(value) == 1 else no_line(" ".join(each for each in value if isinstance(each, str)))


def _streamed_in(document: JsonObject) -> list[Any] | None:
    """Return the lines of an answer of Loki, or of what is pushed there or comes from its tail."""
    answered = document.get("data")
    if isinstance(answered, dict) and answered.get("resultType") == "streams":
        streams = answered.get("result")
    elif document.keys() <= _OF_LOKI:
        streams = document.get("streams") or None
    else:
        return None
    if not isinstance(streams, list) or not all(isinstance(each, dict) and "stream" in each for each in streams):
        return None
    values = [each.get("values") for each in streams]
    if not all(isinstance(each, list) for each in values):
        return None
    entries = [entry for each in values for entry in each]
    if not all(isinstance(entry, list) and len(entry) > 1 and isinstance(entry[1], str) for entry in entries):
        return None
    return [entry[1] for entry in entries]


def _asked_in(document: JsonObject) -> list[Any] | None:
    """Return the rows that answer a query of Logs Insights or of Log Analytics, each as an object."""
    results = document.get("results")
    if isinstance(results, list) and results and not _OF_INSIGHTS.isdisjoint(document):
        are_rows = all(
            isinstance(row, list) and all(isinstance(each, dict) and isinstance(each.get("field"), str) for each in row)
            for row in results
        )
        if not are_rows:
            return None
        return [ContradictedObject([(each.get("field"), each.get("value")) for each in row]) for row in results]
    tables = document.get("tables")
    if not isinstance(tables, list) or not tables:
        return None
    rows = [_rows_of(table) for table in tables]
    return None if None in rows else [row for of_table in rows for row in of_table or ()]


def _rows_of(table: Any) -> list[JsonObject] | None:
    columns, rows = (table.get("columns"), table.get("rows")) if isinstance(table, dict) else (None, None)
    if not isinstance(columns, list) or not isinstance(rows, list):
        return None
    names = [str(column.get("name")) for column in columns if isinstance(column, dict)]
    if len(names) != len(columns) or not all(isinstance(row, list) and len(row) == len(names) for row in rows):
        return None
    return [ContradictedObject(list(zip(names, row, strict=True))) for row in rows]


def no_line(text: str) -> LineRefused | None:
    """Return what stands for a text that is no document, or only a part of one: nothing, where it says nothing."""
    if MEMBER.search(text) is None:
        return None
    return LineRefused(QuarantineReason.INVALID_JSON, "the line within the record is not one JSON document")
