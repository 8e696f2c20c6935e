"""``tallybook sql``: what is run, as it can be pasted into a DuckDB shell."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.base.resources import sql_folder
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.aggregate import aggregate
from pipeline.lake.checked_files import verified_files
from pipeline.warehouse.connection import EVENTS_RELATION
from pipeline.warehouse.grains.by_cost_rate import cost_tables
from pipeline.warehouse.identities import suspected_identities
from pipeline.warehouse.printed import printed_for
from pipeline.warehouse.reference import reference_tables
from pipeline.warehouse.relations import load_checks, load_relations

if TYPE_CHECKING:
    from pathlib import Path

NAMES = [*load_relations(sql_folder()), *load_checks(sql_folder(), "blocking"), *load_checks(sql_folder(), "advisory")]
BILLS_ESTIMATES = 'timezone = "Asia/Kathmandu"\n[policy]\nunmeasured = "bill-estimate"\n'


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(
        tmp_path_factory.mktemp("made") / "books",
        config=BILLS_ESTIMATES + '[[sources]]\nname = "g"\npaths = ["logs/*"]\n',
    )
    twice = plain("2026-10-05T20:00:00Z", id="a", prompt=700, completion=30, cached=400)
    write_log(root, "a.jsonl", twice, twice, plain("2026-10-31T20:00:00Z", id="b", prompt=7, key="key_of_nobody"))
    assert tallybook(root, "nightly", "--as-of", "2026-11-02T00:00:00Z").returncode == 0
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


def test_every_relation_and_check_is_listed_once_with_what_it_is(tmp_path: Path) -> None:
    done = tallybook(tmp_path / "nowhere", "sql")
    rows = [row.split("\t") for row in done.stdout.splitlines()]
    assert rows[0] == ["layer", "relation", "what it is"]
    assert sorted(row[1] for row in rows[1:]) == sorted(NAMES)
    assert [row[0] for row in rows[1:]] == sorted(
        (row[0] for row in rows[1:]),
        key=["staging", "intermediate", "marts", "checks/blocking", "checks/advisory"].index,
    )
    assert {row[2][-1] for row in rows[1:]} == {"."}
    assert rows[1][:2] == ["staging", "usage_events"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_printed_has_neither_lists_nor_parameters(name: str, tmp_path: Path) -> None:
    done = tallybook(tmp_path / "nowhere", "sql", name)
    assert done.returncode == 0
    code = "".join(line for line in done.stdout.splitlines() if not line.startswith("--"))
    assert not {"@", "$"} & set(code)
    assert done.stdout.endswith(";\n")


@pytest.mark.long
def test_what_is_printed_and_pasted_counts_what_the_program_counts(books: Path) -> None:
    workspace = open_workspace(books)
    built = aggregate(workspace)
    files = verified_files(workspace.lake, built.snapshot)
    given: dict[str, Any] = {
        **reference_tables(
            workspace.accounts,
            workspace.rate_cards,
            timezone=workspace.settings.timezone,
            utc_dates={file.date for file in built.snapshot.data_files},
        ),
        "suspected_identities": suspected_identities(files),
        **cost_tables({}, [""]),
        EVENTS_RELATION: duckdb.read_parquet([str(file) for file in files]).to_arrow_table(),
    }
    with duckdb.connect(":memory:") as shell:
        shell.execute("set TimeZone = 'UTC'")
        for name, table in given.items():
            shell.register(name, table)
        order = [name for name in load_relations(sql_folder()) if "wanted" not in name]
        for name in order:
            shell.execute(tallybook(books, "sql", name).stdout)
        for mart, expected in (
            ("usage_daily", built.marts.usage_daily),
            ("exchanges_daily", built.marts.exchanges_daily),
        ):
            columns = ", ".join(expected.schema.names)
            found = shell.sql(f"select {columns} from {mart}").to_arrow_table()  # noqa: S608  # names of our own
            assert found.cast(expected.schema) == expected
            assert expected.num_rows > 1
        for name in load_checks(sql_folder(), "blocking"):
            if name != "committed_events_lost":
                assert shell.sql(tallybook(books, "sql", name).stdout).fetchall() == []


def test_all_that_a_relation_is_made_of_comes_before_it() -> None:
    text = printed_for("usage_daily", {"timezone": "UTC", "unmeasured": "list"})
    made = [line.split('"')[1] for line in text.splitlines() if line.startswith("create or replace temp")]
    assert made[-1] == "usage_daily"
    assert made.index("usage_events") < made.index("slice_totals") < made.index("exchange_totals")
    assert "exchanges_daily" not in made


def test_parameters_are_those_of_the_workspace_and_the_defaults_where_there_is_none(
    books: Path, tmp_path: Path
) -> None:
    assert "set variable unmeasured = 'bill-estimate';\n" in tallybook(books, "sql", "attributed_totals").stdout
    assert "set variable timezone = 'Asia/Kathmandu';\n" in tallybook(books, "sql", "attributed_totals").stdout
    assert "set variable unmeasured = 'list';\n" in tallybook(tmp_path, "sql", "attributed_totals").stdout


def test_an_unknown_name_is_refused_with_what_may_be_meant(tmp_path: Path) -> None:
    done = tallybook(tmp_path, "sql", "usage_dayly")
    assert done.returncode == 2
    assert done.stderr == (
        "tallybook: there is no relation and no check 'usage_dayly'; did you mean 'usage_daily'? "
        "'tallybook sql' lists them\n"
    )
    assert "did you mean" not in tallybook(tmp_path, "sql", "qqqq").stderr
