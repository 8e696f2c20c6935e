"""The rules of the shapes that a program has numbered: learned where they are worth it, and stated to the program.

Owns which shapes are worth learning. Does not own what a rule is, nor how one is found (``search``), nor how its sums
are added up (``source/rules.h``), nor what becomes of rows (``rows``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.collectors import event_columns
from pipeline.collectors.event_columns import IDS, NUMBERS, Chosen
from pipeline.collectors.kernel.program import NO_RULE
from pipeline.collectors.kernel.rules.finder import RULES_MAX, RuleFinder
from pipeline.collectors.kernel.rules.rows import COLUMNS, USUAL, Rows
from pipeline.collectors.kernel.rules.rule import KINDS_OF_KEY
from pipeline.collectors.kernel.rules.variants import Variants
from pipeline.collectors.values.traced import Linear, alone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    from pipeline.collectors.decode import Row
    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.kernel.program import Program, Told
    from pipeline.collectors.kernel.rules.rule import Nothing, Rule

    Array: TypeAlias = np.ndarray[Any, Any]

LEARNED_FROM_BYTES = 2**13
"""So many bytes of lines of one shape are read plainly before it is learned, for each ``_SHAPE_BYTES`` of it.

To learn costs about as much, since samples are as long as their shape makes them. Those count that any thread has met,
in any log; what is known of it already is not waited for.
"""
_SHAPE_BYTES = 256
LINE_BYTES = 1_500
"""As long as so many bytes of it take a line takes the plain reader beside them."""
_EXAMPLES_MAX = 5
"""From so many lines of a shape it is learned how its counts hang together, at most."""
_HOLES_MAX = 512
"""So many holes a line has at most."""
_NEW, _KNOWN, _NEVER, _SILENT = range(4)
_NO_TEXT = Linear(0)
"""The place of none."""


class RuleTable:
    """The rules of the shapes that a program has numbered, or of variants of these."""

    def __init__(self, program: Program, log_format: LogFormat, found: Format | None) -> None:
        """Begin without any; lines are of a format, in a log of one."""
        self._program = program
        self._finder = RuleFinder(log_format, program.names, found)
        self._variants = Variants(self._finder, program.shapes_max)
        self.forget()

    def forget(self) -> None:
        """Know no shape; the program has forgotten them and their rules."""
        self._variants.forget()
        self._fates = np.full(self._variants.size, _NEW, np.uint8)
        self._fates[self._program.shapes_max : -1] = _KNOWN  # a variant is one of a shape that is known
        self._fates[-1] = _NEVER
        self._rules: dict[int, list[Rule]] = {}
        """Of each shape."""
        self._last_numbers: dict[int, int] = {}
        """That of the last rule of each shape: of the first one that of the shape, of others one behind all shapes."""
        self._next_number = self._variants.size
        self.kept: dict[int, Rule] = {}
        """The rules by which counts are kept by name."""
        self.counted: dict[int, tuple[int, ...] | None] = {}
        """Of rules whose rows may be within one another, which holes have their counts."""
        self._is_joined = False
        """Whether an id is made of two by any rule."""
        self.same_keys: list[str] = []
        """Ids of keys that are those of all lines of some shape."""
        self._shared: dict[Row, int] = {}
        """The shared values of all rules, each with its number."""

    def rows_of(self, told: Told) -> tuple[Told, Rows]:
        """Return told lines as of their variants, and the rows among them that obey a rule.

        Rules of new shapes are searched, and of rows that obey none of their shape's, where these are frequent.
        """
        self._finder.meets(len(told.lines))
        self._learn(told, np.flatnonzero(self._fates[told.shapes] == _NEW))
        told = self._variants.told(told)
        rules, columns = self._applied(told)
        others = np.flatnonzero(rules == NO_RULE)
        if self._learn(told, others[self._fates[told.shapes[others]] == _KNOWN]):
            rules, columns = self._applied(told)
        is_row = rules != NO_RULE
        return told, Rows(np.flatnonzero(is_row), told.lines[is_row], rules[is_row], columns.compress(is_row, axis=1))

    def _applied(self, told: Told) -> tuple[Array, Array]:
        return self._program.apply_rules(told.shapes, len(COLUMNS if self._is_joined or self.counted else USUAL))

    def _learn(self, told: Told, rows: Array) -> bool:
        """Search rules of rows that have none, by their shapes, where they are frequent; tell whether any was found."""
        if not len(rows):
            return False
        is_any = False
        of_line = np.bincount(told.lines, minlength=len(told.line_ends))
        sizes = (np.diff(told.line_ends, prepend=0) + LINE_BYTES) // np.maximum(of_line, 1)  # each row has its share
        for number in np.flatnonzero(np.bincount(told.shapes[rows])).tolist():
            rules, which = self._rules.setdefault(number, []), rows[told.shapes[rows] == number]
            if len(rules) >= RULES_MAX or (rules and self._next_number >= self._program.rules_max):
                continue
            variant, of = self._variants.of(number)
            shape, size = self._program.shape(of), int(sizes[told.lines[which]].sum())
            if self._finder.is_worth_it(shape, variant, size, _enough(shape), len(rules)):
                self._variants.note(of, shape)
                found = self._finder.rules_of(shape, _examples(told, which), variant, tuple(rules))
                is_any |= self._keep(number, rules, found)
        return is_any

    def _keep(self, number: int, kept: list[Rule], rules: tuple[Rule, ...] | Nothing) -> bool:
        """Keep those rules of a shape that are new; tell whether there are some."""
        if not isinstance(rules, tuple):
            self._fates[number] = _SILENT
            return False
        before = len(kept)
        for rule in rules[before:]:
            own = self._next_number if kept else number
            if not self._program.add_rule(own, self._words(rule), self._last_numbers.get(number)):
                break
            self._next_number += bool(kept)
            kept.append(rule)
            self._last_numbers[number] = own
            self._is_joined |= any(len(holes) > 1 for holes in rule.ids.values())
            if rule.kept:
                self.kept[own] = rule
            if rule.within:
                self.counted[own] = rule.counts
        self._fates[number] = _KNOWN if kept else _NEVER
        return len(kept) > before

    def _words(self, rule: Rule) -> list[int]:
        """Return a rule as the program has it (``rules.h``)."""
        conditions = [word for each in rule.conditions for word in (each.relation, *_words_of(each.of))]
        return [len(rule.conditions), *conditions, *(word for each in self._sums(rule) for word in _words_of(each))]

    def _sums(self, rule: Rule) -> Iterator[Linear]:
        """Yield what each of ``COLUMNS`` is by a rule."""
        yield from (rule.numbers.get(name, Linear(event_columns.NOTHING)) for name in NUMBERS)
        yield rule.began
        how, hole, key_id = rule.key
        if hole is None:
            self.same_keys += [key_id] * (key_id not in self.same_keys)
            yield Linear(self.same_keys.index(key_id) * KINDS_OF_KEY + how)
        else:
            yield Linear(how, ((hole, KINDS_OF_KEY),))
        yield Linear(self._shared.setdefault(rule.shared, len(self._shared)))
        parts = [(*map(alone, rule.ids.get(name, ())), _NO_TEXT, _NO_TEXT) for name in IDS]
        yield from (first for first, *_ in parts)
        yield from (second for _, second, *_ in parts)
        around = [_NO_TEXT if hole is None else alone(hole) for hole in rule.within]
        yield from around or (_NO_TEXT, _NO_TEXT)

    def says_nothing(self, told: Told) -> Array:
        """Return of which told rows the shape is of what is no exchange."""
        silent: Array = self._fates[told.shapes] == _SILENT
        return silent

    def shared_of(self, rows: Rows) -> Chosen:
        """Return the shared values of rows."""
        return Chosen(rows.column("shared"), list(self._shared))


def _words_of(of: Linear) -> Iterator[int]:
    """Yield a sum as the program has it."""
    yield from (of.always, len(of.times))
    for each in of.times:
        yield from each


def _examples(told: Told, lines: Array) -> list[list[int]]:
    """Return what stands in the holes of some lines of one shape, which are here and there in the block."""
    some = lines[:: -(-len(lines) // _EXAMPLES_MAX)]
    return [told.holes[begin : begin + _HOLES_MAX].tolist() for begin in told.first_holes[some].tolist()]


def _enough(shape: bytes) -> int:
    """Return how many bytes of lines of a shape, at least, are met before it is asked of."""
    return LEARNED_FROM_BYTES * max(len(shape) // _SHAPE_BYTES, 1)
