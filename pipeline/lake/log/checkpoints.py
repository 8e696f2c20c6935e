"""Delta's checkpoints: all that the log says up to a commit, in one file, so that other engines need not read it all.

``<20 digits>.checkpoint.parquet`` beside the entries, and ``_last_checkpoint``, which names it (Delta Transaction Log
Protocol, *Checkpoints*, version 1). They are written for others and never read for what they say: whoever counts reads
every entry, whose chain no checkpoint is a part of. So one that is lost, damaged or forged changes no bill; ``verify``
makes it once more and compares. Both name the digest of its commit's entry, and so prove that the commit was there
(``pipeline.jobs.state.history``).

Order: the file under a temporary name, synced, renamed, its folder synced; then ``_last_checkpoint``, likewise; then
earlier checkpoints go. Death anywhere leaves the log as it was, and a checkpoint of it or none. A first one that is not
named yet is told from one whose name was taken away by nothing, and need not be: it is fine where it is, to the byte,
what would be written of the log and of its commit's entry now.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.lake.log import delta
from pipeline.objects import append_log, disk, layout
from pipeline.objects.encoded import parquet_bytes
from pipeline.objects.encoded.strict_json import checked_fields, parse_object
from pipeline.objects.mounted.files import publish, refresh, remove_on_store, replace_on_store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.lake.log.snapshot import LakeSnapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoints:
    """What checkpoints come to, beside the log."""

    differences: list[str]
    """What they say that the log does not, each with what to do."""
    unnamed: str | None
    """The name of a first one that ``_last_checkpoint`` does not name yet, and that is what it has to be."""


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


def entries_named(lake_dir: Path) -> dict[str, str]:
    """Return which checkpoint names the entry of a commit, and the sha256 of it.

    Where ``_last_checkpoint`` is gone, the files themselves are asked; those of earlier programs name none.
    """
    if (last := read_last_checkpoint(lake_dir)) is not None:
        return {LAST_NAME: last.entry_sha256}
    log_dir = layout.delta_log(lake_dir)
    noted = {name: parquet_bytes.read_notes(log_dir / name).get(_ENTRY_SHA256) for name in _written(log_dir)}
    return {name: sha256 for name, sha256 in noted.items() if sha256 is not None}


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
        if not is_of_log:
            _remove(log_dir, [each for each in (LAST_NAME, *_written(log_dir)) if (log_dir / each).exists()])
        return None
    rows = _actions(log_dir, snapshot.version)
    name = _name(snapshot.version)
    content = _encoded(rows, snapshot.entry_sha256)
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


def compared_checkpoints(lake_dir: Path, snapshot: LakeSnapshot) -> Checkpoints | None:
    """Compare checkpoints with the log; None where there is none. ``snapshot`` is of the whole lake."""
    log_dir = layout.delta_log(lake_dir)
    _bring(log_dir)
    last = read_last_checkpoint(lake_dir)
    written = _written(log_dir)
    is_named = (log_dir / LAST_NAME).exists()
    if not written and not is_named:
        return None
    wrong = []
    unnamed = None if is_named else _unnamed(log_dir, written, snapshot)
    is_of_log = last is not None and _is_of(snapshot, last) and _name(last.version) in written
    if not is_of_log and unnamed is None:
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
    return Checkpoints(differences=[f"{each}; {advice}" for each in wrong], unnamed=unnamed)


def _unnamed(log_dir: Path, written: Mapping[str, int], snapshot: LakeSnapshot) -> str | None:
    """Return the name of the one checkpoint that is written, where all of its bytes are those to be named next."""
    if len(written) != 1:
        return None
    ((name, version),) = written.items()
    sha256 = next(iter(snapshot.entry_digests[version : version + 1]), None)
    if sha256 is None:
        return None
    expected = _encoded(_actions(log_dir, version), sha256)
    return name if (log_dir / name).read_bytes() == expected else None


def _encoded(rows: list[dict[str, Any]], entry_sha256: str) -> bytes:
    return parquet_bytes.encode(pa.Table.from_pylist(rows, schema=_SCHEMA), {_ENTRY_SHA256: entry_sha256})


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
