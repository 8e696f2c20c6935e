"""What a period will come to: what is spent, and what the days that are left will probably cost, with an interval.

The method is plain. A day that is left is expected to cost the mean of the last four weeks, times a factor of its
weekday: what that weekday cost in the last eight weeks beside all days of them, drawn towards 1 as if two weeks more
had been level, so that one odd Sunday makes no Sunday. The interval comes from the method's own errors: the same
estimate is made as of each day of the past, for as many days as are left now, and held against what those days cost; of
the ratios of the two, the tenth and the ninetieth percentile bound the interval. Where the past is too short for that,
the days' own scatter bounds it.

Owns the method; ``benchmarks`` hold it against plainer ones. Does not own what is spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import sqrt
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, minor_unit_digits, normalised
from pipeline.base.periods import days_between

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pipeline.base.periods import BillingPeriod

LEVEL_DAYS = 28
"""Of how many days before the mean is taken."""
PROFILE_DAYS = 56
"""Of how many days before the weekdays' factors are taken."""
PAST_DAYS_MIN = 3
"""Of fewer complete days nothing is estimated."""
ERRORS_DAYS = 182
"""How many days back the method is tried on."""
_ERRORS_MIN = 12
"""Of fewer errors no percentile is taken."""
_SHRINKING_WEEKS = 2.0
_TAIL = 0.1
_SCATTERS = 1.2816
"""How many standard deviations from its mean a tenth of a normal distribution begins."""
_WEEK = 7
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a period will probably come to, in currency units, rounded to the minor unit but for what is spent.

    ``low <= mid <= high``; eight periods of ten are meant to end within them.
    """

    low: Decimal
    mid: Decimal
    high: Decimal


def forecast_of(
    spent_by_date: Mapping[date, Decimal], period: BillingPeriod, *, complete_before: date, currency: str
) -> Forecast | None:
    """Return what a period will come to; None where fewer than three complete days are known since the first usage.

    ``spent_by_date`` are exact amounts of the period and of days before it; a date that is not there cost nothing. Days
    of ``complete_before`` and later may cost more than is known: what is known of them counts at least. Of a period all
    of whose days are complete, low, mid and high are what is spent.
    """
    spent = normalised(
        exact_sum(amount for day, amount in spent_by_date.items() if period.first_date <= day < period.end_date)
    )
    left = list(days_between(max(complete_before, period.first_date), period.end_date))
    if not left:
        return Forecast(low=spent, mid=spent, high=spent)
    past = past_days(spent_by_date, complete_before)
    if len(past) < PAST_DAYS_MIN:
        return None
    expected = expected_days(past, complete_before, period.end_date)[-len(left) :]
    known = [float(spent_by_date.get(day, Decimal(0))) for day in left]
    mid = sum(max(0.0, one - other) for one, other in zip(expected, known, strict=True))
    lower, upper = _bounds(past, complete_before, (period.end_date - complete_before).days)
    whole, partial = sum(expected), sum(known)
    low, high = (max(0.0, whole * bound - partial) for bound in (lower, upper))
    digits = minor_unit_digits(currency)
    mids = _rounded(mid, digits)
    return Forecast(
        low=normalised(exact_sum([spent, min(_rounded(low, digits), mids)])),
        mid=normalised(exact_sum([spent, mids])),
        high=normalised(exact_sum([spent, max(_rounded(high, digits), mids)])),
    )


def past_days(spent_by_date: Mapping[date, Decimal], complete_before: date) -> list[float]:
    """Return what each complete day cost, from the first with any usage on; ``ERRORS_DAYS`` and a profile at most."""
    used = [day for day, amount in spent_by_date.items() if amount and day < complete_before]
    if not used:
        return []
    first = max(min(used), complete_before - timedelta(days=ERRORS_DAYS + PROFILE_DAYS))
    return [float(spent_by_date.get(day, Decimal(0))) for day in days_between(first, complete_before)]


def expected_days(past: Sequence[float], from_date: date, end_date: date) -> list[float]:
    """Return what each day of ``[from_date, end_date)`` will probably cost.

    ``past`` are the days before ``from_date``, the last of them the day before; at least one.
    """
    recent = past[-LEVEL_DAYS:]
    level = sum(recent) / len(recent)
    factors = _factors(past[-PROFILE_DAYS:], from_date)
    return [level * factors[day.weekday()] for day in days_between(from_date, end_date)]


def _factors(past: Sequence[float], from_date: date) -> list[float]:
    """Return what each weekday costs beside all days, Monday first, drawn towards 1; their mean is 1."""
    mean = sum(past) / len(past)
    if mean <= 0 or len(past) < _WEEK:
        return [1.0] * _WEEK
    sums, counts = [0.0] * _WEEK, [0] * _WEEK
    weekday = from_date.weekday()
    for ago, amount in enumerate(reversed(past), start=1):
        sums[(weekday - ago) % _WEEK] += amount
        counts[(weekday - ago) % _WEEK] += 1
    drawn = [
        (total / mean + _SHRINKING_WEEKS) / (count + _SHRINKING_WEEKS)
        for total, count in zip(sums, counts, strict=True)
    ]
    middle = sum(drawn) / _WEEK
    return [each / middle for each in drawn]


def _bounds(past: Sequence[float], complete_before: date, days: int) -> tuple[float, float]:
    """Return by what the estimate of some days is multiplied at the lower and the upper end of the interval."""
    ratios = _ratios(past, complete_before, days)
    if len(ratios) >= _ERRORS_MIN:
        ordered = sorted(ratios)
        return min(1.0, _percentile(ordered, _TAIL)), max(1.0, _percentile(ordered, 1 - _TAIL))
    recent = past[-LEVEL_DAYS:]
    mean = sum(recent) / len(recent)
    if mean <= 0:
        return 1.0, 1.0
    scatter = sqrt(sum((each - mean) ** 2 for each in recent) / max(1, len(recent) - 1)) / mean
    width = _SCATTERS * scatter * sqrt(1 / days + 1 / len(recent))
    return max(0.0, 1 - width), 1 + width


def _ratios(past: Sequence[float], complete_before: date, days: int) -> list[float]:
    """Return, for each day of the past that has as many after it, what these cost by what was expected of them."""
    found = []
    for until in range(max(LEVEL_DAYS, len(past) - ERRORS_DAYS), len(past) - days + 1):
        as_of = complete_before - timedelta(days=len(past) - until)
        expected = sum(expected_days(past[:until][-PROFILE_DAYS:], as_of, as_of + timedelta(days=days)))
        if expected > 0:
            found.append(sum(past[until : until + days]) / expected)
    return found


def _percentile(ordered: Sequence[float], part: float) -> float:
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _rounded(estimate: float, digits: int) -> Decimal:
    """Return an estimate in currency units, rounded to the minor unit."""
    return Decimal(f"{estimate:.{digits}f}")
