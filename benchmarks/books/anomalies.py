"""How often ``pipeline.budgets`` calls an ordinary day odd, and how many odd days it finds.

``python -m benchmarks.books.anomalies [--into docs/budgets.md]`` prints a Markdown table.

Every day of September of seeded series of each kind is looked at, of books whose keys cost from 1 to 1,000 times as
much: whatever is found there is a false alarm. Then one of these days is multiplied, and is to be found. Beside it
stands what people write first: more than three standard deviations from the mean of four weeks.
"""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, NamedTuple

import click

from benchmarks.inputs.spending import KINDS, spent_by_date
from benchmarks.turns.report import write_table
from pipeline.base.periods import BillingPeriod, days_between
from pipeline.budgets import anomaly_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from benchmarks.inputs.spending import Kind

SEPTEMBER = BillingPeriod(year=2026, month=9)
TIMES = (3, 5, 10)
DIFFERENCE_MIN = Decimal(1)
_DEVIATIONS = 3
_FOUR_WEEKS = 28


class Found(NamedTuple):
    """Of one kind: parts of the days."""

    false_naive: float
    false_ours: float
    naive: tuple[float, ...]
    """Of the days that were multiplied by each of ``TIMES``, how many were found."""
    ours: tuple[float, ...]


def found_of(kind: Kind, series: int) -> Found:
    """Return what is found of a kind."""
    false: list[tuple[bool, bool]] = []
    planted: dict[int, list[tuple[bool, bool]]] = {times: [] for times in TIMES}
    for seed in range(series):
        chance = random.Random(f"planted {kind.name} {seed}")
        spent = spent_by_date(kind, seed, scale=10 ** chance.uniform(-2, 1))
        days = list(days_between(SEPTEMBER.first_date, SEPTEMBER.end_date))
        false += [(_is_odd_naively(spent, day), _is_odd(spent, day)) for day in days]
        day = chance.choice(days)
        cost = spent.get(day, Decimal(0))
        for times in TIMES:
            if cost * (times - 1) >= DIFFERENCE_MIN:
                more = {**spent, day: cost * times}
                planted[times].append((_is_odd_naively(more, day), _is_odd(more, day)))
    (false_naive, false_ours), shares = _shares(false), [_shares(planted[times]) for times in TIMES]
    return Found(
        false_naive=false_naive,
        false_ours=false_ours,
        naive=tuple(share[0] for share in shares),
        ours=tuple(share[1] for share in shares),
    )


def _shares(pairs: list[tuple[bool, bool]]) -> tuple[float, float]:
    return fmean(pair[0] for pair in pairs), fmean(pair[1] for pair in pairs)


def _is_odd(spent: Mapping[date, Decimal], day: date) -> bool:
    return anomaly_of("key", spent, day, currency="USD", difference_min=DIFFERENCE_MIN) is not None


def _is_odd_naively(spent: Mapping[date, Decimal], day: date) -> bool:
    before = [float(spent.get(day - timedelta(days=ago), Decimal(0))) for ago in range(1, _FOUR_WEEKS + 1)]
    difference = abs(float(spent.get(day, Decimal(0))) - fmean(before))
    return difference > _DEVIATIONS * pstdev(before) and difference >= DIFFERENCE_MIN


def table(series: int) -> str:
    """Return the table: false alarms of a thousand days, and the part of multiplied days that is found."""
    times = " | ".join(f"{each} times" for each in TIMES)
    lines = [
        f"| usage | false alarms in 1,000 days: naive | ours | found, naive: {times} | found, ours: {times} |",
        f"|---|{'---:|' * (2 + 2 * len(TIMES))}",
    ]
    rows = []
    for kind in KINDS:
        found = found_of(kind, series)
        rows.append([1000 * found.false_naive, 1000 * found.false_ours, *found.naive, *found.ours])
        lines.append(_line(kind.name, rows[-1]))
    lines.append(_line("**all kinds alike**", [fmean(column) for column in zip(*rows, strict=True)]))
    return "\n".join(lines) + "\n"


def _line(name: str, row: list[float]) -> str:
    false, shares = row[:2], row[2:]
    cells = [*(f"{each:.1f}" for each in false), *(f"{100 * each:.0f} %" for each in shares)]
    return f"| {name} | {' | '.join(cells)} |"


@click.command()
@click.option("--series", default=100, show_default=True, help="How many of each kind.")
@click.option("--into", type=click.Path(path_type=Path), help="Write the table between its marks of this page, too.")
def main(series: int, into: Path | None) -> None:
    """Print the table."""
    text = table(series)
    click.echo(text, nl=False)
    if into is not None:
        write_table(into, "anomalies", text)


if __name__ == "__main__":
    main()
