"""Counting a lake of events here and at a server, in turns: ``python -m benchmarks.nights.engines sc://host:port``.

Prints the seconds of each, and whether the marts are equal. The server's own seconds are not seen from here: what is
compared is how long somebody waits. Both machines are one where the server runs beside it, and have the same processors
to share.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from benchmarks.inputs.events import EventsRecipe, write_lake, write_workspace
from benchmarks.inputs.generate import number_of
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.aggregate import aggregate

if TYPE_CHECKING:
    from pipeline.warehouse.marts import Marts


@click.command()
@click.argument("remote")
@click.option("--events", default="1M,10M", show_default=True, help="Sizes of lakes, between commas.")
@click.option("--turns", default=2, show_default=True, type=click.IntRange(min=1))
def main(*, remote: str, events: str, turns: int) -> None:
    """Print a table: events, engine, seconds of each turn."""
    for size in events.split(","):
        with tempfile.TemporaryDirectory(prefix="tallybook-engines-") as folder:
            root = Path(folder) / "books"
            write_workspace(root)
            write_lake(root, EventsRecipe(events=number_of(size)))
            seconds: dict[str, list[float]] = {}
            found: dict[str, Marts] = {}
            for _ in range(turns):
                for engine in ("duckdb", remote):
                    begun = time.monotonic()
                    found[engine] = aggregate(open_workspace(root, engine=engine)).marts
                    seconds.setdefault(engine, []).append(time.monotonic() - begun)
            here, there = found.values()
            alike = here.usage_daily == there.usage_daily and here.exchanges_daily == there.exchanges_daily
            for engine, turns_of in seconds.items():
                print(f"{size} events, {engine}: {', '.join(f'{each:.1f} s' for each in turns_of)}")
            print(f"{size} events: the marts are {'equal' if alike else 'NOT equal'}, {here.usage_daily.num_rows} rows")


if __name__ == "__main__":
    main()
