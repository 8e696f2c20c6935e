"""``tallybook usage``: which counts it lists, and in which order."""

from __future__ import annotations

import csv
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import account, make_workspace, plain, tallybook, write_log

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


@pytest.fixture(scope="module")
def two_months(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("months") / "books")
    write_log(
        root,
        "a.jsonl",
        plain("2026-09-03T10:00:00Z", id="s1", prompt=100, completion=20),
        plain("2026-09-30T10:00:00Z", id="s2", prompt=40, completion=0, key="key_b"),
        plain("2026-10-03T10:00:00Z", id="o1", prompt=150, completion=30),
        plain("2026-10-04T10:00:00Z", id="o2", prompt=7, completion=3, key="key_c"),
    )
    assert tallybook(root, "nightly", "--as-of", "2026-11-01T00:00:00Z").returncode == 0
    return root


OCTOBER = ("--period", "2026-10", "--compare", "previous")


def compared(root: Path, *options: str) -> list[list[str]]:
    done = tallybook(root, "usage", *options, "-o", "csv")
    assert done.returncode == 0, done.stderr
    first, *rows = csv.reader(done.stdout.splitlines())
    last = first.index("relative_change") + 1
    return [row[:last] for row in rows]


def test_the_tokens_of_a_period_stand_beside_those_of_the_one_before(two_months: Path) -> None:
    assert compared(two_months, "--by", "key", *OCTOBER) == [
        ["key_a", "1", "180", "120", "60", "0.5000"],
        ["key_b", "0", "0", "40", "-40", "-1.0000"],
        ["key_c", "1", "10", "0", "10", ""],
    ]
    assert compared(two_months, "--by", "meter", *OCTOBER) == [
        ["completion", "33", "20", "13", "0.6500"],
        ["prompt", "157", "140", "17", "0.1214"],
    ]


def test_a_day_stands_beside_the_one_in_its_place(two_months: Path) -> None:
    assert compared(two_months, "--by", "day", *OCTOBER) == [
        ["2026-10-03", "1", "180", "120", "60", "0.5000"],
        ["2026-10-04", "1", "10", "0", "10", ""],
        ["2026-10-30", "0", "0", "40", "-40", "-1.0000"],
    ]
    assert [row[:4] for row in compared(two_months, "--by", "hour", *OCTOBER)] == [
        ["2026-10-03T10:00+00:00", "1", "180", "120"],
        ["2026-10-04T10:00+00:00", "1", "10", "0"],
        ["2026-10-30T10:00+00:00", "0", "0", "40"],
    ]


def test_all_but_the_most_used_are_one_row_that_is_compared_too(two_months: Path) -> None:
    assert compared(two_months, "--by", "key", "--top", "1", *OCTOBER) == [
        ["key_a", "1", "180", "120", "60", "0.5000"],
        ["2 others", "1", "10", "40", "-30", "-0.7500"],
    ]


def test_json_is_a_list_of_rows_and_one_document_with_both_periods_where_they_are_compared(two_months: Path) -> None:
    plain_list = json.loads(tallybook(two_months, "usage", "--by", "key", "--period", "2026-10", "-o", "json").stdout)
    assert [row["api_key_id"] for row in plain_list] == ["key_a", "key_c"]
    found = json.loads(tallybook(two_months, "usage", "--by", "key", *OCTOBER, "-o", "json").stdout)
    assert (found["schema_version"], found["by"]) == (1, ["api_key_id"])
    assert found["previous_period"] == {"from": "2026-09-01", "to": "2026-10-01"}
    assert [(row["change"], row["relative_change"]) for row in found["rows"]] == [
        (60, "0.5000"),
        (-40, "-1.0000"),
        (10, None),
    ]
    total = found["total"]
    assert (total["tokens"], total["previous_tokens"], total["change"], total["relative_change"]) == (
        190,
        160,
        30,
        "0.1875",
    )


def test_a_table_of_what_changed_ends_with_its_total(two_months: Path) -> None:
    table = tallybook(two_months, "usage", "--by", "key", *OCTOBER, "-o", "table").stdout
    assert [line.split()[:6] for line in table.splitlines() if line.startswith("total")] == [
        ["total", "2", "190", "160", "30", "18.8"]
    ]


def test_what_cannot_be_compared_is_refused(two_months: Path) -> None:
    endless = tallybook(two_months, "usage", "--by", "key", "--compare", "previous")
    assert (endless.returncode, "needs a period that has a beginning and an end" in endless.stderr) == (2, True)
    copies = tallybook(two_months, "usage", "--copies", *OCTOBER)
    assert (copies.returncode, "takes no --compare previous" in copies.stderr) == (2, True)


def test_what_is_of_no_account_is_told_from_an_account_that_is_called_so(tmp_path: Path) -> None:
    root = make_workspace(
        tmp_path / "books", accounts=account("unassigned", "key_a"), config='cost_card = "standard"\n'
    )
    lines = [
        plain("2026-10-05T10:00:00Z", id=key, key=f"key_{key}", prompt=1_000 * len(key)) for key in ("a", "nobody")
    ]
    write_log(root, "l.jsonl", *lines)
    tallybook(root, "nightly", "--as-of", "2026-11-02")

    def asked(*arguments: str) -> Any:
        found = json.loads(tallybook(root, *arguments, "--json").stdout)
        return found["rows"] if isinstance(found, dict) else found

    assert [(row["account_id"], row["prompt_tokens"]) for row in asked("usage", "--by", "account")] == [
        ("no account", 6_000),
        ("unassigned", 1_000),
    ]
    for command in ("cost", "margin"):
        found = {row["account_id"]: row["tokens"] for row in asked(command, "--by", "account")}
        assert found == {"no account": 6_000, "unassigned": 1_000}
    for account_id, tokens in (("unassigned", 1_000), ("no account", 6_000)):
        (row,) = asked("usage", "--by", "account", "--account", account_id)
        assert (row["account_id"], row["prompt_tokens"]) == (account_id, tokens)
