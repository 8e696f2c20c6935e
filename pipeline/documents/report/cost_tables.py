"""Tables of costs: month by month, and by account, model, key and tag."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.documents.report.amounts import NONE, NOTHING, amount_of, percent_text, tail_width
from pipeline.documents.report.charts import part_of
from pipeline.documents.report.names import count_text, counted_text, name_of, relative_text, shown
from pipeline.documents.report.words import group_words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from pipeline.documents.report.amounts import Amount
    from pipeline.documents.report.figures import Breakdown, Group, Money, Report, Spent
    from pipeline.documents.report.period_words import PeriodWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row of a table of costs."""

    name: str
    whole_name: str
    """Where ``name`` is shortened."""
    detail: str
    part: str
    """How long its bar is."""
    share: str
    cost: Amount
    change: Amount
    relative: str
    requests: str
    tokens: str
    note: str = ""
    is_others: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of costs; the tails of its amounts are so many characters wide."""

    title: str
    head: str
    rows: tuple[Row, ...]
    cost_tail: int
    change_tail: int
    command: str
    is_compared: bool
    has_shares: bool


def months_table(money: Money, words: PeriodWords) -> Table:
    """Return the months, the newest first, each beside the one before it."""
    greatest = max((each.spent.cost for each in money.months if each.spent.cost is not None), default=None)
    rows = tuple(
        Row(
            name=words.period_name(each.period),
            whole_name=str(each.period),
            detail="" if each.is_over else "so far",
            part=part_of(each.spent.cost, greatest),
            share="",
            cost=amount_of(each.spent.cost, money.currency),
            change=amount_of(each.against.change, money.currency, is_change=True),
            relative=relative_text(each.against) if each.against.change is not None else NONE,
            requests=count_text(each.spent.requests),
            tokens=count_text(each.spent.tokens),
            note=_no_price(each.spent),
        )
        for each in reversed(money.months)
    )
    return _of_rows("Month by month", "Month", rows, "tallybook cost --period MONTH", is_compared=len(rows) > 1)


def breakdown_table(breakdown: Breakdown, money: Money, report: Report) -> Table:
    """Return the greatest groups of a word."""
    title, head = group_words(breakdown.word)
    ids = [each.name for each in breakdown.groups]
    greatest = max(
        (each.spent.cost for each in breakdown.groups if each.spent.cost is not None and not each.others), default=None
    )
    rows = tuple(_row(each, breakdown, money.currency, ids, greatest) for each in breakdown.groups)
    command = f"tallybook cost --period {report.period} --by {breakdown.word}"
    return _of_rows(shown(title), shown(head), rows, shown(command), is_compared=report.compared is not None)


def _row(group: Group, breakdown: Breakdown, currency: str, ids: Sequence[str], greatest: Decimal | None) -> Row:
    name, detail = name_of(breakdown.word, group.name, ids), shown(group.label)
    if breakdown.word == "account" and group.label:
        name, detail = shown(group.label), shown(group.name)
    if group.others:
        name = f"and {count_text(group.others)} more"
    elif not group.name:
        name = "not stated"
    against = group.against
    return Row(
        name=name,
        whole_name=shown(group.name),
        detail=detail,
        part="" if group.others else part_of(group.spent.cost, greatest),
        share=percent_text(group.share),
        cost=amount_of(group.spent.cost, currency),
        change=amount_of(against.change, currency, is_change=True) if against else NOTHING,
        relative=relative_text(against) if against else NONE,
        requests=count_text(group.spent.requests),
        tokens=count_text(group.spent.tokens),
        note=_no_price(group.spent),
        is_others=bool(group.others),
    )


def _of_rows(title: str, head: str, rows: tuple[Row, ...], command: str, *, is_compared: bool) -> Table:
    return Table(
        title=title,
        head=head,
        rows=rows,
        cost_tail=tail_width(row.cost for row in rows),
        change_tail=tail_width(row.change for row in rows),
        command=command,
        is_compared=is_compared,
        has_shares=any(row.share for row in rows),
    )


def _no_price(spent: Spent) -> str:
    return f"{counted_text(spent.unpriced_tokens, 'token')} without a price" if spent.unpriced_tokens else ""
