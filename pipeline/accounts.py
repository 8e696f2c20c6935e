"""Who is billed: accounts, and which API key belongs to which.

Owns what an account is and that a key has one owner at most. Does not own the file they are written in
(``pipeline.storage.accounts_file``) nor what they pay (``pipeline.rates``). A key of no account is nobody's mistake
here: its usage is unassigned, listed with its tokens, never dropped.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.errors import AccountsError
from pipeline.periods import time_zone

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

_ACCOUNT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_KEY_ID = re.compile(r"[A-Za-z0-9._:/@+-]{1,128}", re.ASCII)
NAME_CHARACTERS_MAX = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A customer, with the time zone its days and months are counted in and the rate card it pays by.

    Construction raises ``AccountsError`` for an id, name or key id that cannot be one, ``ConfigurationError`` for an unknown time zone.
    """

    id: str
    """1 to 64 of ``A-Z a-z 0-9 . _ -``."""
    name: str
    """As printed on invoices; not empty. Exports keep it from being taken for a formula."""
    timezone: str
    """An IANA name."""
    rate_card: str
    """The id of a rate card."""
    key_ids: tuple[str, ...]
    """The ``api_key_id`` values whose usage this account pays for."""

    def __post_init__(self) -> None:
        """Refuse what cannot be an account."""
        if not _ACCOUNT_ID.fullmatch(self.id):
            message = f"account id {self.id!r} cannot be used; write 1 to 64 letters, digits, dots, dashes or underscores"
            raise AccountsError(message)
        if not self.name.strip() or "\0" in self.name or len(self.name) > NAME_CHARACTERS_MAX:
            message = f"name {self.name!r} of account {self.id!r} cannot be printed; write 1 to {NAME_CHARACTERS_MAX} characters"
            raise AccountsError(message)
        for number, key_id in enumerate(self.key_ids, start=1):
            if not _KEY_ID.fullmatch(key_id):  # what stands there may be a raw key: say where it is, not what it is
                message = (
                    f"key {number} of account {self.id!r} is no key id ({len(key_id)} characters); "
                    "a key id has 1 to 128 of A-Z a-z 0-9 . _ : / @ + -, and 'tallybook keys id' makes one from a raw key"
                )
                raise AccountsError(message)
        time_zone(self.timezone)

    @property
    def zone(self) -> ZoneInfo:
        """The account's time zone."""
        return time_zone(self.timezone)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """All accounts of a workspace, in the order of the file. Construction raises ``AccountsError`` for an id or a key that occurs twice."""

    accounts: tuple[Account, ...] = ()
    _by_key_id: dict[str, Account] = field(init=False, repr=False, compare=False, default_factory=dict)
    _by_id: dict[str, Account] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a second owner, and remember the one of each key."""
        for account in self.accounts:
            if account.id in self._by_id:
                message = f"account id {account.id!r} is used twice; give every account an id of its own"
                raise AccountsError(message)
            self._by_id[account.id] = account
            for key_id in account.key_ids:
                owner = self._by_key_id.setdefault(key_id, account)
                if owner is not account:
                    message = f"key id {key_id!r} belongs to account {owner.id!r} and to account {account.id!r}; leave it with one of them"
                    raise AccountsError(message)
            if len(set(account.key_ids)) < len(account.key_ids):
                twice = next(key_id for key_id in account.key_ids if account.key_ids.count(key_id) > 1)
                message = f"key id {twice!r} is listed twice in account {account.id!r}; leave it there once"
                raise AccountsError(message)

    def __iter__(self) -> Iterator[Account]:
        """Yield the accounts in the order of the file."""
        return iter(self.accounts)

    def __len__(self) -> int:
        """Count the accounts."""
        return len(self.accounts)

    def account_of(self, api_key_id: str) -> Account | None:
        """Return the account that pays for a key, or None: the usage of that key is unassigned."""
        return self._by_key_id.get(api_key_id)

    def by_id(self, account_id: str) -> Account | None:
        """Return the account with an id, or None."""
        return self._by_id.get(account_id)
