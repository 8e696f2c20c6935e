"""What usage is charged, what it costs us, and what is left: grouped as costs are.

A margin is of usage that has both a charge and a cost. Usage without a price on the cost card is uncosted, and what it
is charged is no margin; usage without a charge, of keys in no account too, costs all the same, and what it costs is no
loss yet. Either is told apart, with its tokens, and is never zero. So

    margin = (charge - uncosted charge) - (cost - uncharged cost)

A charge is the same exact amount as in ``cost``. Fees, included tokens, minimums, commitments, coupons, credits and tax
are of invoices, and a monthly fee, a minimum and a maximum of a cost card are of no usage: none is in it. Amounts of
different currencies are never added up.

Owns sums and what is missing. Does not own charges and costs (``costed``), nor the order of rows (``ordered``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import exact_sum, normalised
from pipeline.jobs.answers.grouped.costed import FREE, cost_card_of, costed, missing_exchange
from pipeline.jobs.answers.grouped.mart_rows import values_of
from pipeline.jobs.answers.grouped.ordered import GroupRow, greatest, in_order, totals
from pipeline.jobs.answers.grouped.rated import named
from pipeline.jobs.answers.grouped.selection import nobody, values_in
from pipeline.jobs.answers.grouped.summed import QUOTIENT_DIGITS, SHARE_DIGITS, rounded_quotient
from pipeline.jobs.answers.grouped.words import HOUR, charged_columns_of, with_words
from pipeline.lake.derived import EXCHANGES_DAILY, PART_ROWS_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.costed import CostedTables
    from pipeline.jobs.answers.grouped.selection import Selection
    from pipeline.jobs.answers.grouped.summed import Place

_WIDE_COUNT = pa.decimal128(38, 0)
_WIDE_AMOUNT = pa.decimal256(76, 22)
_TOKENS = ("tokens", "uncosted_tokens", "unpriced_tokens")
_AMOUNTS = {
    "charged": "charge",
    "costed": "cost",
    "uncosted_charge": "uncosted_charge",
    "uncharged_cost": "uncharged_cost",
    "charge_with_cost": "charge_with_cost",
    "cost_with_charge": "cost_with_charge",
}
"""Fields of ``MarginSums``, and the column that each is a sum of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginSums:
    """What some usage adds up to, exactly. Of an amount, None is nothing that could be added."""

    requests: int | None = 0
    """Billed requests; None where single meters are looked at that are not of requests."""
    tokens: int = 0
    uncosted_tokens: int = 0
    """Those of them without a price on the cost card, or without a cost card."""
    unpriced_tokens: int = 0
    """Those of them without a charge: no rate is in force, or the key is in no account."""
    charged: Decimal | None = None
    costed: Decimal | None = None
    uncosted_charge: Decimal | None = None
    """What usage is charged that has no cost."""
    uncharged_cost: Decimal | None = None
    """What usage costs that has no charge."""
    charge_with_cost: Decimal | None = None
    cost_with_charge: Decimal | None = None

    @property
    def charge(self) -> Decimal | None:
        """What is charged; None where nothing of what was used has a price."""
        return Decimal(0) if self.charged is None and not self.unpriced_tokens else self.charged

    @property
    def cost(self) -> Decimal | None:
        """What it costs us; None where nothing of what was used has a price on the cost card."""
        return Decimal(0) if self.costed is None and not self.uncosted_tokens else self.costed

    @property
    def margin(self) -> Decimal | None:
        """What is charged less what it costs, of usage that has both; None where none has."""
        if self.charge_with_cost is None or self.cost_with_charge is None:
            return Decimal(0) if self.charge is not None and self.cost is not None and not self.is_partial else None
        return exact_sum([self.charge_with_cost, self.cost_with_charge.copy_negate()])

    @property
    def margin_share(self) -> Decimal | None:
        """The margin as a part of what it is of, rounded: 0.25 is a quarter of the charge; None of no charge."""
        if self.margin is None or not self.charge_with_cost:
            return None
        return rounded_quotient(self.margin, self.charge_with_cost, SHARE_DIGITS)

    @property
    def cost_per_request(self) -> Decimal | None:
        """Rounded; None where there is no request, or where something has no cost."""
        return None if self.uncosted_tokens else self._per_request(self.cost)

    @property
    def margin_per_request(self) -> Decimal | None:
        """Rounded; None where there is no request, or where something has no charge or no cost."""
        return None if self.is_partial else self._per_request(self.margin)

    @property
    def is_partial(self) -> bool:
        """Whether some of it has no charge or no cost."""
        return bool(self.uncosted_tokens or self.unpriced_tokens)

    def _per_request(self, amount: Decimal | None) -> Decimal | None:
        return None if amount is None or not self.requests else rounded_quotient(amount, self.requests, QUOTIENT_DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginRow(GroupRow):
    """The margin of one group in one currency, the account's; of keys in no account it is the cost card's, if any."""

    sums: MarginSums

    @property
    def greatness(self) -> tuple[bool, Decimal, Decimal, int]:
        """The greatest charge first, of equal charges the greatest cost, and of equal costs the most tokens."""
        charge, cost = self.sums.charge, self.sums.cost or Decimal(0)
        return charge is None, -(charge or Decimal(0)), cost.copy_negate(), -self.sums.tokens

    @classmethod
    def together(cls, rows: Sequence[MarginRow]) -> MarginRow:
        """Return the sum of rows (at least one) of one currency, in the place of the first."""
        return replace(rows[0], sums=_added([row.sums for row in rows]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncosted:
    """Usage that has no cost for one reason, and what to do about it."""

    cost_card: str
    """Empty where the account has none."""
    model: str
    """As the cost card would call it; empty where the reason is of no model."""
    meter: str
    """Empty where no rate of the model is in force."""
    tokens: int
    charge: Decimal | None
    """What it is charged, in ``currency``."""
    currency: str
    first_date: date
    last_date: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginAnswer:
    """Margins of groups, what they add up to, and what is missing."""

    columns: tuple[str, ...]
    selection: Selection
    """With whole ids."""
    rows: tuple[MarginRow, ...]
    """By time where the first column is of time and not only some are wanted, else by currency and the greatest charge
    first.
    """
    totals: tuple[MarginRow, ...]
    """One for each currency."""
    uncosted: tuple[Uncosted, ...]
    """The most tokens first."""


def margin(
    workspace: Workspace,
    by: Sequence[str],
    selection: Selection,
    *,
    top: int | None = None,
    tables: CostedTables | None = None,
) -> MarginAnswer:
    """Return what the selected usage is charged and costs, grouped by words (``words.DIMENSIONS``) and by currency.

    With ``top``, the groups of the greatest charges in each currency, and all others as one row. ``tables`` are what
    ``costed`` returned, for whoever asks several questions of the same span. Raises
    ``ConfigurationError`` where no cost card is named, for an unknown word or id, and for words of exchanges or hours.
    """
    columns = charged_columns_of(by, workspace.accounts)
    if HOUR in columns:
        message = "--by hour is not known to margin, which is of days; ask 'tallybook cost' for charges by the hour"
        raise ConfigurationError(message)
    if not cost_card_of(workspace):
        message = (
            "there is no cost card: write what usage costs you as a rate card, such as rates/provider.toml, and "
            'cost_card = "provider" at the top of tallybook.toml, or of an account in accounts.toml'
        )
        raise ConfigurationError(message)
    tables = tables or costed(workspace, selection.span)

    def values(name: str) -> set[str]:
        of_months = values_in(tables.tables())(name)
        return of_months | values_of(workspace, EXCHANGES_DAILY, name, is_billed=True)

    selection = selection.completed(values, workspace.accounts)
    usage, requests = (
        named(selection.chosen(table, workspace.accounts), workspace.accounts) for table in tables.tables()
    )
    is_metered = "meter" in columns or bool(selection.meters)
    found = _sums(
        with_words(usage, by, workspace.accounts),
        None if is_metered else with_words(requests, by, workspace.accounts),
        columns,
    )
    rows = [MarginRow(place=place, currency=currency, sums=sums) for (place, currency), sums in found.items()]
    return MarginAnswer(
        columns=tuple(columns),
        selection=selection,
        rows=tuple(in_order(rows, columns) if top is None else greatest(rows, top)),
        totals=tuple(totals(rows)),
        uncosted=tuple(_uncosted(usage, workspace)),
    )


def _sums(usage: pa.Table, requests: pa.Table | None, columns: Sequence[str]) -> dict[tuple[Place, str], MarginSums]:
    keys = [*columns, "currency"]
    parts = [
        _measured(usage.slice(start, PART_ROWS_MAX), keys) for start in range(0, max(usage.num_rows, 1), PART_ROWS_MAX)
    ]
    summed = [(f"sum of {name}", "sum") for name in ("requests", *_TOKENS, *_AMOUNTS.values())]
    nothing = None if requests is None else 0
    found: dict[tuple[Place, str], MarginSums] = {}
    for row in pa.concat_tables(parts).group_by(keys, use_threads=False).aggregate(summed).to_pylist():
        sums: dict[str, Any] = {name: int(row[f"sum of {name}_sum"]) for name in _TOKENS}
        sums |= {field: _exact(row[f"sum of {name}_sum"]) for field, name in _AMOUNTS.items()}
        requested = row["sum of requests_sum"]
        is_of_requests = requests is None and requested is not None and not sums["tokens"]
        found[_place(row, columns)] = MarginSums(requests=int(requested) if is_of_requests else nothing, **sums)
    if requests is not None:
        counted = requests.select([*keys, "events"]).group_by(keys, use_threads=False).aggregate([("events", "sum")])
        for row in counted.to_pylist():
            place = _place(row, columns)
            found[place] = replace(found.get(place, MarginSums()), requests=row["events_sum"])
    return found


def _measured(usage: pa.Table, keys: Sequence[str]) -> pa.Table:
    """Return sums of some rows by keys, each column by the name of what it is a sum of."""
    is_charged, is_costed = pc.is_valid(usage["charge"]), pc.is_valid(usage["cost"])
    charge, cost = usage["charge"].cast(_WIDE_AMOUNT), usage["cost"].cast(_WIDE_AMOUNT)
    tokens = usage["tokens"].cast(_WIDE_COUNT)
    no_tokens, no_amount = pa.scalar(Decimal(0), _WIDE_COUNT), pa.scalar(None, _WIDE_AMOUNT)
    measured = usage.select(keys)
    for name, column in {
        "requests": pc.if_else(pc.is_in(usage["meter"], FREE), usage["quantity"], None),
        "tokens": tokens,
        "uncosted_tokens": pc.if_else(is_costed, no_tokens, tokens),
        "unpriced_tokens": pc.if_else(is_charged, no_tokens, tokens),
        "charge": charge,
        "cost": cost,
        "uncosted_charge": pc.if_else(is_costed, no_amount, charge),
        "uncharged_cost": pc.if_else(is_charged, no_amount, cost),
        "charge_with_cost": pc.if_else(is_costed, charge, no_amount),
        "cost_with_charge": pc.if_else(is_charged, cost, no_amount),
    }.items():
        measured = measured.append_column(f"sum of {name}", column)  # a tag may be called tokens
    names = [f"sum of {name}" for name in ("requests", *_TOKENS, *_AMOUNTS.values())]
    summed = measured.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in names])
    return summed.rename_columns([*keys, *names])


def _place(row: Mapping[str, object], columns: Sequence[str]) -> tuple[Place, str]:
    return tuple(str(row[name]) for name in columns), str(row["currency"])


def _exact(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else normalised(amount)


def _added(sums: Sequence[MarginSums]) -> MarginSums:
    requests = [each.requests for each in sums if each.requests is not None]
    together: dict[str, Any] = {name: sum(getattr(each, name) for each in sums) for name in _TOKENS}
    for name in _AMOUNTS:
        amounts = [getattr(each, name) for each in sums if getattr(each, name) is not None]
        together[name] = exact_sum(amounts) if amounts else None
    return MarginSums(requests=sum(requests) if len(requests) == len(sums) else None, **together)


def _uncosted(usage: pa.Table, workspace: Workspace) -> Iterable[Uncosted]:
    """Return why usage has no cost, by card and model, or by account where it lacks a card or a rate of exchange."""
    lacking = usage.filter(pc.is_null(usage["cost"]))
    if not lacking.num_rows:
        return []
    is_of_card = pc.and_(pc.is_null(lacking["cost_currency"]), pc.not_equal(lacking["cost_card"], ""))
    is_in_force = pc.is_valid(lacking["cost_window_start"])
    nothing = pa.scalar("")
    reasons = pa.table(
        {
            "cost_card": lacking["cost_card"],
            "model": pc.if_else(is_of_card, lacking["cost_model"], nothing),
            "meter": pc.if_else(pc.and_(is_of_card, is_in_force), lacking["cost_meter"], nothing),
            "account_id": pc.if_else(is_of_card, nothing, lacking["account_id"]),
            "currency": lacking["currency"],
            "tokens": lacking["tokens"].cast(_WIDE_COUNT),
            "charge": lacking["charge"].cast(_WIDE_AMOUNT),
            "usage_date": lacking["usage_date"],
        }
    )
    keys = ["cost_card", "model", "meter", "account_id", "currency"]
    found = reasons.group_by(keys, use_threads=False).aggregate(
        [("tokens", "sum"), ("charge", "sum"), ("usage_date", "min"), ("usage_date", "max")]
    )
    listed = [
        Uncosted(
            cost_card=row["cost_card"],
            model=row["model"],
            meter=row["meter"],
            tokens=int(row["tokens_sum"]),
            charge=_exact(row["charge_sum"]),
            currency=row["currency"],
            first_date=row["usage_date_min"],
            last_date=row["usage_date_max"],
            reason=_reason(row, workspace),
        )
        for row in found.to_pylist()
    ]
    return sorted(listed, key=lambda each: (-each.tokens, each.reason, each.currency))


def _reason(row: Mapping[str, object], workspace: Workspace) -> str:
    card, account_id = str(row["cost_card"]), str(row["account_id"])
    if not card:
        is_nobodys = account_id == nobody(workspace.accounts)
        whose = "keys in no account have" if is_nobodys else f"account {account_id!r} has"
        where = "at the top of tallybook.toml" if is_nobodys else "there, or for all in tallybook.toml"
        return f"{whose} no cost card; write cost_card = … {where}"
    if not row["model"]:
        return missing_exchange(workspace, account_id, card, row["usage_date_min"])  # type: ignore[arg-type]  # a date
    what = f"{row['meter']} rate" if row["meter"] else "rate"
    first, last = row["usage_date_min"], row["usage_date_max"]
    when = f"on {first}" if first == last else f"on usage dates {first} to {last}"
    return f"cost card {card!r} has no {what} for model {row['model']!r} in force {when}; add one to rates/{card}.toml"
