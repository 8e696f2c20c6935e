"""A contract that begins within a month, with a fee, seats and an item, from the night to the customer's proof."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

STANDARD = """id = "standard"
currency = "USD"
monthly_fee = 31.00
[[rates]]
model = "jamba-large"
prompt = 2.00
completion = 8.00
"""
ACCOUNTS = """[[accounts]]
id = "acme"
name = "Acme"
keys = ["key_a"]
begins_on = 2026-10-22
proration = "days"
fee_without_usage = true
seats = 3
seat_price = 10.00
[[accounts.items]]
id = "onboarding"
date = 2026-10-23
description = "Onboarding"
amount = 500.00
[[accounts]]
id = "bolt"
name = "Bolt"
keys = ["key_b"]
"""


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """October of acme, which used nothing, is issued; Bolt's usage reaches November."""
    root = make_workspace(
        tmp_path_factory.mktemp("contracts") / "books", accounts=ACCOUNTS, cards={"standard": STANDARD}
    )
    write_log(
        root,
        "autumn.jsonl",
        plain("2026-10-01T10:00:00Z", id="1", key="key_b", prompt=1_000_000, completion=0),
        plain("2026-11-01T10:00:00Z", id="2", key="key_b", prompt=1_000_000, completion=0),
    )
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    done = tallybook(root, "invoice", "issue", "--period", "2026-10", "--account", "acme", "--as-of", "2026-11-02")
    assert done.returncode == 0, done.stderr
    return root


def lines(root: Path, period: str, account: str) -> list[tuple[str, str, str]]:
    text = (root / f"invoices/{period}/lines.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [(row["kind"], row["amount"], row["description"]) for row in rows if row["account_id"] == account]


@pytest.mark.long
def test_a_month_without_usage_owes_its_days_of_fee_and_seats_and_the_item(issued: Path) -> None:
    assert lines(issued, "2026-10", "acme") == [
        ("fee", "10.00", "monthly fee for 2026-10, 10 of 31 days"),
        ("fee", "9.68", "3 seats at 10.00 USD for 2026-10, 10 of 31 days"),
        ("item", "500.00", "Onboarding (2026-10-23)"),
    ]
    assert lines(issued, "2026-11", "acme")[0] == ("fee", "31.00", "monthly fee for 2026-11")


def test_every_claim_holds_and_the_invoice_is_recomputed_explained_and_exported(issued: Path, tmp_path: Path) -> None:
    verified = tallybook(issued, "verify")
    assert verified.returncode == 0, verified.stdout
    recomputed = tallybook(issued, "recompute", "INV-000001", "--bundle", str(tmp_path / "bundle"))
    assert recomputed.returncode == 0, recomputed.stdout + recomputed.stderr
    terms = json.loads((tmp_path / "bundle/terms.json").read_text(encoding="utf-8"))["account"]
    assert (terms["proration"], terms["items"][0]["amount"]) == ("days", "500.00")
    explained = tallybook(issued, "explain", "INV-000001", "3")
    assert "a line of kind item is computed from other lines and terms" in explained.stdout
    exported = tallybook(issued, "export", "focus", "--seller", "Tally", "--account", "acme", "--period", "2026-10")
    rows = list(csv.DictReader(io.StringIO(exported.stdout, newline="")))
    assert [(row["ChargeCategory"], row["ChargeFrequency"], row["BilledCost"]) for row in rows] == [
        ("Purchase", "Recurring", "10.00"),
        ("Purchase", "Recurring", "9.68"),
        ("Purchase", "One-Time", "500.00"),
    ]


def test_a_contract_that_is_moved_after_issue_is_corrected_by_name(issued: Path) -> None:
    file = issued / "accounts.toml"
    file.write_text(ACCOUNTS.replace("2026-10-22", "2026-11-01").replace("500.00", "400.00"), encoding="utf-8")
    assert tallybook(issued, "nightly", "--as-of", "2026-11-03").returncode == 0
    corrections = [line for line in lines(issued, "2026-11", "acme") if line[0] == "correction"]
    assert corrections == [
        ("correction", "-10.00", "correction of 2026-10: fee"),
        ("correction", "-9.68", "correction of 2026-10: seats"),
        ("correction", "-100.00", "correction of 2026-10: item onboarding"),
    ]
    assert tallybook(issued, "verify").returncode == 0
    assert tallybook(issued, "recompute", "INV-000001").returncode == 0
