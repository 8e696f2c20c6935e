"""Payments of issued invoices, as somebody recorded them, and what they leave open.

Owns which payments stand, what an invoice still owes, and when it is overdue. Does not own collecting money, nor where
payments are kept (``pipeline.register.payments``). No invoice is changed by a payment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline.base.money import exact_sum
from pipeline.invoicing.invoice import InvoiceStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """An entry: money that came for an invoice, or the counter-entry that takes such an entry back."""

    number: int
    """Place in the workspace's series of payments, from 1."""
    invoice_id: str
    amount: Decimal
    """In the invoice's currency; above zero, and of a counter-entry the same amount below zero."""
    currency: str
    paid_on: date
    """The day on which the money came."""
    reference: str = ""
    """Such as the text of a bank statement."""
    takes_back: int | None = None
    """Of a counter-entry: the number of the payment that it takes back."""

    def __post_init__(self) -> None:
        """Refuse an entry whose parts contradict each other."""
        if self.amount == 0 or (self.amount < 0) != (self.takes_back is not None):
            message = f"payment {self.number} of {self.amount} cannot take back {self.takes_back}"
            raise ValueError(message)


class Payable(Protocol):
    """What is paid: an invoice, or what is left of one without its lines; a credit note takes off another's total."""

    @property
    def id(self) -> str:
        """As ``Invoice.id``, and so of the others."""

    @property
    def status(self) -> InvoiceStatus:
        """Whether it is an invoice or a credit note."""

    @property
    def timezone(self) -> str:
        """In which it falls due."""

    @property
    def currency(self) -> str:
        """Of its total."""

    @property
    def total(self) -> Decimal:
        """What is to be paid."""

    @property
    def due_date(self) -> date | None:
        """None where there is none."""

    @property
    def credits_invoice(self) -> str:
        """Of a credit note: the invoice that it takes off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """What became of an issued invoice's total."""

    invoice: Payable
    credited: Decimal
    """What credit notes took off it."""
    paid: Decimal
    """The sum of its payments that stand."""
    payments: tuple[Payment, ...]
    """All its entries, by number."""

    @property
    def owed(self) -> Decimal:
        """What its buyer owes, whatever was paid; below zero, what they are owed, as by an allowance beyond usage."""
        return exact_sum([self.invoice.total, -self.credited])

    @property
    def open(self) -> Decimal:
        """What is still to be paid; below zero, what was paid beyond it, and what the buyer was owed anyway."""
        return exact_sum([self.owed, -self.paid])

    @property
    def paid_beyond(self) -> Decimal:
        """What was paid and not owed; zero where nothing was."""
        return max(min(self.paid, -self.open), exact_sum([self.paid, -self.paid]))

    def is_overdue(self, today: date) -> bool:
        """Say whether something is open after the due date; an invoice without one is never overdue."""
        return self.invoice.due_date is not None and today > self.invoice.due_date and self.open > 0


def standing(payments: Sequence[Payment]) -> list[Payment]:
    """Return the payments that no counter-entry takes back, without the counter-entries."""
    taken_back = {payment.takes_back for payment in payments}
    return [payment for payment in payments if payment.takes_back is None and payment.number not in taken_back]


def settlements(issued: Iterable[Payable], payments: Sequence[Payment]) -> dict[str, Settlement]:
    """Return what became of each issued invoice, by its id; credit notes settle the invoices that they credit."""
    by_invoice: dict[str, list[Payment]] = {}
    for payment in payments:
        by_invoice.setdefault(payment.invoice_id, []).append(payment)
    credited: dict[str, list[Decimal]] = {}
    invoices = list(issued)
    for invoice in invoices:
        if invoice.credits_invoice:
            credited.setdefault(invoice.credits_invoice, []).append(-invoice.total)
    return {
        invoice.id: Settlement(
            invoice=invoice,
            credited=_total(invoice, credited.get(invoice.id, ())),
            paid=_total(invoice, [payment.amount for payment in by_invoice.get(invoice.id, ())]),
            payments=tuple(by_invoice.get(invoice.id, ())),
        )
        for invoice in invoices
        if invoice.status is InvoiceStatus.ISSUED
    }


def _total(invoice: Payable, amounts: Iterable[Decimal]) -> Decimal:
    """Add amounts with the decimal places of the invoice's total."""
    return exact_sum([invoice.total, -invoice.total, *amounts])
