"""``pipeline.frames``: the rows that were asked for and no file beside, exact in pandas, Arrow, Polars and DuckDB."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest
from workspaces import make_workspace, plain, tallybook, write_log

from benchmarks.inputs.events import EventsRecipe, write_lake, write_workspace
from pipeline import frames
from pipeline.base.errors import ConfigurationError, DataFileDamaged, DataFileLeft
from pipeline.jobs.answers.queried.columns import VIEWS
from pipeline.lake import checked_files

if TYPE_CHECKING:
    from pathlib import Path

DAYS = ["2026-09-30", "2026-10-01", "2026-10-02", "2026-10-31", "2026-11-01"]


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(
        tmp_path_factory.mktemp("frames") / "books",
        accounts='[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a", "key_b"]\n',
    )
    lines = [
        plain(f"{day}T{hour}:00:00Z", id=f"{day}{hour}{key}", prompt=1, completion=3, key=key)
        for day in DAYS
        for hour in ("00", "23")
        for key in ("key_a", "key_b")
    ]
    write_log(root, "a.jsonl", *lines)
    (root / "budgets.toml").write_text('[[budgets]]\nname = "all"\namount = 10\n', encoding="utf-8")
    assert tallybook(root, "nightly", "--as-of", "2026-11-02T00:00:00Z").returncode == 0
    return root


@pytest.mark.parametrize("name", VIEWS)
def test_every_relation_has_its_columns_and_types_in_every_form(books: Path, name: str) -> None:
    relation = frames.open_books(books).relation(name)
    table, frame = relation.arrow(), relation.pandas()
    assert table.schema.names == list(frame.columns) == list(relation.polars().columns) == VIEWS[name].schema.names
    assert [kind.pyarrow_dtype for kind in frame.dtypes] == [field.type for field in VIEWS[name].schema]
    ((counted,),) = relation.duckdb().aggregate("count(*)").fetchall()
    assert table.num_rows == len(frame) == relation.polars().height == counted
    assert sum(batch.num_rows for batch in relation.batches()) == counted
    assert relation.reader().read_all() == table
    assert (counted > 0) == (name != "quarantine")


def test_amounts_are_exact_in_every_form(books: Path) -> None:
    relation = frames.open_books(books).charges()
    exact = Decimal(20) * (Decimal(2) + 24) / 10**6
    assert sum(relation.arrow()["amount"].to_pylist()) == exact
    assert sum(relation.pandas()["amount"]) == exact
    assert relation.polars()["amount"].sum() == exact
    assert relation.duckdb().aggregate("sum(amount)").fetchall() == [(exact,)]


def test_a_period_is_the_rows_of_its_dates_and_no_other_file_is_looked_at(books: Path) -> None:
    opened = frames.open_books(books)
    for name in ("usage_daily", "exchanges_daily", "charges"):
        october = opened.relation(name, period="2026-10")
        assert {str(day) for day in october.arrow()["usage_date"].to_pylist()} == set(DAYS[1:4])
        assert len(october.dataset.files) == 1
    days = opened.events(from_date="2026-10-01", to_date="2026-10-03")
    assert {when.date().isoformat() for when in days.arrow()["occurred_at"].to_pylist()} == set(DAYS[1:3])
    assert len(days.dataset.files) == 2
    assert set(opened.invoices(period="2026-10").arrow()["period"].to_pylist()) == {"2026-10"}
    assert set(opened.lines(from_date="2026-10-31", to_date="2026-11-02").arrow()["period"].to_pylist()) == {
        "2026-10",
        "2026-11",
    }


def test_values_choose_rows_and_columns_are_the_ones_that_are_named(books: Path) -> None:
    chosen: dict[str, Any] = {
        "api_key_id": "key_b",
        "meter": ["prompt", "completion"],
        "columns": ["usage_date", "amount"],
    }
    frame = frames.charges(books, period="2026-10", **chosen)
    assert list(frame.columns) == ["usage_date", "amount"]
    assert len(frame) == 6
    assert frames.charges(books, meter="request").empty
    assert frames.open_books(books).charges(period="2026-10", **chosen).duckdb().columns == ["usage_date", "amount"]


def test_each_function_gives_the_frame_of_its_relation(books: Path) -> None:
    for frame, rows in (
        (frames.events(books), 20),
        (frames.usage_daily(books), 20),
        (frames.exchanges_daily(books), 10),
        (frames.charges(books), 20),
        (frames.invoices(books), 3),
        (frames.lines(books, period="2026-10"), 4),
        (frames.budgets(books), 1),
    ):
        assert isinstance(frame, pd.DataFrame)
        assert len(frame) == rows


def test_a_budget_of_a_period_has_what_its_charges_add_up_to(books: Path) -> None:
    opened = frames.open_books(books)
    for period in ("2026-09", "2026-10"):
        charged = sum(opened.charges(period=period).arrow()["amount"].to_pylist())
        (row,) = opened.budgets(period=period).arrow().to_pylist()
        assert (row["period"], row["spent"], row["forecast"]) == (period, charged, charged)


@pytest.mark.long
def test_who_reads_frames_of_what_is_compacted_meanwhile_is_told_and_a_damaged_file_is_still_damaged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = make_workspace(tmp_path / "books")
    for name in ("a", "b"):
        write_log(root, f"{name}.jsonl", plain("2026-10-02T00:00:00Z", id=name))
        assert tallybook(root, "collect").returncode == 0
    small = shutil.copytree(root, tmp_path / "small")

    def compact(books: Path = root) -> None:
        assert tallybook(books, "compact", "--as-of", "2026-11-02").returncode == 0

    events, usage = frames.open_books(root).events(), frames.open_books(root).usage_daily()
    compact()
    for read in (events.arrow, events.pandas, events.polars, lambda: list(events.batches())):
        with pytest.raises(DataFileLeft, match=r"in use by a run that compacted.*run the command again"):
            read()
    assert usage.arrow().num_rows > 0, "what was counted is there"
    assert frames.open_books(root).events().arrow().num_rows == 2, "who opens the books again is answered"

    verified = checked_files._verified  # noqa: SLF001 - between the log and its files
    for read in (frames.events, frames.usage_daily):
        again = shutil.copytree(small, tmp_path / read.__name__)

        def meanwhile(*files: Any, books: Path = again) -> Any:
            monkeypatch.setattr(checked_files, "_verified", verified)
            compact(books)
            return verified(*files)

        monkeypatch.setattr(checked_files, "_verified", meanwhile)
        with pytest.raises(DataFileLeft):
            read(again)
        (file,) = (again / "lake/usage_events").glob("date=*/*.parquet")
        file.unlink()
        with pytest.raises(DataFileDamaged) as damaged:
            read(again)
        assert not isinstance(damaged.value, DataFileLeft)


@pytest.mark.slow
def test_a_month_of_events_by_batches_never_holds_more_than_a_few_days(tmp_path: Path) -> None:
    """Of thirty days, each a file of its own; a table of them all holds them all."""
    write_workspace(tmp_path)
    write_lake(tmp_path, EventsRecipe(events=180_000, days=30))
    march = frames.open_books(tmp_path).events(period="2026-03")
    before = pa.total_allocated_bytes()
    rows = held = 0
    for batch in march.reader():
        rows += batch.num_rows
        held = max(held, pa.total_allocated_bytes() - before)
    del batch
    table = march.arrow()
    assert rows == table.num_rows
    assert held < table.nbytes / 4


@pytest.mark.parametrize(
    ("chosen", "says"),
    [
        ({"modle": "x"}, "charges has no column 'modle'"),
        ({"columns": ["cost"]}, "charges has no column 'cost'"),
        ({"period": "2026-10", "from_date": "2026-10-01"}, "leave out from_date and to_date"),
        ({"period": "October"}, "write a month as YYYY-MM"),
        ({"from_date": "2026-10-02", "to_date": datetime(2026, 10, 2, tzinfo=UTC).date()}, "is no day at all"),
        ({"from_date": pd.Timestamp("2026-10-02 13:00")}, "2026-10-02 13:00:00 is no day; .* such as 2026-10-02"),
        ({"from_date": 20261002}, "date '20261002' cannot be read"),
        ({"account_id": 5}, "charges cannot be chosen by account_id=5: that column is string"),
        ({"quantity": ["many"]}, "charges cannot be chosen by quantity=.'many'.: that column is int64"),
    ],
)
def test_what_cannot_be_chosen_by_is_refused(books: Path, chosen: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        frames.open_books(books).charges(**chosen)
    with pytest.raises(ConfigurationError, match="quarantine has no dates"):
        frames.open_books(books).relation("quarantine", period="2026-10")
    with pytest.raises(ConfigurationError, match="there is no relation 'charge'"):
        frames.open_books(books).relation("charge")


def test_days_and_values_are_taken_as_pandas_hands_them_over(books: Path) -> None:
    opened = frames.open_books(books)
    everything = opened.charges().pandas()
    accounts, day = everything["account_id"], pd.Timestamp(everything["usage_date"].max())
    for given in (accounts, accounts.unique(), accounts.to_numpy(), pd.Index(accounts), iter(accounts.tolist())):
        assert len(opened.charges(account_id=given).pandas()) == len(everything)
    for given in (day, day.to_pydatetime(), day.tz_localize("UTC")):
        last = opened.charges(from_date=given).pandas()
        assert len(last) == (everything["usage_date"] == day.date()).sum() > 0
    assert opened.charges(columns="amount").columns == ("amount",)
