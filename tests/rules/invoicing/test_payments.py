"""Payments: which amounts there can be, and from which day on something is overdue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import pytest

from pipeline.invoicing import InvoiceStatus
from pipeline.invoicing.payments import Payment, Settlement

DUE = date(2026, 11, 30)


@dataclass(frozen=True)
class Owed:
    """Of an invoice what payments ask for."""

    id: str = "INV-000001"
    status: InvoiceStatus = InvoiceStatus.ISSUED
    timezone: str = "UTC"
    currency: str = "USD"
    total: Decimal = Decimal("10.00")
    due_date: date | None = DUE
    credits_invoice: str = ""


@pytest.mark.parametrize(
    ("amount", "takes_back", "is_one"),
    [
        ("0.01", None, True),
        ("0.00", None, False),
        ("-0.01", None, False),
        ("-0.01", 1, True),
        ("0.00", 1, False),
        ("0.01", 1, False),
    ],
)
def test_a_payment_is_above_zero_and_what_takes_one_back_below(
    amount: str, takes_back: int | None, *, is_one: bool
) -> None:
    def payment() -> Payment:
        return Payment(
            number=2,
            invoice_id="INV-000001",
            amount=Decimal(amount),
            currency="USD",
            paid_on=DUE,
            takes_back=takes_back,
        )

    if is_one:
        assert payment().amount == Decimal(amount)
    else:
        with pytest.raises(ValueError, match=rf"payment 2 of {amount} cannot take back {takes_back}"):
            payment()


@pytest.mark.parametrize(
    ("paid", "today", "due", "is_overdue"),
    [
        ("9.99", date(2026, 11, 30), DUE, False),
        ("9.99", date(2026, 12, 1), DUE, True),
        ("10.00", date(2026, 12, 1), DUE, False),
        ("10.01", date(2026, 12, 1), DUE, False),
        ("0.00", date(2026, 12, 1), None, False),
    ],
)
def test_what_is_open_is_overdue_from_the_day_after_it_was_due(
    paid: str, today: date, due: date | None, *, is_overdue: bool
) -> None:
    settlement = Settlement(invoice=Owed(due_date=due), credited=Decimal(0), paid=Decimal(paid), payments=())
    assert settlement.is_overdue(today) == is_overdue
