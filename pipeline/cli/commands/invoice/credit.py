"""``tallybook invoice credit``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.commands.invoice.choice import AmountType
from pipeline.cli.commands.invoice.freeze import dry_run_option, freeze
from pipeline.cli.commands.invoice.printed import print_list
from pipeline.cli.commands.invoice.settled import warn_of_what_was_paid
from pipeline.cli.context import as_of_option, tell
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option
from pipeline.cli.tables.forms import Form
from pipeline.invoicing.reductions import Reduction
from pipeline.jobs.invoices.credit import credit

if TYPE_CHECKING:
    from decimal import Decimal

    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.invoices.freezing import Freezing
    from pipeline.jobs.invoices.void import Voided
    from pipeline.jobs.state.aggregate import Aggregate


@click.command(
    name="credit",
    epilog=examples(
        'tallybook invoice credit INV-000003 --line 4 --amount 12 --reason "outage"',
        "tallybook invoice credit INV-000003 --line 4 --quantity 500000 --reason loop",
        'tallybook invoice credit INV-000003 --line 4 --reason "all of it" --dry-run',
    ),
)
@click.argument("invoice_id", metavar="INVOICE")
@click.option("--line", "line_number", type=int, required=True, metavar="LINE", help="The line that is credited.")
@click.option("--amount", type=AmountType(), help="Before tax; default: all that is left of the line.")
@click.option("--quantity", type=int, metavar="N", help="Tokens or requests of the line, at its rate, instead.")
@click.option("--reason", required=True, help="Printed on the credit note.")
@as_of_option
@dry_run_option
@output_option()
@click.pass_obj
def credit_command(
    invocation: Invocation,
    *,
    invoice_id: str,
    line_number: int,
    amount: Decimal | None,
    quantity: int | None,
    reason: str,
    as_of: str | None,
    is_dry: bool,
    output: Output,
) -> None:
    """Take a part of an issued invoice back, such as out of goodwill.

    A credit note with the next number takes it off one line, with its tax. The month stays closed and is worth what it
    was: no later draft corrects it away. Where usage or prices were wrong, put these right instead, and the next draft
    has the correction. Asked for again, nothing more is credited.
    """
    wanted = Reduction(line=line_number, amount=amount, quantity=quantity, reason=reason)

    def decide(workspace: Workspace, built: Aggregate, freezing: Freezing) -> Voided:
        return credit(workspace, built, invoice_id, wanted, freezing=freezing)

    frozen = freeze(invocation, as_of, decide, command="tallybook invoice credit", is_dry=is_dry)
    note = frozen.decided.note
    if not frozen.decided.is_new:
        tell(f"this is credited already, by {note.id}; give another reason where it is to be credited twice")
    warn_of_what_was_paid(invocation.workspace, frozen.book, note.credits_invoice)
    if output.form is Form.JSON:
        frozen.print_documents([note])
    else:
        print_list(output, frozen.book, frozen.book.of(note.period, note.account_id))
