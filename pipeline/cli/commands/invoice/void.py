"""``tallybook invoice void``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.base.money import plain
from pipeline.cli.commands.invoice.freeze import dry_run_option, freeze, yes_option
from pipeline.cli.commands.invoice.printed import print_list
from pipeline.cli.commands.invoice.settled import warn_of_what_was_paid
from pipeline.cli.context import as_of_option, tell
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option
from pipeline.cli.tables.forms import Form
from pipeline.jobs.invoices.void import void

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.invoices.freezing import Freezing
    from pipeline.jobs.invoices.void import Voided
    from pipeline.jobs.state.aggregate import Aggregate


@click.command(
    name="void",
    epilog=examples("tallybook invoice void INV-000003 --dry-run", "tallybook invoice void INV-000003"),
)
@click.argument("invoice_id", metavar="INVOICE")
@as_of_option
@dry_run_option
@yes_option
@output_option()
@click.pass_obj
def void_command(
    invocation: Invocation, *, invoice_id: str, as_of: str | None, is_dry: bool, is_sure: bool, output: Output
) -> None:
    """Take an issued invoice back in full.

    A credit note with the next number negates its lines, and its period is open again.

    The invoice itself never changes. What it settled (usage, corrections, prepaid credits) stands on drafts again,
    ready to be issued. Blocked (exit code 4) while a claim about the counts does not hold. Running it again finishes
    what was interrupted; an invoice is taken back once.
    """

    def decide(workspace: Workspace, built: Aggregate, freezing: Freezing) -> Voided:
        return void(workspace, built, invoice_id, freezing=freezing)

    in_words = None if is_sure else _in_words
    frozen = freeze(invocation, as_of, decide, command="tallybook invoice void", is_dry=is_dry, in_words=in_words)
    note = frozen.decided.note
    if not frozen.decided.is_new:
        tell(f"{invoice_id} is voided already, by {note.id}; an invoice is credited once")
    warn_of_what_was_paid(invocation.workspace, frozen.book, note.credits_invoice)
    if output.form is Form.JSON:
        frozen.print_documents([note])
    else:
        print_list(output, frozen.book, frozen.book.of(note.period, note.account_id))


def _in_words(voided: Voided) -> str:
    if not voided.is_new:
        return ""
    note = voided.note
    return (
        f"this voids {note.credits_invoice} of {note.account_id} by credit note {note.id}: {plain(note.total)} "
        f"{note.currency}; an invoice is taken back once, and its month is open again"
    )
