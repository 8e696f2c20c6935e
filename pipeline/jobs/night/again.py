"""What was read before, read again: a rule that was wrong yesterday does not cost the usage of yesterday.

Asked for, everything that is still there is read again. Every night, what could not be read, or stated no usage that
was found, is read again once the settings of its source or the reader have changed since. All of it is one commit.

Owns which segments are read again, from which logs, and what is told of it. Does not own the proof that a log still
has the bytes (``pipeline.collectors.again``) nor the commit (``pipeline.lake.rereading``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.collectors import KnownSources, read_again, read_by, records_beginning_like
from pipeline.jobs.night.left_out import without_forgotten
from pipeline.jobs.night.trial import is_worse, refused_source
from pipeline.jobs.wording import counted
from pipeline.lake import NewReading, Rereading
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.collectors import LogFormat
    from pipeline.collectors.batch_files import BatchOf
    from pipeline.collectors.segment import LogSegment, Segment
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.jobs.night.trial import RefusedSource
    from pipeline.jobs.state.forgotten.rules import WhatWasForgotten
    from pipeline.lake import LakeSnapshot
    from pipeline.lake.log.superseding import Place
    from pipeline.usage.sources import SourceRecord, Window

_SOURCES_NAMED_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAt:
    """A log that is there, and how it is read now."""

    path: LogPath
    """As it is opened."""
    source: str
    """As records call it."""
    name: str
    """The ``[[sources]]`` entry."""
    log_format: LogFormat
    """Of its source."""
    batch: BatchOf | None
    """Whose output it is, where its source says where batches lie."""
    follows_links: bool
    heads: tuple[Window, ...] | None = None
    """Of the records that the log begins like, where that is known without opening it."""

    def reads_otherwise(self, record: SourceRecord) -> bool:
        """Say whether a segment that failed, or that lacked its batch, is read otherwise today."""
        if self.batch is None:
            return _has_failed(record) and record.read_by != read_by(self.log_format)
        return self.batch.is_to_be_read_again(record.read_by, self.log_format, has_failed=_has_failed(record))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadAgain:
    """What was read again, and what came of it."""

    segments: int
    replaced_events: int
    new_events: int
    released: int
    """Lines that are quarantined no longer."""
    new_quarantined: int
    told_otherwise: int
    """Lines that stay quarantined and of which something else is told, such as whose they are."""
    gone: tuple[str, ...]
    """Sources of the segments that are not there as they were read, one for each segment."""
    forgotten: int
    """Segments that were meant and hold what was forgotten: they stay as they are."""
    without_batch: int
    """How many of these are there, and the batch object or the input file is not that they were read beside."""

    @property
    def has_changed(self) -> bool:
        """Whether anything counts otherwise than before."""
        return any((self.replaced_events, self.new_events, self.released, self.new_quarantined, self.told_otherwise))


NOTHING_AGAIN = ReadAgain(
    segments=0,
    replaced_events=0,
    new_events=0,
    released=0,
    new_quarantined=0,
    told_otherwise=0,
    gone=(),
    forgotten=0,
    without_batch=0,
)


def read_all_again(
    lake_dir: Path,
    snapshot: LakeSnapshot,
    logs: Sequence[LogAt],
    *,
    is_meant: Callable[[SourceRecord], bool],
    only_what_failed: bool,
    is_forced: bool,
    forgotten: WhatWasForgotten,
    fingerprint: Callable[[str], str],
    secret_check: Callable[[], str | None],
    now: datetime,
    processes: int,
) -> tuple[LakeSnapshot, ReadAgain, list[RefusedSource]]:
    """Read again what these logs hold, or of it ``only_what_failed`` and was read by another reader.

    What differs is committed, but for segments that are read worse than before, unless that ``is_forced``: these are
    returned, source by source. What was ``forgotten`` is not read again, nor is what a new reading finds of it. What
    ``is_meant`` and is not there is named in the answer. Raises ``CommitConflict`` where another run commits first.
    """
    every = dict(zip(snapshot.places, snapshot.sources, strict=True))
    wanted = {place: record for place, record in every.items() if not record.forgotten}
    left_alone = sum(bool(record.forgotten) and is_meant(record) for record in every.values())
    if only_what_failed:
        wanted = _failed_and_read_otherwise_now(wanted, logs)
    rereading = Rereading(lake_dir=lake_dir, snapshot=snapshot, committed_at=now)
    segments, without_batch, gone = 0, 0, []
    worse: dict[str, list[Segment]] = {}
    found = _logs_of(wanted, logs)
    of_origin: dict[int, list[Place]] = {}
    for place in wanted:
        of_origin.setdefault(place.commit, []).append(place)
    for origin, places in sorted(of_origin.items()):
        readings = []
        for place in places:
            record = wanted[place]
            candidates = found.get(place, [])
            if only_what_failed:
                own = [log for log in candidates if log.name == record.name]
                if not all(log.reads_otherwise(record) for log in own):
                    continue  # its source reads it as it was read
                candidates = [log for log in candidates if log.reads_otherwise(record)]
            kept = [log for log in candidates if log.batch is not None and log.batch.is_less_than(record.read_by)]
            without_batch += bool(kept)
            candidates = [log for log in candidates if log not in kept]
            read = _read(record, candidates, fingerprint, processes) if rereading.is_told_apart(place) else None
            segment = None if read is None else without_forgotten(read, forgotten)
            if segment is None:
                if is_meant(record):
                    gone.append(record.source)
            elif not is_forced and is_worse(record, segment.record):
                worse.setdefault(segment.record.name, []).append(segment)
            else:
                readings.append(
                    NewReading(
                        place=place, record=segment.record, events=segment.events, quarantined=segment.quarantined
                    )
                )
        rereading.supersede(origin, readings)
        segments += len(readings)
    after = rereading.commit(secret_check())
    again = ReadAgain(
        segments=segments,
        replaced_events=rereading.replaced_events,
        new_events=rereading.new_events,
        released=rereading.released,
        new_quarantined=rereading.new_quarantined,
        told_otherwise=rereading.told_otherwise,
        gone=tuple(gone),
        forgotten=left_alone,
        without_batch=without_batch,
    )
    return after, again, [refused_source(name, its, is_again=True) for name, its in worse.items()]


def again_text(again: ReadAgain, *, why: str) -> str:
    """Say in one line what was read again, and what came of it."""
    read = f"read {counted(again.segments, 'segment', 'segments')} of logs again ({why})"
    if not again.has_changed:
        return f"{read}: nothing differs"
    return (
        f"{read}: {counted(again.replaced_events, 'event')} superseded, {again.new_events} in their place or new; "
        f"{counted(again.released, 'line')} out of the quarantine, {again.new_quarantined} into it"
    ) + (f", {again.told_otherwise} that stay there told otherwise" if again.told_otherwise else "")


def gone_text(again: ReadAgain) -> str:
    """Say in one line what is not there any more."""
    sources = list(dict.fromkeys(again.gone))
    named = ", ".join(sources[:_SOURCES_NAMED_MAX]) + (", …" if len(sources) > _SOURCES_NAMED_MAX else "")
    batches = " with the batch object and the input file that they were read beside" if again.without_batch else ""
    return (
        f"{counted(len(again.gone), 'segment', 'segments')} of {named} could not be read again, since no log has "
        f"these bytes any more{batches}: what was read of them stays as it is; put the logs back and run "
        "'tallybook collect --again' to read them"
    )


def _failed_and_read_otherwise_now(
    records: Mapping[Place, SourceRecord], logs: Sequence[LogAt]
) -> dict[Place, SourceRecord]:
    """Return what has lines that could not be read, or that state no usage, and whose source is read otherwise now.

    Or whose source is none of these any more; and everything of sources whose logs have batches, which may have come.
    """
    of_batches = {log.name for log in logs if log.batch is not None}
    failed = {place: record for place, record in records.items() if record.name in of_batches or _has_failed(record)}
    readers = {log.name: read_by(log.log_format) for log in logs if log.batch is None} if failed else {}
    return {place: record for place, record in failed.items() if record.read_by != readers.get(record.name, "")}


def _has_failed(record: SourceRecord) -> bool:
    return bool(record.quarantined or record.events.get(UsageStatus.UNKNOWN.value))


def _logs_of(wanted: Mapping[Place, SourceRecord], logs: Sequence[LogAt]) -> dict[Place, list[LogAt]]:
    """Return, for each segment, the logs that begin as its log did; those of its own name first."""
    if not wanted:
        return {}
    known = KnownSources(wanted.values())
    places = {id(record): place for place, record in wanted.items()}
    found: dict[Place, list[LogAt]] = {}
    heads = {record.head for record in wanted.values()}
    for log in logs:
        if log.heads is not None and heads.isdisjoint(log.heads):
            continue
        for record in records_beginning_like(log.path, log.log_format, known, follows_links=log.follows_links):
            found.setdefault(places[id(record)], []).append(log)
    return {
        place: [
            *(log for log in candidates if log.source == wanted[place].source),
            *(log for log in candidates if log.source != wanted[place].source),
        ]
        for place, candidates in found.items()
    }


def _read(
    record: SourceRecord, logs: Sequence[LogAt], fingerprint: Callable[[str], str], processes: int
) -> LogSegment | None:
    for log in logs:
        segment = read_again(
            log.path,
            record,
            name=log.name,
            log_format=log.log_format,
            fingerprint=fingerprint,
            follows_links=log.follows_links,
            processes=processes,
            batch=log.batch,
        )
        if segment is not None:
            return segment
    return None
