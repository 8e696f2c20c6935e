"""Bytes to blocks of whole lines.

As ``lines`` splits them, many at a time.

Owns blocks, and what has been taken of them. Does not own the rules of a line (``lines``): the same lines end at the
same places, and a line beyond the cap is handed out alone. How many lines a block has, whoever decodes it finds out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pipeline.collectors.logs.lines import Line, LinesTaken, LongLine, are_nuls
from pipeline.collectors.logs.log_file import WINDOW_BYTES
from pipeline.usage.sources import Algorithm

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pipeline.collectors.logs.digests import Digest


class LineBlock(NamedTuple):
    """Whole lines, one after the other; or one line beyond the cap, of which ``content`` has only the end."""

    content: bytes | memoryview
    """A view is of memory that is lent: see ``LogFile.span_into``."""
    start: int
    """Offset of the block in the decompressed log."""
    end: int
    long_line_digest: Digest | None = None
    """The digest of the segment up to and with a line beyond the cap, or behind NULs without number."""
    line: Line | None = None
    """Such a line, whose number is 0."""

    def split_behind(self, lines: int) -> tuple[LineBlock, LineBlock]:
        """Split off the first so many lines; there must be more."""
        content = bytes(self.content)
        at = 0
        for _ in range(lines):
            at = content.index(b"\n", at) + 1
        before = self._replace(content=content[:at], end=self.start + at)
        return before, self._replace(content=content[at:], start=before.end)


class LineBlocks(LinesTaken):
    """Iterates the blocks of a log from ``start`` on.

    As ``lines.LineSplitter``, but lines are taken when ``take`` is called with their block, not when they are handed
    out: later blocks may be on their way by then.
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
    ) -> None:
        """Begin at offset ``start``, which is the beginning of line ``first_line``.

        ``before`` are the bytes just before it.
        """
        super().__init__(start=start, first_line=first_line, before=before, algorithm=algorithm)
        self._pieces = pieces
        self._line_bytes_max = line_bytes_max
        self._read_end = start

    def __iter__(self) -> Iterator[LineBlock | None]:
        """Yield the complete lines in their order; ``None`` where all blocks before are to be taken now.

        They are to be taken in their order.
        """
        begun: list[bytes] = []
        begun_bytes, has_whole = 0, False
        long_line: LongLine | None = None
        for piece in self._pieces:
            if isinstance(piece, memoryview):
                is_whole = piece[-1] == _LF and len(piece) <= min(_BLOCK_BYTES_MAX, self._line_bytes_max)
                if is_whole and not begun and long_line is None:
                    yield self._block(piece)
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
                yield None
                long_line = LongLine(self._digest, b"".join(begun), self._line_bytes_max)
                begun, begun_bytes = [], 0
        content = b"".join(begun)
        yield from self._blocks(content[: content.rfind(b"\n") + 1])

    def take(self, block: LineBlock, lines: int) -> None:
        """Count a block, which has so many lines."""
        if block.long_line_digest is not None:
            self._digest = block.long_line_digest
        else:
            self._digest.update(block.content)
        self._count(bytes(block.content[-WINDOW_BYTES:]), block.end - block.start, lines)

    def _blocks(self, content: bytes) -> Iterator[LineBlock | None]:
        """Yield the lines of ``content`` in blocks of bounded size, whatever the size of the pieces."""
        begin = 0
        while begin < len(content):
            limit = begin + _BLOCK_BYTES_MAX
            end = (
                len(content)
                if len(content) <= limit
                else content.rfind(b"\n", begin, limit) + 1 or content.index(b"\n", limit) + 1
            )
            part = content[begin:end] if begin or end < len(content) else content
            begin = end
            if len(part) <= self._line_bytes_max:
                yield self._block(part)
            else:
                yield from self._around_long_lines(part)

    def _around_long_lines(self, content: bytes) -> Iterator[LineBlock | None]:
        """Yield each line that is beyond the cap alone, and those between them."""
        first = at = 0
        while at < len(content):
            end = content.index(b"\n", at) + 1
            if end - 1 - at > self._line_bytes_max:
                if first < at:
                    yield self._block(content[first:at])
                yield None
                yield self._long(LongLine(self._digest, content[at:end], self._line_bytes_max))
                first = end
            at = end
        if first < at:
            yield self._block(content[first:])

    def _block(self, content: bytes | memoryview) -> LineBlock:
        block = LineBlock(content, self._read_end, self._read_end + len(content))
        self._read_end = block.end
        return block

    def _long(self, long_line: LongLine) -> LineBlock:
        start, self._read_end = self._read_end, self._read_end + long_line.size
        line = Line(0, start, self._read_end, long_line.content, long_line.edges)
        return LineBlock(long_line.tail, start, self._read_end, long_line.digest, line)


_LF = ord("\n")
_BLOCK_BYTES = 2**22
"""At least so much is split at once, where there is so much: what is done once for a block costs nothing."""
_BLOCK_BYTES_MAX = 2**23
