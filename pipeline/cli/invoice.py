"""``tallybook invoice``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeline.cli.context import PeriodType, warn
from pipeline.cli.tables import print_table
from pipeline.errors import InvoiceNotFound
from pipeline.invoicing import invoice_document
from pipeline.jobs.aggregate import aggregate, write_marts
from pipeline.jobs.invoice import invoice_book, issue, write_invoices
from pipeline.money import plain, plain_rate
from pipeline.periods import instant_text, time_zone
from pipeline.storage.lock import locked
from pipeline.storage.workspace import open_workspace

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from pipeline.cli.context import Session
    from pipeline.invoicing import Invoice
    from pipeline.jobs.invoice import InvoiceBook
    from pipeline.periods import BillingPeriod
    from pipeline.storage.workspace import Workspace

_INVOICE_HEADER = ("invoice", "status", "account", "period", "lines", "total", "currency")
_account = click.option("--account", "account_id", metavar="ID", help="Only this account.")


def _period(*, required: bool) -> Callable[[click.decorators.FC], click.decorators.FC]:
    return click.option("--period", type=PeriodType(), required=required, help="A month, such as 2026-10.")


@click.group(name="invoice")
def command() -> None:
    """Draft, issue, list and show invoices."""


@command.command()
@_period(required=True)
@_account
@click.pass_obj
def draft(session: Session, period: BillingPeriod, account_id: str | None) -> None:
    """Compute the drafts again from what is collected, write their CSV, and list those of the period."""
    workspace = open_workspace(session.workspace)
    with locked(workspace.lake, command="tallybook invoice draft", started_at=session.now()):
        built = aggregate(workspace)
        book = invoice_book(workspace, built)
        write_marts(workspace, built)
        write_invoices(workspace, book)
    _print_list(_chosen(book, period, account_id))


@command.command(name="issue")
@_period(required=True)
@_account
@click.option("--as-of", metavar="DATE|INSTANT", help="The clock of this run; default: now.")
@click.pass_obj
def issue_command(session: Session, period: BillingPeriod, account_id: str | None, as_of: str | None) -> None:
    """Give every draft of the period the next number and freeze it: an issued invoice never changes.

    Blocked (exit code 4) while any of them has usage without a rate. Running it again issues what is still a draft, and nothing twice.
    """
    workspace = open_workspace(session.workspace)
    now = session.clock(as_of, workspace.settings.zone)
    with locked(workspace.lake, command="tallybook invoice issue", started_at=now):
        built = aggregate(workspace)
        issued = issue(workspace, built, period=period, account_id=account_id, now=now)
        book = invoice_book(workspace, built)
        write_marts(workspace, built)
        write_invoices(workspace, book)
    _warn_unfinished(issued, now)
    if not issued:
        click.echo(f"nothing left to issue for {period}: every invoice has its number", err=True)
    _print_list(issued or _chosen(book, period, account_id))


@command.command(name="list")
@_period(required=False)
@_account
@click.pass_obj
def list_command(session: Session, period: BillingPeriod | None, account_id: str | None) -> None:
    """List issued invoices and the drafts as of now."""
    _print_list(_book(session).of(period, account_id))


@command.command()
@click.argument("invoice_id", metavar="[INVOICE]", required=False)
@_period(required=False)
@_account
@click.option("--json", "as_json", is_flag=True, help="The invoices' documents, as they are frozen when issued.")
@click.pass_obj
def show(session: Session, invoice_id: str | None, period: BillingPeriod | None, account_id: str | None, *, as_json: bool) -> None:
    """Show an invoice with its lines, by its id (INV-000001, draft-2026-10-acme) or by period and account."""
    book = _book(session)
    invoices = [invoice for invoice in _chosen(book, period, account_id) if invoice_id in (None, invoice.id)]
    if not invoices:
        message = f"there is no invoice {invoice_id!r}; 'tallybook invoice list' shows what there is"
        raise InvoiceNotFound(message)
    if as_json:
        click.echo(json.dumps([invoice_document(invoice) for invoice in invoices], indent=1, ensure_ascii=False))
        return
    for invoice in invoices:
        _print_invoice(invoice)


def _book(session: Session) -> InvoiceBook:
    workspace: Workspace = open_workspace(session.workspace)
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
            warn(f"{invoice.id} was issued before the end of {invoice.period} ({instant_text(end_at, zone)}); what is used until then will be late usage")


def _print_list(invoices: list[Invoice]) -> None:
    print_table(_INVOICE_HEADER, [_row(invoice) for invoice in invoices])


def _row(invoice: Invoice) -> tuple[str | int, ...]:
    return invoice.id, invoice.status.value, invoice.account_id, str(invoice.period), len(invoice.lines), plain(invoice.total), invoice.currency


def _print_invoice(invoice: Invoice) -> None:
    click.echo(f"{invoice.id} ({invoice.status}) for {invoice.account_name}, {invoice.period}")
    click.echo(f"from {invoice.period_start} to (excluding) {invoice.period_end}, in {invoice.currency}\n")
    header = ("line", "key", "model", "tier", "meter", "tokens", "per million", "amount")
    rows = [
        (
            line.number,
            line.api_key_id,
            line.model,
            line.service_tier,
            line.meter.value if line.meter else line.kind.value,
            line.quantity,
            "" if line.rate_per_million is None else plain_rate(line.rate_per_million),
            plain(line.amount),
        )
        for line in invoice.lines
    ]
    print_table(header, rows)
    click.echo(f"\ntotal {plain(invoice.total)} {invoice.currency}\n")
