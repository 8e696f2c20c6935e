"""What an invoice is, and its life: draft → issued → credited by a credit note.

Owns totals, ids and what may follow what. Does not own how lines are computed nor the invoice's JSON form
(``document``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.accounts import Party
from pipeline.base.money import exact_sum, normalised, rounded_to_minor_unit
from pipeline.base.periods import instant_text, time_zone
from pipeline.invoicing.lines import LineKind, negated

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import Tax
    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing.lines import InvoiceLine

NUMBER_DIGITS = 6


class InvoiceStatus(StrEnum):
    """Where an invoice is in its life.

    A draft is replaced at will, an issued invoice and a credit note never change.
    """

    DRAFT = "draft"
    ISSUED = "issued"
    CREDIT_NOTE = "credit_note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """What one account owes for one billing period, or a credit note that takes such an invoice back."""

    id: str
    """``draft-2026-10-acme``, or prefix and number: ``INV-000001``."""
    status: InvoiceStatus
    number: int | None
    """Place in the workspace's one series of issued invoices and credit notes, from 1; None for a draft."""
    account_id: str
    account_name: str
    period: BillingPeriod
    timezone: str
    """IANA name of the time zone in which the period was counted."""
    currency: str
    rounding: Rounding
    lines: tuple[InvoiceLine, ...]
    tax: Tax | None = None
    """That of its own period; a correction of another period may be taxed otherwise, on a tax line of its own."""
    correction_tax_text: str = ""
    """What must be printed about the tax of corrected periods, where it is not that of its own period."""
    seller: Party = field(default_factory=Party)
    buyer: Party = field(default_factory=Party)
    """Address and tax id; the name is ``account_name``."""
    purchase_order: str = ""
    payment_terms_days: int | None = None
    due_date: date | None = None
    """Of an issued invoice with payment terms."""
    credits_invoice: str = ""
    """Of a credit note: the id of the invoice that it takes back."""

    def __post_init__(self) -> None:
        """Refuse an invoice whose parts contradict each other."""
        if (self.status is InvoiceStatus.DRAFT) != (self.number is None):
            message = f"an invoice that is {self.status} cannot have the number {self.number}"
            raise ValueError(message)
        if (self.status is InvoiceStatus.CREDIT_NOTE) != bool(self.credits_invoice):
            message = f"an invoice that is {self.status} cannot credit the invoice {self.credits_invoice!r}"
            raise ValueError(message)
        for number, line in enumerate(self.lines, start=1):
            if line.number != number or not isinstance(line.quantity, int):
                message = f"line {number} has the number {line.number!r} and the quantity {line.quantity!r}"
                raise ValueError(message)
            if line.amount != rounded_to_minor_unit(line.exact_amount, self.currency, self.rounding):
                message = (
                    f"line {number} prints {line.amount} for an exact amount of {line.exact_amount}, {self.rounding} "
                    f"in {self.currency}"
                )
                raise ValueError(message)

    @property
    def subtotal(self) -> Decimal:
        """The sum of the printed line amounts, before tax."""
        return self._printed(line.amount for line in self.lines if line.kind is not LineKind.TAX)

    @property
    def tax_amount(self) -> Decimal:
        """The printed tax."""
        return self._printed(line.amount for line in self.lines if line.kind is LineKind.TAX)

    @property
    def is_taxed(self) -> bool:
        """Whether there is something to say of tax: one of its own, or that of an earlier period which it corrects."""
        return self.tax is not None or any(line.kind is LineKind.TAX for line in self.lines)

    @property
    def total(self) -> Decimal:
        """What is to be paid: the sum of all printed lines."""
        return self._printed(line.amount for line in self.lines)

    @property
    def residual(self) -> Decimal:
        """Sum of the exact amounts minus the sum of the printed lines.

        At most half a minor unit per line, either way.
        """
        return normalised(exact_sum([*(line.exact_amount for line in self.lines), -self.total]))

    @property
    def period_start(self) -> str:
        """First instant of the period, RFC 3339 with the account's offset: ``2026-10-01T00:00:00+03:00``."""
        zone = time_zone(self.timezone)
        return instant_text(self.period.start_at(zone), zone)

    @property
    def period_end(self) -> str:
        """First instant after the period, likewise."""
        zone = time_zone(self.timezone)
        return instant_text(self.period.end_at(zone), zone)

    @property
    def tax_text(self) -> str:
        """What must be printed about tax beside the lines, such as that the charge is reversed.

        Of its own period, then of those it corrects.
        """
        return "; ".join(text for text in (self.tax.text if self.tax else "", self.correction_tax_text) if text)

    def _printed(self, amounts: Iterable[Decimal]) -> Decimal:
        return rounded_to_minor_unit(exact_sum(amounts), self.currency, self.rounding)


def issued_invoice(draft: Invoice, *, number: int, prefix: str, issued_on: date | None = None) -> Invoice:
    """Return the draft as the issued invoice with a number: prefix ``INV-`` and 1 make ``INV-000001``.

    Raises ``ValueError`` for an issued one.

    ``issued_on`` is the day in the account's time zone from which payment terms count: 30 days from 2026-11-02 make it
    due on 2026-12-02.
    """
    if draft.status is not InvoiceStatus.DRAFT or number < 1:
        message = (
            f"invoice {draft.id!r} is {draft.status} and cannot become number {number}; "
            "only a draft is issued, with a number from 1"
        )
        raise ValueError(message)
    due_date = None
    if issued_on is not None and draft.payment_terms_days is not None:
        due_date = issued_on + timedelta(days=draft.payment_terms_days)
    return replace(draft, id=_id(prefix, number), status=InvoiceStatus.ISSUED, number=number, due_date=due_date)


def credit_note(invoice: Invoice, *, number: int, prefix: str) -> Invoice:
    """Return the credit note that takes an issued invoice back, every line negated.

    Raises ``ValueError`` for a draft or a credit note.
    """
    if invoice.status is not InvoiceStatus.ISSUED or number < 1:
        message = (
            f"invoice {invoice.id!r} is {invoice.status} and cannot be credited by number {number}; "
            "only an issued invoice is, by a number from 1"
        )
        raise ValueError(message)
    return replace(
        invoice,
        id=_id(prefix, number),
        status=InvoiceStatus.CREDIT_NOTE,
        number=number,
        lines=tuple(negated(line) for line in invoice.lines),
        payment_terms_days=None,
        due_date=None,
        credits_invoice=invoice.id,
    )


def credited_by(invoices: Iterable[Invoice]) -> dict[str, str]:
    """Return which credit note takes which invoice back, by the ids of the invoices.

    The other direction of ``credits_invoice``.
    """
    return {invoice.credits_invoice: invoice.id for invoice in invoices if invoice.credits_invoice}


def _id(prefix: str, number: int) -> str:
    return f"{prefix}{number:0{NUMBER_DIGITS}}"
