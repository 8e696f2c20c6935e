"""A DuckDB connection that cannot surprise: in memory, in UTC, reading one folder and nothing else.

Does not own what is run on it.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.base.errors import ConfigurationError, SumTooGreat
from pipeline.objects.encoded.parquet_bytes import SomeRows, decode, path_of, read_rows
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import duckdb

    from pipeline.objects.encoded.parquet_bytes import FileRows

MEMORY_MAX = "4GB"
"""What DuckDB may hold before it spills; a month of 100 M events needs a quarter of it."""
EVENTS_RELATION = "lake_usage_events"
"""The name of the one relation that files are read for."""
_SPANS = "lake_row_spans"
"""Which rows of which files count, where not all do."""
_IN_UTC = "* replace (make_timestamp(epoch_us(occurred_at)) as occurred_at)"
"""The cast of an instant to a plain timestamp asks a calendar of time zones, row by row: 150 ns an event, half of all
counting. This asks none.
"""
_SQL_TYPES = {pa.string(): "varchar", pa.bool_(): "boolean", pa.int32(): "integer", pa.int64(): "bigint"}
IN_MEMORY_MAX = 1 << 20
"""Event files of so few bytes in all are read here and given as a table.

The engine opens each of its files anew for every relation that reads events, and for every check: of the sample's 59
files that took a tenth of counting them.
"""
COUNT_MAX = 2**63 - 1
GREAT_SUM_REMEDY = (
    "a line that states more than 10^12 is quarantined by now: run 'tallybook collect --again', or rebuild the lake as "
    "docs/runbook.md says"
)
_SUMMED = {
    "slice_totals": ("api_key_id", "model_name", "slice_at"),
    "exchanges_daily": ("api_key_id", "model", "usage_date"),
    EVENTS_RELATION: ("api_key_id", "coalesce(model_reported, model_requested, '')", "occurred_at"),
}
"""Relations that hold all stated tokens, with their columns of key, model and day; the first that is there is asked."""
_NONE = ("", "", "")
_GLOB_CHARACTERS = frozenset("*?[]{}")
_KEPT: dict[tuple[str, ...], duckdb.DuckDBPyConnection] = {}
"""The database that was opened last, by what it may read, where it spills and what it may hold: to make one takes 10 to
20 ms, a connection to it none.
"""


@contextmanager
def open_warehouse(lake: Path, *, spill: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a connection that may read below ``lake`` only, with its configuration locked.

    What does not fit into memory goes to ``spill``, if anywhere. Raises ``SumTooGreat`` where a sum that was asked for
    is more than a count can hold. Nothing that is made on a connection is seen by another.
    """
    import duckdb  # noqa: PLC0415  # takes a tenth of a night in which nothing is counted

    try:
        with _database(str(lake.resolve()), str(spill.resolve()) if spill else "").cursor() as connection:
            try:
                yield connection
            except (duckdb.ConversionException, duckdb.OutOfRangeException) as error:
                refused = _too_great(connection)
                if refused is None:
                    raise
                raise refused from error
    finally:
        if spill and spill.exists():
            _KEPT.clear()  # its end takes the folder away


def _database(folder: str, spill: str) -> duckdb.DuckDBPyConnection:
    key = (folder, spill, MEMORY_MAX)
    if key not in _KEPT:
        _KEPT.clear()
        _KEPT[key] = _new_database(*key)
    return _KEPT[key]


def _new_database(folder: str, spill: str, memory_max: str) -> duckdb.DuckDBPyConnection:
    import duckdb  # noqa: PLC0415  # see above

    database = duckdb.connect(":memory:")
    # The day of a timestamp follows the session's zone, so that of all sessions is pinned.
    database.execute("set global TimeZone = 'UTC'")
    database.execute("set autoinstall_known_extensions = false")
    database.execute("set autoload_known_extensions = false")
    database.execute("set allowed_directories = $folders", {"folders": [folder]})
    database.execute("set memory_limit = $memory", {"memory": memory_max})
    database.execute("set temp_directory = $folder", {"folder": spill})
    database.execute("set enable_external_access = false")
    database.execute("set lock_configuration = true")
    return database


@cache
def engine() -> str:
    """Return the name and version of what counts; kept counts of another version are not believed.

    The version stands in the name of the folder that an installer leaves beside the package: to import the package, or
    what reads such folders in general, takes a twentieth of a night in which nothing is counted.
    """
    spec = find_spec("duckdb")
    beside = Path(spec.origin).parents[1] if spec and spec.origin else None
    names = [path.name for path in beside.glob("duckdb-*.dist-info")] if beside else []
    if len(names) != 1:
        from importlib.metadata import version  # noqa: PLC0415  # see above

        return f"duckdb {version('duckdb')}"
    return f"duckdb {names[0].removeprefix('duckdb-').removesuffix('.dist-info')}"


def _too_great(connection: duckdb.DuckDBPyConnection) -> SumTooGreat | None:
    """Say whose tokens are the most, where all there are add up to more than a count can hold."""
    there = {row[0] for row in connection.execute("select table_name from information_schema.tables").fetchall()}
    name, (key, model, day) = next(((name, columns) for name, columns in _SUMMED.items() if name in there), ("", _NONE))
    if not name:
        return None
    most = connection.execute(
        f"select {key}, {model}, cast({day} as date) as day, "  # noqa: S608  # names of our own relations
        "sum(prompt_tokens::decimal(38, 0) + completion_tokens) as tokens, sum(tokens) over () as all_tokens "
        f'from "{name}" group by all order by tokens desc limit 1'
    ).fetchone()
    if most is None or most[-1] <= COUNT_MAX:
        return None
    *_, tokens, all_tokens = most
    message = (
        f"tokens add up to {all_tokens}, and a count holds {COUNT_MAX}; the most are {tokens} of key {most[0]}, model "
        f"{most[1]!r}, on {most[2]} (UTC); {GREAT_SUM_REMEDY}"
    )
    return SumTooGreat(message)


def give_usage_events(connection: duckdb.DuckDBPyConnection, files: Sequence[FileRows]) -> None:
    """Make verified Parquet files (at least one) the relation ``EVENTS_RELATION``, their instants as UTC timestamps.

    It has all columns of ``schemas.USAGE_EVENTS``, whatever version of the lake the files are of; what a file has not
    is null.

    DuckDB expands globs inside file names, and knows no way to escape them: a workspace whose path holds such a
    character is refused with ``ConfigurationError`` rather than read by accident.
    """
    for name in (str(path_of(file).resolve()) for file in files):
        if _GLOB_CHARACTERS & set(name):
            message = (
                f"the workspace's path holds a glob character: {name}; move it to a path without any of * ? [ ] {{ }}"
            )
            raise ConfigurationError(message)
    if sum(path_of(file).stat().st_size for file in files) <= IN_MEMORY_MAX:
        connection.register(EVENTS_RELATION, _in_memory(files))
        return
    whole = [str(file.resolve()) for file in files if not isinstance(file, SomeRows)]
    some = [file for file in files if isinstance(file, SomeRows)]
    given = [_of_whole(connection, whole)] if whole else []
    if some:
        given.append(_of_some(connection, some))
    columns = ", ".join(USAGE_EVENTS.names)
    events = [relation.project(columns) for relation in given]
    (events[0] if len(events) == 1 else events[0].union(events[1])).create_view(EVENTS_RELATION)


def _of_whole(connection: duckdb.DuckDBPyConnection, names: list[str]) -> duckdb.DuckDBPyRelation:
    events = connection.read_parquet(
        names, hive_partitioning=False, union_by_name=True
    )  # files of before lack later columns
    return events.project(_IN_UTC + _nulls(events))


def _of_some(connection: duckdb.DuckDBPyConnection, files: Sequence[SomeRows]) -> duckdb.DuckDBPyRelation:
    """Read some rows of files, by the numbers of these."""
    spans = [(str(file.path.resolve()), start, end) for file in files for start, end in file.spans]
    paths, starts, ends = (pa.array(column) for column in zip(*spans, strict=True))
    connection.register(_SPANS, pa.table({"path": paths, "first_row": starts, "end_row": ends}))
    names = sorted({path for path, _, _ in spans})
    events = connection.read_parquet(
        names, hive_partitioning=False, union_by_name=True, filename=True, file_row_number=True
    )
    is_wanted = (
        f"exists (select 1 from {_SPANS} as span where span.path = filename "  # noqa: S608  # a name of ours
        "and file_row_number >= span.first_row and file_row_number < span.end_row)"
    )
    return events.filter(is_wanted).project(_IN_UTC + _nulls(events))


def _nulls(events: duckdb.DuckDBPyRelation) -> str:
    """Return what the columns are that no file has."""
    missing = [field for field in USAGE_EVENTS if field.name not in events.columns]
    return "".join(f", null::{_SQL_TYPES[field.type]} as {field.name}" for field in missing)


def _in_memory(files: Sequence[FileRows]) -> pa.Table:
    """Read whole files, with the columns and types that the engine would read them as."""
    tables = [read_rows(file) if isinstance(file, SomeRows) else decode(file.read_bytes()) for file in files]
    events = pa.concat_tables([USAGE_EVENTS.empty_table(), *tables], promote_options="default")
    instants = events["occurred_at"].cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("us"))
    return events.set_column(events.schema.get_field_index("occurred_at"), "occurred_at", instants)
