"""Lines of known patterns to rows.

Owns which pattern a line is tried against, and that a row is only matched where its shared values are known and its
bytes are UTF-8. Does not own what is learned (``patterns``) nor what captured text means (``captures``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.fast.patterns.captures import own_values
from pipeline.collectors.fast.patterns.line_patterns import LINE_BYTES_MAX
from pipeline.collectors.fast.streams.positions import is_utf8

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from pipeline.collectors.event_columns import EventColumns
    from pipeline.collectors.fast.patterns.line_patterns import Captured, LinePattern, LinePatterns
    from pipeline.collectors.fast.streams.cut_lines import CutLines

    Groups: TypeAlias = Sequence[Sequence[bytes]]
    Untold: TypeAlias = dict[int, tuple[LinePattern, Captured] | None]
    """The lines that were not matched, with what a pattern captured of them."""


class Matcher:
    """Tells the lines of one log; its methods raise what ``fingerprint`` raises."""

    def __init__(self, patterns: LinePatterns, *, identity: str, fingerprint: Callable[[str], str]) -> None:
        self._patterns = patterns
        self._identity = identity
        self._fingerprint = fingerprint

    def match_lines(self, lines: CutLines, indices: Sequence[int], events: EventColumns) -> Untold:
        """Add the rows of all lines that a pattern matches; return the others."""
        usual, block, spans, cut = self._patterns.usual, lines.block, lines.spans, lines.cut
        if usual is None:
            return dict.fromkeys(indices)
        match, longest = (
            usual.match,
            LINE_BYTES_MAX,
        )  # most lines are matched once: what is done for each of them is little
        if cut:
            found = [
                match(content, begin, end) if end - begin <= longest else None
                for content, begin, end in map(lines.left, indices)
            ]
        else:
            found = [
                match(block, begin, end) if end - begin <= longest else None
                for begin, end in map(spans.__getitem__, indices)
            ]
        unmatched: Untold = dict.fromkeys(index for index, one in zip(indices, found, strict=True) if one is None)
        alike: dict[LinePattern, tuple[list[int], list[Captured]]] = {}
        if len(unmatched) < len(indices):
            alike[usual] = (
                [index for index in indices if index not in unmatched],
                [one.groups() for one in found if one is not None],
            )
            usual.lines += len(alike[usual][0])
        for index in list(unmatched):
            content, begin, end = lines.left(index)
            other = self._patterns.find(content, begin, end, but=usual) if end - begin <= longest else None
            if other is not None:
                del unmatched[index]
                own, captured = alike.setdefault(other[0], ([], []))
                own.append(index)
                captured.append(other[1])
        is_sound = not alike or (not cut and is_utf8(memoryview(block)[spans[indices[0]][0] : spans[indices[-1]][1]]))
        for pattern, (own, captured) in alike.items():
            self._add(pattern, lines, own, list(zip(*captured, strict=True)), events, unmatched, is_sound=is_sound)
        return unmatched

    def values(self, pattern: LinePattern, groups: Groups) -> tuple[list[Sequence[Any]], list[int], set[int]]:
        """Return own values, a list a column, the numbers of shared values, and which rows must be read."""
        own, wrong = own_values(pattern, groups, identity=self._identity, fingerprint=self._fingerprint)
        codes = [pattern.shared.get(deciding, -1) for deciding in pattern.deciding_of(groups)]
        if min(codes) < 0:
            wrong |= {at for at, code in enumerate(codes) if code < 0}
        return own, codes, wrong

    def _add(
        self,
        pattern: LinePattern,
        lines: CutLines,
        indices: Sequence[int],
        groups: Groups,
        events: EventColumns,
        unmatched: Untold,
        *,
        is_sound: bool,
    ) -> None:
        """Add the rows of lines of a pattern, but those that must be read."""
        own, codes, wrong = self.values(pattern, groups)
        if not is_sound:
            wrong |= {at for at, index in enumerate(indices) if not is_utf8(lines.looked_at(index))}
        columns: list[Sequence[Any]] = [*own, *lines.places(indices)]
        if wrong:
            unmatched |= {indices[at]: (pattern, tuple([group[at] for group in groups])) for at in wrong}
            right = [at for at in range(len(indices)) if at not in wrong]
            columns, codes = [[values[at] for at in right] for values in columns], [codes[at] for at in right]
        events.extend(columns, codes, self._patterns.shared)
