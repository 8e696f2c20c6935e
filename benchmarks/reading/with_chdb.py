"""ClickHouse in the process (chdb): lines as strings, read by its JSON functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import chdb
import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

_SQL = r"""
with
    JSONExtract(
        line,
        'Tuple(ts String, api_key_id String, status Int64, request Tuple(model String), response String)'
    ) as envelope,
    envelope.3 as status,
    envelope.5 as response,
    arrayFilter(event -> startsWith(event, 'data: {'), splitByString('\r\n\r\n', response)) as events,
    if(status = 200, if(startsWith(response, 'data:'), substring(events[-1], 7), response), '') as body,
    if(status = 200, if(startsWith(response, 'data:'), substring(events[1], 7), response), '') as first,
    JSONExtract(body, 'Tuple(model String, usage Tuple(prompt_tokens Nullable(Int64), completion_tokens Nullable(Int64),
        prompt_tokens_details Tuple(cached_tokens Nullable(Int64))))') as stated
select
    nullIf(JSONExtractString(first, 'id'), '') as response_id,
    envelope.2 as api_key_id,
    coalesce(nullIf(stated.1, ''), envelope.4.1) as model,
    status as http_status,
    stated.2.1 as prompt_tokens,
    stated.2.2 as completion_tokens,
    stated.2.3.1 as cached_tokens,
    toDate32(parseDateTime64BestEffortOrNull(envelope.1, 3, 'UTC'), 'UTC') as usage_date
from file('{path}', 'LineAsString', 'line String')
where envelope.1 <> ''
"""


def lines_as_strings(path: Path) -> pa.Table:
    """Read JSON lines, and of a stream its first and its last chunk."""
    answer = chdb.query(_SQL.replace("{path}", str(path).replace("'", "\\'")), "ArrowStream")  # type: ignore[no-untyped-call]  # chdb has no types
    with pa.ipc.open_stream(answer.bytes()) as stream:
        return stream.read_all()
