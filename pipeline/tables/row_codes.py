"""Rows as integers: equal rows have equal codes.

What a row is can then be grouped and compared by one column of numbers.

Owns the coding and the grouping by codes. Does not own which columns make rows equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from collections.abc import Sequence

_CODES_MAX = 2**62


def row_codes(columns: Sequence[pa.Array | pa.ChunkedArray]) -> pa.Array:
    """Give equal rows equal integers, from 0 to 2^62.

    Each column's values are numbered, and the numbers are the digits of one. Nulls are equal.
    """
    codes = pa.repeat(pa.scalar(0, pa.int64()), len(columns[0]))
    count = 1
    for column in columns if len(codes) else ():
        encoded = whole(
            column.dictionary_encode(null_encoding="encode")
        )  # first numbers, then one array: of numbers it is small
        size = len(encoded.dictionary)
        if size <= 1:
            continue
        if count * size > _CODES_MAX:
            shorter = codes.dictionary_encode()
            codes, count = shorter.indices.cast(pa.int64()), len(shorter.dictionary)
        digits = encoded.indices.cast(pa.int64())
        codes, count = (digits if count == 1 else pc.add(pc.multiply(codes, size), digits)), count * size
    return codes


def grouped(table: pa.Table, codes: pa.Array, aggregations: Sequence[tuple[str, str]]) -> pa.Table:
    """Return a row for each code, in the order in which they are met, with ``<name>_<function>`` for each aggregation.

    ``first_row`` is the number of the first row that has the code, ``code`` the code itself.
    """
    keyed = (
        table.select(sorted({name for name, _ in aggregations}))
        .append_column("code", codes)
        .append_column("row", pa.arange(0, len(codes)))
    )
    found = keyed.group_by("code", use_threads=False).aggregate([("row", "min"), *aggregations])
    return found.rename_columns(["first_row" if name == "row_min" else name for name in found.column_names])


def first_rows(numbers: pa.DictionaryArray) -> pa.Array:
    """Return the number of the first row of each value of a column.

    In the order of its dictionary, which is that in which they are met.
    """
    greatest = np.maximum.accumulate(numbers.indices.to_numpy())  # grows by one at each first row
    firsts = np.searchsorted(greatest, np.arange(len(numbers.dictionary)))
    # As its buffer: an array that Arrow is given for its values brings numpy's masked arrays with it, in 10 ms.
    return pa.Array.from_buffers(pa.int64(), firsts.size, [None, pa.py_buffer(firsts.astype(np.int64))])


def whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    if isinstance(column, pa.Array):
        return column
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
