"""Charges → usage lines: which charges share a line, and the one rounding of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.invoicing.lines import METER_NAMES, InvoiceLine, LineKind
from pipeline.money import decimal_from_plain, exact_sum, normalised, plain_rate, rounded_to_minor_unit
from pipeline.periods import BillingPeriod
from pipeline.rating import TOKENS_PER_RATE, exact_charge
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.accounts import Account
    from pipeline.money import Rounding
    from pipeline.rating import Charge

_METER_ORDER = {meter: order for order, meter in enumerate(Meter)}


def usage_lines(charges: Iterable[Charge], *, account: Account, period: BillingPeriod, currency: str, rounding: Rounding) -> list[InvoiceLine]:
    """Sum an account's charges of one period into lines of one key, model, tier, meter, rate, list rate and package size, in order and not numbered yet.

    31 charges of 0.0108025 USD (4,321 tokens a day at 2.50) are one line of 133,951 tokens and 0.33 USD; rounded every day they would have been 0.31.
    Raises ``ValueError`` for a charge of another account, period or currency.
    """
    by_line: dict[tuple[object, ...], list[Charge]] = {}
    for charge in charges:
        if (charge.account_id, BillingPeriod.of(charge.usage_date), charge.currency) != (account.id, period, currency):
            what = f"a charge of {charge.account_id!r} on {charge.usage_date} in {charge.currency}"
            message = f"{what} is no part of the {period} invoice of {account.id!r} in {currency}"
            raise ValueError(message)
        scope = (charge.api_key_id, charge.model, charge.service_tier, charge.meter)
        key = (*scope, charge.rate_per_million, charge.list_rate_per_million, charge.package_tokens)
        by_line.setdefault(key, []).append(charge)
    lines = [_usage_line(group, currency, rounding) for group in by_line.values() if any(charge.quantity for charge in group)]
    return sorted(lines, key=_line_order)


def _usage_line(charges: list[Charge], currency: str, rounding: Rounding) -> InvoiceLine:
    """Sum charges of one key, model, tier, meter and rate into a line; its number is given when the lines are in order."""
    first = charges[0]
    exact_amount = normalised(exact_sum(charge.amount for charge in charges))
    return InvoiceLine(
        number=0,
        kind=LineKind.USAGE,
        api_key_id=first.api_key_id,
        model=first.model,
        service_tier=first.service_tier,
        meter=first.meter,
        quantity=sum(charge.quantity for charge in charges),
        rate_per_million=decimal_from_plain(plain_rate(first.rate_per_million)),
        first_usage_date=min(charge.usage_date for charge in charges if charge.quantity),
        exact_amount=exact_amount,
        amount=rounded_to_minor_unit(exact_amount, currency, rounding),
        description=_description(first, currency),
        list_rate_per_million=None if first.list_rate_per_million is None else decimal_from_plain(plain_rate(first.list_rate_per_million)),
        package_tokens=first.package_tokens,
    )


def _description(charge: Charge, currency: str) -> str:
    tier = f", {charge.service_tier} tier," if charge.service_tier else ""
    what = f"{charge.model} {METER_NAMES[charge.meter]}{tier}"
    if charge.package_tokens is not None:
        what, unit, per = f"{what} in packages of {charge.package_tokens}", charge.package_tokens, "for each that was begun"
    elif charge.meter is Meter.REQUEST:
        unit, per = 1, "each"
    else:
        unit, per = int(TOKENS_PER_RATE), "per million"
    listed = "" if charge.list_rate_per_million is None else f" (list price {plain_rate(exact_charge(unit, charge.list_rate_per_million))})"
    return f"{what} at {plain_rate(exact_charge(unit, charge.rate_per_million))} {currency} {per}{listed}"


def _line_order(line: InvoiceLine) -> tuple[object, ...]:
    """Order lines of usage; those of equal rates by their list rate and package, so that the order never depends on that of the charges."""
    order = -1 if line.meter is None else _METER_ORDER[line.meter]
    has_discount = line.list_rate_per_million is not None
    where = (line.api_key_id, line.model, line.service_tier, order, line.first_usage_date)
    return (*where, line.rate_per_million, has_discount, line.list_rate_per_million or 0, line.package_tokens or 0)
