"""Where two price lists differ at an instant: model, service tier, prompt size and meter, with both prices.

Owns what is compared and how a price is written in a line. Does not own which rate is in force (``pipeline.rates``).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from pipeline.base.money import exact_arithmetic, plain_rate
from pipeline.rates import GraduatedPrice, PackagePrice
from pipeline.rates.prices import PER_MILLION
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from pipeline.rates import Price, Rate, RateCard


class PriceDifference(NamedTuple):
    """One meter that does not cost the same; an empty price is none."""

    model: str
    service_tier: str
    above_prompt_tokens: int
    meter: str
    price: str
    other_price: str


def diff_cards(card: RateCard, other: RateCard, at: datetime) -> list[PriceDifference]:
    """Compare what two cards charge at an instant, and their monthly fees."""
    rates = [[rate for rate in each.rates if rate.is_in_force(at)] for each in (card, other)]
    fees = [plain_rate(each.monthly_fee) if each.monthly_fee is not None else "" for each in (card, other)]
    fee = [PriceDifference("", "", 0, "monthly_fee", *fees)] if fees[0] != fees[1] else []
    return [*diff_rates(*rates), *fee]


def diff_rates(rates: Iterable[Rate], others: Iterable[Rate]) -> list[PriceDifference]:
    """Compare rates scope by scope, on the meters that either prices, at what is billed.

    Cached tokens without a price cost what prompt tokens cost.
    """
    sides = [
        {(rate.model, rate.service_tier, rate.above_prompt_tokens): rate for rate in side} for side in (rates, others)
    ]
    found = []
    for scope in sorted({*sides[0], *sides[1]}):
        both = [rate for side in sides if (rate := side.get(scope)) is not None]
        for meter in (meter for meter in Meter if any(meter in rate.per_million for rate in both)):
            prices = [_text(side.get(scope), meter) for side in sides]
            if prices[0] != prices[1]:
                found.append(PriceDifference(*scope, meter.value, *prices))
        for name in ("minimum", "maximum"):
            amounts = [getattr(side.get(scope), name, None) for side in sides]
            if amounts[0] != amounts[1]:
                texts = ["" if amount is None else plain_rate(amount) for amount in amounts]
                found.append(PriceDifference(*scope, name, *texts))
    return found


def price_text(price: Price | None, meter: Meter) -> str:
    """Write a price in one line: per million tokens, per request, or by its shape."""
    if price is None:
        return ""
    if isinstance(price, Decimal):
        return _rate_text(price, meter)
    group = f" of group {price.group}" if price.group else ""
    if isinstance(price, PackagePrice):
        return f"{plain_rate(price.price)} per package of {price.tokens}{group}"
    steps = ", ".join(
        (f"{plain_rate(tier.flat)} flat and " if tier.flat else "")
        + _rate_text(tier.rate, meter)
        + (f" up to {tier.up_to}" if tier.up_to is not None else "")
        for tier in price.tiers
    )
    return f"{'graduated' if isinstance(price, GraduatedPrice) else 'volume'} {steps}{group}"


def _rate_text(rate_per_million: Decimal, meter: Meter) -> str:
    with exact_arithmetic():
        return plain_rate(rate_per_million if meter.is_of_tokens else rate_per_million / PER_MILLION)


def _text(rate: Rate | None, meter: Meter) -> str:
    return price_text(rate.price(meter), meter) if rate else ""
