"""Blocks of one log decoded by several threads, each with a kernel of its own; they come out in the order of the log.

Owns the threads. Does not own the decoding (``blocks``), nor how many there are.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from pipeline.collectors import event_columns
from pipeline.collectors.decode import EventRow, QuarantineRow, decode_line
from pipeline.collectors.kernel.blocks import BlockDecoder, DecodedLines
from pipeline.collectors.kernel.program import ProgramFailed
from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.logs.line_blocks import LineBlock
    from pipeline.collectors.logs.lines import Line

THREADS_MAX = 4
_BYTES_A_THREAD = 2**25
"""So much must be left to read for each thread: it takes a kernel of its own."""
_LINE_BYTES_MAX = 2**20
"""So much of a line is looked at to find out of which format a log is; a longer one tells nothing."""


class InOrder:
    """Takes in blocks, and gives out what they amount to. To be closed."""

    def __init__(
        self,
        *,
        source: str,
        log_format: LogFormat,
        fingerprint: Callable[[str], str],
        threads: int,
        size: int,
        read: Callable[[int, int], bytes],
    ) -> None:
        """Decode here, or, where some ``size`` bytes make it worthwhile, in threads, at most ``THREADS_MAX``.

        The one that asks is one of ``threads``: it is busy with reading, hashing and the making of Arrow. ``read``
        returns what lies in the log where a block does that was read into a kernel which failed.
        """
        count = min(threads - 1, THREADS_MAX, size // _BYTES_A_THREAD)
        self.waiting_lines = 0
        self.failures = 0
        """How many blocks a kernel failed at, once it is closed."""
        self._source, self._log_format, self._fingerprint = source, log_format, fingerprint
        self._idle: list[BlockDecoder] = []
        self._waiting: deque[tuple[int, Future[DecodedLines] | DecodedLines]] = deque()
        self._pool = ThreadPoolExecutor(count) if count else None
        self._waiting_max = count
        self._read = read
        self._lender: BlockDecoder | None = None
        """Whose memory was lent last, until it is known whether a block lies there."""
        self._first: bytes | None = None
        """A line of the log."""

    def lend(self, size: int) -> memoryview | None:
        """Lend room for so many bytes of the log in the memory of a kernel; ``None`` where there is none."""
        self._end_loan()
        if self._first is None:
            return None  # which kernel is to be asked, its first line will say
        decoder = self._lender = self._taken()
        decoder.begin(self._first)
        return decoder.room(size)

    def lines_in(self, view: memoryview) -> int:
        """Return how many lines were read into what was lent last."""
        assert self._lender is not None  # noqa: S101 - whoever has a view was lent it
        return self._lender.lines_in(view)

    def add(self, block: LineBlock) -> Iterator[DecodedLines]:
        """Take in a block, and yield what is ready, or has to be, to make room. Raises what ``fingerprint`` raises."""
        decoder = self._lender if isinstance(block.content, memoryview) else None
        if decoder is None:
            self._end_loan()
        self._lender = None
        if self._first is None and block.line is None:
            self._first = bytes(block.content[:_LINE_BYTES_MAX]).partition(b"\n")[0]
        self._waiting.append(
            (
                block.lines,
                self._pool.submit(self._decoded, block, decoder) if self._pool else self._decoded(block, decoder),
            )
        )
        self.waiting_lines += block.lines
        while self._waiting and (len(self._waiting) > self._waiting_max or self._is_ready()):
            yield self._next()

    def of_lines(self, lines: Sequence[Line]) -> DecodedLines:
        """Decode lines that were taken out of others, here. Raises what ``fingerprint`` raises."""
        decoder = self._taken()
        try:
            return decoder.decoded_lines(lines)
        finally:
            self._idle.append(decoder)

    def rest(self) -> Iterator[DecodedLines]:
        """Yield what has not been given out yet. Raises what ``fingerprint`` raises."""
        while self._waiting:
            yield self._next()

    def close(self) -> None:
        """Let the threads end."""
        self._end_loan()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        while self._idle:
            decoder = self._idle.pop()
            self.failures += decoder.failures
            decoder.close()

    def _is_ready(self) -> bool:
        found = self._waiting[0][1]
        return isinstance(found, DecodedLines) or found.done()

    def _next(self) -> DecodedLines:
        lines, found = self._waiting.popleft()
        self.waiting_lines -= lines
        return found if isinstance(found, DecodedLines) else found.result()

    def _decoded(self, block: LineBlock, lender: BlockDecoder | None) -> DecodedLines:
        """Decode a block, or the one long line that it is; where it lies in lent memory, by whom that is."""
        decoder = self._taken() if lender is None else lender
        try:
            if block.line is not None:
                return _of_line(decoder, block.line)
            try:
                return decoder.decoded(block.content, start=block.start, first_line=block.first_line)
            except ProgramFailed:  # what lies in its memory cannot be relied on
                content = self._read(block.start, block.end - block.start)
                if len(content) != block.end - block.start:
                    detail = "it was truncated while it was read"
                    raise LogUnreadable(ProblemReason.UNREADABLE, detail) from None
                return decoder.plainly(content, start=block.start, first_line=block.first_line)
        finally:
            self._idle.append(decoder)

    def _end_loan(self) -> None:
        if self._lender is not None:
            self._idle.append(self._lender)
            self._lender = None

    def _taken(self) -> BlockDecoder:
        try:
            return self._idle.pop()
        except IndexError:
            return BlockDecoder(source=self._source, log_format=self._log_format, fingerprint=self._fingerprint)


def _of_line(decoder: BlockDecoder, line: Line) -> DecodedLines:
    rows = decode_line(line, source=decoder.source, log_format=decoder.log_format, fingerprint=decoder.fingerprint)
    events = [row.values for row in rows if isinstance(row, EventRow)]
    quarantined = [row.values for row in rows if isinstance(row, QuarantineRow)]
    parts = [event_columns.of_rows(events)] if events else []
    return DecodedLines(parts, quarantined, int(not rows), 0, max(len(rows) - 1, 0))
