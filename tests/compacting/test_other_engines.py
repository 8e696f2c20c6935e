"""deltalake, polars and DuckDB read a compacted lake as they read it before, from fewer files."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pytest
from workspaces import append_log, make_workspace, plain, tallybook, write_log

from pipeline import lake
from pipeline.lake.log import checkpoints
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

deltalake = pytest.importorskip("deltalake")
COMPACT = ("compact", "--as-of", "2026-10-02T12:00:00Z")


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """Three commits of two days; of one of them a log was read again."""
    root = make_workspace(tmp_path / "books")
    for number in range(3):
        lines = [plain(f"2026-09-{day}T1{number}:00:00Z", id=f"{day}-{number}") for day in (28, 29)]
        (append_log if number else write_log)(root, "a.jsonl", *lines)
        assert tallybook(root, "nightly", "--as-of", "2026-09-30", "--force").returncode == 0
    return root


def rows(table: pa.Table) -> list[dict[str, Any]]:
    return table.sort_by([(name, "ascending") for name in ("source", "line")]).to_pylist()


def as_delta(root: Path) -> Any:
    return deltalake.DeltaTable(str(layout.usage_events(root / "lake")))


@pytest.mark.long
@pytest.mark.parametrize("has_checkpoint", [False, True])
def test_deltalake_and_duckdb_read_the_same_rows_from_one_file_a_day(
    books: Path, monkeypatch: pytest.MonkeyPatch, *, has_checkpoint: bool
) -> None:
    before = rows(pa.table(as_delta(books).to_pyarrow_table()))
    assert len(as_delta(books).file_uris()) == 6
    assert tallybook(books, *COMPACT).returncode == 0
    if has_checkpoint:
        monkeypatch.setattr(checkpoints, "COMMITS_BETWEEN", 1)
        assert tallybook(books, "nightly", "--as-of", "2026-10-03").returncode == 0
        assert checkpoints.read_last_checkpoint(books / "lake") is not None
    assert tallybook(books, "verify").returncode == 0
    table = as_delta(books)
    assert len(table.file_uris()) == 2
    assert rows(pa.table(table.to_pyarrow_table())) == before
    assert table.history()[0]["operation"] == "OPTIMIZE"
    found = duckdb.connect().read_parquet(table.file_uris()).to_arrow_table()
    assert [row["line"] for row in rows(found)] == [row["line"] for row in before]


@pytest.mark.long
def test_polars_reads_one_day_of_it(books: Path) -> None:
    pl = pytest.importorskip("polars")
    assert tallybook(books, *COMPACT).returncode == 0
    scanned = pl.scan_delta(str(layout.usage_events(books / "lake")))
    assert scanned.filter(pl.col("date") == date(2026, 9, 28)).collect()["prompt_tokens"].sum() == 3_000_000
    assert scanned.collect().height == 6


def test_who_follows_the_changes_of_the_table_passes_compaction_over(books: Path) -> None:
    assert tallybook(books, *COMPACT).returncode == 0
    version = lake.read_log(books / "lake").version
    assert version is not None
    entry = (layout.delta_log(books / "lake") / f"{version:020d}.json").read_text()
    assert entry.count('"dataChange":false') == 8, "six files leave, two come, and no row does"
    assert '"dataChange":true' not in entry
