"""Another program that reads Delta Lake must see exactly our rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
from deltalake import DeltaTable
from lake_inputs import commit_events, event, events_table

from pipeline import lake
from pipeline.lake.log import delta
from pipeline.objects import layout
from pipeline.usage.events import LAKE_VERSION

if TYPE_CHECKING:
    from pathlib import Path


def test_deltalake_reads_exactly_our_rows_over_several_commits(tmp_path: Path) -> None:
    evening, morning = datetime(2026, 3, 1, 23, 59, 59, 999_999, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    batches = [
        [
            event(1, evening, stream=True, choices=2, model_reported="jamba-mini-1.7"),
            event(2, morning, prompt_tokens=2**63 - 1),
        ],
        [],
        [event(3, morning, api_key_id="key_b", prompt_tokens=None, status="unknown")],
    ]
    snapshot = lake.LakeSnapshot()
    for number, events in enumerate(batches):
        source = f"logs/{number}.jsonl"
        snapshot = commit_events(
            tmp_path, snapshot, [{**each, "source": source} for each in events], source=source, quarantined=[7]
        )
    (layout.usage_events(tmp_path) / "date=2026-03-02" / ("0" * 64 + ".parquet")).write_bytes(b"an orphan")

    table = DeltaTable(str(layout.usage_events(tmp_path)))
    assert table.version() == snapshot.version == 2
    rows = pa.table(table.to_pyarrow_table()).sort_by("line")
    events = [{**each, "source": f"logs/{number}.jsonl"} for number, batch in enumerate(batches) for each in batch]
    expected = events_table(events)
    for name in expected.column_names:
        assert rows[name].to_pylist() == expected[name].to_pylist(), name
    assert [str(day) for day in rows["date"].to_pylist()] == ["2026-03-01", "2026-03-02", "2026-03-02"]
    assert set(rows.column_names) == {*expected.column_names, "date"}
    assert [entry["operation"] for entry in table.history()] == ["COLLECT"] * 3
    assert table.metadata().partition_columns == ["date"]
    assert table.transaction_version(delta.APP_ID) == 2


def test_the_table_states_every_column_and_none_is_floating() -> None:
    fields = json.loads(delta.schema_string(LAKE_VERSION))["fields"]
    assert sorted(field["name"] for field in fields) == sorted([*events_table([]).column_names, "date"])
    assert {field["type"] for field in fields} == {
        "binary",
        "string",
        "boolean",
        "integer",
        "long",
        "timestamp",
        "date",
    }
