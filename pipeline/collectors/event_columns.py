"""Rows of usage events, a list a column, until they become Arrow.

Many rows share most of their values, and state them once.

Owns the split of a row of one log into its own values and the *shared* rest. Does not own where values come from
(``decode``, ``fast``).
"""

from __future__ import annotations

from collections import Counter
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from pipeline.tables.columns import chosen_column, column, text_column
from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage.events import COLUMNS, Role

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from pipeline.collectors.decode import Row

    Columns: TypeAlias = tuple[list[list[Any]], list[int], list[Row]]
    """The own values of rows, a list a column; the number of each row's shared values; and those."""

_PLACES = tuple(column.name for column in COLUMNS if column.role is Role.PLACE)
OWN_BEFORE_PLACES = tuple(column.name for column in COLUMNS if not column.is_shared and column.name not in _PLACES)
OWN = OWN_BEFORE_PLACES + _PLACES
"""The columns in which rows differ, in the order of their lists, places last; text is kept in UTF-8."""
_SHARED = tuple(name for name in USAGE_EVENTS.names if name not in (*OWN, "source"))
_OWN_AT, _SHARED_AT = ([USAGE_EVENTS.get_field_index(name) for name in names] for names in (OWN, _SHARED))
_STATUS = _SHARED.index("status")
_LINE = OWN.index("line")


def own_of(row: Row) -> Row:
    """Return the values of ``OWN`` of a row of ``schemas.USAGE_EVENTS``, text in UTF-8."""
    values = [row[at] for at in _OWN_AT]
    return tuple([value.encode() if isinstance(value, str) else value for value in values])


def shared_of(row: Row) -> Row:
    """Return the other values of a row."""
    return tuple([row[at] for at in _SHARED_AT])


class EventColumns:
    """Rows as they are collected; in the order of their lines once they are Arrow."""

    def __init__(self, source: str) -> None:
        """Begin with none; all are of one source."""
        self._source = source
        self._own: list[list[Any]] = [[] for _ in OWN]
        self._codes: list[int] = []
        self._shared: dict[Row, int] = {}

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._codes)

    def add(self, row: Row) -> None:
        """Add one row of ``schemas.USAGE_EVENTS``."""
        for values, value in zip(self._own, own_of(row), strict=True):
            values.append(value)
        self._codes.append(self._shared.setdefault(shared_of(row), len(self._shared)))

    def extend(self, own: Sequence[Sequence[Any]], codes: Sequence[int], shared: Sequence[Row]) -> None:
        """Add rows: the values of ``OWN``, a list a column, and each row's place in ``shared``."""
        for values, more in zip(self._own, own, strict=True):
            values.extend(more)
        known = {code: self._shared.setdefault(shared[code], len(self._shared)) for code in set(codes)}
        self._codes += [known[code] for code in codes]

    @property
    def columns(self) -> Columns:
        """All rows, in lists and tuples alone."""
        return self._own, self._codes, list(self._shared)

    def statuses(self) -> Counter[str]:
        """Count the rows by status."""
        counts: Counter[str] = Counter()
        shared = list(self._shared)
        for code, count in Counter(self._codes).items():
            counts[shared[code][_STATUS]] += count
        return counts

    def record_batch(self) -> pa.RecordBatch:
        """Return the rows of ``schemas.USAGE_EVENTS`` in the order of their lines."""
        own, codes = self._own, self._codes
        lines = np.array(own[_LINE], np.int64)
        if not (lines[1:] > lines[:-1]).all():
            in_order = itemgetter(*np.argsort(lines).tolist())
            own, codes = [in_order(values) for values in own], in_order(codes)
        kinds = {field.name: field.type for field in USAGE_EVENTS}
        columns = {
            name: text_column(values) if pa.types.is_string(kinds[name]) else column(values, kinds[name])
            for name, values in zip(OWN, own, strict=True)
        }
        shared = np.array(codes, np.int64)
        for name, values in zip(_SHARED, zip(*self._shared, strict=True), strict=True):
            columns[name] = chosen_column(values, kinds[name], shared)
        columns["source"] = chosen_column([self._source], kinds["source"], np.zeros_like(shared))
        return pa.RecordBatch.from_arrays([columns[name] for name in kinds], schema=USAGE_EVENTS)
