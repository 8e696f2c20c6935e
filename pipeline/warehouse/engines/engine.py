"""What an engine can do. All that is counted goes through these few methods, and by the same text on each engine.

Does not own the text (``sql/``) nor any engine.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    import pyarrow as pa

    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.relations import Relation

Parameters: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[dict[str, Any]]
SUSPECTS_RELATION = "suspected_identities"
"""The ids of events (``event_id``) that may be there more than once; it may hold others too."""


class Session(Protocol):
    """Relations by name, for as long as it is open. Nothing that is made in one is seen by another."""

    def give_usage_events(self, files: Sequence[FileRows]) -> None:
        """Make verified Parquet files (at least one) the relation ``EVENTS_RELATION``, their instants without a zone.

        It has all columns of ``schemas.USAGE_EVENTS``, whatever version of the lake the files are of; what a file has
        not is null.
        """

    def give_suspects(self, files: Sequence[FileRows]) -> Callable[[], None]:
        """Begin to look for identities that verified files (if any) may hold twice.

        Return what waits for them and makes them the relation ``SUSPECTS_RELATION``.
        """

    def give(self, name: str, rows: pa.Table) -> None:
        """Make rows a relation."""

    def create(self, relation: Relation, parameters: Parameters) -> None:
        """Build a relation of what is there by then; ``parameters`` are those that it has."""

    def fetch(self, name: str, schema: pa.Schema) -> pa.Table:
        """Return a relation with exactly the columns and types of ``schema``, in the order that its SQL ends in."""

    def rows(self, check: Relation, parameters: Parameters) -> Rows:
        """Ask a check, and return its rows."""


class Engine(Protocol):
    """Where relations are built."""

    @property
    def version(self) -> str:
        """The name and version of what counts; what another one counted is not believed."""

    @property
    def is_here(self) -> bool:
        """Whether this process reads the events itself, so that it can keep what it counted of each date."""

    def session(self) -> AbstractContextManager[Session]:
        """Open a session. Raises ``SumTooGreat`` where a sum that is asked for is more than a count can hold."""
