"""Every golden case of ``sql/`` comes out alike on a server that speaks Spark Connect."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sql_cases import CASES, assert_as_expected, parameters_of, tables_of

from pipeline.base.errors import EngineRefused
from pipeline.base.resources import sql_folder
from pipeline.warehouse.build import build
from pipeline.warehouse.engines.on_spark import OnSpark
from pipeline.warehouse.relations import load_checks

if TYPE_CHECKING:
    from pathlib import Path

COUNT_BEYOND_ALL = 2**62
"""Lines that state more than 10^12 are quarantined, and a lake whose sums might not fit is refused."""


each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")


@each_case
def test_golden_case(case: Path, sail: str, tmp_path: Path) -> None:
    assert_comes_out(case, OnSpark(remote=sail, lake=tmp_path))


@pytest.mark.slow
@each_case
def test_golden_case_on_spark_itself(case: Path, spark: str, tmp_path: Path) -> None:
    assert_comes_out(case, OnSpark(remote=spark, lake=tmp_path))


def assert_comes_out(case: Path, engine: OnSpark) -> None:
    given, expected = tables_of(case)
    try:
        actual = asked(case, given, expected.schema, engine)
    except EngineRefused:
        if not any(has_a_count_beyond_all(table) for table in given.values()):
            raise
        return
    assert_as_expected(case, actual, expected)


def asked(case: Path, given: dict[str, pa.Table], schema: pa.Schema, engine: OnSpark) -> pa.Table:
    name, parameters = case.parent.name, parameters_of(case)
    checks = load_checks(sql_folder(), "blocking") | load_checks(sql_folder(), "advisory")
    wanted = checks[name].reads if name in checks else [name]
    with engine.session() as session:
        build(session, sql_folder(), given=given, parameters=parameters, wanted=wanted)
        if name not in checks:
            return session.fetch(name, schema)
        return pa.Table.from_pylist(session.rows(checks[name], parameters), schema)


def has_a_count_beyond_all(table: pa.Table) -> bool:
    counts = [column for column in table.columns if pa.types.is_int64(column.type) or pa.types.is_decimal(column.type)]
    return any((pc.max(column).as_py() or 0) >= COUNT_BEYOND_ALL for column in counts)
