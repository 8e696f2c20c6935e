"""The part of a log entry that says which files were compacted: many small ones lie in one now, one behind the other.

A compacted file holds the rows of *parts*, each of which was a file of its own. What a part is does not change: it
keeps its path, by which entries and counts name it, the commit whose lines it holds, and whether it counts. So an entry
states where rows lie, and nothing else of them. From then on the files of before may be gone, and only then are they
removed.

All parts of a compacted file count, or none does: where one of them is superseded or forgotten, the others are written
anew by the same entry. So other engines, which know files alone, read what counts by Delta's ``add`` and ``remove``.

Does not own which files are compacted (``pipeline.jobs.upkeep.compact``), how they are written (``compacted_files``),
nor what then lies where (``applying``).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline.objects.encoded.strict_json import checked_fields
from pipeline.objects.layout import is_data_path

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What was a file of its own."""

    path: str
    """Of a file that a commit added, or of a compacted file, all of whose parts are meant."""
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CompactedFile:
    """A file of parts; ``path`` is relative to the table, or to the quarantine."""

    path: str
    sha256: str
    size: int
    rows: int
    in_force: bool
    """Whether its parts count; else they are kept, since invoices were issued from them."""
    parts: tuple[Part, ...]
    """One behind the other, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """Where the rows of a part lie."""

    file: CompactedFile
    start: int
    """The number of the first row, from 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """What an entry says of files that are compacted."""

    data_files: tuple[CompactedFile, ...]
    quarantine_files: tuple[CompactedFile, ...]
    removed: tuple[str, ...]
    """Paths of the files, compacted or not, that leave the table."""


STATED: Mapping[str, type] = {"compacts": dict}
"""The field of ``commitInfo`` that ``rendered`` gives, and its type."""


def rendered(compaction: Compaction) -> dict[str, Any]:
    """Return it as ``commitInfo`` states it, but for what leaves the table, which has actions of its own."""
    return {
        "compacts": {
            "files": [_stated(file) for file in compaction.data_files],
            "quarantine": [_stated(file) for file in compaction.quarantine_files],
        }
    }


def parsed(info: Mapping[str, Any], removed: tuple[str, ...]) -> Compaction:
    """Read it back from ``commitInfo``. Raises ``ValueError`` for what is not ours."""
    stated = checked_fields(info["compacts"], "compacts", files=list, quarantine=list)
    found = Compaction(
        data_files=tuple(_file(each, is_of_events=True) for each in stated["files"]),
        quarantine_files=tuple(_file(each, is_of_events=False) for each in stated["quarantine"]),
        removed=removed,
    )
    if not found.data_files and not found.quarantine_files and not removed:
        message = "it compacts no file"
        raise ValueError(message)
    return found


def date_of(path: str) -> date:
    """Return the date of a data file by its path."""
    return date.fromisoformat(path.partition("/")[0].removeprefix("date="))


def _stated(file: CompactedFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "size": file.size,
        "inForce": file.in_force,
        "parts": [asdict(part) for part in file.parts],
    }


def _file(value: Any, *, is_of_events: bool) -> CompactedFile:
    fields = checked_fields(value, "a compacted file", path=str, size=int, inForce=bool, parts=list)
    parts = tuple(Part(**checked_fields(part, "a part", path=str, rows=int)) for part in fields["parts"])
    folders = set()
    for path in (fields["path"], *(part.path for part in parts)):
        folders.add(path.rpartition("/")[0])
        if not is_data_path(path, is_of_events=is_of_events):
            message = f"it compacts {path!r}, which is no file of ours"
            raise ValueError(message)
    if len(folders) != 1 or len({part.path for part in parts}) != len(parts) or not parts:
        message = f"it compacts files of {len(folders)} dates into {fields['path']}, or one twice, or none"
        raise ValueError(message)
    return CompactedFile(
        path=fields["path"],
        sha256=fields["path"].rpartition("/")[2].removesuffix(".parquet"),
        size=fields["size"],
        rows=sum(part.rows for part in parts),
        in_force=fields["inForce"],
        parts=parts,
    )
