"""The search for a shape's rule: ways in which its counts may hang together, and samples that must come out.

A rule is suggested by samples whose counts tell every sum of them apart. Then it must foretell what the plain reader
makes of others, among them such whose counts are equal, in another order, and whose chunks take turns.

Owns which ways are tried, and what a rule must hold for. Does not own what is suggested (``suggestion``).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, combinations, pairwise, permutations, product
from typing import TYPE_CHECKING, Any

from pipeline.collectors.kernel.rules.rule import NOTHING
from pipeline.collectors.kernel.rules.samples import GREATEST
from pipeline.collectors.kernel.rules.suggestion import Suggestion, Way, spread

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.collectors.kernel.rules.plain import PlainReader
    from pipeline.collectors.kernel.rules.rule import Bound, Nothing, Rule
    from pipeline.collectors.kernel.rules.samples import Samples

_COMPARED_MAX = 6
"""So many counts at most are each compared with all others, and with sums of two: some hundred samples."""
_TAKEN_OFF_MAX = 12
"""And so many where a rule takes counts off others, which holds for each model: some hundreds."""
_ASKED_MAX = 500
"""After so many samples no further way is tried."""
_SUMMED = 3
"""A total that is no sum of prompt and completion is one of so many: xAI adds the reasoning."""
_BOUND_MAX = 4
"""So many counts that are sums of others in the example are tried as such."""
_SAMPLES_MIN = 4
"""So many of the samples with other counts must hold together."""
_OF_SAME_FORM = 6
"""Which of them is asked where a shape of the same form has a rule: that whose counts, and sums of them, all differ."""
_OF_FEW_VALUES = (1, 3, 4)
"""Those in which counts are equal, and sums of others, by twos and threes."""
_OFTEN = 32
"""So often each of these is asked where a rule keeps counts by name, or binds some."""
_TRIES_MAX = 200
"""So many contents are made up at most until some hold together."""


class Search:
    """Searches the rule of the shape of some samples.

    ``example`` are the contents of the holes of one line: its counts are of a usual order.
    """

    def __init__(self, plain: PlainReader, samples: Samples, example: Sequence[int]) -> None:
        self._plain = plain
        self._samples = samples
        self._example = example
        self._counts = sorted(samples.counts, key=lambda at: example[at])
        self._named_totals = [at for at in self._counts if plain.is_total(samples.lines.holes[at].name)]

    def rule(self) -> Rule | Nothing | None:
        """Return the rule, ``None`` where there is none that could be relied on."""
        if self._says_nothing():
            return NOTHING
        if not self._samples.instants:
            return None
        best = None
        for way in self._ways():
            if self._samples.asked > _ASKED_MAX:
                break
            found = Suggestion(self._plain, self._samples, way).rule()
            found = None if found is None else self._checked(found)
            if found is not None and found.is_obeyed(self._example.__getitem__):
                return found
            best = best or found
        return best

    def confirms(self, rule: Rule, *, is_of_other_models: bool) -> bool:
        """Tell whether a rule holds that was found for a shape of the same form.

        Code may ask which model it was where counts are in some order, as APISIX's does. So of other models it must
        hold where each count exceeds all others together.
        """
        contents = self._other_contents(rule, _OF_SAME_FORM)
        if contents is None or not self._samples.comes_out(rule, contents):
            return False
        counts = self._way(rule.totals, rule.bound).counts
        above_all = (_with_one_above_all(rule, contents, hole, counts) for hole in counts if is_of_other_models)
        return all(each is None or self._samples.comes_out(rule, each) for each in above_all)

    def _says_nothing(self) -> bool:
        """Tell a shape of which the plain reader says nothing, whatever stands in its holes."""
        return self._plain.may_say_nothing and all(
            self._samples.row(self._samples.any_contents(number), {}) is NOTHING for number in range(len(GREATEST))
        )

    def _ways(self) -> Iterator[Way]:
        """Yield in which ways counts may hang together, as they do in the example."""
        example, counts = self._example, self._counts
        equal = [(other, (one,)) for one, other in pairwise(counts) if example[one] == example[other]]
        sums = [
            (total, holes)
            for total in self._named_totals
            for holes in combinations([at for at in counts if at not in self._named_totals], _SUMMED)
            if sum(example[hole] for hole in holes) == example[total]
        ]
        all_equal: Bound = {}
        for other, one in equal:
            all_equal[other] = all_equal.get(one[0], one)
        of_some = [dict([each]) for each in (*equal, *sums)[:_BOUND_MAX]]
        for bound in ({}, *of_some, *([all_equal] if len(equal) > 1 else [])):
            yield self._way(self._named_totals, bound)
            if self._named_totals:
                yield self._way((), bound)

    def _way(self, totals: Sequence[int], bound: Bound) -> Way:
        totals = [at for at in totals if at not in bound]
        return Way([at for at in self._counts if at not in totals and at not in bound], totals, bound)

    def _checked(self, found: Rule) -> Rule | None:
        """Return a rule that was suggested, if further samples come out as it says and lines can obey it."""
        bound = self._with_binding_totals(found)
        if bound is None or (bound.totals and not bound.numbers and not bound.kept):
            return None  # or they are totals of nothing
        found = bound
        checked = [self._is_foretold(found, number) for number in range(len(GREATEST))]
        if False in checked or checked.count(True) < _SAMPLES_MIN:
            return None
        holds = (
            self._holds_in_either_order(found)
            and self._holds_in_a_row(found)
            and self._holds_where_two_are_equal(found)
            and self._holds_whatever_counts_are(found)
        )
        return found if holds else None

    def _holds_in_either_order(self, rule: Rule) -> bool:
        """Tell whether a rule holds with each count below each other one, in whatever order they hold together.

        First with each above all others together: code may compare it with the sum of some, as Converse's reader does
        what was written with all that of it was for an hour.
        """
        counts = self._way(rule.totals, rule.bound).counts
        unmet = set(permutations(counts, 2))
        for hole in (*counts, *[None] * _TRIES_MAX):
            if not unmet:
                break
            contents = self._samples.any_contents(_OF_SAME_FORM)
            if hole is not None:
                contents = _with_one_above_all(rule, contents, hole, counts) or contents
            met = {(one, other) for one, other in unmet if contents[one] < contents[other]}
            if (hole is None and not met) or not _agrees(rule, contents):
                continue
            unmet -= met
            if not self._samples.comes_out(rule, contents):
                return False
        return True

    def _holds_in_a_row(self, rule: Rule) -> bool:
        """Tell whether a rule holds where the counts of each name grow from one to the next, and where they fall.

        Code may compare all that follow one another, as chat does; that each two were met in either order is no proof.
        """
        named: dict[str, list[int]] = {}
        for hole in sorted(self._way(rule.totals, rule.bound).counts):
            named.setdefault(self._samples.lines.holes[hole].name, []).append(hole)
        rows = [holes for holes in named.values() if len(holes) > 2]  # noqa: PLR2004 - two have been met in either order
        return not rows or all(
            contents is None or self._samples.comes_out(rule, contents)
            for contents in (self._other_contents(rule, _OF_SAME_FORM, rows, falls=falls) for falls in (False, True))
        )

    def _holds_where_two_are_equal(self, rule: Rule) -> bool:
        """Tell whether a rule holds with the counts of the example, and where each two of them are equal.

        So what hangs together there does so here, such as a total that decides only where a count that is stated twice
        is the same. And where each two are equal and the others are any, where all are that are in no sum, and where
        one, or two, are a total of others.
        """
        others = self._other_contents(rule, _OF_SAME_FORM)
        if others is None:
            return True
        example = [*others]
        for hole in self._counts:
            example[hole] = self._example[hole]
        way = self._way(rule.totals, rule.bound)
        pairs = [*combinations(way.counts, 2), *product(way.counts, way.totals)]
        samples = [example if _agrees(rule, example) else None]
        samples += [_with_equal(rule, contents, *pair) for contents in (example, others) for pair in pairs]
        samples += _with_unread_alike(rule, others, way.counts)
        unread = [hole for hole in way.counts if hole not in _read(rule)]
        for hole, other, total in product(unread, way.counts, way.totals):
            shares = (1, others[total] // 2, others[total] - 1) if other in unread else (others[other],)
            samples += [_with_sum(rule, others, (hole, others[total] - share), (other, share)) for share in shares]
        return all(each is None or self._samples.comes_out(rule, each) for each in samples)

    def _with_binding_totals(self, rule: Rule) -> Rule | None:
        """Return the rule with those totals only that the plain reader compares; any other may be what it likes.

        ``None`` where one may not that the rule neither binds nor reads.
        """
        named = [hole for hole in self._named_totals if hole not in rule.bound and hole not in _read(rule)]
        totals = [hole for hole in named if hole in rule.totals]
        for hole in named:
            may_be_anything = self._may_be_anything(rule, hole, self._way(totals, rule.bound).counts)
            if hole in rule.totals and may_be_anything:
                totals.remove(hole)
            elif hole not in rule.totals and may_be_anything is False:
                return None
        return replace(rule, totals=tuple(totals))

    def _may_be_anything(self, rule: Rule, total: int, counts: Sequence[int]) -> bool | None:
        """Tell whether a rule holds whatever a total is, also where it is that of any two counts.

        And with all that is in no sum alike, above all that is, meanwhile: code may look at such an order only where a
        total is right, and at a total only where what is stated twice is the same. ``None`` where no contents hold
        together.
        """
        contents = self._other_contents(rule, len(GREATEST) - 1)
        if contents is None:
            return None
        return all(
            self._samples.comes_out(rule, each)
            for some in (contents, *_with_unread_alike(rule, contents, counts))
            for each in _with_others_at(total, some, counts)
        )

    def _holds_whatever_counts_are(self, rule: Rule) -> bool:
        """Tell whether a rule holds for each count below and above all others, and equal to another or to two of them.

        And where several are so at once. Asked of what meters no count, where nothing has to hold together, and where
        counts are bound, taken off one another, or stand in the shape themselves: whatever else compares them must be
        met.
        """
        is_compared = rule.kept or rule.bound or rule.differences or any(each.always for each in rule.numbers.values())
        if not self._counts or (rule.numbers and not is_compared):
            return True
        may_be_equal = len(self._counts) > 1
        if may_be_equal and any(self._is_foretold(rule, number) is False for number in _OF_FEW_VALUES * _OFTEN):
            return False
        way = self._way(rule.totals, rule.bound)
        contents = self._other_contents(rule, len(GREATEST) - 1)
        if contents is None or len(way.counts) > (_COMPARED_MAX if rule.kept or rule.bound else _TAKEN_OFF_MAX):
            return False
        spread(way, contents)
        others = (each for hole in way.counts for each in _with_others_at(hole, contents, way.counts))
        return all(self._samples.comes_out(rule, each) for each in others if _agrees(rule, each))

    def _is_foretold(self, rule: Rule, number: int) -> bool | None:
        """Tell whether a rule knows what the plain reader makes of another sample; ``None`` where there is none."""
        contents = self._other_contents(rule, number)
        return None if contents is None else self._samples.comes_out(rule, contents)

    def _other_contents(
        self, rule: Rule, number: int, rows: Sequence[Sequence[int]] = (), *, falls: bool = False
    ) -> list[Any] | None:
        """Return contents that hold together, ``None`` where none are found; counts of ``rows`` grow, or they fall."""
        for _ in range(_TRIES_MAX):
            contents = self._samples.any_contents(number)
            for holes in rows:
                in_order = sorted((contents[hole] for hole in holes), reverse=falls)
                for hole, count in zip(holes, in_order, strict=True):
                    contents[hole] = count
            if _agrees(rule, contents):
                return contents
        return None


def _read(rule: Rule) -> set[int]:
    """Return the holes that are added, or taken off, anywhere."""
    sums = (*rule.numbers.values(), *rule.kept.values())
    return {hole for each in sums for hole in (*each.holes, *each.less)}


def _with_one_above_all(rule: Rule, contents: Sequence[Any], hole: int, counts: Sequence[int]) -> list[Any] | None:
    """Return contents in which a count exceeds all others together, but for one or two that it has to lie within.

    ``None`` where none hold together.
    """
    most = 1 + sum(contents[at] for at in counts)
    for wholes in chain(((),), combinations(counts, 1), combinations(counts, 2)):
        above = [*contents]
        for at in wholes:
            above[at] = 2 * most
        above[hole] = most
        if _agrees(rule, above):
            return above
    return None


def _with_unread_alike(rule: Rule, contents: Sequence[Any], counts: Sequence[int]) -> Iterator[list[Any]]:
    """Yield contents that hold together in which all counts that are in no sum are equal, and each other is the most.

    Equal ones are below all others, above these together, a total, and half of one, so that each two are it together.
    """
    read = _read(rule)
    unread = [hole for hole in counts if hole not in read]
    above_all = (_with_one_above_all(rule, contents, hole, counts) for hole in counts if hole in read)
    bases = [base for base in above_all if base is not None] or [[*contents]]
    for base in bases if len(unread) > 1 else ():
        for hole in counts:
            base[hole] *= 2
        totals = [base[hole] for hole in rule.totals if _agrees(rule, base)]
        values = (1 + sum(base[hole] for hole in counts), *totals, *(total // 2 for total in totals))
        for value in values if base is not bases[0] else (1, *values):
            alike = [value if hole in unread else content for hole, content in enumerate(base)]
            if _agrees(rule, alike):
                yield alike


def _with_others_at(hole: int, contents: Sequence[Any], holes: Sequence[int]) -> Iterator[list[Any]]:
    """Yield contents with other counts in a hole: small, great, those of other holes, and sums of two of these."""
    counts = [contents[at] for at in holes if at != hole]
    sums = [one + other for one, other in combinations(counts, 2)]
    for value in sorted({1, 10**7, contents[hole] + 1, *counts, *sums}):
        yield [*contents[:hole], value, *contents[hole + 1 :]]


def _with_equal(rule: Rule, contents: Sequence[Any], one: int, other: int) -> list[Any] | None:
    """Return contents in which one count is as much as another, or this as that; ``None`` where none hold together."""
    for hole, as_much_as in ((one, other), (other, one)):
        equal = [*contents]
        equal[hole] = contents[as_much_as]
        if _agrees(rule, equal) and equal[hole] == equal[as_much_as]:
            return equal
    return None


def _with_sum(rule: Rule, contents: Sequence[Any], one: tuple[int, int], other: tuple[int, int]) -> list[Any] | None:
    """Return contents with two counts that are a total together; ``None`` where none hold together."""
    summed = [*contents]
    for hole, count in (one, other):
        summed[hole] = count
    is_sum = one[0] != other[0] and min(one[1], other[1]) > 0 and _agrees(rule, summed)
    return summed if is_sum and all(summed[hole] == contents[hole] for hole in rule.totals) else None


def _agrees(rule: Rule, contents: list[Any]) -> bool:
    """Let totals be what they must, and tell whether the counts hold together."""
    for hole in rule.totals:
        contents[hole] = rule.together(contents.__getitem__)
    return bool(rule.holds_together(contents.__getitem__))
