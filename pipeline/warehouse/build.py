"""Builds relations of ``sql/`` on a connection, and runs the checks on what was built.

Does not own what the relations mean (the files of ``sql/`` do).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.errors import ConfigurationError
from pipeline.warehouse.relations import load_checks, load_relations, needed_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    import duckdb
    import pyarrow as pa

    from pipeline.warehouse.relations import Relation

Parameters = dict[str, Any]


def build(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    *,
    given: Mapping[str, pa.Table],
    parameters: Parameters,
    wanted: Iterable[str],
    built: Collection[str] = (),
) -> frozenset[str]:
    """Build ``wanted`` and all they read, and return what is built then. What is ``given``, or ``built`` already, is taken as it is."""
    for name, table in given.items():
        connection.register(name, table)
    relations = {name: relation for name, relation in load_relations(folder).items() if name not in given and name not in built}
    needed = needed_for(relations, wanted)
    for relation in needed:
        _create(connection, relation, parameters)
    return frozenset((*built, *(relation.name for relation in needed)))


def fetch(connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema) -> pa.Table:
    """Return a built relation with exactly the columns and types of ``schema``."""
    columns = ", ".join(f'"{column}"' for column in schema.names)  # of our own schemas, never of input
    table = connection.sql(f'select {columns} from "{name}"').to_arrow_table()  # noqa: S608  # names of our own relations
    return table.cast(schema)


def failed_checks(
    connection: duckdb.DuckDBPyConnection,
    folder: Path,
    severity: str,
    parameters: Parameters,
    *,
    only: str | None = None,
) -> dict[str, list[dict[str, Any]]]:
    """Run every check of a severity (or one); return the rows that break its claim, by check (no rows: it holds)."""
    checks = {name: check for name, check in load_checks(folder, severity).items() if only in (None, name)}
    return {name: connection.sql(check.sql, params=_bound(check, parameters)).to_arrow_table().to_pylist() for name, check in checks.items()}


def _create(connection: duckdb.DuckDBPyConnection, relation: Relation, parameters: Parameters) -> None:
    if relation.parameters and not relation.is_kept:
        message = f"relation {relation.name} has parameters {sorted(relation.parameters)} and so must say '-- kept as: table'"
        raise ConfigurationError(message)
    kind = "table" if relation.is_kept else "view"
    connection.execute(f'create temp {kind} "{relation.name}" as {relation.sql}', _bound(relation, parameters))


def _bound(relation: Relation, parameters: Parameters) -> Parameters:
    return {name: parameters[name] for name in relation.parameters}
