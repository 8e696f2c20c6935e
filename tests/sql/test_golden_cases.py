"""Runs the golden cases of ``sql/`` (``tests/support/sql_cases``) on DuckDB, and says what holds of every file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from sql_cases import CASES, ask, assert_as_expected, connected, parameters_of, tables_of

from pipeline.base.resources import sql_folder
from pipeline.warehouse.build import build
from pipeline.warehouse.engines.on_duckdb import DuckDbSession
from pipeline.warehouse.relations import load_checks, load_relations

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.parent.name}/{case.name}")
def test_golden_case(case: Path) -> None:
    name, parameters = case.parent.name, parameters_of(case)
    given, expected = tables_of(case)
    with connected() as connection:
        session = DuckDbSession(connection=connection)
        build(session, sql_folder(), given=given, parameters=parameters, wanted=[name])
        assert_as_expected(case, ask(connection, name, parameters).to_arrow_table(), expected)


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


def test_a_file_is_one_select_and_reads_what_the_parser_of_the_engine_says() -> None:
    checks = load_checks(sql_folder(), "blocking") | load_checks(sql_folder(), "advisory")
    relations = list((load_relations(sql_folder()) | checks).values())
    asked = "select json_serialize_sql(unnest($texts::varchar[]))"
    with duckdb.connect(":memory:") as connection:
        trees = connection.execute(asked, {"texts": [relation.sql for relation in relations]}).fetchall()
    for relation, (tree,) in zip(relations, trees, strict=True):
        nodes: list[dict[str, Any]] = []
        (_,) = json.loads(tree, object_hook=lambda node, nodes=nodes: nodes.append(node) or node)["statements"]
        read = {node["table_name"] for node in nodes if node.get("type") == "BASE_TABLE"}
        own = {entry["key"] for node in nodes if "cte_map" in node for entry in node["cte_map"]["map"]}
        assert relation.reads == read - own, relation.name


def test_every_integer_sum_ends_in_bigint_or_in_a_decimal_that_holds_any_sum_of_them() -> None:
    for file in [
        file for folder in ("staging", "intermediate", "marts") for file in (sql_folder() / folder).glob("*.sql")
    ]:
        code = re.sub(r"--[^\n]*", "", file.read_text(encoding="utf-8"))
        for found in re.finditer(r"\b(sum|count)\([^()]*\)(::bigint|::decimal\(38, 0\))?( (?:>|<>) )?", code):
            assert found.group(2) or found.group(3), (
                f"{file}: {found.group(0)} must end in ::bigint or ::decimal(38, 0)"
            )
