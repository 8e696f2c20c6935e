"""A block of whole lines to events: what the kernel tells, and the plain reader's answer for what it hands over.

Owns the joining of both. Rows are those of ``decode.decode_line``, for every line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.collectors import event_columns
from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.event_columns import IDS, Chosen, Events, Texts
from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.log_format import LogFormat
from pipeline.collectors.formats.request_log import api_key_id_of
from pipeline.collectors.identity import EVENT_ID_BYTES, beginning_of_identity, event_id, kinds_of_ids
from pipeline.collectors.kernel import readers, rule_table
from pipeline.collectors.kernel.places import formats_read
from pipeline.collectors.kernel.program import BLANK, HANDED_OVER, ProgramFailed
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
    from pipeline.collectors.kernel.rule_table import RuleTable

    Array: TypeAlias = np.ndarray[Any, Any]

_LINE_OF_EVENTS = event_columns.PLACES.index("line")
_LINE_OF_QUARANTINE = QUARANTINE.get_field_index("line")
_KEY_FIELDS = ("api_key_id", "api_key")


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

    def behind(self, lines: int) -> DecodedLines:
        """Return the same of lines behind so many: places are numbered so."""
        for part in self.events:
            part.places[_LINE_OF_EVENTS] += lines
        quarantined = [_behind(row, lines) for row in self.quarantined]
        return self._replace(quarantined=quarantined)

    def followed_by(self, other: DecodedLines) -> DecodedLines:
        """Return what these lines and others behind them amount to together."""
        sums: list[Any] = [one + more for one, more in zip(*map(tuple[Any, ...], (self, other)), strict=True)]
        return DecodedLines(*sums)


def _behind(row: Row, lines: int) -> Row:
    values: list[Any] = [*row]
    values[_LINE_OF_QUARANTINE] += lines
    return tuple(values)


class _Block(NamedTuple):
    """Lines that follow one another, and lie in the log as they lie here."""

    content: bytes | memoryview
    start: int
    """Offset in the log."""
    first_line: int

    def all(self) -> Iterator[Line]:
        """Yield each line."""
        ends = np.flatnonzero(np.frombuffer(self.content, np.uint8) == ord("\n")) + 1
        return self.some(range(len(ends)), ends)

    def some(self, indices: Iterable[int], line_ends: Array) -> Iterator[Line]:
        """Yield some lines, where all end at ``line_ends`` in the content."""
        ends = line_ends.tolist()
        for index in indices:
            begin, end = ends[index - 1] if index else 0, ends[index]
            raw = bytes(self.content[begin : end - 1])
            yield Line(
                self.first_line + index, self.start + begin, self.start + end, raw[slice(*bare_span(raw, 0, len(raw)))]
            )

    def behind(self, count: int, rest: bytes) -> _Block:
        """Return the block of those behind the first so many, of which this is the rest."""
        return _Block(rest, self.start + len(self.content) - len(rest), self.first_line + count)

    def places(self, indices: Array, line_ends: Array) -> Array:
        """Return number, start and end of some lines, a column a line."""
        ends = line_ends.astype(np.int64) + self.start
        starts = np.concatenate(([self.start], ends[:-1]))
        return np.stack((indices + self.first_line, starts[indices], ends[indices]))


class _Taken(NamedTuple):
    """Lines that were taken out of others, such as those of a container's logger."""

    lines: Sequence[Line]

    def all(self) -> Iterable[Line]:
        """Return each line."""
        return self.lines

    def some(self, indices: Iterable[int], _line_ends: Array) -> Iterator[Line]:
        """Yield some lines."""
        return (self.lines[index] for index in indices)

    def behind(self, count: int, _rest: bytes) -> _Taken:
        """Return those behind the first so many."""
        return _Taken(self.lines[count:])

    def places(self, indices: Array, _line_ends: Array) -> Array:
        """Return number, start and end of some lines, a column a line."""
        stated = np.array([(line.number, line.start, line.end) for line in self.lines], np.int64)
        return np.ascontiguousarray(stated[indices].T)


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
        self._format: Format | None = self._formats[0] if self._formats else None
        self._lent_format = self._format
        self._is_begun = False
        self._reader: Reader | None = None
        self._lent: Reader | None = None
        """In whose memory there is room lent, or a block that was read there."""
        self._forget_keys()

    def close(self) -> None:
        """Give the kernel back."""
        self.take_back()
        self._give_back()

    def _give_back(self) -> None:
        if self._reader is not None and self._reader is not self._lent:
            readers.give_back(self.log_format, self._format, self._reader)
        self._reader = None

    def begin(self, line: bytes) -> None:
        """Take the kernel for the format of the log's first line, unless there is one yet."""
        if not self._is_begun:
            self._is_begun = True
            if self._formats and not self._change_to_format_of(line):
                self._reader = readers.take(self.log_format, self._format)
                self._forget_keys()

    def room(self, size: int) -> memoryview | None:
        """Lend room for a block of so many bytes in the kernel's memory; ``None`` where there is none.

        What is read there stays there until ``take_back``.
        """
        self._lent, self._lent_format = self._reader, self._format
        return None if self._reader is None else self._reader.program.room(size)

    def take_back(self) -> None:
        """Let the room that was lent be used again."""
        if self._lent is not None and self._lent is not self._reader:
            readers.give_back(self.log_format, self._lent_format, self._lent)
        self._lent = None

    def decoded(self, content: bytes | memoryview, *, start: int, first_line: int) -> DecodedLines:
        """Return what ``decode.decode_line`` returns for each line of a block, which begins at ``start`` in the log.

        Raises ``ProgramFailed`` where the kernel fails and the block lies in its memory.
        """
        return self._decoded(content, _Block(content, start, first_line))

    def plainly(self, content: bytes | memoryview, *, start: int, first_line: int) -> DecodedLines:
        """Return the same, read one by one."""
        return self._plainly(_Block(content, start, first_line).all())

    def decoded_lines(self, lines: Sequence[Line]) -> DecodedLines:
        """Return what ``decode.decode_line`` returns for each of some lines that were taken out of others."""
        contents = [line.content for line in lines]
        if any(content is None or b"\n" in content for content in contents):
            return self._plainly(lines)
        return self._decoded(b"".join(content + b"\n" for content in contents if content is not None), _Taken(lines))

    def _decoded(self, content: bytes | memoryview, lines: _Block | _Taken, *, may_change: bool = True) -> DecodedLines:
        """Decode a block, in as many calls of the kernel as it has lines for."""
        found, end = self._decoded_at_once(content, lines, may_change=may_change)
        if end < len(content):
            whole = bytes(content)
            while end < len(whole):
                rest = whole[end:]
                more, size = self._decoded_at_once(rest, lines.behind(found.lines, rest), may_change=may_change)
                found, end = found.followed_by(more), end + size
            if isinstance(content, memoryview):
                if self._lent is None:
                    message = "it failed at the rest of a block"  # and its memory is gone
                    raise ProgramFailed(message)
                content[:] = whole  # where the rest was read; it is hashed later
        return found

    def _decoded_at_once(
        self, content: bytes | memoryview, lines: _Block | _Taken, *, may_change: bool
    ) -> tuple[DecodedLines, int]:
        """Decode the first lines, and return where they end: mostly all."""
        if isinstance(content, bytes):
            self.begin(content[: content.find(b"\n") + 1])
        reader = self._reader
        if reader is None or len(content) > reader.program.block_bytes_max:
            return self._plainly(lines.all()), len(content)
        program, rules = reader
        try:
            told = program.read(content)
        except ProgramFailed:
            self.failures += 1
            self._reader = readers.new(self.log_format, self._format)  # its memory cannot be relied on any more
            self._lent = None
            self._forget_keys()
            if isinstance(content, memoryview):
                raise
            return self._plainly(lines.all()), len(content)
        is_row, numbers = self._told_rows(reader, told)
        events = self._events(reader, told, is_row, numbers, lines)
        told.fates[told.lines[~is_row]] = HANDED_OVER
        told.fates[told.lines[rules.says_nothing(told)]] = BLANK
        handed_over = np.flatnonzero(told.fates == HANDED_OVER).tolist()
        blank = int(np.count_nonzero(told.fates == BLANK))
        rest = list(lines.some(handed_over, told.line_ends))
        if program.is_nearly_full:
            program.forget()
            rules.forget()
            self._forget_keys()
        count, end = len(told.fates), int(told.line_ends[-1]) if len(told.line_ends) else 0
        others = self._others(rest, may_change=may_change)
        parts = [part for part in (events, *others.events) if len(part)]
        found = others._replace(events=parts, blank=blank + others.blank, told=len(events) + others.told, lines=count)
        return found, end

    def _others(self, lines: Sequence[Line], *, may_change: bool) -> DecodedLines:
        """Return what lines amount to that were handed over: of another format, where many are, else one by one."""
        contents = [line.content for line in lines if line.content is not None]
        is_much = may_change and sum(map(len, contents)) >= max(rule_table.LEARNED_FROM_BYTES, 1)
        if not is_much or not self._change_to_format_of(contents[len(contents) // 2]):
            return self._plainly(lines)
        return self._decoded(b"".join(content + b"\n" for content in contents), _Taken(lines), may_change=False)

    def _change_to_format_of(self, line: bytes) -> bool:
        """Read with the kernel for the format of a line from now on; return whether that is another one."""
        if len(self._formats) < 2:  # noqa: PLR2004 - there is no choice
            return False
        try:
            document = parse(line.decode(), depth_max=self.log_format.depth_max)
        except (BrokenJson, UnicodeDecodeError):
            return False
        found = format_of(document) if isinstance(document, dict) else self._format
        if found is self._format or found not in self._formats:
            return False
        self._give_back()
        self._format, self._reader = found, readers.take(self.log_format, found)
        self._forget_keys()
        return True

    def _plainly(self, lines: Iterable[Line]) -> DecodedLines:
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

    def _told_rows(self, reader: Reader, told: Told) -> tuple[Array, Array]:
        """Return which told lines are rows: their shapes have rules, and what stands in their holes obeys them.

        And the columns ``NUMBERS`` of all of them.
        """
        program, rules = reader
        rules.learn(program, told)
        is_whole = rules.join_ids(told)
        numbers = rules.numbers_of(told)
        is_row = is_whole & rules.obeyed(told, numbers) & ~rules.holds_raw_key(program, told)
        keys, is_raw, is_same = rules.keys_of(told)
        for kind in (False, True):
            chosen = np.flatnonzero(is_row & (is_raw == kind) & ~is_same)
            if len(chosen):
                is_row[chosen] = self._are_known(program, keys[chosen], is_raw=kind)
        return is_row, numbers

    def _are_known(self, program: Program, keys: Array, *, is_raw: bool) -> Array:
        """Ask the plain reader whose keys are those that have not been asked of yet; return of which it says so."""
        known = self._key_ids[is_raw]
        is_new = ~self._is_known[is_raw][keys]
        for number in sorted(set(keys[is_new].tolist())):
            try:
                key = program.key(number).decode()
            except UnicodeDecodeError:  # of a half character, in a text within a text
                continue
            try:
                key_id = api_key_id_of({_KEY_FIELDS[is_raw]: key}, self._our_names, self.fingerprint)
            except LineRefused:
                continue
            known += [""] * (number + 1 - len(known))
            known[number] = key_id
            self._is_known[is_raw][number] = True
        are_known: Array = self._is_known[is_raw][keys]
        return are_known

    def _forget_keys(self) -> None:
        """Know whose key is none: keys are numbered anew."""
        size = self._reader.program.keys_max if self._reader is not None else 0
        self._key_ids: tuple[list[str], list[str]] = ([], [])
        self._is_known = np.zeros(size, np.bool_), np.zeros(size, np.bool_)

    def _events(self, reader: Reader, told: Told, is_row: Array, numbers: Array, lines: _Block | _Taken) -> Events:
        program, rules = reader
        if not is_row.any():
            return event_columns.of_rows([])
        told = told._replace(lines=told.lines[is_row], shapes=told.shapes[is_row], first_holes=told.first_holes[is_row])
        content = told.texts[: rules.texts_size(told)].copy()
        ids = tuple(Texts(*rules.id_of(told, column), content) for column in range(len(IDS)))
        keys = self._keys_of(rules, told)
        values, shared = rules.shared_of(told)
        return Events(
            places=lines.places(told.lines.astype(np.int64), told.line_ends),
            instants=rules.instant_of(told),
            event_ids=self._event_ids(program, ids, keys),
            numbers=numbers.compress(is_row, axis=1),
            ids=ids,
            keys=keys,
            shared=Chosen(shared, values),
        )

    def _keys_of(self, rules: RuleTable, told: Told) -> Chosen:
        """Return the ids of the keys of told lines."""
        keys, is_raw, is_same = rules.keys_of(told)
        found, codes = _distinct(keys * 3 + np.where(is_same, 2, is_raw))
        known = (*self._key_ids, rules.same_keys)
        return Chosen(codes, [known[each % 3][each // 3] for each in found.tolist()])

    def _event_ids(self, program: Program, ids: tuple[Texts, ...], keys: Chosen) -> Array:
        """Return the identities of events, by the rule of the source."""
        has_request, has_response = (texts.sizes > 0 for texts in ids)
        found, chosen = _distinct(keys.codes * 4 + has_request * 2 + has_response)
        kinds = [self._kinds(has_request=bool(each & 2), has_response=bool(each & 1)) for each in range(4)]
        beginnings = [(kinds[each & 3], keys.values[each >> 2]) for each in found.tolist()]
        if len(beginnings) > program.beginnings_max or any(len(each) != 1 for each, _ in beginnings):
            return self._event_ids_one_by_one(ids, keys)
        numbers = program.introduced([beginning_of_identity(*each) for each in beginnings])
        is_response = np.array([each == ("response",) for each, _ in beginnings])[chosen]
        starts, sizes = (
            np.where(is_response, of_response, of_request)
            for of_request, of_response in ((ids[0].starts, ids[1].starts), (ids[0].sizes, ids[1].sizes))
        )
        return program.identities(numbers[chosen], starts, sizes)

    def _kinds(self, *, has_request: bool, has_response: bool) -> tuple[str, ...]:
        stated = [kind for kind, has in (("request", has_request), ("response", has_response)) if has]
        return kinds_of_ids(self.log_format.identity, stated)

    def _event_ids_one_by_one(self, ids: tuple[Texts, ...], keys: Chosen) -> Array:
        content = ids[0].content.tobytes()
        requests, responses = (
            [
                content[start : start + size].decode() or None
                for start, size in zip(*map(_listed, texts[:2]), strict=True)
            ]
            for texts in ids
        )
        found = [
            event_id(
                api_key_id=keys.values[code],
                response_id=response,
                request_id=request,
                line=b"",
                rule=self.log_format.identity,
            )
            for code, request, response in zip(keys.codes.tolist(), requests, responses, strict=True)
        ]
        return np.frombuffer(b"".join(found), np.uint8).reshape(len(found), EVENT_ID_BYTES)


def _distinct(values: Array) -> tuple[Array, Array]:
    """Return the distinct ones of some small numbers, ascending, and which of these each one is.

    As ``np.unique``, which sorts them, and imports ``numpy.ma``.
    """
    is_there = np.zeros(int(values.max(initial=-1)) + 1, np.bool_)
    is_there[values] = True
    return np.flatnonzero(is_there), (np.cumsum(is_there) - 1)[values]


def _listed(values: Array) -> list[int]:
    listed: list[int] = values.tolist()
    return listed
