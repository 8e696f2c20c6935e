"""Tables of margins: what usage is charged, what it costs, and what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.documents.report.amounts import amount_of, percent_text, tail_width
from pipeline.documents.report.names import count_text, counted_text, shown
from pipeline.documents.report.words import GROUPS

if TYPE_CHECKING:
    from pipeline.documents.report.amounts import Amount
    from pipeline.documents.report.figures import Margin, Margins


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginRow:
    """A group and its margin."""

    name: str
    detail: str
    charge: Amount
    cost: Amount
    margin: Amount
    share: str
    note: str
    is_total: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginTable:
    """The margins by one word; the tails of its amounts are so many characters wide."""

    title: str
    head: str
    rows: tuple[MarginRow, ...]
    charge_tail: int
    cost_tail: int
    margin_tail: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarginPage:
    """The margins in one currency."""

    currency: str
    tables: tuple[MarginTable, ...]
    reasons: tuple[str, ...]
    rest: str


def margin_page(margins: Margins) -> MarginPage:
    """Return the tables of a currency, each with its total."""
    return MarginPage(
        currency=margins.currency,
        tables=tuple(_table(word, margins) for word in margins.groups),
        reasons=tuple(shown(reason) for reason in margins.reasons),
        rest=f"and {counted_text(margins.other_reasons, 'more reason')}" if margins.other_reasons else "",
    )


def _table(word: str, margins: Margins) -> MarginTable:
    rows = [
        _row(
            f"and {count_text(each.others)} more" if each.others else shown(each.label or each.name) or "not stated",
            shown(each.name) if each.label else "",
            each.margin,
            margins.currency,
        )
        for each in margins.groups[word]
    ]
    rows.append(_row("Total", "", margins.total, margins.currency, is_total=True))
    title, head = GROUPS[word]
    return MarginTable(
        title=title,
        head=head,
        rows=tuple(rows),
        charge_tail=tail_width(row.charge for row in rows),
        cost_tail=tail_width(row.cost for row in rows),
        margin_tail=tail_width(row.margin for row in rows),
    )


def _row(name: str, detail: str, margin: Margin, currency: str, *, is_total: bool = False) -> MarginRow:
    notes = [
        f"{counted_text(margin.uncosted_tokens, 'token')} without a cost" if margin.uncosted_tokens else "",
        f"{counted_text(margin.unpriced_tokens, 'token')} without a charge" if margin.unpriced_tokens else "",
    ]
    return MarginRow(
        name=name,
        detail=detail,
        charge=amount_of(margin.charge, currency),
        cost=amount_of(margin.cost, currency),
        margin=amount_of(margin.margin, currency),
        share=percent_text(margin.share),
        note=", ".join(note for note in notes if note),
        is_total=is_total,
    )
