"""The life of invoices from outside.

Corrections, credit notes, credits, tags, keys that move, and a kill at any instant.
"""

from __future__ import annotations

import csv
import json
import shutil
import signal
import subprocess
import sys
import time
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from workspaces import account, append_log, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.documents.invoice_csv import CSV_LAYOUT

if TYPE_CHECKING:
    from pathlib import Path

AS_OF = ("--as-of", "2026-11-01T03:00:00Z")
MILLION = 1_000_000
KILLS = 4


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def books(tmp_path: Path, accounts: str, *lines: str, config: str = "") -> Path:
    root = make_workspace(tmp_path / "books", accounts=accounts, config=config)
    write_log(root, "l.jsonl", *lines)
    done = tallybook(root, "nightly", *AS_OF)
    assert done.returncode == 0, done.stderr
    return root


def test_a_month_that_one_account_blocks_says_that_others_can_be_issued_alone(tmp_path: Path) -> None:
    root = books(
        tmp_path,
        account("acme", "key_a") + account("bolt", "key_b"),
        plain("2026-10-16T10:00:00Z", id="a"),
        plain("2026-10-16T10:00:00Z", id="b", key="key_b", model="unheard-of"),
    )
    issue = ("invoice", "issue", "--period", "2026-10", "--yes", *AS_OF)
    blocked = tallybook(root, *issue)
    assert blocked.returncode == 4
    otherwise = ", or name an --account whose usage has its price\n"
    assert blocked.stderr.endswith(f"rate cards and try again{otherwise}")
    assert otherwise not in tallybook(root, *issue, "--account", "bolt").stderr
    assert tallybook(root, *issue, "--account", "acme").returncode == 0


def test_a_credit_note_and_an_invoice_below_zero_name_no_account_to_pay_to(tmp_path: Path) -> None:
    seller = '[seller]\nname = "Tally"\n[seller.bank]\nbank = "Sparkasse"\n'
    item = '[[accounts.items]]\nid = "back"\ndate = 2026-10-05\ndescription = "Allowance"\namount = -5.00\n'
    root = books(
        tmp_path,
        account("acme", "key_a") + account("bolt", "key_b") + item,
        plain("2026-10-16T10:00:00Z", id="a"),
        plain("2026-10-16T10:00:00Z", id="b", key="key_b"),
        config=seller,
    )
    shown = {each: tallybook(root, "invoice", "show", f"draft-2026-10-{each}").stdout for each in ("acme", "bolt")}
    assert ["pay to: Sparkasse" in shown[each] for each in ("acme", "bolt")] == [True, False]
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", "--yes", *AS_OF).returncode == 0
    assert tallybook(root, "invoice", "void", "INV-000001", "--yes", *AS_OF).returncode == 0
    assert "pay to: Sparkasse" in tallybook(root, "invoice", "show", "INV-000001").stdout
    assert "pay to" not in tallybook(root, "invoice", "show", "INV-000003").stdout


def test_a_tax_that_is_not_charged_has_no_amount(tmp_path: Path) -> None:
    taxes = ('{ reverse_charge = true, label = "VAT" }', '{ rate = 0, label = "VAT" }', '{ rate = 19, label = "VAT" }')
    accounts = "".join(
        account(each, f"key_{each}") + f"tax = {tax}\n"
        for each, tax in zip(("acme", "bolt", "corp"), taxes, strict=True)
    )
    calls = [plain("2026-10-16T10:00:00Z", id=each, key=f"key_{each}") for each in ("acme", "bolt", "corp")]
    root = books(tmp_path, accounts, *calls)
    said = ("VAT not charged", "VAT 0.00 USD", "VAT 0.38 USD")
    for each, tax in zip(("acme", "bolt", "corp"), said, strict=True):
        assert f"subtotal 2.00 USD, {tax}\n" in tallybook(root, "invoice", "show", f"draft-2026-10-{each}").stdout


@pytest.mark.parametrize("said", ["2026-11-00", "2026-11-01T03:00:00", "soon"])
def test_an_as_of_that_is_none_says_what_may_be_written(tmp_path: Path, said: str) -> None:
    done = tallybook(make_workspace(tmp_path / "books"), "nightly", "--as-of", said)
    assert done.returncode == 2
    assert done.stderr == (
        f"tallybook: {said!r} is no date and no instant; write a date such as 2026-10-10, today or yesterday, or an "
        "instant with its offset, such as 2026-10-10T12:00:00Z\n"
    )


def test_drafts_of_accounts_whose_ids_end_alike_are_told_apart_in_every_file(tmp_path: Path) -> None:
    """Those of ``15-acme`` for October and of ``acme`` for its month from 15 October on."""
    root = books(
        tmp_path,
        account("15-acme", "key_a") + account("acme", "key_b", billing_day=15),
        plain("2026-10-16T10:00:00Z", id="a"),
        plain("2026-10-16T10:00:00Z", id="b", key="key_b", prompt=3 * MILLION),
    )
    for period, invoice_id, account_id, total in (
        ("2026-10", "draft-2026-10@15-acme", "15-acme", "2.00"),
        ("2026-10-15", "draft-2026-10-15-acme", "acme", "6.00"),
    ):
        (row,) = rows(root / f"invoices/{period}/invoices.csv")
        (line,) = rows(root / f"invoices/{period}/lines.csv")
        assert (row["invoice_id"], row["account_id"], row["total"]) == (invoice_id, account_id, total)
        assert (line["invoice_id"], line["account_id"], line["amount"]) == (invoice_id, account_id, total)
        (shown,) = json.loads(tallybook(root, "invoice", "show", invoice_id, "--json").stdout)
        assert (shown["account_id"], shown["total"]) == (account_id, total)
    repriced = json.loads(tallybook(root, "reprice", "--card", "standard", "--json").stdout)
    assert [(each["account_id"], each["invoice_id"], each["difference"]) for each in repriced["lines"]] == [
        ("15-acme", "draft-2026-10@15-acme", "0.00"),
        ("acme", "draft-2026-10-15-acme", "0.00"),
    ]


@pytest.mark.long
def test_void_writes_a_credit_note_links_both_ways_and_opens_the_period(tmp_path: Path) -> None:
    root = books(tmp_path, "", plain("2026-10-05T10:00:00Z", id="a"))
    tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF)
    first = fingerprints(root / "invoices/register")
    done = tallybook(root, "invoice", "void", "INV-000001", *AS_OF)
    assert done.returncode == 0, done.stderr
    assert "credits INV-000001" in done.stdout
    assert first.items() <= fingerprints(root / "invoices/register").items()
    listed = [
        tuple(row[name] for name in ("invoice_id", "status", "total", "credits_invoice", "credited_by"))
        for row in rows(root / "invoices/2026-10/invoices.csv")
    ]
    assert listed == [
        ("INV-000001", "issued", "2.00", "", "INV-000002"),
        ("INV-000002", "credit_note", "-2.00", "INV-000001", ""),
        ("draft-2026-10-acme", "draft", "2.00", "", ""),
    ]
    assert "credited by: INV-000002" in tallybook(root, "invoice", "show", "INV-000001").stdout
    assert (
        json.loads(tallybook(root, "invoice", "show", "INV-000002", "--json").stdout)[0]["credits_invoice"]
        == "INV-000001"
    )
    for wrong, told in (
        ("INV-000002", "is the credit note of INV-000001"),
        ("INV-000009", "invoice list"),
    ):
        refused = tallybook(root, "invoice", "void", wrong)
        assert (refused.returncode, told in refused.stderr) == (2, True), refused.stderr
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF).returncode == 0
    assert [row["invoice_id"] for row in rows(root / "invoices/2026-10/invoices.csv")] == [
        "INV-000001",
        "INV-000002",
        "INV-000003",
    ]
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.long
def test_terms_credits_tax_and_tags_are_on_the_invoice(tmp_path: Path) -> None:
    accounts = """
[[accounts]]
id = "acme"
name = "Acme"
keys = ["key_a"]
address = "Street 1"
spend_cap = 1.00
payment_terms_days = 14
tax = { rate = 20, label = "VAT", text = "Thank you" }
[[accounts.credits]]
id = "welcome"
amount = 5.00
granted_on = 2026-10-01
[keys.key_a]
team = "search"
project = "x"
"""
    root = books(
        tmp_path,
        accounts,
        plain("2026-10-05T10:00:00Z", id="a", prompt=3 * MILLION),
        config='[seller]\nname = "Tally GmbH"\n',
    )
    assert "above its spend cap of 1.00" in tallybook(root, "nightly", *AS_OF).stderr
    assert [(line["kind"], line["amount"], line["tags"]) for line in rows(root / "invoices/2026-10/lines.csv")] == [
        ("usage", "6.00", "project=x;team=search"),
        ("credit", "-5.00", ""),
        ("tax", "0.20", ""),
    ]
    (balance,) = json.loads(tallybook(root, "invoice", "credits", "--json").stdout)
    assert (balance["consumed"], balance["reserved"], balance["left"]) == ("0.00", "5.00", "0.00")
    issued = tallybook(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    assert issued.returncode == 0, issued.stderr
    assert rows(root / "invoices/2026-10/invoices.csv")[0]["due_date"] == "2026-11-16"
    shown = tallybook(root, "invoice", "show", "INV-000001").stdout
    for said in (
        "seller: Tally GmbH",
        "buyer: Acme, Street 1",
        "due: 2026-11-16",
        "VAT 0.20 USD",
        "Thank you",
        "total 1.20 USD",
    ):
        assert said in shown
    for word, column in (("team", "team"), ("tag:project", "tag:project")):
        (used,) = json.loads(tallybook(root, "usage", "--by", word, "-o", "json").stdout)
        assert (used[column], used["prompt_tokens"]) == ({"team": "search"}.get(word, "x"), 3 * MILLION)
    assert "tag:project, tag:team" in tallybook(root, "usage", "--by", "tags").stderr
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.long
def test_a_key_that_moves_is_billed_to_whom_it_belonged_at_that_instant(tmp_path: Path) -> None:
    accounts = """
[[accounts]]
id = "acme"
name = "Acme"
timezone = "Europe/Berlin"
keys = [{ id = "key_a", to = 2026-10-10 }]
[[accounts]]
id = "bolt"
name = "Bolt"
keys = [{ id = "key_a", from = 2026-10-09T22:00:00Z, to = 2026-10-20T12:30:00Z }]
"""
    times = ("2026-10-09T21:59:59.999999Z", "2026-10-09T22:00:00Z", "2026-10-20T12:29:59Z", "2026-10-20T12:30:00Z")
    root = books(
        tmp_path, accounts, *(plain(ts, id=f"r{index}", prompt=MILLION * 10**index) for index, ts in enumerate(times))
    )
    assert [(row["account_id"], row["total"]) for row in rows(root / "invoices/2026-10/invoices.csv")] == [
        ("acme", "2.00"),
        ("bolt", "220.00"),
    ]
    unassigned = json.loads(tallybook(root, "usage", "--by", "account", "-o", "json").stdout)
    assert {"unassigned": 1000 * MILLION}.items() <= {
        row["account_id"]: row["prompt_tokens"] for row in unassigned
    }.items()
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.long
def test_each_invoice_has_a_folder_with_its_document_and_the_lines_of_the_month_that_are_its_own(
    tmp_path: Path,
) -> None:
    accounts = '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\n'
    accounts += '[[accounts]]\nid = "bolt"\nname = "Bolt"\nkeys = ["key_b"]\n'
    root = books(
        tmp_path,
        accounts,
        plain("2026-10-05T10:00:00Z", id="a"),
        plain("2026-10-05T10:00:00Z", id="b", key="key_b"),
    )
    tallybook(root, "invoice", "issue", "--period", "2026-10", "--account", "bolt", *AS_OF)
    month = root / "invoices/2026-10"
    assert sorted(path.name for path in month.iterdir()) == [
        "INV-000001",
        "draft-2026-10-acme",
        "invoices.csv",
        "lines.csv",
    ]
    for folder in (month / "INV-000001", month / "draft-2026-10-acme"):
        document = json.loads((folder / f"{folder.name}.json").read_text(encoding="utf-8"))
        assert document["invoice_id"] == folder.name
        mine = [row for row in rows(month / "lines.csv") if row["invoice_id"] == folder.name]
        assert rows(folder / "lines.csv") == mine
        assert sum(Decimal(row["amount"]) for row in mine) == Decimal(document["total"])


@pytest.mark.long
def test_what_a_draft_was_rendered_as_goes_when_the_draft_changes_or_goes(tmp_path: Path) -> None:
    root = books(tmp_path, "", plain("2026-10-05T10:00:00Z", id="a"))
    folder = root / "invoices/2026-10/draft-2026-10-acme"
    (folder / "draft-2026-10-acme.pdf").write_bytes(b"of 2.00")
    tallybook(root, "nightly", *AS_OF)
    assert (folder / "draft-2026-10-acme.pdf").is_file()
    append_log(root, "l.jsonl", plain("2026-10-06T10:00:00Z", id="b"))
    tallybook(root, "nightly", *AS_OF)
    assert sorted(path.name for path in folder.iterdir()) == ["draft-2026-10-acme.json", "lines.csv"]
    (folder / "draft-2026-10-acme.pdf").write_bytes(b"of 4.00")
    tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF)
    assert not folder.exists()
    issued = root / "invoices/2026-10/INV-000001"
    (issued / "INV-000001.pdf").write_bytes(b"of 4.00")
    (issued / "lines.csv").write_bytes(b"changed")
    said = tallybook(root, "verify")
    assert (said.returncode, "2026-10/INV-000001/lines.csv" in said.stdout + said.stderr) == (6, True)
    tallybook(root, "nightly", *AS_OF)
    assert tallybook(root, "verify").returncode == 0
    assert (issued / "INV-000001.pdf").read_bytes() == b"of 4.00"


@pytest.mark.long
def test_what_is_no_file_of_ours_in_the_folder_of_a_draft_stays(tmp_path: Path) -> None:
    root = books(tmp_path, "", plain("2026-10-05T10:00:00Z", id="a"))
    folder = root / "invoices/2026-10/draft-2026-10-acme"
    (folder / "notes.txt").write_text("ask for a purchase order", encoding="utf-8")
    tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


@pytest.mark.long
def test_a_csv_of_an_older_program_is_written_again_and_until_then_no_claim_about_it_is_made(tmp_path: Path) -> None:
    root = books(tmp_path, "", plain("2026-10-05T10:00:00Z", id="a"))
    wanted = fingerprints(root / "invoices")
    month = root / "invoices/2026-10"
    (month / "lines.csv").write_bytes(b"invoice_id,amount\r\ndraft-2026-10-acme,2.00\r\n")
    shutil.rmtree(month / "draft-2026-10-acme")
    for manifest in (root / "lake").rglob("_manifest.json"):
        text = manifest.read_text(encoding="utf-8")
        manifest.write_text(text.replace(f"-csv{CSV_LAYOUT}", ""), encoding="utf-8")
    said = tallybook(root, "verify")
    assert said.returncode == 0, said.stdout
    assert "not written for this commit and configuration yet" in said.stdout
    assert tallybook(root, "nightly", *AS_OF).returncode == 0
    assert fingerprints(root / "invoices") == wanted


@pytest.mark.long
def test_csv_files_begin_with_a_byte_order_mark_where_that_is_wanted(tmp_path: Path) -> None:
    root = books(tmp_path, "", plain("2026-10-05T10:00:00Z", id="a"), config="[exports]\ncsv_bom = true\n")
    files = sorted((root / "invoices").rglob("*.csv"))
    assert len(files) == 3
    assert all(path.read_bytes().startswith(b"\xef\xbb\xbfinvoice_id,") for path in files)
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.slow
def test_late_usage_within_a_commitment_is_said_to_change_lines_and_no_sum(tmp_path: Path) -> None:
    accounts = '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\nminimum_commitment = 9.00\n'
    root = books(tmp_path, accounts, plain("2026-10-05T10:00:00Z", id="a"))
    tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF)
    append_log(root, "l.jsonl", plain("2026-10-06T10:00:00Z", id="b"))
    assert (
        "acme, 2026-10 (INV-000001) is worth in all, not line by line, what was invoiced for it so far"
        in tallybook(root, "nightly", *AS_OF).stderr
    )


@pytest.mark.long
def test_late_usage_is_corrected_once_and_verify_agrees_every_night(tmp_path: Path) -> None:
    root = books(tmp_path, "", plain("2026-10-05T10:00:00Z", id="a"))
    tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF)
    append_log(root, "l.jsonl", plain("2026-10-06T10:00:00Z", id="b"), plain("2026-11-06T10:00:00Z", id="c"))
    assert "is worth 2.00 USD more" in tallybook(root, "nightly", *AS_OF).stderr
    assert tallybook(root, "invoice", "issue", "--period", "2026-11", "--as-of", "2026-12-01").returncode == 0
    settled = tallybook(root, "nightly", "--as-of", "2026-12-02")
    assert "is worth" not in settled.stderr
    assert [row["invoice_id"] for row in rows(root / "invoices/2026-11/invoices.csv")] == ["INV-000002"]
    assert tallybook(root, "verify").returncode == 0


@pytest.mark.slow  # without processes: tests/storage/disk/test_faults.py
def test_issuing_survives_a_kill_at_any_instant_without_gap_or_double(tmp_path: Path) -> None:
    """Killed as soon as another invoice has its number, again and again.

    Then a run that is left alone issues the rest.
    """
    names = [f"c{index}" for index in range(30)]
    accounts = "".join(f'[[accounts]]\nid = "{name}"\nname = "{name}"\nkeys = ["key_{name}"]\n' for name in names)
    root = books(tmp_path, accounts, *(plain("2026-10-05T10:00:00Z", id=name, key=f"key_{name}") for name in names))
    register = root / "invoices/register"
    command = [sys.executable, "-m", "pipeline.cli", "-w", str(root), "invoice", "issue", "--period", "2026-10", *AS_OF]
    seen = [0]
    while len(seen) <= KILLS and seen[-1] < len(names):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            while process.poll() is None and len(list(register.glob("*.json"))) == seen[-1]:
                time.sleep(0.0005)
            process.send_signal(signal.SIGKILL)
            process.wait()
        seen.append(len(list(register.glob("*.json"))))
    assert {count for count in seen if 0 < count < len(names)}, "no kill came in the midst of issuing"
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", *AS_OF).returncode == 0
    listed = rows(root / "invoices/2026-10/invoices.csv")
    assert [row["invoice_id"] for row in listed] == [f"INV-{number:06}" for number in range(1, len(names) + 1)]
    assert sorted(row["account_id"] for row in listed) == sorted(names)
    assert {row["status"] for row in listed} == {"issued"}
    assert tallybook(root, "verify").returncode == 0
