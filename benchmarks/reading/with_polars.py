"""Polars: ``scan_ndjson``, which gives up at the first damaged line.

And lines taken apart by JSON paths, which does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "ts": pl.String,
    "api_key_id": pl.String,
    "status": pl.Int64,
    "request": pl.Struct({"model": pl.String}),
    "response": pl.String,
}
_OK = 200


def objects(path: Path) -> pa.Table:
    """Scan JSON lines, and of a stream look at its first and its last chunk."""
    return _answer(
        pl.scan_ndjson(path, schema=_SCHEMA, ignore_errors=True).with_columns(
            model=pl.col("request").struct.field("model")
        )
    )


def lines_by_path(path: Path) -> pa.Table:
    """Scan lines as text, and take each field out by its JSON path."""
    line = pl.col("line")
    fields = {
        "ts": "$.ts",
        "api_key_id": "$.api_key_id",
        "status": "$.status",
        "model": "$.request.model",
        "response": "$.response",
    }
    frame = pl.scan_csv(
        path,
        separator="\x01",
        quote_char=None,
        has_header=False,
        new_columns=["line"],
        schema={"line": pl.String},
        encoding="utf8-lossy",
    )
    return _answer(
        frame.select(line.str.json_path_match(place).alias(name) for name, place in fields.items()).with_columns(
            pl.col("status").cast(pl.Int64)
        )
    )


def _answer(lines: pl.LazyFrame) -> pa.Table:
    is_ok = pl.col("status") == _OK
    is_stream = pl.col("response").str.starts_with("data:")
    events = pl.col("response").str.split("\r\n\r\n")
    chunks = events.list.eval(pl.element().filter(pl.element().str.starts_with("data: {")).str.slice(6))
    body = pl.when(is_ok & is_stream).then(chunks.list.last()).when(is_ok).then(pl.col("response"))
    first = pl.when(is_ok & is_stream).then(chunks.list.first()).when(is_ok).then(pl.col("response"))
    frame = (
        lines.filter(pl.col("ts").is_not_null())
        .with_columns(body=body, first=first)
        .select(
            pl.col("first").str.json_path_match("$.id").alias("response_id"),
            "api_key_id",
            pl.coalesce(pl.col("body").str.json_path_match("$.model"), pl.col("model")).alias("model"),
            pl.col("status").alias("http_status"),
            _count("$.usage.prompt_tokens").alias("prompt_tokens"),
            _count("$.usage.completion_tokens").alias("completion_tokens"),
            _count("$.usage.prompt_tokens_details.cached_tokens").alias("cached_tokens"),
            pl.col("ts").str.to_datetime("%+", time_unit="us", time_zone="UTC").dt.date().alias("usage_date"),
        )
    )
    return frame.collect(engine="streaming").to_arrow()


def _count(place: str) -> pl.Expr:
    return pl.col("body").str.json_path_match(place).cast(pl.Int64)
