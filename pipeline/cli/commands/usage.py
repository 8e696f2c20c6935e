"""``tallybook usage``."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.examples import examples
from pipeline.cli.printing import print_table
from pipeline.cli.selecting import selection_of, selection_options
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.csv_text import csv_bytes
from pipeline.jobs.answers.grouped.words import DIMENSIONS
from pipeline.jobs.answers.usage import listed_copies, usage

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation


_BY = "key,model,day"


@click.command(
    name="usage",
    epilog=examples(
        "tallybook usage",
        "tallybook usage --by account,month",
        "tallybook usage --by key,day --from 2026-10-01 --to 2026-11-01 -o csv",
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
@click.option("-o", "--output", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.pass_obj
def command(
    invocation: Invocation,
    /,
    *,
    by: str,
    period: BillingPeriod | None,
    from_text: str | None,
    to_text: str | None,
    top: int | None,
    is_of_copies: bool,
    output: str,
    **chosen: tuple[str, ...],
) -> None:
    r"""Tokens and requests of billed usage; dates are days in each account's time zone.

    By status or fate, what is not billed is listed too. Suspicious copies are not billed either: they look like
    requests of their own, and another one of the same id is billed. They are listed with what they would have cost.
    What billed usage costs says 'tallybook cost'.

    \b
    tallybook usage --by account,model --period 2026-10
    tallybook usage --by day --key key_0c52 --from 2026-10-01 --to 2026-10-08
    tallybook usage --by key --top 5 -o csv
    tallybook usage --by hour,meter --account birke --from 2026-10-12 --to 2026-10-13
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now())
    selection = selection_of(period=period, from_text=from_text, to_text=to_text, **chosen)
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
    if output == "csv":
        click.echo(csv_bytes(table.schema.names, rows), nl=False)
    elif output == "json":
        click.echo(json.dumps([dict(zip(table.schema.names, row, strict=True)) for row in rows], indent=1))
    else:
        print_table(table.schema.names, rows)


def _rows(table: pa.Table) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = table.to_pylist()
    return rows


def _cell(value: object) -> str | int | None:
    if isinstance(value, date):
        return value.isoformat()
    if value is None:
        return None
    if isinstance(value, Decimal):
        return int(value)  # a sum that is wider than an integer column
    return value if isinstance(value, int) else str(value)
