"""DuckDB: one ``group by`` over the identities, then one over keys, models and dates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from benchmarks.aggregating.files import event_files

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

_TOTALS = """
select api_key_id, model, usage_date, count(*) as events,
    sum(prompt_tokens)::bigint as prompt_tokens, sum(completion_tokens)::bigint as completion_tokens,
    sum(cached_tokens)::bigint as cached_tokens
from copies
group by api_key_id, model, usage_date
"""
_MEASURED = "from read_parquet(?, hive_partitioning = false) where status = 'measured'"
_NONE = f"""
with copies as (
    select
        api_key_id, coalesce(model_reported, model_requested) as model, occurred_at::date as usage_date,
        prompt_tokens, completion_tokens, coalesce(prompt_cached_tokens, 0) as cached_tokens
    {_MEASURED}
)
{_TOTALS}
"""
_ANY = f"""
with copies as (
    select
        any_value(api_key_id) as api_key_id, any_value(coalesce(model_reported, model_requested)) as model,
        any_value(occurred_at)::date as usage_date,
        any_value(prompt_tokens) as prompt_tokens, any_value(completion_tokens) as completion_tokens,
        coalesce(any_value(prompt_cached_tokens), 0) as cached_tokens
    {_MEASURED}
    group by event_id
)
{_TOTALS}
"""
_RIGHT = f"""
with copies as (
    select
        any_value(api_key_id) as api_key_id, any_value(coalesce(model_reported, model_requested)) as model,
        min(occurred_at)::date as usage_date,
        arg_max(prompt_tokens, occurred_at) as prompt_tokens,
        arg_max(completion_tokens, occurred_at) as completion_tokens,
        arg_max(coalesce(prompt_cached_tokens, 0), occurred_at) as cached_tokens
    {_MEASURED}
    group by event_id
)
{_TOTALS}
"""


def without_identities(root: Path) -> pa.Table:
    """Sum everything, copies too: the floor, and wrong."""
    return _answer(_NONE, root)


def any_copy(root: Path) -> pa.Table:
    """Keep one copy of each identity, whichever the engine meets."""
    return _answer(_ANY, root)


def right_copy(root: Path) -> pa.Table:
    """Date each identity by its earliest copy, and count it by its latest."""
    return _answer(_RIGHT, root)


def _answer(sql: str, root: Path) -> pa.Table:
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.sql(sql, params=[[str(file) for file in event_files(root)]]).to_arrow_table()
