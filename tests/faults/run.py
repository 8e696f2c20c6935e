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
    quick         what a kind need not wait for, nor do twice, and what one of several processes tries of it
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
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from tally import Tally

_here = Path(__file__).resolve().parent
for folder in (*_here.parent.glob("support/**/"), _here.parent / "storage", _here / "kinds", _here):
    sys.path.insert(0, str(folder))

KINDS = (
    *("deaths", "damage", "power_cuts", "kills", "images", "machine_refusals", "real_refusals", "rivals"),
    *("moving_logs", "stores", "store_rivals"),
)
"""Each is a module of ``kinds`` with ``tried(scratch, *, every) -> Tally``."""
IN_SHARES = frozenset({"deaths", "damage", "kills", "machine_refusals", "real_refusals", "rivals", "moving_logs"})
"""Which of them several processes can try: ``tried`` takes a ``share``."""
ON_A_DISK = frozenset({"kills", "images", "rivals"})
"""Which are about real processes on the machine's own disk; what others write may lie in memory."""
ASKS_ANEW = frozenset({"damage"})
"""Which are about what the engine itself meets in files."""
WITH_PROOFS = frozenset({"machine_refusals"})
"""Which can leave out what is proven to come to the same: ``tried`` takes ``simply``."""


@click.command()
@click.argument("kinds", nargs=-1, type=click.Choice(KINDS))
@click.option("--every", default=1, show_default=True, type=click.IntRange(min=1), help="Try every nth point.")
@click.option("--processes", default=1, show_default=True, type=click.IntRange(min=1), help="Try so many at once.")
@click.option("--simply", is_flag=True, help="Take no short cut: ask the engine each time, and try what is proven.")
def main(*, kinds: tuple[str, ...], every: int, processes: int, simply: bool) -> None:
    """Try faults at every step of a workspace's life; exit 1 where one was lost, doubled or silent."""
    failed = False
    for kind in kinds or KINDS:
        begun = time.monotonic()
        of = processes if kind in IN_SHARES else 1
        shares = [(kind, every, number, of, simply) for number in range(of)]
        if of == 1:
            tallies = [_tried(*shares[0])]
        else:
            with get_context("spawn").Pool(of) as pool:
                tallies = pool.starmap(_tried, shares, chunksize=1)
        for other in tallies[1:]:
            tallies[0].add(other)
        click.echo("\n".join(tallies[0].lines()))
        click.echo(f"  {time.monotonic() - begun:.0f} s")
        failed |= tallies[0].failed
    sys.exit(failed)


def _tried(kind: str, every: int, number: int, of: int, simply: bool) -> Tally:  # noqa: FBT001 - of a pool
    """Try a share of a kind in this process."""
    from quick import Share, memory, quickly  # noqa: PLC0415 - once it can be found

    more: dict[str, Any] = {"share": Share(number, of)} if kind in IN_SHARES else {}
    if kind in WITH_PROOFS:
        more["simply"] = simply
    on = None if kind in ON_A_DISK else memory()
    scratch = Path(tempfile.mkdtemp(prefix="tallybook-faults-", dir=on))
    try:
        with quickly(asks_anew=simply or kind in ASKS_ANEW):
            tally: Tally = importlib.import_module(kind).tried(scratch, every=every, **more)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return tally


if __name__ == "__main__":
    main()
