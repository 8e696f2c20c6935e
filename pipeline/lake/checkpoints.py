"""Delta's checkpoints: all that the log says up to a commit, in one file, so that other engines need not read it all.

``<20 digits>.checkpoint.parquet`` beside the entries, and ``_last_checkpoint``, which names it (Delta Transaction Log
Protocol, *Checkpoints*, version 1). They are written for others and never read for what they say: whoever counts reads
every entry, whose chain no checkpoint is a part of. So one that is lost, damaged or forged changes no bill; ``verify``
makes it once more and compares. It also names the digest of its commit's entry, and so proves that the commit was there
(``pipeline.jobs.state.history``).

Order: the file under a temporary name, synced, renamed, its folder synced; then ``_last_checkpoint``, likewise; then
earlier checkpoints go. Death anywhere leaves the log as it was, and a checkpoint of it or none.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.lake import delta
from pipeline.objects import append_log, disk, layout, parquet_bytes
from pipeline.objects.mounted.files import publish, refresh, remove_on_store, replace_on_store
from pipeline.objects.strict_json import checked_fields, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.lake.snapshot import LakeSnapshot

COMMITS_BETWEEN = 100
"""So many commits after the last one there is a new one: an engine reads one file and as many entries at most."""
LAST_NAME = "_last_checkpoint"
_ENTRY_SHA256, _FILE_SHA256 = "tallybook.entrySha256", "tallybook.fileSha256"
_FILE_NAME = re.compile(r"([0-9]{20})\.checkpoint\.parquet", re.ASCII)

_TEXT = pa.string()
_TEXTS = pa.map_(_TEXT, _TEXT)
_SCHEMA = pa.schema(
    [
        pa.field("txn", pa.struct([("appId", _TEXT), ("version", pa.int64())])),
        pa.field(
            "add",
            pa.struct(
                [
                    ("path", _TEXT),
                    ("partitionValues", _TEXTS),
                    ("size", pa.int64()),
                    ("modificationTime", pa.int64()),
                    ("dataChange", pa.bool_()),
                    ("stats", _TEXT),
                    ("tags", _TEXTS),
                ]
            ),
        ),
        pa.field("remove", pa.struct([("path", _TEXT), ("deletionTimestamp", pa.int64()), ("dataChange", pa.bool_())])),
        pa.field(
            "metaData",
            pa.struct(
                [
                    ("id", _TEXT),
                    ("format", pa.struct([("provider", _TEXT), ("options", _TEXTS)])),
                    ("schemaString", _TEXT),
                    ("partitionColumns", pa.list_(_TEXT)),
                    ("configuration", _TEXTS),
                    ("createdTime", pa.int64()),
                ]
            ),
        ),
        pa.field("protocol", pa.struct([("minReaderVersion", pa.int32()), ("minWriterVersion", pa.int32())])),
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCheckpoint:
    """What ``_last_checkpoint`` says."""

    version: int
    size: int
    """Actions in it."""
    entry_sha256: str
    """Of the entry of its commit."""
    file_sha256: str
    """Of the checkpoint itself: a flipped bit may hide where no cell is read from."""


def read_last_checkpoint(lake_dir: Path) -> LastCheckpoint | None:
    """Return what ``_last_checkpoint`` says; None where there is none, or one that is not ours."""
    try:
        content = (layout.delta_log(lake_dir) / LAST_NAME).read_bytes()
        said = checked_fields(parse_object(content), LAST_NAME, version=int, size=int, tags=dict)
        tags = checked_fields(said["tags"], "tags", **{_ENTRY_SHA256: str, _FILE_SHA256: str})
    except (OSError, ValueError):
        return None
    return LastCheckpoint(
        version=said["version"], size=said["size"], entry_sha256=tags[_ENTRY_SHA256], file_sha256=tags[_FILE_SHA256]
    )


def write_checkpoint_if_due(lake_dir: Path, snapshot: LakeSnapshot) -> int | None:
    """Write a checkpoint of a snapshot, durably, where the last one is ``COMMITS_BETWEEN`` commits behind.

    Return its commit, None where none was due. One of a commit that the log does not have is removed. Only for the
    holder of the workspace's lock, with the snapshot of the whole lake.
    """
    log_dir = layout.delta_log(lake_dir)
    before = refresh(log_dir / LAST_NAME)
    last = read_last_checkpoint(lake_dir)
    is_of_log = last is not None and _is_of(snapshot, last)
    behind = -1 if last is None or not is_of_log else last.version
    if snapshot.version is None or snapshot.entry_sha256 is None or snapshot.version - behind < COMMITS_BETWEEN:
        if last is not None and not is_of_log:
            _remove(log_dir, [LAST_NAME, *_written(log_dir)])
        return None
    rows = _actions(log_dir, snapshot.version)
    name = _name(snapshot.version)
    content = parquet_bytes.encode(pa.Table.from_pylist(rows, schema=_SCHEMA))
    disk.rename(disk.write_temporary(log_dir, content), log_dir / name)
    disk.sync_folder(log_dir)
    publish(log_dir / name, content)
    tags = {_ENTRY_SHA256: snapshot.entry_sha256, _FILE_SHA256: append_log.sha256_of(content)}
    said = {"version": snapshot.version, "size": len(rows), "tags": tags}
    named = (json.dumps(said) + "\n").encode()
    replace_on_store(log_dir / LAST_NAME, named, before)
    disk.replace_durably(log_dir / LAST_NAME, named)
    if last is not None and last.version != snapshot.version:
        remove_on_store(log_dir, [_name(last.version)])
    _remove(log_dir, [each for each in _written(log_dir) if each != name])
    return snapshot.version


def checkpoint_differences(lake_dir: Path, snapshot: LakeSnapshot) -> list[str] | None:
    """Return what checkpoints say that the log does not, each with what to do; None where there is no checkpoint.

    ``snapshot`` is of the whole lake.
    """
    log_dir = layout.delta_log(lake_dir)
    _bring(log_dir)
    last = read_last_checkpoint(lake_dir)
    written = _written(log_dir)
    if not written and not (log_dir / LAST_NAME).exists():
        return None
    wrong = []
    if last is None or not _is_of(snapshot, last) or _name(last.version) not in written:
        wrong.append(f"{LAST_NAME} names no checkpoint of this log")
    for name, version in written.items():
        if snapshot.version is None or version > snapshot.version:
            wrong.append(f"{name} is of a commit that the log does not have")
            continue
        try:
            content = (log_dir / name).read_bytes()
            is_same = parquet_bytes.decode(content).to_pylist() == _as_read(_actions(log_dir, version))
            if last is not None and last.version == version:
                is_same = is_same and append_log.sha256_of(content) == last.file_sha256
        except (OSError, ValueError, pa.ArrowException):
            is_same = False
        if not is_same:
            wrong.append(f"{name} does not say what the log says")
    advice = "other engines may read it: remove it and _last_checkpoint, the log itself is whole"
    return [f"{each}; {advice}" for each in wrong]


def _bring(log_dir: Path) -> None:
    """Make the copies of the last checkpoint, and of what names it, those of the store, where the lake is on one."""
    refresh(log_dir / LAST_NAME)
    last = read_last_checkpoint(log_dir.parent.parent)
    if last is not None:
        refresh(log_dir / _name(last.version))


def _is_of(snapshot: LakeSnapshot, last: LastCheckpoint) -> bool:
    return snapshot.entry_digests[last.version : last.version + 1] == (last.entry_sha256,)


def _name(version: int) -> str:
    return f"{version:020d}.checkpoint.parquet"


def _written(log_dir: Path) -> dict[str, int]:
    """Return the names of the checkpoints that there are, and their commits."""
    found = ((path.name, _FILE_NAME.fullmatch(path.name)) for path in log_dir.iterdir()) if log_dir.is_dir() else ()
    return {name: int(matched[1]) for name, matched in sorted(found, key=lambda each: each[0]) if matched}


def _remove(log_dir: Path, names: list[str]) -> None:
    remove_on_store(log_dir, names)
    if disk.remove_files(log_dir, names):
        disk.sync_folder(log_dir)


def _actions(log_dir: Path, version: int) -> list[dict[str, Any]]:
    """Return the actions of a table as of a commit, from the entries as they are: what counts, and what counted.

    A data file that was taken out stays as Delta's tombstone, as long as the table says that it is kept.
    """
    metadata: Mapping[str, Any] = {}
    protocol: Mapping[str, Any] = {}
    added: dict[str, Mapping[str, Any]] = {}
    removed: dict[str, Mapping[str, Any]] = {}
    for number in range(version + 1):
        for line in append_log.entry_path(log_dir, number).read_bytes().splitlines():
            ((kind, body),) = parse_object(line).items()
            if kind == "metaData":
                metadata = body
            elif kind == "protocol":
                protocol = body
            elif kind == "add":
                added[body["path"]] = body | {"dataChange": False}
            elif kind == "remove":
                added.pop(body["path"], None)
                removed[body["path"]] = body | {"dataChange": False}
    return [
        {"protocol": protocol},
        {"metaData": metadata},
        {"txn": {"appId": delta.APP_ID, "version": version}},
        *({"add": body} for body in added.values()),
        *({"remove": body} for body in removed.values()),
    ]


def _as_read(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows as they come back from a table of the schema."""
    return pa.Table.from_pylist(rows, schema=_SCHEMA).to_pylist()  # type: ignore[no-any-return]  # as the schema says
