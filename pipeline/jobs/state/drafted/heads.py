"""What an invoice comes to without its lines: all that a list of invoices, their payments and sums by kind ask for.

The lines of 20,000 invoices take seconds to make and gigabytes to hold; their heads are a table. Owns what a head says,
and the book of heads. Does not own where heads are kept (``kept``), nor when those are of now (``now``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum, normalised
from pipeline.invoicing import LineKind
from pipeline.invoicing.book import above_spend_cap
from pipeline.invoicing.invoice import credited_by, credited_in_part_by

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import Accounts
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing import Invoice, InvoiceBook, InvoiceLine, InvoiceStatus
    from pipeline.invoicing.account_drafts import LateUsage, Place


@dataclass(frozen=True, slots=True, kw_only=True)
class KindSum:
    """What the lines of one kind add up to, on one invoice."""

    kind: LineKind
    lines: int
    amount: Decimal
    """The sum of what is printed."""
    exact_amount: Decimal
    """The sum before the one rounding of each line."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceHead:
    """An issued invoice, a credit note or a draft, as ``Invoice`` has it, without its lines."""

    id: str
    number: int | None
    """None of a draft."""
    account_id: str
    account_name: str
    account_ids: tuple[str, ...]
    """The invoiced account's, and those of the child accounts that it has lines of."""
    period: BillingPeriod
    status: InvoiceStatus
    timezone: str
    currency: str
    lines: int
    subtotal: Decimal
    total: Decimal
    issue_date: date | None
    due_date: date | None
    purchase_order: str
    credits_invoice: str
    is_partial: bool
    sums: tuple[KindSum, ...]
    """Of the kinds that it has lines of, in the order of kinds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BookOfHeads:
    """All invoices of a workspace as of now, as ``InvoiceBook`` has them, without their lines."""

    issued: tuple[InvoiceHead, ...]
    drafts: tuple[InvoiceHead, ...]
    late: tuple[LateUsage, ...]
    standing: tuple[LateUsage, ...]
    above_caps: tuple[AboveSpendCap, ...]
    kept: frozenset[Place]

    @classmethod
    def of_book(cls, book: InvoiceBook, accounts: Accounts) -> BookOfHeads:
        """Take the heads of a book."""
        return cls(
            issued=tuple(map(head_of, book.issued)),
            drafts=tuple(map(head_of, book.drafts)),
            late=book.late,
            standing=book.standing,
            above_caps=tuple(caps_exceeded(book, accounts)),
            kept=book.kept,
        )

    def of(self, period: BillingPeriod | None = None, account_id: str | None = None) -> list[InvoiceHead]:
        """Return issued invoices and drafts, optionally of one period, or that one account has lines on."""
        return [
            head
            for head in (*self.issued, *self.drafts)
            if period in (None, head.period) and (account_id is None or account_id in head.account_ids)
        ]

    def credited_by(self) -> dict[str, str]:
        """Return which credit note takes which invoice back, by ids."""
        return credited_by(self.issued)

    def credited_in_part_by(self) -> dict[str, list[str]]:
        """Return which credit notes take a part of which invoice back, by ids."""
        return credited_in_part_by(self.issued)


@dataclass(frozen=True, slots=True, kw_only=True)
class AboveSpendCap:
    """A month of an account whose usage and fees on a draft are above its spend cap."""

    account_id: str
    draft_id: str
    month: BillingPeriod
    spent: Decimal
    cap: Decimal
    currency: str


def caps_exceeded(book: InvoiceBook, accounts: Accounts) -> list[AboveSpendCap]:
    """Return the months of accounts that are above their spend caps on drafts, by draft."""
    return [
        AboveSpendCap(
            account_id=part.account_id, draft_id=part.id, month=month, spent=spent, cap=cap, currency=part.currency
        )
        for part, month, spent, cap in above_spend_cap(book, accounts)
    ]


def head_of(invoice: Invoice) -> InvoiceHead:
    """Return the head of an invoice."""
    return InvoiceHead(
        id=invoice.id,
        number=invoice.number,
        account_id=invoice.account_id,
        account_name=invoice.account_name,
        account_ids=invoice.account_ids,
        period=invoice.period,
        status=invoice.status,
        timezone=invoice.timezone,
        currency=invoice.currency,
        lines=len(invoice.lines),
        subtotal=invoice.subtotal,
        total=invoice.total,
        issue_date=invoice.issue_date,
        due_date=invoice.due_date,
        purchase_order=invoice.purchase_order,
        credits_invoice=invoice.credits_invoice,
        is_partial=invoice.is_partial,
        sums=_sums(invoice),
    )


def _sums(invoice: Invoice) -> tuple[KindSum, ...]:
    by_kind: dict[LineKind, list[InvoiceLine]] = {}
    for line in invoice.lines:
        by_kind.setdefault(line.kind, []).append(line)
    return tuple(
        KindSum(
            kind=kind,
            lines=len(by_kind[kind]),
            amount=exact_sum(line.amount for line in by_kind[kind]),
            exact_amount=normalised(exact_sum(line.exact_amount for line in by_kind[kind])),
        )
        for kind in LineKind
        if kind in by_kind
    )
