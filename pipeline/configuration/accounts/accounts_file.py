"""``accounts.toml``: the accounts of a workspace, their keys and the keys' tags.

Owns what the file may say of accounts and keys. Does not own terms and credits (``account_terms``), tax (``tax_toml``)
and parties (``parties_toml``), nor what an account is (``pipeline.accounts``). No file means no accounts: all usage is
unassigned.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.accounts import MONTH_DAY_MAX, Account, Accounts, KeyPeriod
from pipeline.base.errors import AccountsError, ConfigurationError
from pipeline.base.periods import YEARS, day_start_at, time_zone
from pipeline.base.raw_keys import is_raw_key
from pipeline.configuration.accounts.account_terms import (
    TERMS_KEYS,
    date_of,
    optional_text,
    read_coupons,
    read_credits,
    read_items,
    read_terms,
    refuse_currencies,
    refuse_unknown_models,
)
from pipeline.configuration.accounts.parents_toml import read_invoiced_to, refuse_currencies_of_parents
from pipeline.configuration.accounts.tax_toml import read_tax, read_tax_changes
from pipeline.configuration.exchange_files import read_exchange
from pipeline.configuration.parties_toml import BUYER_KEYS_OF_ACCOUNT, read_buyer
from pipeline.configuration.strict_toml import inner_table, read_table, value_text

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

    from pipeline.accounts.exchange import ExchangeTable
    from pipeline.configuration.exchange_files import Pair
    from pipeline.configuration.strict_toml import Table

ACCOUNTS_FILE = "accounts.toml"
RATE_CARD_DEFAULT = "standard"
_PAYMENT_TERMS_DAYS_MAX = 3650
_PRINTED = ("payment_terms", "buyer_reference", "purchase_order", "note", "language")
"""Texts of an account that stand on its invoices."""
CUSTOMER_KEYS = ("stripe_customer", "lago_customer")
"""What other systems call the account: of no matter to any amount."""
COST_CARD_KEY = "cost_card"
"""The card of what its usage costs us: of no matter to any amount of its own, and nobody else's business."""
_LOOKS_RAW = (
    "looks like a raw key (length {}), which does not belong in a file; 'tallybook keys id' makes the key id to write "
    "there, or where it is an id, write ids_may_look_like_keys = true in its source in tallybook.toml"
)
_KEYS = (
    "id",
    "name",
    "timezone",
    "rate_card",
    "keys",
    "terms",
    "credits",
    "items",
    "coupons",
    "begins_on",
    "ends_on",
    "currency",
    "exchange",
    "billing_day",
    "invoiced_to",
    "tax",
    "payment_terms_days",
    *_PRINTED,
    *CUSTOMER_KEYS,
    COST_CARD_KEY,
    "buyer",
    *BUYER_KEYS_OF_ACCOUNT,
)


def read_accounts(
    workspace: Path,
    *,
    timezone: str,
    rate_card_ids: Collection[str],
    currencies: Mapping[str, str] | None = None,
    models: Collection[str] | None = None,
    exchange_tables: dict[Pair, ExchangeTable] | None = None,
) -> Accounts:
    """Read ``accounts.toml``. ``timezone`` is the workspace's: that of an account which names none.

    ``currencies`` are the rate cards', by id, and ``models`` all models they know; where they are not given, what
    depends on them is not checked. ``exchange_tables`` are the rates by which prices in other currencies are paid.

    Raises ``AccountsError`` with file, table and value: an unknown key, time zone or rate card, a key id in two
    accounts at a time, an id twice, terms or credits that cannot be meant, rate cards of one account in two currencies.
    """
    table = read_table(workspace / ACCOUNTS_FILE, file=ACCOUNTS_FILE, error=AccountsError)
    if table is None:
        return Accounts()
    table.allow_only("accounts", "keys")
    entries = table.tables("accounts")
    accounts = tuple(
        _account(
            entry,
            timezone=timezone,
            rate_card_ids=rate_card_ids,
            currencies=currencies or {},
            models=models,
            exchange_tables={} if exchange_tables is None else exchange_tables,
        )
        for entry in entries
    )
    tags = _tags(table.table("keys"))
    try:
        stated = {account.id: repr(entry.values) for account, entry in zip(accounts, entries, strict=True)}
        found = Accounts(accounts=accounts, tags=tags, stated=stated)
        refuse_currencies_of_parents(found, currencies or {})
    except AccountsError as wrong:
        what = f"[[accounts]]: {wrong}"
        raise table.refusal(what) from wrong
    return found


def refuse_raw_keys(accounts: Accounts) -> None:
    """Raise ``AccountsError`` where a key id has the form of a raw key: no usage would be found under it."""
    for account in accounts:
        for number, key in enumerate(account.keys, start=1):
            if is_raw_key(key.key_id):
                message = (
                    f"{ACCOUNTS_FILE}: key {number} of account {account.id!r} {_LOOKS_RAW.format(len(key.key_id))}"
                )
                raise AccountsError(message)
    for number, key_id in enumerate(accounts.tags, start=1):
        if is_raw_key(key_id):
            message = f"{ACCOUNTS_FILE}: [keys] entry {number} {_LOOKS_RAW.format(len(key_id))}"
            raise AccountsError(message)


def _account(
    table: Table,
    *,
    timezone: str,
    rate_card_ids: Collection[str],
    currencies: Mapping[str, str],
    models: Collection[str] | None,
    exchange_tables: dict[Pair, ExchangeTable],
) -> Account:
    table.allow_only(*_KEYS, *TERMS_KEYS)
    account_id, name, account_timezone = table.text("id"), table.text("name"), table.text("timezone", timezone)
    terms = read_terms(table, default_rate_card=RATE_CARD_DEFAULT)
    for each in terms:
        if each.rate_card not in rate_card_ids:
            raise table.refusal(missing_card_text("rate_card", each.rate_card, rate_card_ids))
    grants, items, coupons = read_credits(table), read_items(table), read_coupons(table)
    month_day = table.integer("billing_day", default=1, smallest=1, greatest=MONTH_DAY_MAX)
    exchange = read_exchange(table, terms, currencies, exchange_tables, month_day=month_day)
    currency = exchange.currency if exchange else None
    refuse_currencies(table, terms, grants, currencies, items=items, coupons=coupons, currency=currency)
    refuse_unknown_models(table, terms, models, grants)
    key_ids, key_periods = _keys(table, account_timezone)
    try:
        return Account(
            id=account_id,
            name=name,
            timezone=account_timezone,
            rate_card=terms[0].rate_card,
            key_ids=key_ids,
            key_periods=key_periods,
            terms=terms,
            credits=grants,
            items=items,
            coupons=coupons,
            exchange=exchange,
            begins_on=date_of(table, "begins_on", is_required=False),
            ends_on=date_of(table, "ends_on", is_required=False),
            month_day=month_day,
            invoiced_to=read_invoiced_to(table),
            tax=read_tax(table),
            tax_changes=read_tax_changes(table),
            payment_terms_days=_payment_terms_days(table),
            buyer=read_buyer(table),
            cost_card=_cost_card(table, rate_card_ids),
            **{key: optional_text(table, key) for key in (*_PRINTED, *CUSTOMER_KEYS)},
        )
    except ConfigurationError as wrong:
        raise wrong if str(wrong).startswith(table.address) else table.refusal(str(wrong)) from wrong


def _cost_card(table: Table, rate_card_ids: Collection[str]) -> str:
    if COST_CARD_KEY not in table.values:
        return ""
    card_id = table.text(COST_CARD_KEY)
    if card_id not in rate_card_ids:
        raise table.refusal(missing_card_text(COST_CARD_KEY, card_id, rate_card_ids))
    return card_id


def missing_card_text(key: str, card_id: str, rate_card_ids: Collection[str]) -> str:
    """Say that a key names a card that does not exist, and what to do."""
    known = f"there are: {', '.join(sorted(rate_card_ids))}" if rate_card_ids else "there is none yet"
    return f"{key} {card_id!r} does not exist; add rates/{card_id}.toml or name another ({known})"


def _payment_terms_days(table: Table) -> int | None:
    if "payment_terms_days" not in table.values:
        return None
    return table.integer("payment_terms_days", default=0, smallest=0, greatest=_PAYMENT_TERMS_DAYS_MAX)


def _keys(table: Table, timezone: str) -> tuple[tuple[str, ...], tuple[KeyPeriod, ...]]:
    """Read ``keys``: key ids, or tables of an id with the time during which it is the account's.

    What stands there may be a raw key, and is not shown.
    """
    entries = table.values.get("keys")
    if not isinstance(entries, list) or not any(isinstance(entry, dict) for entry in entries):
        return table.texts("keys", is_shown=False), ()
    key_ids: list[str] = []
    key_periods: list[KeyPeriod] = []
    for number, entry in enumerate(entries, start=1):
        if isinstance(entry, str) and entry.strip():
            key_ids.append(entry)
        elif isinstance(entry, dict):
            key_periods.append(_key_period(inner_table(table, f"keys {number}", entry), timezone))
        else:
            what = (
                f"keys, entry {number}, is {type(entry).__name__}; "
                'it must be a key id, or { id = "…", from = 2026-10-01, to = 2026-11-01 }'
            )
            raise table.refusal(what)
    return tuple(key_ids), tuple(key_periods)


def _key_period(entry: Table, timezone: str) -> KeyPeriod:
    entry.allow_only("id", "from", "to")
    (key_id,) = inner_table(entry, "", {"id": [entry.values.get("id")]}).texts("id", is_shown=False)
    try:
        return KeyPeriod(
            key_id=key_id, from_at=_instant(entry, "from", timezone), to_at=_instant(entry, "to", timezone)
        )
    except AccountsError as wrong:
        raise wrong if str(wrong).startswith(entry.file) else entry.refusal(str(wrong)) from wrong


def _instant(entry: Table, key: str, timezone: str) -> datetime | None:
    """Read a plain date as the account's own midnight, an instant as it is."""
    value = entry.values.get(key)
    if value is None:
        return None
    if isinstance(value, datetime) and value.tzinfo is not None and value.year in YEARS:
        return value.astimezone(UTC)
    if isinstance(value, date) and not isinstance(value, datetime) and value.year in YEARS:
        return day_start_at(value, time_zone(timezone))
    what = (
        f"{key} is {value_text(value)}; write a plain date (a midnight of the account's) or an instant with its "
        "offset, without quotes"
    )
    raise entry.refusal(what)


def _tags(table: Table) -> Mapping[str, Mapping[str, str]]:
    """Read ``[keys.<key id>]``: the tags of each key, all strings."""
    tags: dict[str, Mapping[str, str]] = {}
    for key_id, values in table.values.items():
        if not isinstance(values, dict):
            what = "an entry of [keys] is no table; write [keys.<key id>] on a line of its own, and its tags below"
            raise table.refusal(what)
        entry = inner_table(table, _place(table, key_id), values)
        tags[key_id] = MappingProxyType({name: entry.text(name) for name in values})
    return MappingProxyType(tags)


def _place(table: Table, key: str) -> str:
    """Say which entry of a table is meant where its name may be secret: its place, from 1."""
    return f"entry {list(table.values).index(key) + 1}"
