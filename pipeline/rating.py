"""Rating: token quantities x rates → charges, exactly.

Owns the one multiplication of the whole product and the rule that usage without a rate is unpriced. Does not own which
rates exist (``pipeline.rates``), where quantities come from (``pipeline.warehouse`` sums them) nor any rounding
(``pipeline.invoicing`` rounds a line, once). Plain and obvious on purpose: whatever is faster is compared with this.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.errors import RateNotFound
from pipeline.money import exact_arithmetic

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from pipeline.rates import RateCard
    from pipeline.usage import Meter

TOKENS_PER_RATE = Decimal(1_000_000)
"""Rates are per million tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuantity:
    """Tokens of one account, key, model, service tier, meter and usage date that fall into one effective period of the rate card."""

    account_id: str
    api_key_id: str
    model: str
    """The rate card's name of the model, or the reported name where the card does not know it."""
    service_tier: str
    """Empty where none was stated."""
    meter: Meter
    usage_date: date
    """In the account's time zone."""
    rated_at: datetime | None
    """Any instant of the effective period in which the tokens were used; None = no rate was in force when they were used."""
    quantity: int
    """Tokens."""

    def __post_init__(self) -> None:
        """Refuse a count that is no count."""
        if type(self.quantity) is not int or self.quantity < 0:
            message = f"quantity is {self.quantity!r}; tokens are counted in whole numbers from 0"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a quantity costs: ``amount`` is exact, quantity x rate ÷ 1,000,000 with every digit."""

    account_id: str
    api_key_id: str
    model: str
    service_tier: str
    meter: Meter
    usage_date: date
    quantity: int
    rate_per_million: Decimal
    currency: str
    amount: Decimal
    list_rate_per_million: Decimal | None = None
    """The rate before the account's discount; None where there is no discount."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedUsage:
    """A quantity without a rate in force: listed with its tokens, blocks issuing, never zero."""

    usage: UsageQuantity
    reason: str
    """Which rate is missing, and where to add it."""


def rate_usage(usage: Iterable[UsageQuantity], rate_card: RateCard) -> tuple[list[Charge], list[UnpricedUsage]]:
    """Rate quantities by one rate card; every quantity comes back exactly once, as a charge or as unpriced, in the order given.

    4,321 tokens at 2.50 USD per million are a charge of 0.0108025 USD. Raises ``InexactAmount`` rather than lose a digit.
    """
    charges: list[Charge] = []
    unpriced: list[UnpricedUsage] = []
    for row in usage:
        try:
            rate_per_million = _rate_in_force(row, rate_card)
        except RateNotFound as missing:
            unpriced.append(UnpricedUsage(usage=row, reason=str(missing)))
            continue
        charges.append(
            Charge(
                account_id=row.account_id,
                api_key_id=row.api_key_id,
                model=row.model,
                service_tier=row.service_tier,
                meter=row.meter,
                usage_date=row.usage_date,
                quantity=row.quantity,
                rate_per_million=rate_per_million,
                currency=rate_card.currency,
                amount=exact_charge(row.quantity, rate_per_million),
            )
        )
    return charges, unpriced


def exact_charge(quantity: int, rate_per_million: Decimal) -> Decimal:
    """Return quantity x rate ÷ 1,000,000 with every digit. Raises ``InexactAmount`` rather than lose one."""
    with exact_arithmetic():
        return Decimal(quantity) * rate_per_million / TOKENS_PER_RATE


def discounted(charge: Charge, discount_percent: Decimal) -> Charge:
    """Return the charge at the rate less a discount, exactly, with the list rate beside it: 2.00 less 12.5 percent is 1.75.

    Without a discount it is the same charge. Raises ``InexactAmount`` rather than lose a digit.
    """
    if not discount_percent:
        return charge
    list_rate = charge.rate_per_million if charge.list_rate_per_million is None else charge.list_rate_per_million
    with exact_arithmetic():
        kept = 1 - discount_percent / 100
        rate, amount = charge.rate_per_million * kept, charge.amount * kept
    return replace(charge, rate_per_million=rate, amount=amount, list_rate_per_million=list_rate)


def _rate_in_force(row: UsageQuantity, rate_card: RateCard) -> Decimal:
    if row.rated_at is not None:
        return rate_card.rate_per_million(row.model, row.meter, row.rated_at)
    message = f"rate card {rate_card.id!r} has no {row.meter} rate for model {row.model!r} on {row.usage_date}; add one to rates/{rate_card.id}.toml"
    raise RateNotFound(message)
