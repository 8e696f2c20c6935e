"""A year of two customers.

Three rate cards, prices that change, logs that come late, a void, a commitment, and credits that expire.

Aurora pays in USD: 10 million prompt tokens a month, by the card "standard" at 2.00 a million (1.80 from 15 March),
from May by "agreed" at 1.50, and from July at least 20.00 a month. Birke pays in EUR with 19 percent of VAT: 4 million
a month by "partner", at 2.00, from July at 1.50.
"""

from __future__ import annotations

import csv
import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from workspaces import append_log, make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

MILLION = 1_000_000
ACCOUNTS = """
[[accounts]]
id = "aurora"
name = "Aurora"
keys = ["key_a"]
[[accounts.terms]]
from = 2026-05-01
rate_card = "agreed"
[[accounts.terms]]
from = 2026-07-01
minimum_commitment = 20.00
[[accounts.credits]]
id = "launch"
amount = 50.00
granted_on = 2026-01-01
expires_on = 2026-03-01
[[accounts.credits]]
id = "spring"
amount = 25.00
granted_on = 2026-03-01
[[accounts.credits]]
id = "autumn"
amount = 12.00
granted_on = 2026-10-01

[[accounts]]
id = "birke"
name = "Birke"
timezone = "Europe/Berlin"
rate_card = "partner"
keys = ["key_b"]
tax = { rate = 19, label = "VAT" }
"""


def card(name: str, currency: str, *rates: tuple[str, str | None]) -> str:
    """Write a card with one model: prices and until when each holds."""
    text, start = f'id = "{name}"\ncurrency = "{currency}"\n', None
    for price, end in rates:
        text += f'[[rates]]\nmodel = "jamba-large"\nprompt = {price}\ncompletion = 8.00\n'
        text += (f"effective_from = {start}\n" if start else "") + (f"effective_to = {end}\n" if end else "")
        start = end
    return text


CARDS = {
    "standard": card("standard", "USD", ("2.00", "2026-03-15"), ("1.80", None)),
    "agreed": card("agreed", "USD", ("1.50", None)),
    "partner": card("partner", "EUR", ("2.00", "2026-06-30T22:00:00Z"), ("1.50", None)),
}


def used(account: str, instant: str, millions: int) -> str:
    return plain(instant, id=f"{account}-{instant}", prompt=millions * MILLION, key=f"key_{account}")


def months(account: str, day: int, millions: int, *numbers: int) -> list[str]:
    return [used(account, f"2026-{month:02}-{day:02}T10:00:00Z", millions) for month in numbers]


def quarter(workspace: Path, as_of: str, *periods: int) -> str:
    """Run the night, check every claim, and issue the months; return what the night warned of."""
    night = tallybook(workspace, "nightly", "--as-of", as_of)
    assert night.returncode == 0, night.stderr
    for period in periods:
        issued = tallybook(workspace, "invoice", "issue", "--period", f"2026-{period:02}", "--as-of", as_of)
        assert issued.returncode == 0, issued.stderr
    verified = tallybook(workspace, "verify")
    assert verified.returncode == 0, verified.stdout
    return night.stderr


def invoices(workspace: Path, account: str) -> list[tuple[str, str, str]]:
    rows: list[dict[str, str]] = []
    for file in sorted((workspace / "invoices").glob("2026-*/invoices.csv")):
        with file.open(newline="", encoding="utf-8") as lines:
            rows += csv.DictReader(lines)
    return sorted((row["invoice_id"], row["period"][5:], row["total"]) for row in rows if row["account_id"] == account)


@pytest.mark.slow
def test_a_year_of_two_customers(tmp_path: Path) -> None:
    books = make_workspace(tmp_path / "books", accounts=ACCOUNTS, cards=CARDS)

    # Spring. March has 10 million at 2.00 and, after the price change, 5 million at 1.80: 29.00.
    write_log(
        books,
        "l.jsonl",
        *months("a", 10, 10, 1, 2, 3),
        used("a", "2026-03-20T10:00:00Z", 5),
        *months("b", 15, 4, 1, 2, 3),
    )
    quarter(books, "2026-04-02", 1, 2, 3)
    aurora = [
        ("INV-000001", "01", "0.00"),
        ("INV-000003", "02", "0.00"),
        ("INV-000005", "03", "4.00"),
    ]  # launch pays 20.00 twice, spring 25.00
    birke = [("INV-000002", "01", "9.52"), ("INV-000004", "02", "9.52"), ("INV-000006", "03", "9.52")]  # 8.00 + 1.52
    assert (invoices(books, "aurora"), invoices(books, "birke")) == (aurora, birke)

    # Summer. A million of February comes late: 2.00 more on April's invoice (10 million at 1.80). What Berlin used at
    # 00:30 on 1 April is April's.
    append_log(
        books,
        "l.jsonl",
        *months("a", 10, 10, 4, 5, 6),
        *months("b", 15, 4, 4, 5, 6),
        used("b", "2026-03-31T22:30:00Z", 1),
        used("a", "2026-02-20T10:00:00Z", 1),
    )
    warned = quarter(books, "2026-07-02", 4, 5, 6)
    assert "aurora, 2026-02 (INV-000003) is worth 2.00 USD more" in warned
    aurora += [("INV-000007", "04", "20.00"), ("INV-000009", "05", "15.00"), ("INV-000011", "06", "15.00")]
    birke += [("INV-000008", "04", "11.90"), ("INV-000010", "05", "9.52"), ("INV-000012", "06", "9.52")]
    assert (invoices(books, "aurora"), invoices(books, "birke")) == (aurora, birke)

    # Autumn. Birke's invoice of May is voided and issued again. Aurora's 15.00 of July and September are raised to
    # 20.00; August is 36.00.
    voided = tallybook(books, "invoice", "void", "INV-000010", "--as-of", "2026-09-01")
    assert voided.returncode == 0, voided.stderr
    append_log(books, "l.jsonl", *months("a", 10, 10, 7, 9), *months("a", 10, 24, 8), *months("b", 15, 4, 7, 8, 9))
    quarter(books, "2026-10-02", 5, 7, 8, 9)
    aurora += [("INV-000015", "07", "20.00"), ("INV-000017", "08", "36.00"), ("INV-000019", "09", "20.00")]
    birke += [
        ("INV-000013", "05", "-9.52"),
        ("INV-000014", "05", "9.52"),
        ("INV-000016", "07", "7.14"),
        ("INV-000018", "08", "7.14"),
        ("INV-000020", "09", "7.14"),
    ]
    assert (invoices(books, "aurora"), invoices(books, "birke")) == (aurora, sorted(birke))

    # Winter. Late: 2 million of Aurora's July, within what July's commitment paid for; 1 million of Birke's May, at
    # 2.00, on October's invoice. Aurora uses nothing in December and owes its 20.00; of October's 20.00 the credit of
    # autumn pays 12.00.
    append_log(
        books,
        "l.jsonl",
        *months("a", 10, 10, 10, 11),
        *months("b", 15, 4, 10, 11, 12),
        used("a", "2026-07-20T10:00:00Z", 2),
        used("b", "2026-05-20T10:00:00Z", 1),
    )
    quarter(books, "2027-01-02", 10, 11, 12)
    aurora += [("INV-000021", "10", "8.00"), ("INV-000023", "11", "20.00"), ("INV-000025", "12", "20.00")]
    birke += [
        ("INV-000022", "10", "9.52"),
        ("INV-000024", "11", "7.14"),
        ("INV-000026", "12", "7.14"),
    ]  # (6.00 + 2.00) + 1.52
    assert (invoices(books, "aurora"), invoices(books, "birke")) == (aurora, sorted(birke))

    # The year: everything is settled, and what Aurora paid and its credits paid is what its months are worth.
    assert "is worth" not in quarter(books, "2027-01-03")
    worth = [20, 22, 29, 18, 15, 15, 20, 36, 20, 20, 20, 20]
    paid = sum(Decimal(total) for _, _, total in invoices(books, "aurora"))
    grants = {
        row["credit"]: (row["consumed"], row["expired"], row["left"])
        for row in json.loads(tallybook(books, "invoice", "credits", "--json").stdout)
    }
    assert grants == {
        "launch": ("40.00", "10.00", "0.00"),
        "spring": ("25.00", "0.00", "0.00"),
        "autumn": ("12.00", "0.00", "0.00"),
    }
    assert paid + 40 + 25 + 12 == sum(worth)
