"""What questions cost of large books: 200 models, 5,000 keys of 50 accounts, twelve weeks; the first month is issued.

``python -m benchmarks.books.large_books --books DIR`` makes the books where they are not there yet, asks each question
in a process of its own, and prints its CPU seconds and peak memory. With ``--beside CHECKOUT``, a checkout of another
version, both are asked in turns, with the ratios, and all that they print must be the same bytes. Such a version is
given the books as they are; what it does not know of what this one kept, it makes anew.

Owns the books and the questions. Does not own the events (``events``) nor the measuring (``measure``).
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

import click

from benchmarks.inputs.events import EventsRecipe, write_lake, write_workspace
from benchmarks.turns.measure import ROOT, run
from pipeline.cli.context import EXIT_DIFFERENCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.turns.measure import Run

MODELS = tuple(f"model-{number:03d}" for number in range(200))
ACCOUNTS, KEYS_EACH = 50, 100
_AS_OF = ("--as-of", "2026-05-24")
QUESTIONS = (
    "invoice list",
    "cost --bills --period 2026-03",
    "cost --period 2026-03 --by account",
    "usage --period 2026-03 --by account",
    "usage --by account,meter",
    "margin --period 2026-03 --by account",
    f"anomalies {' '.join(_AS_OF)}",
    "export duckdb --to {file}",
    f"report --period 2026-03 {' '.join(_AS_OF)} --to {{file}}",
)


@click.command()
@click.option("--books", type=click.Path(path_type=Path), default=ROOT / "build" / "benchmarks" / "large-books")
@click.option("--events", default=1_300_000, show_default=True, help="In twelve weeks; fewer make smaller books.")
@click.option("--beside", type=click.Path(path_type=Path, exists=True), help="A checkout of another version.")
@click.option("--rounds", default=1, show_default=True, type=click.IntRange(min=1))
@click.argument("questions", nargs=-1)
def main(*, books: Path, events: int, beside: Path | None, rounds: int, questions: tuple[str, ...]) -> None:
    """Measure QUESTIONS, or those that this module names."""
    if not books.exists():
        make_books(books, events=events)
    answer = books.with_name(f"{books.name}-answer")
    for question in questions or QUESTIONS:
        ours, theirs, printed = [], [], set()
        for _ in range(rounds):
            for checkout, runs in ((beside, theirs), (ROOT, ours)):
                if checkout is not None:
                    runs.append(run(_asked(checkout, books, question, answer)))
                    printed.add(answer.read_bytes())
        said = f"{question}: {_cpu(ours):.1f} s of CPU, {_peak(ours):,.0f} MB"
        if theirs:
            ratio = f"{_cpu(theirs) / _cpu(ours):.1f} and {_peak(theirs) / _peak(ours):.1f} times less"
            is_of_an_instant = "duckdb" in question  # and says when it was written
            same = "" if is_of_an_instant else ", the same bytes" if len(printed) == 1 else ", OTHER BYTES"
            said += f"; beside {_cpu(theirs):.1f} s, {_peak(theirs):,.0f} MB: {ratio}{same}"
        click.echo(said)


def make_books(root: Path, *, events: int) -> None:
    """Make the books: a month issued, two in drafts, all marts written, and the last night with nothing new."""
    making = root.with_name(f"{root.name}.part")
    shutil.rmtree(making, ignore_errors=True)
    write_workspace(making, accounts=ACCOUNTS, keys_each=KEYS_EACH, models=MODELS)
    settings = making / "tallybook.toml"
    settings.write_text(f'cost_card = "standard"\n{settings.read_text("utf-8")}', "utf-8")
    recipe = EventsRecipe(events=events, days=84, keys=ACCOUNTS * KEYS_EACH, models=MODELS, is_even=True)
    write_lake(making, recipe)
    for command in (("nightly",), ("invoice", "issue", "--period", "2026-03"), ("nightly",)):
        run([sys.executable, "-m", "pipeline.cli", "-w", str(making), *command, *_AS_OF])
    making.rename(root)


def _asked(checkout: Path, books: Path, question: str, answer: Path) -> list[str]:
    """Return a shell's command that asks in a checkout, and leaves what is printed, or written, in ``answer``."""
    words = [word.format(file=answer) for word in question.split()]
    into = "" if "{file}" in question else f"> {answer}"
    asked = f'"{sys.executable}" -m pipeline.cli -w "{books}" {" ".join(words)} {into}'
    is_answer = f"code=$?; test $code -eq {EXIT_DIFFERENCE} || exit $code"  # as where a day is out of line
    return ["/bin/sh", "-c", f'cd "{checkout}" && PYTHONPATH="{checkout}" {asked}; {is_answer}']


def _cpu(runs: Sequence[Run]) -> float:
    return median(each.cpu_seconds for each in runs)


def _peak(runs: Sequence[Run]) -> float:
    return max(each.peak_bytes for each in runs) / 1e6


if __name__ == "__main__":
    main()
