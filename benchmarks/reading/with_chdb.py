"""ClickHouse in the process (chdb): lines as strings, read by its JSON functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import chdb
import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

_SQL = r"""
with
    JSONExtractInt(line, 'status') as status,
    JSONExtractRaw(line, 'response') as raw,
    if(startsWith(raw, '"'), JSONExtractString(line, 'response'), raw) as response,
    arrayFilter(event -> startsWith(event, 'data: {'), splitByString('\r\n\r\n', response)) as events,
    if(status = 200, if(startsWith(response, 'data:'), substring(events[-1], 7), response), '') as body,
    if(status = 200, if(startsWith(response, 'data:'), substring(events[1], 7), response), '') as first
select
    nullIf(JSONExtractString(first, 'id'), '') as response_id,
    JSONExtractString(line, 'api_key_id') as api_key_id,
    coalesce(nullIf(JSONExtractString(body, 'model'), ''), JSONExtractString(line, 'request', 'model')) as model,
    status as http_status,
    JSONExtract(body, 'usage', 'prompt_tokens', 'Nullable(Int64)') as prompt_tokens,
    JSONExtract(body, 'usage', 'completion_tokens', 'Nullable(Int64)') as completion_tokens,
    JSONExtract(body, 'usage', 'prompt_tokens_details', 'cached_tokens', 'Nullable(Int64)') as cached_tokens,
    toDate32(parseDateTime64BestEffort(JSONExtractString(line, 'ts'), 3, 'UTC'), 'UTC') as usage_date
from file('{path}', 'LineAsString', 'line String')
where isValidJSON(line)
"""


def lines_as_strings(path: Path) -> pa.Table:
    """Read JSON lines, and of a stream its first and its last chunk."""
    answer = chdb.query(_SQL.replace("{path}", str(path).replace("'", "\\'")), "ArrowStream")
    with pa.ipc.open_stream(answer.bytes()) as stream:
        return stream.read_all()
