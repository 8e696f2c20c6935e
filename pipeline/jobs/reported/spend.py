"""What was spent in a period, by day, month, account, model, key and tag, and what of it moved: as ``cost`` answers.

Owns which questions are asked, and which of the answers' rows a report keeps. Does not own the answers
(``pipeline.jobs.answers.grouped.cost``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow.compute as pc

from pipeline.base.money import normalised
from pipeline.base.periods import days_between, parse_date
from pipeline.documents.report.figures import (
    Against,
    Breakdown,
    Day,
    Group,
    Month,
    Mover,
    Movers,
    Spent,
)
from pipeline.jobs.answers.grouped.cost import CostRow, cost
from pipeline.jobs.answers.grouped.ordered import greatest
from pipeline.jobs.answers.grouped.selection import Selection, Span
from pipeline.jobs.answers.grouped.summed import Sums
from pipeline.jobs.answers.grouped.words import TAG_PREFIX, tag_names
from pipeline.jobs.reported.days import months_back

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.cost import CostAnswer
    from pipeline.jobs.answers.grouped.rated import RatedTables
    from pipeline.jobs.reported.days import ReportDays

GREATEST = 10
"""So many groups of a word are listed, and all others as one row."""
MOVED = 3
"""So many of those that moved most."""
TAGS_MAX = 4
"""So many tags are told apart, by the alphabet; ``cost --by tag:NAME`` knows all."""
_WORDS = ("account", "model", "key")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """The answers that a report is made of, once for all currencies."""

    workspace: Workspace
    days: ReportDays
    total: CostAnswer
    compared: CostAnswer | None
    by_day: CostAnswer
    by_word: Mapping[str, tuple[CostAnswer, CostAnswer | None]]
    """Of the whole period, and of the days that are compared."""
    months: Sequence[tuple[BillingPeriod, CostAnswer]]

    @property
    def currencies(self) -> set[str]:
        """Those in which something was used in the period, or in the days that it is compared with."""
        answers = [self.total, *([self.compared] if self.compared else []), *(each for _, each in self.months[-1:])]
        return {row.currency for answer in answers for row in answer.totals if row.currency}

    def spent(self, currency: str) -> Spent:
        """Return what the period comes to in a currency; of an empty one, what is of keys in no account."""
        return spent_of(_total(self.total, currency))

    def against(self, currency: str) -> Against:
        """Return what the compared days cost in a currency, beside those before."""
        return against_of(_total(self.compared, currency) if self.compared else None)

    def days_in(self, currency: str) -> tuple[Day, ...]:
        """Return all days of the period, those without usage too."""
        rows = {parse_date(row.place[0]): row for row in self.by_day.rows if row.currency == currency}
        first, end = self.by_day.selection.span.from_date, self.by_day.selection.span.to_date
        return tuple(_day(day, rows.get(day), self.days) for day in (days_between(first, end) if first and end else ()))

    def months_in(self, currency: str, *, today: date) -> tuple[Month, ...]:
        """Return the months, each beside the one before it."""
        found: list[Month] = []
        before: Sums | None = None
        for period, answer in self.months:
            row = _total(answer, currency)
            sums = row.sums if row else Sums()
            is_over = today >= period.end_date
            beside = CostRow(place=(), currency=currency, sums=sums, total=None, before=before if is_over else None)
            found.append(Month(period=period, spent=spent_of(beside), against=against_of(beside), is_over=is_over))
            before = sums
        return tuple(found)

    def breakdowns(self, currency: str) -> tuple[Breakdown, ...]:
        """Return the greatest groups of each word that says something; a tag that no usage has says nothing."""
        found = []
        for word, (answer, compared) in self.by_word.items():
            rows = [row for row in answer.rows if row.currency == currency and row.sums != Sums()]
            if not rows or (word.startswith(TAG_PREFIX) and not any(row.place[0] for row in rows)):
                continue
            listed = greatest(rows, GREATEST)
            beside = {row.place: row for row in (compared.rows if compared else ()) if row.currency == currency}
            groups = tuple(self._group(word, row, beside.get(row.place)) for row in listed)
            found.append(Breakdown(word=word, groups=groups, count=len(rows)))
        return tuple(found)

    def movers(self, currency: str) -> tuple[Movers, ...]:
        """Return the groups whose costs changed most, by each word."""
        found = []
        for word, (_, compared) in self.by_word.items():
            if word.startswith(TAG_PREFIX):
                continue
            rows = [row for row in (compared.rows if compared else ()) if row.currency == currency and row.change]
            moved = sorted(rows, key=_movement)
            movers = tuple(
                Mover(name=row.place[0], label=self._label(word, row.place[0]), against=against_of(row))
                for row in moved[:MOVED]
            )
            if movers:
                found.append(Movers(word=word, movers=movers, others=len(moved) - len(movers)))
        return tuple(found)

    def _group(self, word: str, row: CostRow, beside: CostRow | None) -> Group:
        return Group(
            name="" if row.others else row.place[0],
            label="" if row.others else self._label(word, row.place[0]),
            spent=spent_of(row),
            share=row.share,
            against=None if row.others or beside is None else against_of(beside),
            others=row.others,
        )

    def _label(self, word: str, name: str) -> str:
        """Say who an account is, or whose a key is."""
        accounts = self.workspace.accounts
        owner = name if word == "account" else accounts.owner_of(name, self.workspace.now) if word == "key" else ""
        account = accounts.by_id(owner) if owner else None
        return account.name if account else ""


def spend_of(workspace: Workspace, rated: RatedTables, days: ReportDays, period: BillingPeriod) -> Spend:
    """Ask what was spent, of tables that are there already."""
    selection = Selection(span=days.span)

    def asked(by: Sequence[str], span: Span | None = None, previous: Span | None = None) -> CostAnswer:
        chosen = selection if span is None else Selection(span=span)
        return cost(workspace, by, chosen, rated=rated, previous=previous)

    def both(by: Sequence[str]) -> tuple[CostAnswer, CostAnswer | None]:
        if days.is_over:
            answer = asked(by, days.span, days.previous)
            return answer, answer
        beside = None if days.compared is None else asked(by, days.compared, days.compared_with)
        return asked(by), beside

    tags = [f"{TAG_PREFIX}{name}" for name in tag_names(workspace.accounts)[:TAGS_MAX]]
    total, compared = both([])
    first = first_usage_date(rated) or period.first_date
    return Spend(
        workspace=workspace,
        days=days,
        total=total,
        compared=compared,
        by_day=asked(["day"], previous=days.previous),
        by_word={word: both([word]) for word in (*_WORDS, *tags)},
        months=[(month, asked([], Span.of(month))) for month in months_back(period, first)],
    )


def first_usage_date(rated: RatedTables) -> date | None:
    """Return the first day with usage; None where there is none."""
    return min((day for day in _bounds(rated, "min") if day), default=None)


def last_usage_date(rated: RatedTables) -> date | None:
    """Return the last day with usage; None where there is none."""
    return max((day for day in _bounds(rated, "max") if day), default=None)


def _bounds(rated: RatedTables, which: str) -> list[date | None]:
    return [pc.min_max(table["usage_date"]).as_py()[which] for table in rated.tables()]


def spent_of(row: CostRow | None) -> Spent:
    """Return what a row of an answer comes to."""
    sums = row.sums if row else Sums()
    return Spent(
        cost=_exact(row.cost if row else sums.cost),
        requests=sums.requests or 0,
        tokens=sums.tokens,
        unpriced_tokens=sums.unpriced_tokens,
    )


def against_of(row: CostRow | None) -> Against:
    """Return what a row of a compared answer says of now and before."""
    if row is None:
        return Against(now=None, before=None, change=None, relative_change=None)
    return Against(
        now=_exact(row.cost),
        before=_exact(row.previous_cost),
        change=_exact(row.change),
        relative_change=row.relative_change,
    )


def _total(answer: CostAnswer | None, currency: str) -> CostRow | None:
    return next((row for row in answer.totals if row.currency == currency), None) if answer else None


def _day(day: date, row: CostRow | None, days: ReportDays) -> Day:
    """Return a day; one that the period before has no counterpart of is beside nothing."""
    first, previous = days.span.from_date, days.previous
    has_previous = bool(first and previous.from_date and previous.holds(previous.from_date + (day - first)))
    spent = spent_of(row)
    before = row.previous_cost if row else Sums().cost
    return Day(
        usage_date=day,
        cost=None if day > days.latest and not spent.requests else spent.cost,
        previous_cost=_exact(before) if has_previous else None,
        requests=spent.requests,
        tokens=spent.tokens,
    )


def _movement(row: CostRow) -> tuple[Decimal, tuple[str, ...]]:
    return (row.change or Decimal(0)).copy_abs().copy_negate(), row.place


def _exact(amount: Decimal | None) -> Decimal | None:
    return None if amount is None else normalised(amount)
