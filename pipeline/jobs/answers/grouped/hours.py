"""Usage and cost by the hour, as the account's own clock shows it.

Marts hold days, so the events are counted anew, once, with time slices that end with every hour of every clock in use.
An hour is rated like a day: what it adds to the running count at its place in the month, in the order in which a month
is consumed (``pipeline.rating.charges``) and, within a day's key, model, tier, size and meter, by time. So an hour
costs what the events in it are charged by ``explain`` (``pipeline.jobs.state.lines``), tiers and packages too, and the
hours of a day cost what the day costs. The months that are asked about are rated whole, since their prices may depend
on all of them.

Owns what an hour is called. Does not own what is counted (``pipeline.warehouse.grains.by_slice``).
"""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.periods import BillingPeriod, time_zone
from pipeline.jobs.answers.grouped.rated import RatedTables, with_currency, without_charge
from pipeline.jobs.answers.grouped.words import HOUR
from pipeline.jobs.state.engines import engine_of
from pipeline.jobs.state.forgotten.kept import kept_counts
from pipeline.jobs.state.held import in_force
from pipeline.jobs.state.rate import rate_placed
from pipeline.lake.checked_files import verified_files
from pipeline.lake.commits import read_log
from pipeline.tables import schemas
from pipeline.tables.row_codes import first_rows, row_codes
from pipeline.warehouse.grains.by_slice import Sliced, count_by_slice
from pipeline.warehouse.reference import hour_start_at, reference_tables

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.selection import Span
    from pipeline.lake.log.snapshot import LakeSnapshot

_GRAIN = (*schemas.GRAIN, HOUR)
_DAY = timedelta(days=1)


def rated_hourly(workspace: Workspace, spans: Iterable[Span]) -> RatedTables:
    """Return billed usage by hour, of the months that some spans lie in."""
    sliced = sliced_by_hour(workspace, spans)
    placed = rate_placed(sliced.usage.select(schemas.USAGE_DAILY.names), workspace.accounts, workspace.rate_cards)
    hours = sliced.usage[HOUR].take(placed.charges["place"])
    charges = placed.charges.append_column(HOUR, hours)
    unpriced = with_currency(without_charge(sliced.usage, placed.charges), workspace)
    requests = with_currency(sliced.exchanges.filter(sliced.exchanges["is_billed"]), workspace)
    return RatedTables(
        charges=charges.select([*_GRAIN, "meter", "quantity", "currency", "amount"]),
        unpriced=unpriced.select([*_GRAIN, "meter", "quantity", "currency"]),
        requests=requests.select([*_GRAIN, "currency", "events"]),
    )


def sliced_by_hour(workspace: Workspace, spans: Iterable[Span]) -> Sliced:
    """Return usage and exchanges of the months that some spans lie in, with the hour of each row in ``usage_hour``.

    Raises ``ConfigurationError`` where usage of these months was forgotten: of it no hours are kept.
    """
    spans, whole = list(spans), read_log(workspace.lake)
    _refuse_forgotten(workspace, whole, spans)
    snapshot, _ = in_force(workspace, whole)
    utc_dates = {file.date for file in snapshot.data_files}
    month_days = {1, *(account.month_day for account in workspace.accounts)}
    months = {
        day: {
            BillingPeriod.of(day + near, month_day)
            for near in (-_DAY, timedelta(0), _DAY)  # a day of an account may begin or end on another UTC day
            for month_day in month_days
        }
        for day in utc_dates
    }
    periods = {str(month) for mine in months.values() for month in mine if any(span.touches(month) for span in spans)}
    hourly = {day for day, mine in months.items() if not periods.isdisjoint(map(str, mine))}
    settings = workspace.settings
    counted = count_by_slice(
        verified_files(workspace.lake, snapshot),
        reference_tables(
            workspace.accounts,
            workspace.rate_cards,
            timezone=settings.timezone,
            utc_dates=utc_dates,
            hourly_dates=hourly,
        ),
        engine=engine_of(workspace),
        timezone=settings.timezone,
        unmeasured=settings.unmeasured.value,
    )
    wanted = pa.array(sorted(periods), pa.string())
    return Sliced(
        *(_with_hours(table.filter(pc.is_in(table["billing_period"], wanted)), workspace) for table in counted)
    )


def _refuse_forgotten(workspace: Workspace, snapshot: LakeSnapshot, spans: Sequence[Span]) -> None:
    kept_counts(workspace, snapshot).refuse_periods(lambda period: any(span.touches(period) for span in spans), "hours")


def _with_hours(table: pa.Table, workspace: Workspace) -> pa.Table:
    zones = {account.id: account.timezone for account in workspace.accounts}
    codes = row_codes([table["account_id"], table["slice_at"]]).dictionary_encode()
    firsts = table.select(["account_id", "slice_at"]).take(first_rows(codes)).to_pylist()
    names = []
    for first in firsts:
        zone = time_zone(zones.get(first["account_id"], workspace.settings.timezone))
        names.append(
            hour_start_at(first["slice_at"].replace(tzinfo=UTC), zone).astimezone(zone).isoformat("T", "minutes")
        )
    return table.append_column(HOUR, pa.array(names, pa.string()).take(codes.indices))
