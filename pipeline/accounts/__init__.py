"""Who is billed, and on what terms: accounts, their keys, terms, prepaid credits and tax.

Owns what an account may agree to, and whose a key is at an instant. Does not own the file they are written in
(``pipeline.configuration.accounts_file``) nor what tokens cost (``pipeline.rates``). Read first: ``account``, then
``terms``.
"""

from __future__ import annotations

from pipeline.accounts.account import Account, Accounts
from pipeline.accounts.billing import Party, Tax, TaxChange
from pipeline.accounts.coupons import Coupon
from pipeline.accounts.credits import CreditGrant
from pipeline.accounts.items import OneOffItem
from pipeline.accounts.keys import KeyPeriod
from pipeline.accounts.terms import ContractYear, Proration, Terms, TermsInForce

__all__ = [
    "Account",
    "Accounts",
    "ContractYear",
    "Coupon",
    "CreditGrant",
    "KeyPeriod",
    "OneOffItem",
    "Party",
    "Proration",
    "Tax",
    "TaxChange",
    "Terms",
    "TermsInForce",
]
