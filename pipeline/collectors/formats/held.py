"""Documents that lie in a document: the records of an export, and the line that each was made of.

Facts. A subscription of CloudWatch Logs delivers ``logEvents``, and ``aws logs filter-log-events`` writes ``events``,
each with the line in its ``message``; Logs Insights writes ``@message``. Fluent Bit has the line in ``log``, beside the
time of its own or the container that Docker sent it of, and Docker where another logger read its file; Cloud Logging in
``textPayload`` or, parsed, in ``jsonPayload``. Loki's ``logcli`` writes ``line`` beside its ``labels``; events for
Splunk's collector have theirs in ``event``, and what is exported in ``_raw``; a dump of Elasticsearch or OpenSearch has
the document in ``_source``.
Source: the user guide of CloudWatch Logs, "Log group-level subscription filters"; the reference of the AWS CLI; the
manual of Fluent Bit; ``LogEntry`` of Cloud Logging; "LogCLI" of Loki; "Format events for HTTP Event Collector" of
Splunk.

A record is known by what its exporter puts beside the line. A field that programs themselves fill, as ``message``, is
looked into only where a source names it (``line_in``): what a caller wrote may stand there. Owns where a document lies
in another. Does not own lines that are no JSON, nor parts of lines (``pipeline.collectors.wrappers``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import BrokenJson, document_in, parse
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from types import UnionType

    from pipeline.collectors.values.strict_json import JsonObject

_MEMBER = re.compile(r'"[^"\\\x00-\x1f]{1,64}" *: *["{\[0-9tfn]')
"""What only a part of a JSON document has."""
_CONTROL = "CONTROL_MESSAGE"
"""What CloudWatch delivers to see whether anybody is there; its events are no lines of a log."""
_LISTS = (
    ("logEvents", frozenset(("logGroup", "logStream", "messageType"))),
    ("events", frozenset(("searchedLogStreams", "nextForwardToken", "nextBackwardToken"))),
)
"""Where a document has its records, and what stands beside them."""
_RECORDS = (
    ("@message", frozenset(("@timestamp", "@ptr", "@logStream"))),
    ("log", frozenset(("date", "@timestamp", "kubernetes", "container_name"))),
    ("textPayload", frozenset(("insertId", "logName"))),
    ("event", frozenset(("sourcetype",))),
    ("_raw", frozenset(("sourcetype", "_cd", "_indextime"))),
    ("_source", frozenset(("_index",))),
    ("jsonPayload", frozenset(("insertId", "logName"))),
)
"""Where a record has its line, and what stands beside it."""
_WHOLE_RECORDS = (
    ("line", frozenset(("labels", "line", "timestamp"))),
    ("log", frozenset(("log", "stream", "time"))),
)
"""Records that have no other names than these: one of them alone is what programs write, too."""
_KINDS: dict[str, type | UnionType] = {"jsonPayload": dict, "_source": dict, "event": dict | str}
"""What the line of a record is, where it is no text, or not always."""


def held_in(document: JsonObject, *, depth_max: int) -> list[Any] | None:
    """Return what a document holds, in its order; ``None`` where it is no record and no list of records.

    A ``LineRefused`` stands for a line that should be one and is broken; text that is no part of a JSON document says
    nothing, as what a program writes beside its log.
    """
    if document.get("messageType") == _CONTROL and "logEvents" in document:
        return []
    for name, beside in _LISTS:
        records = document.get(name)
        if isinstance(records, list) and not beside.isdisjoint(document):
            lines = [record.get("message") for record in records if isinstance(record, dict)]
            return [held for line in lines if isinstance(line, str) for held in line_in(line, depth_max=depth_max)]
    for name, names in _WHOLE_RECORDS:
        if document.keys() == names and isinstance(line := document.get(name), str):
            return line_in(line, depth_max=depth_max)
    for name, beside in _RECORDS:
        line = document.get(name)
        if beside.isdisjoint(document) or not isinstance(line, _KINDS.get(name, str)):
            continue
        return line_in(line, depth_max=depth_max) if isinstance(line, str) else [line]
    return None


def line_in(text: str, *, depth_max: int, is_named: bool = False) -> list[Any]:
    """Return the document that a text is; nothing where it is none, a ``LineRefused`` where it should be one.

    Where a source named the place (``is_named``), JSON that was made a text more than once is one too. Elsewhere a
    quoted text may be what some caller wrote.
    """
    document = document_in(text, depth_max=depth_max) if is_named else _parsed(text, depth_max)
    if isinstance(document, dict | list):
        return [document]
    broken = LineRefused(QuarantineReason.INVALID_JSON, "the line within the record is not one JSON document")
    return [broken] if _MEMBER.search(text) else []


def _parsed(text: str, depth_max: int) -> Any:
    try:
        return parse(text, depth_max=depth_max)
    except BrokenJson:
        return None
