"""Budgets: which period a day is in, which level is reached, and what a forecast may never say."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.base.errors import BudgetsError
from pipeline.base.periods import BillingPeriod
from pipeline.budgets import Budget, Cadence, Scope, forecast_of
from pipeline.budgets.budget import level_reached
from pipeline.budgets.estimates import Basis

OCTOBER = BillingPeriod(year=2026, month=10)
DAY = timedelta(days=1)
AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=4)
SERIES = st.dictionaries(
    st.integers(min_value=0, max_value=200).map(lambda place: date(2026, 4, 14) + place * DAY), AMOUNTS, max_size=200
)
TODAYS = st.integers(min_value=-40, max_value=40).map(lambda place: date(2026, 10, 1) + place * DAY)


def budget(**said: object) -> Budget:
    return Budget(**{"name": "all", "amount": Decimal(100), "currency": "USD", **said})  # type: ignore[arg-type]


def spent(series: dict[date, Decimal]) -> Decimal:
    return sum((each for day, each in series.items() if OCTOBER.first_date <= day < OCTOBER.end_date), Decimal(0))


@pytest.mark.parametrize(
    ("said", "day", "period"),
    [
        ({}, "2026-10-31", "2026-10"),
        ({"month_day": 15}, "2026-10-14", "2026-09-15"),
        ({"cadence": Cadence.QUARTER}, "2026-12-31", "2026-Q4"),
        ({"cadence": Cadence.QUARTER, "first_month": 2}, "2026-01-31", "2025-11--2026-01"),
        ({"cadence": Cadence.QUARTER, "first_month": 12}, "2026-02-28", "2025-12--2026-02"),
        ({"cadence": Cadence.YEAR}, "2026-10-01", "2026"),
        ({"cadence": Cadence.YEAR, "first_month": 7}, "2026-06-30", "2025-07--2026-06"),
        ({"cadence": Cadence.YEAR, "first_month": 4, "month_day": 6}, "2026-04-05", "2025-04-06--2026-04-05"),
    ],
)
def test_a_day_is_in_the_period_that_holds_it(said: dict[str, object], day: str, period: str) -> None:
    found = budget(**said).period_of(date.fromisoformat(day))
    assert str(found) == period
    assert found.first_date <= date.fromisoformat(day) < found.end_date


@pytest.mark.long
@given(st.dates(min_value=date(2020, 1, 1), max_value=date(2030, 1, 1)), st.sampled_from(Cadence), st.data())
def test_periods_of_a_budget_follow_each_other_without_a_gap(day: date, cadence: Cadence, data: st.DataObject) -> None:
    mine = budget(
        cadence=cadence,
        first_month=data.draw(st.integers(min_value=1, max_value=12)),
        month_day=data.draw(st.integers(min_value=1, max_value=28)),
    )
    period = mine.period_of(day)
    assert period.first_date <= day < period.end_date
    assert mine.period_of(period.end_date - DAY) == period
    assert mine.period_of(period.end_date).first_date == period.end_date


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"amount": Decimal(0)}, "amount is 0; a budget is more than 0"),
        ({"amount": Decimal("1.005")}, "2 decimal places at most"),
        ({"currency": "usd"}, "'usd' is not an ISO 4217 code"),
        ({"name": " "}, "write 1 to 100 printable characters"),
        ({"name": "a\nb"}, "write 1 to 100 printable characters"),
        ({"alert_percents": ()}, "write one or more whole numbers from 1 to 1000"),
        ({"alert_percents": (80, 50)}, "write each level once, the lowest first"),
        ({"alert_percents": (80, 80)}, "write each level once"),
        ({"alert_percents": (0,)}, "from 1 to 1000"),
    ],
)
def test_what_cannot_be_a_budget_is_refused_with_its_remedy(said: dict[str, object], says: str) -> None:
    with pytest.raises(BudgetsError, match=says):
        budget(**said)


@given(AMOUNTS, AMOUNTS, st.sets(st.integers(min_value=1, max_value=1000), min_size=1, max_size=6))
def test_more_spending_never_reaches_a_lower_level(one: Decimal, other: Decimal, levels: set[int]) -> None:
    less, more = sorted((one, other))
    percents = sorted(levels)
    assert (level_reached(less, Decimal(100), percents) or 0) <= (level_reached(more, Decimal(100), percents) or 0)


def test_a_level_is_reached_by_its_amount_to_the_last_digit() -> None:
    assert budget(amount=Decimal("0.03"), alert_percents=(50,)).level_of(Decimal("0.015")) == 50
    assert budget(amount=Decimal("0.03"), alert_percents=(50,)).level_of(Decimal("0.01499999999999999999999")) is None


def test_a_scope_is_said_in_words() -> None:
    assert str(Scope()) == "everything"
    assert str(Scope(accounts=("birke",), tags=("team=search",))) == "account birke, tag team=search"


@pytest.mark.long
@settings(max_examples=60, deadline=None)
@given(SERIES, TODAYS)
def test_a_forecast_holds_its_middle_and_what_is_spent(series: dict[date, Decimal], today: date) -> None:
    found = forecast_of(series, OCTOBER, complete_before=today, currency="USD")
    if found is not None:
        assert spent(series) <= found.low <= found.mid <= found.high


@settings(max_examples=60, deadline=None)
@given(SERIES, st.integers(min_value=0, max_value=40))
def test_a_period_that_is_over_comes_to_what_is_spent(series: dict[date, Decimal], later: int) -> None:
    found = forecast_of(series, OCTOBER, complete_before=OCTOBER.end_date + later * DAY, currency="USD")
    assert found is not None
    assert found.low == found.mid == found.high == spent(series)


@pytest.mark.long
@settings(max_examples=40, deadline=None)
@given(SERIES, TODAYS)
def test_days_after_today_do_not_make_a_forecast(series: dict[date, Decimal], today: date) -> None:
    known = {day: amount for day, amount in series.items() if day < today}
    with_zeros = known | {today + place * DAY: Decimal(0) for place in range(40)}
    assert forecast_of(known, OCTOBER, complete_before=today, currency="USD") == forecast_of(
        with_zeros, OCTOBER, complete_before=today, currency="USD"
    )


def test_what_is_known_of_a_day_that_is_not_over_is_counted_once() -> None:
    until = {date(2026, 9, 21) + place * DAY: Decimal(3) for place in range(30)}
    today = date(2026, 10, 21)
    for so_far, total in (("0", 93), ("2.50", 93), ("3", 93), ("5", 95)):
        found = forecast_of(until | {today: Decimal(so_far)}, OCTOBER, complete_before=today, currency="USD")
        assert found is not None
        assert found.mid == total, so_far


def test_of_two_days_nothing_is_estimated() -> None:
    two = {date(2026, 10, 1) + place * DAY: Decimal(3) for place in range(2)}
    assert forecast_of(two, OCTOBER, complete_before=date(2026, 10, 3), currency="USD") is None
    assert forecast_of({}, OCTOBER, complete_before=date(2026, 10, 3), currency="USD") is None
    third = forecast_of(two, OCTOBER, complete_before=date(2026, 10, 4), currency="USD")
    assert third is not None
    assert third.mid == Decimal(6) + 56  # two a day for three days, and 28 days are left


def test_days_of_the_week_are_told_apart() -> None:
    mondays = {date(2026, 8, 3) + place * 7 * DAY: Decimal(70) for place in range(9)}
    found = forecast_of(mondays, OCTOBER, complete_before=date(2026, 10, 1), currency="USD")
    level = forecast_of(mondays, BillingPeriod(year=2026, month=11), complete_before=date(2026, 10, 1), currency="USD")
    assert found is not None
    assert level is not None
    assert 270 < found.mid < 290  # four Mondays, and a little of other days, since eight weeks are few
    assert level.mid > found.mid  # five Mondays
    assert found.basis is Basis.FOUR_WEEKS


def test_a_job_at_the_end_of_each_month_is_expected_again() -> None:
    days = [date(2026, 4, 1) + place * DAY for place in range(202)]
    series = {day: Decimal(500 if (day + DAY).day == 1 else 10) for day in days}
    found = forecast_of(series, OCTOBER, complete_before=date(2026, 10, 20), currency="USD")
    assert found is not None
    assert found.basis is Basis.MONTHS
    assert 750 < found.mid < 850  # 30 days of 10, and 500 on the 31st


def test_steady_growth_is_followed() -> None:
    days = [date(2026, 5, 1) + place * DAY for place in range(163)]
    series = {day: Decimal(f"{10 * 1.01**place:.4f}") for place, day in enumerate(days)}
    actual = sum(Decimal(f"{10 * 1.01 ** (place + 153):.4f}") for place in range(31))
    found = forecast_of(series, OCTOBER, complete_before=date(2026, 10, 11), currency="USD")
    assert found is not None
    assert abs(found.mid / actual - 1) < Decimal("0.02")
    assert found.low <= actual <= found.high


def test_estimates_have_the_decimal_places_of_their_currency() -> None:
    series = {date(2026, 9, 1) + place * DAY: Decimal(100 + place) for place in range(40)}
    for currency, places in (("JPY", 0), ("USD", -2), ("KWD", -3)):
        found = forecast_of(series, OCTOBER, complete_before=date(2026, 10, 11), currency=currency)
        assert found is not None
        assert found.mid.as_tuple().exponent >= places  # type: ignore[operator]  # a number
