"""``invoiced_to`` of an account, as ``accounts.toml`` writes it: a parent for all times, or parents from a day on.

Owns what the file may say of it, and that both have one currency. Does not own what it means
(``pipeline.accounts.parents``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.accounts import InvoicedTo
from pipeline.base.errors import AccountsError
from pipeline.configuration.accounts.account_terms import date_of
from pipeline.configuration.strict_toml import inner_table, value_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.accounts import Accounts
    from pipeline.configuration.strict_toml import Table

_KEY = "invoiced_to"


def read_invoiced_to(account: Table) -> tuple[InvoicedTo, ...]:
    """Read ``invoiced_to``; nothing where an account says none. Raises ``AccountsError``."""
    stated = account.values.get(_KEY)
    if stated is None:
        return ()
    if isinstance(stated, str):
        return (InvoicedTo(account_id=account.text(_KEY)),)
    if not isinstance(stated, list) or not stated or not all(isinstance(entry, dict) for entry in stated):
        what = (
            f'{_KEY} is {value_text(stated)}; write the id of an account, or [{{ account = "…", from = 2026-10-01, '
            "to = 2027-01-01 }]"
        )
        raise account.refusal(what)
    return tuple(_span(inner_table(account, f"{_KEY} {number}", entry)) for number, entry in enumerate(stated, start=1))


def refuse_currencies_of_parents(accounts: Accounts, currencies: Mapping[str, str]) -> None:
    """Raise ``AccountsError`` where an account and its parent pay in two currencies.

    ``currencies`` are those of rate cards, by id; whose price is in which of them does not matter.
    """
    for account in accounts:
        for span in account.invoiced_to:
            parent = accounts.by_id(span.account_id)
            mine, other = (each.currency_by(currencies) if each else "" for each in (account, parent))
            if mine and other and mine != other:
                message = (
                    f"account {account.id!r} is invoiced_to {span.account_id!r} and is billed in {mine}, not {other}; "
                    "an invoice has one currency"
                )
                raise AccountsError(message)


def _span(entry: Table) -> InvoicedTo:
    entry.allow_only("account", "from", "to")
    try:
        return InvoicedTo(
            account_id=entry.text("account"),
            from_date=date_of(entry, "from", is_required=False),
            to_date=date_of(entry, "to", is_required=False),
        )
    except AccountsError as wrong:
        raise wrong if str(wrong).startswith(entry.file) else entry.refusal(str(wrong)) from wrong
