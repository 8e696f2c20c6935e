"""``tallybook usage``: which counts it lists, and in which order."""

from __future__ import annotations

import csv
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

FIRST_COUNTS = "events,prompt_tokens,prompt_cached_tokens,prompt_cache_write_tokens,completion_tokens,reasoning_tokens"


def with_details(line: str, **details: Any) -> str:
    document = json.loads(line)
    document["response"]["usage"] |= details
    return json.dumps(document)


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("made") / "books")
    spoken = with_details(
        plain("2026-10-05T10:00:00Z", id="spoken", prompt=100, completion=40),
        prompt_tokens_details={"audio_tokens": 30, "cached_tokens": 20},
        completion_tokens_details={"audio_tokens": 11},
    )
    write_log(root, "a.jsonl", plain("2026-10-04T10:00:00Z", id="written", prompt=7, completion=3), spoken)
    assert tallybook(root, "nightly", "--as-of", "2026-11-01T00:00:00Z").returncode == 0
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


def test_each_count_is_followed_by_its_parts_and_later_ones_are_listed_where_there_are_any(books: Path) -> None:
    done = tallybook(books, "usage", "--by", "day", "-o", "csv")
    assert list(csv.reader(done.stdout.splitlines())) == [
        [
            *("usage_date", "events", "prompt_tokens", "prompt_cached_tokens", "prompt_cache_write_tokens"),
            *("prompt_audio_tokens", "completion_tokens", "reasoning_tokens", "completion_audio_tokens"),
        ],
        ["2026-10-04", "1", "7", "0", "0", "0", "3", "0", "0"],
        ["2026-10-05", "1", "100", "20", "0", "30", "40", "0", "11"],
    ]


def test_where_no_later_count_is_above_zero_the_columns_are_those_of_before(books: Path) -> None:
    done = tallybook(books, "usage", "--by", "tier", "--to", "2026-10-05", "-o", "csv")
    assert done.stdout.splitlines() == [f"service_tier,{FIRST_COUNTS}", ",1,7,0,0,3,0"]
    none = tallybook(books, "usage", "--by", "tier", "--to", "2026-10-01", "-o", "csv")
    assert none.stdout.splitlines() == [f"service_tier,{FIRST_COUNTS}"]
