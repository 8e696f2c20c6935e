"""The pipeline's rating step."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from benchmarks.rating.cells import CELLS_FILE
from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.rate import rate

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


def charges(root: Path) -> pa.Table:
    """Rate every cell, with its record of what was charged for what."""
    workspace = open_workspace(root)
    return rate(pq.read_table(root / CELLS_FILE), workspace.accounts, workspace.rate_cards).charges
