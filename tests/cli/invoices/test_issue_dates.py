"""When documents are issued: never before the last one, never before the month has ended, and first as a dry run."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from commands import COMMANDS
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.configuration.workspace import Workspace
from pipeline.invoicing.rules import Rules
from pipeline.objects import append_log as chain
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

    from workspaces import Done

ACCOUNTS = """
[[accounts]]
id = "auckland"
name = "Kauri Ltd"
keys = ["key_a"]
timezone = "Pacific/Auckland"
payment_terms_days = 14
[[accounts.credits]]
id = "welcome"
amount = 3.00
granted_on = 2026-09-01
[[accounts]]
id = "honolulu"
name = "Koa Inc."
keys = ["key_b"]
timezone = "Pacific/Honolulu"
payment_terms_days = 14
[[accounts]]
id = "utc"
name = "Greenwich"
keys = ["key_c"]
tax = { rate = 20, label = "VAT" }
"""


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("made") / "books", accounts=ACCOUNTS)
    write_log(
        root,
        "l.jsonl",
        plain("2026-09-15T10:00:00Z", id="s"),
        *(plain("2026-10-15T10:00:00Z", id=f"o{key}", key=f"key_{key}") for key in "abc"),
    )
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


def issue(root: Path, period: str, as_of: str, *more: str) -> Done:
    return tallybook(root, "invoice", "issue", "--period", period, "--as-of", as_of, *more)


def entries(root: Path) -> list[bytes]:
    return [path.read_bytes() for path in sorted(layout.register(root).glob("*.json"))]


FREEZE = {
    ("invoice", "issue"): ("--period", "2026-10"),
    ("invoice", "void"): ("INV-000001",),
    ("invoice", "credit"): ("INV-000001", "--line", "1", "--amount", "0.01", "--reason", "outage"),
}
"""The commands that freeze a document, and what each is given."""


@pytest.mark.long
def test_nothing_is_frozen_before_the_last_document_was(books: Path) -> None:
    assert issue(books, "2026-09", "2026-11-03T09:15:00Z").returncode == 0
    before = fingerprints(books / "invoices")
    known = {
        path
        for path, command in COMMANDS.items()
        if path[0] == "invoice"
        and {"--as-of", "--dry-run"} <= {option for each in command.params for option in each.opts}
    }
    assert known == FREEZE.keys()
    for path, given in FREEZE.items():
        refused = tallybook(books, *path, *given, "--as-of", "2026-11-03T09:14:59Z")
        assert refused.returncode == 2
        assert (
            "nothing can be issued as of 2026-11-03T09:14:59Z: the last document, INV-000001, was issued at "
            "2026-11-03T09:15:00Z, and numbers never run backwards in time; give --as-of 2026-11-03T09:15:00Z or a "
            "later one" in refused.stderr
        )
    assert fingerprints(books / "invoices") == before
    assert issue(books, "2026-10", "2026-11-03T09:15:00Z").returncode == 0, "the same instant is not before"


@pytest.mark.long
def test_in_every_time_zone_the_days_of_issue_are_in_the_order_of_the_numbers(books: Path) -> None:
    """At noon UTC it is another day in Auckland than in Honolulu: days of two zones cannot be compared."""
    for account, as_of in (
        ("auckland", "2026-11-03T12:00:00Z"),
        ("honolulu", "2026-11-03T12:00:00Z"),
        ("utc", "2026-11-04T00:00:00Z"),
    ):
        assert issue(books, "2026-10", as_of, "--account", account).returncode == 0
    due = [json.loads(entry).get("due_date") for entry in entries(books)]
    assert due == ["2026-11-18", "2026-11-17", None]
    assert issue(books, "2026-09", "2026-11-03T23:59:59Z").returncode == 2
    assert tallybook(books, "verify").returncode == 0


@pytest.mark.long
def test_a_month_that_has_not_ended_for_an_account_is_issued_only_when_asked_to(books: Path) -> None:
    at_utc_midnight = "2026-11-01T00:00:00Z"
    before = fingerprints(books / "invoices")
    refused = issue(books, "2026-10", at_utc_midnight)
    assert refused.returncode == 4
    assert (
        "2026-10 cannot be issued as of 2026-11-01T00:00:00Z: it has not ended for 'honolulu', the last at "
        "2026-11-01T00:00:00-10:00; wait for its end" in refused.stderr
    )
    assert fingerprints(books / "invoices") == before
    assert issue(books, "2026-10", "2026-10-31T11:00:00Z", "--account", "auckland").returncode == 0
    assert issue(books, "2026-10", at_utc_midnight, "--account", "utc").returncode == 0
    assert issue(books, "2026-10", "2026-11-01T09:59:59.999999Z", "--account", "honolulu").returncode == 4
    early = issue(books, "2026-10", at_utc_midnight, "--early")
    assert early.returncode == 0
    assert "INV-000003 was issued before the end of 2026-10" in early.stderr


@pytest.mark.long
def test_a_dry_run_shows_what_a_later_run_freezes_byte_for_byte_and_writes_nothing(books: Path) -> None:
    assert issue(books, "2026-09", "2026-11-02").returncode == 0
    append_log(books, "l.jsonl", plain("2026-09-16T10:00:00Z", id="late"))
    assert tallybook(books, "nightly", "--as-of", "2026-11-03").returncode == 0
    for command in (
        ("issue", "--period", "2026-10"),
        ("void", "INV-000001"),
        ("issue", "--period", "2026-09", "--account", "auckland"),
    ):
        before, frozen_before = fingerprints(books), entries(books)
        rehearsed = tallybook(books, "invoice", *command, "--as-of", "2026-11-04", "--dry-run", "--json")
        listed = tallybook(books, "invoice", *command, "--as-of", "2026-11-04", "--dry-run")
        assert rehearsed.returncode == listed.returncode == 0
        assert fingerprints(books) == before
        assert "nothing is written" in rehearsed.stderr
        done = tallybook(books, "invoice", *command, "--as-of", "2026-11-04", "--json")
        assert done.stdout == rehearsed.stdout
        frozen = [
            (json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()
            for document in json.loads(rehearsed.stdout)
        ]
        assert entries(books) == frozen_before + frozen
        assert all(json.loads(entry)["invoice_id"] in listed.stdout for entry in frozen)
    assert len(entries(books)) == 1 + 3 + 1 + 1
    assert tallybook(books, "verify").returncode == 0


@pytest.mark.long
def test_a_dry_run_is_refused_as_the_run_would_be(books: Path) -> None:
    assert issue(books, "2026-10", "2026-10-20", "--dry-run").returncode == 4
    assert issue(books, "2026-09", "2026-11-03").returncode == 0
    assert issue(books, "2026-10", "2026-11-02", "--dry-run").returncode == 2
    assert tallybook(books, "invoice", "void", "INV-000007", "--dry-run").returncode == 2


def test_a_dry_run_with_the_clock_says_by_which_instant_it_is_done_again(books: Path) -> None:
    rehearsed = tallybook(books, "invoice", "issue", "--period", "2026-09", "--dry-run", "--json")
    (document,) = json.loads(rehearsed.stdout)
    assert f"--as-of {document['issued_at']}" in rehearsed.stderr
    assert issue(books, "2026-09", document["issued_at"], "--json").stdout == rehearsed.stdout


@pytest.mark.long
def test_a_register_whose_dates_ran_backwards_before_this_was_refused_is_still_recomputed(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert issue(books, "2026-10", "2026-11-05", "--account", "utc").returncode == 0
    with monkeypatch.context() as before:
        before.setattr("pipeline.jobs.invoices.freezing.Freezing.refuse_backwards", lambda *_: None)
        before.setattr("pipeline.jobs.invoices.freezing.Freezing.refuse_unfinished", lambda *_: None)
        before.setitem(Workspace.__init__.__kwdefaults__, "rules", Rules.SECOND)  # those of then
        assert issue(books, "2026-10", "2026-10-31").returncode == 0
        assert tallybook(books, "invoice", "void", "INV-000001", "--as-of", "2026-10-31").returncode == 0
    for number in range(1, len(entries(books)) + 1):
        recomputed = tallybook(books, "recompute", f"INV-{number:06}")
        assert recomputed.returncode == 0, recomputed.stdout
    assert tallybook(books, "invoice", "draft", "--period", "2026-10").returncode == 0  # by the rules of now
    assert tallybook(books, "verify").returncode == 0


@pytest.mark.long
def test_a_document_whose_date_ran_backwards_since_that_is_refused_is_none_of_ours(
    books: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert issue(books, "2026-10", "2026-11-05", "--account", "utc").returncode == 0
    with monkeypatch.context() as unrefused:
        unrefused.setattr("pipeline.jobs.invoices.freezing.Freezing.refuse_backwards", lambda *_: None)
        assert issue(books, "2026-10", "2026-11-03").returncode == 0
    verified = tallybook(books, "verify")
    assert verified.returncode == 6
    assert "FAIL  documents_are_issued_in_the_order_of_their_numbers: not so: INV-000002 was" in verified.stdout


@pytest.mark.long
def test_a_voided_invoice_is_voided_again_without_another_credit_note(books: Path) -> None:
    assert issue(books, "2026-10", "2026-11-02").returncode == 0
    assert tallybook(books, "invoice", "void", "INV-000002", "--as-of", "2026-11-03").returncode == 0
    before = fingerprints(books)
    again = tallybook(books, "invoice", "void", "INV-000002", "--as-of", "2026-11-03")
    assert (again.returncode, fingerprints(books)) == (0, before)
    assert "INV-000002 is voided already, by INV-000004" in again.stderr
    assert chain.entry_path(layout.register(books), 5).exists() is False
