"""Derived tables (usage daily, charges, …): rebuilt from the lake at any time, and never half old, half new.

A table is a folder of Parquet files, one for each billing period, and a manifest that names them with their sha256 and
says what they were made from. The manifest, replaced last and at once, makes the new set count; files carry a part of
their digest in their name, so that the old set stays whole until then. What has not changed is not written again.

Does not own what the tables hold nor when they are out of date (``pipeline.jobs`` compares ``inputs``).
"""

from __future__ import annotations

import hashlib
import json
import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from pipeline.base.errors import DataFileDamaged
from pipeline.objects import disk
from pipeline.objects.encoded import parquet_bytes
from pipeline.objects.encoded.parquet_bytes import Encoded
from pipeline.objects.encoded.strict_json import checked_fields, parse_object
from pipeline.objects.mounted.files import publishing, remove_on_store, replace_on_store, state_on_store, whole_file
from pipeline.objects.mounted.mounts import mount_of
from pipeline.objects.verified import has_sha256

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

USAGE_DAILY = "usage_daily"
EXCHANGES_DAILY = "exchanges_daily"
CHARGES = "charges"
PART_ROWS_MAX = 250_000
"""How many rows of a table are read at once by who needs no more of them together."""
MANIFEST_NAME = "_manifest.json"
_TABLE_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_KEY = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_FILE_NAME = re.compile(r"([a-z0-9][a-z0-9-]{0,63})\.[0-9a-f]{16}\.parquet")
_NOT_DERIVED = frozenset({"usage_events", "quarantine"})


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivedFile:
    """A file of a derived table as its manifest names it.

    ``name`` is ``<key>.<first 16 digits of the sha256>.parquet``.
    """

    name: str
    sha256: str
    size: int
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a derived table was made from (names and digests of the caller's choice), and its files by key."""

    inputs: dict[str, str]
    files: dict[str, DerivedFile]


def write_derived(
    lake_dir: Path, name: str, tables: Mapping[str, pa.Table | Encoded], inputs: Mapping[str, str]
) -> Manifest:
    """Replace the derived table by these, keyed by period ("2026-03") or a word ("unassigned"), durably and at once.

    What was encoded before may be given as it is.

    The same tables and inputs write nothing. Only for the holder of the workspace's lock. Raises ``ValueError`` for a
    name or key that is no plain word, and for floating columns.
    """
    folder = _folder(lake_dir, name)
    contents = {_checked(key): _encoded(table) for key, table in sorted(tables.items())}
    manifest = Manifest(inputs=dict(inputs), files={key: _described(key, encoded) for key, encoded in contents.items()})
    disk.make_folders(lake_dir.parent, folder)
    new_names = [key for key, file in manifest.files.items() if not has_sha256(f"{folder}/{file.name}", file.sha256)]
    for key in new_names:
        disk.rename(disk.write_temporary(folder, contents[key].content), folder / manifest.files[key].name)
    disk.sync_folder(folder)  # also where nothing is new: a run that died may have renamed and not synced
    rendered = _render(manifest)
    _publish(folder, manifest, contents, rendered)  # before it is so here: else a death between would leave it undone
    if not _holds(folder / MANIFEST_NAME, rendered):
        disk.replace_durably(folder / MANIFEST_NAME, rendered)
    _sweep(folder, manifest)
    return manifest


def _publish(folder: Path, manifest: Manifest, contents: Mapping[str, Encoded], rendered: bytes) -> None:
    """Bring what is on the folder's store, if it is on one, to the same: for other engines, which read it there."""
    if mount_of(folder) is None:
        return
    before = state_on_store(folder / MANIFEST_NAME)
    if before[0] == rendered:
        return
    named = _names_in(before[0])
    with publishing(folder, is_anew=True) as published:
        for key, file in manifest.files.items():
            if file.name not in named:
                published(folder / file.name, contents[key].content)
    replace_on_store(folder / MANIFEST_NAME, rendered, before)
    remove_on_store(folder, named - {file.name for file in manifest.files.values()})


def is_file_name(name: str) -> bool:
    """Say whether a file may be one of a derived table."""
    return _FILE_NAME.fullmatch(name) is not None


def names_on_store(lake_dir: Path, name: str) -> set[str]:
    """Return the files that the table's manifest on the store names."""
    return _names_in(state_on_store(lake_dir / name / MANIFEST_NAME)[0])


def _names_in(rendered: bytes | None) -> set[str]:
    """Return the files that a manifest names; none of one that is not ours, which is replaced."""
    try:
        return set() if rendered is None else {file.name for file in _parsed(rendered).files.values()}
    except ValueError:
        return set()


def sweep_derived(lake_dir: Path, name: str) -> None:
    """Remove what a run left that died after it wrote the manifest. Only for the holder of the workspace's lock.

    Raises ``DataFileDamaged`` where the manifest is torn.
    """
    manifest = read_manifest(lake_dir, name)
    if manifest is not None:
        _sweep(_folder(lake_dir, name), manifest)


def _sweep(folder: Path, manifest: Manifest) -> None:
    kept = {file.name for file in manifest.files.values()}
    disk.remove_files(
        folder, [path.name for path in folder.iterdir() if _FILE_NAME.fullmatch(path.name) and path.name not in kept]
    )


def read_manifest(lake_dir: Path, name: str) -> Manifest | None:
    """Return what the table was made from and of, or None where it was never written.

    Raises ``DataFileDamaged`` where it is torn.
    """
    path = _folder(lake_dir, name) / MANIFEST_NAME
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return _parsed(content)
    except ValueError as error:
        message = f"manifest {path} is not ours: {error}; {_advice(path.parent)}"
        raise DataFileDamaged(message) from error


def _parsed(content: bytes) -> Manifest:
    fields = checked_fields(parse_object(content), "the manifest", inputs=dict, files=dict)
    return Manifest(
        inputs=_texts(fields["inputs"]), files={key: _file(key, value) for key, value in fields["files"].items()}
    )


def verified_derived(lake_dir: Path, name: str) -> dict[str, Path] | None:
    """Return the table's files by key, each checked against its sha256; None where it was never written.

    Raises ``DataFileDamaged``. A writer may replace the table while its files are in use: hold the lock, or use
    ``read_derived``.
    """
    manifest = read_manifest(lake_dir, name)
    if manifest is None:
        return None
    folder = _folder(lake_dir, name)
    return {
        key: whole_file(folder / file.name, sha256=file.sha256, size=file.size, advice=_advice(folder))
        for key, file in manifest.files.items()
    }


def read_derived(lake_dir: Path, name: str) -> tuple[dict[str, str], dict[str, pa.Table]] | None:
    """Return ``inputs`` and the tables by key, all of one writing; None where it was never written.

    Raises ``DataFileDamaged``.
    """
    manifest = read_manifest(lake_dir, name)
    while manifest is not None:
        try:
            return manifest.inputs, {key: _read(_folder(lake_dir, name), file) for key, file in manifest.files.items()}
        except DataFileDamaged:
            newer = read_manifest(lake_dir, name)
            if newer == manifest:
                raise
            manifest = newer  # replaced while we read: its old files are gone, the new ones whole
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenDerived:
    """A derived table whose files are open, so that they can be read one by one whoever replaces them meanwhile."""

    manifest: Manifest
    folder: Path
    files: Mapping[str, BinaryIO]

    def parts(self, key: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield some columns of a key's table, some rows after the others. Raises ``DataFileDamaged``."""
        described = self.manifest.files[key]
        self.files[key].seek(0)
        content = _checked_content(self.folder / described.name, described, self.files[key].read())
        yield from parquet_bytes.decode_in_parts(content, columns, PART_ROWS_MAX)


@contextmanager
def open_derived(lake_dir: Path, name: str) -> Iterator[OpenDerived | None]:
    """Open all files of a table, of one writing; None where it was never written. Raises ``DataFileDamaged``."""
    folder = _folder(lake_dir, name)
    manifest = read_manifest(lake_dir, name)
    with ExitStack() as stack:
        files: dict[str, BinaryIO] = {}
        while manifest is not None and files.keys() != manifest.files.keys():
            try:
                files = {
                    key: stack.enter_context((folder / file.name).open("rb")) for key, file in manifest.files.items()
                }
            except FileNotFoundError as missing:
                newer = read_manifest(lake_dir, name)
                if newer == manifest:
                    raise _missing(Path(missing.filename)) from None
                manifest = newer  # replaced while they were opened
        yield None if manifest is None else OpenDerived(manifest=manifest, folder=folder, files=files)


def _read(folder: Path, file: DerivedFile) -> pa.Table:
    path = folder / file.name
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise _missing(path) from None
    return parquet_bytes.decode(_checked_content(path, file, content))


def _missing(path: Path) -> DataFileDamaged:
    return DataFileDamaged(f"data file {path} is missing; {_advice(path.parent)}")


def _checked_content(path: Path, file: DerivedFile, content: bytes) -> bytes:
    actual = hashlib.sha256(content).hexdigest()
    if actual != file.sha256:
        message = (
            f"data file {path} has the sha256 {actual}, and its manifest says {file.sha256}; {_advice(path.parent)}"
        )
        raise DataFileDamaged(message)
    return content


def _encoded(table: pa.Table | Encoded) -> Encoded:
    return table if isinstance(table, Encoded) else Encoded(content=parquet_bytes.encode(table), rows=table.num_rows)


def _described(key: str, encoded: Encoded) -> DerivedFile:
    sha256 = hashlib.sha256(encoded.content).hexdigest()
    return DerivedFile(name=f"{key}.{sha256[:16]}.parquet", sha256=sha256, size=len(encoded.content), rows=encoded.rows)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and path.read_bytes() == content


def _render(manifest: Manifest) -> bytes:
    files = {
        key: {"name": file.name, "sha256": file.sha256, "size": file.size, "rows": file.rows}
        for key, file in manifest.files.items()
    }
    return (
        json.dumps({"inputs": manifest.inputs, "files": files}, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
    ).encode("utf-8")


def _file(key: str, value: object) -> DerivedFile:
    file = DerivedFile(**checked_fields(value, f"file {key!r}", name=str, sha256=str, size=int, rows=int))
    matched = _FILE_NAME.fullmatch(file.name)
    if not matched or matched[1] != key:
        message = f"it names the file {file.name!r} for {key!r}"
        raise ValueError(message)
    return file


def _texts(values: dict[str, object]) -> dict[str, str]:
    texts = {name: value for name, value in values.items() if isinstance(value, str)}
    if len(texts) != len(values):
        message = "its inputs are not all strings"
        raise ValueError(message)
    return texts


def _folder(lake_dir: Path, name: str) -> Path:
    if not _TABLE_NAME.fullmatch(name) or name in _NOT_DERIVED:
        message = f"{name!r} cannot be the name of a derived table; use lowercase letters, digits and _"
        raise ValueError(message)
    return lake_dir / name


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        message = f"{key!r} cannot be the key of a derived table; use lowercase letters, digits and -"
        raise ValueError(message)
    return key


def _advice(folder: Path) -> str:
    return f"remove the folder {folder} and run the command again: it is rebuilt from the lake"
