"""One line to its rows: usage events and rows of the quarantine; none where the line is blank.

Most lines have one row. An answer in which a second model took part has an event for each, and so has each entry of a
line that is an array of them.

Owns the order in which a line is examined, and the row: what an envelope, a reading or its counts hold under the name
of a column (``pipeline.usage.events``) is that column's value, and a column that none of them has is null. Does not own
the rows' way into Arrow (``segment``).
"""

from __future__ import annotations

from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pipeline.collectors.broken_text import INSTEAD, agreed
from pipeline.collectors.counting import BodyReading
from pipeline.collectors.exchange import read_exchange
from pipeline.collectors.formats.entries import entries_in
from pipeline.collectors.formats.gateways.nginx_escapes import unescaped
from pipeline.collectors.formats.request_log import Envelope, read_envelope
from pipeline.collectors.identity import EntryOfLine, SharedLine, event_id
from pipeline.collectors.refused import RefusedUsage, what_is_stated
from pipeline.collectors.values.copy_escapes import copied
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import BrokenJson, documents_of, parse
from pipeline.usage import QuarantineReason, TokenCounts
from pipeline.usage.events import COLUMNS, LOGGED

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.collectors.formats.entries import Entry
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.logs.lines import Line
    from pipeline.usage import UsageStatus

Row: TypeAlias = tuple[Any, ...]


class EventRow(NamedTuple):
    """The values of ``schemas.USAGE_EVENTS`` in their order; ``occurred_at`` in microseconds."""

    status: UsageStatus
    values: Row


class QuarantineRow(NamedTuple):
    """The values of ``schemas.QUARANTINE`` in their order."""

    reason: QuarantineReason
    values: Row


def decode_line(
    line: Line, *, source: str, log_format: LogFormat, fingerprint: Callable[[str], str]
) -> list[EventRow | QuarantineRow]:
    """Return what a line amounts to: nothing for a blank one. Raises only what ``fingerprint`` raises."""
    if line.content == b"" or (line.content is not None and line.content.isspace()):
        return []
    reader = _Reader(source, log_format, fingerprint)
    try:
        return reader.of_line(line)
    except UnicodeDecodeError as error:
        return reader.of_broken_text(line, error)


class _Reader(NamedTuple):
    """Makes rows of entries: the documents that a line holds."""

    source: str
    log_format: LogFormat
    fingerprint: Callable[[str], str]

    def of_line(self, line: Line, errors: str = "strict") -> list[EventRow | QuarantineRow]:
        """Return the rows of a line; ``errors`` says what is done with bytes that are no UTF-8.

        Raises ``UnicodeDecodeError`` where that is nothing.
        """
        try:
            document = _parsed(line, self.log_format, errors)
        except LineRefused as refused:
            return [self.refused(refused, line, what_is_stated(line, None, self.log_format, self.fingerprint))]
        entries = entries_in(document, self.log_format)
        if len(entries) == 1 and (entries[0].document is document or not isinstance(document, list)):
            return self.rows(entries[0], line)
        shared = SharedLine(line.content or b"")
        return [
            row  # entries that are alike are entries of their own
            for number, entry in enumerate(entries, 1)
            for row in self.rows(entry, line, EntryOfLine(shared, number))
        ]

    def of_broken_text(self, line: Line, error: UnicodeDecodeError) -> list[EventRow | QuarantineRow]:
        """Return the events of a line with bytes that are no UTF-8, or its refusal where they may decide something."""
        found, again = (self.of_line(line, errors) for errors in INSTEAD)
        values = [
            agreed(one.values, other.values)
            for one, other in zip(found, again, strict=False)
            if type(one) is type(other) is EventRow
        ]
        events = [one._replace(values=each) for one, each in zip(found, values, strict=False) if each is not None]
        if len(events) == max(len(found), len(again)):
            return events
        where = f"at byte {error.start} of the line" if error.object == line.content else "in what is escaped"
        refused = LineRefused(QuarantineReason.INVALID_UTF8, where)
        return [self.refused(refused, line, what_is_stated(line, None, self.log_format, self.fingerprint))]

    def rows(self, entry: Entry, line: Line, own: EntryOfLine | None = None) -> list[EventRow | QuarantineRow]:
        """Return the rows of one entry; which it is of its line, where it is one of several (``own``)."""
        document, log_format, refused = entry
        which = "" if own is None else f"entry {own.number}: "
        if not isinstance(document, dict):
            what = LineRefused(QuarantineReason.NOT_AN_OBJECT, f"{which or 'the line is '}JSON, and no object")
            return [self.refused(what, line, RefusedUsage())]
        try:
            if refused is not None:
                raise refused
            envelope = read_envelope(document, log_format, self.fingerprint)
            reading = read_exchange(envelope, log_format)
        except LineRefused as why:
            told = what_is_stated(line, document, log_format, self.fingerprint)
            return [self.refused(LineRefused(why.reason, which + why.detail), line, told)]
        place, known_by = (self.source, line.number, line.start, line.end), own or line.content or b""
        return [
            EventRow(each.status, _values(envelope, each, place, known_by, log_format))
            for each in (reading, *reading.parts)
        ]

    def refused(self, refused: LineRefused, line: Line, told: RefusedUsage) -> QuarantineRow:
        """Return the row of what is refused, with what it tells all the same."""
        place = self.source, line.number, line.start, line.end
        return QuarantineRow(refused.reason, (*place, refused.reason.value, refused.detail, *told))


def _parsed(line: Line, log_format: LogFormat, errors: str) -> Any:
    if line.content is None:
        raise LineRefused(
            QuarantineReason.LINE_TOO_LONG, f"{line.end - line.start} bytes; the cap is {log_format.line_bytes_max}"
        )
    try:
        return _document(line.content, log_format.depth_max, errors)
    except BrokenJson:
        raise LineRefused(QuarantineReason.INVALID_JSON, "the line is not one JSON document") from None


def _document(content: bytes, depth_max: int, errors: str) -> Any:
    text = content.decode(errors=errors)
    try:
        return parse(text, depth_max=depth_max)
    except BrokenJson:
        if "\n" in text and (documents := documents_of(text, depth_max=depth_max)) is not None:
            return documents  # of a log whose documents have several lines each
        plain = unescaped(content)
        plain = copied(content) if plain is None else plain
        if plain is None:
            raise
        return parse(plain.decode(errors=errors), depth_max=depth_max)


def _values(
    envelope: Envelope, reading: BodyReading, place: Row, known_by: bytes | EntryOfLine, log_format: LogFormat
) -> Row:
    identity = event_id(
        api_key_id=envelope.api_key_id,
        response_id=reading.response_id,
        request_id=envelope.request_id,
        line=known_by,
        rule=log_format.identity,
        part=reading.part,
    )
    is_stream = envelope.stream_requested if reading.is_stream is None else reading.is_stream
    counts = _NO_COUNTS if reading.tokens is None else _of_counts(reading.tokens)
    model = envelope.model_requested or reading.model_in_path
    left_out = ",".join(sorted(envelope.left_out | reading.left_out)) or None
    own = identity, envelope.occurred_us, reading.status.value, is_stream, model, left_out, *place
    return _in_order((*own, *_of_envelope(envelope), *envelope.logged, *_of_reading(reading), *counts, None))


_OWN = (
    *("event_id", "occurred_at", "status", "stream", "model_requested", "left_out"),
    *("source", "line", "byte_start", "byte_end"),
)
"""The columns whose values are made of several, in the order in which ``_values`` makes them."""


def _columns_in(kind: type[Any]) -> tuple[str, ...]:
    """Return the columns that a reading has under their own names."""
    return tuple(column.name for column in COLUMNS if column.name in kind.__annotations__ and column.name not in _OWN)


def _row_maker(names: tuple[str, ...]) -> Callable[[Row], Row]:
    """Return what puts values, stated in the order of ``names`` and a null after them, into the order of the columns.

    A column that is not among the names is null. Raises ``ValueError`` where it may not be, or where a name stands
    there twice.
    """
    missing = [column.name for column in COLUMNS if not column.nullable and column.name not in names]
    if missing or len(set(names)) < len(names):
        message = f"rows are made of {names}: each column belongs there at most once, and {missing} may not be null"
        raise ValueError(message)
    at = {name: index for index, name in enumerate(names)}
    return itemgetter(*(at.get(column.name, len(names)) for column in COLUMNS))


_OF_ENVELOPE, _OF_READING, _OF_COUNTS = map(_columns_in, (Envelope, BodyReading, TokenCounts))
_of_envelope, _of_reading, _of_counts = (attrgetter(*names) for names in (_OF_ENVELOPE, _OF_READING, _OF_COUNTS))
_NO_COUNTS = (None,) * len(_OF_COUNTS)
_OF_LOG = tuple(column.name for column in LOGGED)
_in_order = _row_maker((*_OWN, *_OF_ENVELOPE, *_OF_LOG, *_OF_READING, *_OF_COUNTS))
