"""A block of lines, and what is left of those that were cut.

Owns where each line is, in the block and in the log. Does not own the cut (``condense``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.collectors.fast.streams.condense import Condensed


class CutLines(NamedTuple):
    """A block, and what was cut out of its lines."""

    block: bytes
    spans: Sequence[tuple[int, int]]
    edges: Sequence[int]
    """Where each line begins in the log, and where the last ends."""
    first_line: int
    cut: Mapping[int, Condensed]

    def place(self, index: int) -> tuple[int, int, int]:
        """Return the number of a line, and its ``[start, end)`` in the log."""
        return self.first_line + index, self.edges[index], self.edges[index + 1]

    def places(self, indices: Sequence[int]) -> list[list[int]]:
        """Return the same of several lines, a list a column."""
        return [
            [self.first_line + index for index in indices],
            [self.edges[index] for index in indices],
            [self.edges[index + 1] for index in indices],
        ]

    def line(self, index: int) -> bytes:
        """Return a whole line, without its terminator."""
        begin, end = self.spans[index]
        return self.block[begin:end]

    def left(self, index: int) -> tuple[bytes, int, int]:
        """Return where what is left of a line stands: in which bytes, from where, to where."""
        if index in self.cut:
            content = self.cut[index].content
            return content, 0, len(content)
        return self.block, *self.spans[index]

    def looked_at(self, index: int) -> bytes:
        """Return what is left of a line."""
        content, begin, end = self.left(index)
        return content[begin:end]
