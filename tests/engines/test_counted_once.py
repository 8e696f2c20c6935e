"""What the fast suite answers without the engine is what the engine answered to the very same question."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import counted_once
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counted_once import put_in_place
from random_lakes import write_random_lake

from pipeline.base.errors import ConfigurationError
from pipeline.base.resources import sql_folder
from pipeline.tables import schemas
from pipeline.warehouse import connection, relations
from pipeline.warehouse.connection import EVENTS_RELATION
from pipeline.warehouse.engines.on_duckdb import OnDuckDb
from pipeline.warehouse.relations import Relation

if TYPE_CHECKING:
    from collections.abc import Iterator

ROWS = pa.table({"n": [1, 2, 3]})
TOTAL = pa.schema({"total": pa.int64()})


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, int]]:
    """How many questions were asked before, and now; nothing was, to begin with."""
    counts = {"before": 0, "now": 0}
    with monkeypatch.context() as patch:
        patch.setattr(counted_once, "kept", {})
        patch.setattr(counted_once, "asked", counts)
        put_in_place(patch)
        yield counts


def relation(sql: str, *parameters: str, name: str = "summed") -> Relation:
    return Relation(name=name, sql=sql, reads=frozenset({"given"}), parameters=frozenset(parameters), is_kept=True)


def total(rows: pa.Table = ROWS, sql: str = "select sum(n)::bigint as total from given", **parameters: Any) -> int:
    with OnDuckDb(lake=Path()).session() as session:
        session.give("given", rows)
        session.create(relation(sql, *parameters), parameters)
        return session.fetch("summed", TOTAL)["total"][0].as_py()


def test_the_same_question_is_asked_of_the_engine_once(asked: dict[str, int]) -> None:
    assert [total(), total(pa.table({"n": [1, 2, 3]}))] == [6, 6]
    assert asked == {"before": 1, "now": 1}


def test_a_row_a_text_a_parameter_or_a_type_that_differs_is_another_question(asked: dict[str, int]) -> None:
    more = "select sum(n)::bigint + $more as total from given"
    found = [
        *(total(), total(pa.table({"n": [1, 2, 4]})), total(pa.table({"n": pa.array([1, 2, 3], pa.int32())}))),
        *(total(sql="select max(n)::bigint as total from given"), total(sql=more, more=1), total(sql=more, more=2)),
    ]
    assert found == [6, 7, 6, 3, 7, 8]
    assert asked == {"before": 0, "now": len(found)}


def test_rows_of_a_check_are_those_of_the_engine_and_whoever_changes_them_changes_no_others() -> None:
    for _ in range(2):
        with OnDuckDb(lake=Path()).session() as session:
            session.give("given", ROWS)
            (found,) = session.rows(relation("select n from given where n > 2"), {})
        assert found == {"n": 3}
        found["n"] = 4


def test_events_are_known_by_what_is_in_their_files(tmp_path: Path, asked: dict[str, int]) -> None:
    (file,) = write_random_lake(tmp_path, events=20, files=1, seed=1)

    def events() -> tuple[int, int]:
        with OnDuckDb(lake=tmp_path).session() as session:
            session.give_usage_events([file])
            session.give_suspects([file])()
            counted = relation(f"select count(*) as total from {EVENTS_RELATION}")  # noqa: S608  # a name of ours
            session.create(counted, {})
            suspected = relation("select count(*) as n from suspected_identities")
            return session.fetch("summed", TOTAL)["total"][0].as_py(), session.rows(suspected, {})[0]["n"]

    first = events()
    assert events() == first
    assert first[0] == 20
    before = dict(asked)
    pq.write_table(pa.concat_tables([pq.read_table(file)] * 2).cast(schemas.USAGE_EVENTS), file)
    assert events() == (40, len(set(pq.read_table(file)["event_id"].to_pylist())))
    assert asked["now"] > before["now"]


def test_lakes_below_a_folder_are_counted_by_one_database_and_none_sees_the_relations_of_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    new = connection._new_database  # noqa: SLF001  # how often a database is made

    def noted(folder: str, *options: str) -> Any:
        made.append(folder)
        return new(folder, *options)

    monkeypatch.setattr(connection, "_KEPT", {})
    monkeypatch.setattr(connection, "_new_database", noted)
    put_in_place(monkeypatch, below=tmp_path / "of tests")
    with ExitStack() as open_at_once:
        for count, place in enumerate(("of tests/one/lake", "of tests/two/lake", "elsewhere/lake"), 1):
            (tmp_path / place).mkdir(parents=True)
            session = open_at_once.enter_context(OnDuckDb(lake=tmp_path / place).session())
            session.give("given", pa.table({"n": [count]}))
            assert session.connection.execute("select * from duckdb_tables()").fetchall() == []
            session.create(relation("select sum(n)::bigint as total from given"), {})
            assert session.fetch("summed", TOTAL)["total"].to_pylist() == [count]
    assert made == [str(tmp_path / "of tests"), str(tmp_path / "elsewhere/lake")]


def test_a_copy_of_the_sql_is_listed_each_time_and_that_of_the_program_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, copied = sql_folder(), shutil.copytree(sql_folder(), tmp_path / "sql")
    scanned: list[Path] = []

    def listed(folder: Path) -> tuple[Any, ...]:
        scanned.append(folder)
        return tuple(folder.rglob("*.sql"))

    monkeypatch.setattr(relations, "_files", listed)
    put_in_place(monkeypatch)
    before = [relations._files(folder) for folder in (program, copied, program, copied)]  # noqa: SLF001  # what is patched
    (copied / "checks" / "blocking" / "one_more.sql").write_text("select 1")
    assert len(relations._files(copied)) == len(before[1]) + 1 == len(before[0]) + 1  # noqa: SLF001  # likewise
    assert scanned == [program, copied, copied, copied]


@pytest.mark.long
def test_what_the_engine_refuses_is_refused_each_time(tmp_path: Path) -> None:
    odd = tmp_path / "a[b]"
    odd.mkdir()
    files = write_random_lake(odd, events=2, files=1, seed=1)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="glob character"), OnDuckDb(lake=odd).session() as session:
            session.give_usage_events(files)
        with pytest.raises(duckdb.BinderException, match="nothing"):
            total(sql="select sum(nothing)::bigint as total from given")
