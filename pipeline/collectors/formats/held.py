"""Documents that lie in a document: the records of an export, and the line that each was made of.

Facts. Fluent Bit has the line in ``log``, beside the time of its own or the container that Docker sent it of, and
Docker where another logger read its file; Logs Insights in ``@message``; Cloud Logging in ``textPayload`` or, parsed,
in ``jsonPayload``. Loki's ``logcli`` writes ``line`` beside its ``labels``; events for Splunk's collector have theirs
in ``event``, and what is exported in ``_raw``; a dump of Elasticsearch or OpenSearch has the document in ``_source``.
stern writes ``message`` beside the names of pod and container, and nothing else; ``fly logs`` beside what tells the
machine. Azure has what containers wrote in ``Log_s``, ``LogMessage`` or ``LogEntry``, by the table, and in ``Log`` of
resource logs. ``kcat -J`` writes a message of Kafka in ``payload``; an event of CloudEvents, as Dapr sends it, has its
content in ``data``, one of EventBridge in ``detail``, and a notification of SNS in ``Message``. What a function of
Lambda wrote stands behind three words (``pipeline.collectors.wrappers.lambda_text``).
Source: the user guide of CloudWatch Logs; the manual of Fluent Bit; ``LogEntry`` of Cloud Logging; "LogCLI" of Loki;
"Format events for HTTP Event Collector" of Splunk; ``cmd/cmd.go`` of stern; ``internal/command/logs`` of flyctl; "Azure
Monitor Logs table reference"; ``json.c`` of kcat; the specification of CloudEvents 1.0; "EventBridge event structure"
and "Parsing Amazon SNS message formats" of AWS.

A record is known by what its exporter puts beside the line. A field that programs themselves fill, as ``message``, is
looked into only where a source names it (``line_in``): what a caller wrote may stand there. Owns where a document lies
in another. Does not own which exports list records (``listed``), nor lines that are no JSON, nor parts of lines
(``pipeline.collectors.wrappers``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.bodies.body import document_within
from pipeline.collectors.formats.listed import CONSOLE, listed_in, no_line
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import BrokenJson, parse
from pipeline.collectors.wrappers import lambda_text

if TYPE_CHECKING:
    from types import UnionType

    from pipeline.collectors.values.strict_json import JsonObject

_CONTROL = "CONTROL_MESSAGE"
"""What CloudWatch delivers to see whether anybody is there; its events are no lines of a log."""
_RECORDS = (
    ("@message", frozenset(("@timestamp", "@ptr", "@logStream"))),
    ("log", frozenset(("date", "@timestamp", "kubernetes", "container_name"))),
    ("textPayload", frozenset(("insertId", "logName"))),
    ("event", frozenset(("sourcetype",))),
    ("_raw", frozenset(("sourcetype", "_cd", "_indextime"))),
    ("_source", frozenset(("_index",))),
    ("jsonPayload", frozenset(("insertId", "logName"))),
    ("Log_s", frozenset(("ContainerAppName_s", "ContainerJobName_s", "ContainerGroupName_s", "RevisionName_s"))),
    ("LogMessage", frozenset(("LogSource",))),
    ("LogEntry", frozenset(("LogEntrySource",))),
    ("payload", frozenset(("tstype",))),
    ("data", frozenset(("specversion",))),
    ("detail", frozenset(("detail-type",))),
    ("Message", frozenset(("TopicArn",))),
)
"""Where a record has its line, and what stands beside it."""
_POD = frozenset(("message", "podName", "containerName"))
_WHOLE_RECORDS = (
    ("line", frozenset(("labels", "line", "timestamp")), frozenset(("labels", "line", "timestamp"))),
    ("log", frozenset(("log", "stream", "time")), frozenset(("log", "stream", "time"))),
    ("message", _POD, _POD | {"namespace", "nodeName", "labels", "annotations"}),
)
"""Records that have all of some names and no others than these: one alone is what programs write, too."""
_KINDS: dict[str, type | UnionType] = {
    "jsonPayload": dict,
    "_source": dict,
    "event": str | dict,
    "LogMessage": str | dict,
    "message": str | dict,
    "data": str | dict,
    "detail": dict,
}
"""What the line of a record is, where it is no text, or not always."""
_OF_FLY = frozenset(("instance", "region"))
_OF_LAMBDA = re.compile(lambda_text.BEFORE.decode())


def held_in(document: JsonObject, *, depth_max: int) -> list[Any] | None:
    """Return what a document holds, in its order; ``None`` where it is no record and no list of records.

    A ``LineRefused`` stands for a line that should be one and is broken; text that is no part of a JSON document says
    nothing, as what a program writes beside its log.
    """
    if document.get("messageType") == _CONTROL and "logEvents" in document:
        return []
    lines = listed_in(document)
    if lines is None:
        lines = _recorded_in(document)
    return None if lines is None else [held for line in lines for held in held_in_line(line, depth_max)]


def held_in_line(line: Any, depth_max: int) -> list[Any]:
    """Return the document that a line of a record is, as a text or as itself; nothing where it says nothing."""
    if isinstance(line, str):
        return line_in(line, depth_max=depth_max)
    return [line] if isinstance(line, dict | LineRefused) else []


def _recorded_in(document: JsonObject) -> list[Any] | None:
    """Return the line that a document is the record of, ``None`` where it is none."""
    for name, needed, known in _WHOLE_RECORDS:
        line = document.get(name)
        if needed <= document.keys() <= known and isinstance(line, _KINDS.get(name, str)):
            return [line]
    for name, beside in _RECORDS:
        line = document.get(name)
        if not beside.isdisjoint(document) and isinstance(line, _KINDS.get(name, str)):
            is_part = document.get("partial_message") == "true"
            return [no_line(line) if is_part and isinstance(line, str) else line]
    meta, of_resource = document.get("meta"), document.get("properties")
    event = meta.get("event") if isinstance(meta, dict) and document.keys() >= _OF_FLY else None
    if isinstance(event, dict) and "provider" in event:
        line = document.get("message")
    elif document.get("category") == CONSOLE and isinstance(of_resource, dict):
        line = of_resource.get("Log")
    else:
        return None
    return [line] if isinstance(line, str) else None


def line_in(text: str, *, depth_max: int, is_named: bool = False) -> list[Any]:
    """Return the document that a text is; nothing where it is none, a ``LineRefused`` where it should be one.

    Where a source named the place (``is_named``), JSON that was made a text more than once, or is in base64, is one
    too. Elsewhere a quoted text may be what some caller wrote.
    """
    of_lambda = _OF_LAMBDA.match(text)
    if of_lambda is not None:
        text = text[of_lambda.end() :]
    document = document_within(text, depth_max=depth_max) if is_named else _parsed(text, depth_max)
    if isinstance(document, dict | list):
        return [document]
    refused = no_line(text)
    return [] if refused is None else [refused]


def _parsed(text: str, depth_max: int) -> Any:
    try:
        return parse(text, depth_max=depth_max)
    except BrokenJson:
        return None
