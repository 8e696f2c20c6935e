"""Listing behind a mark: what was settled is not listed each night, and nothing is lost for it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest
from stored_objects import put, watched
from workspaces import make_workspace, plain, tallybook

from pipeline.configuration.stored.stored_log import StoredLog
from pipeline.jobs.state.stored.listings import Listing, listings_bytes, listings_from, next_listing
from pipeline.lake.commits import read_log

if TYPE_CHECKING:
    from pathlib import Path

    from stored_objects import Requests
    from workspaces import Done

    from pipeline.objects.stores import ObjectStore

NOW = datetime.now(tz=UTC).replace(microsecond=0)


def log_at(key: str, *, days_ago: int) -> StoredLog:
    return StoredLog(
        url=f"s3://bucket/{key}",
        size=1,
        tag=key,
        modified_at=NOW - timedelta(days=days_ago),
        store=cast("ObjectStore", SimpleNamespace(url="s3://bucket")),
    )


def mark_of(*logs: StoredLog, after: str | None = None, open_keys: str = "") -> str | None:
    before = Listing(all_at=NOW, mark=after)
    found = next_listing(before, logs, after=after, now=NOW, is_done_with=lambda log: log.key not in open_keys.split())
    return found.mark


def test_the_mark_is_the_last_key_up_to_which_all_are_collected_and_settled() -> None:
    logs = [log_at(key, days_ago=5) for key in "abcd"]
    assert mark_of(*logs) == "d"
    assert mark_of(*logs, open_keys="c") == "b"
    assert mark_of(*logs, open_keys="a") is None
    assert mark_of(*logs[:2], log_at("c", days_ago=1), log_at("d", days_ago=5)) == "b"


def test_a_mark_moves_on_from_where_it_was() -> None:
    assert mark_of(log_at("m", days_ago=5), after="k") == "m"
    assert mark_of(log_at("m", days_ago=1), after="k") == "k"
    assert mark_of(after="k") == "k"


def test_all_keys_are_due_after_as_many_days_as_were_said_and_always_where_none_were() -> None:
    listing = Listing(all_at=NOW, mark="k")
    assert listing.after(NOW + timedelta(days=6), 7) == "k"
    assert listing.after(NOW + timedelta(days=7), 7) is None
    assert listing.after(NOW, 0) is None


def test_all_keys_are_due_once_a_clock_that_was_ahead_is_right_again() -> None:
    listing = next_listing(None, [], after=None, now=NOW + timedelta(days=400), is_done_with=lambda _: True)
    ahead = replace(listing, mark="k")
    assert ahead.after(NOW, 7) is None
    again = next_listing(ahead, [], after=None, now=NOW, is_done_with=lambda _: True)
    assert (again.all_at, again.mark) == (NOW, None)


def test_a_listing_of_the_rest_does_not_count_as_one_of_all() -> None:
    before = Listing(all_at=NOW - timedelta(days=3), mark="k")
    assert next_listing(before, (), after="k", now=NOW, is_done_with=lambda _: True).all_at == before.all_at
    assert next_listing(before, (), after=None, now=NOW, is_done_with=lambda _: True).all_at == NOW


def test_listings_are_read_back_as_they_were_written() -> None:
    listings = {"s3://b/*": Listing(all_at=NOW, mark="ü", collected=7), "gs://b/*": Listing(all_at=NOW, mark=None)}
    assert listings_from(listings_bytes(listings)) == listings


@pytest.fixture
def requests(bucket: str, monkeypatch: pytest.MonkeyPatch) -> Requests:
    assert bucket
    return watched(monkeypatch)


def collect(workspace: Path, *, days: int) -> Done:
    done = tallybook(workspace, "collect", "--as-of", (NOW + timedelta(days=days)).isoformat())
    assert done.returncode == 0, done.stderr
    return done


def line(number: int) -> bytes:
    return f"{plain('2026-10-01T12:00:00Z', id=f'r{number}')}\n".encode()


@pytest.mark.long
def test_a_night_lists_behind_the_mark_and_what_came_late_before_it_is_found_by_the_full_listing(
    tmp_path: Path, bucket: str, requests: Requests
) -> None:
    glob = f"{bucket}/logs/*.jsonl"
    source = f'[[sources]]\nname = "gateway"\npaths = ["{glob}"]\nformat = "request-log"\nfull_listing_days = 7\n'
    workspace = make_workspace(tmp_path / "w", config=source)
    for number in (1, 3):
        put(f"{bucket}/logs/{number}.jsonl", line(number))
    collect(workspace, days=3)  # both were put three days before that
    requests.clear()
    put(f"{bucket}/logs/2.jsonl", line(2))  # before the mark
    put(f"{bucket}/logs/4.jsonl", line(4))
    done = collect(workspace, days=4)
    assert requests.listed == [("logs", "logs/3.jsonl")]
    assert f"{glob}: 1 log listed behind logs/3.jsonl; all were listed on " in done.stdout
    assert "collected 1 new line from 1 of 1 log" in done.stdout
    assert "before" in tallybook(workspace, "doctor").stdout
    assert "runs list those behind logs/4.jsonl" in tallybook(workspace, "doctor").stdout
    assert "1 log" not in collect(workspace, days=5).stderr  # no warning that no file fits, or that one is gone
    requests.clear()
    assert "collected 1 new line from 1 of 4 logs" in collect(workspace, days=10).stdout
    assert requests.listed == [("logs", None)]
    assert {key for key, _, _ in requests.ranges} == {"logs/2.jsonl"}
    assert sum(sum(record.events.values()) for record in read_log(workspace / "lake").sources) == 4


@pytest.mark.long
def test_where_nothing_is_said_every_night_lists_all(tmp_path: Path, bucket: str, requests: Requests) -> None:
    source = f'[[sources]]\nname = "gateway"\npaths = ["{bucket}/logs/*"]\nformat = "request-log"\n'
    workspace = make_workspace(tmp_path / "w", config=source)
    put(f"{bucket}/logs/2.jsonl", line(2))
    collect(workspace, days=3)
    put(f"{bucket}/logs/1.jsonl", line(1))
    requests.clear()
    assert "collected 1 new line" in collect(workspace, days=4).stdout
    assert requests.listed == [("logs", None)]
    told = tallybook(workspace, "doctor").stdout
    assert f"all keys were last listed by the run of {NOW + timedelta(days=4):%Y-%m-%d %H:%M}Z" in told


@pytest.mark.parametrize("lost", ["lake", "notes"])
def test_a_mark_is_not_believed_where_something_before_it_is_not_known_any_more(
    tmp_path: Path, bucket: str, requests: Requests, lost: str
) -> None:
    glob = f"{bucket}/logs/*.jsonl"
    source = f'[[sources]]\nname = "gateway"\npaths = ["{glob}"]\nformat = "request-log"\nfull_listing_days = 7\n'
    workspace = make_workspace(tmp_path / "w", config=source)
    put(f"{bucket}/logs/1.jsonl", line(1))
    collect(workspace, days=3)
    put(f"{bucket}/logs/2.jsonl", line(2))
    collect(workspace, days=4)
    counted = workspace / "lake" / "counted"
    if lost == "notes":
        shutil.rmtree(counted / "stored_logs")
    else:
        shutil.copytree(counted, tmp_path / "counted")
        shutil.rmtree(workspace / "lake")
        shutil.copytree(tmp_path / "counted", counted)
    requests.clear()
    collect(workspace, days=5)
    assert requests.listed == [("logs", None)]
    assert sum(sum(record.events.values()) for record in read_log(workspace / "lake").sources) == 2
