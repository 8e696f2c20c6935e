"""What coupons take off, and which grants pay what, worked out a second time, month by month, in whole cents.

Plain Python on plain values, no code shared with the product. A grant that recurs is written out month by month, with a
list of the months in which it may pay; where the product compares dates, this looks a month up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

FOR_EVER = date(9999, 1, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """A grant as it is written down."""

    name: str
    cents: int
    since: date
    until: date | None
    priority: int
    models: tuple[str, ...]
    recurs: bool
    rollover: int
    rolling: int | None = None
    """Of what is left at the end of a month, so many hundredths of a percent roll over; None = all."""
    rolling_max: int | None = None
    """And so many cents at most."""


class Single(NamedTuple):
    """A grant that is used and expires by itself, in the order of use."""

    priority: int
    since: date
    until: date
    name: str
    cents: int
    models: tuple[str, ...]
    months: tuple[date, ...]
    """First days of the months that it may pay for."""
    own: date | None = None
    """First day of the month that it is of, where it recurs."""
    rolling: int | None = None
    rolling_max: int | None = None

    def lost(self, used: dict[tuple[str, date], int]) -> int:
        """Cents that were not used in its own month and do not roll over."""
        if self.own is None:
            return 0
        rest = self.cents - sum(part for (name, month), part in used.items() if name == self.name and month <= self.own)
        kept = rest if self.rolling is None else rest * self.rolling // 10_000
        return rest - (kept if self.rolling_max is None else min(kept, self.rolling_max))

    def spent(self, used: dict[tuple[str, date], int]) -> int:
        return sum(part for (name, _), part in used.items() if name == self.name)

    def usable(self, used: dict[tuple[str, date], int], month: date) -> int:
        """Cents that a month may still use."""
        lost = self.lost(used) if self.own is not None and month > self.own else 0
        return max(0, self.cents - self.spent(used) - lost)


class Off(NamedTuple):
    """A coupon: hundredths of a percent, or cents."""

    name: str
    hundredths: int | None
    cents: int | None
    first: date
    count: int | None


def last_day(month: date) -> date:
    """The last day of the month that begins on one."""
    following = month.replace(day=1) + timedelta(days=32)
    return following.replace(day=month.day) - timedelta(days=1)


def singles(grants: list[Granted], months: list[date]) -> list[Single]:
    found = []
    for each in grants:
        until = each.until or FOR_EVER
        if not each.recurs:
            usable = tuple(month for month in months if each.since <= last_day(month) < until)
            found.append(Single(each.priority, each.since, until, each.name, each.cents, each.models, usable))
            continue
        for place, month in enumerate(months):
            since = max(each.since, month)
            if last_day(month) < each.since or since >= until:
                continue
            usable = tuple(other for other in months[place : place + 1 + each.rollover] if last_day(other) < until)
            after = month
            for _ in range(1 + each.rollover):
                after = last_day(after) + timedelta(days=1)
            name = f"{each.name}.{month:%Y-%m}"
            parts = (month, each.rolling, each.rolling_max)
            found.append(Single(each.priority, since, min(until, after), name, each.cents, each.models, usable, *parts))
    return sorted(found, key=lambda single: single[:4])


def coupons(owed: int, offered: list[Off], month: date, *, to_even: bool) -> list[tuple[str, int]]:
    """Return what each coupon takes off what is owed, in cents."""
    taken: list[tuple[str, int]] = []
    for off in offered:
        age = (month.year - off.first.year) * 12 + month.month - off.first.month + (off.first.day < month.day)
        if age < 0 or (off.count is not None and age >= off.count) or owed <= 0:
            continue
        if off.hundredths is None:
            cents = min(owed, off.cents or 0)
        else:
            cents, rest = divmod(owed * off.hundredths, 10_000)
            cents += rest > 5_000 or (rest == 5_000 and not (to_even and cents % 2 == 0))
        taken.append((off.name, cents))
        owed -= cents
    return taken


def parts(cents: int, sums: list[int]) -> list[int]:
    """Deal cents out over sums of cents, one after the other, and write down to whom each went.

    The sums above zero are laid end to end on a line of ``whole`` cents; the k-th of the cents lies where k whole ÷
    cents is, rounded up, and belongs to the sum that lies there.
    """
    whole, dealt = sum(each for each in sums if each > 0), [0] * len(sums)
    for k in range(1, cents + 1):
        lies, place, end = -(-k * whole // cents), 0, max(sums[0], 0)
        while lies > end:
            place += 1
            end += max(sums[place], 0)
        dealt[place] += 1
    return dealt


def payments(
    month: date, by_model: dict[str, int], other: int, grants: list[Single], used: dict[tuple[str, date], int]
) -> list[tuple[str, int]]:
    """Return what each grant pays of a month; ``used`` is what was used of each before, by month."""
    unpaid, to_pay, paid = dict(by_model), sum(by_model.values()) + other, []
    for grant in grants:
        if month not in grant.months:
            continue
        part = min(grant.usable(used, month), to_pay)
        if grant.models:
            part = min(part, sum(max(0, unpaid.get(model, 0)) for model in grant.models))
        if part <= 0:
            continue
        paid.append((grant.name, part))
        to_pay -= part
        for model in grant.models:
            here = max(0, min(part, unpaid.get(model, 0)))
            unpaid[model] = unpaid.get(model, 0) - here
            part -= here
    return paid
