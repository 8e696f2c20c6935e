"""``tallybook invoice show``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.accounts import Party
from pipeline.base.beginnings import whole_id
from pipeline.base.errors import InvoiceNotFound
from pipeline.base.money import plain, plain_rate
from pipeline.cli.commands.invoice.choice import account_option, book_of, chosen_invoices, period_option
from pipeline.cli.commands.invoice.settled import print_payments, settled, settlement_text
from pipeline.cli.options.examples import examples
from pipeline.cli.options.ids import whole_account_id
from pipeline.cli.output import TERMINAL_ROWS_MAX, output_option, put_documents, say
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form
from pipeline.configuration.workspace import open_workspace
from pipeline.invoicing import InvoiceStatus, LineKind, invoice_document

if TYPE_CHECKING:
    from pipeline.accounts import BankDetails
    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.invoicing import Invoice, InvoiceLine

_INVOICES_MAX = 10
"""So many invoices, each by its first lines, are all that a terminal is shown of more."""
_LINES = (
    Column(name="line", kind=Kind.COUNT),
    Column(name="account", kind=Kind.ID),
    Column(name="month", kind=Kind.DATE),
    Column(name="kind"),
    Column(name="key", kind=Kind.ID),
    Column(name="model"),
    Column(name="tier"),
    Column(name="meter"),
    Column(name="tokens", kind=Kind.COUNT),
    Column(name="per_million", kind=Kind.MONEY, heading="per million"),
    Column(name="list_price", kind=Kind.MONEY, heading="list price"),
    Column(name="amount", kind=Kind.MONEY, is_kept=True),
)
_SUBTOTALS = (
    Column(name="account", kind=Kind.ID),
    Column(name="name"),
    Column(name="subtotal", kind=Kind.MONEY),
)


@click.command(
    epilog=examples(
        "tallybook invoice show INV-000001",
        "tallybook invoice show --period last-month --account acme",
        "tallybook invoice show draft-2026-10-acme --json",
    )
)
@click.argument("invoice_id", metavar="[INVOICE]", required=False)
@period_option(required=False)
@account_option
@output_option()
@click.pass_obj
def show(
    invocation: Invocation,
    *,
    invoice_id: str | None,
    period: BillingPeriod | None,
    account_id: str | None,
    output: Output,
) -> None:
    """Show an invoice with its lines, by its id (INV-000001, draft-2026-10-acme) or by period and account."""
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    book = book_of(workspace)
    chosen = chosen_invoices(book, period, whole_account_id(workspace, account_id))
    if invoice_id is not None:
        invoice_id = whole_id(invoice_id, (invoice.id for invoice in chosen), "invoice")
    invoices = [invoice for invoice in chosen if invoice_id in (None, invoice.id)]
    if not invoices:
        message = f"there is no invoice {invoice_id!r}; 'tallybook invoice list' shows what there is"
        raise InvoiceNotFound(message)
    if output.form is Form.JSON:
        put_documents([invoice_document(invoice) for invoice in invoices])
        return
    if output.form is Form.CSV:
        rows = [(invoice.id, *_line(invoice, line), invoice.currency) for invoice in invoices for line in invoice.lines]
        output.rows([Column(name="invoice", kind=Kind.ID), *_LINES, Column(name="currency")], rows)
        return
    settlements, notes = settled(workspace.root, book), book.credited_by()
    is_of_many = output.is_shortened and len(invoices) > _INVOICES_MAX
    for invoice in invoices[:_INVOICES_MAX] if is_of_many else invoices:
        rows_max = TERMINAL_ROWS_MAX // (_INVOICES_MAX if is_of_many else 1)
        _print_invoice(invoice, notes.get(invoice.id), output, rows_max)
        if invoice.id in settlements and settlements[invoice.id].payments:
            print_payments(settlements[invoice.id], output)
            say("", settlement_text(settlements[invoice.id]), "")
    if is_of_many:
        say(f"and {len(invoices) - _INVOICES_MAX:,} more invoices; 'tallybook invoice list' lists them, -o csv has all")


def _print_invoice(invoice: Invoice, credit_note_id: str | None, output: Output, rows_max: int) -> None:
    say(f"{invoice.id} ({invoice.status}) for {invoice.account_name}, {invoice.period}")
    say(f"from {invoice.period_start} to (excluding) {invoice.period_end}, in {invoice.currency}")
    for name, value in _particulars(invoice, credit_note_id):
        say(f"{name}: {', '.join(value.splitlines())}")
    say("")
    has_kinds = any(line.kind is not LineKind.USAGE for line in invoice.lines)
    has_lists = any(line.list_rate_per_million is not None for line in invoice.lines)
    without = {
        *(() if invoice.children else ("account",)),
        *(() if invoice.period.count > 1 else ("month",)),
        *(() if has_kinds else ("kind",)),
        *(() if has_lists else ("list_price",)),
    }
    kept = [place for place, column in enumerate(_LINES) if column.name not in without]
    cells = [_line(invoice, line) for line in invoice.lines]
    output.rows([_LINES[place] for place in kept], [[row[place] for place in kept] for row in cells], rows_max=rows_max)
    if invoice.children:
        say("")
        rows = [(each.account_id, each.account_name, plain(each.subtotal)) for each in invoice.subtotals]
        output.rows(_SUBTOTALS, rows)
    if invoice.is_taxed:
        label = invoice.tax.label if invoice.tax else "tax"
        is_charged = bool(invoice.tax_amount) or invoice.tax is None or invoice.tax.is_charged
        tax = f"{label} {plain(invoice.tax_amount)} {invoice.currency}" if is_charged else f"{label} not charged"
        say("", f"subtotal {plain(invoice.subtotal)} {invoice.currency}, {tax}")
    say("", f"total {plain(invoice.total)} {invoice.currency}", "")
    if invoice.tax_text:
        say(invoice.tax_text, "")


def _line(invoice: Invoice, line: InvoiceLine) -> tuple[Cell, ...]:
    """Show a line; one that is about no quantity says in words what it is."""
    printed = (line.rate_per_million, line.list_rate_per_million)
    rates = ["" if rate is None or line.flat_amount is not None else plain_rate(rate) for rate in printed]
    if line.kind is LineKind.REDUCTION or line.meter is None or line.flat_amount is not None:
        what = line.description
    else:
        what = f"{line.model} ({line.original_period})" if line.original_period else line.model
    meter = line.meter.value if line.meter else ""
    return (
        line.number,
        invoice.account_of(line)[0],
        str(line.period or ""),
        line.kind.value,
        line.api_key_id,
        what,
        line.service_tier,
        meter,
        line.quantity,
        *rates,
        plain(line.amount),
    )


def _particulars(invoice: Invoice, credit_note_id: str | None) -> list[tuple[str, str]]:
    is_to_pay = invoice.status is not InvoiceStatus.CREDIT_NOTE and invoice.total > 0
    found = [
        (
            "seller",
            _party(invoice.seller.name, invoice.seller),
        ),
        (
            "buyer",
            _party(invoice.buyer_name, invoice.buyer),
        ),
        ("buyer reference", invoice.buyer_reference),
        ("purchase order", invoice.purchase_order),
        ("issued", invoice.issue_date.isoformat() if invoice.issue_date else ""),
        ("payment terms", invoice.payment_terms),
        ("due", invoice.due_date.isoformat() if invoice.due_date else ""),
        ("pay to", ", ".join(part for part in _bank(invoice.bank) if part) if is_to_pay else ""),
        ("note", invoice.note),
        ("credits", invoice.credits_invoice),
        ("reason", invoice.credit_reason),
        ("credited by", credit_note_id or ""),
    ]
    has_details = invoice.buyer != Party()
    return [(name, value) for name, value in found if value and (name != "buyer" or has_details)]


def _party(name: str, party: Party) -> str:
    parts = (name, *party.address_lines, party.tax_id, party.registration_id)
    return "\n".join(part for part in parts if part)


def _bank(bank: BankDetails) -> tuple[str, ...]:
    return bank.account_holder, bank.bank, bank.iban_text, bank.bic
