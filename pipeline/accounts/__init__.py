"""Who is billed, and on what terms: accounts, their keys, terms, prepaid credits and tax; and who is printed.

Owns what an account may agree to, and whose a key is at an instant. Does not own the file they are written in
(``pipeline.configuration.accounts``) nor what tokens cost (``pipeline.rates``). Read first: ``account``, then
``terms``.
"""

from __future__ import annotations

from pipeline.accounts.account import MONTH_DAY_MAX, Account, Accounts
from pipeline.accounts.billing import TAXED_KINDS, Tax, TaxCategory, TaxChange
from pipeline.accounts.coupons import Coupon
from pipeline.accounts.credits import CreditGrant
from pipeline.accounts.exchange import Exchange, ExchangeDay, ExchangeRate
from pipeline.accounts.intervals import BillingInterval, Interval
from pipeline.accounts.items import OneOffItem
from pipeline.accounts.keys import KeyPeriod
from pipeline.accounts.parents import InvoicedTo
from pipeline.accounts.parties import LANGUAGE_DEFAULT, BankDetails, Letterhead, Party
from pipeline.accounts.terms import ContractYear, Proration, Terms, TermsInForce

__all__ = [
    "LANGUAGE_DEFAULT",
    "MONTH_DAY_MAX",
    "TAXED_KINDS",
    "Account",
    "Accounts",
    "BankDetails",
    "BillingInterval",
    "ContractYear",
    "Coupon",
    "CreditGrant",
    "Exchange",
    "ExchangeDay",
    "ExchangeRate",
    "Interval",
    "InvoicedTo",
    "KeyPeriod",
    "Letterhead",
    "OneOffItem",
    "Party",
    "Proration",
    "Tax",
    "TaxCategory",
    "TaxChange",
    "Terms",
    "TermsInForce",
]
