"""A column of an event is one declaration: a copy of the program, with two of them added to one tuple and nothing else
touched, reads them, keeps them, counts by one and adds up the other.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest
from documented import ROOT
from workspaces import Done, append_log, fingerprints, make_workspace, plain, stream, tallybook, write_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Names that no column will ever have.
DECLARED = """
    Column(
        name="hemisphere",
        kind=Kind.TEXT,
        role=Role.DIMENSION,
        log_field="hemisphere",
        since=99,
        says="where it was served, as the log names it",
    ),
    Column(name="pebbles", kind=Kind.COUNT, role=Role.USAGE, log_field="meta.pebbles", since=99, says="counted"),
"""
END_OF_COLUMNS = ')\n"""In the order of a row."""'
AS_OF = ("--as-of", "2026-11-01T03:00:00Z")
SOURCES = """
[[sources]]
name = "gateway"
paths = ["logs/*.jsonl"]
format = "request-log"

[[sources]]
name = "edge"
paths = ["logs/*.log"]
format = "request-log"
fields = { ts = "time" }
"""
RENAMED = SOURCES.replace("{ ts", '{ hemisphere = "served.by", ts')


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the program that has two columns more."""
    copy: Path = tmp_path_factory.mktemp("program")
    for name in ("pipeline", "sql", "benchmarks", "tests/support"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    events = copy / "pipeline" / "usage" / "events.py"
    text = events.read_text(encoding="utf-8")
    assert text.count(END_OF_COLUMNS) == 1
    events.write_text(text.replace(END_OF_COLUMNS, DECLARED.strip("\n") + "\n" + END_OF_COLUMNS), encoding="utf-8")
    return copy


def environment(program: Path) -> dict[str, str]:
    """This one's, for a program that is compiled once, however many processes it is run in."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "PYTHONPATH": str(program), "PYTHONPYCACHEPREFIX": str(program / "compiled")}


def by(program: Path, workspace: Path, *arguments: str) -> Done:
    done = subprocess.run(
        [sys.executable, "-c", "from pipeline.cli import main; main()", "-w", str(workspace), *arguments],
        cwd=program,
        env=environment(program),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Done(returncode=done.returncode, stdout=done.stdout, stderr=done.stderr)


def usage(program: Path, workspace: Path, *words: str) -> list[dict[str, str]]:
    done = by(program, workspace, "usage", "--by", ",".join(words), "-o", "csv")
    assert done.returncode == 0, done.stderr
    return list(csv.DictReader(done.stdout.splitlines()))


def lines(count: int) -> Iterator[str]:
    """Many that are written alike, in turns of a hemisphere, another one, one that is odd, and none."""
    for number in range(count):
        hemisphere: dict[str, Any] = [{"hemisphere": "eu-1"}, {"hemisphere": "us 2"}, {"hemisphere": ["eu-1"]}, {}][
            number % 4
        ]
        pebbles = {"meta": {"pebbles": number}} if number % 10 == 0 else {}
        yield plain(
            f"2026-10-05T10:00:00.{number:06}Z", id=f"c-{number}", prompt=100, completion=7, **hemisphere, **pebbles
        )


@pytest.fixture(scope="module")
def counted(program: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A night of the program of today, and then one of the other with the new fields in its logs."""
    root = make_workspace(tmp_path_factory.mktemp("books") / "books", config=SOURCES)
    write_log(root, "a.jsonl", plain("2026-10-04T10:00:00Z", id="before", prompt=5, hemisphere="eu-1"))
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    (root / "tallybook.toml").write_text(RENAMED, encoding="utf-8")
    write_log(root, "b.jsonl", *lines(1000))
    cut = [stream("2026-10-05T11:00:00Z", id="s", pieces=["a"] * 5, usage=None, hemisphere="eu-1", request_id="s")]
    append_log(root, "b.jsonl", *cut)
    edge = json.loads(plain("2026-10-05T12:00:00Z", id="e", prompt=9))
    edge = {**edge, "time": edge.pop("ts"), "served": {"by": "edge-3"}, "hemisphere": "not this one"}
    write_log(root, "c.log", json.dumps(edge))
    done = by(program, root, "nightly", *AS_OF)
    assert done.returncode == 0, done.stderr
    return root


@pytest.mark.long
def test_usage_is_counted_by_the_new_dimension_and_the_new_count_is_added_up(program: Path, counted: Path) -> None:
    found = {
        row["hemisphere"]: (row["events"], row["prompt_tokens"], row["pebbles"])
        for row in usage(program, counted, "hemisphere")
    }
    pebbles = [sum(number for number in range(0, 1000, 10) if number % 4 == turn) for turn in range(4)]
    assert found == {
        "": ("501", "50005", str(pebbles[2] + pebbles[3])),  # the night before knew none; one is odd, and left out
        "eu-1": ("250", "25000", str(pebbles[0])),
        "us%202": ("250", "25000", str(pebbles[1])),
        "edge-3": ("1", "9", "0"),
    }
    by_status = {
        (row["hemisphere"], row["status"]): row["events"] for row in usage(program, counted, "hemisphere", "status")
    }
    assert by_status["eu-1", "estimated"] == "1"
    refused = by(program, counted, "usage", "--by", "hemisphere,meter")
    assert (refused.returncode, "cannot be combined with hemisphere or status or fate" in refused.stderr) == (2, True)


@pytest.mark.slow
def test_the_lake_and_the_marts_have_both_and_what_was_before_is_null(program: Path, counted: Path) -> None:
    (mart,) = (counted / "lake" / "exchanges_daily").glob("2026-10.*.parquet")
    names = pq.read_schema(mart).names
    assert names[names.index("service_tier") + 1] == "hemisphere"
    assert names[-1] == "pebbles"
    rows = [
        row
        for path in sorted((counted / "lake" / "usage_events").glob("date=*/*.parquet"))
        for row in pq.read_table(path, partitioning=None).to_pylist()
    ]
    assert {row.get("hemisphere") for row in rows if row["source"] == "logs/a.jsonl"} == {None}
    odd = [row for row in rows if row["response_id"] == "c-2"]
    assert [(row["hemisphere"], row["pebbles"], row["left_out"]) for row in odd] == [(None, None, "hemisphere")]
    assert [row["pebbles"] for row in rows if row["response_id"] == "c-30"] == [30]
    for command in (("verify",), ("doctor",), ("explain", "--request-id", "c-4")):
        done = by(program, counted, *command)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_two_copies_that_differ_in_the_new_count_alone_are_different_measurements(
    program: Path, tmp_path: Path
) -> None:
    root = make_workspace(tmp_path / "books")
    twice = [plain(f"2026-10-05T1{hour}:00:00Z", id="twice", prompt=3, meta={"pebbles": hour}) for hour in range(2)]
    write_log(root, "a.jsonl", *twice)
    assert by(program, root, "nightly", *AS_OF).returncode == 0
    assert [(row["fate"], row["events"]) for row in usage(program, root, "fate")] == [
        ("conflict", "1"),
        ("survivor", "1"),
    ]


@pytest.mark.long
def test_the_sql_that_is_printed_has_them_and_no_invoice_is_another(
    program: Path, counted: Path, tmp_path: Path
) -> None:
    printed = by(program, counted, "sql", "exchanges_daily").stdout
    assert "    hemisphere,\n" in printed
    assert "    sum(pebbles)::bigint as pebbles\n" in printed
    today = shutil.copytree(counted, tmp_path / "today", ignore=shutil.ignore_patterns("lake", "invoices"))
    (today / "tallybook.toml").write_text(SOURCES, encoding="utf-8")
    assert tallybook(today, "nightly", *AS_OF).returncode == 0
    assert fingerprints(today / "invoices") == fingerprints(counted / "invoices")


@pytest.mark.slow
def test_both_readers_read_the_new_fields_alike(program: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.fuzz", "--lines", "6000", "--seed", "1", "--processes", "1"],
        cwd=program,
        env=environment(program),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.long
def test_a_field_that_is_usage_and_no_count_quarantines_its_line(program: Path, tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    write_log(root, "a.jsonl", plain("2026-10-05T10:00:00Z", id="a", meta={"pebbles": -1}))
    done = by(program, root, "nightly", "--json", *AS_OF)
    assert "invalid_field" in done.stdout, done.stdout
