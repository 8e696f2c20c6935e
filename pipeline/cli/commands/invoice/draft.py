"""``tallybook invoice draft``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.commands.invoice.choice import account_option, chosen_invoices, period_option
from pipeline.cli.commands.invoice.printed import print_list
from pipeline.cli.context import EXIT_BROKEN_CLAIM, tell_of_broken_claims
from pipeline.cli.options.examples import examples
from pipeline.cli.options.ids import whole_account_id
from pipeline.cli.output import output_option
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.invoices.books import draft_all
from pipeline.jobs.invoices.freezing import Freezing
from pipeline.jobs.state.claims import broken_claims_of
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output


@click.command(
    epilog=examples(
        "tallybook invoice draft --period this-month",
        "tallybook invoice draft --period 2026-10 --account acme",
        "tallybook invoice draft --period 2026-Q4",
        "tallybook invoice draft --period 2026-10-15",
    )
)
@period_option(required=True)
@account_option
@output_option()
@click.pass_obj
def draft(invocation: Invocation, *, period: BillingPeriod, account_id: str | None, output: Output) -> int:
    """Compute the drafts again from what is collected, write their CSV, and list those of the period.

    A draft has lines of usage (by flat rates, tiers with flat amounts, packages, requests, in another currency by the
    rate of its day), included tokens, minimum and maximum of an entry, fees and seats (without usage too, and by days),
    what lacks to the commitment of a month or year, overage beyond it, one-off items, coupons, corrections of earlier
    months, prepaid credits (by priority, model and month, with rollover) and tax. A parent's has those of its children.
    All of it is agreed in rates/*.toml and accounts.toml: see docs/rate-cards.md and docs/accounts.md.

    Exit code 7 where a claim about the counts does not hold: such drafts cannot be issued.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    with locked(workspace.lake, command="tallybook invoice draft", started_at=invocation.now()):
        built, book = draft_all(workspace, Freezing(now=invocation.now()))
    print_list(output, book, chosen_invoices(book, period, whole_account_id(workspace, account_id)))
    broken = broken_claims_of(built.marts)
    tell_of_broken_claims(broken)
    return EXIT_BROKEN_CLAIM if broken else 0
