"""Invoices as CSV: one file of invoices, one of their lines.

Owns the columns, which are a contract: every file has all of them, in this order, whatever its rows say. More may
follow after these, none changes. Owns the order of rows too: issued invoices by number, then drafts by period and
account. Does not own CSV itself (``pipeline.documents.csv_text``) nor where files lie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline.documents.csv_text import csv_of_rows, csv_rows
from pipeline.invoicing.invoice import credited_by
from pipeline.invoicing.lines import LineKind
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pipeline.accounts import Tax
    from pipeline.base.periods import BillingPeriod
    from pipeline.documents.csv_text import Cell
    from pipeline.invoicing import Invoice, InvoiceLine

CSV_LAYOUT = 3
"""Which columns there are: 1 had those alone that some row of a file said something in, after the first few; 2 did not
say what a credit note in part takes off, and why, nor as what a coupon's part is taxed.
"""
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
"""At the start of a file it tells spreadsheets of Microsoft's that the text is UTF-8."""

INVOICE_CELLS: Mapping[str, Callable[[Invoice], Cell]] = {
    "invoice_id": lambda invoice: invoice.id,
    "status": lambda invoice: invoice.status.value,
    "account_id": lambda invoice: invoice.account_id,
    "account_name": lambda invoice: invoice.account_name,
    "period": lambda invoice: str(invoice.period),
    "period_start": lambda invoice: invoice.period_start,
    "period_end": lambda invoice: invoice.period_end,
    "currency": lambda invoice: invoice.currency,
    "subtotal": lambda invoice: invoice.subtotal,
    "total": lambda invoice: invoice.total,
    "lines": lambda invoice: len(invoice.lines),
    "tax": lambda invoice: invoice.tax_amount if invoice.is_taxed else None,
    "tax_text": lambda invoice: invoice.tax_text,
    "due_date": lambda invoice: _date(invoice, "due_date"),
    "purchase_order": lambda invoice: invoice.purchase_order,
    "credits_invoice": lambda invoice: invoice.credits_invoice,
    "credited_by": lambda _: None,
    "issue_date": lambda invoice: _date(invoice, "issue_date"),
    "payment_terms": lambda invoice: invoice.payment_terms,
    "tax_category": lambda _: None,
    "tax_rate": lambda _: None,
    "buyer_name": lambda invoice: invoice.buyer_name,
    "buyer_address": lambda invoice: ", ".join(invoice.buyer.address_lines),
    "buyer_country": lambda invoice: invoice.buyer.country,
    "buyer_tax_id": lambda invoice: invoice.buyer.tax_id,
    "buyer_reference": lambda invoice: invoice.buyer_reference,
    "credit_reason": lambda invoice: invoice.credit_reason,
}
"""Columns of ``invoices.csv``; tax and ``credited_by`` are filled for all rows at once."""
_INVOICE_COLUMNS = tuple(INVOICE_CELLS)
LINE_CELLS: Mapping[str, Callable[[InvoiceLine], Cell]] = {
    "line": lambda line: line.number,
    "kind": lambda line: _TEXTS[line.kind],
    "api_key_id": lambda line: line.api_key_id,
    "model": lambda line: line.model,
    "service_tier": lambda line: line.service_tier,
    "meter": lambda line: _TEXTS[line.meter],
    "quantity": lambda line: line.quantity,
    "rate_per_million": lambda line: line.rate_per_million,
    "amount": lambda line: line.amount,
    "description": lambda line: line.description,
    "original_period": lambda line: str(line.original_period or line.period or "") or None,
    "original_kind": lambda line: _TEXTS[line.original_kind],
    "credit_id": lambda line: line.credit_id,
    "tags": lambda line: line.tags,
    "list_rate_per_million": lambda line: line.list_rate_per_million,
    "package_tokens": lambda line: line.package_tokens,
    "tax_base": lambda line: line.tax_base,
    "flat_amount": lambda line: line.flat_amount,
    "entry": lambda line: line.entry,
    "item": lambda line: line.item,
    "taxed_as": lambda line: line.taxed_as.value if line.taxed_as else None,
    "credits_line": lambda line: line.credits_line,
}
"""What ``lines.csv`` says of a line alone."""
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
    "original_period",
    "original_kind",
    "credit_id",
    "tags",
    "list_rate_per_million",
    "package_tokens",
    "tax_category",
    "tax_rate",
    "tax_base",
    "status",
    "period",
    "issue_date",
    "due_date",
    "buyer_name",
    "buyer_country",
    "buyer_tax_id",
    "flat_amount",
    "entry",
    "item",
    "taxed_as",
    "credits_invoice",
    "credits_line",
    "credit_reason",
    "usage_account_id",
    "usage_account_name",
)
"""Columns of ``lines.csv``: those of ``LINE_CELLS``, of the line's tax and account, and for the rest of its invoice."""
_TEXTS: Mapping[LineKind | Meter | None, str] = {each: each.value for each in (*LineKind, *Meter)} | {None: ""}


class Listed(Protocol):
    """What decides where an invoice stands in the files of a period."""

    @property
    def number(self) -> int | None:
        """Of an issued one."""

    @property
    def period(self) -> BillingPeriod:
        """Which it is of."""

    @property
    def account_id(self) -> str:
        """The invoiced account's."""


def invoices_csv(invoices: Iterable[Invoice]) -> bytes:
    """Write ``invoices.csv``: one row per invoice.

    ``lines`` is the number of its lines; the period's bounds carry the account's offset. ``tax_category`` and
    ``tax_rate`` are empty where its lines have several.
    """
    return csv_of_rows(_INVOICE_COLUMNS, [row for _, row in invoice_rows(invoices)])


def invoices_csv_of(rows: Iterable[str]) -> bytes:
    """Write ``invoices.csv`` of rows that ``invoice_rows`` returned, in ``file_order``."""
    return csv_of_rows(_INVOICE_COLUMNS, rows)


def lines_csv_of(files: Iterable[bytes]) -> bytes:
    """Write ``lines.csv`` of those of each invoice alone (``lines_csv_by_invoice``), in ``file_order``."""
    header = csv_of_rows(LINE_COLUMNS, [])
    return b"".join([header, *(file[len(header) :] for file in files)])


def invoice_rows(invoices: Iterable[Invoice]) -> list[tuple[Invoice, str]]:
    """Return each invoice with its row of ``invoices.csv``, in the order of the file."""
    listed = sorted(invoices, key=file_order)
    notes = credited_by(listed)
    columns = {name: [cell(invoice) for invoice in listed] for name, cell in INVOICE_CELLS.items()}
    columns["credited_by"] = [notes.get(invoice.id) for invoice in listed]
    taxes = [_only_tax(invoice) for invoice in listed]
    columns["tax_category"], columns["tax_rate"] = [_category(tax) for tax in taxes], [_rate(tax) for tax in taxes]
    return list(zip(listed, csv_rows([columns[name] for name in _INVOICE_COLUMNS]), strict=True))


def file_order(invoice: Listed) -> tuple[bool, int, str, str]:
    """Sorts invoices as they stand in the files of a period: issued ones by number, then drafts."""
    return invoice.number is None, invoice.number or 0, str(invoice.period), invoice.account_id


def lines_csv(invoices: Iterable[Invoice]) -> bytes:
    """Write ``lines.csv``: one row per invoice line.

    ``quantity`` is tokens, ``amount`` is rounded to the currency's minor unit.

    Lines that are about no tokens have an empty meter and rate, and the quantity 0. Credits that are split over several
    taxes have no tax category and rate.
    """
    return csv_of_rows(LINE_COLUMNS, _line_rows(sorted(invoices, key=file_order)))


def lines_csv_by_invoice(invoices: Iterable[Invoice]) -> tuple[bytes, dict[str, bytes]]:
    """Write ``lines.csv`` of all invoices, and that of each alone by its id: the same rows."""
    listed = sorted(invoices, key=file_order)
    rows = _line_rows(listed)
    alone, start = {}, 0
    for invoice in listed:
        end = start + len(invoice.lines)
        alone[invoice.id] = csv_of_rows(LINE_COLUMNS, rows[start:end])
        start = end
    return csv_of_rows(LINE_COLUMNS, rows), alone


def _line_rows(invoices: Sequence[Invoice]) -> list[str]:
    lines = [line for invoice in invoices for line in invoice.lines]
    taxes = [tax for invoice in invoices for tax in _taxes(invoice)]
    cells: dict[str, Sequence[Cell]] = {name: [cell(line) for line in lines] for name, cell in LINE_CELLS.items()}
    cells["tax_category"] = [_category(tax) for tax in taxes]
    cells["tax_rate"] = [_rate(tax) for tax in taxes]
    accounts = [account for invoice in invoices for account in _usage_accounts(invoice)]
    cells["usage_account_id"] = [account_id for account_id, _ in accounts]
    cells["usage_account_name"] = [name for _, name in accounts]
    for name in LINE_COLUMNS:
        if name not in cells:
            cells[name] = [cell for invoice in invoices for cell in [INVOICE_CELLS[name](invoice)] * len(invoice.lines)]
    return csv_rows([cells[name] for name in LINE_COLUMNS])


def _usage_accounts(invoice: Invoice) -> Sequence[tuple[str, str]]:
    """Return id and name of the account that each line is of: a child's, or that of the invoiced account."""
    if not invoice.children:
        return [(invoice.account_id, invoice.account_name)] * len(invoice.lines)
    return [invoice.account_of(line) for line in invoice.lines]


def _taxes(invoice: Invoice) -> Sequence[Tax | None]:
    """Return the tax of each line, None where it has none, or where an older document does not say."""
    nothing = [None] * len(invoice.lines)
    if not invoice.is_taxed:
        return nothing
    try:
        return invoice.line_taxes
    except ValueError:
        return nothing


def _only_tax(invoice: Invoice) -> Tax | None:
    """Return the tax that all lines of an invoice have; None where there are several."""
    taxes = list(dict.fromkeys(_taxes(invoice)))
    return taxes[0] if len(taxes) == 1 else None


def _category(tax: Tax | None) -> Cell:
    return None if tax is None else tax.category.value


def _rate(tax: Tax | None) -> Cell:
    return None if tax is None else tax.charged_rate


def _date(invoice: Invoice, name: str) -> Cell:
    stated = getattr(invoice, name)
    return stated.isoformat() if stated else None
