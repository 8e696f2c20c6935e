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
    """One grant and what became of it, in the account's currency."""

    account_id: str
    currency: str
    grant: CreditGrant
    consumed: Decimal
    """By issued invoices."""
    reserved: Decimal
    """By drafts as of now."""

    @property
    def left(self) -> Decimal:
        """What neither an issued invoice nor a draft uses."""
        return exact_sum([self.grant.amount, -self.consumed, -self.reserved])


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


def credit_lines(
    to_pay: Decimal,
    grants: Sequence[CreditGrant],
    consumed: Mapping[str, Decimal],
    *,
    period: BillingPeriod,
    currency: str,
    rounding: Rounding,
) -> list[InvoiceLine]:
    """Use grants that are in force at the period's end, the oldest first, for at most ``to_pay``.

    None where that is not above zero.

    With 30.00 to pay, 20.00 left of an older grant and 50.00 of a younger one: lines of -20.00 and -10.00.
    """
    lines = []
    for grant in sorted(grants, key=lambda grant: grant.order):
        left = exact_sum([grant.amount, *([-consumed[grant.id]] if grant.id in consumed else [])])
        used = min(left, to_pay)
        if used > 0 and grant.is_in_force(period):
            lines.append(
                plain_line(
                    LineKind.CREDIT,
                    -used,
                    f"prepaid credit {grant.id}",
                    currency=currency,
                    rounding=rounding,
                    credit_id=grant.id,
                )
            )
            to_pay = exact_sum([to_pay, -used])
    return lines
