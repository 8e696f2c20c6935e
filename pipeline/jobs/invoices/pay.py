"""Payments of issued invoices: recorded, and taken back.

Owns when a payment is refused, and that recording one again records nothing. Does not own what is open
(``pipeline.invoicing.payments``) nor where payments are kept (``pipeline.register.payments``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import register
from pipeline.base.errors import ConfigurationError, PaymentRefused
from pipeline.base.money import minor_unit_digits, plain, refuse_fraction_digits
from pipeline.base.periods import time_zone, usage_date
from pipeline.invoicing import InvoiceStatus, invoice_from_document
from pipeline.invoicing.invoice import credited_by
from pipeline.invoicing.payments import Payment, settlements, standing
from pipeline.jobs.invoices.issued import issued_of_id
from pipeline.jobs.state.history import refuse_lost_documents
from pipeline.register.payments import append_payment, read_payments

if TYPE_CHECKING:
    from datetime import date, datetime
    from decimal import Decimal
    from pathlib import Path

    from pipeline.invoicing import Invoice
    from pipeline.invoicing.payments import Settlement


_REFERENCE_MAX = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What a run recorded, and what the invoice still owes."""

    payment: Payment | None
    """None where nothing was recorded, since there was nothing to record or it is recorded already."""
    earlier: Payment | None = None
    """The entry by which it is recorded already."""
    settlement: Settlement


def pay(
    workspace: Path,
    invoice_id: str,
    *,
    now: datetime,
    amount: Decimal | None = None,
    paid_on: date | None = None,
    reference: str = "",
) -> Recorded:
    """Record that money came for an issued invoice: all that is open, or this amount; on this day, or today.

    A payment of the same invoice, day, amount and reference that stands is the same payment, and is not recorded again.
    Days are those of the account's time zone.

    Raises ``InvoiceNotFound``, ``PaymentRefused`` for a draft, a credit note and a voided invoice, and
    ``ConfigurationError`` for an amount that is not above zero or has digits beyond the currency's minor unit, for a
    day that has not come, and for a reference of more than one line.
    """
    if not reference.isprintable() or len(reference) > _REFERENCE_MAX:
        message = f"the reference is no line of at most {_REFERENCE_MAX} printable characters; shorten it"
        raise ConfigurationError(message)
    issued, payments = _read(workspace)
    invoice = _issued_invoice(issued, invoice_id)
    note_id = credited_by(issued).get(invoice.id)
    if note_id is not None:
        message = f"{invoice.id} was taken back by {note_id}, and nothing is owed for it; name the invoice issued since"
        raise PaymentRefused(message)
    today = usage_date(now, time_zone(invoice.timezone))
    if paid_on is not None and paid_on > today:
        message = f"--on is {paid_on}, and today is {today} in {invoice.timezone}; record a payment once it has come"
        raise ConfigurationError(message)
    settlement = settlements(issued, payments)[invoice.id]
    if amount is None:
        amount = settlement.open
        if amount <= 0:
            return Recorded(payment=None, settlement=settlement)
    _refuse_amount(invoice, amount)
    payment = Payment(
        number=len(payments) + 1,
        invoice_id=invoice.id,
        amount=amount,
        currency=invoice.currency,
        paid_on=paid_on or today,
        reference=reference,
    )
    earlier = next((each for each in standing(settlement.payments) if _is_same(each, payment)), None)
    if earlier is not None:
        return Recorded(payment=None, earlier=earlier, settlement=settlement)
    return _recorded(workspace, issued, payments, payment, now)


def take_back(workspace: Path, invoice_id: str, number: int, *, now: datetime) -> Recorded:
    """Take a recorded payment back by a counter-entry; one that was taken back already is not taken back again.

    Raises ``InvoiceNotFound``, and ``PaymentRefused`` where the invoice has no such payment.
    """
    issued, payments = _read(workspace)
    invoice = _issued_invoice(issued, invoice_id)
    settlement = settlements(issued, payments)[invoice.id]
    mistaken = next((each for each in settlement.payments if each.number == number and each.takes_back is None), None)
    if mistaken is None:
        message = (
            f"{invoice.id} has no payment {number} that could be taken back; "
            f"'tallybook invoice show {invoice.id}' lists its payments"
        )
        raise PaymentRefused(message)
    earlier = next((each for each in settlement.payments if each.takes_back == number), None)
    if earlier is not None:
        return Recorded(payment=None, earlier=earlier, settlement=settlement)
    counter = Payment(
        number=len(payments) + 1,
        invoice_id=invoice.id,
        amount=-mistaken.amount,
        currency=mistaken.currency,
        paid_on=mistaken.paid_on,
        reference=mistaken.reference,
        takes_back=mistaken.number,
    )
    return _recorded(workspace, issued, payments, counter, now)


def _read(workspace: Path) -> tuple[list[Invoice], tuple[Payment, ...]]:
    """Raise ``HistoryLost`` where the register lacks what was issued."""
    documents = register.read(workspace)
    refuse_lost_documents(workspace, documents)
    return [invoice_from_document(document) for document in documents], read_payments(workspace)


def _issued_invoice(issued: list[Invoice], invoice_id: str) -> Invoice:
    invoice = issued_of_id(issued, invoice_id, of_drafts="a draft is issued before it is paid")
    if invoice.status is not InvoiceStatus.ISSUED:
        message = f"{invoice.id} is the credit note of {invoice.credits_invoice}, and is not paid; name an invoice"
        raise PaymentRefused(message)
    return invoice


def _refuse_amount(invoice: Invoice, amount: Decimal) -> None:
    if amount <= 0:
        message = (
            f"the amount of a payment is {plain(amount)}; write what came, above zero, and take a mistaken payment "
            "back by --take-back NUMBER; what you pay to a buyer is not recorded here"
        )
        raise ConfigurationError(message)
    refuse_fraction_digits(
        f"the amount of a payment in {invoice.currency}", amount, minor_unit_digits(invoice.currency)
    )


def _is_same(one: Payment, other: Payment) -> bool:
    return (one.paid_on, one.amount, one.reference) == (other.paid_on, other.amount, other.reference)


def _recorded(
    workspace: Path, issued: list[Invoice], payments: tuple[Payment, ...], payment: Payment, now: datetime
) -> Recorded:
    append_payment(workspace, payments, payment, now)
    return Recorded(payment=payment, settlement=settlements(issued, [*payments, payment])[payment.invoice_id])
