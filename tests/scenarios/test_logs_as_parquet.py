"""Logs that a lake keeps as Parquet: billed, known again, read again and checked like any others."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from workspaces import make_workspace, plain, tallybook, write_log

if TYPE_CHECKING:
    from pathlib import Path

LINES = [plain(f"2026-03-{day:02}T10:00:00Z", id=f"c-{day}", prompt=100_000 * day) for day in range(1, 29)]


def store(root: Path, name: str, lines: list[str], **options: object) -> None:
    rows = [json.loads(line) for line in lines]
    columns = {name: [each.get(name) for each in rows] for name in rows[0]}
    texts = {
        name: [json.dumps(each) if isinstance(each, dict) else each for each in cells]
        for name, cells in columns.items()
    }
    pq.write_table(pa.table(texts), root / "logs" / name, **options)


def run(root: Path, *arguments: str) -> str:
    done = tallybook(root, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def bill(root: Path) -> str:
    return (root / "invoices/2026-03/lines.csv").read_text(encoding="utf-8")


@pytest.mark.long
def test_rows_of_parquet_make_the_bill_of_their_lines(tmp_path: Path) -> None:
    as_lines, as_rows = (make_workspace(tmp_path / name) for name in ("lines", "rows"))
    write_log(as_lines, "calls.jsonl", *LINES)
    run(as_lines, "nightly", "--as-of", "2026-04-02T03:00:00Z")

    store(as_rows, "part-0.parquet", LINES[:20])
    assert "0 quarantined" in run(as_rows, "try", str(as_rows / "logs/part-0.parquet"))
    assert "collected 20 new lines" in run(as_rows, "nightly", "--as-of", "2026-04-01T03:00:00Z")
    store(as_rows, "part-1.snappy.parquet", LINES[20:], row_group_size=3, compression="snappy")
    write_log(as_rows, "again.jsonl", *LINES[:5])  # the same calls, logged once more
    found = run(as_rows, "nightly", "--as-of", "2026-04-02T03:00:00Z")
    assert "collected 13 new lines from 2 of 3 logs" in found
    assert bill(as_rows) == bill(as_lines)
    assert "collected 0 new lines from 0 of 3 logs" in run(as_rows, "nightly", "--as-of", "2026-04-03T03:00:00Z")

    assert "ok    logs_are_what_was_collected" in run(as_rows, "verify", "--logs")
    assert "2026-03-23T10:00:00" in run(as_rows, "explain", "--source", "logs/part-1.snappy.parquet", "--line", "3")
    run(as_rows, "invoice", "issue", "--period", "2026-03", "--as-of", "2026-04-05T09:00:00Z")
    run(as_rows, "recompute", "INV-000001")
    run(as_rows, "collect", "--again")
    assert "ok    invoices_and_corrections_are_the_truth" in run(as_rows, "verify")


def test_a_file_that_is_not_whole_waits_and_one_that_changed_is_found(tmp_path: Path) -> None:
    root = make_workspace(tmp_path / "books")
    store(root, "calls.parquet", LINES[:4])
    whole = (root / "logs/calls.parquet").read_bytes()
    (root / "logs/calls.parquet").write_bytes(whole[:-200])
    found = run(root, "collect")
    assert "has no footer: it was cut, or is still being written" in found
    (root / "logs/calls.parquet").write_bytes(whole)
    assert "collected 4 new lines" in run(root, "collect")
    store(root, "calls.parquet", [LINES[0].replace("100000", "900000"), *LINES[1:4]])
    assert tallybook(root, "verify", "--logs").returncode == 6
