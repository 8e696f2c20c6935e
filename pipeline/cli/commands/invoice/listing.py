"""``tallybook invoice list``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from pipeline.base.money import plain
from pipeline.cli.commands.invoice.choice import account_option, period_option, tell_of_longer_periods
from pipeline.cli.commands.invoice.printed import print_list
from pipeline.cli.commands.invoice.settled import is_overdue, settled
from pipeline.cli.context import as_of_option, tell
from pipeline.cli.options.examples import examples
from pipeline.cli.options.ids import whole_account_id
from pipeline.cli.output import output_option, put_list
from pipeline.cli.tables.forms import Form
from pipeline.configuration.workspace import open_workspace
from pipeline.invoicing import InvoiceStatus
from pipeline.jobs.state.drafted.now import heads_now
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.invoicing.payments import Settlement
    from pipeline.jobs.state.drafted.heads import BookOfHeads, InvoiceHead


@click.command(
    name="list",
    epilog=examples(
        "tallybook invoice list --period 2026-10",
        "tallybook invoice list --overdue",
        "tallybook invoice list --overdue --as-of 2026-12-31 --json",
    ),
)
@period_option(required=False)
@account_option
@click.option("--overdue", "only_overdue", is_flag=True, help="Only invoices that are due and not paid in full.")
@as_of_option
@output_option()
@click.pass_obj
def list_command(
    invocation: Invocation,
    period: BillingPeriod | None,
    account_id: str | None,
    as_of: str | None,
    *,
    only_overdue: bool,
    output: Output,
) -> None:
    """List issued invoices and the drafts as of now.

    Where payments were recorded, with what is paid of each invoice and what is open.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    account_id = whole_account_id(workspace, account_id)
    now = invocation.clock(as_of, workspace.settings.zone)
    book = heads_now(replace(workspace, now=now))
    settlements = settled(workspace.root, book)
    overdue = {invoice_id for invoice_id, each in settlements.items() if is_overdue(each, now)}
    invoices = [each for each in book.of(period, account_id) if not only_overdue or each.id in overdue]
    tell_of_longer_periods(book, period, account_id)
    if only_overdue:
        _tell_of_no_due_dates(book, settlements)
    if output.form is Form.JSON:
        links = _Links(credited_by=book.credited_by(), in_part_by=book.credited_in_part_by())
        listed = [
            _document(invoice, links, settlements.get(invoice.id), is_overdue=invoice.id in overdue)
            for invoice in invoices
        ]
        put_list(listed)
    else:
        print_list(output, book, invoices, settlements=settlements, with_due_dates=only_overdue)


def _tell_of_no_due_dates(book: BookOfHeads, settlements: Mapping[str, Settlement]) -> None:
    without = [each.id for each in book.issued if each.id in settlements and each.due_date is None]
    if any(settlements[invoice_id].open > 0 for invoice_id in without):
        open_ones = sum(settlements[invoice_id].open > 0 for invoice_id in without)
        tell(
            f"{counted(open_ones, 'open invoice has', 'open invoices have')} no due date and cannot be overdue; "
            "payment_terms_days in accounts.toml gives one to those issued from now on"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Links:
    """Which credit notes take which invoices back, by ids."""

    credited_by: Mapping[str, str]
    in_part_by: Mapping[str, list[str]]


def _document(
    invoice: InvoiceHead, links: _Links, settlement: Settlement | None, *, is_overdue: bool
) -> dict[str, Any]:
    return {
        "invoice_id": invoice.id,
        "status": invoice.status.value,
        "account_id": invoice.account_id,
        "account_name": invoice.account_name,
        "period": str(invoice.period),
        "lines": invoice.lines,
        "currency": invoice.currency,
        "subtotal": plain(invoice.subtotal),
        "total": plain(invoice.total),
        "issue_date": invoice.issue_date.isoformat() if invoice.issue_date else None,
        "due_date": invoice.due_date.isoformat() if invoice.due_date else None,
        "credited": plain(settlement.credited) if settlement else None,
        "paid": plain(settlement.paid) if settlement else None,
        "open": plain(settlement.open) if settlement else None,
        "overdue": is_overdue if invoice.status is InvoiceStatus.ISSUED else None,
        "credits_invoice": invoice.credits_invoice or None,
        "credited_by": links.credited_by.get(invoice.id),
        "credited_in_part_by": links.in_part_by.get(invoice.id, []),
    }
