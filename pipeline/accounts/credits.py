"""Prepaid credits: what was granted to an account, and from when until when it may be used, and for what.

Does not own the balance, which is a pure function of grants and invoices (``pipeline.invoicing.credits``).

A grant that recurs is one grant a month: each has an id of its own, and is used, expires and is listed by itself.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.accounts.billing import percent
from pipeline.base.errors import AccountsError
from pipeline.base.money import exact_arithmetic, minor_unit_digits
from pipeline.base.names import NAME, refuse_unusable_id
from pipeline.base.periods import BillingPeriod

if TYPE_CHECKING:
    from collections.abc import Iterator

_RECURRING_ID_CHARACTERS_MAX = 64 - len(".2026-10")
PRIORITY_DEFAULT = 50
PRIORITY_MAX = 100
ROLLOVER_MONTHS_MAX = 1200


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditGrant:
    """An amount that pays invoices before the customer does.

    Construction raises ``AccountsError`` for what cannot be a grant.
    """

    id: str
    """1 to 64 of ``A-Z a-z 0-9 . _ -``; on every line that consumes the grant, so keep it for ever."""
    amount: Decimal
    """Above zero, in the account's currency; of one that recurs, for each month."""
    granted_on: date
    """First day in force, in the account's time zone."""
    expires_on: date | None
    """First day on which it is no longer in force; None = it does not expire."""
    priority: int = PRIORITY_DEFAULT
    """Grants of a smaller number are used first."""
    models: tuple[str, ...] = ()
    """The models whose usage it pays for; empty = it pays for everything."""
    recurs: bool = False
    """Whether it is granted anew with every month that begins while it is in force."""
    rollover_months: int = 0
    """How many months more a month's grant may be used, where it recurs."""
    rollover_percent: Decimal | None = None
    """How much of what is left at the end of its month may be used then: above 0, to 100; None = all of it."""
    rollover_max: Decimal | None = None
    """And at most that, in the account's currency; None = however much it is."""
    rolls_on: date | None = None
    """Of a month of a grant that rolls over in part: the first day after that month."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a grant."""
        refuse_unusable_id("credit id", self.id, AccountsError)
        if not self.amount > 0:
            message = f"amount {self.amount} of credit {self.id!r} is not above zero"
            raise AccountsError(message)
        if self.expires_on is not None and self.expires_on <= self.granted_on:
            message = (
                f"credit {self.id!r} expires on {self.expires_on}, not after {self.granted_on}, when it is granted; "
                "expires_on is exclusive"
            )
            raise AccountsError(message)
        if self.recurs and len(self.id) > _RECURRING_ID_CHARACTERS_MAX:
            message = (
                f"credit id {self.id!r} is too long for a grant that recurs, whose months are called "
                f"{self.id[:4]}….2026-10; write {_RECURRING_ID_CHARACTERS_MAX} characters at most"
            )
            raise AccountsError(message)
        if self.rollover_months and not self.recurs:
            message = (
                f"credit {self.id!r} has rollover_months and does not recur; expires_on says how long it may be used"
            )
            raise AccountsError(message)
        if self.rolls_on is None:
            self._refuse_parts()
        for model in self.models:
            if not NAME.fullmatch(model):
                message = f"credit {self.id!r} is for the model {model!r}, which cannot be a model's name"
                raise AccountsError(message)

    def _refuse_parts(self) -> None:
        """Raise ``AccountsError`` for a part of what rolls over that is none, or where nothing does."""
        if self.rolls_in_part and not self.rollover_months:
            message = (
                f"credit {self.id!r} has rollover_percent or rollover_max, and nothing rolls over; write "
                "rollover_months with it: for how many months more"
            )
            raise AccountsError(message)
        if self.rollover_percent is not None:
            percent(f"rollover_percent of credit {self.id!r}", self.rollover_percent, fraction_digits_max=2)
        for what, part in (("rollover_percent", self.rollover_percent), ("rollover_max", self.rollover_max)):
            if part is not None and not part > 0:
                message = f"{what} of credit {self.id!r} is {part}; leave rollover_months out where nothing rolls over"
                raise AccountsError(message)

    @property
    def rolls_in_part(self) -> bool:
        """Whether some of what is left at the end of a month may be lost with it."""
        return self.rollover_percent is not None or self.rollover_max is not None

    def rounded_rollover(self, left: Decimal, currency: str) -> Decimal:
        """Return how much of what is left at the end of its month may be used afterwards.

        Half of 4.01 are 2.00: rounded down to the currency's minor unit, so that no more rolls over than was agreed.
        """
        rolling = left
        if self.rollover_percent is not None:
            digits = minor_unit_digits(currency)
            with exact_arithmetic():
                rolling = Decimal(int((left * self.rollover_percent / 100).scaleb(digits))).scaleb(-digits)
        return rolling if self.rollover_max is None else min(rolling, self.rollover_max)

    def months(self, until: BillingPeriod) -> Iterator[CreditGrant]:
        """Yield the grants that it consists of, up to and with that of a month, of months that begin as that does.

        Itself where it does not recur. 100.00 from 15 October on, with a month of rollover, are 100.00 from 15 October
        to (excluding) 1 December, 100.00 from 1 November to 1 January, and so on. Where they roll over in part, each
        says when (``rolls_on``).
        """
        if not self.recurs:
            yield self
            return
        period, granted_on = BillingPeriod.of(self.granted_on, until.day), self.granted_on
        while period <= until and (self.expires_on is None or granted_on < self.expires_on):
            end_date = period.end_date
            for _ in range(self.rollover_months):
                end_date = BillingPeriod.of(end_date, until.day).end_date
            yield replace(
                self,
                id=f"{self.id}.{period.year:04}-{period.month:02}",
                granted_on=granted_on,
                expires_on=end_date if self.expires_on is None else min(end_date, self.expires_on),
                recurs=False,
                rollover_months=0,
                rolls_on=period.end_date if self.rolls_in_part else None,
            )
            period = period.next()
            granted_on = period.first_date

    def is_in_force(self, period: BillingPeriod) -> bool:
        """Say whether the grant is in force on the period's last day: that is when the period's invoice may use it."""
        last_ordinal = period.end_date.toordinal() - 1
        return self.granted_on.toordinal() <= last_ordinal and not self.is_over(period)

    def is_over(self, period: BillingPeriod) -> bool:
        """Say whether the grant has expired by the period's last day."""
        return self.expires_on is not None and self.expires_on.toordinal() <= period.end_date.toordinal() - 1

    @property
    def order(self) -> tuple[int, date, date, str]:
        """Sorts grants as they are consumed: by priority, the oldest first, of equal age the one that expires first."""
        return self.priority, self.granted_on, self.expires_on or date.max, self.id
