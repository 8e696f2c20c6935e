"""An entry of the lake's log read back: strictly, since a guess at what is foreign would bill wrongly in silence.

An entry with an action, a field or a file name that we never write is refused. So is one whose actions say something
else than its ``commitInfo``: other engines go by its actions.

Does not own how an entry is written (``delta``), what its parts are (``commit``, ``superseding``, ``forgetting``,
``compacting``), nor whether it fits to those before it (``applying``).
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import date
from types import NoneType
from typing import TYPE_CHECKING, Any

from pipeline import __version__
from pipeline.base.errors import LakeIsNewer
from pipeline.lake.log import compacting, superseding
from pipeline.lake.log import forgetting as forgettings
from pipeline.lake.log.commit import AGAIN, COMPACT, FORGET, Commit, DataFile, QuarantineFile
from pipeline.lake.log.delta import (
    APP_ID,
    ORIGIN_KEY,
    PROTOCOL,
    VERSION_KEY,
    added_compacted,
    compact_json,
    instant_of,
    metadata_of,
    schema_string,
)
from pipeline.lake.log.source_records import source_record
from pipeline.lake.log.superseding import removal
from pipeline.objects.encoded.strict_json import checked_fields, parse_object
from pipeline.objects.layout import DATA_FILE_NAME, PARTITION_NAME
from pipeline.usage.events import LAKE_VERSION, LAKE_VERSION_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.lake.log.compacting import Compaction

_OF_LINES_BEFORE = (AGAIN, FORGET)
"""Operations whose files hold events of lines that earlier commits accounted for."""
_VERSION = re.compile(r"[1-9][0-9]{0,8}", re.ASCII)
_COMMIT_NUMBER = re.compile(r"0|[1-9][0-9]{0,17}", re.ASCII)


def parse_commit(content: bytes, number: int) -> tuple[str | None, Commit]:
    """Read an entry back: its ``previousSha256`` and its commit.

    Raises ``LakeIsNewer`` where it states columns or a version of the lake that only a newer program can know, and
    ``ValueError`` saying what in it is not ours.
    """
    actions = _actions(content)
    _check_not_newer(actions.get("metaData", []), number)
    _check_kinds(actions)
    info = _only(actions, "commitInfo")
    _check_txn(_only(actions, "txn"), number)
    lake_version = _stated_version(actions, number)
    _check_info(info)
    operation, at = info["operation"], instant_of(info["timestamp"])
    has_origins = operation in _OF_LINES_BEFORE
    removals, adds = actions.get("remove", []), actions.get("add", [])
    if removals and operation != COMPACT and not has_origins:
        message = "it removes data files, which only logs that were read again, what is forgotten, and compaction do"
        raise ValueError(message)
    compaction = _compaction(info, removals, adds) if "compacts" in info else None
    compacted = {file.path for file in compaction.data_files if file.in_force} if compaction is not None else set()
    commit = Commit(
        number=number,
        committed_at=at,
        previous_sha256=info["previousSha256"],
        data_files=tuple(
            _data_file(action, may_have_origin=has_origins) for action in adds if _path_of(action) not in compacted
        ),
        quarantine_files=tuple(_quarantine_file(each, may_have_origin=has_origins) for each in info["quarantine"]),
        sources=tuple(source_record(each) for each in info["sources"]),
        key_secret_check=info["keySecretCheck"],
        lake_version=lake_version,
        superseding=superseding.parsed(info, _superseded(info, removals)) if operation == AGAIN else None,
        forgetting=replace(forgettings.parsed(info), commit=number, at=at) if operation == FORGET else None,
        compaction=compaction,
    )
    if operation == FORGET and [removal(path, info["timestamp"]) for path in commit.removed] != removals:
        message = "it removes other data files than those that it forgets"
        raise ValueError(message)
    if operation != commit.operation:
        message = f"its operation is {operation!r}, and Tallybook writes {commit.operation!r} there"
        raise ValueError(message)
    return commit.previous_sha256, commit


def _compaction(info: Mapping[str, Any], removals: Sequence[Any], adds: Sequence[Any]) -> Compaction:
    """Return which files an entry compacts. Raises ``ValueError`` where its actions say something else of them."""
    is_change, at_ms = info["operation"] != COMPACT, info["timestamp"]
    compaction = compacting.parsed(info, _removed_files(removals, at_ms, is_change=is_change))
    added = added_compacted(compaction, at_ms, is_change=is_change)
    if [each for each in adds if _path_of(each) in added] != list(added.values()):
        message = "it adds other compacted files than it states"
        raise ValueError(message)
    return compaction


def _superseded(info: Mapping[str, Any], removals: Sequence[Any]) -> Sequence[Any]:
    """Return the actions ``remove`` of the files that a reading supersedes.

    Where the entry compacts files too, its own actions are of the table, and these files are named beside them.
    """
    if "compacts" not in info:
        return removals
    return [removal(path, info["timestamp"]) for path in info["supersededFiles"]]


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


def _check_txn(txn: Any, number: int) -> None:
    if checked_fields(txn, "txn", appId=str, version=int) != {"appId": APP_ID, "version": number}:
        message = f"its txn is {compact_json(txn)}, not that of {APP_ID} for commit {number}"
        raise ValueError(message)


def _check_info(info: Any) -> None:
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
        **_stated_beside(info),
    )


def _stated_beside(info: Any) -> Mapping[str, type]:
    """Return the fields that ``commitInfo`` has for its operation beside those that every one has."""
    operation = info.get("operation") if isinstance(info, dict) else None
    if operation == COMPACT:
        return compacting.STATED
    if operation not in _OF_LINES_BEFORE:
        return {}
    stated = superseding.STATED if operation == AGAIN else forgettings.STATED
    if "compacts" not in info:
        return stated
    return {**stated, **compacting.STATED, **({"supersededFiles": list} if operation == AGAIN else {})}


def _stated_version(actions: dict[str, list[Any]], number: int) -> int | None:
    """Return the version of the lake that an entry states, if it does.

    The first entry must, and must say what the table is.
    """
    if number == 0:
        protocol = _only(actions, "protocol")
        if protocol != PROTOCOL:
            message = f"its protocol is {compact_json(protocol)}, and ours is {compact_json(PROTOCOL)}"
            raise ValueError(message)
    elif "protocol" in actions:
        message = "it changes the table's protocol, which only the first entry may state"
        raise ValueError(message)
    elif "metaData" not in actions:
        return None
    metadata = _only(actions, "metaData")
    version = _version_of(metadata)
    created = metadata.get("createdTime") if isinstance(metadata, dict) else None
    expected = {**metadata_of(version or 1), "createdTime": created}
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
    stated = configuration.get(VERSION_KEY, "1") if isinstance(configuration, dict) else None
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
        message = f"it puts {action['path']} under {compact_json(action['partitionValues'])}"
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
    stated = tags.get(ORIGIN_KEY) if isinstance(tags, dict) and len(tags) == 1 else None
    if not isinstance(stated, str) or not _COMMIT_NUMBER.fullmatch(stated):
        message = f"it adds a data file with the tags {compact_json(tags)}, and Tallybook writes {ORIGIN_KEY} alone"
        raise ValueError(message)
    return int(stated)


def _quarantine_file(value: Any, *, may_have_origin: bool) -> QuarantineFile:
    origin = {"origin": int} if may_have_origin and isinstance(value, dict) and "origin" in value else {}
    file = QuarantineFile(**checked_fields(value, "quarantine", path=str, sha256=str, size=int, rows=int, **origin))
    if not DATA_FILE_NAME.fullmatch(file.path) or file.path != f"{file.sha256}.parquet":
        message = f"it names the quarantine file {file.path!r}, not <sha256>.parquet"
        raise ValueError(message)
    return file
