"""Lines of a log into a segment, by the reader that is quick for what they lie in, until the segment is full.

Does not own what splits a log (``splitting``), nor what a line amounts to (``decode``, ``kernel``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.logs.line_blocks import LineBlocks
from pipeline.collectors.logs.lines import Run
from pipeline.collectors.logs.logical_lines import LogicalLines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pipeline.collectors.decode import EventRow, QuarantineRow
    from pipeline.collectors.kernel.blocks import DecodedLines
    from pipeline.collectors.kernel.in_order import InOrder
    from pipeline.collectors.logs.line_blocks import LineBlock
    from pipeline.collectors.logs.lines import Line
    from pipeline.collectors.reading.splitting import Split
    from pipeline.collectors.segment import SegmentBuilder

_TAKEN_BYTES = 2**21
"""So much of lines that were taken out of others is decoded at once."""


class Filling:
    """Adds what a log is split into to the builder of its segments."""

    def __init__(
        self,
        builder: SegmentBuilder,
        in_order: InOrder,
        decode: Callable[[Line], Sequence[EventRow | QuarantineRow]],
        *,
        events_max: int,
        is_fast: bool,
    ) -> None:
        """Fill segments of so many events: lines go through ``in_order`` where it is quick, else through ``decode``."""
        self._builder = builder
        self._in_order = in_order
        self._decode = decode
        self._events_max = events_max
        self._is_fast = is_fast

    def of(self, split: Split) -> Iterator[bool]:
        """Take in some lines after the others, and yield each time whether the segment is full."""
        if isinstance(split, LineBlocks):
            return self._in_blocks(split)
        if self._is_fast and isinstance(split, LogicalLines):
            return self._many_at_a_time(split)
        return self._one_by_one(split)

    def _one_by_one(self, groups: Iterable[list[Line]]) -> Iterator[bool]:
        for group in groups:
            for line in group:
                self._builder.add(self._decode(line), lines=line.lines)
            yield self._builder.rows >= self._events_max

    def _many_at_a_time(self, groups: LogicalLines) -> Iterator[bool]:
        """Take in many groups at a time, but none more than the segment has room for."""
        waiting: list[Line] = []
        size = 0
        groups.run_max = self._events_max
        for group in groups.in_runs():
            if isinstance(group, Run):
                yield self._added(group.found)
                groups.run_max = self._events_max - self._builder.rows
                continue
            waiting += group
            size += sum(len(line.content or b"") for line in group)
            is_much = size >= _TAKEN_BYTES or self._builder.rows + len(waiting) >= self._events_max
            if is_much or groups.reads_together:
                yield self._added(self._in_order.of_lines(waiting))
                waiting, size = [], 0
            groups.run_max = self._events_max - self._builder.rows - len(waiting)
        if waiting:
            yield self._added(self._in_order.of_lines(waiting))

    def _added(self, found: DecodedLines) -> bool:
        counts = {"blank": found.blank, "further": found.further, "joined": found.joined}
        self._builder.add_all(found.events, found.quarantined, **counts)
        return self._builder.rows >= self._events_max

    def _in_blocks(self, blocks: LineBlocks) -> Iterator[bool]:
        for block in blocks:
            for decoded in self._in_order.rest() if block is None else self._in_order.add(block):
                yield from self._added_block(blocks, *decoded)
        for decoded in self._in_order.rest():
            yield from self._added_block(blocks, *decoded)

    def _added_block(self, blocks: LineBlocks, block: LineBlock, found: DecodedLines) -> Iterator[bool]:
        """Take in a block, in parts where a segment ends within: it does after the very line that fills it.

        Yield each time whether it is full.
        """
        lines = rows = 0
        while found.rows - rows >= (room := self._events_max - self._builder.rows):
            lines_of_rows = found.lines_of_rows()
            end = int(lines_of_rows[rows + room - 1]) + 1
            if end == found.lines:
                break
            part, block = block.split_behind(end - lines)
            self._take(blocks, part, self._in_order.of_block(part))
            yield True
            lines, rows = end, int(lines_of_rows.searchsorted(end))
        self._take(blocks, block, self._in_order.of_block(block) if lines else found)
        yield self._builder.rows >= self._events_max

    def _take(self, blocks: LineBlocks, block: LineBlock, found: DecodedLines) -> None:
        numbered = found.behind(blocks.next_line)
        blocks.take(block, found.lines)
        self._added(numbered)
