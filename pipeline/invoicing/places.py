"""Which drafts there are, of which accounts each is, and which of them carries an account's corrections.

Owns the place of what accounts owe where some are on the invoice of another. Does not own what they owe
(``pipeline.invoicing.book``) nor whose invoice an account is on in a period (``pipeline.accounts.parents``).

An account's period is invoiced once: where it stands on an issued invoice, or where its parent's invoice of the period
is issued without it, it is closed. What it is worth then is a matter of corrections, so no day is invoiced twice and
none is left out, however accounts move. Corrections stand where the account itself stands next: on its parent's
earliest draft, or on its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from pipeline.accounts import Account, Accounts
    from pipeline.base.periods import BillingPeriod

    Place = tuple[str, BillingPeriod]
    """Id of the account that is invoiced, and billing period."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftPlaces:
    """Where drafts are."""

    drafts: dict[Place, list[Account]]
    """The accounts that each may have lines of: the one that is invoiced, then its children as the file has them."""
    carriers: dict[str, Place]
    """Of each account with corrections, the draft on which they stand."""


def closed_periods(
    accounts: Accounts, invoiced: Mapping[str, Collection[BillingPeriod]]
) -> dict[str, set[BillingPeriod]]:
    """Return the periods of each account that no draft is made for any more.

    ``invoiced`` are those of which lines or nothing of it stand on an issued invoice that no credit note took back. A
    child's are closed with its parent's too, also where it had nothing to invoice then.
    """
    return {
        account.id: set(invoiced[account.id])
        | {
            period
            for span in account.invoiced_to
            for period in invoiced[span.account_id]
            if account.invoiced_in(period) == span.account_id
        }
        for account in accounts
    }


def open_period(account: Account, month: BillingPeriod, closed: Collection[BillingPeriod]) -> BillingPeriod:
    """Return the months that are billed together with an open one: those of its interval around it that are open too.

    An account that is billed by the quarter, and whose October is invoiced alone, has November and December on one
    invoice, and October on no other.
    """
    together = account.period_of(month)
    first = last = month
    while together.holds(first.previous()) and first.previous() not in closed:
        first = first.previous()
    while together.holds(last.next()) and last.next() not in closed:
        last = last.next()
    return first.until(last)


def draft_places(
    accounts: Accounts,
    *,
    open_months: Mapping[str, Iterable[BillingPeriod]],
    closed: Mapping[str, Collection[BillingPeriod]],
    corrected: Mapping[str, Collection[BillingPeriod]],
) -> DraftPlaces:
    """Return where drafts are.

    ``open_months`` are the months that accounts owe something for and that are not closed. ``corrected`` are, for
    accounts with corrections, all months that anything was ever issued for: where no draft is, one is made for the
    month after the latest closed one, or after the latest of these where none is.
    """
    payers = {account.id: account for account in accounts}
    periods: dict[str, set[BillingPeriod]] = {}

    def place_of(account: Account, month: BillingPeriod) -> Place:
        payer_id = account.invoiced_in(month)
        return payer_id, open_period(payers[payer_id], month, closed[payer_id])

    for account in accounts:
        for month in open_months[account.id]:
            payer_id, period = place_of(account, month)
            periods.setdefault(payer_id, set()).add(period)
    carriers: dict[str, Place] = {}
    for account in accounts:
        if account.id in corrected:
            last_closed = max(closed[account.id] or corrected[account.id])
            payer_id, period = _earliest_draft(account, periods) or place_of(account, last_closed.next())
            periods.setdefault(payer_id, set()).add(period)
            carriers[account.id] = (payer_id, period)
    in_order = sorted(((period, payer_id) for payer_id, mine in periods.items() for period in mine))
    children: dict[str, list[Account]] = {}
    for account in accounts:
        for payer_id in dict.fromkeys(span.account_id for span in account.invoiced_to):
            children.setdefault(payer_id, []).append(account)
    return DraftPlaces(
        drafts={
            (payer_id, period): [
                payers[payer_id],
                *(each for each in children.get(payer_id, ()) if each.invoiced_in(period) == payer_id),
            ]
            for period, payer_id in in_order
        },
        carriers=carriers,
    )


def _earliest_draft(account: Account, periods: Mapping[str, Iterable[BillingPeriod]]) -> Place | None:
    """Return the earliest draft that an account stands on, its own or another's; ``periods`` are those with drafts."""
    payers = dict.fromkeys([account.id, *(span.account_id for span in account.invoiced_to)])
    drafted = [
        (period, payer_id)
        for payer_id in payers
        for period in periods.get(payer_id, ())
        if account.invoiced_in(period) == payer_id
    ]
    period, payer_id = min(drafted, default=(None, ""))
    return None if period is None else (payer_id, period)
