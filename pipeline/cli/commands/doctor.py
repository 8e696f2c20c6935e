"""``tallybook doctor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from pipeline.cli.context import EXIT_BAD_INPUT, EXIT_CONFIGURATION, EXIT_UNEXPECTED
from pipeline.cli.printing import print_table
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.upkeep.doctor import examine
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation


@click.command(name="doctor")
@click.option(
    "--quarantined-max",
    type=click.IntRange(min=0),
    default=20,
    show_default=True,
    help="How many quarantined lines to list.",
)
@click.option("--strict", is_flag=True, help="Exit with 3 where lines are quarantined.")
@click.pass_obj
def command(invocation: Invocation, *, quarantined_max: int, strict: bool) -> int:
    """Look over the workspace: configuration, sources, secret, lake; list quarantined lines by source, line and reason.

    Exit code 1 where the lake is damaged, else 2 where anything else is marked LOOK, else 3 with --strict and
    quarantined lines, else 0.
    """
    report = examine(open_workspace(invocation.workspace, now=invocation.now()), key_secret=invocation.key_secret)
    for finding in report.findings:
        click.echo(f"{'ok  ' if finding.ok else 'LOOK'}  {finding.name}: {finding.detail}")
    listed = report.quarantined[:quarantined_max]
    if listed:
        click.echo(
            f"\n{counted(len(report.quarantined), 'quarantined line')}"
            f"{f', the first {len(listed)}' if len(listed) < len(report.quarantined) else ''}:"
        )
        print_table(("source", "line", "bytes", "key", "tokens", "reason", "detail"), listed)
    if report.is_lake_damaged:
        return EXIT_UNEXPECTED
    if not all(finding.ok for finding in report.findings):
        return EXIT_CONFIGURATION
    return EXIT_BAD_INPUT if strict and report.quarantined else 0
