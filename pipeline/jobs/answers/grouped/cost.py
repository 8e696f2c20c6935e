"""What usage costs, grouped: the exact charges beside the requests and tokens that they are for.

A cost here is what charges say: tokens and requests by the rates of the account's card, with its tiers, packages and
discount, and with every digit. It is not yet an invoice: lines are rounded there, and included tokens, fees, minimums,
commitments, corrections, credits and tax are lines of their own (``bills`` leads from one to the other). Usage without
a price is told apart and is never zero. Amounts of different currencies are never added up.

Owns shares, and what is compared with what. Does not own what a charge is (``pipeline.rating``), how charges are added
up (``summed``), nor the order of rows (``ordered``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum
from pipeline.jobs.answers.grouped.compared import moved_to
from pipeline.jobs.answers.grouped.hours import rated_hourly
from pipeline.jobs.answers.grouped.ordered import GroupRow, greatest, in_order, totals
from pipeline.jobs.answers.grouped.rated import named, rated_in_parts, values_known
from pipeline.jobs.answers.grouped.selection import values_in
from pipeline.jobs.answers.grouped.summed import SHARE_DIGITS, Adding, Sums, added, rounded_quotient
from pipeline.jobs.answers.grouped.words import HOUR, PROVIDER, charged_columns_of, with_words

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.rated import RatedTables
    from pipeline.jobs.answers.grouped.selection import Selection, Span
    from pipeline.jobs.answers.grouped.summed import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow(GroupRow):
    """What one group costs in one currency, which is empty of keys in no account: nobody charges them."""

    sums: Sums
    total: Decimal | None
    """The cost of all groups in its currency."""
    before: Sums | None = None
    """What it was in the period before; None where nothing is compared."""

    @property
    def cost(self) -> Decimal | None:
        """The exact cost of what has a price; None where nothing of what was used has one."""
        return self.sums.cost if self.currency else None

    @property
    def previous_cost(self) -> Decimal | None:
        """That of the period before; None where it is not known, or nothing is compared."""
        return None if self.before is None or not self.currency else self.before.cost

    @property
    def share(self) -> Decimal | None:
        """The part of the total, rounded: 0.25 is a quarter; None where there is no cost or no total."""
        if self.cost is None or not self.total:
            return None
        return rounded_quotient(self.cost, self.total, SHARE_DIGITS)

    @property
    def change(self) -> Decimal | None:
        """Its cost less that of the period before, exact; None where one of them is not known."""
        if self.previous_cost is None or self.cost is None:
            return None
        return exact_sum([self.cost, self.previous_cost.copy_negate()])

    @property
    def relative_change(self) -> Decimal | None:
        """The change as a part of the cost before, rounded: 0.25 is a quarter more.

        None where that is nothing or not known.
        """
        if self.change is None or not self.previous_cost:
            return None
        return rounded_quotient(self.change, self.previous_cost, SHARE_DIGITS)

    @property
    def greatness(self) -> tuple[bool, Decimal, int]:
        """The greatest cost first, and of equal costs the most tokens."""
        return self.cost is None, -(self.cost or Decimal(0)), -self.sums.tokens

    @classmethod
    def together(cls, rows: Sequence[CostRow]) -> CostRow:
        """Return the sum of rows (at least one) of one currency, in the place of the first."""
        before = [row.before for row in rows if row.before is not None]
        return replace(
            rows[0], sums=added([row.sums for row in rows]), before=added(before) if len(before) == len(rows) else None
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class CostAnswer:
    """Costs of groups, and what they add up to."""

    columns: tuple[str, ...]
    selection: Selection
    """With whole ids."""
    previous: Span | None
    """What is compared with."""
    rows: tuple[CostRow, ...]
    """By time where the first column is of time and not only some are wanted, else the greatest cost first; by
    currency, and last what has none.
    """
    totals: tuple[CostRow, ...]
    """One for each currency."""


def cost(
    workspace: Workspace,
    by: Sequence[str],
    selection: Selection,
    *,
    top: int | None = None,
    is_compared: bool = False,
    previous: Span | None = None,
    rated: RatedTables | None = None,
) -> CostAnswer:
    """Return what the selected usage costs, grouped by words (``words.DIMENSIONS``) and by currency.

    With ``top``, the groups of the greatest costs in each currency, and all others as one row. Compared with the period
    before, or with the dates ``previous``, a group of then that is not there now is listed with a cost of 0. ``rated``
    are tables by usage date that are there already, for whoever asks several questions of the same books. Raises
    ``ConfigurationError`` for an unknown word or id, and for words that tell apart what is not billed.
    """
    columns = charged_columns_of(by, workspace.accounts)
    if previous is None and is_compared:
        previous = selection.span.previous()
    spans = [selection.span, *([previous] if previous else [])]
    parts = [rated_hourly(workspace, spans)] if HOUR in columns else None if rated is None else [rated]
    values = partial(values_known, workspace) if parts is None else values_in(parts[0].tables())
    selection = selection.completed(values, workspace.accounts)
    is_metered = "meter" in columns or bool(selection.meters)

    now, before, hours = Adding(columns, is_metered=is_metered), Adding(columns, is_metered=is_metered), set[str]()
    needed = {*columns, *selection.columns, *(["model"] if PROVIDER in columns else [])}
    for tables in parts or rated_in_parts(workspace, spans, needed):
        mine = tables.each(lambda table: named(selection.chosen(table, workspace.accounts), workspace.accounts))
        now.add(mine.each(lambda table: with_words(table, by, workspace.accounts)))
        if previous is None:
            continue
        if HOUR in columns:
            hours.update(*(table[HOUR].unique().to_pylist() for table in mine.tables()))
        then = tables.each(
            lambda table: named(selection.chosen(table, workspace.accounts, previous), workspace.accounts)
        )
        then = then.each(partial(moved_to, span=selection.span, previous=previous, hours=hours))
        before.add(then.each(lambda table: with_words(table, by, workspace.accounts)))
    rows = _rows(now.sums(), None if previous is None else before.sums())
    return CostAnswer(
        columns=tuple(columns),
        selection=selection,
        previous=previous,
        rows=tuple(in_order(rows, columns) if top is None else greatest(rows, top)),
        totals=tuple(totals(rows)),
    )


def _rows(now: Mapping[tuple[Place, str], Sums], before: Mapping[tuple[Place, str], Sums] | None) -> list[CostRow]:
    unused = Sums(requests=None if any(sums.requests is None for sums in now.values()) else 0)
    costs: dict[str, list[Decimal]] = {}
    for (_, currency), sums in now.items():
        if sums.cost is not None:
            costs.setdefault(currency, []).append(sums.cost)
    total = {currency: exact_sum(mine) for currency, mine in costs.items()}
    return [
        CostRow(
            place=place,
            currency=currency,
            sums=now.get((place, currency), unused),
            total=total.get(currency),
            before=None if before is None else before.get((place, currency), unused),
        )
        for place, currency in dict.fromkeys([*now, *(before or {})])
    ]
