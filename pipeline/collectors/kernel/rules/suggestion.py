"""The rule that two samples suggest: each count in them is larger than all smaller ones together, so each sum is one.

Owns what is concluded from these two. Does not own whether it holds for others (``search``).
"""

from __future__ import annotations

import json
from itertools import permutations
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors.event_columns import IDS, KEPT, NUMBERS, SHARED
from pipeline.collectors.kernel.rules.plain import fingerprint
from pipeline.collectors.kernel.rules.rule import JOINT, TERMS_MAX, WHOLES, Rule, Sum
from pipeline.collectors.kernel.rules.samples import began
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.collectors.decode import Row
    from pipeline.collectors.kernel.rules.plain import PlainReader
    from pipeline.collectors.kernel.rules.rule import Bound
    from pipeline.collectors.kernel.rules.samples import Samples

_COUNTS_MAX = 16
_LENGTHS_MAX = 8
"""Of more, none can be in a sum, as in streams that state their usage none is."""
_UNIT = 2**9
"""More than all that lengths and what is always added come to in a sample."""
_BASE = 3
"""Each count is so many times the one before: a sum in which each is added, taken off or neither is no other's."""


class Way(NamedTuple):
    """How counts may hang together: which are what they like, which are totals, and which are sums of others."""

    counts: Sequence[int]
    """In the order of the example, the smallest first."""
    totals: Sequence[int]
    bound: Bound


class Suggestion:
    """Finds the rule that two samples suggest, where counts hang together in a way."""

    def __init__(self, plain: PlainReader, samples: Samples, way: Way) -> None:
        self._plain = plain
        self._samples = samples
        self._way = way

    def rule(self) -> Rule | None:
        """Return it; ``None`` where they suggest none.

        All lengths of the first sample are 1; the second tells which of them are added. Where there are none, it is the
        first.
        """
        way, lengths = self._way, self._samples.lengths
        if len(way.counts) > _COUNTS_MAX:
            return None
        one = self._samples.contents()
        other = self._samples.contents() if lengths else one
        for contents in (one, other):
            spread(way, contents)
            for hole in way.totals:
                contents[hole] = 0
        for place, hole in enumerate(lengths):
            other[hole] += 2**place if len(lengths) <= _LENGTHS_MAX else 0
        row = self._samples.row(one, way.bound)
        other_row = self._samples.row(other, way.bound) if lengths else row
        if not isinstance(row, tuple) or not isinstance(other_row, tuple):
            return None
        return self._of_rows(row, other_row, one)

    def _of_rows(self, row: Row, other_row: Row, one: Sequence[Any]) -> Rule | None:
        values, others = (dict(zip(USAGE_EVENTS.names, each, strict=True)) for each in (row, other_row))
        numbers, other_numbers = ({name: each[name] for name in NUMBERS} for each in (values, others))
        stated, other_stated = (json.loads(each[KEPT] or "{}") for each in (values, others))
        sums, kept = self._sums(numbers, other_numbers), self._sums(stated, other_stated)
        if sums is None or kept is None:
            return None
        samples, way = self._samples, self._way
        ids = {name: holes for name in IDS if (holes := self._id(values[name], one)) is not None}
        keys = list(self._keys(values["api_key_id"], others["api_key_id"], one))
        instants = [
            (hole, less)
            for hole in samples.instants
            for less in (None, *samples.durations)
            if values["occurred_at"] == began(one, hole, less)
        ]
        parts = [hole for holes in ids.values() for hole in holes]
        is_split = len(set(parts)) < len(parts) and any(len(holes) > 1 for holes in ids.values())
        if len(keys) != 1 or len(instants) != 1 or len(way.totals) > TERMS_MAX or is_split:
            return None
        if not ids and self._plain.may_have_several:
            return None  # one of several rows without ids is known by its place in the line as well
        of_ids = [samples.lines.holes[hole].name for hole in samples.ids]
        if any(name in samples.lines.again or of_ids.count(name) > 1 for name in self._plain.within):
            return None  # an attribute may be called so as well
        (key, key_id, is_raw), (instant, less) = keys[0], instants[0]
        counts = (*way.counts, *way.totals)
        is_fixed = bool(kept) or any(found.always for found in sums.values())
        is_partial = bool(counts) and not any(sums[name].holes for name in WHOLES if name in sums)
        holes_of = {samples.lines.holes[hole].name: hole for hole in samples.ids}
        return Rule(
            shared=tuple(values[name] for name in SHARED),
            numbers=sums,
            kept=kept,
            ids=ids,
            key=key,
            key_id=key_id,
            is_raw=is_raw,
            header="" if key is None else self._plain.header_of(samples.lines.holes[key].name),
            instant=instant,
            less=less,
            totals=tuple(way.totals),
            bound=way.bound,
            within=tuple(map(holes_of.get, self._plain.within)),
            counts=None if is_fixed or is_partial else counts,
        )

    def _keys(self, whose: str, of_other: str, one: Sequence[Any]) -> Iterator[tuple[int | None, str, bool]]:
        """Yield which hole may have the key, or which id all lines have, and whether the hole has the key itself."""
        is_in_hole = False
        for hole in self._samples.keys:
            for written, is_raw in ((one[hole], False), (fingerprint(one[hole]), True)):
                if whose == written:
                    is_in_hole = True
                    yield hole, "", is_raw
        if not is_in_hole and whose == of_other and not whose.startswith(fingerprint("")):
            yield None, whose, False

    def _id(self, value: str | None, contents: Sequence[Any]) -> tuple[int, ...] | None:
        """Return the hole that an id is, or the two that it is made of; ``None`` where it is neither."""
        alone = ((hole,) for hole in self._samples.ids)
        for holes in (*alone, *permutations(self._samples.ids, 2)):
            if value == JOINT.join(contents[hole] for hole in holes):
                return holes
        return None

    def _sums(self, values: Mapping[str, int | None], others: Mapping[str, int | None]) -> dict[str, Sum] | None:
        """Return which sums of holes the values are that are stated; ``None`` where one is none."""
        found: dict[str, Sum] = {}
        for name in {*values, *others}:
            value, other_value = values.get(name), others.get(name)
            if value is None and other_value is None:
                continue
            own = None if value is None or other_value is None else self._sum(value, other_value)
            if own is None:
                return None
            found[name] = own
        return found

    def _sum(self, value: int, other_value: int) -> Sum | None:
        """Return the sum of holes that is one value in the first sample, and another in the second.

        It is what the value is to the base three, with digits of one, nothing and less one.
        """
        holes: list[int] = []
        less: list[int] = []
        large, rest = divmod(value, _UNIT)
        for hole in self._way.counts:
            large, times = divmod(large + 1, _BASE)
            if times != 1:
                (holes if times else less).append(hole)
        more = other_value - value
        lengths = [hole for place, hole in enumerate(self._samples.lengths) if more >> place & 1]
        always = rest - len(lengths)
        holes += lengths
        is_sum = not large and always >= 0 and 0 <= more < 2 ** len(self._samples.lengths)
        return Sum(always, tuple(holes), tuple(less)) if is_sum and len(holes) <= TERMS_MAX else None


def spread(way: Way, contents: list[Any]) -> None:
    """Let counts be in the order of the example, so that what holds together there holds together here.

    Each is larger than all smaller ones together.
    """
    for place, hole in enumerate(way.counts):
        contents[hole] = _UNIT * _BASE**place
