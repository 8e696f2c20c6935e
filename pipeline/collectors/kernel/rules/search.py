"""The search for the rule of lines that are read as one is: that line, read with counts that are traced.

The plain reader is run on a line of the shape whose counts are those of a real one, and note what they are compared
with (``values.traced``). So it is known which sum of holes each column is, and of which other lines the same is true:
of those whose counts compare so alike. How long runs of chunks are is no count, and a second line tells what it adds.

Owns what is concluded from these lines. Does not own what a rule must hold for (``rule``).
"""

from __future__ import annotations

from itertools import count, product
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors.event_columns import IDS, KEPT, NUMBERS, SHARED
from pipeline.collectors.kernel.rules.plain import fingerprint
from pipeline.collectors.kernel.rules.rule import (
    COUNT_MAX,
    JOINT,
    NOTHING,
    OF_ID,
    THE_SAME,
    Key,
    Rule,
    event_conditions,
    instant_conditions,
    needed,
)
from pipeline.collectors.values.strict_json import parse
from pipeline.collectors.values.traced import Linear, Trace, TracedCount, alone, is_integer, linear_of
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.collectors.decode import Row
    from pipeline.collectors.kernel.rules.plain import PlainReader
    from pipeline.collectors.kernel.rules.rule import Nothing
    from pipeline.collectors.kernel.rules.samples import Samples
    from pipeline.collectors.values.traced import Condition

_SUMMED_MAX = 8
"""Of more runs, no length can be in a sum, as in streams that state their usage none is."""
_ZERO = Linear(0)
_LENGTHS = 3
"""So many lengths has each of the samples that must come out, from 2 on, and the next one greater ones."""
_SCALES = (1, 1000)
"""So many times those of the example counts are in each of them, or once where they are no counts of the rule then."""


class _Read(NamedTuple):
    """What the plain reader made of a line."""

    contents: list[Any]
    values: dict[str, Any]
    """By column; counts are traced."""
    kept: dict[str, Any]
    counted: list[Any]
    """The counts that tell whether the row is another one again that it is within, or that is within it."""
    conditions: tuple[Condition, ...]


class Search:
    """Searches the rule of lines of a shape that are read as one is. ``example`` is what stands in the holes of it."""

    def __init__(self, plain: PlainReader, samples: Samples, example: Sequence[int]) -> None:
        self._plain = plain
        self._samples = samples
        self._example = example
        self._summed = samples.lengths if len(samples.lengths) <= _SUMMED_MAX else []
        """The lengths that may be in a sum."""
        self._durations = [alone(hole) for hole in samples.durations]

    def rule(self) -> Rule | Nothing | None:
        """Return the rule, ``None`` where there is none that could be relied on."""
        found = self._found()
        return found if found is NOTHING or (isinstance(found, Rule) and self._comes_out(found)) else None

    def confirms(self, rule: Rule) -> bool:
        """Tell whether a line is read as a rule says that was found for another shape of the same form."""
        return self._found(is_again=True) == rule

    def _found(self, *, is_again: bool = False) -> Rule | Nothing | None:
        """Return what two lines suggest; one alone where there are no runs, and nothing else that may be longer."""
        lengths = self._samples.lengths
        one = self._read({})
        added = dict.fromkeys(lengths, 1) | {hole: 2**place for place, hole in enumerate(self._summed)}
        other = one if one is None or (is_again and not lengths) else self._read(added)
        if isinstance(one, _Read) and isinstance(other, _Read):
            return self._of(one, other)
        return NOTHING if one is NOTHING and other is NOTHING else None

    def _read(self, added: Mapping[int, int]) -> _Read | Nothing | None:
        """Return what is made of a line of the counts of the example; ``None`` where not all is known that decides it.

        Runs are one chunk long, and so much longer as is ``added``.
        """
        contents = self._samples.contents()
        for hole, length in added.items():
            contents[hole] += length
        written = [*contents]
        trace = Trace()
        for hole in self._samples.counts:
            written[hole] = trace.placeholder(self._example[hole], alone(hole))
        replaced = count(1)
        line = self._samples.line(written, lambda hole: trace.placeholder(self._example[hole], alone(-next(replaced))))
        with trace:
            row = self._plain.row_of(line)
            if not isinstance(row, tuple):
                is_certain = row is NOTHING and not trace.is_lost and needed(trace.conditions) == ()
                return NOTHING if is_certain else None
            values = dict(zip(USAGE_EVENTS.names, row, strict=True))
            kept = parse(values[KEPT] or "{}")
            counted = self._plain.counted_in(line)
        return None if trace.is_lost else _Read(contents, values, kept, counted, tuple(trace.conditions))

    def _of(self, one: _Read, other: _Read) -> Rule | None:
        """Return the rule of what was read."""
        numbers, kept = self._sums(_numbers(one), _numbers(other)), self._sums(one.kept, other.kept)
        shared, ids = _shared(one, other), self._ids(one)
        if numbers is None or kept is None or shared is None or ids is None:
            return None
        key, began, conditions = self._key(one), self._began(one), _conditions(one, numbers)
        if key is None or began is None or conditions is None or conditions != _conditions(other, numbers):
            return None
        hole_of = {self._samples.lines.holes[at].name: at for at in self._samples.ids}
        return Rule(
            shared=shared,
            numbers=numbers,
            kept=kept,
            ids=ids,
            key=key,
            began=began,
            conditions=(*conditions, *instant_conditions(began)),
            within=tuple(map(hole_of.get, self._plain.within)),
            counts=counted_holes(one.counted),
        )

    def _ids(self, one: _Read) -> dict[str, tuple[int, ...]] | None:
        """Return which holes the ids are; ``None`` where that does not say which exchange a line is."""
        samples = self._samples
        ids = {name: holes for name in IDS if (holes := self._id(one.values[name], one.contents)) is not None}
        parts = [hole for holes in ids.values() for hole in set(holes)]
        is_split = len(set(parts)) < len(parts) and any(len(holes) > 1 for holes in ids.values())
        is_one_of_several = bool(not ids and self._plain.places.rows)  # known by its place in the line as well
        of_ids = [samples.lines.holes[hole].name for hole in samples.ids]
        is_within_any = any(  # an attribute may be called so as well
            name in samples.lines.again or of_ids.count(name) > 1 for name in self._plain.within
        )
        return None if is_split or is_one_of_several or is_within_any else ids

    def _began(self, one: _Read) -> Linear | None:
        """Return the instant: what stands in a hole, or that without what stands in another one; ``None`` in doubt."""
        times = [alone(hole).less(less) for hole in self._samples.instants for less in (_ZERO, *self._durations)]
        found = [each for each in times if each.of(one.contents.__getitem__) == one.values["occurred_at"]]
        return found[0] if len(found) == 1 else None

    def _key(self, one: _Read) -> Key | None:
        """Return which hole has the key or its id, or which id all lines have; ``None`` in doubt."""
        whose, contents, holes = one.values["api_key_id"], one.contents, self._samples.lines.holes
        found = [Key(OF_ID, hole) for hole in self._samples.keys if contents[hole] == whose] + [
            Key(self._plain.how_raw(holes[hole].name), hole)
            for hole in self._samples.keys
            if fingerprint(contents[hole]) == whose
        ]
        if not found and not whose.startswith(fingerprint("")):
            return Key(THE_SAME, id=whose)
        return found[0] if len(found) == 1 else None

    def _id(self, value: str | None, contents: Sequence[Any]) -> tuple[int, ...] | None:
        """Return the hole that an id is, or the two that it is made of, or one twice; ``None`` where it is neither."""
        for holes in (*((hole,) for hole in self._samples.ids), *product(self._samples.ids, repeat=2)):
            if value == JOINT.join(contents[hole] for hole in holes):
                return holes
        return None

    def _sums(self, values: Mapping[str, int], others: Mapping[str, int]) -> dict[str, Linear] | None:
        """Return which sums of holes the values are; ``None`` where one is none, or other ones have a value."""
        if values.keys() != others.keys():
            return None
        found = {name: self._sum(linear_of(value), linear_of(others[name])) for name, value in values.items()}
        sums = {name: own for name, own in found.items() if own is not None}
        return sums if len(sums) == len(found) else None

    def _sum(self, one: Linear, other: Linear) -> Linear | None:
        """Return what is one sum of counts in the first line and another in the second, with lengths in it."""
        more = other.always - one.always
        if one.times != other.times or not 0 <= more < 2 ** len(self._summed):
            return None
        added = tuple((hole, 1) for place, hole in enumerate(self._summed) if more >> place & 1)
        found = one.plus(Linear(-len(added), added))
        return found if found.always >= 0 and all(hole >= 0 for hole, _ in found.times) else None

    def _comes_out(self, rule: Rule) -> bool:
        """Tell whether the plain reader makes of some lines what a rule says, with runs of several lengths.

        What a trace does not notice shows here: a count that is taken for what it is, by code that is not Python's.
        """
        for number, scale in enumerate(_SCALES):
            contents = self._samples.contents()
            for place, hole in enumerate(self._samples.lengths):
                contents[hole] = 2 + _LENGTHS * number + place % _LENGTHS
            for times in (scale, 1):
                for hole in self._samples.counts:
                    contents[hole] = self._example[hole] * times
                are_counts = all(contents[hole] <= COUNT_MAX for hole in self._samples.counts)
                if are_counts and rule.is_obeyed(contents.__getitem__):
                    break
            if not self._samples.comes_out(rule, contents):
                return False
        return True


def _numbers(read: _Read) -> dict[str, int]:
    return {name: read.values[name] for name in NUMBERS if read.values[name] is not None}


def _shared(one: _Read, other: _Read) -> Row | None:
    """Return what all lines have in common; ``None`` where two have not, or a count decides it that is in none."""
    shared = tuple(one.values[name] for name in SHARED)
    is_shared = shared == tuple(other.values[name] for name in SHARED)
    return shared if is_shared and not any(isinstance(value, TracedCount) for value in shared) else None


def _conditions(read: _Read, numbers: Mapping[str, Linear]) -> tuple[Condition, ...] | None:
    """Return what lines must obey to be read so.

    ``None`` where that is too much, or counts decide it that others have replaced.
    """
    found = needed((*event_conditions(numbers), *read.conditions))
    is_of_replaced = found is not None and any(hole < 0 for each in found for hole, _ in each.of.times)
    return None if is_of_replaced else found


def counted_holes(counted: Sequence[Any]) -> tuple[int, ...] | None:
    """Return the holes that counts are which are not zero; ``None`` where one is anything else."""
    holes: list[int] = []
    for value in counted:
        of = linear_of(value) if is_integer(value) else None
        if value is None or of == _ZERO:
            continue
        if of is None or len(of.times) != 1 or of != alone(of.times[0][0]):
            return None
        holes.append(of.times[0][0])
    return tuple(holes)
