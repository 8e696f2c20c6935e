"""A day that is far from its own past: of a key, a model or an account.

A day is held against the same weekday of the eight weeks before, four of which must be known. It is far from them where
all of this is so: it is three times their median, or a third of it; it is further from the median than six times their
scatter; it is above the dearest day of these weeks by half of it, or below half of the cheapest; and the difference is
worth somebody's time.
The scatter is the median of all days' distances from the median of their weekdays (MAD), made comparable to a standard
deviation, and at least a tenth of the median: what hardly ever varies may vary a little.
What has ended is far from its past on its first day alone.

Owns this rule and the sentence that says why. Does not own whose day it is, nor what a day cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING

from pipeline.base.money import Rounding, exact_sum, minor_unit_digits, plain, rounded_to_minor_unit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

WEEKS = 8
WEEKS_MIN = 4
_WEEK = 7
_TIMES_MIN = 3
_SCATTERS_MIN = 6.0
_BEYOND = Decimal("1.5")
_UNDER = Decimal("0.5")
_NORMAL = 1.4826
"""What a median distance is multiplied by to be the standard deviation of what is normally distributed."""
_LEAST_SCATTER = 0.1
_SHOWN_TIMES_MAX = 100
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Direction(StrEnum):
    """To which side a day is far from its past."""

    ABOVE = "above"
    BELOW = "below"


@dataclass(frozen=True, slots=True, kw_only=True)
class UsualDay:
    """What the same weekday cost before, in currency units, exact."""

    low: Decimal
    median: Decimal
    high: Decimal
    weeks: int
    """Of how many weeks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Anomaly:
    """A day that is far from its own past."""

    subject: str
    """The id of a key or an account, or the name of a model."""
    usage_date: date
    spent: Decimal
    """Currency units, exact."""
    currency: str
    usual: UsualDay
    direction: Direction

    @property
    def difference(self) -> Decimal:
        """How much it is above the median, or below it (negative); exact."""
        return exact_sum([self.spent, self.usual.median.copy_negate()])

    @property
    def times(self) -> Decimal | None:
        """By what the median is multiplied, rounded to a tenth; None where the median is 0."""
        if not self.usual.median:
            return None
        return Decimal(f"{float(self.spent) / float(self.usual.median):.1f}")

    @property
    def reason(self) -> str:
        """Say why in one sentence."""
        usual, weekday = self.usual, _WEEKDAYS[self.usage_date.weekday()]
        low, high = (_money_rounded(each, self.currency) for each in (usual.low, usual.high))
        among = f"{self.currency} {low}" if low == high else f"{self.currency} {low} to {high}"
        if not self.spent:
            how = f"nothing on {self.usage_date}, a {weekday} that usually costs"
            return f"{self.subject} spent {how} {among} (over {usual.weeks} weeks)"
        spent = f"{self.subject} spent {self.currency} {_money_rounded(self.spent, self.currency)} on {self.usage_date}"
        if not usual.median:
            return f"{spent}, and usually nothing on a {weekday} ({among} over {usual.weeks} weeks)"
        return f"{spent}, {self._times_text()} its usual {weekday} ({among} over {usual.weeks} weeks)"

    def _times_text(self) -> str:
        times = self.times or Decimal(0)
        if self.direction is Direction.BELOW:
            return f"{_share_rounded(self.spent, self.usual.median)} % of"
        return f"{plain(times.quantize(Decimal(1)) if times >= _SHOWN_TIMES_MAX // 10 else times)} times"


def anomaly_of(
    subject: str,
    spent_by_date: Mapping[date, Decimal],
    usage_date: date,
    *,
    currency: str,
    difference_min: Decimal,
) -> Anomaly | None:
    """Return what is odd about a day; None where nothing is, or too little is known of the days before.

    ``spent_by_date`` are exact amounts; a date that is not there cost nothing, after the first with any usage. A day
    that differs by less than ``difference_min``, in currency units, is never odd.
    """
    spent = spent_by_date.get(usage_date, Decimal(0))
    first = usage_date - timedelta(days=WEEKS * _WEEK)
    known = {day: amount for day, amount in spent_by_date.items() if first <= day < usage_date and amount}
    begun = min((day for day, amount in spent_by_date.items() if amount), default=usage_date)
    if begun > usage_date - timedelta(days=(WEEKS_MIN - 1) * _WEEK + 1):
        return None
    first = max(first, begun)
    by_weekday: list[list[Decimal]] = [[] for _ in range(_WEEK)]
    for ago in range((usage_date - first).days, 0, -1):
        day = usage_date - timedelta(days=ago)
        by_weekday[day.weekday()].append(known.get(day, Decimal(0)))
    same = by_weekday[usage_date.weekday()]
    if len(same) < WEEKS_MIN:
        return None
    usual = UsualDay(low=min(same), median=median(same), high=max(same), weeks=len(same))
    before = usage_date - timedelta(days=1)
    direction = _direction(spent, usual, dearest=max(map(max, filter(None, by_weekday))))
    if direction is None or (
        direction is Direction.BELOW and _is_low(known.get(before, Decimal(0)), by_weekday, before)
    ):
        return None
    found = Anomaly(
        subject=subject, usage_date=usage_date, spent=spent, currency=currency, usual=usual, direction=direction
    )
    is_far = float(abs(found.difference)) > _SCATTERS_MIN * _scatter(by_weekday, usual)
    return found if is_far and abs(found.difference) >= difference_min else None


def difference_min_of(daily_totals: Sequence[Decimal], currency: str) -> Decimal:
    """Return which difference is worth somebody's time, in currency units.

    A thousandth of what all usage in the currency costs on a usual day, and one unit at least: a hundred of a currency
    that has no smaller unit.
    """
    least = Decimal(1) if minor_unit_digits(currency) else Decimal(100)
    usual = median(daily_totals) if daily_totals else Decimal(0)
    return max(least, usual / 1000)


def _direction(spent: Decimal, usual: UsualDay, *, dearest: Decimal) -> Direction | None:
    if spent > usual.median * _TIMES_MIN and spent > dearest * _BEYOND:
        return Direction.ABOVE
    if _is_below(spent, usual.median, usual.low):
        return Direction.BELOW
    return None


def _is_below(spent: Decimal, middle: Decimal, low: Decimal) -> bool:
    return spent * _TIMES_MIN < middle and spent < low * _UNDER


def _is_low(spent: Decimal, by_weekday: Sequence[Sequence[Decimal]], usage_date: date) -> bool:
    """Say whether a day of the past is below what its weekday cost before it: what has ended is told of once."""
    before = by_weekday[usage_date.weekday()][:-1]
    return bool(before) and _is_below(spent, median(before), min(before))


def _scatter(by_weekday: Sequence[Sequence[Decimal]], usual: UsualDay) -> float:
    """Return how far days are from the median of their weekdays, as a standard deviation would say it."""
    distances = [abs(amount - median(mine)) for mine in by_weekday if mine for amount in mine]
    return max(_NORMAL * float(median(distances)), _LEAST_SCATTER * float(usual.median))


def _money_rounded(amount: Decimal, currency: str) -> str:
    return plain(rounded_to_minor_unit(amount, currency, Rounding.HALF_EVEN))


def _share_rounded(amount: Decimal, whole: Decimal) -> str:
    return f"{100 * float(amount) / float(whole):.0f}"
