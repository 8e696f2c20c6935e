"""All billed usage as tables that can be grouped: what is charged, what has no price, and how many requests there are.

Nothing is in two of them. A table has the columns of an account's day and, where hours are asked for, ``usage_hour``.

Owns which usage has no price. Does not own rating (``pipeline.jobs.state.rate``) nor hours (``hours``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.jobs.answers.grouped.words import mapped
from pipeline.jobs.state.aggregate import CHARGES, EXCHANGES_DAILY, USAGE_DAILY, current_marts
from pipeline.jobs.state.drafts import account_currencies
from pipeline.jobs.state.rate import rate_placed
from pipeline.jobs.wording import UNASSIGNED
from pipeline.tables import schemas
from pipeline.usage.meters import Fallback, Meter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.state.aggregate import Aggregate

_GRAIN = ("account_id", "api_key_id", "model", "service_tier", "usage_date", "billing_period")
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


def rated_daily(workspace: Workspace) -> RatedTables:
    """Return billed usage by usage date, from the marts."""
    marts = current_marts(workspace, [CHARGES, USAGE_DAILY, EXCHANGES_DAILY])
    return _rated(workspace, marts)


def rated_tables_of(workspace: Workspace, built: Aggregate) -> RatedTables:
    """Return what ``rated_daily`` returns, of what was counted and rated already."""
    marts = {
        CHARGES: built.rated.charges,
        USAGE_DAILY: built.marts.usage_daily,
        EXCHANGES_DAILY: built.marts.exchanges_daily,
    }
    return _rated(workspace, marts)


def _rated(workspace: Workspace, marts: Mapping[str, pa.Table]) -> RatedTables:
    exchanges = marts[EXCHANGES_DAILY]
    charges, unpriced = _told_apart(marts, workspace)
    return RatedTables(
        charges=charges,
        unpriced=unpriced,
        requests=with_currency(exchanges.filter(exchanges["is_billed"]), workspace).select(
            [*_GRAIN, "currency", "events"]
        ),
    )


def charged_daily(workspace: Workspace) -> tuple[pa.Table, pa.Table]:
    """Return what ``rated_daily`` returns as charges and as unpriced, without looking at requests."""
    return _told_apart(current_marts(workspace, [CHARGES, USAGE_DAILY]), workspace)


def _told_apart(marts: Mapping[str, pa.Table], workspace: Workspace) -> tuple[pa.Table, pa.Table]:
    charges = marts[CHARGES].select([*_GRAIN, "meter", "quantity", "currency", "amount"])
    unpriced = with_currency(unpriced_rows(marts[USAGE_DAILY], workspace), workspace)
    return charges, unpriced.select([*_GRAIN, "meter", "quantity", "currency"])


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


def named(table: pa.Table) -> pa.Table:
    """Say of keys in no account that they are unassigned."""
    said = pc.if_else(pc.equal(table["account_id"], ""), UNASSIGNED, table["account_id"])
    return table.set_column(table.schema.get_field_index("account_id"), "account_id", said)
