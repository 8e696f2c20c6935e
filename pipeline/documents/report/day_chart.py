"""The days of a period as a chart, and the table behind it."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.documents.report.amounts import amount_of, axis_texts, rounded_text, tail_width
from pipeline.documents.report.charts import column_chart
from pipeline.documents.report.names import count_text

if TYPE_CHECKING:
    from pipeline.documents.report.amounts import Amount
    from pipeline.documents.report.charts import ColumnChart
    from pipeline.documents.report.figures import Money
    from pipeline.documents.report.period_words import PeriodWords

_DAY = dt.timedelta(days=1)
_CHART_HEIGHT, _CHART_ABOVE, _CHART_BELOW = 200, 22, 22
_DAYS_MAX = 45
"""Of more days, the first days of months are labelled."""
_WEEK = 7
_LABELS = 5
_EDGE = Decimal("0.06")
"""So near to an end of the chart, a label does not stand over its middle."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayLabel:
    """A label of the day chart."""

    x: str
    text: str
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayRow:
    """A day in the table behind the chart."""

    day: str
    cost: Amount
    before: Amount
    requests: str
    tokens: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DayChart:
    """The days of a period, drawn and written."""

    chart: ColumnChart
    grid: tuple[tuple[str, str], ...]
    labels: tuple[DayLabel, ...]
    peak: str
    """What stands above the highest column."""
    peak_anchor: str
    summary: str
    """What the chart shows, in a sentence."""
    rows: tuple[DayRow, ...]
    cost_tail: int
    before_tail: int


def day_chart_of(money: Money, words: PeriodWords) -> DayChart:
    """Return the chart of a currency, with the same days of the period before as marks."""
    days, currency = money.days, money.currency
    chart = column_chart(
        [each.cost for each in days],
        [each.previous_cost or None for each in days],  # a mark at nothing would be the axis
        height=_CHART_HEIGHT,
        above=_CHART_ABOVE,
        below=_CHART_BELOW,
    )
    rows = tuple(
        DayRow(
            day=f"{each.usage_date:%Y-%m-%d}",
            cost=amount_of(each.cost, currency),
            before=amount_of(each.previous_cost, currency),
            requests=count_text(each.requests),
            tokens=count_text(each.tokens),
        )
        for each in days
    )
    peak, anchor, summary = "", "middle", f"No cost on any day of {words.period}."
    if chart.greatest is not None:
        highest = days[chart.greatest]
        peak = rounded_text(highest.cost, currency)
        summary = (
            f"The highest day is {words.date(highest.usage_date)} with {rows[chart.greatest].cost.text} {currency}."
        )
        place = Decimal(chart.greatest) / max(len(days), 1)
        anchor = "start" if place < _EDGE else "end" if place > 1 - _EDGE else "middle"
    return DayChart(
        chart=chart,
        grid=tuple(zip((line.y for line in chart.grid), axis_texts([line.value for line in chart.grid]), strict=True)),
        labels=_day_labels(chart, words),
        peak=peak,
        peak_anchor=anchor,
        summary=summary,
        rows=rows,
        cost_tail=tail_width(row.cost for row in rows),
        before_tail=tail_width(row.before for row in rows),
    )


def _day_labels(chart: ColumnChart, words: PeriodWords) -> tuple[DayLabel, ...]:
    """Label each seventh day of a month, or the first days of some months of a longer period."""
    dates = [words.report.days.from_date + _DAY * place for place in range(len(chart.columns))]
    if len(dates) <= _DAYS_MAX:
        labelled = {place: words.short_date(dates[place]) for place in range(0, len(dates), _WEEK)}
    else:
        firsts = [place for place, day in enumerate(dates) if day.day == 1]
        labelled = {place: words.month_name(dates[place]) for place in firsts[:: max(-(-len(firsts) // _LABELS), 1)]}
    return tuple(
        DayLabel(
            x=chart.columns[place].middle if place else chart.columns[0].x,
            text=text,
            anchor="middle" if place else "start",
        )
        for place, text in labelled.items()
    )
