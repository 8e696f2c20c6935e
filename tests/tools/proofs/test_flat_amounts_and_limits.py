"""Flat amounts of tiers, packages of requests, and the maximum of an entry, from the night to the customer's proof."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\ndiscount_percent = 10\n'
STANDARD = """id = "standard"
currency = "USD"
[[rates]]
model = "jamba-large"
prompt = { mode = "graduated", tiers = [ { up_to = 1_000_000, rate = 2.00, flat = 10 }, { rate = 1.00, flat = 5 } ] }
completion = 8.00
per_request = { mode = "package", requests = 2, price = 0.50 }
maximum = 12.00
"""
UNCAPPED = STANDARD.replace('"standard"', '"uncapped"').replace("maximum = 12.00\n", "")


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """October is issued; a late exchange of October reaches the second tier."""
    root = make_workspace(
        tmp_path_factory.mktemp("limits") / "books",
        accounts=ACCOUNTS,
        cards={"standard": STANDARD, "uncapped": UNCAPPED},
    )
    write_log(root, "october.jsonl", plain("2026-10-01T10:00:00Z", id="1", key="key_a", prompt=1_000_000, completion=0))
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    done = tallybook(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-01")
    assert done.returncode == 0, done.stderr
    write_log(root, "late.jsonl", plain("2026-10-02T10:00:00Z", id="2", key="key_a", prompt=500_000, completion=0))
    late = tallybook(root, "nightly", "--as-of", "2026-11-02")
    assert late.returncode == 0, late.stderr
    return root


def shown(root: Path, period: str) -> list[tuple[str, ...]]:
    text = (root / f"invoices/{period}/lines.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return [(row["kind"], row["meter"], row["quantity"], row["amount"]) for row in rows]


@pytest.mark.long
def test_late_usage_that_reaches_a_tier_is_corrected_to_the_cap_and_no_further(issued: Path) -> None:
    assert shown(issued, "2026-10") == [
        ("usage", "prompt", "1000000", "1.80"),
        ("usage", "prompt", "0", "9.00"),
        ("usage", "request", "1", "0.45"),
    ]
    # 1.80 + 9.00 + 0.45 + 0.45 (500,000 at 0.90) + 4.50 are 16.20, which is capped at 12.00: 0.75 more than 11.25.
    assert shown(issued, "2026-11") == [
        ("correction", "prompt", "500000", "4.95"),
        ("correction", "", "0", "-4.20"),
    ]


@pytest.mark.long
def test_every_claim_holds_and_the_issued_invoice_is_recomputed(issued: Path, tmp_path: Path) -> None:
    verified = tallybook(issued, "verify")
    assert verified.returncode == 0, verified.stdout
    recomputed = tallybook(issued, "recompute", "INV-000001", "--bundle", str(tmp_path / "bundle"))
    assert recomputed.returncode == 0, recomputed.stdout + recomputed.stderr
    events = list(csv.DictReader(io.StringIO((tmp_path / "bundle/events.csv").read_text(encoding="utf-8"), newline="")))
    assert [(row["invoice_line"], row["quantity"], row["exact_charge"]) for row in events] == [
        ("1", "1000000", "1.8"),
        ("2", "0", "9"),
        ("3", "1", "0.45"),
    ]


@pytest.mark.long
def test_explain_shows_the_event_that_reaches_a_tier(issued: Path) -> None:
    done = tallybook(issued, "explain", "INV-000001", "2")
    assert done.returncode == 0, done.stderr
    assert "the flat amount of a tier is charged to the event that reaches it" in done.stdout
    assert "exact sum 9 USD" in done.stdout
    limit = tallybook(issued, "explain", "draft-2026-11-acme", "2")
    assert "all of it in 2026-10 is worth -4.20 USD; 0.00 USD was invoiced before" in limit.stdout


def test_reprice_shows_what_a_cap_takes_off(issued: Path) -> None:
    done = tallybook(issued, "reprice", "--card", "standard", "--period", "2026-10", "-o", "csv")
    assert done.returncode == 0, done.stderr
    rows = {row["meter"]: row for row in csv.DictReader(io.StringIO(done.stdout, newline=""))}
    assert [(rows[meter]["old_amount"], rows[meter]["new_amount"]) for meter in ("prompt", "request", "")] == [
        ("10.80", "15.75"),
        ("0.45", "0.45"),
        ("0.00", "-4.20"),
    ]
    assert (rows["prompt"]["old_rates"], rows[""]["new_rates"]) == ("1.80", "")
    free = tallybook(issued, "reprice", "--card", "uncapped", "--period", "2026-10", "-o", "csv")
    assert [row["new_amount"] for row in csv.DictReader(io.StringIO(free.stdout, newline=""))] == ["15.75", "0.45"]


def test_focus_prices_a_flat_amount_by_the_piece(issued: Path, tmp_path: Path) -> None:
    done = tallybook(issued, "export", "focus", "--seller", "Tally", "--to", str(tmp_path / "focus.csv"))
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO((tmp_path / "focus.csv").read_text(encoding="utf-8"), newline="")))
    (flat,) = (row for row in rows if row["ConsumedQuantity"] == "0")
    assert (flat["PricingQuantity"], flat["ContractedUnitPrice"], flat["ContractedCost"]) == ("1", "9", "9")
    assert [row["BilledCost"] for row in rows if row["InvoiceId"] == "INV-000001"] == ["1.8", "9", "0.45"]


def test_rates_show_and_diff_name_limits_and_flat_amounts(issued: Path) -> None:
    listed = tallybook(issued, "rates", "show", "--card", "standard").stdout
    assert "maximum" in listed
    assert "graduated 10.00 flat and 2.00 up to 1000000, 5.00 flat and 1.00" in listed
    assert "0.50 per package of 2" in listed
    differences = tallybook(issued, "rates", "diff", "standard", "uncapped", "--at", "2026-10-10").stdout
    assert differences.split()[-4:] == ["jamba-large", "0", "maximum", "12.00"]
