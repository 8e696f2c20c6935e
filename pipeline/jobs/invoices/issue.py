"""Drafts → issued invoices and credit notes.

Owns when an invoice may be issued or credited, and what is frozen with it. Does not own drafts (``drafts``), lines,
corrections or ids (``pipeline.invoicing``), nor the register that numbers and freezes (``pipeline.register``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import register
from pipeline.base.errors import CommitConflict, InvoiceNotFound, IssueBlocked, VoidRefused
from pipeline.base.periods import BillingPeriod, instant_text, time_zone, usage_date
from pipeline.invoicing import (
    InvoiceStatus,
    credit_note,
    invoice_document,
    invoice_from_document,
    issued_invoice,
)
from pipeline.invoicing.book import refuse_lowered_grants, refuse_removed_accounts
from pipeline.invoicing.rules import Rules
from pipeline.jobs.state.claims import refuse_broken_claims
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.wording import counted
from pipeline.register import configurations

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.rating import UnpricedUsage


def issue(
    workspace: Workspace, built: Aggregate, *, period: BillingPeriod, account_id: str | None, now: datetime
) -> list[Invoice]:
    """Give every draft of a period (or of one account in it) the next number and freeze it.

    Return what was issued, in order of numbers.

    Raises ``IssueBlocked`` where any of them has unpriced usage or a claim is broken (then none is issued),
    ``InvoiceNotFound`` where the period has no invoice at all. An interrupted issue is finished by calling it again:
    what has a number keeps it. Where another run issues meanwhile, what is left is decided again from what that run
    left, since its invoices may be these very ones, or change their corrections and credits.
    """
    refuse_broken_claims(workspace, built)
    issued: list[Invoice] = []
    while True:
        try:
            issued.extend(
                _issued(workspace, built, period=period, account_id=account_id, now=now)
            )  # keeps what has a number before a conflict
        except CommitConflict:
            continue
        return issued


def _issued(
    workspace: Workspace, built: Aggregate, *, period: BillingPeriod, account_id: str | None, now: datetime
) -> Iterator[Invoice]:
    """Decide from the register as it is now, append to exactly that, and yield each invoice that has its number.

    Raises ``CommitConflict`` where the register has grown meanwhile.
    """
    documents = list(register.read(workspace.root))
    book = invoice_book(workspace, built, documents=documents)
    chosen = book.of(period, account_id)
    if not chosen:
        who = f" and account {account_id!r}" if account_id else ""
        message = f"there is no invoice for {period}{who}; 'tallybook invoice list' shows what there is"
        raise InvoiceNotFound(message)
    drafts = [invoice for invoice in chosen if invoice.number is None]
    periods = {draft.account_id: {period} for draft in drafts}
    for kept_account_id, kept in book.kept:
        periods.get(kept_account_id, set()).add(kept)
    _refuse_unpriced(built.rated.unpriced, periods, f"{period} cannot be issued")
    if drafts:
        configurations.keep(workspace)  # before any register entry names it
    for draft in drafts:  # each of another account, so that none changes the next one
        document = _issue_one(workspace, draft, built, documents, now)
        documents.append(document)
        yield invoice_from_document(document)


def void(workspace: Workspace, built: Aggregate, invoice_id: str, *, now: datetime) -> Invoice:
    """Take an issued invoice back by a credit note with the next number, and return that.

    The period is then open again.

    Raises ``InvoiceNotFound`` where nothing with this id is issued, ``VoidRefused`` for a credit note and for an
    invoice that has one, also where another run voided it meanwhile, ``IssueBlocked`` where a claim is broken. Whatever
    else another run issues, this credit note takes the number after it.
    """
    refuse_broken_claims(workspace, built)
    while True:
        try:
            return _voided(workspace, built, invoice_id, now)
        except CommitConflict:
            continue


def _voided(workspace: Workspace, built: Aggregate, invoice_id: str, now: datetime) -> Invoice:
    """Decide from the register as it is now, and append to exactly that.

    Raises ``CommitConflict`` where it has grown meanwhile.
    """
    documents = register.read(workspace.root)
    issued = [invoice_from_document(document) for document in documents]
    refuse_removed_accounts(issued, workspace.accounts)
    if workspace.rules is not Rules.FIRST:
        refuse_lowered_grants(issued, workspace.accounts)
    invoice = next((each for each in issued if each.id == invoice_id), None)
    if invoice is None:
        message = (
            f"no invoice {invoice_id!r} is issued; 'tallybook invoice list' shows what there is, and a draft needs no "
            "voiding"
        )
        raise InvoiceNotFound(message)
    if invoice.status is InvoiceStatus.CREDIT_NOTE:
        message = (
            f"{invoice.id} is the credit note of {invoice.credits_invoice} and cannot be voided; "
            "issue the open period again instead"
        )
        raise VoidRefused(message)
    note = next((each for each in issued if each.credits_invoice == invoice.id), None)
    if note is not None:
        message = f"{invoice.id} is voided already, by {note.id}; an invoice is credited once"
        raise VoidRefused(message)

    if workspace.rules is not Rules.FIRST:
        _refuse_unpriced(built.rated.unpriced, {invoice.account_id: {invoice.period}}, f"{invoice.id} cannot be voided")
    configurations.keep(workspace)  # before any register entry names it

    def make_document(number: int) -> dict[str, object]:
        made = credit_note(
            invoice,
            number=number,
            prefix=workspace.settings.invoice_prefix,
            issued_on=usage_date(now, time_zone(invoice.timezone)),
            rules=workspace.rules,
        )
        return invoice_document(made) | _provenance(workspace, built, now)

    return invoice_from_document(register.append(workspace.root, documents, make_document))


def _issue_one(
    workspace: Workspace, draft: Invoice, built: Aggregate, documents: Sequence[dict[str, Any]], now: datetime
) -> dict[str, Any]:
    def make_document(number: int) -> dict[str, object]:
        issued_on = usage_date(now, time_zone(draft.timezone))
        invoice = issued_invoice(
            draft,
            number=number,
            prefix=workspace.settings.invoice_prefix,
            issued_on=issued_on,
            rules=workspace.rules,
        )
        return invoice_document(invoice) | _provenance(workspace, built, now)

    return register.append(workspace.root, documents, make_document)


def _provenance(workspace: Workspace, built: Aggregate, now: datetime) -> dict[str, object]:
    """Say when a document was frozen, and what it is a function of."""
    return {
        **({} if workspace.rules is Rules.FIRST else {"rules": int(workspace.rules)}),
        "issued_at": instant_text(now),
        "commit": built.snapshot.version,
        "commit_sha256": built.snapshot.entry_sha256,
        "configuration_sha256": workspace.digest,
    }


def _refuse_unpriced(
    unpriced: Iterable[UnpricedUsage], periods: Mapping[str, Collection[BillingPeriod]], what: str
) -> None:
    """Raise ``IssueBlocked`` where usage of one of these periods, by account id, has no price."""
    tokens: dict[tuple[str, BillingPeriod, str], int] = {}
    for row in unpriced:
        period = BillingPeriod.of(row.usage.usage_date)
        if period in periods.get(row.usage.account_id, ()):
            place = (row.usage.account_id, period, row.usage.model)
            tokens[place] = tokens.get(place, 0) + row.usage.quantity
    if tokens:
        listed = "; ".join(
            f"account {account_id!r}: {counted(quantity, 'token')} of model {model!r} in {period}"
            for (account_id, period, model), quantity in sorted(tokens.items())
        )
        message = (
            f"{what}: no rate is in force for {listed}; "
            "add rates (or an alias) to the accounts' rate cards and try again"
        )
        raise IssueBlocked(message)
