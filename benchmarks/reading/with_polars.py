"""Polars: ``scan_ndjson``, then string and JSON expressions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

_SCHEMA = {"ts": pl.String, "api_key_id": pl.String, "status": pl.Int64, "request": pl.Struct({"model": pl.String}), "response": pl.String}


def scanned(path: Path) -> pa.Table:
    """Scan JSON lines, and of a stream look at its first and its last chunk."""
    is_ok = pl.col("status") == 200  # noqa: PLR2004 - HTTP's word for success
    is_stream = pl.col("response").str.starts_with("data:")
    events = pl.col("response").str.split("\r\n\r\n")
    chunks = events.list.eval(pl.element().filter(pl.element().str.starts_with("data: {")).str.slice(6))
    body = pl.when(is_ok & is_stream).then(chunks.list.last()).when(is_ok).then(pl.col("response"))
    first = pl.when(is_ok & is_stream).then(chunks.list.first()).when(is_ok).then(pl.col("response"))
    frame = (
        pl.scan_ndjson(path, schema=_SCHEMA, ignore_errors=True)
        .filter(pl.col("ts").is_not_null())
        .with_columns(body=body, first=first)
        .select(
            _found("first", r"^\{\s*\"id\"\s*:\s*\"([^\"]+)\"").alias("response_id"),
            "api_key_id",
            pl.coalesce(_found("body", r"\"model\"\s*:\s*\"([^\"]+)\"[^{}\[\]]*\}$"), pl.col("request").struct.field("model")).alias("model"),
            pl.col("status").alias("http_status"),
            _count("prompt_tokens"),
            _count("completion_tokens"),
            _count("cached_tokens"),
            pl.col("ts").str.to_datetime("%+", time_unit="us", time_zone="UTC").dt.date().alias("usage_date"),
        )
    )
    return frame.collect(engine="streaming").to_arrow()


def _found(column: str, pattern: str) -> pl.Expr:
    return pl.col(column).str.extract(pattern)


def _count(name: str) -> pl.Expr:
    return pl.col("body").str.slice(-300).str.extract(rf'"{name}"\s*:\s*([0-9]+)').cast(pl.Int64).alias(name)
