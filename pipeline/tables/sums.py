"""Sums of counts that are exact, whatever they come to: those of Arrow's integers go round at 2^63, in silence.

Does not own sums in ``sql/``, which are refused where they do not fit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDE = pa.decimal128(38, 0)
"""Holds the sum of 10^19 counts."""


def total(counts: pa.ChunkedArray) -> int:
    """Return the sum of a column of integers, 0 where there are none; nulls count nothing."""
    return int(pc.sum(counts.cast(WIDE)).as_py() or 0)


def sums_by(table: pa.Table, columns: Sequence[str], counts: Sequence[str]) -> pa.Table:
    """Return the sums of columns of integers, grouped by others; as decimals where one does not fit its integer.

    Grouped by none, they are one row, as ``total`` has them: 0 where there are none.
    """
    wide = table
    for name in counts:
        wide = wide.set_column(wide.schema.get_field_index(name), name, wide[name].cast(WIDE))
    grouped = wide.group_by(columns, use_threads=False).aggregate([(name, "sum") for name in counts])
    found = grouped.rename_columns([*columns, *counts])
    for name in counts:
        sums = found[name] if columns else pc.fill_null(found[name], 0)
        fits = (pc.max(sums).as_py() or 0) < 2**63  # of no group there is no sum
        found = found.set_column(found.schema.get_field_index(name), name, sums.cast(pa.int64()) if fits else sums)
    return found
