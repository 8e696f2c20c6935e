"""Of an invoice that is credited in parts and then voided nothing is left: of no tax, and in none of its documents."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from e_invoice_rules import keeps_rules_or_is_refused
from e_invoices import BIRKE, ISSUED_ON, VAT, correction_line, invoices, issued, usage_line
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.accounts import Coupon, CreditGrant, OneOffItem, Tax, TaxChange
from pipeline.documents.einvoice.terms import business_terms
from pipeline.invoicing import LineKind, credit_note, invoice_document, invoice_from_document
from pipeline.invoicing.reductions import Reduction, left_to_credit, lines_of_void, partial_credit_note
from pipeline.invoicing.rules import NEWEST

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.invoicing import Invoice

PARTS = st.lists(st.tuples(st.integers(0, 20), st.sampled_from([1, 2, 3, 7])), max_size=6)
"""Which of the lines that can be credited, and the how manieth part of what is left of it."""


@st.composite
def paid_in_part(draw: st.DrawFn) -> Invoice:
    """Draw an invoice of lines with up to four taxes, which prepaid credits and a coupon pay a part of."""
    rates = st.sampled_from([Decimal(0), Decimal(7), Decimal(19), Decimal(50)])
    kinds = ("fee", "item") if draw(st.booleans()) else ("fee",)
    with_kinds = replace(VAT, by_kind=tuple((kind, Tax(rate=draw(rates), label="VAT")) for kind in kinds))
    cents = st.integers(1, 900).map(lambda number: Decimal(number).scaleb(-2))
    october = ISSUED_ON.replace(month=10)
    items = [OneOffItem(id=f"i{number}", date=october, description="i", amount=draw(cents)) for number in range(2)]
    account = replace(
        BIRKE,
        tax=Tax(rate=draw(rates), label="VAT"),
        tax_changes=(TaxChange(from_date=october.replace(day=1), tax=with_kinds),),
        credits=(CreditGrant(id="g", amount=draw(cents), granted_on=october, expires_on=None),),
        items=tuple(items),
        coupons=(Coupon(id="c", from_date=october, months=1, amount=draw(cents)),) if draw(st.booleans()) else (),
    )
    signed = st.one_of(cents, cents.map(lambda amount: -amount))
    kind = st.sampled_from([LineKind.USAGE, LineKind.FEE])
    corrections = [correction_line(str(amount), draw(kind)) for amount in draw(st.lists(signed, max_size=2))]
    usage = [usage_line(draw(st.integers(2_500, 4_500_000)), "2")]
    return issued(usage, account=account, monthly_fee=draw(cents), corrections=corrections)


def documents_of(invoice: Invoice, parts: Sequence[tuple[int, int]]) -> list[Invoice]:
    """Return the invoice, its credit notes in part, and the one that takes back what they left."""
    notes: list[Invoice] = []
    for place, divisor in parts:
        lines = [line for line in invoice.lines if line.kind not in (LineKind.CREDIT, LineKind.TAX) and line.amount > 0]
        left = [(line.number, most) for line in lines if (most := left_to_credit(invoice, line, notes))]
        if not left:
            break
        number, most = left[place % len(left)]
        amount = (most / divisor).quantize(invoice.total) or most
        notes.append(noted(invoice, notes, number, amount))
    void = credit_note(
        invoice, number=99, prefix="INV-", issued_on=ISSUED_ON, lines=lines_of_void(invoice, notes), rules=NEWEST
    )
    return [invoice_from_document(invoice_document(each)) for each in (invoice, *notes, void)]


def noted(invoice: Invoice, notes: Sequence[Invoice], line: int, amount: Decimal) -> Invoice:
    wanted = Reduction(line=line, reason=f"part {len(notes)}", amount=amount)
    number = len(notes) + 2
    return partial_credit_note(invoice, notes, wanted, number=number, prefix="INV-", issued_on=ISSUED_ON, rules=NEWEST)


def bases_and_taxes(invoice: Invoice) -> dict[Tax | None, tuple[Decimal, Decimal]]:
    """Return what each tax of a document is on, and what it prints."""
    printed = iter([line for line in invoice.lines if line.kind is LineKind.TAX])
    found = {}
    for share in invoice.tax_breakdown:
        amount = Decimal(0)
        if share.tax is not None and share.tax.is_charged:
            line = next(printed)
            assert line.tax_base == share.base
            amount = line.amount
        found[share.tax] = (share.base, amount)
    assert next(printed, None) is None
    return found


def leaves_nothing(documents: Sequence[Invoice]) -> None:
    bases: defaultdict[Tax | None, Decimal] = defaultdict(Decimal)
    taxes: defaultdict[Tax | None, Decimal] = defaultdict(Decimal)
    for document in documents:
        for tax, (base, amount) in bases_and_taxes(document).items():
            bases[tax] += base
            taxes[tax] += amount
    assert set(bases.values()) <= {Decimal(0)}, bases
    assert set(taxes.values()) <= {Decimal(0)}, taxes


@pytest.mark.long
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(invoice=invoices() | paid_in_part(), parts=PARTS)
def test_of_each_tax_an_invoice_its_parts_and_its_void_leave_no_base_and_no_amount(
    invoice: Invoice, parts: list[tuple[int, int]]
) -> None:
    check_nothing_is_left(invoice, parts)


@pytest.mark.slow
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(invoice=invoices() | paid_in_part(), parts=PARTS)
def test_of_each_tax_many_invoices_and_their_voids_leave_nothing(
    invoice: Invoice, parts: list[tuple[int, int]]
) -> None:
    check_nothing_is_left(invoice, parts)


def check_nothing_is_left(invoice: Invoice, parts: list[tuple[int, int]]) -> None:
    documents = documents_of(invoice, parts)
    leaves_nothing(documents)
    for document in documents:
        adds_up(document)


def adds_up(invoice: Invoice) -> None:
    """Assert what EN 16931 has of totals: BR-CO-10, -11, -13, -14, -15 and BR-S-08, by its own terms."""
    terms = business_terms(invoice)
    lines, allowances, rows = (terms.get(name, []) for name in ("BG-25", "BG-20", "BG-23"))
    total = {name: Decimal(terms.get(name, 0)) for name in ("BT-106", "BT-107", "BT-109", "BT-110", "BT-112")}
    assert total["BT-106"] == sum(Decimal(line["BT-131"]) for line in lines)
    assert total["BT-107"] == sum(Decimal(each["amount"]) for each in allowances)
    assert total["BT-109"] == total["BT-106"] - total["BT-107"] == sum(Decimal(row["BT-116"]) for row in rows)
    assert total["BT-110"] == sum(Decimal(row["BT-117"]) for row in rows)
    assert total["BT-112"] == total["BT-109"] + total["BT-110"]
    for row in rows:
        of_lines = [
            Decimal(line["BT-131"])
            for line in lines
            if (line["BT-151"], line.get("BT-152")) == (row["BT-118"], row.get("BT-119"))
        ]
        taken = [
            Decimal(each["amount"])
            for each in allowances
            if (each["vat_category_code"], each.get("vat_rate")) == (row["BT-118"], row.get("BT-119"))
        ]
        assert Decimal(row["BT-116"]) == sum(of_lines) - sum(taken)


@pytest.mark.long
@pytest.mark.parametrize("examples", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_none_of_their_e_invoices_breaks_a_rule(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(invoice=invoices() | paid_in_part(), parts=PARTS)
    def breaks_no_rule(invoice: Invoice, parts: list[tuple[int, int]]) -> None:
        for document in documents_of(invoice, parts):
            keeps_rules_or_is_refused(document)

    breaks_no_rule()


def test_a_void_splits_prepaid_credits_as_the_invoice_did_whatever_its_parts_took() -> None:
    """10.00 of usage and 20.00 of fee less 3.00: -1.00 and -2.00, also once 10.00 of the fee are taken back."""
    account = replace(
        BIRKE,
        tax=replace(VAT, by_kind=(("fee", Tax(rate=Decimal(7), label="VAT")),)),
        credits=(CreditGrant(id="g", amount=Decimal(3), granted_on=ISSUED_ON.replace(month=10), expires_on=None),),
    )
    invoice = issued([usage_line(5_000_000, "2")], account=account, monthly_fee=Decimal(20))
    note = noted(invoice, [], 2, Decimal(10))
    void = credit_note(
        invoice, number=9, prefix="INV-", issued_on=ISSUED_ON, lines=lines_of_void(invoice, [note]), rules=NEWEST
    )
    assert [(share.taxed, share.credits, share.base) for share in void.tax_breakdown] == [
        (Decimal(-10), Decimal(1), Decimal(-9)),
        (Decimal(-10), Decimal(2), Decimal(-8)),
    ]
    leaves_nothing([invoice, note, void])
    allowances = business_terms(void)["BG-20"]
    assert [(each["amount"], each["vat_rate"]) for each in allowances] == [("1.00", "19"), ("2.00", "7")]
