"""The rules of the shapes that a program has numbered, as arrays, and their arithmetic for many lines at once.

Owns which shapes are worth learning. Does not own what a rule is, nor how one is found (``search``).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.base.raw_keys import is_raw_key
from pipeline.collectors import event_columns
from pipeline.collectors.counting import named
from pipeline.collectors.event_columns import IDS, NUMBERS, Chosen
from pipeline.collectors.formats.gateways.access_logs import KEY_HEADERS
from pipeline.collectors.formats.instants import EARLIEST_US, LATEST_US
from pipeline.collectors.kernel.rules.finder import RULES_MAX, RuleFinder
from pipeline.collectors.kernel.rules.rule import JOINT, TERMS_MAX, WHOLES, hold_together
from pipeline.collectors.kernel.rules.variants import Variants
from pipeline.collectors.values.traced import Linear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
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
_FURTHER_MAX = 1024
"""So many rules beyond the first ones of shapes there are at most."""
_HOLES_MAX = 512
"""So many holes a line has at most."""
ID_BYTES_MAX = 256
"""So long ids are at most (``fields.IDENTIFIER``)."""
OF_ID, OF_RAW, THE_SAME, OF_HEADER = range(4)
"""How a line has its key: the id of it, the key itself, or none, since it is the same for all lines of the shape.

From ``OF_HEADER`` on it is in one of ``KEY_HEADERS``, where that says a key.
"""
KINDS_OF_KEY = OF_HEADER + len(KEY_HEADERS)
_NEW, _KNOWN, _NEVER, _SILENT = range(4)
_NO_HOLE = -1


class RuleTable:
    """The rules of the shapes that a program has numbered: an element of each array a shape, or a variant of one."""

    def __init__(self, program: Program, log_format: LogFormat, found: Format | None) -> None:
        """Begin without any; lines are of a format, in a log of one."""
        self._finder = RuleFinder(log_format, program.names, found)
        self._variants = Variants(self._finder, program.shapes_max)
        self._size = self._variants.size + _FURTHER_MAX
        self.forget()

    def forget(self) -> None:
        """Know no shape."""
        size = self._size
        self._variants.forget()
        self._fates = np.full(size, _NEW, np.uint8)
        self._fates[self._variants.size - 1] = _NEVER
        self._always = np.full((len(NUMBERS), size), event_columns.NOTHING, np.int64)
        self._terms = np.full((TERMS_MAX, len(NUMBERS), size), _NO_HOLE, np.int16)
        self._stated: set[tuple[int, int]] = set()
        """Which of the terms of which columns stand in a hole of some shape."""
        self._totals = np.full((TERMS_MAX, size), _NO_HOLE, np.int64)
        self._totals_used = 0
        self._ids = np.full((len(IDS), size), _NO_HOLE, np.int64)
        self._ids_behind = np.full((len(IDS), size), _NO_HOLE, np.int64)
        self._is_joined = False
        self._keys = np.zeros(size, np.int64)
        self._kinds_of_key = np.zeros(size, np.int64)
        self.same_keys: list[str] = []
        """Ids of keys that are those of all lines of some shape."""
        self._instants = np.zeros(size, np.int64)
        self._less = np.full(size, _NO_HOLE, np.int64)
        self._has_less = False
        self._within = np.full((2, size), _NO_HOLE, np.int64)
        self._rare: dict[int, Rule] = {}
        """The rules by which counts are kept by name or taken off others, or conditions hold beside totals."""
        self._takes_off = False
        """Whether some of these take counts off."""
        self._of_lines: dict[int, list[tuple[int, Rule]]] = {}
        """The rules of each shape, and the numbers that they have here: the first one that of the shape."""
        self._rules_used = self._variants.size
        self._counts: dict[int, tuple[int, ...] | None] = {}
        """Of shapes whose rows may be within one another."""
        self._shared = np.zeros(size, np.int64)
        self._shared_values: list[Row] = []
        self._shared_known: dict[Row, int] = {}

    def learned(self, program: Program, told: Told) -> Told:
        """Learn the shapes of a block that are new, and frequent enough; return its lines as of their variants."""
        self._learn(program, told)
        found = self._variants.told(told)
        if found is told:
            return told
        is_variant = found.shapes != told.shapes
        if is_variant.any():  # shapes have been learned of these lines: one that is new by now would be of no variant
            own = {"lines": found.lines, "shapes": found.shapes, "first_holes": found.first_holes}
            self._learn(program, found._replace(**{name: of[is_variant] for name, of in own.items()}))
        return found

    def _learn(self, program: Program, told: Told) -> None:
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
            shape = program.shape(of)
            if self._finder.is_worth_it(shape, variant, size, _enough(shape)):
                self._variants.note(of, shape)
                examples = _examples(told, np.flatnonzero(told.shapes == number))
                self._keep_all(number, self._finder.rules_of(shape, examples, variant))

    def _keep_all(self, number: int, rules: tuple[Rule, ...] | Nothing) -> None:
        """Keep the rules of a shape; those that are new, where it has some."""
        if not isinstance(rules, tuple) or not rules:
            self._fates[number] = _NEVER if isinstance(rules, tuple) else _SILENT
            return
        kept = self._of_lines.setdefault(number, [])
        for rule in rules[len(kept) :]:
            own = self._rules_used if kept else number
            if own < self._size:
                self._rules_used += bool(kept)
                kept.append((own, rule))
                self._keep(own, rule)

    def _keep(self, number: int, rule: Rule) -> None:
        self._fates[number] = _KNOWN
        if not rule.is_plain:
            self._rare[number] = rule
        for column, name in enumerate(NUMBERS):
            found = rule.numbers.get(name)
            if found is not None:
                added = [hole for hole, times in found.times for _ in range(times)]
                self._always[column, number] = found.always
                self._terms[: len(added), column, number] = added
                self._stated.update((term, column) for term in range(len(added)))
                self._takes_off |= bool(_taken_off(found).times)
        self._totals[: len(rule.totals), number] = rule.totals
        self._totals_used = max(self._totals_used, len(rule.totals))
        for column, name in enumerate(IDS):
            self._ids[column, number], self._ids_behind[column, number], *_ = (
                *rule.ids.get(name, ()),
                *(_NO_HOLE, _NO_HOLE),
            )
            self._is_joined |= len(rule.ids.get(name, ())) > 1
        if rule.key is None:
            self.same_keys += [rule.key_id] * (rule.key_id not in self.same_keys)
            self._keys[number], self._kinds_of_key[number] = self.same_keys.index(rule.key_id), THE_SAME
        else:
            kind = OF_HEADER + KEY_HEADERS.index(rule.header) if rule.header else OF_RAW if rule.is_raw else OF_ID
            self._keys[number], self._kinds_of_key[number] = rule.key, kind
        self._instants[number] = rule.instant
        if rule.less is not None:
            self._less[number], self._has_less = rule.less, True
        for which, hole in enumerate(rule.within):
            self._within[which, number] = _NO_HOLE if hole is None else hole
        if rule.within:
            self._counts[number] = rule.counts
        self._shared[number] = self._shared_known.setdefault(rule.shared, len(self._shared_known))
        self._shared_values = list(self._shared_known)

    def obeyed(self, told: Told, numbers: Array) -> Array:
        """Return of which told lines the shape has a rule, and the counts hold together."""
        counts = dict(zip(NUMBERS, np.maximum(numbers, 0), strict=True))
        holds: Array = (self._fates[told.shapes] == _KNOWN) & np.asarray(hold_together(counts))
        together = sum(counts[name] for name in WHOLES)
        for rule, rows, content in self._of_rare(told):
            for condition in rule.conditions:
                holds[rows] &= condition.holds(content)
        for holes in self._totals[: self._totals_used]:
            of_lines = holes[told.shapes]
            holds &= (of_lines == _NO_HOLE) | (_contents(told, of_lines) == together)
        if self._has_less:  # the kernel has seen to the years of the end, and not to those of the beginning
            began = self.instant_of(told)
            holds &= (began >= EARLIEST_US) & (began < LATEST_US)
        return holds

    def read_otherwise(
        self, program: Program, told: Told, numbers: Array, is_obeyed: Array
    ) -> tuple[Told, Array, Array]:
        """Let lines that do not obey the first rule of their shape have the numbers of another that they obey.

        Return them so, their columns ``NUMBERS``, and which of them obey a rule. Where lines are frequent that obey
        none, one is searched.
        """
        failing = np.flatnonzero(~is_obeyed & (self._fates[told.shapes] == _KNOWN))
        if not len(failing):
            return told, numbers, is_obeyed
        shapes = told.shapes.astype(np.int64)
        for number in np.flatnonzero(np.bincount(shapes[failing])).tolist():
            rows = failing[shapes[failing] == number]
            left = self._given(self._of_lines[number][1:], told, rows, shapes)
            more = self._more_rules(number, program, told, left)
            self._given(more, told, left, shapes)
        is_other = shapes != told.shapes
        told = told._replace(shapes=shapes)
        of = told._replace(lines=told.lines[is_other], shapes=shapes[is_other], first_holes=told.first_holes[is_other])
        numbers[:, is_other] = found = self.numbers_of(of)
        is_obeyed[is_other] = self.obeyed(of, found)
        return told, numbers, is_obeyed

    def _given(self, rules: Sequence[tuple[int, Rule]], told: Told, rows: Array, shapes: Array) -> Array:
        """Give each of some rows of a shape the number of the first of some rules that it obeys; return the others."""
        for own, rule in rules:
            content = partial(_contents, told._replace(shapes=shapes[rows], first_holes=told.first_holes[rows]))
            obeys = np.broadcast_to(rule.is_obeyed(content), len(rows))
            shapes[rows[obeys]] = own
            rows = rows[~obeys]
        return rows

    def _more_rules(self, number: int, program: Program, told: Told, rows: Array) -> list[tuple[int, Rule]]:
        """Return the rules of a shape that are new, where rows that obey none are frequent enough to search some."""
        kept = self._of_lines[number]
        if not len(rows) or len(kept) >= RULES_MAX or self._rules_used >= self._size:
            return []
        variant, of = self._variants.of(number)
        shape = program.shape(of)
        sizes = np.diff(told.line_ends, prepend=0)[told.lines[rows]] + LINE_BYTES
        if not self._finder.is_worth_it(shape, variant, sizes.sum(), _enough(shape), len(kept)):
            return []
        before = len(kept)
        rules = self._finder.with_another(shape, _examples(told, rows), variant, tuple(rule for _, rule in kept))
        self._keep_all(number, rules)
        return kept[before:]

    def _of_rare(self, told: Told) -> Iterator[tuple[Rule, Array, Callable[[int], Array]]]:
        """Yield the rules of ``_rare`` that told lines have, which lines these are, and what stands in their holes."""
        for number in np.flatnonzero(np.bincount(told.shapes)).tolist() if self._rare else ():
            if number in self._rare:
                rows = np.flatnonzero(told.shapes == number)
                yield self._rare[number], rows, partial(_contents, told._replace(first_holes=told.first_holes[rows]))

    def kept_of(self, told: Told) -> Chosen:
        """Return the column ``KEPT``."""
        codes = np.zeros(len(told.lines), np.int64)
        values: dict[str | None, int] = {None: 0}
        for rule, rows, content in self._of_rare(told):
            counts = [np.broadcast_to(found.of(content), len(rows)).tolist() for found in rule.kept.values()]
            texts = [named(dict(zip(rule.kept, each, strict=True))) for each in zip(*counts, strict=True)]
            codes[rows] = [values.setdefault(text, len(values)) for text in texts] if texts else 0
        return Chosen(codes, list(values))

    def says_nothing(self, told: Told) -> Array:
        """Return of which told lines the shape is of what is no exchange."""
        silent: Array = self._fates[told.shapes] == _SILENT
        return silent

    def join_ids(self, told: Told) -> tuple[Told, Array]:
        """Write down ids that are made of two, in the place of the first; return which lines have theirs.

        One that is longer than ids are has none: the plain reader spells it.
        """
        has_ids: Array = np.ones(len(told.lines), np.bool_)
        if not self._is_joined:
            return told, has_ids
        end = told.texts_size
        content = told.texts[:end].tobytes()
        for column in range(len(IDS)):
            starts, sizes = _ids_in(told, self._ids_behind[column])
            lines = np.flatnonzero(sizes)
            firsts, first_sizes = self.id_of(told, column)
            whole = first_sizes[lines] + len(JOINT) + sizes[lines]
            has_ids[lines] &= (whole <= ID_BYTES_MAX) & (end + np.cumsum(whole) <= len(told.texts))
            lines, whole = lines[has_ids[lines]], whole[has_ids[lines]]
            places = np.stack((firsts[lines], first_sizes[lines], starts[lines], sizes[lines]), axis=1).tolist()
            joined = b"".join(
                content[first : first + size] + JOINT.encode() + content[second : second + other]
                for first, size, second, other in places
            )
            told.texts[end : end + len(joined)] = np.frombuffer(joined, np.uint8)
            holes = told.first_holes[lines] + self._ids[column][told.shapes[lines]]
            told.holes[holes] = end + np.cumsum(whole) - whole << 16 | whole
            end += len(joined)
        return told._replace(texts_size=end), has_ids

    def numbers_of(self, told: Told) -> Array:
        """Return the columns ``NUMBERS``, a row a column."""
        numbers: Array = np.take(self._always, told.shapes, axis=1)
        for term, column in self._stated:
            holes = self._terms[term, column][told.shapes]
            numbers[column] += np.where(holes == _NO_HOLE, 0, _contents(told, holes))
        for rule, rows, content in self._of_rare(told) if self._takes_off else ():
            for name, found in rule.numbers.items():
                numbers[NUMBERS.index(name), rows] += _taken_off(found).of(content)
        return numbers

    def id_of(self, told: Told, column: int) -> tuple[Array, Array]:
        """Return where the texts of one of the columns ``IDS`` begin, and their sizes."""
        return _ids_in(told, self._ids[column])

    def holds_raw_key(self, program: Program, told: Told) -> Array:
        """Return of which told lines an id looks like a raw key: the plain reader spells it."""
        found: Array = np.zeros(len(told.lines), np.bool_)
        begun = program.beginnings_in(told.texts_size)
        if not len(begun):
            return found
        for starts, sizes in (self.id_of(told, column) for column in range(len(IDS))):
            has_some = np.searchsorted(begun, starts, "right") < np.searchsorted(begun, starts + sizes, "right")
            for line in np.flatnonzero(has_some).tolist():
                text = told.texts[starts[line] : starts[line] + sizes[line]].tobytes().decode()
                found[line] |= is_raw_key(text)
        return found

    def may_repeat(self, told: Told, is_row: Array) -> Array:
        """Return which rows are within another one of their line, and may be the same exchange (``Places.within``).

        Whether they are, the plain reader says of the whole line. Two that have no count in common are two, but where
        the one around has none: of vectors, that is one call.
        """
        found: Array = np.zeros(len(told.lines), np.bool_)
        if not self._counts:
            return found
        rows = np.flatnonzero(is_row)
        is_next_to: Array = np.zeros(len(rows) + 1, np.bool_)
        is_next_to[1:-1] = told.lines[rows[1:]] == told.lines[rows[:-1]]
        rows = rows[is_next_to[1:] | is_next_to[:-1]]
        content = told.texts[: told.texts_size].tobytes() if len(rows) else b""
        own, around = (
            [
                (line, content[at : at + size])
                for line, at, size in zip(told.lines[rows], *(each[rows] for each in _ids_in(told, holes)), strict=True)
            ]
            for holes in self._within
        )
        by_id: dict[tuple[int, bytes], set[int] | None] = {}
        for row, place in zip(rows.tolist(), own, strict=True):
            counts, of_others = self._counts_of(told, row), by_id.setdefault(place, set())
            if not counts or of_others is None:
                by_id[place] = None
            else:
                of_others |= counts
        for row, place in zip(rows.tolist(), around, strict=True):
            if place[1] and place in by_id:
                counts, of_others = self._counts_of(told, row), by_id[place]
                is_alike = counts is None or of_others is None or not counts.isdisjoint(of_others)
                found[row] = is_alike and counts != set()
        return found

    def _counts_of(self, told: Told, row: int) -> set[int] | None:
        """Return the counts of a row, ``None`` where not all of them are known."""
        holes = self._counts[int(told.shapes[row])]
        return None if holes is None else {int(told.holes[told.first_holes[row] + hole]) for hole in holes}

    def keys_of(self, told: Told) -> Array:
        """Return the keys: each a number of the program's, or of ``same_keys``, and how the line has it."""
        kinds, keys = self._kinds_of_key[told.shapes], self._keys[told.shapes]
        numbers = np.where(kinds == THE_SAME, keys, _contents(told, keys))
        return numbers * KINDS_OF_KEY + kinds

    def instant_of(self, told: Told) -> Array:
        """Return the instants."""
        instants = _contents(told, self._instants[told.shapes])
        if not self._has_less:
            return instants
        less = self._less[told.shapes]
        return instants - np.where(less == _NO_HOLE, 0, _contents(told, less))

    def shared_of(self, told: Told) -> tuple[list[Row], Array]:
        """Return the values that lines share, and which of them each has."""
        return self._shared_values, self._shared[told.shapes]


def _taken_off(of: Linear) -> Linear:
    return Linear(0, tuple(each for each in of.times if each[1] < 0))


def _examples(told: Told, lines: Array) -> list[list[int]]:
    """Return what stands in the holes of some lines of one shape, which are here and there in the block."""
    some = lines[:: -(-len(lines) // _EXAMPLES_MAX)]
    return [told.holes[begin : begin + _HOLES_MAX].tolist() for begin in told.first_holes[some].tolist()]


def _enough(shape: bytes) -> int:
    """Return how many bytes of lines of a shape, at least, are met before it is asked of."""
    return LEARNED_FROM_BYTES * max(len(shape) // _SHAPE_BYTES, 1)


def _ids_in(told: Told, holes_of: Array) -> tuple[Array, Array]:
    """Return where the ids begin in holes by shape, and their sizes: of no hole none."""
    holes = holes_of[told.shapes]
    places = np.where(holes == _NO_HOLE, 0, _contents(told, holes))
    return places >> 16, places & 0xFFFF


def _contents(told: Told, holes: Array | int) -> Array:
    """Return what stands in a hole of each line; anything for no hole."""
    contents: Array = told.holes[np.minimum(told.first_holes + np.maximum(holes, 0), len(told.holes) - 1)]
    return contents
