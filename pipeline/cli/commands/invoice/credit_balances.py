"""``tallybook invoice credits``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.base.money import plain_amount
from pipeline.cli.commands.invoice.choice import account_option
from pipeline.cli.options.examples import examples
from pipeline.cli.options.ids import whole_account_id
from pipeline.cli.output import output_option
from pipeline.cli.tables.columns import Kind, columns_of
from pipeline.configuration.workspace import open_workspace
from pipeline.invoicing.book import credit_balances
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.drafts import account_currencies, invoice_book

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.invoicing.credits import CreditBalance


_COLUMNS = columns_of(
    {
        **dict.fromkeys(("account", "credit"), Kind.ID),
        **dict.fromkeys(("granted_on", "expires_on"), Kind.DATE),
        **dict.fromkeys(("granted", "consumed", "reserved", "expired", "left"), Kind.MONEY),
        "currency": Kind.TEXT,
    }
)


@click.command(
    name="credits", epilog=examples("tallybook invoice credits", "tallybook invoice credits --account acme -o csv")
)
@account_option
@output_option()
@click.pass_obj
def credits_command(invocation: Invocation, *, account_id: str | None, output: Output) -> None:
    """List prepaid credits with what issued invoices consumed, what drafts reserve, what expired, and what is left.

    Grants stand in the order in which they are used; one that recurs is a grant a month. A grant has expired once usage
    has reached a month on whose last day it is not in force any more.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    account_id = whole_account_id(workspace, account_id)
    book = invoice_book(workspace, aggregate(workspace, is_checked=False))
    balances = credit_balances(book, workspace.accounts, account_currencies(workspace))
    rows = [_balance(balance) for balance in balances if account_id in (None, balance.account_id)]
    output.rows(_COLUMNS, rows, is_list=True)


def _balance(balance: CreditBalance) -> tuple[str, ...]:
    grant = balance.grant
    amounts = (
        plain_amount(amount, balance.currency)
        for amount in (grant.amount, balance.consumed, balance.reserved, balance.expired, balance.left)
    )
    return balance.account_id, grant.id, str(grant.granted_on), str(grant.expires_on or ""), *amounts, balance.currency
