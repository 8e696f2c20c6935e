"""One commit of the lake as an entry of the open Delta Lake log, so that any engine that reads Delta reads our table.

Source of the rules: the Delta Transaction Log Protocol, reader version 1 and writer version 2 (actions ``protocol``,
``metaData``, ``add``, ``remove``, ``txn``, ``commitInfo``; one JSON object per line). Only an entry of logs that were
read again, of what is forgotten, or of files that are compacted, has a ``remove``: of files that other ones replace, or
none where nothing is left of them. Beyond what Delta asks for, ``commitInfo`` holds where the events come from, what
was quarantined, and the chain of hashes.

The table's columns grow. The first entry states those of the lake's version then; an entry of its own, which adds no
file, states those of a later version before the first file that has them. Files of before have nulls there, to every
engine that follows the log.

An entry is a pure function of its commit: the same commit gives the same bytes. Reading is strict: an entry with an
action, a field or a file name that we never write is foreign and refused, since a guess would bill wrongly in silence.

Does not own what a commit may be (``commit``), entries as files (``pipeline.objects.append_log``), nor data files
(``pipeline.lake.data_files``).
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, timedelta
from types import NoneType
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline import __version__
from pipeline.base.errors import LakeIsNewer
from pipeline.lake.log import compacting
from pipeline.lake.log import forgetting as forgettings
from pipeline.lake.log.commit import AGAIN, COMPACT, FORGET, Commit, DataFile, QuarantineFile
from pipeline.lake.log.source_records import source_record, stated_record
from pipeline.lake.log.superseding import STATED, parsed, removal, rendered
from pipeline.objects.append_log import UNSEALED, seal
from pipeline.objects.encoded.strict_json import checked_fields, parse_object
from pipeline.objects.layout import DATA_FILE_NAME, PARTITION_NAME
from pipeline.tables.schemas import usage_events
from pipeline.usage.events import LAKE_VERSION, LAKE_VERSION_MAX, SUPERSEDING_SINCE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.lake.log.compacting import CompactedFile, Compaction

APP_ID = "tallybook-collect"
"""Names our commits in Delta's ``txn`` actions, each with its commit's number."""
TABLE_ID = str(uuid.uuid5(uuid.NAMESPACE_OID, "tallybook usage_events"))
"""The same in every workspace: a lake that is built again from the same logs is the same to the byte."""

_VERSION_KEY = "tallybook.lakeVersion"
"""Where the table's metadata states the version of the lake; the first version stated none."""

_ORIGIN_KEY = "tallybook.commit"
"""The tag of a data file that holds events of an earlier commit's lines, and says which commit."""
_FOR_EVER = "interval 365000 days"
"""Data files that count no longer are kept from whoever cleans tables up: issued invoices are recomputed from them."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_PROTOCOL = {"minReaderVersion": 1, "minWriterVersion": 2}
_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_COMMIT_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)
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


def render_commit(commit: Commit) -> bytes:
    """Write a commit as the bytes of its log entry, sealed. Raises ``ValueError`` for a naive ``committed_at``."""
    at_ms = _milliseconds(commit.committed_at)
    actions: list[dict[str, Any]] = [{"commitInfo": _commit_info(commit, at_ms)}]
    if commit.number == 0:
        actions.append({"protocol": _PROTOCOL})
    if commit.lake_version is not None:
        actions.append({"metaData": {**_metadata(commit.lake_version), "createdTime": at_ms}})
    actions.append({"txn": {"appId": APP_ID, "version": commit.number}})
    is_change = commit.operation != COMPACT  # of what the table holds: who follows its changes passes others over
    actions += [{"remove": removal(path, at_ms, is_change=is_change)} for path in commit.removed]
    actions += [{"add": _add(file, at_ms)} for file in commit.data_files]
    actions += [{"add": each} for each in _added_compacted(commit.compaction, at_ms, is_change=is_change).values()]
    return seal("".join(_compact(action) + "\n" for action in actions).encode("utf-8"))


def parse_commit(content: bytes, number: int) -> tuple[str | None, Commit]:
    """Read an entry back: its ``previousSha256`` and its commit.

    Raises ``LakeIsNewer`` where it states columns or a version of the lake that only a newer program can know, and
    ``ValueError`` saying what in it is not ours.
    """
    actions = _actions(content)
    _check_not_newer(actions.get("metaData", []), number)
    _check_kinds(actions)
    info = _only(actions, "commitInfo")
    txn = checked_fields(_only(actions, "txn"), "txn", appId=str, version=int)
    if txn != {"appId": APP_ID, "version": number}:
        message = f"its txn is {_compact(txn)}, not that of {APP_ID} for commit {number}"
        raise ValueError(message)
    lake_version = _stated_version(actions, number)
    operation = info.get("operation") if isinstance(info, dict) else None
    is_again, is_forgetting = operation == AGAIN, operation == FORGET
    has_origins = is_again or is_forgetting
    more = dict(STATED if is_again else forgettings.STATED if is_forgetting else {})
    if operation == COMPACT or (has_origins and "compacts" in info):
        more |= {**compacting.STATED, **({"supersededFiles": list} if is_again else {})}
    at_ms = _check_info(info, more)["timestamp"]
    removals = actions.get("remove", [])
    if removals and not has_origins and operation != COMPACT:
        message = "it removes data files, which only logs that were read again, what is forgotten, and compaction do"
        raise ValueError(message)
    compaction, added = None, {}
    if "compacts" in more:
        is_change = operation != COMPACT
        removed = _removed_files(removals, at_ms, is_change=is_change)
        compaction = compacting.parsed(info, removed)
        added = _added_compacted(compaction, at_ms, is_change=is_change)
        removals = [removal(path, at_ms) for path in info.get("supersededFiles", ())]
    adds = actions.get("add", [])
    if [each for each in adds if _path_of(each) in added] != list(added.values()):
        message = "it adds other compacted files than it states"
        raise ValueError(message)
    commit = Commit(
        number=number,
        committed_at=_instant_of(at_ms),
        previous_sha256=info["previousSha256"],
        data_files=tuple(
            _data_file(action, may_have_origin=has_origins) for action in adds if _path_of(action) not in added
        ),
        quarantine_files=tuple(_quarantine_file(each, may_have_origin=has_origins) for each in info["quarantine"]),
        sources=tuple(source_record(each) for each in info["sources"]),
        key_secret_check=info["keySecretCheck"],
        lake_version=lake_version,
        superseding=parsed(info, removals) if is_again else None,
        forgetting=(replace(forgettings.parsed(info), commit=number, at=_instant_of(at_ms)) if is_forgetting else None),
        compaction=compaction,
    )
    if is_forgetting and [removal(path, at_ms) for path in commit.removed] != actions.get("remove", []):
        message = "it removes other data files than those that it forgets"
        raise ValueError(message)
    if info["operation"] != commit.operation:
        message = f"its operation is {info['operation']!r}, and Tallybook writes {commit.operation!r} there"
        raise ValueError(message)
    return commit.previous_sha256, commit


def schema_string(lake_version: int) -> str:
    """State the columns of a version of the lake as Delta does.

    Those of the first version, then the partition column ``date``, then the later ones: who adds a column, adds it
    last.
    """
    first = len(usage_events(1))
    columns = [(field.name, _DELTA_TYPES[field.type], field.nullable) for field in usage_events(lake_version)]
    columns.insert(first, ("date", "date", True))
    fields = [{"name": name, "type": kind, "nullable": nullable, "metadata": {}} for name, kind, nullable in columns]
    return _compact({"type": "struct", "fields": fields})


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


def _metadata(lake_version: int) -> dict[str, Any]:
    version = {_VERSION_KEY: str(lake_version)} if lake_version > 1 else {}
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
        "stats": _compact({"numRecords": file.rows}),
        **({} if origin is None else {"tags": {_ORIGIN_KEY: str(origin)}}),
    }


def _added_compacted(compaction: Compaction | None, at_ms: int, *, is_change: bool) -> dict[str, dict[str, Any]]:
    """Return the actions that put compacted files into the table, by their paths."""
    files = () if compaction is None else compaction.data_files
    return {file.path: _add(file, at_ms, is_change=is_change) for file in files if file.in_force}


def _path_of(action: Any) -> str:
    return str(action.get("path")) if isinstance(action, dict) else ""


def _removed_files(removals: Sequence[Any], at_ms: int, *, is_change: bool) -> tuple[str, ...]:
    """Return the paths of what leaves the table. Raises ``ValueError`` for actions that we do not write."""
    paths = tuple(_path_of(action) for action in removals)
    if [removal(path, at_ms, is_change=is_change) for path in paths] != list(removals) or len(set(paths)) != len(paths):
        message = "its actions remove are not those that Tallybook writes"
        raise ValueError(message)
    return paths


def _actions(content: bytes) -> dict[str, list[Any]]:
    """Sort the lines of an entry by their action; every line is one action, and every line is ended."""
    if not content.endswith(b"\n"):
        message = "it is torn: its last line does not end"
        raise ValueError(message)
    actions: dict[str, list[Any]] = {}
    for line in content[:-1].split(b"\n"):
        action = parse_object(line)
        if len(action) != 1:
            message = f"it holds the action {sorted(action)}, which Tallybook never writes"
            raise ValueError(message)
        ((kind, body),) = action.items()
        actions.setdefault(kind, []).append(body)
    return actions


def _check_kinds(actions: Mapping[str, list[Any]]) -> None:
    foreign = sorted(actions.keys() - {"commitInfo", "protocol", "metaData", "txn", "add", "remove"})
    if foreign:
        message = f"it holds the action {foreign}, which Tallybook never writes"
        raise ValueError(message)


def _only(actions: dict[str, list[Any]], kind: str) -> Any:
    bodies = actions.get(kind, [])
    if len(bodies) != 1:
        message = f"it holds {len(bodies)} actions {kind} where one belongs"
        raise ValueError(message)
    return bodies[0]


def _check_info(info: Any, more: Mapping[str, type]) -> dict[str, Any]:
    checked_fields(
        info,
        "commitInfo",
        timestamp=int,
        operation=str,
        engineInfo=str,
        collectorVersion=str,
        keySecretCheck=(str, NoneType),
        sources=list,
        quarantine=list,
        previousSha256=(str, NoneType),
        sealSha256=str,
        **more,
    )
    return dict(info)


def _stated_version(actions: dict[str, list[Any]], number: int) -> int | None:
    """Return the version of the lake that an entry states, if it does.

    The first entry must, and must say what the table is.
    """
    if number == 0:
        protocol = _only(actions, "protocol")
        if protocol != _PROTOCOL:
            message = f"its protocol is {_compact(protocol)}, and ours is {_compact(_PROTOCOL)}"
            raise ValueError(message)
    elif "protocol" in actions:
        message = "it changes the table's protocol, which only the first entry may state"
        raise ValueError(message)
    elif "metaData" not in actions:
        return None
    metadata = _only(actions, "metaData")
    version = _version_of(metadata)
    created = metadata.get("createdTime") if isinstance(metadata, dict) else None
    expected = {**_metadata(version or 1), "createdTime": created}
    if version is None or metadata != expected:
        differing = sorted(
            name for name in expected if not isinstance(metadata, dict) or metadata.get(name) != expected[name]
        )
        message = f"its table is not ours: {', '.join(differing) or 'a field of its own'} in metaData"
        raise ValueError(message)
    return version


def _check_not_newer(stated: list[Any], number: int) -> None:
    """Raise ``LakeIsNewer`` for a version above ours, or for columns that follow all of ours.

    Whatever else the entry says may be new, too.
    """
    for metadata in stated:
        version, unknown = _version_of(metadata) or 0, _unknown_columns(metadata)
        if version > LAKE_VERSION_MAX or unknown:
            newer = f"{max(version, LAKE_VERSION + 1)} of the lake"
            named = f" with the columns {', '.join(unknown)}" if unknown else ""
            message = (
                f"commit {number} states version {newer}{named}, and Tallybook {__version__} knows up to "
                f"{LAKE_VERSION_MAX}"
            )
            raise LakeIsNewer(message)


def _version_of(metadata: Any) -> int | None:
    """Return the version of the lake that metadata states, ``None`` where what it states is none."""
    configuration = metadata.get("configuration") if isinstance(metadata, dict) else None
    stated = configuration.get(_VERSION_KEY, "1") if isinstance(configuration, dict) else None
    return int(stated) if isinstance(stated, str) and _VERSION.fullmatch(stated) else None


def _unknown_columns(metadata: Any) -> list[str]:
    """Return the names of the columns that metadata states after all of ours; none where ours are not all there."""
    try:
        fields = parse_object(metadata["schemaString"].encode())["fields"]
        names = [field["name"] for field in fields]
    except (AttributeError, KeyError, TypeError, ValueError):
        return []  # not the metadata of a table of ours, and refused as such
    ours = [field["name"] for field in json.loads(schema_string(LAKE_VERSION))["fields"]]
    return [str(name) for name in names[len(ours) :]] if names[: len(ours)] == ours else []


def _data_file(action: Any, *, may_have_origin: bool) -> DataFile:
    origin = None
    if may_have_origin and isinstance(action, dict) and "tags" in action:
        origin = _origin(action["tags"])
        action = {name: value for name, value in action.items() if name != "tags"}
    checked_fields(
        action, "add", path=str, partitionValues=dict, size=int, modificationTime=int, dataChange=bool, stats=str
    )
    rows = checked_fields(parse_object(action["stats"].encode()), "stats", numRecords=int)["numRecords"]
    folder, _, name = action["path"].partition("/")
    partition = PARTITION_NAME.fullmatch(folder)
    if not partition or not DATA_FILE_NAME.fullmatch(name):
        message = f"it names the data file {action['path']!r}, not date=YYYY-MM-DD/<sha256>.parquet"
        raise ValueError(message)
    if action["partitionValues"] != {"date": partition[1]}:
        message = f"it puts {action['path']} under {_compact(action['partitionValues'])}"
        raise ValueError(message)
    return DataFile(
        path=action["path"],
        date=date.fromisoformat(partition[1]),
        sha256=name.removesuffix(".parquet"),
        size=action["size"],
        rows=rows,
        origin=origin,
    )


def _origin(tags: Any) -> int:
    stated = tags.get(_ORIGIN_KEY) if isinstance(tags, dict) and len(tags) == 1 else None
    if not isinstance(stated, str) or not _COMMIT_NUMBER.fullmatch(stated):
        message = f"it adds a data file with the tags {_compact(tags)}, and Tallybook writes {_ORIGIN_KEY} alone"
        raise ValueError(message)
    return int(stated)


def _quarantine_file(value: Any, *, may_have_origin: bool) -> QuarantineFile:
    origin = {"origin": int} if may_have_origin and isinstance(value, dict) and "origin" in value else {}
    file = QuarantineFile(**checked_fields(value, "quarantine", path=str, sha256=str, size=int, rows=int, **origin))
    if not DATA_FILE_NAME.fullmatch(file.path) or file.path != f"{file.sha256}.parquet":
        message = f"it names the quarantine file {file.path!r}, not <sha256>.parquet"
        raise ValueError(message)
    return file


def _milliseconds(instant: datetime) -> int:
    if instant.tzinfo is None:
        message = f"committed_at {instant} has no time zone; give an aware instant"
        raise ValueError(message)
    return (instant - _EPOCH) // _MILLISECOND


def _instant_of(at_ms: int) -> datetime:
    try:
        return _EPOCH + at_ms * _MILLISECOND
    except OverflowError:
        message = f"its timestamp {at_ms} is no instant of the years 1 to 9999"
        raise ValueError(message) from None


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
