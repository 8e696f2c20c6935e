"""All billed usage as tables that can be grouped: what is charged, what has no price, and how many requests there are.

Nothing is in two of them. A table has the columns of an account's day and, where hours are asked for, ``usage_hour``.

Owns which usage has no price. Does not own rating (``pipeline.jobs.state.rate``) nor hours (``hours``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.periods import BillingPeriod
from pipeline.jobs.answers.grouped.selection import nobody
from pipeline.jobs.answers.grouped.words import mapped
from pipeline.jobs.state.aggregate import marts_in_parts
from pipeline.jobs.state.drafts import account_currencies
from pipeline.jobs.state.rate import rate_placed
from pipeline.lake.derived import CHARGES, EXCHANGES_DAILY, USAGE_DAILY
from pipeline.tables import schemas
from pipeline.usage.meters import Fallback, Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from pipeline.accounts import Accounts
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.selection import Span
    from pipeline.jobs.state.aggregate import Aggregate

_CHARGED = [*schemas.GRAIN, "meter", "quantity", "currency", "amount"]
_SOMETIMES_UNPRICED = [meter.value for meter in Meter if meter.spec.fallback is Fallback.UNPRICED]
"""Meters that may have no price although a rate is in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedTables:
    """Billed usage by account, key, model, tier and usage date (or hour); by meter but for requests."""

    charges: pa.Table
    """``quantity``, ``currency`` and exact ``amount``."""
    unpriced: pa.Table
    """``quantity`` and ``currency``: that of the account, empty where the key belongs to none."""
    requests: pa.Table
    """``events`` that are billed, and ``currency`` likewise; they are on no meter."""

    def tables(self) -> tuple[pa.Table, ...]:
        """Return all three."""
        return self.charges, self.unpriced, self.requests

    def each(self, change: Callable[[pa.Table], pa.Table]) -> RatedTables:
        """Return all three, changed."""
        charges, unpriced, requests = map(change, self.tables())
        return RatedTables(charges=charges, unpriced=unpriced, requests=requests)


def rated_tables_of(workspace: Workspace, built: Aggregate) -> RatedTables:
    """Return billed usage by usage date, of what was counted and rated already."""
    marts = {CHARGES: built.rated.charges, USAGE_DAILY: built.marts.usage_daily}
    charges, unpriced = _told_apart(marts, workspace)
    requests = _requests(built.marts.exchanges_daily.select([*schemas.GRAIN, "is_billed", "events"]), workspace)
    return RatedTables(charges=charges, unpriced=unpriced, requests=requests)


def rated_in_parts(workspace: Workspace, spans: Sequence[Span], columns: Collection[str]) -> Iterator[RatedTables]:
    """Yield billed usage by usage date, from the marts of the months that spans touch, some rows after the others.

    Of the columns that tell usage apart only these are there, and those that everything is asked by.
    """
    names = [
        name for name in schemas.GRAIN if name in {"account_id", "api_key_id", "usage_date", "billing_period", *columns}
    ]

    def is_wanted(period: str) -> bool:
        return any(span.touches(BillingPeriod.parse(period)) for span in spans)

    wanted = {
        CHARGES: [*names, "meter", "quantity", "currency", "amount"],
        USAGE_DAILY: schemas.USAGE_DAILY.names,
        EXCHANGES_DAILY: [*names, "is_billed", "events"],
    }
    nothing = RatedTables(
        charges=schemas.CHARGES.empty_table().select(wanted[CHARGES]),
        unpriced=schemas.CHARGES.empty_table().select([*names, "meter", "quantity", "currency"]),
        requests=_requests(schemas.EXCHANGES_DAILY.empty_table().select(wanted[EXCHANGES_DAILY]), workspace),
    )
    for name, part in marts_in_parts(workspace, wanted, is_wanted):
        if name == CHARGES:
            yield replace(nothing, charges=part)
        elif name == USAGE_DAILY:
            unpriced = with_currency(unpriced_rows(part, workspace), workspace)
            yield replace(nothing, unpriced=unpriced.select(nothing.unpriced.schema.names))
        else:
            yield replace(nothing, requests=_requests(part, workspace))


def _requests(exchanges: pa.Table, workspace: Workspace) -> pa.Table:
    return with_currency(exchanges.filter(exchanges["is_billed"]).drop_columns(["is_billed"]), workspace)


def values_known(workspace: Workspace, name: str) -> set[str]:
    """Return all values of a column of the marts, of whatever time."""
    marts = {USAGE_DAILY: schemas.USAGE_DAILY, EXCHANGES_DAILY: schemas.EXCHANGES_DAILY}
    having = {mart: [name] for mart, schema in marts.items() if name in schema.names}
    found = set[str]()
    for _, part in marts_in_parts(workspace, having, lambda _: True):
        found.update(part[name].unique().to_pylist())
    return found


def charged_in_parts(workspace: Workspace, span: Span) -> Iterator[tuple[pa.Table, pa.Table]]:
    """Yield what is charged by usage date, and what has no price, of the months that a span touches.

    From the marts, some rows after the others, without looking at requests.
    """
    wanted = {CHARGES: _CHARGED, USAGE_DAILY: schemas.USAGE_DAILY.names}
    charged = schemas.CHARGES.empty_table().select(_CHARGED)
    nothing = charged.drop_columns(["amount"])
    for name, part in marts_in_parts(workspace, wanted, lambda period: span.touches(BillingPeriod.parse(period))):
        if name == CHARGES:
            yield part, nothing
        else:
            yield charged, with_currency(unpriced_rows(part, workspace), workspace).select(nothing.schema.names)


def _told_apart(marts: Mapping[str, pa.Table], workspace: Workspace) -> tuple[pa.Table, pa.Table]:
    charges = marts[CHARGES].select(_CHARGED)
    unpriced = with_currency(unpriced_rows(marts[USAGE_DAILY], workspace), workspace)
    return charges, unpriced.select([*schemas.GRAIN, "meter", "quantity", "currency"])


def unpriced_rows(usage: pa.Table, workspace: Workspace) -> pa.Table:
    """Return the rows of a ``schemas.USAGE_DAILY`` table that no rate prices, and those of no account.

    Few rows may be of them; only these are rated to find out.
    """
    may_be = usage.filter(
        pc.or_(
            pc.is_null(usage["rate_window_start"]),
            pc.is_in(usage["meter"], pa.array(_SOMETIMES_UNPRICED, pa.string())),
        )
    )
    placed = rate_placed(may_be.select(schemas.USAGE_DAILY.names), workspace.accounts, workspace.rate_cards)
    return without_charge(may_be, placed.charges)


def without_charge(usage: pa.Table, charges: pa.Table) -> pa.Table:
    """Return the rows of usage that no charge is of, by the ``place`` of charges."""
    places = pa.arange(0, usage.num_rows)
    return usage.filter(pc.invert(pc.is_in(places, charges["place"].combine_chunks())))


def with_currency(table: pa.Table, workspace: Workspace) -> pa.Table:
    """Return a table with the currency of each row's account, empty where it has none."""
    currencies = account_currencies(workspace)
    return table.append_column("currency", mapped(table["account_id"], lambda each: currencies.get(each, "")))


def named(table: pa.Table, accounts: Accounts) -> pa.Table:
    """Say of keys in no account that they are unassigned."""
    said = pc.if_else(pc.equal(table["account_id"], ""), nobody(accounts), table["account_id"])
    return table.set_column(table.schema.get_field_index("account_id"), "account_id", said)
