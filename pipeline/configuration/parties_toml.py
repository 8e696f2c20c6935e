"""Who sells, who buys and where is paid to, as ``tallybook.toml`` and ``accounts.toml`` write them.

Owns which keys they have, the same for both parties. Does not own what a party is (``pipeline.accounts.parties``).
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from pipeline.accounts import BankDetails, Letterhead, Party
from pipeline.base.errors import ConfigurationError
from pipeline.configuration.strict_toml import inner_table, value_text

if TYPE_CHECKING:
    from pipeline.configuration.strict_toml import Table

PARTY_KEYS = tuple(each.name for each in fields(Party))
_NOBODY = Party()
_BANK_KEYS = tuple(each.name for each in fields(BankDetails))
BUYER_KEYS_OF_ACCOUNT = ("address", "tax_id")
"""What of its buyer an account may say beside its own keys, as it always could."""


def read_seller(table: Table) -> Party:
    """Read ``[seller]``, but for its bank account. Raises ``ConfigurationError``."""
    table.allow_only(*PARTY_KEYS, "bank")
    return _party(table, {key: table.text(key) for key in table.values if key != "bank"})


def read_bank(seller: Table) -> BankDetails:
    """Read ``[seller.bank]``. Raises ``ConfigurationError``."""
    if "bank" not in seller.values:
        return BankDetails()
    values = seller.values["bank"]
    if not isinstance(values, dict):
        what = f"bank is {value_text(values)}; write [seller.bank] on a line of its own, and its keys below"
        raise seller.refusal(what)
    table = inner_table(seller, "bank", values)
    table.allow_only(*_BANK_KEYS)
    if "iban" not in values and "bank" not in values:
        what = "iban is missing; write it, or in bank whatever else a transfer needs"
        raise table.refusal(what)
    try:
        return BankDetails(**{key: table.text(key) for key in values})
    except ConfigurationError as wrong:
        raise wrong if str(wrong).startswith(table.file) else table.refusal(str(wrong)) from wrong


def read_buyer(account: Table) -> Party:
    """Read ``[accounts.buyer]``, and the keys of it that an account has of its own. Raises ``ConfigurationError``."""
    own = [key for key in BUYER_KEYS_OF_ACCOUNT if key in account.values]
    if "buyer" not in account.values and not own:
        return _NOBODY
    table = inner_table(account, "buyer", account.table("buyer").values)
    table.allow_only(*PARTY_KEYS)
    twice = [key for key in own if key in table.values]
    if twice:
        what = f"{' and '.join(twice)} stands in the account and in its buyer; write it in [accounts.buyer] alone"
        raise account.refusal(what)
    stated = {key: account.text(key) for key in own} | {key: table.text(key) for key in table.values}
    return _party(table if table.values else account, stated)


def read_letterhead(settings: Table) -> Letterhead:
    """Read what ``tallybook.toml`` has printed on every invoice. Raises ``ConfigurationError``."""
    seller, invoices = settings.table("seller"), settings.table("invoices")
    said = {key: invoices.text(key) for key in ("note", "language") if key in invoices.values}
    try:
        return Letterhead(seller=read_seller(seller), bank=read_bank(seller), **said)
    except ConfigurationError as wrong:
        raise wrong if str(wrong).startswith(invoices.file) else invoices.refusal(str(wrong)) from wrong


def _party(table: Table, stated: dict[str, str]) -> Party:
    try:
        return Party(**stated)
    except ConfigurationError as wrong:
        raise wrong if str(wrong).startswith(table.file) else table.refusal(str(wrong)) from wrong
