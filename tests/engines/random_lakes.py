"""Event files of random usage, with duplicates, conflicts and weaker copies, of whatever number of events."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
from counted_world import EDGES, KEYS

from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage.events import COUNTS

if TYPE_CHECKING:
    from pathlib import Path

STATUSES = ("measured", "measured", "measured", "measured", "estimated", "unknown", "failed", "not_metered")
FIRST_AT = datetime(2026, 9, 29, tzinfo=UTC)


def write_random_lake(folder: Path, *, events: int, files: int, seed: int) -> list[Path]:
    """Write the files below a folder; a tenth of the events are copies of others, most of them on other dates."""
    source = random.Random(seed)
    rows: list[dict[str, Any]] = []
    for number in range(events):
        event = _event(source, number)
        if rows and source.random() < 0.1:
            event = _copy(source, source.choice(rows[-1000:]), event)
        rows.append(event)
    paths = [folder / f"{number}.parquet" for number in range(files)]
    for number, path in enumerate(paths):
        pq.write_table(pa.Table.from_pylist(rows[number::files], schema=USAGE_EVENTS), path)
    return paths


def _event(source: random.Random, number: int) -> dict[str, Any]:
    status = source.choice(STATUSES)
    occurred_at = FIRST_AT + timedelta(microseconds=source.randrange(5 * 86_400_000_000))
    if source.random() < 0.05:
        occurred_at = source.choice(EDGES) + timedelta(microseconds=source.choice((-1, 0, 1)))
    event: dict[str, Any] = dict.fromkeys(USAGE_EVENTS.names) | {
        "event_id": source.randbytes(16),
        "occurred_at": occurred_at,
        "api_key_id": source.choice(KEYS),
        "model_requested": source.choice(("jamba-large", "jamba-mini", "Jamba-É", "")),
        "service_tier": source.choice((None, "priority")),
        "status": status,
        "http_status": 429 if status == "failed" else 200,
        "source": f"logs/{source.choice('ab')}.jsonl",
        "line": number,
        "byte_start": 0,
        "byte_end": 1,
    }
    if status in {"measured", "estimated"}:
        event["completion_tokens"] = source.choice((0, 1, 7, 1000, 2**30))
    if status == "measured":
        event["prompt_tokens"] = len(COUNTS) + source.choice((0, 1, 5, 9, 2**20))
        event |= {column.name: source.choice((None, 0, 1)) for column in COUNTS if column.part_of == "prompt_tokens"}
    return event


def _copy(source: random.Random, of: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
    """Return an event of the same identity: the same, a weaker one, or another measurement."""
    kept = {"event_id": of["event_id"], "api_key_id": of["api_key_id"]}
    if source.random() < 0.5:
        return {**of, "line": event["line"], "occurred_at": of["occurred_at"] + timedelta(seconds=source.randrange(99))}
    return {**event, **kept}
