"""The relations that anyone may query, copied into one file of DuckDB for programs that open such files.

Owns what is in it, of which commit, and that all of it is of one. Does not own the relations (``relations``) nor how
such a file is written (``pipeline.warehouse.databases``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds

from pipeline import __version__
from pipeline.base.errors import ConfigurationError
from pipeline.jobs.answers.queried.columns import VIEWS, described
from pipeline.jobs.answers.queried.relations import relations
from pipeline.lake.commits import read_log
from pipeline.objects import disk
from pipeline.objects.temporary.spill import spill_folder
from pipeline.tables import schemas
from pipeline.warehouse.databases import write_database

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace

EVENTS = "usage_events"
"""The relation that is left out unless it is asked for: it may be as large as all others a thousand times."""
WRITTEN = "database_written"
"""A table of one row: when the file was written, of which commit."""
_WRITTEN_COLUMNS = {
    "written_at": (schemas.INSTANT, "when this file was written, UTC; what is in it is as of then"),
    "lake_commit": (pa.int64(), "the last commit of the lake, from 0; empty where there is none"),
    "program": (pa.string(), "the version of Tallybook that wrote it"),
}
_TRIES_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """What was written."""

    rows: Mapping[str, int]
    """By relation."""
    commit: int | None


def replace_database(workspace: Workspace, path: Path, *, has_events: bool, now: datetime) -> Database:
    """Write the relations into a file of DuckDB, which then takes the place of ``path`` at once, durably.

    Raises ``ConfigurationError`` where the lake grows faster than it can be copied.
    """
    names = [name for name in VIEWS if name != EVENTS or has_events]
    for _ in range(_TRIES_MAX):
        try:
            return _replaced(workspace, path, names, now)
        except _LakeGrew:
            continue
    message = f"the lake grew {_TRIES_MAX} times while {path} was written; run it again when no night runs"
    raise ConfigurationError(message)


class _LakeGrew(Exception):
    """A commit came while relations were copied: they may be of two commits."""


def _replaced(workspace: Workspace, path: Path, names: list[str], now: datetime) -> Database:
    before = read_log(workspace.lake)
    spill = spill_folder(workspace.lake) if workspace.lake.is_dir() else None
    with disk.replaced_by_another(path) as temporary:
        tables = {**relations(workspace, names), WRITTEN: _written(before.version, now)}
        rows = write_database(temporary, tables, _comments(names), spill=spill)
        if read_log(workspace.lake).entry_sha256 != before.entry_sha256:
            raise _LakeGrew
    return Database(rows={name: rows[name] for name in names}, commit=before.version)


def _written(commit: int | None, now: datetime) -> ds.Dataset:
    row = {"written_at": now, "lake_commit": commit, "program": __version__}
    schema = pa.schema({name: kind for name, (kind, _) in _WRITTEN_COLUMNS.items()})
    return ds.dataset(pa.Table.from_pylist([row], schema=schema))


def _comments(names: list[str]) -> Iterator[tuple[str, str, str]]:
    yield from ((name, "", VIEWS[name].says) for name in names)
    yield from ((view, column, says) for view, column, _, says in described() if view in names)
    yield WRITTEN, "", "When this file was written, and of which commit of the lake."
    yield from ((WRITTEN, column, says) for column, (_, says) in _WRITTEN_COLUMNS.items())
