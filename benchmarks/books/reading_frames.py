"""Memory of ``pipeline.frames``: a month, or a key of a month, of a lake that is greater than memory.

``python -m benchmarks.books.reading_frames DIR`` reads the workspace that ``python -m benchmarks.inputs.events`` made
there, after ``tallybook nightly``, each reading in a process of its own. The peak is that of the whole process, with
Python and Arrow. Owns what is read. Does not own the measuring (``measure``).
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.turns.measure import run
from pipeline import frames

if TYPE_CHECKING:
    from collections.abc import Callable

_COLUMNS = ["occurred_at", "prompt_tokens", "completion_tokens"]


def _readings(books: frames.Books, period: str, key: str) -> dict[str, Callable[[], int]]:
    """Return what is read, by name; each says how many rows it had."""
    return {
        "nothing": lambda: 0,
        "events of a key and a month": lambda: books.events(period=period, api_key_id=key).arrow().num_rows,
        "three columns of a month's events, by batches": lambda: sum(
            batch.num_rows for batch in books.events(period=period, columns=_COLUMNS).batches()
        ),
        "a month's events, by batches": lambda: sum(batch.num_rows for batch in books.events(period=period).batches()),
        "a month's events, as one table": lambda: books.events(period=period).arrow().num_rows,
        "usage_daily of a month": lambda: books.usage_daily(period=period).arrow().num_rows,
        "charges of a month": lambda: books.charges(period=period).arrow().num_rows,
        "margin of a month, by key": lambda: books.margin("key", period=period).arrow().num_rows,
    }


@click.command()
@click.argument("workspace", type=click.Path(path_type=Path, exists=True))
@click.option("--period", default="2026-03", show_default=True)
@click.option("--reading", help="Read this in this process, and print how many rows it had.")
def main(*, workspace: Path, period: str, reading: str | None) -> None:
    """Print the peak memory and the time of each reading."""
    key = tomllib.loads((workspace / "accounts.toml").read_text(encoding="utf-8"))["accounts"][3]["keys"][2]
    readings = _readings(frames.open_books(workspace), period, key)
    if reading is not None:
        click.echo(json.dumps({"rows": readings[reading]()}))
        return
    for name in readings:
        command = [sys.executable, "-m", "benchmarks.books.reading_frames", str(workspace), "--period", period]
        measured = run([*command, "--reading", name])
        click.echo(
            f"{name}: {measured.said['rows']:,} rows, {measured.peak_bytes / 2**20:,.0f} MB, "
            f"{measured.cpu_seconds:.1f} s of CPU"
        )


if __name__ == "__main__":
    main()
