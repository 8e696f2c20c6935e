"""Invoices and their lines as rows, invoice after invoice, so that no book is held whole where none has to be made.

Where the last night's drafts are of now (``pipeline.jobs.state.drafted.now``), lines are read from the documents that
it wrote, each checked against the digest that was kept of it. Else, and where one of them is not what was written, the
book is made anew from all events.

Owns what of a document is in a row. Does not own documents (``pipeline.invoicing.document``).
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline.base.errors import InexactAmount
from pipeline.invoicing import LineKind
from pipeline.jobs.answers.queried.columns import INVOICE_LINES, INVOICES
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.drafted.heads import head_of
from pipeline.jobs.state.drafted.now import kept_now
from pipeline.jobs.state.drafts import invoice_book
from pipeline.objects.temporary.spooled import spooled
from pipeline.objects.verified import bytes_of
from pipeline.register.invoice_files import invoice_file_names, period_folder

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.jobs.answers.grouped.selection import Span
    from pipeline.jobs.state.drafted.brief import InvoiceInBrief
    from pipeline.jobs.state.drafted.heads import InvoiceHead

HEADS, LINES = "invoices", "invoice_lines"


def invoice_relations(workspace: Workspace, names: Collection[str], span: Span) -> dict[str, ds.Dataset]:
    """Return ``invoices`` and ``invoice_lines``, as far as they are named, of the periods that a span touches.

    Raises ``InexactAmount`` for an amount with more digits than a column holds.
    """
    kept = kept_now(workspace)
    if kept is not None:
        invoices = [invoice for invoice in kept.invoices if span.touches(invoice.period)]
        try:
            return _relations(invoices, names, lambda: _documented(workspace.root, invoices))
        except _NotAsWritten:
            pass  # the next night writes it anew; until then the book says what is in it
    book = invoice_book(workspace, aggregate(workspace))
    made = [invoice for invoice in book.of() if span.touches(invoice.period)]
    return _relations(list(map(head_of, made)), names, lambda: map(lines_of_invoice, made))


class _NotAsWritten(Exception):
    """A document is not what was kept of it."""


def _relations(heads: Sequence[InvoiceHead], names: Collection[str], lines: Any) -> dict[str, ds.Dataset]:
    found = {}
    try:
        if HEADS in names:
            found[HEADS] = ds.dataset(pa.Table.from_pylist(list(map(_head_row, heads)), schema=INVOICES))
        if LINES in names:
            found[LINES] = spooled(lines(), INVOICE_LINES)
    except pa.ArrowInvalid as refused:
        message = f"an amount has more digits than a column holds, and none may be lost: {refused}"
        raise InexactAmount(message) from refused
    return found


def _head_row(head: InvoiceHead) -> dict[str, Any]:
    return {
        "invoice_id": head.id,
        "status": head.status.value,
        "account_id": head.account_id,
        "account_name": head.account_name,
        "period": str(head.period),
        "currency": head.currency,
        "lines": head.lines,
        "subtotal": head.subtotal,
        "tax": next((each.amount for each in head.sums if each.kind is LineKind.TAX), Decimal(0)),
        "total": head.total,
        "issue_date": head.issue_date,
        "due_date": head.due_date,
        "purchase_order": head.purchase_order,
        "credits_invoice": head.credits_invoice,
    }


def _documented(root: Path, invoices: Sequence[InvoiceInBrief]) -> Iterator[pa.Table]:
    """Yield the lines of each invoice as its document has them. Raises ``_NotAsWritten``."""
    for invoice in invoices:
        content = bytes_of(f"{period_folder(root, invoice.period)}/{invoice_file_names(invoice.id)[0]}")
        if content is None or hashlib.sha256(content).hexdigest() != invoice.document_sha256:
            raise _NotAsWritten
        yield lines_of_document(json.loads(content))


def lines_of_document(document: Mapping[str, Any]) -> pa.Table:
    """Return the lines of an invoice's document as ``INVOICE_LINES``: what it does not say is empty, or null."""
    lines = document["lines"]
    alike = {
        "invoice_id": document["invoice_id"],
        "status": document["status"],
        "account_id": document["account_id"],
        "period": document["period"],
        "currency": document["currency"],
    }

    def column(field: pa.Field) -> pa.Array:
        if field.name in alike:
            return pa.repeat(pa.scalar(alike[field.name], field.type), len(lines))
        cells = [line.get(field.name) for line in lines]
        if pa.types.is_string(field.type):
            return pa.array([cell or "" for cell in cells], field.type)
        if pa.types.is_decimal(field.type):
            return pa.array(cells, pa.string()).cast(field.type)
        return pa.array(cells, field.type)

    return pa.table(list(map(column, INVOICE_LINES)), schema=INVOICE_LINES)


def lines_of_invoice(invoice: Invoice) -> pa.Table:
    """Return the lines of an invoice as ``INVOICE_LINES``."""
    rows = [
        {
            "invoice_id": invoice.id,
            "status": invoice.status.value,
            "account_id": invoice.account_id,
            "period": str(invoice.period),
            "line": line.number,
            "kind": line.kind.value,
            "api_key_id": line.api_key_id,
            "model": line.model,
            "service_tier": line.service_tier,
            "meter": line.meter.value if line.meter else "",
            "quantity": line.quantity,
            "rate_per_million": line.rate_per_million,
            "list_rate_per_million": line.list_rate_per_million,
            "currency": invoice.currency,
            "exact_amount": line.exact_amount,
            "amount": line.amount,
            "description": line.description,
            "original_period": str(line.original_period) if line.original_period else "",
            "tags": line.tags,
        }
        for line in invoice.lines
    ]
    return pa.Table.from_pylist(rows, schema=INVOICE_LINES)
