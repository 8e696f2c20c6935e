"""Billed usage at the grain of a provider's export: key, model name and UTC day.

Does not own what is billed (``sql/marts/usage_by_utc_day.sql``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.warehouse.build import build_of_files

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.objects.encoded.parquet_bytes import FileRows
    from pipeline.warehouse.engines.engine import Engine

USAGE_BY_UTC_DAY = pa.schema(
    [
        pa.field("api_key_id", pa.string()),
        pa.field("model_name", pa.string()),  # as reported, else as requested
        pa.field("model", pa.string()),  # the rate card's name where it has one
        pa.field("utc_date", pa.date32()),
        pa.field("requests", pa.int64()),
        pa.field("prompt_tokens", pa.int64()),  # includes cached and cache-write tokens
        pa.field("completion_tokens", pa.int64()),
        pa.field("prompt_cached_tokens", pa.int64()),
    ]
)


def usage_by_utc_day(
    event_files: Sequence[FileRows],
    reference: Mapping[str, pa.Table],
    *,
    engine: Engine,
    timezone: str,
    unmeasured: str,
) -> pa.Table:
    """Return billed usage per key, model name and UTC day, as ``USAGE_BY_UTC_DAY``."""
    if not event_files:
        return USAGE_BY_UTC_DAY.empty_table()
    parameters = {"timezone": timezone, "unmeasured": unmeasured}
    with engine.session() as session:
        build_of_files(
            session,
            event_files,
            given=reference,
            parameters=parameters,
            wanted=["usage_by_utc_day"],
        )
        return session.fetch("usage_by_utc_day", USAGE_BY_UTC_DAY)
