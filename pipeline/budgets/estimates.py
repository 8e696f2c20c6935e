"""What days to come will probably cost, by three plain estimates: each is a level times a shape.

The level is the mean of the last days. The shape is what a weekday costs beside other days, or what a day so far from
its month's end cost beside its month. Floats: these are estimates, and never what is spent.

Owns the estimates. Does not own which of them is taken (``forecast``).
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.base.periods import BillingPeriod, days_between

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

PROFILE_DAYS = 56
"""Of how many days before the weekdays' factors are taken."""
MONTHS = 3
"""Of how many whole months before the shape of a month is taken."""
PAST_DAYS = 125
"""How many days before are looked at: three whole months, and what there is of another."""
_SHRINKING_WEEKS = 2.0
_WEEK = 7
_FOUR_WEEKS, _TWO_WEEKS = 28, 14
_DAY = timedelta(days=1)


class Basis(StrEnum):
    """What an estimate is made of."""

    FOUR_WEEKS = "weekdays, four weeks"
    """The mean of the last four weeks, times a factor of the weekday."""
    TWO_WEEKS = "weekdays, two weeks"
    """That of the last two weeks, which follows growth sooner and noise too."""
    MONTHS = "months before"
    """The mean of the last four weeks, times what the same day before a month's end cost in up to three months."""


def expected_days(basis: Basis, past: Sequence[float], from_date: date, end_date: date) -> list[float]:
    """Return what each day of ``[from_date, end_date)`` will probably cost.

    ``past`` is what the days before ``from_date`` cost, the last of them that of the day before; at least one.
    """
    past = past[-PAST_DAYS:]
    recent = past[-(_TWO_WEEKS if basis is Basis.TWO_WEEKS else _FOUR_WEEKS) :]
    level = sum(recent) / len(recent)
    factors = _factors_of_weekdays(past[-PROFILE_DAYS:], from_date)
    shape = _shapes_of_months(past, from_date) if basis is Basis.MONTHS else []
    expected = []
    for day in days_between(from_date, end_date):
        same = [month[-until] for month in shape if (until := _days_until_end(day)) <= len(month)]
        expected.append(level * (sum(same) / len(same) if same else factors[day.weekday()]))
    return expected


def _factors_of_weekdays(past: Sequence[float], from_date: date) -> list[float]:
    """Return what each weekday costs beside all days, Monday first, drawn towards 1; their mean is 1."""
    mean = sum(past) / len(past)
    if mean <= 0 or len(past) < _WEEK:
        return [1.0] * _WEEK
    drawn = []
    for weekday in range(_WEEK):
        ago = (from_date.weekday() - weekday - 1) % _WEEK + 1
        same = past[len(past) - ago :: -_WEEK] if ago <= len(past) else []
        drawn.append((sum(same) / mean + _SHRINKING_WEEKS) / (len(same) + _SHRINKING_WEEKS))
    middle = sum(drawn) / _WEEK
    return [each / middle for each in drawn]


def _shapes_of_months(past: Sequence[float], from_date: date) -> list[list[float]]:
    """Return what each day of the last whole months of the calendar cost beside their mean; months of nothing not."""
    found = []
    month = BillingPeriod.of(from_date).previous()
    for _ in range(MONTHS):
        begin = len(past) - (from_date - month.first_date).days
        if begin < 0:
            break
        days = past[begin : begin + (month.end_date - month.first_date).days]
        mean = sum(days) / len(days)
        if mean > 0:
            found.append([each / mean for each in days])
        month = month.previous()
    return found


def _days_until_end(day: date) -> int:
    """Return how many days it is until the next month of the calendar: 1 on its last day."""
    return (BillingPeriod.of(day).end_date - day).days
