"""The shapes of lines: learnt from lines that were read, and later lines told by them.

Owns which shapes there are, which of them a line is tried against first, and when another is worth learning. Does not
own how a shape is found (``learning``) nor what becomes of what it captures (``event_columns``).
"""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from itertools import repeat
from operator import attrgetter
from threading import Lock
from typing import TYPE_CHECKING

from pipeline.collectors.fast.patterns.learning import Unlearnable, learned

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from pipeline.collectors.decode import Row
    from pipeline.collectors.fast.patterns.uses import Use
    from pipeline.collectors.formats.log_format import LogFormat

    Captured: TypeAlias = tuple[bytes, ...]

_SHAPES_MAX = 64
_SHAPES_AT_FIRST, _LINES_EACH = 8, 64
"""One more for so many lines that were told: making them must not become the work."""
_TRIES_MAX = 16
_FRAMES_MAX = 2**16
_LESSONS_MAX = 3
LINE_BYTES_MAX = 2**14
"""Longer lines are read faster than they are matched."""
_ALIKE_MIN = 64
"""A shape is learnt when so many lines that look alike were read: making one takes as long as it saves on some two
hundred.
"""
_LOOKS_MAX = 4096
_PATIENCE = 60
"""After so many more is a line that looks alike tried again."""

_HEAD_BYTES, _TAIL_BYTES = 8, 16
_NOT_SHAPELY = bytes(set(range(256)) - set(b'"{}[]:, .\\'))


class Shape:
    """An expression that whole lines match, and what its groups are."""

    __slots__ = ("frames", "lines", "match", "taken", "telling")

    def __init__(self, content: bytes, uses: Mapping[str, Use]) -> None:
        """Make it of a line. Raises ``Unlearnable``."""
        shape = learned(content, uses)
        self.match = re.compile(shape.expression).fullmatch
        self.taken = shape.taken
        self.telling = shape.telling
        self.lines = 0
        """How many it has told."""
        self.frames: dict[Hashable, int] = {}
        """The number of the frame of rows with these telling values; below zero, how often there was none."""

    def telling_of(self, groups: Sequence[Sequence[bytes]]) -> Iterable[Hashable]:
        """Return the telling values among those captured of lines, which are a list a group, line by line."""
        return (
            zip(*[groups[group] for group in self.telling], strict=True) if self.telling else repeat((), len(groups[0]))
        )


_LINES = attrgetter("lines")


class Shapes:
    """Those learnt so far of one format, and the frames of rows that they lead to."""

    def __init__(self) -> None:
        self.frames: list[Row] = []
        """What rows share, as ``event_columns`` splits them."""
        self._numbers: dict[Row, int] = {}
        self._all: list[Shape] = []
        self._likely: dict[bytes, list[Shape]] = {}
        self._untold: Counter[bytes] = Counter()
        self._lock = Lock()  # all logs of a format share it, and a program may read several at once

    @property
    def usual(self) -> Shape | None:
        """The shape that most lines have had."""
        return max(self._all, key=_LINES, default=None)

    def tell(self, content: bytes, begin: int, end: int, *, but: Shape) -> tuple[Shape, Captured] | None:
        """Return the shape of the line at ``[begin, end)`` of ``content``, and what it captures there.

        ``but`` is known not to be it.
        """
        look = _look(content, begin, end)
        likely = self._likely.get(look)
        if likely is None:
            likely = self._likely[look if len(self._likely) < _LOOKS_MAX else b""] = self._all.copy()
        for place, shape in enumerate(likely[:_TRIES_MAX]):
            found = shape.match(content, begin, end) if shape is not but else None
            if found is not None:
                shape.lines += 1
                if place and shape.lines > likely[place - 1].lines:
                    likely[place - 1 : place + 1] = shape, likely[place - 1]
                return shape, found.groups()
        return None

    def is_worth_learning(self, content: bytes) -> bool:
        """Tell whether a line that no shape told has been seen often enough; to be asked once for each."""
        told = sum(map(_LINES, self._all))
        if len(content) > LINE_BYTES_MAX or len(self._all) >= min(_SHAPES_MAX, _SHAPES_AT_FIRST + told // _LINES_EACH):
            return False
        look = _look(content, 0, len(content))
        if look not in self._untold and len(self._untold) >= _LOOKS_MAX:
            return False
        self._untold[look] += 1
        return self._untold[look] >= _ALIKE_MIN

    def learn(self, content: bytes, uses: Mapping[str, Use] | None) -> tuple[Shape, Captured] | None:
        """Return a shape for a line that none told, and what it captures there.

        ``None`` where ``uses`` is, or none can be made of it.
        """
        look = _look(content, 0, len(content))
        self._untold[look] = -_PATIENCE
        if uses is None:
            return None
        try:
            shape = Shape(content, uses)
        except Unlearnable:
            return None
        found = shape.match(content)
        if found is None:
            return None
        with self._lock:
            self._all.append(shape)
            for of, likely in self._likely.copy().items():
                likely.insert(0 if of == look else len(likely), shape)
        self._untold[look] = 0
        return shape, found.groups()

    def remember(self, shape: Shape, telling: Hashable, frame: Row | None) -> None:
        """Remember the frame of rows of a shape with these telling values.

        ``None``: this row was none that the shape tells.
        """
        with self._lock:
            if frame is None or len(self.frames) >= _FRAMES_MAX:
                number = shape.frames.get(telling, 0) - 1
            else:
                number = self._numbers.setdefault(frame, len(self.frames))
                if number == len(self.frames):
                    self.frames.append(frame)
            if telling in shape.frames or len(shape.frames) < _FRAMES_MAX:
                shape.frames[telling] = number

    def wants(self, shape: Shape, telling: Hashable) -> bool:
        """Tell whether the frame of rows with these telling values is not known, and may still become so."""
        return -_LESSONS_MAX < shape.frames.get(telling, -1) < 0


@lru_cache(maxsize=16)
def _shapes(_fields: tuple[tuple[str, str], ...], _settings: tuple[Hashable, ...]) -> Shapes:
    return Shapes()


def shapes_of(log_format: LogFormat) -> Shapes:
    """Return the shapes of a format: what one log has taught holds for all logs that are written and read alike."""
    return _shapes(
        tuple(sorted(log_format.fields.items())), (log_format.identity, log_format.dialect, log_format.depth_max)
    )


def _look(content: bytes, begin: int, end: int) -> bytes:
    """Return what lines of one shape have in common at a glance: how they begin and end, and what the answer is."""
    at = content.find(b'"response"', begin, end)
    kind = content[at + 10 : at + 24] if at >= 0 else b""
    tail = content[max(begin, end - _TAIL_BYTES) : end]
    return (
        content[begin : begin + _HEAD_BYTES] + kind.translate(None, _NOT_SHAPELY) + tail.translate(None, _NOT_SHAPELY)
    )
