"""Every code that people can write is one that the rules of EN 16931 know, or is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from e_invoice_rules import broken_rules
from e_invoices import BIRKE, SELLER, issued, usage_line

from pipeline.accounts import Letterhead, Tax, TaxCategory
from pipeline.accounts.countries import COUNTRIES
from pipeline.base import money
from pipeline.base.errors import RenderingRefused
from pipeline.documents.einvoice.codes import (
    ELECTRONIC_ADDRESS_SCHEMES,
    EXEMPTION_REASONS,
    UNLISTED_CURRENCIES,
)
from pipeline.documents.einvoice.required import FRACTION_DIGITS_MAX
from pipeline.documents.einvoice.syntaxes import cii_invoice, ubl_invoice

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice

CURRENCIES = {code for code in money._MINOR_UNIT_DIGITS if code not in UNLISTED_CURRENCIES}  # noqa: SLF001
EXEMPT = Tax(category=TaxCategory.EXEMPT, text="Exempt")


def broken(invoice: Invoice) -> list[str]:
    return broken_rules(ubl_invoice(invoice)) + broken_rules(cii_invoice(invoice))


def invoice_of(scheme: str = "EM", country: str = "DE", reason_code: str = "", currency: str = "EUR") -> Invoice:
    address = "invoices@tally.example" if scheme == "EM" else "123456789"
    seller = replace(SELLER, electronic_address=address, electronic_address_scheme=scheme, country=country)
    buyer = replace(BIRKE.buyer, country=country)
    account = replace(BIRKE, buyer=buyer, tax=replace(EXEMPT, reason_code=reason_code))
    lines = [usage_line(5_000_000, "2", currency=currency)]
    return issued(lines, account=account, letterhead=Letterhead(seller=seller), currency=currency)


@pytest.mark.slow
def test_the_rules_know_every_country_scheme_reason_and_currency_that_is_written() -> None:
    assert {code for code in COUNTRIES if broken(invoice_of(country=code))} == set()
    assert {code for code in ELECTRONIC_ADDRESS_SCHEMES if broken(invoice_of(scheme=code))} == set()
    assert {code for code in EXEMPTION_REASONS if broken(invoice_of(reason_code=code))} == set()
    two_digits = {code for code in CURRENCIES if money.minor_unit_digits(code) <= FRACTION_DIGITS_MAX}
    assert len(two_digits) > len(CURRENCIES) * 9 // 10
    assert {code for code in two_digits if broken(invoice_of(currency=code))} == set()


@pytest.mark.parametrize(
    ("invoice", "what"),
    [
        (invoice_of(scheme="9999"), "electronic_address_scheme of the EAS list .not '9999'."),
        (invoice_of(reason_code="VATEX-EU-NONE"), "reason_code of the VATEX list .not 'VATEX-EU-NONE'."),
        *((invoice_of(currency=code), f"{code} is no currency of EN 16931") for code in sorted(UNLISTED_CURRENCIES)),
    ],
)
def test_other_codes_are_refused(invoice: Invoice, what: str) -> None:
    with pytest.raises(RenderingRefused, match=what):
        ubl_invoice(invoice)
