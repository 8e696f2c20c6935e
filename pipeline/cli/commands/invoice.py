"""``tallybook invoice``."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import InvoiceNotFound
from pipeline.base.money import plain, plain_amount, plain_rate
from pipeline.base.periods import instant_text, time_zone
from pipeline.cli.context import EXIT_BROKEN_CLAIM, PeriodType, tell_of_broken_claims, warn
from pipeline.cli.tables import print_table
from pipeline.configuration.workspace import open_workspace
from pipeline.invoicing import LineKind, invoice_document
from pipeline.invoicing.book import credit_balances
from pipeline.jobs.invoices.issue import issue, void
from pipeline.jobs.state.aggregate import aggregate, write_marts
from pipeline.jobs.state.claims import broken_claims_of
from pipeline.jobs.state.drafts import account_currencies, invoice_book, write_invoices
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.tables import Cell
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice, InvoiceBook, InvoiceLine
    from pipeline.invoicing.credits import CreditBalance

_INVOICE_HEADER = ("invoice", "status", "account", "period", "lines", "total", "currency")
_account = click.option("--account", "account_id", metavar="ID", help="Only this account.")


def _period(*, required: bool) -> Callable[[click.decorators.FC], click.decorators.FC]:
    return click.option("--period", type=PeriodType(), required=required, help="A month, such as 2026-10.")


@click.group(name="invoice")
def command() -> None:
    """Draft, issue, void, list and show invoices; credit balances."""


@command.command()
@_period(required=True)
@_account
@click.pass_obj
def draft(invocation: Invocation, period: BillingPeriod, account_id: str | None) -> int:
    """Compute the drafts again from what is collected, write their CSV, and list those of the period.

    A draft has lines of usage, included tokens, fees, what lacks to the commitment, corrections of earlier months,
    credits and tax. Exit code 7 where a claim about the counts does not hold: such drafts cannot be issued.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now())
    with locked(workspace.lake, command="tallybook invoice draft", started_at=invocation.now()):
        built = aggregate(workspace)
        book = invoice_book(workspace, built)
        write_marts(workspace, built)
        write_invoices(workspace, book)
    _print_list(book, _chosen(book, period, account_id))
    broken = broken_claims_of(built.marts)
    tell_of_broken_claims(broken)
    return EXIT_BROKEN_CLAIM if broken else 0


@command.command(name="issue")
@_period(required=True)
@_account
@click.option("--as-of", metavar="DATE|INSTANT", help="The clock of this run; default: now.")
@click.pass_obj
def issue_command(invocation: Invocation, period: BillingPeriod, account_id: str | None, as_of: str | None) -> None:
    """Give every draft of the period the next number and freeze it: an issued invoice never changes.

    Blocked (exit code 4) while any of them has usage without a rate, or a claim about the counts does not hold.
    Running it again issues what is still a draft, and nothing twice.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now())
    now = invocation.clock(as_of, workspace.settings.zone)
    workspace = replace(workspace, now=now)
    with locked(workspace.lake, command="tallybook invoice issue", started_at=now):
        built = aggregate(workspace)
        issued = issue(workspace, built, period=period, account_id=account_id, now=now)
        book = invoice_book(workspace, built)
        write_marts(workspace, built)
        write_invoices(workspace, book)
    _warn_unfinished(issued, now)
    if not issued:
        click.echo(f"nothing left to issue for {period}: every invoice has its number", err=True)
    _print_list(book, issued or _chosen(book, period, account_id))


@command.command(name="void")
@click.argument("invoice_id", metavar="INVOICE")
@click.option("--as-of", metavar="DATE|INSTANT", help="The clock of this run; default: now.")
@click.pass_obj
def void_command(invocation: Invocation, invoice_id: str, as_of: str | None) -> None:
    """Take an issued invoice back in full.

    A credit note with the next number negates its lines, and its period is open again.

    The invoice itself never changes. What it settled (usage, corrections, prepaid credits) stands on drafts again,
    ready to be issued. Blocked (exit code 4) while a claim about the counts does not hold.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now())
    now = invocation.clock(as_of, workspace.settings.zone)
    workspace = replace(workspace, now=now)
    with locked(workspace.lake, command="tallybook invoice void", started_at=now):
        built = aggregate(workspace)
        note = void(workspace, built, invoice_id, now=now)
        book = invoice_book(workspace, built)
        write_marts(workspace, built)
        write_invoices(workspace, book)
    _print_list(book, book.of(note.period, note.account_id))


@command.command(name="credits")
@_account
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of the table.")
@click.pass_obj
def credits_command(invocation: Invocation, account_id: str | None, *, as_json: bool) -> None:
    """List prepaid credits with what issued invoices consumed, what drafts reserve, what expired, and what is left.

    Grants stand in the order in which they are used; one that recurs is a grant a month. A grant has expired once usage
    has reached a month on whose last day it is not in force any more.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now())
    book = invoice_book(workspace, aggregate(workspace))
    header = (
        "account",
        "credit",
        "granted_on",
        "expires_on",
        "granted",
        "consumed",
        "reserved",
        "expired",
        "left",
        "currency",
    )
    balances = credit_balances(book, workspace.accounts, account_currencies(workspace))
    rows = [_balance(balance) for balance in balances if account_id in (None, balance.account_id)]
    if as_json:
        click.echo(json.dumps([dict(zip(header, row, strict=True)) for row in rows], indent=1))
    else:
        print_table(header, rows)


@command.command(name="list")
@_period(required=False)
@_account
@click.pass_obj
def list_command(invocation: Invocation, period: BillingPeriod | None, account_id: str | None) -> None:
    """List issued invoices and the drafts as of now."""
    book = _book(invocation)
    _print_list(book, book.of(period, account_id))


@command.command()
@click.argument("invoice_id", metavar="[INVOICE]", required=False)
@_period(required=False)
@_account
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
    book = _book(invocation)
    invoices = [invoice for invoice in _chosen(book, period, account_id) if invoice_id in (None, invoice.id)]
    if not invoices:
        message = f"there is no invoice {invoice_id!r}; 'tallybook invoice list' shows what there is"
        raise InvoiceNotFound(message)
    if as_json:
        click.echo(json.dumps([invoice_document(invoice) for invoice in invoices], indent=1, ensure_ascii=False))
        return
    for invoice in invoices:
        _print_invoice(invoice, book.credited_by().get(invoice.id))


def _book(invocation: Invocation) -> InvoiceBook:
    workspace: Workspace = open_workspace(invocation.workspace, now=invocation.now())
    return invoice_book(workspace, aggregate(workspace))


def _chosen(book: InvoiceBook, period: BillingPeriod | None, account_id: str | None) -> list[Invoice]:
    chosen = book.of(period, account_id)
    if not chosen:
        who = f" and account {account_id!r}" if account_id else ""
        message = f"there is no invoice for {period or 'any period'}{who}; 'tallybook invoice list' shows what there is"
        raise InvoiceNotFound(message)
    return chosen


def _warn_unfinished(issued: list[Invoice], now: datetime) -> None:
    for invoice in issued:
        zone = time_zone(invoice.timezone)
        end_at = invoice.period.end_at(zone)
        if now < end_at:
            warn(
                f"{invoice.id} was issued before the end of {invoice.period} ({instant_text(end_at, zone)}); "
                "what is used until then will be late usage"
            )


def _balance(balance: CreditBalance) -> tuple[str, ...]:
    grant = balance.grant
    amounts = (
        plain_amount(amount, balance.currency)
        for amount in (grant.amount, balance.consumed, balance.reserved, balance.expired, balance.left)
    )
    return balance.account_id, grant.id, str(grant.granted_on), str(grant.expires_on or ""), *amounts, balance.currency


def _print_list(book: InvoiceBook, invoices: list[Invoice]) -> None:
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


def _print_invoice(invoice: Invoice, credit_note_id: str | None) -> None:
    click.echo(f"{invoice.id} ({invoice.status}) for {invoice.account_name}, {invoice.period}")
    click.echo(f"from {invoice.period_start} to (excluding) {invoice.period_end}, in {invoice.currency}")
    for name, value in _particulars(invoice, credit_note_id):
        click.echo(f"{name}: {', '.join(value.splitlines())}")
    click.echo()
    has_kinds = any(line.kind is not LineKind.USAGE for line in invoice.lines)
    has_lists = any(line.list_rate_per_million is not None for line in invoice.lines)
    rates = ("per million", "list price") if has_lists else ("per million",)
    header = ("line", *(["kind"] if has_kinds else []), "key", "model", "tier", "meter", "tokens", *rates, "amount")
    print_table(header, [_line(line, has_kinds=has_kinds, has_lists=has_lists) for line in invoice.lines])
    if invoice.is_taxed:
        label = invoice.tax.label if invoice.tax else "tax"
        click.echo(
            f"\nsubtotal {plain(invoice.subtotal)} {invoice.currency}, {label} {plain(invoice.tax_amount)} "
            f"{invoice.currency}"
        )
    click.echo(f"\ntotal {plain(invoice.total)} {invoice.currency}\n")
    if invoice.tax_text:
        click.echo(f"{invoice.tax_text}\n")


def _line(line: InvoiceLine, *, has_kinds: bool, has_lists: bool) -> tuple[Cell, ...]:
    """Show a line; one that is about no quantity says in words what it is."""
    kind = [line.kind.value] if has_kinds else []
    printed = (line.rate_per_million, line.list_rate_per_million) if has_lists else (line.rate_per_million,)
    rates = ["" if rate is None or line.flat_amount is not None else plain_rate(rate) for rate in printed]
    if line.meter is None or line.flat_amount is not None:
        what = line.description
    else:
        what = f"{line.model} ({line.original_period})" if line.original_period else line.model
    meter = line.meter.value if line.meter else ""
    return (
        line.number,
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
            "\n".join(part for part in (invoice.seller.name, invoice.seller.address, invoice.seller.tax_id) if part),
        ),
        (
            "buyer",
            "\n".join(part for part in (invoice.account_name, invoice.buyer.address, invoice.buyer.tax_id) if part),
        ),
        ("purchase order", invoice.purchase_order),
        ("due", invoice.due_date.isoformat() if invoice.due_date else ""),
        ("credits", invoice.credits_invoice),
        ("credited by", credit_note_id or ""),
    ]
    has_details = bool(invoice.buyer.address or invoice.buyer.tax_id)
    return [(name, value) for name, value in found if value and (name != "buyer" or has_details)]
