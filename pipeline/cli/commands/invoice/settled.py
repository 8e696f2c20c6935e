"""How payments, and what they leave open, are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.base.money import plain, plain_amount
from pipeline.base.periods import time_zone, usage_date
from pipeline.cli.context import warn
from pipeline.cli.tables.columns import Kind, columns_of
from pipeline.invoicing.payments import settlements
from pipeline.register.payments import read_payments

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.invoicing import InvoiceBook
    from pipeline.invoicing.payments import Settlement
    from pipeline.jobs.state.drafted.heads import BookOfHeads


PAYMENTS = columns_of(
    {
        "payment": Kind.COUNT,
        "on": Kind.DATE,
        "amount": Kind.MONEY,
        "currency": Kind.TEXT,
        "reference": Kind.TEXT,
        "note": Kind.TEXT,
    }
)


def settled(workspace: Path, book: InvoiceBook | BookOfHeads) -> dict[str, Settlement]:
    """Return what became of each issued invoice, by its id."""
    return settlements(book.issued, read_payments(workspace))


def warn_of_what_was_paid(workspace: Path, book: InvoiceBook, invoice_id: str) -> None:
    """Warn where more was paid of an invoice than a credit note left of it."""
    settlement = settled(workspace, book)[invoice_id]
    if settlement.paid_beyond:
        currency = settlement.invoice.currency
        warn(
            f"{invoice_id} is paid {plain(settlement.paid_beyond)} {currency} beyond what is left of it; pay it back, "
            "or take the payment back ('invoice paid --take-back') and record it for another invoice"
        )


def is_overdue(settlement: Settlement | None, now: datetime) -> bool:
    """Say whether an invoice is overdue on the day that it is now in its account's time zone."""
    return settlement is not None and settlement.is_overdue(usage_date(now, time_zone(settlement.invoice.timezone)))


def print_payments(settlement: Settlement, output: Output) -> None:
    """Print the entries of an invoice."""
    output.rows(PAYMENTS, payment_rows(settlement))


def payment_rows(settlement: Settlement) -> list[tuple[Cell, ...]]:
    """Return the entries of an invoice as cells of ``PAYMENTS``."""
    return [
        (
            payment.number,
            str(payment.paid_on),
            plain_amount(payment.amount, payment.currency),
            payment.currency,
            payment.reference,
            "" if payment.takes_back is None else f"takes back {payment.takes_back}",
        )
        for payment in settlement.payments
    ]


def settlement_text(settlement: Settlement) -> str:
    """Say in one line what became of an invoice's total."""
    invoice = settlement.invoice
    credited = f" less {plain(settlement.credited)} credited" if settlement.credited else ""
    then = f", due {invoice.due_date}" if invoice.due_date and settlement.open > 0 else ""
    if settlement.open < 0:
        then = ", which is owed to its buyer"
    return (
        f"{invoice.id}: {plain(settlement.paid)} paid of {plain(invoice.total)} {invoice.currency}{credited}, "
        f"{plain(settlement.open)} open{then}"
    )


def settlement_document(settlement: Settlement) -> dict[str, Any]:
    """Return what became of an invoice's total as JSON values."""
    invoice = settlement.invoice
    return {
        "invoice_id": invoice.id,
        "currency": invoice.currency,
        "total": plain(invoice.total),
        "credited": plain(settlement.credited),
        "paid": plain(settlement.paid),
        "open": plain(settlement.open),
        "due_date": invoice.due_date.isoformat() if invoice.due_date else None,
        "payments": [
            {
                "payment": payment.number,
                "on": payment.paid_on.isoformat(),
                "amount": plain_amount(payment.amount, payment.currency),
                "reference": payment.reference,
                "takes_back": payment.takes_back,
            }
            for payment in settlement.payments
        ],
    }
