"""Usage events in memory: texts that many rows share are codes into a dictionary.

So they take a quarter less. Owns which columns these are, and both ways. Does not own what is written to files: that
is text, since a dictionary has the order in which its texts came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage.events import COLUMNS, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

CODES = pa.dictionary(pa.int32(), pa.string())
_IDENTIFYING = frozenset(column.name for column in COLUMNS if column.role is Role.IDENTITY)


def _is_coded(field: pa.Field) -> bool:
    """Tell whether a column of usage events is codes: texts that are no ids."""
    return pa.types.is_string(field.type) and field.name not in _IDENTIFYING


CODED_EVENTS = pa.schema([field.with_type(CODES) if _is_coded(field) else field for field in USAGE_EVENTS])
"""As ``USAGE_EVENTS``."""


def coded(events: pa.Table) -> pa.Table:
    """Return usage events with codes, where they are not so already."""
    if events.schema.equals(CODED_EVENTS):
        return events
    columns = [
        events[each.name].dictionary_encode() if each.type == CODES else events[each.name] for each in CODED_EVENTS
    ]
    return pa.table(columns, schema=CODED_EVENTS)


def together(parts: Sequence[pa.Table]) -> pa.Table:
    """Return usage events of several tables, with codes."""
    return pa.concat_tables([CODED_EVENTS.empty_table(), *map(coded, parts)])


def plain(events: pa.Table) -> pa.Table:
    """Return usage events with texts, where they are not so already."""
    return events if events.schema.equals(USAGE_EVENTS) else events.cast(USAGE_EVENTS)
