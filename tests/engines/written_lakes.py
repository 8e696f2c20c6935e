"""Lakes whose data files workers wrote: in other files than this machine writes, and with the same events."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from test_collecting_on_workers import twins
from workspaces import tallybook

from pipeline.lake import read_log, verified_files, verified_quarantine
from pipeline.tables.schemas import QUARANTINE, USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Any


def writing(root: Path) -> Path:
    """Let the workers that read the logs of a workspace write into its lake."""
    config = root / "tallybook.toml"
    text = config.read_text(encoding="utf-8").replace("collect = true\n", "collect = true\nwrite = true\n")
    config.write_text(text, encoding="utf-8")
    return root


def twins_of_which_one_writes(tmp_path: Path, remote: str, make: Callable[[Path], Any]) -> tuple[Path, Path]:
    """Return a workspace that this machine collects, and the same whose logs workers read and write."""
    here, there = twins(tmp_path, remote, make)
    return here, writing(there)


def rows_of(root: Path) -> tuple[pa.Table, pa.Table]:
    """Return all events and all quarantined lines, in an order that does not depend on files."""
    snapshot = read_log(root / "lake")
    return (
        _sorted(USAGE_EVENTS, verified_files(root / "lake", snapshot)),
        _sorted(QUARANTINE, verified_quarantine(root / "lake", snapshot)),
    )


def _sorted(schema: pa.Schema, paths: list[Path]) -> pa.Table:
    rows = pa.concat_tables([schema.empty_table(), *(pq.ParquetFile(path).read() for path in paths)])
    more = ["event_id"] if "event_id" in schema.names else ["reason", "detail"]
    return rows.sort_by([(name, "ascending") for name in ("source", "byte_start", "line", *more)])


def assert_same_books(there: Path, here: Path) -> None:
    """The same events, quarantined lines and source records; and what workers wrote verifies."""
    assert rows_of(there)[0].equals(rows_of(here)[0])
    assert rows_of(there)[1].equals(rows_of(here)[1])
    records = [
        sorted(read_log(root / "lake").sources, key=lambda each: (each.source, each.start)) for root in (there, here)
    ]
    assert records[0] == records[1]
    verified = tallybook(there, "--engine", "duckdb", "verify")
    assert verified.returncode == 0, verified.stdout
