"""What no e-invoice can be made of is refused, with all that is missing and where it is written."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from e_invoice_rules import keeps_rules_or_is_refused
from e_invoices import (
    BIRKE,
    LETTERHEAD,
    OCTOBER,
    SELLER,
    VAT,
    correction_line,
    credited,
    credited_in_part,
    issued,
    usage_line,
)

from pipeline.accounts import BankDetails, Letterhead, Party, Tax, TaxCategory, TaxChange
from pipeline.base.errors import ExtraMissing, RenderingRefused
from pipeline.base.money import Rounding
from pipeline.documents.einvoice.parties import is_vat_id
from pipeline.documents.einvoice.syntaxes import cii_invoice, ubl_invoice
from pipeline.documents.einvoice.terms import business_terms
from pipeline.documents.rendering import document_formats
from pipeline.invoicing.draft import draft_of_lines

if TYPE_CHECKING:
    from pipeline.accounts import Account
    from pipeline.invoicing import Invoice

USAGE = [usage_line(5_000_000, "2")]
OUTSIDE = Tax(category=TaxCategory.OUTSIDE_SCOPE, text="Not subject to VAT")
REVERSED = Tax(category=TaxCategory.REVERSE_CHARGE)


def refusal(invoice: Invoice) -> str:
    with pytest.raises(RenderingRefused) as refused:
        ubl_invoice(invoice)
    return str(refused.value)


def of_account(**changes: object) -> Account:
    return replace(BIRKE, **changes)


def test_a_draft_is_no_e_invoice() -> None:
    draft = draft_of_lines(
        USAGE, account=BIRKE, period=OCTOBER, currency="EUR", rounding=Rounding.HALF_UP, letterhead=LETTERHEAD
    )
    assert refusal(draft) == ("an e-invoice has a number, and a draft has none yet; issue it first")


def test_all_that_is_missing_is_named_at_once_with_the_place_where_it_is_written() -> None:
    bare = issued(USAGE, account=of_account(buyer=Party(), payment_terms_days=None, tax=None), letterhead=Letterhead())
    assert refusal(bare) == (
        "an e-invoice needs, in [seller] of tallybook.toml: name, city, country, tax_id; in [accounts.buyer] of "
        'account "birke": city, country; in account "birke" of accounts.toml: tax (with category and text where none '
        "is charged), payment_terms_days or payment_terms. Write it, and the next document has it; an issued one never "
        "changes: void it and issue it again if it has to be an e-invoice"
    )


def test_free_text_is_no_address_of_an_e_invoice() -> None:
    buyer = Party(address="Birkenweg 1\n10115 Berlin")
    assert 'in [accounts.buyer] of account "birke": city, country.' in refusal(
        issued(USAGE, account=of_account(buyer=buyer))
    )


def test_a_reversed_charge_needs_a_buyer_who_is_known_by_an_id() -> None:
    nameless = replace(BIRKE.buyer, tax_id="")
    account = of_account(tax=REVERSED, buyer=nameless)
    assert "tax_id (a VAT id) or registration_id (its charge is reversed)" in refusal(issued(USAGE, account=account))
    registered = of_account(tax=REVERSED, buyer=replace(nameless, registration_id="HRB 1"))
    assert ubl_invoice(issued(USAGE, account=registered))


def test_a_seller_whose_tax_id_is_no_vat_id_needs_a_registration_too() -> None:
    seller = replace(SELLER, tax_id="12/345/67890", registration_id="")
    assert "in [seller] of tallybook.toml: registration_id (no VAT id says who it is)." in refusal(
        issued(USAGE, letterhead=Letterhead(seller=seller))
    )
    named = Letterhead(seller=replace(seller, registration_id="HRB 1"))
    terms = business_terms(issued(USAGE, letterhead=named))
    assert (terms["BG-4"].get("vat_identifier"), terms["BG-4"]["tax_identifier"]) == (None, "12/345/67890")


def test_outside_the_scope_of_vat_no_vat_id_is_stated_and_nothing_else_is_taxed() -> None:
    terms = business_terms(issued(USAGE, account=of_account(tax=OUTSIDE)))
    assert ["vat_identifier" in terms[party] for party in ("BG-4", "BG-7")] == [False, False]
    mixed = of_account(tax=OUTSIDE, tax_changes=(TaxChange(from_date=OCTOBER.first_date, tax=VAT),))
    assert "stand beside taxed ones (BR-O-11); bill them apart" in refusal(
        issued(USAGE, account=mixed, corrections=[correction_line("3.00")])
    )


def test_amounts_of_three_decimal_places_are_refused_and_of_none_are_not() -> None:
    in_dinar = issued([usage_line(5_000_000, "2", currency="KWD")], currency="KWD")
    assert "amounts in KWD have 3 decimal places, and EN 16931 has 2 at most" in refusal(in_dinar)
    in_yen = issued([usage_line(5_000_000, "2", currency="JPY")], currency="JPY")
    assert business_terms(in_yen)["BT-115"] == "12"


def test_a_rate_that_validators_take_for_none_is_refused() -> None:
    account = of_account(tax=Tax(rate=Decimal("0.4")))
    assert "below 0.5, which validators take for none (BR-CO-17)" in refusal(
        issued([usage_line(500_000_000, "2")], account=account)
    )


@pytest.mark.long
def test_the_rest_of_an_invoice_that_was_credited_in_part_is_refused_once_its_roundings_come_to_a_unit() -> None:
    """25.5% of 10 and of 6 JPY are 3 and 2; of the 1 JPY taken back they are 0, and 5 are left on 15, not 3.825."""
    finnish = Tax(rate=Decimal("25.5"), label="VAT")
    account = of_account(tax=replace(finnish, by_kind=(("fee", replace(finnish, text="On fees, likewise")),)))
    line = usage_line(1_000_000, "10", currency="JPY")
    invoice = issued([line], account=account, currency="JPY", monthly_fee=Decimal(6))
    part, rest = credited_in_part(invoice, 1, Decimal(1))
    assert [(each.subtotal, each.total) for each in (invoice, part, rest)] == [(16, 21), (-1, -1), (-15, -20)]
    assert keeps_rules_or_is_refused(invoice)
    assert keeps_rules_or_is_refused(part)
    assert not keeps_rules_or_is_refused(rest)
    assert refusal(rest) == (
        "a printed tax of 5 is not 25.5 percent of 15 to within 1 JPY (BR-CO-17), since roundings to the minor unit "
        "add up in it; send another format"
    )


def test_a_document_that_froze_no_issue_date_is_refused() -> None:
    assert "needs, from the program that issued it: an issue date" in refusal(replace(issued(USAGE), issue_date=None))


def test_nothing_to_pay_needs_no_terms_of_payment() -> None:
    account = of_account(payment_terms_days=None)
    below_zero = issued([], account=account, corrections=[correction_line("-3.00")])
    assert cii_invoice(below_zero)
    assert cii_invoice(credited(issued(USAGE)))


def test_a_credit_note_lacks_what_its_invoice_lacks() -> None:
    assert "in [seller] of tallybook.toml: name, city, country, tax_id." in refusal(
        credited(issued(USAGE, letterhead=Letterhead()))
    )


@pytest.mark.parametrize(
    ("bank", "currency", "means"),
    [
        (BankDetails(iban="DE89370400440532013000"), "EUR", ("58", "DE89370400440532013000", None)),
        (BankDetails(iban="DE89370400440532013000"), "USD", ("30", "DE89370400440532013000", None)),
        (BankDetails(bank="Routing 021000021, account 1"), "USD", ("1", None, "Routing 021000021, account 1")),
        (BankDetails(), "EUR", (None, None, None)),
    ],
)
def test_where_to_pay_is_a_transfer_to_an_iban_or_what_the_bank_says(
    bank: BankDetails, currency: str, means: tuple[str | None, ...]
) -> None:
    invoice = issued(
        [usage_line(5_000_000, "2", currency=currency)],
        letterhead=Letterhead(seller=SELLER, bank=bank),
        currency=currency,
    )
    terms = business_terms(invoice)
    assert tuple(terms.get(name) for name in ("BT-81", "BT-84", "BT-82")) == means


def test_a_vat_id_begins_with_a_country() -> None:
    assert [is_vat_id(tax_id) for tax_id in ("DE123456789", "EL123456789", "12/345/67890", "US", "DEPT", "")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_an_invoice_issued_before_its_month_ended_was_supplied_until_then() -> None:
    early = replace(issued(USAGE), issue_date=date(2026, 10, 20))
    assert business_terms(early)["BT-72"] == date(2026, 10, 20)


def test_a_missing_library_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "facturx", None)
    for write in (ubl_invoice, cii_invoice):
        with pytest.raises(ExtraMissing, match=re.escape("run pip install 'tallybook[einvoice]'")):
            write(issued(USAGE))


def test_formats_are_found_without_any_library_of_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("facturx", "lxml", "pypdf", "typst"):
        monkeypatch.setitem(sys.modules, library, None)
    suffixes = {name: found.SUFFIX for name, found in document_formats().items()}
    assert {name: suffixes[name] for name in ("cii", "facturx", "ubl")} == {
        "cii": ".cii.xml",
        "facturx": ".facturx.pdf",
        "ubl": ".ubl.xml",
    }
    assert len(set(suffixes.values())) == len(suffixes)
