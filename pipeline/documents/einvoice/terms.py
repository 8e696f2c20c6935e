"""The business terms of an e-invoice, by the numbers of EN 16931-1: made once, and written as UBL or CII.

``docs/e-invoices.md`` says what each is. Does not own lines (``lines``), tax (``taxes``), parties (``parties``) nor
what an invoice must say (``required``).
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, plain, rounded_to_minor_unit
from pipeline.documents.einvoice.lines import line_terms, supplied_lines
from pipeline.documents.einvoice.parties import buyer_terms, payment_terms, seller_terms
from pipeline.documents.einvoice.required import refuse_insufficient
from pipeline.documents.einvoice.taxes import allowance_terms, breakdown_terms, vat_rows
from pipeline.documents.einvoice.text import stated
from pipeline.documents.pages.words import words_of

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from pipeline.base.periods import BillingPeriod
    from pipeline.documents.einvoice.taxes import VatRow
    from pipeline.documents.einvoice.text import Terms
    from pipeline.documents.pages.words import Words
    from pipeline.invoicing import Invoice

INVOICE_TYPE, CREDIT_NOTE_TYPE = "380", "381"  # of UNTDID 1001
SPECIFICATION = "urn:cen.eu:en16931:2017"
_DAY = timedelta(days=1)


def business_terms(invoice: Invoice, *, language: str = "") -> Terms:
    """Return the terms of an issued invoice or credit note.

    Raises ``RenderingRefused`` for what no e-invoice can be made of, naming all that is missing.
    """
    refuse_insufficient(invoice)
    words = words_of(language or invoice.language)
    rows = vat_rows(invoice)
    categories = {row.category for row in rows}
    return (
        stated(
            BT_1=invoice.id,
            BT_2=invoice.issue_date,
            BT_3=CREDIT_NOTE_TYPE if invoice.credits_invoice else INVOICE_TYPE,
            BT_5=invoice.currency,
            BT_9=invoice.due_date,
            BT_10=invoice.buyer_reference,
            BT_13=invoice.purchase_order,
            BT_20=_terms_of_payment(invoice, words),
            BT_24=SPECIFICATION,
            BT_72=_delivered_on(invoice),
            BT_73=min(period.first_date for period in _periods(invoice)),
            BT_74=_last_day(invoice),
            BG_1=[stated(BT_22=text) for text in _notes(invoice, rows)],
            BG_3=[stated(BT_25=invoice.credits_invoice)] if invoice.credits_invoice else [],
            BG_4=seller_terms(invoice, categories),
            BG_7=buyer_terms(invoice, categories),
            BG_25=line_terms(invoice, words),
        )
        | payment_terms(invoice)
        | _totals(invoice, rows, words)
    )


def _totals(invoice: Invoice, rows: list[VatRow], words: Words) -> Terms:
    """Return BG-22, BG-20 and BG-23; what is due is the printed total."""

    def money(amount: Decimal) -> str:
        return plain(rounded_to_minor_unit(amount, invoice.currency, invoice.rounding))

    sign = -1 if invoice.credits_invoice else 1
    credited = exact_sum(row.credits for row in rows)
    total = money(sign * invoice.total)
    return stated(
        BG_20=allowance_terms(invoice, rows, money, words),
        BG_23=breakdown_terms(rows, money),
        BT_106=money(exact_sum(line.amount for line in supplied_lines(invoice))),
        BT_107=money(credited) if credited else "",
        BT_109=money(sign * invoice.subtotal),
        BT_110=money(sign * invoice.tax_amount),
        BT_112=total,
        BT_115=total,
    )


def _periods(invoice: Invoice) -> list[BillingPeriod]:
    """Return the invoice's period and those that its lines correct.

    Between the first day of all of these (BT-73) and the last one (BT-74) lies the period of each line.
    """
    return [invoice.period, *(line.original_period for line in invoice.lines if line.original_period)]


def _last_day(invoice: Invoice) -> date:
    """Return BT-74.

    It is after the invoice's own period where that was opened again by a credit note, and later ones are corrected on
    its new invoice.
    """
    return max(period.end_date for period in _periods(invoice)) - _DAY


def _delivered_on(invoice: Invoice) -> date | None:
    """Return BT-72: what is supplied all through a period is completed on its last day, or when it is invoiced."""
    last_day = _last_day(invoice)
    return last_day if invoice.issue_date is None else min(last_day, invoice.issue_date)


def _terms_of_payment(invoice: Invoice, words: Words) -> str:
    """Return BT-20, which says of a credit note how it is settled."""
    if invoice.is_partial:
        return words.credit_note_in_part_explained.format(invoice=invoice.credits_invoice, reason=invoice.credit_reason)
    if invoice.is_of_rest:
        return words.credit_note_of_rest_explained.format(invoice=invoice.credits_invoice)
    if invoice.credits_invoice:
        return words.credit_note_explained.format(invoice=invoice.credits_invoice)
    return invoice.payment_terms


def _notes(invoice: Invoice, rows: list[VatRow]) -> list[str]:
    """Return the texts of BG-1: the invoice's note, and what it prints of tax beyond the reasons of BG-23."""
    reasons = {"; ".join(row.reasons) for row in rows}
    return [text for text in (invoice.note, "" if invoice.tax_text in reasons else invoice.tax_text) if text.strip()]
