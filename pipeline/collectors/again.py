"""A segment of a log read again, where its bytes are still there.

Or only hashed again, to see whether they are. Owns the proof: the digest of the very bytes that are decoded is the one
that was recorded. Does not own the course of reading (``reading``) nor what the new reading is for
(``pipeline.jobs.night.again``). Writes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.formats.log_format import LogFormat
from pipeline.collectors.logs.hashed_again import hash_segments, nothing_of
from pipeline.collectors.logs.lineage import Continuation, window
from pipeline.collectors.logs.log_file import WINDOW_BYTES, open_log
from pipeline.collectors.logs.problems import LogUnreadable
from pipeline.collectors.logs.stored.compression import Compression
from pipeline.collectors.reading.log_reading import LogReading

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.collectors.batch_files import BatchOf
    from pipeline.collectors.logs.hashed_again import Hashed
    from pipeline.collectors.logs.lineage import KnownSources
    from pipeline.collectors.logs.log_file import LogFile
    from pipeline.collectors.segment import LogSegment
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.usage.sources import SourceRecord

_ALL_OF_IT = 2**63 - 1


def records_beginning_like(
    path: LogPath, log_format: LogFormat, known: KnownSources, *, follows_links: bool
) -> list[SourceRecord]:
    """Return the records that may be of a log, by its first bytes; none of one that cannot be opened."""
    try:
        with open_log(path, log_format, follows_links=follows_links) as log:
            return known.with_head_of(log.head())
    except LogUnreadable:
        return []


def hash_log(path: LogPath, records: Sequence[SourceRecord]) -> list[Hashed]:
    """Return what a log has in the places of the segments of ``records``, in their order; nothing is decoded.

    Of a log that cannot be opened there is nothing. Raises ``DigestUnavailable`` where nobody here can make the digest
    of a record.
    """
    if not records:
        return []
    try:
        with open_log(path, LogFormat()) as log:
            return hash_segments(log, records)
    except LogUnreadable as error:
        return [nothing_of(record, f"{error.detail} ({error.reason})") for record in records]


def read_again(
    path: LogPath,
    record: SourceRecord,
    *,
    name: str,
    log_format: LogFormat,
    fingerprint: Callable[[str], str],
    follows_links: bool = False,
    processes: int = 1,
    batch: BatchOf | None = None,
) -> LogSegment | None:
    """Read the segment of a record again in a log, as the ``[[sources]]`` entry ``name`` is read now.

    ``None`` where these bytes are not there, or not all of them. Rows and record keep the source of ``record``, so that
    they are known for those of its segment whatever the log is called by now. Raises what ``fingerprint`` raises, and
    ``DigestUnavailable`` where nobody here can compare the bytes with the record.
    """
    reading = LogReading(
        path,
        source=record.source,
        name=name,
        log_format=log_format,
        fingerprint=fingerprint,
        known=(),
        segment_events_max=_ALL_OF_IT,
        follows_links=follows_links,
        on_bytes=None,
        processes=processes,
        reader="fast",
        batch=batch,
    )
    try:
        with open_log(path, log_format, follows_links=follows_links) as log:
            before = b"".join(log.span(max(record.start - WINDOW_BYTES, 0), record.start))
            if log.compression is Compression.NONE and not _ends_alike(log, record):
                return None
            place = Continuation(
                start=record.start,
                first_line=record.first_line,
                before=before,
                end=record.end,
                problem=None,
                is_segment=True,
                algorithm=record.digest.algorithm,
            )
            segments = list(reading.segments_from(log, place))
    except LogUnreadable:
        return None
    # One segment, since nothing fills it; none where the log has lost its line ends.
    return segments[0] if len(segments) == 1 and _is_same(segments[0].record, record) else None


def _is_same(one: SourceRecord, other: SourceRecord) -> bool:
    """Compare what a record keeps however its segment is read: whoever replaces another is refused by the log else."""
    return (one.end, one.lines, one.digest) == (other.end, other.lines, other.digest)


def _ends_alike(log: LogFile, record: SourceRecord) -> bool:
    """Look at the last bytes of the segment before all of it is read."""
    return window(b"".join(log.span(record.end - record.tail.size, record.end))) == record.tail
