"""The drafts, invoices and credit notes of a period: what each comes to, and what becomes of it.

Owns the words for a bill's state. Does not own drafts (``pipeline.jobs.state.drafts``), when one may be issued
(``pipeline.jobs.invoices.issue``) nor what is open of an invoice (``pipeline.invoicing.payments``).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.money import exact_sum
from pipeline.base.periods import time_zone, usage_date
from pipeline.documents.report.amounts import amount_of
from pipeline.documents.report.figures import Bill, Bills, Totals
from pipeline.invoicing import InvoiceStatus
from pipeline.invoicing.payments import settlements
from pipeline.jobs.invoices.issue import blocks_of
from pipeline.register.payments import read_payments

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime
    from decimal import Decimal

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing.payments import Payable, Settlement
    from pipeline.jobs.answers.grouped.selection import Span
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.jobs.state.drafted.heads import BookOfHeads, InvoiceHead

LISTED = 20
"""So many bills of the period are listed, those that need somebody first and then the greatest."""
EARLIER_LISTED = 5

BLOCKED, OVERDUE, READY, NOT_OVER = "blocked", "overdue", "ready to issue", "not over yet"
OPEN, PAID_IN_PART, PAID, CREDITED, CREDIT_NOTE = "open", "paid in part", "paid", "credited", "credit note"
NOTHING_TO_PAY, OWED = "nothing to pay", "owed to its buyer"
_URGENT = (BLOCKED, OVERDUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """The bills that a report is about, each with its state."""

    of_period: tuple[Bill, ...]
    """Those that need somebody first, then drafts before invoices, the greatest first."""
    earlier: tuple[Bill, ...]
    """Drafts of periods that ended before this one began, the oldest first."""
    invoices: tuple[InvoiceHead, ...]
    """Those of ``of_period``."""
    settled: Mapping[str, Settlement]
    """Of all issued invoices, by id."""
    overdue: frozenset[str]

    def bills(self) -> Bills:
        """Return those that a page lists."""
        return Bills(
            bills=self.of_period[:LISTED],
            others=max(len(self.of_period) - LISTED, 0),
            states=Counter(bill.state for bill in self.of_period),
            earlier=self.earlier[:EARLIER_LISTED],
            earlier_others=max(len(self.earlier) - EARLIER_LISTED, 0),
        )

    @property
    def currencies(self) -> set[str]:
        """Those of all these bills, and of what is overdue."""
        overdue = {self.settled[invoice_id].invoice.currency for invoice_id in self.overdue}
        return overdue | {bill.currency for bill in (*self.of_period, *self.earlier)}

    def drafted(self, currency: str) -> Totals:
        """Return what the period's drafts come to."""
        return _totals(each for each in self._of(currency) if each.status is InvoiceStatus.DRAFT)

    def issued(self, currency: str) -> Totals:
        """Return what the period's invoices and credit notes come to."""
        return _totals(each for each in self._of(currency) if each.status is not InvoiceStatus.DRAFT)

    def open(self, currency: str) -> Totals:
        """Return what is still to be paid of the period's invoices."""
        mine = [self.settled[each.id] for each in self._of(currency) if each.id in self.settled]
        return _open(each for each in mine if each.open > 0)

    def blocked_in(self, currency: str) -> int:
        """Count the period's drafts that cannot be issued."""
        return sum(bill.state == BLOCKED and bill.currency == currency for bill in self.of_period)

    def overdue_in(self, currency: str) -> Totals:
        """Return what is overdue, of invoices of any period."""
        mine = [self.settled[invoice_id] for invoice_id in sorted(self.overdue)]
        return _open(each for each in mine if each.invoice.currency == currency)

    def _of(self, currency: str) -> list[InvoiceHead]:
        return [each for each in self.invoices if each.currency == currency]


def billed(
    workspace: Workspace, built: Aggregate, book: BookOfHeads, span: Span, now: datetime, *, awaited: Mapping[str, str]
) -> Billed:
    """Return the bills of periods that touch some dates, and the drafts that should have been issued before.

    ``awaited`` says which drafts await a rate of exchange, as ``awaited_rates`` does.
    """
    settled = settlements(book.issued, read_payments(workspace.root))
    overdue = frozenset(
        invoice_id for invoice_id, each in settled.items() if each.is_overdue(_today(each.invoice, now))
    )
    mine = [invoice for invoice in book.of() if span.touches(invoice.period)]
    earlier = [draft for draft in book.drafts if span.from_date is not None and draft.period.end_date <= span.from_date]
    drafts = [invoice for invoice in (*mine, *earlier) if invoice.status is InvoiceStatus.DRAFT]
    states = _States(book=book, blocks=blocks_of(workspace, built, book, drafts, awaited), settled=settled, now=now)
    bills = [states.bill_of(invoice) for invoice in mine]
    return Billed(
        of_period=tuple(sorted(bills, key=_urgency)),
        earlier=tuple(states.bill_of(draft) for draft in earlier),
        invoices=tuple(mine),
        settled=settled,
        overdue=overdue,
    )


class _States:
    """What becomes of bills, by what is known of all of them."""

    def __init__(
        self,
        *,
        book: BookOfHeads,
        blocks: Mapping[str, str],
        settled: Mapping[str, Settlement],
        now: datetime,
    ) -> None:
        self._blocks, self._settled, self._now = blocks, settled, now
        self._credited_by, self._in_part_by = book.credited_by(), book.credited_in_part_by()

    def bill_of(self, invoice: InvoiceHead) -> Bill:
        if invoice.status is InvoiceStatus.DRAFT:
            state, detail = self._of_draft(invoice)
        elif invoice.credits_invoice:
            part = " in part" if invoice.is_partial else ""
            state, detail = CREDIT_NOTE, f"credits {invoice.credits_invoice}{part}"
        else:
            state, detail = self._of_issued(invoice)
        return Bill(
            id=invoice.id,
            status=invoice.status.value,
            account_id=invoice.account_id,
            account_name=invoice.account_name,
            period=invoice.period,
            lines=invoice.lines,
            total=invoice.total,
            currency=invoice.currency,
            state=state,
            detail=detail,
            is_blocked=state in _URGENT,
        )

    def _of_draft(self, draft: InvoiceHead) -> tuple[str, str]:
        if draft.id in self._blocks:
            return BLOCKED, self._blocks[draft.id]
        if self._now < draft.period.end_at(time_zone(draft.timezone)):
            return NOT_OVER, ""
        return READY, ""

    def _of_issued(self, invoice: InvoiceHead) -> tuple[str, str]:
        settlement = self._settled[invoice.id]
        amount = amount_of(settlement.open.copy_abs(), invoice.currency).text
        if invoice.id in self._credited_by:
            owed = f"; {amount} of what was paid is owed to its buyer" if settlement.open < 0 else ""
            return CREDITED, f"by {self._credited_by[invoice.id]}{owed}"
        due = f"due {invoice.due_date}" if invoice.due_date else "no due date"
        notes = self._in_part_by.get(invoice.id, ())
        credited = f"; credited in part by {', '.join(notes)}" if notes else ""
        if settlement.open < 0:
            return OWED, f"{amount}{credited}"
        if not settlement.open:
            return (PAID if settlement.paid else NOTHING_TO_PAY), credited.removeprefix("; ")
        detail = f"{amount} open, {due}{credited}"
        if settlement.is_overdue(_today(invoice, self._now)):
            return OVERDUE, detail
        return (PAID_IN_PART if settlement.paid > 0 else OPEN), detail


def _urgency(bill: Bill) -> tuple[bool, bool, str, Decimal, str]:
    is_draft = bill.status == InvoiceStatus.DRAFT.value
    return not bill.is_blocked, not is_draft, bill.currency, bill.total.copy_negate(), bill.id


def _today(invoice: Payable, now: datetime) -> date:
    return usage_date(now, time_zone(invoice.timezone))


def _totals(invoices: Iterable[InvoiceHead]) -> Totals:
    listed = list(invoices)
    return Totals(count=len(listed), total=exact_sum(invoice.total for invoice in listed))


def _open(settled: Iterable[Settlement]) -> Totals:
    listed = list(settled)
    return Totals(count=len(listed), total=exact_sum(each.open for each in listed))
