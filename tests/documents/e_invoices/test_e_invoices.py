"""E-invoices keep the schemas and every rule of EN 16931, and say what the invoice says, to the cent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from e_invoice_rules import broken_rules, failed_assertions, keeps_rules_or_is_refused
from e_invoices import (
    BIRKE,
    VAT,
    correction_line,
    credited,
    credited_in_part,
    invoices,
    issued,
    usage_line,
    with_everything,
)
from hypothesis import HealthCheck, given, settings
from lxml import etree

from pipeline.accounts import Tax, TaxCategory
from pipeline.base.money import rounded_to_minor_unit
from pipeline.documents.einvoice.syntaxes import cii_invoice, ubl_invoice
from pipeline.invoicing.lines import LineKind
from pipeline.invoicing.reductions import left_to_credit

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice

OF_UBL = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}
Write = Callable[["Invoice"], bytes]


def said(document: bytes, path: str) -> list[str]:
    """Return the texts at a path of UBL."""
    return [found.text or "" for found in etree.fromstring(document).findall(path, OF_UBL)]


@pytest.mark.long
@pytest.mark.parametrize("write", [ubl_invoice, cii_invoice])
def test_an_invoice_with_every_kind_of_line_and_its_credit_note_break_no_rule(write: Write) -> None:
    for invoice in (with_everything(), credited(with_everything())):
        assert broken_rules(write(invoice)) == []


@pytest.mark.long
@pytest.mark.parametrize("category", list(TaxCategory))
def test_each_category_of_tax_breaks_no_rule(category: TaxCategory) -> None:
    rate = Decimal(19) if category is TaxCategory.STANDARD else Decimal(0)
    account = replace(BIRKE, tax=Tax(category=category, rate=rate, label="VAT", text="The reason"))
    invoice = issued([usage_line(5_000_000, "2")], account=account)
    for document in (invoice, credited(invoice)):
        assert broken_rules(ubl_invoice(document)) + broken_rules(cii_invoice(document)) == []


@pytest.mark.long
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(invoice=invoices())
def test_no_invoice_whatever_its_lines_breaks_a_rule(invoice: Invoice) -> None:
    breaks_no_rule(invoice)


@pytest.mark.slow
@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(invoice=invoices())
def test_none_of_many_invoices_breaks_a_rule(invoice: Invoice) -> None:
    breaks_no_rule(invoice)


def breaks_no_rule(invoice: Invoice) -> None:
    above_zero = [
        line for line in invoice.lines if line.kind not in (LineKind.CREDIT, LineKind.TAX) and line.amount > 0
    ]
    left = {line.number: left_to_credit(invoice, line, []) for line in above_zero}
    parts = [note for number, most in left.items() if most for note in credited_in_part(invoice, number, most)]
    for document in (invoice, credited(invoice), *parts[:4]):
        if keeps_rules_or_is_refused(document):
            each_line_multiplies(document)


def each_line_multiplies(invoice: Invoice) -> None:
    """Assert quantity x price ÷ price base = the printed amount, rounded as the invoice rounds."""
    root = etree.fromstring(ubl_invoice(invoice))
    lines = root.findall("cac:InvoiceLine", OF_UBL) + root.findall("cac:CreditNoteLine", OF_UBL)
    printed = [line for line in invoice.lines if line.kind not in (LineKind.CREDIT, LineKind.TAX)]
    sign = -1 if invoice.credits_invoice else 1
    assert [Decimal(line.findtext("cbc:LineExtensionAmount", "", OF_UBL)) for line in lines] == [
        sign * line.amount for line in printed
    ]
    for line in lines:
        quantity = Decimal(next(child.text for child in line if child.tag.endswith("Quantity")))
        price = Decimal(line.findtext("cac:Price/cbc:PriceAmount", "", OF_UBL))
        base = Decimal(line.findtext("cac:Price/cbc:BaseQuantity", "1", OF_UBL))
        net = rounded_to_minor_unit(quantity * price / base, invoice.currency, invoice.rounding)
        assert net == Decimal(line.findtext("cbc:LineExtensionAmount", "", OF_UBL))


def test_totals_are_the_printed_ones_and_a_credit_note_states_them_above_zero() -> None:
    invoice = with_everything()
    for document in (ubl_invoice(invoice), ubl_invoice(credited(invoice))):
        totals = "cac:LegalMonetaryTotal/cbc:"
        assert said(document, f"{totals}TaxExclusiveAmount") == [str(invoice.subtotal)]
        assert said(document, f"{totals}PayableAmount") == [str(invoice.total)]
        assert said(document, "cac:TaxTotal/cbc:TaxAmount") == [str(invoice.tax_amount)]
        assert said(document, f"{totals}AllowanceTotalAmount") == ["15.55"]


def test_tokens_packages_and_requests_have_the_price_that_people_know() -> None:
    document = ubl_invoice(with_everything())
    assert list(
        zip(
            said(document, "cac:InvoiceLine/cbc:InvoicedQuantity")[:4],
            said(document, "cac:InvoiceLine/cac:Price/cbc:PriceAmount")[:4],
            said(document, "cac:InvoiceLine/cac:Price/cbc:BaseQuantity")[:4],
            said(document, "cac:InvoiceLine/cbc:LineExtensionAmount")[:4],
            strict=True,
        )
    ) == [
        ("1234567", "2.5", "1000000", "3.09"),
        ("3", "0.04", "1", "0.12"),
        ("1500", "0.0025", "1", "3.75"),
        ("-200000", "2.5", "1000000", "-0.50"),
    ]


def test_a_correction_has_the_period_that_it_corrects_within_that_of_the_invoice() -> None:
    document = ubl_invoice(with_everything())
    starts = said(document, "cac:InvoiceLine/cac:InvoicePeriod/cbc:StartDate")
    assert starts[-3:] == ["2026-10-01", "2026-09-01", "2026-09-01"]
    assert said(document, "cac:InvoicePeriod/cbc:StartDate") == ["2026-09-01"]
    assert said(document, "cac:InvoicePeriod/cbc:EndDate") == ["2026-10-31"]


def test_a_credit_note_names_the_invoice_that_it_takes_back_and_asks_for_no_payment() -> None:
    document = ubl_invoice(credited(with_everything()), language="de")
    assert said(document, "cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID") == ["INV-000001"]
    assert said(document, "cbc:CreditNoteTypeCode") == ["381"]
    assert said(document, "cac:PaymentMeans/cbc:PaymentMeansCode") == []
    assert said(document, "cac:PaymentTerms/cbc:Note") == [
        "Diese Stornorechnung hebt die Rechnung INV-000001 vollständig auf."
    ]


@pytest.mark.long
def test_a_credit_note_in_part_says_of_which_line_and_why_and_the_rest_is_credited_too() -> None:
    note, rest = credited_in_part(with_everything(), 1, Decimal("1.00"))
    for document in (note, rest):
        assert broken_rules(ubl_invoice(document)) + broken_rules(cii_invoice(document)) == []
        each_line_multiplies(document)
    document = ubl_invoice(note)
    assert said(document, "cac:PaymentTerms/cbc:Note") == [
        "This credit note takes back a part of invoice INV-000001: An outage"
    ]
    assert said(document, "cac:CreditNoteLine/cac:Item/cbc:Name") == ["Line 1 of INV-000001: jamba-large, Input tokens"]
    assert said(document, "cac:LegalMonetaryTotal/cbc:PayableAmount") == ["1.19"]
    left = Decimal(said(ubl_invoice(rest), "cac:LegalMonetaryTotal/cbc:PayableAmount")[0])
    assert left == with_everything().total - Decimal("1.19")


@pytest.mark.long
def test_an_invoice_below_zero_and_one_of_zero_are_invoices_still() -> None:
    below = issued([], corrections=[correction_line("-12.00")])
    zero = issued([usage_line(1, "0")])
    for invoice in (below, zero):
        for write in (ubl_invoice, cii_invoice):
            assert broken_rules(write(invoice)) == []
    assert said(ubl_invoice(below), "cac:LegalMonetaryTotal/cbc:PayableAmount") == ["-14.28"]
    assert said(ubl_invoice(zero), "cac:LegalMonetaryTotal/cbc:PayableAmount") == ["0.00"]


def test_the_bytes_are_the_same_each_time() -> None:
    for write in (ubl_invoice, cii_invoice):
        assert write(with_everything()) == write(with_everything())


@pytest.mark.long
def test_characters_that_xml_cannot_hold_are_shown_as_replaced() -> None:
    document = ubl_invoice(issued([usage_line(1, "1", model="a\x01b\x1f&<\ufffe")]))
    assert said(document, "cac:InvoiceLine/cac:Item/cbc:Name") == ["a\ufffdb\ufffd&<\ufffd, Input tokens"]
    assert broken_rules(document) == []


@pytest.mark.long
@pytest.mark.parametrize(("write", "syntax"), [(ubl_invoice, "ubl"), (cii_invoice, "cii")])
def test_the_rules_find_a_changed_cent(write: Write, syntax: str) -> None:
    document = write(with_everything())
    assert document.count(b">3.09<") == 1
    found = failed_assertions(document.replace(b">3.09<", b">3.10<"), syntax)
    assert any("BR-CO-10" in each for each in found), found


def test_several_taxes_of_one_category_and_rate_are_one_row() -> None:
    taxes = (("fee", replace(VAT, text="For fees")),)
    invoice = issued(
        [usage_line(5_000_000, "2")], account=replace(BIRKE, tax=replace(VAT, by_kind=taxes)), monthly_fee=Decimal(3)
    )
    document = ubl_invoice(invoice)
    assert said(document, "cac:TaxTotal/cac:TaxSubtotal/cbc:TaxableAmount") == ["13.00"]
    assert said(document, "cac:TaxTotal/cac:TaxSubtotal/cbc:TaxAmount") == ["2.47"]
    assert said(document, "cbc:Note") == ["For fees"]
