"""The columns of the lake's tables, as Arrow schemas. No DOUBLE, FLOAT or HUGEINT among them.

Owns names, types and order of columns. Does not own where the tables lie nor how they are written (``pipeline.storage``).
"""

from __future__ import annotations

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")

USAGE_EVENTS = pa.schema(
    [
        pa.field("event_id", pa.binary(16), nullable=False),  # digest of the identity: key id and response id, or what stands in for it
        pa.field("request_id", pa.string()),
        pa.field("response_id", pa.string()),
        pa.field("occurred_at", INSTANT, nullable=False),
        pa.field("api_key_id", pa.string(), nullable=False),
        pa.field("model_requested", pa.string()),
        pa.field("model_reported", pa.string()),
        pa.field("service_tier", pa.string()),
        pa.field("status", pa.string(), nullable=False),  # pipeline.usage.UsageStatus
        pa.field("http_status", pa.int32(), nullable=False),
        pa.field("stream", pa.bool_()),
        pa.field("choices", pa.int32()),
        pa.field("finish_reason", pa.string()),
        pa.field("prompt_tokens", pa.int64()),  # includes cached and cache-write tokens; null = not stated
        pa.field("completion_tokens", pa.int64()),  # includes reasoning tokens
        pa.field("prompt_cached_tokens", pa.int64()),
        pa.field("prompt_cache_write_tokens", pa.int64()),
        pa.field("reasoning_tokens", pa.int64()),
        pa.field("content_chunks", pa.int64()),  # chunks with content, of a stream that stated no usage
        pa.field("dialect", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),  # from 1
        pa.field("byte_start", pa.int64(), nullable=False),  # in the decompressed log, half-open
        pa.field("byte_end", pa.int64(), nullable=False),
    ]
)
"""One row per logged exchange. The partition column ``date`` (UTC date of ``occurred_at``) is in the path, not in the file."""

QUARANTINE = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("byte_start", pa.int64(), nullable=False),
        pa.field("byte_end", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),  # pipeline.usage.QuarantineReason
        pa.field("detail", pa.string(), nullable=False),  # field names and numbers of our own making; never content
    ]
)
"""One row per line that could not become a usage event; never its content."""

USAGE_DAILY = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),  # '' = unassigned: the key belongs to no account
        pa.field("api_key_id", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),  # the rate card's name where it has one
        pa.field("service_tier", pa.string(), nullable=False),  # '' = not stated
        pa.field("meter", pa.string(), nullable=False),  # pipeline.usage.Meter
        pa.field("rate_window_start", INSTANT),  # of the rate in force; null = unpriced; year 1 = in force since ever
        pa.field("usage_date", pa.date32(), nullable=False),  # in the account's time zone
        pa.field("billing_period", pa.string(), nullable=False),  # YYYY-MM
        pa.field("quantity", pa.int64(), nullable=False),  # tokens, > 0; on the meter 'request': requests
        pa.field("prompt_band", pa.int64(), nullable=False),  # the model's greatest threshold below the request's prompt; 0 = none
    ]
)
"""Billed tokens, one row per account, key, model, tier, meter, rate window, usage date and prompt band."""

EXCHANGES_DAILY = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("api_key_id", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        pa.field("service_tier", pa.string(), nullable=False),
        pa.field("status", pa.string(), nullable=False),
        pa.field("http_status", pa.int64(), nullable=False),
        pa.field("fate", pa.string(), nullable=False),  # survivor, duplicate, conflict, superseded
        pa.field("usage_date", pa.date32(), nullable=False),
        pa.field("billing_period", pa.string(), nullable=False),
        pa.field("events", pa.int64(), nullable=False),
        pa.field("prompt_tokens", pa.int64(), nullable=False),
        pa.field("completion_tokens", pa.int64(), nullable=False),
        pa.field("prompt_cached_tokens", pa.int64(), nullable=False),
        pa.field("prompt_cache_write_tokens", pa.int64(), nullable=False),
        pa.field("reasoning_tokens", pa.int64(), nullable=False),
    ]
)
"""What became of every logged exchange: counts and stated tokens, billed or not."""

RATE = pa.decimal128(38, 16)
"""Per million tokens; a rate card allows 12 fractional digits and a discount of 2 adds 4, so this is exact."""
AMOUNT = pa.decimal128(38, 22)
"""A charge: tokens x a rate of 16 fractional digits / 10^6 has at most 22 fractional digits, so this is exact; what is too great for it is refused."""

CHARGES = pa.schema(
    [
        *(field for field in USAGE_DAILY if field.name != "rate_window_start"),
        pa.field("rate_window_start", INSTANT, nullable=False),
        pa.field("rate_per_million", RATE, nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("amount", AMOUNT, nullable=False),  # exact, never rounded
        pa.field("list_rate_per_million", RATE),  # before discounts, or on the extended card; null = there is none
        pa.field("package_tokens", pa.int64()),  # size of the packages it was charged in; null = by the token
    ]
)
"""What the billed tokens of usage daily cost: its priced rows with their rate and exact amount. A row that crosses tiers is several."""
