"""Logs on a store that workers read themselves: the same lake as where this machine reads them, to the byte."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest
from servers import bucket, s3_endpoint
from stored_objects import put, watched
from test_collecting_on_workers import AS_OF, asked, collected, lake_of, lines, read_here, twins
from workspaces import make_workspace, tallybook
from written_lakes import assert_same_books, twins_of_which_one_writes

from pipeline.collectors.logs.stored import object_bytes
from pipeline.jobs.night.on_workers import at_worker, logs_on_workers
from pipeline.lake import read_log

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from test_collecting_on_workers import Asked

__all__ = ["asked", "bucket", "s3_endpoint"]


def log_of(*numbers: int) -> bytes:
    return "".join(f"{each}\n" for each in lines(*numbers)).encode()


def reading(url: str) -> Any:
    """Return what makes a workspace whose logs lie below an address."""

    def make(root: Path) -> None:
        source = f'[[sources]]\nname = "gateway"\npaths = {json.dumps([f"{url}/logs/**"])}\nformat = "request-log"\n'
        make_workspace(root, config=source)

    return make


@pytest.mark.long
def test_objects_that_grow_are_copied_and_compressed_give_the_same_lake_and_are_read_by_workers_alone(
    sail: str, bucket: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins(tmp_path, sail, reading(bucket))
    names = read_here(monkeypatch)
    put(f"{bucket}/logs/a.jsonl", log_of(*range(300)))
    put(f"{bucket}/logs/b.jsonl.gz", gzip.compress(log_of(*range(400, 420)) + b"{broken\n", mtime=0))
    nights = [collected(there)]
    assert names == []
    nights.append(collected(here))
    assert nights[0] == nights[1]
    assert sorted(asked) == [f"{bucket}/logs/a.jsonl", f"{bucket}/logs/b.jsonl.gz"]
    names.clear()
    put(f"{bucket}/logs/a.jsonl", log_of(*range(310)) + b"{half")
    put(f"{bucket}/logs/old/a.jsonl.gz", gzip.compress(log_of(*range(305)), mtime=0))
    nights = [collected(there)]
    assert names == []
    nights.append(collected(here))
    assert nights[0] == nights[1]
    assert lake_of(there) == lake_of(here)
    assert "testing" not in asked.sent  # neither id nor secret of the credentials, which workers have themselves


def test_the_next_night_asks_for_nothing_of_what_workers_read(
    sail: str, bucket: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, there = twins(tmp_path, sail, reading(bucket))
    for number in range(5):
        put(f"{bucket}/logs/{number}.jsonl", log_of(number, number + 10))
    requests = watched(monkeypatch)
    collected(there)
    assert len(requests.ranges) == 10  # this machine sees how each begins, and a worker reads it
    assert len(asked) == 5
    requests.clear()
    collected(there)
    assert requests.ranges == []
    assert len(asked) == 5


@pytest.mark.long
@pytest.mark.parametrize("when", ["before a worker opens it", "while a worker reads it"])
def test_an_object_replaced_since_it_was_listed_is_told_and_read_by_the_next_night(
    when: str, sail: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins_of_which_one_writes(tmp_path, sail, reading(bucket))
    put(f"{bucket}/logs/a.jsonl", log_of(*range(3_000)))  # more than is asked for at once
    put(f"{bucket}/logs/b.jsonl", log_of(9_000, 9_001))
    answers, requests = at_worker.answers, watched(monkeypatch)

    def replaced(_: str, start: int, __: int) -> None:
        if start or when.startswith("before"):
            requests.before_range = None
            put(f"{bucket}/logs/a.jsonl", log_of(*range(5_000, 8_000)))

    def noted(shared: str, task: str) -> Iterator[tuple[str, bytes]]:
        requests.before_range = replaced
        return answers(shared, task)

    with monkeypatch.context() as once:
        once.setattr(at_worker, "answers", noted)
        done = tallybook(there, "collect", *AS_OF)
    assert "replaced_while_read" in done.stderr
    assert [record.source for record in read_log(there / "lake").sources] == [f"{bucket}/logs/b.jsonl"]
    collected(there)
    collected(here)
    assert_same_books(there, here)


def test_a_store_that_workers_cannot_reach_is_refused_in_one_line_and_a_rerun_ends_right(
    sail: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins(tmp_path, sail, reading(bucket))
    put(f"{bucket}/logs/a.jsonl", log_of(1, 2))
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(at_worker, "_stored", lambda logs: ({}, {log.bucket: "no credentials" for log in logs}))
        done = tallybook(there, "collect", *AS_OF)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (8, "", 1), done.stderr
    assert f"a worker cannot open {bucket}/logs/a.jsonl (no credentials), which this machine can" in done.stderr
    assert "in their own environment" in done.stderr
    assert read_log(there / "lake").version is None
    assert collected(there) == collected(here)
    assert lake_of(there) == lake_of(here)


def test_a_store_that_nobody_reaches_is_the_warning_of_always(
    sail: str, bucket: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins(tmp_path, sail, reading(bucket))
    put(f"{bucket}/logs/a.jsonl", log_of(1, 2))
    monkeypatch.setattr(object_bytes, "_range", _refused)
    done = [tallybook(root, "collect", *AS_OF) for root in (here, there)]
    assert done[0] == done[1]
    assert "store_refused" in done[1].stderr
    assert asked == []


def _refused(*_: Any) -> bytes:
    message = "the store is away"
    raise object_bytes.StoreRefused(message)


@pytest.mark.long
def test_logs_and_lake_on_the_store_give_the_same_books(
    sail: str, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = twins_of_which_one_writes(tmp_path, sail, reading(bucket))
    config = there / "tallybook.toml"
    config.write_text(f'{config.read_text(encoding="utf-8")}\n[lake]\nurl = "{bucket}/lake"\n', encoding="utf-8")
    monkeypatch.setattr(logs_on_workers, "_TASK_BYTES", 3 * 2**20)
    for number in range(9):
        put(f"{bucket}/logs/{number}.jsonl", log_of(*range(10 * number, 10 * number + 12)))  # some lines twice
    assert collected(there) == collected(here)
    assert_same_books(there, here)
    assert len(read_log(there / "lake").data_files) == 3
    assert collected(there) == collected(here)
