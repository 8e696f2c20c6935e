"""Invoices as CSV: one file of invoices, one of their lines.

Owns the columns, which are a contract (more may follow after these, none changes), and the order of rows: issued
invoices by number, then drafts by period and account. Does not own CSV itself (``pipeline.exports.csv_text``) nor where files lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.exports.csv_text import csv_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pipeline.invoicing import Invoice

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
EXTRA_LINE_COLUMNS = ("list_rate_per_million", "package_tokens")


def invoices_csv(invoices: Iterable[Invoice]) -> bytes:
    """Write ``invoices.csv``: one row per invoice. ``lines`` is the number of its lines; the period's bounds carry the account's offset."""
    return csv_bytes(
        INVOICE_COLUMNS,
        [
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
            for invoice in sorted(invoices, key=_invoice_order)
        ],
    )


def lines_csv(invoices: Iterable[Invoice]) -> bytes:
    """Write ``lines.csv``: one row per invoice line. ``quantity`` is tokens, ``amount`` is rounded to the currency's minor unit.

    A file has ``EXTRA_LINE_COLUMNS`` after the fixed ones only where one of its lines has a value there.
    """
    chosen = sorted(invoices, key=_invoice_order)
    extras = [name for name in EXTRA_LINE_COLUMNS if any(getattr(line, name) is not None for invoice in chosen for line in invoice.lines)]
    return csv_bytes(
        (*LINE_COLUMNS, *extras),
        [
            (
                invoice.id,
                invoice.account_id,
                line.number,
                line.kind.value,
                line.api_key_id,
                line.model,
                line.service_tier,
                "" if line.meter is None else line.meter.value,
                line.quantity,
                "" if line.rate_per_million is None else line.rate_per_million,
                invoice.currency,
                line.amount,
                line.description,
                *("" if getattr(line, name) is None else getattr(line, name) for name in extras),
            )
            for invoice in chosen
            for line in invoice.lines
        ],
    )


def _invoice_order(invoice: Invoice) -> tuple[bool, int, str, str]:
    return invoice.number is None, invoice.number or 0, str(invoice.period), invoice.account_id
