"""The columns of every task's answer, and how two answers are compared.

Does not own who answers (``contenders``).
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Sequence

Answer: TypeAlias = "Sequence[tuple[object, ...]] | pa.Table"
"""Rows as the contender has them at hand: tuples, or columns."""

READING = pa.schema(
    [
        ("response_id", pa.string()),
        ("api_key_id", pa.string()),
        ("model", pa.string()),
        ("http_status", pa.int64()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("cached_tokens", pa.int64()),
        ("usage_date", pa.date32()),
    ]
)
AGGREGATING = pa.schema(
    [
        ("api_key_id", pa.string()),
        ("model", pa.string()),
        ("usage_date", pa.date32()),
        ("events", pa.int64()),
        ("prompt_tokens", pa.int64()),
        ("completion_tokens", pa.int64()),
        ("cached_tokens", pa.int64()),
    ]
)
"""Measured exchanges by key, model and UTC date, each identity once."""
RATING = pa.schema(
    [
        ("api_key_id", pa.string()),
        ("model", pa.string()),
        ("usage_date", pa.date32()),
        ("amount", pa.decimal128(38, 18)),
    ]
)
"""Exact charges by key, model and date."""


def as_table(answer: Answer, schema: pa.Schema) -> pa.Table:
    """Return an answer as a table of exactly these columns and types."""
    if isinstance(answer, pa.Table):
        return answer.select(schema.names).cast(schema)
    columns = list(zip(*answer, strict=True)) or [()] * len(schema)
    return pa.table(
        [pa.array(values, field.type) for field, values in zip(schema, columns, strict=True)], schema=schema
    )


def rows_differing(answer: pa.Table, expected: pa.Table) -> int:
    """Count the rows by which two answers differ, whatever their order.

    Wrong, missing and invented ones; a wrong row counts once.
    """
    found, wanted = _counted(answer), _counted(expected)
    return max((found - wanted).total(), (wanted - found).total())


def _counted(table: pa.Table) -> Counter[tuple[object, ...]]:
    return Counter(zip(*(column.to_pylist() for column in table.columns), strict=True))
