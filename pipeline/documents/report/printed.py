"""A report as its page prints it: every number written, every name harmless, in the order in which it is read.

Owns that order. Does not own the numbers (``figures``) nor how a page looks (``report.html``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.documents.pages.spelling import spelling_of
from pipeline.documents.report.amounts import tail_width
from pipeline.documents.report.bill_rows import (
    bill_row,
    elsewhere_text,
    not_billed_row,
    states_text,
    step_rows,
    unassigned_text,
)
from pipeline.documents.report.budget_rows import budget_row, budgets_text
from pipeline.documents.report.cost_tables import breakdown_table, months_table
from pipeline.documents.report.day_chart import day_chart_of
from pipeline.documents.report.glance import (
    against_tile,
    bills_tile,
    lead_of,
    moved_of,
    risk_tile,
    spent_tile,
)
from pipeline.documents.report.margin_tables import margin_page
from pipeline.documents.report.names import counted_text, shown
from pipeline.documents.report.period_words import PeriodWords

if TYPE_CHECKING:
    from pipeline.documents.report.bill_rows import (
        BillRow,
        NotBilledRow,
        StepRow,
    )
    from pipeline.documents.report.budget_rows import BudgetRow
    from pipeline.documents.report.cost_tables import Table
    from pipeline.documents.report.day_chart import DayChart
    from pipeline.documents.report.figures import Money, Report
    from pipeline.documents.report.glance import (
        Moved,
        Tile,
    )
    from pipeline.documents.report.margin_tables import MarginPage

_DIGEST_DIGITS = 12
_BUDGETS_LISTED = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class MoneyPage:
    """All that is said in one currency."""

    currency: str
    lead: str
    tiles: tuple[Tile, ...]
    budgets: tuple[BudgetRow, ...]
    budgets_rest: str
    moved: tuple[Moved, ...]
    days: DayChart
    tables: tuple[Table, ...]
    steps: tuple[StepRow, ...]
    steps_tail: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The whole page."""

    title: str
    heading: str
    issuer: str
    progress: str
    """Of a period that is not over: how far it is."""
    facts: tuple[str, ...]
    previous: str
    """What the period before is called."""
    compared: str
    """Which days are compared, in a sentence."""
    money: tuple[MoneyPage, ...]
    is_of_several_currencies: bool
    lost: tuple[NotBilledRow, ...]
    other: tuple[NotBilledRow, ...]
    elsewhere: str
    unassigned: str
    odd_days: tuple[str, ...]
    odd_rest: str
    margins: tuple[MarginPage, ...]
    bills: tuple[BillRow, ...]
    bills_rest: str
    states: str
    earlier: tuple[BillRow, ...]
    earlier_rest: str
    commands: tuple[tuple[str, str], ...]
    origin: tuple[str, ...]


def printed_report(report: Report) -> Page:
    """Return what the page of a report says, in English."""
    spelling = spelling_of("en")
    words = PeriodWords(report, spelling)
    losses = [each for each in report.not_billed if each.is_loss]
    others = [each for each in report.not_billed if not each.is_loss]
    return Page(
        title=f"{words.period} \u2013 usage and billing",
        heading=words.period,
        issuer=shown(report.issuer),
        progress=words.progress,
        facts=words.facts,
        previous=words.previous,
        compared=words.compared,
        money=tuple(_money(each, report, words) for each in report.money),
        is_of_several_currencies=len(report.money) > 1,
        lost=tuple(not_billed_row(each) for each in losses),
        other=tuple(not_billed_row(each) for each in others),
        elsewhere=elsewhere_text(report.elsewhere),
        unassigned=unassigned_text(report.unassigned),
        odd_days=tuple(shown(each.reason) for each in report.odd_days.days),
        odd_rest=_and_more(report.odd_days.others, "day"),
        margins=tuple(margin_page(each) for each in report.margins),
        bills=tuple(bill_row(each, words) for each in report.bills.bills),
        bills_rest=_and_more(report.bills.others, "bill"),
        states=states_text(report.bills.states),
        earlier=tuple(bill_row(each, words) for each in report.bills.earlier),
        earlier_rest=_and_more(report.bills.earlier_others, "draft"),
        commands=words.commands,
        origin=_origin(report),
    )


def _money(money: Money, report: Report, words: PeriodWords) -> MoneyPage:
    steps = step_rows(money)
    mine = [each for each in report.budgets if each.currency == money.currency]
    return MoneyPage(
        currency=money.currency,
        lead=lead_of(money, words, budgets_text(tuple(mine))),
        tiles=(
            spent_tile(money),
            against_tile(money, words),
            bills_tile(money),
            risk_tile(money, report),
        ),
        budgets=tuple(budget_row(each, words) for each in mine[:_BUDGETS_LISTED]),
        budgets_rest=_and_more(max(len(mine) - _BUDGETS_LISTED, 0), "budget"),
        moved=tuple(moved_of(each, money.currency) for each in money.movers),
        days=day_chart_of(money, words),
        tables=(months_table(money, words), *(breakdown_table(each, money, report) for each in money.breakdowns)),
        steps=steps,
        steps_tail=tail_width(each.amount for each in steps),
    )


def _origin(report: Report) -> tuple[str, ...]:
    commit = "nothing was read yet" if report.commit is None else f"lake at commit {report.commit}"
    return (commit, f"configuration {report.configuration[:_DIGEST_DIGITS]}", f"tallybook {report.version}")


def _and_more(count: int, noun: str) -> str:
    return f"and {counted_text(count, f'more {noun}')}" if count else ""
