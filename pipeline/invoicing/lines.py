"""What an invoice line is, of which kinds, and in which order lines stand.

Does not own how any kind is computed: ``worth``, ``corrections``, ``credits`` and ``tax`` do.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, normalised, rounded_to_minor_unit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import ExchangeRate, TaxCategory
    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.usage import Meter


class LineKind(StrEnum):
    """What a line is for, in the order in which an invoice lists them."""

    USAGE = "usage"
    INCLUDED = "included"
    """Tokens of usage lines that the account's terms include: taken off again."""
    LIMIT = "limit"
    """What a minimum of the rate card adds to the usage of one of its entries, or a maximum takes off."""
    FEE = "fee"
    """What is charged once for a period, whatever was used: the rate card's monthly fee, and seats."""
    COMMITMENT = "commitment"
    """What usage and fees of the period lack to the minimum commitment."""
    OVERAGE = "overage"
    """What usage beyond a commitment costs more, or less, than the usage lines say."""
    ITEM = "item"
    """What is charged once and for all: a one-off item of the account."""
    COUPON = "coupon"
    """What a coupon takes off all that the period is worth."""
    CORRECTION = "correction"
    """What an earlier period is worth now, minus what was invoiced for it so far."""
    CREDIT = "credit"
    """What a prepaid grant pays."""
    REDUCTION = "reduction"
    """What a credit note takes off a line of the invoice that it credits in part; the period is worth what it was."""
    TAX = "tax"
    """On the sum of all other lines."""


PERIOD_KINDS = (
    LineKind.USAGE,
    LineKind.INCLUDED,
    LineKind.LIMIT,
    LineKind.FEE,
    LineKind.COMMITMENT,
    LineKind.OVERAGE,
    LineKind.ITEM,
    LineKind.COUPON,
)
"""What a period is worth: all that follows from its usage and the terms, and that corrections keep right afterwards."""
USED_KINDS = (LineKind.USAGE, LineKind.INCLUDED, LineKind.LIMIT)
"""What usage costs: less what is included, and in its limits."""
SPENT_KINDS = (*USED_KINDS, LineKind.FEE)
"""What counts towards a minimum commitment: usage and fees."""
CAPPED_KINDS = (*SPENT_KINDS, LineKind.OVERAGE)
"""What counts towards a spend cap: what counts towards a commitment, and what is beyond it at its price."""
TOKEN_KINDS = (LineKind.USAGE, LineKind.INCLUDED)
"""Kinds whose lines state a meter, a quantity and a rate."""
_SETTLING_KINDS = (LineKind.CORRECTION, LineKind.REDUCTION)
"""Kinds whose lines are about other lines, and say of which kind these are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """One printed line.

    A usage line is the tokens of one key, model, service tier, meter, rate, package size and limited entry, or the flat
    amounts of the tiers that they reached; at one rate of exchange, where the price is in another currency.

    Numerically equal rates share a line, whenever they held.

    A line that is not about tokens has no meter and no rate, and its quantity is 0. Construction raises ``ValueError``
    for what contradicts its kind.
    """

    number: int
    """From 1, in the order of the invoice."""
    kind: LineKind
    api_key_id: str = ""
    model: str = ""
    service_tier: str = ""
    meter: Meter | None = None
    quantity: int = 0
    """Tokens, or requests on the meter ``request``; of a correction or a credit note the difference, which may be
    negative.
    """
    rate_per_million: Decimal | None = None
    first_usage_date: date | None = None
    exact_amount: Decimal
    """The sum of the exact charges."""
    amount: Decimal
    """``exact_amount`` rounded once, to the currency's minor unit."""
    description: str
    list_rate_per_million: Decimal | None = None
    """The rate before discounts, or on the card that the account's card extends; None where there is none."""
    package_tokens: int | None = None
    """Size of the packages that were charged; None where every token was."""
    flat_amount: Decimal | None = None
    """Of one tier, where the line is of tiers that were reached: then its quantity and its rate are 0."""
    exchange: ExchangeRate | None = None
    """Of a price in another currency than the invoice's: the rate by which it was converted."""
    entry: str = ""
    """What the line counts towards, where an entry of the card has a minimum or a maximum (``pipeline.rates.limits``).
    """
    item: str = ""
    """Of a one-off item or a coupon, its id; of a yearly commitment, ``year``; of seats, ``seats``.

    It is what a correction names.
    """
    period: BillingPeriod | None = None
    """On an invoice of several months, the month that the line is of; None where that is the invoice's own period, of
    corrections, and of tax, which is on all months together.
    """
    original_period: BillingPeriod | None = None
    """Of a correction: the period that it corrects. Of a reduction of such a line, likewise."""
    original_kind: LineKind | None = None
    """Of a correction: the kind of the lines that it corrects; those of included tokens belong to usage.

    Of a reduction: the kind of the line that it is taken off.
    """
    taxed_as: LineKind | None = None
    """Of a coupon's part, where kinds of lines have taxes of their own: the kind whose tax it has
    (``pipeline.accounts.billing.Tax.kind_taxed_like``).

    Of its correction, and of a reduction of that, likewise.
    """
    credits_line: int | None = None
    """Of a reduction: the number of the invoice's line that it is taken off."""
    credit_id: str = ""
    """Of a credit line: the grant that pays."""
    tags: str = ""
    """Of the key, as one cell: ``project=x;team=search``."""
    account_id: str = ""
    """Of a child account, on its parent's invoice; empty = of the invoiced account, as taxes and its credits are."""
    tax_category: TaxCategory | None = None
    """Of a tax line: what it charges, at ``tax_rate`` percent of ``tax_base``; None in older documents.

    ``Invoice.tax_of_line`` says it of other lines.
    """
    tax_rate: Decimal | None = None
    tax_base: Decimal | None = None
    """The sum of the printed lines that it is on, less its share of the credits."""

    def __post_init__(self) -> None:
        """Refuse a line that contradicts its kind."""
        if self.kind in TOKEN_KINDS and (
            self.meter is None or self.rate_per_million is None or self.first_usage_date is None
        ):
            message = f"line {self.number} is a {self.kind} line and lacks its meter, rate or first usage date"
            raise ValueError(message)
        if self.kind not in TOKEN_KINDS and (
            self.rate_per_million is not None or (self.meter is not None and self.kind not in _SETTLING_KINDS)
        ):
            message = (
                f"line {self.number} is a {self.kind} line and cannot have the meter {self.meter} or the rate "
                f"{self.rate_per_million}"
            )
            raise ValueError(message)
        may_correct = {self.kind is LineKind.CORRECTION, self.kind in _SETTLING_KINDS}
        if (self.original_period is not None) not in may_correct or (self.original_kind is not None) != (
            self.kind in _SETTLING_KINDS
        ):
            message = (
                f"line {self.number} is a {self.kind} line and says that it corrects {self.original_kind} of "
                f"{self.original_period}"
            )
            raise ValueError(message)
        if self.taxed_as is not None and LineKind.COUPON not in (self.kind, self.original_kind):
            message = f"line {self.number} is a {self.kind} line and cannot be taxed as {self.taxed_as}"
            raise ValueError(message)
        if (self.kind is LineKind.REDUCTION) != (self.credits_line is not None):
            message = f"line {self.number} is a {self.kind} line and is taken off line {self.credits_line}"
            raise ValueError(message)
        if (self.kind is LineKind.CREDIT) != bool(self.credit_id):
            message = f"line {self.number} is a {self.kind} line and names the credit {self.credit_id!r}"
            raise ValueError(message)
        stated = {self.tax_category is not None, self.tax_rate is not None, self.tax_base is not None}
        if stated != {False} and (stated != {True} or self.kind is not LineKind.TAX):
            message = f"line {self.number} is a {self.kind} line and states a part of a tax of its own"
            raise ValueError(message)


def plain_line(
    kind: LineKind, exact_amount: Decimal, description: str, *, currency: str, rounding: Rounding, credit_id: str = ""
) -> InvoiceLine:
    """Return a line that is about no tokens, not numbered yet."""
    exact = normalised(exact_amount)
    amount = rounded_to_minor_unit(exact, currency, rounding)
    return InvoiceLine(
        number=0, kind=kind, exact_amount=exact, amount=amount, description=description, credit_id=credit_id
    )


def part_text(taxed_as: LineKind | None) -> str:
    """Return what follows the text of a part that is taxed as lines of a kind: ``, part taxed as fee``."""
    return f", part taxed as {taxed_as}" if taxed_as else ""


def numbered(lines: Iterable[InvoiceLine]) -> tuple[InvoiceLine, ...]:
    """Give lines their numbers, from 1, in the order given."""
    return tuple(
        line if line.number == number else replace(line, number=number) for number, line in enumerate(lines, start=1)
    )


def negated(line: InvoiceLine) -> InvoiceLine:
    """Return the line that takes another one back."""
    return replace(
        line,
        quantity=-line.quantity,
        exact_amount=normalised(-line.exact_amount),
        amount=_minus(line.amount),
        tax_base=None if line.tax_base is None else _minus(line.tax_base),
    )


def total_of(lines: Iterable[InvoiceLine], *kinds: LineKind) -> Decimal:
    """Add the printed amounts of the lines, of these kinds only where any is named."""
    return exact_sum(line.amount for line in lines if not kinds or line.kind in kinds)


def _minus(amount: Decimal) -> Decimal:
    """Change the sign and keep the decimal places; zero has no sign."""
    return amount.copy_negate() if amount else amount.copy_abs()


def is_of_usage(line: InvoiceLine) -> bool:
    """Say whether usage events are behind a line; every other kind is computed from lines and terms."""
    return line.kind.value == "usage"


def meter_and_rate(line: InvoiceLine) -> tuple[Meter, Decimal]:
    """Return what every usage line has. Raises ``ValueError`` for a line of another kind."""
    if line.meter is None or line.rate_per_million is None:
        message = f"line {line.number} is a {line.kind} line and has no meter or no rate"
        raise ValueError(message)
    return line.meter, line.rate_per_million
