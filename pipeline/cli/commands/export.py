"""``tallybook export``: FOCUS, Stripe, Lago, a file of DuckDB, and documents of invoices.

The last are the modules of ``pipeline.documents`` that are called ``invoice_…`` and export.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

import click

from pipeline import documents
from pipeline.base.errors import ConfigurationError
from pipeline.cli.commands.numbers import database
from pipeline.cli.context import PeriodType, complain
from pipeline.cli.groups import CommandsByName
from pipeline.cli.options.examples import examples
from pipeline.cli.options.files import WrittenFile
from pipeline.cli.options.ids import whole_account_id
from pipeline.cli.output import put_file, say
from pipeline.configuration.workspace import open_workspace
from pipeline.exports.focus import focus_csv, focus_table
from pipeline.exports.hand_over import Per
from pipeline.exports.lago import ADD_ON_DEFAULT, lago_jsonl, one_off_invoices
from pipeline.exports.stripe import invoice_items, stripe_jsonl
from pipeline.jobs.answers.focus import focus_rows
from pipeline.jobs.answers.hand_over import issued_invoices, taxes_left_out
from pipeline.jobs.state.aggregate import aggregate
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.wording import counted
from pipeline.objects import disk
from pipeline.objects.encoded import parquet_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path
    from types import ModuleType

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation


_PREFIX = "invoice_"
_PERIOD = click.option(
    "--period", type=PeriodType(), help="Only invoices of this period, such as 2026-10, 2026-Q4 or 2026; else all."
)
_ACCOUNT = click.option("--account", "account_id", metavar="ID", help="Only this account.")
_NOTHING_ISSUED = "drafts, if there are any, and nothing that fits is issued; 'tallybook invoice issue' issues them"
_TO = click.option("--to", "path", metavar="FILE", type=WrittenFile(), help="Write FILE instead of printing.")
_WITH_TAX = click.option(
    "--with-tax", is_flag=True, help="Tax lines too, so that the sum is the total; only where no tax is added there."
)
_PER = click.option(
    "--per",
    type=click.Choice([each.value for each in Per]),
    default=Per.LINE.value,
    show_default=True,
    help="An item for each printed line, or one for the sum of each invoice.",
)


class Exports(CommandsByName):
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
    said = examples(f"tallybook export {name} --period 2026-10 > october", f"tallybook export {name} --account acme")
    made = click.command(name=name, help=module.__doc__, epilog=said)(
        click.pass_obj(partial(_export_document, module=module))
    )
    return _PERIOD(_ACCOUNT(_TO(made)))


def _export_document(
    invocation: Invocation,
    *,
    module: ModuleType,
    period: BillingPeriod | None,
    account_id: str | None,
    path: Path | None,
) -> None:
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    whole_id = whole_account_id(workspace, account_id)
    invoices = invoice_book(workspace, aggregate(workspace, is_checked=False)).of(period, whole_id)
    _handed_out(module.exported(invoices), path, counted(len(invoices), "invoice"))


@click.group(name="export", cls=Exports)
def command() -> None:
    """Cost, usage and invoices in the formats of others."""


@command.command(
    epilog=examples(
        "tallybook export focus --period 2026-10 > focus.csv", "tallybook export focus -o parquet --to focus.parquet"
    )
)
@_PERIOD
@_ACCOUNT
@click.option(
    "--seller",
    metavar="NAME",
    help="InvoiceIssuerName and ProviderName; else the name under [seller] in tallybook.toml.",
)
@click.option(
    "-o", "--output", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True, help="What is written."
)
@click.option(
    "--to",
    "path",
    metavar="FILE",
    type=WrittenFile(),
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
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    rows = focus_rows(workspace, seller=seller, period=period, account_id=whole_account_id(workspace, account_id))
    content = focus_csv(rows) if output == "csv" else parquet_bytes.encode(focus_table(rows), {"FocusVersion": "1.2"})
    _handed_out(content, path, counted(len(rows), "row"))


@command.command(
    epilog=examples(
        "tallybook export stripe --period 2026-10",
        "tallybook export stripe --period 2026-10 --with-tax --to items.jsonl",
    )
)
@_PERIOD
@_ACCOUNT
@_WITH_TAX
@_PER
@_TO
@click.pass_obj
def stripe(
    invocation: Invocation,
    *,
    period: BillingPeriod | None,
    account_id: str | None,
    with_tax: bool,
    per: str,
    path: Path | None,
) -> None:
    """Issued invoices and credit notes as invoice items of Stripe, one JSON object a line.

    An object has the parameters of POST /v1/invoiceitems and an idempotency_key, which is the same in every export.
    Amounts add up to the subtotal of each invoice, and with --with-tax to its total. The customer is the
    stripe_customer of the account in accounts.toml. Nothing is sent.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    invoices = issued_invoices(workspace, period=period, account_id=whole_account_id(workspace, account_id))
    customers = {account.id: account.stripe_customer for account in workspace.accounts}
    found = invoice_items(invoices, customers=customers, with_tax=with_tax, per=Per(per))
    _handed_out(stripe_jsonl(found), path, counted(len(found), "item"))
    left_out = [] if invoices else [_NOTHING_ISSUED]
    _said_to_be_missing([*left_out, *([] if with_tax else taxes_left_out(invoices))])


@command.command(
    epilog=examples(
        "tallybook export lago --period 2026-10",
        "tallybook export lago --period 2026-10 --add-on llm --to invoices.jsonl",
    )
)
@_PERIOD
@_ACCOUNT
@_WITH_TAX
@_PER
@click.option(
    "--add-on", metavar="CODE", default=ADD_ON_DEFAULT, show_default=True, help="The add-on of Lago that fees are of."
)
@_TO
@click.pass_obj
def lago(
    invocation: Invocation,
    *,
    period: BillingPeriod | None,
    account_id: str | None,
    with_tax: bool,
    per: str,
    add_on: str,
    path: Path | None,
) -> None:
    """Issued invoices as one-off invoices of Lago, one JSON object a line.

    An object has the body of POST /api/v1/invoices and an idempotency_key, which is the same in every export and not
    Lago's: see docs/hand-over.md. Fees add up to the subtotal of each invoice, and with --with-tax to its total; an
    invoice with a line below zero has one fee. The customer is the lago_customer of the account in accounts.toml, else
    its id. Credit notes, which Lago makes itself, are left out and named. Nothing is sent.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    invoices = issued_invoices(workspace, period=period, account_id=whole_account_id(workspace, account_id))
    customers = {account.id: account.lago_customer or account.id for account in workspace.accounts}
    customers = {invoice.account_id: invoice.account_id for invoice in invoices} | customers
    made = one_off_invoices(invoices, customers=customers, add_on=add_on, with_tax=with_tax, per=Per(per))
    _handed_out(lago_jsonl(made.bodies), path, counted(len(made.bodies), "invoice"))
    left_out = [] if invoices else [_NOTHING_ISSUED]
    _said_to_be_missing([*left_out, *made.left_out, *([] if with_tax else taxes_left_out(made.taken))])


command.add_command(database.command)


def _said_to_be_missing(left_out: Iterable[str]) -> None:
    """Say on stderr what is not in an export, so that nothing is missing in silence."""
    for sentence in left_out:
        complain(f"not exported: {sentence}", event="not_exported")


def _handed_out(content: bytes, path: Path | None, what: str) -> None:
    """Print, or write to a file and say so. Raises ``ConfigurationError`` where its folder is not there."""
    if path is None:
        put_file(content)
        return
    if not path.parent.is_dir():
        message = f"{path.parent} does not exist; make it, or name another file"
        raise ConfigurationError(message)
    disk.replace_durably(path, content, mode=disk.FILE_MODE_OF_UMASK, is_locked=False)
    say(f"wrote {path}: {what}")
