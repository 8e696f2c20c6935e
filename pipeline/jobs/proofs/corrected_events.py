"""The usage events that correction lines are about.

All that count in a corrected month, those that were invoiced before among them.

Does not own the correction (``pipeline.invoicing.corrections``) nor the events behind lines of usage
(``pipeline.jobs.state.lines.traced_lines``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.documents.event_csv import event_row
from pipeline.invoicing import InvoiceStatus, LineKind
from pipeline.invoicing.corrections import invoiced_before, is_billed_anew
from pipeline.jobs.state.lines.traced_lines import earlier_invoices, events_by_line

if TYPE_CHECKING:
    from decimal import Decimal

    from pipeline.documents.event_csv import Row
    from pipeline.invoicing import Invoice, InvoiceLine
    from pipeline.jobs.state.at_issue import AtIssue


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedUsage:
    """A correction of usage, and what it follows from."""

    line: InvoiceLine
    invoiced_before: Decimal
    """With the line, what its month is worth."""
    is_billed_anew: bool
    """Whether the month is open, and has its events on its next invoice: nothing but earlier corrections is behind it.
    """


def corrections_of_usage(invoice: Invoice, state: AtIssue) -> list[CorrectedUsage]:
    """Return an invoice's corrections of usage.

    None of a credit note, whose corrections are explained by the invoice it takes back.
    """
    if invoice.status is InvoiceStatus.CREDIT_NOTE:
        return []
    lines = [line for line in invoice.lines if line.kind is LineKind.CORRECTION and line.meter is not None]
    accounts = {invoice.account_of(line)[0] for line in lines}
    earlier = {account_id: earlier_invoices(state.workspace, invoice, account_id) for account_id in accounts}
    found = []
    for line in lines:
        issued = earlier[invoice.account_of(line)[0]]
        before = invoiced_before(line, issued).amount
        found.append(CorrectedUsage(line=line, invoiced_before=before, is_billed_anew=is_billed_anew(line, issued)))
    return found


def corrected_event_rows(invoice: Invoice, state: AtIssue) -> list[Row]:
    """Return rows of ``pipeline.documents.event_csv``, by correction line, then by rate and time.

    As of what the invoice was decided from.
    """
    rows: list[Row] = []
    for line in (each.line for each in corrections_of_usage(invoice, state) if not each.is_billed_anew):
        found = events_by_line(
            state, {line.api_key_id}, account_id=invoice.account_of(line)[0], period=str(line.original_period)
        )
        cell = (line.api_key_id, line.model, line.service_tier, line.meter)
        charged = [each for place, events in found.items() if place[:4] == cell for each in events]
        charged.sort(key=lambda each: (each.rate_per_million, each.event["occurred_at"], each.event["event_id"]))
        rows += [
            event_row(
                each.event,
                invoice_line=line.number,
                meter=str(line.meter),
                quantity=each.quantity,
                rate_per_million=each.rate_per_million,
                currency=invoice.currency,
                exact_charge=each.exact_charge,
            )
            for each in charged
        ]
    return rows
