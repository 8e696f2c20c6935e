"""Drafts → issued invoices.

Owns when a draft may be issued. Does not own drafts (``drafts``), lines, corrections or ids (``pipeline.invoicing``),
what is frozen with them (``freezing``), nor the register that numbers and freezes (``pipeline.register``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.base.errors import CommitConflict, InvoiceNotFound
from pipeline.base.periods import time_zone, usage_date
from pipeline.invoicing import invoice_document, issued_invoice
from pipeline.jobs.invoices.freezing import refuse_awaited_rates, refuse_unpriced
from pipeline.jobs.invoices.named_periods import no_invoice_text
from pipeline.jobs.state.claims import refuse_broken_claims
from pipeline.jobs.state.drafts import invoice_book, invoice_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.jobs.invoices.freezing import Freezing
    from pipeline.jobs.state.aggregate import Aggregate


def issue(
    workspace: Workspace,
    built: Aggregate,
    *,
    period: BillingPeriod,
    account_id: str | None,
    freezing: Freezing,
    is_early: bool = False,
) -> list[Invoice]:
    """Give every draft of a period (or of one account in it) the next number and freeze it.

    Return what was issued, in order of numbers.

    Raises ``IssueBlocked`` where any of them has unpriced usage or awaits a rate of exchange, a claim is broken, or the
    period has not ended and is not to be issued early (then none is issued), ``ConfigurationError`` where the last
    document was issued later than now, ``InvoiceNotFound`` where the period has no invoice at all. An interrupted issue
    is finished by calling it again: what has a number keeps it. Where another run issues meanwhile, what is left is
    decided again from what that run left, since its invoices may be these very ones, or change their corrections and
    credits.
    """
    refuse_broken_claims(workspace, built)
    issued: list[Invoice] = []
    while True:
        try:
            issued.extend(
                _issued(workspace, built, period, account_id, freezing, is_early=is_early)
            )  # keeps what has a number before a conflict
        except CommitConflict:
            continue
        return issued


def _issued(
    workspace: Workspace,
    built: Aggregate,
    period: BillingPeriod,
    account_id: str | None,
    freezing: Freezing,
    *,
    is_early: bool,
) -> Iterator[Invoice]:
    """Decide from the register as it is now, append to exactly that, and yield each invoice that has its number.

    Raises ``CommitConflict`` where the register has grown meanwhile.
    """
    documents = list(freezing.documents(workspace))
    book = invoice_book(workspace, built, documents=documents, known=freezing.known)
    chosen = [invoice for invoice in book.of(period, account_id) if account_id in (None, invoice.account_id)]
    if not chosen:
        raise InvoiceNotFound(no_invoice_text(book, period, account_id))
    drafts = [invoice for invoice in chosen if invoice.number is None]
    months = {draft.account_id: draft.period.months for draft in drafts}
    periods: dict[str, set[BillingPeriod]] = {}
    for account in workspace.accounts:
        for payer_id in {account.id, *(span.account_id for span in account.invoiced_to)} & months.keys():
            mine = {month for month in months[payer_id] if account.invoiced_in(month) == payer_id}
            if mine:
                periods.setdefault(account.id, set()).update(mine)
    for kept_account_id, kept in book.kept:
        periods.get(kept_account_id, set()).add(kept)
    refuse_unpriced(built.rated.unpriced, periods, f"{period} cannot be issued")
    refuse_awaited_rates(workspace.accounts, drafts)
    if not drafts:
        return
    freezing.refuse_backwards(documents)
    if not is_early:
        freezing.refuse_unfinished(drafts)
    freezing.keep_configuration(workspace)
    for draft in drafts:  # each of another account, so that none changes the next one
        document = _issue_one(workspace, draft, built, documents, freezing)
        documents.append(document)
        yield invoice_of(document, freezing.known)


def _issue_one(
    workspace: Workspace, draft: Invoice, built: Aggregate, documents: Sequence[dict[str, Any]], freezing: Freezing
) -> dict[str, Any]:
    def make_document(number: int) -> dict[str, object]:
        issued_on = usage_date(freezing.now, time_zone(draft.timezone))
        return invoice_document(
            issued_invoice(
                draft,
                number=number,
                prefix=workspace.settings.invoice_prefix,
                issued_on=issued_on,
                rules=workspace.rules,
            )
        )

    return freezing.append(workspace, documents, make_document, built)
