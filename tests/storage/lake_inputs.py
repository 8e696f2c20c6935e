"""Small inputs of a commit: events, quarantined lines, and the source records that account for them."""

from __future__ import annotations

import hashlib
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline import lake
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS
from pipeline.usage.sources import Algorithm, SegmentDigest, SourceRecord, Window

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

COMMITTED_AT = datetime(2026, 3, 2, 4, 5, 6, 789_000, tzinfo=UTC)


def event(number: int, occurred_at: datetime, **fields: Any) -> dict[str, Any]:
    """One measured event; ``number`` is its line and makes its id."""
    response_id = f"chatcmpl-{number}"
    return {
        **dict.fromkeys(USAGE_EVENTS.names),
        "event_id": hashlib.sha256(response_id.encode()).digest()[:16],
        "response_id": response_id,
        "occurred_at": occurred_at,
        "api_key_id": "key_a",
        "model_requested": "jamba-mini",
        "status": "measured",
        "http_status": 200,
        "prompt_tokens": 10 + number,
        "completion_tokens": number,
        "source": "logs/a.jsonl",
        "line": number,
        "byte_start": 100 * number,
        "byte_end": 100 * number + 99,
        **fields,
    }


def events_table(events: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(list(events), schema=USAGE_EVENTS)


def quarantine_table(lines: Sequence[int], source: str = "logs/a.jsonl") -> pa.Table:
    rows = [
        {
            "source": source,
            "line": line,
            "byte_start": 100 * line,
            "byte_end": 100 * line + 99,
            "reason": "invalid_json",
            "detail": "",
        }
        for line in lines
    ]
    return pa.Table.from_pylist(rows, schema=QUARANTINE)


def record(source: str, events: Sequence[dict[str, Any]], quarantined: int = 0) -> SourceRecord:
    """The record of a source that holds these events and so many lines that could not be read."""
    window = Window(size=64, sha256="0f" * 32)
    return SourceRecord(
        source=source,
        name="gateway",
        compression="none",
        file_size=4096,
        start=0,
        end=4096,
        first_line=1,
        digest=SegmentDigest(Algorithm.SHA256, "ab" * 32),
        head=window,
        tail=window,
        lines=len(events) + quarantined,
        blank=0,
        quarantined={"invalid_json": quarantined} if quarantined else {},
        events=dict(Counter(str(each["status"]) for each in events)),
    )


def commit_events(
    lake_dir: Path,
    snapshot: lake.LakeSnapshot,
    events: Sequence[dict[str, Any]],
    *,
    source: str = "logs/a.jsonl",
    quarantined: Sequence[int] = (),
) -> lake.LakeSnapshot:
    """Commit one source's events and quarantined lines."""
    return lake.commit(
        lake_dir,
        snapshot,
        events=events_table([{**each, "source": source} for each in events]),
        quarantined=quarantine_table(quarantined, source),
        sources=[record(source, events, len(quarantined))],
        committed_at=COMMITTED_AT,
        key_secret_check=None,
    )


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its relative path."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()
    }
