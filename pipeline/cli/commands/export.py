"""``tallybook export``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.cli.context import PeriodType
from pipeline.configuration.workspace import open_workspace
from pipeline.exports.focus import focus_csv, focus_table
from pipeline.jobs.answers.focus import focus_rows
from pipeline.jobs.wording import counted
from pipeline.objects import disk, parquet_bytes

if TYPE_CHECKING:
    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation


@click.group(name="export")
def command() -> None:
    """Cost and usage in the formats of others."""


@command.command()
@click.option("--period", type=PeriodType(), help="Only this month, such as 2026-10; else all.")
@click.option("--account", "account_id", metavar="ID", help="Only this account.")
@click.option(
    "--seller",
    metavar="NAME",
    help="InvoiceIssuerName and ProviderName; else the name under [seller] in tallybook.toml.",
)
@click.option("-o", "--output", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@click.option(
    "--to",
    "path",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write FILE instead of printing; needed for parquet.",
)
@click.pass_obj
def focus(
    invocation: Invocation,
    *,
    period: BillingPeriod | None,
    account_id: str | None,
    seller: str | None,
    output: str,
    path: Path | None,
) -> None:
    """FOCUS 1.2 cost and usage.

    One row per account, key, model, meter and day; BilledCost adds up to each invoice, to the cent.

    Issued invoices are exported as issued, drafts (x_InvoiceStatus draft) as of now. Charge periods are the account's
    days, written as half-open UTC instants. Usage that is unassigned or has no rate is on no invoice, and so not here.
    """
    if output == "parquet" and path is None:
        message = "parquet is no text; name a file with --to"
        raise ConfigurationError(message)
    rows = focus_rows(
        open_workspace(invocation.workspace, now=invocation.now()), seller=seller, period=period, account_id=account_id
    )
    content = focus_csv(rows) if output == "csv" else parquet_bytes.encode(focus_table(rows), {"FocusVersion": "1.2"})
    if path is None:
        click.echo(content, nl=False)
        return
    if not path.parent.is_dir():
        message = f"{path.parent} does not exist; make it, or name another file"
        raise ConfigurationError(message)
    disk.replace_durably(path, content)
    click.echo(f"wrote {path}: {counted(len(rows), 'row')}")
