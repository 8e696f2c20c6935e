"""Lines of known shapes to rows: as many at once as have the same layout, the others by the expression of their shape.

Owns the order of these two, and that a row is only told where its frame is known and its bytes are UTF-8. Does not own what is learnt
(``shapes``, ``layouts``) nor what captured text means (``told``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.collectors.fast import layouts
from pipeline.collectors.fast.positions import is_utf8
from pipeline.collectors.fast.quotes import quoted
from pipeline.collectors.fast.shapes import LINE_BYTES_MAX
from pipeline.collectors.fast.told import own_values

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from pipeline.collectors.event_columns import EventColumns
    from pipeline.collectors.fast.cut_lines import CutLines
    from pipeline.collectors.fast.shapes import Captured, Shape, Shapes

    Groups: TypeAlias = Sequence[Sequence[bytes]]
    Untold: TypeAlias = dict[int, tuple[Shape, Captured] | None]
    """The lines that were not told, with what a shape captured of them."""

_PAUSE_MAX = 64


class Teller:
    """Tells the lines of one log; its methods raise what ``fingerprint`` raises."""

    def __init__(self, shapes: Shapes, *, prefers_request_id: bool, fingerprint: Callable[[str], str]) -> None:
        self._shapes = shapes
        self._prefers_request_id = prefers_request_id
        self._fingerprint = fingerprint
        self._pause = self._pauses = 0

    def tell(self, lines: CutLines, indices: Sequence[int], events: EventColumns) -> Untold:
        """Add the rows of all lines that a shape tells; return the others."""
        untold: Untold = {}
        if self._shapes.usual is None:
            return dict.fromkeys(indices)
        rest, crowds = self._by_layout(lines, indices, events, untold)
        shapes = self._by_expression(lines, rest, events, untold)
        for crowd in crowds:
            found = next((index for index in crowd if index in shapes), None)
            if found is not None:
                self._shapes.layouts.learn(shapes[found], lines.line(found))
        return untold

    def values(self, shape: Shape, groups: Groups) -> tuple[list[Sequence[Any]], list[int], set[int]]:
        """Return own values, a list a column, the numbers of frames, and which rows must be read."""
        own, wrong = own_values(shape, groups, prefers_request_id=self._prefers_request_id, fingerprint=self._fingerprint)
        codes = [shape.frames.get(telling, -1) for telling in shape.telling_of(groups)]
        if min(codes) < 0:
            wrong |= {at for at, code in enumerate(codes) if code < 0}
        return own, codes, wrong

    def _by_layout(self, lines: CutLines, indices: Sequence[int], events: EventColumns, untold: Untold) -> tuple[Sequence[int], list[list[int]]]:
        """Add rows; return which lines have no known layout, and which of them may teach one."""
        short = [index for index in indices if index not in lines.cut and lines.spans[index][1] - lines.spans[index][0] <= LINE_BYTES_MAX]
        if len(short) < layouts.LINES_MIN:
            return indices, []
        if self._pause:
            self._pause -= 1
            return indices, []
        text = quoted([lines.line(index) for index in short])
        told, crowds = self._shapes.layouts.told(text)
        is_sound = not told or is_utf8(text.content)
        done: set[int] = set()
        for shape, which, groups in told:
            own = [short[at] for at in which]
            done.update(own)
            shape.lines += len(own)
            self._add(shape, lines, own, groups, events, untold, is_sound=is_sound)
        # where little comes of it, it is tried now and then
        self._pauses = 0 if len(done) > len(short) // 4 else min(2 * self._pauses + 1, _PAUSE_MAX)
        self._pause = self._pauses
        return [index for index in indices if index not in done], [[short[at] for at in crowd] for crowd in crowds]

    def _by_expression(self, lines: CutLines, indices: Sequence[int], events: EventColumns, untold: Untold) -> dict[int, Shape]:
        """Add rows; return the shapes of the lines that have one."""
        usual = self._shapes.usual
        alike: dict[Shape, tuple[list[int], list[Captured]]] = {}
        if usual is None or not indices:
            return {}
        usual_lines, usual_captured = alike[usual] = [], []
        for index in indices:
            content, begin, end = lines.left(index)
            if end - begin > LINE_BYTES_MAX:
                untold[index] = None
                continue
            match = usual.match(content, begin, end)
            if match is not None:
                usual_lines.append(index)
                usual_captured.append(match.groups())
            elif (found := self._shapes.tell(content, begin, end, but=usual)) is None:
                untold[index] = None
            else:
                own, captured = alike.setdefault(found[0], ([], []))
                own.append(index)
                captured.append(found[1])
        usual.lines += len(usual_lines)
        if not usual_lines:
            del alike[usual]
        is_sound = not alike or (not lines.cut and is_utf8(memoryview(lines.block)[lines.spans[indices[0]][0] : lines.spans[indices[-1]][1]]))
        for shape, (own, captured) in alike.items():
            self._add(shape, lines, own, list(zip(*captured, strict=True)), events, untold, is_sound=is_sound)
        return {index: shape for shape, (own, _) in alike.items() for index in own}

    def _add(self, shape: Shape, lines: CutLines, indices: Sequence[int], groups: Groups, events: EventColumns, untold: Untold, *, is_sound: bool) -> None:
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
