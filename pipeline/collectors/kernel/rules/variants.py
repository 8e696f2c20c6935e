"""Lines in which an id looks like what decides something: a variant of their shape, with a rule of its own.

A format says which ids its code takes apart (``places.TakenApart``), and no shape says what an id looks like. So
variants are numbered behind the shapes. The samples of one have an id that fits, and what is taken of it stands in its
hole; those of the shape itself have ids that do not fit.

Owns which lines are of a variant. Does not own rules (``finder``), nor what is learned (``table``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from typing import TypeAlias

    from pipeline.collectors.kernel.program import Told
    from pipeline.collectors.kernel.rules.finder import RuleFinder

    Array: TypeAlias = np.ndarray[Any, Any]

_NO_HOLE = -1
_NO_ID = "-"
"""An id that is none: it stands in a shape as it is, and no sample has it."""


class Variants:
    """The variants of the shapes that a program has numbered."""

    def __init__(self, finder: RuleFinder, shapes_max: int) -> None:
        """Begin without any shape that has an id which is taken apart."""
        self._finder = finder
        self._apart = finder.taken_apart
        self._shapes_max = shapes_max
        self.size = shapes_max * (1 + len(self._apart)) + 1
        """How many numbers there are for shapes and variants, and for lines that have no rule: the last one."""
        self.forget()

    def forget(self) -> None:
        """Know no shape."""
        self._holes = np.full((len(self._apart), self._shapes_max), _NO_HOLE, np.int64)
        """By shape, which hole has the id that is taken apart."""
        self._ids: dict[int, list[list[int]]] = {}
        """By shape, and of each id that is taken apart, the holes of ids with which what is taken of it is compared."""

    def note(self, number: int, shape: bytes) -> None:
        """Note which ids of a shape are taken apart; until then, none of its lines is a variant."""
        if self._apart and number not in self._ids:
            named, self._ids[number] = self._finder.ids_of(shape)
            self._holes[:, number] = [named.get(apart.name, _NO_HOLE) for apart in self._apart]

    def of(self, number: int) -> tuple[int, int]:
        """Return which variant a number stands for, 0 for none, and of which shape."""
        return divmod(number, self._shapes_max)

    def told(self, told: Told) -> Told:
        """Return lines with the numbers of the variants that they are, and write what is taken of ids into their holes.

        A line has no rule where an id fits two patterns, nor where what is taken of it is nothing that samples have.
        """
        if not self._ids:
            return told
        content = told.texts[: told.texts_size].tobytes().decode("latin-1")
        found = [self._fitting(told, which, content) for which in range(len(self._apart))]
        numbers = told.shapes.astype(np.int64)
        for which, (lines, holes, taken) in enumerate(found):
            is_sure = numbers[lines] == told.shapes[lines]
            if self._apart[which].pattern.groups:
                places = zip(lines.tolist(), taken.tolist(), strict=True)
                is_sure &= np.array([self._is_like_samples(told, which, *each, content) for each in places], np.bool_)
            numbers[lines] = np.where(is_sure, numbers[lines] + self._shapes_max * (which + 1), self.size - 1)
            told.holes[holes] = taken
        return told._replace(shapes=numbers)

    def _fitting(self, told: Told, which: int, content: str) -> tuple[Array, Array, Array]:
        """Return the lines in which an id fits a pattern, its hole, and what will stand there."""
        pattern = self._apart[which].pattern
        lines = np.flatnonzero(self._holes[which][told.shapes] != _NO_HOLE)
        holes = told.first_holes[lines] + self._holes[which][told.shapes[lines]]
        starts = told.holes[holes] >> 16
        places = zip(starts.tolist(), (starts + (told.holes[holes] & 0xFFFF)).tolist(), strict=True)
        found = [pattern.fullmatch(content, *place) for place in places]
        fits = np.array([each is not None for each in found], np.bool_)
        spans = [each.span(pattern.groups) for each in found if each]
        return lines[fits], holes[fits], np.array([start << 16 | end - start for start, end in spans], np.int64)

    def _is_like_samples(self, told: Told, which: int, line: int, taken: int, content: str) -> bool:
        """Tell whether what is taken of an id is as in samples: it fits no pattern, and no id it is compared with."""
        first, compared = int(told.first_holes[line]), self._ids[int(told.shapes[line])][which]
        ids = [_text_at(int(told.holes[first + hole]), content) for hole in compared]
        text = _text_at(taken, content)
        return text not in (_NO_ID, *ids) and not any(apart.pattern.fullmatch(text) for apart in self._apart)


def _text_at(place: int, content: str) -> str:
    start, size = divmod(place, 1 << 16)
    return content[start : start + size]
