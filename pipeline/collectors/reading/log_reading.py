"""A log and what is known of it, to the segments that are new: the one entrance for ``pipeline.jobs``.

Owns the course: from where on, whether it is to be believed, where a segment ends, and its record. Does not own which
logs there are, the commit, or what a problem means for the run; writes nothing. What splits and decodes is imported
only once a log has something new.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeAlias

from pipeline.base.errors import TallybookError
from pipeline.collectors.formats.log_format import read_by
from pipeline.collectors.logs.lineage import Continuation, KnownSources, believed, continue_from, window
from pipeline.collectors.logs.log_file import open_log
from pipeline.collectors.logs.problems import LogUnreadable, ProblemReason, SourceProblem
from pipeline.collectors.logs.stored.compression import Compression
from pipeline.collectors.logs.stored.other_formats import BEGINNING_BYTES_MAX, refuse_other_formats
from pipeline.usage.sources import SourceRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Sequence

    from pipeline.collectors.batch_files import BatchOf
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.kernel.in_order import InOrder
    from pipeline.collectors.logs.log_file import LogFile
    from pipeline.collectors.reading.splitting import Split
    from pipeline.collectors.segment import LogSegment, SegmentBuilder
    from pipeline.collectors.wrappers import Wrapper
    from pipeline.configuration.stored.stored_log import LogPath
    from pipeline.usage.sources import Window

Reader: TypeAlias = Literal["fast", "plain"]
"""How lines are decoded: many at a time where that is proven to be the same, or one by one; the rows are the same."""

_TO_THE_END = 2**63 - 1
_EXPANSION = 8
"""By how much compressed logs are taken to expand, when it is asked whether there is much to read."""
_DOUBTED_LINES_MAX = 2**18
"""So many lines, blank ones too, are read of a compressed log before it is known whether it is one at all."""


class LinesLost(TallybookError):
    """Lines of a log became neither events nor quarantined nor blank ones: a fault of this program."""


class _NotBelieved(TallybookError):
    """A compressed log is to be believed up to a place only."""

    def __init__(self, believed: Continuation) -> None:
        super().__init__("the log is damaged")
        self.believed = believed


class _Doubt:
    """Whether a compressed log is to be believed, until somebody decompresses it to find out."""

    def __init__(self, log: LogFile) -> None:
        self.is_settled = False
        self._log = log

    def settle(self) -> None:
        """Find out. Raises ``_NotBelieved`` where the log is to be believed in part."""
        if not self.is_settled:
            place = believed(self._log)
            if place.problem is not None:
                raise _NotBelieved(place)
            self.is_settled = True


class LogReading(Iterator["LogSegment"]):
    """The new segments of one log, read while they are asked for.

    Each segment may be committed as it comes: nothing in it can turn out to be unverified later. Once the iteration has
    ended, ``pending_bytes`` and ``problem`` are final.
    """

    def __init__(
        self,
        path: LogPath,
        *,
        source: str,
        name: str,
        log_format: LogFormat,
        fingerprint: Callable[[str], str],
        known: Sequence[SourceRecord] | KnownSources,
        segment_events_max: int,
        follows_links: bool,
        on_bytes: Callable[[int], None] | None,
        processes: int,
        reader: Reader,
        batch: BatchOf | None = None,
    ) -> None:
        self.pending_bytes = 0
        """Bytes (decompressed) after the last complete line, left for the next run."""
        self.problem: SourceProblem | None = None
        """Why the log, or the rest of it, was not read."""
        self.kernel_failures = 0
        """How many blocks the kernel failed at; their lines were read one by one, and nothing is missing."""
        self.continued: SourceRecord | None = None
        """What had been collected of the log before, the last of it."""
        self.heads: tuple[Window, ...] = ()
        """The heads of the records that the log begins like, as far as they were known when it was opened."""
        self._path = path
        self._source = source
        self._name = name
        self._log_format = log_format
        self._fingerprint = fingerprint
        self._known = known if isinstance(known, KnownSources) else KnownSources(known)
        self._on_bytes = on_bytes
        self._processes = processes
        self._segment_events_max = segment_events_max
        self._is_fast = reader == "fast"
        self._batch = batch
        self._is_begun = False
        self._next_line = 1
        self._segments = self._read(follows_links=follows_links)

    def __next__(self) -> LogSegment:
        """Read the next segment; raises what ``fingerprint`` raises."""
        return next(self._segments)

    @property
    def batch_texts(self) -> list[str]:
        """Say what of the log's batch was not there when lines were read; nothing where none were."""
        if self._batch is None or not self._is_begun:
            return []
        known = self._log_format.batch
        without = len(known.unmatched) if known is not None else 0
        requests = f"{without} of its custom ids are not in its input file, so what they asked for is not known"
        return [*self._batch.missing, *([requests] if without else [])]

    def close(self) -> None:
        """Give the file back before the end has been reached."""
        self._segments.close()

    def _read(self, *, follows_links: bool) -> Generator[LogSegment, None, None]:
        offset = 0
        try:
            with open_log(self._path, self._log_format, follows_links=follows_links) as log:
                refuse_other_formats(log.head()[:BEGINNING_BYTES_MAX])
                for segment in self._read_log(log):
                    offset = segment.record.end
                    yield segment
                if log.cut_at and self.problem is None:
                    detail = f"the {log.compression} stream ends inside a member, at byte {log.file_size} of the file"
                    self.problem = self._problem(LogUnreadable(ProblemReason.ENDS_INSIDE_MEMBER, detail), offset)
        except LogUnreadable as error:
            self.problem = self._problem(error, offset)

    def _read_log(self, log: LogFile) -> Iterator[LogSegment]:
        place = continue_from(self._known, log)
        self.heads = place.heads
        self.continued = place.record
        if not place.is_verified:
            try:
                yield from self._read_unverified(log)
            except _NotBelieved as error:
                place = error.believed
            else:
                return
        if place.problem is not None:
            self.problem = self._problem(place.problem, place.end)
        if place.start < place.end:
            yield from self.segments_from(log, place)

    def _read_unverified(self, log: LogFile) -> Iterator[LogSegment]:
        """Read a compressed log in one go, and hand out nothing before it is known that all of it is to be believed.

        That is so at its end; in a long log the doubt is settled before. Raises ``_NotBelieved``, and has handed out
        nothing, where the log is to be believed in part.
        """
        held: list[LogSegment] = []
        doubt = _Doubt(log)
        try:
            for segment in self.segments_from(
                log, Continuation(start=0, first_line=1, before=b"", end=_TO_THE_END, problem=None), doubt
            ):
                held.append(segment)
                if doubt.is_settled:
                    yield from held
                    held.clear()
        except LogUnreadable:
            if doubt.is_settled:
                raise
            raise _NotBelieved(believed(log)) from None
        yield from held

    def segments_from(self, log: LogFile, place: Continuation, doubt: _Doubt | None = None) -> Iterator[LogSegment]:
        """Read an open log from a place on, to its end there."""
        split = yield from self._segments_from(log, place, doubt)
        if self.pending_bytes and self._ends_with_object(log, place, split):
            end, tail = split.end + self.pending_bytes, split.tail
            rest = replace(place, start=split.end, first_line=split.next_line, before=tail, end=end)
            yield from self._segments_from(log, rest, doubt, is_document=True)

    def _ends_with_object(self, log: LogFile, place: Continuation, split: Split) -> bool:
        """Tell whether what is left of a log whose writer is done with it is an object without its line end."""
        from pipeline.collectors.logs.whole_document import WholeDocument, is_object  # noqa: PLC0415
        from pipeline.collectors.wrappers import wrapper_of  # noqa: PLC0415

        is_done = (log.is_written_once or place.is_segment) and self.pending_bytes <= self._log_format.line_bytes_max
        if (
            not is_done
            or isinstance(split, WholeDocument)
            or wrapper_of(log.head(), self._log_format.steps) is not None
        ):
            return False
        return is_object(b"".join(log.span(split.end, split.end + self.pending_bytes)))

    def _segments_from(
        self, log: LogFile, place: Continuation, doubt: _Doubt | None, *, is_document: bool = False
    ) -> Generator[LogSegment, None, Split]:
        from pipeline.collectors.decode import decode_line  # noqa: PLC0415  # only where there is a line to read
        from pipeline.collectors.logs.whole_document import WholeDocument  # noqa: PLC0415
        from pipeline.collectors.reading.filling import Filling  # noqa: PLC0415
        from pipeline.collectors.reading.splitting import Pieces, split_of  # noqa: PLC0415
        from pipeline.collectors.segment import SegmentBuilder  # noqa: PLC0415
        from pipeline.collectors.wrappers import wrapper_of  # noqa: PLC0415

        if self._batch is not None and not self._is_begun:
            self._log_format = self._batch.read(self._log_format)
        self._is_begun = True
        pieces = Pieces(log, place, self._on_bytes)
        head = log.head()
        wrapper = wrapper_of(head, self._log_format.steps)
        in_order = self._in_order(log, place, head, wrapper)
        split = split_of(
            log,
            self._path.name,
            head,
            pieces,
            place,
            wrapper=wrapper,
            line_bytes_max=self._log_format.line_bytes_max,
            lender=in_order if self._is_fast else None,
            is_document=is_document,
        )
        builder = SegmentBuilder(self._source)
        self._next_line = place.first_line
        decode = partial(decode_line, source=self._source, log_format=self._log_format, fingerprint=self._fingerprint)
        filling = Filling(builder, in_order, decode, events_max=self._segment_events_max, is_fast=self._is_fast)
        try:
            yield from self._segments_of(filling.of(split), builder, split, log, doubt, head=head)
        finally:
            in_order.close()
            self.kernel_failures += in_order.failures
        self.pending_bytes = place.start + pieces.bytes - split.end
        if isinstance(split, WholeDocument) and not split.is_whole and self.problem is None:
            detail = "the log begins as one JSON document over several lines, and is none yet: it is read once it is"
            self.problem = self._problem(LogUnreadable(ProblemReason.DOCUMENT_NOT_WHOLE, detail), place.start)
        return split

    def _segments_of(
        self,
        parts: Iterator[bool],
        builder: SegmentBuilder,
        split: Split,
        log: LogFile,
        doubt: _Doubt | None,
        *,
        head: bytes,
    ) -> Iterator[LogSegment]:
        for is_full in parts:
            if doubt is not None and (is_full or builder.lines >= _DOUBTED_LINES_MAX):
                doubt.settle()
            if is_full:
                yield self._segment(builder, split, log, head)
                split.begin_segment()
                builder.begin()
        if builder.lines:
            yield self._segment(builder, split, log, head)
        else:
            self._count(builder, split)

    def _in_order(self, log: LogFile, place: Continuation, head: bytes, wrapper: Wrapper | None) -> InOrder:
        """Return the decoder of blocks: in several threads where reading takes long."""
        from pipeline.collectors.kernel.in_order import InOrder  # noqa: PLC0415  # only where there is a line to read

        first_line = head.partition(b"\n")[0]
        held = None if wrapper is None else wrapper.unwrap(first_line.removesuffix(b"\r"))
        size = place.end - place.start if log.compression is Compression.NONE else log.file_size * _EXPANSION
        return InOrder(
            source=self._source,
            log_format=self._log_format,
            fingerprint=self._fingerprint,
            threads=self._processes if self._is_fast else 1,
            size=size,
            first_line=first_line if held is None else held.content,
            read=log.read,
        )

    def _segment(self, builder: SegmentBuilder, splitter: Split, log: LogFile, head: bytes) -> LogSegment:
        from pipeline.collectors.segment import LogSegment  # noqa: PLC0415  # only where there is a line to read

        first_line = self._next_line
        self._count(builder, splitter)
        held, quarantined = builder.held()
        record = SourceRecord(
            source=self._source,
            name=self._name,
            compression=log.compression.value,
            file_size=log.file_size,
            start=splitter.segment_start,
            end=splitter.end,
            first_line=first_line,
            digest=splitter.segment_digest,
            head=window(head[: splitter.end]),
            tail=window(splitter.tail),
            lines=builder.lines,
            blank=builder.blank,
            joined=builder.joined,
            further=builder.further,
            quarantined=dict(sorted(builder.quarantined.items())),
            events=dict(sorted(builder.events.items())),
            read_by=read_by(self._log_format),
        )
        return LogSegment(record=record, held=held, quarantined=quarantined)

    def _count(self, builder: SegmentBuilder, splitter: Split) -> None:
        """Count the lines of a segment. Raises ``LinesLost`` where there are more, or fewer, than were split off."""
        first_line, self._next_line = self._next_line, splitter.next_line
        if first_line + builder.lines != splitter.next_line:
            message = f"{self._source}: of lines {first_line} to {splitter.next_line - 1}, {builder.lines} were read"
            raise LinesLost(message)

    def _problem(self, error: LogUnreadable, offset: int) -> SourceProblem:
        return SourceProblem(source=self._source, reason=error.reason, offset=offset, detail=error.detail)


def read_log(
    path: LogPath,
    *,
    source: str,
    name: str,
    log_format: LogFormat,
    fingerprint: Callable[[str], str],
    known: Sequence[SourceRecord] | KnownSources = (),
    segment_events_max: int = 1_000_000,
    follows_links: bool = False,
    on_bytes: Callable[[int], None] | None = None,
    processes: int = 1,
    reader: Reader = "fast",
    batch: BatchOf | None = None,
) -> LogReading:
    """Read what is new in a log.

    ``source`` is the name that rows and records carry, ``name`` the ``[[sources]]`` entry; ``known`` are the records of
    everything collected so far, by this run too, of this log and of others. ``KnownSources`` where many logs are read.
    ``fingerprint`` is called for raw keys only; what it raises ends the reading. ``on_bytes`` is called, now and then,
    with the byte to which the file on disk has been read. A log that cannot be read raises nothing: see
    ``LogReading.problem``. Nothing is read before the first segment is asked for. ``processes`` decode a log that takes
    long. ``reader`` is for tests and benchmarks: it decides how fast the same is read.
    ``batch`` is that whose output the log is; its input file is read where the log has lines that are new.
    """
    return LogReading(
        path,
        source=source,
        name=name,
        log_format=log_format,
        fingerprint=fingerprint,
        known=known,
        segment_events_max=segment_events_max,
        follows_links=follows_links,
        on_bytes=on_bytes,
        processes=processes,
        reader=reader,
        batch=batch,
    )
