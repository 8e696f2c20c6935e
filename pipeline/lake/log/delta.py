"""One commit of the lake as an entry of the open Delta Lake log, so that any engine that reads Delta reads our table.

Source of the rules: the Delta Transaction Log Protocol, reader version 1 and writer version 2 (actions ``protocol``,
``metaData``, ``add``, ``remove``, ``txn``, ``commitInfo``; one JSON object per line). Only an entry of logs that were
read again, of what is forgotten, or of files that are compacted, has a ``remove``: of files that other ones replace, or
none where nothing is left of them. Beyond what Delta asks for, ``commitInfo`` holds where the events come from, what
was quarantined, and the chain of hashes.

The table's columns grow. The first entry states those of the lake's version then; an entry of its own, which adds no
file, states those of a later version before the first file that has them. Files of before have nulls there, to every
engine that follows the log.

An entry is a pure function of its commit: the same commit gives the same bytes.

Does not own what a commit may be (``commit``), how an entry is read back (``parsing``), entries as files
(``pipeline.objects.append_log``), nor data files (``pipeline.lake.data_files``).
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline import __version__
from pipeline.lake.log import compacting
from pipeline.lake.log import forgetting as forgettings
from pipeline.lake.log.commit import COMPACT, DataFile
from pipeline.lake.log.source_records import stated_record
from pipeline.lake.log.superseding import removal, rendered
from pipeline.objects.append_log import UNSEALED, seal
from pipeline.tables.schemas import usage_events
from pipeline.usage.events import SUPERSEDING_SINCE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.lake.log.commit import Commit, QuarantineFile
    from pipeline.lake.log.compacting import CompactedFile, Compaction

APP_ID = "tallybook-collect"
"""Names our commits in Delta's ``txn`` actions, each with its commit's number."""
TABLE_ID = str(uuid.uuid5(uuid.NAMESPACE_OID, "tallybook usage_events"))
"""The same in every workspace: a lake that is built again from the same logs is the same to the byte."""

VERSION_KEY = "tallybook.lakeVersion"
"""Where the table's metadata states the version of the lake; the first version stated none."""

ORIGIN_KEY = "tallybook.commit"
"""The tag of a data file that holds events of an earlier commit's lines, and says which commit."""
_FOR_EVER = "interval 365000 days"
"""Data files that count no longer are kept from whoever cleans tables up: issued invoices are recomputed from them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
PROTOCOL = {"minReaderVersion": 1, "minWriterVersion": 2}
_DELTA_TYPES: Mapping[pa.DataType, str] = {
    pa.binary(16): "binary",
    pa.string(): "string",
    pa.bool_(): "boolean",
    pa.int32(): "integer",
    pa.int64(): "long",
    pa.timestamp("us", tz="UTC"): "timestamp",
}


def to_the_millisecond(instant: datetime) -> datetime:
    """Return what a log entry keeps of an instant. Raises ``ValueError`` for a naive one."""
    return _EPOCH + _milliseconds(instant) * _MILLISECOND


def instant_of(at_ms: int) -> datetime:
    """Return the instant of a log entry. Raises ``ValueError`` for one of no year from 1 to 9999."""
    try:
        return _EPOCH + at_ms * _MILLISECOND
    except OverflowError:
        message = f"its timestamp {at_ms} is no instant of the years 1 to 9999"
        raise ValueError(message) from None


def render_commit(commit: Commit) -> bytes:
    """Write a commit as the bytes of its log entry, sealed. Raises ``ValueError`` for a naive ``committed_at``."""
    at_ms = _milliseconds(commit.committed_at)
    actions: list[dict[str, Any]] = [{"commitInfo": _commit_info(commit, at_ms)}]
    if commit.number == 0:
        actions.append({"protocol": PROTOCOL})
    if commit.lake_version is not None:
        actions.append({"metaData": {**metadata_of(commit.lake_version), "createdTime": at_ms}})
    actions.append({"txn": {"appId": APP_ID, "version": commit.number}})
    is_change = commit.operation != COMPACT  # of what the table holds: who follows its changes passes others over
    actions += [{"remove": removal(path, at_ms, is_change=is_change)} for path in commit.removed]
    actions += [{"add": _add(file, at_ms)} for file in commit.data_files]
    actions += [{"add": each} for each in added_compacted(commit.compaction, at_ms, is_change=is_change).values()]
    return seal("".join(compact_json(action) + "\n" for action in actions).encode("utf-8"))


def schema_string(lake_version: int) -> str:
    """State the columns of a version of the lake as Delta does.

    Those of the first version, then the partition column ``date``, then the later ones: who adds a column, adds it
    last.
    """
    first = len(usage_events(1))
    columns = [(field.name, _DELTA_TYPES[field.type], field.nullable) for field in usage_events(lake_version)]
    columns.insert(first, ("date", "date", True))
    fields = [{"name": name, "type": kind, "nullable": nullable, "metadata": {}} for name, kind, nullable in columns]
    return compact_json({"type": "struct", "fields": fields})


def _commit_info(commit: Commit, at_ms: int) -> dict[str, Any]:
    return {
        "timestamp": at_ms,
        "operation": commit.operation,
        "engineInfo": f"tallybook/{__version__}",
        "collectorVersion": __version__,
        "keySecretCheck": commit.key_secret_check,
        "sources": [stated_record(record) for record in commit.sources],
        "quarantine": [_stated_file(file) for file in commit.quarantine_files],
        **({} if commit.superseding is None else rendered(commit.superseding)),
        **({} if commit.forgetting is None else forgettings.rendered(commit.forgetting)),
        **({} if commit.compaction is None else compacting.rendered(commit.compaction)),
        **(
            {"supersededFiles": list(commit.superseding.data_files)}
            if commit.superseding is not None and commit.compaction is not None
            else {}
        ),
        "previousSha256": commit.previous_sha256,
        "sealSha256": UNSEALED,
    }


def metadata_of(lake_version: int) -> dict[str, Any]:
    """Return what the table's metadata states of a version of the lake, all but when it was created."""
    version = {VERSION_KEY: str(lake_version)} if lake_version > 1 else {}
    return {
        "id": TABLE_ID,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": schema_string(lake_version),
        "partitionColumns": ["date"],
        "configuration": (
            {"delta.appendOnly": "false", "delta.deletedFileRetentionDuration": _FOR_EVER}
            if lake_version >= SUPERSEDING_SINCE
            else {"delta.appendOnly": "true"}
        )
        | version,  # the first ones bind whatever other writer opens the table
    }


def _stated_file(file: QuarantineFile) -> dict[str, Any]:
    return {name: value for name, value in asdict(file).items() if value is not None}


def _add(file: DataFile | CompactedFile, at_ms: int, *, is_change: bool = True) -> dict[str, Any]:
    origin = file.origin if isinstance(file, DataFile) else None
    return {
        "path": file.path,
        "partitionValues": {"date": compacting.date_of(file.path).isoformat()},
        "size": file.size,
        "modificationTime": at_ms,
        "dataChange": is_change,
        "stats": compact_json({"numRecords": file.rows}),
        **({} if origin is None else {"tags": {ORIGIN_KEY: str(origin)}}),
    }


def added_compacted(compaction: Compaction | None, at_ms: int, *, is_change: bool) -> dict[str, dict[str, Any]]:
    """Return the actions that put compacted files into the table, by their paths."""
    files = () if compaction is None else compaction.data_files
    return {file.path: _add(file, at_ms, is_change=is_change) for file in files if file.in_force}


def _milliseconds(instant: datetime) -> int:
    if instant.tzinfo is None:
        message = f"committed_at {instant} has no time zone; give an aware instant"
        raise ValueError(message)
    return (instant - _EPOCH) // _MILLISECOND


def compact_json(value: Any) -> str:
    """Write a value as entries do: without blanks, in characters and not in escapes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
