"""Rows that are made one part after the other and asked for again and again: laid down once, and read as a dataset.

They lie in a temporary file that has no name, so that nothing is left of it once nobody reads it, whatever becomes of
the run. While they are written no more of them is in memory than a few parts, and while they are read what a reader
asks for. Nothing here is durable. Does not own the rows.
"""

from __future__ import annotations

import io
import os
import tempfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pipeline.objects.temporary.scratch import system_folder

if TYPE_CHECKING:
    from collections.abc import Iterable

_GROUP_ROWS = 131_072
_PARQUET = ds.ParquetFileFormat()


class _SelfClosing(io.FileIO):
    """A file that is closed when nobody holds it any more: a dataset has no end that could be waited for."""

    def __del__(self) -> None:
        """Close it."""
        self.close()


class SpooledBytes:
    """Pieces of bytes, laid down one behind the other and read again by their places, for as long as this is held."""

    def __init__(self) -> None:
        with tempfile.TemporaryFile(prefix="tallybook-") as unnamed:
            self._file = _SelfClosing(os.dup(unnamed.fileno()), "r+b")
        self._end = 0

    def add(self, content: bytes) -> tuple[int, int]:
        """Lay a piece down, and return its place."""
        place = self._end, len(content)
        written = 0
        while written < len(content):
            written += os.pwrite(self._file.fileno(), content[written:], self._end + written)
        self._end += len(content)
        return place

    def at(self, place: tuple[int, int]) -> bytes:
        """Return the piece at a place."""
        start, size = place
        found = bytearray()
        while len(found) < size:
            found += os.pread(self._file.fileno(), size - len(found), start + len(found))
        return bytes(found)


def spooled(parts: Iterable[pa.Table], schema: pa.Schema) -> ds.Dataset:
    """Return the rows of parts, in their order, as a dataset that can be scanned as often as is wanted."""
    with tempfile.TemporaryFile(prefix="tallybook-", dir=system_folder()) as unnamed:
        file = _SelfClosing(os.dup(unnamed.fileno()), "r+b")
    held: list[pa.Table] = []
    rows = 0
    with pq.ParquetWriter(pa.PythonFile(file, mode="w"), schema, compression="zstd", compression_level=1) as writer:
        for part in parts:
            held.append(part)
            rows += part.num_rows
            if rows >= _GROUP_ROWS:
                writer.write_table(pa.concat_tables(held), row_group_size=_GROUP_ROWS)
                held, rows = [], 0
        if rows:
            writer.write_table(pa.concat_tables(held))
    return ds.FileSystemDataset([_PARQUET.make_fragment(pa.PythonFile(file, mode="r"))], schema, _PARQUET)
