"""What a month will come to, by ``pipeline.budgets`` and by plainer methods, held against what it came to.

``python -m benchmarks.books.forecasts [--into docs/budgets.md]`` prints a Markdown table.

Each of some seeded series of each kind is forecast as of seven days of each of three months. The naive method is what
people write in a spreadsheet: what is spent, by the days that have passed, times the days of the month; on the first
day, that of the month before. The mean of four weeks is the plainest method that knows more than this month.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, NamedTuple

import click

from benchmarks.inputs.spending import KINDS, spent_by_date
from benchmarks.turns.report import write_table
from pipeline.base.periods import BillingPeriod
from pipeline.budgets import forecast_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date

    from benchmarks.inputs.spending import Kind

MONTHS = tuple(BillingPeriod(year=2026, month=month) for month in (7, 8, 9))
DAYS_PASSED = (0, 3, 7, 14, 20, 25, 29)
_FOUR_WEEKS = 28


class Trial(NamedTuple):
    """The errors of one forecast, each as a part of what the month came to."""

    naive: float
    four_weeks: float
    ours: float
    width: float
    """Of the interval."""
    is_within: bool
    """Whether the month ended within it."""


def trials(kind: Kind, series: int) -> Iterator[Trial]:
    """Yield the trials of a kind; months of which nothing was spent, or too little was known, are left out."""
    for seed in range(series):
        spent = spent_by_date(kind, seed)
        for month in MONTHS:
            actual = _between(spent, month.first_date, month.end_date)
            for passed in DAYS_PASSED:
                today = month.first_date + timedelta(days=passed)
                known = {day: cost for day, cost in spent.items() if day < today}
                found = forecast_of(known, month, complete_before=today, currency="USD")
                if found is None or not actual:
                    continue
                low, mid, high = float(found.low), float(found.mid), float(found.high)
                yield Trial(
                    naive=abs(_naive(known, month, today) / actual - 1),
                    four_weeks=abs(_four_weeks(known, month, today) / actual - 1),
                    ours=abs(mid / actual - 1),
                    width=(high - low) / actual,
                    is_within=low <= actual <= high,
                )


def _naive(known: Mapping[date, Decimal], month: BillingPeriod, today: date) -> float:
    days = (month.end_date - month.first_date).days
    passed = (today - month.first_date).days
    if not passed:
        before = month.previous()
        return _between(known, before.first_date, before.end_date)
    return _between(known, month.first_date, today) / passed * days


def _four_weeks(known: Mapping[date, Decimal], month: BillingPeriod, today: date) -> float:
    first = max(min(known), today - timedelta(days=_FOUR_WEEKS))
    daily = _between(known, first, today) / (today - first).days
    return _between(known, month.first_date, today) + daily * (month.end_date - today).days


def _between(spent: Mapping[date, Decimal], first: date, end: date) -> float:
    return float(sum((cost for day, cost in spent.items() if first <= day < end), Decimal(0)))


def table(series: int) -> str:
    """Return the table: mean errors in per cent, and of the interval how many months ended within it."""
    lines = [
        "| usage | naive | mean of four weeks | ours | within our interval | width of the interval |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    rows = []
    for kind in KINDS:
        found = list(trials(kind, series))
        rows.append([mean(trial[place] for trial in found) for place in range(len(Trial._fields))])
        lines.append(_line(f"{kind.name}: {kind.says}", rows[-1]))
    lines.append(_line("**all kinds alike**", [mean(column) for column in zip(*rows, strict=True)]))
    return "\n".join(lines) + "\n"


def _line(name: str, row: list[float]) -> str:
    naive, four_weeks, ours, width, is_within = (f"{100 * each:.0f} %" for each in row)
    return f"| {name} | {naive} | {four_weeks} | {ours} | {is_within} | {width} |"


@click.command()
@click.option("--series", default=10, show_default=True, help="How many of each kind.")
@click.option("--into", type=click.Path(path_type=Path), help="Write the table between its marks of this page, too.")
def main(series: int, into: Path | None) -> None:
    """Print the table."""
    text = table(series)
    click.echo(text, nl=False)
    if into is not None:
        write_table(into, "forecasts", text)


if __name__ == "__main__":
    main()
