"""Drafts → issued invoices.

Owns when a draft may be issued. Does not own drafts (``drafts``), lines, corrections or ids (``pipeline.invoicing``),
what is frozen with them (``freezing``), nor the register that numbers and freezes (``pipeline.register``).
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import CommitConflict, InvoiceNotFound, IssueBlocked
from pipeline.base.periods import time_zone, usage_date
from pipeline.invoicing import invoice_document, issued_invoice
from pipeline.jobs.invoices.freezing import refuse_awaited_rates, refuse_unpriced
from pipeline.jobs.invoices.named_periods import no_invoice_text
from pipeline.jobs.state.claims import refuse_broken_claims
from pipeline.jobs.state.drafts import invoice_book, invoice_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from pipeline.accounts import Account
    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.invoicing import Invoice
    from pipeline.invoicing.account_drafts import Place
    from pipeline.jobs.invoices.freezing import Freezing
    from pipeline.jobs.state.aggregate import Aggregate
    from pipeline.jobs.state.drafted.heads import BookOfHeads, InvoiceHead
    from pipeline.rating import UnpricedUsage


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


def blocks_of(
    workspace: Workspace,
    built: Aggregate,
    book: BookOfHeads,
    drafts: Sequence[InvoiceHead],
    awaited: Mapping[str, str],
) -> dict[str, str]:
    """Return why drafts could not be issued once their period has ended, by their ids; those that could are left out.

    ``awaited`` says so of those that await a rate of exchange (``awaited_rates``), which their lines alone tell.
    A claim about the counts that does not hold blocks all of them. Writes nothing.
    """
    try:
        refuse_broken_claims(workspace, built)
    except IssueBlocked as blocked:
        return {draft.id: str(blocked) for draft in drafts}
    unpriced: dict[str, list[UnpricedUsage]] = {}
    for row in built.rated.unpriced:
        unpriced.setdefault(row.usage.account_id, []).append(row)
    paid_by: dict[str, list[Account]] = {}
    for account in workspace.accounts:
        for payer_id in {account.id, *(span.account_id for span in account.invoiced_to)}:
            paid_by.setdefault(payer_id, []).append(account)
    found: dict[str, str] = {}
    for draft in drafts:
        periods = _months_by_account(paid_by.get(draft.account_id, ()), book.kept, [draft])
        rows = chain.from_iterable(unpriced.get(account_id, ()) for account_id in periods)
        try:
            refuse_unpriced(rows, periods, f"{draft.period} cannot be issued")
        except IssueBlocked as blocked:
            found[draft.id] = str(blocked)
        else:
            found |= {draft.id: awaited[draft.id]} if draft.id in awaited else {}
    return found


def awaited_rates(workspace: Workspace, drafts: Iterable[Invoice]) -> dict[str, str]:
    """Return which drafts await a rate of exchange, by their ids, and which rate."""
    found: dict[str, str] = {}
    for draft in drafts:
        try:
            refuse_awaited_rates(workspace.accounts, [draft])
        except IssueBlocked as blocked:
            found[draft.id] = str(blocked)
    return found


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
    periods = _months_by_account(workspace.accounts, book.kept, drafts, is_again=freezing.is_again)
    is_one_of_many = account_id is None and len(drafts) > 1
    otherwise = ", or name an --account whose usage has its price" if is_one_of_many else ""
    refuse_unpriced(built.rated.unpriced, periods, f"{period} cannot be issued", otherwise)
    if not freezing.is_again:  # what is frozen was issued at the rates that were there, whatever was refused then
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


def _months_by_account(
    accounts: Iterable[Account],
    kept_months: Iterable[Place],
    drafts: Iterable[Invoice | InvoiceHead],
    *,
    is_again: bool = False,
) -> dict[str, set[BillingPeriod]]:
    """Return the months that must be priced before drafts can be issued, by the accounts whose usage it is.

    Those of its year before it are among them where they decide what a draft's month is worth. Earlier versions issued
    without asking for these, so what is decided ``is_again`` is not asked for them.
    """
    months = {draft.account_id: draft.period.months for draft in drafts}
    periods: dict[str, set[BillingPeriod]] = {}
    for account in accounts:
        for payer_id in {account.id, *(span.account_id for span in account.invoiced_to)} & months.keys():
            mine = {month for month in months[payer_id] if account.invoiced_in(month) == payer_id}
            if mine and not is_again:
                mine |= {counted for month in mine for counted in account.counted_in(month)}
            if mine:
                periods.setdefault(account.id, set()).update(mine)
    for kept_account_id, kept in kept_months:
        periods.get(kept_account_id, set()).add(kept)
    return periods


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
