"""One invoice with every kind of line and every phrase that a description may be, and credit notes of its parts."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from e_invoices import ISSUED_ON, LETTERHEAD, OCTOBER, SEPTEMBER, usage_line

from pipeline.accounts import Account, Coupon, CreditGrant, OneOffItem, Tax, TaxChange, Terms
from pipeline.accounts.terms import ContractYear, Proration
from pipeline.base.money import Rounding
from pipeline.invoicing import LineKind, credit_note, issued_invoice
from pipeline.invoicing.corrections import Cell, Worth, correction_lines
from pipeline.invoicing.draft import draft_of_lines
from pipeline.invoicing.lines import PERIOD_KINDS, TOKEN_KINDS
from pipeline.invoicing.reductions import Reduction, lines_of_void, partial_credit_note
from pipeline.invoicing.rules import NEWEST
from pipeline.invoicing.worth.period_lines import period_lines, year_lines
from pipeline.invoicing.worth.recurring_lines import SEATS, YearSoFar
from pipeline.rates.limits import EntryLimit
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice
    from pipeline.invoicing.lines import InvoiceLine

MONEY = {"currency": "EUR", "rounding": Rounding.HALF_UP}
OWN_WORDS = "Umzug Einrichtung Störung Danke 14 Tage netto batch jamba large mini VAT"
"""What a person wrote, or what is a name."""
_BY_DAYS = Terms(
    from_date=None,
    rate_card="standard",
    included_tokens={"prompt": 200_000},
    minimum_commitment=Decimal("900.00"),
    seats=1,
    seat_price=Decimal("20.00"),
    proration=Proration.DAYS,
)


def every_line(language: str, *, tax: Tax | None = None) -> Invoice:
    """Return an issued invoice; by default its usage is a reversed charge and its fees are taxed."""
    october = OCTOBER.first_date
    mixed = Tax(reverse_charge=True, by_kind=(("fee", Tax(rate=Decimal(19), label="VAT")), ("item", Tax())))
    account = Account(
        id="birke",
        name="Birke",
        timezone="Europe/Berlin",
        rate_card="standard",
        key_ids=("key_a",),
        terms=(_BY_DAYS, replace(_BY_DAYS, from_date=date(2026, 10, 17), seats=5, minimum_commitment=Decimal(1200))),
        tax=tax or Tax(reverse_charge=True),
        tax_changes=(TaxChange(from_date=october, tax=tax or mixed),),
        items=(OneOffItem(id="setup", date=date(2026, 10, 5), description="Einrichtung", amount=Decimal(250)),),
        coupons=(
            Coupon(id="launch", from_date=october, months=3, percent=Decimal("12.5")),
            Coupon(id="sorry", from_date=october, months=1, amount=Decimal("5.00")),
        ),
        credits=(
            CreditGrant(id="g-1", amount=Decimal(10), granted_on=october, expires_on=None),
            CreditGrant(id="g-2", amount=Decimal(5), granted_on=october, expires_on=None, recurs=True),
        ),
        payment_terms="14 Tage netto",
        note="Danke",
        language=language,
    )
    usage = [
        replace(usage_line(1_234_567, "2.5", list_rate="3"), entry="standard: jamba-large"),
        usage_line(2_001, "40", meter=Meter.COMPLETION, package=1_000),
        replace(usage_line(1_500, "2500", model="jamba-mini", meter=Meter.REQUEST), service_tier="batch"),
        replace(usage_line(90_000_000, "1", model="jamba-mini"), entry="standard: jamba-mini, batch tier"),
        replace(
            usage_line(1, "0", meter=Meter.COMPLETION),
            quantity=0,
            flat_amount=Decimal("30.00"),
            exact_amount=Decimal(30),
            amount=Decimal("30.00"),
        ),
    ]
    of_large, of_mini = "jamba-large", "jamba-mini, batch tier, prompts above 200000 tokens"
    limits = {
        "standard: jamba-large": EntryLimit(
            model="jamba-large", service_tier="", text=of_large, minimum=Decimal(10), maximum=None
        ),
        "standard: jamba-mini, batch tier": EntryLimit(
            model="jamba-mini", service_tier="batch", text=of_mini, minimum=None, maximum=Decimal(50)
        ),
    }
    year = ContractYear(first_date=date(2025, 11, 1), end_date=OCTOBER.end_date, settled_in=OCTOBER)
    worth = period_lines(
        usage,
        account=account,
        period=OCTOBER,
        card_fees={"standard": Decimal("49.00")},
        limits=limits,
        items=account.items,
        **MONEY,
    )
    by_year = replace(
        account,
        terms=(
            replace(_BY_DAYS, minimum_commitment=Decimal(0), yearly_commitment=Decimal(9000)),
            replace(
                _BY_DAYS, from_date=date(2026, 5, 1), minimum_commitment=Decimal(0), yearly_commitment=Decimal(800)
            ),
        ),
        begins_on=year.first_date,
    )
    worth += year_lines(usage, YearSoFar(year=year, spent_before=Decimal(3000)), by_year, **MONEY)
    draft = draft_of_lines(
        worth, account=account, period=OCTOBER, corrections=_corrections(), letterhead=LETTERHEAD, **MONEY
    )
    return issued_invoice(draft, number=1, prefix="INV-", issued_on=ISSUED_ON)


def notes_of(invoice: Invoice) -> list[Invoice]:
    """Return a credit note of a part of each line that can be credited, and the one of all that is left."""
    notes: list[Invoice] = []
    for line in invoice.lines:
        if line.amount > 1 and line.kind not in (LineKind.CREDIT, LineKind.TAX):
            wanted = Reduction(line=line.number, reason="Störung", amount=Decimal("0.50"))
            number = len(notes) + 2
            notes.append(
                partial_credit_note(
                    invoice, notes, wanted, number=number, prefix="INV-", issued_on=ISSUED_ON, rules=NEWEST
                )
            )
    rest = lines_of_void(invoice, notes)
    return [*notes, credit_note(invoice, number=len(notes) + 2, prefix="INV-", issued_on=ISSUED_ON, lines=rest)]


def _corrections() -> list[InvoiceLine]:
    """Correct something of each kind of September's lines."""
    late = {
        Cell(
            period=SEPTEMBER,
            kind=kind,
            api_key_id="key_a" if kind in TOKEN_KINDS else "",
            model="jamba-large" if kind in (*TOKEN_KINDS, LineKind.LIMIT) else "",
            service_tier="",
            meter=Meter.PROMPT if kind in TOKEN_KINDS else None,
            item=item,
            taxed_as=LineKind.FEE if item == "launch" else None,
        ): Worth(quantity=0, amount=Decimal("1.50"))
        for kind in PERIOD_KINDS
        if kind is not LineKind.INCLUDED
        for item in {LineKind.COUPON: ("launch", "sorry"), LineKind.FEE: ("", SEATS)}.get(kind, ("",))
    }
    return correction_lines(late, {}, tags={}, **MONEY)
