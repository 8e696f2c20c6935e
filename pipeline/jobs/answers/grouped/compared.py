"""Usage of the period before at the place that it has in the period which it is compared with.

Owns what stands beside what. Does not own which period is the one before (``selection.Span``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.base.periods import parse_date
from pipeline.jobs.answers.grouped.words import HOUR, mapped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pipeline.jobs.answers.grouped.selection import Span


def moved_to(table: pa.Table, span: Span, previous: Span, hours: Iterable[str] = ()) -> pa.Table:
    """Give usage of the period before the dates that have its place in the period.

    ``hours`` are those of the period: where a clock was changed between, an hour gets the name that it has there.
    """
    known = {hour[:16]: hour for hour in sorted(hours, reverse=True)}

    def hour_of(hour: str) -> str:
        found = f"{span.counterpart(parse_date(hour[:10]), previous)}{hour[10:]}"
        return known.get(found[:16], found)

    moves: dict[str, tuple[Callable[[str], object], pa.DataType]] = {
        "billing_period": (lambda period: span.counterpart_month(period, previous), pa.string()),
        HOUR: (hour_of, pa.string()),
    }
    for name, (move, kind) in moves.items():
        if name in table.schema.names:
            table = table.set_column(table.schema.get_field_index(name), name, mapped(table[name], move, kind))
    dates = mapped(table["usage_date"], lambda day: span.counterpart(day, previous), pa.date32())
    return table.set_column(table.schema.get_field_index("usage_date"), "usage_date", dates)
