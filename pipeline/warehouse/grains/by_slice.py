"""Usage and exchanges by time slice: what hours are made of, where the slices of the reference end with hours.

Does not own what is counted (``sql/marts/usage_by_slice.sql``, ``sql/marts/exchanges_by_slice.sql``), where slices end
(``reference``) nor what an hour of somebody's clock is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa

from pipeline.tables import schemas
from pipeline.warehouse.build import build_of_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.engines.engine import Engine

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
    event_files: Sequence[FileRows],
    reference: Mapping[str, pa.Table],
    *,
    engine: Engine,
    timezone: str,
    unmeasured: str,
) -> Sliced:
    """Count verified event files as ``build_marts`` does, by time slice; it asks no check."""
    if not event_files:
        return Sliced(USAGE_BY_SLICE.empty_table(), EXCHANGES_BY_SLICE.empty_table())
    parameters = {"timezone": timezone, "unmeasured": unmeasured}
    with engine.session() as session:
        build_of_files(
            session,
            event_files,
            given=reference,
            parameters=parameters,
            wanted=["usage_by_slice", "exchanges_by_slice"],
        )
        return Sliced(
            session.fetch("usage_by_slice", USAGE_BY_SLICE),
            session.fetch("exchanges_by_slice", EXCHANGES_BY_SLICE),
        )
