"""``tallybook invoice credits``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeline.base.money import plain_amount
from pipeline.cli.commands.invoice.choice import account_option
from pipeline.cli.printing import print_table
from pipeline.configuration.workspace import open_workspace
from pipeline.invoicing.book import credit_balances
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.drafts import account_currencies, invoice_book

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.invoicing.credits import CreditBalance


@click.command(name="credits")
@account_option
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
        *("account", "credit", "granted_on", "expires_on"),
        *("granted", "consumed", "reserved", "expired", "left", "currency"),
    )
    balances = credit_balances(book, workspace.accounts, account_currencies(workspace))
    rows = [_balance(balance) for balance in balances if account_id in (None, balance.account_id)]
    if as_json:
        click.echo(json.dumps([dict(zip(header, row, strict=True)) for row in rows], indent=1))
    else:
        print_table(header, rows)


def _balance(balance: CreditBalance) -> tuple[str, ...]:
    grant = balance.grant
    amounts = (
        plain_amount(amount, balance.currency)
        for amount in (grant.amount, balance.consumed, balance.reserved, balance.expired, balance.left)
    )
    return balance.account_id, grant.id, str(grant.granted_on), str(grant.expires_on or ""), *amounts, balance.currency
