"""The commits of one run: what was read waits until it is enough for one, and is added to the lake.

Owns what waits, and the secret behind key ids, which an entry states. Does not own what is read, nor the commit
(``pipeline.lake.commits``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline import lake
from pipeline.base.warning_codes import WarningCode
from pipeline.jobs.key_ids import open_key_ids
from pipeline.jobs.night.on_workers.segments_there import SegmentThere, parted
from pipeline.jobs.night.trial import quarantine_example
from pipeline.jobs.warned import NightWarning
from pipeline.tables.schemas import QUARANTINE

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pipeline.collectors.segment import Segment
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.key_ids import KeyIds
    from pipeline.jobs.night.trial import QuarantineExample
    from pipeline.lake.log.snapshot import LakeSnapshot
    from pipeline.usage.sources import SourceRecord


@dataclass(kw_only=True)
class Batches:
    """Commits one after the other, each of what was read since the last."""

    workspace: Workspace
    now: datetime
    key_secret: bytes | None
    aliases_of: Path | None
    snapshot: LakeSnapshot
    """The lake as of the last commit."""
    events_max: int
    segments_max: int
    warnings: list[NightWarning]
    """Those of the run."""
    waiting: list[Segment] = field(default_factory=list)
    waiting_rows: int = 0
    """Of those, the rows that are held here."""
    waiting_there: int = 0
    """Of those, the segments whose rows workers wrote."""
    committed: list[SourceRecord] = field(default_factory=list)
    examples: dict[str, QuarantineExample] = field(default_factory=dict)
    """The first committed line of each reason to be quarantined."""
    key_ids: KeyIds | None = None

    def add(self, segment: Segment) -> None:
        """Let a segment wait, and commit what waits where that is enough. Raises ``CommitConflict``."""
        self.waiting.append(segment)
        if isinstance(segment, SegmentThere):
            self.waiting_there += 1
        else:
            self.waiting_rows += segment.record.rows
        if self.waiting_rows >= self.events_max or self.waiting_there >= self.segments_max:
            self.commit()

    def commit(self) -> None:
        """Commit what waits, if anything does. Raises ``CommitConflict``."""
        if not self.waiting:
            return
        records = [segment.record for segment in self.waiting]
        from pipeline.collectors.segment import coded_together  # noqa: PLC0415  # only where something was read
        from pipeline.jobs.night.traced_twice import traced_twice  # noqa: PLC0415  # likewise

        held, written = parted(self.waiting, lake.next_number(self.snapshot) + 1)  # one more where the lake grows
        events = coded_together(held)
        self.snapshot = lake.commit(
            self.workspace.lake,
            self.snapshot,
            events=events,
            quarantined=pa.concat_tables([QUARANTINE.empty_table(), *(segment.quarantined for segment in held)]),
            written=written,
            sources=records,
            committed_at=self.now,
            key_secret_check=self.secret_check(),
        )
        self.committed += records
        self.warnings += traced_twice(events)
        for segment in self.waiting:
            for reason in segment.record.quarantined.keys() - self.examples.keys():
                self.examples[reason] = quarantine_example([segment], reason)
        self.waiting.clear()
        self.waiting_rows = self.waiting_there = 0

    def secret_check(self) -> str | None:
        """Return what an entry states of the secret; nothing where no raw key was met."""
        return self.key_ids.keep(self.now) if self.key_ids else None

    def key_id(self, raw: str) -> str:
        """Replace a raw key; called for nothing else, so that a workspace whose logs hold key ids needs no secret."""
        return self.opened_key_ids()(raw)

    def opened_key_ids(self) -> KeyIds:
        """Return what makes key ids, made or read at the first raw key that is met; a commit then states its check."""
        if self.key_ids is None:
            expected = self.snapshot.key_secret_check
            self.key_ids, is_new = open_key_ids(
                self.workspace.root, environment=self.key_secret, expected_check=expected, aliases_of=self.aliases_of
            )
            if is_new:
                file = self.workspace.root / "key-secret"
                told = f"made {file}: key ids of raw keys depend on it, so back it up and keep it to yourself"
                self.warnings.append(NightWarning(code=WarningCode.SECRET_MADE, subject=str(file), text=told))
        return self.key_ids
