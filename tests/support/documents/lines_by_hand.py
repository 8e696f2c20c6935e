"""Invoice lines made by hand, for tests of what is made of lines."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from pipeline.accounts import Account
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import issued_invoice
from pipeline.invoicing.draft import draft_of_lines
from pipeline.invoicing.lines import InvoiceLine, LineKind, plain_line
from pipeline.usage import Meter

AUGUST, SEPTEMBER, OCTOBER, NOVEMBER = (BillingPeriod(year=2026, month=month) for month in (8, 9, 10, 11))
QUARTER = OCTOBER.until(OCTOBER.next().next())
SAID: dict[str, Any] = {"currency": "USD", "rounding": Rounding.HALF_UP}


def usage(amount: str, quantity: int = 5, **said: Any) -> InvoiceLine:
    """Tokens of one key and model."""
    stated: dict[str, Any] = {"number": 0, "kind": LineKind.USAGE, "api_key_id": "k", "model": "m"}
    stated |= {"meter": Meter.PROMPT, "rate_per_million": Decimal(1), "first_usage_date": date(2026, 10, 2)}
    stated |= {"exact_amount": Decimal(amount).normalize(), "amount": Decimal(amount), "description": "usage"}
    return InvoiceLine(**stated | {"quantity": quantity} | said)


def plain(of: LineKind, amount: str, **said: Any) -> InvoiceLine:
    """A line that is about no tokens."""
    credit_id = "g" if of is LineKind.CREDIT else ""
    return replace(plain_line(of, Decimal(amount), of.value, **SAID, credit_id=credit_id), **said)


def fee(amount: str, model: str = "") -> InvoiceLine:
    """A fee, of a model where one is named."""
    return plain(LineKind.FEE, amount, model=model)


def correction(amount: str, period: BillingPeriod = SEPTEMBER, of: LineKind = LineKind.FEE, **said: Any) -> InvoiceLine:
    """What corrects a line of a kind."""
    return plain(LineKind.FEE, amount, kind=LineKind.CORRECTION, original_period=period, original_kind=of, **said)


def reduction(amount: str, **said: Any) -> InvoiceLine:
    """What takes a part off the fee of the first line."""
    return plain(LineKind.FEE, amount, kind=LineKind.REDUCTION, original_kind=LineKind.FEE, credits_line=1, **said)


def invoice(*lines: InvoiceLine, number: int = 1, period: BillingPeriod = OCTOBER, **said: Any) -> Any:
    """An issued invoice of these lines; what is ``said`` is said of the account."""
    given = {"id": "acme", "name": "Acme", "timezone": "UTC", "rate_card": "standard", "key_ids": ()}
    drafted = draft_of_lines(lines, account=Account(**given | said), period=period, **SAID)
    return issued_invoice(drafted, number=number, prefix="INV-")
