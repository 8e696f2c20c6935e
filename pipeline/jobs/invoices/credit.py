"""Issued invoices → credit notes in part.

Owns when a part may be credited, and that asking again credits nothing more. Does not own what is left to credit nor
the lines (``pipeline.invoicing.reductions``), nor the register that numbers and freezes (``pipeline.register``).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import CommitConflict, ConfigurationError, CreditRefused
from pipeline.base.periods import time_zone, usage_date
from pipeline.invoicing import InvoiceStatus, LineKind, invoice_document, invoice_from_document
from pipeline.invoicing.invoice import credited_by
from pipeline.invoicing.reductions import (
    Reduction,
    is_same_reduction,
    left_to_credit,
    partial_credit_note,
    reductions_of,
)
from pipeline.jobs.invoices.issued import issued_of_id
from pipeline.jobs.invoices.void import Voided
from pipeline.jobs.state.claims import refuse_broken_claims
from pipeline.jobs.state.drafts import invoice_book

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.jobs.invoices.freezing import Freezing
    from pipeline.jobs.state.aggregate import Aggregate

_REASON_MAX = 300


def credit(workspace: Workspace, built: Aggregate, invoice_id: str, wanted: Reduction, *, freezing: Freezing) -> Voided:
    """Take a part off a line of an issued invoice, by a credit note with the next number, and return that.

    The period stays closed. The same reduction for the same reason is credited once: where it has its credit note, be
    it from a run that was interrupted, that is returned.

    Raises ``InvoiceNotFound``, ``CreditRefused`` for a credit note, an invoice that was taken back, and where less is
    left than is asked for, ``IssueBlocked`` where a claim is broken, ``ConfigurationError`` where the last document was
    issued later than now, the reason is none, or there can be no drafts (an invoiced account is gone, …).
    """
    if not wanted.reason.strip() or not wanted.reason.isprintable() or len(wanted.reason) > _REASON_MAX:
        message = f"--reason is printed on the credit note; write one line of 1 to {_REASON_MAX} characters"
        raise ConfigurationError(message)
    if wanted.amount is not None and wanted.quantity is not None:
        message = "--amount and --quantity say the same in two ways; give one of them, or none for all that is left"
        raise ConfigurationError(message)
    refuse_broken_claims(workspace, built)
    while True:
        try:
            return _credited(workspace, built, invoice_id, wanted, freezing)
        except CommitConflict:
            continue


def reduction_of_document(document: Mapping[str, Any]) -> Reduction:
    """Return what was asked for where a document is a credit note in part."""
    note = invoice_from_document(document)
    (line,) = (each for each in note.lines if each.kind is LineKind.REDUCTION)
    wanted = Reduction(line=line.credits_line or 0, reason=note.credit_reason)
    return replace(wanted, quantity=-line.quantity) if line.quantity else replace(wanted, amount=-line.amount)


def _credited(workspace: Workspace, built: Aggregate, invoice_id: str, wanted: Reduction, freezing: Freezing) -> Voided:
    """Decide from the register as it is now, and append to exactly that.

    Raises ``CommitConflict`` where it has grown meanwhile.
    """
    documents = freezing.documents(workspace)
    issued = [invoice_from_document(document) for document in documents]
    invoice = _creditable(issued, invoice_id)
    notes = reductions_of(invoice, issued)
    earlier = next((note for note in notes if is_same_reduction(note, wanted)), None)
    if earlier is not None and not (_asks_for_the_rest(wanted) and _is_anything_left(invoice, notes, wanted)):
        return Voided(note=earlier, is_new=False)
    freezing.refuse_backwards(documents)
    invoice_book(workspace, built, documents=documents)  # what cannot be drafted any more is said before, not after
    freezing.keep_configuration(workspace)

    def make_document(number: int) -> dict[str, object]:
        return invoice_document(
            partial_credit_note(
                invoice,
                notes,
                wanted,
                number=number,
                prefix=workspace.settings.invoice_prefix,
                issued_on=usage_date(freezing.now, time_zone(invoice.timezone)),
                rules=workspace.rules,
            )
        )

    document = freezing.append(workspace, documents, make_document, built)
    return Voided(note=invoice_from_document(document), is_new=True)


def _creditable(issued: list[Invoice], invoice_id: str) -> Invoice:
    of_drafts = "a draft follows from usage and terms: change these"
    invoice = issued_of_id(issued, invoice_id, of_drafts=of_drafts)
    if invoice.status is not InvoiceStatus.ISSUED:
        message = f"{invoice.id} is the credit note of {invoice.credits_invoice}, and is not credited; name an invoice"
        raise CreditRefused(message)
    note_id = credited_by(issued).get(invoice.id)
    if note_id is not None:
        message = f"{invoice.id} was taken back by {note_id}, and nothing is left of it; name the invoice issued since"
        raise CreditRefused(message)
    return invoice


def _asks_for_the_rest(wanted: Reduction) -> bool:
    return wanted.amount is None and wanted.quantity is None


def _is_anything_left(invoice: Invoice, notes: list[Invoice], wanted: Reduction) -> bool:
    line = next((each for each in invoice.lines if each.number == wanted.line), None)
    return line is not None and left_to_credit(invoice, line, notes) > 0
