"""Which of the conditions that a trace noted must be asked of lines: those that do not follow from others.

Owns what follows from what, by the bounds of counts and by addition alone: what is asked without need costs time, and
nothing else. Does not own what is noted (``values.traced``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.kernel.rules.rule import COUNT_MAX
from pipeline.collectors.values.traced import Condition, Linear, Relation, alone

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

NEEDED_MAX = 32
"""So many conditions a rule has at most: to find what follows from others takes the third power of their number."""


def needed(conditions: Iterable[Condition]) -> tuple[Condition, ...] | None:
    """Return conditions without those that follow from others.

    Each hole has a count, from 1 to ``COUNT_MAX``. ``None`` where more than ``NEEDED_MAX`` are left.
    """
    noted = list(conditions)
    solved: dict[int, Linear] = {}
    found: list[Condition] = []
    for condition in noted:
        left = _without(condition.of, solved)
        if condition.relation is Relation.ZERO and left.times:
            found.append(condition)
            _solve(left, solved)
        if len(found) > NEEDED_MAX:
            return None
    not_negative = [by_others.plus(Linear(-1)) for by_others in solved.values()]
    for condition in noted:
        left = _without(condition.of, solved)
        is_zero, may_be_either = condition.relation is Relation.ZERO, condition.relation is Relation.NO_ZERO
        ways = (left.plus(Linear(-1)), left.turned(-1)) if may_be_either else (left,)
        if is_zero or any(_follows(way, not_negative) for way in ways):
            continue
        found.append(Condition(left, condition.relation))
        if len(found) > NEEDED_MAX:
            return None
        not_negative += () if may_be_either else ways
    return tuple(found)


def _solve(zero: Linear, solved: dict[int, Linear]) -> None:
    """Add to what is solved that something is zero: of a hole that stands in it once, what that is by the others."""
    once = [(hole, times) for hole, times in zero.times if abs(times) == 1]
    if not once:
        return
    hole, times = once[-1]
    by_others = alone(hole).plus(zero, -times)
    for other, stated in solved.items():
        solved[other] = _without(stated, {hole: by_others})
    solved[hole] = by_others


def _without(of: Linear, solved: dict[int, Linear]) -> Linear:
    """Return the same by holes that are not solved."""
    for hole, times in of.times:
        if hole in solved:
            of = of.plus(alone(hole), -times).plus(solved[hole], times)
    return of


def _follows(of: Linear, not_negative: Sequence[Linear]) -> bool:
    """Tell whether something is not negative, since one or two others are not, and counts are within their bounds."""
    if _least(of) >= 0:
        return True
    for one in _near(of, not_negative):
        left = of.less(one)
        if _least(left) >= 0 or any(_least(left.less(other)) >= 0 for other in _near(left, not_negative)):
            return True
    return False


def _near(of: Linear, others: Sequence[Linear]) -> Iterator[Linear]:
    """Yield those of others that have a hole in common with something: without one of these it does not follow."""
    holes = {hole for hole, _ in of.times}
    return (each for each in others if any(hole in holes for hole, _ in each.times))


def _least(of: Linear) -> int:
    """Return how much something is at least."""
    return of.always + sum(times if times > 0 else times * COUNT_MAX for _, times in of.times)
