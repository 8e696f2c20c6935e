"""``tallybook sql``."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.context import warn
from pipeline.cli.options.examples import examples
from pipeline.cli.output import TERMINAL_ROWS_MAX, output_option, put, put_file
from pipeline.cli.tables.columns import Column, csv_cell
from pipeline.cli.tables.forms import Form
from pipeline.cli.tables.query_cells import columns_of, rows_of
from pipeline.configuration.settings import CONFIG_FILE, Settings, read_settings
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.csv_text import csv_bytes
from pipeline.jobs.answers.queried.columns import described
from pipeline.jobs.answers.queried.query import queried
from pipeline.warehouse.printed import listed, printed

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.warehouse.queries import Answer

_NAME = re.compile(r"\s*[A-Za-z_][A-Za-z0-9_]*\s*")
_LIMIT = 10_000


@click.command(
    name="sql",
    epilog=examples(
        "tallybook sql --views",
        'tallybook sql "SELECT currency, sum(amount) FROM charges GROUP BY ALL"',
        "tallybook sql \"FROM invoice_lines WHERE period = '2026-10'\" -o csv",
        "tallybook sql - < question.sql",
        "tallybook sql usage_daily",
    ),
)
@click.argument("text", metavar="[SELECT|RELATION|-]", required=False)
@click.option("--views", "is_of_views", is_flag=True, help="List what a SELECT can read: columns, types and units.")
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help=f"Rows that are printed at most; default: {_LIMIT:,}, of which a terminal is shown {TERMINAL_ROWS_MAX}. "
    "CSV has all.",
)
@output_option()
@click.pass_obj
def command(
    invocation: Invocation, /, *, text: str | None, is_of_views: bool, limit: int | None, output: Output
) -> None:
    """Ask a SELECT, or print what is run for a relation or a check; without either, list these.

    A SELECT of DuckDB reads the relations that --views lists, as of now, and nothing else: no file, no network, no
    setting, and it writes nothing. Amounts are exact decimals, and so are their sums; averages and quotients are
    floating-point numbers of the engine. '-' reads the SELECT from standard input.

    What is run for a RELATION is printed with lists of columns written out, and parameters are variables with the
    values of the workspace, or the defaults where there is none. A relation reads those in its line 'reads:', which
    must be there before it.
    """
    if is_of_views:
        names = [Column(name=name, is_asked=True) for name in ("view", "column", "type", "meaning")]
        output.rows(names, list(described()), rows_max=None)
    elif text is None:
        names = [Column(name=name, is_asked=True) for name in ("layer", "relation", "what it is")]
        output.rows(names, list(listed()), rows_max=None)
    elif _NAME.fullmatch(text):
        is_workspace = (invocation.workspace / CONFIG_FILE).is_file()
        settings = read_settings(invocation.workspace) if is_workspace else Settings()
        parameters = {"timezone": settings.timezone, "unmeasured": settings.unmeasured.value}
        put(printed(text.strip(), parameters))
    else:
        workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
        with queried(workspace, _given(text)) as answer:
            _print(output, answer, limit)


def _given(text: str) -> str:
    if text.strip() != "-":
        return text
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        message = f"standard input is not UTF-8 (byte {error.start + 1}); write the SELECT in UTF-8"
        raise ConfigurationError(message) from error


def _print(output: Output, answer: Answer, limit: int | None) -> None:
    columns = columns_of(answer.schema)
    if output.form is Form.CSV:
        header = csv_bytes([column.name for column in columns], [])
        put_file(header)
        for batch in answer.batches:
            cells = [
                [csv_cell(cell, column.kind) for cell, column in zip(row, columns, strict=True)]
                for row in rows_of(batch)
            ]
            content = csv_bytes([column.name for column in columns], cells)[len(header) :]
            if content:
                put_file(content)
        return
    rows: list[tuple[Cell, ...]] = []
    rows_max = limit or _LIMIT
    for batch in answer.batches:
        rows += rows_of(batch)
        if len(rows) > rows_max:
            break
    is_beginning = len(rows) > rows_max
    if is_beginning and (limit is not None or not output.is_shortened):
        warn(f"there are more than the {rows_max} rows that are printed; write --limit, or -o csv for all of them")
    shown_max = TERMINAL_ROWS_MAX if limit is None else None
    output.rows(columns, rows[:rows_max], rows_max=shown_max, is_beginning=is_beginning)
