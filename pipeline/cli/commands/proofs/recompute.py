"""``tallybook recompute``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.context import EXIT_DIFFERENCE, complain
from pipeline.cli.options.examples import examples
from pipeline.cli.options.ids import whole_issued_id
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.columns import Column
from pipeline.cli.tables.forms import Form, json_rows
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.proofs.bundle import write_invoice_bundle
from pipeline.jobs.proofs.recompute import recompute
from pipeline.jobs.wording import counted
from pipeline.objects.bundle_files import refuse_what_is_not_empty

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output

_DIFFERENCES = tuple(Column(name=name) for name in ("field", "issued", "recomputed"))


@click.command(
    name="recompute",
    epilog=examples("tallybook recompute INV-000001", "tallybook recompute INV-000001 --bundle for-acme/"),
)
@click.argument("invoice_id", metavar="INVOICE")
@click.option(
    "--bundle",
    "folder",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="Also write into DIR (new or empty) what the customer needs to recompute it alone.",
)
@output_option()
@click.pass_obj
def command(invocation: Invocation, *, invoice_id: str, folder: Path | None, output: Output) -> int:
    """Decide an issued invoice or credit note again from the commit and the configuration it names.

    Compare it byte for byte; nothing is changed.

    Exit code 6 with the fields that differ. The bundle holds the customer's own events, rate card and terms, the
    invoice, checksums and a page on how to recompute it in a spreadsheet; nobody else's usage, no raw key, no text of a
    prompt or completion.
    """
    if folder is not None:
        refuse_what_is_not_empty(folder)
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    invoice_id = whole_issued_id(workspace, invoice_id)
    recomputation = recompute(workspace, invoice_id)
    differences = [(each.field, each.frozen, each.recomputed) for each in recomputation.differences]
    document = recomputation.document
    if output.form is Form.JSON:
        named = {"invoice_id": document["invoice_id"], "is_the_same": not differences}
        named |= {"forgotten": recomputation.forgotten} if recomputation.forgotten else {}
        output.document({**named, "rows": json_rows(_DIFFERENCES, differences)})
    elif differences or not output.is_for_people:
        output.rows(_DIFFERENCES, differences)
    if differences:
        differing = counted(len(recomputation.differences), "field differs", "fields differ")
        text = f"{invoice_id} is not what its commit and configuration give today: {differing}"
        complain(text, event="difference", invoice_id=invoice_id)
        return EXIT_DIFFERENCE
    lines = counted(len(document["lines"]), "line")
    told = [
        f"{invoice_id} is recomputed byte for byte: {document['total']} {document['currency']}, {lines}",
        f"from commit {document['commit']} of the lake and configuration {document['configuration_sha256'][:16]}…",
    ]
    if recomputation.forgotten:
        told.append(f"by the counts that are kept of events which were {'; '.join(recomputation.forgotten)}")
    if folder is not None:
        write_invoice_bundle(recomputation, folder)
        told.append(f"wrote {folder}: {', '.join(sorted(path.name for path in folder.iterdir()))}")
    if output.is_for_people:
        say(*told)
    return 0
