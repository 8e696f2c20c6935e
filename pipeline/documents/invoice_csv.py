"""Invoices as CSV: one file of invoices, one of their lines.

Owns the columns, which are a contract (more may follow after these, none changes), and the order of rows: issued
invoices by number, then drafts by period and account. Does not own CSV itself (``pipeline.documents.csv_text``) nor
where files lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.documents.csv_text import csv_of_columns
from pipeline.invoicing.invoice import credited_by
from pipeline.invoicing.lines import LineKind
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipeline.documents.csv_text import Cell
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

Columns = list["Sequence[Cell]"]

FURTHER_INVOICE_COLUMNS: Mapping[str, Callable[[Invoice], Cell]] = {
    "tax": lambda invoice: invoice.tax_amount if invoice.is_taxed else None,
    "tax_text": lambda invoice: invoice.tax_text or None,
    "due_date": lambda invoice: invoice.due_date.isoformat() if invoice.due_date else None,
    "purchase_order": lambda invoice: invoice.purchase_order or None,
    "credits_invoice": lambda invoice: invoice.credits_invoice or None,
}
"""Columns after the fixed ones; a file has those that any of its rows says something in. ``credited_by`` follows them.
"""
FURTHER_LINE_COLUMNS: Mapping[str, Callable[[InvoiceLine], Cell]] = {
    "original_period": lambda line: str(line.original_period) if line.original_period else None,
    "original_kind": lambda line: line.original_kind.value if line.original_kind else None,
    "credit_id": lambda line: line.credit_id or None,
    "tags": lambda line: line.tags or None,
    "list_rate_per_million": lambda line: line.list_rate_per_million,
    "package_tokens": lambda line: line.package_tokens,
}
"""Columns after the fixed ones, likewise."""
_TEXTS: Mapping[LineKind | Meter | None, str] = {each: each.value for each in (*LineKind, *Meter)} | {None: ""}


def invoices_csv(invoices: Iterable[Invoice]) -> bytes:
    """Write ``invoices.csv``: one row per invoice.

    ``lines`` is the number of its lines; the period's bounds carry the account's offset.
    """
    listed = sorted(invoices, key=_invoice_order)
    notes = credited_by(listed)
    fixed: Columns = [
        [invoice.id for invoice in listed],
        [invoice.status.value for invoice in listed],
        [invoice.account_id for invoice in listed],
        [invoice.account_name for invoice in listed],
        [str(invoice.period) for invoice in listed],
        [invoice.period_start for invoice in listed],
        [invoice.period_end for invoice in listed],
        [invoice.currency for invoice in listed],
        [invoice.subtotal for invoice in listed],
        [invoice.total for invoice in listed],
        [len(invoice.lines) for invoice in listed],
    ]
    further = {name: [cell(invoice) for invoice in listed] for name, cell in FURTHER_INVOICE_COLUMNS.items()}
    return _csv(INVOICE_COLUMNS, fixed, further | {"credited_by": [notes.get(invoice.id) for invoice in listed]})


def lines_csv(invoices: Iterable[Invoice]) -> bytes:
    """Write ``lines.csv``: one row per invoice line.

    ``quantity`` is tokens, ``amount`` is rounded to the currency's minor unit.

    Lines that are about no tokens have an empty meter and rate, and the quantity 0.
    """
    listed = sorted(invoices, key=_invoice_order)
    lines = [line for invoice in listed for line in invoice.lines]
    fixed: Columns = [
        [invoice.id for invoice in listed for _ in invoice.lines],
        [invoice.account_id for invoice in listed for _ in invoice.lines],
        [line.number for line in lines],
        [_TEXTS[line.kind] for line in lines],
        [line.api_key_id for line in lines],
        [line.model for line in lines],
        [line.service_tier for line in lines],
        [_TEXTS[line.meter] for line in lines],
        [line.quantity for line in lines],
        [line.rate_per_million for line in lines],
        [invoice.currency for invoice in listed for _ in invoice.lines],
        [line.amount for line in lines],
        [line.description for line in lines],
    ]
    return _csv(
        LINE_COLUMNS, fixed, {name: [cell(line) for line in lines] for name, cell in FURTHER_LINE_COLUMNS.items()}
    )


def _csv(columns: Sequence[str], fixed: Columns, further: Mapping[str, Sequence[Cell]]) -> bytes:
    """Write the fixed columns, and of the further ones those that say something.

    A file without anything new is the file it always was.
    """
    used = {name: cells for name, cells in further.items() if any(cell is not None for cell in cells)}
    return csv_of_columns((*columns, *used), [*fixed, *used.values()])


def _invoice_order(invoice: Invoice) -> tuple[bool, int, str, str]:
    return invoice.number is None, invoice.number or 0, str(invoice.period), invoice.account_id
