"""Blocks of one log decoded by several threads, each with a kernel of its own; they come out in the order of the log.

Owns the threads. Does not own the decoding (``blocks``), nor how many there are.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from pipeline.collectors.kernel.block_lines import Lines, WrappedLines
from pipeline.collectors.kernel.blocks import BlockDecoder
from pipeline.collectors.kernel.program import ProgramFailed
from pipeline.collectors.logs.lines import Run
from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.kernel.blocks import DecodedLines
    from pipeline.collectors.logs.line_blocks import LineBlock
    from pipeline.collectors.logs.lines import Line
    from pipeline.collectors.wrappers import Wrapper

    Decoded: TypeAlias = tuple[LineBlock, DecodedLines]

THREADS_MAX = 4
_BYTES_A_THREAD = 2**25
"""So much must be left to read for each thread: it takes a kernel of its own."""


class _Job(NamedTuple):
    block: LineBlock
    lender: BlockDecoder | None
    """In whose memory the block lies: it reads nothing else before the block was given out."""
    found: Future[Decoded]


class InOrder:
    """Takes in blocks, and gives each out with what its lines, numbered from 0 on, amount to. To be closed."""

    def __init__(
        self,
        *,
        source: str,
        log_format: LogFormat,
        fingerprint: Callable[[str], str],
        threads: int,
        size: int,
        first_line: bytes,
        read: Callable[[int, int], bytes],
    ) -> None:
        """Decode here, or, where some ``size`` bytes make it worthwhile, in threads, at most ``THREADS_MAX``.

        The one that asks is one of ``threads``: it reads, hashes and makes Arrow, and decodes as well what would have
        to wait for the others. The log's ``first_line`` says of which format it is; ``read`` returns what lies at a
        place of it, for blocks that were read into a kernel which failed at them.
        """
        count = min(threads - 1, THREADS_MAX, size // _BYTES_A_THREAD)
        self.failures = 0
        """How many blocks a kernel failed at, once it is closed."""
        self._source, self._log_format, self._fingerprint = source, log_format, fingerprint
        self._read = read
        self._idle: list[BlockDecoder] = []
        self._waiting: deque[_Job] = deque()
        self._pool = ThreadPoolExecutor(count) if count else None
        self._threads = count
        """How many decode; one block more may have been added and not given out: each has a kernel's memory."""
        self._lender: BlockDecoder | None = None
        """Whose memory was lent last, until a block comes that lies there or elsewhere."""
        self._first_line = first_line

    def lend(self, size: int) -> memoryview | None:
        """Lend room for so many bytes of the log in the memory of a kernel; ``None`` where there is none."""
        self._end_loan()
        self._lender = self._taken()
        self._lender.begin(self._first_line)
        return self._lender.room(size)

    def add(self, block: LineBlock) -> Iterator[tuple[LineBlock, DecodedLines]]:
        """Take in a block, and yield the next one that is ready, or has to be, to make room.

        One at most, since who takes several at once lets the threads wait for another one meanwhile. Raises what
        ``fingerprint`` raises, and ``LogUnreadable`` where a block is gone that has to be read again.
        """
        lender = self._lender if isinstance(block.content, memoryview) else None
        if lender is None:
            self._end_loan()
        self._lender = None
        found = self._pool.submit(self._decoded, block, lender) if self._pool else self._decoded_here(block, lender)
        self._waiting.append(_Job(block, lender, found))
        self._help(self._threads)
        if len(self._waiting) > self._threads + 1 or self._waiting[0].found.done():
            yield from self._next()

    def rest(self) -> Iterator[tuple[LineBlock, DecodedLines]]:
        """Yield what has not been given out yet. Raises likewise."""
        while self._waiting:
            self._help(0)
            yield from self._next()

    def of_block(self, block: LineBlock) -> DecodedLines:
        """Decode a part of a block, here. Raises what ``fingerprint`` raises."""
        return self._decoded(block, None)[1]

    def of_lines(self, lines: Sequence[Line]) -> DecodedLines:
        """Decode lines that were taken out of others, here; what was lent is not used any more.

        Raises what ``fingerprint`` raises.
        """
        self._end_loan()
        decoder = self._taken()
        try:
            return decoder.decoded_lines(lines)
        finally:
            self._idle.append(decoder)

    def read_wrapped(
        self, wrapper: Wrapper, block: memoryview, start: int, first_line: int, rows_max: int
    ) -> Run | None:
        """Decode lines in a wrapper, as ``BlockDecoder.decoded_wrapped``, here; the block may lie in lent memory.

        Raises what ``fingerprint`` raises, and ``LogUnreadable`` where it is gone and has to be read again.
        """
        decoder = self._taken() if self._lender is None else self._lender
        decoder.begin(self._first_line)
        lines = WrappedLines(block, wrapper, start=start, first_line=first_line, lines_max=rows_max)
        try:
            return decoder.decoded_wrapped(lines, rows_max)
        except ProgramFailed:  # what lies in its memory cannot be relied on
            is_there = isinstance(block.obj, bytes)
            return Run(0, instead=bytes(block) if is_there else self._read_again(start, start + len(block)))
        finally:
            if decoder is not self._lender:
                self._idle.append(decoder)

    def close(self) -> None:
        """Let the threads end."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._end_loan()
        self._idle += [job.lender for job in self._waiting if job.lender is not None]
        self._waiting.clear()
        while self._idle:
            decoder = self._idle.pop()
            self.failures += decoder.failures
            decoder.close()

    def _next(self) -> Iterator[Decoded]:
        job = self._waiting.popleft()
        try:
            yield job.found.result()
        finally:
            if job.lender is not None:
                job.lender.take_back()
                self._idle.append(job.lender)

    def _help(self, enough: int) -> None:
        """Decode here what was added last, where more than enough blocks wait that no thread has begun with."""
        waiting = [at for at, (_, _, found) in enumerate(self._waiting) if not (found.running() or found.done())]
        if len(waiting) > enough and self._waiting[waiting[-1]].found.cancel():
            job = self._waiting[waiting[-1]]
            self._waiting[waiting[-1]] = job._replace(found=self._decoded_here(job.block, job.lender))

    def _decoded_here(self, block: LineBlock, lender: BlockDecoder | None) -> Future[Decoded]:
        """Decode a block, as a thread would: what that raises is raised where the block is given out."""
        found: Future[Decoded] = Future()
        try:
            found.set_result(self._decoded(block, lender))
        except Exception as raised:  # noqa: BLE001 - it is raised again
            found.set_exception(raised)
        return found

    def _decoded(self, block: LineBlock, lender: BlockDecoder | None) -> Decoded:
        """Decode a block, or the one long line that it is; where it lies in lent memory, by whom that is."""
        decoder = self._taken() if lender is None else lender
        try:
            if block.line is not None:
                return block, decoder.plainly([block.line])
            try:
                return block, decoder.decoded(block.content, start=block.start, first_line=0)
            except ProgramFailed:  # what lies in its memory cannot be relied on
                block = block._replace(content=self._read_again(block.start, block.end))
                return block, decoder.plainly(Lines(block.content, block.start).all())
        finally:
            if lender is None:
                self._idle.append(decoder)

    def _read_again(self, start: int, end: int) -> bytes:
        content = self._read(start, end - start)
        if len(content) != end - start:
            raise LogUnreadable(ProblemReason.UNREADABLE, "it was truncated while it was read")
        return content

    def _end_loan(self) -> None:
        if self._lender is not None:
            self._lender.take_back()
            self._idle.append(self._lender)
            self._lender = None

    def _taken(self) -> BlockDecoder:
        try:
            return self._idle.pop()
        except IndexError:
            return BlockDecoder(source=self._source, log_format=self._log_format, fingerprint=self._fingerprint)
