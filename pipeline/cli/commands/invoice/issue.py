"""``tallybook invoice issue``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import click

from pipeline.base.money import exact_sum, plain
from pipeline.base.periods import instant_text, time_zone
from pipeline.cli.commands.invoice.choice import account_option, period_option, tell_of_longer_periods
from pipeline.cli.commands.invoice.freeze import dry_run_option, freeze, yes_option
from pipeline.cli.commands.invoice.printed import print_list
from pipeline.cli.context import as_of_option, tell, warn
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option
from pipeline.cli.tables.forms import Form
from pipeline.jobs.invoices.issue import issue
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.jobs.invoices.freezing import Freezing
    from pipeline.jobs.state.aggregate import Aggregate


@click.command(
    name="issue",
    epilog=examples(
        "tallybook invoice issue --period 2026-10 --dry-run",
        "tallybook invoice issue --period 2026-10",
        "tallybook invoice issue --period 2026-10 --account acme --as-of 2026-11-02",
        "tallybook invoice issue --period 2026-Q4",
    ),
)
@period_option(required=True)
@account_option
@as_of_option
@click.option("--early", "is_early", is_flag=True, help="Also a period that has not ended for its account.")
@dry_run_option
@yes_option
@output_option()
@click.pass_obj
def issue_command(
    invocation: Invocation,
    period: BillingPeriod,
    account_id: str | None,
    as_of: str | None,
    *,
    is_early: bool,
    is_dry: bool,
    is_sure: bool,
    output: Output,
) -> None:
    """Give every draft of the period the next number and freeze it: an issued invoice never changes.

    Blocked (exit code 4) while any of them has usage without a rate, a claim about the counts does not hold, or the
    period has not ended. Who is billed by the quarter or the year has an invoice of that period and none of its months:
    it is issued by its name, 2026-Q4 or 2026, once its last month has ended. Running it again issues what is still a
    draft, and nothing twice. Nothing is issued before the instant at which the last document was.
    """

    def decide(workspace: Workspace, built: Aggregate, freezing: Freezing) -> list[Invoice]:
        return issue(workspace, built, period=period, account_id=account_id, freezing=freezing, is_early=is_early)

    frozen = freeze(
        invocation,
        as_of,
        decide,
        command="tallybook invoice issue",
        is_dry=is_dry,
        in_words=None if is_sure else partial(_in_words, period),
    )
    _warn_unfinished(frozen.decided, frozen.now)
    if not frozen.decided:
        tell(f"nothing left to issue for {period}: every invoice has its number")
    if output.form is Form.JSON:
        frozen.print_documents(frozen.decided)
    else:
        print_list(output, frozen.book, frozen.decided or frozen.book.of(period, account_id))
    tell_of_longer_periods(frozen.book, period, account_id)


def _in_words(period: BillingPeriod, issued: list[Invoice]) -> str:
    if not issued:
        return ""
    ids = issued[0].id if len(issued) == 1 else f"{issued[0].id} to {issued[-1].id}"
    totals = [
        f"{plain(exact_sum(invoice.total for invoice in issued if invoice.currency == currency))} {currency}"
        for currency in sorted({invoice.currency for invoice in issued})
    ]
    return (
        f"this issues {counted(len(issued), 'invoice')} of {period}, {ids}: {' and '.join(totals)} in all; "
        "an issued invoice never changes"
    )


def _warn_unfinished(issued: list[Invoice], now: datetime) -> None:
    for invoice in issued:
        zone = time_zone(invoice.timezone)
        end_at = invoice.period.end_at(zone)
        if now < end_at:
            warn(
                f"{invoice.id} was issued before the end of {invoice.period} ({instant_text(end_at, zone)}); "
                "what is used until then will be late usage"
            )
