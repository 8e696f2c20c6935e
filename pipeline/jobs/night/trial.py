"""Whether what a source is read as can be believed, before any of it counts.

A source is *on trial* until one of its lines was read as it is configured now. Where more than half of its new lines
are refused then, it is taken for wrongly configured: nothing of it is committed, and the run fails. A segment that is
read again never takes the place of a better reading. ``--force`` commits all the same.

Owns these two rules, and what is said of what they keep out. Does not own reading (``pipeline.collectors``), nor what
becomes of the rest of the run (``collect``, ``again``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.collectors import settings_digest
from pipeline.jobs.wording import counted
from pipeline.usage.sources import quarantine_reasons

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.collectors.segment import Segment
    from pipeline.usage.sources import SourceRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineExample:
    """One quarantined line, for others that are quarantined for the same reason."""

    reason: str
    source: str
    """The log."""
    line: int
    detail: str
    """Names of fields and numbers; never content."""

    @property
    def text(self) -> str:
        """Name the line and what is wrong with it."""
        return f"{self.source} line {self.line} ({self.detail})"


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedSource:
    """A source of which nothing was committed, or whose earlier reading was kept, since most of it is refused."""

    name: str
    """The ``[[sources]]`` entry."""
    lines: int
    """Of those that were looked at; blank ones are not counted."""
    refused: int
    of_reason: int
    """So many of them for the commonest reason."""
    is_again: bool
    """Whether these lines had been read before, and better."""
    example: QuarantineExample
    """Of the commonest reason."""

    @property
    def text(self) -> str:
        """Say in one line what was refused, an example of it, and what to do."""
        example = self.example
        what = (
            f"source {self.name!r}: {self.refused} of {counted(self.lines, 'line')}"
            f"{' read again' if self.is_again else ''} cannot be read as it is configured now, {self.of_reason} as "
            f"{example.reason}, such as {example.text}; "
        )
        if self.is_again:
            return (
                f"{what}what was read of them before stays. Correct the source in tallybook.toml, with 'tallybook try' "
                "of that log, and run this again, or replace it all the same with --force"
            )
        return (
            f"{what}nothing of it was collected. Correct the source in tallybook.toml, with 'tallybook try' of that "
            "log, and run this again, or collect it all the same with --force"
        )


def is_on_trial(records: Iterable[SourceRecord], name: str, read_by: str) -> bool:
    """Say whether no line of a source was read yet as it is configured now.

    By which version of the reader, and beside which batch, is the same.

    >>> is_on_trial([], "gateway", "1-00")
    True
    """
    settings = settings_digest(read_by)
    return not any(
        record.name == name and settings_digest(record.read_by) == settings and record.events for record in records
    )


def is_mostly_refused(records: Iterable[SourceRecord]) -> bool:
    """Say whether more than half of the lines are refused; blank ones are no lines here."""
    refused, lines = _counts(records)
    return 2 * refused > lines


def is_worse(before: SourceRecord, now: SourceRecord) -> bool:
    """Say whether another reading of the same bytes refuses more than before, and more than half."""
    return _counts([now])[0] > _counts([before])[0] and is_mostly_refused([now])


def refused_source(name: str, segments: Sequence[Segment], *, is_again: bool) -> RefusedSource:
    """Describe segments of which most is refused, with an example of the commonest reason."""
    refused, lines = _counts(segment.record for segment in segments)
    reason, of_reason = next(iter(quarantine_reasons(segment.record for segment in segments).items()))
    return RefusedSource(
        name=name,
        lines=lines,
        refused=refused,
        of_reason=of_reason,
        is_again=is_again,
        example=quarantine_example(segments, reason),
    )


def quarantine_example(segments: Sequence[Segment], reason: str) -> QuarantineExample:
    """Return the first line that is quarantined for this reason with the commonest detail; there is one."""
    rows = pa.concat_tables(
        segment.quarantined.filter(pc.equal(segment.quarantined["reason"], reason)).select(["source", "line", "detail"])
        for segment in segments
    )
    details = rows["detail"].to_pylist()
    commonest, _ = Counter(details).most_common(1)[0]
    (row,) = rows.slice(details.index(commonest), 1).to_pylist()
    return QuarantineExample(reason=reason, **row)


def _counts(records: Iterable[SourceRecord]) -> tuple[int, int]:
    """Return how many lines are refused, and how many say anything; each counts as often as it has events."""
    listed = list(records)
    refused = sum(sum(record.quarantined.values()) for record in listed)
    return refused, refused + sum(sum(record.events.values()) for record in listed)
