"""From a printed cent to the usage events behind it.

Where each was logged, what it counted, what it cost, and the one rounding.

An issued invoice is explained by the configuration and the commit it was decided from, a draft by those of now. Does
not own the events behind a line (``pipeline.jobs.state.lines``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import register
from pipeline.base.beginnings import whole_id
from pipeline.base.errors import InvoiceNotFound
from pipeline.invoicing import InvoiceStatus, LineKind, invoice_from_document
from pipeline.invoicing.corrections import invoiced_before, is_billed_anew
from pipeline.jobs.state.at_issue import present_state, state_at_issue, usage_document
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.state.lines.traced_lines import earlier_invoices, explain_lines

if TYPE_CHECKING:
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.jobs.state.at_issue import AtIssue
    from pipeline.jobs.state.lines.traced_lines import LineExplanation


def explain_line(workspace: Workspace, invoice_id: str, line_number: int) -> LineExplanation:
    """Return the events behind one line of an issued invoice or a draft, whose id may be its beginning alone.

    Raises ``InvoiceNotFound`` for an invoice or a line that is not there, and ``ConfigurationError`` where several ids
    begin so.
    """
    invoice, state = _invoice(workspace, invoice_id)
    if not 1 <= line_number <= len(invoice.lines):
        message = (
            f"{invoice.id} has no line {line_number}; its lines are 1 to {len(invoice.lines)}, see 'tallybook invoice "
            f"show {invoice.id}'"
        )
        raise InvoiceNotFound(message)
    explanation = explain_lines(invoice, state, [invoice.lines[line_number - 1]])[0]
    if explanation.line.kind is LineKind.CORRECTION and invoice.status is not InvoiceStatus.CREDIT_NOTE:
        earlier = earlier_invoices(workspace, invoice, invoice.account_of(explanation.line)[0])
        return replace(
            explanation,
            invoiced_before=invoiced_before(explanation.line, earlier),
            is_billed_anew=is_billed_anew(explanation.line, earlier),
        )
    return explanation


def _invoice(workspace: Workspace, given: str) -> tuple[Invoice, AtIssue]:
    """Return an invoice and what it was decided from; nothing is counted to find one that is issued."""
    documents = {document["invoice_id"]: document for document in register.read(workspace.root)}
    document = documents.get(whole_id(given, documents, "invoice"))
    if document is not None:
        usage = usage_document(workspace, document)
        return invoice_from_document(document), state_at_issue(workspace, usage, is_checked=False)
    state = present_state(workspace)
    drafts = {draft.id: draft for draft in invoice_book(workspace, state.built).drafts}
    draft = drafts.get(whole_id(given, drafts, "invoice"))
    if draft is None:
        message = f"there is no invoice {given!r}; 'tallybook invoice list' shows what there is"
        raise InvoiceNotFound(message)
    return draft, state
