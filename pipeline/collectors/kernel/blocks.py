"""A block of whole lines to events: what the kernel tells, and the plain reader's answer for what it hands over.

Owns the joining of both. Rows are those of ``decode.decode_line``, for every line.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.collectors import event_columns
from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.event_columns import IDS, Chosen, Events, Texts
from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.gateways.access_logs import KEY_HEADERS, key_in
from pipeline.collectors.formats.log_format import LogFormat
from pipeline.collectors.formats.request_log import api_key_id_of
from pipeline.collectors.identity import beginning_of_identity, identities_of_lines, kinds_of_ids
from pipeline.collectors.kernel import readers, rule_table
from pipeline.collectors.kernel.places import formats_read
from pipeline.collectors.kernel.program import BLANK, HANDED_OVER, IDS_OF_IDENTITY, TOLD, ProgramFailed
from pipeline.collectors.kernel.rule_table import KINDS_OF_KEY, OF_HEADER, OF_ID, THE_SAME
from pipeline.collectors.logs.lines import Line, bare_span
from pipeline.collectors.logs.memory import keep_freed_memory
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.strict_json import BrokenJson, parse
from pipeline.tables.schemas import QUARANTINE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import TypeAlias

    from pipeline.collectors.decode import Row
    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.kernel.program import Program, Told
    from pipeline.collectors.kernel.readers import Reader

    Array: TypeAlias = np.ndarray[Any, Any]

_LINE_OF_EVENTS = event_columns.PLACES.index("line")
_LINE_OF_QUARANTINE = QUARANTINE.get_field_index("line")
_KINDS_OF_IDS = ("request", "response")
"""Those of the columns ``IDS``."""


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

    @property
    def rows(self) -> int:
        """Events and quarantined lines."""
        return sum(map(len, self.events)) + len(self.quarantined)

    def lines_of_rows(self) -> Array:
        """Return the line of each row, ascending."""
        of_events = [part.places[_LINE_OF_EVENTS] for part in self.events]
        return np.sort(np.concatenate((*of_events, [row[_LINE_OF_QUARANTINE] for row in self.quarantined])))

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


class Lines(NamedTuple):
    """Lines that lie one behind the other in ``content``, and where they are in the log."""

    content: bytes | memoryview
    start: int = 0
    """Offset in the log, where they lie there as they lie here."""
    first_line: int = 0
    taken: Sequence[Line] | None = None
    """The lines themselves, where they were taken out of others, such as those of a container's logger."""

    def ends(self) -> Array:
        """Return where each line ends."""
        return np.flatnonzero(np.frombuffer(self.content, np.uint8) == ord("\n")) + 1

    def all(self) -> Iterator[Line]:
        """Yield each line."""
        ends = self.ends()
        return self.some(range(len(ends)), ends)

    def some(self, indices: Iterable[int], line_ends: Array) -> Iterator[Line]:
        """Yield some lines, where all end at ``line_ends`` in the content."""
        if self.taken is not None:
            yield from (self.taken[index] for index in indices)
            return
        ends = line_ends.tolist()
        for index in indices:
            begin, end = ends[index - 1] if index else 0, ends[index]
            raw = bytes(self.content[begin : end - 1])
            yield Line(
                self.first_line + index, self.start + begin, self.start + end, raw[slice(*bare_span(raw, 0, len(raw)))]
            )

    def told(self, indices: Array, line_ends: Array) -> list[bytes]:
        """Return the contents of some lines that the kernel told: it hands over lines with NULs or byte order marks."""
        if self.taken is not None:
            return [self.taken[index].content or b"" for index in indices.tolist()]
        places = zip(np.concatenate(([0], line_ends))[indices].tolist(), line_ends[indices].tolist(), strict=True)
        return [bytes(self.content[begin : end - 1]).removesuffix(b"\r") for begin, end in places]

    def places(self, indices: Array, line_ends: Array) -> Array:
        """Return number, start and end of some lines, a column a line."""
        if self.taken is not None:
            stated = np.array([(line.number, line.start, line.end) for line in self.taken], np.int64)
            return np.ascontiguousarray(stated[indices].T)
        ends = line_ends.astype(np.int64) + self.start
        starts = np.concatenate(([self.start], ends[:-1]))
        return np.stack((indices + self.first_line, starts[indices], ends[indices]))


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
        self._our_names = LogFormat(ids_may_look_like_keys=log_format.ids_may_look_like_keys)
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
        if self._lent is not None and self._lent is not self._reader:
            readers.give_back(self._lent)
        self._lent = None

    def decoded(self, content: bytes | memoryview, *, start: int, first_line: int) -> DecodedLines:
        """Return what ``decode.decode_line`` returns for each line of a block, which begins at ``start`` in the log.

        Raises ``ProgramFailed`` where the kernel fails and the block lies in its memory.
        """
        return self._decoded(Lines(content, start, first_line))

    def decoded_lines(self, lines: Sequence[Line]) -> DecodedLines:
        """Return what ``decode.decode_line`` returns for each of some lines that were taken out of others."""
        contents = [line.content for line in lines]
        if any(content is None or b"\n" in content for content in contents):
            return self.plainly(lines)
        return self._decoded(
            Lines(b"".join(content + b"\n" for content in contents if content is not None), taken=lines)
        )

    def _decoded(self, lines: Lines, *, may_change: bool = True) -> DecodedLines:
        """Decode lines; those are read one by one for which the kernel has no room for answers."""
        content = lines.content
        if isinstance(content, bytes):
            self.begin(content[: content.find(b"\n") + 1])
        reader = self._reader
        if reader is None or len(content) > reader.program.block_bytes_max:
            return self.plainly(lines.all())
        program, rules = reader.program, reader.rules
        try:
            told = program.read(content)
        except ProgramFailed:
            self.failures += 1
            self._reader = readers.new(self.log_format, reader.of)  # its memory cannot be relied on any more
            self._lent = None
            self._key_ids.clear()
            if isinstance(content, memoryview):
                raise
            return self.plainly(lines.all())
        events = self._events(reader, *self._told_rows(reader, told), lines)
        ends, fates = told.line_ends, told.fates
        if not len(ends) or ends[-1] < len(content):
            ends = lines.ends()
            fates = np.pad(fates, (0, len(ends) - len(fates)), constant_values=HANDED_OVER)
        blank = int(np.count_nonzero(fates == BLANK))
        rest = list(lines.some(np.flatnonzero(fates == HANDED_OVER).tolist(), ends))
        if program.is_nearly_full:
            program.forget()
            rules.forget()
            self._key_ids.clear()
        others = self._others(rest, reader.of, may_change=may_change)
        parts = [part for part in (events, *others.events) if len(part)]
        further = len(events) - int(np.count_nonzero(fates == TOLD))
        return others._replace(
            events=parts,
            blank=blank + others.blank,
            told=len(events) + others.told,
            further=further + others.further,
            lines=len(fates),
        )

    def _others(self, lines: Sequence[Line], read_as: Format | None, *, may_change: bool) -> DecodedLines:
        """Return what lines amount to that were handed over: of another format, where many are, else one by one."""
        contents = [line.content for line in lines if line.content is not None]
        is_much = may_change and sum(map(len, contents)) >= max(rule_table.LEARNED_FROM_BYTES, 1)
        found = self._format_of(contents[len(contents) // 2], read_as) if is_much else read_as
        if found is read_as:
            return self.plainly(lines)
        self._give_back()
        self._take(found)  # and read with it from now on
        return self._decoded(Lines(b"".join(content + b"\n" for content in contents), taken=lines), may_change=False)

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
        others, quarantined, blank, further, count = self._read(lines)
        return DecodedLines([event_columns.of_rows(others)] if others else [], quarantined, blank, 0, further, count)

    def _read(self, lines: Iterable[Line]) -> tuple[list[Row], list[Row], int, int, int]:
        """Read lines one by one; return the rows of events, of the quarantine, and how many were blank.

        Then how many of the rows are beyond the first of their line, and how many lines there were.
        """
        events: list[Row] = []
        quarantined: list[Row] = []
        blank = further = count = 0
        for line in lines:
            count += 1
            rows = decode_line(line, source=self.source, log_format=self.log_format, fingerprint=self.fingerprint)
            blank += not rows
            further += max(len(rows) - 1, 0)
            for row in rows:
                (events if isinstance(row, EventRow) else quarantined).append(row.values)
        return events, quarantined, blank, further, count

    def _told_rows(self, reader: Reader, told: Told) -> tuple[Told, Array, Chosen]:
        """Return the told lines that are rows: their shapes have rules, and what stands in their holes obeys them.

        And their columns ``NUMBERS``, and the ids of their keys. All others are handed over, or blank.
        """
        program, rules = reader.program, reader.rules
        told = rules.learned(program, told)
        told, is_row = rules.join_ids(told)
        numbers = rules.numbers_of(told)
        is_row = is_row & rules.obeyed(told, numbers) & ~rules.holds_raw_key(program, told)
        chosen = np.zeros(len(told.lines), np.int64)
        found, chosen[is_row] = _distinct(rules.keys_of(told)[is_row])
        key_ids = [self._key_id(reader, key) for key in found.tolist()]
        is_row[is_row] = np.array([key_id != "" for key_id in key_ids], np.bool_)[chosen[is_row]]
        says_nothing = rules.says_nothing(told)
        told.fates[told.lines[says_nothing]] = BLANK
        told.fates[told.lines[is_row]] = TOLD
        told.fates[told.lines[~(is_row | says_nothing) | rules.may_repeat(told, is_row)]] = HANDED_OVER
        is_row &= told.fates[told.lines] == TOLD  # a line is read whole, or handed over whole
        of_rows = told._replace(
            lines=told.lines[is_row], shapes=told.shapes[is_row], first_holes=told.first_holes[is_row]
        )
        return of_rows, numbers.compress(is_row, axis=1), Chosen(chosen[is_row], key_ids)

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

    def _events(self, reader: Reader, told: Told, numbers: Array, keys: Chosen, lines: Lines) -> Events:
        rules = reader.rules
        if not len(told.lines):
            return event_columns.of_rows([])
        content = told.texts[: told.texts_size].copy()
        ids = tuple(Texts(*rules.id_of(told, column), content) for column in range(len(IDS)))
        values, shared = rules.shared_of(told)
        event_ids = self._event_ids(reader.program, ids, keys)
        without = np.flatnonzero(np.logical_and.reduce([texts.sizes == 0 for texts in ids]))
        if len(without):
            known = lines.told(told.lines[without], told.line_ends), [keys.values[key] for key in keys.codes[without]]
            event_ids[without] = np.frombuffer(identities_of_lines(*known), np.uint8).reshape(len(without), -1)
        return Events(
            places=lines.places(told.lines.astype(np.int64), told.line_ends),
            instants=rules.instant_of(told),
            event_ids=event_ids,
            numbers=numbers,
            ids=ids,
            keys=keys,
            kept=rules.kept_of(told),
            shared=Chosen(shared, values),
        )

    def _event_ids(self, program: Program, ids: tuple[Texts, ...], keys: Chosen) -> Array:
        """Return the identities of events, by the rule of the source: of no ids anything."""
        has_request, has_response = (texts.sizes > 0 for texts in ids)
        found, chosen = _distinct(keys.codes * 4 + has_request * 2 + has_response)
        kinds = [self._kinds(has_request=bool(each & 2), has_response=bool(each & 1)) for each in found.tolist()]
        beginnings = [
            beginning_of_identity(kind, keys.values[each >> 2])
            for kind, each in zip(kinds, found.tolist(), strict=True)
        ]
        numbers = program.introduced(beginnings)[chosen]
        which = [
            np.array([_KINDS_OF_IDS.index(kind[place]) if place < len(kind) else len(ids) for kind in kinds])[chosen]
            for place in range(IDS_OF_IDENTITY)
        ]
        columns: list[list[Any]] = [[*(texts.starts for texts in ids), 0], [*(texts.sizes for texts in ids), 0]]
        starts, sizes = ([np.choose(each, column) for each in which] for column in columns)
        return program.identities(numbers, starts, sizes)

    def _kinds(self, *, has_request: bool, has_response: bool) -> tuple[str, ...]:
        stated = [kind for kind, has in (("request", has_request), ("response", has_response)) if has]
        return kinds_of_ids(self.log_format.identity, stated)


def _distinct(values: Array) -> tuple[Array, Array]:
    """Return the distinct ones of some small numbers, ascending, and which of these each one is.

    As ``np.unique``, which sorts them, and imports ``numpy.ma``.
    """
    is_there = np.zeros(int(values.max(initial=-1)) + 1, np.bool_)
    is_there[values] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[values]
