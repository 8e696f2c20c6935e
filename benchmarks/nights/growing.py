"""What a night costs that brings the same number of new events to lakes of more and more history.

``python -m benchmarks.nights.growing --lake 1M:30 --lake 1M:600 --new 100K`` makes lakes of so many events over so many
days, lets a night keep what it counted, commits one more day, and measures the whole command on it: with what was kept,
and with all of it deleted, so that everything is counted. Owns the states of the lakes. Does not own the measuring
(``measure``) nor the events (``events``).
"""

from __future__ import annotations

import os
import shutil
import sys
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

import click

from benchmarks.inputs.events import EventsRecipe, batches, commit_batch, write_workspace
from benchmarks.inputs.generate import number_of
from benchmarks.turns.measure import run, scratch_option
from pipeline.lake.commits import LakeSnapshot
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.turns.measure import Run

_HEADER = (
    "| events before | days | CPU seconds | seconds | peak MB | CPU seconds, nothing kept | seconds, nothing kept | "
    "peak MB, nothing kept |"
)


@click.command()
@click.option(
    "--lake",
    "lakes",
    multiple=True,
    default=("100K:30", "1M:30", "5M:30"),
    show_default=True,
    help="EVENTS:DAYS of history; may be repeated.",
)
@click.option("--new", default="100K", show_default=True, help="Events of the night.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@scratch_option
def main(*, lakes: tuple[str, ...], new: str, rounds: int, scratch: Path) -> None:
    """Measure a night of new events over lakes of several sizes."""
    scratch.mkdir(parents=True, exist_ok=True)
    click.echo(_HEADER + "\n|" + " ---: |" * (_HEADER.count("|") - 1))
    measured = []
    for lake in lakes:
        events, _, days = lake.partition(":")
        base = _state(scratch, EventsRecipe(events=number_of(events), days=int(days), last_day_events=number_of(new)))
        kept, nothing = [], []
        for _ in range(rounds):
            kept.append(_night(base, is_kept=True))
            nothing.append(_night(base, is_kept=False))
        cells = [cell for runs in (kept, nothing) for cell in _cells(runs)]
        click.echo(f"| {events} | {days} | {' | '.join(cells)} |")
        measured.append((number_of(events), _cpu(kept), _cpu(nothing)))
    for (fewer, kept_before, all_before), (more, kept_after, all_after) in pairwise(measured):
        if more > fewer:
            slopes = [
                f"{(after - before) / (more - fewer) * 1e9:.0f} ns"
                for before, after in ((kept_before, kept_after), (all_before, all_after))
            ]
            click.echo(
                f"from {fewer} to {more}: {slopes[0]} of CPU for each event of history, {slopes[1]} with nothing kept"
            )


def _state(scratch: Path, recipe: EventsRecipe) -> Path:
    """Return a workspace after the commit of its last day, and before the night that counts it."""
    root = scratch / f"night-{recipe.events}-{recipe.days}-{recipe.last_day_events}"
    if not root.exists():
        making = root.with_suffix(".part")
        shutil.rmtree(making, ignore_errors=True)
        write_workspace(making)
        layout.lake(making).mkdir()
        snapshot = LakeSnapshot()
        for number, (day, events) in enumerate(batches(recipe), 1):
            if number == recipe.commits:
                run(_nightly(making))
            snapshot = commit_batch(making, snapshot, day, events)
        making.rename(root)
    return root


def _night(base: Path, *, is_kept: bool) -> Run:
    """Measure the night on a copy of the state.

    Its files are links, since no file but the lock is ever changed in place.
    """
    root = base.with_suffix(".run")
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(base, root, copy_function=os.link, ignore=shutil.ignore_patterns(".lock"))
    if not is_kept:
        shutil.rmtree(root / "lake" / "counted")
    measured = run(_nightly(root))
    shutil.rmtree(root)
    return measured


def _nightly(root: Path) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli", "-w", str(root), "nightly", "--as-of", "2028-01-01"]


def _cpu(runs: list[Run]) -> float:
    return median(each.cpu_seconds for each in runs)


def _cells(runs: list[Run]) -> list[str]:
    seconds = median(each.wall_seconds for each in runs)
    return [f"{_cpu(runs):.1f}", f"{seconds:.1f}", f"{max(each.peak_bytes for each in runs) / 1e6:.0f}"]


if __name__ == "__main__":
    main()
