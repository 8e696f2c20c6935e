"""Each format as rows of Parquet: what its documents come to as JSON lines, with their objects as texts of JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from foreign_lines import KINDS, ForeignLines

from pipeline.collectors import read_log
from pipeline.collectors.values.csv_cells import is_object_or_array

if TYPE_CHECKING:
    from pathlib import Path

DOCUMENTS = 20
_OF_A_PLACE = ("event_id", "byte_start", "byte_end")
"""What another file has otherwise: where a line lies, and the identity of one that has no id."""


def told(path: Path, kind: str) -> tuple[list[dict[str, Any]], list[tuple[Any, ...]]]:
    reading = read_log(
        path, source="s", name="n", log_format=KINDS[kind].settings[0], fingerprint=lambda raw: f"key_{len(raw)}"
    )
    segments = list(reading)
    assert reading.problem is None
    events = [event for segment in segments for event in segment.events.to_pylist()]
    quarantined = [row for segment in segments for row in segment.quarantined.to_pylist()]
    return (
        [{name: value for name, value in event.items() if name not in _OF_A_PLACE} for event in events],
        [(row["line"], row["reason"], row["detail"]) for row in quarantined],
    )


def _meant(value: Any) -> Any:
    """Return what a value is in a table: nobody can tell a text that is an object from the object."""
    return json.loads(value) if isinstance(value, str) and is_object_or_array(value) else value


@pytest.mark.parametrize("kind", KINDS)
def test_rows_come_to_what_their_lines_do(kind: str, tmp_path: Path) -> None:
    maker = ForeignLines(f"as Parquet: {kind}", kind=kind)
    documents: list[dict[str, Any]] = []
    while len(documents) < DOCUMENTS:
        if isinstance(document := maker.usual(), dict):
            documents.append({name: _meant(value) for name, value in document.items() if value is not None})
    columns: dict[str, pa.Array] = {}
    for name in dict.fromkeys(name for document in documents for name in document):
        cells = [document.get(name) for document in documents]
        cells = [json.dumps(cell) if isinstance(cell, dict | list) else cell for cell in cells]
        if len({type(cell) for cell in cells if cell is not None}) == 1:  # a column has one type
            columns[name] = pa.array(cells)
    pq.write_table(pa.table(columns), tmp_path / "rows.parquet", row_group_size=7)
    lines = [json.dumps({name: value for name, value in each.items() if name in columns}) for each in documents]
    (tmp_path / "lines.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    assert told(tmp_path / "rows.parquet", kind) == told(tmp_path / "lines.jsonl", kind)
