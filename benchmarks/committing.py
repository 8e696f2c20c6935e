"""The whole job from logs to a commit, in a process of its own: read, write, digest, sync, log entry.

``python -m benchmarks.committing LOG`` collects a log into a new workspace beside it (on the same disk), prints
seconds, events and bytes as JSON, and removes the workspace.
"""

from __future__ import annotations

import json
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from benchmarks.events import write_workspace
from pipeline import lake
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.night.collect import collect

_NOW = datetime(2026, 4, 1, tzinfo=UTC)


@click.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
def main(path: Path) -> None:
    """Collect a log into a lake of its own."""
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        write_workspace(Path(folder))
        workspace = open_workspace(Path(folder))
        workspace.lake.mkdir()
        begun = time.perf_counter()
        collect(workspace, now=_NOW, key_secret=None, paths=[path])
        seconds = time.perf_counter() - begun
        files = lake.read_log(workspace.lake).data_files
    click.echo(
        json.dumps(
            {
                "seconds": seconds,
                "events": sum(file.rows for file in files),
                "lake_bytes": sum(file.size for file in files),
            }
        )
    )


if __name__ == "__main__":
    main()
