"""What a period that somebody names has to do with invoices of other periods, as a month with that of its quarter.

Owns the words. Does not own which months are billed together (``pipeline.accounts.intervals``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.invoicing import InvoiceStatus

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing import InvoiceBook
    from pipeline.jobs.state.drafted.heads import BookOfHeads

_LISTED = 3
"""How many accounts or periods a message names before it counts the rest."""


def due_with_others(book: InvoiceBook | BookOfHeads, period: BillingPeriod, account_id: str | None) -> Iterator[str]:
    """Yield who is billed with a longer period than the named one, or with months that begin on another day of it."""
    accounts: dict[BillingPeriod, list[str]] = {}
    for account, other in _others(book, period, account_id):
        if other.holds(period) or period.first_date < other.first_date < period.end_date < other.end_date:
            accounts.setdefault(other, []).append(account)
    for other, mine in sorted(accounts.items()):
        are = "is" if len(mine) == 1 else "are"
        why = f"and {period} is due then" if other.holds(period) else f"which begins in {period}"
        yield f"{_listed([repr(each) for each in mine])} {are} billed with {other}, {why}"


def no_invoice_text(book: InvoiceBook, period: BillingPeriod | None, account_id: str | None) -> str:
    """Say that there is no invoice of a period, and on which ones its days are."""
    who = f" and account {account_id!r}" if account_id else ""
    elsewhere = [each for each in book.of(period, account_id) if account_id in each.account_ids[1:]]
    if elsewhere:
        who += f" (it is on {elsewhere[-1].id} of account {elsewhere[-1].account_id!r})"
    others = [] if period is None or elsewhere else sorted({other for _, other in _others(book, period, account_id)})
    text = f"there is no invoice for {period or 'any period'}{who}; "
    if period is None or not others:
        return text + "'tallybook invoice list' shows what there is"
    them = "it is" if all(other.holds(period) for other in others) else "its days are"
    named = next((other for other in others if other.first_date >= period.first_date), others[0])
    return text + f"{them} billed with {_listed(list(map(str, others)))}: give --period {named}"


def _others(
    book: InvoiceBook | BookOfHeads, period: BillingPeriod, account_id: str | None
) -> Iterator[tuple[str, BillingPeriod]]:
    """Yield account and period of the drafts and the standing invoices of other periods that share a day."""
    taken_back = book.credited_by()
    found = {
        (invoice.account_id, invoice.period)
        for invoice in book.of(account_id=account_id)
        if invoice.status is not InvoiceStatus.CREDIT_NOTE
        and invoice.id not in taken_back
        and invoice.period != period
        and invoice.period.first_date < period.end_date
        and period.first_date < invoice.period.end_date
    }
    yield from sorted(found)


def _listed(names: list[str]) -> str:
    rest = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + rest
