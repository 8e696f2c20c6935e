"""``tallybook invoice list``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.commands.invoice.choice import account_option, book_of, period_option
from pipeline.cli.commands.invoice.printed import print_list

if TYPE_CHECKING:
    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation


@click.command(name="list")
@period_option(required=False)
@account_option
@click.pass_obj
def list_command(invocation: Invocation, period: BillingPeriod | None, account_id: str | None) -> None:
    """List issued invoices and the drafts as of now."""
    book = book_of(invocation)
    print_list(book, book.of(period, account_id))
