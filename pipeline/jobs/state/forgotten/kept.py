"""The counts that are kept of forgotten events, at the grain of the marts.

They are a difference: what the marts of a state were, less what the marts of the events that are left are. Added to the
marts of what is left, they give the marts as they were, to the last row, whatever copies of whatever were among them.
There is one difference for each state that issued documents name, and one for the present.

Owns this arithmetic, and which difference belongs to a snapshot. Does not own which events are forgotten (``rules``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import reduce
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import ConfigurationError, DataFileDamaged
from pipeline.base.periods import BillingPeriod
from pipeline.jobs.state.forgotten.of_now import WINDOW, of_now
from pipeline.jobs.state.held import in_force
from pipeline.lake.checked_files import verified_kept
from pipeline.lake.log.forgetting import Point
from pipeline.objects.encoded import parquet_bytes
from pipeline.tables.schemas import MARTS
from pipeline.tables.sums import total
from pipeline.usage.events import COUNTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from pipeline.configuration.workspace import Workspace
    from pipeline.lake.log.forgetting import Forgetting
    from pipeline.lake.log.snapshot import LakeSnapshot
    from pipeline.warehouse.marts import Marts

USAGE, EXCHANGES, SUSPICIOUS = MARTS
_SUMMED: Mapping[str, tuple[str, ...]] = {
    USAGE: ("quantity",),
    EXCHANGES: ("events", *(column.name for column in COUNTS)),
    SUSPICIOUS: ("quantity",),
}
POINT = pa.field("point", pa.int64(), nullable=False)
"""From which of the points of an entry on the counts differ by a row; the number after the last is the present."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The counts of what a state lacks."""

    tables: Mapping[str, pa.Table]
    """By mart, with its columns. A quantity is below zero where a copy counts now in the place of a forgotten one."""
    forgettings: tuple[Forgetting, ...] = ()
    """By which it was forgotten."""
    months: frozenset[tuple[str, BillingPeriod]] = frozenset()
    """Months of accounts of which something had been forgotten by then: what is invoiced for them stands."""

    def __bool__(self) -> bool:
        """Say whether anything is kept."""
        return any(table.num_rows for table in self.tables.values())

    @property
    def statuses(self) -> Counter[str]:
        """Count the events by status."""
        sums = self.tables[EXCHANGES].group_by("status", use_threads=False).aggregate([("events", "sum")])
        return Counter({row["status"]: row["events_sum"] for row in sums.to_pylist()})

    @property
    def periods(self) -> set[str]:
        """Return the billing periods that any of it falls into."""
        return {period for table in self.tables.values() for period in table["billing_period"].unique().to_pylist()}

    def said_of(self, account_id: str, period: BillingPeriod) -> str:
        """Say when and by which rules usage of an account and month was forgotten; empty where none was."""
        place = account_id, str(period)
        rules = [each for each in self.forgettings if place in each.months]
        if not rules and (account_id, period) in self.months:  # its months began on another day
            rules = list(self.forgettings)
        return "; ".join(each.text for each in rules)

    def tokens(self, **wanted: str) -> int:
        """Return what is kept of usage with these values of its columns."""
        usage = self.tables[USAGE]
        for column, value in wanted.items():
            usage = usage.filter(pc.equal(usage[column], value))
        return total(usage["quantity"])

    def refuse_days(self, first_date: date, end_date: date, what: str) -> None:
        """Raise ``ConfigurationError`` where usage of days from the first up to the end was forgotten.

        For what asks events themselves: ``what`` it would be is not complete then.
        """
        days = self.tables[EXCHANGES]["usage_date"]
        within = days.filter(pc.and_(pc.greater_equal(days, first_date), pc.less(days, end_date)))
        if len(within):
            found = pc.min_max(within).as_py()
            message = (
                f"usage of {found['min']} to {found['max']} was {'; '.join(each.text for each in self.forgettings)}: "
                f"{what} of these days cannot be told any more; ask for other days, or by day"
            )
            raise ConfigurationError(message)

    def refuse_periods(self, touches: Callable[[BillingPeriod], bool], what: str) -> None:
        """Raise ``ConfigurationError`` as ``refuse_days``, for periods that are asked about."""
        for period in map(BillingPeriod.parse, sorted(self.periods)):
            if touches(period):
                self.refuse_days(period.first_date, period.end_date, what)

    def of_period(self, period: str) -> dict[str, pa.Table]:
        """Return what falls into one billing period."""
        return {name: table.filter(pc.equal(table["billing_period"], period)) for name, table in self.tables.items()}

    def added_to(self, marts: Marts) -> Marts:
        """Return marts with these counts, and all else of them as it is."""
        if not self:
            return marts
        return replace(
            marts,
            **{name: summed(name, [table, self.tables[name]]) for name, table in marts.tables.items()},
        )


NOTHING = Kept(tables={name: schema.empty_table() for name, schema in MARTS.items()})


def summed(name: str, tables: Iterable[pa.Table]) -> pa.Table:
    """Add up tables of a mart at its grain, in the mart's own order, without the rows that add up to nothing."""
    schema, sums = MARTS[name], _SUMMED[name]
    together = pa.concat_tables([schema.empty_table(), *(table.cast(schema) for table in tables)])
    grain = [column for column in schema.names if column not in sums]
    added = together.group_by(grain, use_threads=False).aggregate([(column, "sum") for column in sums])
    added = added.rename_columns([column.removesuffix("_sum") for column in added.column_names])
    is_something = reduce(pc.or_, (pc.not_equal(added[column], 0) for column in sums))
    added = added.filter(is_something).select(schema.names)
    if WINDOW in grain:  # windows without a start come first, as in the mart
        added = added.append_column("has_start", pc.is_valid(added[WINDOW]))
        at = grain.index(WINDOW)
        grain = [*grain[:at], "has_start", *grain[at:]]
    by = [(column, "ascending") for column in grain if column not in {"billing_period", "is_billed"}]
    return added.sort_by(by).select(schema.names).cast(schema)


def negated(name: str, table: pa.Table) -> pa.Table:
    """Return a table of a mart with its counts below zero."""
    for column in _SUMMED[name]:
        place = table.schema.get_field_index(column)
        table = table.set_column(place, table.schema.field(place), pc.negate(table[column]))
    return table


def point_of(workspace: Workspace, snapshot: LakeSnapshot) -> Point:
    """Return the name of a state: its commit, configuration, and how many files its clock let count."""
    then = snapshot if snapshot.files_then is None else replace(snapshot, data_files=snapshot.files_then)
    return Point(
        commit=-1 if snapshot.version is None else snapshot.version,
        configuration_sha256=workspace.digest,
        files=len(in_force(workspace, then)[0].data_files),
    )


def kept_counts(workspace: Workspace, snapshot: LakeSnapshot) -> Kept:
    """Return what belongs to the counts of a snapshot, as ``read_log`` gave it, and is not in its files any more.

    Raises ``DataFileDamaged`` where the events of an older commit were forgotten, and no document names that commit
    with this configuration, so that no counts of it are kept; and for a file that is not what it was.
    """
    earlier, later = snapshot.forgettings, snapshot.forgotten_later
    if not earlier and not later:
        return NOTHING
    months = frozenset((account, BillingPeriod.parse(period)) for each in earlier for account, period in each.months)
    if not later:
        last = earlier[-1]
        then = _read(workspace, last, len(last.points))
        tables = {name: summed(name, [of_now(workspace, table)]) for name, table in then.items()}
        return Kept(tables=tables, forgettings=earlier, months=months | _months(tables[USAGE]))
    last, point = later[-1], point_of(workspace, snapshot)
    if point in last.points:
        tables = _read(workspace, last, last.points.index(point))
        return Kept(tables=tables, forgettings=(*earlier, *later), months=months)
    if not earlier and snapshot.files_then == snapshot.data_files:
        return NOTHING
    message = (
        f"events that commit {snapshot.version} counted were {last.text}, and no counts of that commit with "
        f"configuration {workspace.digest[:16]}… are kept: no document that was issued by then names them"
    )
    raise DataFileDamaged(message)


def _months(usage: pa.Table) -> frozenset[tuple[str, BillingPeriod]]:
    """Return the months of accounts that usage is of: others than before, where they begin on another day by now."""
    rows = usage.group_by(["account_id", "billing_period"], use_threads=False).aggregate([]).to_pylist()
    places = ((row["account_id"], BillingPeriod.parse(row["billing_period"])) for row in rows)
    return frozenset(place for place in places if place[0])


def read_all_points(workspace: Workspace, forgetting: Forgetting) -> dict[str, pa.Table]:
    """Return the tables of an entry with their points. Raises ``DataFileDamaged``."""
    paths = verified_kept(workspace.lake, [forgetting.counts[name] for name in MARTS])
    return {
        name: parquet_bytes.decode(path.read_bytes()).cast(schema.append(POINT))
        for (name, schema), path in zip(MARTS.items(), paths, strict=True)
    }


def _read(workspace: Workspace, forgetting: Forgetting, number: int) -> dict[str, pa.Table]:
    tables = read_all_points(workspace, forgetting)
    return {
        name: summed(name, [table.filter(pc.less_equal(table["point"], number)).select(MARTS[name].names)])
        for name, table in tables.items()
    }
