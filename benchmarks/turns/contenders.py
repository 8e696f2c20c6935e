"""Who is measured, and the process in which one contender does its task once.

``python -m benchmarks.turns.contenders TASK NAME PATH [FILE]`` runs it, prints its seconds (start-up and imports left
out) as JSON and, if asked, writes its rows for comparison. Owns the list. Does not own what they do (``reading``,
``aggregating``, ``rating``) nor the taking of turns (``measure``).
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.turns.comparing import Answer

READING, AGGREGATING, RATING = "reading", "aggregating", "rating"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contender:
    """One way to do a task."""

    task: str
    name: str
    place: str
    """``module:function`` within the task's package."""
    needs: str
    """The import without which it cannot run."""
    events_max: int | None = None
    """Larger lakes are not tried: they would not fit into memory."""

    @property
    def is_installed(self) -> bool:
        """Whether it can run here."""
        return find_spec(self.needs) is not None

    def answer(self, path: Path) -> Answer:
        """Do the task."""
        module, _, function = self.place.partition(":")
        answer: Answer = getattr(import_module(f"benchmarks.{self.task}.{module}"), function)(path)
        return answer

    def compared(self, answer: Answer) -> Answer:
        """Return the columns of an answer that all contenders have; it may have others."""
        module = import_module(f"benchmarks.{self.task}.{self.place.partition(':')[0]}")
        compared: Answer = getattr(module, "compared", _as_it_is)(answer)
        return compared


def _of(task: str, needs: str, name: str, place: str, events_max: int | None = None) -> Contender:
    return Contender(task=task, name=name, place=place, needs=needs, events_max=events_max)


CONTENDERS = (
    _of(READING, "json", "json.loads, every chunk", "with_json:all_chunks"),
    _of(READING, "orjson", "orjson, every chunk", "with_orjson:all_chunks"),
    _of(READING, "orjson", "orjson, last chunks", "with_orjson:from_the_end"),
    _of(READING, "msgspec", "msgspec, every chunk", "with_msgspec:all_chunks"),
    _of(READING, "msgspec", "msgspec structs, last chunks", "with_msgspec:typed"),
    _of(READING, "duckdb", "DuckDB, read_ndjson_objects", "with_duckdb:objects"),
    _of(READING, "duckdb", "DuckDB, lines as text", "with_duckdb:lines_as_text"),
    _of(READING, "polars", "polars, scan_ndjson", "with_polars:objects"),
    _of(READING, "polars", "polars, JSON paths of lines", "with_polars:lines_by_path"),
    _of(READING, "chdb", "chdb, LineAsString", "with_chdb:lines_as_strings"),
    _of(READING, "pipeline", "tallybook, plain reader", "by_tallybook:line_by_line"),
    _of(READING, "pipeline", "tallybook", "by_tallybook:through_the_entrance"),
    _of(AGGREGATING, "duckdb", "DuckDB, copies summed too", "with_duckdb:without_identities"),
    _of(AGGREGATING, "duckdb", "DuckDB, group by id, any copy", "with_duckdb:any_copy"),
    _of(AGGREGATING, "duckdb", "DuckDB, group by id, right copy", "with_duckdb:right_copy"),
    _of(AGGREGATING, "polars", "polars, any copy", "with_polars:any_copy"),
    _of(AGGREGATING, "polars", "polars, right copy", "with_polars:right_copy"),
    _of(AGGREGATING, "pandas", "pandas, last copy", "with_pandas:last_copy", 6_000_000),
    _of(AGGREGATING, "pipeline", "tallybook", "by_tallybook:marts"),
    _of(RATING, "decimal", "Decimal loop", "with_decimal:loop"),
    _of(RATING, "pandas", "pandas, floating point", "with_pandas:floats"),
    _of(RATING, "pipeline", "tallybook", "by_tallybook:charges"),
)
ORACLES = {READING: "tallybook, plain reader", AGGREGATING: "tallybook", RATING: "tallybook"}
BASELINES = {READING: "json.loads, every chunk", AGGREGATING: "DuckDB, group by id, any copy", RATING: "Decimal loop"}


def contender(task: str, name: str) -> Contender:
    """Return the contender of that name. Raises ``KeyError`` where there is none."""
    return {each.name: each for each in CONTENDERS if each.task == task}[name]


def main(arguments: Sequence[str]) -> None:
    """Let one contender do its task once: ``TASK NAME PATH [FILE]``, where rows are written to the file."""
    task, name, path, *rows = arguments
    chosen = contender(task, name)
    if chosen.needs == "pipeline":
        import_module("pipeline.base.start").start_quickly()  # as its commands do
    import_module(f"benchmarks.{task}.{chosen.place.partition(':')[0]}")
    begun = time.perf_counter()
    answer = chosen.answer(Path(path))
    seconds = time.perf_counter() - begun
    if rows:
        _write_rows(chosen.compared(answer), task, Path(rows[0]))
    sys.stdout.write(json.dumps({"seconds": seconds}) + "\n")
    if chosen.needs == "pipeline":
        sys.stdout.flush()
        os._exit(0)  # likewise: what it has in memory is given back by the system


def _as_it_is(answer: Answer) -> Answer:
    return answer


def _write_rows(answer: Answer, task: str, path: Path) -> None:
    parquet, comparing = (
        import_module("pyarrow.parquet"),
        import_module("benchmarks.turns.comparing"),
    )  # only here: who needs no Arrow does not pay for it
    parquet.write_table(comparing.as_table(answer, getattr(comparing, task.upper())), path)


if __name__ == "__main__":
    main(sys.argv[1:])
