"""Faults at every step of a life: ``python tests/faults/run.py`` prints what was tried and what came of it.

::

    lives         lives of workspaces, step by step, and the facts that must be there after each
    recovery      what a workspace must come to after a fault: run again, the next night, verified
    tally         what a kind printed: counts, and what makes it fail
    deaths        the process dies at calls to the disk: before, half way, after; and once more while it is run again
    damage        every class of file is flipped, cut short and deleted
    power_cuts    the power is cut after every change to the disk, by a model of the worst disk
    power_states  every state that a cut may leave, by that model
    kills         the real command is killed at random instants, and once more while it is run again
    images        the power of a real file system is cut, where the machine lets image files be mounted
    machine_refusals  calls to the disk, writes and reads, fail once or from then on, for each reason they may have
    real_refusals  the machine itself refuses: limits, full and read-only file systems, permissions, no TMPDIR
    surrounded    processes of the command in surroundings that refuse
    rivals        commands run beside each other, on one workspace
    crowds        how they are started together, and waited for
    moving_logs   logs are written, rotated, truncated, replaced and compressed while they are collected
    stores        the lake lies on a store whose answers lie, and at whose requests the process is killed
    machines      machines that share such a lake, and one with an empty disk
    store_rivals  they are at work at the same time, and between every two requests of each other
    forking       real processes of the command, without waiting for their imports

Owns the walk over the faults: exit code 1 where anything was lost, doubled or silent; a kind that this machine cannot
try says so, and has not passed. Does not own the faulty disk and its model (``tests/storage``), nor the small
workspaces (``tests/support``).
"""

from __future__ import annotations

import importlib
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tally import Tally

sys.path[:0] = [str(Path(__file__).parents[1] / folder) for folder in ("support", "storage")]

KINDS = (
    *("deaths", "damage", "power_cuts", "kills", "images", "machine_refusals", "real_refusals", "rivals"),
    *("moving_logs", "stores", "store_rivals"),
)
"""Each is a module here with ``tried(scratch, *, every) -> Tally``."""


@click.command()
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS))
@click.option("--every", default=1, show_default=True, type=click.IntRange(min=1), help="Try every nth point.")
def main(*, kinds: tuple[str, ...], every: int) -> None:
    """Try faults at every step of a workspace's life; exit 1 where one was lost, doubled or silent."""
    failed = False
    for kind in kinds or KINDS:
        scratch = Path(tempfile.mkdtemp(prefix="tallybook-faults-"))
        begun = time.monotonic()
        try:
            tally: Tally = importlib.import_module(kind).tried(scratch, every=every)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
        click.echo("\n".join(tally.lines()))
        click.echo(f"  {time.monotonic() - begun:.0f} s")
        failed |= tally.failed
    sys.exit(failed)


if __name__ == "__main__":
    main()
