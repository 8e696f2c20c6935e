"""Charges → usage lines: which charges share a line, and the one rounding of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, TypeAlias

from pipeline.base.money import decimal_from_plain, exact_sum, normalised, plain_rate, rounded_to_minor_unit
from pipeline.invoicing.lines import InvoiceLine, LineKind
from pipeline.invoicing.rules import NEWEST, Rules
from pipeline.rating import TOKENS_PER_RATE, exact_charge
from pipeline.usage.meters import METER_ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import Account, ExchangeRate
    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.rating import Charge
    from pipeline.usage import Meter

LinePlace: TypeAlias = "tuple[object, ...]"
"""What a line and the charges on it have in common."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedPrice:
    """What lines of one model, tier, meter, rate, list rate and package size print beside their key, date and sums."""

    rate_per_million: Decimal
    list_rate_per_million: Decimal | None
    description: str


def usage_lines(
    charges: Iterable[Charge],
    *,
    account: Account,
    period: BillingPeriod,
    currency: str,
    rounding: Rounding,
    tags: Mapping[str, str] | None = None,
    rules: Rules = NEWEST,
) -> list[InvoiceLine]:
    """Sum an account's charges of one period into lines, in order, numbered from 1.

    A line is of one key, model, tier, meter, rate, package size, flat amount of a tier, rate of exchange and limited
    entry; its list
    price is printed where all of it has that one. By the first rules a list price of its own made a line of its own.

    31 charges of 0.0108025 USD (4,321 tokens a day at 2.50) are one line of 133,951 tokens and 0.33 USD; rounded every
    day they would have been 0.31. ``tags`` are cells by key id. Raises ``ValueError`` for a charge of another account,
    period or currency.
    """
    by_line: dict[tuple[object, ...], list[Charge]] = {}
    period_of = cache(account.month_of)  # many charges, few dates
    for charge in charges:
        if (charge.account_id, period_of(charge.usage_date), charge.currency) != (account.id, period, currency):
            what = f"a charge of {charge.account_id!r} on {charge.usage_date} in {charge.currency}"
            message = f"{what} is no part of the {period} invoice of {account.id!r} in {currency}"
            raise ValueError(message)
        by_line.setdefault(line_place(charge, rules), []).append(charge)
    used = [group for group in by_line.values() if any(map(_is_used, group))]
    dated = [(min(charge.usage_date for charge in group if _is_used(charge)), group) for group in used]
    in_order = sorted(dated, key=_line_order)
    return [
        _usage_line(group, number, first_date, currency=currency, rounding=rounding, tags=tags or {})
        for number, (first_date, group) in enumerate(in_order, start=1)
    ]


def line_place(line: InvoiceLine | Charge, rules: Rules) -> LinePlace:
    """Return what a line and the charges on it have in common."""
    list_rate = line.list_rate_per_million if rules is Rules.FIRST else None
    place = (line.api_key_id, line.model, line.service_tier, line.meter)
    return (
        *place,
        line.rate_per_million,
        line.package_tokens,
        list_rate,
        line.flat_amount,
        line.exchange,
        line.entry or "",
    )


@lru_cache(maxsize=1 << 12)  # the lines of many keys say the same
def printed_price(  # noqa: PLR0917  # all of it is what the cache goes by
    model: str,
    service_tier: str,
    meter: Meter,
    rate_per_million: Decimal,
    list_rate_per_million: Decimal | None,
    package_tokens: int | None,
    flat_amount: Decimal | None,
    currency: str,
    exchange: ExchangeRate | None = None,
) -> PrintedPrice:
    """Return what lines at this price print; ``exchange`` is the rate by which it came from another currency."""
    tier = f", {service_tier} tier," if service_tier else ""
    what = f"{model} {meter.spec.text}{tier}"
    if flat_amount is not None:
        return PrintedPrice(
            rate_per_million=decimal_from_plain(plain_rate(rate_per_million)),
            list_rate_per_million=None,
            description=f"{what} at {plain_rate(flat_amount)} {currency} flat for each tier that was reached"
            f"{_exchanged_text(flat_amount, exchange)}",
        )
    if package_tokens is not None:
        what, unit, per = f"{what} in packages of {package_tokens}", package_tokens, "for each that was begun"
    elif not meter.is_of_tokens:
        unit, per = 1, "each"
    else:
        unit, per = int(TOKENS_PER_RATE), "per million"
    listed = (
        ""
        if list_rate_per_million is None
        else f" (list price {plain_rate(exact_charge(unit, list_rate_per_million))})"
    )
    return PrintedPrice(
        rate_per_million=decimal_from_plain(plain_rate(rate_per_million)),
        list_rate_per_million=None
        if list_rate_per_million is None
        else decimal_from_plain(plain_rate(list_rate_per_million)),
        description=f"{what} at {plain_rate(exact_charge(unit, rate_per_million))} {currency} {per}{listed}"
        f"{_exchanged_text(exact_charge(unit, rate_per_million), exchange)}",
    )


def _exchanged_text(price: Decimal, exchange: ExchangeRate | None) -> str:
    """Return what a price was in its own currency, and by which rate it became what is printed."""
    if exchange is None:
        return ""
    return (
        f" ({plain_rate(exchange.before(price))} {exchange.currency} at {plain_rate(exchange.rate)} of {exchange.on})"
    )


def _usage_line(
    charges: list[Charge],
    number: int,
    first_usage_date: date,
    *,
    currency: str,
    rounding: Rounding,
    tags: Mapping[str, str],
) -> InvoiceLine:
    """Sum charges of one key, model, tier, meter and rate into a line."""
    first = charges[0]
    listed = {charge.list_rate_per_million for charge in charges}
    exact_amount = normalised(exact_sum(charge.amount for charge in charges))
    price = printed_price(
        first.model,
        first.service_tier,
        first.meter,
        first.rate_per_million,
        listed.pop() if len(listed) == 1 else None,
        first.package_tokens,
        first.flat_amount,
        currency,
        first.exchange,
    )
    return InvoiceLine(
        number=number,
        kind=LineKind.USAGE,
        api_key_id=first.api_key_id,
        model=first.model,
        service_tier=first.service_tier,
        meter=first.meter,
        quantity=sum(charge.quantity for charge in charges),
        rate_per_million=price.rate_per_million,
        first_usage_date=first_usage_date,
        exact_amount=exact_amount,
        amount=rounded_to_minor_unit(exact_amount, currency, rounding),
        description=price.description,
        list_rate_per_million=price.list_rate_per_million,
        package_tokens=first.package_tokens,
        flat_amount=None if first.flat_amount is None else normalised(first.flat_amount),
        exchange=first.exchange,
        entry=first.entry or "",
        tags=tags.get(first.api_key_id, ""),
    )


def _line_order(dated: tuple[date, list[Charge]]) -> tuple[object, ...]:
    """Order lines of usage.

    Those of equal rates by their list rate (by the first rules) and package, so that the order never depends on that of
    the charges.
    """
    first_usage_date, (first, *_) = dated
    list_rate = max(-1 if rate is None else rate for rate in (charge.list_rate_per_million for charge in dated[1]))
    where = (first.api_key_id, first.model, first.service_tier, METER_ORDER[first.meter])
    is_flat = first.flat_amount is not None
    price = (first.rate_per_million, list_rate, first.package_tokens or 0, first.flat_amount if is_flat else -1)
    exchange = "" if first.exchange is None else str(first.exchange)
    return (*where, is_flat, first_usage_date, *price, exchange, first.entry or "")


def _is_used(charge: Charge) -> bool:
    """Say whether a charge is of tokens, or of a tier that they reached."""
    return charge.quantity > 0 or charge.flat_amount is not None
