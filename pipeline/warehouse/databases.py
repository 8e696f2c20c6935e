"""Relations as a DuckDB database in one file, for programs that open such files.

It is written in the oldest storage format that is still read, so every DuckDB since 1.0 opens it, whichever one writes
it. Tables hold copies: nothing in the file points to another file.

Owns the file's content. Does not own the relations, nor when the file takes the place of an older one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from pipeline.warehouse.queries import bound, column_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    import pyarrow.dataset as ds

STORAGE_VERSION = "v1.0.0"
"""Of DuckDB's storage formats; what is written by default, only DuckDB as new as the writer may read."""
_RAW = "raw "
_READ_AHEAD = {"batch_size": 32_768, "batch_readahead": 2, "fragment_readahead": 1}
"""What is read before it is written; of four files and sixteen batches each, which are the default, hundreds of MB."""


def write_database(
    path: Path, tables: Mapping[str, ds.Dataset], comments: Iterable[tuple[str, str, str]], *, spill: Path | None
) -> dict[str, int]:
    """Write tables into a new file and return how many rows each has.

    ``comments`` are a table, a column and what it means; of the empty column, what the table is. Instants are UTC
    timestamps without a zone, digests are hexadecimal text, as in a query. Memory is bounded: what does not fit goes to
    ``spill``, if anywhere. Raises ``duckdb.Error`` for what the machine refuses.
    """
    with duckdb.connect(":memory:") as connection:
        bound(connection, spill)
        connection.execute(f"attach {_quoted(str(path))} as books (storage_version '{STORAGE_VERSION}')")
        rows: dict[str, int] = {}
        for name, dataset in tables.items():
            connection.register(f"{_RAW}{name}", dataset.scanner(**_READ_AHEAD).to_reader())
            columns = ", ".join(column_text(field) for field in dataset.schema)
            connection.execute(f'create table books."{name}" as select {columns} from "{_RAW}{name}"')  # noqa: S608  # names of our own relations
            ((rows[name],),) = connection.execute(f'select count(*) from books."{name}"').fetchall()  # noqa: S608  # likewise
            connection.unregister(f"{_RAW}{name}")
        for table, column, says in comments:
            of = f'column books."{table}"."{column}"' if column else f'table books."{table}"'
            connection.execute(f"comment on {of} is {_quoted(says)}")
        connection.execute("checkpoint books")
        connection.execute("detach books")
    return rows


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
