"""Seller (BG-4) and buyer (BG-7) of an e-invoice, and where it is paid to (BG-16).

Owns which of a party's parts is which term, and that a tax id is a VAT id or another one. Does not own which of them
must be there (``required``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.accounts import TaxCategory
from pipeline.accounts.countries import COUNTRIES
from pipeline.documents.einvoice.text import stated

if TYPE_CHECKING:
    from collections.abc import Collection

    from pipeline.accounts import Party
    from pipeline.documents.einvoice.text import Terms
    from pipeline.invoicing import Invoice

VAT_PREFIXES = COUNTRIES | {"EL", "XI"}
"""What a VAT id begins with (BR-CO-09): the code of a country, EL for Greece, XI for Northern Ireland."""
_PREFIX_LETTERS = 2
_SEPA_CREDIT_TRANSFER, _CREDIT_TRANSFER, _NO_INSTRUMENT = "58", "30", "1"  # of UNTDID 4461
_CURRENCY_OF_SEPA = "EUR"


def is_vat_id(tax_id: str) -> bool:
    """Say whether a tax id has the form of a VAT id; ``12/345/67890`` is another one, such as a German tax number."""
    printed = tax_id.strip()
    return printed[:_PREFIX_LETTERS] in VAT_PREFIXES and any(sign.isdigit() for sign in printed)


def seller_terms(invoice: Invoice, categories: Collection[TaxCategory]) -> Terms:
    """Return the parts of BG-4.

    The tax id is BT-31 where it is a VAT id, else BT-32; outside the scope of VAT it is never BT-31 (BR-O-02).
    """
    seller = invoice.seller
    tax_id = _joined(seller.tax_id)
    is_vat = is_vat_id(tax_id) and TaxCategory.OUTSIDE_SCOPE not in categories
    return _party_terms(seller, seller.name) | stated(
        vat_identifier=tax_id if is_vat else "", tax_identifier="" if is_vat else tax_id
    )


def buyer_terms(invoice: Invoice, categories: Collection[TaxCategory]) -> Terms:
    """Return the parts of BG-7, with the account's id as what the seller calls the buyer (BT-46).

    A tax id that is no VAT id has no term of a buyer, and outside the scope of VAT there is none at all.
    """
    tax_id = _joined(invoice.buyer.tax_id)
    is_vat = is_vat_id(tax_id) and TaxCategory.OUTSIDE_SCOPE not in categories
    return _party_terms(invoice.buyer, invoice.buyer_name) | stated(
        vat_identifier=tax_id if is_vat else "", identifiers={None: invoice.account_id}
    )


def payment_terms(invoice: Invoice) -> Terms:
    """Return BG-16 and its account, of an invoice that asks for money and says where to.

    A transfer within SEPA is one in euro to an IBAN. Without an IBAN, the bank's text says how to pay (BT-82).
    """
    bank = invoice.bank
    if invoice.credits_invoice or invoice.total <= 0 or not (bank.iban or bank.bank):
        return {}
    if not bank.iban:
        return stated(BT_81=_NO_INSTRUMENT, BT_82=bank.bank, BT_83=invoice.id)
    means = _SEPA_CREDIT_TRANSFER if invoice.currency == _CURRENCY_OF_SEPA else _CREDIT_TRANSFER
    holder = bank.account_holder or invoice.seller.name
    return stated(BT_81=means, BT_83=invoice.id, BT_84=bank.iban, BT_85=holder, BT_86=bank.bic)


def _party_terms(party: Party, name: str) -> Terms:
    contact = stated(name=party.contact_name, phone=party.phone, email=party.email)
    return stated(
        name=name,
        addr_l1=party.street,
        addr_l2=party.additional_street,
        postcode=party.postcode,
        city=party.city,
        country_subdivision=party.region,
        country_code=party.country,
        legal_identifier=party.registration_id,
        einvoicing_addr=party.electronic_address,
        einvoicing_addr_schemeid=party.electronic_address_scheme,
        contacts=[contact] if contact else [],
    )


def _joined(tax_id: str) -> str:
    """Take out the blanks with which a VAT id is printed: ``DE 123 456 789``."""
    joined = "".join(tax_id.split())
    return joined if is_vat_id(joined) else tax_id
