"""What a period will come to: what is spent, and what the days that are left will probably cost, with an interval.

The method is plain. Of three estimates (``estimates``) the one is taken that was nearest in the last eighteen weeks,
had it been asked then for as many days as are left now; the first of them where another one was hardly nearer. The same
trials, the estimate as of each of these days beside what the days after it cost, give the rest. Where nine of ten of
them erred to the same side, as they do while usage grows, the estimate is multiplied by their median ratio. And the
fifth and the ninety-fifth percentile of the ratios bound the interval; trials overlap, and so about eight of ten
periods end within it, not nine. While there are few trials, the interval is as wide as the days' own scatter makes it.

Owns the choice and the interval; ``benchmarks/books/forecasts.py`` holds both against plainer ones. Does not own what
is spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from math import sqrt
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, minor_unit_digits, normalised
from pipeline.base.periods import days_between
from pipeline.budgets.estimates import PAST_DAYS, Basis, expected_days

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from pipeline.base.periods import BillingPeriod

PAST_DAYS_MIN = 3
"""Of fewer complete days nothing is estimated."""
TRIED_DAYS = 126
"""How many days back estimates are tried."""
_CHOSEN_STEP = 3
"""How many days lie between two of the trials by which an estimate is chosen."""
_CHOSEN_MIN = 4
_NEARER = 0.9
"""How much nearer another estimate must have been."""
_FIRST_TRIED = 28
"""How many days must be known where an estimate is tried."""
_TRIALS_MIN = 12
"""Of fewer trials no percentile is taken."""
_TRIALS_ENOUGH = 63
"""Of fewer trials the interval is as wide as the days' own scatter makes it, at least."""
_TAIL = 0.05
_SAME_SIDE = 0.1
_SCATTERS = 2.0
"""How many standard deviations: more than a normal distribution needs, since days are not independent of each other."""
_SCATTER_DAYS = 28
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """What a period will probably come to, in currency units, rounded to the minor unit but for what is spent.

    ``low <= mid <= high``; eight periods of ten are meant to end within them.
    """

    low: Decimal
    mid: Decimal
    high: Decimal
    basis: Basis | None = None
    """What the estimate is made of; None where no day is left."""


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
    days = (period.end_date - complete_before).days
    basis = _nearest(past, complete_before, days)
    bounds = _bounds(basis, past, complete_before, days)
    expected = expected_days(basis, past, complete_before, period.end_date)[-len(left) :]
    known = [float(spent_by_date.get(day, Decimal(0))) for day in left]
    low, mid, high = (
        sum(max(0.0, each * bound - so_far) for each, so_far in zip(expected, known, strict=True)) for bound in bounds
    )
    digits = minor_unit_digits(currency)
    mids = _rounded(mid, digits)
    return Forecast(
        low=normalised(exact_sum([spent, min(_rounded(low, digits), mids)])),
        mid=normalised(exact_sum([spent, mids])),
        high=normalised(exact_sum([spent, max(_rounded(high, digits), mids)])),
        basis=basis,
    )


def past_days(spent_by_date: Mapping[date, Decimal], complete_before: date) -> list[float]:
    """Return what each complete day cost, from the first with any usage on; as many as are looked at."""
    used = [day for day, amount in spent_by_date.items() if amount and day < complete_before]
    if not used:
        return []
    first = max(min(used), complete_before - timedelta(days=TRIED_DAYS + PAST_DAYS))
    return [float(spent_by_date.get(day, Decimal(0))) for day in days_between(first, complete_before)]


def _nearest(past: Sequence[float], complete_before: date, days: int) -> Basis:
    """Return the estimate that was nearest, of those that could be tried for as many days, or as many as there were."""
    least, nearest = None, Basis.FOUR_WEEKS
    for basis in Basis:
        trials = list(_trials(basis, past, complete_before, days, step=_CHOSEN_STEP))
        if len(trials) < _CHOSEN_MIN:
            break
        error = sum(abs(cost - expected) for cost, expected in trials)
        if least is None or error < least * _NEARER:
            least, nearest = error, basis
    return nearest


def _bounds(basis: Basis, past: Sequence[float], complete_before: date, days: int) -> tuple[float, float, float]:
    """Return by what an estimate is multiplied: at the lower end of the interval, within it, and at its upper end."""
    trials = _trials(basis, past, complete_before, days, step=1)
    ratios = sorted(cost / expected for cost, expected in trials if expected > 0)
    width = _width(past[-_SCATTER_DAYS:], days) if len(ratios) < _TRIALS_ENOUGH else 0.0
    if len(ratios) < _TRIALS_MIN:
        return max(0.0, 1 - width), 1.0, 1 + width
    is_one_sided = _percentile(ratios, _SAME_SIDE) > 1 or _percentile(ratios, 1 - _SAME_SIDE) < 1
    middle = _percentile(ratios, 0.5) if is_one_sided else 1.0
    low, high = (_percentile(ratios, each) for each in (_TAIL, 1 - _TAIL))
    return max(0.0, min(middle - width, low)), middle, max(middle + width, high)


def _width(recent: Sequence[float], days: int) -> float:
    """Return how far the mean of some days to come may be from that of these, as a part of it."""
    mean = sum(recent) / len(recent)
    if mean <= 0:
        return 0.0
    scatter = sqrt(sum((each - mean) ** 2 for each in recent) / max(1, len(recent) - 1))
    return _SCATTERS * scatter / mean * sqrt(1 / days + 1 / len(recent))


def _trials(
    basis: Basis, past: Sequence[float], complete_before: date, days: int, *, step: int
) -> Iterator[tuple[float, float]]:
    """Yield what some days in a row of the past cost, and what had been expected of them, the latest last.

    As many days as are asked for, or as many as leave enough trials.
    """
    days = max(1, min(days, len(past) - _FIRST_TRIED - _TRIALS_MIN))
    last = len(past) - days
    for until in range(last - max(0, min(TRIED_DAYS, last - _FIRST_TRIED)) // step * step, last + 1, step):
        as_of = complete_before - timedelta(days=len(past) - until)
        before = past[max(0, until - PAST_DAYS) : until]
        yield sum(past[until : until + days]), sum(expected_days(basis, before, as_of, as_of + timedelta(days=days)))


def _percentile(ordered: Sequence[float], part: float) -> float:
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def _rounded(estimate: float, digits: int) -> Decimal:
    """Return an estimate in currency units, rounded to the minor unit."""
    return Decimal(f"{estimate:.{digits}f}")
