"""Bytes to blocks of whole lines.

As ``lines`` splits them, many at a time.

Owns blocks, and what has been taken of them. Does not own the rules of a line (``lines``): the same lines end at the
same places with the same numbers, and a line beyond the cap is handed out alone.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from pipeline.collectors.logs.digests import new_digest
from pipeline.collectors.logs.lines import Line, LongLine, are_nuls
from pipeline.collectors.logs.log_file import WINDOW_BYTES
from pipeline.usage.sources import Algorithm, SegmentDigest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline.collectors.logs.digests import Digest


class LineBlock(NamedTuple):
    """Whole lines, one after the other; or one line beyond the cap, of which ``content`` has only the end."""

    content: bytes | memoryview
    """A view is of memory that is lent: see ``LogFile.span_into``."""
    lines: int
    """How many there are."""
    start: int
    """Offset of the block in the decompressed log."""
    end: int
    first_line: int
    long_line_digest: Digest | None = None
    """The digest of the segment up to and with a line beyond the cap, or behind NULs without number."""
    line: Line | None = None
    """Such a line."""

    def first(self, lines: int) -> tuple[LineBlock, LineBlock | None]:
        """Split off the first so many lines."""
        if lines >= self.lines:
            return self, None
        content = bytes(self.content)
        _, at = first_lines(content, lines)
        before = self._replace(content=content[:at], lines=lines, end=self.start + at)
        return before, self._replace(
            content=content[at:], lines=self.lines - lines, start=before.end, first_line=self.first_line + lines
        )


def first_lines(content: bytes, lines_max: int) -> tuple[int, int]:
    """Return how many lines ``content`` has, at most ``lines_max``, and where the last of these ends, with its LF."""
    at = lines = 0
    end = content.find(b"\n")
    while end >= 0 and lines < lines_max:
        lines, at = lines + 1, end + 1
        end = content.find(b"\n", at)  # quicker than counting them: lines are long
    return lines, at


class LineBlocks:
    """Iterates the blocks of a log from ``start`` on; what is true of the lines taken so far is said by the properties.

    As ``lines.LineSplitter``, but lines count when ``take`` is called with their block, not when they are handed out.
    """

    def __init__(
        self,
        pieces: Iterable[bytes | memoryview],
        *,
        start: int = 0,
        first_line: int = 1,
        before: bytes = b"",
        line_bytes_max: int,
        algorithm: Algorithm = Algorithm.SHA256,
        lines_in: Callable[[memoryview], int] | None = None,
    ) -> None:
        """Begin at offset ``start``, which is the beginning of line ``first_line``.

        ``before`` are the bytes just before it. ``lines_in`` counts the lines in a view of lent memory.
        """
        self.end = start
        self.segment_start = start
        self.next_line = first_line
        self._pieces = pieces
        self._lines_in = lines_in
        self._line_bytes_max = line_bytes_max
        self._recent: deque[bytes] = deque([before[-WINDOW_BYTES:]])
        self._recent_bytes = len(self._recent[0])
        self._algorithm = algorithm
        self._digest = new_digest(algorithm)
        self._read_end = start
        self._read_line = first_line

    def __iter__(self) -> Iterator[LineBlock]:
        """Yield the complete lines in their order; a block must be taken before the next is asked for."""
        begun: list[bytes] = []
        begun_bytes, has_whole = 0, False
        long_line: LongLine | None = None
        for piece in self._pieces:
            if isinstance(piece, memoryview):
                block = None if begun or long_line else self._lent(piece)
                if block is not None:
                    yield block
                    continue
                piece = bytes(piece)  # noqa: PLW2901 - it is put together with others, or taken apart
            rest = piece
            if long_line is not None:
                ended, feed, rest = piece.partition(b"\n")
                long_line.add(ended + feed)
                if not feed:
                    continue
                yield self._long(long_line)
                long_line = None
            begun.append(rest)
            begun_bytes += len(rest)
            has_whole = has_whole or b"\n" in rest
            if has_whole and begun_bytes >= _BLOCK_BYTES:
                if b"\n" not in rest:  # but in a piece before it
                    rest = b"".join(begun)
                    begun = [rest]
                at = rest.rfind(b"\n") + 1
                is_whole = len(begun) == 1 and at == len(rest)
                yield from self._blocks(rest if is_whole else b"".join((*begun[:-1], memoryview(rest)[:at])))
                begun, begun_bytes, has_whole = ([], 0, False) if is_whole else ([rest[at:]], len(rest) - at, False)
            if begun_bytes and not has_whole and (begun_bytes > self._line_bytes_max or are_nuls(begun)):
                long_line = LongLine(self._digest, b"".join(begun), self._line_bytes_max)
                begun, begun_bytes = [], 0
        content = b"".join(begun)
        yield from self._blocks(content[: content.rfind(b"\n") + 1])

    def take(self, block: LineBlock) -> None:
        """Count the lines of a block."""
        if block.long_line_digest is not None:
            self._digest = block.long_line_digest
        else:
            self._digest.update(block.content)
        self.end = block.end
        self.next_line = block.first_line + block.lines
        self._recent.append(bytes(block.content[-WINDOW_BYTES:]))
        self._recent_bytes += len(self._recent[-1])
        while self._recent_bytes - len(self._recent[0]) >= WINDOW_BYTES:
            self._recent_bytes -= len(self._recent.popleft())

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
        """The last bytes before ``end``, at most ``WINDOW_BYTES``."""
        return b"".join(self._recent)[-WINDOW_BYTES:]

    def _lent(self, view: memoryview) -> LineBlock | None:
        """Return a block of lines where they lie; ``None`` where they are not whole, or more than a block may have."""
        bytes_max = min(_BLOCK_BYTES_MAX, self._line_bytes_max)
        if self._lines_in is None or view[-1] != _LF or len(view) > bytes_max:
            return None
        lines = self._lines_in(view)
        return self._block(view, lines) if lines <= _BLOCK_LINES_MAX else None

    def _blocks(self, content: bytes) -> Iterator[LineBlock]:
        """Yield the lines of ``content`` in blocks of bounded size: what was compressed may be 64 MiB of line ends."""
        begin = 0
        while begin < len(content):
            limit = begin + _BLOCK_BYTES_MAX
            end = (
                len(content)
                if len(content) <= limit
                else content.rfind(b"\n", begin, limit) + 1 or content.index(b"\n", limit) + 1
            )
            part = content[begin:end] if begin or end < len(content) else content
            lines, size = first_lines(part, _BLOCK_LINES_MAX)
            part = part[:size]
            begin += len(part)
            if len(part) <= self._line_bytes_max:
                yield self._block(part, lines)
            else:
                yield from self._around_long_lines(part, lines)

    def _around_long_lines(self, content: bytes, lines: int) -> Iterator[LineBlock]:
        """Yield each line that is beyond the cap alone, and those between them."""
        first = at = waiting = 0
        for _ in range(lines):
            end = content.index(b"\n", at) + 1
            if end - 1 - at > self._line_bytes_max:
                if waiting:
                    yield self._block(content[first:at], waiting)
                yield self._long(LongLine(self._digest, content[at:end], self._line_bytes_max))
                first, waiting = end, 0
            else:
                waiting += 1
            at = end
        if waiting:
            yield self._block(content[first:], waiting)

    def _block(self, content: bytes | memoryview, lines: int) -> LineBlock:
        block = LineBlock(content, lines, self._read_end, self._read_end + len(content), self._read_line)
        self._read_end, self._read_line = block.end, self._read_line + lines
        return block

    def _long(self, long_line: LongLine) -> LineBlock:
        start, self._read_end = self._read_end, self._read_end + long_line.size
        self._read_line += 1
        line = Line(self._read_line - 1, start, self._read_end, long_line.content, long_line.edges)
        return LineBlock(long_line.tail, 1, start, self._read_end, line.number, long_line.digest, line)


_LF = ord("\n")
_BLOCK_BYTES = 2**22
"""At least so much is split at once, where there is so much: what is done once for a block costs nothing."""
_BLOCK_BYTES_MAX = 2**23
_BLOCK_LINES_MAX = 2**16
