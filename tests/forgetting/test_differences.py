"""Counts of marts are added and taken away at their grain, and a row goes where nothing of it is left."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa

from pipeline.jobs.state.forgotten.kept import EXCHANGES, USAGE, negated, summed
from pipeline.tables.schemas import MARTS


def used(quantity: int, **more: Any) -> dict[str, Any]:
    row = {
        "account_id": "acme",
        "api_key_id": "key_a",
        "model": "m",
        "service_tier": "",
        "meter": "prompt",
        "rate_window_start": datetime(2026, 1, 1, tzinfo=UTC),
        "usage_date": date(2026, 9, 1),
        "billing_period": "2026-09",
        "quantity": quantity,
        "prompt_band": 0,
    }
    return row | more


def exchanged(events: int, tokens: int) -> dict[str, Any]:
    counts = {name: 0 for name in MARTS[EXCHANGES].names if name.endswith("_tokens")}
    row = {name: "" for name in MARTS[EXCHANGES].names if MARTS[EXCHANGES].field(name).type == pa.string()}
    more = {"http_status": 200, "is_suspicious": False, "is_billed": True, "usage_date": date(2026, 9, 1)}
    return {**row, **counts, **more, "events": events, "prompt_tokens": tokens}


def mart(name: str, *rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=MARTS[name])


def test_rows_of_one_grain_are_added_and_come_in_the_order_of_the_mart() -> None:
    added = summed(
        USAGE,
        [
            mart(USAGE, used(5, usage_date=date(2026, 9, 2)), used(7)),
            mart(USAGE, used(3), used(1, rate_window_start=None)),
        ],
    )
    assert [(row["quantity"], row["usage_date"].day) for row in added.to_pylist()] == [(1, 1), (10, 1), (5, 2)]
    assert added.schema == MARTS[USAGE]


def test_what_is_taken_away_as_a_whole_leaves_no_row() -> None:
    whole = mart(USAGE, used(5), used(7, meter="completion"))
    assert summed(USAGE, [whole, negated(USAGE, whole)]).num_rows == 0
    assert summed(USAGE, [whole, negated(USAGE, mart(USAGE, used(5)))]).to_pylist() == [used(7, meter="completion")]


def test_a_row_stays_where_tokens_differ_and_the_number_of_events_does_not() -> None:
    """Another measurement of one response counts: as many exchanges, other tokens."""
    more = summed(
        EXCHANGES, [mart(EXCHANGES, exchanged(1, 200)), negated(EXCHANGES, mart(EXCHANGES, exchanged(1, 80)))]
    )
    assert [(row["events"], row["prompt_tokens"]) for row in more.to_pylist()] == [(0, 120)]
