"""``tallybook export``: FOCUS, and every module of ``pipeline.documents`` that is called ``invoice_…`` and exports."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

import click

from pipeline import documents
from pipeline.base.errors import ConfigurationError
from pipeline.cli.context import PeriodType
from pipeline.configuration.workspace import open_workspace
from pipeline.exports.focus import focus_csv, focus_table
from pipeline.jobs.answers.focus import focus_rows
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.wording import counted
from pipeline.objects import disk, parquet_bytes

if TYPE_CHECKING:
    from types import ModuleType

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation


_PREFIX = "invoice_"
_PERIOD = click.option("--period", type=PeriodType(), help="Only this month, such as 2026-10; else all.")
_ACCOUNT = click.option("--account", "account_id", metavar="ID", help="Only this account.")
_FILE_TYPE: Any = click.Path(path_type=Path, dir_okay=False)


class Exports(click.Group):
    """A group that has a command for every document of invoices that exports, beside its own.

    Such a module is called ``invoice_<name>``, and its ``exported(invoices)`` returns bytes.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all exports."""
        return [*super().list_commands(ctx), *sorted(_documents())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return an export by its name, or None."""
        documents = _documents()
        return (
            _document_command(cmd_name, documents[cmd_name])
            if cmd_name in documents
            else super().get_command(ctx, cmd_name)
        )


def _documents() -> dict[str, ModuleType]:
    modules = {
        found.name.removeprefix(_PREFIX): import_module(f"{documents.__name__}.{found.name}")
        for found in iter_modules(documents.__path__)
        if found.name.startswith(_PREFIX)
    }
    return {name: module for name, module in modules.items() if hasattr(module, "exported")}


def _document_command(name: str, module: ModuleType) -> click.Command:
    made = click.command(name=name, help=module.__doc__)(click.pass_obj(partial(_export_document, module=module)))
    to = click.option("--to", "path", metavar="FILE", type=_FILE_TYPE, help="Write FILE instead of printing.")
    return _PERIOD(_ACCOUNT(to(made)))


def _export_document(
    invocation: Invocation,
    *,
    module: ModuleType,
    period: BillingPeriod | None,
    account_id: str | None,
    path: Path | None,
) -> None:
    workspace = open_workspace(invocation.workspace, now=invocation.now())
    invoices = invoice_book(workspace, aggregate(workspace)).of(period, account_id)
    _handed_out(module.exported(invoices), path, counted(len(invoices), "invoice"))


@click.group(name="export", cls=Exports)
def command() -> None:
    """Cost, usage and invoices in the formats of others."""


@command.command()
@_PERIOD
@_ACCOUNT
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
    type=_FILE_TYPE,
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
    _handed_out(content, path, counted(len(rows), "row"))


def _handed_out(content: bytes, path: Path | None, what: str) -> None:
    """Print, or write to a file and say so. Raises ``ConfigurationError`` where its folder is not there."""
    if path is None:
        click.echo(content, nl=False)
        return
    if not path.parent.is_dir():
        message = f"{path.parent} does not exist; make it, or name another file"
        raise ConfigurationError(message)
    disk.replace_durably(path, content)
    click.echo(f"wrote {path}: {what}")
