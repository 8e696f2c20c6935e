"""The golden cases of ``sql/``: ``tests/sql/<relation>/<case>/{given_*.csv, parameters.toml, expected.csv}``.

A case holds no code. ``given_<name>.csv`` stands in for the relation of that name, whatever lies between is built, and
the relation must then have exactly the rows of ``expected.csv``: in this order where its SQL ends in one, in any order
elsewhere. ``NULL`` is null.

A case gives the columns that it is about. Their types are those that the relations have in the program; in any other
column, every given row has its default: what is not stated is null in ``lake_usage_events``, and elsewhere empty text,
0, false, or null for an instant or a date. A relation that is not in ``sql/`` and is not given is empty. Columns that
``expected.csv`` leaves out are not compared. So a new column changes no case.
"""

from __future__ import annotations

import csv
import re
import tomllib
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from pipeline.accounts import Accounts
from pipeline.base.resources import sql_folder
from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage.meters import Apart, Meter, apart_text
from pipeline.warehouse.build import build
from pipeline.warehouse.engines.on_duckdb import DuckDbSession
from pipeline.warehouse.grains.by_cost_rate import cost_tables
from pipeline.warehouse.reference import committed_events, meter_terms, reference_tables
from pipeline.warehouse.relations import load_checks, load_relations, needed_for

CASES = sorted(path.parent for path in (Path(__file__).parents[1] / "sql").glob("*/*/expected.csv"))
PARAMETERS = {"timezone": "UTC", "unmeasured": "list", "wanted_id": None, "wanted_source": None, "wanted_line": None}
APART = [meter for meter in Meter if meter.spec.apart is Apart.WHERE_PRICED]
APART_SETS = [frozenset(apart) for count in range(len(APART) + 1) for apart in combinations(APART, count)]
DEFAULTS = {
    "VARCHAR": "''",
    "BLOB": "''::blob",
    "BOOLEAN": "false",
    "INTEGER": "0",
    "BIGINT": "0",
    "DECIMAL(38,0)": "0",
}


def read_rows(file: Path) -> tuple[list[str], list[list[str | None]]]:
    with file.open(newline="", encoding="utf-8") as lines:
        header, *rows = list(csv.reader(lines))
    return header, [[None if cell == "NULL" else cell for cell in row] for row in rows]


@cache
def what_is_given() -> dict[str, pa.Table]:
    """What ``sql/`` reads and does not make: without rows, but for the terms of meters, which are declared."""
    return {
        "lake_usage_events": USAGE_EVENTS.empty_table(),
        "suspected_identities": pa.table({"event_id": pa.array([], pa.binary())}),
        "wanted_keys": pa.table({"api_key_id": pa.array([], pa.string())}),
        **reference_tables(Accounts(), {}, timezone="UTC", utc_dates=[]),
        **committed_events({}),
        "meter_terms": meter_terms(APART_SETS),
        **cost_tables({}, map(apart_text, APART_SETS)),
    }


@cache
def selects() -> dict[str, str]:
    """How every relation and every check is asked."""
    relations = {name: f'select * from "{name}"' for name in (*what_is_given(), *load_relations(sql_folder()))}  # noqa: S608  # names of our own relations
    checks = load_checks(sql_folder(), "blocking") | load_checks(sql_folder(), "advisory")
    return relations | {name: check.sql for name, check in checks.items()}


def ask(connection: duckdb.DuckDBPyConnection, name: str, parameters: dict[str, Any]) -> duckdb.DuckDBPyRelation:
    sql = selects()[name]
    return connection.sql(sql, params={each: value for each, value in parameters.items() if f"${each}" in sql})


@cache
def database() -> duckdb.DuckDBPyConnection:
    """The database of this process: to make one takes as long as half of a case."""
    made = duckdb.connect(":memory:")
    made.execute("set global TimeZone = 'UTC'")
    return made


def connected() -> duckdb.DuckDBPyConnection:
    """Return a connection of its own: what is given or built on it, which is temporary, is seen by no other."""
    return database().cursor()


@cache
def column_types() -> dict[str, dict[str, str]]:
    """The columns of every relation and check, and their types, as they are in the program."""
    with connected() as connection:
        wanted = load_relations(sql_folder())
        build(
            DuckDbSession(connection=connection),
            sql_folder(),
            given=what_is_given(),
            parameters=PARAMETERS,
            wanted=wanted,
        )
        asked = {name: ask(connection, name, PARAMETERS) for name in selects()}
        return {name: dict(zip(each.columns, map(str, each.types), strict=True)) for name, each in asked.items()}


def default_of(relation: str, column: str, kind: str) -> str:
    is_null = relation == "lake_usage_events" and USAGE_EVENTS.field(column).nullable
    return "null" if is_null else DEFAULTS.get(kind, "null")


def give(file: Path, relation: str, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Read the rows of a file, with the types of a relation; in the columns that are not there with their defaults."""
    header, rows = read_rows(file)
    types = column_types()[relation]
    assert set(header) <= types.keys(), f"{file}: {relation} has no column {set(header) - types.keys()}"
    cells = {name: pa.array([row[index] for row in rows], pa.string()) for index, name in enumerate(header)}
    connection.register("cells", pa.table(cells))
    columns = [
        f'cast({f"cells.{name}" if name in header else default_of(relation, name, kind)} as {kind}) as "{name}"'
        for name, kind in types.items()
    ]
    return connection.sql(f"select {', '.join(columns)} from cells").to_arrow_table()  # noqa: S608  # a test's own file


def rows_of(table: pa.Table, columns: list[str]) -> list[tuple[object, ...]]:
    return [tuple(row[name] for name in columns) for row in table.to_pylist()]


def has_an_order(name: str) -> bool:
    """Whether the rows of a relation or check stand in an order: its SQL ends in ``order by``, outside of brackets."""
    (file,) = sql_folder().rglob(f"{name}.sql")
    return bool(re.search(r"\norder by\b", file.read_text(encoding="utf-8")))


@cache
def tables_of(case: Path) -> tuple[dict[str, pa.Table], pa.Table]:
    """What is given to a case, and the rows that its relation or check must have.

    Of what it does not state itself, only what it reads: a server takes longer to be given a table than to count it.
    """
    with connected() as connection:
        files = {file.stem.removeprefix("given_"): file for file in case.glob("given_*.csv")}
        given = {each: give(file, each, connection) for each, file in files.items()}
        read = names_read(case.parent.name, frozenset(given))
        others = {name: table for name, table in what_is_given().items() if name in read}
        return {**others, **given}, give(case / "expected.csv", case.parent.name, connection)


@cache
def names_read(name: str, given: frozenset[str]) -> frozenset[str]:
    """Whatever a relation or check reads, at any depth, where some relations are given."""
    checks = load_checks(sql_folder(), "blocking") | load_checks(sql_folder(), "advisory")
    wanted = checks[name].reads if name in checks else frozenset([name])
    relations = {each: relation for each, relation in load_relations(sql_folder()).items() if each not in given}
    return wanted.union(*(relation.reads for relation in needed_for(relations, wanted)))


def parameters_of(case: Path) -> dict[str, Any]:
    file = case / "parameters.toml"
    return PARAMETERS | (tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {})


def assert_as_expected(case: Path, actual: pa.Table, expected: pa.Table) -> None:
    columns, _ = read_rows(case / "expected.csv")
    rows, wanted = rows_of(actual, columns), rows_of(expected, columns)
    assert rows == wanted if has_an_order(case.parent.name) else sorted(rows, key=repr) == sorted(wanted, key=repr)
