"""Coupons: what is taken off all that an account owes for each of some months, as a percentage or an amount.

Does not own what is owed (``pipeline.invoicing.worth.period_lines``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.accounts.billing import percent
from pipeline.base.errors import AccountsError
from pipeline.base.names import refuse_unusable_id
from pipeline.base.periods import BillingPeriod

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

MONTHS_MAX = 1200
_PERCENT_FRACTION_DIGITS_MAX = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Coupon:
    """A percentage or an amount of each of some months. Construction raises ``ConfigurationError``."""

    id: str
    """1 to 64 of ``A-Z a-z 0-9 . _ -``; it is corrected by this name, so keep it for ever."""
    from_date: date
    """A day of the first month that it is of."""
    months: int | None
    """How many months it is of; None = of all that follow."""
    percent: Decimal | None = None
    """0 to 100, at most 2 decimal places."""
    amount: Decimal | None = None
    """Above zero, in the account's currency."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a coupon."""
        refuse_unusable_id("coupon id", self.id, AccountsError)
        if (self.percent is None) == (self.amount is None):
            message = f"coupon {self.id!r} needs one of percent and amount, and not both"
            raise AccountsError(message)
        if self.percent is not None:
            percent(f"percent of coupon {self.id!r}", self.percent, fraction_digits_max=_PERCENT_FRACTION_DIGITS_MAX)
        if self.amount is not None and not self.amount > 0:
            message = f"amount {self.amount} of coupon {self.id!r} is not above zero"
            raise AccountsError(message)

    def is_of(self, period: BillingPeriod) -> bool:
        """Say whether it is taken off a billing period."""
        first = BillingPeriod.of(self.from_date, period.day)
        passed = (period.year - first.year) * 12 + period.month - first.month
        return passed >= 0 and (self.months is None or passed < self.months)
