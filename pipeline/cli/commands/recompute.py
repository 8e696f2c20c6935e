"""``tallybook recompute``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.context import EXIT_DIFFERENCE
from pipeline.cli.printing import print_table
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.proofs.bundle import write_invoice_bundle
from pipeline.jobs.proofs.recompute import recompute
from pipeline.jobs.wording import counted
from pipeline.objects.bundle_files import refuse_what_is_not_empty

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation


@click.command(name="recompute")
@click.argument("invoice_id", metavar="INVOICE")
@click.option(
    "--bundle",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Also write into DIR (new or empty) what the customer needs to recompute it alone.",
)
@click.pass_obj
def command(invocation: Invocation, invoice_id: str, folder: Path | None) -> int:
    """Decide an issued invoice or credit note again from the commit and the configuration it names.

    Compare it byte for byte; nothing is changed.

    Exit code 6 with the fields that differ. The bundle holds the customer's own events, rate card and terms, the
    invoice, checksums and a page on how to recompute it in a spreadsheet; nobody else's usage, no raw key, no text of a
    prompt or completion.
    """
    if folder is not None:
        refuse_what_is_not_empty(folder)
    recomputation = recompute(open_workspace(invocation.workspace, now=invocation.now()), invoice_id)
    if recomputation.differences:
        print_table(
            ("field", "issued", "recomputed"),
            [(each.field, each.frozen, each.recomputed) for each in recomputation.differences],
        )
        differing = counted(len(recomputation.differences), "field differs", "fields differ")
        click.echo(
            f"tallybook: {invoice_id} is not what its commit and configuration give today: {differing}", err=True
        )
        return EXIT_DIFFERENCE
    document = recomputation.document
    click.echo(
        f"{invoice_id} is recomputed byte for byte: "
        f"{document['total']} {document['currency']}, {counted(len(document['lines']), 'line')}"
    )
    click.echo(
        f"from commit {document['commit']} of the lake and configuration {document['configuration_sha256'][:16]}…"
    )
    if folder is not None:
        write_invoice_bundle(recomputation, folder)
        click.echo(f"wrote {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    return 0
