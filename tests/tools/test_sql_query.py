"""``tallybook sql SELECT``: exact answers over named relations; nothing else is read, and nothing written or set."""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import STANDARD, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.queried.columns import VIEWS, described
from pipeline.jobs.answers.queried.query import queried

if TYPE_CHECKING:
    from pathlib import Path

    from workspaces import Done


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("sql") / "books")
    write_log(
        root,
        "a.jsonl",
        plain("2026-10-05T10:00:00Z", id="a", prompt=1, completion=3, cached=1),
        plain("2026-10-05T11:00:00Z", id="a", prompt=1, completion=3, cached=1),
        plain("2026-10-06T10:00:00Z", id="b", prompt=7, completion=10**11),
        plain("2026-10-07T10:00:00Z", id="c", prompt=7, key="key_of_nobody"),
        '{"ts": "2026-10-08T10:00:00Z"}',
    )
    limited = '[[budgets]]\nname = "all"\namount = 1\nalerts = [100]\nperiod = "year"\n'
    (root / "budgets.toml").write_text(limited, encoding="utf-8")
    assert tallybook(root, "nightly", "--as-of", "2026-11-02T00:00:00Z").returncode == 0
    return root


def ask(root: Path, sql: str, *options: str, stdin: str = "") -> Done:
    return tallybook(root, "sql", sql, *options, stdin=stdin)


def rows(root: Path, sql: str) -> list[dict[str, Any]]:
    done = ask(root, sql, "-o", "json")
    assert done.returncode == 0, done.stderr
    found: list[dict[str, Any]] = json.loads(done.stdout)["rows"]
    return found


@pytest.mark.long
def test_amounts_and_their_sums_are_exact_to_the_last_digit(books: Path) -> None:
    exact = Decimal(8) * (10**11 + 3) / 10**6 + Decimal(2) * 8 / 10**6
    assert rows(books, "select sum(amount) as cost, sum(quantity) as quantity from charges") == [
        {"cost": f"{exact.normalize():f}", "quantity": 10**11 + 11}
    ]
    assert rows(books, "from invoices select total") == [{"total": "800000"}]
    assert rows(books, "from invoice_lines select sum(exact_amount) as exact") == [{"exact": f"{exact.normalize():f}"}]


@pytest.mark.long
def test_every_relation_answers_with_the_rows_that_the_program_has(books: Path) -> None:
    counted = {name: rows(books, f"from {name} select count(*) as rows")[0]["rows"] for name in VIEWS}
    assert counted == {
        "usage_events": 4,
        "quarantine": 1,
        "usage_daily": 5,
        "exchanges_daily": 4,
        "charges": 4,
        "costed_usage": 5,
        "invoices": 1,
        "invoice_lines": 3,
        "budgets": 1,
    }
    assert rows(books, "select status, sum(events) as events from exchanges_daily where is_billed group by all") == [
        {"status": "measured", "events": 3}
    ]
    (first,) = rows(books, "select event_id, occurred_at from usage_events order by line limit 1")
    assert (len(first["event_id"]), first["occurred_at"]) == (32, "2026-10-05T10:00:00")


@pytest.mark.long
def test_what_is_said_of_views_is_what_the_engine_knows_of_them(books: Path) -> None:
    said: dict[str, list[tuple[str, str]]] = {}
    for view, column, kind, meaning in described():
        assert meaning
        said.setdefault(view, []).append((column, kind))
    words = {"VARCHAR": "text", "TIMESTAMP": "timestamp"}
    for view in VIEWS:
        workspace = open_workspace(books)
        names = [name for name, _ in said[view]]
        types = ", ".join(f'any_value(typeof("{name}")) as "{name}"' for name in names)
        with queried(workspace, f"select {types} from (from {view} limit 1)") as answer:  # noqa: S608  # our own names
            (row,) = [row for batch in answer.batches for row in batch.to_pylist()]
        assert said[view] == [(name, words.get(kind, kind.lower().replace(",", ", "))) for name, kind in row.items()]


@pytest.mark.long
def test_what_changed_since_the_last_night_is_in_the_answer(books: Path) -> None:
    (books / "rates" / "standard.toml").write_text(STANDARD.replace("8.00", "4.00"), encoding="utf-8")
    half = rows(books, "select sum(amount) as cost from charges where meter = 'completion'")
    (books / "rates" / "standard.toml").write_text(STANDARD, encoding="utf-8")
    assert half == [{"cost": str(Decimal(4) * (10**11 + 3) / 10**6)}]


HOSTILE = [
    "copy (select 1) to 'out.csv'",
    "copy charges to 'out.parquet'",
    "attach 'other.db' as other",
    "install httpfs",
    "load httpfs",
    "pragma database_list",
    "set enable_external_access = true",
    "reset memory_limit",
    "create table mine as select 1",
    "create macro mine() as 1",
    "insert into charges select * from charges",
    "delete from charges",
    "drop view charges",
    "export database 'out'",
    "checkpoint",
    "call pragma_version()",
    "prepare q as select 1",
    "explain analyze select 1",
    "select 1; select 2",
    "select 1; drop view charges",
    "select * from read_csv('rates/standard.toml')",
    "select * from READ_TEXT('tallybook.toml')",
    "select * from 'rates/standard.toml'",
    'select * from "lake/usage_events/x.parquet"',
    "select (select any_value(content) from read_text('tallybook.toml')) as content",
    "select * from charges where model in (select content from read_blob('tallybook.toml'))",
    "with x as (from glob('*')) select * from x",
    "from charges join read_json('x.json') on true",
    "from charges, lateral (from parquet_metadata('x.parquet')) select 1",
    "select 1 union all (select 1 from read_csv_auto('x'))",
    "select * from query('select 1')",
    "select * from query_table('charges')",
    "select * from json_execute_serialized_sql(json_serialize_sql('select 1'))",
    "select * from duckdb_settings()",
    "select * from information_schema.tables",
    "select * from pg_catalog.pg_class",
    "select * from arrow_scan(1, 2, 3)",
    'select * from "raw charges"',
    "select * from memory.main.charges",
    "select current_setting('temp_directory')",
    "select write_log('x')",
    "select sleep_ms(100000)",
    "describe charges",
    "show tables",
    "selekt 1",
    "/* nothing but a comment */",
    "select * from no_such_relation",
    "select " + "(" * 3000 + "1" + ")" * 3000,
]


@pytest.mark.parametrize("sql", ["drop view charges", "explain select 1", "insert into charges select 1"])
def test_another_statement_is_told_from_a_select_that_is_misspelt(books: Path, sql: str) -> None:
    what = "tallybook: only SELECT can be asked, and this "
    how = "'tallybook sql --views' says what can be read"
    assert ask(books, sql).stderr == f"{what}is another statement; {how}\n"
    assert ask(books, "selekt 1").stderr.startswith(f"{what}cannot be read as one: ")


@pytest.mark.parametrize("sql", ["describe charges", "show tables", "summarize charges"])
def test_who_asks_for_columns_is_told_where_they_are_listed(books: Path, sql: str) -> None:
    assert ask(books, sql).stderr == (
        "tallybook: what DESCRIBE, SHOW and SUMMARIZE say cannot be read; a query reads the relations that "
        "'tallybook sql --views' lists\n"
    )


@pytest.mark.parametrize("sql", HOSTILE, ids=lambda sql: sql[:60])
def test_a_query_reads_relations_and_nothing_else_and_writes_and_sets_nothing(
    books: Path, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(books)
    before = fingerprints(books)
    done = ask(books, sql)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("tallybook: ")
    assert "timezone" not in done.stderr
    assert fingerprints(books) == before


@pytest.mark.long
def test_the_engine_refuses_by_itself_what_a_parser_might_let_pass(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(books)
    monkeypatch.setattr("pipeline.jobs.answers.queried.query.relations_read", lambda *_: frozenset({"charges"}))
    before = fingerprints(books)
    for sql in (
        "select * from read_text('tallybook.toml')",
        "copy (select 1) to 'out.csv'",
        "attach 'other.db' as other",
        "set memory_limit = '100GB'",
        "set enable_external_access = true",
        "install httpfs",
        "select * from glob('*')",
    ):
        done = ask(books, sql)
        assert done.returncode == 2, sql
        assert "cannot be answered" in done.stderr
    assert fingerprints(books) == before


def test_a_mistyped_relation_or_column_is_answered_with_what_was_meant(books: Path) -> None:
    assert "did you mean 'charges'?" in ask(books, "select * from charge").stderr
    assert '"amount"' in ask(books, "select amonut from charges").stderr


@pytest.mark.long
def test_a_common_table_expression_may_be_called_anything_and_recur(books: Path) -> None:
    assert rows(
        books, "with Mine as (from charges), charges as (select 1 as one) select one from charges, Mine limit 1"
    )
    assert rows(books, "with recursive n as (select 1 as i union all select i + 1 from n where i < 3) from n") == [
        {"i": 1},
        {"i": 2},
        {"i": 3},
    ]


@pytest.mark.long
def test_a_table_is_limited_and_says_so_and_csv_has_every_row(books: Path) -> None:
    sql = "select range as i from range(25000)"
    done = ask(books, sql, "--limit", "3", "-o", "json")
    assert [row["i"] for row in json.loads(done.stdout)["rows"]] == [0, 1, 2]
    assert "there are more than the 3 rows" in done.stderr
    assert [int(row["i"]) for row in csv.DictReader(ask(books, sql, "-o", "csv").stdout.splitlines())] == list(
        range(25000)
    )
    assert "more" not in ask(books, sql, "--limit", "25000").stderr


@pytest.mark.long
def test_cells_are_plain_values_whatever_their_type(books: Path) -> None:
    sql = (
        "select true as flag, [1, 2] as listed, 0.10::decimal(9, 2) as tenth, 1 / 3 as third, null as nothing, "
        "'nan'::double as nan, date '2026-10-01' as day, 170141183460469231731687303715884105727 as great, "
        "'=1+1' as formula, {'a': 1} as nested"
    )
    assert rows(books, sql) == [
        {
            "flag": "true",
            "listed": "[1, 2]",
            "tenth": "0.1",
            "third": "0.3333333333333333",
            "nothing": None,
            "nan": "nan",
            "day": "2026-10-01",
            "great": 170141183460469231731687303715884105727,
            "formula": "=1+1",
            "nested": '{"a": 1}',
        }
    ]
    assert "'=1+1" in ask(books, sql, "-o", "csv").stdout
    assert "two columns are called 'a'" in ask(books, "select 1 as a, 2 as a").stderr


def test_a_query_comes_from_standard_input_too(books: Path) -> None:
    done = ask(books, "-", "-o", "csv", stdin="select\n  1 as one -- with a comment\n;")
    assert done.stdout.splitlines() == ["one", "1"]


@pytest.mark.long
def test_a_query_that_needs_more_than_it_may_have_is_stopped_and_not_the_machine(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipeline.warehouse.queries.MEMORY_MAX", "20MB")
    monkeypatch.setattr("pipeline.warehouse.queries.SPILL_MAX", "20MB")
    done = ask(books, "select count(*) as n from (select distinct md5(range::text) as m from range(3000000))")
    assert done.returncode == 2
    assert "Out of Memory" in done.stderr
    assert list((books / "lake").glob(".spill-*")) == []


@pytest.mark.long
def test_books_without_a_lake_have_relations_without_rows(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    for name in VIEWS:
        assert rows(root, f"from {name} select count(*) as rows") == [{"rows": 0}]
