"""Prepaid credits: what was granted to an account, and from when until when it may be used.

Does not own the balance, which is a pure function of grants and invoices (``pipeline.invoicing.credits``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipeline.base.errors import AccountsError

if TYPE_CHECKING:
    from decimal import Decimal

    from pipeline.base.periods import BillingPeriod

_GRANT_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditGrant:
    """An amount that pays invoices before the customer does.

    Construction raises ``AccountsError`` for what cannot be a grant.
    """

    id: str
    """1 to 64 of ``A-Z a-z 0-9 . _ -``; on every line that consumes the grant, so keep it for ever."""
    amount: Decimal
    """Above zero, in the account's currency."""
    granted_on: date
    """First day in force, in the account's time zone."""
    expires_on: date | None
    """First day on which it is no longer in force; None = it does not expire."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a grant."""
        if not _GRANT_ID.fullmatch(self.id):
            message = (
                f"credit id {self.id!r} cannot be used; write 1 to 64 letters, digits, dots, dashes or underscores"
            )
            raise AccountsError(message)
        if not self.amount > 0:
            message = f"amount {self.amount} of credit {self.id!r} is not above zero"
            raise AccountsError(message)
        if self.expires_on is not None and self.expires_on <= self.granted_on:
            message = (
                f"credit {self.id!r} expires on {self.expires_on}, not after {self.granted_on}, when it is granted; "
                "expires_on is exclusive"
            )
            raise AccountsError(message)

    def is_in_force(self, period: BillingPeriod) -> bool:
        """Say whether the grant is in force on the period's last day: that is when the period's invoice may use it."""
        last_ordinal = period.end_date.toordinal() - 1
        return self.granted_on.toordinal() <= last_ordinal and (
            self.expires_on is None or last_ordinal < self.expires_on.toordinal()
        )

    @property
    def order(self) -> tuple[date, date, str]:
        """Sorts grants as they are consumed: the oldest first, of equal age the one that expires first."""
        return self.granted_on, self.expires_on or date.max, self.id
