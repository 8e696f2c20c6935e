"""Which months of an account are billed together: by the month, the quarter or the year.

Owns that every month is billed with exactly one such period, also where an account goes over to another interval. Does
not own what a month is worth, which an interval never changes, nor which months are invoiced already
(``pipeline.invoicing.book``).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.base.errors import AccountsError
from pipeline.base.periods import BillingPeriod

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

MONTHS_OF_A_YEAR = 12
_SEARCHED_MONTHS = 24
"""Two years have every boundary that two intervals can have in common."""


class Interval(StrEnum):
    """How many months are on one invoice."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def months(self) -> int:
        """1, 3 or 12."""
        return {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.YEAR: MONTHS_OF_A_YEAR}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class BillingInterval:
    """An interval, and with which month of a year its periods begin. Construction raises ``AccountsError``."""

    interval: Interval = Interval.MONTH
    start_month: int = 1
    """1 to 12: a year of 9 begins in September, and quarters of 2 in February, May, August and November."""

    def __post_init__(self) -> None:
        """Refuse a month that is none."""
        if not 1 <= self.start_month <= MONTHS_OF_A_YEAR:
            message = f"billing_start_month is {self.start_month}; write a month of the year, 1 to 12"
            raise AccountsError(message)

    def period_of(self, month: BillingPeriod) -> BillingPeriod:
        """Return the months that are billed together with one of them: November 2026 with ``2026-Q4``."""
        passed = (month.month - self.start_month) % self.interval.months
        start = month.year * MONTHS_OF_A_YEAR + month.month - 1 - passed
        return BillingPeriod(
            year=start // MONTHS_OF_A_YEAR,
            month=start % MONTHS_OF_A_YEAR + 1,
            day=month.day,
            count=self.interval.months,
        )

    def begins_on(self, day: date, month_day: int) -> bool:
        """Say whether one of its periods begins on a day, of months that begin on ``month_day``."""
        return self.period_of(BillingPeriod.of(day, month_day)).first_date == day

    def __str__(self) -> str:
        """Write ``the quarter``; where none begins with January, ``the quarter from month 2, 5, 8 or 11``."""
        first = (self.start_month - 1) % self.interval.months + 1
        if first == 1:
            return f"the {self.interval}"
        *most, last = map(str, range(first, MONTHS_OF_A_YEAR + 1, self.interval.months))
        return f"the {self.interval} from month {', '.join(most)}{' or ' if most else ''}{last}"


def refuse_changes_within(
    account_id: str, intervals: Iterable[tuple[date | None, BillingInterval]], month_day: int
) -> None:
    """Raise ``AccountsError`` where an account goes over to another interval within a period of either.

    ``intervals`` are in the order of time, each with its first day; the first from the beginning. Months begin on
    ``month_day``.
    """
    for (_, before), (from_date, after) in pairwise(intervals):
        if from_date is None or before == after or _both_begin(before, after, from_date, month_day):
            continue
        near = list(_common_boundaries(before, after, from_date, month_day))
        where = (
            f"where periods of both begin: {' or '.join(map(str, near))}"
            if near
            else "where periods of both begin, and these two have no such day; bill by the month in between"
        )
        message = (
            f"account {account_id!r} is billed by {before}, and by {after} from {from_date} on, which would cut a "
            f"period in two; change billing_interval and billing_start_month {where}"
        )
        raise AccountsError(message)


def _both_begin(before: BillingInterval, after: BillingInterval, day: date, month_day: int) -> bool:
    return before.begins_on(day, month_day) and after.begins_on(day, month_day)


def _common_boundaries(before: BillingInterval, after: BillingInterval, day: date, month_day: int) -> Iterator[date]:
    """Yield the nearest days before and after a day on which periods of both intervals begin, where there are any."""
    earlier = later = BillingPeriod.of(day, month_day)
    for _ in range(_SEARCHED_MONTHS):
        if _both_begin(before, after, earlier.first_date, month_day):
            yield earlier.first_date
            break
        earlier = earlier.previous()
    for _ in range(_SEARCHED_MONTHS):
        later = later.next()
        if _both_begin(before, after, later.first_date, month_day):
            yield later.first_date
            break
