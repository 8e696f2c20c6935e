"""Which invoices a command is about: its options, and the invoices that they choose."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.base.errors import InexactAmount, InvoiceNotFound
from pipeline.base.money import decimal_from_plain
from pipeline.cli.context import PeriodType, tell
from pipeline.jobs.invoices.named_periods import due_with_others, no_invoice_text
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.drafts import invoice_book

if TYPE_CHECKING:
    from collections.abc import Callable
    from decimal import Decimal

    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice, InvoiceBook
    from pipeline.jobs.state.drafted.heads import BookOfHeads


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
    text = (
        "A month, such as 2026-10 or last-month; of accounts that are billed so, a quarter (2026-Q4), a year (2026), "
        "or the first day of a month (2026-10-15)."
    )
    return click.option("--period", type=PeriodType(), required=required, help=text)


def book_of(workspace: Workspace) -> InvoiceBook:
    """Return issued invoices and the drafts as of the workspace's now."""
    return invoice_book(workspace, aggregate(workspace, is_checked=False))


def chosen_invoices(book: InvoiceBook, period: BillingPeriod | None, account_id: str | None) -> list[Invoice]:
    """Return the invoices of a period and account, and say who is billed with a longer one.

    Raises ``InvoiceNotFound`` where there is none.
    """
    chosen = book.of(period, account_id)
    if not chosen:
        raise InvoiceNotFound(no_invoice_text(book, period, account_id))
    tell_of_longer_periods(book, period, account_id)
    return chosen


def tell_of_longer_periods(
    book: InvoiceBook | BookOfHeads, period: BillingPeriod | None, account_id: str | None
) -> None:
    """Say on stderr who is billed with a longer period than the one that was named, and so is not listed."""
    for text in () if period is None else due_with_others(book, period, account_id):
        tell(text)
