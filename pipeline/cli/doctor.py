"""``tallybook doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.tables import print_table
from pipeline.jobs.doctor import examine
from pipeline.storage.workspace import open_workspace

if TYPE_CHECKING:
    from pipeline.cli.context import Session


@click.command(name="doctor")
@click.option("--quarantined-max", type=click.IntRange(min=0), default=20, show_default=True, help="How many quarantined lines to list.")
@click.pass_obj
def command(session: Session, quarantined_max: int) -> None:
    """Look over the workspace: configuration, sources, secret, lake; list quarantined lines by source, line and reason."""
    report = examine(open_workspace(session.workspace), key_secret=session.key_secret)
    for finding in report.findings:
        click.echo(f"{'ok  ' if finding.ok else 'LOOK'}  {finding.name}: {finding.detail}")
    listed = report.quarantined[:quarantined_max]
    if listed:
        click.echo(f"\n{len(report.quarantined)} quarantined lines{f', the first {len(listed)}' if len(listed) < len(report.quarantined) else ''}:")
        print_table(("source", "line", "bytes", "reason", "detail"), listed)
