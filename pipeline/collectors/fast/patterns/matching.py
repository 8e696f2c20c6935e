"""Lines of known shapes to rows.

Owns which shape a line is tried against, and that a row is only told where its frame is known and its bytes are UTF-8.
Does not own what is learnt (``shapes``) nor what captured text means (``told``).
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
    from pipeline.collectors.fast.patterns.line_patterns import Captured, Shape, Shapes
    from pipeline.collectors.fast.streams.cut_lines import CutLines

    Groups: TypeAlias = Sequence[Sequence[bytes]]
    Untold: TypeAlias = dict[int, tuple[Shape, Captured] | None]
    """The lines that were not told, with what a shape captured of them."""


class Teller:
    """Tells the lines of one log; its methods raise what ``fingerprint`` raises."""

    def __init__(self, shapes: Shapes, *, identity: str, fingerprint: Callable[[str], str]) -> None:
        self._shapes = shapes
        self._identity = identity
        self._fingerprint = fingerprint

    def tell(self, lines: CutLines, indices: Sequence[int], events: EventColumns) -> Untold:
        """Add the rows of all lines that a shape tells; return the others."""
        usual, block, spans, cut = self._shapes.usual, lines.block, lines.spans, lines.cut
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
        untold: Untold = dict.fromkeys(index for index, one in zip(indices, found, strict=True) if one is None)
        alike: dict[Shape, tuple[list[int], list[Captured]]] = {}
        if len(untold) < len(indices):
            alike[usual] = (
                [index for index in indices if index not in untold],
                [one.groups() for one in found if one is not None],
            )
            usual.lines += len(alike[usual][0])
        for index in list(untold):
            content, begin, end = lines.left(index)
            other = self._shapes.tell(content, begin, end, but=usual) if end - begin <= longest else None
            if other is not None:
                del untold[index]
                own, captured = alike.setdefault(other[0], ([], []))
                own.append(index)
                captured.append(other[1])
        is_sound = not alike or (not cut and is_utf8(memoryview(block)[spans[indices[0]][0] : spans[indices[-1]][1]]))
        for shape, (own, captured) in alike.items():
            self._add(shape, lines, own, list(zip(*captured, strict=True)), events, untold, is_sound=is_sound)
        return untold

    def values(self, shape: Shape, groups: Groups) -> tuple[list[Sequence[Any]], list[int], set[int]]:
        """Return own values, a list a column, the numbers of frames, and which rows must be read."""
        own, wrong = own_values(shape, groups, identity=self._identity, fingerprint=self._fingerprint)
        codes = [shape.frames.get(telling, -1) for telling in shape.telling_of(groups)]
        if min(codes) < 0:
            wrong |= {at for at, code in enumerate(codes) if code < 0}
        return own, codes, wrong

    def _add(
        self,
        shape: Shape,
        lines: CutLines,
        indices: Sequence[int],
        groups: Groups,
        events: EventColumns,
        untold: Untold,
        *,
        is_sound: bool,
    ) -> None:
        """Add the rows of lines of a shape, but those that must be read."""
        own, codes, wrong = self.values(shape, groups)
        if not is_sound:
            wrong |= {at for at, index in enumerate(indices) if not is_utf8(lines.looked_at(index))}
        columns: list[Sequence[Any]] = [*own, *lines.places(indices)]
        if wrong:
            untold |= {indices[at]: (shape, tuple([group[at] for group in groups])) for at in wrong}
            right = [at for at in range(len(indices)) if at not in wrong]
            columns, codes = [[values[at] for at in right] for values in columns], [codes[at] for at in right]
        events.extend(columns, codes, self._shapes.frames)
