"""What the fast suite answers without the engine is what the engine answered to the very same question."""

from __future__ import annotations

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
from pipeline.tables import schemas
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


def test_what_the_engine_refuses_is_refused_each_time(tmp_path: Path) -> None:
    odd = tmp_path / "a[b]"
    odd.mkdir()
    files = write_random_lake(odd, events=2, files=1, seed=1)
    for _ in range(2):
        with pytest.raises(ConfigurationError, match="glob character"), OnDuckDb(lake=odd).session() as session:
            session.give_usage_events(files)
        with pytest.raises(duckdb.BinderException, match="nothing"):
            total(sql="select sum(nothing)::bigint as total from given")
