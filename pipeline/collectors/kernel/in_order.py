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

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future

    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.logs.line_blocks import LineBlock
    from pipeline.collectors.logs.lines import Line

THREADS_MAX = 4
_BYTES_A_THREAD = 2**25
"""So much must be left to read for each thread: it takes a kernel of its own."""


class InOrder:
    """Takes in blocks, and gives out what they amount to. To be closed."""

    def __init__(
        self, *, source: str, log_format: LogFormat, fingerprint: Callable[[str], str], threads: int, size: int
    ) -> None:
        """Decode here, or, where some ``size`` bytes make it worthwhile, in threads, at most ``THREADS_MAX``.

        The one that asks is one of ``threads``: it is busy with reading, hashing and the making of Arrow.
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

    def add(self, block: LineBlock) -> Iterator[DecodedLines]:
        """Take in a block, and yield what is ready, or has to be, to make room. Raises what ``fingerprint`` raises."""
        self._waiting.append(
            (block.lines, self._pool.submit(self._decoded, block) if self._pool else self._decoded(block))
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

    def _decoded(self, block: LineBlock) -> DecodedLines:
        """Decode a block, or the one long line that it is."""
        decoder = self._taken()
        try:
            if block.line is None:
                return decoder.decoded(block.content, start=block.start, first_line=block.first_line)
            return _of_line(decoder, block.line)
        finally:
            self._idle.append(decoder)

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
