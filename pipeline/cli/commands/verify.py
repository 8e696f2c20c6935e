"""``tallybook verify``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from pipeline.cli.context import EXIT_DIFFERENCE
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.proofs.verify import verify

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation


@click.command(name="verify")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: ok, counts, checks.")
@click.pass_obj
def command(invocation: Invocation, *, as_json: bool) -> int:
    """Check every identity that must hold, from the logs' records to the printed cent.

    Exit code 6 where one does not.
    """
    result = verify(open_workspace(invocation.workspace, now=invocation.now()))
    if as_json:
        checks = [{"name": check.name, "ok": check.ok, "detail": check.detail} for check in result.checks]
        click.echo(json.dumps({"ok": result.ok, "counts": result.counts, "checks": checks}, indent=1))
    else:
        for check in result.checks:
            click.echo(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.detail}")
    return 0 if result.ok else EXIT_DIFFERENCE
