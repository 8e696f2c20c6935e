"""``tallybook invoice issue``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from pipeline.base.periods import instant_text, time_zone
from pipeline.cli.commands.invoice.choice import account_option, chosen_invoices, period_option
from pipeline.cli.commands.invoice.printed import print_list
from pipeline.cli.context import warn
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.invoices.issue import issue
from pipeline.jobs.state.aggregate import aggregate, write_marts
from pipeline.jobs.state.drafts import invoice_book, write_invoices
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.invoicing import Invoice


@click.command(name="issue")
@period_option(required=True)
@account_option
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
    print_list(book, issued or chosen_invoices(book, period, account_id))


def _warn_unfinished(issued: list[Invoice], now: datetime) -> None:
    for invoice in issued:
        zone = time_zone(invoice.timezone)
        end_at = invoice.period.end_at(zone)
        if now < end_at:
            warn(
                f"{invoice.id} was issued before the end of {invoice.period} ({instant_text(end_at, zone)}); "
                "what is used until then will be late usage"
            )
