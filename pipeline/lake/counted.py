"""What an earlier run counted, kept so that a night need not count all of history again.

A shortcut, never a source of truth.

An entry has a kind and a key (a UTC date, a billing period, or the whole lake), the digest of everything that its
content is a function of (``inputs``), and named pieces of bytes in one file. Whoever asks must bring the same digest,
and every piece is checked against its sha256 before it is believed, so nothing here needs an fsync: what a power cut, a
flipped bit or a foreign hand leaves behind does not match and is counted anew. The manifest, replaced last and at once,
names a set of entries of one kind that belong together.

Does not own what the pieces say, nor what they depend on (``dates_counted``, ``open_periods`` and ``answers`` of
``pipeline.jobs.state``). The whole folder may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.base.errors import DataFileDamaged
from pipeline.objects import disk
from pipeline.objects.encoded.strict_json import checked_fields, parse_object

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

COUNTED_FOLDER = "counted"
"""In the lake; each kind has a folder in it."""
MANIFEST_NAME = "_manifest.json"
WHOLE = "whole"
"""The key of what is about the whole lake."""
_BYTES_MAX = 2**62
_KEY = re.compile(rf"[0-9]{{4}}-[0-9]{{2}}(-[0-9]{{2}})?|{WHOLE}")
_FILE_NAME = re.compile(rf"([0-9-]{{7,10}}|{WHOLE})\.[0-9a-f]{{16}}\.counted")


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Where a piece lies in its entry's file, in bytes, and what it must hash to."""

    start: int
    size: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One file, ``<key>.<first 16 digits of its sha256>.counted``, and its pieces by name."""

    inputs: str
    file_name: str
    pieces: Mapping[str, Piece]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEntry:
    """An entry that is still to be written."""

    inputs: str
    pieces: Mapping[str, bytes] = field(repr=False)


_NO_PIECE = Piece(start=0, size=0, sha256="")


def folder_of(lake_dir: Path, kind: str) -> Path:
    """Return the folder of one kind of entries and their manifest."""
    return lake_dir / COUNTED_FOLDER / kind


def read_entries(lake_dir: Path, kind: str) -> dict[str, Entry]:
    """Return the entries of the manifest by key; none where there is no manifest, or one that is not ours."""
    try:
        content = (folder_of(lake_dir, kind) / MANIFEST_NAME).read_bytes()
        entries = checked_fields(parse_object(content), "the manifest", entries=dict)["entries"]
        return {key: _entry(key, value) for key, value in entries.items()}
    except (OSError, ValueError):
        return {}  # counting everything anew is always right


def read_piece(lake_dir: Path, kind: str, entry: Entry, name: str) -> bytes:
    """Return a piece of an entry. Raises ``DataFileDamaged`` where it is not, byte for byte, what was written."""
    path = folder_of(lake_dir, kind) / entry.file_name
    piece = entry.pieces.get(name, _NO_PIECE)
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            file.seek(piece.start)
            content = file.read(piece.size)
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise DataFileDamaged(message) from error
    if hashlib.sha256(content).hexdigest() != piece.sha256:
        message = f"{name} in {path} is not what was written"
        raise DataFileDamaged(message)
    return content


def write_entries(
    lake_dir: Path, kind: str, kept: Mapping[str, Entry], new: Mapping[str, NewEntry]
) -> dict[str, Entry]:
    """Make the entries of a kind those of ``kept`` (as they lie there) and ``new``, at once, and return them.

    Only for the holder of the workspace's lock.
    """
    folder = folder_of(lake_dir, kind)
    disk.make_folders(lake_dir.parent, folder)
    entries = {**kept, **{key: _written(folder, key, entry) for key, entry in new.items()}}
    if new or read_entries(lake_dir, kind) != entries:
        disk.rename(disk.write_temporary(folder, _render(entries), is_synced=False), folder / MANIFEST_NAME)
    named = {entry.file_name for entry in entries.values()}
    disk.remove_files(
        folder, [path.name for path in folder.iterdir() if _FILE_NAME.fullmatch(path.name) and path.name not in named]
    )
    return entries


def _written(folder: Path, key: str, entry: NewEntry) -> Entry:
    if not _KEY.fullmatch(key):
        message = f"{key!r} is neither a date nor a month nor {WHOLE!r}"
        raise ValueError(message)
    pieces, start = {}, 0
    for name, content in entry.pieces.items():
        pieces[name] = Piece(start=start, size=len(content), sha256=hashlib.sha256(content).hexdigest())
        start += len(content)
    whole = hashlib.sha256("".join(piece.sha256 for piece in pieces.values()).encode()).hexdigest()
    file_name = f"{key}.{whole[:16]}.counted"
    disk.rename(disk.write_temporary(folder, b"".join(entry.pieces.values()), is_synced=False), folder / file_name)
    return Entry(inputs=entry.inputs, file_name=file_name, pieces=pieces)


def _entry(key: str, value: object) -> Entry:
    fields = checked_fields(value, f"entry {key!r}", inputs=str, file=str, pieces=dict)
    matched = _FILE_NAME.fullmatch(fields["file"])
    if not matched or matched[1] != key or not _KEY.fullmatch(key):
        message = f"it names the file {fields['file']!r} for {key!r}"
        raise ValueError(message)
    pieces = {
        name: Piece(**checked_fields(piece, f"piece {name!r}", start=int, size=int, sha256=str))
        for name, piece in fields["pieces"].items()
    }
    if not all(0 <= number < _BYTES_MAX for piece in pieces.values() for number in (piece.start, piece.size)):
        message = f"a piece of entry {key!r} lies outside of any file"
        raise ValueError(message)
    return Entry(inputs=fields["inputs"], file_name=fields["file"], pieces=pieces)


def _render(entries: Mapping[str, Entry]) -> bytes:
    listed = {
        key: {
            "inputs": entry.inputs,
            "file": entry.file_name,
            "pieces": {
                name: {"start": piece.start, "size": piece.size, "sha256": piece.sha256}
                for name, piece in entry.pieces.items()
            },
        }
        for key, entry in sorted(entries.items())
    }
    return (json.dumps({"entries": listed}, sort_keys=True) + "\n").encode("utf-8")
