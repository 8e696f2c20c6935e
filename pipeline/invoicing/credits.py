"""Prepaid credits: what is left of each grant, and the lines that consume it.

The balance is a pure function of grants and invoices: what was granted, minus what credit lines consumed; a credit note
gives back what the invoice it credits had consumed. It is never negative, and a draft never uses more than it has to
pay.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum
from pipeline.invoicing.lines import LineKind, plain_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from pipeline.accounts import CreditGrant
    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing.invoice import Invoice
    from pipeline.invoicing.lines import InvoiceLine


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditBalance:
    """One grant and what became of it, in the account's currency; of one that recurs, one month's."""

    account_id: str
    currency: str
    grant: CreditGrant
    consumed: Decimal
    """By issued invoices."""
    reserved: Decimal
    """By drafts as of now."""

    lapsed: Decimal = Decimal(0)
    """What did not roll over with the end of its month, of one that rolls over in part."""
    is_over: bool = False
    """Whether it has expired by the end of the latest month that has an invoice or a draft of any account."""

    @property
    def unused(self) -> Decimal:
        """What neither an issued invoice nor a draft uses."""
        return exact_sum([self.grant.amount, -self.consumed, -self.reserved])

    @property
    def left(self) -> Decimal:
        """What can still be used."""
        return exact_sum([self.unused, -self.expired])

    @property
    def expired(self) -> Decimal:
        """What was not used before the grant expired."""
        return self.unused if self.is_over else min(self.lapsed, self.unused)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumption:
    """What was consumed of one grant, by the end of the periods that it paid for."""

    by_end_date: Mapping[date, Decimal] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def total(self) -> Decimal:
        """All of it."""
        return exact_sum(self.by_end_date.values())

    def until(self, day: date) -> Decimal:
        """Return what periods consumed that ended by a day, which is the first one after them."""
        return exact_sum(amount for end_date, amount in self.by_end_date.items() if end_date <= day)

    def plus(self, amount: Decimal, end_date: date) -> Consumption:
        """Return it with another amount for a period."""
        before = [self.by_end_date[end_date]] if end_date in self.by_end_date else []
        return Consumption(by_end_date={**self.by_end_date, end_date: exact_sum([*before, amount])})


NOTHING_CONSUMED = Consumption()


def consumed_by_grant(invoices: Iterable[Invoice]) -> dict[str, Consumption]:
    """Return what credit lines of one account's invoices consumed, by grant; credit notes give back."""
    consumed: dict[str, Consumption] = {}
    for invoice in invoices:
        for line in invoice.lines:
            if line.kind is LineKind.CREDIT:
                before = consumed.get(line.credit_id, NOTHING_CONSUMED)
                consumed[line.credit_id] = before.plus(-line.amount, invoice.month_of(line).end_date)
    return consumed


def lapsed_of(grant: CreditGrant, consumption: Consumption, currency: str) -> Decimal:
    """Return what of a month's grant cannot be used any more once its month is over, as far as it rolls over in part.

    Of 10.00 with 4.00 consumed in its month and half of the rest rolling over, 3.00.
    """
    if grant.rolls_on is None:
        return exact_sum([])
    left = exact_sum([grant.amount, -consumption.until(grant.rolls_on)])
    return exact_sum([left, -grant.rounded_rollover(left, currency)])


def usable(grant: CreditGrant, consumption: Consumption, period: BillingPeriod, currency: str) -> Decimal:
    """Return what a period may use of a grant that is in force; not below zero."""
    left = exact_sum([grant.amount, -consumption.total])
    if grant.rolls_on is not None and period.end_date > grant.rolls_on:
        left = exact_sum([left, -lapsed_of(grant, consumption, currency)])
    return max(left, exact_sum([]))


def grants_of(grants: Iterable[CreditGrant], until: BillingPeriod) -> list[CreditGrant]:
    """Return single grants in the order in which they are used: those that recur, month by month up to a period."""
    return sorted((each for grant in grants for each in grant.months(until)), key=lambda grant: grant.order)


def credit_lines(
    grants: Sequence[CreditGrant],
    consumed: Mapping[str, Consumption],
    to_pay: Sequence[ToPay],
    *,
    period: BillingPeriod,
    currency: str,
    rounding: Rounding,
    at_most: Decimal,
) -> list[InvoiceLine]:
    """Use grants that are in force at the period's end, in their order, for at most what there is to pay.

    None where that is not above zero. ``to_pay`` is that of each account they pay for, and is lowered by what they pay.
    ``at_most`` is another bound.

    With 30.00 to pay, 20.00 left of an older grant and 50.00 of a younger one: lines of -20.00 and -10.00. A grant for
    models pays at most what the lines of these models sum to, less what other grants for them paid before; one for
    everything pays what is of other models first.
    """
    found: list[InvoiceLine] = []
    left = min(exact_sum(each.total for each in to_pay), at_most)
    for grant in grants_of(grants, period):
        used = min(usable(grant, consumed.get(grant.id, NOTHING_CONSUMED), period, currency), left)
        if grant.models:
            used = min(used, exact_sum(each.most(grant.models) for each in to_pay))
        if used > 0 and grant.is_in_force(period):
            rest = used
            for each in to_pay:
                rest = exact_sum([rest, -each.pay(rest, grant.models)])
            left = exact_sum([left, -used])
            found.append(
                plain_line(
                    LineKind.CREDIT,
                    -used,
                    f"prepaid credit {grant.id}",
                    currency=currency,
                    rounding=rounding,
                    credit_id=grant.id,
                )
            )
    return found


def credit_lines_by_month(
    grants: Sequence[CreditGrant],
    consumed: Mapping[str, Consumption],
    to_pay: Sequence[Mapping[BillingPeriod, ToPay]],
    *,
    period: BillingPeriod,
    currency: str,
    rounding: Rounding,
) -> list[InvoiceLine]:
    """Use grants for each month of a period as on an invoice of that month alone.

    A month is paid for by grants in force at its own end. All months together use no more than there is to pay: with
    months of 20.00 and -5.00, and a grant of 100.00, one line of -15.00. ``to_pay`` is that of each account they pay
    for, by month (``to_pay_by_month``), and is lowered by what they pay.
    """
    found: list[InvoiceLine] = []
    used = dict(consumed)
    left = exact_sum(each.total for months in to_pay for each in months.values())
    for month in period.months:
        mine = [months[month] for months in to_pay]
        paying = credit_lines(grants, used, mine, period=month, currency=currency, rounding=rounding, at_most=left)
        for line in paying:
            before = used.get(line.credit_id, NOTHING_CONSUMED)
            used[line.credit_id] = before.plus(-line.amount, month.end_date)
        left = exact_sum([left, *(line.amount for line in paying)])
        found += paying if period.count == 1 else [replace(line, period=month) for line in paying]
    return found


def to_pay_by_month(
    worth: Sequence[InvoiceLine], corrections: Sequence[InvoiceLine], period: BillingPeriod
) -> dict[BillingPeriod, ToPay]:
    """Return what there is to pay for each month of a period; corrections are paid with the first."""
    if period.count == 1:
        return {period.first: ToPay.of([*worth, *corrections])}
    return {
        month: ToPay.of(
            [*(line for line in worth if line.period == month), *(corrections if month == period.first else ())]
        )
        for month in period.months
    }


@dataclass(slots=True)
class ToPay:
    """What is left to pay of the lines of one account: all of it, and of each model."""

    total: Decimal
    by_model: dict[str, Decimal]

    @classmethod
    def of(cls, lines: Iterable[InvoiceLine]) -> ToPay:
        """Return what lines sum to, before any credit."""
        amounts: dict[str, list[Decimal]] = {}
        for line in lines:
            amounts.setdefault(line.model, []).append(line.amount)
        return cls(
            total=exact_sum(amount for mine in amounts.values() for amount in mine),
            by_model={model: exact_sum(mine) for model, mine in amounts.items() if model},
        )

    def most(self, models: Sequence[str]) -> Decimal:
        """Return what a grant for models may pay at most, from 0."""
        nothing = exact_sum([])
        return max(
            min(self.total, exact_sum(max(self.by_model.get(each, nothing), nothing) for each in models)), nothing
        )

    def pay(self, amount: Decimal, models: Sequence[str]) -> Decimal:
        """Pay up to an amount by a grant (for models, in their order, where it is for any); return what was paid."""
        paid = min(amount, self.most(models) if models else max(self.total, exact_sum([])))
        self.total = exact_sum([self.total, -paid])
        rest = paid
        for model in models:
            part = max(min(rest, self.by_model.get(model, exact_sum([]))), exact_sum([]))
            self.by_model[model] = exact_sum([self.by_model.get(model, exact_sum([])), -part])
            rest = exact_sum([rest, -part])
        return paid
