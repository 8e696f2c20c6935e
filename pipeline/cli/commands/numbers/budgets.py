"""``tallybook budgets``."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import Rounding, plain_amount, rounded_to_minor_unit
from pipeline.budgets.budget import ALERT_PERCENT_MAX, level_reached
from pipeline.cli.context import EXIT_DIFFERENCE, DateType, PeriodType, tell, warn
from pipeline.cli.options.examples import examples
from pipeline.cli.output import output_option
from pipeline.cli.tables.columns import Column, Kind
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.answers.watched.budgets import budgets
from pipeline.jobs.wording import are, counted
from pipeline.objects.layout import BUDGETS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from pipeline.base.periods import BillingPeriod
    from pipeline.cli.context import Invocation
    from pipeline.cli.output import Output
    from pipeline.cli.tables.columns import Cell
    from pipeline.jobs.answers.watched.budgets import BudgetState

_COLUMNS = [
    Column(name="budget", is_asked=True),
    Column(name="scope", is_detail=True),
    Column(name="period", kind=Kind.DATE),
    Column(name="days_elapsed", kind=Kind.COUNT, is_detail=True),
    Column(name="days", kind=Kind.COUNT, is_detail=True),
    Column(name="currency", heading="in"),
    Column(name="amount", kind=Kind.MONEY),
    Column(name="spent", kind=Kind.MONEY, is_kept=True),
    Column(name="share", kind=Kind.SHARE, is_kept=True),
    Column(name="forecast_low", heading="low", kind=Kind.MONEY, is_detail=True),
    Column(name="forecast", kind=Kind.MONEY),
    Column(name="forecast_high", heading="high", kind=Kind.MONEY, is_detail=True),
    Column(name="forecast_share", heading="of amount", kind=Kind.SHARE, is_detail=True),
    Column(name="level", heading="alert %", kind=Kind.COUNT, is_kept=True),
    Column(name="unpriced_tokens", kind=Kind.COUNT, is_detail=True),
]


@click.command(
    name="budgets",
    epilog=examples(
        "tallybook budgets",
        "tallybook budgets --as-of yesterday -o json",
        "tallybook budgets --period last-month",
        "tallybook budgets --budget research --fail-at 90",
    ),
)
@click.option(
    "--as-of", type=DateType(), help="As if this day had just begun, such as 2026-10-20: only days before it count."
)
@click.option(
    "--period",
    type=PeriodType(),
    help="A month, such as 2026-10 or last-month: of each budget the period that its last day is in.",
)
@click.option("--budget", "names", multiple=True, metavar="NAME", help="This budget alone. Repeat for more.")
@click.option(
    "--fail-at",
    type=click.IntRange(min=1, max=ALERT_PERCENT_MAX),
    metavar="PERCENT",
    help="Exit code 6 from this part of the amount on; default: from the last alert level of each budget on.",
)
@output_option()
@click.pass_obj
def command(
    invocation: Invocation,
    *,
    as_of: date | None,
    period: BillingPeriod | None,
    names: tuple[str, ...],
    fail_at: int | None,
    output: Output,
) -> int:
    """Say what is spent of each budget of budgets.toml, and what its period will come to.

    What is spent is what 'tallybook cost' says of the same keys, models and days, before anything is rounded. A
    forecast adds what the days that are left will probably cost; eight of ten periods end between its ends. Days are
    those of each account's own clock.

    Exit code 6 where the last alert level of a budget is reached: by what is spent, or, of a budget with on_forecast,
    by the forecast.
    """
    workspace = open_workspace(invocation.workspace, now=invocation.now(), engine=invocation.engine)
    if not os.path.lexists(workspace.root / BUDGETS_FILE):
        tell(f"there is no {BUDGETS_FILE} in {workspace.root}, and so no budget to look at")
    states = _named(budgets(workspace, as_of=as_of, period=period), names)
    output.rows(_COLUMNS, [_cells(state) for state in states])
    _tell_of_what_is_not_in_them(states)
    return EXIT_DIFFERENCE if any(_fails(state, fail_at) for state in states) else 0


def _named(states: Iterable[BudgetState], names: tuple[str, ...]) -> list[BudgetState]:
    found = {state.budget.name: state for state in states}
    for name in names:
        if name not in found:
            message = f"--budget {name!r} is not known; {BUDGETS_FILE} has: {', '.join(found) or 'none'}"
            raise ConfigurationError(message)
    return [state for name, state in found.items() if not names or name in names]


def _cells(state: BudgetState) -> list[Cell]:
    """Return what stands in each column; of a forecast as many decimal places as its currency has."""
    budget, forecast = state.budget, state.forecast
    low, mid, high = (forecast.low, forecast.mid, forecast.high) if forecast else (None, None, None)
    return [
        budget.name,
        str(budget.scope),
        str(state.period),
        state.days_elapsed,
        state.days,
        budget.currency,
        Decimal(plain_amount(budget.amount, budget.currency)),
        Decimal(plain_amount(state.spent, budget.currency)),
        state.share,
        _rounded(low, budget.currency),
        _rounded(mid, budget.currency),
        _rounded(high, budget.currency),
        state.forecast_share,
        state.level,
        state.unpriced_tokens,
    ]


def _rounded(estimate: Decimal | None, currency: str) -> Decimal | None:
    return None if estimate is None else rounded_to_minor_unit(estimate, currency, Rounding.HALF_UP)


def _fails(state: BudgetState, fail_at: int | None) -> bool:
    last = state.budget.alert_percents[-1] if fail_at is None else fail_at
    return level_reached(state.alerting_amount, state.budget.amount, [last]) is not None


def _tell_of_what_is_not_in_them(states: Iterable[BudgetState]) -> None:
    for state in states:
        name, tokens = state.budget.name, state.unpriced_tokens
        if tokens:
            warn(
                f"budget {name!r}: {counted(tokens, 'token')} {are(tokens)} unpriced and not in it; add a rate for them"
            )
        for currency, amount in state.in_other_currencies:
            beside = f"{currency} {plain_amount(amount, currency)}"
            warn(f"budget {name!r}: {beside} is charged beside it, and is not held against it")
