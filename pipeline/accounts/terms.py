"""Terms of an account, in force from a day on: rate card, discount, commitment, seats, included tokens, spend cap.

Owns what terms may say and which are in force when, and for how many days of a period. Does not own the lines they make
(``pipeline.invoicing``).

Terms begin at a midnight of the account's own time zone, so that the usage date alone decides which rate card and
discount hold. Fees, seats, commitment, included tokens and spend cap are of a whole period: those in force on its first
day hold for all of it; where terms say so, fees, seats and commitment hold day by day. A commitment by the year is one
of the contract's own years.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import groupby, pairwise
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.accounts.billing import percent
from pipeline.accounts.intervals import MONTHS_OF_A_YEAR, BillingInterval, refuse_changes_within
from pipeline.base.errors import AccountsError
from pipeline.base.money import refuse_fraction_digits
from pipeline.base.names import NAME
from pipeline.base.periods import BillingPeriod, days_between
from pipeline.usage import INT64_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

DISCOUNT_FRACTION_DIGITS_MAX = 2
OVERAGE_PERCENT_MAX = 1_000
OVERAGE_PERCENT_NONE = Decimal(100)
"""Usage beyond a commitment costs what usage within it costs."""


SEATS_MAX = 10**9


class Proration(StrEnum):
    """How much of what is owed for a period is owed where terms hold for a part of it."""

    NONE = "none"
    """What the terms of the period's first day say, for all of it."""
    DAYS = "days"
    """Each day's part of what the terms of that day say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed with an account. Construction raises ``ConfigurationError`` for what cannot be agreed."""

    from_date: date | None
    """First usage date on which they hold; None = from the beginning."""
    rate_card: str
    """The id of a rate card."""
    discount_percent: Decimal = Decimal(0)
    """Off the rate card's rates: 0 to 100, at most 2 decimal places."""
    minimum_commitment: Decimal = Decimal(0)
    """What usage and fees of a period are raised to, in the account's currency; 0 = nothing."""
    yearly_commitment: Decimal = Decimal(0)
    """What usage and fees of a year of the contract are raised to, once, with its last period; 0 = nothing."""
    overage_percent: Decimal = OVERAGE_PERCENT_NONE
    """What usage beyond the commitment costs, in percent of its own price: 0 to 1000, at most 2 decimal places."""
    included_tokens: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """Meter or model → tokens of each period that cost nothing."""
    spend_cap: Decimal | None = None
    """Usage and fees of a period above this amount make a warning, and nothing else."""
    fee_without_usage: bool = False
    """Whether the rate card's monthly fee is owed for a period in which nothing was used."""
    seats: int = 0
    """Whatever is paid for by the piece and the period, used or not."""
    seat_price: Decimal = Decimal(0)
    """Of one seat for a period, in the account's currency."""
    proration: Proration = Proration.NONE
    """Of fees, seats and commitment. The terms of any day of a period decide it for all of it."""
    billed_by: BillingInterval = field(default_factory=BillingInterval)
    """Which months are on one invoice; nothing of what they are worth depends on it."""

    @property
    def has_overage(self) -> bool:
        """Whether usage beyond a commitment costs something else than usage within it."""
        return self.overage_percent != OVERAGE_PERCENT_NONE

    def __post_init__(self) -> None:
        """Refuse what cannot be agreed."""
        percent("discount_percent", self.discount_percent, fraction_digits_max=DISCOUNT_FRACTION_DIGITS_MAX)
        _refuse_overage(self.overage_percent)
        for what, amount in (
            ("minimum_commitment", self.minimum_commitment),
            ("yearly_commitment", self.yearly_commitment),
            ("spend_cap", self.spend_cap),
            ("seat_price", self.seat_price),
        ):
            if amount is not None and not amount >= 0:
                message = f"{what} is {amount}; write an amount from 0"
                raise AccountsError(message)
        if self.minimum_commitment and self.yearly_commitment:
            message = (
                f"minimum_commitment is {self.minimum_commitment} and yearly_commitment {self.yearly_commitment}; "
                "end one of them with 0: what is raised by the month cannot be raised by the year once more"
            )
            raise AccountsError(message)
        if self.seats and not self.seat_price:
            message = (
                f"seats is {self.seats}, and they have no price; write seat_price = 20.00, or what one costs a month"
            )
            raise AccountsError(message)
        for name, tokens in self.included_tokens.items():
            if not NAME.fullmatch(name) or type(tokens) is not int or not 0 <= tokens <= INT64_MAX:
                message = (
                    f"included_tokens of {name!r} is {tokens!r}; write a meter or a model, and how many tokens of it "
                    "are included"
                )
                raise AccountsError(message)
        object.__setattr__(self, "included_tokens", MappingProxyType(dict(self.included_tokens)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsInForce:
    """Terms, and for how many days of a period they count."""

    terms: Terms
    days: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractYear:
    """Twelve months of a contract, half-open: ``[first_date, end_date)``; a commitment by the year is settled once."""

    first_date: date
    end_date: date
    settled_in: BillingPeriod
    """The last period that the contract holds in: the year's last one, or an earlier one where the contract ends."""


def year_of(period: BillingPeriod, *, begins_on: date, ends_on: date | None) -> ContractYear | None:
    """Return the year of a contract that a billing period lies in; None where the contract does not hold in it.

    ``begins_on`` is the first day of a month of the account's. A contract from 1 September 2026 is settled in August of
    each year; one that ends on 10 November 2026, in November.
    """
    passed = (period.year - begins_on.year) * MONTHS_OF_A_YEAR + period.month - begins_on.month
    if passed < 0 or (ends_on is not None and ends_on <= period.first_date):
        return None
    years = passed // MONTHS_OF_A_YEAR
    first_date, end_date = (begins_on.replace(year=begins_on.year + count) for count in (years, years + 1))
    last_date = min(end_date, ends_on or end_date) - timedelta(days=1)
    return ContractYear(first_date=first_date, end_date=end_date, settled_in=BillingPeriod.of(last_date, period.day))


def terms_in_force(
    terms: Sequence[Terms], period: BillingPeriod | ContractYear, *, begins_on: date | None, ends_on: date | None
) -> tuple[TermsInForce, ...]:
    """Return the terms by which a period's fees, seats and commitment are owed, in the order of time.

    ``begins_on`` is the first day of the contract, ``ends_on`` the first that is no longer one. Without proration the
    terms of the period's first day count for all its days, and none where the contract does not hold on it. With it,
    terms from 16 to 31 October count for 16 days.
    """
    days_of_period = (period.end_date - period.first_date).days
    changes = (begins_on, ends_on, *(each.from_date for each in terms))
    if not any(change is not None and period.first_date < change < period.end_date for change in changes):
        holds = (begins_on is None or begins_on <= period.first_date) and (
            ends_on is None or period.first_date < ends_on
        )
        return (TermsInForce(terms=terms_on(terms, period.first_date), days=days_of_period),) if holds else ()
    by_day = [
        terms_on(terms, day)
        for day in days_between(period.first_date, period.end_date)
        if (begins_on is None or begins_on <= day) and (ends_on is None or day < ends_on)
    ]
    if any(each.proration is Proration.DAYS for each in by_day):
        runs = [(same, len(list(days))) for same, days in groupby(by_day)]
        return tuple(TermsInForce(terms=same, days=days) for same, days in runs)
    if (begins_on is not None and begins_on > period.first_date) or not by_day:
        return ()
    return (TermsInForce(terms=by_day[0], days=days_of_period),)


def terms_on(terms: Sequence[Terms], usage_date: date) -> Terms:
    """Return the terms in force on a usage date.

    The first of ``terms`` hold from the beginning, the others follow in the order of time.
    """
    in_force = terms[0]
    for later in terms[1:]:
        if later.from_date is not None and later.from_date <= usage_date:
            in_force = later
    return in_force


def _refuse_overage(overage_percent: Decimal) -> None:
    if not overage_percent.is_finite() or not 0 <= overage_percent <= OVERAGE_PERCENT_MAX:
        message = (
            f"overage_percent is {overage_percent}; write what usage beyond the commitment costs in percent of its "
            f"price, from 0 to {OVERAGE_PERCENT_MAX}: 120 is a fifth more, 90 a tenth less"
        )
        raise AccountsError(message)
    refuse_fraction_digits("overage_percent", overage_percent, DISCOUNT_FRACTION_DIGITS_MAX)


def refuse_disorder(account_id: str, terms: Sequence[Terms], month_day: int = 1) -> None:
    """Raise ``AccountsError`` where terms do not follow each other in time: a day may have one set of terms only."""
    if terms[0].from_date is not None or any(each.from_date is None for each in terms[1:]):
        message = f"terms of account {account_id!r}: only the first hold from the beginning, all others need a date"
        raise AccountsError(message)
    for earlier, later in pairwise(terms[1:]):
        if earlier.from_date is not None and later.from_date is not None and earlier.from_date >= later.from_date:
            message = (
                f"terms of account {account_id!r} from {later.from_date} stand after those from {earlier.from_date}; "
                "write them in the order of time, one a day"
            )
            raise AccountsError(message)
    refuse_changes_within(account_id, [(each.from_date, each.billed_by) for each in terms], month_day)
