"""The night says whose quarantined lines are and what they state; doctor and explain say it line by line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from workspaces import account, append_log, make_workspace, plain, tallybook, write_log

from pipeline import lake
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.quarantined import quarantined_usage
from pipeline.lake import commits
from pipeline.lake.data_files import write_quarantined

if TYPE_CHECKING:
    from pipeline.lake.log.commit import QuarantineFile

GOLDEN = Path(__file__).parents[2] / "storage" / "golden_lakes" / "version_1"
ACCOUNTS = account("acme", "key_a")
NIGHT = ("nightly", "--as-of", "2026-10-06T03:00:00Z", "--force")


def broken(key: str, prompt: int, completion: int) -> str:
    line = json.loads(plain("never", id="x", key=key, prompt=prompt, completion=completion))
    return json.dumps(line | {"ts": "never"})


@pytest.fixture
def books(tmp_path: Path) -> Path:
    root = make_workspace(tmp_path / "books", config='timezone = "UTC"\n', accounts=ACCOUNTS)
    write_log(
        root,
        "l.jsonl",
        plain("2026-10-05T10:00:00Z", id="a"),
        broken("key_a", 100, 7),
        broken("key_a", 1_000, 0),
        broken("key_b", 5, 5),
        "nonsense",
    )
    return root


@pytest.mark.long
def test_the_night_says_per_key_how_many_lines_are_quarantined_and_what_they_state(books: Path) -> None:
    done = tallybook(books, *NIGHT)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "completion tokens stated, on no bill" in line] == [
        "warning: 2 quarantined lines of key key_a (acme): 1100 prompt and 7 completion tokens stated, on no bill",
        "warning: 1 quarantined line of key key_b (unassigned): 5 prompt and 5 completion tokens stated, on no bill",
    ]
    found = json.loads(tallybook(books, *NIGHT, "--json").stdout)
    assert found["quarantined"] == [
        {"api_key_id": "key_a", "account_id": "acme", "lines": 2, "prompt_tokens": 1100, "completion_tokens": 7},
        {"api_key_id": "key_b", "account_id": None, "lines": 1, "prompt_tokens": 5, "completion_tokens": 5},
        {"api_key_id": None, "account_id": None, "lines": 1, "prompt_tokens": 0, "completion_tokens": 0},
    ]
    assert found["counts"]["quarantined"] == sum(each["lines"] for each in found["quarantined"])
    append_log(books, "l.jsonl", broken("key_a", 9, 1).replace('"api_key_id"', '"of"'))
    said = "warning: 2 quarantined lines whose key cannot be read: 9 prompt and 1 completion tokens stated, on no bill"
    assert said in tallybook(books, *NIGHT).stderr.splitlines()


@pytest.mark.long
def test_doctor_and_explain_tell_it_line_by_line(books: Path) -> None:
    assert tallybook(books, *NIGHT).returncode == 0
    listed = [line.split("\t") for line in tallybook(books, "doctor").stdout.splitlines() if "\t" in line]
    assert listed[0] == ["source", "line", "bytes", "key", "tokens", "reason", "detail"]
    assert [(row[1], row[3], row[4], row[5]) for row in listed[1:]] == [
        ("2", "key_a", "107", "invalid_field"),
        ("3", "key_a", "1000", "invalid_field"),
        ("4", "key_b", "10", "invalid_field"),
        ("5", "", "", "invalid_json"),
    ]
    explained = [tallybook(books, "explain", "--source", "logs/l.jsonl", "--line", number).stdout for number in "25"]
    assert "so nothing was counted; it is of key key_a, and states 107 tokens" in explained[0]
    assert "so nothing was counted; its key cannot be read, and states no tokens that can be read" in explained[1]
    for number in ("6", str(2**63)):
        beyond = tallybook(books, "explain", "--source", "logs/l.jsonl", "--line", number)
        assert (beyond.returncode, f"line {number} of logs/l.jsonl was never read" in beyond.stderr) == (2, True)


@pytest.mark.long
def test_files_of_before_read_as_null_and_what_a_later_program_adds_is_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    books = shutil.copytree(GOLDEN, tmp_path / "books")
    append_log(books, "app.jsonl", broken("key_a", 11, 1))
    assert tallybook(books, "collect").returncode == 0

    def of_tomorrow(lake_dir: Path, rows: pa.Table, number: int) -> tuple[QuarantineFile, ...]:
        return write_quarantined(lake_dir, rows.append_column("region", pa.array(["north"] * rows.num_rows)), number)

    monkeypatch.setattr(commits, "write_quarantined", of_tomorrow)
    append_log(books, "app.jsonl", broken("key_b", 12, 1))
    assert tallybook(books, "collect").returncode == 0
    usage = quarantined_usage(open_workspace(books), lake.read_log(books / "lake"))
    assert [(each.api_key_id, each.lines, each.prompt_tokens) for each in usage] == [
        ("key_a", 1, 11),
        ("key_b", 1, 12),
        (None, 2, 0),
    ]
    assert tallybook(books, "doctor").stdout.count("logs/app.jsonl\t") == 4
    assert tallybook(books, "verify").returncode == 0


@pytest.mark.long
def test_a_key_that_moved_is_told_as_its_owner_of_now(books: Path) -> None:
    accounts = ACCOUNTS.replace('keys = ["key_a"]', 'keys = [{ id = "key_a", to = 2026-10-06 }]') + ACCOUNTS.replace(
        "acme", "bolt"
    ).replace("Acme", "Bolt").replace('keys = ["key_a"]', 'keys = [{ id = "key_a", from = 2026-10-06 }]')
    (books / "accounts.toml").write_text(accounts)
    done = tallybook(books, *NIGHT)
    assert "2 quarantined lines of key key_a (bolt)" in done.stderr
