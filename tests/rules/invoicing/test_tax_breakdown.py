"""An invoice says of each line which tax it has, and of each tax what it is on; its document keeps all of that."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from pipeline.accounts import Account, BankDetails, CreditGrant, Letterhead, Party, Tax, TaxCategory, TaxChange
from pipeline.base.money import Rounding
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing import LineKind, credit_note, invoice_document, issued_invoice
from pipeline.invoicing.document import invoice_from_document
from pipeline.invoicing.draft import draft_of_lines
from pipeline.invoicing.lines import plain_line
from pipeline.invoicing.rules import Rules

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice, InvoiceLine

SEPTEMBER, OCTOBER = (BillingPeriod(year=2026, month=month) for month in (9, 10))
EXEMPT = Tax(category=TaxCategory.EXEMPT, text="Exempt", reason_code="VATEX-EU-132")
OLD = Tax(rate=Decimal(16), label="VAT")
FEE = Tax(rate=Decimal(7), label="VAT")
USAGE = Tax(rate=Decimal(19), label="VAT")
ACME = Account(
    id="acme",
    name="Acme",
    timezone="Europe/Berlin",
    rate_card="standard",
    key_ids=("key_1",),
    tax=OLD,
    tax_changes=(
        TaxChange(from_date=date(2026, 10, 1), tax=replace(USAGE, by_kind=(("fee", FEE), ("commitment", EXEMPT)))),
    ),
    credits=(CreditGrant(id="sorry", amount=Decimal("5.00"), granted_on=date(2026, 10, 1), expires_on=None),),
    buyer=Party(name="Acme Holding", street="Rue 1", postcode="69001", city="Lyon", country="FR", tax_id="FR1"),
    buyer_reference="04011000-12345-34",
    purchase_order="PO-1",
    payment_terms_days=30,
    payment_terms="30 days net",
    note="Thanks",
    language="fr",
)
LETTERHEAD = Letterhead(
    seller=Party(name="Tally", city="Hamburg", country="DE"), bank=BankDetails(iban="DE89370400440532013000")
)


def line(kind: LineKind, amount: str) -> InvoiceLine:
    return plain_line(kind, Decimal(amount), kind.value, currency="EUR", rounding=Rounding.HALF_UP)


def drafted(rules: Rules = Rules.THIRD) -> Invoice:
    correction = replace(
        line(LineKind.FEE, "1.00"),
        kind=LineKind.CORRECTION,
        original_period=SEPTEMBER,
        original_kind=LineKind.FEE,
    )
    return draft_of_lines(
        [line(LineKind.FEE, "10.00"), line(LineKind.COMMITMENT, "20.00")],
        account=ACME,
        period=OCTOBER,
        currency="EUR",
        rounding=Rounding.HALF_UP,
        corrections=[correction],
        letterhead=LETTERHEAD,
        rules=rules,
    )


def issued(rules: Rules = Rules.THIRD) -> Invoice:
    return issued_invoice(drafted(rules), number=1, prefix="INV-", issued_on=date(2026, 11, 2), rules=rules)


def test_each_tax_stands_with_what_it_is_on_also_where_it_charges_nothing() -> None:
    breakdown = issued().tax_breakdown
    assert [(share.tax, share.taxed, share.credits) for share in breakdown] == [
        (FEE, Decimal("10.00"), Decimal("-1.66")),
        (EXEMPT, Decimal("20.00"), Decimal("-3.34")),
        (OLD, Decimal("1.00"), 0),
    ]
    assert [share.exact_amount for share in breakdown] == [Decimal("0.5838"), 0, Decimal("0.16")]
    assert sum(share.base for share in breakdown) == issued().subtotal == Decimal("26.00")


def test_every_line_has_the_tax_of_its_month_and_kind_and_a_split_credit_none() -> None:
    invoice = issued()
    assert [(each.kind.value, invoice.tax_of_line(each)) for each in invoice.lines] == [
        ("fee", FEE),
        ("commitment", EXEMPT),
        ("correction", OLD),
        ("credit", None),
        ("tax", FEE),
        ("tax", OLD),
    ]


def test_the_only_tax_of_an_invoice_is_that_of_its_credits_too() -> None:
    plain = draft_of_lines(
        [line(LineKind.FEE, "10.00")],
        account=replace(ACME, tax=USAGE, tax_changes=()),
        period=OCTOBER,
        currency="EUR",
        rounding=Rounding.HALF_UP,
    )
    assert [plain.tax_of_line(each) for each in plain.lines] == [USAGE, USAGE, USAGE]
    assert [share.tax for share in plain.tax_breakdown] == [USAGE]


def test_a_credit_note_breaks_down_as_its_invoice_negated() -> None:
    note = credit_note(issued(), number=2, prefix="INV-", issued_on=date(2026, 12, 1))
    assert [(share.tax, share.taxed, share.credits, share.base) for share in note.tax_breakdown] == [
        (share.tax, -share.taxed, -share.credits, -share.base) for share in issued().tax_breakdown
    ]
    assert (note.issue_date, note.due_date, note.payment_terms) == (date(2026, 12, 1), None, "")
    assert [each.tax_base for each in note.lines if each.tax_base is not None] == [Decimal("-8.34"), Decimal("-1.00")]


def test_a_document_states_all_that_is_printed_and_reads_back_equal() -> None:
    for invoice in (issued(), credit_note(issued(), number=2, prefix="INV-", issued_on=date(2026, 12, 1))):
        document = json.loads(json.dumps(invoice_document(invoice)))
        assert invoice_from_document(document) == invoice
    document = invoice_document(issued())
    assert {name: document[name] for name in ("issue_date", "due_date", "payment_terms", "note", "language")} == {
        "issue_date": "2026-11-02",
        "due_date": "2026-12-02",
        "payment_terms": "30 days net",
        "note": "Thanks",
        "language": "fr",
    }
    assert document["buyer"] == {
        "name": "Acme Holding",
        "street": "Rue 1",
        "postcode": "69001",
        "city": "Lyon",
        "country": "FR",
        "tax_id": "FR1",
    }
    assert (document["bank"], document["buyer_reference"]) == ({"iban": "DE89370400440532013000"}, "04011000-12345-34")
    assert document["correction_taxes"] == {
        "2026-09": {"rate": "16", "label": "VAT", "reverse_charge": False, "text": ""}
    }
    assert document["tax"]["by_kind"]["commitment"] == {
        "rate": "0",
        "label": "Tax",
        "reverse_charge": False,
        "text": "Exempt",
        "category": "E",
        "reason_code": "VATEX-EU-132",
    }
    assert (document["lines"][4]["tax_category"], document["lines"][4]["tax_rate"]) == ("S", "7")
    assert issued().buyer_name == "Acme Holding"


def test_what_older_rules_issue_states_nothing_of_it_and_says_that_its_tax_is_not_known() -> None:
    document = invoice_document(issued(Rules.SECOND))
    assert {"issue_date", "correction_taxes"}.isdisjoint(document)
    assert all(name not in each for each in document["lines"] for name in ("tax_category", "tax_rate", "tax_base"))
    assert document["due_date"] == "2026-12-02"
    older = invoice_from_document(document)
    with pytest.raises(ValueError, match="INV-000001 does not say which tax its corrections have"):
        _ = older.tax_breakdown
