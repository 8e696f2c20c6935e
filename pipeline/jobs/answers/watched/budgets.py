"""How each budget stands: what is spent of it, what its period will come to, and which alert level that reaches.

Owns the period that is looked at. Does not own what a budget is, nor the estimate (``pipeline.budgets``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, normalised
from pipeline.budgets import forecast_of
from pipeline.configuration.budgets_file import read_budgets
from pipeline.jobs.answers.grouped.summed import SHARE_DIGITS, rounded_quotient
from pipeline.jobs.answers.watched.spending import days_of, spending_of
from pipeline.tables.sums import total

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipeline.base.periods import BillingPeriod
    from pipeline.budgets import Budget, Forecast
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.watched.spending import Days, Spending

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """How a budget stands in one of its periods."""

    budget: Budget
    period: BillingPeriod
    counted_before: date
    """Days before it are complete; of this one and later ones more may come."""
    spent: Decimal
    """Currency units, exact: what ``cost`` says of the same scope and days, in the budget's currency."""
    forecast: Forecast | None
    """What the period will come to; None where too few days are known."""
    unpriced_tokens: int
    """Tokens of its scope and period for which no rate is in force: they are not in what is spent."""
    in_other_currencies: tuple[tuple[str, Decimal], ...]
    """What its scope and period are charged in other currencies, which is not held against it."""

    @property
    def days(self) -> int:
        """How many days the period has."""
        return (self.period.end_date - self.period.first_date).days

    @property
    def days_elapsed(self) -> int:
        """How many of them are complete."""
        return min(self.days, max(0, (self.counted_before - self.period.first_date).days))

    @property
    def is_over(self) -> bool:
        """Whether all days of the period are complete."""
        return self.days_elapsed == self.days

    @property
    def left(self) -> Decimal:
        """What may still be spent, in currency units; negative where it is exceeded."""
        return normalised(exact_sum([self.budget.amount, self.spent.copy_negate()]))

    @property
    def share(self) -> Decimal:
        """The part of the amount that is spent, rounded: 0.25 is a quarter."""
        return rounded_quotient(self.spent, self.budget.amount, SHARE_DIGITS)

    @property
    def forecast_share(self) -> Decimal | None:
        """The part of the amount that the period will come to, rounded."""
        if self.forecast is None:
            return None
        return rounded_quotient(self.forecast.mid, self.budget.amount, SHARE_DIGITS)

    @property
    def level_spent(self) -> int | None:
        """The highest alert level that is spent, in per cent; None below all."""
        return self.budget.level_of(self.spent)

    @property
    def level_forecast(self) -> int | None:
        """The highest alert level that the period will come to, in per cent; None below all, or without a forecast."""
        return None if self.forecast is None else self.budget.level_of(self.forecast.mid)

    @property
    def level(self) -> int | None:
        """The level that alerts: of what is spent, and of the forecast where the budget says so."""
        levels = [self.level_spent, self.level_forecast if self.budget.is_on_forecast else None]
        return max((each for each in levels if each is not None), default=None)

    @property
    def alerting_amount(self) -> Decimal:
        """What is held against the levels: what is spent, or the forecast where the budget says so."""
        if self.budget.is_on_forecast and self.forecast is not None:
            return max(self.spent, self.forecast.mid)
        return self.spent


def budgets(
    workspace: Workspace,
    *,
    as_of: date | None = None,
    period: BillingPeriod | None = None,
    read: Sequence[Budget] | None = None,
    spending: Spending | None = None,
) -> tuple[BudgetState, ...]:
    """Return how the budgets of ``budgets.toml`` stand, in its order; none where there is no such file.

    As of now (``workspace.now``), or as if the day ``as_of`` had just begun: then only days before it count. Of each
    budget the period that holds that day; with ``period``, the one that holds its last day. ``read`` are budgets in the
    place of the file's, ``spending`` is all that is charged, where that is known already. Raises ``BudgetsError`` for
    whatever the file cannot mean.
    """
    found = read_budgets(workspace) if read is None else tuple(read)
    if not found:
        return ()  # costs nothing where there is nothing to watch
    spending = spending or spending_of(workspace)
    states = []
    for budget in found:
        days = days_of(workspace, budget.scope, as_of=as_of)
        if days is not None:
            wanted = budget.period_of(days.today if period is None else period.end_date - _DAY)
            states.append(_state(budget, wanted, spending.of(budget.scope).before(days.end), days))
    return tuple(states)


def _state(budget: Budget, period: BillingPeriod, mine: Spending, days: Days) -> BudgetState:
    by_currency = mine.by_date()
    within = {
        currency: normalised(
            exact_sum(amount for day, amount in spent.items() if period.first_date <= day < period.end_date)
        )
        for currency, spent in by_currency.items()
    }
    series = by_currency.get(budget.currency, {})
    unpriced = mine.from_date(period.first_date).before(period.end_date).unpriced
    return BudgetState(
        budget=budget,
        period=period,
        counted_before=days.complete_before,
        spent=within.get(budget.currency, Decimal(0)),
        forecast=forecast_of(series, period, complete_before=days.complete_before, currency=budget.currency),
        unpriced_tokens=total(unpriced["quantity"]),
        in_other_currencies=tuple(
            (currency, amount) for currency, amount in sorted(within.items()) if currency != budget.currency and amount
        ),
    )
