"""Days and months as people say them: ``2026-10-03``, ``2026-10``, ``yesterday``, ``last-month``.

Owns these words. Does not own the clock: what day it is, in UTC, is given.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import BillingPeriod, parse_date

if TYPE_CHECKING:
    from datetime import date

DAYS = ("today", "yesterday")
MONTHS = ("this-month", "last-month")


def period_said(text: str, today: date) -> BillingPeriod:
    """Read ``this-month``, ``last-month``, or a period as ``BillingPeriod`` is written.

    ``2026-10-15`` is the month that begins on that day. Today and yesterday are days and no months: which one is meant
    would be a guess. Raises ``ConfigurationError`` for anything else.
    """
    if text in MONTHS:
        this = BillingPeriod.of(today)
        return this if text == "this-month" else this.previous()
    if text in DAYS:
        message = f"{text!r} is a day; write a month, such as 2026-10, this-month or last-month"
        raise ConfigurationError(message)
    return BillingPeriod.parse(text)


def date_said(text: str, today: date) -> date:
    """Read ``2026-10-03``, ``today`` or ``yesterday``; a month is its first day, so that ``--to 2026-11`` is half-open.

    Raises ``ConfigurationError`` for anything else.
    """
    if text in DAYS:
        return today if text == "today" else today - timedelta(days=1)
    if text in MONTHS:
        return period_said(text, today).first_date
    try:
        return BillingPeriod.parse(text).first_date
    except ConfigurationError:
        return parse_date(text)
