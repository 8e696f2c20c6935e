"""A draft: what a period is worth, corrections of earlier ones, less credits, plus tax.

Of an account with children, that of each of them, and one tax on all of it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline.accounts import Letterhead
from pipeline.invoicing.credits import credit_lines_by_month, to_pay_by_month
from pipeline.invoicing.invoice import Invoice, InvoiceStatus
from pipeline.invoicing.lines import numbered
from pipeline.invoicing.rules import NEWEST, Rules
from pipeline.invoicing.tax import correction_tax_text, correction_taxes, tax_lines
from pipeline.invoicing.worth.period_lines import period_lines
from pipeline.invoicing.worth.usage_lines import usage_lines

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from decimal import Decimal

    from pipeline.accounts import Account
    from pipeline.base.money import Rounding
    from pipeline.base.periods import BillingPeriod
    from pipeline.invoicing.credits import Consumption
    from pipeline.invoicing.lines import InvoiceLine
    from pipeline.invoicing.tax import TaxOf
    from pipeline.rates.limits import EntryLimit
    from pipeline.rating import Charge

DRAFT = "draft-"
"""How the names of drafts begin."""
_LIKE_A_PERIODS_REST = re.compile(r"[0-9]{2}-|Q[1-4]-|-[0-9]{4}-", re.ASCII)
"""How an account's id begins that could be taken for the rest of a period: ``15-acme`` behind ``2026-10-``."""


def draft_id(account_id: str, period: BillingPeriod) -> str:
    """Return what the draft of an account for a period is called: ``draft-2026-10-acme``. No other draft has that name.

    The draft of October of ``15-acme`` is ``draft-2026-10@15-acme``; with a hyphen it would be called as that of
    ``acme`` for its month from 15 October on. An account's id has no ``@``.
    """
    return f"{DRAFT}{period}{behind_period(account_id)}"


def behind_period(account_id: str) -> str:
    """Return what stands behind the period in the names of an account's drafts: ``-acme``, ``@15-acme``."""
    return ("@" if _LIKE_A_PERIODS_REST.match(account_id) else "-") + account_id


def draft_invoice(
    charges: Iterable[Charge],
    *,
    account: Account,
    period: BillingPeriod,
    currency: str,
    rounding: Rounding,
    card_fees: Mapping[str, Decimal] | None = None,
    limits: Mapping[str, EntryLimit] | None = None,
    corrections: Sequence[InvoiceLine] = (),
    tags: Mapping[str, str] | None = None,
    letterhead: Letterhead | None = None,
) -> Invoice:
    """Make the draft of an account's invoice from all its charges of one billing period.

    Charges come in any order. ``card_fees`` are monthly fees by rate card, ``limits`` those of the entries that charges
    name, ``corrections`` the lines of earlier periods that it carries, ``letterhead`` what the workspace prints.

    Raises ``ValueError`` for a charge of another account, period or currency.
    """
    usage = usage_lines(charges, account=account, period=period, currency=currency, rounding=rounding, tags=tags)
    worth = period_lines(
        usage,
        account=account,
        period=period,
        currency=currency,
        rounding=rounding,
        card_fees=card_fees,
        limits=limits,
    )
    return draft_of_lines(
        worth,
        account=account,
        period=period,
        currency=currency,
        rounding=rounding,
        corrections=corrections,
        letterhead=letterhead,
    )


def draft_of_lines(
    worth: Sequence[InvoiceLine],
    *,
    account: Account,
    period: BillingPeriod,
    currency: str,
    rounding: Rounding,
    corrections: Sequence[InvoiceLine] = (),
    letterhead: Letterhead | None = None,
    rules: Rules = NEWEST,
) -> Invoice:
    """Make the draft of an account alone from the lines that the period is worth (``worth``).

    Of several months, each line says its own. No credit was used before.
    """
    owed = OwedBy(account=account, worth=worth, corrections=corrections, consumed={})
    return draft_of_accounts(
        [owed], period=period, currency=currency, rounding=rounding, letterhead=letterhead, rules=rules
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OwedBy:
    """What an account has on a draft, before credits and tax."""

    account: Account
    worth: Sequence[InvoiceLine]
    """The lines that the period is worth (``worth``); of several months, each says its own."""
    corrections: Sequence[InvoiceLine]
    """Of earlier periods."""
    consumed: Mapping[str, Consumption]
    """What was used of each of its credit grants before."""

    @property
    def lines(self) -> list[InvoiceLine]:
        """What it owes, in order."""
        return [*self.worth, *self.corrections]


def draft_of_accounts(
    owed: Sequence[OwedBy],
    *,
    period: BillingPeriod,
    currency: str,
    rounding: Rounding,
    letterhead: Letterhead | None = None,
    rules: Rules = NEWEST,
    tax_of: TaxOf | None = None,
) -> Invoice:
    """Make the draft of the first account; the others are its children, whose lines follow account by account.

    A child's credits pay what the child owes. Then those of the invoiced account pay for all of them together.
    ``tax_of`` is the invoiced account's tax of the period and of those that are corrected, that of their last day where
    it is not given.
    """
    (payer, *children), account = owed, owed[0].account
    lines, to_pay = payer.lines, [to_pay_by_month(payer.worth, payer.corrections, period)]
    named = []
    for child in children:
        to_pay.append(to_pay_by_month(child.worth, child.corrections, period))
        used = credit_lines_by_month(
            child.account.credits, child.consumed, to_pay[-1:], period=period, currency=currency, rounding=rounding
        )
        mine = [replace(line, account_id=child.account.id) for line in (*child.lines, *used)]
        lines += mine
        named += [(child.account.id, child.account.name)] if mine else []
    lines += credit_lines_by_month(
        account.credits, payer.consumed, to_pay, period=period, currency=currency, rounding=rounding
    )
    tax_of = tax_of or account.tax_of
    tax = tax_lines(lines, tax_of, period=period, currency=currency, rounding=rounding, rules=rules)
    printed = letterhead or Letterhead()
    return Invoice(
        id=draft_id(account.id, period),
        status=InvoiceStatus.DRAFT,
        number=None,
        account_id=account.id,
        account_name=account.name,
        period=period,
        timezone=account.timezone,
        currency=currency,
        rounding=rounding,
        lines=numbered([*lines, *tax]),
        tax=account.tax_of(period),
        correction_tax_text=correction_tax_text(lines, tax_of, period=period),
        correction_taxes=correction_taxes(lines, tax_of, period=period) if rules >= Rules.THIRD else (),
        seller=printed.seller,
        bank=printed.bank,
        buyer=account.buyer,
        buyer_reference=account.buyer_reference,
        purchase_order=account.purchase_order,
        payment_terms_days=account.payment_terms_days,
        payment_terms=account.payment_terms,
        note=account.note or printed.note,
        language=account.language or printed.language,
        children=tuple(named),
    )
