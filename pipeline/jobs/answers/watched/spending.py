"""What was charged on each day, by account, key and model, and which of the days are complete.

These are the charges that ``pipeline.jobs.answers.grouped.cost`` adds up, summed once by what is watched. Owns when a
day is complete: it has ended in the time zone of each account that is looked at, and a night has counted since.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.periods import time_zone, usage_date
from pipeline.budgets import Scope
from pipeline.jobs.answers.grouped.rated import charged_in_parts
from pipeline.jobs.answers.grouped.selection import Span
from pipeline.jobs.answers.grouped.words import provider_of
from pipeline.lake.commits import read_log
from pipeline.tables import schemas

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import Account, Accounts
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.rated import RatedTables

_KEYS = ["account_id", "api_key_id", "model", "currency", "usage_date"]
_WIDE = pa.decimal256(76, 22)
_EVERYTHING = Scope()
_EVER = Span()
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """Charges by account, key, model, currency and usage date."""

    charges: pa.Table
    """``account_id``, ``api_key_id``, ``model``, ``currency``, ``usage_date``, and ``amount``: exact."""
    unpriced: pa.Table
    """The same without an amount, with ``quantity``: usage of accounts for which no rate is in force."""
    accounts: Accounts

    def of(self, scope: Scope) -> Spending:
        """Return what is in a scope."""
        return replace(self, charges=self._chosen(self.charges, scope), unpriced=self._chosen(self.unpriced, scope))

    def from_date(self, first: date) -> Spending:
        """Return what is of a usage date and of later ones."""
        return replace(
            self,
            charges=self.charges.filter(pc.greater_equal(self.charges["usage_date"], pa.scalar(first))),
            unpriced=self.unpriced.filter(pc.greater_equal(self.unpriced["usage_date"], pa.scalar(first))),
        )

    def before(self, end: date) -> Spending:
        """Return what is of usage dates before one."""
        return replace(
            self,
            charges=self.charges.filter(pc.less(self.charges["usage_date"], pa.scalar(end))),
            unpriced=self.unpriced.filter(pc.less(self.unpriced["usage_date"], pa.scalar(end))),
        )

    def by_date(self) -> dict[str, dict[date, Decimal]]:
        """Return what each day cost, by currency."""
        return {currency: days for (currency,), days in self.by_date_and([]).items()}

    def by_date_and(self, columns: Collection[str]) -> dict[tuple[str, ...], dict[date, Decimal]]:
        """Return what each day cost, by the values of some columns and, last, the currency."""
        keys = [*columns, "currency"]
        summed = self.charges.group_by([*keys, "usage_date"], use_threads=False).aggregate([("amount", "sum")])
        places = zip(*(summed[name].to_pylist() for name in keys), strict=True)
        found: dict[tuple[str, ...], dict[date, Decimal]] = {}
        for place, day, amount in zip(
            places, summed["usage_date"].to_pylist(), summed["amount_sum"].to_pylist(), strict=True
        ):
            found.setdefault(place, {})[day] = amount
        return found

    def _chosen(self, table: pa.Table, scope: Scope) -> pa.Table:
        wanted = (("account_id", scope.accounts), ("api_key_id", scope.keys), ("model", scope.models))
        for name, values in wanted:
            if values:
                table = table.filter(_is_in(table[name], values))
        if scope.providers:
            models = [each for each in table["model"].unique().to_pylist() if provider_of(each) in scope.providers]
            table = table.filter(_is_in(table["model"], models))
        if scope.tags:
            table = table.filter(_is_in(table["api_key_id"], tagged_keys(self.accounts, scope)))
        return table


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Where a scope stands in time."""

    today: date
    """The earliest of the days that it is for its accounts; with an as-of date, that one."""
    complete_before: date
    """Every day before has ended for its accounts and was counted since; more may come of this one and later ones."""
    end: date
    """What is dated on it or later is not looked at."""


def spending_of(workspace: Workspace, span: Span = _EVER, *, rated: RatedTables | None = None) -> Spending:
    """Return what is charged, of the months that a span touches at least.

    ``rated`` are tables that are there already, for whoever asks several questions of the same books; else the marts
    are read, some rows after the others.
    """
    parts = charged_in_parts(workspace, span) if rated is None else [(rated.charges, rated.unpriced)]
    sums, unpriced = [], []
    for charges, without in parts:
        if charges.num_rows:
            sums.append(_summed(charges.select([*_KEYS, "amount"])))
        if without.num_rows:
            is_charged = pc.not_equal(without["currency"], "")
            unpriced.append(without.filter(is_charged).select([*_KEYS, "quantity"]))
    nothing = schemas.CHARGES.empty_table()
    return Spending(
        charges=_summed(pa.concat_tables(sums or [_summed(nothing.select([*_KEYS, "amount"]))])),
        unpriced=pa.concat_tables(unpriced or [nothing.select([*_KEYS, "quantity"])]),
        accounts=workspace.accounts,
    )


def _summed(charges: pa.Table) -> pa.Table:
    wide = charges.set_column(charges.schema.get_field_index("amount"), "amount", charges["amount"].cast(_WIDE))
    return wide.group_by(_KEYS, use_threads=False).aggregate([("amount", "sum")]).rename_columns([*_KEYS, "amount"])


def days_of(workspace: Workspace, scope: Scope = _EVERYTHING, *, as_of: date | None = None) -> Days | None:
    """Return where a scope stands in time; None where nothing was ever counted.

    ``as_of`` is a day that has just begun everywhere: only days before it are looked at.
    """
    counted_at = read_log(workspace.lake).committed_at
    if counted_at is None:
        return None
    now = workspace.now or counted_at
    zones = {account.timezone for account in accounts_of(workspace.accounts, scope)} or {workspace.settings.timezone}
    if as_of is not None:
        known = min(usage_date(counted_at, time_zone(zone)) for zone in zones)
        return Days(today=as_of, complete_before=min(as_of, known), end=as_of)
    counted = min(usage_date(min(now, counted_at), time_zone(zone)) for zone in zones)
    todays = [usage_date(now, time_zone(zone)) for zone in zones]
    return Days(today=min(todays), complete_before=counted, end=max(todays) + _DAY)


def accounts_of(accounts: Accounts, scope: Scope) -> list[Account]:
    """Return the accounts that may be charged for what is in a scope."""
    keys = set(scope.keys)
    if scope.tags:
        tagged = tagged_keys(accounts, scope)
        keys = keys & tagged if keys else tagged
    return [
        account
        for account in accounts
        if (not scope.accounts or account.id in scope.accounts)
        and (not (scope.keys or scope.tags) or any(key.key_id in keys for key in account.keys))
    ]


def tagged_keys(accounts: Accounts, scope: Scope) -> set[str]:
    """Return the keys that have one of the wanted values of each tag that a scope names."""
    wanted: dict[str, set[str]] = {}
    for tag in scope.tags:
        name, _, value = tag.partition("=")
        wanted.setdefault(name, set()).add(value)
    return {
        key_id
        for key_id, tags in accounts.tags.items()
        if all(tags.get(name) in values for name, values in wanted.items())
    }


def _is_in(column: pa.ChunkedArray, values: Collection[str]) -> pa.ChunkedArray:
    return pc.is_in(column, pa.array(sorted(values), pa.string()))
