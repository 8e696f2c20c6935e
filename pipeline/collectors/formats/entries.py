"""From what a line of a log says to the lines of a request log that it holds, and the settings that these are read by.

Owns the choice of the format: the one that a source names, else the one that recognises a document; and which document
is a line at all, and which only holds some (``held``). Does not own which formats there are (``found``) nor what a line
says (``request_log``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors.formats.found import REQUEST_LOG, by_name, format_of, is_request_log
from pipeline.collectors.formats.held import held_in, held_in_line, line_in
from pipeline.collectors.formats.read_from_files import lines_from_files
from pipeline.collectors.formats.spans import otel
from pipeline.collectors.formats.spans.otel.unread import CountsUnread, refused
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.stored_rows import reaches_into_rows, row_in
from pipeline.collectors.values.strict_json import BrokenJson

if TYPE_CHECKING:
    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.values.strict_json import JsonObject

_LEVELS_MAX = 4
"""So deep may documents lie in one another."""


class Entry(NamedTuple):
    """One line of a request log, or what should be one."""

    document: Any
    log_format: LogFormat
    """What it is read by."""
    refused: LineRefused | None = None
    """Why its format could make no line of it."""


def entries_in(document: Any, log_format: LogFormat) -> list[Entry]:
    """Return every line of a request log that a document holds, in their order; an array holds what is in it."""
    return [
        entry
        for line in lines_in(document, log_format)
        for entry in ([line] if line.refused or not isinstance(line.document, dict) else _entries(line))
    ]


def lines_in(document: Any, log_format: LogFormat, levels: int = _LEVELS_MAX) -> list[Entry]:
    """Return every line that a document holds, as it was written, by whatever format; itself, if it holds none."""
    if isinstance(document, list) and levels and any(isinstance(each, dict) for each in document):
        return [entry for each in document for entry in lines_in(each, log_format, levels - 1)]
    if not isinstance(document, dict):
        return [Entry(document, log_format)]
    if levels < _LEVELS_MAX and (row := _row_in(document, log_format)) is not None:
        return lines_in(row, log_format, levels) if row else []
    held, within = _held(document, log_format) if levels else (None, log_format)
    if held is None:
        return [Entry(document, log_format)]
    return [
        entry
        for each in held
        for entry in (
            [Entry(document, log_format, each)] if isinstance(each, LineRefused) else lines_in(each, within, levels - 1)
        )
    ]


def _row_in(document: JsonObject, log_format: LogFormat) -> JsonObject | None:
    """Return the row of a database that one of several documents is; a line of its own was taken for one before."""
    try:
        return None if reaches_into_rows(log_format.steps) else row_in(document)
    except BrokenJson:
        return None


def _entries(line: Entry) -> list[Entry]:
    document, log_format, _ = line
    try:
        entries, written = entries_of(document, log_format)
    except LineRefused as refused:
        return [Entry(document, _read_by(document, log_format), refused)]
    return [
        Entry(document, log_format, entry) if isinstance(entry, LineRefused) else _entry(entry, written, log_format)
        for entry in entries
    ]


def _entry(entry: JsonObject, written: LogFormat, log_format: LogFormat) -> Entry:
    if not isinstance(entry, CountsUnread) or _is_said(entry, written, log_format):
        return Entry(entry, written)
    document, why = refused(entry)
    return Entry(document, written, why)


def _is_said(entry: JsonObject, written: LogFormat, log_format: LogFormat) -> bool:
    """Tell an entry of which the source says where its usage lies, or the answer that has it."""
    named = (name for name in log_format.fields if name == "response" or name.split(".")[0] == "usage")
    value = written.of(entry)
    try:
        return any(value(name) is not None for name in named)
    except LineRefused:
        return True  # who reads the entry says why


def _read_by(document: JsonObject, log_format: LogFormat) -> LogFormat:
    """Return what tells whose a document is that its format refused: its mapping, where it has one."""
    found = _format(document, log_format)
    return log_format if found is None or found.mapping is None else log_format.within(found.name, found.mapping)


def entries_of(document: JsonObject, log_format: LogFormat) -> tuple[list[JsonObject | LineRefused], LogFormat]:
    """Return the lines of a request log that a document is, by its format, and the settings to read them by.

    Raises ``LineRefused`` where its format cannot tell.
    """
    found = _format(document, log_format)
    if found is None:
        return [document], log_format
    written = log_format.within(found.name, found.mapping)
    if found.joined is not None and log_format.batch is not None:
        document = found.joined(document, log_format.batch)
    return [document] if found.entries is None else found.entries(document), written


def _held(document: JsonObject, log_format: LogFormat) -> tuple[list[Any] | None, LogFormat]:
    """Return what lies in a document, ``None`` where it is a line itself, and what that is read by."""
    depth_max = log_format.depth_max
    if lines := log_format.lines_of(document):
        held = [
            each
            for line in lines
            for each in (line_in(line, depth_max=depth_max, is_named=True) if isinstance(line, str) else [line])
        ]
        return held, log_format.within_line()
    found = _format(document, log_format)
    is_line = _is_line(document, log_format, found)
    if not is_line or (found is not None and found.name == otel.NAME):
        from_files = lines_from_files(document, depth_max=depth_max)
        if from_files is not None:
            return [held for line in from_files for held in held_in_line(line, depth_max)], log_format
    return None if is_line else held_in(document, depth_max=depth_max), log_format


def _format(document: JsonObject, log_format: LogFormat) -> Format | None:
    if log_format.format is None:
        return None if log_format.fields else format_of(document)
    return None if log_format.format == REQUEST_LOG else by_name()[log_format.format]


def _is_line(document: JsonObject, log_format: LogFormat, found: Format | None) -> bool:
    """Tell a line from a document that only holds some: its format recognises it, or finds a time and a key in it."""
    if found is not None and (log_format.format is None or found.recognises(document)):
        return True
    if found is not None and found.mapping is None:
        return False
    written = log_format if found is None else log_format.within(found.name, found.mapping)
    if not written.fields:
        return is_request_log(document)
    value = written.of(document)
    try:
        return value("ts") is not None and (value("api_key_id") is not None or value("api_key") is not None)
    except LineRefused:
        return True
