"""A workspace that an earlier version left is opened, continued, verified, issued, voided and recomputed.

What a later one wrote is refused, untouched.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deaths_on_disk import deaths
from deltalake import DeltaTable, QueryBuilder
from faulty_os import Died, FaultyOs
from lake_inputs import commit_events, event
from workspaces import Done, append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline import lake
from pipeline.base.errors import LakeIsNewer, LogEntryRefused
from pipeline.collectors import decode
from pipeline.collectors.kernel import readers
from pipeline.collectors.kernel.rules import finder
from pipeline.lake.log import delta
from pipeline.objects import append_log as entries
from pipeline.objects import disk, layout
from pipeline.usage.events import COLUMNS, LAKE_VERSION, Column, Kind, Role
from pipeline.warehouse import connection

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.collectors.chat import BodyReading

GOLDEN = Path(__file__).parent / "golden_lakes" / "version_1"
COMMITS, EVENTS, QUARANTINED = 2, 21, 2
ADDED = [plain("2026-04-05T09:00:00Z", id="chatcmpl-added", prompt=1_000_000, completion=2_000), "not a line of a log"]
LATER = [column.name for column in COLUMNS if column.since > 1]


def by_this_program(workspace: Path, *lines: str) -> Done:
    """Run command lines, up to the first that does not end well; return what that one, or the last one, printed."""
    done = Done(returncode=0, stdout="", stderr="")
    for line in lines:
        done = tallybook(workspace, *shlex.split(line))
        if done.returncode:
            break
    return done


def by_the_next_program(workspace: Path, *lines: str) -> Done:
    """Do the same by a program with more columns; return what all of them printed."""
    program = Path(__file__).with_name("program_of_tomorrow.py")
    done = subprocess.run(
        [sys.executable, str(program), str(workspace), *lines], capture_output=True, text=True, check=False, timeout=120
    )
    return Done(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)


PROGRAMS = pytest.mark.parametrize(
    "run", [by_this_program, pytest.param(by_the_next_program, marks=pytest.mark.long, id="by_the_next_program")]
)


@pytest.fixture
def books(tmp_path: Path) -> Path:
    return shutil.copytree(GOLDEN, tmp_path / "books")


def log_entries(workspace: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(layout.delta_log(workspace / "lake").glob("*.json"))]


def stated(entry: bytes) -> dict[str, Any]:
    return {kind: body for line in entry.splitlines() for kind, body in json.loads(line).items()}


def operations(workspace: Path) -> list[str]:
    return [stated(entry)["commitInfo"]["operation"] for entry in log_entries(workspace)]


def delta_rows(workspace: Path) -> list[dict[str, Any]]:
    table = DeltaTable(str(layout.usage_events(workspace / "lake")))
    rows: list[dict[str, Any]] = pa.table(table.to_pyarrow_table()).sort_by("line").to_pylist()
    return rows


def invoices(workspace: Path) -> dict[str, bytes]:
    return {
        path.relative_to(workspace).as_posix(): path.read_bytes()
        for path in sorted((workspace / "invoices").glob("*/*.csv"))
    }


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def in_columns_of(older: bytes, newer: bytes) -> list[dict[str, str]]:
    """Return the rows of the newer CSV in the columns of the older one."""
    return [{name: row[name] for name in csv_rows(older)[0]} for row in csv_rows(newer)]


@pytest.mark.long
@PROGRAMS
def test_a_lake_of_before_is_opened_and_nothing_of_it_is_changed_by_looking_at_it(
    books: Path, run: Callable[..., Done]
) -> None:
    before = fingerprints(books)
    done = run(books, "verify", "recompute INV-000001", "doctor", "explain --request-id req-m4", "usage")
    assert done.returncode == 0, done.stdout + done.stderr
    assert fingerprints(books) == before


@pytest.mark.long
@PROGRAMS
def test_a_night_without_new_lines_reads_once_again_what_a_program_of_before_could_not_read(
    books: Path, run: Callable[..., Done]
) -> None:
    before, drafts = log_entries(books), invoices(books)
    assert drafts
    assert run(books, "nightly --as-of 2026-04-05T03:00:00Z").returncode == 0
    after = log_entries(books)
    assert after[:COMMITS] == before
    assert [stated(entry)["commitInfo"]["operation"] for entry in after[COMMITS:]] == ["ADD COLUMNS", "READ AGAIN"]
    assert (run is by_this_program) == ("add" not in stated(after[-1])), "what is the same is remembered, and no more"
    assert run(books, "nightly --as-of 2026-04-05T03:00:00Z", "verify").returncode == 0
    assert log_entries(books) == after
    now = invoices(books)
    assert {name: in_columns_of(content, now[name]) for name, content in drafts.items()} == {
        name: csv_rows(content) for name, content in drafts.items()
    }


@pytest.mark.long
@PROGRAMS
def test_a_lake_of_before_is_continued_verified_voided_issued_and_recomputed(
    books: Path, run: Callable[..., Done]
) -> None:
    before = log_entries(books)
    append_log(books, "app.jsonl", *ADDED)
    done = run(
        books,
        "nightly --as-of 2026-04-06T03:00:00Z",
        "verify",
        "recompute INV-000001",
        "invoice void INV-000001 --as-of 2026-04-07T09:00:00Z",
        "invoice issue --period 2026-03 --as-of 2026-04-07T10:00:00Z",
        *(f"recompute INV-00000{number}" for number in (1, 2, 3, 4)),
        "verify",
        "doctor",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("logs/app.jsonl\t") == QUARANTINED + 1
    after = log_entries(books)
    assert after[:COMMITS] == before
    growth = stated(after[COMMITS])
    assert growth.keys() == {"commitInfo", "metaData", "txn"}
    assert growth["commitInfo"]["operation"] == "ADD COLUMNS"
    assert growth["metaData"]["id"] == stated(before[0])["metaData"]["id"] == delta.TABLE_ID
    assert operations(books)[COMMITS:] == ["ADD COLUMNS", "READ AGAIN", "COLLECT"]
    assert stated(after[-1]).keys() == {"commitInfo", "txn", "add"}
    assert [stated(entry)["commitInfo"]["previousSha256"] for entry in after] == [
        None,
        *(hashlib.sha256(entry).hexdigest() for entry in after[:-1]),
    ]


@pytest.mark.long
def test_a_bundle_of_before_is_made_again_with_more_columns_and_what_came_since_is_named(
    books: Path, tmp_path: Path
) -> None:
    before = fingerprints(GOLDEN.parent / "bundle_of_version_1")
    assert by_this_program(books, f"recompute INV-000001 --bundle {tmp_path / 'bundle'}").returncode == 0
    now = fingerprints(tmp_path / "bundle")
    assert {name for name in before | now if before.get(name) != now.get(name)} == {
        "README.txt",
        "SHA256SUMS",
        "counting.sql",
        "invoice.csv",
        "lines.csv",
    }
    for name in ("invoice.csv", "lines.csv"):
        older = (GOLDEN.parent / "bundle_of_version_1" / name).read_bytes()
        assert in_columns_of(older, (tmp_path / "bundle" / name).read_bytes()) == csv_rows(older)
    counting = (tmp_path / "bundle" / "counting.sql").read_text(encoding="utf-8")
    assert 'create or replace temp table "usage_daily" as' in counting
    assert "@" not in counting
    assert "sum(prompt_audio_tokens)::bigint as prompt_audio_tokens" in counting


@pytest.mark.long
def test_what_follows_is_what_a_lake_of_one_version_gives(books: Path, tmp_path: Path) -> None:
    append_log(books, "app.jsonl", *ADDED)
    anew = shutil.copytree(GOLDEN, tmp_path / "anew", ignore=shutil.ignore_patterns("lake", "invoices"))
    shutil.copyfile(books / "logs" / "app.jsonl", anew / "logs" / "app.jsonl")
    shutil.rmtree(books / "invoices")
    for workspace in (books, anew):
        assert tallybook(workspace, "nightly", "--as-of", "2026-04-06T03:00:00Z").returncode == 0
    assert invoices(books) == invoices(anew) != {}
    assert [{**row, "date": None} for row in delta_rows(books)] == [{**row, "date": None} for row in delta_rows(anew)]
    assert len(log_entries(anew)) == 1
    assert stated(log_entries(anew)[0])["metaData"]["configuration"]["tallybook.lakeVersion"] == str(LAKE_VERSION)


@pytest.mark.long
def test_the_next_program_reads_what_came_before_as_null_and_so_does_every_engine_that_follows_the_log(
    books: Path,
) -> None:
    for number, run in enumerate((by_this_program, by_the_next_program)):
        append_log(books, "app.jsonl", plain(f"2026-04-0{5 + number}T09:00:00Z", id=f"chatcmpl-{number}"))
        done = run(books, f"nightly --as-of 2026-04-0{6 + number}T03:00:00Z")
        assert done.returncode == 0, done.stderr
    assert operations(books) == [
        *("COLLECT", "COLLECT", "ADD COLUMNS", "READ AGAIN", "COLLECT"),
        *("ADD COLUMNS", "COLLECT"),
    ]
    rows = delta_rows(books)
    assert len(rows) == EVENTS + 2
    assert [row["forecast"] for row in rows] == [None] * (EVENTS + 1) + ["rain"]
    assert [row[name] for row in rows for name in LATER] == [None] * len(LATER) * len(rows)
    table = DeltaTable(str(layout.usage_events(books / "lake")))
    query = (
        "select count(*) as events, count(forecast) as forecasts, count(prompt_audio_tokens) as audio, "
        "sum(prompt_tokens) as prompt from events"
    )
    counted = pa.table(QueryBuilder().register("events", table).execute(query).read_all()).to_pylist()
    assert counted == [
        {"events": EVENTS + 2, "forecasts": 1, "audio": 0, "prompt": sum(row["prompt_tokens"] or 0 for row in rows)}
    ]
    frame = pl.scan_delta(str(layout.usage_events(books / "lake"))).collect()
    assert sorted(frame["event_id"].to_list()) == sorted(row["event_id"] for row in rows)
    assert frame.select("forecast", "prompt_audio_tokens").count().row(0) == (1, 0)
    first = DeltaTable(str(layout.usage_events(books / "lake")), version=COMMITS - 1)
    assert [field.name for field in first.schema().fields] == [
        field["name"] for field in json.loads(delta.schema_string(1))["fields"]
    ]
    assert pa.table(first.to_pyarrow_table()).num_rows == EVENTS


@pytest.mark.parametrize("in_memory_max", [0, connection.IN_MEMORY_MAX])
@pytest.mark.parametrize("is_old_first", [True, False])
def test_staging_reads_files_of_all_versions_by_name_in_any_order(
    books: Path, monkeypatch: pytest.MonkeyPatch, *, is_old_first: bool, in_memory_max: int
) -> None:
    monkeypatch.setattr(connection, "IN_MEMORY_MAX", in_memory_max)
    append_log(books, "app.jsonl", *ADDED)
    assert tallybook(books, "collect").returncode == 0
    files = lake.verified_files(books / "lake", lake.read_log(books / "lake"))
    assert "prompt_audio_tokens" not in pq.read_schema(files[0]).names
    assert "prompt_audio_tokens" in pq.read_schema(files[-1]).names
    with connection.open_warehouse(books / "lake") as opened:
        connection.give_usage_events(opened, files if is_old_first else files[::-1])
        found = opened.sql(
            "select count(*), count(prompt_audio_tokens), sum(prompt_tokens)::bigint from lake_usage_events"
        ).fetchall()
    prompt = [
        pq.read_table(file, columns=["prompt_tokens"], partitioning=None)["prompt_tokens"].to_pylist() for file in files
    ]
    assert found == [(EVENTS + 1, 0, sum(tokens or 0 for each in prompt for tokens in each))]


REFUSED = [
    *(["collect"], ["nightly"], ["verify"], ["usage"]),
    *(["invoice", "issue", "--period", "2026-03"], ["invoice", "void", "INV-000001"], ["recompute", "INV-000001"]),
    ["explain", "INV-000001", "1"],
]


@pytest.mark.long
def test_a_lake_of_the_next_program_is_refused_with_the_advice_to_upgrade_and_nothing_is_touched(books: Path) -> None:
    append_log(books, "app.jsonl", *ADDED)
    assert by_the_next_program(books, "nightly --as-of 2026-04-06T03:00:00Z").returncode == 0
    append_log(books, "app.jsonl", plain("2026-04-07T09:00:00Z", id="chatcmpl-later"))
    before = fingerprints(books)
    advice = f"commit 2 states version {LAKE_VERSION + 1} of the lake with the columns forecast"
    for command in REFUSED:
        done = tallybook(books, *command)
        assert done.returncode == 2, (command, done.stdout)
        assert advice in done.stderr, (command, done.stderr)
        assert "; upgrade Tallybook" in done.stderr
        assert "restore" not in done.stderr
    doctor = tallybook(books, "doctor")
    assert doctor.returncode == 2
    assert advice in doctor.stdout
    assert fingerprints(books) == before


def rewrite(workspace: Path, number: int, change: Callable[[dict[str, Any]], object]) -> None:
    """Change an entry so that its seal fits, and cut off those that follow."""
    paths = sorted(layout.delta_log(workspace / "lake").glob("*.json"))
    actions = [json.loads(line) for line in paths[number].read_text().splitlines()]
    actions[0]["commitInfo"]["sealSha256"] = entries.UNSEALED
    change({kind: body for action in actions for kind, body in action.items()})
    paths[number].write_bytes(
        entries.seal("".join(json.dumps(action, separators=(",", ":")) + "\n" for action in actions).encode())
    )
    for path in paths[number + 1 :]:
        path.unlink()


def with_fields(metadata: dict[str, Any], *fields: dict[str, Any]) -> None:
    schema = json.loads(metadata["schemaString"])
    schema["fields"] += fields
    metadata["schemaString"] = json.dumps(schema)


REGION = {"name": "region", "type": "string", "nullable": True, "metadata": {}}
NEWER: dict[str, Callable[[dict[str, Any]], object]] = {
    "a version above ours": lambda said: said["metaData"]["configuration"].update(
        {"tallybook.lakeVersion": str(LAKE_VERSION + 7)}
    ),
    "columns after ours": lambda said: with_fields(said["metaData"], REGION),
    "another protocol too": lambda said: (
        with_fields(said["metaData"], REGION),
        said["protocol"].update(minReaderVersion=3),
    ),
    "fields of its own too": lambda said: (
        with_fields(said["metaData"], REGION),
        said["commitInfo"].update(region="x"),
    ),
    "an operation of its own": lambda said: (
        with_fields(said["metaData"], REGION),
        said["commitInfo"].update(operation="COMPACT"),
    ),
}


@pytest.mark.parametrize("change", NEWER.values(), ids=NEWER.keys())
def test_whatever_else_a_newer_lake_says_it_is_newer_and_not_damaged(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    commit_events(tmp_path / "lake", lake.LakeSnapshot(), [event(1, datetime(2026, 3, 2, tzinfo=UTC))])
    rewrite(tmp_path, 0, change)
    with pytest.raises(LakeIsNewer, match="upgrade Tallybook"):
        lake.read_log(tmp_path / "lake")


FOREIGN: dict[str, Callable[[dict[str, Any]], object]] = {
    "a column before ours": lambda said: said["metaData"].update(
        schemaString=said["metaData"]["schemaString"].replace("event_id", "other_id")
    ),
    "another type": lambda said: said["metaData"].update(
        schemaString=said["metaData"]["schemaString"].replace('"integer"', '"long"')
    ),
    "a column taken away": lambda said: said["metaData"].update(schemaString=delta.schema_string(1)),
    "a version that is none": lambda said: said["metaData"]["configuration"].update({"tallybook.lakeVersion": "two"}),
    "a version before that one": lambda said: (
        said["metaData"]["configuration"].pop("tallybook.lakeVersion"),
        said["metaData"].update(schemaString=delta.schema_string(1)),
    ),
    "another table": lambda said: said["metaData"].update(id="00000000-0000-0000-0000-000000000000"),
    "a file too": lambda said: said["commitInfo"].update(
        quarantine=[{"path": f"{'0a' * 32}.parquet", "sha256": "0a" * 32, "size": 1, "rows": 1}]
    ),
    "another operation": lambda said: said["commitInfo"].update(operation="COLLECT"),
}


@pytest.mark.parametrize("change", FOREIGN.values(), ids=FOREIGN.keys())
def test_columns_that_nobody_of_ours_could_add_are_refused_as_foreign(
    books: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    append_log(books, "app.jsonl", *ADDED)
    assert tallybook(books, "collect").returncode == 0
    rewrite(books, COMMITS, lambda _: None)
    assert (
        lake.read_log(books / "lake").lake_version == LAKE_VERSION
    )  # an entry that was only sealed again is still ours
    rewrite(books, COMMITS, change)
    with pytest.raises(LogEntryRefused, match=r"0002\.json is refused.*restore the lake from a backup"):
        lake.read_log(books / "lake")


@pytest.mark.long
def test_a_death_while_the_lake_grows_loses_nothing_and_a_rerun_states_the_columns_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = set()
    for die_at in count(1):
        lake_dir = shutil.copytree(GOLDEN / "lake", tmp_path / f"death-{die_at}" / "lake")
        fault = FaultyOs(lake_dir.parent, die_at=die_at)
        monkeypatch.setattr(disk, "os", fault)
        added = [event(1, datetime(2026, 4, 5, tzinfo=UTC))]
        try:
            commit_events(lake_dir, lake.read_log(lake_dir), added, source="logs/b.jsonl")
            break
        except Died:
            fault.revive()
        left = lake.read_log(lake_dir)
        seen.add(left.version)
        if len(left.sources) == COMMITS:
            commit_events(lake_dir, left, added, source="logs/b.jsonl")
        after = lake.read_log(lake_dir)
        assert (after.version, after.lake_version, sum(file.rows for file in after.data_files)) == (
            COMMITS + 1,
            LAKE_VERSION,
            EVENTS + 1,
        )
        lake.verified_files(lake_dir, after)
    assert seen == {COMMITS - 1, COMMITS, COMMITS + 1}


@pytest.mark.slow
def test_a_death_while_a_lake_of_before_is_read_again_leaves_the_old_reading_or_the_new_one(tmp_path: Path) -> None:
    def configured_otherwise(die_at: int) -> Path:
        books = shutil.copytree(GOLDEN, tmp_path / f"death-{die_at}")
        settings = books / "tallybook.toml"
        settings.write_text(settings.read_text(encoding="utf-8") + 'identity = "request-id"\n', encoding="utf-8")
        return books

    seen = set()
    again = ("collect", "--again", "--as-of", "2026-04-05")
    for death in deaths(configured_otherwise, lambda books: tallybook(books, *again)):
        books = death.root
        left = tuple(operations(books)[COMMITS:])
        lake.verified_files(books / "lake", lake.read_log(books / "lake"))
        assert tallybook(books, *again).returncode == 0
        assert operations(books)[COMMITS:] == ["ADD COLUMNS", "READ AGAIN"]
        if left not in seen:
            done = by_this_program(books, "nightly --as-of 2026-04-05", "verify", "recompute INV-000001")
            assert done.returncode == 0, done.stdout + done.stderr
        seen.add(left)
    assert seen == {(), ("ADD COLUMNS",), ("ADD COLUMNS", "READ AGAIN")}


def test_a_column_that_came_later_may_be_null() -> None:
    with pytest.raises(ValueError, match="region came with version 2 of the lake, so it is null in older files"):
        Column(name="region", kind=Kind.TEXT, role=Role.DIMENSION, nullable=False, since=2, says="where it was served")


def test_columns_stand_in_the_order_of_their_versions_and_once() -> None:
    versions = [column.since for column in COLUMNS]
    assert versions == sorted(versions)
    assert len({column.name for column in COLUMNS}) == len(COLUMNS)
    assert stated(log_entries(GOLDEN)[0])["metaData"]["schemaString"] == delta.schema_string(1)


COUNTS = ('{"images":2,"search.requests":31}', "{}")
TEXTS = ("tell me a joke", '{"say":"hello"}', '{"images": 2}', '{"seconds":1.5}', '{"tell me":1}')


@pytest.mark.long
@pytest.mark.parametrize(("other_usage", "code"), [(text, 0) for text in COUNTS] + [(text, 6) for text in TEXTS])
def test_other_usage_holds_names_and_counts_and_verify_finds_any_text_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other_usage: str, code: int
) -> None:
    read = decode.read_exchange

    def stating_more(*given: Any) -> BodyReading:
        reading = read(*given)
        assert reading.tokens is not None
        return reading._replace(
            tokens=replace(reading.tokens, prompt_audio_tokens=1),
            other_usage=other_usage,
            left_out=frozenset({"usage.b", "usage.a"}),
        )

    monkeypatch.setattr(readers, "_idle", {})  # no shape is known that was asked of another reader
    monkeypatch.setattr(finder, "_known", {})
    monkeypatch.setattr(finder, "_met", {})
    monkeypatch.setattr(decode, "read_exchange", stating_more)
    books = make_workspace(tmp_path / "books")
    write_log(books, "app.jsonl", plain("2026-03-01T10:00:00Z", id="a"))
    assert tallybook(books, "nightly", "--as-of", "2026-03-02").returncode == 0
    (row,) = delta_rows(books)
    assert (row["other_usage"], row["left_out"], row["prompt_audio_tokens"], row["completion_audio_tokens"]) == (
        other_usage,
        "usage.a,usage.b",
        1,
        None,
    )
    verified = tallybook(books, "verify", "--json")
    assert verified.returncode == code
    assert [check["name"] for check in json.loads(verified.stdout)["checks"] if not check["ok"]] == (
        ["no_free_text_in_the_lake"] if code else []
    )
