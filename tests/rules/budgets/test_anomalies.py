"""Anomalies: a day far from its own past is found once, with the reason, and little else is."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.budgets import Direction, anomaly_of
from pipeline.budgets.anomalies import difference_min_of

if TYPE_CHECKING:
    from pipeline.budgets import Anomaly

SATURDAY = date(2026, 10, 3)
DAY = timedelta(days=1)
ONE = Decimal(1)


def found(series: dict[date, Decimal], day: date = SATURDAY, *, difference_min: Decimal = ONE) -> Anomaly | None:
    return anomaly_of("key_a", series, day, currency="USD", difference_min=difference_min)


def steady(amount: str = "4.50", *, days: int = 56, until: date = SATURDAY) -> dict[date, Decimal]:
    return {until - (place + 1) * DAY: Decimal(amount) for place in range(days)}


def test_the_reason_names_day_amount_and_what_is_usual() -> None:
    series = steady("3.00")
    series |= {
        SATURDAY - weeks * 7 * DAY: Decimal(amount) for weeks, amount in enumerate(("4.10", "5.00", "4.58", "4.60"), 1)
    }
    series = {day: amount for day, amount in series.items() if day >= SATURDAY - 28 * DAY}
    anomaly = found(series | {SATURDAY: Decimal("41.20")})
    assert anomaly is not None
    assert anomaly.reason == (
        "key_a spent USD 41.20 on 2026-10-03, 9.0 times its usual Saturday (USD 4.10 to 5.00 over 4 weeks)"
    )
    assert anomaly.difference == Decimal("36.61")


def test_a_reason_has_every_digit_of_an_amount_that_a_float_would_lose() -> None:
    anomaly = found(steady("11111111111111111.11") | {SATURDAY: Decimal("98765432109876543.21")})
    assert anomaly is not None
    assert "spent USD 98765432109876543.21 on" in anomaly.reason
    assert "(USD 11111111111111111.11 over 8 weeks)" in anomaly.reason


@pytest.mark.parametrize(
    ("spent", "says"),
    [
        ("13.49", None),  # not three times as much
        ("13.60", "3.0 times its usual Saturday (USD 4.50 over 8 weeks)"),
        ("450", "100 times its usual Saturday"),
        ("1.60", None),
        ("1.40", "31 % of its usual Saturday"),
        ("0", "key_a spent nothing on 2026-10-03, a Saturday that usually costs USD 4.50 (over 8 weeks)"),
    ],
)
def test_three_times_as_much_or_a_third_is_far(spent: str, says: str | None) -> None:
    anomaly = found(steady() | {SATURDAY: Decimal(spent)})
    assert (anomaly is None) == (says is None)
    assert anomaly is None or says is None or says in anomaly.reason


def test_a_day_is_held_against_its_own_weekday_and_against_the_dearest_day() -> None:
    series = {day: amount * (10 if day.weekday() == 5 else 1) for day, amount in steady().items()}
    assert found(series | {SATURDAY: Decimal(45)}) is None
    assert found(series | {SATURDAY + DAY: Decimal(45)} | {SATURDAY: Decimal(45)}, SATURDAY + DAY) is None
    assert found(series | {SATURDAY: Decimal(45), SATURDAY + DAY: Decimal(68)}, SATURDAY + DAY) is not None


def test_what_has_no_past_or_is_small_is_never_far() -> None:
    assert found(steady(days=20) | {SATURDAY: Decimal(450)}) is None
    assert found({SATURDAY: Decimal(450)}) is None
    assert found({}) is None
    assert found(steady("0.10") | {SATURDAY: Decimal("1.05")}) is None
    assert found(steady("0.10") | {SATURDAY: Decimal("1.10")}) is not None


def test_what_varies_much_must_be_further() -> None:
    noisy = {day: Decimal(2 if number % 2 else 10) for number, day in enumerate(steady())}
    noisy |= {SATURDAY - weeks * 7 * DAY: Decimal((2, 10)[weeks % 2]) for weeks in range(1, 9)}
    assert found(noisy | {SATURDAY: Decimal(19)}) is None
    assert found(steady("6") | {SATURDAY: Decimal(19)}) is not None


def test_a_key_that_ends_is_told_of_on_the_first_day_alone() -> None:
    told = [day for place in range(40) if (day := SATURDAY + place * DAY) and found(steady(), day) is not None]
    assert told == [SATURDAY]


def test_a_higher_level_is_told_of_on_the_first_day_alone() -> None:
    raised = steady() | {SATURDAY + place * DAY: Decimal(45) for place in range(40)}
    told = [day for place in range(40) if found(raised, day := SATURDAY + place * DAY) is not None]
    assert told == [SATURDAY]


@pytest.mark.long
@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.decimals(min_value=80, max_value=120, places=2), min_size=57, max_size=57),
    st.integers(min_value=1, max_value=5),
)
def test_a_day_within_what_was_seen_is_never_far(amounts: list[Decimal], scale: int) -> None:
    series = {SATURDAY - place * DAY: amount * scale for place, amount in enumerate(amounts)}
    assert found(series) is None


@pytest.mark.long
@settings(max_examples=100, deadline=None)
@given(st.lists(st.decimals(min_value=90, max_value=110, places=2), min_size=56, max_size=56), st.booleans())
def test_ten_times_as_much_and_nothing_are_found_where_days_differ_by_a_tenth(
    amounts: list[Decimal],
    is_above: bool,  # noqa: FBT001
) -> None:
    series = {SATURDAY - (place + 1) * DAY: amount for place, amount in enumerate(amounts)}
    anomaly = found(series | {SATURDAY: Decimal(1000 if is_above else 0)})
    assert anomaly is not None
    assert anomaly.direction is (Direction.ABOVE if is_above else Direction.BELOW)


def test_what_is_worth_somebodys_time_grows_with_the_books() -> None:
    assert difference_min_of([], "USD") == 1
    assert difference_min_of([Decimal(200)], "USD") == 1
    assert difference_min_of([Decimal(20_000), Decimal(50_000), Decimal(5)], "USD") == 20
    assert difference_min_of([Decimal(200)], "JPY") == 100
