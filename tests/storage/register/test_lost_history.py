"""The last entry of a chain, an older lake, an older register: what is gone is named, and nothing goes on without it.

A chain proves all of its entries but the last. What others name of it is the evidence here: documents, derived tables,
invoices' files, payments.
"""

from __future__ import annotations

import csv
import json
import shutil
from typing import TYPE_CHECKING

import pytest
from workspaces import fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.history import lost_commits
from pipeline.lake.log.snapshot import LakeSnapshot
from pipeline.objects import append_log, layout

if TYPE_CHECKING:
    from pathlib import Path

    from workspaces import Done

OCTOBER = ("--as-of", "2026-11-02T03:00:00Z")
LATER = ("--as-of", "2026-11-03T03:00:00Z")
CHANGING = (
    ("nightly", *LATER),
    ("collect", *LATER),
    ("invoice", "draft", "--period", "2026-10"),
    ("invoice", "issue", "--period", "2026-10", *LATER),
    ("invoice", "issue", "--period", "2026-10", "--dry-run", *LATER),
    ("invoice", "void", "INV-000001", *LATER),
    ("invoice", "credit", "INV-000001", "--line", "1", "--reason", "an outage", *LATER),
)


@pytest.fixture(scope="module")
def lived_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two nights of one commit each, the lake of the first beside them; the logs are gone since."""
    folder = tmp_path_factory.mktemp("lived")
    root = make_workspace(folder / "books")
    write_log(root, "first.jsonl", plain("2026-10-10T10:00:00Z", id="a"))
    assert tallybook(root, "nightly", "--as-of", "2026-10-11T03:00:00Z").returncode == 0
    shutil.copytree(layout.lake(root), folder / "older")
    write_log(root, "second.jsonl", plain("2026-10-20T10:00:00Z", id="b", prompt=4_000_000))
    assert tallybook(root, "nightly", *OCTOBER).returncode == 0
    for log in (root / "logs").iterdir():
        log.unlink()
    return folder


@pytest.fixture(scope="module")
def issued_once(lived_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with an invoice from the second night."""
    folder = shutil.copytree(lived_once, tmp_path_factory.mktemp("issued"), dirs_exist_ok=True)
    assert tallybook(folder / "books", "invoice", "issue", "--period", "2026-10", *OCTOBER).returncode == 0
    return folder


@pytest.fixture
def books(lived_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(lived_once, tmp_path, dirs_exist_ok=True) / "books"


@pytest.fixture
def issued(issued_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(issued_once, tmp_path, dirs_exist_ok=True) / "books"


def newest(folder: Path) -> Path:
    return max(folder.glob("*.json"))


def put_back_older(root: Path) -> None:
    shutil.rmtree(layout.lake(root))
    shutil.copytree(root.parent / "older", layout.lake(root))


def is_refused(root: Path, *arguments: str) -> Done:
    before = fingerprints(root)
    done = tallybook(root, *arguments)
    assert done.returncode == 1, (arguments, done)
    assert fingerprints(root) == before
    assert len(done.stderr.splitlines()) == 1
    return done


def failed_checks(root: Path) -> dict[str, str]:
    done = tallybook(root, "verify", "--json")
    return {check["name"]: check["detail"] for check in json.loads(done.stdout)["checks"] if not check["ok"]}


@pytest.mark.long
def test_the_newest_commit_is_missed_by_whatever_would_go_on_without_it(issued: Path) -> None:
    newest(layout.delta_log(layout.lake(issued))).unlink()
    for command in CHANGING:
        said = is_refused(issued, *command).stderr
        assert "INV-000001 names commit 1 with sha256" in said
        assert "ends with commit 0" in said
        assert "restore the newest backup" in said


@pytest.mark.long
def test_without_any_invoice_the_derived_tables_tell_of_the_newest_commit(books: Path) -> None:
    newest(layout.delta_log(layout.lake(books))).unlink()
    assert "lake/usage_daily names a commit with sha256" in is_refused(books, "nightly", *LATER).stderr
    assert "commits_that_are_named_are_in_the_lake" in failed_checks(books)


def test_an_older_lake_is_no_lake_to_go_on_with(issued: Path) -> None:
    put_back_older(issued)
    for command in CHANGING:
        assert "INV-000001 names commit 1" in is_refused(issued, *command).stderr


def test_an_older_lake_that_has_grown_otherwise_since_is_another_lake(issued: Path) -> None:
    put_back_older(issued)
    write_log(issued, "third.jsonl", plain("2026-11-02T10:00:00Z", id="c"))
    assert "INV-000001 names commit 1" in is_refused(issued, "collect", *LATER).stderr
    lost = ("--accept-lost-commits", *LATER)
    assert tallybook(issued, "collect", *lost).returncode == 0
    assert len(list(layout.delta_log(layout.lake(issued)).glob("*.json"))) == 2


@pytest.mark.long
@pytest.mark.parametrize("command", [("nightly",), ("collect",)], ids=" ".join)
def test_a_lake_that_is_collected_anew_from_all_logs_goes_on(issued: Path, command: tuple[str, ...]) -> None:
    shutil.rmtree(layout.lake(issued))
    write_log(issued, "first.jsonl", plain("2026-10-10T10:00:00Z", id="a"))
    write_log(issued, "second.jsonl", plain("2026-10-20T10:00:00Z", id="b", prompt=4_000_000))
    assert tallybook(issued, *command, *LATER).returncode == 0
    assert tallybook(issued, "nightly", *LATER).returncode == 0
    assert failed_checks(issued) == {}
    assert "1 from those of a lake of before" in tallybook(issued, "verify").stdout


@pytest.mark.long
def test_a_lake_that_is_collected_anew_without_all_logs_credits_nothing(issued: Path) -> None:
    shutil.rmtree(layout.lake(issued))
    write_log(issued, "first.jsonl", plain("2026-10-10T10:00:00Z", id="a"))
    assert tallybook(issued, "collect", *LATER).returncode == 0
    before = fingerprints(issued / "invoices")
    for command in CHANGING:
        if command[0] != "collect":
            done = tallybook(issued, *command)
            assert done.returncode == 1, (command, done)
            assert "acme, 2026-10 (INV-000001) is worth 8.00 USD less" in done.stderr
    assert fingerprints(issued / "invoices") == before
    assert "commits_that_are_named_are_in_the_lake" in failed_checks(issued)
    assert tallybook(issued, "nightly", "--accept-lost-commits", *LATER).returncode == 0
    assert "1 commit is known to be lost" in tallybook(issued, "verify").stdout


def test_a_document_names_its_commit_by_number_and_digest(tmp_path: Path) -> None:
    workspace = open_workspace(make_workspace(tmp_path / "books"))
    snapshot = LakeSnapshot(entry_digests=("a0", "b1"))
    named = [(None, None), (0, "a0"), (1, "b1"), (0, "b1"), (1, "a0"), (1, "c2"), (2, "c2")]
    documents = [
        {"invoice_id": f"INV-{place}", "commit": commit, "commit_sha256": sha256, "issued_at": "2026-11-02T00:00:00Z"}
        for place, (commit, sha256) in enumerate(named)
    ]
    lost = lost_commits(workspace, snapshot, documents)
    assert [(each.number, each.sha256) for each in lost] == named[3:]
    assert lost[0].text == "INV-3 names commit 0 with sha256 b1"


def test_a_restored_lake_goes_on_as_if_nothing_had_been(issued: Path) -> None:
    assert tallybook(issued, "nightly", *LATER).returncode == 0  # which tells that the logs are gone
    entry = newest(layout.delta_log(layout.lake(issued)))
    content = entry.read_bytes()
    entry.unlink()
    is_refused(issued, "nightly", *LATER)
    entry.write_bytes(content)
    before = fingerprints(issued)
    assert tallybook(issued, "nightly", *LATER).returncode == 0
    assert fingerprints(issued) == before


@pytest.mark.long
def test_commits_that_are_lost_for_good_are_accepted_once_and_listed_by_verify(issued: Path) -> None:
    put_back_older(issued)
    write_log(issued, "second.jsonl", plain("2026-10-20T10:00:00Z", id="b", prompt=4_000_000))
    assert tallybook(issued, "nightly", "--accept-lost-commits", *LATER).returncode == 0
    night = tallybook(issued, "nightly", "--json", *LATER)
    assert night.returncode == 0
    # The log was read again, and what was invoiced is what is in the lake: there is nothing to correct.
    assert [invoice["invoice_id"] for invoice in json.loads(night.stdout)["invoices"]] == ["INV-000001"]
    assert failed_checks(issued) == {}
    assert "1 commit is known to be lost" in tallybook(issued, "verify").stdout


@pytest.mark.long
def test_a_later_loss_is_not_accepted_with_the_first(issued: Path) -> None:
    put_back_older(issued)
    assert tallybook(issued, "nightly", "--accept-lost-commits", *LATER).returncode == 0
    write_log(issued, "third.jsonl", plain("2026-11-02T10:00:00Z", id="c"))
    assert tallybook(issued, "nightly", *LATER).returncode == 0
    newest(layout.delta_log(layout.lake(issued))).unlink()
    assert "lake/usage_daily names a commit" in is_refused(issued, "nightly", *LATER).stderr


def test_a_damaged_list_of_lost_commits_is_named(issued: Path) -> None:
    put_back_older(issued)
    layout.lost_commits(issued).write_text('{"format": "tallybook-lost-commits/1", "commits": 1}', encoding="utf-8")
    assert "lost_commits.json is damaged" in is_refused(issued, "nightly", *LATER).stderr


@pytest.mark.parametrize("left", ["folder", "csv", "payment"])
def test_a_number_is_not_given_out_twice_where_the_newest_entry_of_the_register_is_gone(
    issued: Path, left: str
) -> None:
    if left == "payment":
        assert tallybook(issued, "invoice", "paid", "INV-000001", "--on", "2026-11-02", *LATER).returncode == 0
    newest(layout.register(issued)).unlink()
    month = issued / "invoices/2026-10"
    if left != "folder":
        shutil.rmtree(month / "INV-000001")
    if left != "csv":
        (month / "invoices.csv").unlink()
    where = {"folder": "invoices/2026-10/INV-000001", "csv": "invoices/2026-10/invoices.csv", "payment": "payment 1"}
    for command in CHANGING:
        assert f"{where[left]} names INV-000001" in is_refused(issued, *command).stderr
    assert "documents_that_are_named_are_in_the_register" in failed_checks(issued)


def test_a_payment_is_not_recorded_in_a_register_that_lost_its_end(issued: Path) -> None:
    assert tallybook(issued, "invoice", "void", "INV-000001", *LATER).returncode == 0
    newest(layout.register(issued)).unlink()
    assert "names INV-000002" in is_refused(issued, "invoice", "paid", "INV-000001", "--on", "2026-11-02").stderr


@pytest.mark.slow
def test_names_that_a_file_cannot_be_read_for_are_no_evidence_and_no_traceback(issued: Path) -> None:
    path = issued / "invoices/2026-10/invoices.csv"
    whole = path.read_bytes()
    for damaged in (b"", b"\xff\xfe\x00", whole[:40], b'"' + whole, whole.replace(b"status", b"state")):
        path.write_bytes(damaged)
        assert tallybook(issued, "verify").returncode == 6
        assert tallybook(issued, "invoice", "issue", "--period", "2026-10", *LATER).returncode == 0
        assert path.read_bytes() == whole


@pytest.mark.long
def test_every_row_of_a_months_file_that_is_no_draft_is_evidence(issued: Path) -> None:
    write_log(issued, "third.jsonl", plain("2026-11-02T10:00:00Z", id="c"))
    assert tallybook(issued, "nightly", *LATER).returncode == 0
    rows = csv.DictReader((issued / "invoices/2026-11/invoices.csv").read_text(encoding="utf-8").splitlines())
    assert [row["status"] for row in rows] == ["draft"]
    assert tallybook(issued, "nightly", *LATER).returncode == 0  # the draft's row and folder name no document
    entry = append_log.entry_path(layout.register(issued), 1)
    entry.unlink()
    assert "names INV-000001" in is_refused(issued, "nightly", *LATER).stderr
