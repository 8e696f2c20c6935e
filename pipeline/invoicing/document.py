"""The JSON form of an invoice: complete, exact, and refused where it contradicts itself.

What most invoices do not have (tax, a due date, corrections …) is only in the documents of those that have it.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pipeline.accounts import LANGUAGE_DEFAULT, BankDetails, ExchangeRate, Party, Tax, TaxCategory
from pipeline.base.errors import LogEntryRefused, TallybookError
from pipeline.base.money import Rounding, decimal_from_plain, plain, plain_rate
from pipeline.base.periods import BillingPeriod, parse_date
from pipeline.invoicing.invoice import Invoice, InvoiceStatus
from pipeline.invoicing.lines import InvoiceLine, LineKind
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DOCUMENT_FORMAT = "tallybook-invoice/1"


def invoice_document(invoice: Invoice) -> dict[str, Any]:
    """Return the invoice as JSON values: numbers of money are plain decimal strings, counts are integers.

    Complete: ``invoice_from_document`` gives an equal invoice back, from which every export can be written again.
    """
    return {
        "format": DOCUMENT_FORMAT,
        "invoice_id": invoice.id,
        "status": invoice.status.value,
        "number": invoice.number,
        "account_id": invoice.account_id,
        "account_name": invoice.account_name,
        "period": str(invoice.period),
        "timezone": invoice.timezone,
        "period_start": invoice.period_start,
        "period_end": invoice.period_end,
        "currency": invoice.currency,
        "rounding": invoice.rounding.value,
        "subtotal": plain(invoice.subtotal),
        "total": plain(invoice.total),
        "residual": plain(invoice.residual),
        "lines": [_line_document(line) for line in invoice.lines],
    } | _stated(
        tax=None if invoice.tax is None else _tax_document(invoice.tax),
        correction_tax_text=invoice.correction_tax_text or None,
        correction_taxes={
            str(period): None if tax is None else _tax_document(tax) for period, tax in invoice.correction_taxes
        }
        or None,
        seller=_texts(invoice.seller),
        bank=_texts(invoice.bank),
        buyer=_texts(invoice.buyer),
        buyer_reference=invoice.buyer_reference or None,
        purchase_order=invoice.purchase_order or None,
        payment_terms_days=invoice.payment_terms_days,
        payment_terms=invoice.payment_terms or None,
        issue_date=invoice.issue_date.isoformat() if invoice.issue_date else None,
        due_date=invoice.due_date.isoformat() if invoice.due_date else None,
        note=invoice.note or None,
        language=None if invoice.language == LANGUAGE_DEFAULT else invoice.language,
        credits_invoice=invoice.credits_invoice or None,
        credit_reason=invoice.credit_reason or None,
        accounts=_accounts_document(invoice) if invoice.children else None,
    )


def invoice_from_document(document: Mapping[str, Any]) -> Invoice:
    """Read an invoice back from its document; keys it does not know are left to others (a register adds its chain).

    Raises ``LogEntryRefused`` where a field is missing or wrong, or where a stated sum is not the sum of the lines.
    """
    try:
        invoice = Invoice(
            id=document["invoice_id"],
            status=InvoiceStatus(document["status"]),
            number=document["number"],
            account_id=document["account_id"],
            account_name=document["account_name"],
            period=BillingPeriod.parse(document["period"]),
            timezone=document["timezone"],
            currency=document["currency"],
            rounding=Rounding(document["rounding"]),
            lines=tuple(_line_from_document(line) for line in document["lines"]),
            tax=_tax_from_document(document["tax"]) if "tax" in document else None,
            correction_tax_text=document.get("correction_tax_text", ""),
            correction_taxes=tuple(
                (BillingPeriod.parse(period), None if tax is None else _tax_from_document(tax))
                for period, tax in document.get("correction_taxes", {}).items()
            ),
            seller=Party(**document.get("seller", {})),
            bank=BankDetails(**document.get("bank", {})),
            buyer=Party(**document.get("buyer", {})),
            buyer_reference=document.get("buyer_reference", ""),
            purchase_order=document.get("purchase_order", ""),
            payment_terms_days=document.get("payment_terms_days"),
            payment_terms=document.get("payment_terms", ""),
            issue_date=parse_date(document["issue_date"]) if "issue_date" in document else None,
            due_date=parse_date(document["due_date"]) if "due_date" in document else None,
            note=document.get("note", ""),
            language=document.get("language", LANGUAGE_DEFAULT),
            credits_invoice=document.get("credits_invoice", ""),
            credit_reason=document.get("credit_reason", ""),
            children=tuple((each["account_id"], each["account_name"]) for each in document.get("accounts", [])[1:]),
        )
        again = invoice_document(invoice)
    except KeyError as missing:
        raise LogEntryRefused(_refusal(document, f"its field {missing} is missing")) from missing
    except (TallybookError, ValueError, TypeError, AttributeError) as wrong:
        raise LogEntryRefused(_refusal(document, str(wrong))) from wrong
    for name, value in again.items():
        if document.get(name) != value:
            raise LogEntryRefused(_refusal(document, f"its {name} is not what its other fields say"))
    return invoice


def accounts_of(document: Mapping[str, Any]) -> set[str]:
    """Return the ids of the accounts that a document has lines of, and of the invoiced one."""
    return {document["account_id"], *(each["account_id"] for each in document.get("accounts", ()))}


def taken_back(documents: Iterable[Mapping[str, Any]]) -> set[str]:
    """Return the ids of the invoices that credit notes take back in full."""
    return {
        document["credits_invoice"]
        for document in documents
        if "credits_invoice" in document and "credit_reason" not in document
    }


def _accounts_document(invoice: Invoice) -> list[dict[str, str]]:
    """Say of each account of an invoice what its lines come to before tax, the invoiced one first."""
    return [
        {"account_id": each.account_id, "account_name": each.account_name, "subtotal": plain(each.subtotal)}
        for each in invoice.subtotals
    ]


def _line_document(line: InvoiceLine) -> dict[str, Any]:
    return {
        "line": line.number,
        "kind": line.kind.value,
        "api_key_id": line.api_key_id,
        "model": line.model,
        "service_tier": line.service_tier,
        "meter": line.meter.value if line.meter else None,
        "quantity": line.quantity,
        "rate_per_million": None if line.rate_per_million is None else plain(line.rate_per_million),
        "first_usage_date": line.first_usage_date.isoformat() if line.first_usage_date else None,
        "exact_amount": plain(line.exact_amount),
        "amount": plain(line.amount),
        "description": line.description,
    } | _stated(
        list_rate_per_million=None if line.list_rate_per_million is None else plain(line.list_rate_per_million),
        package_tokens=line.package_tokens,
        flat_amount=None if line.flat_amount is None else plain(line.flat_amount),
        exchange=None if line.exchange is None else _exchange_document(line, line.exchange),
        entry=line.entry or None,
        item=line.item or None,
        period=str(line.period) if line.period else None,
        original_period=str(line.original_period) if line.original_period else None,
        original_kind=line.original_kind.value if line.original_kind else None,
        taxed_as=line.taxed_as.value if line.taxed_as else None,
        credits_line=line.credits_line,
        credit_id=line.credit_id or None,
        tags=line.tags or None,
        account_id=line.account_id or None,
        tax_category=None if line.tax_category is None else line.tax_category.value,
        tax_rate=None if line.tax_rate is None else plain(line.tax_rate),
        tax_base=None if line.tax_base is None else plain(line.tax_base),
    )


def _line_from_document(document: Mapping[str, Any]) -> InvoiceLine:
    rate, list_rate, flat_amount, tax_rate, tax_base = (
        None if document.get(name) is None else decimal_from_plain(document[name])
        for name in ("rate_per_million", "list_rate_per_million", "flat_amount", "tax_rate", "tax_base")
    )
    period, kind, category = (document.get(name) for name in ("original_period", "original_kind", "tax_category"))
    taxed_as = document.get("taxed_as")
    own_period = document.get("period")
    return InvoiceLine(
        number=document["line"],
        kind=LineKind(document["kind"]),
        api_key_id=document["api_key_id"],
        model=document["model"],
        service_tier=document["service_tier"],
        meter=None if document["meter"] is None else Meter(document["meter"]),
        quantity=document["quantity"],
        rate_per_million=rate,
        first_usage_date=None if document["first_usage_date"] is None else parse_date(document["first_usage_date"]),
        exact_amount=decimal_from_plain(document["exact_amount"]),
        amount=decimal_from_plain(document["amount"]),
        description=document["description"],
        list_rate_per_million=list_rate,
        package_tokens=document.get("package_tokens"),
        flat_amount=flat_amount,
        exchange=_exchange_from_document(document["exchange"]) if "exchange" in document else None,
        entry=document.get("entry", ""),
        item=document.get("item", ""),
        period=None if own_period is None else BillingPeriod.parse(own_period),
        original_period=None if period is None else BillingPeriod.parse(period),
        original_kind=None if kind is None else LineKind(kind),
        taxed_as=None if taxed_as is None else LineKind(taxed_as),
        credits_line=document.get("credits_line"),
        credit_id=document.get("credit_id", ""),
        tags=document.get("tags", ""),
        account_id=document.get("account_id", ""),
        tax_category=None if category is None else TaxCategory(category),
        tax_rate=tax_rate,
        tax_base=tax_base,
    )


def _exchange_document(line: InvoiceLine, exchange: ExchangeRate) -> dict[str, str]:
    """Return a rate of exchange, and what the line's rate, or its flat amount, was in the currency of the price."""
    converted = line.rate_per_million if line.flat_amount is None else line.flat_amount
    before = None if converted is None else plain_rate(exchange.before(converted))
    name = "rate_per_million" if line.flat_amount is None else "flat_amount"
    stated = {"currency": exchange.currency, "rate": plain(exchange.rate), "date": exchange.on.isoformat()}
    return stated | _stated(**{name: before})


def _exchange_from_document(document: Mapping[str, Any]) -> ExchangeRate:
    return ExchangeRate(
        currency=document["currency"], rate=decimal_from_plain(document["rate"]), on=parse_date(document["date"])
    )


def _tax_document(tax: Tax) -> dict[str, Any]:
    is_named = tax.category is not tax.category_by_rate
    return {
        "rate": plain(tax.rate),
        "label": tax.label,
        "reverse_charge": tax.reverse_charge,
        "text": tax.text,
    } | _stated(
        category=tax.category.value if is_named else None,
        reason_code=tax.reason_code or None,
        by_kind={kind: _tax_document(named) for kind, named in tax.by_kind} or None,
    )


def _tax_from_document(document: Mapping[str, Any]) -> Tax:
    category = {"category": TaxCategory(document["category"])} if "category" in document else {}
    return Tax(
        rate=decimal_from_plain(document["rate"]),
        label=document["label"],
        reverse_charge=document["reverse_charge"],
        text=document["text"],
        reason_code=document.get("reason_code", ""),
        by_kind=tuple((kind, _tax_from_document(named)) for kind, named in document.get("by_kind", {}).items()),
        **category,
    )


def _texts(stated: Party | BankDetails) -> dict[str, str] | None:
    """Return what is said of a party or a bank account, by the names of its fields."""
    return {each.name: text for each in fields(stated) if (text := getattr(stated, each.name))} or None


def _stated(**values: Any) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _refusal(document: Mapping[str, Any], what: str) -> str:
    return (
        f"the document of invoice {document.get('invoice_id')!r} is refused: {what}; "
        "restore it from a backup, issued invoices never change"
    )
