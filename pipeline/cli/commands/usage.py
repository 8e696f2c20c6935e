"""``tallybook usage``."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import click

from pipeline.base.periods import parse_date
from pipeline.cli.tables import print_table
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.csv_text import csv_bytes
from pipeline.jobs.answers.usage import DIMENSIONS, usage

if TYPE_CHECKING:
    import pyarrow as pa

    from pipeline.cli.context import Invocation


@click.command(name="usage")
@click.option(
    "--by",
    default="key,model,day",
    show_default=True,
    help=f"One or more of: {', '.join(DIMENSIONS)}, and tag:NAME for a tag of keys, such as tag:team.",
)
@click.option("--from", "from_text", metavar="DATE", help="First usage date.")
@click.option(
    "--to", "to_text", metavar="DATE", help="Usage date to stop before: --from 2026-10-01 --to 2026-11-01 is October."
)
@click.option("-o", "--output", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True)
@click.pass_obj
def command(invocation: Invocation, by: str, from_text: str | None, to_text: str | None, output: str) -> None:
    """Tokens and requests of billed usage; dates are days in each account's time zone.

    By status or fate, what is not billed is listed too.
    """
    table = usage(
        open_workspace(invocation.workspace, now=invocation.now()),
        [word.strip() for word in by.split(",") if word.strip()],
        from_date=parse_date(from_text) if from_text else None,
        to_date=parse_date(to_text) if to_text else None,
    )
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


def _cell(value: object) -> str | int:
    if isinstance(value, date):
        return value.isoformat()
    return value if isinstance(value, int) else str(value)
