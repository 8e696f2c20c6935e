"""``tallybook invoice render``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.accounts.parties import refuse_unknown_language
from pipeline.base.beginnings import whole_id
from pipeline.base.errors import InvoiceNotFound
from pipeline.cli.commands.invoice.choice import account_option, book_of, chosen_invoices, period_option
from pipeline.cli.context import EXIT_CONFIGURATION, complain
from pipeline.cli.options.examples import examples
from pipeline.cli.options.ids import whole_account_id, whole_issued_id
from pipeline.cli.output import output_option
from pipeline.cli.tables.columns import Column, Kind
from pipeline.configuration.workspace import open_workspace
from pipeline.documents.rendering import document_format, document_formats
from pipeline.jobs.invoices.render import font_folder, issued_invoice_of, render

if TYPE_CHECKING:
    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice

FORMAT_DEFAULT = "html"
_COLUMNS = (
    Column(name="invoice", kind=Kind.ID),
    Column(name="status"),
    Column(name="format"),
    Column(name="file"),
)


@click.command(
    name="render",
    epilog=examples(
        "tallybook invoice render INV-000042",
        "tallybook invoice render INV-000042 --format pdf --language de",
        "tallybook invoice render --period 2026-10 --format html,pdf --to out/october",
        "tallybook invoice render --period 2026-10 --format ubl,facturx",
    ),
)
@click.argument("invoice_id", metavar="[INVOICE]", required=False)
@period_option(required=False)
@account_option
@click.option(
    "--format",
    "formats",
    metavar="FORMATS",
    default=FORMAT_DEFAULT,
    show_default=True,
    help=f"One or more of {', '.join(document_formats())}, with commas between.",
)
@click.option("--language", metavar="TAG", default="", help="Such as en, de or fr-CH; default: the invoice's own.")
@click.option(
    "--to",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write into DIR; default: invoices/PERIOD/INVOICE/ in the workspace.",
)
@output_option()
@click.pass_obj
def render_command(
    invocation: Invocation,
    *,
    invoice_id: str | None,
    period: BillingPeriod | None,
    account_id: str | None,
    formats: str,
    language: str,
    to: Path | None,
    output: Output,
) -> int:
    """Write invoices, credit notes and drafts as documents to send: by INVOICE, by period, by account.

    A document is a function of the frozen invoice and nothing else; rendered again, it is the same to the last byte. A
    draft is marked as one. Where one cannot be made, it is named on stderr, the others are written all the same, and
    the exit code is 2.
    """
    if invoice_id is None and period is None and account_id is None:
        message = "name an INVOICE, a --period or an --account; 'tallybook invoice list' shows what there is"
        raise click.UsageError(message)
    chosen_formats = [document_format(name) for name in dict.fromkeys(formats.split(","))]
    if language:
        refuse_unknown_language(language)
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    invoices = _chosen(workspace, invoice_id, period, whole_account_id(workspace, account_id))
    written, failed = [], False
    fonts = font_folder(workspace)
    for document in render(invoices, chosen_formats, root=workspace.root, to=to, language=language, fonts=fonts):
        if document.refusal:
            named = {"invoice_id": document.invoice.id, "format": document.format}
            text = f"{document.invoice.id} as {document.format}: {document.refusal}"
            complain(text, event="rendering_refused", **named)
            failed = True
        else:
            written.append((document.invoice.id, document.invoice.status.value, document.format, str(document.path)))
    if written or not output.is_for_people:
        output.rows(_COLUMNS, written)
    return EXIT_CONFIGURATION if failed else 0


def _chosen(
    workspace: Workspace, invoice_id: str | None, period: BillingPeriod | None, account_id: str | None
) -> list[Invoice]:
    """Return what is to be rendered; an issued invoice alone is read from the register, without counting anything."""
    if invoice_id is not None and period is None and account_id is None:
        issued = issued_invoice_of(workspace, whole_issued_id(workspace, invoice_id))
        if issued is not None:
            return [issued]
    chosen = chosen_invoices(book_of(workspace), period, account_id)
    if invoice_id is not None:
        invoice_id = whole_id(invoice_id, (invoice.id for invoice in chosen), "invoice")
    invoices = [invoice for invoice in chosen if invoice_id in (None, invoice.id)]
    if not invoices:
        message = f"there is no invoice {invoice_id!r}; 'tallybook invoice list' shows what there is"
        raise InvoiceNotFound(message)
    return invoices
