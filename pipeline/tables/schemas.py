"""The columns of the lake's tables, as Arrow schemas. No DOUBLE, FLOAT or HUGEINT among them.

Owns the Arrow types; names, types and order of columns but those of usage events and what follows from them, dimensions
and counts (``pipeline.usage.events``). Does not own where the tables lie nor how they are written
(``pipeline.lake``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.usage import events
from pipeline.usage.events import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

INSTANT = pa.timestamp("us", tz="UTC")

_ARROW_TYPES: Mapping[Kind, pa.DataType] = {
    Kind.DIGEST: pa.binary(16),
    Kind.TEXT: pa.string(),
    Kind.INSTANT: INSTANT,
    Kind.FLAG: pa.bool_(),
    Kind.NUMBER: pa.int32(),
    Kind.COUNT: pa.int64(),
    Kind.OTHER_COUNTS: pa.string(),
}


def usage_events(lake_version: int) -> pa.Schema:
    """Return the columns that usage events have in a version of the lake."""
    columns = events.columns_of(lake_version)
    return pa.schema([pa.field(column.name, _ARROW_TYPES[column.kind], nullable=column.nullable) for column in columns])


USAGE_EVENTS = usage_events(events.LAKE_VERSION)
"""One row per logged exchange. The partition column ``date`` (UTC date of ``occurred_at``) is in the path, not in the
file.
"""

QUARANTINE = pa.schema(
    [
        pa.field("source", pa.string(), nullable=False),
        pa.field("line", pa.int64(), nullable=False),
        pa.field("byte_start", pa.int64(), nullable=False),
        pa.field("byte_end", pa.int64(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),  # pipeline.usage.QuarantineReason
        pa.field("detail", pa.string(), nullable=False),  # field names and numbers of our own making; never content
        # What such a line tells all the same, null where it cannot be read, and in files of before.
        pa.field("api_key_id", pa.string()),
        pa.field("prompt_tokens", pa.int64()),  # as stated, on no bill
        pa.field("completion_tokens", pa.int64()),
    ]
)
"""One row per line that could not become a usage event; never its content.

It decides no bill and states no version: files are read by name, what one lacks is null, and what is unknown is not
looked at.
"""

GRAIN = ("account_id", "api_key_id", "model", "service_tier", "usage_date", "billing_period")
"""What usage and exchanges of a day are of, in each mart, beside meters, prices and fates."""
SUSPICIOUS_GRAIN = tuple(name for name in GRAIN if name != "service_tier")

USAGE_DAILY = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),  # '' = unassigned: the key belongs to no account
        pa.field("api_key_id", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),  # the rate card's name where it has one
        pa.field("service_tier", pa.string(), nullable=False),  # '' = not stated
        pa.field("meter", pa.string(), nullable=False),  # pipeline.usage.Meter
        pa.field("rate_window_start", INSTANT),  # of the rate in force; null = unpriced; year 1 = from the beginning
        pa.field("usage_date", pa.date32(), nullable=False),  # in the account's time zone
        pa.field("billing_period", pa.string(), nullable=False),  # as BillingPeriod writes it
        pa.field("quantity", pa.int64(), nullable=False),  # tokens, > 0; on the meter 'request': requests
        pa.field(
            "prompt_band", pa.int64(), nullable=False
        ),  # the model's greatest threshold below the request's prompt; 0 = none
    ]
)
"""Billed tokens, one row per account, key, model, tier, meter, rate window, usage date and prompt band."""

EXCHANGES_DAILY = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("api_key_id", pa.string(), nullable=False),
        pa.field("model", pa.string(), nullable=False),
        *(pa.field(column.name, pa.string(), nullable=False) for column in events.DIMENSIONS),  # '' = not stated
        pa.field("status", pa.string(), nullable=False),
        pa.field("http_status", pa.int64(), nullable=False),
        pa.field("fate", pa.string(), nullable=False),  # survivor, duplicate, conflict, superseded
        pa.field("is_suspicious", pa.bool_(), nullable=False),  # a copy that lost and looks like a request of its own
        pa.field("usage_date", pa.date32(), nullable=False),
        pa.field("billing_period", pa.string(), nullable=False),
        pa.field("is_billed", pa.bool_(), nullable=False),  # follows from status and fate
        pa.field("events", pa.int64(), nullable=False),
        *(pa.field(column.name, pa.int64(), nullable=False) for column in events.COUNTS),  # not stated counts as 0
    ]
)
"""What became of every logged exchange: counts and stated tokens, billed or not."""

MARTS = {"usage_daily": USAGE_DAILY, "exchanges_daily": EXCHANGES_DAILY, "suspicious_usage": USAGE_DAILY}
"""What the warehouse counts, by relation (``sql/marts``). The last is what suspicious copies would add to the first."""

RATE = pa.decimal128(38, 16)
"""Per million tokens; a rate card allows 12 fractional digits and a discount of 2 adds 4, so this is exact."""
AMOUNT = pa.decimal128(38, 22)
"""A charge: tokens x a rate of 16 fractional digits / 10^6 has at most 22 fractional digits, so this is exact; what is
too great for it is refused.
"""

CHARGES = pa.schema(
    [
        *(field for field in USAGE_DAILY if field.name != "rate_window_start"),
        pa.field("rate_window_start", INSTANT, nullable=False),
        pa.field("rate_per_million", RATE, nullable=False),
        pa.field("currency", pa.string(), nullable=False),
        pa.field("amount", AMOUNT, nullable=False),  # exact, never rounded
        pa.field("list_rate_per_million", RATE),  # before discounts, or on the extended card; null = there is none
        pa.field("package_tokens", pa.int64()),  # size of the packages it was charged in; null = by the token
        pa.field("flat_amount", RATE),  # of a tier that was reached; then the quantity and the rate are 0
        pa.field("exchange", pa.string()),  # by which rate of exchange the price became this one; null = by none
        pa.field("entry", pa.string()),  # what it counts towards where its rate has a minimum or a maximum
    ]
)
"""What the billed tokens of usage daily cost: its priced rows with their rate and exact amount. A row that crosses
tiers is several; where it reaches a tier with a flat amount, that is one more.
"""

SUSPICIOUS_COPIES = pa.schema(
    [
        *(USAGE_DAILY.field(name) for name in SUSPICIOUS_GRAIN),
        pa.field("events", pa.int64(), nullable=False),
        pa.field("tokens", pa.int64(), nullable=False),  # prompt and completion tokens that they state
        pa.field("unpriced_tokens", pa.int64(), nullable=False),
        pa.field("amount", AMOUNT),  # what they would have cost, exact; null = nothing of them is priced
        pa.field("currency", pa.string(), nullable=False),  # '' = there is no amount
    ]
)
"""Copies that lost and look like requests of their own, one row per account, key, model and usage date."""
