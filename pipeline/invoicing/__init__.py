"""Invoicing: charges → lines → drafts → issued invoices, corrections and credit notes, and their documents.

Owns which charges share a line, the one rounding of each line, the order of lines, totals, ids, what is owed for
earlier periods, and the invoice's JSON form. Does not own what tokens cost (``pipeline.rating``), which number comes
next nor where invoices lie (``pipeline.register``), nor their CSV (``pipeline.documents``). Read first: ``book``, then
``worth.period_lines``.

Invariants: an invoice is a pure function of charges, accounts, rounding and what is issued; its total is the sum of its
printed lines; a line is rounded once, however many charges it sums; over all invoices, credit notes and drafts a
period's lines and its corrections add up to what the period is worth now.
"""

from __future__ import annotations

from pipeline.invoicing.account_drafts import LateUsage
from pipeline.invoicing.book import InvoiceBook, make_book
from pipeline.invoicing.document import DOCUMENT_FORMAT, invoice_document, invoice_from_document, taken_back
from pipeline.invoicing.draft import draft_invoice
from pipeline.invoicing.invoice import Invoice, InvoiceStatus, credit_note, issued_invoice
from pipeline.invoicing.lines import InvoiceLine, LineKind

__all__ = [
    "DOCUMENT_FORMAT",
    "Invoice",
    "InvoiceBook",
    "InvoiceLine",
    "InvoiceStatus",
    "LateUsage",
    "LineKind",
    "credit_note",
    "draft_invoice",
    "invoice_document",
    "invoice_from_document",
    "issued_invoice",
    "make_book",
    "taken_back",
]
