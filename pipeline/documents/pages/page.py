"""What a page says, as text in one language: the parts of it, which HTML and PDF lay out.

Owns the shape, and which columns a table has; ``printed`` fills it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A label and what it labels."""

    label: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedParty:
    """A seller or a buyer."""

    label: str
    name: str
    lines: tuple[str, ...]
    """Address, contact and numbers, one below the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedRow:
    """A row of the first page or of the details; an empty cell is empty."""

    number: str = ""
    """Of the line, in the details."""
    what: str
    detail: str = ""
    quantity: str = ""
    price: str = ""
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedGroup:
    """Rows under a heading; a group without rows is a row itself."""

    title: str
    """Empty where the section's own heading says it all."""
    detail: str = ""
    quantity: str = ""
    price: str = ""
    rows: tuple[PrintedRow, ...]
    amount: str


def columns_of(groups: Iterable[PrintedGroup]) -> tuple[str, ...]:
    """Return which of ``quantity`` and ``price`` some row states: a table has no column without anything in it."""
    rows = [row for group in groups for row in (group, *group.rows)]
    return tuple(name for name in ("quantity", "price") if any(getattr(row, name) for row in rows))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedAccount:
    """The heading of an account's lines, with their subtotal."""

    title: str
    detail: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedSection:
    """All lines of one kind, or all of an account where it has no groups."""

    account: PrintedAccount | None = None
    """Where the lines of another account begin than those of the section before."""
    title: str
    """Empty where the account's heading says it all."""
    groups: tuple[PrintedGroup, ...]
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedSegment:
    """A part of a bar, from ``start`` on and ``width`` wide, in ten-thousandths of the longest bar."""

    meter: int
    """Its place in the legend, from 0."""
    title: str
    start: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedBar:
    """A bar of the chart."""

    title: str
    amount: str
    segments: tuple[PrintedSegment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedChart:
    """Bars of what usage came to."""

    title: str
    legend: tuple[str, ...]
    bars: tuple[PrintedBar, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Headings:
    """Words of tables and parts."""

    line: str
    description: str
    quantity: str
    price: str
    amount: str
    subtotal: str
    payment: str
    notes: str
    details: str
    details_explained: str
    by_meter: str
    by_key: str
    page: str
    """With ``{page}`` and ``{pages}`` in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedInvoice:
    """All that a page says."""

    language: str
    invoice_id: str
    status: str
    title: str
    heading: str
    warning: str
    """Of a draft."""
    statement: str
    """Of a credit note: what it takes back."""
    seller: PrintedParty
    buyer: PrintedParty
    facts: tuple[Fact, ...]
    due: Fact
    """The total, and what it is."""
    due_by: str
    sections: tuple[PrintedSection, ...]
    columns: tuple[str, ...]
    """Those that ``sections`` have between what a row is and its amount (``columns_of``)."""
    totals: tuple[Fact, ...]
    """Subtotal and taxes; empty where the total is all there is to say."""
    total: Fact
    payment: tuple[Fact, ...]
    terms: str
    notes: tuple[str, ...]
    chart: PrintedChart | None
    unfolded: tuple[PrintedSection, ...]
    """The sections with all their rows, where ``sections`` has only their groups."""
    unfolded_columns: tuple[str, ...]
    appendix: tuple[PrintedGroup, ...]
    appendix_columns: tuple[str, ...]
    appendix_total: str
    is_long: bool
    """Whether chart and details begin a page of their own."""
    headings: Headings
