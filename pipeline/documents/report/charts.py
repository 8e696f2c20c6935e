"""Geometry of charts: numbers in, places in per cent and pixels out; the page draws them as SVG.

Owns scales and places. Does not own colours nor words. Across, places are per cent, so that a chart is as wide as its
page and its texts keep their size; down, they are pixels. Nothing here is money any more: places are rounded.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PLACES = Context(prec=60, rounding=ROUND_HALF_EVEN)
_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_GRID_LINES = 3
"""About so many lines stand above the axis."""
_GAP = Decimal("0.24")
"""Part of a column's room that is left free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a chart, and the mark of what is compared with it; lengths in per cent across and pixels down."""

    x: str
    width: str
    middle: str
    y: str
    height: str
    mark_y: str
    """Where the mark lies; empty where there is nothing to compare."""
    end: str
    """Where the mark ends: as far right as the column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GridLine:
    """A line at a round number."""

    y: str
    value: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChart:
    """Columns over an axis."""

    height: int
    axis_y: str
    columns: tuple[Column, ...]
    grid: tuple[GridLine, ...]
    greatest: int | None
    """Which column is the highest; None where all are nothing."""


def column_chart(
    values: Sequence[Decimal | None], marks: Sequence[Decimal | None], *, height: int, above: int, below: int
) -> ColumnChart:
    """Place columns from 0 up, and marks beside them; what is not known has no height.

    ``above`` and ``below`` pixels are left free for labels. Values below 0 have no height either: costs have none.
    """
    known = [value for value in (*values, *marks) if value is not None and value > 0]
    step = round_step(max(known)) if known else Decimal(1)
    top = step * _PLACES.divide(max(known), step).to_integral_value("ROUND_CEILING") if known else Decimal(1)
    room = height - above - below
    wide = _PLACES.divide(Decimal(100), Decimal(max(len(values), 1)))

    def down(value: Decimal | None) -> Decimal:
        drawn = _PLACES.divide(max(value or Decimal(0), Decimal(0)), top)
        return _PLACES.subtract(Decimal(height - below), _PLACES.multiply(drawn, Decimal(room)))

    columns = []
    for place, (value, mark) in enumerate(zip(values, marks, strict=True)):
        x = _PLACES.multiply(wide, Decimal(place) + _GAP / 2)
        width = _PLACES.multiply(wide, 1 - _GAP)
        y = down(value)
        columns.append(
            Column(
                x=f"{_written(x)}%",
                width=f"{_written(width)}%",
                middle=f"{_written(_PLACES.add(x, width / 2))}%",
                y=_written(y),
                height=_written(height - below - y),
                mark_y="" if mark is None else _written(down(mark)),
                end=f"{_written(_PLACES.add(x, width))}%",
            )
        )
    lines = int(top / step) if known else 0
    highest = max(range(len(values)), key=lambda place: values[place] or Decimal(0)) if known else None
    return ColumnChart(
        height=height,
        axis_y=str(height - below),
        columns=tuple(columns),
        grid=tuple(GridLine(y=_written(down(step * each)), value=step * each) for each in range(1, lines + 1)),
        greatest=highest if highest is not None and (values[highest] or 0) > 0 else None,
    )


def round_step(greatest: Decimal) -> Decimal:
    """Return a round number of which about three reach the greatest value: 1, 2, 2.5 or 5, times a power of ten.

    >>> round_step(Decimal("13.2")), round_step(Decimal("0.97")), round_step(Decimal(880))
    (Decimal('5'), Decimal('0.5'), Decimal('5E+2'))
    """
    rough = _PLACES.divide(greatest, Decimal(_GRID_LINES))
    unit = Decimal(1).scaleb(rough.adjusted())
    return next(_PLACES.multiply(step, unit) for step in _STEPS if _PLACES.multiply(step, unit) >= rough)


def part_of(value: Decimal | None, whole: Decimal | None) -> str:
    """Return how long a bar is, in per cent of its room: ``51.4%``; ``0%`` where either is not known, or not above 0.

    >>> part_of(Decimal(1), Decimal(3)), part_of(None, Decimal(3))
    ('33.33%', '0%')
    """
    if value is None or whole is None or value <= 0 or whole <= 0:
        return "0%"
    return f"{_written(min(_PLACES.divide(value * 100, whole), Decimal(100)))}%"


def _written(place: Decimal) -> str:
    text = f"{place.quantize(Decimal('0.01'), context=_PLACES):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
