"""What ``accounts.toml`` cannot take back once it was invoiced: an account, and what was consumed of a grant.

Does not own what an account that stays must keep, its currency and the day on which its months begin
(``account_drafts``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import plain
from pipeline.invoicing.credits import consumed_by_grant, grants_of
from pipeline.invoicing.invoice import parts_by_account, standing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.accounts import Accounts
    from pipeline.invoicing.invoice import Invoice


def refuse_removed_accounts(issued: Sequence[Invoice], accounts: Accounts) -> None:
    """Raise ``ConfigurationError`` where an account that was invoiced is gone.

    Late usage and other prices could not be settled with it.

    One whose invoices are all taken back by credit notes may go.
    """
    for invoice in standing(issued):
        for account_id in invoice.account_ids:
            if accounts.by_id(account_id) is not None:
                continue
            message = (
                f"account {account_id!r} is not in accounts.toml and was invoiced ({invoice.id}, "
                f"{invoice.period}); put its entry back: late usage "
                "and corrections are settled with it. A customer who has left keeps its entry, and its keys end: "
                '{ id = "…", to = 2026-11-01 }'
            )
            raise ConfigurationError(message)


def refuse_lowered_grants(issued: Sequence[Invoice], accounts: Accounts) -> None:
    """Raise ``ConfigurationError`` where invoices consumed more of a grant than it has now, or one that is gone."""
    issued_to = parts_by_account(issued)
    for account in accounts:
        if account.id not in issued_to:
            continue
        latest = max(invoice.period.last for invoice in issued_to[account.id])
        granted = {grant.id: grant.amount for grant in grants_of(account.credits, latest)}
        for grant_id, consumption in consumed_by_grant(issued_to[account.id]).items():
            consumed = consumption.total
            if consumed <= granted.get(grant_id, 0):
                continue
            by = sorted(
                {
                    invoice.id
                    for invoice in issued_to[account.id]
                    for line in invoice.lines
                    if line.credit_id == grant_id
                }
            )
            now = f"of {plain(granted[grant_id])}" if grant_id in granted else "not in accounts.toml"
            message = (
                f"grant {grant_id!r} of account {account.id!r} is {now}, and invoices consumed {plain(consumed)} of it "
                f"({', '.join(by)}); put back at least that amount: what was granted and used cannot be taken back"
            )
            raise ConfigurationError(message)
