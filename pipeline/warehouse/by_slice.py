"""Usage and exchanges by time slice: what hours are made of, where the slices of the reference end with hours.

Does not own what is counted (``sql/marts/usage_by_slice.sql``, ``sql/marts/exchanges_by_slice.sql``), where slices end
(``reference``) nor what an hour of somebody's clock is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.base.resources import sql_folder
from pipeline.tables import schemas
from pipeline.warehouse.build import build, fetch
from pipeline.warehouse.connection import give_usage_events, open_warehouse
from pipeline.warehouse.identities import suspected_identities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_SLICE_AT = pa.field("slice_at", pa.timestamp("us"), nullable=False)  # UTC, as SQL compares it
USAGE_BY_SLICE = schemas.USAGE_DAILY.append(_SLICE_AT)
EXCHANGES_BY_SLICE = schemas.EXCHANGES_DAILY.append(_SLICE_AT)


class Sliced(NamedTuple):
    """The marts by time slice."""

    usage: pa.Table
    """``USAGE_BY_SLICE``."""
    exchanges: pa.Table
    """``EXCHANGES_BY_SLICE``."""


def count_by_slice(
    event_files: Sequence[Path],
    reference: Mapping[str, pa.Table],
    *,
    lake: Path,
    spill: Path,
    timezone: str,
    unmeasured: str,
) -> Sliced:
    """Count verified event files below ``lake`` as ``build_marts`` does, by time slice; it asks no check."""
    if not event_files:
        return Sliced(USAGE_BY_SLICE.empty_table(), EXCHANGES_BY_SLICE.empty_table())
    parameters = {"timezone": timezone, "unmeasured": unmeasured}
    given = {**reference, "suspected_identities": suspected_identities(event_files)}
    with open_warehouse(lake, spill=spill) as connection:
        give_usage_events(connection, event_files)
        build(
            connection,
            sql_folder(),
            given=given,
            parameters=parameters,
            wanted=["usage_by_slice", "exchanges_by_slice"],
        )
        return Sliced(
            fetch(connection, "usage_by_slice", USAGE_BY_SLICE),
            fetch(connection, "exchanges_by_slice", EXCHANGES_BY_SLICE),
        )
