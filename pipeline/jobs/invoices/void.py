"""Issued invoices → credit notes.

Owns when an invoice may be credited. Does not own the credit note's lines (``pipeline.invoicing``), the register that
numbers and freezes (``pipeline.register``), nor what the open period is worth (``pipeline.invoicing.book``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.errors import CommitConflict, VoidRefused
from pipeline.base.periods import time_zone, usage_date
from pipeline.invoicing import InvoiceStatus, credit_note, invoice_document, invoice_from_document
from pipeline.invoicing.invoice import credited_by
from pipeline.invoicing.reductions import lines_of_void, reductions_of
from pipeline.invoicing.refused_changes import refuse_lowered_grants, refuse_removed_accounts
from pipeline.invoicing.rules import Rules
from pipeline.jobs.invoices.freezing import refuse_unpriced
from pipeline.jobs.invoices.issued import issued_of_id
from pipeline.jobs.state.claims import refuse_broken_claims

if TYPE_CHECKING:
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.jobs.invoices.freezing import Freezing
    from pipeline.jobs.state.aggregate import Aggregate


@dataclass(frozen=True, slots=True, kw_only=True)
class Voided:
    """A credit note, and whether it was there before."""

    note: Invoice
    is_new: bool


def void(workspace: Workspace, built: Aggregate, invoice_id: str, *, freezing: Freezing) -> Voided:
    """Take an issued invoice back by a credit note with the next number, and return that.

    The period is then open again. An invoice is taken back once: where it has its credit note, be it from a run that
    was interrupted or from another one meanwhile, that is returned.

    Raises ``InvoiceNotFound`` where nothing with this id is issued, ``VoidRefused`` for a credit note,
    ``IssueBlocked`` where a claim is broken, ``ConfigurationError`` where the last document was issued later than now.
    Whatever else another run issues, this credit note takes the number after it.
    """
    refuse_broken_claims(workspace, built)
    while True:
        try:
            return _voided(workspace, built, invoice_id, freezing)
        except CommitConflict:
            continue


def _voided(workspace: Workspace, built: Aggregate, invoice_id: str, freezing: Freezing) -> Voided:
    """Decide from the register as it is now, and append to exactly that.

    Raises ``CommitConflict`` where it has grown meanwhile.
    """
    documents = freezing.documents(workspace)
    issued = [invoice_from_document(document) for document in documents]
    refuse_removed_accounts(issued, workspace.accounts)
    if workspace.rules is not Rules.FIRST:
        refuse_lowered_grants(issued, workspace.accounts)
    invoice = issued_of_id(issued, invoice_id, of_drafts="a draft needs no voiding")
    if invoice.status is InvoiceStatus.CREDIT_NOTE:
        message = (
            f"{invoice.id} is the credit note of {invoice.credits_invoice} and cannot be voided; "
            "issue the open period again instead"
        )
        raise VoidRefused(message)
    note_id = credited_by(issued).get(invoice.id)
    if note_id is not None:
        return Voided(note=next(each for each in issued if each.id == note_id), is_new=False)
    freezing.refuse_backwards(documents)
    if workspace.rules is not Rules.FIRST:
        periods = dict.fromkeys(invoice.account_ids, invoice.period.months)
        refuse_unpriced(built.rated.unpriced, periods, f"{invoice.id} cannot be voided")
    freezing.keep_configuration(workspace)

    def make_document(number: int) -> dict[str, object]:
        return invoice_document(
            credit_note(
                invoice,
                number=number,
                prefix=workspace.settings.invoice_prefix,
                issued_on=usage_date(freezing.now, time_zone(invoice.timezone)),
                rules=workspace.rules,
                lines=lines_of_void(invoice, reductions_of(invoice, issued)),
            )
        )

    document = freezing.append(workspace, documents, make_document, built)
    return Voided(note=invoice_from_document(document), is_new=True)
