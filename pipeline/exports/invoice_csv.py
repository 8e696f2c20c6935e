"""Invoices as CSV: one file of invoices, one of their lines.

Owns the columns, which are a contract (more may follow after these, none changes), and the order of rows: issued
invoices by number, then drafts by period and account. Does not own CSV itself (``pipeline.exports.csv_text``) nor where files lie.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.exports.csv_text import csv_bytes
from pipeline.invoicing.invoice import credited_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipeline.invoicing import Invoice, InvoiceLine

INVOICE_COLUMNS = (
    "invoice_id",
    "status",
    "account_id",
    "account_name",
    "period",
    "period_start",
    "period_end",
    "currency",
    "subtotal",
    "total",
    "lines",
)
LINE_COLUMNS = (
    "invoice_id",
    "account_id",
    "line",
    "kind",
    "api_key_id",
    "model",
    "service_tier",
    "meter",
    "quantity",
    "rate_per_million",
    "currency",
    "amount",
    "description",
)

Cell = str | int | Decimal | None
FURTHER_INVOICE_COLUMNS: Mapping[str, Callable[[Invoice], Cell]] = {
    "tax": lambda invoice: invoice.tax_amount if invoice.is_taxed else None,
    "tax_text": lambda invoice: invoice.tax_text or None,
    "due_date": lambda invoice: invoice.due_date.isoformat() if invoice.due_date else None,
    "purchase_order": lambda invoice: invoice.purchase_order or None,
    "credits_invoice": lambda invoice: invoice.credits_invoice or None,
}
"""Columns after the fixed ones; a file has those that any of its rows says something in. ``credited_by`` follows them."""
FURTHER_LINE_COLUMNS: Mapping[str, Callable[[InvoiceLine], Cell]] = {
    "original_period": lambda line: str(line.original_period) if line.original_period else None,
    "original_kind": lambda line: line.original_kind.value if line.original_kind else None,
    "credit_id": lambda line: line.credit_id or None,
    "tags": lambda line: line.tags or None,
    "list_rate_per_million": lambda line: line.list_rate_per_million,
    "package_tokens": lambda line: line.package_tokens,
}
"""Columns after the fixed ones, likewise."""


def invoices_csv(invoices: Iterable[Invoice]) -> bytes:
    """Write ``invoices.csv``: one row per invoice. ``lines`` is the number of its lines; the period's bounds carry the account's offset."""
    listed = sorted(invoices, key=_invoice_order)
    notes = credited_by(listed)
    rows: list[tuple[Cell, ...]] = [
        (
            invoice.id,
            invoice.status.value,
            invoice.account_id,
            invoice.account_name,
            str(invoice.period),
            invoice.period_start,
            invoice.period_end,
            invoice.currency,
            invoice.subtotal,
            invoice.total,
            len(invoice.lines),
        )
        for invoice in listed
    ]
    further = {name: [cell(invoice) for invoice in listed] for name, cell in FURTHER_INVOICE_COLUMNS.items()}
    return _csv(INVOICE_COLUMNS, rows, further | {"credited_by": [notes.get(invoice.id) for invoice in listed]})


def lines_csv(invoices: Iterable[Invoice]) -> bytes:
    """Write ``lines.csv``: one row per invoice line. ``quantity`` is tokens, ``amount`` is rounded to the currency's minor unit.

    Lines that are about no tokens have an empty meter and rate, and the quantity 0.
    """
    listed = [(invoice, line) for invoice in sorted(invoices, key=_invoice_order) for line in invoice.lines]
    rows: list[tuple[Cell, ...]] = [
        (
            invoice.id,
            invoice.account_id,
            line.number,
            line.kind.value,
            line.api_key_id,
            line.model,
            line.service_tier,
            line.meter.value if line.meter else "",
            line.quantity,
            line.rate_per_million,
            invoice.currency,
            line.amount,
            line.description,
        )
        for invoice, line in listed
    ]
    return _csv(LINE_COLUMNS, rows, {name: [cell(line) for _, line in listed] for name, cell in FURTHER_LINE_COLUMNS.items()})


def _csv(columns: Sequence[str], rows: Sequence[tuple[Cell, ...]], further: Mapping[str, Sequence[Cell]]) -> bytes:
    """Write the fixed columns, and of the further ones those that say something: a file without anything new is the file it always was."""
    used = {name: cells for name, cells in further.items() if any(cell is not None for cell in cells)}
    return csv_bytes((*columns, *used), [(*row, *(cells[index] for cells in used.values())) for index, row in enumerate(rows)])


def _invoice_order(invoice: Invoice) -> tuple[bool, int, str, str]:
    return invoice.number is None, invoice.number or 0, str(invoice.period), invoice.account_id
