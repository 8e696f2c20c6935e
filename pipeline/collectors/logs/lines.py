"""Bytes to lines: complete ones only, each with its number and its place, in bounded memory whatever their length.

Owns the splitting at LF, the cap on a line, and the digests of what was split. Does not own what a line says
(``decode``). Only a line that is ended by LF is complete; the rest is left for the next run.
"""

from __future__ import annotations

import re
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors.logs.digests import new_digest
from pipeline.collectors.logs.log_file import WINDOW_BYTES
from pipeline.usage.sources import Algorithm, SegmentDigest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pipeline.collectors.logs.digests import Digest


_AROUND = re.compile(rb"(?:\x00|\xef\xbb\xbf|\x1e)*")
"""NULs of a crash, byte order marks, and the record separator of text sequences (RFC 7464; ``jq --seq``)."""
_BEHIND = b"\0"
_CR = ord("\r")


def bare_span(content: bytes, begin: int, end: int) -> tuple[int, int]:
    """Return the place of a line, less the NULs and byte order marks around it and a CR at its end."""
    around = _AROUND.match(content, begin, end)
    begin = around.end() if around else begin
    while end > begin and content[end - 1] == 0:
        end = begin + len(content[begin:end].rstrip(_BEHIND))
    return begin, end - 1 if end > begin and content[end - 1] == _CR else end


class Line(NamedTuple):
    """One complete line; ``content`` without its LF, a CR before it, and NULs and byte order marks around it.

    ``None`` where it is longer than the cap.
    """

    number: int
    start: int
    end: int
    """Offsets ``[start, end)`` in the decompressed log, LF included: one line starts where the other ends."""
    content: bytes | None
    edges: bytes = b""
    """Of a line beyond the cap: how it begins and ends, a line end between them where what lies there is left out."""
    lines: int = 1
    """How many lines of the log it is made of."""


def lines_of(content: bytes, start: int, first_line: int) -> Iterator[Line]:
    """Yield some complete lines, which lie one behind the other, the first at an offset of the log."""
    begin = 0
    for number, raw in enumerate(content.split(b"\n")[:-1], first_line):
        end = begin + len(raw) + 1
        yield Line(number, start + begin, start + end, raw[slice(*bare_span(raw, 0, len(raw)))])
        begin = end


class Run(NamedTuple):
    """Lines at some place of a block that were read together."""

    size: int
    """How many bytes they have; none where what lies there goes on behind the block."""
    lines: int = 0
    """How many lines of the log they are."""
    found: Any = None
    """What they amount to, for whoever reads them."""
    instead: bytes | None = None
    """What lies in the block from that place on, where the block itself cannot be relied on any more."""


class LinesTaken:
    """What is known of the lines of a log that were taken up to now.

    ``end`` is where they end, and ``next_line`` the number of the line that begins there.
    """

    def __init__(self, *, start: int, first_line: int, before: bytes, algorithm: Algorithm) -> None:
        """Begin at offset ``start``, which is the beginning of line ``first_line``; ``before`` are the bytes before."""
        self.end = start
        self.segment_start = start
        self.next_line = first_line
        self._recent: deque[bytes] = deque([before[-WINDOW_BYTES:]])
        self._recent_bytes = len(self._recent[0])
        self._algorithm = algorithm
        self._digest = new_digest(algorithm)

    def begin_segment(self) -> None:
        """Let a segment begin after the line taken last."""
        self.segment_start = self.end
        self._digest = new_digest(self._algorithm)

    @property
    def segment_digest(self) -> SegmentDigest:
        """The digest of the lines since ``segment_start``, with their terminators."""
        return SegmentDigest(self._algorithm, self._digest.hexdigest())

    @property
    def tail(self) -> bytes:
        """The last bytes before ``end``, at most ``WINDOW_BYTES``: for knowing the log again."""
        return b"".join(self._recent)[-WINDOW_BYTES:]

    def _count(self, recent: bytes, size: int, lines: int) -> None:
        """Count lines of so many bytes, which end with ``recent``; the digest has them."""
        self._recent.append(recent)
        self._recent_bytes += len(recent)
        while self._recent_bytes - len(self._recent[0]) >= WINDOW_BYTES:
            self._recent_bytes -= len(self._recent.popleft())
        self.next_line += lines
        self.end += size


class SplitPlace(NamedTuple):
    """Where a splitter stands, and what it knows of the lines before."""

    end: int
    next_line: int
    recent: tuple[bytes, ...]
    recent_bytes: int
    digest: Digest


class LineSplitter(LinesTaken):
    """Iterates the lines of a log from ``start`` on, and knows at each of them what has been split so far.

    Those are taken that were handed out.
    """

    def __init__(
        self,
        blocks: Iterable[bytes | memoryview],
        *,
        start: int = 0,
        first_line: int = 1,
        before: bytes = b"",
        line_bytes_max: int,
        algorithm: Algorithm = Algorithm.SHA256,
        give_back: Callable[[bytes], bool] | None = None,
    ) -> None:
        """Begin at offset ``start``, which is the beginning of line ``first_line``.

        ``before`` are the bytes just before it. ``give_back`` takes the end of a block, and says whether the next one
        begins with it.
        """
        super().__init__(start=start, first_line=first_line, before=before, algorithm=algorithm)
        self._blocks = blocks
        self._give_back = give_back
        self._begun: list[bytes] = []
        self._begun_bytes = 0
        self._too_long: LongLine | None = None
        self._line_bytes_max = line_bytes_max

    def place(self) -> SplitPlace:
        """Return where it stands, for ``return_to``."""
        return SplitPlace(self.end, self.next_line, tuple(self._recent), self._recent_bytes, self._digest.copy())

    def return_to(self, place: SplitPlace) -> None:
        """Stand where it stood before, in the same segment: as if the lines since then had not been handed out."""
        self.end, self.next_line, recent, self._recent_bytes, digest = place
        self._recent, self._digest = deque(recent), digest.copy()

    def __iter__(self) -> Iterator[Line]:
        """Yield the complete lines in their order."""
        for each in self.in_runs(_no_run):
            if isinstance(each, Line):
                yield each

    def in_runs(self, run_at: Callable[[bytes | memoryview, int], Run | None]) -> Iterator[Line | Run]:
        """Yield the complete lines in their order, those together that ``run_at`` reads.

        It is given a block and a place in it where a line begins. NULs and byte order marks stand around lines as they
        are.
        """
        for block in self._blocks:
            at = 0
            while at < len(block):
                run = None if self._begun or self._too_long is not None else run_at(block, at)
                if run is not None and run.instead is not None:
                    block, at = run.instead, 0  # noqa: PLW2901 - the same bytes, elsewhere
                elif run is not None and run.size:
                    self._take_run(block[at : at + run.size], run.lines)
                    at += run.size
                    yield run
                elif run is not None and self._give_back is not None and self._give_back(bytes(block[at:])):
                    break
                else:
                    block = bytes(block)  # noqa: PLW2901 - likewise
                    end = block.find(b"\n", at)
                    part = block[at:end] if end >= 0 else block[at:]
                    at += len(part) + 1
                    if (line := self._taken(part, is_ended=end >= 0)) is not None:
                        yield line

    def _taken(self, part: bytes, *, is_ended: bool) -> Line | None:
        """Take in a part of a line; return the line once it has ended."""
        if self._too_long is None:
            self._begun.append(part)
            self._begun_bytes += len(part)
            if is_ended:
                line = self._line(b"".join(self._begun))
                self._begun, self._begun_bytes = [], 0
                return line
            if self._begun_bytes > self._line_bytes_max or are_nuls(self._begun):
                self._too_long = LongLine(self._digest, b"".join(self._begun), self._line_bytes_max)
                self._begun, self._begun_bytes = [], 0
            return None
        self._too_long.add(part + b"\n" * is_ended)
        if not is_ended:
            return None
        long_line, self._too_long = self._too_long, None
        return self._long_line(long_line)

    def _line(self, raw: bytes) -> Line:
        if len(raw) > self._line_bytes_max:
            long_line = LongLine(self._digest, raw, self._line_bytes_max)
            long_line.add(b"\n")
            return self._long_line(long_line)
        ended = raw + b"\n"
        self._digest.update(ended)
        begin, end = bare_span(raw, 0, len(raw))
        return self._advanced(len(ended), ended, raw[begin:end])

    def _take_run(self, content: bytes | memoryview, lines: int) -> None:
        self._digest.update(content)
        self._count(bytes(content[-WINDOW_BYTES:]), len(content), lines)

    def _long_line(self, long_line: LongLine) -> Line:
        self._digest = long_line.digest
        return self._advanced(long_line.size, long_line.tail, long_line.content, long_line.edges)

    def _advanced(self, size: int, recent: bytes, content: bytes | None, edges: bytes = b"") -> Line:
        line = Line(self.next_line, self.end, self.end + size, content, edges)
        self._count(recent, size, 1)
        return line


def _no_run(_block: bytes | memoryview, _at: int) -> Run | None:
    return None


def are_nuls(parts: Sequence[bytes]) -> bool:
    """Say whether a line has begun with NULs and nothing else yet: there may be more of them than memory has room for.

    A log that was truncated while its writer went on has them up to where it was.
    """
    return all(not part.strip(_BEHIND) for part in parts)


class LongLine:
    """A line beyond the cap, or behind NULs without number; it counts once its LF has come.

    Kept of it are its size, its digest and its edges, and what follows the NULs as long as that is within the cap.
    """

    def __init__(self, digest: Digest, begun: bytes, line_bytes_max: int) -> None:
        self.digest = digest.copy()
        self._bytes_max = line_bytes_max + 1  # with its LF
        self._kept: bytearray | None = bytearray()
        self.size = 0
        self._bare_size = 0
        self._head = b""
        self.tail = b""
        self.add(begun)

    def add(self, content: bytes) -> None:
        """Take in the next bytes of the line."""
        self.digest.update(content)
        self.size += len(content)
        self.tail = (self.tail + content)[-WINDOW_BYTES:]
        bare = content if self._bare_size else content.lstrip(_BEHIND)
        self._bare_size += len(bare)
        self._head += bare[: WINDOW_BYTES - len(self._head)]
        if self._kept is not None:
            self._kept += bare
            if len(self._kept) > self._bytes_max:
                self._kept = None

    @property
    def content(self) -> bytes | None:
        """The line, as ``Line.content``."""
        if self._kept is None:
            return None
        whole = bytes(self._kept)
        begin, end = bare_span(whole, 0, len(whole) - 1)
        return whole[begin:end]

    @property
    def edges(self) -> bytes:
        """How the line begins and ends, as ``Line.edges``."""
        behind_head = self._bare_size - len(self._head)
        tail = self.tail[-behind_head:] if behind_head else b""
        whole = self._head + b"\n" * (behind_head > len(tail)) + tail
        begin, end = bare_span(whole, 0, len(whole) - 1)
        return whole[begin:end]
