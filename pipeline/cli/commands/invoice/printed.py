"""How a list of invoices is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.money import plain
from pipeline.cli.tables import print_table

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice, InvoiceBook

_INVOICE_HEADER = ("invoice", "status", "account", "period", "lines", "total", "currency")


def print_list(book: InvoiceBook, invoices: list[Invoice]) -> None:
    """Print invoices, with a column that links invoices and their credit notes where there are any."""
    notes = book.credited_by()
    links = [
        f"credits {invoice.credits_invoice}"
        if invoice.credits_invoice
        else f"credited by {notes[invoice.id]}"
        if invoice.id in notes
        else ""
        for invoice in invoices
    ]
    if any(links):
        print_table(
            (*_INVOICE_HEADER, "link"), [(*_row(invoice), link) for invoice, link in zip(invoices, links, strict=True)]
        )
    else:
        print_table(_INVOICE_HEADER, [_row(invoice) for invoice in invoices])


def _row(invoice: Invoice) -> tuple[str | int, ...]:
    return (
        invoice.id,
        invoice.status.value,
        invoice.account_id,
        str(invoice.period),
        len(invoice.lines),
        plain(invoice.total),
        invoice.currency,
    )
