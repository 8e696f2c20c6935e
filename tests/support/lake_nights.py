"""A workspace whose lake is committed night by night from a few fields of each event, without logs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.lake.commits import commit, read_log
from pipeline.objects import layout
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS
from pipeline.usage.sources import Algorithm, SegmentDigest, SourceRecord, Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

WINDOW = Window(size=64, sha256="0f" * 32)


def used(at: str, identity: str, **fields: Any) -> dict[str, Any]:
    """A measured event at an instant of 2026 (``09-30T23:00``); ``identity`` is padded to its 16 bytes."""
    return {
        **dict.fromkeys(USAGE_EVENTS.names),
        "event_id": identity.encode().ljust(16, b"."),
        "occurred_at": datetime.fromisoformat(f"2026-{at}").replace(tzinfo=UTC),
        "api_key_id": "key_a",
        "model_requested": "jamba-large",
        "status": "measured",
        "http_status": 200,
        "prompt_tokens": 10,
        "completion_tokens": 3,
        "byte_start": 0,
        "byte_end": 1,
        **fields,
    }


def commit_night(root: Path, events: Sequence[dict[str, Any]]) -> None:
    """Commit one night's events, as a log of their own."""
    lake_dir = layout.lake(root)
    lake_dir.mkdir(exist_ok=True)
    snapshot = read_log(lake_dir)
    source = f"logs/{len(snapshot.sources)}.jsonl"
    rows = [{**event, "source": source, "line": line} for line, event in enumerate(events, 1)]
    statuses = Counter(event["status"] for event in events)
    record = SourceRecord(
        source=source,
        name="gateway",
        compression="none",
        file_size=1,
        start=0,
        end=1,
        first_line=1,
        digest=SegmentDigest(Algorithm.SHA256, "ab" * 32),
        head=WINDOW,
        tail=WINDOW,
        lines=len(rows),
        blank=0,
        quarantined={},
        events=dict(statuses),
    )
    commit(
        lake_dir,
        snapshot,
        events=pa.Table.from_pylist(rows, schema=USAGE_EVENTS),
        quarantined=QUARANTINE.empty_table(),
        sources=[record],
        committed_at=datetime(2026, 12, 1, tzinfo=UTC),
        key_secret_check=None,
    )
