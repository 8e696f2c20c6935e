"""Usage without a price in an earlier month of a contract's year: what the year lacks is known to nobody."""

from __future__ import annotations

from typing import TYPE_CHECKING
from unittest import mock

import pytest
from workspaces import account, make_workspace, plain, tallybook, write_log

from pipeline.accounts import Account

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.base.periods import BillingPeriod

CARD = 'id = "standard"\n{more}\n[[rates]]\nmodel = "jamba-large"\nprompt = 1.00\ncompletion = 0\n'
PRICED = '[aliases]\n"jamba-x" = "jamba-large"\n'
YEAR = "begins_on = 2025-11-01\nyearly_commitment = 100.00\n"
ISSUE = ("invoice", "issue", "--period", "2026-10", "--as-of", "2026-11-20")


def _itself(_: Account, period: BillingPeriod) -> Iterator[BillingPeriod]:
    yield period


def books_of(root: Path, terms: str, *, used: int = 10) -> Path:
    """Return books with 50.00 of January, for want of a price, and of October what was ``used``."""
    make_workspace(root, accounts=account("acme", "key_a") + terms, cards={"standard": CARD.format(more="")})
    january = plain("2026-01-05T00:00:00Z", id="one", prompt=50_000_000, model="jamba-x")
    write_log(root, "l.jsonl", january, plain("2026-10-05T00:00:00Z", id="two", prompt=used * 1_000_000))
    assert tallybook(root, "nightly", "--as-of", "2026-11-20").returncode == 0
    return root


def priced(books: Path) -> None:
    (books / "rates" / "standard.toml").write_text(CARD.format(more=PRICED), encoding="utf-8")


@pytest.mark.parametrize(
    ("terms", "used", "total"),
    [(YEAR, 10, "50.00"), (YEAR + "overage_percent = 150\n", 70, "80.00")],
)
def test_a_month_that_counts_its_year_is_issued_once_all_of_it_has_a_price(
    tmp_path: Path, terms: str, used: int, total: str
) -> None:
    """Of 100.00 a year, 50.00 and 10.00 lack 40.00; 50.00 and 70.00 are 20.00 beyond, at half as much again."""
    books = books_of(tmp_path / "books", terms, used=used)
    blocked = tallybook(books, *ISSUE)
    assert blocked.returncode == 4
    assert "2026-10 cannot be issued: no rate is in force for account 'acme': 50000000 tokens" in blocked.stderr
    assert "of model 'jamba-x' in 2026-01" in blocked.stderr
    assert "--account" not in blocked.stderr  # there is no other
    priced(books)
    issued = tallybook(books, *ISSUE, "-o", "csv")
    assert issued.returncode == 0, issued.stderr
    assert f",{total},USD" in issued.stdout


def test_a_month_that_no_year_is_settled_with_is_issued_whatever_an_earlier_one_lacks(tmp_path: Path) -> None:
    books = books_of(tmp_path / "books", "begins_on = 2025-11-01\nminimum_commitment = 20.00\n")
    assert tallybook(books, *ISSUE).returncode == 0


def test_an_invoice_that_was_issued_over_an_unpriced_month_of_its_year_is_recomputed(tmp_path: Path) -> None:
    """Versions before this rule issued it: 10.00 and 90.00 of commitment."""
    books = books_of(tmp_path / "books", YEAR)
    with mock.patch.object(Account, "counted_in", _itself):
        assert ",100.00,USD" in tallybook(books, *ISSUE, "-o", "csv").stdout
    assert tallybook(books, "recompute", "INV-000001").returncode == 0
