"""``accounts.toml``: the accounts of a workspace.

Owns what the file may say. Does not own what an account is (``pipeline.accounts``). No file means no accounts: all usage is unassigned.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.accounts import Account, Accounts
from pipeline.errors import AccountsError, ConfigurationError
from pipeline.storage.strict_toml import read_table

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from pipeline.storage.strict_toml import Table

ACCOUNTS_FILE = "accounts.toml"
RATE_CARD_DEFAULT = "standard"


def read_accounts(workspace: Path, *, timezone: str, rate_card_ids: Collection[str]) -> Accounts:
    """Read ``accounts.toml``. ``timezone`` is the workspace's: that of an account which names none.

    Raises ``AccountsError`` with file, table and value: an unknown key, time zone or rate card, a key id in two accounts, an id twice.
    """
    table = read_table(workspace / ACCOUNTS_FILE, file=ACCOUNTS_FILE, error=AccountsError)
    if table is None:
        return Accounts()
    table.allow_only("accounts")
    accounts = tuple(_account(entry, timezone=timezone, rate_card_ids=rate_card_ids) for entry in table.tables("accounts"))
    try:
        return Accounts(accounts=accounts)
    except AccountsError as wrong:
        what = f"[[accounts]]: {wrong}"
        raise table.refusal(what) from wrong


def _account(table: Table, *, timezone: str, rate_card_ids: Collection[str]) -> Account:
    table.allow_only("id", "name", "timezone", "rate_card", "keys")
    rate_card = table.text("rate_card", RATE_CARD_DEFAULT)
    if rate_card not in rate_card_ids:
        known = f"there are: {', '.join(sorted(rate_card_ids))}" if rate_card_ids else "there is none yet"
        what = f"rate_card {rate_card!r} does not exist; add rates/{rate_card}.toml or name another ({known})"
        raise table.refusal(what)
    account_id, name, account_timezone = table.text("id"), table.text("name"), table.text("timezone", timezone)
    key_ids = table.texts("keys", is_shown=False)
    try:
        return Account(id=account_id, name=name, timezone=account_timezone, rate_card=rate_card, key_ids=key_ids)
    except ConfigurationError as wrong:
        raise table.refusal(str(wrong)) from wrong
