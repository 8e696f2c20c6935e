"""Sums of rated usage by columns and currency, exact whatever they come to, and the quotients of them.

Usage comes some rows after the others; no more of it is held than one part and the sums.

Owns the adding, and what is not known of a sum. Does not own what is added (``rated``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.money import exact_sum
from pipeline.usage.meters import Meter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.jobs.answers.grouped.rated import RatedTables

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
_SUMMED = {
    "tokens": _WIDE_COUNT,
    "unpriced": _WIDE_COUNT,
    "requests": _WIDE_COUNT,
    "uncounted": _WIDE_COUNT,
    "charged": _WIDE_AMOUNT,
}
"""What is added up; ``uncounted`` is of rows that say nothing of requests."""
_HELD_ROWS_MAX = 1_000_000
"""How many rows of sums of parts are held before they are added up."""

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


class Adding:
    """Sums of usage that comes in parts."""

    def __init__(self, columns: Sequence[str], *, is_metered: bool) -> None:
        """Add up by some columns; ``is_metered``, single meters are looked at."""
        self._columns, self._is_metered = columns, is_metered
        self._parts: list[pa.Table] = []
        self._kept = 0

    def add(self, tables: RatedTables) -> None:
        """Add the usage of some rows."""
        self._parts.append(_grouped(tables, self._columns, is_metered=self._is_metered))
        if sum(part.num_rows for part in self._parts) > self._kept + _HELD_ROWS_MAX:
            self._parts = [self._together()]
            self._kept = self._parts[0].num_rows

    def sums(self) -> dict[tuple[Place, str], Sums]:
        """Return the sums of each group, the values of the columns as text, and of each currency."""
        if not self._parts:
            return {}
        found = self._together()
        places = zip(*(found[name].cast(pa.string()).to_pylist() for name in self._columns), strict=True)
        counts = (_counts(found[name]) for name in ("tokens", "unpriced", "requests", "uncounted"))
        return {
            (place, currency): Sums(
                requests=None if uncounted else requests, tokens=tokens, unpriced_tokens=unpriced, charged=charged
            )
            for place, currency, charged, tokens, unpriced, requests, uncounted in zip(
                places if self._columns else [()] * found.num_rows,
                found["currency"].to_pylist(),
                found["charged"].to_pylist(),
                *counts,
                strict=True,
            )
        }

    def _together(self) -> pa.Table:
        return _summed(pa.concat_tables(self._parts), self._columns, {name: name for name in _SUMMED})


def added(sums: Sequence[Sums]) -> Sums:
    """Return the sum of some; of requests None where one of them says nothing of these."""
    requests = [each.requests for each in sums if each.requests is not None]
    amounts = [each.charged for each in sums if each.charged is not None]
    return Sums(
        requests=sum(requests) if len(requests) == len(sums) else None,
        tokens=sum(each.tokens for each in sums),
        unpriced_tokens=sum(each.unpriced_tokens for each in sums),
        charged=exact_sum(amounts) if amounts else None,
    )


def rounded_quotient(amount: Decimal, divisor: Decimal | int, digits: int) -> Decimal:
    """Return a quotient rounded half to even.

    >>> rounded_quotient(Decimal("0.05"), 3, 8)
    Decimal('0.01666667')
    """
    found = _QUOTIENTS.divide(amount, Decimal(divisor)).quantize(Decimal(1).scaleb(-digits), context=_QUOTIENTS)
    return found or found.copy_abs()  # a zero loses its sign


def _grouped(tables: RatedTables, columns: Sequence[str], *, is_metered: bool) -> pa.Table:
    """Return sums by columns and currency, of each of the tables apart: a group may have several rows."""
    is_of_requests = pc.equal(tables.charges["meter"], Meter.REQUEST.value)
    uncounted = ["uncounted"] if is_metered else []
    parts = [
        _summed(tables.charges.filter(pc.invert(is_of_requests)), columns, {"tokens": "quantity", "charged": "amount"}),
        _summed(
            tables.charges.filter(is_of_requests),
            columns,
            {"charged": "amount"} | ({"requests": "quantity"} if is_metered else {}),
        ),
        _summed(tables.unpriced, columns, {"tokens": "quantity", "unpriced": "quantity"}),
    ]
    for place in (0, 2) if uncounted else ():
        ones = pa.repeat(pa.scalar(1, _WIDE_COUNT), parts[place].num_rows)
        parts[place] = parts[place].set_column(parts[place].schema.get_field_index("uncounted"), "uncounted", ones)
    if not is_metered:
        parts.append(_summed(tables.requests, columns, {"requests": "events"}))
    return pa.concat_tables(parts)


def _summed(table: pa.Table, columns: Sequence[str], sums: Mapping[str, str]) -> pa.Table:
    """Return sums by columns and currency as ``_SUMMED``, null for those that the table is not of."""
    keys = [*columns, "currency"]
    given = {name: table[of].cast(_SUMMED[name]) for name, of in sums.items()}
    wide = pa.table({**{key: table[key] for key in keys}, **given})
    found = wide.group_by(keys, use_threads=False).aggregate([(name, "sum") for name in sums])
    found = found.rename_columns([*keys, *sums])
    there = {
        name: found[name].cast(kind) if name in sums else pa.nulls(found.num_rows, kind)
        for name, kind in _SUMMED.items()
    }
    return pa.table({**{key: found[key] for key in keys}, **there})


def _counts(column: pa.ChunkedArray) -> list[int]:
    """Return counts as integers, 0 where there is none."""
    filled = pc.fill_null(column, pa.scalar(0, _WIDE_COUNT))
    greatest = pc.max(filled).as_py() or 0
    return filled.cast(pa.int64()).to_pylist() if greatest < 2**63 else [int(each) for each in filled.to_pylist()]
