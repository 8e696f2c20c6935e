"""``tallybook invoice paid``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import plain
from pipeline.cli.commands.invoice.choice import AmountType
from pipeline.cli.commands.invoice.settled import (
    PAYMENTS,
    payment_rows,
    print_payments,
    settlement_document,
    settlement_text,
)
from pipeline.cli.context import DateType, as_of_option, tell, warn
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.forms import Form
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.invoices.pay import pay, take_back
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.jobs.invoices.pay import Recorded


@click.command(
    name="paid",
    epilog=examples(
        "tallybook invoice paid INV-000001",
        "tallybook invoice paid INV-000001 --on yesterday --amount 100 --reference 3",
        "tallybook invoice paid INV-000001 --take-back 7",
    ),
)
@click.argument("invoice_id", metavar="INVOICE")
@click.option("--on", "paid_on", type=DateType(), help="The day on which the money came; default: today.")
@click.option("--amount", type=AmountType(), help="What came; default: all that is open.")
@click.option("--reference", default="", help="Such as the text of the bank statement.")
@click.option("--take-back", "number", type=int, metavar="NUMBER", help="Take a payment that was a mistake back.")
@as_of_option
@output_option()
@click.pass_obj
def paid_command(
    invocation: Invocation,
    invoice_id: str,
    *,
    paid_on: date | None,
    amount: Decimal | None,
    reference: str,
    number: int | None,
    as_of: str | None,
    output: Output,
) -> None:
    """Record that an issued invoice was paid, in full or in part.

    An entry is added to invoices/payments, and the invoice itself never changes. A payment of the same day, amount and
    reference is recorded once: running it again records nothing.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    now = invocation.clock(as_of, workspace.settings.zone)
    if number is not None and (paid_on, amount, reference) != (None, None, ""):
        message = "--take-back takes a payment back as it was recorded; leave --on, --amount and --reference out"
        raise ConfigurationError(message)
    with locked(workspace.lake, command="tallybook invoice paid", started_at=now):
        if number is None:
            recorded = pay(workspace.root, invoice_id, now=now, amount=amount, paid_on=paid_on, reference=reference)
        else:
            recorded = take_back(workspace.root, invoice_id, number, now=now)
    _tell(recorded, number)
    if output.form is Form.JSON:
        output.document(settlement_document(recorded.settlement))
    elif output.form is Form.CSV:
        output.rows(PAYMENTS, payment_rows(recorded.settlement))
    else:
        print_payments(recorded.settlement, output)
        say("", settlement_text(recorded.settlement))


def _tell(recorded: Recorded, number: int | None) -> None:
    """Say on stderr what was not done, and what was paid beyond what is owed."""
    settlement = recorded.settlement
    called, currency = settlement.invoice.id, settlement.invoice.currency
    if recorded.payment is None and recorded.earlier is None and settlement.open < 0:
        tell(
            f"nothing of {called} is for its buyer to pay, who is owed {plain(-settlement.open)} {currency}; "
            "nothing was recorded"
        )
    elif recorded.payment is None and recorded.earlier is None:
        tell(f"nothing is open of {called}; nothing was recorded")
    elif recorded.earlier is not None and number is not None:
        tell(f"payment {number} is taken back already, by {recorded.earlier.number}; nothing was recorded")
    elif recorded.earlier is not None:
        tell(f"this is payment {recorded.earlier.number}, recorded already; nothing was recorded")
    elif settlement.paid_beyond and recorded.payment is not None and recorded.payment.takes_back is None:
        owes = f"; its buyer is owed {plain(-settlement.owed)} {currency} besides" if settlement.owed < 0 else ""
        warn(
            f"{called} is paid {plain(settlement.paid_beyond)} {currency} beyond what is owed; pay it back, or take "
            f"the payment back by --take-back where it is another invoice's{owes}"
        )
