"""``tallybook upgrade``: what a newer program makes of a workspace is said before, done at once, and done whole."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from deaths_on_disk import deaths
from lived import AGES, OF_EVERY_AGE, OLDEST, WORKSPACES, run
from workspaces import fingerprints

from pipeline import lake
from pipeline.objects import layout
from pipeline.usage.events import LAKE_VERSION

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-05-02")


@pytest.fixture(params=AGES)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return shutil.copytree(WORKSPACES / request.param, tmp_path / "books")


def issued(workspace: Path) -> dict[str, bytes]:
    folders = ("register", "payments", "signatures", "configurations")
    return {
        path.relative_to(workspace).as_posix(): path.read_bytes()
        for folder in folders
        for path in (workspace / "invoices" / folder).glob("*")
    }


def bills(workspace: Path) -> dict[str, bytes]:
    """Return the files of all invoices and the tables they follow from."""
    tables = ("usage_daily", "exchanges_daily", "charges")
    files = [*(workspace / "invoices").glob("2*/**/*")]
    files += [path for table in tables for path in (workspace / "lake" / table).glob("*.parquet")]
    return {path.relative_to(workspace).as_posix(): path.read_bytes() for path in files if path.is_file()}


@pytest.mark.long
@OF_EVERY_AGE
def test_it_is_said_first_then_done_and_then_there_is_nothing_more_to_do(books: Path) -> None:
    before, frozen, age = fingerprints(books), issued(books), lake.read_log(layout.lake(books)).lake_version or 0
    said = run(books, "upgrade", "--dry-run", *AS_OF)
    assert said.returncode == 6, said.stderr
    assert fingerprints(books) == before
    done = run(books, "upgrade", *AS_OF)
    assert (done.returncode, done.stdout) == (0, said.stdout)
    assert done.stderr.replace("done; nothing that was issued has changed", "nothing was written") == said.stderr
    assert lake.read_log(layout.lake(books)).lake_version == max(age, LAKE_VERSION)
    assert ("the lake\tversion" in said.stdout) == (age < LAKE_VERSION)
    after = fingerprints(books)
    for options in ((), ("--dry-run",)):
        again = run(books, "upgrade", *options, *AS_OF)
        assert (again.returncode, again.stdout) == (0, "")
        assert "everything is of this version; nothing is to be done" in again.stderr
    assert fingerprints(books) == after
    assert issued(books) == frozen
    verified = run(books, "verify")
    assert verified.returncode == 0, verified.stdout


@pytest.mark.long
@pytest.mark.parametrize("age", [OLDEST, *(pytest.param(age, marks=pytest.mark.slow) for age in AGES if age != OLDEST)])
def test_a_night_makes_the_same_of_it_without_being_upgraded_first(age: str, tmp_path: Path) -> None:
    upgraded, night_alone = (shutil.copytree(WORKSPACES / age, tmp_path / name) for name in ("upgraded", "night"))
    assert run(upgraded, "upgrade", *AS_OF).returncode == 0
    for workspace in (upgraded, night_alone):
        assert run(workspace, "nightly", *AS_OF).returncode == 0
    assert bills(upgraded) == bills(night_alone) != {}
    assert "nothing is to be done" in run(night_alone, "upgrade", *AS_OF).stderr


def test_what_a_draft_comes_to_by_other_rules_is_named_with_both_amounts(tmp_path: Path) -> None:
    books = shutil.copytree(WORKSPACES / OLDEST, tmp_path / "books")
    said = run(books, "upgrade", "--dry-run", "--json", *AS_OF)
    document = json.loads(said.stdout)
    # The first program told of late usage, and billed none of it: 300,000 at 1.75 and 5,000 at 7.00 per million.
    assert document["drafts"] == [
        {"invoice_id": "draft-2026-04-bravo", "before": "2.18", "after": "2.75", "currency": "USD"}
    ]
    assert (document["is_done"], document["segments_read_again_by_the_next_night"]) == (False, 1)
    assert document["changes"][0] == {
        "part": "the lake",
        "now": "version 1",
        "then": f"version {LAKE_VERSION} with 5 more columns; no file is touched",
    }


def test_a_workspace_without_a_night_has_nothing_to_upgrade(tmp_path: Path) -> None:
    books = shutil.copytree(
        WORKSPACES / "lake-5", tmp_path / "books", ignore=shutil.ignore_patterns("lake", "invoices")
    )
    done = run(books, "upgrade", *AS_OF)
    assert (done.returncode, done.stdout) == (0, "")
    assert "nothing is to be done" in done.stderr


def test_nothing_is_upgraded_where_history_was_lost(tmp_path: Path) -> None:
    books = shutil.copytree(WORKSPACES / OLDEST, tmp_path / "books")
    (layout.register(books) / f"{2:020}.json").unlink()
    before = fingerprints(books)
    done = run(books, "upgrade", *AS_OF)
    assert done.returncode == 1
    assert "lacks what was issued" in done.stderr
    assert fingerprints(books) == before


@pytest.mark.long
@pytest.mark.parametrize(
    "step", [113, pytest.param(7, marks=pytest.mark.slow)], ids=("every 113th call", "every seventh call")
)
def test_an_upgrade_that_dies_anywhere_is_finished_by_the_next_one(tmp_path: Path, step: int) -> None:
    def copied(name: object) -> Path:
        return shutil.copytree(WORKSPACES / OLDEST, tmp_path / f"{name}")

    whole = copied("whole")
    assert run(whole, "upgrade", *AS_OF).returncode == 0
    died = 0
    for death in deaths(copied, lambda root: run(root, "upgrade", *AS_OF), first=2, step=step):
        died += 1
        left = death.root
        assert issued(left) == issued(whole)
        done = run(left, "upgrade", *AS_OF)
        assert done.returncode == 0, done.stderr
        assert bills(left) == bills(whole)
        assert lake.read_log(layout.lake(left)).entry_sha256 == lake.read_log(layout.lake(whole)).entry_sha256
        shutil.rmtree(left)
    assert died > 2
