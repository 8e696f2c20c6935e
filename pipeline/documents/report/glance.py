"""What a report says first: a sentence, a few numbers, and what moved most.

Owns how they are worded; headlines are rounded, and the exact amount stands below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.money import Rounding, exact_sum, rounded_to_minor_unit
from pipeline.documents.report.amounts import NONE, Amount, amount_of, percent_text, rounded_text
from pipeline.documents.report.names import count_text, counted_text, name_of, relative_text, shown
from pipeline.documents.report.words import MOVED

if TYPE_CHECKING:
    from decimal import Decimal

    from pipeline.documents.report.figures import Money, Movers, Report
    from pipeline.documents.report.period_words import PeriodWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One of the first numbers."""

    label: str
    value: str
    """What is read first; a headline is rounded, and says so in ``lines``."""
    lines: tuple[str, ...]
    arrow: str = ""
    is_alert: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MovedRow:
    """One of those that moved most."""

    name: str
    whole_name: str
    """Where ``name`` is shortened, or is a name and no id."""
    detail: str
    change: Amount
    relative: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What moved most, of one word."""

    title: str
    rows: tuple[MovedRow, ...]
    rest: str


def lead_of(money: Money, words: PeriodWords, budgets: str = "") -> str:
    """Say in two sentences how much it is, how much that is against before, and how the budgets stand."""
    spent = f"{headline(money.spent.cost, money.currency)} of usage in {words.period}"
    if money.spent.cost is None:
        spent = f"Nothing that was used in {words.period} has a price in {money.currency} yet"
    return f"{spent}{_beside(money, words)}.{f' {budgets}.' if budgets else ''}"


def _beside(money: Money, words: PeriodWords) -> str:
    """Say how much more or less it is; of a period that is not over, on which days."""
    against, is_over = money.against, words.report.is_over
    if against.change is None:
        return ""
    when = f"in {words.previous}" if is_over else f"on {words.against}"
    days = "," if is_over else f"; on {words.range(words.report.compared)},"
    if not against.change:
        return f"{days} as much as {when}"
    by = rounded_text(against.change.copy_abs(), money.currency)
    relative = against.relative_change
    part = f" ({percent_text(relative.copy_abs())})" if relative is not None else ""
    return f"{days} {by}{part} {'more' if against.change > 0 else 'less'} than {when}"


def spent_tile(money: Money) -> Tile:
    """Say what the usage of the period costs."""
    spent, currency = money.spent, money.currency
    exact = amount_of(spent.cost, currency)
    lines = [] if spent.cost is None or not exact.tail else [f"exactly {exact.text}"]
    lines += [counted_text(spent.requests, "request"), counted_text(spent.tokens, "token")]
    if spent.unpriced_tokens:
        lines.append(f"{count_text(spent.unpriced_tokens)} of them without a price")
    return Tile(label="Cost of usage", value=headline(spent.cost, currency), lines=tuple(lines))


def against_tile(money: Money, words: PeriodWords) -> Tile:
    """Say how much more or less that is than before."""
    against, currency = money.against, money.currency
    label = f"Against {words.against}"
    if against.change is None:
        return Tile(label=label, value=NONE, lines=(words.compared if words.report.compared is None else "Not known",))
    change = amount_of(against.change, currency, is_change=True)
    value = percent_text(against.relative_change, is_change=True)
    lines = [f"{change.text} {currency}"]
    if against.relative_change is None:
        rounded = _rounded_change(against.change, currency).text
        value, lines = f"{currency}\u00a0{rounded}", ["nothing was used then"] if against.change else ["no change"]
    lines += [f"{amount_of(against.before, currency).text} then", f"{amount_of(against.now, currency).text} now"]
    return Tile(label=label, value=value, lines=tuple(lines), arrow=_arrow(change))


def bills_tile(money: Money) -> Tile:
    """Say what of it is on drafts, invoices and credit notes."""
    drafted, issued, currency = money.drafted, money.issued, money.currency
    total = exact_sum([drafted.total, issued.total])
    lines = [
        f"{counted_text(drafted.count, 'draft')}: {amount_of(drafted.total, currency).text}" if drafted.count else "",
        f"{counted_text(issued.count, 'issued document')}: {amount_of(issued.total, currency).text}"
        if issued.count
        else "nothing issued yet",
        f"{amount_of(money.open.total, currency).text} open" if money.open.count else "",
    ]
    return Tile(
        label="On drafts and invoices", value=headline(total, currency), lines=tuple(line for line in lines if line)
    )


def risk_tile(money: Money, report: Report) -> Tile:
    """Say what is on no bill, at its price as far as that is known, what is blocked, and what is overdue.

    What has no price is of no currency: it is said once, beside the first.
    """
    is_first = money is report.money[0]
    losses = [each for each in report.not_billed if each.is_loss and (is_first or money.currency in each.amounts)]
    known = [each.amounts[money.currency] for each in losses if money.currency in each.amounts]
    tokens = sum(each.counts.get("tokens", 0) for each in losses if not each.amounts)
    new, overdue = sum(each.new for each in losses), money.overdue
    value = "Nothing" if is_first else NONE
    if losses:
        value = counted_text(tokens, "token") if tokens else counted_text(len(losses), "reason")
    lines = [] if is_first or known else ["what has no price is said above"]
    if known:
        value = headline(exact_sum(known), money.currency)
        lines.append(f"and {counted_text(tokens, 'token')} without a price" if tokens else "")
    elif tokens:
        lines.append("at a price that nobody knows")
    lines += [
        f"{counted_text(len(losses), 'reason')}, {count_text(new) if new else 'none'} new" if losses else "",
        f"{counted_text(money.blocked, 'draft')} blocked" if money.blocked else "",
        f"{counted_text(overdue.count, 'invoice')} overdue: {amount_of(overdue.total, money.currency).text}"
        if overdue.count
        else "",
    ]
    return Tile(
        label="Used and on no bill",
        value=value,
        lines=tuple(line for line in lines if line),
        is_alert=bool(losses or overdue.count or money.blocked),
    )


def moved_of(movers: Movers, currency: str) -> Moved:
    """Return what moved most of one word."""
    ids = [each.name for each in movers.movers]
    rows = tuple(
        MovedRow(
            name=shown(each.label) if movers.word == "account" and each.label else name_of(movers.word, each.name, ids),
            whole_name=shown(each.name),
            detail=shown(each.label) if movers.word == "key" else "",
            change=_rounded_change(each.against.change, currency),
            relative=relative_text(each.against),
        )
        for each in movers.movers
    )
    rest = f"and {counted_text(movers.others, 'smaller change')}" if movers.others else ""
    return Moved(title=MOVED.get(movers.word, movers.word), rows=rows, rest=rest)


def _rounded_change(change: Decimal | None, currency: str) -> Amount:
    """Write a change as a headline, rounded; one that would be rounded to nothing, exactly."""
    exact = amount_of(change, currency, is_change=True)
    if change is None or not rounded_to_minor_unit(change, currency, Rounding.HALF_UP):
        return exact
    plus = "+" if change > 0 else ""
    return Amount(head=f"{plus}{rounded_text(change, currency)}", sign=exact.sign)


def headline(amount: Decimal | None, currency: str) -> str:
    """Write an amount as it is read first, rounded."""
    return NONE if amount is None else f"{currency}\u00a0{rounded_text(amount, currency)}"


def _arrow(change: Amount) -> str:
    return {1: "\u25b2", -1: "\u25bc"}.get(change.sign, "")
