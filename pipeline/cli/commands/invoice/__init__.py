"""``tallybook invoice``: one module a subcommand.

Owns the options of each, and how invoices are listed. Does not own what is done (``pipeline.jobs.invoices``) nor what
an invoice says (``pipeline.invoicing``). A subcommand is a file, and its name in the list below. Read first: ``draft``,
then ``choice``.
"""

from __future__ import annotations

import click

from pipeline.cli.commands.invoice.credit import credit_command
from pipeline.cli.commands.invoice.credit_balances import credits_command
from pipeline.cli.commands.invoice.draft import draft
from pipeline.cli.commands.invoice.issue import issue_command
from pipeline.cli.commands.invoice.listing import list_command
from pipeline.cli.commands.invoice.paid import paid_command
from pipeline.cli.commands.invoice.render import render_command
from pipeline.cli.commands.invoice.show import show
from pipeline.cli.commands.invoice.void import void_command
from pipeline.cli.groups import CommandsByName


@click.group(name="invoice", cls=CommandsByName)
def command() -> None:
    """Draft, issue, void, credit, list, show and render invoices; payments; prepaid credits."""


for _each in (
    *(draft, issue_command, void_command, credit_command, paid_command),
    *(credits_command, list_command, show, render_command),
):
    command.add_command(_each)
