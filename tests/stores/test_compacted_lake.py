"""A lake on a store is compacted: a machine with an empty disk asks for one file a day, and answers the same."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from workspaces import append_log, make_workspace, plain, tallybook, write_log

from pipeline.jobs.upkeep import compact
from pipeline.objects.stores import ObjectStore

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

    from workspaces import Done

COMPACT = ("compact", "--as-of", "2026-11-02T12:00:00Z")
COMMITS = 4


def done(root: Path, *arguments: str) -> Done:
    ended = tallybook(root, *arguments)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended


def collected(folder: Path) -> tuple[Path, Path]:
    """Return two workspaces; the first has collected the same two days in several commits, and issued them."""
    one, other = make_workspace(folder / "one"), make_workspace(folder / "other")
    for number in range(COMMITS):
        lines = [plain(f"2026-10-{day}T1{number}:00:00Z", id=f"{day}-{number}") for day in (28, 29)]
        (append_log if number else write_log)(one, "a.jsonl", *lines)
        done(one, "nightly", "--as-of", "2026-11-02", "--force")
    done(one, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    return one, other


def files_of(stores: str) -> set[str]:
    listed = ObjectStore(f"{stores}/lake").list("usage_events")
    return {each.key for each in listed if each.key.endswith(".parquet") and "_delta_log" not in each.key}


@pytest.mark.long
def test_an_empty_machine_asks_for_one_file_a_day_and_answers_the_same(
    tmp_path: Path, stores: str, requests: Counter[str]
) -> None:
    one, other = collected(tmp_path)
    asked = [("usage", "--by", "key,day", "-o", "csv"), ("explain", "INV-000001", "1"), ("recompute", "INV-000001")]
    answers, gets = [], []
    for _ in range(2):
        for folder in ("lake", "invoices"):
            shutil.rmtree(other / folder, ignore_errors=True)
        requests.clear()
        answers.append([done(other, *arguments).stdout for arguments in asked])
        gets.append(requests["get"])
        if len(gets) == 1:
            done(one, *COMPACT)
    assert answers[0] == answers[1]
    assert len(files_of(stores)) == 2
    entries_more = 2  # one that says the version, and one that compacts
    assert gets[0] - gets[1] == 2 * COMMITS - 2 - entries_more
    done(one, "verify")
    done(other, "verify")


@pytest.mark.long
def test_a_machine_with_copies_of_before_goes_on_and_its_copies_go(tmp_path: Path, stores: str) -> None:
    one, other = collected(tmp_path)
    before = done(other, "usage", "--by", "key,day", "-o", "csv").stdout
    done(one, *COMPACT)
    assert done(other, "usage", "--by", "key,day", "-o", "csv").stdout == before
    done(other, "nightly", "--as-of", "2026-11-03")
    copies = {path.relative_to(other / "lake").as_posix() for path in (other / "lake").rglob("date=*/*.parquet")}
    assert copies == files_of(stores)


@pytest.mark.slow
def test_what_a_machine_left_that_died_after_its_entry_is_removed_from_the_store_by_another(
    tmp_path: Path, stores: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = collected(tmp_path)

    def die(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as disturbed:
        disturbed.setattr(compact, "remove_what_was_compacted", die)
        with pytest.raises(RuntimeError):
            tallybook(one, *COMPACT)
    assert len(files_of(stores)) == 2 * COMMITS + 2
    shutil.rmtree(one / "lake")
    done(other, "nightly", "--as-of", "2026-11-03")
    done(other, "compact", "--as-of", "2026-11-03")
    assert len(files_of(stores)) == 2
    done(other, "verify")
    done(other, "recompute", "INV-000001")
