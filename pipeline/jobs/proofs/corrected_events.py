"""The usage events that correction lines are about.

All that count in a corrected month, those that were invoiced before among them.

Does not own the correction (``pipeline.invoicing.corrections``) nor the events behind lines of usage
(``pipeline.jobs.state.lines.traced_lines``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.documents.event_csv import event_row
from pipeline.invoicing import InvoiceStatus, LineKind
from pipeline.jobs.state.lines.traced_lines import events_by_line

if TYPE_CHECKING:
    from pipeline.documents.event_csv import Row
    from pipeline.invoicing import Invoice, InvoiceLine
    from pipeline.jobs.state.at_issue import AtIssue


def corrections_with_events(invoice: Invoice) -> list[InvoiceLine]:
    """Return an invoice's corrections of usage.

    None of a credit note, whose corrections are explained by the invoice it takes back.
    """
    if invoice.status is InvoiceStatus.CREDIT_NOTE:
        return []
    return [line for line in invoice.lines if line.kind is LineKind.CORRECTION and line.meter is not None]


def corrected_event_rows(invoice: Invoice, state: AtIssue) -> list[Row]:
    """Return rows of ``pipeline.documents.event_csv``, by correction line, then by rate and time.

    As of what the invoice was decided from.
    """
    rows: list[Row] = []
    for line in corrections_with_events(invoice):
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
