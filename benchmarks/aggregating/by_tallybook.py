"""The pipeline itself: files verified, marts built with every check, usage rated."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline.configuration.workspace import open_workspace
from pipeline.jobs.state.aggregate import aggregate

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


def marts(root: Path) -> pa.Table:
    """Build all marts, as a night does."""
    exchanges = aggregate(open_workspace(root)).marts.exchanges_daily
    billed = exchanges.filter(
        pc.and_(pc.equal(exchanges["status"], "measured"), pc.equal(exchanges["fate"], "survivor"))
    )
    tokens = [
        ("events", "sum"),
        ("prompt_tokens", "sum"),
        ("completion_tokens", "sum"),
        ("prompt_cached_tokens", "sum"),
    ]
    totals = billed.group_by(["api_key_id", "model", "usage_date"]).aggregate(tokens)
    return totals.rename_columns(
        ["api_key_id", "model", "usage_date", "events", "prompt_tokens", "completion_tokens", "cached_tokens"]
    )
