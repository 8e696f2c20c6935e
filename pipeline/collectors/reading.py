"""A log and what is known of it, to the stretches that are new: the one entrance of this package for ``pipeline.jobs``.

Owns the course of reading one log. Does not own which logs there are, the commit, or what a problem means for the run;
writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from pipeline.collectors.decode import decode_line
from pipeline.collectors.lineage import continue_from, window
from pipeline.collectors.lines import LineSplitter
from pipeline.collectors.log_file import open_log
from pipeline.collectors.problems import LogUnreadable, SourceProblem
from pipeline.collectors.stretch import Stretch, StretchBuilder
from pipeline.sources import SourceRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence
    from pathlib import Path

    from pipeline.collectors.log_file import LogFile
    from pipeline.collectors.log_format import LogFormat


class LogReading(Iterator[Stretch]):
    """The new stretches of one log, read while they are asked for.

    Each stretch may be committed as it comes: nothing in it can turn out to be unverified later. Once the iteration has
    ended, ``pending_bytes`` and ``problem`` are final.
    """

    def __init__(
        self,
        path: Path,
        *,
        source: str,
        name: str,
        log_format: LogFormat,
        fingerprint: Callable[[str], str],
        known: Sequence[SourceRecord],
        stretch_events_max: int,
        follows_links: bool,
    ) -> None:
        self.pending_bytes = 0
        """Bytes (decompressed) after the last complete line, left for the next run."""
        self.problem: SourceProblem | None = None
        """Why the log, or the rest of it, was not read."""
        self._source = source
        self._name = name
        self._log_format = log_format
        self._fingerprint = fingerprint
        self._known = known
        self._stretch_events_max = stretch_events_max
        self._stretches = self._read(path, follows_links=follows_links)

    def __next__(self) -> Stretch:
        """Read the next stretch; raises what ``fingerprint`` raises."""
        return next(self._stretches)

    def close(self) -> None:
        """Give the file back before the end has been reached."""
        self._stretches.close()

    def _read(self, path: Path, *, follows_links: bool) -> Generator[Stretch, None, None]:
        offset = 0
        try:
            with open_log(path, self._log_format, follows_links=follows_links) as log:
                for stretch in self._read_log(log):
                    offset = stretch.record.end
                    yield stretch
        except LogUnreadable as error:
            self.problem = self._problem(error, offset)

    def _read_log(self, log: LogFile) -> Iterator[Stretch]:
        place = continue_from(self._known, log)
        if place.problem is not None:
            self.problem = self._problem(place.problem, place.end)
        if place.start >= place.end:
            return
        head = log.head()
        splitter = LineSplitter(
            log.span(place.start, place.end),
            start=place.start,
            first_line=place.first_line,
            before=place.before,
            line_bytes_max=self._log_format.line_bytes_max,
        )
        builder = StretchBuilder()
        for line in splitter:
            builder.add(decode_line(line, source=self._source, log_format=self._log_format, fingerprint=self._fingerprint))
            if builder.rows >= self._stretch_events_max:
                yield self._stretch(builder, splitter, log, head)
                splitter.begin_stretch()
                builder = StretchBuilder()
        if builder.lines:
            yield self._stretch(builder, splitter, log, head)
        self.pending_bytes = place.end - splitter.end

    def _stretch(self, builder: StretchBuilder, splitter: LineSplitter, log: LogFile, head: bytes) -> Stretch:
        events, quarantined = builder.tables()
        record = SourceRecord(
            source=self._source,
            name=self._name,
            compression=log.compression.value,
            file_size=log.file_size,
            start=splitter.stretch_start,
            end=splitter.end,
            first_line=splitter.next_line - builder.lines,
            sha256=splitter.stretch_sha256,
            head=window(head[: splitter.end]),
            tail=window(splitter.tail),
            lines=builder.lines,
            blank=builder.blank,
            quarantined=dict(sorted(builder.quarantined.items())),
            events=dict(sorted(builder.events.items())),
        )
        return Stretch(record=record, events=events, quarantined=quarantined)

    def _problem(self, error: LogUnreadable, offset: int) -> SourceProblem:
        return SourceProblem(source=self._source, reason=error.reason, offset=offset, detail=error.detail)


def read_log(
    path: Path,
    *,
    source: str,
    name: str,
    log_format: LogFormat,
    fingerprint: Callable[[str], str],
    known: Sequence[SourceRecord] = (),
    stretch_events_max: int = 1_000_000,
    follows_links: bool = False,
) -> LogReading:
    """Read what is new in a log.

    ``source`` is the name that rows and records carry, ``name`` the ``[[sources]]`` entry; ``known`` are the records of
    everything collected so far, by this run too, of this log and of others. ``fingerprint`` is called for raw keys only; what it raises
    ends the reading. A log that cannot be read raises nothing: see ``LogReading.problem``. Nothing is read before the
    first stretch is asked for.
    """
    return LogReading(
        path,
        source=source,
        name=name,
        log_format=log_format,
        fingerprint=fingerprint,
        known=known,
        stretch_events_max=stretch_events_max,
        follows_links=follows_links,
    )
