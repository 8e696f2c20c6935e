"""What is read again supersedes what was read before: in one commit, for every engine, and whole at every death."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deaths_on_disk import deaths
from deltalake import DeltaTable
from faulty_os import POWER_CUTS
from forged_entries import HEX, NOON, body, rewrite
from lake_inputs import commit_events, event, events_table, quarantine_table, tree
from workspaces import make_workspace, plain, tallybook, write_log

from pipeline import lake
from pipeline.base.errors import LakeIsNewer, LogEntryRefused
from pipeline.lake import commits, rereading
from pipeline.lake.log import parsing
from pipeline.lake.log.superseding import Place
from pipeline.lake.rereading import NewReading, Rereading
from pipeline.objects import layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from forged_entries import Actions

    from pipeline.lake.log.commit import Commit
    from pipeline.usage.sources import SourceRecord

SOURCE = '[[sources]]\nname = "gateway"\npaths = ["logs/*"]\nformat = "request-log"\n'
WRONG = SOURCE + 'fields = { ts = "time" }\n'
MARCH = [plain(f"2026-03-0{day}T10:00:00Z", id=f"id-{day}") for day in (1, 2, 3)]


def timed(line: str, at: str) -> str:
    """A line with another instant under the name that ``WRONG`` looks for."""
    return json.dumps(json.loads(line) | {"time": at})


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace that read one log by the wrong field of time: two events on other dates, one line quarantined."""
    root = make_workspace(tmp_path_factory.mktemp("made") / "books", config=WRONG)
    write_log(
        root,
        "a.jsonl",
        timed(MARCH[0], "2026-03-01T10:00:00Z"),
        timed(MARCH[1], "2026-03-09T10:00:00Z"),
        MARCH[2],
        "no line of a log",
    )
    assert tallybook(root, "collect", "--as-of", "2026-03-10").returncode == 0
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


def correct(root: Path) -> None:
    (root / "tallybook.toml").write_text(SOURCE, encoding="utf-8")


def again(root: Path, *given: str) -> str:
    done = tallybook(root, "collect", "--again", *given, "--as-of", "2026-03-11")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def instants(root: Path, *, until: int | None = None) -> list[str]:
    lake_dir = root / "lake"
    files = lake.verified_files(lake_dir, lake.read_log(lake_dir, until=until))
    return sorted(
        at.strftime("%d") for file in files for at in pq.ParquetFile(file).read(["occurred_at"])[0].to_pylist()
    )


def last_entry(root: Path) -> list[dict[str, Any]]:
    path = max(layout.delta_log(root / "lake").glob("*.json"))
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.long
def test_what_differs_is_replaced_and_a_file_whose_events_all_stay_is_left_alone(books: Path) -> None:
    before = lake.read_log(books / "lake")
    files = tree(books / "lake" / "usage_events")
    correct(books)
    told = again(books)
    assert (
        "1 event superseded, 2 in their place or new; 1 line out of the quarantine, 0 into it" in told.splitlines()[0]
    )
    after = lake.read_log(books / "lake")
    assert instants(books) == ["01", "02", "03"]
    assert instants(books, until=before.version) == ["01", "09"]
    assert "ok    superseded_events_are_kept: 1 event of logs" in tallybook(books, "verify").stdout
    assert [file for file in after.data_files if file in before.data_files] == [before.data_files[0]]
    assert [file.origin for file in after.data_files] == [0, 0, 0]
    assert after.places == before.places == (Place(commit=0, source=0),)
    assert after.sources[0].events == {"measured": 3}
    assert after.sources[0].quarantined == {"invalid_json": 1}
    kept = tree(books / "lake" / "usage_events")
    assert {name: kept.get(name) for name in files} == files, "nothing is deleted, nothing is written over"
    kinds = [kind for action in last_entry(books) for kind in action]
    assert kinds == ["commitInfo", "txn", "remove", "add", "add"]
    assert last_entry(books)[0]["commitInfo"]["operation"] == "READ AGAIN"
    assert lake.sweep_orphans(books / "lake", after) == []


def test_again_twice_is_one_commit(books: Path) -> None:
    correct(books)
    again(books)
    version = lake.read_log(books / "lake").version
    assert "read 1 segment of logs again (as asked): nothing differs" in again(books)
    assert lake.read_log(books / "lake").version == version


def test_deltalake_and_duckdb_see_exactly_what_counts(books: Path) -> None:
    correct(books)
    again(books)
    table = DeltaTable(str(layout.usage_events(books / "lake")))
    rows = pa.table(table.to_pyarrow_table())
    assert sorted(at.strftime("%d") for at in rows["occurred_at"].to_pylist()) == ["01", "02", "03"]
    events = table.to_pyarrow_dataset()
    days = duckdb.sql("select strftime(date, '%d') from events order by all").fetchall()
    assert days == [("01",), ("02",), ("03",)]
    assert events.count_rows() == 3
    table.vacuum(dry_run=False)
    assert instants(books, until=0) == ["01", "09"], "who cleans the table up leaves what invoices were issued from"
    first = DeltaTable(str(layout.usage_events(books / "lake")), version=0)
    assert sorted(at.strftime("%d") for at in pa.table(first.to_pyarrow_table())["occurred_at"].to_pylist()) == [
        "01",
        "09",
    ]


def test_a_program_of_before_is_told_that_the_lake_is_newer(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    correct(books)
    again(books)
    monkeypatch.setattr(parsing, "LAKE_VERSION", 2)
    monkeypatch.setattr(parsing, "LAKE_VERSION_MAX", 2)
    with pytest.raises(LakeIsNewer, match="upgrade Tallybook"):
        lake.read_log(books / "lake")


@pytest.mark.long
@pytest.mark.parametrize("step", [pytest.param(1, marks=pytest.mark.slow), 5])
def test_death_at_any_call_leaves_the_old_reading_or_the_new_one_and_a_rerun_ends_with_the_new_one(
    step: int, books: Path, tmp_path: Path
) -> None:
    correct(books)
    old, new = ["01", "09"], ["01", "02", "03"]
    outcomes = []

    def copied(die_at: int) -> Path:
        root = shutil.copytree(books, tmp_path / f"death-{die_at}" / "books")
        (root / "lake" / ".lock").unlink(missing_ok=True)
        return root

    for death in deaths(copied, lambda root: tallybook(root, "collect", "--again", "--as-of", "2026-03-11"), step=step):
        root = death.root
        outcomes.append(tuple(instants(root)))
        for cut in POWER_CUTS:
            assert instants(death.after(cut)) in (old, new)
        again(root)
        assert instants(root) == new
        snapshot = lake.read_log(root / "lake")
        assert len(tree(layout.usage_events(root / "lake"))) == len(
            [*snapshot.data_files, *snapshot.superseded_files]
        ) + len(list(layout.delta_log(root / "lake").glob("*.json"))), "no leftover"
    assert set(outcomes) == {tuple(old), tuple(new)}
    assert len(outcomes) > 20 // step


def test_a_conflict_drops_what_was_read_and_reads_again_what_is_in_force_then(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    correct(books)
    log = write_log(books, "b.jsonl", plain("2026-03-04T10:00:00Z", id="id-4"))
    raced: list[int] = []

    def racing(lake_dir: Path, snapshot: lake.LakeSnapshot, new: Commit) -> lake.LakeSnapshot:
        raced.append(new.number)
        if len(raced) == 1:
            assert tallybook(books, "collect", str(log), "--as-of", "2026-03-11").returncode == 0
        return commits.appended(lake_dir, snapshot, new)

    monkeypatch.setattr(rereading, "appended", racing)
    monkeypatch.setattr("pipeline.cli.commands.collect.locked", lambda *_, **__: nullcontext())
    again(books)
    assert raced == [1, 2]
    assert instants(books) == ["01", "02", "03", "04"]


def test_what_is_not_there_any_more_stays_as_it_was_read_and_is_said_in_one_line(books: Path) -> None:
    write_log(books, "gone.jsonl", timed(MARCH[0], "2026-03-08T10:00:00Z"))
    assert tallybook(books, "collect", "--as-of", "2026-03-10").returncode == 0
    (books / "logs" / "gone.jsonl").unlink()
    correct(books)
    told = again(books)
    assert told.count("could not be read again") == 1
    assert "1 segment of logs/gone.jsonl could not be read again" in told
    assert instants(books) == ["01", "02", "03", "08"]


def test_a_log_that_was_renamed_and_compressed_is_still_there(books: Path) -> None:
    log = books / "logs" / "a.jsonl"
    (books / "logs" / "a.jsonl.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    correct(books)
    assert "could not be read again" not in again(books)
    assert instants(books) == ["01", "02", "03"]
    assert lake.read_log(books / "lake").sources[0].source == "logs/a.jsonl"


def test_one_changed_byte_far_from_both_ends_is_found_and_nothing_of_that_segment_is_read(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", config=WRONG)
    lines = [timed(plain("2026-03-01T10:00:00Z", id=f"id-{n}"), "2026-03-05T10:00:00Z") for n in range(800)]
    log = write_log(root, "long.jsonl", *lines)
    assert log.stat().st_size > 3 * 2**16
    assert tallybook(root, "collect", "--as-of", "2026-03-10").returncode == 0
    content = log.read_text()
    log.write_text(content.replace('"id-400"', '"id-4oo"'))
    correct(root)
    assert "1 segment of logs/long.jsonl could not be read again" in again(root)
    assert set(instants(root)) == {"05"}


@pytest.mark.long
def test_readings_of_a_path_that_was_begun_anew_are_told_apart(books: Path) -> None:
    kept = (books / "logs" / "a.jsonl").read_bytes()
    write_log(books, "a.jsonl", timed(plain("2026-03-04T10:00:00Z", id="id-4"), "2026-03-07T10:00:00Z"))
    assert tallybook(books, "collect", "--as-of", "2026-03-10").returncode == 0
    assert instants(books) == ["01", "07", "09"]
    correct(books)
    again(books)
    assert instants(books) == ["01", "04", "09"]
    (books / "logs" / "a.jsonl.1").write_bytes(kept)
    again(books)
    assert instants(books) == ["01", "02", "03", "04"]
    assert tallybook(books, "nightly", "--as-of", "2026-03-11").returncode == 0
    assert "FAILED" not in tallybook(books, "verify").stdout


def test_a_named_log_or_source_is_read_again_alone(books: Path) -> None:
    write_log(books, "b.jsonl", timed(plain("2026-03-04T10:00:00Z", id="id-4"), "2026-03-07T10:00:00Z"))
    assert tallybook(books, "collect", "--as-of", "2026-03-10").returncode == 0
    correct(books)
    (books / "logs" / "a.jsonl").rename(books / "a.jsonl")  # out of every source, so that no night reads it again
    assert "could not be read again" not in again(books, str(books / "logs" / "b.jsonl"))
    assert instants(books) == ["01", "04", "09"]
    (books / "a.jsonl").rename(books / "logs" / "a.jsonl")
    again(books, "gateway")
    assert instants(books) == ["01", "02", "03", "04"]
    refused = tallybook(books, "collect", "--again", "gatewya")
    assert (refused.returncode, "gatewya" in refused.stderr) == (2, True)


def resealed(root: Path, change: Callable[[Actions], object]) -> None:
    rewrite(max(layout.delta_log(root / "lake").glob("*.json")), change)


def info(change: Callable[[dict[str, Any]], object]) -> Callable[[Actions], object]:
    return lambda said: change(body(said, "commitInfo"))


def of_one_place_twice(said: dict[str, Any]) -> None:
    said["sources"] *= 2
    said["supersedes"] *= 2


NEVER = f"{HEX}.parquet"
FOREIGN: dict[str, tuple[Callable[[Actions], object], str]] = {
    "a file that never counted": (
        lambda said: body(said, "remove").update(path=f"date=2026-03-09/{NEVER}"),
        f"it removes date=2026-03-09/{NEVER}, which does not count",
    ),
    "a file outside the table": (
        lambda said: body(said, "remove").update(path="../../etc/passwd"),
        "it removes the data file '../../etc/passwd', which is no date=YYYY-MM-DD/<sha256>.parquet",
    ),
    "a file by another name": (
        lambda said: body(said, "remove").update(path="date=2026-03-09/a.parquet"),
        "it removes the data file 'date=2026-03-09/a.parquet', which is no date=YYYY-MM-DD/<sha256>.parquet",
    ),
    "a removal by another operation": (
        info(lambda said: said.update(operation="COLLECT")),
        "commitInfo has ['collectorVersion', ",
    ),
    "a source that never was": (
        info(lambda said: said["supersedes"][0].update(source=7)),
        "it replaces source 7 of commit 0 by bytes",
    ),
    "another segment": (
        info(lambda said: said["sources"][0].update(start=1)),
        "of logs/a.jsonl, which is another segment",
    ),
    "sources without their places": (
        info(lambda said: said["supersedes"].clear()),
        "its 1 sources supersede 0 of before; each has one of its own",
    ),
    "two sources of one place": (
        info(of_one_place_twice),
        "its 2 sources supersede 1 of before; each has one of its own",
    ),
    "tags of others": (
        lambda said: body(said, "add").update(tags={"other": "0"}),
        'it adds a data file with the tags {"other":"0"}, and Tallybook writes tallybook.commit alone',
    ),
    "a quarantine that never was": (
        info(lambda said: said["removedQuarantine"].append(NEVER)),
        f"it removes {NEVER}, which does not count",
    ),
    "a quarantine by another name": (
        info(lambda said: said["removedQuarantine"].append("a.parquet")),
        "it removes the quarantine file 'a.parquet', which is no <sha256>.parquet",
    ),
    "a quarantine that is no text": (
        info(lambda said: said["removedQuarantine"].append(7)),
        "it removes the quarantine file 7, which is no <sha256>.parquet",
    ),
}


@pytest.mark.parametrize(("change", "told"), FOREIGN.values(), ids=FOREIGN.keys())
def test_an_entry_that_supersedes_what_it_cannot_is_refused(
    books: Path, change: Callable[[Actions], object], told: str
) -> None:
    correct(books)
    again(books)
    resealed(books, lambda _: None)
    lake.read_log(books / "lake")
    resealed(books, change)
    with pytest.raises(LogEntryRefused, match=re.escape(told) + ".*; restore the lake from a backup, or move it away"):
        lake.read_log(books / "lake")


def test_a_reading_whose_records_do_not_account_for_its_rows_is_refused_and_commits_nothing(tmp_path: Path) -> None:
    events = [event(1, NOON), event(2, NOON)]
    snapshot = commit_events(tmp_path, lake.LakeSnapshot(), events, quarantined=[9])
    (place,), (of_log,) = snapshot.places, snapshot.sources

    def read_again(of: SourceRecord, *, lines: tuple[int, ...] = (9,)) -> Rereading:
        reading = NewReading(place=place, record=of, events=events_table(events), quarantined=quarantine_table(lines))
        again = Rereading(lake_dir=tmp_path, snapshot=snapshot, committed_at=NOON)
        again.supersede(0, [reading])
        return again

    unequal = [
        (of_log, (9, 10), (2, 1), (2, 2)),
        (replace(of_log, events={"measured": 3}), (9,), (3, 1), (2, 1)),
        (replace(of_log, events={"measured": 1}), (9,), (1, 1), (2, 1)),
        (replace(of_log, quarantined={}), (9,), (2, 0), (2, 1)),
    ]
    for of, lines, stated, found in unequal:
        told = f"the sources of a commit count {stated} events and quarantined lines after they are read again, and"
        with pytest.raises(ValueError, match=re.escape(f"{told} there are {found}")):
            read_again(of, lines=lines)
    assert read_again(of_log).commit(None) == snapshot
    assert lake.read_log(tmp_path) == snapshot


@pytest.mark.long
def test_verify_finds_a_wrong_count_of_superseded_events(books: Path) -> None:
    correct(books)
    assert tallybook(books, "nightly", "--as-of", "2026-03-11").returncode == 0
    assert tallybook(books, "verify").returncode == 0
    resealed(books, lambda said: body(said, "commitInfo").update(supersededEvents=2))
    verified = tallybook(books, "verify")
    assert verified.returncode == 6
    assert "superseded_events_are_kept: differs: commit 1: stated 2, found 1" in verified.stdout


@pytest.mark.long
def test_verify_finds_a_superseded_file_that_is_damaged(books: Path) -> None:
    correct(books)
    assert tallybook(books, "nightly", "--as-of", "2026-03-11").returncode == 0
    (superseded,) = lake.read_log(books / "lake").superseded_files
    (layout.usage_events(books / "lake") / superseded.path).unlink()
    verified = tallybook(books, "verify")
    assert verified.returncode == 6
    assert "lake_is_undamaged" in verified.stdout
