"""Rows of what is on a bill, and of what is on none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.documents.report.amounts import NONE, amount_of
from pipeline.documents.report.names import count_text, counted_text, shown
from pipeline.documents.report.words import STATES_OF_A_KIND, not_billed_words, step_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.documents.report.amounts import Amount
    from pipeline.documents.report.figures import Bill, Money, NotBilled, Spent
    from pipeline.documents.report.period_words import PeriodWords


@dataclass(frozen=True, slots=True, kw_only=True)
class NotBilledRow:
    """What one code says."""

    title: str
    sentence: str
    counts: str
    stake: str
    new: str
    summary: str
    """What opens ``texts``."""
    texts: tuple[str, ...]
    rest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillRow:
    """A bill."""

    id: str
    account: str
    account_id: str
    period: str
    lines: str
    total: Amount
    currency: str
    state: str
    detail: str
    is_alert: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """A step from cost to bills."""

    name: str
    amount: Amount
    is_total: bool


def not_billed_row(found: NotBilled) -> NotBilledRow:
    """Return what one code says."""
    title, sentence = not_billed_words(found.code)
    stakes = [f"{currency}\u00a0{amount_of(amount, currency).text}" for currency, amount in found.amounts.items()]
    new = f"{count_text(found.new)} of {count_text(found.warnings)}" if found.new else "none"
    return NotBilledRow(
        title=title,
        sentence=sentence,
        counts=", ".join(counted_text(count, what.removesuffix("s")) for what, count in found.counts.items()) or NONE,
        stake=", ".join(stakes) or "not known",
        new=new + (f", {count_text(found.acknowledged)} acknowledged" if found.acknowledged else ""),
        summary=counted_text(len(found.texts), "warning") + (", and more" if found.rest else ""),
        texts=tuple(shown(text) for text in found.texts),
        rest=shown(found.rest),
    )


def elsewhere_text(count: int) -> str:
    """Say how many warnings a report of another period has; nothing where there are none."""
    return f"{counted_text(count, 'warning')} of other periods: tallybook doctor --warnings" if count else ""


def unassigned_text(spent: Spent) -> str:
    """Say what keys in no account used; nothing where they used nothing."""
    if not spent.requests and not spent.tokens:
        return ""
    return (
        f"{counted_text(spent.requests, 'request')} with {counted_text(spent.tokens, 'token')} are of keys in no "
        "account, and in no cost on this page"
    )


def states_text(states: Mapping[str, int]) -> str:
    """Say how many bills are in each state: ``2 credit notes, 1 open, 3 paid``."""
    return ", ".join(
        counted_text(count, state) if state in STATES_OF_A_KIND else f"{count_text(count)} {state}"
        for state, count in sorted(states.items())
    )


def bill_row(bill: Bill, words: PeriodWords) -> BillRow:
    """Return a bill as a row."""
    return BillRow(
        id=shown(bill.id),
        account=shown(bill.account_name or bill.account_id),
        account_id=shown(bill.account_id),
        period=words.period_name(bill.period),
        lines=count_text(bill.lines),
        total=amount_of(bill.total, bill.currency),
        currency=bill.currency,
        state=bill.state,
        detail=shown(bill.detail),
        is_alert=bill.is_blocked,
    )


def step_rows(money: Money) -> tuple[StepRow, ...]:
    """Return the steps from cost to the totals of bills."""
    return tuple(
        StepRow(
            name=step_words(each.step),
            amount=amount_of(each.amount, money.currency),
            is_total=place == len(money.steps) - 1,
        )
        for place, each in enumerate(money.steps)
    )
