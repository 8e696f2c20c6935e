"""Measure: ``python -m benchmarks.run --kind streams --size 256MB --rounds 5``.

Without options everything is measured at sizes that take some minutes. Results are kept as JSON in the scratch folder
(not in git), so that ``--write-docs`` can put what was measured over several runs into ``docs/performance.md``. Does
not own the suites.
"""

from __future__ import annotations

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from os import cpu_count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.lines import KINDS
from benchmarks.measure import ROOT
from benchmarks.report import table, write_between_marks
from benchmarks.suites import Bench, Result

if TYPE_CHECKING:
    from collections.abc import Iterator

SUITES = ("reading", "compression", "committing", "aggregating", "rating", "nights", "commands")
_LIBRARIES = ("duckdb", "polars", "chdb", "orjson", "msgspec", "pandas", "pyarrow")
_DOCUMENT = ROOT / "docs" / "performance.md"


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
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False),
    default=ROOT / "build" / "benchmarks",
    help="Where inputs and results are kept.",
)
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
            _keep(scratch, result)
    if write_docs:
        for suite in write_between_marks(_DOCUMENT, kept(scratch)):
            click.echo(f"not measured yet, and so as it was: {suite}", err=True)


def machine() -> str:
    """Say on what the measuring was done, as far as it matters."""
    return f"{cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, {', '.join(_installed())}"


def kept(scratch: Path) -> dict[str, Result]:
    """Return the last result of every suite that was measured with this scratch folder."""
    path = scratch / "results.json"
    saved = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {suite: Result.from_json(result) for suite, result in saved.items()}


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
    for kind in kinds:
        if "reading" in suites:
            yield bench.reading(kind, size, has_prompts=has_prompts)
        if "compression" in suites:
            yield bench.compression(kind, size)
        if "committing" in suites:
            yield bench.committing(kind, size)
    if "aggregating" in suites:
        for events in lakes:
            yield bench.aggregating(events)
    if "rating" in suites:
        yield bench.rating(cells)
    if "nights" in suites:
        yield bench.nights(lakes)
    if "commands" in suites:
        yield bench.commands()


def _keep(scratch: Path, result: Result) -> None:
    results = {suite: earlier.as_json() for suite, earlier in kept(scratch).items()}
    results[result.suite] = result.as_json()
    (scratch / "results.json").write_text(json.dumps(results, indent=1), encoding="utf-8")


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
