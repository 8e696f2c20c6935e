"""The usage events behind invoice lines as CSV: one row for every event on every line it is charged on.

Owns the columns. Does not own which events belong to a line (``pipeline.jobs.state.lines.traced_lines``). A spreadsheet
recomputes a line from it: the sum of ``exact_charge`` over the rows of an ``invoice_line``, rounded once.
"""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from pipeline.base.money import decimal_from_plain, normalised, plain_rate
from pipeline.base.periods import instant_text
from pipeline.documents.csv_text import csv_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

EVENT_COLUMNS = (
    "invoice_line",
    "occurred_at",
    "usage_date",
    "api_key_id",
    "model",
    "model_name",
    "service_tier",
    "status",
    "meter",
    "quantity",
    "rate_per_million",
    "currency",
    "exact_charge",
    "request_id",
    "response_id",
    "source",
    "source_line",
    "byte_start",
    "byte_end",
)

Row = tuple["str | int | Decimal | None", ...]


def event_row(
    event: Mapping[str, Any],
    *,
    invoice_line: int,
    meter: str,
    quantity: int,
    rate_per_million: Decimal,
    currency: str,
    exact_charge: Decimal,
) -> Row:
    """Return the cells of one event on one line.

    ``occurred_at`` is UTC, ``usage_date`` the day in the account's time zone.
    """
    return (
        invoice_line,
        instant_text(event["occurred_at"].astimezone(UTC)),
        event["usage_date"].isoformat(),
        event["api_key_id"],
        event["model"],
        event["model_name"],
        event["service_tier"],
        event["status"],
        meter,
        quantity,
        decimal_from_plain(plain_rate(rate_per_million)),
        currency,
        normalised(exact_charge),
        event["request_id"],
        event["response_id"],
        event["source"],
        event["line"],
        event["byte_start"],
        event["byte_end"],
    )


def events_csv(rows: Iterable[Row]) -> bytes:
    """Write rows of ``event_row`` under ``EVENT_COLUMNS``."""
    return csv_bytes(EVENT_COLUMNS, rows)
