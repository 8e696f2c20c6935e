"""Credit notes of parts from outside: asked for again, voided afterwards, recomputed, exported, and verified."""

from __future__ import annotations

import csv
import json
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from workspaces import append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.objects import append_log as chain
from pipeline.objects import layout

if TYPE_CHECKING:
    from pathlib import Path

    from workspaces import Done

ACCOUNTS = """
[[accounts]]
id = "acme"
name = "Acme"
keys = ["key_a"]
tax = { rate = 19, label = "VAT" }
[[accounts.credits]]
id = "welcome"
amount = 3.00
granted_on = 2026-09-01
"""


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """INV-000001: 10.00 of prompts, 0.80 of completions, 3.00 prepaid, 1.48 of tax."""
    root = make_workspace(tmp_path_factory.mktemp("made") / "books", accounts=ACCOUNTS)
    write_log(root, "l.jsonl", plain("2026-10-15T10:00:00Z", id="a", prompt=5_000_000, completion=100_000))
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02").returncode == 0
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


def credit(root: Path, *arguments: str, reason: str = "outage", as_of: str = "2026-11-05") -> Done:
    return tallybook(root, "invoice", "credit", "INV-000001", *arguments, "--reason", reason, "--as-of", as_of)


@pytest.mark.long
def test_a_part_is_credited_once_however_often_it_is_asked_for(books: Path) -> None:
    assert credit(books, "--line", "1", "--amount", "2.00").returncode == 0
    before = fingerprints(books)
    again = credit(books, "--line", "1", "--amount", "2.00", as_of="2026-11-09")
    assert (again.returncode, fingerprints(books)) == (0, before)
    assert "this is credited already, by INV-000002" in again.stderr
    assert credit(books, "--line", "1", "--amount", "2.00", reason="and again").returncode == 0
    assert credit(books, "--line", "1", reason="rest").returncode == 0
    assert credit(books, "--line", "1", reason="rest").returncode == 0
    listed = json.loads(tallybook(books, "invoice", "list", "--json").stdout)
    assert [each["total"] for each in listed] == ["9.28", "-2.38", "-2.38", "-4.52"]
    assert (listed[0]["credited"], listed[0]["open"], listed[0]["credited_in_part_by"]) == (
        "9.28",
        "0.00",
        ["INV-000002", "INV-000003", "INV-000004"],
    )


def test_a_rehearsed_credit_is_frozen_byte_for_byte(books: Path) -> None:
    asked = ("--line", "1", "--quantity", "250000", "--json")
    before = fingerprints(books)
    rehearsed = credit(books, *asked, "--dry-run")
    assert (rehearsed.returncode, fingerprints(books)) == (0, before)
    assert credit(books, *asked).stdout == rehearsed.stdout
    (document,) = json.loads(rehearsed.stdout)
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
    assert chain.entry_path(layout.register(books), 2).read_text(encoding="utf-8") == text


@pytest.mark.long
def test_what_was_given_is_not_corrected_away_and_late_usage_is_corrected_as_ever(books: Path) -> None:
    assert credit(books, "--line", "1", "--amount", "5.00").returncode == 0
    assert "draft-" not in tallybook(books, "invoice", "list").stdout
    append_log(books, "l.jsonl", plain("2026-10-16T10:00:00Z", id="late", prompt=1_000_000))
    night = tallybook(books, "nightly", "--as-of", "2026-12-02")
    assert "acme, 2026-10 (INV-000001, INV-000002) is worth 2.00 USD more" in night.stderr
    shown = tallybook(books, "invoice", "show", "--period", "2026-11", "--json")
    (draft,) = json.loads(shown.stdout)
    assert [(line["kind"], line["amount"]) for line in draft["lines"]] == [("correction", "2.00"), ("tax", "0.38")]
    assert tallybook(books, "verify").returncode == 0


@pytest.mark.slow
def test_a_void_takes_back_what_the_parts_left_and_everything_is_recomputed_and_exported(books: Path) -> None:
    assert credit(books, "--line", "1", "--amount", "5.00").returncode == 0
    assert credit(books, "--line", "2", "--quantity", "50000").returncode == 0
    assert tallybook(books, "invoice", "void", "INV-000001", "--as-of", "2026-11-06").returncode == 0
    for number in range(1, 5):
        recomputed = tallybook(books, "recompute", f"INV-{number:06}")
        assert recomputed.returncode == 0, recomputed.stdout
    verified = tallybook(books, "verify")
    assert verified.returncode == 0
    assert "credit_notes_take_back_one_invoice_each: 3 credit notes, 2 of parts" in verified.stdout
    target = books / "focus.csv"
    done = tallybook(books, "export", "focus", "--seller", "Tally", "--to", str(target))
    assert done.returncode == 0, done.stderr
    sums: dict[str, Decimal] = {}
    with target.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            sums[row["InvoiceId"]] = sums.get(row["InvoiceId"], Decimal(0)) + Decimal(row["BilledCost"])
    totals = {
        each["invoice_id"]: Decimal(each["total"])
        for each in json.loads(tallybook(books, "invoice", "list", "--json").stdout)
    }
    assert sums == totals
    assert list(totals.values()) == [Decimal(each) for each in ("9.28", "-5.95", "-0.48", "-2.85", "9.28")]


def test_a_note_that_takes_more_than_there_is_is_named_by_verify(books: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as before:
        before.setattr("pipeline.invoicing.reductions.left_to_credit", lambda *_: Decimal(100))
        assert credit(books, "--line", "1", "--amount", "11.00").returncode == 0
    verified = tallybook(books, "verify")
    assert verified.returncode == 6
    assert (
        "FAIL  credit_notes_take_back_one_invoice_each: not so: INV-000002 takes back more of line 1" in verified.stdout
    )


def test_nothing_is_credited_where_its_account_can_have_no_drafts_any_more(books: Path) -> None:
    (books / "accounts.toml").write_text(
        '[[accounts]]\nid = "beta"\nname = "Beta"\nkeys = ["key_b"]\n', encoding="utf-8"
    )
    before = fingerprints(books / "invoices")
    refused = credit(books, "--line", "1")
    assert (refused.returncode, fingerprints(books / "invoices")) == (2, before)
    assert "account 'acme' is not in accounts.toml and was invoiced" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "reason", "told"),
    [
        (("--line", "1", "--amount", "1", "--quantity", "5"), "x", "say the same in two ways"),
        (("--line", "1"), " ", "write one line of 1 to 300 characters"),
        (("--line", "1"), "a\nb", "write one line of 1 to 300 characters"),
        (("--line", "1", "--amount", "1,5"), "x", "plain decimal notation"),
        (("--line", "9"), "x", "INV-000001 has no line 9"),
    ],
)
def test_what_cannot_be_credited_is_refused_and_nothing_is_written(
    books: Path, arguments: tuple[str, ...], reason: str, told: str
) -> None:
    before = fingerprints(books / "invoices")
    refused = credit(books, *arguments, reason=reason)
    assert (refused.returncode, fingerprints(books / "invoices")) == (2, before)
    assert told in refused.stderr


@pytest.mark.long
def test_only_an_issued_invoice_that_was_not_taken_back_is_credited(books: Path) -> None:
    assert credit(books, "--line", "1", "--amount", "1").returncode == 0
    assert tallybook(books, "invoice", "void", "INV-000001", "--as-of", "2026-11-06").returncode == 0
    for invoice_id, told in (
        ("INV-000001", "INV-000001 was taken back by INV-000003"),
        ("INV-000002", "INV-000002 is the credit note of INV-000001"),
        ("draft-2026-10-acme", "no invoice 'draft-2026-10-acme' is issued"),
    ):
        refused = tallybook(books, "invoice", "credit", invoice_id, "--line", "1", "--reason", "x")
        assert (refused.returncode, told in refused.stderr) == (2, True), refused.stderr
