"""The rules of the shapes that a program has numbered: learned where they are worth it, and stated to the program.

Owns which shapes are worth learning. Does not own what a rule is, nor how one is found (``search``), nor how its sums
are added up (``source/rules.h``), nor what becomes of rows (``rows``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.collectors import event_columns
from pipeline.collectors.event_columns import IDS, NUMBERS, Chosen
from pipeline.collectors.formats.gateways.access_logs import KEY_HEADERS
from pipeline.collectors.kernel.program import NO_RULE
from pipeline.collectors.kernel.rules.finder import RULES_MAX, RuleFinder
from pipeline.collectors.kernel.rules.rows import COLUMNS, USUAL, Rows
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
OF_ID, OF_RAW, THE_SAME, OF_HEADER = range(4)
"""How a line has its key: the id of it, the key itself, or none, since it is the same for all lines of the shape.

From ``OF_HEADER`` on it is in one of ``KEY_HEADERS``, where that says a key.
"""
KINDS_OF_KEY = OF_HEADER + len(KEY_HEADERS)
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
        self._fates[-1] = _NEVER
        self._rules: dict[int, list[Rule]] = {}
        """Of each shape."""
        self._last_numbers: dict[int, int] = {}
        """That of the last rule of each shape: of the first one that of the shape, of others one behind all shapes."""
        self._next_number = self._variants.size
        self.kept: dict[int, Rule] = {}
        """The rules by which counts are kept by name."""
        self.counts: dict[int, tuple[int, ...] | None] = {}
        """Of rules whose rows may be within one another, which holes have their counts."""
        self._is_joined = False
        """Whether an id is made of two by any rule."""
        self.same_keys: list[str] = []
        """Ids of keys that are those of all lines of some shape."""
        self._shared: dict[Row, int] = {}
        """The shared values of all rules, each with its number."""

    def learned(self, told: Told) -> Told:
        """Learn the shapes of a block that are new, and frequent enough; return its lines as of their variants."""
        self._learn(told)
        found = self._variants.told(told)
        if found is told:
            return told
        is_variant = found.shapes != told.shapes
        if is_variant.any():  # shapes have been learned of these lines: one that is new by now would be of no variant
            own = {"lines": found.lines, "shapes": found.shapes, "first_holes": found.first_holes}
            self._learn(found._replace(**{name: of[is_variant] for name, of in own.items()}))
        return found

    def _learn(self, told: Told) -> None:
        self._finder.meets(len(told.lines))
        is_new = self._fates[told.shapes] == _NEW
        if not is_new.any():
            return
        rows = np.bincount(told.lines, minlength=len(told.line_ends))
        sizes = (np.diff(told.line_ends, prepend=0) + LINE_BYTES) // np.maximum(rows, 1)  # each row has its share
        numbers, which = np.unique(told.shapes[is_new], return_inverse=True)
        sizes = np.bincount(which, sizes[told.lines[is_new]])
        for number, size in zip(numbers.tolist(), sizes.tolist(), strict=True):
            variant, of = self._variants.of(number)
            shape = self._program.shape(of)
            if self._finder.is_worth_it(shape, variant, size, _enough(shape)):
                self._variants.note(of, shape)
                examples = _examples(told, np.flatnonzero(told.shapes == number))
                self._keep(number, self._finder.rules_of(shape, examples, variant))

    def _keep(self, number: int, rules: tuple[Rule, ...] | Nothing) -> None:
        """Keep the rules of a shape; those that are new, where it has some."""
        if not isinstance(rules, tuple):
            self._fates[number] = _SILENT
            return
        kept = self._rules.setdefault(number, [])
        for rule in rules[len(kept) :]:
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
                self.counts[own] = rule.counts
        self._fates[number] = _KNOWN if kept else _NEVER

    def _words(self, rule: Rule) -> list[int]:
        """Return a rule as the program has it (``rules.h``)."""
        conditions = [word for each in rule.conditions for word in (each.relation, *_words_of(each.of))]
        return [len(rule.conditions), *conditions, *(word for each in self._sums(rule) for word in _words_of(each))]

    def _sums(self, rule: Rule) -> Iterator[Linear]:
        """Yield what each of ``COLUMNS`` is by a rule."""
        yield from (rule.numbers.get(name, Linear(event_columns.NOTHING)) for name in NUMBERS)
        yield rule.began
        if rule.key is None:
            self.same_keys += [rule.key_id] * (rule.key_id not in self.same_keys)
            yield Linear(self.same_keys.index(rule.key_id) * KINDS_OF_KEY + THE_SAME)
        else:
            kind = OF_HEADER + KEY_HEADERS.index(rule.header) if rule.header else OF_RAW if rule.is_raw else OF_ID
            yield Linear(kind, ((rule.key, KINDS_OF_KEY),))
        yield Linear(self._shared.setdefault(rule.shared, len(self._shared)))
        parts = [(*map(alone, rule.ids.get(name, ())), _NO_TEXT, _NO_TEXT) for name in IDS]
        yield from (first for first, *_ in parts)
        yield from (second for _, second, *_ in parts)
        around = [_NO_TEXT if hole is None else alone(hole) for hole in rule.within]
        yield from around or (_NO_TEXT, _NO_TEXT)

    def rows_of(self, told: Told) -> Rows:
        """Return the told rows that obey a rule; where rows are frequent that obey none, one is searched."""
        rules, columns = self._amounts(told)
        is_row = rules != NO_RULE
        left = np.flatnonzero(~is_row)
        left = left[self._fates[told.shapes[left]] == _KNOWN]
        if len(left) and self._has_more_rules(told, left):
            rules, columns = self._amounts(told)
            is_row = rules != NO_RULE
        return Rows(np.flatnonzero(is_row), told.lines[is_row], rules[is_row], columns.compress(is_row, axis=1))

    def _amounts(self, told: Told) -> tuple[Array, Array]:
        return self._program.amounts(told.shapes, len(COLUMNS if self._is_joined or self.counts else USUAL))

    def _has_more_rules(self, told: Told, left: Array) -> bool:
        """Search rules of rows of known shapes that obey none, where they are frequent; tell whether there are some."""
        before = self._next_number
        for number in np.flatnonzero(np.bincount(told.shapes[left])).tolist():
            rules, rows = self._rules[number], left[told.shapes[left] == number]
            if len(rules) >= RULES_MAX or self._next_number >= self._program.rules_max:
                continue
            variant, of = self._variants.of(number)
            shape = self._program.shape(of)
            sizes = np.diff(told.line_ends, prepend=0)[told.lines[rows]] + LINE_BYTES
            if self._finder.is_worth_it(shape, variant, sizes.sum(), _enough(shape), len(rules)):
                self._keep(number, self._finder.with_another(shape, _examples(told, rows), variant, tuple(rules)))
        return self._next_number > before

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
