"""One line to one row: a usage event, a row of the quarantine, or nothing where the line is blank.

Owns the order in which a line is examined. Does not own the rows' way into Arrow (``stretch``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pipeline.collectors.envelope import read_envelope
from pipeline.collectors.exchange import read_exchange
from pipeline.collectors.identity import event_id
from pipeline.collectors.refusal import LineRefused
from pipeline.collectors.strict_json import BrokenJson, parse
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.collectors.counting import BodyReading
    from pipeline.collectors.envelope import Envelope
    from pipeline.collectors.lines import Line
    from pipeline.collectors.log_format import LogFormat
    from pipeline.collectors.strict_json import JsonObject
    from pipeline.usage import UsageStatus

Row: TypeAlias = tuple[Any, ...]


class EventRow(NamedTuple):
    """The values of ``schemas.USAGE_EVENTS`` in their order; ``occurred_at`` in microseconds."""

    status: UsageStatus
    values: Row


class QuarantineRow(NamedTuple):
    """The values of ``schemas.QUARANTINE`` in their order."""

    reason: QuarantineReason
    values: Row


def decode_line(line: Line, *, source: str, log_format: LogFormat, fingerprint: Callable[[str], str]) -> EventRow | QuarantineRow | None:
    """Return what a line amounts to, ``None`` for a blank one. Raises only what ``fingerprint`` raises."""
    if line.content == b"" or (line.content is not None and line.content.isspace()):
        return None
    try:
        envelope = read_envelope(_parsed(line, log_format), log_format, fingerprint)
        reading = read_exchange(envelope, log_format)
    except LineRefused as refused:
        return QuarantineRow(refused.reason, (source, line.number, line.start, line.end, refused.reason.value, refused.detail))
    return EventRow(reading.status, _values(envelope, reading, line, source, log_format))


def _parsed(line: Line, log_format: LogFormat) -> JsonObject:
    if line.content is None:
        raise LineRefused(QuarantineReason.LINE_TOO_LONG, f"{line.end - line.start} bytes; the cap is {log_format.line_bytes_max}")
    try:
        document = parse(line.content.decode(), depth_max=log_format.depth_max)
    except UnicodeDecodeError as error:
        raise LineRefused(QuarantineReason.INVALID_UTF8, f"at byte {error.start} of the line") from None
    except BrokenJson:
        raise LineRefused(QuarantineReason.INVALID_JSON, "the line is not one JSON document") from None
    if not isinstance(document, dict):
        raise LineRefused(QuarantineReason.NOT_AN_OBJECT, "the line is JSON, and no object")
    return document


def _values(envelope: Envelope, reading: BodyReading, line: Line, source: str, log_format: LogFormat) -> Row:
    tokens = reading.tokens
    return (
        event_id(
            api_key_id=envelope.api_key_id,
            response_id=reading.response_id,
            request_id=envelope.request_id,
            line=line.content or b"",
            prefers_request_id=log_format.identity == "request-id",
        ),
        envelope.request_id,
        reading.response_id,
        envelope.occurred_us,
        envelope.api_key_id,
        envelope.model_requested or reading.model_in_path,
        reading.model_reported,
        reading.service_tier,
        reading.status.value,
        envelope.http_status,
        envelope.stream_requested if reading.is_stream is None else reading.is_stream,
        reading.choices,
        reading.finish_reason,
        tokens and tokens.prompt_tokens,
        tokens and tokens.completion_tokens,
        tokens and tokens.prompt_cached_tokens,
        tokens and tokens.prompt_cache_write_tokens,
        tokens and tokens.reasoning_tokens,
        reading.content_chunks,
        reading.dialect,
        source,
        line.number,
        line.start,
        line.end,
    )
