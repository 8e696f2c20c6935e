"""Parties, bank accounts and taxes: what may be printed, and what is refused because it contradicts itself."""

from __future__ import annotations

from decimal import Decimal

import pytest

from pipeline.accounts import BankDetails, Party, Tax, TaxCategory
from pipeline.accounts.billing import REVERSE_CHARGE_TEXT, TAXED_KINDS
from pipeline.accounts.countries import COUNTRIES
from pipeline.accounts.parties import refuse_unknown_language
from pipeline.base.errors import ConfigurationError
from pipeline.invoicing.lines import LineKind

NO_COUNTRIES = {"AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "XK", "ZZ"}
"""What CLDR names too: islands, unions and pseudo-locales with codes that ISO 3166-1 reserves or leaves to users."""


def test_the_countries_are_those_that_cldr_names_but_for_what_is_none() -> None:
    assert len(COUNTRIES) == 249
    territories = pytest.importorskip("babel").Locale("en").territories
    assert {code for code in territories if len(code) == 2} - NO_COUNTRIES == COUNTRIES


def test_a_structured_address_is_printed_by_its_parts_and_free_text_as_it_is() -> None:
    parts = Party(street="Weg 2", additional_street="Hof", postcode="20095", city="Hamburg", country="DE")
    assert parts.address_lines == ("Weg 2", "Hof", "20095 Hamburg", "DE")
    assert parts.locality_lines == ("Weg 2", "Hof", "20095 Hamburg")
    assert Party(city="Austin", region="TX").address_lines == ("Austin", "TX")
    assert Party(address="Weg 2\n\n20095 Hamburg", country="DE").address_lines == ("Weg 2", "20095 Hamburg")
    assert Party(name="Nobody", country="DE").address_lines == ()


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({"country": "Germany"}, "country is 'Germany'; write its two letters by ISO 3166-1, such as DE"),
        ({"country": "UK"}, "country is 'UK'"),
        ({"address": "Weg 2", "city": "Hamburg"}, "address stands beside street, postcode or city"),
        ({"electronic_address": "1"}, "electronic_address_scheme is ''; write both or neither"),
        ({"electronic_address": "1", "electronic_address_scheme": "9930x"}, "write a code of the EAS list"),
        ({"electronic_address": "a b", "electronic_address_scheme": "0204"}, "no address of the scheme 0204"),
        ({"electronic_address": "nobody", "electronic_address_scheme": "EM"}, "no address of the scheme EM"),
        ({"email": "nobody"}, "email is 'nobody'; write an address such as"),
        ({"city": "\0"}, "city cannot be printed"),
    ],
)
def test_a_party_that_cannot_be_meant_is_refused(stated: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigurationError, match=told):
        Party(**stated)


def test_electronic_addresses_of_each_kind_of_scheme_are_taken() -> None:
    for scheme, address in (("0204", "991-12345-67"), ("9930", "DE123456789"), ("EM", "post@example.com")):
        assert Party(electronic_address=address, electronic_address_scheme=scheme).electronic_address == address


def test_an_iban_is_known_by_its_check_digits() -> None:
    assert BankDetails(iban="de89 3704 0044 0532 0130 00", bic="cobadeff").iban == "DE89370400440532013000"
    assert BankDetails(iban="GB82WEST12345698765432").iban_text == "GB82 WEST 1234 5698 7654 32"
    assert BankDetails(bank="Routing 021000021, account 42").iban_text == ""
    for iban in ("DE88370400440532013000", "DE89370400440532013001", "DE89", "1289370400440532013000"):
        with pytest.raises(ConfigurationError, match="whose check digits do not fit"):
            BankDetails(iban=iban)
    with pytest.raises(ConfigurationError, match="a BIC has 8 or 11 letters"):
        BankDetails(bic="COBADE")


def test_a_language_is_one_that_invoices_are_written_in_with_any_region() -> None:
    for language in ("en", "de-AT", "fr-CA"):
        refuse_unknown_language(language)
    for language in ("es", "German", "de_AT", "", "DE"):
        with pytest.raises(ConfigurationError, match="write one of en, de, fr"):
            refuse_unknown_language(language)


def test_the_category_of_a_tax_follows_from_its_rate_where_it_is_not_named() -> None:
    assert Tax(rate=Decimal(19)).category is TaxCategory.STANDARD
    assert Tax().category is TaxCategory.ZERO
    reversed_charge = Tax(reverse_charge=True)
    assert (reversed_charge.category, reversed_charge.reason) == (TaxCategory.REVERSE_CHARGE, REVERSE_CHARGE_TEXT)
    assert Tax(category=TaxCategory.REVERSE_CHARGE) == reversed_charge
    assert Tax(rate=Decimal(19), text="Thank you").reason == ""


def test_a_reversed_charge_that_names_a_rate_as_it_could_charges_nothing() -> None:
    tax = Tax(rate=Decimal(19), reverse_charge=True)
    assert (tax.category, tax.charged_rate, tax.is_charged) == (TaxCategory.REVERSE_CHARGE, 0, False)


@pytest.mark.parametrize("category", [TaxCategory.REVERSE_CHARGE, TaxCategory.ZERO, TaxCategory.EXEMPT, "O"])
def test_a_category_that_charges_nothing_has_no_rate(category: str) -> None:
    with pytest.raises(ConfigurationError, match="S is charged at a rate above 0, and AE, Z, E and O at none"):
        Tax(category=TaxCategory(category), rate=Decimal(19), text="why")


def test_contradictions_of_a_tax_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="category is S and rate is 0"):
        Tax(category=TaxCategory.STANDARD)
    with pytest.raises(ConfigurationError, match="a reversed charge is of the category AE"):
        Tax(category=TaxCategory.EXEMPT, reverse_charge=True, text="why")
    for category in (TaxCategory.EXEMPT, TaxCategory.OUTSIDE_SCOPE):
        with pytest.raises(ConfigurationError, match=f"the tax category {category} lacks its text"):
            Tax(category=category)
    with pytest.raises(ConfigurationError, match="reason_code is 'VATEX-EU-AE' with the category S"):
        Tax(rate=Decimal(19), reason_code="VATEX-EU-AE")
    with pytest.raises(ConfigurationError, match="reason_code is 'because'"):
        Tax(category=TaxCategory.EXEMPT, text="why", reason_code="because")
    with pytest.raises(ConfigurationError, match="by_kind names 'tax'; name kinds of lines that are taxed: usage"):
        Tax(rate=Decimal(19), by_kind=(("tax", Tax()),))
    with pytest.raises(ConfigurationError, match="S is charged at a rate above 0"):
        Tax(rate=Decimal(19), reverse_charge=True, by_kind=(("fee", Tax()),))


def test_every_kind_of_line_may_have_a_tax_but_those_that_have_that_of_another_or_none() -> None:
    other = {LineKind.INCLUDED, LineKind.LIMIT, LineKind.COUPON, LineKind.CORRECTION, LineKind.CREDIT}
    other |= {LineKind.OVERAGE, LineKind.REDUCTION, LineKind.TAX}
    assert set(TAXED_KINDS) == {kind.value for kind in LineKind} - {kind.value for kind in other}
