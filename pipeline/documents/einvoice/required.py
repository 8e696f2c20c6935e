"""What an invoice must say for an e-invoice to be made of it, and what no e-invoice can say.

Owns the refusals: all that is missing at once, each with where it is written. Does not own how any of it is written.
What is frozen is never changed: a fact that is missing comes with the next document.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.accounts import TaxCategory
from pipeline.base.errors import RenderingRefused
from pipeline.base.money import exact_sum, minor_unit_digits
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


def refuse_insufficient(invoice: Invoice, syntax: str) -> None:
    """Raise ``RenderingRefused`` for what no e-invoice can be made of."""
    if invoice.status is InvoiceStatus.DRAFT:
        message = f"{invoice.id} cannot be written as {syntax}: it is a draft; issue it first, its number is part of it"
        raise RenderingRefused(message)
    impossible = "; ".join(_impossible(invoice))
    if impossible:
        message = f"{invoice.id} cannot be written as {syntax}: {impossible}"
        raise RenderingRefused(message)
    missing = list(_missing(invoice))
    if missing:
        message = (
            f"{invoice.id} cannot be written as {syntax}, it lacks: {'; '.join(missing)}. Write this, and the next "
            "document has it; an issued one never changes, so void and issue again what must be an e-invoice"
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
        yield "it has no line that anything was supplied on (BR-16)"
    rows = _rows(invoice)
    if any(row.category is TaxCategory.OUTSIDE_SCOPE for row in rows) and len(rows) > 1:
        yield "lines outside the scope of VAT (category O) stand beside taxed ones (BR-O-11); bill them apart"
    for row in rows:
        if 0 < row.rate < _PERCENT_MIN and row.amount:
            yield f"its rate of {row.rate} percent is below {_PERCENT_MIN}, which validators take for none (BR-CO-17)"
        elif abs(exact_sum([row.amount, -row.base * row.rate / 100])) >= _DEVIATION_MAX:
            yield f"its printed tax of {row.amount} is not {row.rate} percent of {row.base} (BR-CO-17)"


def _missing(invoice: Invoice) -> Iterator[str]:
    """Yield what must be there, and where it is written."""
    if invoice.issue_date is None:
        yield "an issue date, which the program that issued it did not freeze yet"
    categories = {row.category for row in _rows(invoice)}
    yield from _missing_of_seller(invoice.seller, is_outside=TaxCategory.OUTSIDE_SCOPE in categories)
    where = f'of account "{invoice.account_id}" in accounts.toml'
    yield from (f"{key} in [accounts.buyer] {where}" for key in _missing_of_party(invoice.buyer))
    if not categories:
        yield f"tax {where}, or its category and text where none is charged"
    for code in (code for row in _rows(invoice) for code in row.reason_codes if code not in EXEMPTION_REASONS):
        yield f"a code of the VATEX list, which {code!r} is none of, as reason_code of the tax {where}"
    if TaxCategory.REVERSE_CHARGE in categories and not (
        is_vat_id(invoice.buyer.tax_id) or invoice.buyer.registration_id.strip()
    ):
        yield f"tax_id (its VAT id) or registration_id in [accounts.buyer] {where}, as its charge is reversed"
    is_payable = invoice.total > 0 and not invoice.credits_invoice
    if is_payable and not (invoice.due_date or invoice.payment_terms.strip()):
        yield f"payment_terms_days or payment_terms {where}"


def _missing_of_seller(seller: Party, *, is_outside: bool) -> Iterator[str]:
    """Yield what the seller lacks; a VAT id says who it is, but outside the scope of VAT none is stated (BR-CO-26)."""
    where = "in [seller] of tallybook.toml"
    if not seller.name.strip():
        yield f"name {where}"
    yield from (f"{key} {where}" for key in _missing_of_party(seller))
    if not is_outside and not seller.tax_id.strip():
        yield f"tax_id {where}"
    elif (is_outside or not is_vat_id(seller.tax_id)) and not seller.registration_id.strip():
        yield f"registration_id {where}, as no VAT id says who it is"


def _missing_of_party(party: Party) -> Iterator[str]:
    yield from (key for key in ("city", "country") if not getattr(party, key).strip())
    scheme = party.electronic_address_scheme
    if scheme and scheme not in ELECTRONIC_ADDRESS_SCHEMES:
        yield f"a code of the EAS list, which {scheme!r} is none of, as electronic_address_scheme"


def _rows(invoice: Invoice) -> list[VatRow]:
    """Return the breakdown of VAT; none where the invoice does not say it, or has lines without a tax."""
    try:
        return vat_rows(invoice)
    except ValueError:
        return []
