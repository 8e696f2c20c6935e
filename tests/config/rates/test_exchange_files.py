"""Tables of rates of exchange: what the files may say, and which accounts are paid by them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pipeline.accounts import ExchangeDay, ExchangeRate
from pipeline.base.errors import ConfigurationError
from pipeline.configuration.exchange_files import read_exchange_tables
from pipeline.configuration.workspace import open_workspace

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.accounts import Exchange

CARD = '\n\n[[rates]]\nmodel = "jamba"\nprompt = 2.00\ncompletion = 8.00\n'
ACME = '[[accounts]]\nid = "acme"\nname = "Acme"\nkeys = ["key_a"]\n'
EUROS = ACME + 'currency = "EUR"\n'


def written(root: Path, accounts: str, *, card: str = CARD, **tables: str) -> Path:
    for folder in ("rates", "exchange"):
        (root / folder).mkdir(exist_ok=True)
    (root / "tallybook.toml").write_text('currency = "USD"\n', encoding="utf-8")
    (root / "accounts.toml").write_text(accounts, encoding="utf-8")
    (root / "rates" / "standard.toml").write_text(f'id = "standard"{card}', encoding="utf-8")
    for pair, text in tables.items():
        (root / "exchange" / f"{pair.replace('_', '-')}.csv").write_text(text, encoding="utf-8")
    return root


def exchange_in(root: Path) -> Exchange:
    exchange = open_workspace(root).accounts.accounts[0].exchange
    assert exchange is not None
    return exchange


def test_a_rate_of_the_day_holds_and_else_the_last_one_that_is_not_too_old(tmp_path: Path) -> None:
    table = "date,rate\n2026-10-02,0.9200\n2026-10-06,0.93\n"
    exchange = exchange_in(written(tmp_path, EUROS + "exchange = { days_max = 2 }\n", USD_EUR=table))
    found = [exchange.rate_of("USD", date(2026, 10, day)) for day in (1, 2, 4, 5, 6, 8, 9)]
    friday, tuesday = (
        ExchangeRate(currency="USD", rate=Decimal(rate), on=date(2026, 10, day))
        for rate, day in (("0.92", 2), ("0.93", 6))
    )
    assert found == [None, friday, friday, None, tuesday, tuesday, None]
    assert exchange.missing_text("USD", date(2026, 10, 5)).startswith(
        "exchange/USD-EUR.csv has no rate of 2026-10-05 nor of the 2 days before; add it"
    )


def test_by_the_months_end_a_rate_is_awaited_and_a_hole_is_none(tmp_path: Path) -> None:
    """October ends on a Saturday; the table has come to November 10th, and its hole at the end of September stays."""
    table = "date,rate\n2026-09-20,0.91\n2026-10-30,0.92\n2026-11-10,0.93\n"
    text = EUROS + 'exchange = { day = "month-end", days_max = 1 }\n'
    exchange = exchange_in(written(tmp_path, text, USD_EUR=table))
    assert exchange.day is ExchangeDay.MONTH_END
    september, october, november = (exchange.rate_of("USD", date(2026, month, 3)) for month in (9, 10, 11))
    assert september is None
    assert (october, november) == (
        ExchangeRate(currency="USD", rate=Decimal("0.92"), on=date(2026, 10, 30)),
        ExchangeRate(currency="USD", rate=Decimal("0.93"), on=date(2026, 11, 10)),
    )
    assert october
    assert november
    assert not exchange.is_provisional(october, date(2026, 10, 3))
    assert exchange.is_provisional(november, date(2026, 11, 3))


def test_a_table_of_the_other_direction_is_turned_around_and_rounded_half_to_even(tmp_path: Path) -> None:
    """1 ÷ 1.0865 is 0.920386562…, and 1 ÷ 640 is 0.0015625."""
    table = "date,rate\r\n2026-10-01,1.0865\r\n2026-10-02,640\r\n"
    exchange = exchange_in(written(tmp_path, EUROS, EUR_USD=table))
    rates = [exchange.rate_of("USD", date(2026, 10, day)) for day in (1, 2)]
    assert [str(each) for each in rates] == ["USD 0.92038656 2026-10-01", "USD 0.0015625 2026-10-02"]
    assert [ExchangeRate.parse(str(each)) for each in rates] == rates


def test_an_account_without_a_currency_pays_in_that_of_its_card(tmp_path: Path) -> None:
    workspace = open_workspace(written(tmp_path, ACME, USD_EUR="date,rate\n"))
    assert workspace.accounts.accounts[0].exchange is None
    assert list(workspace.files)[-1] == "exchange/USD-EUR.csv"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("USD_EUR", "day,rate\n", "exchange/USD-EUR.csv: line 1 is 'day,rate'; it must be date,rate"),
        ("USD_EUR", "", "exchange/USD-EUR.csv: line 1 is ''; it must be date,rate"),
        (
            "USD_EUR",
            "date,rate\n2026-10-01,0.9\n\n",
            "exchange/USD-EUR.csv: line 3 is '': it must be a date and a rate: 2026-10-01,0.92",
        ),
        ("USD_EUR", "date,rate\n2026-10-01;0.9\n", "exchange/USD-EUR.csv: line 2 is '2026-10-01;0.9': it must be a"),
        ("USD_EUR", "date,rate\n2026-10-01,0,92\n", "exchange/USD-EUR.csv: line 2 is '2026-10-01,0,92': it must be a"),
        ("USD_EUR", "date,rate\n2026-13-01,0.9\n", "exchange/USD-EUR.csv: line 2 is '2026-13-01,0.9': "),
        ("USD_EUR", "date,rate\n2026-10-01,9e-1\n", "exchange/USD-EUR.csv: line 2 is '2026-10-01,9e-1': '9e-1' is not"),
        ("USD_EUR", "date,rate\n2026-10-01,0\n", "exchange/USD-EUR.csv: line 2 is '2026-10-01,0': the rate is 0"),
        ("USD_EUR", "date,rate\n2026-10-01,-1\n", "exchange/USD-EUR.csv: line 2 is '2026-10-01,-1': the rate is -1"),
        (
            "USD_EUR",
            "date,rate\n2026-10-01,0.123456789\n",
            "exchange/USD-EUR.csv: line 2 is '2026-10-01,0.123456789': the rate is 0.123456789; write 8 decimal",
        ),
        (
            "USD_EUR",
            "date,rate\n2026-10-02,1\n2026-10-02,1\n",
            "exchange/USD-EUR.csv: line 3: 2026-10-02 stands after 2026-10-02; write one line a day",
        ),
        ("USD_EUX", "date,rate\n", "exchange/USD-EUX.csv: currency 'EUX' is not an ISO 4217 code"),
        ("USD_USD", "date,rate\n", "exchange/USD-USD.csv: the name must be two different currencies"),
        ("dollars", "date,rate\n", "exchange/dollars.csv: the name must be two different currencies"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused_with_its_line(tmp_path: Path, name: str, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        read_exchange_tables(written(tmp_path, ACME, **{name: text}))
    assert str(refused.value).startswith(told)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    written(tmp_path, ACME)
    (tmp_path / "exchange" / "USD-EUR.csv").write_bytes(b"date,rate\n\xff")
    with pytest.raises(ConfigurationError, match=r"exchange/USD-EUR.csv: it is no UTF-8"):
        read_exchange_tables(tmp_path)
    (tmp_path / "exchange" / "USD-EUR.csv").unlink()
    (tmp_path / "exchange" / "USD-EUR.csv").mkdir()
    with pytest.raises(ConfigurationError, match=r"^exchange/USD-EUR.csv cannot be read: Is a directory"):
        read_exchange_tables(tmp_path)


@pytest.mark.parametrize(
    ("accounts", "told"),
    [
        (
            EUROS,
            "accounts.toml: [[accounts]] 1: currency is EUR, and a rate card of its terms is in USD; add exchange/USD",
        ),
        (ACME + 'currency = "EUX"', "accounts.toml: [[accounts]] 1: currency 'EUX' is not an ISO 4217 code"),
        (ACME + "exchange = { days_max = 1 }", "accounts.toml: [[accounts]] 1: exchange is stated, and no currency"),
        (
            ACME + 'currency = "USD"\nexchange = { day = "noon" }',
            'accounts.toml: [[accounts]] 1 exchange: day is \'noon\'; it must be "usage", or "month-end"',
        ),
        (
            ACME + 'currency = "USD"\nexchange = { days_max = 32 }',
            "accounts.toml: [[accounts]] 1 exchange: days_max is 32; it must be",
        ),
        (
            ACME + 'currency = "USD"\nexchange = { days = 3 }',
            "accounts.toml: [[accounts]] 1 exchange: unknown key 'days'; did you mean 'day",
        ),
        (
            ACME + 'currency = "JPY"\nminimum_commitment = 0.5',
            "accounts.toml: [[accounts]] 1: currency is JPY, and a rate card of its terms is in USD; add exchange/USD",
        ),
    ],
)
def test_what_an_account_pays_in_is_refused_where_it_cannot_be_meant(tmp_path: Path, accounts: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as refused:
        open_workspace(written(tmp_path, accounts))
    assert str(refused.value).startswith(told)


def test_amounts_of_an_account_have_the_decimal_places_of_its_own_currency(tmp_path: Path) -> None:
    text = ACME + 'currency = "JPY"\nminimum_commitment = 0.5'
    with pytest.raises(ConfigurationError, match=r"minimum_commitment in JPY is 0.5; write 0 decimal places at most"):
        open_workspace(written(tmp_path, text, USD_JPY="date,rate\n"))


@pytest.mark.parametrize(
    ("card", "told"),
    [
        ("\nmonthly_fee = 9.00" + CARD, "whose monthly_fee is in USD and of no single day; take it from the card"),
        (CARD + "maximum = 9.00\n", "whose minimum or maximum is in USD and of no single day; take it from the card"),
    ],
)
def test_a_price_of_no_day_is_refused_in_another_currency(tmp_path: Path, card: str, told: str) -> None:
    open_workspace(written(tmp_path, ACME, card=card, USD_EUR="date,rate\n"))
    with pytest.raises(ConfigurationError, match=f"account 'acme' pays in EUR by rate card 'standard', {told}"):
        open_workspace(written(tmp_path, EUROS, card=card))


def test_two_tables_of_one_pair_are_refused_and_so_is_a_rate_too_great_to_turn(tmp_path: Path) -> None:
    written(tmp_path, EUROS, EUR_USD="date,rate\n2026-10-01,1001\n")
    with pytest.raises(ConfigurationError, match=r"exchange/EUR-USD.csv: the rate of 2026-10-01 is 1001, too great"):
        open_workspace(tmp_path)
    written(tmp_path, EUROS, USD_EUR="date,rate\n")
    with pytest.raises(ConfigurationError, match=r"exchange has EUR-USD.csv and USD-EUR.csv; keep one"):
        open_workspace(tmp_path)
