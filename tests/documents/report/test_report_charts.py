"""Charts of a report: where columns, marks and lines stand."""

from __future__ import annotations

import doctest
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.documents.report import amounts, charts
from pipeline.documents.report.amounts import amount_of
from pipeline.documents.report.charts import column_chart, part_of, round_step

COSTS = st.lists(st.none() | st.decimals(min_value=0, max_value=10**12, places=9), min_size=1, max_size=366)
SIZE = {"height": 200, "above": 20, "below": 20}


@pytest.mark.parametrize("module", [charts, amounts])
def test_examples_are_true(module: object) -> None:
    assert doctest.testmod(module, extraglobs={"Decimal": Decimal}).failed == 0  # type: ignore[arg-type]  # a module


def test_columns_are_as_high_as_their_costs() -> None:
    chart = column_chart([Decimal(10), Decimal(5), None], [None, Decimal(20), Decimal(0)], **SIZE)
    assert [column.height for column in chart.columns] == ["80", "40", "0"]
    assert [column.mark_y for column in chart.columns] == ["", "20", "180"]
    assert [(line.value, line.y) for line in chart.grid] == [(10, "100"), (20, "20")]
    assert chart.greatest == 0


def test_nothing_has_no_column_and_no_highest_day() -> None:
    chart = column_chart([None, Decimal(0)], [None, None], **SIZE)
    assert ([column.height for column in chart.columns], chart.grid, chart.greatest) == (["0", "0"], (), None)


@pytest.mark.long
@given(COSTS)
def test_every_column_stands_within_the_chart(costs: list[Decimal | None]) -> None:
    chart = column_chart(costs, costs[::-1], **SIZE)
    for column in chart.columns:
        assert 20 <= float(column.y) <= 180
        assert float(column.y) + float(column.height) == pytest.approx(180, abs=0.02)
        assert float(column.x[:-1]) + float(column.width[:-1]) <= 100
        assert column.mark_y == "" or 20 <= float(column.mark_y) <= 180
    assert len(chart.grid) <= 4


@given(st.decimals(min_value="1e-12", max_value=10**15, allow_nan=False, allow_infinity=False))
def test_three_steps_of_a_round_number_reach_the_greatest(greatest: Decimal) -> None:
    step = round_step(greatest)
    assert greatest <= step * 3 < greatest * 3
    assert step.normalize().as_tuple().digits in ((1,), (2,), (2, 5), (5,))


def test_a_bar_is_never_longer_than_its_room() -> None:
    assert part_of(Decimal(3), Decimal(2)) == "100%"
    assert part_of(Decimal(-1), Decimal(2)) == "0%"


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=18), st.sampled_from(["USD", "JPY", "KWD"]))
def test_no_digit_of_an_amount_is_lost(amount: Decimal, currency: str) -> None:
    said = amount_of(amount, currency, is_change=True)
    assert Decimal(said.text.replace(",", "")) == amount
    digits = {"USD": 2, "JPY": 0, "KWD": 3}[currency]
    assert len(said.head.partition(".")[2]) == digits
