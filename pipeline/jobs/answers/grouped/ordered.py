"""Rows of groups: their order, the greatest of each currency, and what all of a currency come to.

Does not own what a row says, nor what makes one greater than another (``cost``, ``margin``).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self, TypeVar

from pipeline.jobs.answers.grouped.words import HOUR

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.jobs.answers.grouped.summed import Place

_CLOCKED = (HOUR, "usage_date", "billing_period")
"""Columns whose values have an order of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRow(ABC):
    """What one group comes to in one currency."""

    place: Place
    """The values of the columns, as text."""
    currency: str
    """Empty where nobody knows one, as of keys in no account."""
    others: int = 0
    """How many groups it sums up, where it is the row of all others."""

    @property
    @abstractmethod
    def greatness(self) -> tuple[Any, ...]:
        """What rows of one currency are ordered by, the greatest first; equal ones are ordered by their places."""

    @classmethod
    @abstractmethod
    def together(cls, rows: Sequence[Self]) -> Self:
        """Return the sum of rows (at least one) of one currency, in the place of the first."""


Row = TypeVar("Row", bound=GroupRow)


def in_order(rows: Sequence[Row], columns: Sequence[str]) -> list[Row]:
    """Return rows by time where the first column is of time, else by currency, the greatest first.

    What has no currency is last.
    """
    if columns and columns[0] in _CLOCKED:
        return sorted(rows, key=lambda row: (row.place, not row.currency, row.currency))
    return sorted(rows, key=lambda row: (not row.currency, row.currency, *row.greatness, row.place))


def greatest(rows: Sequence[Row], top: int) -> list[Row]:
    """Return the greatest rows of each currency, and the others of it as one."""
    by_currency: dict[str, list[Row]] = {}
    for row in in_order(rows, ()):
        by_currency.setdefault(row.currency, []).append(row)
    found: list[Row] = []
    for mine in by_currency.values():
        shown, rest = mine[:top], mine[top:]
        found += shown
        if len(rest) == 1:
            found += rest  # one row is as short as a row of all others, and says more
        elif rest:
            place = (f"{len(rest)} others", *("" for _ in rest[0].place[1:]))
            found.append(replace(rest[0].together(rest), place=place, others=len(rest)))
    return found


def totals(rows: Sequence[Row]) -> list[Row]:
    """Return what the rows of each currency come to, in no place."""
    by_currency: dict[str, list[Row]] = {}
    for row in rows:
        by_currency.setdefault(row.currency, []).append(row)
    in_currencies = sorted(by_currency.items(), key=lambda each: (not each[0], each[0]))
    return [replace(mine[0].together(mine), place=()) for _, mine in in_currencies]
