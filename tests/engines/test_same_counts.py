"""Whichever engine counts, marts, claims and invoices are the same."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from counted_world import ACCOUNTS, STANDARD
from random_lakes import write_random_lake
from workspaces import fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.base.errors import EngineRefused, SumTooGreat
from pipeline.base.resources import sample_folder
from pipeline.tables.schemas import USAGE_EVENTS, usage_events
from pipeline.warehouse.engines.on_duckdb import DuckDbSession, OnDuckDb
from pipeline.warehouse.engines.on_spark import ConnectSession, OnSpark
from pipeline.warehouse.marts import build_marts
from pipeline.warehouse.reference import committed_events, reference_tables

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.warehouse.engines.engine import Engine
    from pipeline.warehouse.marts import Marts

NIGHT = ("nightly", "--as-of", "2026-11-02")


def counted(files: Sequence[Path], engine: Engine) -> Marts:
    statuses: Counter[str] = Counter()
    dates = set()
    for file in files:
        rows = pq.read_table(file, columns=["status", "occurred_at"])
        statuses.update(rows["status"].to_pylist())
        dates.update(pc.unique(rows["occurred_at"].cast(pa.date32())).to_pylist())
    reference = reference_tables(ACCOUNTS, {"standard": STANDARD}, timezone="UTC", utc_dates=dates)
    reference |= committed_events(statuses)
    return build_marts(files, reference, engine=engine, timezone="UTC", unmeasured="bill-estimate")


def assert_alike(one: Marts, other: Marts) -> None:
    for name in ("usage_daily", "exchanges_daily", "suspicious_usage"):
        assert getattr(one, name) == getattr(other, name), name
    assert sorted(one.broken_claims) == sorted(other.broken_claims)
    assert not any(one.broken_claims.values())
    assert not any(other.broken_claims.values())
    assert one.advisories == other.advisories


@pytest.mark.long
@pytest.mark.parametrize(("events", "seed"), [(3000, 1), pytest.param(200_000, 2, marks=pytest.mark.slow)])
def test_a_random_lake_is_counted_alike(events: int, seed: int, sail: str, tmp_path: Path) -> None:
    files = write_random_lake(tmp_path, events=events, files=5, seed=seed)
    here = counted(files, OnDuckDb(lake=tmp_path))
    assert here.suspicious_usage.num_rows
    assert sum(here.exchanges_daily["events"].to_pylist()) == events
    assert_alike(here, counted(files, OnSpark(remote=sail, lake=tmp_path)))


@pytest.mark.long
def test_files_of_an_earlier_lake_lack_columns_and_are_counted_alike(sail: str, tmp_path: Path) -> None:
    files = write_random_lake(tmp_path, events=300, files=3, seed=3)
    earlier = pq.read_table(files[0]).select(usage_events(1).names)
    assert earlier.num_columns < len(USAGE_EVENTS.names)
    pq.write_table(earlier, files[0])
    assert_alike(counted(files, OnDuckDb(lake=tmp_path)), counted(files, OnSpark(remote=sail, lake=tmp_path)))


@pytest.mark.long
def test_a_lake_that_lies_elsewhere_for_the_server_is_read_there(sail: str, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    files = write_random_lake(here, events=100, files=2, seed=4)
    shutil.copytree(here, there)
    engine = OnSpark(remote=sail, lake=here, lake_there=f"{there}/")
    expected = counted(files, OnDuckDb(lake=here))
    assert_alike(expected, counted(files, engine))
    next(there.iterdir()).unlink()
    with pytest.raises(EngineRefused, match=re.escape(str(there))):
        counted(files, engine)


def test_sums_that_a_server_would_let_wrap_are_refused(sail: str, tmp_path: Path) -> None:
    files = write_random_lake(tmp_path, events=4, files=1, seed=5)
    row = next(each for each in pq.read_table(files[0]).to_pylist() if each["status"] == "measured")
    rows = [{**row, "event_id": bytes([n]) * 16, "completion_tokens": 2**62} for n in range(2)]
    pq.write_table(pa.Table.from_pylist(rows, schema=USAGE_EVENTS), files[0])
    for engine in (OnDuckDb(lake=tmp_path), OnSpark(remote=sail, lake=tmp_path)):
        with pytest.raises(SumTooGreat, match="tokens add up to"):
            counted(files, engine)


def sample_books(root: Path, *arguments: str) -> dict[str, Any]:
    shutil.copytree(sample_folder(), root)
    done = tallybook(root, *arguments, *NIGHT)
    assert done.returncode == 0, done.stderr
    issued = tallybook(
        root, *arguments, "invoice", "issue", "--period", "2026-09", "--account", "birke", "--yes", *NIGHT[1:]
    )
    assert issued.returncode == 0, issued.stderr
    verified = tallybook(root, *arguments, "verify")
    assert verified.returncode == 0, verified.stdout
    return {name: each for name, each in fingerprints(root).items() if name.startswith("invoices/")}


@pytest.mark.long
def test_invoices_of_the_sample_are_the_same_bytes(sail: str, tmp_path: Path) -> None:
    there = sample_books(tmp_path / "there", "--engine", sail)
    assert there
    assert there == sample_books(tmp_path / "here")


@pytest.mark.long
def test_each_engine_verifies_what_the_other_counted(sail: str, tmp_path: Path) -> None:
    shutil.copytree(sample_folder(), tmp_path / "books")
    assert tallybook(tmp_path / "books", "--engine", sail, *NIGHT).returncode == 0
    before = fingerprints(tmp_path / "books")
    said = tallybook(tmp_path / "books", "usage", "--by", "key,day", "--csv").stdout
    assert said == tallybook(tmp_path / "books", "--engine", sail, "usage", "--by", "key,day", "--csv").stdout
    assert tallybook(tmp_path / "books", *NIGHT).returncode == 0  # what the other counted is not believed
    written = {name for name, each in fingerprints(tmp_path / "books").items() if before.get(name) != each}
    assert {name.split("/")[1] for name in written if name.endswith("_manifest.json")} >= {"usage_daily", "charges"}


DERIVED = {"usage_daily_is_what_the_events_say", "charges_is_what_the_events_say"}


def count_of(table: pa.Table, day: str) -> int:
    """Return which row of ``usage_daily`` has the prompt tokens of a day: an engine has rows in any order."""
    (row,) = (
        number
        for number, each in enumerate(table.select(["usage_date", "meter"]).to_pylist())
        if (each["usage_date"].isoformat(), each["meter"]) == (day, "prompt")
    )
    return row


@pytest.mark.long
@pytest.mark.parametrize("wrong", [ConnectSession, DuckDbSession])
def test_what_one_engine_counts_otherwise_fails_by_the_other_and_is_not_issued(
    wrong: type[ConnectSession | DuckDbSession], sail: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = make_workspace(tmp_path / "books")
    write_log(books, "a.jsonl", plain("2026-10-05T10:00:00Z", id="one"), plain("2026-10-06T10:00:00Z", id="two"))
    counts, right = (sail, "duckdb") if wrong is ConnectSession else ("duckdb", sail)
    fetch = wrong.fetch

    def fetched(self: Any, name: str, schema: pa.Schema) -> pa.Table:
        table = fetch(self, name, schema)
        if name != "usage_daily":
            return table
        one, other = (count_of(table, f"2026-10-0{day}") for day in (5, 6))
        place, moved = table.schema.get_field_index("quantity"), table["quantity"].to_pylist()
        moved[one], moved[other] = moved[one] + 1, moved[other] - 1  # to another day: no claim sees it
        return table.set_column(place, table.schema.field(place), pa.array(moved, pa.int64()))

    with monkeypatch.context() as miscounts:
        miscounts.setattr(wrong, "fetch", fetched)
        assert tallybook(books, "--engine", counts, *NIGHT).returncode == 0
    verified = tallybook(books, "--engine", right, "verify")
    assert verified.returncode == 6
    failed = [line.split()[1].rstrip(":") for line in verified.stdout.splitlines() if line.startswith("FAIL")]
    assert set(failed) >= DERIVED
    issued = tallybook(books, "--engine", right, "invoice", "issue", "--period", "2026-10", "--yes", *NIGHT[1:])
    assert issued.returncode == 4
    assert "what the last night wrote is not what all events say" in issued.stderr
    assert tallybook(books, "--engine", right, *NIGHT).returncode == 0
    assert tallybook(books, "--engine", counts, "verify").returncode == 0


def test_what_was_counted_at_one_address_is_not_believed_at_another(tmp_path: Path) -> None:
    told = {
        OnSpark(remote=remote, lake=tmp_path).version
        for remote in ("sc://one:15002", "sc://one:15002/;token=of-somebody", "sc://other:15002")
    }
    assert len(told) == 2
    assert OnDuckDb(lake=tmp_path).version not in told
    assert not any("of-somebody" in each for each in told)
