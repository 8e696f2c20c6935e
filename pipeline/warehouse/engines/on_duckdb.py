"""DuckDB, in this process: the engine of whoever names no other.

Does not own how a connection is locked (``pipeline.warehouse.connection``), nor how suspects are found
(``pipeline.warehouse.identities``).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.warehouse import connection
from pipeline.warehouse.engines.engine import SUSPECTS_RELATION
from pipeline.warehouse.identities import suspected_identities

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.engines.engine import Parameters, Rows
    from pipeline.warehouse.relations import Relation


@dataclass(frozen=True, slots=True, kw_only=True)
class DuckDbSession:
    """Relations on one connection."""

    connection: duckdb.DuckDBPyConnection

    def give_usage_events(self, files: Sequence[FileRows]) -> None:
        """See ``Session``. Raises ``ConfigurationError`` for a path with a glob character."""
        connection.give_usage_events(self.connection, files)

    def give_suspects(self, files: Sequence[FileRows]) -> Callable[[], None]:
        """See ``Session``. To look is mostly sorting, on one processor; counting is mostly done by the others."""
        pool = ThreadPoolExecutor(1)
        suspected = pool.submit(suspected_identities, files)
        pool.shutdown(wait=False)
        return lambda: self.give(SUSPECTS_RELATION, suspected.result())

    def give(self, name: str, rows: pa.Table) -> None:
        """See ``Session``."""
        self.connection.register(name, rows)

    def create(self, relation: Relation, parameters: Parameters) -> None:
        """See ``Session``."""
        kind = "table" if relation.is_kept else "view"
        self.connection.execute(f'create temp {kind} "{relation.name}" as {relation.sql}', parameters)

    def fetch(self, name: str, schema: pa.Schema) -> pa.Table:
        """See ``Session``."""
        columns = ", ".join(f'"{column}"' for column in schema.names)  # of our own schemas, never of input
        table = self.connection.sql(f'select {columns} from "{name}"').to_arrow_table()  # noqa: S608  # likewise
        return table.cast(schema)

    def rows(self, check: Relation, parameters: Parameters) -> Rows:
        """See ``Session``.

        ``execute`` plans it once; ``sql`` would plan it to know its columns, and again to run it, and planning is most
        of what a check costs that few rows are asked.
        """
        asked = self.connection.execute(check.sql, parameters)
        columns = [column[0] for column in asked.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in asked.fetchall()]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnDuckDb:
    """DuckDB, reading below one folder."""

    lake: Path
    spill: Path | None = None
    """For what does not fit into memory, a folder of this process's own; None = nowhere."""

    @property
    def version(self) -> str:
        """See ``Engine``."""
        return connection.engine()

    @property
    def is_here(self) -> bool:
        """See ``Engine``."""
        return True

    @contextmanager
    def session(self) -> Iterator[DuckDbSession]:
        """See ``Engine``."""
        with connection.open_warehouse(self.lake, spill=self.spill) as opened:
            yield DuckDbSession(connection=opened)
