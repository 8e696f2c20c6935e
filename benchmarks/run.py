"""Measure: ``python -m benchmarks.run --kind streams --size 256MB --rounds 5``.

Without options everything is measured at sizes that take some minutes. Results are kept as JSON in the scratch folder
(not in git), so that ``--write-docs`` can put what was measured over several runs into ``docs/performance.md``. Does
not own the suites.
"""

from __future__ import annotations

import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from typing import TYPE_CHECKING

import click

from benchmarks import families
from benchmarks.inputs.lines import KINDS
from benchmarks.turns import goals
from benchmarks.turns.measure import scratch_option
from benchmarks.turns.report import table, write_between_marks
from benchmarks.turns.suites import Bench, keep, kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from benchmarks.turns.suites import Result

SUITES = ("reading", "compression", "committing", "aggregating", "rating", "first-nights", "nights", "commands")
_LIBRARIES = ("duckdb", "polars", "chdb", "orjson", "msgspec", "pandas", "pyarrow")


@click.command()
@click.option(
    "--suite",
    "suites",
    type=click.Choice(SUITES),
    multiple=True,
    default=SUITES,
    help="What to measure; may be repeated. Default: everything.",
)
@click.option(
    "--kind",
    "kinds",
    type=click.Choice(KINDS),
    multiple=True,
    default=KINDS,
    help="Logs of which kind; may be repeated.",
)
@click.option("--size", default="256MB", show_default=True, help="Size of the logs, decompressed.")
@click.option("--prompts/--no-prompts", default=True, help="Requests are logged with their messages.")
@click.option(
    "--events", "lakes", multiple=True, default=("5M",), show_default=True, help="Size of a lake; may be repeated."
)
@click.option("--cells", default="200K", show_default=True, help="Daily quantities to rate.")
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(min=1))
@scratch_option
@click.option("--measure/--no-measure", default=True, help="Measure, or only show and write what was measured before.")
@click.option(
    "--write-docs", is_flag=True, help="Put the tables of everything measured so far into docs/performance.md."
)
def main(
    *,
    suites: tuple[str, ...],
    kinds: tuple[str, ...],
    size: str,
    lakes: tuple[str, ...],
    cells: str,
    rounds: int,
    scratch: Path,
    prompts: bool,
    measure: bool,
    write_docs: bool,
) -> None:
    """Measure Tallybook beside what people write instead, and print tables of ratios."""
    scratch.mkdir(parents=True, exist_ok=True)
    click.echo(machine())
    bench = Bench(scratch=scratch, rounds=rounds, on_run=_say)
    results = (
        _measured(bench, suites=suites, kinds=kinds, size=size, lakes=lakes, cells=cells, has_prompts=prompts)
        if measure
        else kept(scratch).values()
    )
    for result in results:
        click.echo(f"\n{table(result)}")
        if measure:
            keep(scratch, result)
    if write_docs:
        measured = goals.measured_in(scratch)
        tables = {suite: table(result) for suite, result in measured.results.items()}
        further = {"goals": goals.table(measured), "families": families.table(measured.families)}
        for name in write_between_marks(goals.DOCUMENT, tables | further):
            click.echo(f"not measured yet, and so as it was: {name}", err=True)


def machine() -> str:
    """Say on what the measuring was done, as far as it matters."""
    return f"{cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {', '.join(_installed())}"


def _measured(
    bench: Bench,
    *,
    suites: tuple[str, ...],
    kinds: tuple[str, ...],
    size: str,
    lakes: tuple[str, ...],
    cells: str,
    has_prompts: bool,
) -> Iterator[Result]:
    measuring: dict[str, Callable[[], Iterable[Result]]] = {
        "reading": lambda: (bench.reading(kind, size, has_prompts=has_prompts) for kind in kinds),
        "compression": lambda: (bench.compression(kind, size) for kind in kinds),
        "committing": lambda: (bench.committing(kind, size) for kind in kinds),
        "aggregating": lambda: map(bench.aggregating, lakes),
        "rating": lambda: [bench.rating(cells)],
        "first-nights": lambda: [bench.first_nights(size)],
        "nights": lambda: [bench.nights(lakes)],
        "commands": lambda: [bench.commands()],
    }
    for suite in SUITES:
        if suite in suites:
            yield from measuring[suite]()


def _say(name: str, turn: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r\x1b[K{turn + 1}: {name}", nl=False, err=True)


def _installed() -> Iterator[str]:
    for name in _LIBRARIES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            yield f"no {name}"


if __name__ == "__main__":
    main()
