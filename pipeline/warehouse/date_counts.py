"""The pieces that the marts are made of, counted date by date.

Slice totals, and the events whose identity may have been logged twice.

Owns the columns of both, and the steps from events to them and from them to the marts: the same relations of ``sql/``
that ``build_marts`` builds in one go, so the marts are the same to the byte. Does not own which dates are counted again
(``pipeline.jobs.state.counted.dates_counted``), nor how the pieces are kept (``pipeline.lake.counted``).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import accumulate
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.resources import sql_folder
from pipeline.tables import schemas
from pipeline.usage.events import COUNTS, DIMENSIONS
from pipeline.warehouse.build import at_hand_after, build, checks_about, failed_checks
from pipeline.warehouse.connection import EVENTS_RELATION
from pipeline.warehouse.engines.engine import SUSPECTS_RELATION
from pipeline.warehouse.identities import beginning_alike, one_by_one
from pipeline.warehouse.marts import Marts
from pipeline.warehouse.reference import COMMITTED_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.engines.engine import Engine, Parameters, Rows
    from pipeline.warehouse.identities import Prefixes

_text, _count, _instant, _wide = (
    pa.string(),
    pa.int64(),
    pa.timestamp("us"),
    pa.decimal128(38, 0),
)  # instants in UTC, as SQL compares them
_CELL = {
    "api_key_id": _text,
    "model_name": _text,
    **{column.name: _text for column in DIMENSIONS},
    "status": _text,
    "http_status": _count,
}
SLICE_TOTALS = pa.schema(
    {
        **_CELL,
        "slice_at": _instant,
        "prompt_band": _count,
        "events": _count,
        **{column.name: _wide for column in COUNTS},
    }
)
"""``sql/intermediate/slice_totals.sql``, in the order of its grain."""
COPIES = pa.schema(
    {
        "event_id": pa.binary(),
        **_CELL,
        "occurred_at": _instant,
        "occurred_hour_at": _instant,
        **{column.name: _count for column in COUNTS},
        "is_begun": pa.bool_(),
        "request_id": _text,
        "source": _text,
        "line": _count,
    }
)
"""``sql/intermediate/possible_copies.sql``, in an order of content."""
_DECIDED = pa.schema(
    [
        *(field for field in COPIES if field.name not in ("is_begun", "request_id")),
        pa.field("fate", _text),
        pa.field("is_suspicious", pa.bool_()),
    ]
)
_SLICED = ("slice_totals", "usage_events")


def count_slices(
    files: Sequence[FileRows], reference: Mapping[str, pa.Table], *, engine: Engine
) -> tuple[pa.Table, dict[str, Rows]]:
    """Count verified event files (at least one) as ``SLICE_TOTALS``, and return the claims asked on the way."""
    with engine.session() as session:
        session.give_usage_events(files)
        at_hand = build(
            session, sql_folder(), given=_of_dates(reference), parameters={}, wanted=_SLICED, built=[EVENTS_RELATION]
        )
        totals = session.fetch("slice_totals", SLICE_TOTALS)
        broken = failed_checks(session, sql_folder(), "blocking", {}, at_hand=at_hand)
    return _in_order(totals, ("slice_at", *_CELL, "prompt_band")), broken


def claims_of_slices(reference: Mapping[str, pa.Table]) -> dict[str, Rows]:
    """Return the claims that ``count_slices`` asks, by name, as they are where none is broken."""
    at_hand = at_hand_after(sql_folder(), at_hand=(*_of_dates(reference), EVENTS_RELATION), wanted=_SLICED)
    return {check.name: [] for check in checks_about(sql_folder(), "blocking", {}, at_hand=at_hand)}


def read_copies(files: Sequence[FileRows], beginnings: Prefixes, *, engine: Engine) -> pa.Table:
    """Return the events of verified files (at least one) whose identities begin with one of these.

    Sorted, as ``COPIES``.
    """
    found = beginning_alike(files, beginnings)
    if not found:
        return COPIES.empty_table()
    with engine.session() as session:
        session.give_usage_events(list(found))
        build(
            session,
            sql_folder(),
            given={SUSPECTS_RELATION: one_by_one(found.values())},
            parameters={},
            wanted=["possible_copies"],
        )
        return _in_order(session.fetch("possible_copies", COPIES), COPIES.names)


def count_periods(
    totals: pa.Table,
    copies: pa.Table,
    reference: Mapping[str, pa.Table],
    *,
    engine: Engine,
    parameters: Parameters,
) -> Marts:
    """Return the marts of ``SLICE_TOTALS``, without advisories.

    And the claims about the way there by name, with the rows that break them.

    ``COPIES`` may hold events of dates without totals: they have a say in which copy survives, and are not counted.
    """
    dates = pc.unique(totals["slice_at"].cast(pa.date32()))
    with engine.session() as session:
        at_hand = build(
            session, sql_folder(), given={"possible_copies": copies}, parameters=parameters, wanted=["event_copies"]
        )
        decided = session.fetch("event_copies", _DECIDED)
        broken = failed_checks(session, sql_folder(), "blocking", parameters, at_hand=at_hand)
    counted = decided.filter(pc.is_in(decided["occurred_at"].cast(pa.date32()), dates))
    given = {**_of_dates(reference), "slice_totals": totals, "event_copies": counted}
    with engine.session() as session:
        at_hand = build(session, sql_folder(), given=given, parameters=parameters, wanted=schemas.MARTS)
        # Of the copies only those that are counted here are at hand: an identity may survive on another date. Marts are
        # asked of when they are whole.
        at_hand -= {"event_copies", "exchanges_daily"}
        broken |= failed_checks(session, sql_folder(), "blocking", parameters, at_hand=at_hand)
        built = {name: session.fetch(name, schema) for name, schema in schemas.MARTS.items()}
        return Marts(**built, broken_claims=broken, advisories={})


def checked_marts(marts: Marts, reference: Mapping[str, pa.Table], *, engine: Engine, parameters: Parameters) -> Marts:
    """Ask what can be asked of whole marts, and return them with the answers and with those that are known already.

    An answer about whole marts takes the place of one about some dates of them. Advisory checks are asked of whole
    marts alone.
    """
    given = {**reference, **marts.tables}
    with engine.session() as session:
        at_hand = build(session, sql_folder(), given=given, parameters=parameters, wanted=[])
        checked = failed_checks(session, sql_folder(), "blocking", parameters, at_hand=at_hand)
        advisories = failed_checks(session, sql_folder(), "advisory", parameters, at_hand=at_hand)
    return replace(marts, broken_claims={**marts.broken_claims, **checked}, advisories=advisories)


def by_date(rows: pa.Table, column: str, dates: Iterable[date]) -> dict[date, pa.Table]:
    """Split rows by the UTC date of an instant, keeping their order; every date has a table."""
    days = rows[column].cast(pa.date32())
    counts = {row["values"]: row["counts"] for row in pc.value_counts(days).to_pylist()}
    sorted_rows = rows.take(pc.sort_indices(days))  # which is stable
    starts = dict(zip(sorted(counts), accumulate((counts[day] for day in sorted(counts)), initial=0), strict=False))
    return {day: sorted_rows.slice(starts[day], counts[day]) if day in counts else rows.slice(0, 0) for day in dates}


def _in_order(rows: pa.Table, columns: Iterable[str]) -> pa.Table:
    return rows.sort_by([(name, "ascending") for name in columns])


def _of_dates(reference: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Leave out what is about all dates: where some are counted, no check may compare the two."""
    return {name: table for name, table in reference.items() if name != COMMITTED_EVENTS}
