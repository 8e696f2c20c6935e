"""``tallybook invoice show``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeline.accounts import Party
from pipeline.base.errors import InvoiceNotFound
from pipeline.base.money import plain, plain_rate
from pipeline.cli.commands.invoice.choice import account_option, book_of, chosen_invoices, period_option
from pipeline.cli.commands.invoice.settled import print_payments, settled, settlement_text
from pipeline.cli.tables import print_table
from pipeline.configuration.workspace import open_workspace
from pipeline.invoicing import LineKind, invoice_document

if TYPE_CHECKING:
    from pipeline.accounts import BankDetails
    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.tables import Cell
    from pipeline.invoicing import Invoice, InvoiceLine


@click.command()
@click.argument("invoice_id", metavar="[INVOICE]", required=False)
@period_option(required=False)
@account_option
@click.option("--json", "as_json", is_flag=True, help="The invoices' documents, as they are frozen when issued.")
@click.pass_obj
def show(
    invocation: Invocation,
    invoice_id: str | None,
    period: BillingPeriod | None,
    account_id: str | None,
    *,
    as_json: bool,
) -> None:
    """Show an invoice with its lines, by its id (INV-000001, draft-2026-10-acme) or by period and account."""
    workspace = open_workspace(invocation.workspace, now=invocation.now())
    book = book_of(workspace)
    invoices = [invoice for invoice in chosen_invoices(book, period, account_id) if invoice_id in (None, invoice.id)]
    if not invoices:
        message = f"there is no invoice {invoice_id!r}; 'tallybook invoice list' shows what there is"
        raise InvoiceNotFound(message)
    if as_json:
        click.echo(json.dumps([invoice_document(invoice) for invoice in invoices], indent=1, ensure_ascii=False))
        return
    settlements, notes = settled(workspace.root, book), book.credited_by()
    for invoice in invoices:
        _print_invoice(invoice, notes.get(invoice.id))
        if invoice.id in settlements and settlements[invoice.id].payments:
            print_payments(settlements[invoice.id])
            click.echo(f"\n{settlement_text(settlements[invoice.id])}\n")


def _print_invoice(invoice: Invoice, credit_note_id: str | None) -> None:
    click.echo(f"{invoice.id} ({invoice.status}) for {invoice.account_name}, {invoice.period}")
    click.echo(f"from {invoice.period_start} to (excluding) {invoice.period_end}, in {invoice.currency}")
    for name, value in _particulars(invoice, credit_note_id):
        click.echo(f"{name}: {', '.join(value.splitlines())}")
    click.echo()
    has_kinds = any(line.kind is not LineKind.USAGE for line in invoice.lines)
    has_lists = any(line.list_rate_per_million is not None for line in invoice.lines)
    rates = ("per million", "list price") if has_lists else ("per million",)
    whose = ["account"] if invoice.children else []
    header = (
        "line",
        *whose,
        *(["kind"] if has_kinds else []),
        "key",
        "model",
        "tier",
        "meter",
        "tokens",
        *rates,
        "amount",
    )
    print_table(header, [_line(invoice, line, has_kinds=has_kinds, has_lists=has_lists) for line in invoice.lines])
    if invoice.children:
        click.echo()
        rows = [(each.account_id, each.account_name, plain(each.subtotal)) for each in invoice.subtotals]
        print_table(("account", "name", "subtotal"), rows)
    if invoice.is_taxed:
        label = invoice.tax.label if invoice.tax else "tax"
        click.echo(
            f"\nsubtotal {plain(invoice.subtotal)} {invoice.currency}, {label} {plain(invoice.tax_amount)} "
            f"{invoice.currency}"
        )
    click.echo(f"\ntotal {plain(invoice.total)} {invoice.currency}\n")
    if invoice.tax_text:
        click.echo(f"{invoice.tax_text}\n")


def _line(invoice: Invoice, line: InvoiceLine, *, has_kinds: bool, has_lists: bool) -> tuple[Cell, ...]:
    """Show a line; one that is about no quantity says in words what it is."""
    kind = [line.kind.value] if has_kinds else []
    whose = [invoice.account_of(line)[0]] if invoice.children else []
    printed = (line.rate_per_million, line.list_rate_per_million) if has_lists else (line.rate_per_million,)
    rates = ["" if rate is None or line.flat_amount is not None else plain_rate(rate) for rate in printed]
    if line.kind is LineKind.REDUCTION or line.meter is None or line.flat_amount is not None:
        what = line.description
    else:
        what = f"{line.model} ({line.original_period})" if line.original_period else line.model
    meter = line.meter.value if line.meter else ""
    return (
        line.number,
        *whose,
        *kind,
        line.api_key_id,
        what,
        line.service_tier,
        meter,
        line.quantity,
        *rates,
        plain(line.amount),
    )


def _particulars(invoice: Invoice, credit_note_id: str | None) -> list[tuple[str, str]]:
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
        ("pay to", ", ".join(part for part in _bank(invoice.bank) if part)),
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
