"""Explain, bundles, credit notes, FOCUS and reprice where the card uses everything.

Tiers, packages, requests, reasoning, bands, service tiers, fees, tax.
"""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow  # the golden cases of rates show the same shares in the fast suite

ACCOUNTS = """
[[accounts]]
id = "acme"
name = "Acme"
rate_card = "rich"
keys = ["key_a", "key_b"]
discount_percent = 12.5
tax = { rate = 19.0, label = "VAT" }
[keys.key_a]
team = "search"
project = "x y"
"""
RICH = """
id = "rich"
currency = "USD"
monthly_fee = 5.00
[[rates]]
model = "jamba-large"
prompt = { mode = "graduated", tiers = [ { up_to = 1_000_000, rate = 2.00 }, { rate = 1.00 } ] }
prompt_cached = { mode = "volume", tiers = [ { up_to = 100_000, rate = 0.50 }, { rate = 0.25 } ] }
completion = { mode = "package", tokens = 100_000, price = 0.80 }
reasoning = 12.00
per_request = 0.01
[[rates]]
model = "jamba-large"
above_prompt_tokens = 1_500_000
prompt = 4.00
completion = 10.00
[[rates]]
model = "jamba-large"
service_tier = "batch"
prompt = 0.70
completion = 3.00
"""
FLAT = 'id = "flat"\ncurrency = "USD"\n[[rates]]\nmodel = "jamba-large"\nprompt = 1.00\ncompletion = 1.00\n'


def logged(ts: str, key: str, usage: tuple[int, int, int, int], tier: str = "") -> str:
    prompt, cached, completion, reasoning = usage
    line = json.loads(plain(ts, id=ts, key=key, prompt=prompt, completion=completion, cached=cached))
    line["response"]["usage"]["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    line["response"] |= {"service_tier": tier} if tier else {}
    return json.dumps(line)


@pytest.fixture(scope="module")
def voided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """October is issued as INV-000001 and taken back by INV-000002; its draft is open again."""
    root = make_workspace(
        tmp_path_factory.mktemp("shapes") / "books", accounts=ACCOUNTS, cards={"rich": RICH, "flat": FLAT}
    )
    write_log(
        root,
        "october.jsonl",
        logged("2026-10-01T10:00:00Z", "key_b", (900_000, 70_000, 60_000, 7)),
        logged("2026-10-01T11:00:00Z", "key_b", (700_000, 70_000, 60_000, 0)),
        logged("2026-10-02T10:00:00Z", "key_a", (500_000, 0, 60_000, 60_000)),
        logged("2026-10-03T10:00:00Z", "key_a", (1_500_001, 1, 3, 0)),
        logged("2026-10-04T10:00:00Z", "key_a", (333_333, 0, 3, 0), "batch"),
    )
    assert tallybook(root, "nightly", "--as-of", "2026-11-01").returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-01").returncode == 0
    with (root / "accounts.toml").open("a", encoding="utf-8") as accounts:
        accounts.write("# voided by another configuration than it was issued with\n")
    done = tallybook(root, "invoice", "void", "INV-000001", "--as-of", "2026-11-02")
    assert done.returncode == 0, done.stderr
    return root


def csv_rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def bundle(root: Path, invoice: str, folder: Path) -> tuple[dict[str, Any], list[dict[str, str]], str]:
    done = tallybook(root, "recompute", invoice, "--bundle", str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    document = json.loads((folder / "invoice.json").read_text(encoding="utf-8"))
    events = csv_rows((folder / "events.csv").read_text(encoding="utf-8"))
    return document, events, (folder / "README.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("invoice", "says"), [("INV-000001", "Your card has prices that depend"), ("INV-000002", "This is a credit note")]
)
def test_the_events_of_a_bundle_add_up_to_every_line_of_an_invoice_and_of_its_credit_note(
    voided: Path, tmp_path: Path, invoice: str, says: str
) -> None:
    document, events, readme = bundle(voided, invoice, tmp_path / "bundle")
    usage = [line for line in document["lines"] if line["kind"] == "usage"]
    assert {line["meter"] for line in usage} == {"prompt", "prompt_cached", "completion", "reasoning", "request"}
    assert any(line.get("package_tokens") for line in usage)
    for line in usage:
        mine = [event for event in events if event["invoice_line"] == str(line["line"])]
        assert sum(int(event["quantity"]) for event in mine) == line["quantity"]
        assert sum(Decimal(event["exact_charge"]) for event in mine) == Decimal(line["exact_amount"])
    assert says in readme


def test_every_line_of_a_month_is_explained_to_its_exact_amount_whatever_the_shape_of_its_price(voided: Path) -> None:
    (document,) = json.loads(tallybook(voided, "invoice", "show", "INV-000001", "--json").stdout)
    explained = 0
    for line in document["lines"]:
        done = tallybook(voided, "explain", "INV-000001", str(line["line"]), "--csv")
        assert done.returncode == 0, (line, done.stderr)
        if line["kind"] != "usage":
            continue
        events = csv_rows(done.stdout)
        assert sum(int(event["quantity"]) for event in events) == line["quantity"]
        assert sum(Decimal(event["exact_charge"]) for event in events) == Decimal(line["exact_amount"]), line
        explained += 1
    assert explained == sum(line["kind"] == "usage" for line in document["lines"]) > 5


def test_a_credit_note_is_explained_by_the_events_it_takes_back(voided: Path) -> None:
    invoice, note = (tallybook(voided, "explain", which, "1", "--csv") for which in ("INV-000001", "INV-000002"))
    assert (invoice.returncode, note.returncode) == (0, 0), note.stderr
    pairs = list(zip(csv_rows(invoice.stdout), csv_rows(note.stdout), strict=True))
    assert pairs
    for issued, taken_back in pairs:
        assert int(issued["quantity"]) == -int(taken_back["quantity"]) > 0
        assert Decimal(issued["exact_charge"]) == -Decimal(taken_back["exact_charge"])


def test_a_credit_note_is_recomputed_with_the_invoice_it_takes_back(voided: Path, tmp_path: Path) -> None:
    books = shutil.copytree(voided, tmp_path / "books")
    card = books / "rates/rich.toml"
    card.write_text(card.read_text(encoding="utf-8").replace("0.80", "0.90"), encoding="utf-8")
    assert "INV-000002 is recomputed byte for byte" in tallybook(books, "recompute", "INV-000002").stdout
    log = books / "logs/october.jsonl"
    log.write_text(
        log.read_text(encoding="utf-8")
        .replace('"prompt_tokens": 333333', '"prompt_tokens": 333334')
        .replace("333336", "333337"),
        encoding="utf-8",
    )
    shutil.rmtree(books / "lake")
    assert tallybook(books, "collect", "--as-of", "2026-11-03").returncode == 0
    done = tallybook(books, "recompute", "INV-000002")
    assert done.returncode == 6
    assert "INV-000001: lines[" in done.stdout
    assert "commit_sha256" in done.stdout


def test_a_response_is_charged_what_it_adds_and_after_a_void_stands_on_the_draft(voided: Path) -> None:
    said = tallybook(voided, "explain", "--request-id", "2026-10-01T11:00:00Z").stdout
    # Its 60,000 completion tokens follow 59,993 of the event before it, whose other 7 were reasoning:
    # they begin the second package of 100,000, at 0.80 less 12.5 percent.
    assert "billed: draft-2026-10-acme (acme, 2026-10) line " in said
    assert "(60000 completion tokens for 0.7 USD)" in said
    first = tallybook(voided, "explain", "--request-id", "2026-10-01T10:00:00Z").stdout
    assert "(59993 completion tokens for 0.7 USD)" in first
    assert "(1 request)" in first


def test_focus_adds_up_to_the_invoice_its_credit_note_and_the_draft(voided: Path) -> None:
    done = tallybook(voided, "export", "focus", "--seller", "Seller")
    assert done.returncode == 0, done.stderr
    rows = csv_rows(done.stdout)
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for row in rows:
        totals[row["InvoiceId"]] += Decimal(row["BilledCost"])
    listed = csv_rows((voided / "invoices/2026-10/invoices.csv").read_text(encoding="utf-8"))
    assert totals == {invoice["invoice_id"]: Decimal(invoice["total"]) for invoice in listed}
    assert totals["INV-000001"] == -totals["INV-000002"] == totals["draft-2026-10-acme"] > 0
    for row in rows:
        assert (row["ChargeClass"] == "Correction") == (row["x_InvoiceStatus"] == "credit_note")
        if row["PricingQuantity"]:
            for unit_price, cost in (("ListUnitPrice", "ListCost"), ("ContractedUnitPrice", "ContractedCost")):
                assert Decimal(row[unit_price]) * Decimal(row["PricingQuantity"]) == Decimal(row[cost])
                assert Decimal(row[unit_price]) > 0
        category = (
            "Tax" if "VAT" in row["ChargeDescription"] else "Purchase" if "fee" in row["ChargeDescription"] else "Usage"
        )
        assert row["ChargeCategory"] == category
        if row["ChargeCategory"] == "Usage":
            assert row["ConsumedUnit"] == ("Requests" if row["x_Meter"] == "request" else "Tokens")
            tagged = {"project": "x y", "team": "search"} if row["ResourceId"] == "key_a" else None
            assert (json.loads(row["Tags"]) if row["Tags"] else None) == tagged


def test_a_card_of_every_shape_and_a_flat_one_are_compared_to_the_cent(voided: Path) -> None:
    done = tallybook(voided, "reprice", "--card", "flat", "-o", "csv")
    assert done.returncode == 0, done.stderr
    rows = csv_rows(done.stdout)
    assert {row["invoice_id"] for row in rows} == {"draft-2026-10-acme"}  # not the invoice that was taken back
    new = {
        (row["api_key_id"], row["service_tier"], row["meter"]): (row["old_amount"], row["new_amount"]) for row in rows
    }
    # key_b's 830,000 + 170,000 are at 2.00 and 460,000 at 1.00, less 12.5 percent; on the flat card all 1,460,000 are
    # at 1.00 less 12.5 percent.
    assert new["key_b", "", "prompt"] == ("2.15", "1.28")
    assert new["key_b", "", "request"] == ("0.02", "0.00")
    assert new["key_a", "", "reasoning"] == ("0.63", "0.00")
    assert new["key_a", "", "completion"] == ("0.00", "0.05")
    assert new["key_a", "batch", "prompt"] == ("0.20", "0.29")
