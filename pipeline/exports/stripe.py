"""Invoices as invoice items of Stripe: each line has the parameters of one ``POST /v1/invoiceitems``.

Source: Stripe's API reference, *Create an invoice item* and *Idempotent requests*, and its page *Supported currencies*.
An amount below zero reduces what is due, so credits, corrections and credit notes are items too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.base.errors import AccountsError, ExportRefused
from pipeline.base.money import minor_unit_digits
from pipeline.exports.hand_over import items, json_lines, minor_units

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pipeline.exports.hand_over import Item, Per
    from pipeline.invoicing import Invoice

ITEMS_MAX = 250
"""Of one invoice of Stripe."""
_SYSTEM = "Stripe"
_TWO_DIGITS = 2
_WHOLE = "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF"
"""Its zero-decimal currencies. UGX is on that list too, and below as the special cases of the same page have it."""
_WHOLE_IN_HUNDREDTHS = frozenset({"ISK", "UGX"})
"""Written with two decimals that must be 00: 5 ISK are 500."""
_THOUSANDTHS = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
"""Three decimals, of which the last must be 0: 5.120 KWD are 5120."""


def invoice_items(
    invoices: Iterable[Invoice], *, customers: Mapping[str, str], with_tax: bool, per: Per
) -> list[dict[str, Any]]:
    """Return the invoice items of issued invoices and credit notes; ``customers`` are Stripe's, by account id.

    Raises ``AccountsError`` for an account without one, ``ExportRefused`` for an amount or a currency that Stripe
    cannot take, and for more items than an invoice of Stripe may have.
    """
    return [each for invoice in invoices for each in _of_invoice(invoice, customers, with_tax=with_tax, per=per)]


def stripe_jsonl(objects: Iterable[dict[str, Any]]) -> bytes:
    """Write invoice items, one a line."""
    return json_lines(objects)


def _of_invoice(
    invoice: Invoice, customers: Mapping[str, str], *, with_tax: bool, per: Per
) -> Iterable[dict[str, Any]]:
    found = items(invoice, with_tax=with_tax, per=per)
    if len(found) > ITEMS_MAX:
        message = (
            f"{invoice.id} has {len(found)} lines, and an invoice of Stripe takes {ITEMS_MAX} items at most; "
            "export it with --per invoice"
        )
        raise ExportRefused(message)
    customer = customers.get(invoice.account_id, "")
    if found and not customer:
        message = (
            f"account {invoice.account_id!r} has no stripe_customer, and {invoice.id} is its invoice; "
            f'write stripe_customer = "cus_…" into its [[accounts]] in accounts.toml, or export others with --account'
        )
        raise AccountsError(message)
    return [_parameters(item, invoice, customer) for item in found]


def _parameters(item: Item, invoice: Invoice, customer: str) -> dict[str, Any]:
    digits, multiple_of = _unit(invoice.currency)
    about = {
        "tallybook_invoice": invoice.id,
        "tallybook_line": "" if item.line is None else str(item.line),
        "tallybook_kind": item.kind,
        "tallybook_period": str(item.period),
        "tallybook_account": invoice.account_id,
        "tallybook_usage_account": item.account[0] if item.account else "",
        "tallybook_credits": invoice.credits_invoice,
    }
    return {
        "idempotency_key": item.key,
        "customer": customer,
        "currency": invoice.currency.lower(),
        "amount": minor_units(item, invoice.currency, digits=digits, multiple_of=multiple_of, system=_SYSTEM),
        "description": item.description,
        "discountable": False,  # else a coupon of Stripe's would change what is printed
        "period": {"start": int(item.from_at.timestamp()), "end": int(item.to_at.timestamp())},
        "metadata": {name: value for name, value in about.items() if value},
    }


def _unit(currency: str) -> tuple[int, int]:
    """Return the decimals of Stripe's amounts in a currency, and of what they must be a multiple."""
    if currency in _WHOLE.split():
        return 0, 1
    if currency in _WHOLE_IN_HUNDREDTHS:
        return _TWO_DIGITS, 100
    if currency in _THOUSANDTHS:
        return 3, 10
    if minor_unit_digits(currency) == _TWO_DIGITS:
        return _TWO_DIGITS, 1
    message = f"{currency} is no currency that Stripe takes; collect these invoices otherwise"
    raise ExportRefused(message)
