"""VAT of an e-invoice: its breakdown (BG-23), and the credits that are taken off before it (BG-20).

A prepaid credit reduces what is taxed, so it is an allowance on the document, split over the categories as the frozen
tax lines split it. It is no paid amount (BT-113): that would be taken off after a tax on all of it.

There is one row for each category and rate (BR-S-08 and its like): taxes that differ in their words alone are added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.accounts import TaxCategory
from pipeline.base.money import exact_sum
from pipeline.documents.einvoice.text import number, stated
from pipeline.invoicing.lines import LineKind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from decimal import Decimal

    from pipeline.accounts import Tax
    from pipeline.documents.einvoice.text import Terms
    from pipeline.documents.pages.words import Words
    from pipeline.invoicing import Invoice

    Money = Callable[[Decimal], str]
    """Writes an amount with the decimal places of the invoice's currency."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VatRow:
    """One row of the breakdown, with the signs of an e-invoice: a credit note credits what is above zero."""

    category: TaxCategory
    rate: Decimal
    """Percent."""
    credits: Decimal
    """What credits take off, above zero."""
    base: Decimal
    amount: Decimal
    """As printed."""
    reasons: tuple[str, ...]
    """Why nothing is charged; each text once."""
    reason_codes: tuple[str, ...]


def vat_rows(invoice: Invoice) -> list[VatRow]:
    """Return the breakdown, in the order of the invoice's taxes.

    Raises ``ValueError`` for an older document that does not say it, and where a part of it has no tax at all.
    """
    sign = -1 if invoice.credits_invoice else 1
    printed = iter([line.amount for line in invoice.lines if line.kind is LineKind.TAX])
    rows: dict[tuple[TaxCategory, Decimal], VatRow] = {}
    for share in invoice.tax_breakdown:
        if share.tax is None:
            message = f"{invoice.id} has lines without a tax category"
            raise ValueError(message)
        amount = next(printed) if share.tax.is_charged else exact_sum([])
        place = (share.tax.category, share.tax.charged_rate)
        before = rows.get(place)
        rows[place] = VatRow(
            category=share.tax.category,
            rate=share.tax.charged_rate,
            credits=exact_sum([*([before.credits] if before else []), -sign * share.credits]),
            base=exact_sum([*([before.base] if before else []), sign * share.base]),
            amount=exact_sum([*([before.amount] if before else []), sign * amount]),
            reasons=_with(before.reasons if before else (), share.tax.reason),
            reason_codes=_with(before.reason_codes if before else (), share.tax.reason_code),
        )
    return list(rows.values())


def breakdown_terms(rows: Sequence[VatRow], money: Money) -> list[Terms]:
    """Return BG-23."""
    return [
        {"BT-116": money(row.base), "BT-117": money(row.amount)}
        | _category_terms(row.category, row.rate, category="BT-118", rate="BT-119")
        | stated(BT_120="; ".join(row.reasons), BT_121=row.reason_codes[0] if len(row.reason_codes) == 1 else "")
        for row in rows
    ]


def allowance_terms(invoice: Invoice, rows: Sequence[VatRow], money: Money, words: Words) -> list[Terms]:
    """Return BG-20: what prepaid credits take off the lines of each category and rate."""
    grants = dict.fromkeys(line.credit_id for line in invoice.lines if line.kind is LineKind.CREDIT)
    reason = f"{words.kinds[LineKind.CREDIT]}: {', '.join(grants)}"
    return [
        stated(amount=money(row.credits), reason=reason)
        | _category_terms(row.category, row.rate, category="vat_category_code", rate="vat_rate")
        for row in rows
        if row.credits
    ]


def tax_terms(tax: Tax | None, *, category: str, rate: str) -> Terms:
    """Return category and rate of a line's tax. Raises ``ValueError`` where it has none."""
    if tax is None:
        message = "a line has no tax category"
        raise ValueError(message)
    return _category_terms(tax.category, tax.charged_rate, category=category, rate=rate)


def _category_terms(code: TaxCategory, percent: Decimal, *, category: str, rate: str) -> Terms:
    """Return the code and the rate of a category; outside the scope of VAT there is no rate (BR-O-05)."""
    terms = {category: code.value}
    return terms if code is TaxCategory.OUTSIDE_SCOPE else terms | {rate: number(percent)}


def _with(texts: tuple[str, ...], text: str) -> tuple[str, ...]:
    return texts if not text or text in texts else (*texts, text)
