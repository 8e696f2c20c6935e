"""How a list of invoices is printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.money import plain
from pipeline.cli.tables.columns import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.invoicing import Invoice, InvoiceBook
    from pipeline.invoicing.payments import Settlement
    from pipeline.jobs.state.drafted.heads import BookOfHeads, InvoiceHead

_KINDS = {
    "invoice": Kind.ID,
    "status": Kind.TEXT,
    "account": Kind.ID,
    "period": Kind.DATE,
    "lines": Kind.COUNT,
    "total": Kind.MONEY,
    "currency": Kind.TEXT,
}
_MORE = {"paid": Kind.MONEY, "open": Kind.MONEY, "due": Kind.DATE, "link": Kind.TEXT}


def print_list(
    output: Output,
    book: InvoiceBook | BookOfHeads,
    invoices: Sequence[Invoice | InvoiceHead],
    *,
    settlements: Mapping[str, Settlement] | None = None,
    with_due_dates: bool = False,
) -> None:
    """Print invoices, with the columns that say something.

    Links of invoices and their credit notes, what is paid and open where a payment was recorded, due dates where they
    are asked for.
    """
    settled = settlements or {}
    columns: dict[str, list[Cell]] = {
        name: list(cells) for name, cells in zip(_KINDS, zip(*map(_row, invoices), strict=True), strict=False)
    } or {name: [] for name in _KINDS}
    if with_due_dates or any(settled[each.id].payments for each in invoices if each.id in settled):
        found = [settled.get(invoice.id) for invoice in invoices]
        columns["paid"] = [plain(each.paid) if each else "" for each in found]
        columns["open"] = [plain(each.open) if each else "" for each in found]
    if with_due_dates:
        columns["due"] = [str(invoice.due_date or "") for invoice in invoices]
    links = _links(book, invoices)
    if any(links):
        columns["link"] = list(links)
    kinds = _KINDS | _MORE
    asked = ("paid", "open")  # 0 paid is an answer
    made = [
        Column(
            name=name,
            kind=kinds[name],
            is_asked=name in _KINDS or name in asked,
            is_late_detail=name in ("status", "lines"),
        )
        for name in columns
    ]
    output.rows(made, list(zip(*columns.values(), strict=True)))


def _links(book: InvoiceBook | BookOfHeads, invoices: Sequence[Invoice | InvoiceHead]) -> list[str]:
    notes, parts = book.credited_by(), book.credited_in_part_by()
    return [
        f"credits {invoice.credits_invoice}{' in part' if invoice.is_partial else ''}"
        if invoice.credits_invoice
        else f"credited by {notes[invoice.id]}"
        if invoice.id in notes
        else f"credited in part by {', '.join(parts[invoice.id])}"
        if invoice.id in parts
        else ""
        for invoice in invoices
    ]


def _row(invoice: Invoice | InvoiceHead) -> tuple[Cell, ...]:
    return (
        invoice.id,
        invoice.status.value,
        invoice.account_id,
        str(invoice.period),
        len(invoice.lines) if isinstance(invoice.lines, tuple) else invoice.lines,
        plain(invoice.total),
        invoice.currency,
    )
