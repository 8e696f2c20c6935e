"""``tallybook invoice void``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from pipeline.cli.commands.invoice.printed import print_list
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.invoices.issue import void
from pipeline.jobs.state.aggregate import aggregate, write_marts
from pipeline.jobs.state.drafts import invoice_book, write_invoices
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation


@click.command(name="void")
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
    print_list(book, book.of(note.period, note.account_id))
