"""``tallybook verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.context import EXIT_DIFFERENCE
from pipeline.cli.examples import examples
from pipeline.cli.output import output_option, say
from pipeline.cli.tables.columns import Column
from pipeline.cli.tables.forms import Form
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.proofs.verify import verify

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output

_CHECKS = (Column(name="check"), Column(name="ok"), Column(name="detail"))


@click.command(name="verify", epilog=examples("tallybook verify", "tallybook verify --json | jq .counts"))
@output_option()
@click.pass_obj
def command(invocation: Invocation, *, output: Output) -> int:
    """Check every identity that must hold, from the logs' records to the printed cent.

    Exit code 6 where one does not.
    """
    result = verify(open_workspace(invocation.workspace, now=invocation.now()))
    if output.form is Form.JSON:
        checks = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in result.checks]
        output.document({"ok": result.ok, "counts": result.counts, "checks": checks})
    elif output.form in (Form.CSV, Form.MARKDOWN):
        output.rows(_CHECKS, [(check.name, "ok" if check.ok else "FAIL", check.detail) for check in result.checks])
    else:
        for check in result.checks:
            say(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}")
    return 0 if result.ok else EXIT_DIFFERENCE
