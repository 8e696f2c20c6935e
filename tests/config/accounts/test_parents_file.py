"""``invoiced_to``: what can be said, and what is refused with its remedy, since nobody could invoice it."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pipeline.accounts.exchange import ExchangeTable
from pipeline.base.errors import AccountsError
from pipeline.base.periods import BillingPeriod
from pipeline.configuration.accounts.accounts_file import read_accounts

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.accounts import Accounts

ACME = '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\n'
BOLT = '[[accounts]]\nid = "bolt"\nname = "Bolt"\nkeys = ["key_b"]\n'
CORP = '[[accounts]]\nid = "corp"\nname = "Corp"\nkeys = ["key_c"]\n'
TO_ACME = 'invoiced_to = "acme"\n'
FROM_SEPTEMBER = 'invoiced_to = [{ account = "acme", from = 2026-09-01 }]\n'
TWICE = """invoiced_to = [
  { account = "corp", from = 2026-09-01, to = 2026-10-01 },
  { account = "acme", from = 2026-11-01 },
]
"""


def read(tmp_path: Path, text: str) -> Accounts:
    (tmp_path / "accounts.toml").write_text(text, encoding="utf-8")
    return read_accounts(
        tmp_path,
        timezone="UTC",
        rate_card_ids=["standard", "euro"],
        currencies={"standard": "USD", "euro": "EUR"},
        exchange_tables={
            ("USD", "EUR"): ExchangeTable(
                file="exchange/USD-EUR.csv", dates=(date(2026, 10, 1),), rates=(Decimal("0.9"),)
            )
        },
    )


def months(accounts: Accounts, account_id: str) -> list[str]:
    account = accounts.by_id(account_id)
    assert account is not None
    return [account.invoiced_in(BillingPeriod(year=2026, month=month)) for month in range(8, 13)]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", ["bolt", "bolt", "bolt", "bolt", "bolt"]),
        (TO_ACME, ["acme", "acme", "acme", "acme", "acme"]),
        (FROM_SEPTEMBER, ["bolt", "acme", "acme", "acme", "acme"]),
        ('invoiced_to = [{ account = "acme", to = 2026-10-01 }]\n', ["acme", "acme", "bolt", "bolt", "bolt"]),
        (
            TWICE,
            ["bolt", "corp", "bolt", "acme", "acme"],
        ),
    ],
)
def test_each_month_is_on_one_accounts_invoice(tmp_path: Path, said: str, expected: list[str]) -> None:
    assert months(read(tmp_path, ACME + BOLT + said + CORP), "bolt") == expected


def test_a_parent_may_become_a_child_once_it_is_no_parent_any_more(tmp_path: Path) -> None:
    of_acme = 'invoiced_to = [{ account = "acme", to = 2026-10-01 }, { account = "corp", from = 2026-10-01 }]\n'
    accounts = read(
        tmp_path, ACME + 'invoiced_to = [{ account = "corp", from = 2026-10-01 }]\n' + BOLT + of_acme + CORP
    )
    assert months(accounts, "acme") == ["acme", "acme", "corp", "corp", "corp"]
    assert months(accounts, "bolt") == ["acme", "acme", "corp", "corp", "corp"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (BOLT + TO_ACME, "'acme', and there is no such account"),
        (BOLT + 'invoiced_to = "bolt"\n', "which is itself"),
        (ACME + 'invoiced_to = "bolt"\n' + BOLT + TO_ACME, "is invoiced_to 'acme' at the same time"),
        (ACME + BOLT + TO_ACME + CORP + 'invoiced_to = "bolt"\n', "which is invoiced_to 'acme' at the same time"),
        (ACME + BOLT + 'timezone = "Asia/Tokyo"\n' + TO_ACME, "its timezone is Asia/Tokyo, not UTC"),
        (ACME + BOLT + 'rate_card = "euro"\n' + TO_ACME, "is billed in EUR, not USD"),
        (ACME + BOLT + 'billing_interval = "quarter"\n' + TO_ACME, "is billed by the quarter, not by the month"),
        (ACME + "billing_day = 15\n" + BOLT + TO_ACME, "and 'acme' has a billing_day of its own"),
        (
            ACME + 'billing_interval = "quarter"\n' + BOLT + 'billing_interval = "quarter"\n' + FROM_SEPTEMBER,
            "from 2026-09-01, within a period of the quarter",
        ),
        (
            ACME + '[[accounts.terms]]\nfrom = 2026-10-01\nbilling_interval = "quarter"\n' + BOLT + TO_ACME,
            "is billed by the month from 2026-10-01 on, not by the quarter",
        ),
        (ACME + BOLT + "invoiced_to = 3\n", "write the id of an account"),
        (ACME + BOLT + "invoiced_to = []\n", "write the id of an account"),
        (ACME + BOLT + 'invoiced_to = [{ account = "acme", from = 2026-10-15 }]\n', "the first day of a month"),
        (ACME + BOLT + 'invoiced_to = [{ account = "acme", from = "2026-10-01" }]\n', "write a plain date"),
        (
            ACME + BOLT + 'invoiced_to = [{ account = "acme", from = 2026-10-01, to = 2026-10-01 }]\n',
            "not after 2026-10-01",
        ),
        (
            ACME + BOLT + 'invoiced_to = [{ account = "acme" }, { account = "corp", from = 2026-10-01 }]\n' + CORP,
            "'acme' and 'corp' at a time",
        ),
        (ACME + BOLT + TO_ACME + "tax = { rate = 19.0 }\n", "has tax, which no invoice would have"),
        (ACME + BOLT + TO_ACME + "payment_terms_days = 0\n", "has payment_terms_days, which no invoice"),
        (ACME + BOLT + TO_ACME + 'address = "Street 1"\nnote = "Hi"\n', "has buyer's address, note, which no invoice"),
        (ACME + BOLT + TO_ACME + 'stripe_customer = "cus_1"\n', "has stripe_customer, which no invoice"),
        (ACME + BOLT + FROM_SEPTEMBER + "tax = { rate = 19.0 }\n", "whose tax is not that of 'bolt'"),
        (
            ACME
            + "tax = { rate = 19.0 }\n"
            + BOLT
            + 'invoiced_to = [{ account = "acme", to = 2026-10-01 }, { account = "corp", from = 2026-10-01 }]\n'
            + CORP,
            "'corp' for some time, whose tax is not that of 'acme'",
        ),
        (
            ACME
            + "tax = { rate = 19.0, by_kind = { fee = { rate = 7.0 } } }\n"
            + BOLT
            + TO_ACME
            + '[[accounts.coupons]]\nid = "c"\nfrom = 2026-10-01\namount = 1.00\n',
            "over which coupons of a child are not split",
        ),
    ],
)
def test_what_could_not_be_invoiced_is_refused_with_its_remedy(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(AccountsError, match=r"accounts\.toml") as refused:
        read(tmp_path, text)
    assert told in str(refused.value)


def test_an_account_that_has_invoices_of_its_own_keeps_what_these_say(tmp_path: Path) -> None:
    text = ACME + "tax = { rate = 19.0 }\n" + BOLT + FROM_SEPTEMBER + 'tax = { rate = 19.0 }\nnote = "Hi"\n'
    bolt = read(tmp_path, text).by_id("bolt")
    assert bolt is not None
    assert bolt.note == "Hi"


def test_accounts_on_one_invoice_pay_in_one_currency_whatever_their_cards_are_in(tmp_path: Path) -> None:
    in_euro, by_euro_card = 'currency = "EUR"\n', 'rate_card = "euro"\n'
    for mine, its in ((in_euro, by_euro_card), (by_euro_card, in_euro), (in_euro, in_euro)):
        assert months(read(tmp_path, ACME + its + BOLT + mine + TO_ACME), "bolt") == ["acme"] * 5
    for mine, its, told in ((in_euro, "", "in EUR, not USD"), ("", in_euro, "in USD, not EUR")):
        with pytest.raises(AccountsError, match=f"is billed {told}; an invoice has one currency"):
            read(tmp_path, ACME + its + BOLT + mine + TO_ACME)
