"""A DuckDB connection that cannot surprise: in memory, in UTC, reading one folder and nothing else.

Does not own what is run on it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from pipeline.base.errors import ConfigurationError
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MEMORY_MAX = "4GB"
"""What DuckDB may hold before it spills; a month of 100 M events needs a quarter of it."""
ENGINE = f"duckdb {duckdb.__version__}"
"""What counts; kept counts of another version are not believed."""
EVENTS_RELATION = "lake_usage_events"
"""The name of the one relation that files are read for."""
_IN_UTC = "* replace (make_timestamp(epoch_us(occurred_at)) as occurred_at)"
"""The cast of an instant to a plain timestamp asks a calendar of time zones, row by row: 150 ns an event, half of all
counting. This asks none.
"""
_SQL_TYPES = {pa.string(): "varchar", pa.bool_(): "boolean", pa.int32(): "integer", pa.int64(): "bigint"}
_GLOB_CHARACTERS = frozenset("*?[]{}")


@contextmanager
def open_warehouse(lake: Path, *, spill: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection that may read below ``lake`` only, with its configuration locked.

    What does not fit into memory goes to ``spill``, if anywhere.
    """
    with duckdb.connect(":memory:") as connection:
        # The day of a timestamp follows the session's zone, so the session is pinned.
        connection.execute("set TimeZone = 'UTC'")
        connection.execute("set autoinstall_known_extensions = false")
        connection.execute("set autoload_known_extensions = false")
        connection.execute("set allowed_directories = $folders", {"folders": [str(lake.resolve())]})
        connection.execute("set memory_limit = $memory", {"memory": MEMORY_MAX})
        connection.execute("set temp_directory = $folder", {"folder": str(spill.resolve()) if spill else ""})
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        yield connection


def give_usage_events(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """Make verified Parquet files (at least one) the relation ``EVENTS_RELATION``, their instants as UTC timestamps.

    It has all columns of ``schemas.USAGE_EVENTS``, whatever version of the lake the files are of; what a file has not
    is null.

    DuckDB expands globs inside file names, and knows no way to escape them: a workspace whose path holds such a
    character is refused with ``ConfigurationError`` rather than read by accident.
    """
    names = [str(file.resolve()) for file in files]
    for name in names:
        if _GLOB_CHARACTERS & set(name):
            message = (
                f"the workspace's path holds a glob character: {name}; move it to a path without any of * ? [ ] {{ }}"
            )
            raise ConfigurationError(message)
    events = connection.read_parquet(
        names, hive_partitioning=False, union_by_name=True
    )  # files of before lack later columns
    missing = [field for field in USAGE_EVENTS if field.name not in events.columns]
    nulls = "".join(f", null::{_SQL_TYPES[field.type]} as {field.name}" for field in missing)
    events.project(_IN_UTC + nulls).create_view(EVENTS_RELATION)
