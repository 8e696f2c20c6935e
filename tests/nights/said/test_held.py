"""What is dated in the future is kept and said, and on no bill until its day comes."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
from workspaces import fingerprints, make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

COMMITTED = """
[[accounts]]
id = "acme"
name = "Acme"
minimum_commitment = 100.00
keys = ["key_a"]
"""
CONFIG = 'timezone = "UTC"\n'


def night(root: Path, as_of: str) -> dict[str, object]:
    done = tallybook(root, "nightly", "--as-of", as_of, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def drafted(root: Path) -> dict[str, str]:
    totals = {}
    for path in sorted((root / "invoices").glob("*/invoices.csv")):
        with path.open(newline="", encoding="utf-8") as file:
            totals |= {row["period"]: row["total"] for row in csv.DictReader(file)}
    return totals


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    root = make_workspace(tmp_path / "books", config=CONFIG, accounts=COMMITTED)
    write_log(
        root,
        "l.jsonl",
        plain("2026-10-05T10:00:00Z", id="a"),
        plain("2026-10-08T10:00:00Z", id="b", prompt=3_000_000),
        plain("2099-01-15T00:00:00Z", id="c", prompt=41, completion=5, key="key_b"),
    )
    return root


@pytest.mark.long
def test_one_clock_in_the_year_2099_makes_no_bill_and_stops_none(workspace: Path) -> None:
    found = night(workspace, "2026-10-06T03:00:00Z")
    counts = found["counts"]
    assert isinstance(counts, dict)
    assert (counts["measured"], counts["billed"], counts["held"]) == (3, 1, 2)
    assert drafted(workspace) == {"2026-10": "100.00"}
    told = found["warnings"]
    assert isinstance(told, list)
    held = [each["text"] for each in told if each["code"] == "held"]
    advice = "which has not come: held until then and on no bill; correct the clock that wrote them"
    assert held == [
        f"1 exchange of key key_a (acme) with 3000000 tokens is dated 2026-10-08, {advice}",
        f"1 exchange of key key_b (unassigned) with 46 tokens is dated 2099-01-15, {advice}",
    ]


@pytest.mark.long
def test_a_held_event_is_billed_when_its_day_comes(workspace: Path) -> None:
    night(workspace, "2026-10-06T03:00:00Z")
    counts = night(workspace, "2026-10-08T23:00:00Z")["counts"]
    assert isinstance(counts, dict)
    assert (counts["billed"], counts["held"], counts["billed_tokens"]) == (2, 1, 4_000_000)
    once = fingerprints(workspace / "invoices")
    night(workspace, "2026-10-08T23:00:00Z")
    assert fingerprints(workspace / "invoices") == once


@pytest.mark.long
def test_verify_counts_what_is_held_and_doctor_lists_it(workspace: Path) -> None:
    night(workspace, "2026-10-09T03:00:00Z")
    done = tallybook(workspace, "verify", "--json")
    result = json.loads(done.stdout)
    assert (done.returncode, result["counts"]["held"], result["counts"]["measured"]) == (0, 1, 3)
    assert "3 measured = 2 billed + 0 duplicates + 0 conflicts + 1 held" in done.stdout
    doctor = tallybook(workspace, "doctor")
    assert doctor.returncode == 2
    assert "LOOK  held: 1 exchange of key key_b (unassigned) with 46 tokens is dated 2099-01-15" in doctor.stdout


@pytest.mark.long
def test_no_draft_is_made_for_a_month_that_has_not_begun_where_the_account_is(tmp_path: Path) -> None:
    zones = {"east": "Pacific/Auckland", "west": "America/Los_Angeles"}
    accounts = "".join(
        f'[[accounts]]\nid = "{name}"\nname = "{name}"\ntimezone = "{zone}"\nkeys = ["key_{name}"]\n'
        for name, zone in zones.items()
    )
    root = make_workspace(tmp_path / "books", config=CONFIG, accounts=accounts)
    write_log(root, "l.jsonl", *(plain("2026-10-01T09:00:00Z", id=name, key=f"key_{name}") for name in zones))
    tallybook(root, "nightly", "--as-of", "2026-09-30T14:00:00Z")
    with (root / "invoices/2026-10/invoices.csv").open(newline="", encoding="utf-8") as file:
        assert [row["account_id"] for row in csv.DictReader(file)] == ["east"]


@pytest.mark.long
def test_an_invoice_that_was_issued_while_events_were_held_is_recomputed_to_the_byte(workspace: Path) -> None:
    night(workspace, "2026-10-06T03:00:00Z")
    early = ("--early", "--as-of", "2026-10-06T03:00:00Z")
    issued = tallybook(workspace, "invoice", "issue", "--period", "2026-10", *early)
    assert issued.returncode == 0, issued.stderr
    assert tallybook(workspace, "recompute", "INV-000001").returncode == 0


@pytest.mark.long
def test_what_a_night_of_a_later_clock_counted_is_counted_by_whoever_looks_afterwards(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books", config=CONFIG, accounts=COMMITTED)
    write_log(root, "l.jsonl", plain("2098-12-31T10:00:00Z", id="a"))
    night(root, "2099-01-01T03:00:00Z")
    assert json.loads(tallybook(root, "verify", "--json").stdout)["counts"]["held"] == 0
    assert json.loads(tallybook(root, "usage", "-o", "json").stdout)[0]["prompt_tokens"] == 1_000_000


@pytest.mark.long
def test_explain_says_of_a_held_line_that_it_is_held(workspace: Path) -> None:
    night(workspace, "2026-10-09T03:00:00Z")
    for asked in (("--request-id", "c"), ("--source", "logs/l.jsonl", "--line", "3")):
        assert (
            "line 3: held: it is dated 2099-01-15T00:00:00Z, which has not come"
            in tallybook(workspace, "explain", *asked).stdout
        )
