"""``tallybook anomalies``."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import click

from pipeline.base.money import normalised, plain_amount
from pipeline.cli.context import EXIT_DIFFERENCE, DateType, PeriodType
from pipeline.cli.options.examples import examples
from pipeline.cli.options.grouping import words_of
from pipeline.cli.options.selecting import selection_of
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.columns import Column, Kind
from pipeline.cli.tables.forms import Form
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.watched.anomalies import SUBJECTS, anomalies

if TYPE_CHECKING:
    from datetime import date

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.jobs.answers.watched.anomalies import FoundAnomaly


class _AmountType(click.ParamType["Decimal"]):
    """Currency units on the command line, such as 25 or 2.50."""

    name = "AMOUNT"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:
        """Read the amount, or fail as a usage error."""
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or amount < 0:
            self.fail(f"{value!r} is no amount; write currency units, such as 25 or 2.50", param, ctx)
        return amount


_COLUMNS = [
    Column(name="usage_date", kind=Kind.DATE, is_asked=True),
    Column(name="kind", heading="of", is_asked=True),
    Column(name="subject", kind=Kind.ID),
    Column(name="currency", heading="in"),
    Column(name="spent", kind=Kind.MONEY),
    Column(name="usual", kind=Kind.MONEY),
    Column(name="usual_low", kind=Kind.MONEY),
    Column(name="usual_high", kind=Kind.MONEY),
    Column(name="weeks", kind=Kind.COUNT),
    Column(name="difference", kind=Kind.MONEY),
    Column(name="reason", is_asked=True),
]


@click.command(
    name="anomalies",
    epilog=examples(
        "tallybook anomalies",
        "tallybook anomalies --as-of 2026-10-20 --by key",
        "tallybook anomalies --period last-month --at-least 25 -o csv",
    ),
)
@click.option(
    "--as-of", type=DateType(), help="As if this day had just begun, such as 2026-10-20: only days before it count."
)
@click.option("--period", type=PeriodType(), help="All days of a month, such as 2026-10 or last-month.")
@click.option("--from", "from_date", type=DateType(), help="First usage date, such as 2026-10-01 or yesterday.")
@click.option(
    "--to", "to_date", type=DateType(), help="Usage date to stop before: --from 2026-10-01 --to 2026-11-01 is October."
)
@click.option(
    "--by",
    metavar="WORDS",
    default=",".join(SUBJECTS),
    show_default=True,
    help=f"One or more of: {', '.join(SUBJECTS)}.",
)
@click.option(
    "--at-least",
    type=_AmountType(),
    help="Leave out what differs by less, in currency units; default: a thousandth of a usual day's cost of all, and 1 "
    "at least.",
)
@output_option()
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    as_of: date | None,
    period: BillingPeriod | None,
    from_date: date | None,
    to_date: date | None,
    by: str,
    at_least: Decimal | None,
    output: Output,
) -> int:
    """Days of keys, models and accounts that cost far more or less than the same weekday did in the weeks before.

    Without dates, the last whole day and what there is of today. A key, model or account is looked at once it has been
    used for four weeks. Each day is listed with the reason in a sentence. Exit code 6 where there is any.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    span = selection_of(period=period, from_date=from_date, to_date=to_date).span
    found = anomalies(
        workspace,
        as_of=as_of,
        span=span,
        by=words_of(by),
        difference_min=at_least,
    )
    rows = [_cells(each) for each in found]
    if output.form in (Form.TABLE, Form.MARKDOWN) and rows:
        said = [place for place, column in enumerate(_COLUMNS) if column.is_asked]  # the sentence has the others
        output.rows([_COLUMNS[place] for place in said], [[row[place] for place in said] for row in rows])
    elif rows or not output.is_for_people:
        output.rows(_COLUMNS, rows)
    else:
        say("no day is far from its own past")
    return EXIT_DIFFERENCE if found else 0


def _cells(found: FoundAnomaly) -> list[Cell]:
    anomaly = found.anomaly
    usual = anomaly.usual
    spent, middle, low, high, difference = (
        Decimal(plain_amount(normalised(amount), anomaly.currency))
        for amount in (anomaly.spent, usual.median, usual.low, usual.high, anomaly.difference)
    )
    return [
        anomaly.usage_date,
        found.kind,
        anomaly.subject,
        anomaly.currency,
        spent,
        middle,
        low,
        high,
        usual.weeks,
        difference,
        anomaly.reason,
    ]
