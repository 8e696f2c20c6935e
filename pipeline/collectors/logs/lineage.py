"""Whether a log is known, and from where on it is new.

Owns the windows by which a log is known again, whatever its name and compression: the digest of its first bytes and of
the last bytes that were collected. Does not own the records (``pipeline.usage.sources``) nor the reading (``reading``).

A log that has grown is continued; one that was moved, copied or compressed is the same log; one that was truncated or
begun anew matches no record and is a new one.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pipeline.collectors.logs.digests import usual_algorithm
from pipeline.collectors.logs.problems import SAY_NOTHING_OF_THE_BYTES, LogUnreadable
from pipeline.collectors.logs.stored.compression import Compression
from pipeline.usage.sources import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pipeline.collectors.logs.log_file import LogFile
    from pipeline.usage.sources import Algorithm, SourceRecord

_LINE_END = re.compile(rb"\n")
_END_OF_OBJECT = re.compile(rb"\}([ \t\r\0\xef\xbb\xbf]*)(?=\n|\Z)")
"""Where a last line that was an object may have ended: what stands behind it says nothing."""
_BETWEEN = re.compile(r"[ \t\r\n\x0b\x0c\0\xef\xbb\xbf,\x1e]*")
"""What may stand before, between and behind documents (``whole_document``), a character a byte."""
_DOCUMENT = json.JSONDecoder(parse_int=len, parse_float=len, strict=False)
"""Finds where a document ends; its values do not matter."""
_BRACKET = re.compile(r"[}\]]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuation:
    """Where to read on: offset and line number, and up to where the log is to be believed."""

    start: int
    first_line: int
    before: bytes
    """The bytes just before ``start``, at most ``WINDOW_BYTES``."""
    end: int
    """End of what may be read: of the file, or of its last verified member."""
    problem: LogUnreadable | None
    """Why the log is not believed beyond ``end``."""
    record: SourceRecord | None = None
    """What was collected of the log last; ``None`` of one that nobody knows."""
    is_verified: bool = True
    """Whether ``end`` is known; of a compressed log that nobody knows it is not, and ``believed`` finds it."""
    is_segment: bool = False
    """Whether it is a segment that is read again: nothing behind ``end`` belongs to it."""
    heads: tuple[Window, ...] = ()
    """The heads of all records that the log begins like."""
    algorithm: Algorithm = field(default_factory=usual_algorithm)
    """That of the digests of its segments."""


class KnownSources:
    """Records of everything collected so far, found by the beginning of a log without looking at all of them.

    The head of a log that is smaller than a window is all of it. Thousands of such logs have as many sizes, and a
    digest of each of them would cost a log the more the more logs there were before. So of these sizes only those are
    asked for at which a segment may end.
    """

    def __init__(self, records: Iterable[SourceRecord] = ()) -> None:
        self._by_head: dict[int, dict[str, list[SourceRecord]]] = {}
        self._within_segments: set[int] = set()
        """Sizes of heads behind which their segment went on."""
        self.add(records)

    def add(self, records: Iterable[SourceRecord]) -> None:
        """Know these records too."""
        for record in records:
            self._by_head.setdefault(record.head.size, {}).setdefault(record.head.sha256, []).append(record)
            if record.head.size < record.end:
                self._within_segments.add(record.head.size)

    def with_head_of(self, head: bytes) -> list[SourceRecord]:
        """Return the records whose head is that of a log that begins with ``head``.

        The one that reaches farthest first.
        """
        digest, digested = hashlib.sha256(), 0
        matching: list[SourceRecord] = []
        sizes = self._by_head.keys() & possible_ends(head)
        for size in sorted(sizes | {size for size in self._within_segments if size <= len(head)}):
            digest.update(head[digested:size])
            digested = size
            matching += self._by_head[size].get(digest.hexdigest(), ())
        return sorted(matching, key=_reach, reverse=True)


def possible_ends(content: bytes) -> set[int]:
    """Return the offsets at which a segment may end that begins as ``content`` does; 0 and its length among them.

    It ends behind a line or behind a document, and the blanks that follow one, or where the log did. A last line that
    was an object ended there before its line end came.
    """
    ends = {len(content), *(found.end() for found in _LINE_END.finditer(content))}
    for found in _END_OF_OBJECT.finditer(content):
        ends.update(range(found.start(1), found.end(1) + 1))
    for places in _behind_documents(content.decode("latin-1")):
        ends.update(places)
    return ends


def _behind_documents(text: str) -> Iterator[Iterable[int]]:
    """Yield where a document may have ended that a log was; each byte of the log is a character.

    A log whose first line is an object is one only while that line has no end: what follows are lines.
    """
    end, begin = 0, _between(text, 0)
    yield range(begin + 1)
    first_line_end = text.find("\n", begin) if text.startswith("{", begin) else -1
    while not end <= first_line_end < begin:
        try:
            _, end = _DOCUMENT.raw_decode(text, begin)
        except ValueError:
            return
        except RecursionError:  # each may be the one
            for bracket in _BRACKET.finditer(text, begin):
                yield range(bracket.end(), _between(text, bracket.end()) + 1)
            return
        begin = _between(text, end)
        yield range(end, begin + 1)


def _between(text: str, at: int) -> int:
    return _BETWEEN.match(text, at).end()  # type: ignore[union-attr]  # it may be empty, and so matches everywhere


def window(content: bytes | bytearray) -> Window:
    """Return the window that identifies ``content``."""
    return Window(size=len(content), sha256=hashlib.sha256(content).hexdigest())


def continue_from(known: KnownSources, log: LogFile) -> Continuation:
    """Find the record with the greatest end that this log has grown from; without one, reading starts at 0 and line 1.

    A plain log is read at its windows only. A compressed one is decompressed once where a record has its head, unless
    it is unchanged: that is known without it when its size on disk is that of the record and its only member states the
    very end that was collected, or its footer as many rows.

    Raises ``LogUnreadable`` where bytes by which it might be known again are not handed out.
    """
    candidates = known.with_head_of(log.head())
    if log.compression is Compression.NONE:
        place = _of_plain(candidates, log)
    elif not candidates:
        return _from_start(end=0, problem=None, is_verified=False)
    else:
        place = _of_unchanged(candidates, log) or _of_compressed(candidates, log)
    return replace(place, heads=tuple(dict.fromkeys(record.head for record in candidates))) if candidates else place


def believed(log: LogFile) -> Continuation:
    """Decompress a log that nobody knows, to find how far it is to be believed."""
    return _of_compressed((), log)


def _of_plain(candidates: Sequence[SourceRecord], log: LogFile) -> Continuation:
    for record in candidates:
        if record.end > log.file_size:
            continue
        tail = b"".join(log.span(_tail_start(record), record.end))
        if window(tail) == record.tail:
            return _after(record, tail, end=log.file_size, problem=None)
    return _from_start(end=log.file_size, problem=None)


def _of_unchanged(candidates: Sequence[SourceRecord], log: LogFile) -> Continuation | None:
    same_size = [
        record for record in candidates if record.file_size == log.file_size and record.compression == log.compression
    ]
    unchanged = _unchanged(same_size, log) if same_size else None
    return None if unchanged is None else _after(unchanged, b"", end=unchanged.end, problem=None)


def _unchanged(candidates: Sequence[SourceRecord], log: LogFile) -> SourceRecord | None:
    if log.compression is Compression.PARQUET:
        rows = log.stated_rows()
        return next((record for record in candidates if record.next_line == rows + 1), None)
    stated = log.stated_size()
    modulus = 2**32 if log.compression is Compression.GZIP else 2**64
    return next((record for record in candidates if record.end % modulus == stated), None)


def _of_compressed(candidates: Sequence[SourceRecord], log: LogFile) -> Continuation:
    finder = _TailFinder(candidates)
    offset = believed = 0
    problem = None
    try:
        for piece in log.pieces():
            finder.add(piece.content, offset)
            offset += len(piece.content)
            believed = offset if piece.is_verified else believed
    except LogUnreadable as error:
        if error.reason in SAY_NOTHING_OF_THE_BYTES and finder.is_looking:
            raise  # what was collected may lie behind: read from its start, the log would be there twice
        problem = error
    end = believed if problem else offset  # a stream that is merely cut is a file that is still being written
    if finder.record is None:
        return _from_start(end=end, problem=problem)
    return _after(finder.record, finder.tail, end=end, problem=problem)


class _TailFinder:
    """Finds, in one pass, the record with the greatest end whose tail is in the log at its place."""

    def __init__(self, candidates: Sequence[SourceRecord]) -> None:
        self.record: SourceRecord | None = None
        self.tail = b""
        self._waiting = sorted(candidates, key=_tail_start, reverse=True)
        self._open: list[tuple[SourceRecord, bytearray]] = []

    @property
    def is_looking(self) -> bool:
        """Whether the tail of a record lies behind what was taken in."""
        return bool(self._waiting or self._open)

    def add(self, content: bytes, offset: int) -> None:
        """Take in the bytes of the log that begin at ``offset``, the end of those before."""
        following = offset + len(content)
        while self._waiting and _tail_start(self._waiting[-1]) < following:
            self._open.append((self._waiting.pop(), bytearray()))
        for record, tail in self._open:
            tail.extend(content[max(_tail_start(record) - offset, 0) : record.end - offset])
            if (
                record.end <= following
                and (self.record is None or _reach(record) > _reach(self.record))
                and window(tail) == record.tail
            ):
                self.record, self.tail = record, bytes(tail)
        self._open = [(record, tail) for record, tail in self._open if record.end > following]


def _reach(record: SourceRecord) -> tuple[int, int]:
    return record.end, record.next_line


def _tail_start(record: SourceRecord) -> int:
    return record.end - record.tail.size


def _after(record: SourceRecord, tail: bytes, *, end: int, problem: LogUnreadable | None) -> Continuation:
    return Continuation(
        start=record.end, first_line=record.next_line, before=tail, end=end, problem=problem, record=record
    )


def _from_start(*, end: int, problem: LogUnreadable | None, is_verified: bool = True) -> Continuation:
    return Continuation(start=0, first_line=1, before=b"", end=end, problem=problem, is_verified=is_verified)
