"""The patterns of lines: learned from lines that were read, and later lines matched by them.

Owns which patterns there are, which of them a line is tried against first, and when another is worth learning. Does not
own how a pattern is found (``learning``) nor what becomes of what it captures (``event_columns``).
"""

from __future__ import annotations

import json
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

_PATTERNS_MAX = 64
_PATTERNS_AT_FIRST, _LINES_EACH = 8, 64
"""One more for so many lines that were matched: making them must not become the work."""
_TRIES_MAX = 16
_SHARED_MAX = 2**16
_SAMPLES_MAX = 3
LINE_BYTES_MAX = 2**14
"""Longer lines are read faster than they are matched."""
_ALIKE_MIN = 64
"""So many lines of one outline are read before a pattern is learned: making one costs what it saves on 200 lines."""
_OUTLINES_MAX = 4096
_PATIENCE = 60
"""After so many more is a line that has the same outline tried again."""

_HEAD_BYTES, _TAIL_BYTES = 8, 16
_NOT_SHAPELY = bytes(set(range(256)) - set(b'"{}[]:, .\\'))


class LinePattern:
    """An expression that whole lines match, and what its groups are."""

    __slots__ = ("deciding", "lines", "match", "shared", "taken")

    def __init__(self, content: bytes, uses: Mapping[str, Use]) -> None:
        """Make it of a line. Raises ``Unlearnable``."""
        pattern = learned(content, uses)
        self.match = re.compile(pattern.expression).fullmatch
        self.taken = pattern.taken
        self.deciding = pattern.deciding
        self.lines = 0
        """How many it has matched."""
        self.shared: dict[Hashable, int] = {}
        """The number of the shared values of rows with these deciding values; below zero, how often there was none."""

    def deciding_of(self, groups: Sequence[Sequence[bytes]]) -> Iterable[Hashable]:
        """Return the deciding values among those captured of lines, which are a list a group, line by line."""
        return (
            zip(*[groups[group] for group in self.deciding], strict=True)
            if self.deciding
            else repeat((), len(groups[0]))
        )


_LINES = attrgetter("lines")


class LinePatterns:
    """Those learned so far of one format, and the shared values of rows that they lead to."""

    def __init__(self) -> None:
        self.shared: list[Row] = []
        """What rows share, as ``event_columns`` splits them."""
        self._numbers: dict[Row, int] = {}
        self._all: list[LinePattern] = []
        self._likely: dict[bytes, list[LinePattern]] = {}
        self._unmatched: Counter[bytes] = Counter()
        self._lock = Lock()  # all logs of a format share it, and a program may read several at once

    @property
    def usual(self) -> LinePattern | None:
        """The pattern that most lines have had."""
        return max(self._all, key=_LINES, default=None)

    def find(self, content: bytes, begin: int, end: int, *, but: LinePattern) -> tuple[LinePattern, Captured] | None:
        """Return the pattern of the line at ``[begin, end)`` of ``content``, and what it captures there.

        ``but`` is known not to be it.
        """
        outline = _outline(content, begin, end)
        likely = self._likely.get(outline)
        if likely is None:
            likely = self._likely[outline if len(self._likely) < _OUTLINES_MAX else b""] = self._all.copy()
        for place, pattern in enumerate(likely[:_TRIES_MAX]):
            found = pattern.match(content, begin, end) if pattern is not but else None
            if found is not None:
                pattern.lines += 1
                if place and pattern.lines > likely[place - 1].lines:
                    likely[place - 1 : place + 1] = pattern, likely[place - 1]
                return pattern, found.groups()
        return None

    def is_worth_learning(self, content: bytes) -> bool:
        """Tell whether a line that no pattern matches has been seen often enough; to be asked once for each."""
        matched = sum(map(_LINES, self._all))
        if len(content) > LINE_BYTES_MAX or len(self._all) >= min(
            _PATTERNS_MAX, _PATTERNS_AT_FIRST + matched // _LINES_EACH
        ):
            return False
        outline = _outline(content, 0, len(content))
        if outline not in self._unmatched and len(self._unmatched) >= _OUTLINES_MAX:
            return False
        self._unmatched[outline] += 1
        return self._unmatched[outline] >= _ALIKE_MIN

    def learn(self, content: bytes, uses: Mapping[str, Use] | None) -> tuple[LinePattern, Captured] | None:
        """Return a pattern for a line that none matched, and what it captures there.

        ``None`` where ``uses`` is, or none can be made of it.
        """
        outline = _outline(content, 0, len(content))
        self._unmatched[outline] = -_PATIENCE
        if uses is None:
            return None
        try:
            pattern = LinePattern(content, uses)
        except Unlearnable:
            return None
        found = pattern.match(content)
        if found is None:
            return None
        with self._lock:
            self._all.append(pattern)
            for of, likely in self._likely.copy().items():
                likely.insert(0 if of == outline else len(likely), pattern)
        self._unmatched[outline] = 0
        return pattern, found.groups()

    def remember(self, pattern: LinePattern, deciding: Hashable, shared: Row | None) -> None:
        """Remember the shared values of rows of a pattern with these deciding values.

        ``None``: this row was none that the pattern matches.
        """
        with self._lock:
            if shared is None or len(self.shared) >= _SHARED_MAX:
                number = pattern.shared.get(deciding, 0) - 1
            else:
                number = self._numbers.setdefault(shared, len(self.shared))
                if number == len(self.shared):
                    self.shared.append(shared)
            if deciding in pattern.shared or len(pattern.shared) < _SHARED_MAX:
                pattern.shared[deciding] = number

    def wants(self, pattern: LinePattern, deciding: Hashable) -> bool:
        """Tell whether the shared values of rows with these deciding values is not known, and may still become so."""
        return -_SAMPLES_MAX < pattern.shared.get(deciding, -1) < 0


@lru_cache(maxsize=16)
def _patterns(_settings: str) -> LinePatterns:
    return LinePatterns()


def patterns_of(log_format: LogFormat) -> LinePatterns:
    """Return the patterns of a format: what one log has taught holds for all logs that are written and read alike."""
    return _patterns(json.dumps(log_format.settings(), sort_keys=True))


def _outline(content: bytes, begin: int, end: int) -> bytes:
    """Return what lines of one pattern have in common at a glance: how they begin and end, and what the answer is."""
    at = content.find(b'"response"', begin, end)
    kind = content[at + 10 : at + 24] if at >= 0 else b""
    tail = content[max(begin, end - _TAIL_BYTES) : end]
    return (
        content[begin : begin + _HEAD_BYTES] + kind.translate(None, _NOT_SHAPELY) + tail.translate(None, _NOT_SHAPELY)
    )
