"""A workspace of every released format is read, continued, verified, recomputed and explained.

What was issued keeps its bytes.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from lived import AGES, DELETED, OF_EVERY_AGE, OLDEST, RAW_KEY, SECRET, WORKSPACES, by_raw_key, run
from workspaces import append_log, fingerprints, plain, write_log

from pipeline import lake
from pipeline.invoicing.rules import Rules
from pipeline.objects import layout
from pipeline.usage.events import LAKE_VERSION_MAX

IN_MAY = [
    plain("2026-05-02T09:00:00Z", id="may-1", prompt=400_000, completion=4_000),
    plain("2026-05-02T10:00:00Z", id="a3", key="key_c", prompt=1_220_000, completion=6_000),  # a copy of April's
    "neither JSON nor a log",
    by_raw_key("2026-05-02T11:00:00Z", "may-2", 200_000, 2_000),
]
SIGNERS = {path.stem.removeprefix("signer-of-"): path for path in Path(__file__).parent.glob("signer-of-*.pem")}


@pytest.fixture(params=AGES)
def books(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return shutil.copytree(WORKSPACES / request.param, tmp_path / "books")


ALL_IN_THE_SLOW_SUITE = pytest.mark.parametrize(
    "books",
    [pytest.param(age, marks=() if age == OLDEST else pytest.mark.slow) for age in AGES],
    indirect=True,
)
"""What takes long is done with the oldest workspace, and with all of them in the slow suite."""


def documents(workspace: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_bytes()) for path in sorted(layout.register(workspace).iterdir())]


def frozen(workspace: Path) -> dict[str, bytes]:
    """Return all that is never written again once it is there."""
    folders = ("register", "payments", "signatures", "configurations")
    return {
        path.relative_to(workspace).as_posix(): path.read_bytes()
        for folder in (*(f"invoices/{name}" for name in folders), "lake/usage_events", "lake/quarantine", "received")
        for path in (workspace / folder).rglob("*")
        if path.is_file()
    }


def csv_rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8"), newline="")))


def period_files(workspace: Path) -> dict[str, bytes]:
    return {
        path.relative_to(workspace).as_posix(): path.read_bytes()
        for path in sorted((workspace / "invoices").glob("2*/**/*"))
        if path.is_file()
    }


def in_order(workspace: Path, *commands: str) -> None:
    for command in commands:
        done = run(workspace, *command.split())
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def test_every_version_of_the_lake_has_a_workspace_that_its_program_left() -> None:
    stated = {lake.read_log(layout.lake(WORKSPACES / age)).lake_version for age in AGES}
    missing = set(range(1, LAKE_VERSION_MAX + 1)) - stated
    assert not missing, "keep a workspace of the program before a version was raised; tests/ages/golden/README.md"


def test_every_version_of_the_rules_has_a_document_that_was_issued_by_it() -> None:
    stated = {Rules.of(document.get("rules")) for age in AGES for document in documents(WORKSPACES / age)}
    assert stated == set(Rules)


def test_no_workspace_holds_the_raw_key_or_the_secret() -> None:
    for path in filter(Path.is_file, WORKSPACES.rglob("*")):
        content = path.read_bytes()
        assert RAW_KEY.encode() not in content, path
        assert SECRET.encode() not in content, path


@pytest.mark.long
@OF_EVERY_AGE
def test_it_is_verified_recomputed_and_explained_and_nothing_of_it_is_changed_by_looking_at_it(books: Path) -> None:
    before, last = fingerprints(books), documents(books)[-1]["invoice_id"]
    in_order(books, "verify", f"recompute {last}", f"explain {last} 1")
    assert fingerprints(books) == before


@pytest.mark.slow
def test_each_of_its_documents_is_recomputed_shown_and_explained(books: Path) -> None:
    before = fingerprints(books)
    in_order(books, "doctor", "usage", "cost", "invoice list")
    for document in documents(books):
        number, lines = document["invoice_id"], [line["line"] for line in document["lines"]]
        in_order(books, f"recompute {number}", f"invoice show {number}")
        in_order(books, *(f"explain {number} {line}" for line in lines))
    assert fingerprints(books) == before


@pytest.mark.long
@ALL_IN_THE_SLOW_SUITE
def test_it_is_continued_and_all_that_was_frozen_keeps_its_bytes(books: Path) -> None:
    before, issued = frozen(books), documents(books)
    append_log(books, "app.jsonl", *IN_MAY)
    write_log(books, "again.jsonl", *DELETED)  # logged a second time: each response is there already
    in_order(
        books,
        "nightly --as-of 2026-06-01T03:00:00Z",
        "verify",
        "invoice issue --period 2026-04 --as-of 2026-06-02T09:00:00Z --yes",
        "nightly --as-of 2026-06-02T10:00:00Z",
        f"invoice void INV-{len(issued):06} --as-of 2026-06-02T11:00:00Z --yes",
        "nightly --as-of 2026-06-03T03:00:00Z",
        "verify",
    )
    after = documents(books)
    assert len(after) > len(issued)
    for document in after:
        in_order(books, f"recompute {document['invoice_id']}")
    now = frozen(books)
    assert {name: now.get(name) for name in before} == before


@pytest.mark.long
@OF_EVERY_AGE
def test_a_night_without_anything_new_bills_what_it_billed_and_the_next_one_writes_nothing(books: Path) -> None:
    files = period_files(books)
    knew_corrections = layout.configurations(
        books
    ).is_dir()  # the first program told of late usage, and billed it never
    in_order(books, "nightly --as-of 2026-05-01T13:00:00Z")
    now = period_files(books)
    tables = {name for name in files if name.endswith(".csv")}
    assert tables
    for name in tables:
        older, newer = (
            [row for row in csv_rows(each[name]) if knew_corrections or not row["invoice_id"].startswith("draft-")]
            for each in (files, now)
        )
        assert [{column: row[column] for column in before} for row, before in zip(newer, older, strict=True)] == older
    before = fingerprints(books)
    in_order(books, "nightly --as-of 2026-05-01T13:00:00Z")
    assert fingerprints(books) == before


@pytest.mark.long
@ALL_IN_THE_SLOW_SUITE
def test_its_logs_collected_anew_by_todays_program_give_the_same_drafts(books: Path, tmp_path: Path) -> None:
    anew = shutil.copytree(books, tmp_path / "anew", ignore=shutil.ignore_patterns("lake", "invoices"))
    write_log(anew, "raw.jsonl", *DELETED)
    shutil.rmtree(books / "invoices")
    for workspace in (books, anew):
        in_order(workspace, "nightly --as-of 2026-05-01T13:00:00Z")
    assert period_files(books) == period_files(anew) != {}


@pytest.mark.long
@pytest.mark.parametrize("age", sorted(SIGNERS))
def test_what_was_signed_is_what_was_signed(age: str) -> None:
    pytest.importorskip("cryptography")
    done = run(WORKSPACES / age, "verify", "--key", str(SIGNERS[age]))
    assert done.returncode == 0, done.stderr
    assert "signed" in done.stdout


@pytest.mark.long
@ALL_IN_THE_SLOW_SUITE
def test_a_key_of_a_deleted_log_finds_its_account_in_every_age(books: Path) -> None:
    write_log(books, "later.jsonl", by_raw_key("2026-05-02T11:00:00Z", "may-2", 200_000, 2_000))
    in_order(books, "nightly --as-of 2026-06-01T03:00:00Z")
    rows = csv_rows((books / "invoices" / "2026-05" / "lines.csv").read_bytes())
    assert {row["account_id"] for row in rows if row["kind"] == "usage"} == {"bravo"}
