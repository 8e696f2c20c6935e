"""Every kind of document is recomputed byte for byte, and an amount that was changed and sealed again is found."""

from __future__ import annotations

import json
import shutil
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from forgery import reseal
from workspaces import STANDARD, append_log, make_workspace, plain, tallybook, write_log

from pipeline.objects import layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ACCOUNTS = """
[[accounts]]
id = "acme"
name = "Acme"
keys = ["key_a"]
tax = { rate = 19.0, label = "VAT" }
payment_terms_days = 14
discount_percent = 10
minimum_commitment = 20.00
[[accounts.credits]]
id = "welcome"
amount = 3.00
granted_on = 2026-09-01
[[accounts.coupons]]
id = "launch"
from = 2026-09-01
months = 1
percent = 25
[[accounts]]
id = "bolt"
name = "Bolt"
keys = ["key_b"]
currency = "EUR"
exchange = { day = "usage", days_max = 31 }
"""
EXCHANGE = "date,rate\n2026-09-01,0.9137\n2026-10-01,0.8999\n"
DOCUMENTS = {
    1: "an invoice with a coupon, prepaid credits, a commitment and tax",
    2: "an invoice in another currency",
    3: "a credit note of a part",
    4: "a void of what a part was credited of",
    5: "an invoice of the month that was open again, with late usage",
    6: "a void of an invoice in another currency",
}


@pytest.fixture(scope="module")
def issued_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_workspace(tmp_path_factory.mktemp("kinds") / "books", accounts=ACCOUNTS, cards={"standard": STANDARD})
    (root / "exchange").mkdir()
    (root / "exchange" / "USD-EUR.csv").write_text(EXCHANGE, encoding="utf-8")
    write_log(
        root,
        "l.jsonl",
        plain("2026-09-05T10:00:00Z", id="a", prompt=4_321_987, completion=123_457),
        plain("2026-09-06T10:00:00Z", id="b", key="key_b", prompt=1_234_567),
        plain("2026-10-06T10:00:00Z", id="c", prompt=1),
    )
    in_order(
        root,
        "nightly --as-of 2026-11-01T03:00:00Z",
        "invoice issue --period 2026-09 --as-of 2026-11-02T09:00:00Z",
        "invoice credit INV-000001 --line 1 --amount 0.33 --reason outage --as-of 2026-11-03T09:00:00Z",
        "invoice void INV-000001 --as-of 2026-11-04T09:00:00Z",
    )
    append_log(root, "l.jsonl", plain("2026-09-07T10:00:00Z", id="late", prompt=777_777))
    in_order(
        root,
        "nightly --as-of 2026-11-05T03:00:00Z",
        "invoice issue --period 2026-09 --account acme --as-of 2026-11-05T09:00:00Z",
        "invoice void INV-000002 --as-of 2026-11-06T09:00:00Z",
        "nightly --as-of 2026-11-07T03:00:00Z",
    )
    return root


@pytest.fixture
def books(issued_once: Path, tmp_path: Path) -> Path:
    return shutil.copytree(issued_once, tmp_path / "books")


def in_order(root: Path, *commands: str) -> None:
    for command in commands:
        done = tallybook(root, *command.split())
        assert done.returncode == 0, (command, done.stderr)


def document(root: Path, number: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((layout.register(root) / f"{number:020}.json").read_bytes())
    return found


@pytest.mark.long
def test_the_register_holds_what_these_tests_are_about(issued_once: Path) -> None:
    found = [document(issued_once, number) for number in DOCUMENTS]
    assert not (layout.register(issued_once) / f"{len(DOCUMENTS) + 1:020}.json").exists()
    kinds = [{line["kind"] for line in each["lines"]} for each in found]
    assert {"usage", "commitment", "coupon", "credit", "tax"} <= kinds[0], kinds[0]
    assert kinds[4] >= kinds[0]
    assert [each["status"] for each in found] == [
        *("issued", "issued", "credit_note", "credit_note", "issued", "credit_note")
    ]
    assert found[1]["currency"] == "EUR"
    assert [each.get("credit_reason") for each in found] == [None, None, "outage", None, None, None]
    assert found[4]["commit"] > found[0]["commit"]


@pytest.mark.parametrize("number", DOCUMENTS, ids=DOCUMENTS.values())
def test_a_document_of_every_kind_is_recomputed_and_a_cent_more_on_any_of_its_lines_is_found(
    books: Path, number: int
) -> None:
    invoice = f"INV-{number:06}"
    done = tallybook(books, "recompute", invoice)
    assert done.returncode == 0, done.stdout + done.stderr
    frozen = document(books, number)
    if "credit_reason" in frozen:  # its amounts are what somebody decided; all else follows from the invoice
        assert fields_that_differ(books, number, lambda entry: entry.update(account_name="Other")) == {"account_name"}
        return
    for at in {0, len(frozen["lines"]) - 1}:

        def one_cent_more(entry: dict[str, Any], at: int = at) -> None:
            for place in (entry["lines"][at], entry):
                for name in {"amount", "exact_amount", "total"} & place.keys():
                    place[name] = str(Decimal(place[name]) + Decimal("0.01"))

        assert fields_that_differ(books, number, one_cent_more) >= {f"lines[{at + 1}].amount", "total"}


def fields_that_differ(books: Path, number: int, change: Callable[[dict[str, Any]], object]) -> set[str]:
    """Return what recomputing names of a document that was changed, and sealed again with all that follow it."""
    register = layout.register(books)
    before = {path: path.read_bytes() for path in register.iterdir()}
    reseal(register, number, change)
    done = tallybook(books, "recompute", f"INV-{number:06}", "--json")
    assert done.returncode == 6, done.stdout + done.stderr
    for path, content in before.items():
        path.write_bytes(content)
    return {each["field"] for each in json.loads(done.stdout)["rows"]}
