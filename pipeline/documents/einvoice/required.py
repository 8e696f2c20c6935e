"""What an invoice must say for an e-invoice to be made of it, and what no e-invoice can say.

Owns the refusals: all that is missing at once, each with where it is written. Does not own how any of it is written.
What is frozen is never changed: a fact that is missing comes with the next document.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.accounts import TaxCategory
from pipeline.base.errors import RenderingRefused
from pipeline.base.money import (
    Rounding,
    exact_arithmetic,
    exact_sum,
    minor_unit_digits,
    normalised,
    plain,
    rounded_to_minor_unit,
)
from pipeline.documents.einvoice.codes import ELECTRONIC_ADDRESS_SCHEMES, EXEMPTION_REASONS, UNLISTED_CURRENCIES
from pipeline.documents.einvoice.parties import is_vat_id
from pipeline.documents.einvoice.taxes import vat_rows
from pipeline.invoicing.invoice import InvoiceStatus
from pipeline.invoicing.lines import LineKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.accounts import Party
    from pipeline.documents.einvoice.taxes import VatRow
    from pipeline.invoicing import Invoice

FRACTION_DIGITS_MAX = 2
"""Of amounts of a document and of its lines (BR-DEC-01 to BR-DEC-28)."""
_PERCENT_MIN = Decimal("0.5")
_DEVIATION_MAX = Decimal(1)
"""What the validators of EN 16931 allow a tax to be away from its base times its rate, and not quite that."""


def refuse_insufficient(invoice: Invoice) -> None:
    """Raise ``RenderingRefused`` for what no e-invoice can be made of; the message says why, and its reader which."""
    if invoice.status is InvoiceStatus.DRAFT:
        message = "an e-invoice has a number, and a draft has none yet; issue it first"
        raise RenderingRefused(message)
    impossible = "; ".join(_impossible(invoice))
    if impossible:
        raise RenderingRefused(impossible)
    missing: dict[str, list[str]] = {}
    for place, what in _missing(invoice):
        missing.setdefault(place, []).append(what)
    if missing:
        places = "; ".join(f"{place}: {', '.join(what)}" for place, what in missing.items())
        message = (
            f"an e-invoice needs, {places}. Write it, and the next document has it; an issued one never changes: void "
            "it and issue it again if it has to be an e-invoice"
        )
        raise RenderingRefused(message)


def _impossible(invoice: Invoice) -> Iterator[str]:
    """Yield what EN 16931 has no way to say."""
    if minor_unit_digits(invoice.currency) > FRACTION_DIGITS_MAX:
        yield (
            f"amounts in {invoice.currency} have {minor_unit_digits(invoice.currency)} decimal places, "
            f"and EN 16931 has {FRACTION_DIGITS_MAX} at most; send another format"
        )
    if invoice.currency in UNLISTED_CURRENCIES:
        yield f"{invoice.currency} is no currency of EN 16931 (BR-CL-04)"
    if not any(line.kind not in (LineKind.CREDIT, LineKind.TAX) for line in invoice.lines):
        yield "an e-invoice has a line, and nothing was supplied on any of this (BR-16)"
    rows = _rows(invoice)
    if any(row.category is TaxCategory.OUTSIDE_SCOPE for row in rows) and len(rows) > 1:
        yield "lines outside the scope of VAT (category O) stand beside taxed ones (BR-O-11); bill them apart"
    for row in rows:
        if 0 < row.rate < _PERCENT_MIN and row.amount:
            yield f"a rate of {row.rate} percent is below {_PERCENT_MIN}, which validators take for none (BR-CO-17)"
        elif not _is_tax_of_its_base(row):
            yield (
                f"a printed tax of {plain(row.amount)} is not {plain(row.rate)} percent of {plain(row.base)} to within "
                f"1 {invoice.currency} (BR-CO-17), since roundings to the minor unit add up in it; send another format"
            )


def _is_tax_of_its_base(row: VatRow) -> bool:
    """Say whether a printed tax is its base's by the validators: less than 1.00 away, to two decimal places.

    Each printed tax is rounded once, by at most half a minor unit. But taxes of one rate and other words share a row,
    and what takes back the rest of an invoice that was credited in part has the rest of its tax, so that none stays
    open: roundings add up. Without decimal places (JPY) two of them may come to 1.
    """
    with exact_arithmetic():
        exact = normalised(row.base * row.rate / 100)
    of_base = rounded_to_minor_unit(exact, "EUR", Rounding.HALF_UP)
    return abs(exact_sum([row.amount, -of_base])) < _DEVIATION_MAX


def _missing(invoice: Invoice) -> Iterator[tuple[str, str]]:
    """Yield where something must be written that is missing, and what."""
    if invoice.issue_date is None:
        yield "from the program that issued it", "an issue date, which was not frozen yet"
    categories = {row.category for row in _rows(invoice)}
    of_seller = _missing_of_seller(invoice.seller, is_outside=TaxCategory.OUTSIDE_SCOPE in categories)
    yield from (("in [seller] of tallybook.toml", what) for what in of_seller)
    of_buyer = _missing_of_buyer(invoice.buyer, is_reversed=TaxCategory.REVERSE_CHARGE in categories)
    yield from ((f'in [accounts.buyer] of account "{invoice.account_id}"', what) for what in of_buyer)
    yield from ((f'in account "{invoice.account_id}" of accounts.toml', what) for what in _missing_of_account(invoice))


def _missing_of_seller(seller: Party, *, is_outside: bool) -> Iterator[str]:
    """Yield what the seller lacks; a VAT id says who it is, but outside the scope of VAT none is stated (BR-CO-26)."""
    if not seller.name.strip():
        yield "name"
    yield from _missing_of_party(seller)
    if not is_outside and not seller.tax_id.strip():
        yield "tax_id"
    elif (is_outside or not is_vat_id(seller.tax_id)) and not seller.registration_id.strip():
        yield "registration_id (no VAT id says who it is)"


def _missing_of_buyer(buyer: Party, *, is_reversed: bool) -> Iterator[str]:
    """Yield what the buyer lacks; whoever owes a reversed charge is known by an id (BR-AE-02)."""
    yield from _missing_of_party(buyer)
    if is_reversed and not (is_vat_id(buyer.tax_id) or buyer.registration_id.strip()):
        yield "tax_id (a VAT id) or registration_id (its charge is reversed)"


def _missing_of_party(party: Party) -> Iterator[str]:
    yield from (key for key in ("city", "country") if not getattr(party, key).strip())
    scheme = party.electronic_address_scheme
    if scheme and scheme not in ELECTRONIC_ADDRESS_SCHEMES:
        yield f"electronic_address_scheme of the EAS list (not {scheme!r})"


def _missing_of_account(invoice: Invoice) -> Iterator[str]:
    """Yield what the account's tax and terms of payment lack (BR-CO-4, BR-CL-22, BR-CO-25)."""
    rows = _rows(invoice)
    if not rows:
        yield "tax (with category and text where none is charged)"
    unknown = [code for row in rows for code in row.reason_codes if code not in EXEMPTION_REASONS]
    yield from (f"reason_code of the VATEX list (not {code!r})" for code in unknown)
    is_payable = invoice.total > 0 and not invoice.credits_invoice
    if is_payable and not (invoice.due_date or invoice.payment_terms.strip()):
        yield "payment_terms_days or payment_terms"


def _rows(invoice: Invoice) -> list[VatRow]:
    """Return the breakdown of VAT; none where the invoice does not say it, or has lines without a tax."""
    try:
        return vat_rows(invoice)
    except ValueError:
        return []
