"""Logs on object stores in a night: what of them need not be fetched, and what is noted of those that were read.

Owns the way between the notes (``pipeline.jobs.state.stored``) and a run of ``collect``. Does not own either.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.collectors import read_by
from pipeline.configuration.stored.key_glob import KeyGlob, is_stored
from pipeline.configuration.stored.stored_log import StoredLog
from pipeline.jobs.state.log_formats import log_format_of
from pipeline.jobs.state.stored.listings import next_listing
from pipeline.jobs.state.stored.notes import Note, heads_of, heads_text, read_notes
from pipeline.jobs.wording import counted

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import datetime

    from pipeline.collectors import LogReading
    from pipeline.configuration.source_files import ListedGlob
    from pipeline.configuration.source_settings import SourceSettings
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.night.logs.logs_to_read import LogOfSource
    from pipeline.jobs.night.on_workers.read_there import ReadThere
    from pipeline.jobs.state.stored.notes import CollectedObject, StoredNotes
    from pipeline.usage.sources import SourceRecord, Window


@dataclass(kw_only=True)
class StoredLogs:
    """The logs on stores of one run; of a workspace that has none nothing is read or written."""

    workspace: Workspace
    now: datetime
    _readers: dict[str, str] = field(default_factory=dict)
    _read: dict[str, Note] = field(default_factory=dict)

    @cached_property
    def has_any(self) -> bool:
        """Whether a source names a store."""
        return any(is_stored(path) for source in self.workspace.settings.sources for path in source.paths)

    @cached_property
    def notes(self) -> StoredNotes:
        """What is known of earlier nights."""
        return read_notes(self.workspace.lake)

    def listed_after(self, names: Collection[str]) -> dict[str, str]:
        """Return the keys behind which the globs of sources, all or those named, are listed tonight, by globs."""
        found: dict[str, str] = {}
        for source in self.workspace.settings.sources:
            for path in source.paths if source.full_listing_days and (not names or source.name in names) else ():
                listing = self.notes.listings.get(path) if is_stored(path) else None
                mark = None if listing is None else listing.after(self.now, source.full_listing_days)
                if listing is not None and mark is not None:
                    collected = sum(1 for _ in self.notes.records_up_to(KeyGlob(path), mark))
                    found |= {path: mark} if collected == listing.collected else {}
        return found

    def begin(self, records: Sequence[SourceRecord]) -> None:
        """Begin with what the lake has collected."""
        self._read.clear()
        if self.has_any:
            self.notes.believe(records)

    def unchanged(self, log: LogOfSource) -> CollectedObject | None:
        """Return what was collected of a log; ``None`` of one that has to be opened."""
        if not isinstance(log.target, StoredLog) or not self.notes.notes:
            return None
        return self.notes.collected(log.target, self._read_by(log.source))

    def before_marks(self, listings: Sequence[ListedGlob]) -> Iterator[SourceRecord]:
        """Yield the last record of each log that was not listed, since it lies before a mark."""
        for listing in listings:
            if listing.after is not None:
                yield from self.notes.records_up_to(listing.glob, listing.after)

    def heads(self, log: LogOfSource) -> tuple[Window, ...] | None:
        """Return the heads of the records that a log begins like; ``None`` of one that has to be opened to know."""
        unchanged = self.unchanged(log)
        return None if unchanged is None else heads_of(unchanged.note)

    @contextmanager
    def reading_ahead(
        self, logs: Sequence[LogOfSource], is_wanted: Callable[[LogPath], bool] | None
    ) -> Iterator[Callable[[LogPath], LogPath]]:
        """Yield what returns a log as it is to be opened, where objects are asked for in the order of ``logs``.

        Those that are not ``is_wanted``, since workers read them, are not.
        """
        if not any(isinstance(log.target, StoredLog) for log in logs):
            yield lambda target: target
            return
        from pipeline.collectors.logs.stored.object_bytes import reading_ahead  # noqa: PLC0415  # few have logs there

        with reading_ahead((log.target for log in logs), is_wanted=is_wanted or (lambda _: True)) as opened:
            yield opened

    def read(self, log: LogOfSource, reading: LogReading | ReadThere, last: SourceRecord | None) -> None:
        """Take in what was read of a log; ``last`` is the record of its last segment that was read now."""
        if not isinstance(log.target, StoredLog):
            return
        record = last or reading.continued
        if record is not None and reading.problem is None:
            note = Note(
                size=log.target.size,
                tag=log.target.tag,
                end=record.end,
                digest=record.digest.digits,
                heads=heads_text((*reading.heads, record.head)),
                pending=reading.pending_bytes,
                read_by=self._read_by(log.source) if reading.pending_bytes else "",
            )
            self._read[log.target.url] = note

    def keep_read(self, records: Sequence[SourceRecord]) -> None:
        """Keep the notes of what was read, as far as it is committed: ``records`` are all that are."""
        if self._read:
            self.notes.take(self._read)
            self.notes.believe(records)
            self.notes.write()

    def keep_listed(self, listings: Sequence[ListedGlob]) -> None:
        """Keep what is known after a run that has read all that was listed."""
        if not listings:
            return
        listed = {log.url for each in listings for log in each.logs}
        for each in listings:
            self.notes.drop(each.glob, listed, after=each.after)
            before = self.notes.listings.get(each.glob.glob)
            listing = next_listing(
                before, each.logs, after=each.after, now=self.now, is_done_with=self.notes.is_done_with
            )
            if listing.mark is not None and self._days_of(each.glob.glob):
                collected = sum(1 for _ in self.notes.records_up_to(each.glob, listing.mark))
                listing = replace(listing, collected=collected)
            self.notes.list(each.glob.glob, listing)
        self.notes.write()

    def told(self, listings: Sequence[ListedGlob]) -> Iterator[str]:
        """Say, a line each, of which globs not all keys were listed, and when they were and will be."""
        for each in listings:
            before = self.notes.listings.get(each.glob.glob)
            if each.after is not None and before is not None:
                due = before.due_at(self._days_of(each.glob.glob))
                yield (
                    f"{each.glob.glob}: {counted(len(each.logs), 'log')} listed behind {each.after}; all were listed "
                    f"on {before.all_at:%Y-%m-%d} and are again from {due:%Y-%m-%d} on"
                )

    def _days_of(self, glob: str) -> int:
        return max(each.full_listing_days for each in self.workspace.settings.sources if glob in each.paths)

    def _read_by(self, source: SourceSettings) -> str:
        if source.name not in self._readers:
            self._readers[source.name] = read_by(log_format_of(self.workspace.settings, source))
        return self._readers[source.name]
