"""What nights cost over many small logs: ``python -m benchmarks.small_logs --logs 5000 --logs 20000``.

Writes workspaces of so many logs of one to three responses each, as services put into buckets, and prints CPU
milliseconds a log of the first night and of one with nothing new, less those of a workspace with one such log. What a
log costs must not grow with the logs before it. Owns the workspaces. Does not own the measuring (``measure``).
"""

from __future__ import annotations

import shutil
from itertools import islice
from statistics import median
from typing import TYPE_CHECKING

import click

from benchmarks.lines import Recipe, lines_of
from benchmarks.measure import python, run, scratch_option

if TYPE_CHECKING:
    from pathlib import Path

_LINES_MAX = 3
_LOGS_A_FOLDER = 500
_AS_OF = "2028-01-01"


@click.command()
@click.option("--logs", "numbers", default=(5_000, 20_000), show_default=True, multiple=True, type=click.IntRange(2))
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@scratch_option
def main(*, numbers: tuple[int, ...], rounds: int, scratch: Path) -> None:
    """Measure nights over many small logs."""
    root = scratch / "small-logs"
    of_one = _nights(root, 1, rounds)
    click.echo("| logs | first night, ms a log | nothing new, ms a log |\n| ---: | ---: | ---: |")
    for logs in numbers:
        nights = zip(_nights(root, logs, rounds), of_one, strict=True)
        each = (f"{(of_all - one) / (logs - 1) * 1e3:.2f}" for of_all, one in nights)
        click.echo(f"| {logs:,} | {' | '.join(each)} |")
    shutil.rmtree(root)


def _nights(root: Path, logs: int, rounds: int) -> tuple[float, float]:
    """Return the CPU seconds of the first night over so many logs, and of one with nothing new."""
    shutil.rmtree(root, ignore_errors=True)
    write_workspace(root, logs)
    night = python("pipeline.cli", "-w", str(root), "nightly", "--as-of", _AS_OF)
    first = run(night).cpu_seconds
    return first, median(run(night).cpu_seconds for _ in range(rounds))


def write_workspace(root: Path, logs: int) -> None:
    """Make a workspace of so many logs, some hundred a folder."""
    root.mkdir(parents=True)
    settings = '[[sources]]\nname = "gateway"\npaths = ["logs/*/*.jsonl"]\nformat = "request-log"\n'
    (root / "tallybook.toml").write_text(settings, encoding="utf-8")
    (root / "accounts.toml").touch()
    lines = (line.content for line in lines_of(Recipe(kind="short")))
    for number in range(logs):
        folder = root / "logs" / f"{number // _LOGS_A_FOLDER:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number}.jsonl").write_bytes(b"".join(islice(lines, 1 + number % _LINES_MAX)))


if __name__ == "__main__":
    main()
