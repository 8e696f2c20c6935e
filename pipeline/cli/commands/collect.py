"""``tallybook collect``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.cli.context import warn
from pipeline.cli.progress import progress
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.collect import collect
from pipeline.jobs.wording import counted
from pipeline.objects.lock import locked

if TYPE_CHECKING:
    from pipeline.cli.context import Invocation


@click.command(name="collect")
@click.argument("paths", metavar="[PATH …]", nargs=-1, type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--as-of", metavar="DATE|INSTANT", help="The clock of this run; default: now.")
@click.pass_obj
def command(invocation: Invocation, paths: tuple[Path, ...], as_of: str | None) -> None:
    """Read what is new in the configured sources, or in the given files, into the lake.

    Doing it twice changes nothing.
    """
    workspace = open_workspace(invocation.workspace)
    now = invocation.clock(as_of, workspace.settings.zone)
    with locked(workspace.lake, command="tallybook collect", started_at=now), progress() as on_progress:
        collected = collect(
            workspace,
            now=now,
            key_secret=invocation.key_secret,
            paths=paths,
            on_progress=on_progress,
            processes=invocation.processors,
        )
    click.echo(
        f"collected {counted(collected.lines, 'new line')} from {collected.segments} of "
        f"{counted(collected.files, 'log')}"
    )
    for warning in collected.warnings:
        warn(warning)
