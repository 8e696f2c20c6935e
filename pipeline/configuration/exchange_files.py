"""``exchange/USD-EUR.csv``: rates of exchange by day, one file for each pair of currencies.

Owns what the files may say, and which of them serves a price and an account. Does not own which day's rate holds
(``pipeline.accounts.exchange``). Files are append-only by custom: a rate that is changed after issue makes a
correction.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.accounts import Exchange, ExchangeDay
from pipeline.accounts.exchange import DAYS_MAX, FRACTION_DIGITS_MAX, RATE_LIMIT, ExchangeTable
from pipeline.base.errors import AccountsError, ConfigurationError, TallybookError
from pipeline.base.money import decimal_from_plain, minor_unit_digits, normalised, refuse_fraction_digits
from pipeline.base.periods import parse_date
from pipeline.configuration.strict_toml import configured_bytes, inner_table, value_text
from pipeline.objects.verified import names_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal
    from pathlib import Path

    from pipeline.accounts import Account, Terms
    from pipeline.configuration.strict_toml import Table
    from pipeline.rates import RateCard

EXCHANGE_FOLDER = "exchange"
HEADER = "date,rate"
Pair = tuple[str, str]
"""The currency of a price and that of an account: a rate says what one unit of the first is in the second."""
_FILE = re.compile(r"([A-Z]{3})-([A-Z]{3})\.csv", re.ASCII)


def is_exchange_file(name: str) -> bool:
    """Say whether a file of the folder is called as tables of rates are."""
    return _FILE.fullmatch(name) is not None


def exchange_paths(workspace: Path) -> list[Path]:
    """Return the files of the folder, by name; those whose name begins with a dot are none."""
    folder = workspace / EXCHANGE_FOLDER
    return [folder / name for name in names_in(folder) if name.endswith(".csv") and not name.startswith(".")]


def read_exchange_tables(workspace: Path) -> dict[Pair, ExchangeTable]:
    """Read all tables, by their pair of currencies. Raises ``ConfigurationError`` with file, line and value."""
    tables: dict[Pair, ExchangeTable] = {}
    for path in exchange_paths(workspace):
        file = f"{EXCHANGE_FOLDER}/{path.name}"
        named = _FILE.fullmatch(path.name)
        if named is None or named[1] == named[2]:
            message = f"{file}: the name must be two different currencies, such as USD-EUR.csv for euros per dollar"
            raise ConfigurationError(message)
        try:
            for currency in (named[1], named[2]):
                minor_unit_digits(currency)
            content = configured_bytes(path, file=file, error=ConfigurationError)
            tables[named[1], named[2]] = _table(file, (content or b"").decode("utf-8-sig"))
        except UnicodeDecodeError as wrong:
            message = f"{file}: it is no UTF-8"
            raise ConfigurationError(message) from wrong
        except TallybookError as wrong:
            message = str(wrong) if str(wrong).startswith(file) else f"{file}: {wrong}"
            raise ConfigurationError(message) from wrong
    for first, second in tables:
        if (second, first) in tables and first < second:
            message = (
                f"{EXCHANGE_FOLDER} has {first}-{second}.csv and {second}-{first}.csv; keep one: what a dollar is in "
                "euros must have one answer"
            )
            raise ConfigurationError(message)
    return tables


def read_exchange(
    account: Table,
    terms: Sequence[Terms],
    currencies: Mapping[str, str],
    tables: dict[Pair, ExchangeTable],
    *,
    month_day: int = 1,
) -> Exchange | None:
    """Read ``currency`` and ``exchange`` of an account; None where it pays in the currency of its rate cards.

    ``month_day`` is the day with which its months begin.
    """
    if "currency" not in account.values:
        if "exchange" in account.values:
            what = 'exchange is stated, and no currency; write currency = "EUR", or what the account pays in'
            raise account.refusal(what)
        return None
    currency = account.text("currency")
    try:
        minor_unit_digits(currency)
    except ConfigurationError as wrong:
        raise account.refusal(str(wrong)) from wrong
    foreign = sorted({currencies[each.rate_card] for each in terms if each.rate_card in currencies} - {currency})
    stated = inner_table(account, "exchange", account.table("exchange").values)
    stated.allow_only("day", "days_max")
    day = stated.text("day", ExchangeDay.USAGE.value)
    if day not in list(ExchangeDay):
        what = f'day is {value_text(day)}; it must be "usage", or "month-end" for the rate of a month\'s last day'
        raise stated.refusal(what)
    return Exchange(
        currency=currency,
        tables={each: _table_of(account, each, currency, tables) for each in foreign},
        day=ExchangeDay(day),
        days_max=stated.integer("days_max", default=0, smallest=0, greatest=DAYS_MAX),
        month_day=month_day,
    )


def refuse_what_has_no_day(
    accounts: Iterable[Account], rate_cards: Mapping[str, RateCard], *, with_fees: bool = True
) -> None:
    """Raise ``AccountsError`` where a price in another currency is of no day of usage.

    That is a card's monthly fee, and minimum and maximum of an entry: what they are in the account's currency is agreed
    in it. Without fees, only the latter.
    """
    for account in accounts:
        for card in (rate_cards[card_id] for card_id in sorted({terms.rate_card for terms in account.terms})):
            if account.exchange is None or card.currency == account.exchange.currency:
                continue
            has_fee = with_fees and card.monthly_fee is not None
            what = [("monthly_fee", "seats and seat_price")] if has_fee else []
            if any(rate.is_limited for rate in card.rates):
                what.append(("minimum or maximum", "minimum_commitment"))
            for named, instead in what:
                message = (
                    f"account {account.id!r} pays in {account.exchange.currency} by rate card {card.id!r}, whose "
                    f"{named} is in {card.currency} and of no single day; take it from the card, and write it in "
                    f"{account.exchange.currency}, as {instead} of the account"
                )
                raise AccountsError(message)


def table_between(price: str, currency: str, tables: dict[Pair, ExchangeTable]) -> ExchangeTable | None:
    """Return the rates of a price's currency in an account's, turned around where only the other direction is there.

    What was turned around is added to ``tables``. Raises ``ConfigurationError`` for a rate that cannot be.
    """
    if (price, currency) not in tables and (currency, price) in tables:
        tables[price, currency] = tables[currency, price].turned()
    return tables.get((price, currency))


def _table_of(account: Table, price: str, currency: str, tables: dict[Pair, ExchangeTable]) -> ExchangeTable:
    found = table_between(price, currency, tables)
    if found is not None:
        return found
    what = (
        f"currency is {currency}, and a rate card of its terms is in {price}; add "
        f"{EXCHANGE_FOLDER}/{price}-{currency}.csv, with the header {HEADER} and a line for each day"
    )
    raise account.refusal(what)


def _table(file: str, text: str) -> ExchangeTable:
    header, *rows = text.replace("\r\n", "\n").removesuffix("\n").split("\n")
    if header != HEADER:
        message = f"{file}: line 1 is {header!r}; it must be {HEADER}"
        raise ConfigurationError(message)
    entries = [_entry(file, number, row) for number, row in enumerate(rows, start=2)]
    for number, ((earlier, _), (later, _)) in enumerate(pairwise(entries), start=3):
        if earlier >= later:
            message = (
                f"{file}: line {number}: {later} stands after {earlier}; write one line a day, in the order of time"
            )
            raise ConfigurationError(message)
    return ExchangeTable(file=file, dates=tuple(on for on, _ in entries), rates=tuple(rate for _, rate in entries))


def _entry(file: str, number: int, row: str) -> tuple[date, Decimal]:
    try:
        on, rate = row.split(",")
        day, value = parse_date(on), decimal_from_plain(rate)
        refuse_fraction_digits("the rate", value, FRACTION_DIGITS_MAX)
        if not 0 < value < RATE_LIMIT:
            message = f"the rate is {rate}; it must be above 0 and below {RATE_LIMIT}"
            raise ConfigurationError(message)
    except (ValueError, TallybookError) as wrong:
        detail = str(wrong) if isinstance(wrong, TallybookError) else "it must be a date and a rate: 2026-10-01,0.92"
        message = f"{file}: line {number} is {value_text(row)}: {detail}"
        raise ConfigurationError(message) from wrong
    return day, normalised(value)
