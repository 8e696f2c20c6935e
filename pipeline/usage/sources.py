"""What a commit remembers of the logs it was made from: enough to know them again, and to account for every line.

Owns the record of one segment of one log, and the sums of many. Does not own how logs are read
(``pipeline.collectors``) nor how records are kept (``pipeline.lake``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The sha256 (hex) of ``size`` bytes of a log, by which a log is known again whatever its name."""

    size: int
    sha256: str


class Algorithm(Enum):
    """By which algorithm the digest of a segment was made; the value is the field of the record that states it."""

    SHA256 = "sha256"
    BLAKE3 = "blake3"


class SegmentDigest(NamedTuple):
    """The digest of the bytes of a segment, in hexadecimal digits."""

    algorithm: Algorithm
    digits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRecord:
    """One collected segment of one log.

    All offsets are in bytes of the *decompressed* log, so that a log and its later gzip are the same source.
    ``lines + further == joined + blank + forgotten + sum(quarantined.values()) + sum(events.values())`` always
    (``is_balanced``).
    """

    source: str
    """The log's path: relative to the workspace with ``/`` where it lies inside, else absolute."""
    name: str
    """The ``[[sources]]`` entry it was read by."""
    compression: str
    """``none``, ``gzip`` or ``zstd``."""
    file_size: int
    """Size in bytes of the file on disk when it was read (compressed, where it is)."""
    start: int
    end: int
    """The segment ``[start, end)``: complete lines only."""
    first_line: int
    """Number of the segment's first line, from 1."""
    digest: SegmentDigest
    head: Window
    """The first bytes of the log, at most 64 KiB and never beyond ``end``."""
    tail: Window
    """The last bytes before ``end``, at most 64 KiB and never before 0."""
    lines: int
    blank: int
    """Lines that say nothing: empty ones, and those of formats that log more than exchanges."""
    joined: int = 0
    """Lines that are a part of what a later one ends: a logger splits what is long, a document may have many lines."""
    further: int = 0
    """Events and quarantined entries beyond the first of their line."""
    forgotten: int = 0
    """Events and quarantined entries that were forgotten, or left out since they are of what was."""
    quarantined: dict[str, int] = field(default_factory=dict)
    """Count by reason."""
    events: dict[str, int] = field(default_factory=dict)
    """Count by status."""
    read_by: str | None = None
    """What identifies the reader's version and the settings it was read by; None where neither was kept."""

    @property
    def is_balanced(self) -> bool:
        """Tell whether each line is accounted for once."""
        return self.lines + self.further == self.joined + self.blank + self.forgotten + self.rows

    @property
    def rows(self) -> int:
        """How many events and quarantined entries there are of it, wherever they lie."""
        return sum(self.quarantined.values()) + sum(self.events.values())

    @property
    def next_line(self) -> int:
        """Number of the line that follows the segment."""
        return self.first_line + self.lines


def line_counts(sources: Sequence[SourceRecord]) -> dict[str, int]:
    """Count lines by outcome, and ``events`` as the sum of the statuses.

    ``lines == blank + quarantined + events`` where each line tells of one exchange at most. Where lines were joined, or
    told of several, ``joined`` and ``further`` are there too, and ``forgotten`` where anything was: see
    ``SourceRecord``.
    """
    lines = blank = joined = further = quarantined = forgotten = 0
    for record in sources:
        lines += record.lines
        blank += record.blank
        joined += record.joined
        further += record.further
        forgotten += record.forgotten
        quarantined += sum(record.quarantined.values())
    statuses = event_counts(sources)
    return {
        "lines": lines,
        **({"joined": joined, "further": further} if joined or further else {}),
        "blank": blank,
        **({"forgotten": forgotten} if forgotten else {}),
        "quarantined": quarantined,
        "events": sum(statuses.values()),
        **statuses,
    }


def event_counts(sources: Iterable[SourceRecord]) -> dict[str, int]:
    """Count the events that the commits state by status; every status has a count."""
    statuses: Counter[str] = Counter()
    for record in sources:
        statuses.update(record.events)
    return {status.value: statuses[status.value] for status in UsageStatus}


def quarantine_reasons(sources: Iterable[SourceRecord]) -> dict[str, int]:
    """Count quarantined lines by reason, most frequent first."""
    reasons: Counter[str] = Counter()
    for record in sources:
        reasons.update(record.quarantined)
    return dict(sorted(reasons.items(), key=lambda item: (-item[1], item[0])))
