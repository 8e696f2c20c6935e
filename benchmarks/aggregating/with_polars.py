"""Polars: ``group_by`` over the identities on its streaming engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from benchmarks.aggregating.files import event_files

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa


def any_copy(root: Path) -> pa.Table:
    """Keep one copy of each identity, whichever the engine meets."""
    return _totals(_measured(root).unique("event_id", keep="any"))


def right_copy(root: Path) -> pa.Table:
    """Date each identity by its earliest copy, and count it by its latest."""
    latest = pl.col("prompt_tokens", "completion_tokens", "prompt_cached_tokens").sort_by("occurred_at").last()
    copies = (
        _measured(root)
        .group_by("event_id")
        .agg(pl.col("api_key_id", "model").first(), pl.col("occurred_at").min(), latest)
    )
    return _totals(copies)


def _measured(root: Path) -> pl.LazyFrame:
    events = pl.scan_parquet(event_files(root), hive_partitioning=False).filter(pl.col("status") == "measured")
    model = pl.coalesce("model_reported", "model_requested").alias("model")
    return events.select(
        "event_id", "occurred_at", "api_key_id", model, "prompt_tokens", "completion_tokens", "prompt_cached_tokens"
    )


def _totals(copies: pl.LazyFrame) -> pa.Table:
    totals = copies.group_by("api_key_id", "model", pl.col("occurred_at").dt.date().alias("usage_date")).agg(
        pl.len().cast(pl.Int64).alias("events"),
        pl.col("prompt_tokens").sum(),
        pl.col("completion_tokens").sum(),
        pl.col("prompt_cached_tokens").sum().alias("cached_tokens"),
    )
    return totals.collect(engine="streaming").to_arrow()
