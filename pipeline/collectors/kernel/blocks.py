"""A block of whole lines to events: what the kernel tells, and the plain reader's answer for what it hands over.

Owns the joining of both. Rows are those of ``decode.decode_line``, for every line.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cache
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.collectors import event_columns
from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.event_columns import IDS, Chosen, Events, Texts
from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.gateways.access_logs import KEY_HEADERS, key_in
from pipeline.collectors.formats.log_format import LogFormat
from pipeline.collectors.formats.request_log import api_key_id_of
from pipeline.collectors.identity import IDENTITIES, beginning_of_identity, identities_of_lines, kinds_of_ids
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.block_lines import Lines
from pipeline.collectors.kernel.places import formats_read
from pipeline.collectors.kernel.program import BLANK, HANDED_OVER, TOLD, ProgramFailed
from pipeline.collectors.kernel.rules import table
from pipeline.collectors.kernel.rules.rows import holds_raw_key, join_ids, kept_of, may_repeat
from pipeline.collectors.kernel.rules.rule import KINDS_OF_KEY, OF_HEADER, OF_ID, THE_SAME
from pipeline.collectors.logs.lines import Run
from pipeline.collectors.logs.memory import keep_freed_memory
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import BrokenJson, parse
from pipeline.tables.schemas import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import TypeAlias

    from pipeline.collectors.decode import Row
    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.kernel.block_lines import WrappedLines
    from pipeline.collectors.kernel.program import Program, Told
    from pipeline.collectors.kernel.readers import Reader
    from pipeline.collectors.kernel.rules.rows import Rows
    from pipeline.collectors.logs.lines import Line

    Array: TypeAlias = np.ndarray[Any, Any]

_LINE_OF_EVENTS = event_columns.PLACES.index("line")
_LINE_OF_QUARANTINE = QUARANTINE.get_field_index("line")
_LINE = itemgetter(_LINE_OF_QUARANTINE)
_KINDS_OF_IDS = IDENTITIES["both"]
"""In the order in which they count where both do; one that does not has no size then."""


class DecodedLines(NamedTuple):
    """What some lines amount to."""

    events: list[Events]
    """Not in the order of the log, if there are several."""
    quarantined: list[Row]
    """The values of ``schemas.QUARANTINE``, in the order of the log."""
    blank: int
    told: int
    """How many events the kernel told."""
    further: int
    """How many of the rows are beyond the first of their line."""
    lines: int
    """How many lines of the log they were."""
    joined: int = 0
    """How many of these are parts of what a later one ends."""

    @property
    def rows(self) -> int:
        """Events and quarantined lines."""
        return sum(map(len, self.events)) + len(self.quarantined)

    def lines_of_rows(self) -> Array:
        """Return the line of each row, ascending."""
        of_events = [part.places[_LINE_OF_EVENTS] for part in self.events]
        return np.sort(np.concatenate((*of_events, [row[_LINE_OF_QUARANTINE] for row in self.quarantined])))

    def and_(self, *others: DecodedLines) -> DecodedLines:
        """Return the same of these lines and of others."""
        parts = (self, *others)
        quarantined = [row for part in parts for row in part.quarantined]
        return DecodedLines(
            [events for part in parts for events in part.events],
            sorted(quarantined, key=_LINE) if others[1:] else quarantined,
            *(sum(counts) for counts in zip(*(part[2:] for part in parts), strict=True)),
        )

    def behind(self, lines: int) -> DecodedLines:
        """Return the same of lines behind so many: places are numbered so."""
        for part in self.events:
            part.places[_LINE_OF_EVENTS] += lines
        quarantined = [_behind(row, lines) for row in self.quarantined]
        return self._replace(quarantined=quarantined)


def _behind(row: Row, lines: int) -> Row:
    values: list[Any] = [*row]
    values[_LINE_OF_QUARANTINE] += lines
    return tuple(values)


class BlockDecoder:
    """Decodes the blocks of one log; its methods raise what ``fingerprint`` raises. Not for two threads at once."""

    def __init__(self, *, source: str, log_format: LogFormat, fingerprint: Callable[[str], str]) -> None:
        """Take a kernel; without ``wasmtime``, or where it cannot read such logs, lines are read one by one."""
        keep_freed_memory()
        self.source = source
        self.log_format = log_format
        self.fingerprint = fingerprint
        self.failures = 0
        """How many blocks the kernel failed at; they were read line by line."""
        self._our_names = _our_names(ids_may_look_like_keys=log_format.ids_may_look_like_keys)
        self._formats = formats_read(log_format)
        self._is_begun = False
        self._reader: Reader | None = None
        self._lent: Reader | None = None
        """In whose memory there is room lent, or a block that was read there."""
        self._key_ids: dict[int, str] = {}
        """By the numbers that the kernel gives keys: empty where a key is none."""

    def close(self) -> None:
        """Give the kernel back."""
        self.take_back()
        self._give_back()

    def begin(self, line: bytes) -> None:
        """Take the kernel for the format of the log's first line, unless there is one yet."""
        if not self._is_begun:
            self._is_begun = True
            if self._formats:
                self._take(self._format_of(line, self._formats[0]))

    def _take(self, found: Format | None) -> None:
        self._reader = readers.take(self.log_format, found)
        self._key_ids.clear()

    def _give_back(self) -> None:
        if self._reader is not None and self._reader is not self._lent:
            readers.give_back(self._reader)
        self._reader = None

    def room(self, size: int) -> memoryview | None:
        """Lend room for a block of so many bytes in the kernel's memory; ``None`` where there is none.

        What is read there stays there until ``take_back``.
        """
        self._lent = self._reader
        return None if self._reader is None else self._reader.program.room(size)

    def take_back(self) -> None:
        """Let the room that was lent be used again."""
        if self._lent is not None:
            self._lent.program.room(0)
            if self._lent is not self._reader:
                readers.give_back(self._lent)
        self._lent = None

    def decoded(self, content: bytes | memoryview, *, start: int, first_line: int) -> DecodedLines:
        """Return what ``decode.decode_line`` returns for each line of a block, which begins at ``start`` in the log.

        Raises ``ProgramFailed`` where the kernel fails and the block lies in its memory.
        """
        return self._decoded(Lines(content, start, first_line))

    def decoded_lines(self, lines: Sequence[Line], *, may_change: bool = True) -> DecodedLines:
        """Return what ``decode.decode_line`` returns for each of some lines that were taken out of others."""
        contents = [line.content for line in lines if line.content is not None]
        if len(contents) < len(lines) or any(b"\n" in content for content in contents):
            return self.plainly(lines)
        together = Lines(b"".join([content + b"\n" for content in contents]), taken=lines)
        return self._decoded(together, may_change=may_change)

    def decoded_wrapped(self, lines: WrappedLines, rows_max: int) -> Run | None:
        """Return what lines of a log amount to that hold others, up to where none goes on and to so many rows.

        They end with the line that makes the rows so many. ``None`` where the first is for whoever takes them one by
        one. Raises ``ProgramFailed`` where the kernel fails.
        """
        reader, failures = self._reader, self.failures
        if reader is None or not lines.are_for(reader.program):
            return None
        found = self._read_by(reader, lines)
        if self.failures > failures:
            message = "the kernel failed at what lies in these lines"
            raise ProgramFailed(message)
        full_at = lines.full_at(found.lines_of_rows()[rows_max - 1]) if found.rows >= rows_max else None
        if full_at is not None:  # there are lines of several rows
            return self.decoded_wrapped(lines.first(full_at), rows_max)
        return None if lines.is_odd and not lines.size else Run(lines.size, found.lines, found)

    def _decoded(self, lines: Lines, *, may_change: bool = True) -> DecodedLines:
        """Decode lines; one by one where the kernel cannot, or fails."""
        content = lines.content
        if isinstance(content, bytes):
            self.begin(content[: content.find(b"\n") + 1])
        reader = self._reader
        if reader is None or not reader.program.has_room(content):
            return self.plainly(lines.all())
        try:
            return self._read_by(reader, lines, may_change=may_change)
        except ProgramFailed:
            if isinstance(content, memoryview):
                raise
            return self.plainly(lines.all())

    def _read_by(self, reader: Reader, lines: Lines | WrappedLines, *, may_change: bool = True) -> DecodedLines:
        """Decode lines; those are read one by one for which the kernel has no room for answers."""
        program, rules = reader.program, reader.rules
        try:
            told = lines.read_by(program)
        except ProgramFailed:
            self.failures += 1
            self._reader = readers.new(self.log_format, reader.of)  # its memory cannot be relied on any more
            self._lent = None
            self._key_ids.clear()
            raise
        events = self._events(reader, *self._told_rows(reader, told), lines)
        fates = told.fates
        is_read = (fates == TOLD) | (fates == BLANK)
        count = int(told.line_counts[is_read].sum())
        own = DecodedLines(
            events=[events] if len(events) else [],
            quarantined=[],
            blank=int(np.count_nonzero(fates == BLANK)),
            told=len(events),
            further=len(events) - int(np.count_nonzero(fates == TOLD)),
            lines=count,
            joined=count - int(np.count_nonzero(is_read)),
        )
        handed_over = list(lines.some(np.flatnonzero(fates == HANDED_OVER).tolist(), told))
        if program.is_nearly_full:
            program.forget()
            rules.forget()
            self._key_ids.clear()
        others = self._others(handed_over, reader.of, may_change=may_change)
        return own.and_(others, self.decoded_lines(lines.odd)) if lines.odd else own.and_(others)

    def _others(self, lines: Sequence[Line], read_as: Format | None, *, may_change: bool) -> DecodedLines:
        """Return what lines amount to that were handed over: of another format, where many are, else one by one."""
        contents = [line.content for line in lines if line.content is not None]
        is_much = may_change and sum(map(len, contents)) >= max(table.LEARNED_FROM_BYTES, 1)
        found = self._format_of(contents[len(contents) // 2], read_as) if is_much else read_as
        if found is read_as:
            return self.plainly(lines)
        self._give_back()
        self._take(found)  # and read with it from now on
        return self.decoded_lines(lines, may_change=False)

    def _format_of(self, line: bytes, otherwise: Format | None) -> Format | None:
        """Return the format of a line, where the kernel can read it; where there is no choice, the other one."""
        if len(self._formats) < 2:  # noqa: PLR2004 - there is no choice
            return otherwise
        try:
            document = parse(line.decode(), depth_max=self.log_format.depth_max)
        except (BrokenJson, UnicodeDecodeError):
            return otherwise
        found = format_of(document) if isinstance(document, dict) else otherwise
        return found if found in self._formats else otherwise

    def plainly(self, lines: Iterable[Line]) -> DecodedLines:
        """Return what ``decode.decode_line`` returns for each of some lines, read one by one."""
        events: list[Row] = []
        quarantined: list[Row] = []
        blank = further = count = joined = 0
        for line in lines:
            count += line.lines
            joined += line.lines - 1
            rows = decode_line(line, source=self.source, log_format=self.log_format, fingerprint=self.fingerprint)
            blank += not rows
            further += max(len(rows) - 1, 0)
            for row in rows:
                (events if isinstance(row, EventRow) else quarantined).append(row.values)
        decoded = [event_columns.of_rows(events)] if events else []
        return DecodedLines(decoded, quarantined, blank, 0, further, count, joined)

    def _told_rows(self, reader: Reader, told: Told) -> tuple[Told, Rows, Chosen]:
        """Return the told lines that are rows: their shapes have rules, and what stands in their holes obeys them.

        And the ids of their keys. All others are handed over, or blank.
        """
        rules = reader.rules
        told, rows = rules.rows_of(told)
        told, is_row = join_ids(told, rows)
        is_row &= ~holds_raw_key(reader.program, told, rows)
        found, keys = _distinct(rows.column("key"))
        key_ids = [self._key_id(reader, key) for key in found.tolist()]
        is_row &= np.array([key_id != "" for key_id in key_ids], np.bool_)[keys]
        says_nothing = rules.says_nothing(told)
        is_left = ~says_nothing
        is_left[rows.at[is_row]] = False
        told.fates[told.lines[says_nothing]] = BLANK
        told.fates[rows.lines[is_row]] = TOLD
        told.fates[told.lines[is_left]] = HANDED_OVER
        told.fates[rows.lines[may_repeat(told, rows, rules.counted) & is_row]] = HANDED_OVER
        is_row &= told.fates[rows.lines] == TOLD  # a line is read whole, or handed over whole
        return told, rows.some(is_row), Chosen(keys[is_row], key_ids)

    def _key_id(self, reader: Reader, key: int) -> str:
        """Return the id of a key, of which the plain reader is asked once; empty where it is none."""
        number, kind = divmod(key, KINDS_OF_KEY)
        if kind == THE_SAME:
            return reader.rules.same_keys[number]
        if key not in self._key_ids:
            self._key_ids[key] = ""
            with suppress(UnicodeDecodeError, LineRefused):  # the first: of a half character, in a text within a text
                text: str | None = reader.program.key(number).decode()
                if kind >= OF_HEADER:
                    text = key_in({KEY_HEADERS[kind - OF_HEADER]: text})
                stated = {"api_key_id" if kind == OF_ID else "api_key": text}
                self._key_ids[key] = api_key_id_of(stated, self._our_names, self.fingerprint)
        return self._key_ids[key]

    def _events(self, reader: Reader, told: Told, rows: Rows, keys: Chosen, lines: Lines | WrappedLines) -> Events:
        rules = reader.rules
        if not len(rows.at):
            return event_columns.of_rows([])
        content = told.texts[: told.texts_size].copy()
        ids = tuple(Texts(*rows.texts(name), content) for name in IDS)
        event_ids = self._event_ids(reader.program, ids, keys)
        without = np.flatnonzero(np.logical_and.reduce([texts.sizes == 0 for texts in ids]))
        if len(without):
            known = lines.contents(rows.lines[without], told), [keys.values[key] for key in keys.codes[without]]
            event_ids[without] = np.frombuffer(identities_of_lines(*known), np.uint8).reshape(len(without), -1)
        return Events(
            places=lines.places(rows.lines.astype(np.int64), told),
            instants=rows.column("occurred_at"),
            event_ids=event_ids,
            numbers=rows.numbers,
            ids=ids,
            keys=keys,
            kept=kept_of(told, rows, rules.kept),
            shared=rules.shared_of(rows),
        )

    def _event_ids(self, program: Program, ids: tuple[Texts, ...], keys: Chosen) -> Array:
        """Return the identities of events, by the rule of the source: of no ids anything."""
        texts = [ids[IDS.index(f"{kind}_id")] for kind in _KINDS_OF_IDS]
        found, chosen = _distinct(sum(((each.sizes > 0) << at for at, each in enumerate(texts)), keys.codes * 4))
        stated = [[kind for at, kind in enumerate(_KINDS_OF_IDS) if which >> at & 1] for which in range(4)]
        kinds = [kinds_of_ids(self.log_format.identity, each) for each in stated]
        beginnings = [beginning_of_identity(kinds[each & 3], keys.values[each >> 2]) for each in found.tolist()]
        is_counted = np.array([[kind in each for kind in _KINDS_OF_IDS] for each in kinds])[found & 3]
        sizes = np.array([each.sizes for each in texts]) * is_counted[chosen].T
        return program.identities(beginnings, chosen, [each.starts for each in texts], sizes)


@cache
def _our_names(*, ids_may_look_like_keys: bool) -> LogFormat:
    return LogFormat(ids_may_look_like_keys=ids_may_look_like_keys)


def _distinct(values: Array) -> tuple[Array, Array]:
    """Return the distinct ones of some small numbers, ascending, and which of these each one is.

    As ``np.unique``, which sorts them, and imports ``numpy.ma``.
    """
    is_there = np.zeros(int(values.max(initial=-1)) + 1, np.bool_)
    is_there[values] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[values]
