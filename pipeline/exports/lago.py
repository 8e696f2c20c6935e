"""Invoices as one-off invoices of Lago: each line has the body of one ``POST /api/v1/invoices``, and a key.

Source: Lago's API reference, *Create a one-off invoice* and *Create a credit note*, and its list of currencies. What
Lago cannot take is left out and named: its fees are never below zero, and its credit notes name the ids that it has
given to its own invoices and fees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.base.errors import ExportRefused
from pipeline.base.money import minor_unit_digits, plain_amount
from pipeline.base.periods import instant_text
from pipeline.exports.hand_over import Per, items, json_lines, key_of, minor_units
from pipeline.invoicing.invoice import InvoiceStatus, credited_by

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pipeline.exports.hand_over import Item
    from pipeline.invoicing import Invoice

ADD_ON_DEFAULT = "tallybook"
_SYSTEM = "Lago"
_NAME_CHARACTERS_MAX = 255
_CURRENCIES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BIF BMD BND BOB BRL BSD BWP BYN BZD CAD CDF CHF CLP CNY COP "
    "CRC CVE CZK DJF DKK DOP DZD EGP ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG IDR ILS INR ISK JMD "
    "JPY KES KGS KHR KMF KRW KYD KZT LAK LBP LKR LRD LSL MAD MDL MKD MMK MNT MOP MUR MVR MWK MXN MYR MZN NAD NGN NIO "
    "NOK NPR NZD PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SEK SGD SHP SOS SRD SZL THB TJS TOP TRY "
    "TTD TWD TZS UAH UGX USD UYU UZS VND VUV WST XAF XCD XOF XPF YER ZAR ZMW"
)
"""Those of Lago's list whose minor unit is that of ISO 4217 in the library that Lago counts with; so not HUF and MGA,
which have none there, and CLF, whose unit there is said in two ways."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LagoInvoices:
    """What Lago can take, and what it cannot."""

    taken: tuple[Invoice, ...]
    bodies: tuple[dict[str, Any], ...]
    left_out: tuple[str, ...]
    """One sentence for each invoice or credit note: which, why, and what to do."""


def one_off_invoices(
    invoices: Sequence[Invoice], *, customers: Mapping[str, str], add_on: str, with_tax: bool, per: Per
) -> LagoInvoices:
    """Return the one-off invoices of issued invoices; ``customers`` are Lago's external ids, by account id.

    An invoice with a line below zero has one fee, of its sum. Raises ``ExportRefused`` for a currency whose unit at
    Lago is not known.
    """
    credited = credited_by(invoices)
    taken, bodies, left_out = [], [], []
    for invoice in invoices:
        sum_to_pay = invoice.total if with_tax else invoice.subtotal
        if invoice.status is InvoiceStatus.CREDIT_NOTE:
            left_out.append(
                f"{invoice.id} is a credit note of {invoice.credits_invoice}; if that was handed over, credit "
                f"{plain_amount(-sum_to_pay, invoice.currency)} {invoice.currency} on its invoice in Lago"
            )
        elif invoice.id in credited:
            left_out.append(f"{invoice.id} was taken back by {credited[invoice.id]}")
        elif sum_to_pay < 0:
            left_out.append(
                f"{invoice.id} is {plain_amount(sum_to_pay, invoice.currency)} {invoice.currency}, and no invoice of "
                "Lago is below zero; credit it on an earlier one in Lago"
            )
        else:
            taken.append(invoice)
            bodies.extend(_bodies(invoice, customers[invoice.account_id], add_on, with_tax=with_tax, per=per))
    return LagoInvoices(taken=tuple(taken), bodies=tuple(bodies), left_out=tuple(left_out))


def lago_jsonl(bodies: Iterable[dict[str, Any]]) -> bytes:
    """Write one-off invoices, one a line."""
    return json_lines(bodies)


def _bodies(invoice: Invoice, customer: str, add_on: str, *, with_tax: bool, per: Per) -> list[dict[str, Any]]:
    found = items(invoice, with_tax=with_tax, per=per)
    if any(item.amount < 0 for item in found):
        found = items(invoice, with_tax=with_tax, per=Per.INVOICE)
    if not found:
        return []
    if invoice.currency not in _CURRENCIES.split():
        message = (
            f"{invoice.id} is in {invoice.currency}, whose unit at Lago is not known for certain; "
            "collect this invoice otherwise"
        )
        raise ExportRefused(message)
    body: dict[str, Any] = {"external_customer_id": customer, "currency": invoice.currency}
    if invoice.purchase_order:
        body["purchase_order_number"] = invoice.purchase_order
    body["fees"] = [_fee(item, invoice.currency, add_on) for item in found]
    return [{"idempotency_key": key_of(invoice.id), "invoice": body}]


def _fee(item: Item, currency: str, add_on: str) -> dict[str, Any]:
    return {
        "add_on_code": add_on,
        "invoice_display_name": item.description[:_NAME_CHARACTERS_MAX],
        "description": item.key,
        "units": "1",
        "unit_amount_cents": minor_units(item, currency, digits=minor_unit_digits(currency), system=_SYSTEM),
        "from_datetime": instant_text(item.from_at),
        "to_datetime": instant_text(item.to_at),
    }
