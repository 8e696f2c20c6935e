"""A budget: what some usage may cost in each of its periods, and from which part of it on somebody is alerted.

Does not own what is spent, nor who is told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import TYPE_CHECKING

from pipeline.base.errors import BudgetsError, ConfigurationError
from pipeline.base.money import exact_arithmetic, minor_unit_digits, refuse_fraction_digits
from pipeline.base.periods import BillingPeriod

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

NAME_CHARACTERS_MAX = 100
AMOUNT_LIMIT = Decimal(10**15)
ALERT_PERCENTS_DEFAULT = (50, 80, 100)
ALERT_PERCENT_MAX = 1000
MONTH_DAY_MAX = 28
_MONTHS_OF_A_YEAR = 12


class Cadence(StrEnum):
    """How long the periods of a budget are."""

    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"

    @property
    def months(self) -> int:
        """How many months it is."""
        return {Cadence.MONTH: 1, Cadence.QUARTER: 3, Cadence.YEAR: 12}[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Whose spending it is: of each kind any of those named, of all where none is."""

    accounts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    """As the rate card calls them."""
    providers: tuple[str, ...] = ()
    """What stands before the first ``/`` of a model's name."""
    tags: tuple[str, ...] = ()
    """``team=search``: keys with the tag. Several of one name are any of them; of different names all must hold."""

    def __str__(self) -> str:
        """Write it for people: ``account birke, tag team=search``; ``everything`` where nothing is named."""
        kinds = (
            ("account", self.accounts),
            ("key", self.keys),
            ("model", self.models),
            ("provider", self.providers),
            ("tag", self.tags),
        )
        return ", ".join(f"{kind} {each}" for kind, named in kinds for each in named) or "everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What some usage may cost.

    Construction raises ``BudgetsError`` for what cannot be meant.
    """

    name: str
    """What people and dashboards know it by; 1 to 100 printable characters."""
    amount: Decimal
    """Currency units that each of its periods may cost; above 0."""
    currency: str
    """ISO 4217. What is charged in other currencies is not held against it."""
    cadence: Cadence = Cadence.MONTH
    scope: Scope = field(default_factory=Scope)
    alert_percents: tuple[int, ...] = ALERT_PERCENTS_DEFAULT
    """Parts of the amount, in per cent, each greater than the one before."""
    is_on_forecast: bool = False
    """Whether what the period will probably come to alerts as well as what is spent."""
    month_day: int = 1
    """With which day of the calendar's months its months begin: 1 to 28."""
    first_month: int = 1
    """With which month its years, and the first of its quarters, begin: 1 to 12."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a budget."""
        if not self.name.strip() or not self.name.isprintable() or len(self.name) > NAME_CHARACTERS_MAX:
            message = f"name is {self.name!r}; write 1 to {NAME_CHARACTERS_MAX} printable characters"
            raise BudgetsError(message)
        if not Decimal(0) < self.amount < AMOUNT_LIMIT:
            message = f"amount is {self.amount}; a budget is more than 0 and less than {AMOUNT_LIMIT}"
            raise BudgetsError(message)
        try:
            refuse_fraction_digits(f"amount in {self.currency}", self.amount, minor_unit_digits(self.currency))
        except ConfigurationError as wrong:
            raise BudgetsError(str(wrong)) from wrong
        percents = self.alert_percents
        if not percents or any(not 1 <= each <= ALERT_PERCENT_MAX for each in percents):
            message = (
                f"alerts is {list(percents)}; write one or more whole numbers from 1 to {ALERT_PERCENT_MAX}, "
                "each in per cent of the amount"
            )
            raise BudgetsError(message)
        if any(one >= other for one, other in pairwise(percents)):
            message = f"alerts is {list(percents)}; write each level once, the lowest first"
            raise BudgetsError(message)

    def period_of(self, usage_date: date) -> BillingPeriod:
        """Return the period that a usage date lies in.

        Of quarters that begin with February, 2026-04-15 is in 2026-02 to 2026-04.
        """
        month = BillingPeriod.of(usage_date, self.month_day)
        count = self.cadence.months
        passed = (month.month - self.first_month) % _MONTHS_OF_A_YEAR % count
        for _ in range(passed):
            month = month.previous()
        return BillingPeriod(year=month.year, month=month.month, day=month.day, count=count)

    def level_of(self, amount: Decimal) -> int | None:
        """Return the highest alert level, in per cent, that an amount reaches; None below all of them. Exact."""
        return level_reached(amount, self.amount, self.alert_percents)


def level_reached(amount: Decimal, limit: Decimal, percents: Sequence[int]) -> int | None:
    """Return the highest of some levels, in per cent of a limit, that an amount reaches; None below all of them.

    >>> level_reached(Decimal("80.00"), Decimal(100), (50, 80, 100))
    80
    """
    with exact_arithmetic():
        return max((each for each in percents if amount * 100 >= limit * each), default=None)
