"""What nights cost over many small logs: ``python -m benchmarks.nights.small_logs --logs 5000 --logs 20000``.

Writes workspaces of so many logs of one to three responses each, as services put into buckets: as JSON lines, or as a
document over several lines. Prints CPU milliseconds a log of the first night and of one with nothing new, less those of
a workspace with one such log, and of looking a new one up among all that are known. What a log costs must not grow with
the logs before it. Owns the workspaces. Does not own the measuring (``measure``).
"""

from __future__ import annotations

import json
import shutil
from itertools import islice
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

import click

from benchmarks.inputs.lines import Recipe, lines_of
from benchmarks.turns.measure import python, run, scratch_option
from pipeline import lake
from pipeline.collectors import KnownSources
from pipeline.collectors.logs.log_file import WINDOW_BYTES
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

_LINES_MAX = 3
_LOGS_A_FOLDER = 500
_NEW_LOGS = 500
_AS_OF = "2028-01-01"


@click.command()
@click.option("--logs", "numbers", default=(5_000, 20_000), show_default=True, multiple=True, type=click.IntRange(2))
@click.option("--documents", is_flag=True, help="Let each log be a document over several lines.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(min=1))
@scratch_option
def main(*, numbers: tuple[int, ...], documents: bool, rounds: int, scratch: Path) -> None:
    """Measure nights over many small logs."""
    root = scratch / "small-logs"
    of_one = _nights(root, 1, rounds, documents=documents)
    click.echo("| logs | first night | nothing new | looking one up |\n| ---: | ---: | ---: | ---: |")
    for logs in numbers:
        of_all = _nights(root, logs, rounds, documents=documents)
        each = [(many - one) / (logs - 1) for many, one in zip(of_all, of_one, strict=True)]
        looked_up = _looked_up(root, logs, documents=documents)
        click.echo(f"| {logs:,} | {each[0] * 1e3:.2f} | {each[1] * 1e3:.2f} | {looked_up * 1e3:.3f} |")
    shutil.rmtree(root)


def _nights(root: Path, logs: int, rounds: int, *, documents: bool) -> tuple[float, float]:
    """Return the CPU seconds of the first night over so many logs, and of one with nothing new."""
    shutil.rmtree(root, ignore_errors=True)
    write_workspace(root, logs, documents=documents)
    night = python("pipeline.cli", "-w", str(root), "nightly", "--as-of", _AS_OF)
    first = run(night).cpu_seconds
    return first, median(run(night).cpu_seconds for _ in range(rounds))


def _looked_up(root: Path, logs: int, *, documents: bool) -> float:
    """Return the CPU seconds in which a log that is new is looked up among those that are known."""
    known = KnownSources(lake.read_log(layout.lake(root)).sources)
    write_logs(root / "new", logs, logs + _NEW_LOGS, documents=documents)
    heads = [path.read_bytes()[:WINDOW_BYTES] for path in (root / "new").rglob("*.jsonl")]
    begin = process_time()
    found = [known.with_head_of(head) for head in heads]
    took = process_time() - begin
    if any(found):
        message = "a log that is new is known"
        raise AssertionError(message)
    return took / len(heads)


def write_workspace(root: Path, logs: int, *, documents: bool = False) -> None:
    """Make a workspace of so many logs."""
    root.mkdir(parents=True)
    settings = '[[sources]]\nname = "gateway"\npaths = ["logs/*/*.jsonl"]\nformat = "request-log"\n'
    (root / "tallybook.toml").write_text(settings, encoding="utf-8")
    (root / "accounts.toml").touch()
    write_logs(root, 0, logs, documents=documents)


def write_logs(root: Path, first: int, end: int, *, documents: bool) -> None:
    """Write the logs of these numbers, some hundred a folder."""
    lines = (line.content for line in lines_of(Recipe(kind="short", seed=first)) if line.row or not documents)
    for number in range(first, end):
        folder = root / "logs" / f"{number // _LOGS_A_FOLDER:04d}"
        folder.mkdir(parents=True, exist_ok=True)
        content = b"".join(islice(lines, 1 + number % _LINES_MAX))
        if documents:
            content = json.dumps([json.loads(line) for line in content.splitlines()], indent=2).encode()
        (folder / f"{number}.jsonl").write_bytes(content)


if __name__ == "__main__":
    main()
