"""One invoice of several accounts from outside: accounts move, and what was issued is recomputed and verified."""

from __future__ import annotations

import csv
import json
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from workspaces import append_log, make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = """
[[accounts]]
id = "acme"
name = "Acme"
keys = ["key_a"]
tax = {{ rate = 19, label = "VAT" }}
[[accounts]]
id = "bolt"
name = "Bolt"
keys = [{{ id = "key_b", to = 2026-10-15 }}]
{bolt}
[[accounts]]
id = "corp"
name = "Corp"
keys = ["key_c", {{ id = "key_b", from = 2026-10-15 }}]
invoiced_to = "acme"
minimum_commitment = 5.00
[[accounts.credits]]
id = "welcome"
amount = 1.00
granted_on = 2026-10-01
"""
FROM_OCTOBER = 'tax = { rate = 19, label = "VAT" }\ninvoiced_to = [{ account = "acme", from = 2026-10-01 }]'
ON_ITS_OWN = 'tax = { rate = 19, label = "VAT" }'


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """September: Acme and Bolt, one invoice each. October: one invoice of Acme's for all three."""
    root = make_workspace(tmp_path_factory.mktemp("parents") / "books", accounts=ACCOUNTS.format(bolt=FROM_OCTOBER))
    write_log(
        root,
        "l.jsonl",
        plain("2026-09-05T10:00:00Z", id="1", key="key_a"),
        plain("2026-09-05T11:00:00Z", id="2", key="key_b"),
        plain("2026-10-05T10:00:00Z", id="3", key="key_b"),
        plain("2026-10-16T10:00:00Z", id="4", key="key_b"),
        plain("2026-10-16T11:00:00Z", id="5", key="key_c", prompt=500_000),
    )
    done(root, "nightly", "--as-of", "2026-11-02")
    done(root, "invoice", "issue", "--period", "2026-09", "--as-of", "2026-11-02")
    done(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    return root


@pytest.fixture
def books(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "books")


def done(root: Path, *arguments: str) -> str:
    ran = tallybook(root, *arguments)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def lines(root: Path, period: str) -> list[tuple[str, ...]]:
    with (root / f"invoices/{period}/lines.csv").open(newline="", encoding="utf-8") as file:
        names = ("invoice_id", "account_id", "usage_account_id", "kind", "api_key_id", "amount")
        return [tuple(row[name] for name in names) for row in csv.DictReader(file)]


@pytest.mark.long
def test_a_month_is_on_the_invoice_of_the_account_that_pays_for_it_and_all_is_recomputed(books: Path) -> None:
    assert lines(books, "2026-09") == [
        ("INV-000001", "acme", "acme", "usage", "key_a", "2.00"),
        ("INV-000001", "acme", "acme", "tax", "", "0.38"),
        ("INV-000002", "bolt", "bolt", "usage", "key_b", "2.00"),
        ("INV-000002", "bolt", "bolt", "tax", "", "0.38"),
    ]
    october = [
        ("INV-000003", "acme", "bolt", "usage", "key_b", "2.00"),
        ("INV-000003", "acme", "corp", "usage", "key_b", "2.00"),
        ("INV-000003", "acme", "corp", "usage", "key_c", "1.00"),
        ("INV-000003", "acme", "corp", "commitment", "", "2.00"),
        ("INV-000003", "acme", "corp", "credit", "", "-1.00"),
        ("INV-000003", "acme", "acme", "tax", "", "1.14"),
    ]
    assert lines(books, "2026-10") == october
    for number in (1, 2, 3):
        assert "recomputed byte for byte" in done(books, "recompute", f"INV-00000{number}")
    done(books, "recompute", "INV-000003", "--bundle", str(books / "bundle"))
    terms = json.loads((books / "bundle/terms.json").read_text(encoding="utf-8"))
    assert (terms["account"]["id"], [each["id"] for each in terms["children"]]) == ("acme", ["bolt", "corp"])
    with (books / "bundle/events.csv").open(newline="", encoding="utf-8") as file:
        assert [(row["invoice_line"], row["quantity"]) for row in csv.DictReader(file)] == [
            ("1", "1000000"),
            ("2", "1000000"),
            ("3", "500000"),
        ]
    done(books, "verify")


@pytest.mark.long
def test_another_account_pays_from_now_on_and_what_was_issued_stays_and_is_settled_there(books: Path) -> None:
    """Bolt gets invoices of its own again, also for October, which is issued: only what came late is its own."""
    (books / "accounts.toml").write_text(ACCOUNTS.format(bolt=ON_ITS_OWN), encoding="utf-8")
    append_log(books, "l.jsonl", plain("2026-10-06T10:00:00Z", id="6", key="key_b", prompt=500_000))
    done(books, "nightly", "--as-of", "2026-11-03")
    assert lines(books, "2026-11") == [
        ("draft-2026-11-bolt", "bolt", "bolt", "correction", "key_b", "1.00"),
        ("draft-2026-11-bolt", "bolt", "bolt", "tax", "", "0.19"),
    ]
    assert "corrected on draft-2026-11-bolt (2026-11) line 1" in done(books, "explain", "--response-id", "6")
    assert "worth 3.00 USD (1500000 tokens); 2.00 USD (1000000 tokens)" in done(
        books, "explain", "draft-2026-11-bolt", "1"
    )
    done(books, "verify")
    done(books, "invoice", "void", "INV-000003", "--as-of", "2026-11-04")
    assert [line for line in lines(books, "2026-10") if line[0].startswith("draft")] == [
        ("draft-2026-10-acme", "acme", "corp", "usage", "key_b", "2.00"),
        ("draft-2026-10-acme", "acme", "corp", "usage", "key_c", "1.00"),
        ("draft-2026-10-acme", "acme", "corp", "commitment", "", "2.00"),
        ("draft-2026-10-acme", "acme", "corp", "credit", "", "-1.00"),
        ("draft-2026-10-acme", "acme", "acme", "tax", "", "0.76"),
        ("draft-2026-10-bolt", "bolt", "bolt", "usage", "key_b", "3.00"),
        ("draft-2026-10-bolt", "bolt", "bolt", "tax", "", "0.57"),
    ]
    done(books, "verify")
    assert "recomputed byte for byte" in done(books, "recompute", "INV-000003")
    assert "recomputed byte for byte" in done(books, "recompute", "INV-000004")


@pytest.mark.long
def test_usage_of_a_child_without_a_price_keeps_its_parents_invoice_from_being_issued(books: Path) -> None:
    append_log(books, "l.jsonl", plain("2026-11-06T10:00:00Z", id="7", key="key_c", model="unheard-of"))
    tallybook(books, "nightly", "--as-of", "2026-12-01")
    refused = tallybook(books, "invoice", "issue", "--period", "2026-11", "--account", "acme", "--as-of", "2026-12-01")
    assert refused.returncode == 4
    assert "account 'corp': 1000000 tokens of model 'unheard-of' in 2026-11" in refused.stderr


@pytest.mark.long
def test_rows_of_focus_add_up_by_sub_account_and_a_price_is_compared_on_the_parents_draft(books: Path) -> None:
    rows = list(csv.DictReader(done(books, "export", "focus", "--seller", "Tally", "--period", "2026-10").splitlines()))
    sums: dict[str, Decimal] = {}
    for row in rows:
        assert row["BillingAccountId"] == "acme"
        sums[row["SubAccountId"]] = sums.get(row["SubAccountId"], Decimal(0)) + Decimal(row["BilledCost"])
    assert sums == {"": Decimal("1.14"), "bolt": Decimal("2.00"), "corp": Decimal("4.00")}
    of_bolt = done(books, "export", "focus", "--seller", "Tally", "--account", "bolt")
    assert [
        (row["InvoiceId"], row["BillingAccountId"], row["SubAccountId"], Decimal(row["BilledCost"]))
        for row in csv.DictReader(of_bolt.splitlines())
    ] == [
        ("INV-000002", "bolt", "", Decimal("2.00")),
        ("INV-000002", "bolt", "", Decimal("0.38")),
        ("INV-000003", "acme", "bolt", Decimal("2.00")),
    ]
    done(books, "invoice", "void", "INV-000003", "--as-of", "2026-11-04")
    priced = done(books, "reprice", "--card", "standard", "--period", "2026-10", "-o", "csv").splitlines()
    assert [
        (row["account_id"], row["invoice_id"], row["api_key_id"], row["old_amount"], row["difference"])
        for row in csv.DictReader(priced)
    ] == [
        ("bolt", "draft-2026-10-acme", "key_b", "2.00", "0.00"),
        ("corp", "draft-2026-10-acme", "key_b", "2.00", "0.00"),
        ("corp", "draft-2026-10-acme", "key_c", "1.00", "0.00"),
    ]


def test_a_child_is_listed_and_shown_by_the_invoices_that_it_has_lines_on(books: Path) -> None:
    listed = json.loads(done(books, "invoice", "list", "--account", "bolt", "--json"))
    assert [each["invoice_id"] for each in listed] == ["INV-000002", "INV-000003"]
    shown = done(books, "invoice", "show", "--account", "corp")
    assert [row.split() for row in shown.splitlines() if row.startswith(("bolt ", "corp ", "bolt\t", "corp\t"))] == [
        ["bolt", "Bolt", "2.00"],
        ["corp", "Corp", "4.00"],
    ]
    refused = tallybook(books, "invoice", "issue", "--period", "2026-10", "--account", "corp", "--as-of", "2026-11-03")
    assert (refused.returncode, "it is on INV-000003 of account 'acme'" in refused.stderr) == (2, True)


@pytest.mark.long
def test_usage_without_a_price_keeps_no_other_accounts_invoice_from_being_issued(books: Path) -> None:
    """Of the issued October of Bolt's own account, which is in nobody's November."""
    (books / "accounts.toml").write_text(ACCOUNTS.format(bolt=ON_ITS_OWN), encoding="utf-8")
    append_log(
        books,
        "l.jsonl",
        plain("2026-10-06T10:00:00Z", id="8", key="key_b", model="unheard-of"),
        plain("2026-11-06T10:00:00Z", id="9", key="key_c"),
    )
    tallybook(books, "nightly", "--as-of", "2026-12-01")
    done(books, "invoice", "issue", "--period", "2026-11", "--as-of", "2026-12-01")
