"""How budgets stand, in the text format of Prometheus, beside what a night came to.

Owns the names of these gauges. Does not own the format (``pipeline.jobs.gauges``) nor the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.money import plain
from pipeline.jobs.gauges import Gauge, rendered

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.jobs.answers.watched.budgets import BudgetState


def budgets_metrics_text(states: Sequence[BudgetState]) -> str:
    """Return the gauges of budgets; no text where there is none. One without a forecast has no sample of it."""
    if not states:
        return ""
    labelled = [({"budget": state.budget.name, "currency": state.budget.currency}, state) for state in states]
    known = [(labels, state.forecast) for labels, state in labelled if state.forecast is not None]
    gauges = (
        Gauge(
            name="budget_limit_amount",
            says="What a budget's period may cost.",
            samples=tuple((labels, plain(state.budget.amount)) for labels, state in labelled),
        ),
        Gauge(
            name="budget_spent_amount",
            says="What its period has cost so far.",
            samples=tuple((labels, plain(state.spent)) for labels, state in labelled),
        ),
        Gauge(
            name="budget_forecast_amount",
            says="What its period will probably come to.",
            samples=tuple((labels, plain(forecast.mid)) for labels, forecast in known),
        ),
        Gauge(
            name="budget_forecast_low_amount",
            says="The lower end of the interval that eight of ten periods end in.",
            samples=tuple((labels, plain(forecast.low)) for labels, forecast in known),
        ),
        Gauge(
            name="budget_forecast_high_amount",
            says="Its upper end.",
            samples=tuple((labels, plain(forecast.high)) for labels, forecast in known),
        ),
        Gauge(
            name="budget_alert_percent",
            says="The highest alert level that is reached; 0 below all of them.",
            samples=tuple((labels, str(state.level or 0)) for labels, state in labelled),
        ),
    )
    return "".join(map(rendered, gauges))
