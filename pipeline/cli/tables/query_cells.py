"""Rows of a query as cells of a table: plain values, every digit, nothing formatted.

Owns what a value of each type of the engine is as a cell. Does not own how cells are printed (``pipeline.cli.tables``).
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from types import NoneType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import normalised
from pipeline.cli.tables.columns import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.cli.tables.columns import Cell


def columns_of(schema: pa.Schema) -> list[Column]:
    """Return the columns of an answer. Raises ``ConfigurationError`` where two are called the same."""
    if twice := [name for name, count in Counter(schema.names).items() if count > 1]:
        message = f"two columns are called {twice[0]!r}; give one of them another name with AS"
        raise ConfigurationError(message)
    return [Column(name=field.name, kind=_kind(field), is_asked=True) for field in schema]


def rows_of(batch: pa.RecordBatch) -> Iterator[tuple[Cell, ...]]:
    """Yield the rows of a batch."""
    columns = [[cell_of(value) for value in column.to_pylist()] for column in batch.columns]
    return zip(*columns, strict=True)


def cell_of(value: Any) -> Cell:
    """Return a value as a cell: decimals without zeros at their end, instants in ISO 8601, what is nested as JSON."""
    written: Cell = _CELLS.get(type(value), str)(value)
    return written


def _of_number(value: Decimal | float) -> Cell:
    """Return a number exactly; of the engine's inexact ones, such as averages, the shortest digits that tell them."""
    number = value if isinstance(value, Decimal) else Decimal(repr(value))
    return normalised(number) if number.is_finite() else str(value)


def _nested(value: object) -> Cell:
    return json.dumps(value, default=str, ensure_ascii=False)


def _itself(value: Any) -> Cell:
    return value  # type: ignore[no-any-return]  # of a type that is a cell


_CELLS: Mapping[type, Callable[[Any], Cell]] = {
    **dict.fromkeys((NoneType, str, int, date), _itself),
    **dict.fromkeys((list, tuple, dict), _nested),
    bool: lambda value: "true" if value else "false",
    Decimal: _of_number,
    float: _of_number,
    datetime: datetime.isoformat,
    bytes: bytes.hex,
}
"""How a value of each type is written; of others, their text."""


def _kind(field: pa.Field) -> Kind:
    kind = field.type
    if pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.scale == 0):
        return Kind.COUNT
    if pa.types.is_decimal(kind) or pa.types.is_floating(kind):
        return Kind.MONEY
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return Kind.DATE
    return Kind.ID if field.name.endswith("_id") else Kind.TEXT
