from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.inputs.events import EventsRecipe, batches, write_lake, write_workspace
from benchmarks.inputs.generate import write_log
from benchmarks.inputs.lines import Recipe
from benchmarks.rating.cells import write_cells
from benchmarks.turns import comparing
from benchmarks.turns.contenders import AGGREGATING, BASELINES, CONTENDERS, ORACLES, RATING, READING, contender

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from benchmarks.turns.contenders import Contender

NOT_EXACT = {
    "DuckDB, copies summed too",
    "DuckDB, group by id, any copy",
    "polars, any copy",
    "pandas, last copy",
    "pandas, floating point",
}


def of(task: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(
        "each", [pytest.param(each, id=each.name) for each in CONTENDERS if each.task == task]
    )


def answer(each: Contender, path: Path) -> pa.Table:
    if not each.is_installed:
        pytest.skip(f"{each.needs} is not installed")
    return comparing.as_table(each.compared(each.answer(path)), getattr(comparing, each.task.upper()))


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("logs") / "log.jsonl"
    write_log(path, Recipe(kind="streams", seed=1), 400_000)
    return path


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("workspaces") / "events"
    write_workspace(root)
    write_lake(root, EventsRecipe(events=20_000, days=3))
    write_cells(root, 300)
    return root


@pytest.mark.long
@of(READING)
def test_every_contender_reads_an_undamaged_log_of_streams_as_the_oracle_does(each: Contender, log: Path) -> None:
    assert comparing.rows_differing(answer(each, log), answer(contender(READING, ORACLES[READING]), log)) == 0


@pytest.mark.parametrize(
    "each", [pytest.param(each, id=each.name) for each in CONTENDERS if each.task in (AGGREGATING, RATING)]
)
def test_every_contender_agrees_with_the_pipeline_where_it_claims_to(each: Contender, workspace: Path) -> None:
    differing = comparing.rows_differing(
        answer(each, workspace), answer(contender(each.task, ORACLES[each.task]), workspace)
    )

    assert (differing > 0) == (each.name in NOT_EXACT)


def test_equal_recipes_make_equal_events() -> None:
    once, again, other = (list(batches(EventsRecipe(events=2_000, days=2, seed=seed))) for seed in (7, 7, 8))

    assert once == again
    assert once != other


@pytest.mark.long
def test_events_hold_copies_at_once_and_after_midnight_and_conflicts() -> None:
    events = [event for _, batch in batches(EventsRecipe(events=20_000, days=2)) for event in batch.to_pylist()]
    copies: dict[bytes, list[dict[str, object]]] = {}
    for event in events:
        copies.setdefault(event["event_id"], []).append(event)
    pairs = [pair for pair in copies.values() if len(pair) > 1]
    days = {len({event["occurred_at"].date() for event in pair}) for pair in pairs}  # type: ignore[attr-defined]
    usages = {len({event["completion_tokens"] for event in pair}) for pair in pairs}

    assert days == {1, 2}
    assert usages == {1, 2}


def test_every_task_names_a_baseline_and_an_oracle_that_exist() -> None:
    for names in (BASELINES, ORACLES):
        assert {contender(task, name).task for task, name in names.items()} == {READING, AGGREGATING, RATING}


def test_a_wrong_row_counts_once_and_a_missing_one_too() -> None:
    def table(*models: str) -> pa.Table:
        return comparing.as_table([(None, "key", model, 200, 1, 2, None, None) for model in models], comparing.READING)

    assert comparing.rows_differing(table("a", "b"), table("b", "a")) == 0
    assert comparing.rows_differing(table("a", "x"), table("a", "b")) == 1
    assert comparing.rows_differing(table("a"), table("a", "b", "b")) == 2
    assert comparing.rows_differing(table("a", "a"), table("a")) == 1
    assert comparing.rows_differing(table(), table()) == 0
