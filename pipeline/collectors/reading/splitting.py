"""What of a log is new, split into the lines of what was logged, by what the log is.

Owns which of the ways to split is taken. Does not own any of them (``pipeline.collectors.logs``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from pipeline.collectors.kernel.in_order import InOrder
    from pipeline.collectors.logs.line_blocks import LineBlocks
    from pipeline.collectors.logs.lineage import Continuation
    from pipeline.collectors.logs.log_file import LogFile
    from pipeline.collectors.logs.logical_lines import LogicalLines
    from pipeline.collectors.logs.whole_document import WholeDocument
    from pipeline.collectors.wrappers import Wrapper

    Split: TypeAlias = LineBlocks | LogicalLines | WholeDocument
    """What splits a log: each knows what of it has been split so far."""


_BLOCK_BYTES = 2**22
"""At least so much is read at once, where it comes in smaller pieces."""
_AGAIN_BYTES_MAX = 2**20


class Pieces:
    """The bytes of a log from a place on, to be gone through once, and how many they were so far."""

    def __init__(self, log: LogFile, place: Continuation, on_bytes: Callable[[int], None] | None = None) -> None:
        self.bytes = 0
        self._log = log
        self._place = place
        self._on_bytes = on_bytes
        self._again = bytearray()
        self._is_last = False

    def __iter__(self) -> Iterator[bytes]:
        """Yield them."""
        for piece in self._log.span(self._place.start, self._place.end, self._on_bytes):
            self.bytes += len(piece)
            yield piece

    def into(self, lend: Callable[[int], memoryview | None]) -> Iterator[bytes | memoryview]:
        """Yield them, where they can be in what ``lend`` lends (``LogFile.span_into``)."""
        for piece in self._log.span_into(lend, self._place.start, self._place.end, self._on_bytes):
            self.bytes += len(piece)
            yield piece

    def again_into(self, lend: Callable[[int], memoryview | None]) -> Iterator[bytes | memoryview]:
        """Yield them in blocks of some megabytes; each begins with what was given back of the one before."""
        room: memoryview | None = None

        def lend_behind(size: int) -> memoryview | None:
            nonlocal room
            room = lend(len(self._again) + size)
            return None if room is None else room[len(self._again) :]

        for piece in self.into(lend_behind):
            if isinstance(piece, memoryview) and room is not None:
                size = len(self._again)
                room[:size] = self._again
                self._again.clear()
                yield room[: size + len(piece)]
                continue
            self._again += piece
            if len(self._again) >= _BLOCK_BYTES:
                yield self._given_again()
        self._is_last = True
        if self._again:
            yield self._given_again()

    def give_back(self, rest: bytes) -> bool:
        """Let the next block begin with the end of the last one; not where there is none, or it would be too long."""
        if self._is_last or len(rest) > _AGAIN_BYTES_MAX:
            return False
        self._again += rest
        return True

    def _given_again(self) -> bytes:
        block = bytes(self._again)
        self._again.clear()
        return block


def split_of(
    log: LogFile,
    name: str,
    head: bytes,
    pieces: Pieces,
    place: Continuation,
    *,
    wrapper: Wrapper | None,
    line_bytes_max: int,
    lender: InOrder | None,
    is_document: bool = False,
) -> Split:
    """Return what splits a log, from a place on, into the lines of what was logged.

    ``name`` is the file's, ``head`` its beginning, ``pieces`` are its bytes from that place on, ``wrapper`` is what a
    logger put around its lines; a table has none. With a ``lender`` it is read into what that lends, where the kernel
    knows its lines or the wrapper. ``is_document``: what is left of it from there on is one, as is known already.
    """
    from pipeline.collectors.kernel.program import WRAPPERS  # noqa: PLC0415  # only where there is a line to read
    from pipeline.collectors.logs.line_blocks import LineBlocks  # noqa: PLC0415
    from pipeline.collectors.logs.lines import LineSplitter  # noqa: PLC0415
    from pipeline.collectors.logs.logical_lines import LogicalLines  # noqa: PLC0415
    from pipeline.collectors.logs.whole_document import (  # noqa: PLC0415
        AROUND,
        WholeDocument,
        goes_on_as_document,
        is_blank,
        is_one_document,
    )
    from pipeline.collectors.reading.csv_rows import CsvRows  # noqa: PLC0415
    from pipeline.collectors.values.csv_cells import header_of  # noqa: PLC0415

    if not is_document and place.start <= len(head) and is_blank(head[: place.start]):
        is_final = log.is_written_once and wrapper is None
        is_document = is_one_document(name, head, log.span(0, line_bytes_max), is_final=is_final)
    elif not is_document:
        is_document = goes_on_as_document(head)
    if is_document:
        return WholeDocument(
            pieces,
            start=place.start,
            first_line=place.first_line,
            line_bytes_max=line_bytes_max,
            algorithm=place.algorithm,
        )
    table = header_of(name, head.lstrip(AROUND).partition(b"\n")[0])
    if lender is not None and wrapper is None and table is None:
        return LineBlocks(
            pieces.into(lender.lend),
            start=place.start,
            first_line=place.first_line,
            before=place.before,
            line_bytes_max=line_bytes_max,
            algorithm=place.algorithm,
        )
    blocks: Iterable[bytes | memoryview] = pieces
    read_together = None
    if lender is not None and wrapper is not None and wrapper.name in WRAPPERS:
        blocks = pieces.again_into(lender.lend)
        read_together = partial(lender.read_wrapped, wrapper)
    split = LineSplitter(
        blocks,
        start=place.start,
        first_line=place.first_line,
        before=place.before,
        line_bytes_max=line_bytes_max,
        algorithm=place.algorithm,
        give_back=None if read_together is None else pieces.give_back,
    )
    if table is not None:
        return CsvRows(split, table, bytes_max=line_bytes_max, closes=place.is_segment)
    return LogicalLines(split, wrapper, bytes_max=line_bytes_max, closes=place.is_segment, read_together=read_together)
