"""Rates of exchange by day: what an account pays in its own currency for a price in another.

Owns which day's rate holds for a day of usage, and how old it may be. Does not own the files of rates
(``pipeline.configuration.exchange_files``) nor the multiplication (``pipeline.rating``).

A rate is data, never derived from two others; the one exception is a table that is written the other way round, whose
rates are turned around and rounded once, before anything is converted.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import decimal_from_plain, exact_arithmetic, normalised, plain
from pipeline.base.periods import BillingPeriod, parse_date

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

FRACTION_DIGITS_MAX = 8
"""Of a rate: with the 4 of a price and the 4 of a discount they are what a charge keeps."""
RATE_LIMIT = Decimal(10**6)
TURNED_MAX = Decimal(1000)
"""A greater rate would lose too many of its digits where it is turned around."""
DAYS_MAX = 31
_DAY = timedelta(days=1)


class ExchangeDay(StrEnum):
    """Whose day's rate holds for usage."""

    USAGE = "usage"
    """That of the usage date."""
    MONTH_END = "month-end"
    """That of the last day of the billing period, for all of it."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ExchangeRate:
    """What one unit of a price's currency is in the account's, as published for a date."""

    currency: str
    """Of the price."""
    rate: Decimal
    on: date

    def __str__(self) -> str:
        """Write ``USD 0.92 2026-10-30``."""
        return f"{self.currency} {plain(self.rate)} {self.on}"

    def converted(self, amount: Decimal) -> Decimal:
        """Return an amount or a price in the account's currency, with every digit.

        2.00 at 0.9135 are 1.827. Raises ``InexactAmount`` rather than lose a digit.
        """
        with exact_arithmetic():
            return amount * self.rate

    def before(self, converted: Decimal) -> Decimal:
        """Return what was multiplied by the rate to give an amount: with every digit, as it was multiplied exactly."""
        with exact_arithmetic():
            return normalised(converted / self.rate)

    @classmethod
    def parse(cls, text: str) -> ExchangeRate:
        """Read what ``str`` writes. Raises ``ValueError``, ``InexactAmount`` or ``ConfigurationError`` for others."""
        currency, rate, on = text.split(" ")
        return cls(currency=currency, rate=decimal_from_plain(rate), on=parse_date(on))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeTable:
    """Rates of one currency in another by the date for which they were published, in the order of time."""

    file: str
    """As a person would name it: ``exchange/USD-EUR.csv``."""
    dates: tuple[date, ...]
    rates: tuple[Decimal, ...]

    def latest(self, day: date) -> tuple[date, Decimal] | None:
        """Return the last rate published for a day or one before it, or None."""
        place = bisect_right(self.dates, day)
        return (self.dates[place - 1], self.rates[place - 1]) if place else None

    def turned(self) -> ExchangeTable:
        """Return the rates the other way round: 1 EUR = 1.0865 USD is 1 USD = 0.92038656 EUR.

        Rounded half to even to ``FRACTION_DIGITS_MAX`` decimal places. Raises ``ConfigurationError`` for a rate above
        ``TURNED_MAX``.
        """
        for on, rate in zip(self.dates, self.rates, strict=True):
            if rate > TURNED_MAX:
                message = (
                    f"{self.file}: the rate of {on} is {plain(rate)}, too great to be turned around; "
                    "write a file of the other direction"
                )
                raise ConfigurationError(message)
        return ExchangeTable(file=self.file, dates=self.dates, rates=tuple(map(_rounded_inverse, self.rates)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """How an account pays prices in other currencies than its own."""

    currency: str
    """The account's."""
    tables: Mapping[str, ExchangeTable] = field(default_factory=lambda: MappingProxyType({}), compare=False, repr=False)
    """By the currency of the price."""
    day: ExchangeDay = ExchangeDay.USAGE
    days_max: int = 0
    """How many days old a rate may be: for weekends and holidays, of which no rate is published."""
    month_day: int = 1
    """With which day the account's months begin."""

    def rate_of(self, currency: str, usage_date: date) -> ExchangeRate | None:
        """Return the rate by which a price is paid for usage of a date; None where there is none.

        Where the last day of a period decides and the table has not come to it yet, the last rate that it has holds for
        the time being (``is_provisional``).
        """
        day, table = self.deciding_day(usage_date), self.tables[currency]
        found = table.latest(day)
        if found is None:
            return None
        is_too_old = (day - found[0]).days > self.days_max
        is_awaited = self.day is ExchangeDay.MONTH_END and found[0] == table.dates[-1]
        if is_too_old and not is_awaited:
            return None
        return ExchangeRate(currency=currency, rate=found[1], on=found[0])

    def is_provisional(self, rate: ExchangeRate, usage_date: date) -> bool:
        """Say whether a rate holds only until that of the period's last day is there."""
        return (self.deciding_day(usage_date) - rate.on).days > self.days_max

    def deciding_day(self, usage_date: date) -> date:
        """Return the day whose rate holds for usage of a date."""
        if self.day is ExchangeDay.USAGE:
            return usage_date
        return BillingPeriod.of(usage_date, self.month_day).end_date - _DAY

    def missing_text(self, currency: str, usage_date: date) -> str:
        """Say which rate is missing, and what to do."""
        days = "day" if self.days_max == 1 else f"{self.days_max} days"
        or_before = f" nor of the {days} before" if self.days_max else ""
        return (
            f"{self.tables[currency].file} has no rate of {self.deciding_day(usage_date)}{or_before}; add it, or let "
            "exchange = { days_max = … } in accounts.toml say how old a rate may be"
        )


def _rounded_inverse(rate: Decimal) -> Decimal:
    scaled = round(Fraction(10**FRACTION_DIGITS_MAX) / Fraction(rate))
    return normalised(Decimal(scaled).scaleb(-FRACTION_DIGITS_MAX))
