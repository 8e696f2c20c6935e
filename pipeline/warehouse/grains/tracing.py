"""Single usage events, with what became of them: the way back from a printed cent to the line of a log.

Owns the columns of a traced event. Does not own what they mean (``sql/marts/traced_events.sql``) nor what they cost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.resources import sql_folder
from pipeline.tables import schemas
from pipeline.usage.events import COUNTS, DIMENSIONS
from pipeline.warehouse.build import build
from pipeline.warehouse.connection import EVENTS_RELATION
from pipeline.warehouse.engines.engine import SUSPECTS_RELATION

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.engines.engine import Engine, Parameters

_text, _count = pa.string(), pa.int64()
TRACED_EVENTS = pa.schema(
    [
        pa.field("event_id", pa.binary()),
        pa.field("request_id", _text),
        pa.field("response_id", _text),
        pa.field("occurred_at", schemas.INSTANT),
        pa.field("api_key_id", _text),
        pa.field("account_id", _text),  # '' = unassigned
        pa.field("model_name", _text),  # as reported, else as requested
        pa.field("model", _text),  # the rate card's name where it has one
        *(pa.field(column.name, _text) for column in DIMENSIONS),
        pa.field("status", _text),
        pa.field("http_status", _count),
        *(pa.field(column.name, _count) for column in COUNTS),
        pa.field("source", _text),
        pa.field("line", _count),
        pa.field("byte_start", _count),
        pa.field("byte_end", _count),
        pa.field("fate", _text),
        pa.field("survivor_source", _text),
        pa.field("survivor_line", _count),
        pa.field("usage_date", pa.date32()),
        pa.field("billing_period", _text),
        pa.field("rate_window_start", schemas.INSTANT),
        pa.field("prompt_band", _count),  # the model's greatest threshold below the prompt; 0 = none
        pa.field("priced_apart", _text),  # meters that stand apart since the rate prices them, between commas
        pa.field("is_billed", pa.bool_()),
    ]
)
"""One row per usage event, in the order of ``occurred_at``; not stated token counts are 0. No free text and no content
among them.
"""


def trace_copies(
    event_files: Sequence[FileRows],
    reference: Mapping[str, pa.Table],
    *,
    engine: Engine,
    timezone: str,
    unmeasured: str,
    wanted_id: str | None = None,
    wanted_place: tuple[str, int] | None = None,
) -> pa.Table:
    """Return the events with a request or response id, or at a place (source, line).

    And all copies of theirs, as ``TRACED_EVENTS``.
    """
    source, line = wanted_place or (None, None)
    parameters = {"wanted_id": wanted_id, "wanted_source": source, "wanted_line": line}
    return _traced(
        event_files,
        reference,
        engine=engine,
        timezone=timezone,
        unmeasured=unmeasured,
        chosen_by="copies_of_wanted",
        parameters=parameters,
        given={},
    )


def trace_keys(
    event_files: Sequence[FileRows],
    reference: Mapping[str, pa.Table],
    *,
    engine: Engine,
    timezone: str,
    unmeasured: str,
    api_key_ids: Iterable[str],
) -> pa.Table:
    """Return all events of some keys as ``TRACED_EVENTS``."""
    given = {"wanted_keys": pa.table({"api_key_id": pa.array(sorted(set(api_key_ids)), pa.string())})}
    return _traced(
        event_files,
        reference,
        engine=engine,
        timezone=timezone,
        unmeasured=unmeasured,
        chosen_by="events_of_wanted_keys",
        parameters={},
        given=given,
    )


def _traced(
    event_files: Sequence[FileRows],
    reference: Mapping[str, pa.Table],
    *,
    engine: Engine,
    timezone: str,
    unmeasured: str,
    chosen_by: str,
    parameters: Parameters,
    given: Mapping[str, pa.Table],
) -> pa.Table:
    """Choose events first, then trace those alone.

    Copies are decided within an identity, so leaving out others changes nothing.
    """
    if not event_files:
        return TRACED_EVENTS.empty_table()
    with engine.session() as session:
        session.give_usage_events(event_files)
        build(session, sql_folder(), given=given, parameters=parameters, wanted=[chosen_by])
        chosen = session.fetch(chosen_by, schemas.USAGE_EVENTS)
    return trace_events(chosen, reference, engine=engine, timezone=timezone, unmeasured=unmeasured)


def trace_events(
    chosen: pa.Table, reference: Mapping[str, pa.Table], *, engine: Engine, timezone: str, unmeasured: str
) -> pa.Table:
    """Return rows of ``schemas.USAGE_EVENTS`` as ``TRACED_EVENTS``; all copies of an event are to be among them."""
    with engine.session() as session:
        suspected = pa.table(
            {"event_id": pc.unique(chosen["event_id"]).cast(pa.binary())}
        )  # there are few: each may have copies
        given = {**reference, EVENTS_RELATION: chosen, SUSPECTS_RELATION: suspected}
        parameters = {"timezone": timezone, "unmeasured": unmeasured}
        build(session, sql_folder(), given=given, parameters=parameters, wanted=["traced_events"])
        return session.fetch("traced_events", TRACED_EVENTS)
