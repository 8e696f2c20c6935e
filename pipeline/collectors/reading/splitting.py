"""What of a log is new, split into the lines of what was logged, by what the log is.

Owns which of the ways to split is taken. Does not own any of them (``pipeline.collectors.logs``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pipeline.collectors.kernel.in_order import InOrder
    from pipeline.collectors.logs.line_blocks import LineBlocks
    from pipeline.collectors.logs.lineage import Continuation
    from pipeline.collectors.logs.log_file import LogFile
    from pipeline.collectors.logs.logical_lines import LogicalLines
    from pipeline.collectors.logs.whole_document import WholeDocument

    Split: TypeAlias = LineBlocks | LogicalLines | WholeDocument
    """What splits a log: each knows what of it has been split so far."""


class Pieces:
    """The bytes of a log from a place on, to be gone through once, and how many they were so far."""

    def __init__(self, log: LogFile, place: Continuation, on_bytes: Callable[[int], None] | None = None) -> None:
        self.bytes = 0
        self._log = log
        self._place = place
        self._on_bytes = on_bytes

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


def split_of(
    log: LogFile,
    name: str,
    head: bytes,
    pieces: Pieces,
    place: Continuation,
    *,
    line_bytes_max: int,
    lender: InOrder | None,
) -> Split:
    """Return what splits a log, from a place on, into the lines of what was logged.

    ``name`` is the file's, ``head`` its beginning, ``pieces`` are its bytes from that place on. With a ``lender`` it is
    split in blocks, where its lines are lines as they stand, and read into what that lends.
    """
    from pipeline.collectors.logs.line_blocks import LineBlocks  # noqa: PLC0415  # only where there is a line to read
    from pipeline.collectors.logs.lines import LineSplitter  # noqa: PLC0415
    from pipeline.collectors.logs.logical_lines import LogicalLines  # noqa: PLC0415
    from pipeline.collectors.logs.whole_document import (  # noqa: PLC0415
        WholeDocument,
        goes_on_as_document,
        is_blank,
        is_one_document,
    )
    from pipeline.collectors.wrappers import wrapper_of  # noqa: PLC0415

    if is_blank(head[: place.start]) and place.start <= len(head):
        is_document = is_one_document(name, head, log.span(0, line_bytes_max))
    else:
        is_document = goes_on_as_document(head)
    if is_document:
        return WholeDocument(
            pieces,
            start=place.start,
            first_line=place.first_line,
            line_bytes_max=line_bytes_max,
            algorithm=place.algorithm,
        )
    wrapper = wrapper_of(head)
    if lender is not None and wrapper is None:
        return LineBlocks(
            pieces.into(lender.lend),
            start=place.start,
            first_line=place.first_line,
            before=place.before,
            line_bytes_max=line_bytes_max,
            algorithm=place.algorithm,
        )
    split = LineSplitter(
        pieces,
        start=place.start,
        first_line=place.first_line,
        before=place.before,
        line_bytes_max=line_bytes_max,
        algorithm=place.algorithm,
    )
    return LogicalLines(split, wrapper, bytes_max=line_bytes_max, closes=place.is_final)
