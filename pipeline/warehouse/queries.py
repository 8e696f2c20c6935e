"""Queries that people write: one SELECT over named relations, which reads nothing else, and writes and sets nothing.

A query is parsed before it is run, and refused unless all that it reads are relations of ours, its own common table
expressions, and table functions that only count. It is then run on a connection that may open no file: what it reads is
handed over as Arrow. Either would do; what one lets through by mistake, the other stops.

Owns what a query may read, and its memory. Does not own the relations.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, TypeAlias

import duckdb
import pyarrow as pa

from pipeline.base.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow.compute as pc
    import pyarrow.dataset as ds

MEMORY_MAX = "1GB"
"""What a query may hold before it spills."""
SPILL_MAX = "20GB"
"""What it may spill before it is stopped."""
EngineRelation: TypeAlias = duckdb.DuckDBPyRelation
_TABLE_FUNCTIONS = frozenset({"range", "generate_series", "unnest"})
_FROM = frozenset({"BASE_TABLE", "JOIN", "SUBQUERY", "EXPRESSION_LIST", "EMPTY", "PIVOT", "TABLE_FUNCTION"})
"""What may stand in a FROM."""
_NEVER = frozenset({"pg_sleep", "sleep_ms", "write_log", "current_setting", "getvariable"})
"""Functions that wait, write or tell of the engine."""
_BATCH_ROWS = 10_000
_RAW = "raw "
"""Before the name of what a view is made of; no query can name it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The rows of a query."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    """To be read once, while the connection is open."""


def relations_read(sql: str, known: Collection[str]) -> frozenset[str]:
    """Return which of the known relations a query reads. Raises ``ConfigurationError`` for what is not one SELECT."""
    try:
        return frozenset(_read(_parsed(sql), frozenset(known), frozenset()))
    except RecursionError as deep:
        message = "the query is nested too deeply to be read; write parts of it as common table expressions"
        raise ConfigurationError(message) from deep


_CALLED = {"SHOW_REF": "what DESCRIBE, SHOW and SUMMARIZE say"}
"""Kinds of sources that DuckDB calls otherwise than whoever writes SQL."""
_IS_ANOTHER = "Only SELECT statements can be serialized"
"""How DuckDB begins to say so."""


def _parsed(sql: str) -> Any:
    with duckdb.connect(":memory:") as connection:
        row = connection.execute("select json_serialize_sql($sql::varchar)", {"sql": sql}).fetchone()
    tree: dict[str, Any] = json.loads(row[0]) if row else {"error": True}
    if tree.get("error"):
        said = str(tree.get("error_message", "")).strip().split("\n", maxsplit=1)[0]
        is_another = said.startswith(_IS_ANOTHER)  # it was parsed, and then not written
        message = (
            "only SELECT can be asked, and this is another statement; 'tallybook sql --views' says what can be read"
            if is_another
            else f"only SELECT can be asked, and this cannot be read as one: {said}"
        )
        raise ConfigurationError(message)
    if len(tree["statements"]) != 1:
        message = f"{len(tree['statements'])} statements are asked for; ask one SELECT at a time"
        raise ConfigurationError(message)
    return tree["statements"][0]


@contextmanager
def asked(sql: str, tables: Mapping[str, ds.Dataset], *, spill: Path | None) -> Iterator[Answer]:
    """Run one SELECT that ``relations_read`` let pass, and return its rows, batch by batch.

    Instants are UTC timestamps without a zone, digests are hexadecimal text. What does not fit into memory goes to
    ``spill``, if anywhere. Raises ``ConfigurationError`` where the engine refuses it, be it in the midst of rows.
    """
    with duckdb.connect(":memory:") as connection:
        for name, dataset in tables.items():
            connection.register(f"{_RAW}{name}", dataset)
            columns = ", ".join(column_text(field) for field in dataset.schema)
            connection.execute(f'create view "{name}" as select {columns} from "{_RAW}{name}"')  # noqa: S608  # names of our own relations
        bound(connection, spill)
        connection.execute("set enable_external_access = false")
        connection.execute("set lock_configuration = true")
        with _explained():
            reader = connection.sql(sql).to_arrow_reader(_BATCH_ROWS)
        yield Answer(schema=reader.schema, batches=_batches(reader))


def bound(connection: duckdb.DuckDBPyConnection, spill: Path | None) -> None:
    """Let a connection count in UTC, load nothing, and hold no more than it may.

    What does not fit into memory goes to ``spill``, if anywhere.
    """
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("set autoinstall_known_extensions = false")
    connection.execute("set autoload_known_extensions = false")
    connection.execute("set python_enable_replacements = false")
    connection.execute("set memory_limit = $memory", {"memory": MEMORY_MAX})
    connection.execute("set temp_directory = $folder", {"folder": str(spill.resolve()) if spill else ""})
    connection.execute("set max_temp_directory_size = $size", {"size": SPILL_MAX})


def engine_relation(dataset: ds.Dataset, columns: Sequence[str], chosen: pc.Expression | None) -> EngineRelation:
    """Return rows of a dataset as a relation of the engine, on a connection of its own; they are read where it asks."""
    scanned = dataset.filter(chosen) if chosen is not None else dataset
    names = ", ".join(f'"{name}"' for name in columns)
    return duckdb.connect(":memory:").from_arrow(scanned).project(names)


def _batches(reader: pa.RecordBatchReader) -> Iterator[pa.RecordBatch]:
    while True:
        with _explained():
            batch = next(reader, None)
        if batch is None:
            return
        yield batch


@contextmanager
def _explained() -> Iterator[None]:
    """Raise what the engine refuses as ``ConfigurationError``."""
    try:
        yield
    except (duckdb.Error, pa.ArrowException, OSError) as refused:
        message = f"the query cannot be answered: {' '.join(str(refused).split())}"
        raise ConfigurationError(message) from refused


def column_text(field: pa.Field) -> str:
    """Return how a column is selected: instants as UTC without a zone, digests as hexadecimal text."""
    if pa.types.is_timestamp(field.type):
        return f'make_timestamp(epoch_us("{field.name}")) as "{field.name}"'
    if pa.types.is_binary(field.type) or pa.types.is_fixed_size_binary(field.type):
        return f'lower(hex("{field.name}")) as "{field.name}"'
    return f'"{field.name}"'


def _read(node: Any, known: frozenset[str], local: frozenset[str]) -> Iterator[str]:
    """Yield the relations that a part of a query reads; ``local`` are the common table expressions in sight."""
    if isinstance(node, list):
        for each in node:
            yield from _read(each, known, local)
    if not isinstance(node, dict):
        return
    tables = {entry["key"] for entry in node.get("cte_map", {}).get("map", [])}
    tables |= {str(node["cte_name"])} if node.get("cte_name") else set()
    local |= {name.lower() for name in tables}
    if "from_table" in node:
        _refuse_kind(node["from_table"])
    for side in ("left", "right", "source"):
        if node.get("type") in ("JOIN", "PIVOT") and isinstance(node.get(side), dict):
            _refuse_kind(node[side])
    if node.get("type") == "BASE_TABLE":
        yield from _table(node, known, local)
    function = node.get("function_name")
    if isinstance(function, str) and function.lower() in _NEVER:
        message = f"{function}() cannot be asked; a query reads relations and nothing else"
        raise ConfigurationError(message)
    for value in node.values():
        yield from _read(value, known, local)


def _refuse_kind(source: dict[str, Any]) -> None:
    """Refuse what is no relation, join, subquery or list of values, and table functions that read."""
    kind = source.get("type")
    function = str((source.get("function") or {}).get("function_name", "")).lower()
    if kind not in _FROM or (kind == "TABLE_FUNCTION" and function not in _TABLE_FUNCTIONS):
        what = f"{function}()" if function else _CALLED.get(str(kind), str(kind).lower())
        message = f"{what} cannot be read; a query reads the relations that 'tallybook sql --views' lists"
        raise ConfigurationError(message)


def _table(node: dict[str, Any], known: frozenset[str], local: frozenset[str]) -> Iterator[str]:
    name = str(node["table_name"])
    is_qualified = bool(node.get("schema_name") or node.get("catalog_name"))
    if not is_qualified and name.lower() in local:
        yield from {name.lower()} & known  # the expression of that name may itself be of the relation
        return
    if is_qualified or name.lower() not in known:
        meant = get_close_matches(name.lower(), sorted(known), 1)
        hint = f"did you mean {meant[0]!r}? " if meant and not is_qualified else ""
        message = f"there is no relation {name!r}; {hint}'tallybook sql --views' lists what can be read"
        raise ConfigurationError(message)
    yield name.lower()
