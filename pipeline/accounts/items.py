"""One-off items: what an account owes once, such as its onboarding, or is owed, such as an allowance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.accounts.billing import refuse_unprintable
from pipeline.base.errors import AccountsError
from pipeline.base.names import refuse_unusable_id

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOffItem:
    """An amount on the invoice of the billing period that its date lies in.

    Construction raises ``ConfigurationError`` for what cannot be one.
    """

    id: str
    """1 to 64 of ``A-Z a-z 0-9 . _ -``; it is corrected by this name, so keep it for ever."""
    date: date
    """In the account's time zone."""
    description: str
    """As printed; not empty."""
    amount: Decimal
    """In the account's currency; below zero for what is given back."""

    def __post_init__(self) -> None:
        """Refuse what cannot be an item."""
        refuse_unusable_id("item id", self.id, AccountsError)
        if not self.description.strip():
            message = f"item {self.id!r} has no description; say in a few words what it is"
            raise AccountsError(message)
        refuse_unprintable(f"description of item {self.id!r}", self.description)
        if not self.amount:
            message = f"amount of item {self.id!r} is 0; write what is owed, or leave the item out"
            raise AccountsError(message)
