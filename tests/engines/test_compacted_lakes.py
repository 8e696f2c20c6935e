"""A compacted lake is counted by a server as by DuckDB, also as of a commit whose rows lie in part of a file.

Beside it, workers write into a lake that is compacted between their nights.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from random_logs import make_workspace as make_random_workspace
from servers import bucket, s3_endpoint
from test_collecting_on_workers import AS_OF, asked, collected, lines
from workspaces import append_log, make_workspace, plain, tallybook, write_log
from written_lakes import assert_same_books, rows_of, twins_of_which_one_writes

from pipeline.lake import read_log
from pipeline.objects.encoded.parquet_bytes import SomeRows, row_count
from pipeline.warehouse.engines.on_spark import ConnectSession

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.objects.encoded.parquet_bytes import FileRows

__all__ = ["asked", "bucket", "s3_endpoint"]

COMPACT = ("compact", "--as-of", "2026-11-03T11:00:00Z")
COMPACT_LATER = ("compact", "--as-of", "2026-12-05T11:00:00Z")


class Given(list["tuple[int, int]"]):
    """Of each count at the server: how many files it read whole, and how many rows went there from here."""


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> Given:
    noted = Given()
    give = ConnectSession.give_usage_events

    def spied(self: ConnectSession, files: Sequence[FileRows]) -> None:
        some = [file for file in files if isinstance(file, SomeRows)]
        noted.append((len(files) - len(some), sum(map(row_count, some))))
        give(self, files)

    monkeypatch.setattr(ConnectSession, "give_usage_events", spied)
    return noted


def answer(root: Path, *arguments: str) -> str:
    done = tallybook(root, *arguments)
    assert done.returncode == 0, (arguments, done.stdout[-500:], done.stderr)
    return done.stdout


@pytest.fixture
def issued(tmp_path: Path) -> Path:
    """An invoice was issued of the first of three commits of its days; each commit has a copy of one line."""
    root = make_workspace(tmp_path / "books")
    for number in range(3):
        some = [
            plain(f"2026-09-{day}T1{number}:00:00Z", id=f"{day}-{number}", prompt=1_000_003, completion=number + 7)
            for day in (28, 29)
        ]
        copy = plain("2026-09-28T10:00:00Z", id="28-0", prompt=1_000_003, completion=7)
        (append_log if number else write_log)(root, "a.jsonl", *some, copy)
        answer(root, "nightly", "--as-of", "2026-11-02", "--force")
        if not number:
            answer(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-11-02")
    return root


@pytest.mark.long
def test_a_server_counts_a_compacted_lake_also_as_of_an_invoice_of_part_of_its_files(
    sail: str, issued: Path, given: Given
) -> None:
    asked = (("recompute", "INV-000001"), ("usage", "--by", "key,day,fate", "-o", "csv"))
    before = [answer(issued, *each) for each in asked]
    assert len(read_log(issued / "lake").data_files) == 6
    answer(issued, *COMPACT)
    assert len({file.stored.path for file in read_log(issued / "lake").data_files}) == 2
    for engine in ("duckdb", sail):
        assert [answer(issued, "--engine", engine, *each) for each in asked] == before
    assert (0, 3) in given, "the three lines of the first commit lie in part of two files"
    given.clear()
    answer(issued, "--engine", sail, "verify")
    answer(issued, "--engine", sail, "nightly", "--as-of", "2026-11-05", "--force")
    assert (2, 0) in given, "all that counts is read there"
    answer(issued, "--engine", "duckdb", "verify")


@pytest.mark.long
def test_a_server_counts_a_part_of_a_file_beside_files_that_it_reads_whole(
    sail: str, issued: Path, given: Given
) -> None:
    before = answer(issued, "recompute", "INV-000001")
    answer(issued, "compact", "--before", "2026-09-29", *COMPACT[1:])
    for engine in ("duckdb", sail):
        assert answer(issued, "--engine", engine, "recompute", "INV-000001") == before
    assert given == [(1, 2)], "one day is compacted, and the other lies in the file of its commit"


def nights_between_which_one_compacts(here: Path, there: Path) -> None:
    for number in range(3):
        if number:
            for root in (here, there):
                append_log(root, "a.log", *lines(*range(100 * number, 100 * number + 7)), "{broken")
                write_log(root, f"new-{number}.log", *lines(*range(100 * number + 50, 100 * number + 57)))
        assert collected(there) == collected(here)
        answer(there, *COMPACT_LATER)
        assert_same_books(there, here)


@pytest.mark.long
@pytest.mark.parametrize("on", ["a folder", "a store"])
def test_workers_write_into_a_lake_that_is_compacted_between_their_nights(
    on: str, request: pytest.FixtureRequest, sail: str, asked: Any, tmp_path: Path
) -> None:
    def make(root: Path) -> None:
        make_workspace(root)
        write_log(root, "a.log", *lines(*range(9)), "{broken")
        write_log(root, "b.log", *lines(*range(20, 29)))

    here, there = twins_of_which_one_writes(tmp_path, sail, make)
    if on == "a store":
        config = there / "tallybook.toml"
        text = f'{config.read_text(encoding="utf-8")}\n[lake]\nurl = "{request.getfixturevalue("bucket")}/lake"\n'
        config.write_text(text, encoding="utf-8")
    nights_between_which_one_compacts(here, there)
    assert len(asked) == 2 + 2 + 2, "workers read each log that is new or grew"
    snapshot = read_log(there / "lake")
    assert len(snapshot.data_files) == 3
    assert len({file.stored.path for file in snapshot.data_files}) == 1
    for root in (here, there):
        answer(root, "--engine", "duckdb", "nightly", *AS_OF, "--force")
    for each in (("usage", "--by", "key,day,fate,status"), ("cost", "--by", "account,day")):
        words = ("--engine", "duckdb", *each, "-o", "csv")
        assert answer(there, *words) == answer(here, *words)
    assert answer(there, "--engine", "duckdb", "verify", "--logs")


@pytest.mark.slow
@pytest.mark.parametrize("seed", [21, 22, 23])
def test_logs_full_of_traps_beside_compaction_are_the_same_books(
    seed: int, sail: str, asked: Any, tmp_path: Path
) -> None:
    here, there = twins_of_which_one_writes(tmp_path, sail, lambda root: make_random_workspace(root, seed, lines=150))
    held = {root: [log.read_bytes() for log in sorted((root / "logs").iterdir())] for root in (here, there)}
    assert held[here] == held[there]
    for root in (here, there):  # at first half of each log that is not compressed
        for log in sorted((root / "logs").glob("*.jsonl")):
            content = log.read_bytes()
            log.write_bytes(content[: content.rfind(b"\n", 0, len(content) // 2) + 1])
    assert collected(there) == collected(here)
    answer(there, *COMPACT_LATER)
    for root in (here, there):
        for log, content in zip(sorted((root / "logs").iterdir()), held[root], strict=True):
            if log.suffix == ".jsonl":
                log.write_bytes(content)
    assert collected(there) == collected(here)
    answer(there, *COMPACT_LATER)
    assert asked
    assert rows_of(there)[0].num_rows
    assert_same_books(there, here)
    for root in (here, there):
        answer(root, "--engine", "duckdb", "nightly", *AS_OF, "--force")
    each = ("usage", "--by", "key,day,fate,status", "-o", "csv")
    assert answer(there, "--engine", "duckdb", *each) == answer(here, "--engine", "duckdb", *each)
