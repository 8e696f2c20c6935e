"""Charges → usage lines: which charges share a line, and the one rounding of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.invoicing.lines import METER_NAMES, InvoiceLine, LineKind
from pipeline.money import decimal_from_plain, exact_sum, normalised, plain_rate, rounded_to_minor_unit
from pipeline.periods import BillingPeriod
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from pipeline.accounts import Account
    from pipeline.money import Rounding
    from pipeline.rating import Charge

_METER_ORDER = {meter: order for order, meter in enumerate(Meter)}


def usage_lines(charges: Iterable[Charge], *, account: Account, period: BillingPeriod, currency: str, rounding: Rounding) -> list[InvoiceLine]:
    """Sum an account's charges of one period into lines of one key, model, tier, meter and rate, in order and not numbered yet.

    31 charges of 0.0108025 USD (4,321 tokens a day at 2.50) are one line of 133,951 tokens and 0.33 USD; rounded every day they would have been 0.31.
    Raises ``ValueError`` for a charge of another account, period or currency.
    """
    by_line: dict[tuple[str, str, str, Meter, Decimal, Decimal | None], list[Charge]] = {}
    for charge in charges:
        if (charge.account_id, BillingPeriod.of(charge.usage_date), charge.currency) != (account.id, period, currency):
            what = f"a charge of {charge.account_id!r} on {charge.usage_date} in {charge.currency}"
            message = f"{what} is no part of the {period} invoice of {account.id!r} in {currency}"
            raise ValueError(message)
        key = (charge.api_key_id, charge.model, charge.service_tier, charge.meter, charge.rate_per_million, charge.list_rate_per_million)
        by_line.setdefault(key, []).append(charge)
    lines = [_usage_line(group, currency, rounding) for group in by_line.values() if any(charge.quantity for charge in group)]
    return sorted(lines, key=_line_order)


def _usage_line(charges: list[Charge], currency: str, rounding: Rounding) -> InvoiceLine:
    """Sum charges of one key, model, tier, meter and rate into a line; its number is given when the lines are in order."""
    first = charges[0]
    exact_amount = normalised(exact_sum(charge.amount for charge in charges))
    tier = f", {first.service_tier} tier," if first.service_tier else ""
    list_rate = None if first.list_rate_per_million is None else decimal_from_plain(plain_rate(first.list_rate_per_million))
    listed = "" if list_rate is None else f" (list price {list_rate})"
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
        description=f"{first.model} {METER_NAMES[first.meter]}{tier} at {plain_rate(first.rate_per_million)} {currency} per million{listed}",
        list_rate_per_million=list_rate,
    )


def _line_order(line: InvoiceLine) -> tuple[object, ...]:
    order = -1 if line.meter is None else _METER_ORDER[line.meter]
    has_discount = line.list_rate_per_million is not None
    return line.api_key_id, line.model, line.service_tier, order, line.first_usage_date, line.rate_per_million, has_discount, line.list_rate_per_million or 0
