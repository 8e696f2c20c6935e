"""What a column is, and how its cells are written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.base.money import plain
from pipeline.cli.visible import visible

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Cell = str | int | Decimal | date | None
"""A plain value: nothing is formatted before it gets here. None, like an empty text, is nothing to say."""

_NO_WORD = re.compile(r"[^a-z0-9]+")
_NUMBER = re.compile(r"(-?)([0-9]+)(\.[0-9]+)?", re.ASCII)


class Kind(StrEnum):
    """What the cells of a column are, and so what may be done to them for want of room."""

    TEXT = "text"
    """Goes on in the next line of its cell."""
    ID = "id"
    """Is shortened in its middle, to no less than what tells the ids of the table apart."""
    COUNT = "count"
    """A whole number; never cut. JSON has a number."""
    MONEY = "money"
    """An amount or a rate, exact; never cut. JSON has text."""
    DATE = "date"
    """A day, a month, or an instant; never cut."""
    SPAN = "span"
    """A range of numbers, such as 120-380; never cut."""
    SHARE = "share"
    """A part of 1, such as 0.25, shown as 25.0 %; never cut. JSON has the part as text, in all its digits."""

    @property
    def is_number(self) -> bool:
        """Whether cells stand at the right."""
        return self in (Kind.COUNT, Kind.MONEY, Kind.SHARE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of an answer."""

    name: str
    """Its name in CSV and JSON, which programs know it by."""
    kind: Kind = Kind.TEXT
    heading: str = ""
    """What stands above it for people; the name where it is empty."""
    is_asked: bool = False
    """Whether it was asked for by name, as by ``--by``: it comes first, and only a late detail is ever left out."""
    is_kept: bool = False
    """Whether it stays where it stands although it is 0 or empty in every row: that is an answer."""
    is_detail: bool = False
    """Whether a table may do without it where there is no room; a line below then names it."""
    is_late_detail: bool = False
    """Whether a table may do without it where nothing else helps, before its rows become records."""

    is_varied: bool = False
    """Whether it differs in rows that are not among those which are laid out."""

    @property
    def title(self) -> str:
        """What stands above the column."""
        return self.heading or self.name


def columns_of(kinds: Mapping[str, Kind]) -> list[Column]:
    """Return columns by their headings; ``per million`` is ``per_million`` to programs."""
    made = []
    for heading, kind in kinds.items():
        name = _NO_WORD.sub("_", heading.lower()).strip("_")
        made.append(Column(name=name, kind=kind, heading="" if name == heading else heading))
    return made


def plain_text(cell: Cell) -> str:
    """Return a cell as programs read it: every digit, no separators."""
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return plain(cell)
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def shown_text(cell: Cell, kind: Kind) -> str:
    """Return a cell as people read it: thousands apart, shares in per cent, and no character that acts on a terminal.

    1234567.50 of money is 1,234,567.50.
    """
    if kind is Kind.SHARE and isinstance(cell, Decimal):
        return f"{_per_cent_rounded(cell)} %"
    text = plain_text(cell)
    if kind in (Kind.COUNT, Kind.MONEY) and (number := _NUMBER.fullmatch(text)):
        return f"{number[1]}{int(number[2]):,}{number[3] or ''}"
    return visible(text)


def csv_cell(cell: Cell, kind: Kind) -> str | int | Decimal | None:
    """Return a cell for CSV: a number that was given as text is a number, so that nothing is put before its minus."""
    if kind.is_number and isinstance(cell, str) and _NUMBER.fullmatch(cell):
        return Decimal(cell)
    return cell.isoformat() if isinstance(cell, date) else cell


def csv_cells(cells: Sequence[Cell], kind: Kind) -> Sequence[str | int | Decimal | None]:
    """Return the cells of a column for CSV: see ``csv_cell``. Where none of them is written otherwise, as they are."""
    types = set(map(type, cells))
    if not any(issubclass(each, date) for each in types) and not (kind.is_number and str in types):
        return cells  # type: ignore[return-value]  # no date is among them
    return [csv_cell(cell, kind) for cell in cells]


def is_nothing(cell: Cell) -> bool:
    """Say whether a cell is empty, or 0: a table of such cells alone says nothing."""
    if isinstance(cell, str):
        number = _NUMBER.fullmatch(cell)
        return not cell or (number is not None and not Decimal(cell))
    return cell is None or (isinstance(cell, (int, Decimal)) and not cell)


def _per_cent_rounded(share: Decimal) -> Decimal:
    return (share * 100).quantize(Decimal("0.1"))
