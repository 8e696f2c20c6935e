"""The command: try every kind, print what came of it, and fail where anything was lost, doubled or silent."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import click

from benchmarks.faults.damage import try_damage
from benchmarks.faults.deaths import try_deaths

KINDS = {"damage": try_damage, "deaths": try_deaths}


@click.command()
@click.argument("kinds", nargs=-1, type=click.Choice(list(KINDS)))
@click.option("--every", default=1, show_default=True, type=click.IntRange(min=1), help="Try every nth point.")
def main(*, kinds: tuple[str, ...], every: int) -> None:
    """Try faults at every step of a workspace's life; exit 1 where one was lost, doubled or silent."""
    failed = False
    for kind in kinds or KINDS:
        scratch = Path(tempfile.mkdtemp(prefix="tallybook-faults-"))
        begun = time.monotonic()
        try:
            tally = KINDS[kind](scratch, every=every)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        click.echo("\n".join(tally.lines()))
        click.echo(f"  {time.monotonic() - begun:.0f} s")
        failed |= tally.failed
    sys.exit(failed)


if __name__ == "__main__":
    main()
