"""Rates of exchange of a month's last day: a draft has the last one there is, and an invoice none but the right one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = """
[[accounts]]
id = "acme"
name = "Acme"
keys = ["key_a"]
currency = "EUR"
exchange = { day = "month-end", days_max = 1 }
"""
CARDS = {
    "standard": 'id = "standard"\n\n[[rates]]\nmodel = "jamba-large"\nprompt = 2.00\ncompletion = 8.00\n',
    "euro": 'id = "euro"\ncurrency = "EUR"\n\n[[rates]]\nmodel = "jamba-large"\nprompt = 2.50\ncompletion = 8.00\n',
    "pounds": 'id = "pounds"\ncurrency = "GBP"\n\n[[rates]]\nmodel = "jamba-large"\nprompt = 3.00\ncompletion = 8.00\n',
}


@pytest.fixture
def books(tmp_path: Path) -> Path:
    root = make_workspace(tmp_path / "books", accounts=ACCOUNTS, cards=CARDS)
    (root / "exchange").mkdir()
    (root / "exchange" / "USD-EUR.csv").write_text("date,rate\n2026-10-12,0.9\n", encoding="utf-8")
    write_log(root, "l.jsonl", plain("2026-10-10T10:00:00Z", id="one"))
    return root


def append(books: Path, line: str) -> None:
    with (books / "exchange" / "USD-EUR.csv").open("a", encoding="utf-8") as table:
        table.write(f"{line}\n")


@pytest.mark.long
def test_a_month_is_issued_once_the_table_has_come_to_its_last_day_and_not_before(books: Path) -> None:
    """October 31st is a Saturday: Friday's rate of 0.95 holds, and until it is there 0.90 does."""
    assert "draft-2026-10-acme" in tallybook(books, "nightly", "--as-of", "2026-10-13").stdout
    assert "at 1.80 EUR per million (2.00 USD at 0.90 of 2026-10-12)" in csv_of(books)
    for more, as_of in ((["--early"], "2026-10-13"), ([], "2026-11-02")):
        done = tallybook(books, "invoice", "issue", "--period", "2026-10", *more, "--as-of", as_of)
        assert done.returncode == 4
        assert "2026-10 of 'acme' cannot be issued: usage of 2026-10-10 is paid at the rate of exchange" in done.stderr
        assert "exchange/USD-EUR.csv has no rate of 2026-10-31 nor of the day before" in done.stderr
    append(books, "2026-10-30,0.95")
    done = tallybook(books, "invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    assert done.returncode == 0, done.stderr
    assert "at 1.90 EUR per million (2.00 USD at 0.95 of 2026-10-30)" in csv_of(books)


@pytest.mark.long
def test_a_childs_rates_are_awaited_before_its_parents_invoice_is_issued(books: Path) -> None:
    parent = '[[accounts]]\nid = "holding"\nname = "Holding"\nkeys = ["key_h"]\nrate_card = "euro"\n'
    (books / "accounts.toml").write_text(parent + ACCOUNTS + 'invoiced_to = "holding"\n', encoding="utf-8")
    assert "draft-2026-10-holding" in tallybook(books, "nightly", "--as-of", "2026-10-13").stdout
    issue = ("invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-02")
    done = tallybook(books, *issue)
    assert done.returncode == 4
    assert "2026-10 of 'acme' cannot be issued: usage of 2026-10-10 is paid at the rate of exchange" in done.stderr
    append(books, "2026-10-30,0.95")
    assert tallybook(books, *issue).returncode == 0
    assert tallybook(books, "recompute", "INV-000001").returncode == 0


@pytest.mark.long
def test_a_card_in_the_accounts_own_currency_is_compared_without_an_exchange(books: Path) -> None:
    tallybook(books, "nightly", "--as-of", "2026-10-13")
    done = tallybook(books, "reprice", "--card", "euro", "-o", "csv")
    assert done.stdout.splitlines()[1].endswith(",1000000,1000000,1.80,2.50,EUR,1.80,2.50,0.70")


@pytest.mark.long
def test_a_card_in_a_third_currency_is_compared_where_there_is_a_table(books: Path) -> None:
    tallybook(books, "nightly", "--as-of", "2026-10-13")
    done = tallybook(books, "reprice", "--card", "pounds")
    assert done.returncode == 2
    assert "account 'acme' pays in EUR, and rate card 'pounds' is in GBP; add exchange/GBP-EUR.csv" in done.stderr
    table = books / "exchange" / "EUR-GBP.csv"
    table.write_text("date,rate\n2026-10-01,0.8\n", encoding="utf-8")
    done = tallybook(books, "reprice", "--card", "pounds", "-o", "csv")
    assert done.stdout.splitlines()[1].endswith(",1000000,1000000,1.80,3.75,EUR,1.80,3.75,1.95")
    table.write_text("date,rate\n2026-11-01,0.8\n", encoding="utf-8")
    done = tallybook(books, "reprice", "--card", "pounds", "-o", "csv")
    assert done.stdout.splitlines()[1].endswith(",1000000,0,1.80,,EUR,1.80,0.00,-1.80")
    assert (
        "1000000 tokens of acme for model 'jamba-large' are unpriced; exchange/EUR-GBP.csv has no rate" in done.stderr
    )


@pytest.mark.long
def test_a_trial_says_which_rate_of_exchange_is_missing(books: Path) -> None:
    (books / "exchange" / "USD-EUR.csv").write_text("date,rate\n", encoding="utf-8")
    said = tallybook(books, "try", str(books / "logs" / "l.jsonl")).stdout
    assert (
        "without a rate: model 'jamba-large' of acme, 1000000 tokens; exchange/USD-EUR.csv has no rate of 2026-10-31 "
        "nor of the day before; add it"
    ) in said


def csv_of(books: Path) -> str:
    return (books / "invoices" / "2026-10" / "lines.csv").read_text(encoding="utf-8")
