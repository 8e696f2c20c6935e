"""Which invoices a command is about: its options, and the invoices that they choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.base.errors import InvoiceNotFound
from pipeline.cli.context import PeriodType
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.drafts import invoice_book

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice, InvoiceBook

account_option = click.option("--account", "account_id", metavar="ID", help="Only this account.")


def period_option(*, required: bool) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """Return the option ``--period``."""
    return click.option("--period", type=PeriodType(), required=required, help="A month, such as 2026-10.")


def book_of(invocation: Invocation) -> InvoiceBook:
    """Return issued invoices and the drafts as of now."""
    workspace: Workspace = open_workspace(invocation.workspace, now=invocation.now())
    return invoice_book(workspace, aggregate(workspace))


def chosen_invoices(book: InvoiceBook, period: BillingPeriod | None, account_id: str | None) -> list[Invoice]:
    """Return the invoices of a period and account. Raises ``InvoiceNotFound`` where there is none."""
    chosen = book.of(period, account_id)
    if not chosen:
        who = f" and account {account_id!r}" if account_id else ""
        message = f"there is no invoice for {period or 'any period'}{who}; 'tallybook invoice list' shows what there is"
        raise InvoiceNotFound(message)
    return chosen
