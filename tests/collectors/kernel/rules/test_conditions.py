"""Of the conditions that a trace notes those are asked that not all counts obey."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors.kernel.rules.rule import CONDITIONS_MAX, COUNT_MAX, needed
from pipeline.collectors.values.traced import Condition, Linear, Relation

if TYPE_CHECKING:
    from collections.abc import Sequence

HOLES = 4
LINEAR = st.builds(
    lambda always, times: Linear(always, tuple((hole, each) for hole, each in enumerate(times) if each)),
    st.integers(-3, 3),
    st.lists(st.integers(-2, 2), min_size=HOLES, max_size=HOLES),
).filter(lambda each: bool(each.times))
CONTENTS = st.lists(st.one_of(st.integers(1, 5), st.just(COUNT_MAX)), min_size=HOLES, max_size=HOLES)


def _holding(of: Linear, contents: Sequence[int], way: int) -> Condition:
    """Return what holds of something in a line, as a trace would note it."""
    value = of.of(contents.__getitem__)
    if way == 2:
        return Condition(of.plus(Linear(-value)), Relation.ZERO)
    if way == 0:
        return Condition(of, Relation.ZERO if value == 0 else Relation.NO_ZERO)
    return Condition(of if value >= 0 else Linear(-1).less(of), Relation.NOT_NEGATIVE)


@given(st.lists(st.tuples(LINEAR, st.integers(0, 2)), max_size=8), CONTENTS, CONTENTS)
def test_lines_that_obey_what_is_needed_obey_all(
    asked: list[tuple[Linear, int]], example: list[int], contents: list[int]
) -> None:
    noted = [_holding(of, example, way) for of, way in asked]
    found = needed(noted)
    assert found is not None
    assert all(condition.holds(example.__getitem__) for condition in found)
    if all(condition.holds(contents.__getitem__) for condition in found):
        assert all(condition.holds(contents.__getitem__) for condition in noted)


def _is(always: int, *times: int) -> Linear:
    return Linear(always, tuple((hole, each) for hole, each in enumerate(times) if each))


PROMPT, COMPLETION, TOTAL, CACHED = (_is(0, *(int(at == hole) for at in range(HOLES))) for hole in range(HOLES))
IS_TOTAL = Condition(TOTAL.less(PROMPT).less(COMPLETION), Relation.ZERO)
IS_SEVERAL = Condition(PROMPT.plus(Linear(-2)), Relation.NOT_NEGATIVE)
IS_WITHIN = Condition(PROMPT.less(CACHED), Relation.NOT_NEGATIVE)
IS_OTHER = Condition(PROMPT.less(CACHED), Relation.NO_ZERO)


@pytest.mark.parametrize("needs", [IS_TOTAL, IS_SEVERAL, IS_WITHIN, IS_OTHER])
def test_what_counts_may_be_or_not_is_asked_once(needs: Condition) -> None:
    assert needed([needs, needs]) == (needs,)


@pytest.mark.parametrize(
    "noted",
    [
        Condition(PROMPT, Relation.NOT_NEGATIVE),
        Condition(PROMPT.plus(Linear(-1)), Relation.NOT_NEGATIVE),
        Condition(PROMPT, Relation.NO_ZERO),
        Condition(PROMPT.plus(COMPLETION).turned(), Relation.NO_ZERO),
        Condition(_is(2 * COUNT_MAX, -1, -1), Relation.NOT_NEGATIVE),
        Condition(_is(2 * COUNT_MAX + 1, -1, -1), Relation.NO_ZERO),
        Condition(_is(0), Relation.ZERO),
    ],
)
def test_what_all_counts_are_is_not_asked(noted: Condition) -> None:
    assert needed([noted]) == ()


@pytest.mark.parametrize("relation", list(Relation))
@pytest.mark.parametrize(("more", "is_one"), [(0, True), (1, False)])
def test_a_rule_has_so_many_conditions_at_most(more: int, relation: Relation, *, is_one: bool) -> None:
    """Streams of several choices that state running totals have a condition for each chunk."""
    noted = [
        Condition(Linear(0, ((2 * each, -1), (2 * each + 1, 1))), relation) for each in range(CONDITIONS_MAX + more)
    ]
    assert needed(noted) == (tuple(noted) if is_one else None)
