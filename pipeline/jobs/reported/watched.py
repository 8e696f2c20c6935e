"""How the budgets stand and which days of the period are out of line: as ``watched.budgets`` and ``anomalies`` answer.

Owns which of the answers a report keeps. Does not own budgets, forecasts, nor what is out of line.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.documents.report.figures import Budget, Forecast, OddDay, OddDays
from pipeline.jobs.answers.watched.anomalies import anomalies
from pipeline.jobs.answers.watched.budgets import budgets

if TYPE_CHECKING:
    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.selection import Span
    from pipeline.jobs.answers.watched.budgets import BudgetState
    from pipeline.jobs.answers.watched.spending import Spending

ODD_LISTED = 5


def budgets_in(workspace: Workspace, spending: Spending, period: BillingPeriod | None) -> tuple[Budget, ...]:
    """Return how each budget stands in the period of its own that holds a period's last day: the fullest first.

    Of None, in the one that holds today.
    """
    states = budgets(workspace, period=period, spending=spending)
    return tuple(_budget(each) for each in sorted(states, key=_fullness))


def odd_days(workspace: Workspace, spending: Spending, span: Span) -> OddDays:
    """Return the days of a span on which an account, key or model is far from its own past."""
    found = anomalies(workspace, span=span, spending=spending)
    return OddDays(
        days=tuple(
            OddDay(kind=each.kind, currency=each.anomaly.currency, reason=each.anomaly.reason)
            for each in found[:ODD_LISTED]
        ),
        others=max(len(found) - ODD_LISTED, 0),
    )


def _budget(state: BudgetState) -> Budget:
    forecast = state.forecast
    return Budget(
        name=state.budget.name,
        scope=str(state.budget.scope),
        period=state.period,
        amount=state.budget.amount,
        currency=state.budget.currency,
        spent=state.spent,
        share=state.share,
        forecast=None
        if forecast is None or state.is_over
        else Forecast(low=forecast.low, mid=forecast.mid, high=forecast.high),
        forecast_share=None if state.is_over else state.forecast_share,
        level=state.level,
        days=state.days,
        days_elapsed=state.days_elapsed,
        unpriced_tokens=state.unpriced_tokens,
    )


def _fullness(state: BudgetState) -> tuple[Decimal, str]:
    return max(state.share, state.forecast_share or Decimal(0)).copy_negate(), state.budget.name
