"""A note of each object that was collected: which content of it, and by which record of the lake it was.

An object that is listed with the size and the tag of its note is not fetched again, as long as the lake has the record.
What is lost here costs the heads of the objects once more, and nothing else: they are known again by their content.

Owns what a note says, when it is believed, and how notes are kept (``pipeline.lake.counted``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.base.errors import DataFileDamaged
from pipeline.jobs.state.stored.listings import listings_bytes, listings_from
from pipeline.lake.counted import WHOLE, NewEntry, read_entries, read_piece, write_entries
from pipeline.objects.encoded import arrow_bytes
from pipeline.usage.sources import Window

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from pathlib import Path

    from pipeline.configuration.stored.key_glob import KeyGlob
    from pipeline.configuration.stored.stored_log import StoredLog
    from pipeline.jobs.state.stored.listings import Listing
    from pipeline.usage.sources import SourceRecord

KIND = "stored_logs"
LISTINGS_KIND = "stored_listings"
"""Apart from the notes, since these are many and change less often."""
_FORM = "1"
"""Of what is kept; another one is not read."""
_PIECE = "whole"
_SCHEMA = pa.schema(
    [
        ("url", pa.string()),
        ("size", pa.int64()),
        ("tag", pa.string()),
        ("end", pa.int64()),
        ("digest", pa.string()),
        ("heads", pa.string()),
        ("pending", pa.int64()),
        ("read_by", pa.string()),
    ]
)


class Note(NamedTuple):
    """What was collected of an object. There may be a million of them."""

    size: int
    tag: str
    end: int
    """Of the last segment, in bytes of the decompressed log."""
    digest: str
    """Of the last segment, in hexadecimal digits."""
    heads: str
    """The heads of all records that the object begins like, as ``heads_text`` writes them."""
    pending: int
    """Bytes (decompressed) after the last line end, which are no line yet."""
    read_by: str
    """What read it, where something is pending: another reader may see a line there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectedObject:
    """What was collected of an object that is unchanged since."""

    note: Note
    record: SourceRecord
    """Of its last segment."""


@dataclass(slots=True, kw_only=True)
class StoredNotes:
    """The notes of a lake, as of when they were read, and those that are taken since."""

    lake: Path
    notes: dict[str, Note] = field(default_factory=dict)
    """By the addresses of the objects."""
    listings: dict[str, Listing] = field(default_factory=dict)
    """By globs."""
    _has_changed: bool = False
    _has_listed: bool = False
    _records: dict[tuple[int, str], SourceRecord] = field(default_factory=dict)

    def believe(self, records: Iterable[SourceRecord]) -> None:
        """Believe the notes of these records, and no others."""
        noted = {(note.end, note.digest) for note in self.notes.values()}
        keyed = ((_key_of(record), record) for record in records) if noted else ()
        self._records = {key: record for key, record in keyed if key in noted}

    def collected(self, log: StoredLog, read_by: str) -> CollectedObject | None:
        """Return what was collected of an object; ``None`` where it is another one by now, or has to be read."""
        note = self.notes.get(log.url)
        if note is None or (note.size, note.tag) != (log.size, log.tag):
            return None
        record = self._records.get((note.end, note.digest))
        if record is None or (note.pending and note.read_by != read_by):
            return None
        return CollectedObject(note=note, record=record)

    def take(self, notes: Mapping[str, Note]) -> None:
        """Take these notes, by addresses; they are believed once their records are."""
        self._has_changed = self._has_changed or any(self.notes.get(url) != note for url, note in notes.items())
        self.notes.update(notes)

    def list(self, glob: str, listing: Listing) -> None:
        """Note what was listed."""
        self._has_listed = self._has_listed or self.listings.get(glob) != listing
        self.listings[glob] = listing

    def is_done_with(self, log: StoredLog) -> bool:
        """Say whether an object needs no further look while it is unchanged; one without bytes has nothing to note."""
        note = self.notes.get(log.url)
        if note is None or (note.size, note.tag) != (log.size, log.tag):
            return not log.size
        return (note.end, note.digest) in self._records and not note.pending

    def records_up_to(self, glob: KeyGlob, mark: str) -> Iterator[SourceRecord]:
        """Yield the records of the noted objects that a glob names, up to and with a key."""
        for url, note in self.notes.items():
            record = self._records.get((note.end, note.digest))
            if record is not None and _is_named(glob, url, upto=mark):
                yield record

    def drop(self, glob: KeyGlob, listed: Collection[str], *, after: str | None) -> None:
        """Forget the notes of what a glob names and was not listed, though it would have been."""
        gone = [
            url
            for url in self.notes
            if url not in listed and _is_named(glob, url) and (after is None or not _is_named(glob, url, upto=after))
        ]
        for url in gone:
            del self.notes[url]
            self._has_changed = True

    def write(self) -> None:
        """Keep the notes, where they have changed. Only for the holder of the workspace's lock."""
        if self._has_changed:
            _write(self.lake, KIND, arrow_bytes.encode(_table(self.notes)))
        if self._has_listed:
            _write(self.lake, LISTINGS_KIND, listings_bytes(self.listings))
        self._has_changed = self._has_listed = False


def heads_text(heads: Iterable[Window]) -> str:
    """Write heads as a note has them, each once."""
    return ",".join(dict.fromkeys(f"{head.size}:{head.sha256}" for head in heads))


def heads_of(note: Note) -> tuple[Window, ...]:
    """Read the heads of a note."""
    parts = (each.partition(":") for each in note.heads.split(",") if each)
    return tuple(Window(size=int(size), sha256=sha256) for size, _, sha256 in parts)


def read_notes(lake: Path) -> StoredNotes:
    """Return the notes of a lake; none where there are none, or damaged ones."""
    notes: dict[str, Note] = {}
    if (content := _read(lake, KIND)) is not None:
        rows = arrow_bytes.decode(content)
        columns = [rows[name].to_pylist() for name in _SCHEMA.names]
        notes = {url: Note(*row) for url, *row in zip(*columns, strict=True)}
    return StoredNotes(lake=lake, notes=notes, listings=read_listings(lake))


def read_listings(lake: Path) -> dict[str, Listing]:
    """Return what is known of listings, by globs; nothing where it is lost or damaged, so that all keys are listed."""
    content = _read(lake, LISTINGS_KIND)
    return {} if content is None else listings_from(content)


def _read(lake: Path, kind: str) -> bytes | None:
    entry = read_entries(lake, kind).get(WHOLE)
    if entry is None or entry.inputs != _FORM:
        return None
    try:
        return read_piece(lake, kind, entry, _PIECE)
    except DataFileDamaged:
        return None


def _write(lake: Path, kind: str, content: bytes) -> None:
    write_entries(lake, kind, {}, {WHOLE: NewEntry(inputs=_FORM, pieces={_PIECE: content})})


def _is_named(glob: KeyGlob, url: str, *, upto: str | None = None) -> bool:
    key = url.removeprefix(f"{glob.bucket}/")
    return key != url and glob.names(key) and (upto is None or key <= upto)


def _key_of(record: SourceRecord) -> tuple[int, str]:
    return record.end, record.digest.digits


def _table(notes: Mapping[str, Note]) -> pa.Table:
    listed = sorted(notes.items())
    columns = {
        "url": [url for url, _ in listed],
        **{name: [getattr(note, name) for _, note in listed] for name in Note._fields},
    }
    return pa.table({name: pa.array(columns[name], type=_SCHEMA.field(name).type) for name in _SCHEMA.names})
