"""The lines of a block: how the program reads them, where they are in the log, and what they hold.

Does not own what they amount to (``blocks``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from pipeline.collectors.kernel.program import ODD
from pipeline.collectors.logs.lines import Line, bare_span, lines_of
from pipeline.collectors.logs.logical_lines import group_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from pipeline.collectors.kernel.program import Program, Told
    from pipeline.collectors.wrappers import Wrapper

    Array: TypeAlias = np.ndarray[Any, Any]


class Lines(NamedTuple):
    """Lines that lie one behind the other in ``content``, and where they are in the log."""

    content: bytes | memoryview
    start: int = 0
    """Offset in the log, where they lie there as they lie here."""
    first_line: int = 0
    taken: Sequence[Line] | None = None
    """The lines themselves, where they were taken out of others, such as those of a container's logger."""
    odd: Sequence[Line] = ()
    """What the program does not know how to take out of others: nothing."""

    def read_by(self, program: Program) -> Told:
        """Have them read."""
        told = program.read(self.content)
        if self.taken is None:
            return told
        return told._replace(line_counts=np.array([line.lines for line in self.taken]))

    def all(self) -> Iterator[Line]:
        """Yield each line."""
        return iter(self.taken or lines_of(bytes(self.content), self.start, self.first_line))

    def some(self, indices: Iterable[int], told: Told) -> Iterator[Line]:
        """Yield some lines."""
        if self.taken is not None:
            yield from (self.taken[index] for index in indices)
            return
        ends = told.line_ends.tolist()
        for index in indices:
            begin, end = ends[index - 1] if index else 0, ends[index]
            raw = bytes(self.content[begin : end - 1])
            content = raw[slice(*bare_span(raw, 0, len(raw)))]
            yield Line(self.first_line + index, self.start + begin, self.start + end, content)

    def contents(self, indices: Array, told: Told) -> list[bytes]:
        """Return the contents of some lines that the kernel told: it hands over lines with NULs or byte order marks."""
        if self.taken is not None:
            return [self.taken[index].content or b"" for index in indices.tolist()]
        _, *places = self.places(indices, told) - self.start
        spans = zip(*(each.tolist() for each in places), strict=True)
        return [bytes(self.content[begin : end - 1]).removesuffix(b"\r") for begin, end in spans]

    def places(self, indices: Array, told: Told) -> Array:
        """Return number, start and end of some lines, a column a line."""
        if self.taken is not None:
            stated = np.array([(line.number, line.start, line.end) for line in self.taken], np.int64)
            return np.ascontiguousarray(stated[indices].T)
        return _places(indices + self.first_line, indices, told, self.start)


class WrappedLines:
    """Lines of a log in which a logger wrapped others, whole or in parts, one behind the other."""

    def __init__(self, block: memoryview, wrapper: Wrapper, *, start: int, first_line: int, lines_max: int) -> None:
        """Take those at the beginning of a block, so many at most of what was wrapped."""
        self.content = block
        self.size = 0
        """Of those that were read, in bytes."""
        self.is_odd = False
        """Whether what follows is for whoever takes lines one by one."""
        self.odd: list[Line] = []
        """What lies in those lines of which the program is not sure what lies in them."""
        self._wrapper = wrapper
        self._start, self._first_line, self._lines_max = start, first_line, lines_max

    def first(self, lines_max: int) -> WrappedLines:
        """Return the first of them, not read yet."""
        place = {"start": self._start, "first_line": self._first_line, "lines_max": lines_max}
        return WrappedLines(self.content, self._wrapper, **place)

    def are_for(self, program: Program) -> bool:
        """Whether a program has room for them; what lies in the memory of another is copied."""
        if not isinstance(self.content.obj, bytes) and not program.has(self.content):
            self.content = memoryview(bytes(self.content))
        return program.has_room(self.content)

    def read_by(self, program: Program) -> Told:
        """Have them read, up to what makes no group by itself; fill ``odd``."""
        told = self._read(program, self._lines_max)
        for index in np.flatnonzero(told.fates == ODD).tolist():
            group = self._group(index, told)
            if group is None:
                self.is_odd = True
                return self._read(program, index)
            self.odd += group
        return told

    def full_at(self, number: int) -> int | None:
        """Return how many there are up to the one of which a line of the log is a part; ``None`` where that is all."""
        count = int(self._numbers.searchsorted(number)) + 1
        return count if count < len(self._numbers) else None

    def some(self, indices: Iterable[int], told: Told) -> Iterator[Line]:
        """Yield some lines that are not odd."""
        for index in indices:
            yield from self._group(index, told) or ()

    def contents(self, indices: Array, told: Told) -> list[bytes]:
        """Return the contents of some lines that the kernel told."""
        return [line.content or b"" for line in self.some(indices.tolist(), told)]

    def places(self, indices: Array, told: Told) -> Array:
        """Return number, start and end of some lines, a column a line."""
        return _places(self._numbers[indices], indices, told, self._start)

    def _read(self, program: Program, lines_max: int) -> Told:
        told = program.read(self.content, wrapper=self._wrapper.name, lines_max=lines_max)
        self.size = int(told.line_ends[-1]) if len(told.line_ends) else 0
        self._numbers = told.line_counts.astype(np.int64).cumsum() + (self._first_line - 1)
        return told

    def _group(self, index: int, told: Told) -> list[Line] | None:
        begin = int(told.line_ends[index - 1]) if index else 0
        first_line = int(self._numbers[index] - told.line_counts[index]) + 1
        content = bytes(self.content[begin : int(told.line_ends[index])])
        return group_of(content, self._wrapper, start=self._start + begin, first_line=first_line)


def _places(numbers: Array, indices: Array, told: Told, start: int) -> Array:
    ends = told.line_ends.astype(np.int64) + start
    starts = np.concatenate(([start], ends[:-1]))
    return np.stack((numbers, starts[indices], ends[indices]))
