"""A key has one owner at most, and an account says who it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from pipeline.accounts import Account, Accounts, Exchange, ExchangeDay, Terms
from pipeline.accounts.exchange import ExchangeTable
from pipeline.accounts.keys import KeyPeriod
from pipeline.base.errors import AccountsError, ConfigurationError
from pipeline.base.periods import BillingPeriod


def account(**changes: Any) -> Account:
    return Account(
        **{
            "id": "acme",
            "name": "Acme Ltd",
            "timezone": "Europe/Berlin",
            "rate_card": "standard",
            "key_ids": ("key_1",),
        }
        | changes
    )


def test_a_key_leads_to_its_account_and_an_unknown_key_to_none() -> None:
    acme, bolt = account(), account(id="bolt", key_ids=("key_2", "key_3"))
    accounts = Accounts(accounts=(acme, bolt))
    assert accounts.account_of("key_3") is bolt
    assert accounts.account_of("key_9") is None
    assert accounts.by_id("acme") is acme
    assert accounts.by_id("nobody") is None
    assert list(accounts) == [acme, bolt]
    assert len(accounts) == 2


def test_people_are_told_a_key_as_its_owner_of_now_else_as_its_last_one() -> None:
    first, second, third = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 4, 7))
    acme = account(key_ids=("key_1",), key_periods=(KeyPeriod(key_id="key_2", from_at=first, to_at=second),))
    bolt = account(
        id="bolt",
        key_ids=(),
        key_periods=(KeyPeriod(key_id="key_2", from_at=third, to_at=datetime.max.replace(tzinfo=UTC)),),
    )
    owner_of = Accounts(accounts=(bolt, acme)).owner_of
    assert owner_of("key_1", None) == owner_of("key_1", second) == "acme"
    assert [owner_of("key_2", now) for now in (first, second, third, None)] == ["acme", "bolt", "bolt", "bolt"]
    assert owner_of("key_9", first) == owner_of("key_9", None) == ""


def test_a_key_of_two_accounts_is_refused_with_both_names() -> None:
    with pytest.raises(AccountsError, match="'key_1' belongs to account 'acme' and to account 'bolt'"):
        Accounts(accounts=(account(), account(id="bolt")))


def test_an_account_id_used_twice_is_refused() -> None:
    with pytest.raises(AccountsError, match="'acme' is used twice"):
        Accounts(accounts=(account(), account(key_ids=("key_2",))))


def test_a_key_listed_twice_is_refused() -> None:
    with pytest.raises(AccountsError, match="'key_7' is listed twice"):
        Accounts(accounts=(account(key_ids=("key_1", "key_7", "key_7")),))


@pytest.mark.parametrize("account_id", ["", "a b", "a/b", "ä", "x" * 65, "a\n"])
def test_an_id_that_could_not_stand_in_a_file_name_is_refused(account_id: str) -> None:
    with pytest.raises(AccountsError, match="account id"):
        account(id=account_id)


@pytest.mark.parametrize("name", ["", "   ", "nul\0", "x" * 201])
def test_a_name_that_cannot_be_printed_is_refused(name: str) -> None:
    with pytest.raises(AccountsError, match="of account 'acme'"):
        account(name=name)


def test_what_may_be_a_raw_key_is_refused_without_being_shown() -> None:
    with pytest.raises(AccountsError, match="key 2 of account 'acme' is no key id") as refused:
        account(key_ids=("key_1", "Bearer canary-1234"))
    assert "canary" not in str(refused.value)


def test_an_unknown_time_zone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Mars/Olympus"):
        account(timezone="Mars/Olympus")


def test_an_account_counts_its_days_in_its_own_time_zone() -> None:
    assert account().zone.key == "Europe/Berlin"


def test_the_rate_of_a_months_end_is_that_of_the_accounts_own_month() -> None:
    table = ExchangeTable(
        file="exchange/USD-EUR.csv",
        dates=(date(2026, 10, 31), date(2026, 11, 14)),
        rates=(Decimal("0.9"), Decimal("0.8")),
    )
    by_calendar = Exchange(currency="EUR", tables={"USD": table}, day=ExchangeDay.MONTH_END)
    from_the_15th = replace(by_calendar, month_day=15)
    used_on = date(2026, 10, 20)
    assert [each.deciding_day(used_on) for each in (by_calendar, from_the_15th)] == [
        date(2026, 10, 31),
        date(2026, 11, 14),
    ]
    rates = [each.rate_of("USD", used_on) for each in (by_calendar, from_the_15th)]
    assert [rate.rate for rate in rates if rate] == [Decimal("0.9"), Decimal("0.8")]


def test_a_year_of_a_contract_is_settled_in_a_month_of_the_accounts_own() -> None:
    terms = (Terms(from_date=None, rate_card="standard", yearly_commitment=Decimal(1200)),)
    acme = account(month_day=15, begins_on=date(2026, 9, 15), terms=terms)
    last = BillingPeriod(year=2027, month=8, day=15)
    assert acme.year_settled_in(last) == acme.year_of(last.previous())
    assert [acme.year_settled_in(each) for each in (last.previous(), last.next())] == [None, None]


@pytest.mark.parametrize(
    ("terms", "months_of_october", "months_of_august"),
    [
        ({"yearly_commitment": 1200}, 1, 12),
        ({"yearly_commitment": 1200, "overage_percent": 120}, 2, 12),
        ({"minimum_commitment": 100, "overage_percent": 120}, 1, 1),
        ({}, 1, 1),
    ],
)
def test_a_month_counts_those_of_its_year_where_they_decide_what_it_is_worth(
    terms: dict[str, int], months_of_october: int, months_of_august: int
) -> None:
    agreed = {name: Decimal(number) for name, number in terms.items()}
    by_terms = (Terms(from_date=None, rate_card="standard", **agreed),)  # type: ignore[arg-type]
    acme = account(begins_on=date(2026, 9, 1), terms=by_terms)
    october, august = BillingPeriod(year=2026, month=10), BillingPeriod(year=2027, month=8)
    counted = [sorted(acme.counted_in(each)) for each in (october, august)]
    assert [len(months) for months in counted] == [months_of_october, months_of_august]
    assert [months[-1] for months in counted] == [october, august]
