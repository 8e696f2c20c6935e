"""``tallybook sign``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.context import as_of_option
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.forms import Form
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.proofs.signing import sign
from pipeline.jobs.wording import counted
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output


@click.command(
    name="sign",
    epilog=examples("tallybook sign --key ~/keys/billing.pem", "tallybook sign --key ~/keys/billing.pem --lake-anew"),
)
@click.option(
    "--key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="The private Ed25519 key in PEM, outside the workspace, which only its owner may read.",
)
@click.option("--lake-anew", "is_lake_anew", is_flag=True, help="The lake was collected anew since it was signed.")
@as_of_option
@output_option(Form.TABLE, Form.JSON)
@click.pass_obj
def command(invocation: Invocation, *, key: Path, is_lake_anew: bool, as_of: str | None, output: Output) -> None:
    """Sign the last commit of the lake, and all documents and payments that are not signed yet.

    A signature is added to invoices/signatures, and nothing else changes. Where there is nothing new, nothing is added.
    Needs tallybook[sign]; a key is made by: openssl genpkey -algorithm ed25519 -out KEY.pem
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    now = invocation.clock(as_of, workspace.settings.zone)
    with locked(workspace.lake, command="tallybook sign", started_at=now):
        signature = sign(workspace, key, now=now, is_lake_anew=is_lake_anew)
    if output.form is Form.JSON:
        output.document({"signature": None if signature is None else signature.number})
    elif signature is None:
        say("nothing is new since the last signature")
    else:
        lake = "an empty lake" if signature.lake_number is None else f"commit {signature.lake_number} of the lake"
        documents, payments = counted(len(signature.documents), "document"), counted(len(signature.payments), "payment")
        say(f"signature {signature.number}: {lake}, {documents} and {payments} that were not signed before")
