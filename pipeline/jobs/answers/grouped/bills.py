"""From what the usage of some months costs to the totals of their invoices and drafts, step by step.

Owns the steps, which add up. Does not own costs (``cost``) nor invoices (``pipeline.invoicing``).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import exact_sum, normalised
from pipeline.invoicing import LineKind
from pipeline.jobs.answers.grouped.cost import cost
from pipeline.jobs.answers.grouped.selection import Selection, Span
from pipeline.jobs.state.drafted.now import heads_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.configuration.workspace import Workspace
    from pipeline.jobs.answers.grouped.cost import CostAnswer
    from pipeline.jobs.answers.grouped.rated import RatedTables
    from pipeline.jobs.state.drafted.heads import InvoiceHead

COST, LATER = "cost of usage", "not on these bills"
OTHER_ACCOUNTS, OTHER_DAYS = "cost of the bills' other accounts", "cost of the bills' other days"
ROUNDING, TOTAL = "rounding of lines", "total of bills"


@dataclass(frozen=True, slots=True, kw_only=True)
class BillStep:
    """A step from cost to bills, in one currency."""

    currency: str
    step: str
    """``COST``, ``OTHER_ACCOUNTS``, ``OTHER_DAYS``, ``LATER``, ``ROUNDING``, the kind of lines, or ``TOTAL``.

    ``OTHER_ACCOUNTS`` is what usage costs of accounts that are not asked about and share these bills, as a parent and
    its children do. ``OTHER_DAYS`` is what usage costs on days of these bills that are not asked about, as a quarter
    has them around a month. ``LATER`` is what came after issue, usage and prices: other bills correct it.
    """
    lines: int
    """How many lines of bills it is of; of ``TOTAL`` how many lines they have."""
    amount: Decimal
    """Exact. ``TOTAL`` is the sum of the others."""


def bill_steps(workspace: Workspace, selection: Selection) -> list[BillStep]:
    """Return the steps of each currency, in the order in which they are added up; steps of nothing are left out.

    Bills are the invoices, credit notes and drafts of the selected months that a selected account has lines on, each of
    them whole. Raises ``ConfigurationError`` for a selection that no bill is about: parts of months, keys, models,
    tiers, meters or tags.
    """
    if selection.span.months is None or not selection.is_all_of_accounts:
        message = (
            "--bills needs whole months, and a bill is of all keys, models and meters of an account; "
            "write --period 2026-10, and --account alone"
        )
        raise ConfigurationError(message)
    answer = cost(workspace, ["account"], selection)
    return steps_to_bills(workspace, answer, heads_now(workspace).of())


def steps_to_bills(
    workspace: Workspace, answer: CostAnswer, bills: Iterable[InvoiceHead], *, rated: RatedTables | None = None
) -> list[BillStep]:
    """Return the steps from what was answered to those of some bills that are of its months and accounts.

    ``rated`` are tables of all usage that are there already.
    """
    costs = {total.currency: total.cost or Decimal(0) for total in answer.totals if total.currency}
    accounts, span = set(answer.selection.accounts), answer.selection.span
    bills = [bill for bill in bills if span.touches(bill.period) and (not accounts or accounts & {*bill.account_ids})]
    others = {
        OTHER_ACCOUNTS: _cost_of(workspace, _other_accounts(accounts, span, bills), rated),
        OTHER_DAYS: _cost_of(workspace, _other_days(span, bills), rated),
    }
    return [
        step
        for currency in sorted({*costs, *(bill.currency for bill in bills)})
        for step in _steps(
            currency,
            costs.get(currency, Decimal(0)),
            {name: each.get(currency, Decimal(0)) for name, each in others.items()},
            [bill for bill in bills if bill.currency == currency],
        )
    ]


def _other_accounts(accounts: set[str], span: Span, bills: Sequence[InvoiceHead]) -> dict[Span, set[str]]:
    """Return the accounts of bills that are not asked about, where some are, by the months of a span."""
    found: dict[Span, set[str]] = {}
    for bill in bills if accounts else ():
        for month in filter(span.touches, bill.period.months):  # those of the calendar, where accounts share a bill
            found.setdefault(Span.of(month), set()).update({*bill.account_ids} - accounts)
    return found


def _other_days(span: Span, bills: Sequence[InvoiceHead]) -> dict[Span, set[str]]:
    """Return the accounts of bills by the days of these that lie outside of a span."""
    found: dict[Span, set[str]] = {}
    for bill in bills:
        for outside in span.around(bill.period):
            found.setdefault(outside, set()).update(bill.account_ids)
    return found


def _cost_of(workspace: Workspace, accounts: Mapping[Span, set[str]], rated: RatedTables | None) -> dict[str, Decimal]:
    """Return what usage of accounts costs on some days, by currency."""
    known = {account.id for account in workspace.accounts}
    found: dict[str, Decimal] = {}
    for span, ids in accounts.items():
        if ids & known:
            theirs = Selection(span=span, accounts=tuple(sorted(ids & known)))
            for total in cost(workspace, ["account"], theirs, rated=rated).totals:
                found[total.currency] = exact_sum([found.get(total.currency, Decimal(0)), total.cost or Decimal(0)])
    return found


def _steps(
    currency: str, cost_of_usage: Decimal, others: Mapping[str, Decimal], bills: Sequence[InvoiceHead]
) -> list[BillStep]:
    sums = [each for bill in bills for each in bill.sums]
    usage = [each for each in sums if each.kind is LineKind.USAGE]
    usage_lines = sum(each.lines for each in usage)
    exact, printed = exact_sum(each.exact_amount for each in usage), exact_sum(each.amount for each in usage)
    amounts: dict[str, list[Decimal]] = {
        COST: [cost_of_usage],
        **{name: [amount] for name, amount in others.items()},
        LATER: [exact, *(amount.copy_negate() for amount in (cost_of_usage, *others.values()))],
        ROUNDING: [printed, exact.copy_negate()],
    }
    counts = {COST: usage_lines, LATER: 0, ROUNDING: usage_lines} | dict.fromkeys(others, 0)
    for kind in LineKind:
        mine = [each for each in sums if each.kind is kind and kind is not LineKind.USAGE]
        if mine:
            amounts[kind.value] = [each.amount for each in mine]
            counts[kind.value] = sum(each.lines for each in mine)
    steps = [(name, counts[name], normalised(exact_sum(each))) for name, each in amounts.items()]
    total = (TOTAL, sum(bill.lines for bill in bills), normalised(exact_sum(bill.total for bill in bills)))
    kept = [step for step in steps if step[0] == COST or step[2]]
    return [
        BillStep(currency=currency, step=name, lines=count, amount=amount) for name, count, amount in (*kept, total)
    ]
