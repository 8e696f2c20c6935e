"""What a log tells of what was forgotten is left out of the lake: no correction, and no new bill, comes of it.

Owns this, and how it is accounted for. Does not own what was forgotten (``pipeline.jobs.state.forgotten``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline.jobs.wording import are, counted
from pipeline.tables.coded import plain
from pipeline.tables.sums import total

if TYPE_CHECKING:
    from pipeline.collectors.segment import Segment
    from pipeline.jobs.state.forgotten.rules import WhatWasForgotten


def without_forgotten(segment: Segment, forgotten: WhatWasForgotten) -> Segment:
    """Return a segment without its events of what was forgotten, which its record counts as such."""
    if not forgotten.forgettings or not segment.record.events:
        return segment
    coded = segment.coded
    found = forgotten.has(plain(coded))
    count = total(found.cast("int64"))
    if not count:
        return segment
    from pipeline.collectors.segment import LogSegment  # noqa: PLC0415  # only where there was something to read

    events = coded.filter(pc.invert(found))
    record = replace(
        segment.record,
        events=dict(Counter(events["status"].to_pylist())),
        forgotten=segment.record.forgotten + count,
    )
    return LogSegment(record=record, held=events, quarantined=segment.quarantined)


def left_out_text(count: int) -> str:
    """Say in one line how much of a log is of what was forgotten."""
    return (
        f"{counted(count, 'exchange')} {are(count)} of what was forgotten, and left out: on no bill and in no "
        "correction; add an item to accounts.toml for what is owed all the same"
    )
