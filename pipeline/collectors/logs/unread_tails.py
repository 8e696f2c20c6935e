"""Logs that are found no more and had bytes that nobody read: renamed out of the globs, truncated, or gone.

Owns how such a log is told from one that was read to its end and removed: by the records of what was collected, and by
the bytes of files that lie beside it under other names. Does not own which files the globs name
(``pipeline.configuration.source_files``) nor what a run makes of it (``pipeline.jobs``). Only plain logs: whoever
compresses a log has ended it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.logs.lineage import KnownSources, continue_from
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason, SourceProblem
from pipeline.collectors.logs.stored.compression import Compression

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.usage.sources import SourceRecord


def ends_of(records: Iterable[SourceRecord], met: Collection[SourceRecord]) -> list[SourceRecord]:
    """Return the last record of each plain log that no later record continues and no file that was met does."""
    records = list(records)
    continued = {(record.start, record.first_line) for record in records if record.start}
    seen = {(record.end, record.tail.sha256) for record in met}
    return [
        record
        for record in records
        if record.compression == Compression.NONE
        and (record.end, record.next_line) not in continued
        and (record.end, record.tail.sha256) not in seen
    ]


def unread_tails(
    ends: Sequence[SourceRecord], beside: Iterable[Path], *, name_of: Callable[[Path], str], log_format: LogFormat
) -> Iterator[SourceProblem]:
    """Yield what is unread of logs that are found no more, one problem a log, in the order of ``ends``.

    ``ends`` are those of ``ends_of``; ``beside`` are the files, under no glob, that lie where these logs lay.
    """
    known = KnownSources(ends)
    found: dict[tuple[int, str], tuple[str, int]] = {}
    for path in beside:
        try:
            with open_log(path, log_format) as log:
                place = continue_from(known, log) if log.compression is Compression.NONE else None
                if place is not None and place.record is not None:
                    unread = log.file_size - place.start
                    found[place.record.end, place.record.tail.sha256] = (name_of(path), unread)
        except LogUnreadable:
            continue  # what cannot be read is none of ours, as far as anybody knows
    for record in ends:
        name, unread = found.get((record.end, record.tail.sha256), ("", record.file_size - record.end))
        if unread:
            what = (
                f"it lies at {name} now, where no glob of source {record.name!r} finds it, and {unread} bytes of it "
                "are unread; widen its paths, or run 'tallybook collect' on that file"
                if name
                else f"it is found no more, and its last {unread} bytes were unread, which had no line end yet; put it "
                f"back under the paths of source {record.name!r}, or, if it is lost, add it to the source's gone"
            )
            yield SourceProblem(source=record.source, reason=ProblemReason.TAIL_UNREAD, offset=record.end, detail=what)
