"""Which days a report is of, and which it compares: a period that is not over is compared by the days that are.

Owns these days. Does not own what a period is (``pipeline.base.periods``) nor the clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.periods import time_zone, usage_date
from pipeline.jobs.answers.grouped.selection import Span

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date, datetime

    from pipeline.base.periods import BillingPeriod

MONTHS_BACK = 12
"""So many months a report looks back to, its own among them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDays:
    """The usage dates that a report is about."""

    span: Span
    """All of its period."""
    previous: Span
    """As many months before it, or days where it is of no whole months."""
    compared: Span | None
    """Those of ``span`` that are over in every time zone; None where no day is."""
    compared_with: Span | None
    """As many days of ``previous``, from its first on; all of it where the period is over, or where it is shorter."""
    is_over: bool
    latest: date
    """The latest of the days that it is now: later ones have come nowhere."""


def report_days(period: BillingPeriod, now: datetime, timezones: Collection[str]) -> ReportDays:
    """Return the days of a report at an instant: on the 12th of a month, its days 1 to 11 beside those before."""
    span = Span.of(period)
    previous = span.previous()
    todays = [usage_date(now, time_zone(name)) for name in timezones]
    today, latest = min(todays), max(todays)
    if today >= period.end_date:
        return ReportDays(
            span=span, previous=previous, compared=span, compared_with=previous, is_over=True, latest=latest
        )
    if today <= period.first_date:
        return ReportDays(span=span, previous=previous, compared=None, compared_with=None, is_over=False, latest=latest)
    first, end = _bounds(previous)
    return ReportDays(
        span=span,
        previous=previous,
        compared=Span(from_date=period.first_date, to_date=today),
        compared_with=Span(from_date=first, to_date=min(end, first + (today - period.first_date))),
        is_over=False,
        latest=latest,
    )


def months_back(period: BillingPeriod, first_date: date) -> list[BillingPeriod]:
    """Return the months that a report looks back to, the oldest first: none before the first day of usage."""
    months = [period.last]
    while len(months) < max(MONTHS_BACK, period.count) and months[-1].first_date > first_date:
        months.append(months[-1].previous())
    return months[::-1]


def _bounds(span: Span) -> tuple[date, date]:
    if span.from_date is None or span.to_date is None:
        message = f"a report is of days that begin and end, not of {span.text()}"
        raise ValueError(message)
    return span.from_date, span.to_date
