"""Which invoices a command is about: its options, and the invoices that they choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError, InexactAmount, InvoiceNotFound
from pipeline.base.money import decimal_from_plain
from pipeline.base.periods import parse_date
from pipeline.cli.context import PeriodType
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.drafts import invoice_book

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from decimal import Decimal

    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice, InvoiceBook


class DateType(click.ParamType["date"]):
    """A day on the command line: ``2026-10-31``."""

    name = "YYYY-MM-DD"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Read the day, or fail as a usage error."""
        try:
            return parse_date(str(value))
        except ConfigurationError as error:
            self.fail(str(error), param, ctx)


class AmountType(click.ParamType["Decimal"]):
    """An amount of money on the command line, exact: ``12.50``."""

    name = "AMOUNT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Read the amount, or fail as a usage error."""
        try:
            return decimal_from_plain(str(value))
        except InexactAmount as error:
            self.fail(str(error), param, ctx)


account_option = click.option("--account", "account_id", metavar="ID", help="Only this account.")


def period_option(*, required: bool) -> Callable[[click.decorators.FC], click.decorators.FC]:
    """Return the option ``--period``."""
    return click.option("--period", type=PeriodType(), required=required, help="A month, such as 2026-10.")


def book_of(workspace: Workspace) -> InvoiceBook:
    """Return issued invoices and the drafts as of the workspace's now."""
    return invoice_book(workspace, aggregate(workspace))


def chosen_invoices(book: InvoiceBook, period: BillingPeriod | None, account_id: str | None) -> list[Invoice]:
    """Return the invoices of a period and account. Raises ``InvoiceNotFound`` where there is none."""
    chosen = book.of(period, account_id)
    if not chosen:
        who = f" and account {account_id!r}" if account_id else ""
        message = f"there is no invoice for {period or 'any period'}{who}; 'tallybook invoice list' shows what there is"
        raise InvoiceNotFound(message)
    return chosen
