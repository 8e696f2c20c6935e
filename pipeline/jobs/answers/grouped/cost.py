"""What usage costs, grouped: the exact charges beside the requests and tokens that they are for.

A cost here is what charges say: tokens and requests by the rates of the account's card, with its tiers, packages and
discount, and with every digit. It is not yet an invoice: lines are rounded there, and included tokens, fees, minimums,
commitments, corrections, credits and tax are lines of their own (``bills`` leads from one to the other). Usage without
a price is told apart and is never zero. Amounts of different currencies are never added up.

Owns sums, shares, quotients and what is compared with what. Does not own what a charge is (``pipeline.rating``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import exact_sum
from pipeline.base.periods import parse_date
from pipeline.jobs.answers.grouped.hours import rated_hourly
from pipeline.jobs.answers.grouped.rated import RatedTables, named, rated_daily
from pipeline.jobs.answers.grouped.words import HOUR, UNMETERED, columns_of, mapped, with_words
from pipeline.usage.meters import Meter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import date

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.selection import Selection, Span

QUOTIENT_DIGITS = 8
"""Decimal places of a cost per request or per thousand tokens, which are rounded half to even."""
SHARE_DIGITS = 4
"""Decimal places of parts of 1: two of per cent."""
_QUOTIENTS = Context(prec=120, rounding=ROUND_HALF_EVEN)
"""Amounts and counts have 38 digits at most, so a quotient that is no tie of two roundings differs from one within its
first hundred digits: rounding it twice is rounding it once.
"""
_WIDE_COUNT = pa.decimal128(38, 0)
_WIDE_AMOUNT = pa.decimal256(76, 22)
_CLOCKED = (HOUR, "usage_date", "billing_period")
"""Columns whose values have an order of their own."""

Place = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What some usage adds up to."""

    requests: int | None = 0
    """Billed requests; None where single meters are looked at that are not of requests."""
    tokens: int = 0
    """Billed tokens, with those that have no price."""
    unpriced_tokens: int = 0
    """Tokens for which no rate is in force, or whose key is in no account."""
    charged: Decimal | None = None
    """Exact; None where nothing is charged."""

    @property
    def cost(self) -> Decimal | None:
        """The exact cost of what has a price; None where nothing of what was used has one."""
        return Decimal(0) if self.charged is None and not self.unpriced_tokens else self.charged

    @property
    def cost_per_request(self) -> Decimal | None:
        """Rounded; None where there is no request, or where something has no price."""
        if self.cost is None or self.unpriced_tokens or not self.requests:
            return None
        return rounded_quotient(self.cost, self.requests, QUOTIENT_DIGITS)

    @property
    def cost_per_thousand_tokens(self) -> Decimal | None:
        """Of the tokens that have a price, rounded; None where there is none."""
        priced = self.tokens - self.unpriced_tokens
        return None if self.cost is None or not priced else rounded_quotient(self.cost * 1000, priced, QUOTIENT_DIGITS)


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """What one group costs in one currency."""

    place: Place
    """The values of the columns, as text."""
    currency: str
    """Empty of keys in no account, which nobody charges."""
    sums: Sums
    total: Decimal | None
    """The cost of all groups in its currency."""
    before: Sums | None = None
    """What it was in the period before; None where nothing is compared."""
    others: int = 0
    """How many groups it sums up, where it is the row of all others."""

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
    columns = columns_of(by, workspace.accounts)
    if unmetered := [word for word in by if word in UNMETERED]:
        message = f"--by {unmetered[0]} tells apart exchanges and not their charges; ask 'tallybook usage' for it"
        raise ConfigurationError(message)
    if previous is None and is_compared:
        previous = selection.span.previous()
    spans = [selection.span, *([previous] if previous else [])]
    if HOUR in columns:
        rated = rated_hourly(workspace, spans)
    elif rated is None:
        rated = rated_daily(workspace)
    selection = selection.completed(rated.tables(), workspace.accounts)
    is_metered = "meter" in columns or bool(selection.meters)

    def grouped(span: Span, moved: Callable[[pa.Table], pa.Table]) -> dict[tuple[Place, str], Sums]:
        charges, unpriced, requests = (
            with_words(moved(named(selection.chosen(table, workspace.accounts, span))), by, workspace.accounts)
            for table in rated.tables()
        )
        return _sums(RatedTables(charges=charges, unpriced=unpriced, requests=requests), columns, is_metered=is_metered)

    now = grouped(selection.span, lambda table: table)
    before: dict[tuple[Place, str], Sums] | None = None
    if previous is not None:
        labels = {place[columns.index(HOUR)] for place, _ in now} if HOUR in columns else set()
        before = grouped(previous, lambda table: _moved(table, selection.span, previous, labels))
    rows = _rows(now, before)
    return CostAnswer(
        columns=tuple(columns),
        selection=selection,
        previous=previous,
        rows=tuple(_ordered(rows, columns) if top is None else greatest(rows, top)),
        totals=tuple(_totals(rows)),
    )


def rounded_quotient(amount: Decimal, divisor: Decimal | int, digits: int) -> Decimal:
    """Return a quotient rounded half to even.

    >>> rounded_quotient(Decimal("0.05"), 3, 8)
    Decimal('0.01666667')
    """
    found = _QUOTIENTS.divide(amount, Decimal(divisor)).quantize(Decimal(1).scaleb(-digits), context=_QUOTIENTS)
    return found or found.copy_abs()  # a zero loses its sign


def _moved(table: pa.Table, span: Span, previous: Span, hours: Iterable[str]) -> pa.Table:
    """Give usage of the period before the dates that have its place in the period."""
    known = {hour[:16]: hour for hour in sorted(hours, reverse=True)}

    def hour_of(hour: str) -> str:
        found = f"{span.counterpart(_date(hour), previous)}{hour[10:]}"
        return known.get(found[:16], found)  # the clocks may have changed between

    moves: dict[str, tuple[Callable[[str], object], pa.DataType]] = {
        "billing_period": (lambda period: span.counterpart_month(period, previous), pa.string()),
        HOUR: (hour_of, pa.string()),
    }
    for name, (move, kind) in moves.items():
        if name in table.schema.names:
            table = table.set_column(table.schema.get_field_index(name), name, mapped(table[name], move, kind))
    dates = mapped(table["usage_date"], lambda day: span.counterpart(day, previous), pa.date32())
    return table.set_column(table.schema.get_field_index("usage_date"), "usage_date", dates)


def _date(hour: str) -> date:
    return parse_date(hour[:10])


def _sums(tables: RatedTables, columns: Sequence[str], *, is_metered: bool) -> dict[tuple[Place, str], Sums]:
    found: dict[tuple[Place, str], Sums] = {}
    keys = [*columns, "currency"]

    def add(table: pa.Table, count: str, sums_of: Callable[[int, Mapping[str, object]], Sums]) -> None:
        wide = table.set_column(table.schema.get_field_index(count), count, table[count].cast(_WIDE_COUNT))
        aggregated = [(count, "sum")]
        if "amount" in wide.schema.names:
            at = wide.schema.get_field_index("amount")
            wide = wide.set_column(at, "amount", wide["amount"].cast(_WIDE_AMOUNT))
            aggregated.append(("amount", "sum"))
        for row in wide.group_by(keys, use_threads=False).aggregate(aggregated).to_pylist():
            place = tuple(str(row[name]) for name in columns), str(row["currency"])
            sums = sums_of(int(row[f"{count}_sum"]), row)
            found[place] = _added([found[place], sums]) if place in found else sums

    nothing = None if is_metered else 0
    is_of_requests = pc.equal(tables.charges["meter"], Meter.REQUEST.value)
    add(
        tables.charges.filter(pc.invert(is_of_requests)),
        "quantity",
        lambda tokens, row: Sums(requests=nothing, tokens=tokens, charged=row["amount_sum"]),  # type: ignore[arg-type]  # a decimal
    )
    add(
        tables.charges.filter(is_of_requests),
        "quantity",
        lambda requests, row: Sums(requests=requests if is_metered else 0, charged=row["amount_sum"]),  # type: ignore[arg-type]  # a decimal
    )
    add(
        tables.unpriced,
        "quantity",
        lambda tokens, _: Sums(requests=nothing, tokens=tokens, unpriced_tokens=tokens),
    )
    if not is_metered:
        add(tables.requests, "events", lambda requests, _: Sums(requests=requests))
    return found


def _rows(now: Mapping[tuple[Place, str], Sums], before: Mapping[tuple[Place, str], Sums] | None) -> list[CostRow]:
    unused = Sums(requests=None if any(sums.requests is None for sums in now.values()) else 0)
    totals: dict[str, list[Decimal]] = {}
    for (_, currency), sums in now.items():
        if sums.cost is not None:
            totals.setdefault(currency, []).append(sums.cost)
    total = {currency: exact_sum(costs) for currency, costs in totals.items()}
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


def _ordered(rows: Sequence[CostRow], columns: Sequence[str]) -> list[CostRow]:
    if columns and columns[0] in _CLOCKED:
        return sorted(rows, key=lambda row: (row.place, not row.currency, row.currency))
    return sorted(rows, key=_greatness)


def _greatness(row: CostRow) -> tuple[bool, str, bool, Decimal, int, Place]:
    """Order by currency, the greatest cost first, and of equal costs the most tokens."""
    known = row.cost
    return not row.currency, row.currency, known is None, -(known or Decimal(0)), -row.sums.tokens, row.place


def greatest(rows: Sequence[CostRow], top: int) -> list[CostRow]:
    """Return the greatest rows of each currency, and the others of it as one."""
    found: list[CostRow] = []
    by_currency: dict[str, list[CostRow]] = {}
    for row in sorted(rows, key=_greatness):
        by_currency.setdefault(row.currency, []).append(row)
    for mine in by_currency.values():
        found += mine[:top]
        if len(mine) == top + 1:
            found.append(mine[top])  # one row is as short as a row of all others, and says more
        elif len(mine) > top:
            label = f"{len(mine) - top} others"
            place = (label, *("" for _ in mine[top].place[1:]))
            found.append(replace(_together(mine[top:]), place=place, others=len(mine) - top))
    return found


def _totals(rows: Sequence[CostRow]) -> list[CostRow]:
    return [
        replace(_together([row for row in rows if row.currency == currency]), place=())
        for currency in sorted({row.currency for row in rows}, key=lambda each: (not each, each))
    ]


def _together(rows: Sequence[CostRow]) -> CostRow:
    """Return the sum of some rows of one currency."""
    before = [row.before for row in rows if row.before is not None]
    return replace(
        rows[0], sums=_added([row.sums for row in rows]), before=_added(before) if len(before) == len(rows) else None
    )


def _added(sums: Sequence[Sums]) -> Sums:
    requests = [each.requests for each in sums if each.requests is not None]
    amounts = [each.charged for each in sums if each.charged is not None]
    return Sums(
        requests=sum(requests) if len(requests) == len(sums) else None,
        tokens=sum(each.tokens for each in sums),
        unpriced_tokens=sum(each.unpriced_tokens for each in sums),
        charged=exact_sum(amounts) if amounts else None,
    )
