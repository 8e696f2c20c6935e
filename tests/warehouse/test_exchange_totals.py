"""What is counted once and then moved must equal what is decided event by event.

With a ``group by`` of all identities.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from counted_world import ACCOUNTS, EDGES, KEYS, STANDARD
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.base.resources import sql_folder
from pipeline.objects.temporary.spill import spill_folder
from pipeline.tables import schemas
from pipeline.usage.events import COUNTS
from pipeline.warehouse import connection
from pipeline.warehouse.build import build
from pipeline.warehouse.engines.on_duckdb import OnDuckDb
from pipeline.warehouse.lists import written_out
from pipeline.warehouse.marts import build_marts
from pipeline.warehouse.reference import committed_events, reference_tables

SECOND = timedelta(seconds=1)
INSTANTS = st.sampled_from(
    [
        edge + shift
        for edge in EDGES
        for shift in (-SECOND, -timedelta(microseconds=1), timedelta(0), SECOND, timedelta(hours=1))
    ]
)
TOKENS = st.sampled_from([0, 1, 7, 2**40])


@st.composite
def usage_events(draw: st.DrawFn) -> dict[str, Any]:
    status = draw(
        st.sampled_from(["measured", "measured", "measured", "estimated", "unknown", "failed", "not_metered"])
    )
    prompt = draw(TOKENS)
    event: dict[str, Any] = {
        "event_id": draw(st.sampled_from([b"12345678", b"12345679", b"\x00" * 8]))
        + draw(st.sampled_from([b"a" * 8, b"b" * 8])),
        "occurred_at": draw(INSTANTS),
        "api_key_id": draw(st.sampled_from(KEYS)),
        "model_requested": draw(st.sampled_from(["jamba-large", "jamba-mini"])),
        "service_tier": draw(st.sampled_from([None, "priority"])),
        "status": status,
        "http_status": 429 if status == "failed" else 200,
        "prompt_tokens": prompt if status == "measured" else None,
        "completion_tokens": draw(TOKENS) if status in {"measured", "estimated"} else None,
        "prompt_cached_tokens": draw(st.sampled_from([None, 0, prompt])) if status == "measured" else None,
        "source": draw(st.sampled_from(["logs/a.jsonl", "logs/b.jsonl"])),
        "byte_start": 0,
        "byte_end": 1,
    }
    parts = parts_of(event, draw) if status == "measured" else {}
    return {**dict.fromkeys(schemas.USAGE_EVENTS.names), **event, **parts}


def parts_of(event: dict[str, Any], draw: st.DrawFn) -> dict[str, int | None]:
    """Every other count of an event that states some: a little of what is left of its whole, if it is."""
    parts: dict[str, int | None] = {}
    for column in COUNTS:
        if column.part_of is not None and column.name not in event:
            whole = {**event, **parts}[column.part_of] or 0
            left = whole - (event["prompt_cached_tokens"] or 0 if column.part_of == "prompt_tokens" else 0)
            is_some_left = left >= (1 if column.part_of in parts else len(COUNTS))
            parts[column.name] = draw(st.sampled_from([None, 0, 1] if is_some_left else [None, 0]))
    return parts


# Every identity looked up among all, and every event given its fate before anything is summed.
DECIDED_ONE_BY_ONE = written_out(
    """
with copies as (select * from event_copies),
repeated as (select event_id from usage_events group by event_id having count(*) > 1),
fates as (
    select api_key_id, model_name, status, http_status, occurred_at, occurred_hour_at,
        @dimensions,
        @counts,
        'survivor' as fate,
        false as is_suspicious
    from usage_events where event_id not in (select event_id from repeated)
    union all
    select api_key_id, model_name, status, http_status, occurred_at, occurred_hour_at,
        @dimensions,
        @counts,
        fate,
        is_suspicious
    from copies
)
select api_key_id, model_name, status, http_status, fate, is_suspicious, starts_at as slice_at,
    @dimensions,
    (select max(prompt_band) from prompt_bands where from_prompt_tokens <= prompt_tokens) as prompt_band,
    count(*)::bigint as events,
    sum(@counts)::bigint as @counts
from fates inner join time_slices on hour_at = occurred_hour_at and occurred_at >= starts_at and occurred_at < ends_at
group by all
""",
    Path(__file__),
)


EVENTS = st.lists(usage_events(), min_size=1, max_size=40)
UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.mark.long
@settings(UNHURRIED, max_examples=8)
@given(events=EVENTS, cut=st.integers(min_value=0, max_value=40))
def test_the_marts_are_those_of_events_decided_one_by_one(
    tmp_path: Path, events: list[dict[str, Any]], cut: int
) -> None:
    assert_decided_alike(tmp_path, events, cut)


@pytest.mark.slow
@settings(UNHURRIED, max_examples=400)
@given(events=EVENTS, cut=st.integers(min_value=0, max_value=40))
def test_the_marts_of_many_more_events_are_those_decided_one_by_one(
    tmp_path: Path, events: list[dict[str, Any]], cut: int
) -> None:
    assert_decided_alike(tmp_path, events, cut)


def assert_decided_alike(folder: Path, events: list[dict[str, Any]], cut: int) -> None:
    numbered = [{**event, "line": line} for line, event in enumerate(events, 1)]
    files = [folder / "a.parquet", folder / "b.parquet"]
    for file, rows in zip(files, (numbered[:cut], numbered[cut:]), strict=True):
        pq.write_table(pa.Table.from_pylist(rows, schema=schemas.USAGE_EVENTS), file)
    dates = {event["occurred_at"].date() for event in events}
    reference = reference_tables(ACCOUNTS, {"standard": STANDARD}, timezone="UTC", utc_dates=dates)
    reference |= committed_events(Counter(event["status"] for event in events))
    marts = build_marts(
        files, reference, engine=OnDuckDb(lake=folder, spill=spill_folder(folder)), timezone="UTC", unmeasured="list"
    )
    assert not any(marts.broken_claims.values())
    assert sum(marts.exchanges_daily["events"].to_pylist()) == len(events)
    usage_daily, exchanges_daily = decided_one_by_one(files, reference, folder)
    assert marts.usage_daily == usage_daily
    assert marts.exchanges_daily == exchanges_daily


def decided_one_by_one(files: list[Path], reference: dict[str, pa.Table], lake: Path) -> tuple[pa.Table, pa.Table]:
    parameters = {"timezone": "UTC", "unmeasured": "list"}
    engine = OnDuckDb(lake=lake, spill=spill_folder(lake))
    with mock.patch.object(connection, "IN_MEMORY_MAX", 0), engine.session() as session:
        session.give_usage_events(files)  # read by the engine, as many events are; the marts read so few here
        ids = session.connection.sql("select distinct event_id from lake_usage_events").to_arrow_table()
        build(
            session,
            sql_folder(),
            given={**reference, "suspected_identities": ids},
            parameters=parameters,
            wanted=["event_copies"],
        )
        totals = session.connection.sql(DECIDED_ONE_BY_ONE).to_arrow_table()
    with engine.session() as session:
        build(
            session,
            sql_folder(),
            given={**reference, "exchange_totals": totals},
            parameters=parameters,
            wanted=["usage_daily", "exchanges_daily"],
        )
        return (
            session.fetch("usage_daily", schemas.USAGE_DAILY),
            session.fetch("exchanges_daily", schemas.EXCHANGES_DAILY),
        )
