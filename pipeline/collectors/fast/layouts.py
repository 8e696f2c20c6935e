"""Lines of one shape whose strings stand in the same order: matched many at once, part by part.

Owns the match: all that is between the values of a line must be, byte for byte, what the line that was learnt from has there. So a line
of the layout is of its shape too, and what is captured is the same. Does not own which values are captured (``learning``) nor what a
string is (``quotes``).
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from pipeline.collectors.fast.grammar import OUTSIDE
from pipeline.collectors.fast.learning import Unlearnable, learned
from pipeline.collectors.fast.positions import rows_of
from pipeline.collectors.fast.quotes import MARGIN_BYTES, quoted

if TYPE_CHECKING:
    from pipeline.collectors.fast.positions import Flags, Positions
    from pipeline.collectors.fast.quotes import QuotedLines
    from pipeline.collectors.fast.shapes import Shape


class _Value(NamedTuple):
    """A value that has to be looked at."""

    hole: int
    is_valid: re.Pattern[bytes]
    """What several such values match, each with a NUL after it."""
    group: int | None


class Layout:
    """Where the values of such lines are.

    A line is a fixed part, a value, a fixed part, and so on. Where the fixed parts are known to be those of the line that was learnt from, a
    string ends at the next quote after its first, and a number as far before the next quote, or the end of the line, as it did there.
    """

    def __init__(self, shape: Shape, text: QuotedLines) -> None:
        """Learn it from a line of ``shape``. Raises ``Unlearnable``."""
        content = text.content[: int(text.ends[0])]
        line = learned(content, shape.uses)
        if dict(line.taken) != dict(shape.taken) or line.telling != shape.telling or not text.counts[0]:
            raise Unlearnable
        self.shape = shape
        edges = [0, *(edge for hole in line.holes for edge in hole[1:3]), len(content)]
        self._fixed = [content[begin:end] for begin, end in zip(edges[::2], edges[1::2], strict=True)]
        self._sizes = np.array([[len(fixed)] for fixed in self._fixed[:-1]])
        self._stops = np.searchsorted(text.marks, [[hole.end] for hole in line.holes])
        self._after = text.marks[self._stops] - [[hole.end] for hole in line.holes]
        if any(hole.level is not OUTSIDE for hole in line.holes) or (np.diff(self._stops.ravel()) <= 0).any():
            raise Unlearnable
        self._values = [
            _Value(at, re.compile(rb"(?:(?:" + hole.expression + rb")\x00)*+"), hole.group) for at, hole in enumerate(line.holes) if hole.expression is not None
        ]

    def told(self, text: QuotedLines, lines: Positions) -> tuple[Positions, list[list[bytes]]]:
        """Return which of some lines with so many marks have this layout, and what is captured of them, a list a group."""
        stops = text.marks[text.firsts[lines] + self._stops] - self._after
        edges = np.concatenate([text.starts[None, lines], stops])
        is_told = edges[-1] + len(self._fixed[-1]) == text.ends[lines]
        for fixed, at in zip(self._fixed, edges, strict=True):
            is_told &= _is_at(text.content, at, fixed)
        begins = edges[:-1] + self._sizes
        for value in self._values:
            size = stops[value.hole] - begins[value.hole]
            is_told &= (size > 0) & (size <= MARGIN_BYTES)
        if not is_told.all():
            lines, begins, stops = lines[is_told], begins[:, is_told], stops[:, is_told]
        groups: list[list[bytes]] = [[] for value in self._values if value.group is not None]
        wrong: set[int] = set()
        for value in self._values if len(lines) else ():
            found = _texts(text.content, begins[value.hole], stops[value.hole])
            if not value.is_valid.fullmatch(b"\x00".join([*found, b""])):
                wrong |= {at for at, one in enumerate(found) if not value.is_valid.fullmatch(one + b"\x00")}
            if value.group is not None:
                groups[value.group] = found
        if wrong:
            right = [at for at in range(len(lines)) if at not in wrong]
            lines, groups = lines[right], [[group[at] for at in right] for group in groups]
        return lines, groups


def _is_at(content: bytes, starts: Positions, fixed: bytes) -> Flags:
    """Tell where ``fixed`` stands."""
    last = len(content) - len(fixed)
    within = np.clip(starts, 0, last)
    is_same = rows_of(content, within, len(fixed)).view(np.uint8).reshape(-1, len(fixed)) == np.frombuffer(fixed, np.uint8)
    is_at: Flags = within == starts
    return is_at if is_same.all() else is_at & is_same.all(axis=1)


def _texts(content: bytes, begins: Positions, ends: Positions) -> list[bytes]:
    """Return what is between; at most ``MARGIN_BYTES`` each, and no NUL."""
    sizes = ends - begins
    size = int(sizes.max())
    letters = rows_of(content, begins, size).view(np.uint8).reshape(-1, size)
    if int(sizes.min()) != size:
        letters[np.arange(size) >= sizes[:, None]] = 0
    texts: list[bytes] = letters.view(f"S{size}").ravel().tolist()
    return texts


LINES_MIN = 32
"""Fewer lines are matched one by one: what is done once for all of them takes as long."""
_LAYOUTS_EACH, _LAYOUTS_MAX = 4, 256
_TRIES_MAX = 16


class Layouts:
    """Those learnt so far of one format, by how many marks their lines have."""

    def __init__(self) -> None:
        self.lines = 0
        """How many they have told."""
        self._all: dict[int, tuple[Layout, ...]] = {}
        self._tries: Counter[int] = Counter()
        self._lock = Lock()  # all logs of a format share it, and a program may read several at once

    def told(self, text: QuotedLines) -> tuple[list[tuple[Shape, list[int], list[list[bytes]]]], list[list[int]]]:
        """Return what is told of lines, a layout at a time: its shape, the lines, and what is captured of them, a list a group.

        And the others of which a layout may be learnt: many with as many marks.
        """
        told, crowds = [], []
        order = np.argsort(text.counts, kind="stable")
        counts = text.counts[order]
        bounds = [0, *(np.flatnonzero(counts[1:] != counts[:-1]) + 1).tolist(), len(counts)]
        for first, last in pairwise(bounds):
            marks, rest = int(counts[first]), order[first:last]
            for layout in self._all.get(marks, ()) if marks else ():
                if len(rest) >= LINES_MIN:
                    lines, groups = layout.told(text, rest)
                    if len(lines):
                        self.lines += len(lines)
                        told.append((layout.shape, lines.tolist(), groups))
                        rest = np.setdiff1d(rest, lines, assume_unique=True)
            if len(rest) >= LINES_MIN and marks and self._tries[marks] < _TRIES_MAX and len(self._all.get(marks, ())) < _LAYOUTS_EACH:
                crowds.append(rest.tolist())
        return told, crowds

    def learn(self, shape: Shape, content: bytes) -> None:
        """Learn the layout of a line that an expression told, if it has one."""
        text = quoted([content])
        marks = int(text.counts[0])
        self._tries[marks] += 1
        try:
            layout = Layout(shape, text)
        except Unlearnable:
            return
        with self._lock:
            if marks and len(self._all) < _LAYOUTS_MAX:
                self._all[marks] = (*self._all.get(marks, ()), layout)
