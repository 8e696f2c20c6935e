"""Builds the marts from verified event files, and says which claims about them do not hold.

Owns the order: give, build, check, fetch. Does not own what the marts mean (the files of ``sql/`` do).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import schemas
from pipeline.resources import sql_folder
from pipeline.warehouse.build import build, failed_checks, fetch
from pipeline.warehouse.connection import give_usage_events, open_warehouse
from pipeline.warehouse.identities import suspected_identities

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

Rows = list[dict[str, Any]]
_WANTED = ("usage_daily", "exchanges_daily", "event_copies")


@dataclass(frozen=True, slots=True, kw_only=True)
class Marts:
    """What a build of the warehouse gives: two marts, the claims that broke, and what somebody should look at."""

    usage_daily: pa.Table
    """``schemas.USAGE_DAILY``."""
    exchanges_daily: pa.Table
    """``schemas.EXCHANGES_DAILY``."""
    broken_claims: Mapping[str, Rows]
    """Every blocking check by name, with the rows that break its claim; all empty when all is well."""
    advisories: Mapping[str, Rows]
    """Every advisory check by name, with the rows it found."""


def build_marts(event_files: Sequence[Path], reference: Mapping[str, pa.Table], *, lake: Path, spill: Path, timezone: str, unmeasured: str) -> Marts:
    """Count the events of verified Parquet files below ``lake``. The result depends on their content alone, not on order or machine.

    ``spill`` is a folder of this process's own for what does not fit into memory.
    """
    parameters = {"timezone": timezone, "unmeasured": unmeasured}
    folder = sql_folder()
    given = dict(reference)
    # Looking for suspects is mostly sorting, on one processor; counting is mostly done by the others.
    with ThreadPoolExecutor(1) as pool, open_warehouse(lake, spill=spill) as connection:
        suspected = pool.submit(suspected_identities, event_files)
        if event_files:
            give_usage_events(connection, event_files)
        else:
            given["lake_usage_events"] = schemas.USAGE_EVENTS.empty_table()
        built = build(connection, folder, given=given, parameters=parameters, wanted=["slice_totals"])
        build(connection, folder, given={"suspected_identities": suspected.result()}, parameters=parameters, wanted=_WANTED, built=built)
        return Marts(
            usage_daily=fetch(connection, "usage_daily", schemas.USAGE_DAILY),
            exchanges_daily=fetch(connection, "exchanges_daily", schemas.EXCHANGES_DAILY),
            broken_claims=failed_checks(connection, folder, "blocking", parameters),
            advisories=failed_checks(connection, folder, "advisory", parameters),
        )
