"""Which months are on one invoice, and what that comes to, worked out a second time.

Plain Python on plain values, no code shared with the product. Months are counted from the year 0, by that of the
calendar which they begin in: so a month is a number. A period is found by walking back to the month it begins with.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple

from grants import payments

if TYPE_CHECKING:
    from grants import Single


class Agreed(NamedTuple):
    """From a month on (None = from the beginning), so many months are billed together, the first in this one."""

    since: int | None
    length: int
    start_month: int


def number_of(day: date, month_day: int = 1) -> int:
    """The month that a day lies in, of months that begin on a day: go back to that, day by day."""
    while day.day != month_day:
        day -= timedelta(days=1)
    return day.year * 12 + day.month - 1


def first_day(month: int, month_day: int = 1) -> date:
    return date(month // 12, month % 12 + 1, month_day)


def begins_with(month: int, each: Agreed) -> bool:
    """Say whether a period of an interval begins with a month, by listing the months of a year that it begins with."""
    starts = {(each.start_month - 1 + passed) % 12 + 1 for passed in range(0, 12, each.length)}
    return month % 12 + 1 in starts


def billed_together(month: int, agreed: list[Agreed]) -> list[int]:
    """Return the months that are billed with one of them, in order."""
    each = [one for one in agreed if one.since is None or one.since <= month][-1]
    first = month
    while not begins_with(first, each):
        first -= 1
    return list(range(first, first + each.length))


def open_runs(months: set[int], closed: set[int], agreed: list[Agreed]) -> set[tuple[int, ...]]:
    """Return the months of each draft: of what is billed together, what follows each other and is open.

    Of runs that have none of ``months``, there is no draft.
    """
    found = set()
    for month in months - closed:
        run: list[int] = []
        for other in [*billed_together(month, agreed), -1]:
            if other != -1 and other not in closed:
                run.append(other)
                continue
            if month in run:
                found.add(tuple(run))
            run = []
    return found


def credits_of(
    owed: dict[date, tuple[dict[str, int], int]], grants: list[Single], used: dict[tuple[str, date], int]
) -> list[tuple[date, str, int]]:
    """Return which grants pay how many cents of each month of an invoice; ``used`` grows by it.

    ``owed`` are the cents of each month by model, and those that are of none. All of them together are never paid
    beyond what the invoice comes to.
    """
    left, found = sum(sum(by_model.values()) + other for by_model, other in owed.values()), []
    for month, (by_model, other) in owed.items():
        whole = sum(by_model.values()) + other
        beyond = max(0, whole - left)  # as if less were to be paid, of no model
        for name, part in payments(month, by_model, other - beyond, grants, used):
            used[name, month] = used.get((name, month), 0) + part
            left -= part
            found.append((month, name, part))
    return found
