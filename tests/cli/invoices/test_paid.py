"""Payments of issued invoices: recorded once, taken back by a counter-entry, and what is overdue without them."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
from workspaces import account, fingerprints, make_workspace, plain, tallybook, write_log

from pipeline.objects import append_log, layout

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from workspaces import Done

ACCOUNTS = account("acme", "key_a", timezone="Pacific/Auckland", payment_terms_days=14) + account("beta", "key_b")
AS_OF = ("--as-of", "2026-12-01")


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("made") / "books", accounts=ACCOUNTS)
    write_log(
        root,
        "l.jsonl",
        plain("2026-10-15T10:00:00Z", id="a", prompt=6_000_000),
        plain("2026-10-15T10:00:00Z", id="b", key="key_b"),
    )
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02").returncode == 0
    return root


@pytest.fixture
def books(made_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made_once, tmp_path / "books")


def paid(root: Path, *arguments: str) -> Done:
    return tallybook(root, "invoice", "paid", *arguments, *AS_OF)


def settled(root: Path, *arguments: str) -> dict[str, Any]:
    done = paid(root, *arguments, "--json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def entries(root: Path) -> int:
    return len(list(layout.payments(root).glob("*.json")))


@pytest.mark.long
def test_an_invoice_is_paid_in_parts_until_nothing_is_open(books: Path) -> None:
    register = fingerprints(layout.register(books))
    first = settled(books, "INV-000001", "--on", "2026-11-10", "--amount", "5", "--reference", "1st of 2")
    assert (first["paid"], first["open"], first["due_date"]) == ("5.00", "7.00", "2026-11-16")
    rest = settled(books, "INV-000001", "--on", "2026-11-20")
    assert (rest["paid"], rest["open"]) == ("12.00", "0.00")
    assert [(each["payment"], each["on"], each["amount"], each["reference"]) for each in rest["payments"]] == [
        (1, "2026-11-10", "5.00", "1st of 2"),
        (2, "2026-11-20", "7.00", ""),
    ]
    assert fingerprints(layout.register(books)) == register
    assert "INV-000001: 12.00 paid of 12.00 USD, 0.00 open" in tallybook(books, "invoice", "show", "INV-000001").stdout
    assert tallybook(books, "verify").returncode == 0


def test_the_same_payment_is_recorded_once(books: Path) -> None:
    part = ("INV-000001", "--on", "2026-11-10", "--amount", "5.00", "--reference", "bank")
    assert paid(books, *part).returncode == 0
    again = paid(books, *part)
    assert (again.returncode, entries(books)) == (0, 1)
    assert "this is payment 1, recorded already; nothing was recorded" in again.stderr
    assert settled(books, *part[:-1], "bank, the second of that day")["paid"] == "10.00"
    assert settled(books, "INV-000001")["open"] == "0.00"
    assert "nothing is open of INV-000001; nothing was recorded" in paid(books, "INV-000001").stderr
    assert entries(books) == 3


def test_a_mistake_is_taken_back_by_a_counter_entry_and_may_be_recorded_again(books: Path) -> None:
    wrong = ("INV-000001", "--on", "2026-11-10", "--amount", "12.00")
    assert settled(books, *wrong)["open"] == "0.00"
    assert settled(books, "INV-000001", "--take-back", "1")["open"] == "12.00"
    again = paid(books, "INV-000001", "--take-back", "1")
    assert (again.returncode, entries(books)) == (0, 2)
    assert "payment 1 is taken back already, by 2" in again.stderr
    last = settled(books, *wrong)
    assert [(each["amount"], each["takes_back"]) for each in last["payments"]] == [
        ("12.00", None),
        ("-12.00", 1),
        ("12.00", None),
    ]
    assert tallybook(books, "verify").returncode == 0


def test_what_is_paid_beyond_what_is_owed_is_recorded_and_warned_of(books: Path) -> None:
    done = paid(books, "INV-000001", "--on", "2026-11-10", "--amount", "12.50")
    assert done.returncode == 0
    assert "warning: INV-000001 is paid 0.50 USD beyond what is owed" in done.stderr
    assert settled(books, "INV-000001")["open"] == "-0.50"


def test_crediting_what_was_paid_warns_of_what_is_to_be_paid_back(books: Path) -> None:
    assert paid(books, "INV-000001", "--on", "2026-11-10").returncode == 0
    part = ("--line", "1", "--amount", "2.00", "--reason", "outage", *AS_OF)
    credited = tallybook(books, "invoice", "credit", "INV-000001", *part)
    assert "warning: INV-000001 is paid 2.00 USD beyond what is left of it" in credited.stderr
    voided = tallybook(books, "invoice", "void", "INV-000001", *AS_OF)
    assert "warning: INV-000001 is paid 12.00 USD beyond what is left of it" in voided.stderr
    assert tallybook(books, "verify").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("draft-2026-11-acme",), "a draft is issued before it is paid"),
        (("INV-000009",), "no invoice 'INV-000009' is issued"),
        (("INV-000002",), "was taken back by INV-000003, and nothing is owed for it"),
        (("INV-000003",), "INV-000003 is the credit note of INV-000002, and is not paid"),
        (("INV-000001", "--amount", "0"), "is 0; write what came, above zero"),
        (("INV-000001", "--amount", "-1"), "--take-back NUMBER"),
        (("INV-000001", "--amount", "1.005"), "write 2 decimal places at most"),
        (("INV-000001", "--amount", "1e3"), "plain decimal notation"),
        (("INV-000001", "--on", "2026-12-02"), "--on is 2026-12-02, and today is 2026-12-01 in Pacific/Auckland"),
        (("INV-000001", "--on", "1.12.2026"), "write it as YYYY-MM-DD"),
        (("INV-000001", "--reference", "two\nlines"), "the reference is no line"),
        (("INV-000001", "--take-back", "1"), "INV-000001 has no payment 1 that could be taken back"),
        (("INV-000001", "--take-back", "1", "--amount", "1"), "leave --on, --amount and --reference out"),
    ],
)
def test_what_cannot_be_a_payment_is_refused_and_nothing_is_recorded(
    books: Path, arguments: tuple[str, ...], told: str
) -> None:
    assert tallybook(books, "invoice", "void", "INV-000002", "--as-of", "2026-11-03").returncode == 0
    refused = paid(books, *arguments)
    assert (refused.returncode, entries(books)) == (2, 0)
    assert told in refused.stderr


def test_an_invoice_is_overdue_from_the_day_after_its_due_date_in_its_own_time_zone_until_it_is_paid(
    books: Path,
) -> None:
    """Due on November 16th in Auckland, which is over at 11:00 UTC."""

    def overdue(as_of: str) -> list[str]:
        done = tallybook(books, "invoice", "list", "--overdue", "--json", "--as-of", as_of)
        assert done.returncode == 0, done.stderr
        assert "1 open invoice has no due date and cannot be overdue" in done.stderr
        return [f"{each['invoice_id']} {each['open']}" for each in json.loads(done.stdout)]

    assert overdue("2026-11-16T10:59:59Z") == []
    assert overdue("2026-11-16T11:00:00Z") == ["INV-000001 12.00"]
    assert paid(books, "INV-000001", "--on", "2026-11-20", "--amount", "11.99").returncode == 0
    assert overdue("2026-12-01") == ["INV-000001 0.01"]
    table = tallybook(books, "invoice", "list", "--overdue", *AS_OF).stdout.splitlines()
    assert table[0].split("\t")[-3:] == ["paid", "open", "due"]
    assert table[1].split("\t")[-3:] == ["11.99", "0.01", "2026-11-16"]
    assert paid(books, "INV-000001", "--on", "2026-11-21").returncode == 0
    assert overdue("2026-12-01") == []


def test_a_list_says_of_every_invoice_what_is_paid_and_open(books: Path) -> None:
    assert paid(books, "INV-000001", "--on", "2026-11-10", "--amount", "5").returncode == 0
    assert tallybook(books, "invoice", "void", "INV-000002", "--as-of", "2026-11-03").returncode == 0
    listed = json.loads(tallybook(books, "invoice", "list", "--json", *AS_OF).stdout)
    assert [(each["invoice_id"], each["paid"], each["open"], each["overdue"]) for each in listed] == [
        ("INV-000001", "5.00", "7.00", True),
        ("INV-000002", "0.00", "0.00", False),
        ("INV-000003", None, None, None),
        ("draft-2026-10-beta", None, None, None),
    ]


def test_a_payment_that_was_changed_is_named_by_verify_and_by_whoever_reads_payments(books: Path) -> None:
    assert paid(books, "INV-000001", "--on", "2026-11-10").returncode == 0
    path = append_log.entry_path(layout.payments(books), 1)
    path.write_bytes(path.read_bytes().replace(b'"12.00"', b'"99.00"'))
    verified = tallybook(books, "verify")
    assert verified.returncode == 6
    assert "FAIL  payments_are_unchanged" in verified.stdout
    assert "a recorded payment never changes" in verified.stdout
    assert "was changed after it was written" in tallybook(books, "invoice", "list").stderr


def test_a_payment_of_an_invoice_that_is_not_in_the_register_is_named_by_verify(books: Path) -> None:
    assert paid(books, "INV-000002", "--on", "2026-11-10").returncode == 0
    append_log.entry_path(layout.register(books), 2).unlink()
    verified = tallybook(books, "verify")
    assert verified.returncode == 6
    assert "FAIL  payments_are_of_issued_invoices: not so: payment 1 is of INV-000002" in verified.stdout


def test_an_invoice_below_zero_has_nothing_to_be_paid_and_says_what_its_buyer_is_owed(tmp_path: Path) -> None:
    goodwill = '[[accounts.items]]\nid = "goodwill"\ndate = 2026-10-05\ndescription = "Goodwill"\namount = -50.00\n'
    root = make_workspace(tmp_path / "books", accounts=account("acme", "key_a") + goodwill)
    write_log(root, "l.jsonl", plain("2026-10-15T10:00:00Z", id="a"))
    assert tallybook(root, "nightly", "--as-of", "2026-11-02").returncode == 0
    assert tallybook(root, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02").returncode == 0
    nothing = paid(root, "INV-000001")
    assert (nothing.returncode, entries(root)) == (0, 0)
    assert (
        "nothing of INV-000001 is for its buyer to pay, who is owed 48.00 USD; nothing was recorded" in nothing.stderr
    )
    assert "0.00 paid of -48.00 USD, -48.00 open, which is owed to its buyer" in nothing.stdout
    payout = paid(root, "INV-000001", "--amount", "-48.00")
    assert (payout.returncode, entries(root)) == (2, 0)
    assert "what you pay to a buyer is not recorded here" in payout.stderr
    came = paid(root, "INV-000001", "--amount", "10.00")
    assert "INV-000001 is paid 10.00 USD beyond what is owed; pay it back" in came.stderr
    assert "its buyer is owed 48.00 USD besides" in came.stderr
    assert paid(root, "INV-000001", "--take-back", "1").returncode == 0
    part = ("--line", "1", "--amount", "1.00", "--reason", "outage", *AS_OF)
    refused = tallybook(root, "invoice", "credit", "INV-000001", *part)
    assert "0.00 is left of it after credit notes, prepaid credits, coupons and allowances" in refused.stderr
    voided = tallybook(root, "invoice", "void", "INV-000001", "--yes", *AS_OF)
    assert (voided.returncode, voided.stderr) == (0, "")
    assert tallybook(root, "verify").returncode == 0
