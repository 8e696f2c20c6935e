"""A server that speaks Spark Connect: Spark itself, or Sail.

It is handed the same texts as DuckDB, with its own mark of parameters. What is kept as a table is computed once: at the
server where that can hold it, else by way of this process. Sums of counts are of 64 bits there, and some servers let
them wrap in silence: so a lake whose counts could add up to more is asked for exact sums first.

Owns the session at the server and what is different there. Does not own how the server comes to read the lake: files
are named to it by their path below ``lake_there``.
"""

from __future__ import annotations

import re
import socket
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipeline.base.errors import EngineRefused, ExtraMissing, SumTooGreat
from pipeline.base.lean_imports import let_in
from pipeline.objects.encoded.parquet_bytes import SomeRows, path_of, row_count, rows_as
from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage.events import COUNTS
from pipeline.warehouse.connection import COUNT_MAX, EVENTS_RELATION, GREAT_SUM_REMEDY
from pipeline.warehouse.engines.engine import SUSPECTS_RELATION
from pipeline.warehouse.relations import PARAMETER

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.engines.engine import Parameters, Rows
    from pipeline.warehouse.relations import Relation

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",  # the day of an instant follows the session's zone
    "spark.sql.timestampType": "TIMESTAMP_NTZ",  # `::timestamp` means one without a zone, as in DuckDB
    "spark.sql.ansi.enabled": "true",  # what does not fit is an error, and no null
}
_NOT_INSTALLED = "the engine speaks Spark Connect, and its client is not installed; run pip install 'tallybook[spark]'"
COUNTING = ("counted", "the lake", "count")
COLLECTING = ("collected", "the logs", "collect")
"""What is asked of a server, in the words of its refusals: what was not done, what it must read, what to do here."""
_Doing: TypeAlias = tuple[str, str, str]
_PORT = 15002
"""Where a server listens whose address names no port."""
_LISTENS_SECONDS = 10
_RETRIES_MAX = 4
_UNREAD = "Exception deserializing response!"
"""What grpc says of an answer that it could not read."""
_LAST_ORDER = re.compile(r"\norder by\b(?![\s\S]*\norder by\b)([\s\S]*)$")
_QUALIFIED = re.compile(r"\b[a-z_]+\.")
_RAISED = re.compile(r"^[\w.]*(?:Error|Exception|Interrupt|Exit)\b.*$", re.MULTILINE)
_SOME_EVENTS = "lake_some_events"
"""The name of the events that go to the server from here."""
_COUNTS = tuple(column.name for column in COUNTS)


@dataclass(slots=True, kw_only=True)
class ConnectSession:
    """Relations in one session at a server."""

    spark: Any
    lake: Path
    lake_there: str
    orders: dict[str, str] = field(default_factory=dict)
    """What the rows of a relation stand in the order of, where its SQL ends in one."""

    def give_usage_events(self, files: Sequence[FileRows]) -> None:
        """See ``Session``.

        Raises ``EngineRefused`` where the server finds other numbers of events there, ``SumTooGreat`` where they state
        more tokens than a count can hold.
        """
        from pyspark.sql.functions import col  # noqa: PLC0415  # an extra

        whole = [file for file in files if not isinstance(file, SomeRows)]
        names = [f"{self.lake_there}/{file.resolve().relative_to(self.lake.resolve()).as_posix()}" for file in whole]
        schema = _spark_schema(USAGE_EVENTS)  # what a file has not is null
        given = [self.spark.read.schema(schema).parquet(*names).select(*USAGE_EVENTS.names)] if names else []
        some = [rows_as(file, USAGE_EVENTS) for file in files if isinstance(file, SomeRows)]
        if some:  # of compacted files: not every server knows the number of a row, so these go there from here
            self._give(_SOME_EVENTS, pa.concat_tables(some))
            given.append(self.spark.table(_SOME_EVENTS).select(*USAGE_EVENTS.names))
        given = [each.withColumn("occurred_at", col("occurred_at").cast("timestamp_ntz")) for each in given]
        events = given[0] if len(given) == 1 else given[0].union(given[1])
        events.createOrReplaceTempView(EVENTS_RELATION)
        stated = [pq.read_metadata(path_of(file)) for file in files]
        wanted, found = sum(map(row_count, files)), events.count()
        if found != wanted:
            message = (
                f"the engine finds {found} usage events below {self.lake_there}, and there are {wanted}; let it read "
                "what this machine has there: [engine] lake says where, see docs/scale.md"
            )
            raise EngineRefused(message)
        if _may_wrap(stated):
            self._refuse_great_sums()

    def give_suspects(self, files: Sequence[FileRows]) -> Callable[[], None]:
        """See ``Session``."""
        del files  # the server has them by then

        def give() -> None:
            suspects = self.spark.sql(
                f"select event_id from {EVENTS_RELATION} group by event_id having count(*) > 1"  # noqa: S608  # a name of ours
            )
            self._hold(suspects, SUSPECTS_RELATION)

        return give

    def give(self, name: str, rows: pa.Table) -> None:
        """See ``Session``. Raises ``SumTooGreat`` for events that state more tokens than a count can hold."""
        self._give(name, rows)
        if name == EVENTS_RELATION and sum(_greatest(rows[column]) for column in _COUNTS) * rows.num_rows > COUNT_MAX:
            self._refuse_great_sums()

    def create(self, relation: Relation, parameters: Parameters) -> None:
        """See ``Session``."""
        if found := _LAST_ORDER.search(relation.sql):
            self.orders[relation.name] = _QUALIFIED.sub("", found.group(1))
        made = self._sql(relation.sql, parameters)
        if relation.is_kept:
            self._hold(made, relation.name)
        else:
            made.createOrReplaceTempView(relation.name)

    def fetch(self, name: str, schema: pa.Schema) -> pa.Table:
        """See ``Session``."""
        columns = ", ".join(f"`{column}`" for column in schema.names)  # of our own schemas, never of input
        # Ties are ordered too, so that rows stand alike however many workers there are.
        order = f" order by {self.orders[name]}, {columns}" if name in self.orders else ""
        table = self.spark.sql(f"select {columns} from {name}{order}").toArrow()  # noqa: S608  # likewise
        # Instants came without a zone, in UTC; binary values of a fixed size came without it.
        return table.cast(schema)

    def rows(self, check: Relation, parameters: Parameters) -> Rows:
        """See ``Session``."""
        found: Rows = self._sql(check.sql, parameters).toArrow().to_pylist()
        return found

    def _sql(self, text: str, parameters: Parameters) -> Any:
        return self.spark.sql(PARAMETER.sub(r":\1", text), args=parameters)

    def _give(self, name: str, rows: pa.Table) -> None:
        made = (
            self.spark.createDataFrame(rows)
            if rows.num_rows
            else self.spark.createDataFrame([], _spark_schema(rows.schema))
        )
        made.createOrReplaceTempView(name)

    def _hold(self, made: Any, name: str) -> None:
        """Compute a relation once, now: what is only named is computed again wherever it is read."""
        from pyspark.errors import AnalysisException, UnsupportedOperationException  # noqa: PLC0415  # an extra

        try:
            made.localCheckpoint(eager=True).createOrReplaceTempView(name)
        except (AnalysisException, UnsupportedOperationException):
            self._give(name, made.toArrow())

    def _refuse_great_sums(self) -> None:
        sums = ", ".join(f"sum(cast({name} as decimal(38, 0))) as {name}" for name in _COUNTS)
        (found,) = self.spark.sql(f"select {sums} from {EVENTS_RELATION}").toArrow().to_pylist()  # noqa: S608  # names of ours
        total = sum(int(value or 0) for value in found.values())
        if total > COUNT_MAX:
            message = (
                f"tokens add up to {total}, and a count holds {COUNT_MAX}; {GREAT_SUM_REMEDY}; --engine duckdb names "
                "whose they are"
            )
            raise SumTooGreat(message)


@dataclass(frozen=True, slots=True, kw_only=True)
class OnSpark:
    """A server that speaks Spark Connect."""

    remote: str
    """Its address: ``sc://host:port``, with what it asks for behind it."""
    lake: Path
    lake_there: str = ""
    """Where the server finds what this machine has below ``lake``; empty = at the same path."""

    @property
    def version(self) -> str:
        """See ``Engine``. A server is known by its address: which one listens there shows once it is asked."""
        return f"{address_of(self.remote)} by Spark Connect {_client_version()}"

    @property
    def is_here(self) -> bool:
        """See ``Engine``."""
        return False

    @contextmanager
    def session(self) -> Iterator[ConnectSession]:
        """See ``Engine``.

        Raises ``ExtraMissing`` where the client is not installed, ``EngineRefused`` where the server cannot be reached
        or does not do what is asked.
        """
        spark = connected(self.remote)
        with explained(self.remote):
            try:
                for name, value in _SETTINGS.items():
                    spark.conf.set(name, value)
                there = self.lake_there or self.lake.resolve().as_posix()
                yield ConnectSession(spark=spark, lake=self.lake, lake_there=there.rstrip("/"))
            finally:
                spark.stop()


def _client_version() -> str:
    """Return the version of the client, which comes alone or with all of Spark. Raises ``ExtraMissing``."""
    for name in ("pyspark-client", "pyspark"):
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    raise ExtraMissing(_NOT_INSTALLED)


def connected(remote: str, doing: _Doing = COUNTING) -> Any:
    """Open a session at a server. Raises ``ExtraMissing`` and ``EngineRefused`` as ``OnSpark.session`` does."""
    warnings.filterwarnings("ignore", category=UserWarning, module=r"pyspark\.")  # what it raises is told instead
    let_in("pandas", "dateutil")  # the client wants the one, and that the other, though nothing is handed over by it
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # the client has doubts about new pandas
        try:
            from pyspark.sql import SparkSession  # noqa: PLC0415  # an extra

            asked_again = _what_is_asked_again()
        except ImportError as missing:
            raise ExtraMissing(_NOT_INSTALLED) from missing
        _look_for(remote, doing)
        with explained(remote, doing):
            spark: Any = SparkSession.builder.remote(remote).create()
            spark._client.set_retry_policies([asked_again])  # noqa: SLF001  # no other way
            return spark


def _what_is_asked_again() -> Any:
    """Return the client's rule of what it asks again: what it asks itself, for a minute, and not for ten.

    And what the server answered in one piece and cannot be read, as was met where much was asked at once. Of an answer
    in parts the server is asked for the rest, which not every one still has.
    """
    import grpc  # noqa: PLC0415  # an extra
    from pyspark.sql.connect.client.retries import DefaultPolicy  # noqa: PLC0415  # likewise

    class Policy(DefaultPolicy):
        def can_retry(self, error: BaseException) -> bool:
            is_unread = (
                isinstance(error, grpc.RpcError)
                and error.code() is grpc.StatusCode.INTERNAL
                and error.details() == _UNREAD
            )
            return is_unread or bool(super().can_retry(error))

    return Policy(max_retries=_RETRIES_MAX)


def _look_for(remote: str, doing: _Doing) -> None:
    """Raise ``EngineRefused`` where nobody listens at an address: the client would ask it for ten minutes."""
    host, _, port = address_of(remote).removeprefix("sc://").rpartition(":")
    if not host or not port.isdecimal():
        host, port = address_of(remote).removeprefix("sc://"), str(_PORT)
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_LISTENS_SECONDS).close()
    except (OSError, OverflowError) as refused:
        raise _refusal(remote, str(refused), doing) from refused


@contextmanager
def explained(remote: str, doing: _Doing = COUNTING) -> Iterator[None]:
    """Raise what the server refuses as ``EngineRefused``, without what follows its address: tokens stand there."""
    import grpc  # noqa: PLC0415  # an extra
    from pyspark.errors import PySparkException  # noqa: PLC0415  # likewise

    try:
        yield
    except (grpc.RpcError, PySparkException) as refused:
        details = refused.details() if isinstance(refused, grpc.Call) else str(refused)
        raise _refusal(remote, _what_broke(str(details)), doing) from refused


def _what_broke(details: str) -> str:
    """Return what a server says; of what broke at a worker, the last line of its traceback."""
    raised = _RAISED.findall(details) if "Traceback" in details else []
    return f"a worker says: {raised[-1]}" if raised else details


def _refusal(remote: str, details: str, doing: _Doing) -> EngineRefused:
    """Say that a server refuses, and what it said, without what stands behind its address."""
    for behind in filter(None, re.split("[/;?]", remote)[3:]):
        details = details.replace(behind, "…")
    said = " ".join(details.split())[:500]
    done, read, do = doing
    return EngineRefused(
        f"the engine at {address_of(remote)} does not answer or refuses: {said}; nothing was {done} and nothing is "
        f"lost: see that it runs and can read {read}, or {do} here with --engine duckdb"
    )


def address_of(remote: str) -> str:
    """Return an address without what stands behind it."""
    return "/".join(re.split("[/;?]", remote, maxsplit=3)[:3])


def _spark_schema(schema: pa.Schema) -> Any:
    from pyspark.sql.pandas.types import from_arrow_schema  # noqa: PLC0415  # an extra

    return from_arrow_schema(schema, prefer_timestamp_ntz=True)


def _greatest(column: pa.ChunkedArray) -> int:
    return pc.max(column).as_py() or 0


def _may_wrap(stated: Iterable[pq.FileMetaData]) -> bool:
    """Say whether, by what files state of themselves, all counts may add up to more than a count can hold."""
    groups = (file.row_group(group) for file in stated for group in range(file.num_row_groups))
    columns = (group.column(place) for group in groups for place in range(group.num_columns))
    return sum(_sum_at_most(column) for column in columns if column.path_in_schema in _COUNTS) > COUNT_MAX


def _sum_at_most(column: pq.ColumnChunkMetaData) -> int:
    """Return what a part of a column adds up to at most; more than a count holds where it states no greatest value."""
    said = column.statistics
    if said is not None and said.num_values == 0:
        return 0  # all null
    if said is None or not said.has_min_max:
        return COUNT_MAX + 1
    greatest: int = said.max
    return int(column.num_values) * greatest
