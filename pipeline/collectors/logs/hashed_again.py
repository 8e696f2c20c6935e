"""Segments of a log hashed again, in one pass over its bytes.

Owns what is there now in the place of a segment. Does not own which segments a log should have nor what it means where
they differ (``pipeline.jobs.proofs.claims.log_checks``). Decodes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.collectors.logs.digests import new_digest
from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.usage.sources import SegmentDigest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.logs.digests import Digest
    from pipeline.collectors.logs.log_file import LogFile
    from pipeline.usage.sources import SourceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """What is there of a segment, between the offsets of its record."""

    size: int
    """In bytes; less than the record's where the log ends before it."""
    digest: SegmentDigest
    """By the algorithm of the record."""
    first_line: int
    lines: int
    problem: str
    """Why the log could not be read up to the segment's end; empty where it was, and of one that is merely short."""

    def differences(self, record: SourceRecord) -> list[str]:
        """Say what is not as it was recorded; nothing where all is."""
        recorded_size = record.end - record.start
        if self.size != recorded_size:
            return [self.problem or f"{self.size} of its {recorded_size} bytes are there"]
        found = [f"{record.digest.algorithm.value} {self.digest.digits}, recorded {record.digest.digits}"]
        return [
            *(found if self.digest != record.digest else []),
            *(self._numbers("first line", self.first_line, record.first_line)),
            *(self._numbers("lines", self.lines, record.lines)),
        ]

    @staticmethod
    def _numbers(what: str, found: int, recorded: int) -> list[str]:
        return [] if found == recorded else [f"{what} {found}, recorded {recorded}"]


def hash_segments(log: LogFile, records: Sequence[SourceRecord]) -> list[Hashed]:
    """Return what is there of each record's segment, in their order; the log is read once, and never beyond the last.

    A compressed log that breaks has what was decompressed before. Raises ``DigestUnavailable`` where nobody here can
    make the digest of a record.
    """
    places = [_Place(record) for record in records]
    waiting = sorted(places, key=lambda place: place.record.start, reverse=True)
    open_places: list[_Place] = []
    offset = newlines = 0
    problem = ""
    try:
        for piece in log.pieces() if places else ():
            content = memoryview(piece.content)
            while waiting and waiting[-1].record.start < offset + len(content):
                place = waiting.pop()
                place.first_line = 1 + newlines + piece.content.count(b"\n", 0, place.record.start - offset)
                open_places.append(place)
            for place in open_places:
                place.add(content, piece.content, offset)
            offset += len(content)
            newlines += piece.content.count(b"\n")
            open_places = [place for place in open_places if place.record.end > offset]
            if not waiting and not open_places:
                break
    except LogUnreadable as error:
        problem = f"{error.detail} ({error.reason})"
    return [place.hashed(problem) for place in places]


def nothing_of(record: SourceRecord, problem: str) -> Hashed:
    """Return what is there of a segment whose log cannot be opened."""
    return _Place(record).hashed(problem)


class _Place:
    """The segment of one record, while its log is read."""

    def __init__(self, record: SourceRecord) -> None:
        self.record = record
        self.first_line = 0
        self._size = 0
        self._newlines = 0
        self._last = b""
        self._digest: Digest = new_digest(record.digest.algorithm)

    def add(self, content: memoryview, searched: bytes, offset: int) -> None:
        """Take in what the bytes that begin at ``offset`` have of the segment; ``searched`` are the same bytes."""
        begin, end = max(self.record.start - offset, 0), min(self.record.end - offset, len(content))
        self._digest.update(content[begin:end])
        self._size += end - begin
        self._newlines += searched.count(b"\n", begin, end)
        self._last = bytes(content[max(end - 1, begin) : end]) or self._last

    def hashed(self, problem: str) -> Hashed:
        """Return what was there; a document that is a whole log may end without a line end."""
        return Hashed(
            size=self._size,
            digest=SegmentDigest(self.record.digest.algorithm, self._digest.hexdigest()),
            first_line=self.first_line,
            lines=self._newlines + (self._last not in (b"\n", b"")),
            problem=problem,
        )
