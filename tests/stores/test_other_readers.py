"""Other programs read the lake from the store, each row as we do; one that writes there is found out."""

from __future__ import annotations

import os
from datetime import date
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from pathlib import Path

LINES = [plain(f"2026-10-0{day}T10:00:00Z", id=f"r{day}") for day in (5, 6, 7)]


@pytest.fixture
def table(tmp_path: Path, stores: str) -> str:
    """The address of the table of usage events of a lake of three events in as many files."""
    root = make_workspace(tmp_path / "one")
    write_log(root, "a.jsonl", *LINES)
    done = tallybook(root, "nightly", "--as-of", "2026-11-02")
    assert done.returncode == 0, done.stderr
    return f"{stores}/lake/usage_events"


def options() -> dict[str, str]:
    names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION")
    return {name: os.environ[name] for name in names} | {"AWS_ALLOW_HTTP": "true"}


@pytest.mark.long
def test_deltalake_reads_every_event_from_the_store(table: str) -> None:
    rows = pa.table(DeltaTable(table, storage_options=options()).to_pyarrow_table())
    assert rows.num_rows == 3
    assert sum(rows["prompt_tokens"].to_pylist()) == 3_000_000


@pytest.mark.long
def test_polars_reads_one_day_from_the_store(table: str) -> None:
    pl = pytest.importorskip("polars")
    rows = pl.scan_delta(table, storage_options=options()).filter(pl.col("date") == date(2026, 10, 6)).collect()
    assert rows["prompt_tokens"].to_list() == [1_000_000]


@pytest.mark.long
def test_duckdb_reads_every_event_from_the_store_by_the_dataset_of_deltalake(table: str) -> None:
    import duckdb  # noqa: PLC0415

    connection = duckdb.connect()
    connection.register("events", DeltaTable(table, storage_options=options()).to_pyarrow_dataset())
    asked = "select count(*), sum(prompt_tokens) from events where date > date '2026-10-05'"
    assert connection.execute(asked).fetchone() == (2, 2_000_000)


def test_duckdb_reads_the_derived_tables_from_the_store(table: str) -> None:
    import duckdb  # noqa: PLC0415

    connection = duckdb.connect()
    try:
        connection.execute("load httpfs")
    except duckdb.Error as error:
        pytest.skip(f"DuckDB's extension httpfs is not installed here: {str(error).partition(chr(10))[0]}")
    host = os.environ["AWS_ENDPOINT_URL"].removeprefix("http://")
    connection.execute(
        f"create secret (type s3, key_id 'testing', secret 'testing', endpoint '{host}', url_style 'path', "
        "use_ssl false)"
    )
    usage = table.replace("usage_events", "usage_daily/*.parquet")
    assert connection.execute(f"select sum(quantity) from '{usage}'").fetchone() == (3_000_000,)  # noqa: S608  # ours


@pytest.mark.long
def test_what_is_derived_is_on_the_store_with_its_manifest(table: str) -> None:
    import polars as pl  # noqa: PLC0415

    lake = ObjectStore(table.removesuffix("/usage_events"))
    assert lake.get("usage_daily/_manifest.json") is not None
    (file,) = (each.key for each in lake.list("usage_daily") if each.key.endswith(".parquet"))
    rows = pl.read_parquet(f"{lake.url}/{file}", storage_options=options())
    assert rows["quantity"].sum() == 3_000_000


@pytest.mark.long
def test_a_commit_of_another_writer_is_refused_with_advice(table: str, tmp_path: Path) -> None:
    rows = pa.table(DeltaTable(table, storage_options=options()).to_pyarrow_table())
    write_deltalake(table, rows, mode="append", storage_options=options())
    refused = tallybook(tmp_path / "one", "nightly", "--as-of", "2026-11-02")
    assert refused.returncode == 1
    assert "only Tallybook may write there" in refused.stderr
    assert refused.stderr.count("\n") == 1
