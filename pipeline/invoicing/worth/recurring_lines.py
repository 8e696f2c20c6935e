"""What is owed for a period whatever was used of it: the monthly fee, seats, and how much was committed.

Owns these amounts, and each day's part of them. Does not own which terms count, nor for how many days
(``pipeline.accounts.terms``), nor in which periods anything is owed without usage (``pipeline.invoicing.book``).

A part of a period is an exact fraction, and is rounded once, to what is printed: 99.00 for 16 of 31 days are 1584 ÷ 31,
printed 51.10. What costs the same on all days is one line and no fraction, however often terms change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, TypeVar

from pipeline.base.money import (
    exact_arithmetic,
    exact_sum,
    fraction_rounded_to_minor_unit,
    plain,
    rounded_to_minor_unit,
)
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing.lines import LineKind, plain_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from pipeline.accounts import ContractYear, TermsInForce
    from pipeline.base.money import Rounding
    from pipeline.invoicing.lines import InvoiceLine

_Key = TypeVar("_Key")
SEATS = "seats"
"""What a correction of seats names."""
YEAR = "year"
"""What a correction of a yearly commitment names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YearSoFar:
    """A year of a contract, and what was spent in it before a period."""

    year: ContractYear
    spent_before: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Commitment:
    """What usage and fees of a period are raised to, and how that comes about: ``16 of 31 days of 100.00``."""

    amount: Decimal
    days_text: str = ""


def fee_lines(
    in_force: Sequence[TermsInForce],
    card_fees: Mapping[str, Decimal],
    period: BillingPeriod,
    *,
    currency: str,
    rounding: Rounding,
) -> list[InvoiceLine]:
    """Charge the monthly fee of the rate cards that terms name, each for its days; none where a card has none."""
    days = _days_by((card_fees.get(each.terms.rate_card), each.days) for each in in_force)
    return [
        _line(fee, count, f"monthly fee for {period}", period, currency=currency, rounding=rounding)
        for fee, count in days.items()
        if fee is not None
    ]


def seat_lines(
    in_force: Sequence[TermsInForce], period: BillingPeriod, *, currency: str, rounding: Rounding
) -> list[InvoiceLine]:
    """Charge the seats of terms at their price, each number of them for its days: 5 seats at 20.00 are 100.00."""
    days = _days_by(((each.terms.seats, each.terms.seat_price), each.days) for each in in_force)
    lines = []
    for (seats, price), count in days.items():
        if seats:
            with exact_arithmetic():
                amount = seats * price
            each_costs = plain(rounded_to_minor_unit(price, currency, rounding))
            what = f"{seats} {'seat' if seats == 1 else 'seats'} at {each_costs} {currency} for {period}"
            line = _line(amount, count, what, period, currency=currency, rounding=rounding)
            lines.append(replace(line, item=SEATS))
    return lines


def commitment_of(
    in_force: Sequence[TermsInForce], period: BillingPeriod | ContractYear, *, currency: str, rounding: Rounding
) -> Commitment:
    """Return the minimum commitment of a period, or the yearly one of a year: each day's part, rounded once."""
    is_monthly = isinstance(period, BillingPeriod)
    days = _days_by(
        (each.terms.minimum_commitment if is_monthly else each.terms.yearly_commitment, each.days) for each in in_force
    )
    amounts = {amount: count for amount, count in days.items() if amount}
    if list(amounts.values()) in ([], [_days(period)]):
        return Commitment(amount=exact_sum(amounts))
    share = sum((Fraction(amount) * count for amount, count in amounts.items()), Fraction(0)) / _days(period)
    parts = [
        f"{count} of {_days(period)} days of {plain(rounded_to_minor_unit(amount, currency, rounding))}"
        for amount, count in amounts.items()
    ]
    amount = fraction_rounded_to_minor_unit(share, currency, rounding)
    return Commitment(amount=amount, days_text=", ".join(parts))


def _line(
    amount: Decimal, days: int, what: str, period: BillingPeriod, *, currency: str, rounding: Rounding
) -> InvoiceLine:
    if days == _days(period):
        return plain_line(LineKind.FEE, amount, what, currency=currency, rounding=rounding)
    part = fraction_rounded_to_minor_unit(Fraction(amount) * days / _days(period), currency, rounding)
    description = f"{what}, {days} of {_days(period)} days"
    return plain_line(LineKind.FEE, part, description, currency=currency, rounding=rounding)


def _days_by(amounts: Iterable[tuple[_Key, int]]) -> dict[_Key, int]:
    """Add the days of equal amounts, in the order in which each begins."""
    found: dict[_Key, int] = {}
    for amount, days in amounts:
        found[amount] = found.get(amount, 0) + days
    return found


def _days(period: BillingPeriod | ContractYear) -> int:
    return (period.end_date - period.first_date).days
