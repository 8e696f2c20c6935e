"""Counts that note what they are compared with: they are the numbers they stand for, and what they note is enough."""

from __future__ import annotations

import operator
import random
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collectors.values.strict_json import parse
from pipeline.collectors.values.traced import (
    Linear,
    Relation,
    Trace,
    TracedCount,
    alone,
    digits_of,
    is_integer,
    linear_of,
    whole_number,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMPARED = (operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge)


def _traced(trace: Trace, values: Sequence[int]) -> list[int]:
    """Return counts that are read from text, as code reads them."""
    text = ",".join(str(trace.placeholder(value, alone(hole))) for hole, value in enumerate(values))
    with trace:
        found = parse(f"[{text}]")
    assert all(isinstance(count, TracedCount) for count in found)
    return list(found)


def _made_by_chance(chance: random.Random, counts: list[int]) -> tuple[Any, ...]:
    """Decide by some comparisons what comes out, as code that reads usage does."""
    made, decided = list(counts), []
    for _ in range(6):
        one, other = chance.choices(made, k=2)
        match chance.randrange(7):
            case 0:
                made.append(one + other)
            case 1:
                made.append(one - other)
            case 2:
                made.append(one or other)
            case 3:
                made.append(max(one, other))
            case 4:
                made.append(sum((one, other, 3)))
            case 5:
                made.append(7 - one if one in (2, other) else -other)
            case _:
                decided.append(chance.choice(COMPARED)(one, chance.choice((other, 2))))
    return made[-1], min(made), tuple(decided), any(made[-2:])


@given(st.lists(st.integers(1, 4), min_size=3, max_size=3), st.integers(0, 10**6))
def test_what_obeys_the_conditions_comes_out_alike(values: list[int], seed: int) -> None:
    trace = Trace()
    last, least, *decided = _made_by_chance(random.Random(seed), _traced(trace, values))
    assert (int.__pos__(last), int.__pos__(least), *decided) == _made_by_chance(random.Random(seed), values)
    assert not trace.is_lost
    sums = linear_of(last), linear_of(least)
    alike = [
        others
        for others in product(range(1, 6), repeat=len(values))
        if all(condition.holds(others.__getitem__) for condition in trace.conditions)
    ]
    assert tuple(values) in alike
    for others in alike:
        expected = (*(each.of(others.__getitem__) for each in sums), *decided)
        assert _made_by_chance(random.Random(seed), list(others)) == expected


@pytest.mark.parametrize(
    ("asked", "of", "relation"),
    [
        (lambda a, b: a == b, Linear(0, ((0, 1), (1, -1))), Relation.NO_ZERO),
        (lambda a, b: a != b - 4, Linear(4, ((0, 1), (1, -1))), Relation.ZERO),
        (lambda a, b: a < b, Linear(-1, ((0, -1), (1, 1))), Relation.NOT_NEGATIVE),
        (lambda a, b: a >= b, Linear(-1, ((0, -1), (1, 1))), Relation.NOT_NEGATIVE),
        (lambda a, b: b > a, Linear(-1, ((0, -1), (1, 1))), Relation.NOT_NEGATIVE),
        (lambda a, _: a >= 5, Linear(4, ((0, -1),)), Relation.NOT_NEGATIVE),
        (lambda a, b: bool(a - b), Linear(0, ((0, 1), (1, -1))), Relation.NO_ZERO),
        (lambda a, b: a in (None, "x", b), Linear(0, ((0, 1), (1, -1))), Relation.NO_ZERO),
    ],
)
def test_each_question_is_noted_as_what_holds(
    asked: Callable[[int, int], bool], of: Linear, relation: Relation
) -> None:
    trace = Trace()
    asked(*_traced(trace, (3, 7)))
    assert [(each.of, each.relation) for each in trace.conditions] == [(of, relation)]


def test_what_is_no_whole_number_is_reckoned_with_as_ever() -> None:
    trace = Trace()
    (count,) = _traced(trace, (3,))
    assert (count + Decimal("0.5"), Decimal(1) - count, count - 0.5) == (Decimal("3.5"), Decimal(-2), 2.5)
    with pytest.raises(TypeError):
        _ = count + "x"  # type: ignore[operator] # as of any number
    assert trace.is_lost


def test_what_no_hole_decides_is_not_noted() -> None:
    trace = Trace()
    (count,) = _traced(trace, (3,))
    assert count == count  # noqa: PLR0124 - the same hole
    assert count - count <= 0
    assert count != "3"
    assert count is not None
    assert not trace.conditions


@pytest.mark.parametrize(
    "done",
    [
        *(hash, int, float, str, repr, abs, divmod, lambda count, _: {count}, lambda count, _: f"{count}"),
        *(lambda count, two: count * two, lambda count, two: two * count, lambda count, two: count // two),
        *(lambda count, two: count % two, lambda count, two: count / two, lambda count, two: count & two),
        *(lambda count, _: count + Decimal(3), lambda count, _: count - 0.5, lambda count, _: count >= Decimal(3)),
        *(lambda count, _: count == Decimal(3), lambda count, _: count < 3.5, lambda count, _: count == 3.0),
    ],
)
def test_whatever_else_is_done_with_a_count_is_noted_as_lost(done: Callable[..., Any]) -> None:
    trace = Trace()
    (count,) = _traced(trace, (3,))
    try:
        done(count)
    except TypeError:
        done(count, 2)
    assert trace.is_lost


def test_all_that_can_be_done_with_a_whole_number_is_traced_or_lost() -> None:
    harmless = {"__new__", "__getattribute__", "__getnewargs__", "__sizeof__", "__doc__"}
    own = vars(TracedCount)
    methods = {name for name in vars(int) if name.startswith("__")}
    assert methods - set(own) - harmless == set()
    assert {"__eq__", "__lt__", "__le__", "__gt__", "__ge__", "__add__", "__sub__", "__bool__"} <= set(own)


def test_a_count_that_is_written_is_the_same_count_where_it_is_read_again() -> None:
    trace = Trace()
    one, other = _traced(trace, (3, 7))
    with trace:
        again = whole_number(digits_of(one + other))
    assert (again, linear_of(again)) == (10, Linear(0, ((0, 1), (1, 1))))
    assert digits_of(12) == "12"


def test_a_number_stands_for_a_count_in_no_other_line() -> None:
    trace, other = Trace(), Trace()
    number = trace.placeholder(3, alone(0))
    assert whole_number(str(number)) == number
    assert not isinstance(whole_number(str(number)), TracedCount)
    with other:
        assert linear_of(parse(str(number))) == Linear(number)
    with trace:
        assert parse(str(number)) == 3
        assert parse(str(number + 1)) == number + 1


@pytest.mark.parametrize(("value", "is_one"), [(3, True), (0, True), (True, False), (3.0, False), ("3", False)])
def test_whole_numbers_are_told_from_what_is_true(value: Any, is_one: bool) -> None:  # noqa: FBT001
    assert is_integer(value) is is_one
