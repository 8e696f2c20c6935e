"""What compaction saves: a lake of many small commits, before and after ``tallybook compact``.

``python -m benchmarks.nights.compacted --commits 2000`` makes a lake of so many commits of some events each, of a week,
and a copy of it that is compacted; then it asks both in turn, and prints CPU seconds and their ratios: nights with
nothing new, nights that count everything, deltalake and polars over all events. It counts the files that an empty
machine fetches from a store, entries of the log among them. Owns the states. Does not own the measuring (``measure``).
"""

from __future__ import annotations

import shutil
import sys
from statistics import median
from typing import TYPE_CHECKING

import click

from benchmarks.inputs.events import EventsRecipe, batches, commit_batch, write_workspace
from benchmarks.turns.measure import run, scratch_option
from pipeline.lake.commits import LakeSnapshot, named_files, read_log
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

_AS_OF = "2028-01-01"
_DAYS = 7
_END = "; os._exit(0)"  # threads of theirs may abort a process that ends by itself
_READERS = {
    "deltalake": f"import os, sys, deltalake as d; d.DeltaTable(sys.argv[1]).to_pyarrow_table().num_rows{_END}",
    "polars": f"import os, sys, polars as p; p.scan_delta(sys.argv[1]).select('prompt_tokens').sum().collect(){_END}",
}


@click.command()
@click.option("--commits", default=2_000, show_default=True, type=click.IntRange(min=_DAYS))
@click.option("--events", default=10, show_default=True, type=click.IntRange(min=1), help="Of each commit.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@scratch_option
def main(*, commits: int, events: int, rounds: int, scratch: Path) -> None:
    """Measure a lake before and after it is compacted."""
    scratch.mkdir(parents=True, exist_ok=True)
    before, after = scratch / f"commits-{commits}", scratch / f"commits-{commits}-compacted"
    _make(before, commits, events)
    shutil.rmtree(after, ignore_errors=True)
    run(_night(before))
    shutil.copytree(before, after)
    cpu = run(_command(after, "compact", "--as-of", _AS_OF)).cpu_seconds
    run(_night(after))
    click.echo(f"compact: {cpu:.2f} s of CPU")
    for name, root in (("before", before), ("after", after)):
        snapshot = read_log(layout.lake(root))
        files = len(named_files(layout.lake(root), snapshot))
        click.echo(f"{name}: {len(snapshot.entry_digests)} entries and {files} data files")
    pair = before, after
    _compare("a night with nothing new", [_night(root) for root in pair], rounds)
    _compare("a night that counts everything", [_night(root) for root in pair], rounds, forget=pair)
    for name, text in _READERS.items():
        tables = [str(layout.usage_events(layout.lake(root))) for root in pair]
        _compare(f"{name}, all events", [[sys.executable, "-c", text, table] for table in tables], rounds)


def _compare(what: str, commands: list[list[str]], rounds: int, *, forget: tuple[Path, ...] = ()) -> None:
    found: list[list[float]] = [[] for _ in commands]
    for _ in range(rounds):
        for number, command in enumerate(commands):
            for root in forget:
                shutil.rmtree(layout.lake(root) / "counted", ignore_errors=True)
            found[number].append(run(command).cpu_seconds)
    before, after = map(median, found)
    click.echo(f"{what}: {before:.2f} s of CPU before, {after:.2f} s after, {before / after:.1f} times less")


def _make(root: Path, commits: int, events: int) -> None:
    shutil.rmtree(root, ignore_errors=True)
    write_workspace(root)
    layout.lake(root).mkdir()
    snapshot = LakeSnapshot()
    days = list(batches(EventsRecipe(events=commits * events, days=_DAYS)))
    for number in range(commits):
        day, table = days[number % _DAYS]
        start = number // _DAYS * events % max(1, table.num_rows - events)
        snapshot = commit_batch(root, snapshot, day, table.slice(start, events))


def _night(root: Path) -> list[str]:
    return _command(root, "nightly", "--as-of", _AS_OF)


def _command(root: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "pipeline.cli", "-w", str(root), *arguments]


if __name__ == "__main__":
    main()
