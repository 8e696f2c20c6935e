"""Tables as the bytes of Parquet files, the same bytes for the same table, and back.

Owns compression, encodings and row groups, and how some rows of a file are read. Does not own where the files lie nor
what they are called.

Measured on a million random events, sorted as ``lake`` sorts them, at level 3 of zstd: 62.6 bytes per event, of which
44 are the random bits of three identifiers; delta-packed integers save 1.5 of them and a quarter of the reading time
against Parquet's defaults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow.dataset as ds


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """The bytes of a table, and the count of its rows."""

    content: bytes = field(repr=False)
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeRows:
    """Some rows of a Parquet file."""

    path: Path
    spans: tuple[tuple[int, int], ...]
    """From which row to before which, in order; none touches another."""

    @property
    def count(self) -> int:
        """How many these are."""
        return sum(end - start for start, end in self.spans)


FileRows: TypeAlias = Path | SomeRows
"""A Parquet file, all of it or some of its rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """What a Parquet file says of itself."""

    rows: int
    schema: pa.Schema
    notes: dict[str, str]


COMMIT_NOTE = "tallybook.commit"
"""The note in a data file of the lake that says for which commit it was written, or up to which it may be named."""
ROWS_PER_GROUP = 1 << 16
"""So many are laid out at once, and read by whoever asks for some of them; with a million, files are 0.1 % smaller."""
_SMALL_ROWS_MAX = 64
"""So many rows are compressed by Snappy, which every reader of Parquet knows.

A compressor of zstd is made for every page: a file of 30 events is written in 1.5 ms and read in 1.0, by Snappy in 0.6
and 0.4, and has 8.8 KB instead of 8.2, most of which are about the columns.
"""
_ZSTD_LEVEL = 1
"""Beyond it files are larger: most of them is ids, and what higher levels look for in random digits costs bits.

100,000 events with two ids take 6.17 MB at level 1, 6.22 at 2 and 6.44 at 3, and are written in 0.75 of the time of 3.
"""
_DELTA_PACKED = frozenset({"occurred_at", "line", "byte_start", "byte_end", "prompt_tokens"})
"""Of many values: near each other, or so many that a dictionary of them is larger than they are."""
_NO_DICTIONARY = _DELTA_PACKED | {
    "event_id",
    "request_id",
    "response_id",
}  # of many values: a dictionary would only be built in vain


def encode(table: pa.Table, notes: Mapping[str, str] | None = None) -> bytes:
    """Encode a table as one Parquet file, with ``notes`` as its key-value metadata.

    Raises what ``encode_groups`` raises.
    """
    groups = (table.slice(at, ROWS_PER_GROUP) for at in range(0, max(table.num_rows, 1), ROWS_PER_GROUP))
    return encode_groups(groups, table.schema, table.num_rows, notes)


def encode_groups(
    groups: Iterable[pa.Table], schema: pa.Schema, rows: int, notes: Mapping[str, str] | None = None
) -> bytes:
    """Encode tables that have so many rows together as one Parquet file, each as a group of its rows.

    Raises ``ValueError`` where a column is floating (no table of ours may hold one) or a null is where none may be.
    """
    floating = [field.name for field in schema if pa.types.is_floating(field.type)]
    if floating:
        message = f"columns {floating} are floating; counts are integers and amounts decimals"
        raise ValueError(message)
    sink = pa.BufferOutputStream()
    is_small = rows <= _SMALL_ROWS_MAX
    with pq.ParquetWriter(
        sink,
        schema,
        compression="snappy" if is_small else "zstd",
        compression_level=None if is_small else _ZSTD_LEVEL,
        use_dictionary=[name for name in schema.names if name not in _NO_DICTIONARY],
        column_encoding={field.name: "DELTA_BINARY_PACKED" for field in schema if _is_packed(field)},
        store_schema=False,  # Parquet's own types say it all, and an Arrow schema would outweigh a quiet day
    ) as writer:
        for group in groups:
            writer.write_table(group)
        writer.add_key_value_metadata(dict(notes or {}))
    return bytes(sink.getvalue())


def decode(content: bytes) -> pa.Table:
    """Read a Parquet file's bytes back, without its notes.

    In this thread alone: a thread of Arrow's that lets go of Python's bytes while the interpreter ends aborts the
    process.
    """
    return pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False).replace_schema_metadata(None)


def decode_in_parts(content: bytes, columns: Sequence[str], rows_max: int) -> Iterator[pa.Table]:
    """Read some columns of a Parquet file's bytes back, some rows after the others; like ``decode``."""
    file = pq.ParquetFile(pa.BufferReader(content))
    for batch in file.iter_batches(batch_size=rows_max, columns=list(columns), use_threads=False):
        yield pa.Table.from_batches([batch]).replace_schema_metadata(None)


def path_of(file: FileRows) -> Path:
    """Return the file, whether all of it is meant or some of its rows."""
    return file.path if isinstance(file, SomeRows) else file


def row_count(file: FileRows) -> int:
    """Return how many rows are meant."""
    return file.count if isinstance(file, SomeRows) else int(pq.read_metadata(file).num_rows)


def read_rows(file: FileRows, columns: Iterable[str] | None = None, *, filters: Any = None) -> pa.Table:
    """Read rows, or some columns of them, as they are there; ``filters`` are those of ``pyarrow.parquet``.

    Of a file of which some rows are meant, only the groups of rows are read that hold them.
    """
    names = None if columns is None else list(columns)
    if names == []:  # Arrow forgets how many rows there are once notes are taken off, or spans are put together
        any_column = pq.read_schema(path_of(file)).names[:1]
        return read_rows(file, any_column, filters=filters).select([])
    if filters is None:
        return _spans_of(file, names) if isinstance(file, SomeRows) else _whole(file, names)
    if not isinstance(file, SomeRows):
        return pq.read_table(file, columns=names, filters=filters, partitioning=None).replace_schema_metadata(None)
    import pyarrow.compute as pc  # noqa: PLC0415  # few ask so

    found = _spans_of(file, None).filter(
        filters if isinstance(filters, pc.Expression) else pq.filters_to_expression(filters)
    )
    return found if names is None else found.select(names)


def rows_as(file: FileRows, schema: pa.Schema) -> pa.Table:
    """Read rows as a schema has them; a column that came later is null where a file of before has none."""
    table = read_rows(file) if isinstance(file, SomeRows) else decode(file.read_bytes())  # a dataset takes 5 ms a file
    return with_columns(table, schema)


def with_columns(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table as a schema has it; as ``rows_as``."""
    columns = [
        table[each.name].cast(each.type) if each.name in table.column_names else pa.nulls(table.num_rows, each.type)
        for each in schema
    ]
    return pa.table(columns, schema=schema)


def dataset_of(files: Iterable[FileRows], schema: pa.Schema) -> ds.Dataset:
    """Return rows to be looked through; a column of ``schema`` that a file lacks is null."""
    import pyarrow.dataset as ds  # noqa: PLC0415  # takes a while, and few ask so

    listed = list(files)
    nullable = pa.schema([pa.field(field.name, field.type) for field in schema])
    whole = [str(file) for file in listed if not isinstance(file, SomeRows)]
    some = [rows_as(file, nullable) for file in listed if isinstance(file, SomeRows)]
    found = [ds.dataset(whole, schema=nullable, format="parquet", partitioning=None)] if whole else []
    found += [ds.dataset(pa.concat_tables(some))] if some else []
    return found[0] if len(found) == 1 else ds.dataset(found)


def batches_of(file: FileRows, columns: Sequence[str], rows_max: int) -> Iterator[pa.RecordBatch]:
    """Read some columns, some rows after the others."""
    if isinstance(file, SomeRows):
        yield from _spans_of(file, columns).combine_chunks().to_batches(rows_max)
        return
    with pq.ParquetFile(file) as parquet:
        yield from parquet.iter_batches(rows_max, columns=list(columns), use_threads=False)


def _whole(file: Path, columns: Sequence[str] | None) -> pa.Table:
    """Read a whole file: a dataset of one would take 5 ms more, and more yet to import."""
    with pq.ParquetFile(file) as parquet:
        found = parquet.read(columns=columns).replace_schema_metadata(None)
    return found if columns is None else found.select(columns)


def _spans_of(file: SomeRows, columns: Sequence[str] | None) -> pa.Table:
    with pq.ParquetFile(file.path) as parquet:
        held = parquet.schema_arrow
        schema = held if columns is None else pa.schema([held.field(name) for name in columns])
        found, start = [schema.empty_table()], 0
        for group in range(parquet.num_row_groups):
            end = start + parquet.metadata.row_group(group).num_rows
            within = [(max(a, start) - start, min(b, end) - start) for a, b in file.spans if a < end and b > start]
            if within:
                rows = parquet.read_row_group(group, columns=columns, use_threads=False).select(schema.names)
                found += [rows.slice(a, b - a) for a, b in within]
            start = end
    return pa.concat_tables(found).replace_schema_metadata(None)


def read_notes(path: Path | pa.BufferReader) -> dict[str, str]:
    """Return the notes of a Parquet file, or of its bytes; none of a file that is not Parquet."""
    try:
        notes = pq.read_metadata(path).metadata
    except pa.ArrowInvalid:
        return {}
    return {name.decode(): value.decode() for name, value in (notes or {}).items()}


def described(path: Path) -> Described:
    """Return what a Parquet file says of itself, of which nothing is read but that."""
    metadata = pq.read_metadata(path)
    notes = {name.decode(): value.decode() for name, value in (metadata.metadata or {}).items()}
    return Described(rows=metadata.num_rows, schema=metadata.schema.to_arrow_schema().remove_metadata(), notes=notes)


def range_of(path: Path, column: str) -> tuple[Any, Any]:
    """Return the least and the greatest value of a column that a file of ours states; it has rows, and no null there.

    Raises ``ValueError`` where it states none.
    """
    metadata = pq.read_metadata(path)
    place = metadata.schema.names.index(column)
    stated = [metadata.row_group(group).column(place).statistics for group in range(metadata.num_row_groups)]
    if not stated or any(each is None or not each.has_min_max for each in stated):
        message = f"{path} does not state the range of {column}"
        raise ValueError(message)
    return min(each.min for each in stated), max(each.max for each in stated)


def _is_packed(field: pa.Field) -> bool:
    return field.name in _DELTA_PACKED and (pa.types.is_integer(field.type) or pa.types.is_timestamp(field.type))
