"""Rows of budgets, each with its bar: what is spent, what its period will come to, and where its amount ends."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.documents.report.amounts import amount_of, percent_text, rounded_text
from pipeline.documents.report.charts import part_of
from pipeline.documents.report.names import counted_text, shown

if TYPE_CHECKING:
    from pipeline.documents.report.figures import Budget
    from pipeline.documents.report.period_words import PeriodWords

_FULL = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetRow:
    """A budget."""

    name: str
    scope: str
    spent: str
    """How long the bar is, in per cent of its room."""
    limit: str
    """Where the amount ends."""
    low: str
    """Where the forecast begins, lies and ends; empty where there is none."""
    mid: str
    high: str
    share: str
    amounts: str
    forecast: str
    state: str
    is_alert: bool


def budget_row(budget: Budget, words: PeriodWords) -> BudgetRow:
    """Return a budget as a row."""
    forecast, currency = budget.forecast, budget.currency
    ends = [budget.amount, budget.spent, *([forecast.high] if forecast else [])]
    room = max(ends)
    spent, amount = amount_of(budget.spent, currency).text, amount_of(budget.amount, currency).text
    said = ""
    if forecast is not None:
        low, mid, high = (rounded_text(each, currency) for each in (forecast.low, forecast.mid, forecast.high))
        said = f"forecast {mid} ({low} to {high}), {percent_text(budget.forecast_share)}"
    elif budget.days_elapsed < budget.days:
        said = f"{budget.days_elapsed} of {counted_text(budget.days, 'day')} complete, too few to forecast"
    if budget.unpriced_tokens:
        said += f"{'; ' if said else ''}{counted_text(budget.unpriced_tokens, 'token')} without a price"
    return BudgetRow(
        name=shown(budget.name),
        scope=f"{words.period_name(budget.period)}, {shown(budget.scope)}",
        spent=part_of(budget.spent, room),
        limit=part_of(budget.amount, room),
        low=part_of(forecast.low, room) if forecast else "",
        mid=part_of(forecast.mid, room) if forecast else "",
        high=part_of(forecast.high, room) if forecast else "",
        share=percent_text(budget.share),
        amounts=f"{spent} of {amount} {currency}",
        forecast=said,
        state=_state(budget),
        is_alert=budget.level is not None,
    )


def budgets_text(budgets: tuple[Budget, ...]) -> str:
    """Say how many budgets need somebody; nothing where there is no budget."""
    if not budgets:
        return ""
    exceeded = sum(_state(each) == _EXCEEDED for each in budgets)
    alerting = sum(each.level is not None for each in budgets) - exceeded
    said = [f"{exceeded} exceeded" if exceeded else "", f"{alerting} at an alert level" if alerting else ""]
    found = ", ".join(each for each in said if each) or "none at an alert level"
    return f"{counted_text(len(budgets), 'budget')}: {found}"


_EXCEEDED = "exceeded"


def _state(budget: Budget) -> str:
    if budget.spent > budget.amount:
        return _EXCEEDED
    if budget.level is None:
        return "within"
    reached = budget.spent * _FULL >= budget.amount * Decimal(budget.level)
    return f"{budget.level}\u00a0% reached" if reached else f"{budget.level}\u00a0% expected"
