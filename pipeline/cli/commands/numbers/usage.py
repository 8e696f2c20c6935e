"""``tallybook usage``."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.examples import examples
from pipeline.cli.output import output_option
from pipeline.cli.selecting import KINDS, selection_of, selection_options
from pipeline.cli.tables.columns import Column, Kind
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.grouped.words import DIMENSIONS
from pipeline.jobs.answers.usage import listed_copies, usage
from pipeline.usage import events

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell


_BY = "key,model,day"
_COUNTS = {"events", "quantity", "tokens", "unpriced_tokens", *(column.name for column in events.COUNTS)}


@click.command(
    name="usage",
    epilog=examples(
        "tallybook usage --by account,model --period last-month",
        "tallybook usage --by day --key key_0c52 --from 2026-10-01 --to 2026-10-08",
        "tallybook usage --by key --top 5 -o csv",
        "tallybook usage --by hour,meter --account birke --from yesterday --to today",
    ),
)
@click.option(
    "--by",
    default=_BY,
    show_default=True,
    help=f"One or more of: {', '.join(DIMENSIONS)}, and tag:NAME for a tag of keys, such as tag:team.",
)
@selection_options
@click.option("--meter", "meters", multiple=True, help="On this meter alone, such as prompt or completion.")
@click.option(
    "--top", type=click.IntRange(min=1), metavar="N", help="The N of the most tokens, and all others as one row."
)
@click.option(
    "--copies", "is_of_copies", is_flag=True, help="Suspicious copies instead, by account, key, model and day."
)
@output_option()
@click.pass_obj
def command(
    invocation: Invocation,
    /,
    *,
    by: str,
    period: BillingPeriod | None,
    from_date: date | None,
    to_date: date | None,
    top: int | None,
    is_of_copies: bool,
    output: Output,
    **chosen: tuple[str, ...],
) -> None:
    """Tokens and requests of billed usage; dates are days in each account's time zone.

    By status or fate, what is not billed is listed too. Suspicious copies are not billed either: they look like
    requests of their own, and another one of the same id is billed. They are listed with what they would have cost.
    What billed usage costs says 'tallybook cost'.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now())
    selection = selection_of(period=period, from_date=from_date, to_date=to_date, **chosen)
    if is_of_copies:
        if by != _BY or top is not None:
            what = f"--by {by}" if by != _BY else f"--top {top}"
            message = f"--copies has its own columns and takes no {what}; leave one of them out"
            raise ConfigurationError(message)
        table = listed_copies(workspace, selection)
    else:
        words = [word.strip() for word in by.split(",") if word.strip()]
        table = usage(workspace, words, selection, top=top)
    rows = [tuple(_cell(value) for value in row.values()) for row in _rows(table)]
    output.rows([_column(name) for name in table.schema.names], rows)


def _column(name: str) -> Column:
    if name in _COUNTS:
        is_part = any(column.name == name and column.part_of for column in events.COUNTS)
        return Column(name=name, kind=Kind.COUNT, is_detail=is_part)
    return Column(name=name, kind=KINDS.get(name, Kind.TEXT), is_asked=True)


def _rows(table: pa.Table) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = table.to_pylist()
    return rows


def _cell(value: object) -> Cell:
    if isinstance(value, Decimal):
        return int(value)  # a sum that is wider than an integer column
    return value if value is None or isinstance(value, (int, date)) else str(value)
