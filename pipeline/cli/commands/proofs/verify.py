"""``tallybook verify``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import WorkspaceLocked
from pipeline.cli.context import EXIT_DIFFERENCE
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.columns import Column
from pipeline.cli.tables.forms import Form
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.proofs.verify import verify
from pipeline.objects.lock import last_used, user_since

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output

_CHECKS = (Column(name="check"), Column(name="ok"), Column(name="detail"))


@click.command(
    name="verify",
    epilog=examples(
        "tallybook verify",
        "tallybook verify --logs",
        "tallybook verify --key billing-public.pem",
        "tallybook verify --json | jq .counts",
    ),
)
@click.option("--logs", "with_logs", is_flag=True, help="Also hash the logs that are still there again.")
@click.option(
    "--key",
    "keys",
    metavar="PUBLIC",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Also check the signatures by this public key (PEM). Repeat for more.",
)
@output_option()
@click.pass_obj
def command(invocation: Invocation, *, with_logs: bool, keys: tuple[Path, ...], output: Output) -> int:
    """Check every identity that must hold, from the logs' records to the printed cent.

    Exit code 6 where one does not, 5 where that may be the work of a run that was under way. With --logs every byte of
    the logs is compared with what was recorded of it, whatever they are called by now and however they are compressed;
    logs that are gone are named, and are no error. With --key a history that was sealed again as a whole shows.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    before = last_used(workspace.lake)
    result = verify(workspace, with_logs=with_logs, keys=keys)
    if not result.ok and (user := user_since(workspace.lake, before)) is not None:
        message = (
            f"workspace {workspace.root} was in use by {user} while it was verified, and what was read was half made; "
            "wait until it has ended, then run the command again"
        )
        raise WorkspaceLocked(message)
    if output.form is Form.JSON:
        checks = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in result.checks]
        output.document({"ok": result.ok, "counts": result.counts, "checks": checks})
    elif output.form in (Form.CSV, Form.MARKDOWN):
        listed = [(check.name, "ok" if check.ok else "FAIL", check.detail) for check in result.checks]
        output.rows(_CHECKS, listed, rows_max=None)
    else:
        for check in result.checks:
            say(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}")
    return 0 if result.ok else EXIT_DIFFERENCE
