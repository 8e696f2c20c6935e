"""Streams that were cut off before their usage: the plain reader's answer, from what is left of their lines.

Owns when that is the answer for the whole line: what was cut out was of the response, and is only counted, and the
exchange has an id.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.logs.lines import Line
from pipeline.tables.schemas import USAGE_EVENTS
from pipeline.usage import UsageStatus

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.collectors.fast.streams.condense import Condensed
    from pipeline.collectors.formats.log_format import LogFormat

_IDS = [USAGE_EVENTS.get_field_index(name) for name in ("request_id", "response_id")]
_COUNTED = [USAGE_EVENTS.get_field_index(name) for name in ("completion_tokens", "content_chunks")]


_ALSO_GENERATED = (b"reasoning", b"tool_calls", b"refusal", b"function_call")
"""Where one of these is, chunks may count that have no content."""
_OF_A_REQUEST_LOG = (b'"ts"', b'"api_key')
"""Names without which a line is of another format, whose answer may lie elsewhere."""


def read(
    cut: Condensed,
    place: tuple[int, int, int],
    *,
    source: str,
    log_format: LogFormat,
    fingerprint: Callable[[str], str],
) -> EventRow | None:
    """Return the estimate that a line amounts to, ``None`` where the whole of it must be read.

    Raises what ``fingerprint`` raises.

    The format has our names of fields; ``place`` is the line's number and its ``[start, end)`` in the log.
    """
    if not cut.is_in_response or any(name in cut.content for name in _ALSO_GENERATED):
        return None
    if any(name not in cut.content for name in _OF_A_REQUEST_LOG):
        return None
    rows = decode_line(Line(*place, cut.content), source=source, log_format=log_format, fingerprint=fingerprint)
    row = rows[0] if len(rows) == 1 else None
    if (
        not isinstance(row, EventRow)
        or row.status is not UsageStatus.ESTIMATED
        or all(row.values[at] is None for at in _IDS)
    ):
        return None
    values = list(row.values)
    for at in _COUNTED:
        values[at] += cut.content_chunks
    return EventRow(row.status, tuple(values))
