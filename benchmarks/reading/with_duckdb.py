"""DuckDB: its JSON reader, and lines as text, taken apart by string functions.

Not exact: whatever looks right is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

_OBJECTS = r"""
with lines as (
    select
        json->>'$.ts' as ts,
        json->>'$.api_key_id' as api_key_id,
        json->>'$.request.model' as model,
        (json->>'$.status')::bigint as http_status,
        json->>'$.response' as response
    from read_ndjson_objects(?, ignore_errors = true, maximum_object_size = 16777216)
),
events as (
    select *, case when starts_with(response, 'data:') then string_split(response, E'\r\n\r\n') end as events
    from lines
    where ts is not null
),
bodies as (
    select
        * exclude (response, events),
        case when http_status = 200
            then coalesce(list_filter(events, lambda event: starts_with(event, 'data: {'))[-1][7:], response)
        end as body,
        case when http_status = 200 then events[1][7:] end as first_chunk
    from events
),
checked as (
    select * exclude (body), case when json_valid(body) then body end as body
    from bodies
)
select
    coalesce(body->>'$.id', first_chunk->>'$.id') as response_id,
    api_key_id,
    coalesce(body->>'$.model', model) as model,
    http_status,
    (body->>'$.usage.prompt_tokens')::bigint as prompt_tokens,
    (body->>'$.usage.completion_tokens')::bigint as completion_tokens,
    (body->>'$.usage.prompt_tokens_details.cached_tokens')::bigint as cached_tokens,
    ts::timestamptz::date as usage_date
from checked
"""
_TEXT = r"""
with lines as (
    select line
    from read_csv(
        ?, columns = {'line': 'VARCHAR'}, header = false, auto_detect = false, delim = E'\x01', quote = '', escape = '',
        max_line_size = 16777216, ignore_errors = true, strict_mode = false
    )
    where starts_with(line, '{') and (substr(line, -1) = '}' or substr(line, -2) = E'}\r')
),
tails as (
    select
        line,
        try_cast(regexp_extract(line, '"status"\s*:\s*([0-9]+)', 1) as bigint) as http_status,
        case when contains(line, 'data: {') then split_part(line, 'data: {', -1) else right(line, 600) end as tail
    from lines
)
select
    case when http_status = 200 then regexp_extract(line, '(chatcmpl-[0-9a-f]+)', 1) end as response_id,
    regexp_extract(line, '"api_key_id"\s*:\s*"([^"]*)"', 1) as api_key_id,
    regexp_extract(line, '"model"\s*:\s*"([^"]*)"', 1) as model,
    http_status,
    nullif(regexp_extract(tail, 'prompt_tokens\\?": ([0-9]+)', 1), '')::bigint as prompt_tokens,
    nullif(regexp_extract(tail, 'completion_tokens\\?": ([0-9]+)', 1), '')::bigint as completion_tokens,
    nullif(regexp_extract(tail, 'cached_tokens\\?": ([0-9]+)', 1), '')::bigint as cached_tokens,
    try_cast(regexp_extract(line, '"ts"\s*:\s*"([^"]*)"', 1) as timestamptz)::date as usage_date
from tails
"""


def objects(path: Path) -> pa.Table:
    """Read JSON lines by ``read_ndjson_objects``, and of a stream its first and its last chunk."""
    return _answer(_OBJECTS, path)


def lines_as_text(path: Path) -> pa.Table:
    """Read lines as text, and usage by regular expressions from what follows the last ``data:``."""
    return _answer(_TEXT, path)


def _answer(sql: str, path: Path) -> pa.Table:
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        return connection.sql(sql, params=[str(path)]).to_arrow_table()
