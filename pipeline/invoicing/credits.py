"""Prepaid credits: what is left of each grant, and the lines that consume it.

The balance is a pure function of grants and invoices: what was granted, minus what credit lines consumed; a credit note
gives back what the invoice it credits had consumed. It is never negative, and a draft never uses more than it has to
pay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum
from pipeline.invoicing.lines import LineKind, plain_line

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

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

    is_over: bool = False
    """Whether it has expired by the end of the latest month that has an invoice or a draft of any account."""

    @property
    def unused(self) -> Decimal:
        """What neither an issued invoice nor a draft uses."""
        return exact_sum([self.grant.amount, -self.consumed, -self.reserved])

    @property
    def left(self) -> Decimal:
        """What can still be used."""
        return exact_sum([]) if self.is_over else self.unused

    @property
    def expired(self) -> Decimal:
        """What was not used before the grant expired."""
        return self.unused if self.is_over else exact_sum([])


def consumed_by_grant(invoices: Iterable[Invoice]) -> dict[str, Decimal]:
    """Return what credit lines of one account's invoices consumed, by grant; credit notes give back."""
    consumed: dict[str, Decimal] = {}
    for invoice in invoices:
        for line in invoice.lines:
            if line.kind is LineKind.CREDIT:
                consumed[line.credit_id] = exact_sum(
                    [*([consumed[line.credit_id]] if line.credit_id in consumed else []), -line.amount]
                )
    return consumed


def grants_of(grants: Iterable[CreditGrant], until: BillingPeriod) -> list[CreditGrant]:
    """Return single grants in the order in which they are used: those that recur, month by month up to a period."""
    return sorted((each for grant in grants for each in grant.months(until)), key=lambda grant: grant.order)


def credit_lines(
    grants: Sequence[CreditGrant],
    consumed: Mapping[str, Decimal],
    to_pay: Sequence[ToPay],
    *,
    period: BillingPeriod,
    currency: str,
    rounding: Rounding,
) -> list[InvoiceLine]:
    """Use grants that are in force at the period's end, in their order, for at most what there is to pay.

    None where that is not above zero. ``to_pay`` is that of each account they pay for, and is lowered by what they pay.

    With 30.00 to pay, 20.00 left of an older grant and 50.00 of a younger one: lines of -20.00 and -10.00. A grant for
    models pays at most what the lines of these models sum to, less what other grants for them paid before; one for
    everything pays what is of other models first.
    """
    found: list[InvoiceLine] = []
    for grant in grants_of(grants, period):
        left = exact_sum([grant.amount, *([-consumed[grant.id]] if grant.id in consumed else [])])
        used = min(left, exact_sum(each.total for each in to_pay))
        if grant.models:
            used = min(used, exact_sum(each.most(grant.models) for each in to_pay))
        if used > 0 and grant.is_in_force(period):
            rest = used
            for each in to_pay:
                rest = exact_sum([rest, -each.pay(rest, grant.models)])
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
