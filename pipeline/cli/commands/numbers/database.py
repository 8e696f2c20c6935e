"""``tallybook export duckdb``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.options.examples import examples
from pipeline.cli.options.files import WrittenFile
from pipeline.cli.output import say
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.queried.database import replace_database
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.cli.context import Invocation


@click.command(
    name="duckdb",
    epilog=examples(
        "tallybook export duckdb --to /srv/reports/books.duckdb",
        "tallybook nightly && tallybook export duckdb --to /srv/reports/books.duckdb",
        "tallybook export duckdb --to books.duckdb --events",
    ),
)
@click.option(
    "--to",
    "path",
    metavar="FILE",
    type=WrittenFile(),
    required=True,
    help="The file to write, or to replace at once by a new one.",
)
@click.option(
    "--events", "has_events", is_flag=True, help="With every usage event too: about as large again as the lake."
)
@click.pass_obj
def command(invocation: Invocation, /, *, path: Path, has_events: bool) -> None:
    """Everything that 'tallybook sql' can read, as a file of DuckDB, for Grafana, Superset, Metabase and Evidence.

    Tables are called as 'tallybook sql --views' lists them, and are copies as of now: quarantine, usage_daily,
    exchanges_daily, charges, invoices, invoice_lines. The table database_written says when, and of which commit. DuckDB
    1.0 and later opens the file. Who has it open goes on reading what it was; an older file is whole until the new one
    is.
    """
    if not path.parent.is_dir():
        message = f"{path.parent} does not exist; make it, or name another file"
        raise ConfigurationError(message)
    now = invocation.now()
    written = replace_database(
        open_workspace(invocation.workspace, now=now, engine=invocation.engine), path, has_events=has_events, now=now
    )
    commit = "no commit yet" if written.commit is None else f"commit {written.commit}"
    tables, rows = counted(len(written.rows), "table"), counted(sum(written.rows.values()), "row")
    say(f"wrote {path}: {tables} with {rows}, as of {commit}")
