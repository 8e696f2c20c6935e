"""Runs the golden cases: ``tests/sql/<relation>/<case>/{given_*.csv, parameters.toml, expected.csv}``.

A case holds no code. ``given_<name>.csv`` stands in for the relation of that name, whatever lies between is built, and
the relation must then have exactly the rows of ``expected.csv``, in any order. ``NULL`` is null; types follow from the
names.
"""

from __future__ import annotations

import csv
import re
import tomllib
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from pipeline.base.resources import sql_folder
from pipeline.warehouse.build import broken_rows, build
from pipeline.warehouse.relations import load_checks, load_relations

CASES = sorted(path.parent for path in Path(__file__).parent.glob("*/*/expected.csv"))
INTEGER = re.compile(
    r".*_tokens|tokens.*|events.*|quantity|http_status|line|copies|survivors|measured|with_a_fate|requests|choices|"
    r".*prompt_band|rate_band"
)


def column_type(name: str) -> str:
    if name.endswith("_at") or name in {"rate_window_start", "effective_from", "effective_to"}:
        return "timestamp"
    if name.endswith("_date"):
        return "date"
    if name.startswith("is_"):
        return "boolean"
    return "bigint" if INTEGER.fullmatch(name) else "varchar"


def read_rows(file: Path) -> tuple[list[str], list[list[str | None]]]:
    with file.open(newline="", encoding="utf-8") as lines:
        header, *rows = list(csv.reader(lines))
    return header, [[None if cell == "NULL" else cell for cell in row] for row in rows]


def table_of(file: Path, connection: duckdb.DuckDBPyConnection) -> pa.Table:
    header, rows = read_rows(file)
    table = pa.table({name: pa.array([row[index] for row in rows], pa.string()) for index, name in enumerate(header)})
    connection.register("cells", table)
    columns = ", ".join(f'cast("{name}" as {column_type(name)}) as "{name}"' for name in header)
    return connection.sql(f"select {columns} from cells").to_arrow_table()  # noqa: S608  # a test's own file


def as_text(rows: list[tuple[object, ...]]) -> list[tuple[str, ...]]:
    return sorted(tuple("NULL" if value is None else str(value) for value in row) for row in rows)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_golden_case(case: Path) -> None:
    name = case.parent.name
    header, expected = read_rows(case / "expected.csv")
    parameters = {"timezone": "UTC", "unmeasured": "list"}
    if (case / "parameters.toml").exists():
        parameters |= tomllib.loads((case / "parameters.toml").read_text(encoding="utf-8"))
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        given = {file.stem.removeprefix("given_"): table_of(file, connection) for file in case.glob("given_*.csv")}
        checks = load_checks(sql_folder(), "blocking") | load_checks(sql_folder(), "advisory")
        if name in checks:
            build(connection, sql_folder(), given=given, parameters=parameters, wanted=[])
            found = broken_rows(connection, checks[name], parameters)
            actual = [tuple(row[column] for column in header) for row in found]
        else:
            build(connection, sql_folder(), given=given, parameters=parameters, wanted=[name])
            columns = ", ".join(f'"{column}"' for column in header)
            actual = connection.execute(f'select {columns} from "{name}"').fetchall()  # noqa: S608  # a test's own file
    assert as_text(actual) == as_text([tuple(row) for row in expected])


def test_every_relation_and_every_check_has_a_golden_case() -> None:
    names = (
        set(load_relations(sql_folder()))
        | set(load_checks(sql_folder(), "blocking"))
        | set(load_checks(sql_folder(), "advisory"))
    )
    assert names - {case.parent.name for case in CASES} == set()


def test_every_relation_is_one_lower_case_select_with_its_grain() -> None:
    for file in sql_folder().rglob("*.sql"):
        text = file.read_text(encoding="utf-8")
        assert text.startswith("-- "), file
        assert "-- grain: " in text, file
        code = re.sub(r"--[^\n]*|'[^']*'", "", text)
        assert code == code.lower(), file
        assert "between" not in code.split(), f"{file}: half-open comparisons only"


def test_every_integer_sum_ends_in_bigint_or_in_a_decimal_that_holds_any_sum_of_them() -> None:
    for file in [
        file for folder in ("staging", "intermediate", "marts") for file in (sql_folder() / folder).glob("*.sql")
    ]:
        code = re.sub(r"--[^\n]*", "", file.read_text(encoding="utf-8"))
        for found in re.finditer(r"\b(sum|count)\([^()]*\)(::bigint|::decimal\(38, 0\))?( (?:>|<>) )?", code):
            assert found.group(2) or found.group(3), (
                f"{file}: {found.group(0)} must end in ::bigint or ::decimal(38, 0)"
            )
