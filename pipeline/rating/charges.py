"""Rating: token quantities x rates → charges, exactly.

Owns the one multiplication of the whole product, how far a billing period has come where a price depends on it, and the
rule that usage without a rate is unpriced. Does not own which rates exist (``pipeline.rates``), where quantities come
from (``pipeline.warehouse`` sums them) nor any rounding (``pipeline.invoicing`` rounds a line, once). Plain and obvious
on purpose: whatever is faster is compared with this.

Prices of the period (graduated, volume, package) count all tokens that they price since the period began: of one
account, of a model or a named group of models, on one meter, over all keys. Tokens are consumed in the order in which
their rates came into force, then by usage date, key, model, service tier, prompt band and meter, so that splitting or
reordering usage changes no total. A flat amount of a tier is a charge of its own, of the quantity whose first token on
the tier it is.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.base.money import exact_arithmetic
from pipeline.base.periods import BillingPeriod
from pipeline.rates import GraduatedPrice, PackagePrice, VolumePrice
from pipeline.rates.limits import limited_entry
from pipeline.rates.prices import before_tier, tier_of
from pipeline.usage.meters import METER_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import date

    from pipeline.accounts import ExchangeRate
    from pipeline.rates import Price, Rate, RateCard
    from pipeline.usage import Meter

TOKENS_PER_RATE = Decimal(1_000_000)
"""Rates are per million tokens."""
_SINCE_EVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageQuantity:
    """Tokens of one account, key, model, service tier, prompt band, meter and usage date.

    All fall into one effective period of the rate card.
    """

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
    """The first instant of the rate window (``RateCard.rate_windows``) in which the tokens were used.

    None = no rate was in force then.
    """
    quantity: int
    """Tokens; requests on the meter ``request``."""
    prompt_band: int = 0
    """The model's greatest threshold below the request's prompt tokens; 0 = none."""

    def __post_init__(self) -> None:
        """Refuse a count that is no count."""
        if type(self.quantity) is not int or self.quantity < 0:
            message = f"quantity is {self.quantity!r}; tokens are counted in whole numbers from 0"
            raise ValueError(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Charge:
    """What a quantity costs: ``amount`` is exact, with every digit.

    It is quantity x rate ÷ 1,000,000, but for packages, whose amount is that of the packages which the quantity starts.
    """

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
    prompt_band: int = 0
    rated_at: datetime | None = None
    list_rate_per_million: Decimal | None = None
    """Before discounts, or on the extended card; None where there are neither, or the card's list price has another
    shape.
    """
    package_tokens: int | None = None
    """Size of the packages it was charged in; then ``rate_per_million`` is that of full packages."""
    flat_amount: Decimal | None = None
    """The flat amount of a tier that a quantity reached: then the charge is of nothing else, and its own quantity and
    rate are 0.
    """
    exchange: ExchangeRate | None = None
    """The rate by which a price in another currency became this one; None where the price is in ``currency``."""
    entry: str | None = None
    """What it counts towards where its rate has a minimum or a maximum (``pipeline.rates.limits``)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpricedUsage:
    """A quantity without a rate in force: listed with its tokens, blocks issuing, never zero."""

    usage: UsageQuantity
    reason: str
    """Which rate is missing, and where to add it."""
    lacks_exchange: bool = False
    """Whether it has a price, and what is missing is the rate of exchange."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Priced:
    """A quantity that has a price."""

    place: int
    """In the order given."""
    usage: UsageQuantity
    rate: Rate
    price: Price


def rate_usage(usage: Iterable[UsageQuantity], rate_card: RateCard) -> tuple[list[Charge], list[UnpricedUsage]]:
    """Rate quantities by one rate card; every token comes back exactly once, charged or unpriced, in the order given.

    4,321 tokens at 2.50 USD per million are a charge of 0.0108025 USD. A quantity that crosses from one graduated tier
    into the next comes back as two charges. All usage of a billing period must be given at once. Raises
    ``InexactAmount`` rather than lose a digit.
    """
    charges, unpriced = placed_charges(usage, rate_card)
    return [charge for _, charge in charges], unpriced


def placed_charges(
    usage: Iterable[UsageQuantity], rate_card: RateCard, month_day: int = 1
) -> tuple[list[tuple[int, Charge]], list[UnpricedUsage]]:
    """Rate as ``rate_usage`` does, and say of each charge which quantity it is of, counted from 0.

    Running counts are of months that begin on ``month_day``.
    """
    unpriced: list[UnpricedUsage] = []
    priced: list[_Priced] = []
    for place, row in enumerate(usage):
        rate = _rate_in_force(row, rate_card)
        price = rate.price(row.meter) if rate else None
        if rate is None or price is None:
            unpriced.append(UnpricedUsage(usage=row, reason=_reason(row, rate_card)))
        else:
            meter = rate.billed_as(row.meter)
            priced.append(
                _Priced(
                    place=place,
                    usage=row if meter is row.meter else replace(row, meter=meter),
                    rate=rate,
                    price=price,
                )
            )
    charges = [
        (each.place, _charge(each, each.price, each.usage.quantity, rate_card))
        for each in priced
        if isinstance(each.price, Decimal)
    ]
    for together in _counted_together(priced, month_day):
        charges += _cumulative_charges(together, rate_card)
    return sorted(charges, key=lambda placed: placed[0]), unpriced


def exact_charge(quantity: int, rate_per_million: Decimal) -> Decimal:
    """Return quantity x rate ÷ 1,000,000 with every digit. Raises ``InexactAmount`` rather than lose one."""
    with exact_arithmetic():
        return Decimal(quantity) * rate_per_million / TOKENS_PER_RATE


def discounted(charge: Charge, discount_percent: Decimal) -> Charge:
    """Return the charge at the rate less an account's discount, exactly, with the list rate beside it.

    2.00 less 12.5 percent is 1.75.

    A list rate of the card stays the list rate. Without a discount it is the same charge. Raises ``InexactAmount``
    rather than lose a digit.
    """
    if not discount_percent:
        return charge
    if charge.flat_amount is not None:
        amount = discounted_amount(charge.flat_amount, discount_percent)
        return replace(charge, flat_amount=amount, amount=amount)
    list_rate_per_million = (
        charge.rate_per_million if charge.list_rate_per_million is None else charge.list_rate_per_million
    )
    rate = discounted_amount(charge.rate_per_million, discount_percent)
    amount = discounted_amount(charge.amount, discount_percent)
    return replace(charge, rate_per_million=rate, amount=amount, list_rate_per_million=list_rate_per_million)


def discounted_amount(amount: Decimal, discount_percent: Decimal) -> Decimal:
    """Return an amount or a rate less a discount, with every digit. Raises ``InexactAmount`` rather than lose one."""
    with exact_arithmetic():
        return amount * (1 - discount_percent / 100)


def list_rate(rate: Rate, meter: Meter, price: Price, tier_index: int = 0) -> Decimal | None:
    """Return the list price beside a charge at one rate of ``price``.

    None where there is none, or it is of another shape.
    """
    listed = rate.list_prices.get(meter)
    if listed is None or isinstance(listed, Decimal):
        return listed
    if isinstance(listed, PackagePrice):
        return listed.rate_per_million if isinstance(price, PackagePrice) and price.tokens == listed.tokens else None
    is_same_shape = type(price) is type(listed) and [tier.up_to for tier in price.tiers] == [
        tier.up_to for tier in listed.tiers
    ]
    return listed.tiers[tier_index].rate if is_same_shape else None


def _counted_together(priced: Iterable[_Priced], month_day: int) -> Iterator[list[_Priced]]:
    """Yield the quantities that one running count of a period holds, in the order in which they are consumed."""
    counts: dict[tuple[str, BillingPeriod, str, str, Meter], list[_Priced]] = defaultdict(list)
    for each in priced:
        if not isinstance(each.price, Decimal):
            scope = ("group", each.price.group) if each.price.group else ("model", each.usage.model)
            counts[
                each.usage.account_id,
                BillingPeriod.of(each.usage.usage_date, month_day),
                *scope,
                each.rate.priced_as(each.usage.meter),
            ].append(each)
    for together in counts.values():
        yield sorted(together, key=_consumption_order)


def _consumption_order(each: _Priced) -> tuple[datetime, date, str, str, str, int, int]:
    row = each.usage
    return (
        row.rated_at or _SINCE_EVER,
        row.usage_date,
        row.api_key_id,
        row.model,
        row.service_tier,
        row.prompt_band,
        METER_ORDER[row.meter],
    )


def _cumulative_charges(together: list[_Priced], rate_card: RateCard) -> Iterator[tuple[int, Charge]]:
    total = sum(each.usage.quantity for each in together)
    last = next((each.price for each in reversed(together) if each.usage.quantity), None)
    position = 0
    for each in together:
        start, position = position, position + each.usage.quantity
        if isinstance(each.price, GraduatedPrice):
            for index, quantity in _quantities_by_tier(each.price, start, position):
                yield each.place, _charge(each, each.price.tiers[index].rate, quantity, rate_card, tier_index=index)
        elif isinstance(each.price, VolumePrice):
            tier = tier_of(each.price.tiers, total)
            yield (
                each.place,
                _charge(each, tier.rate, each.usage.quantity, rate_card, tier_index=each.price.tiers.index(tier)),
            )
        elif isinstance(each.price, PackagePrice):
            yield each.place, _package_charge(each, each.price, start, position, rate_card)
        for amount in _flat_amounts(each.price, last, total, start, position):
            yield each.place, _flat_charge(each, amount, rate_card)


def _flat_amounts(price: Price, last: Price | None, total: int, start: int, end: int) -> Iterator[Decimal]:
    """Yield the flat amounts of the tiers that the tokens from ``start`` (excluded) to ``end`` reach.

    Graduated, those of every tier whose first token is among them. Of a volume price the one tier that the period's
    total lies in, by the price in force ``last``, is reached by its own first token likewise.
    """
    tiers = price.tiers if isinstance(price, GraduatedPrice) else ()
    reached = [(before_tier(tiers, index), tier.flat) for index, tier in enumerate(tiers)]
    if isinstance(last, VolumePrice):
        tier = tier_of(last.tiers, total)
        reached.append((before_tier(last.tiers, last.tiers.index(tier)), tier.flat))
    return (flat for before, flat in reached if flat and start <= before < end)


def _quantities_by_tier(price: GraduatedPrice, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Split the tokens from ``start`` (excluded) to ``end`` by the tiers they fall into."""
    lower = 0
    for index, tier in enumerate(price.tiers):
        upper = end if tier.up_to is None else min(end, tier.up_to)
        quantity = upper - max(start, lower)
        if quantity > 0:
            yield index, quantity
        lower = max(lower, upper)


def _package_charge(each: _Priced, price: PackagePrice, start: int, end: int, rate_card: RateCard) -> Charge:
    started = -(-end // price.tokens) - -(-start // price.tokens)
    charge = _charge(each, price.rate_per_million, each.usage.quantity, rate_card)
    with exact_arithmetic():
        return replace(charge, amount=Decimal(started) * price.price, package_tokens=price.tokens)


def _flat_charge(each: _Priced, amount: Decimal, rate_card: RateCard) -> Charge:
    charge = _charge(each, Decimal(0), 0, rate_card)
    return replace(charge, amount=amount, flat_amount=amount, list_rate_per_million=None)


def _charge(
    each: _Priced, rate_per_million: Decimal, quantity: int, rate_card: RateCard, *, tier_index: int = 0
) -> Charge:
    row = each.usage
    return Charge(
        account_id=row.account_id,
        api_key_id=row.api_key_id,
        model=row.model,
        service_tier=row.service_tier,
        meter=row.meter,
        usage_date=row.usage_date,
        quantity=quantity,
        rate_per_million=rate_per_million,
        currency=rate_card.currency,
        amount=exact_charge(quantity, rate_per_million),
        prompt_band=row.prompt_band,
        rated_at=row.rated_at,
        list_rate_per_million=list_rate(each.rate, row.meter, each.price, tier_index),
        entry=limited_entry(rate_card.id, each.rate),
    )


def _rate_in_force(row: UsageQuantity, rate_card: RateCard) -> Rate | None:
    return (
        rate_card.rate_at(row.model, row.rated_at, service_tier=row.service_tier, prompt_band=row.prompt_band)
        if row.rated_at
        else None
    )


def _reason(row: UsageQuantity, rate_card: RateCard) -> str:
    if row.rated_at is not None:
        return rate_card.missing_text(row.model, row.meter, row.rated_at)
    return (
        f"rate card {rate_card.id!r} has no {row.meter} rate for model {row.model!r} on {row.usage_date}; "
        f"add one to rates/{rate_card.id}.toml"
    )
