"""Invoicing: the charges of one account and billing period → an invoice of numbered lines, and its document.

Owns which charges share a line, the one rounding of each line, the order of lines, totals, ids and the invoice's JSON form.
Does not own what tokens cost (``pipeline.rating``), which number comes next nor where invoices lie (``pipeline.storage``),
nor their CSV (``pipeline.exports``).

Invariants: an invoice is a pure function of charges, account, period and rounding; its total is the sum of its printed
lines; a line is rounded once, however many charges it sums.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipeline.errors import LogEntryRefused, TallybookError
from pipeline.money import Rounding, decimal_from_plain, exact_sum, normalised, plain, plain_rate, rounded_to_minor_unit
from pipeline.periods import BillingPeriod, instant_text, parse_date, time_zone
from pipeline.rating import exact_charge
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from decimal import Decimal

    from pipeline.accounts import Account
    from pipeline.rating import Charge

DOCUMENT_FORMAT = "tallybook-invoice/1"
NUMBER_DIGITS = 6
_METER_ORDER = {meter: order for order, meter in enumerate(Meter)}
_METER_NAMES = {
    Meter.PROMPT: "prompt tokens",
    Meter.PROMPT_CACHED: "cached prompt tokens",
    Meter.PROMPT_CACHE_WRITE: "prompt tokens written to cache",
    Meter.COMPLETION: "completion tokens",
    Meter.REASONING: "reasoning tokens",
    Meter.REQUEST: "requests",
}


class InvoiceStatus(StrEnum):
    """Where an invoice is in its life. A draft is replaced at will, an issued invoice never changes."""

    DRAFT = "draft"
    ISSUED = "issued"


class LineKind(StrEnum):
    """What a line is for. Corrections, tax, credits and fees will be further kinds."""

    USAGE = "usage"
    FEE = "fee"
    """What is charged once for a period with usage: the rate card's monthly fee."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceLine:
    """The tokens of one key, model, service tier, meter and rate. Rates that are numerically equal share a line, whenever they were in force."""

    number: int
    """From 1, in the order of the invoice."""
    kind: LineKind
    api_key_id: str
    model: str
    service_tier: str
    meter: Meter | None
    """None where the line is not for usage."""
    quantity: int
    rate_per_million: Decimal | None
    """None where the line has no rate."""
    first_usage_date: date
    exact_amount: Decimal
    """The sum of the exact charges."""
    amount: Decimal
    """``exact_amount`` rounded once, to the currency's minor unit."""
    description: str
    list_rate_per_million: Decimal | None = None
    """The rate before the discount, or on the card that the account's card extends; None where there is none."""
    package_tokens: int | None = None
    """Size of the packages that were charged; None where every token was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """What one account owes for one billing period."""

    id: str
    """``draft-2026-10-acme``, or prefix and number: ``INV-000001``."""
    status: InvoiceStatus
    number: int | None
    """Place in the workspace's one series of issued invoices, from 1; None for a draft."""
    account_id: str
    account_name: str
    period: BillingPeriod
    timezone: str
    """IANA name of the time zone in which the period was counted."""
    currency: str
    rounding: Rounding
    lines: tuple[InvoiceLine, ...]

    def __post_init__(self) -> None:
        """Refuse an invoice whose parts contradict each other."""
        if (self.status is InvoiceStatus.DRAFT) != (self.number is None):
            message = f"an invoice that is {self.status} cannot have the number {self.number}"
            raise ValueError(message)
        for number, line in enumerate(self.lines, start=1):
            if line.number != number or not isinstance(line.quantity, int):
                message = f"line {number} has the number {line.number!r} and the quantity {line.quantity!r}"
                raise ValueError(message)
            if line.amount != rounded_to_minor_unit(line.exact_amount, self.currency, self.rounding):
                message = f"line {number} prints {line.amount} for an exact amount of {line.exact_amount}, {self.rounding} in {self.currency}"
                raise ValueError(message)

    @property
    def subtotal(self) -> Decimal:
        """The sum of the printed line amounts, before tax."""
        return rounded_to_minor_unit(exact_sum(line.amount for line in self.lines), self.currency, self.rounding)

    @property
    def total(self) -> Decimal:
        """What is to be paid: the subtotal, as long as there is no tax."""
        return self.subtotal

    @property
    def residual(self) -> Decimal:
        """Sum of the exact charges minus the sum of the printed lines: at most half a minor unit per line, either way."""
        return normalised(exact_sum([*(line.exact_amount for line in self.lines), -self.subtotal]))

    @property
    def period_start(self) -> str:
        """First instant of the period, RFC 3339 with the account's offset: ``2026-10-01T00:00:00+03:00``."""
        zone = time_zone(self.timezone)
        return instant_text(self.period.start_at(zone), zone)

    @property
    def period_end(self) -> str:
        """First instant after the period, likewise."""
        zone = time_zone(self.timezone)
        return instant_text(self.period.end_at(zone), zone)


def draft_invoice(
    charges: Iterable[Charge], *, account: Account, period: BillingPeriod, currency: str, rounding: Rounding, monthly_fee: Decimal | None = None
) -> Invoice:
    """Make the draft of an account's invoice from all its charges of one billing period, in any order, and its card's monthly fee.

    31 charges of 0.0108025 USD (4,321 tokens a day at 2.50) are one line of 133,951 tokens and 0.33 USD; rounded every day they would have been 0.31.
    Raises ``ValueError`` for a charge of another account, period or currency.
    """
    by_line: dict[tuple[object, ...], list[Charge]] = {}
    for charge in charges:
        if (charge.account_id, BillingPeriod.of(charge.usage_date), charge.currency) != (account.id, period, currency):
            what = f"a charge of {charge.account_id!r} on {charge.usage_date} in {charge.currency}"
            message = f"{what} is no part of the {period} invoice of {account.id!r} in {currency}"
            raise ValueError(message)
        scope = (charge.api_key_id, charge.model, charge.service_tier, charge.meter)
        key = (*scope, charge.rate_per_million, charge.list_rate_per_million, charge.package_tokens)
        by_line.setdefault(key, []).append(charge)
    lines = [_usage_line(group, currency, rounding) for group in by_line.values() if any(charge.quantity for charge in group)]
    fees = [] if monthly_fee is None else [_fee_line(monthly_fee, period, currency, rounding)]
    return Invoice(
        id=f"draft-{period}-{account.id}",
        status=InvoiceStatus.DRAFT,
        number=None,
        account_id=account.id,
        account_name=account.name,
        period=period,
        timezone=account.timezone,
        currency=currency,
        rounding=rounding,
        lines=tuple(replace(line, number=number) for number, line in enumerate([*sorted(lines, key=_line_order), *fees], start=1)),
    )


def issued_invoice(draft: Invoice, *, number: int, prefix: str) -> Invoice:
    """Return the draft as the issued invoice with a number: prefix ``INV-`` and 1 make ``INV-000001``. Raises ``ValueError`` for an issued one."""
    if draft.status is not InvoiceStatus.DRAFT or number < 1:
        message = f"invoice {draft.id!r} is {draft.status} and cannot become number {number}; only a draft is issued, with a number from 1"
        raise ValueError(message)
    return replace(draft, id=f"{prefix}{number:0{NUMBER_DIGITS}}", status=InvoiceStatus.ISSUED, number=number)


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
    }


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
        )
        again = invoice_document(invoice)
    except KeyError as missing:
        raise LogEntryRefused(_refusal(document, f"its field {missing} is missing")) from missing
    except (TallybookError, ValueError, TypeError) as wrong:
        raise LogEntryRefused(_refusal(document, str(wrong))) from wrong
    for name, value in again.items():
        if document.get(name) != value:
            raise LogEntryRefused(_refusal(document, f"its {name} is not what its other fields say"))
    return invoice


def _usage_line(charges: list[Charge], currency: str, rounding: Rounding) -> InvoiceLine:
    """Sum charges of one key, model, tier, meter and rate into a line; its number is given when the lines are in order."""
    first = charges[0]
    exact_amount = normalised(exact_sum(charge.amount for charge in charges))
    return InvoiceLine(
        number=0,
        kind=LineKind.USAGE,
        api_key_id=first.api_key_id,
        model=first.model,
        service_tier=first.service_tier,
        meter=first.meter,
        quantity=sum(charge.quantity for charge in charges),
        rate_per_million=decimal_from_plain(plain_rate(first.rate_per_million)),
        first_usage_date=min(charge.usage_date for charge in charges if charge.quantity),
        exact_amount=exact_amount,
        amount=rounded_to_minor_unit(exact_amount, currency, rounding),
        description=_description(first, currency),
        list_rate_per_million=None if first.list_rate_per_million is None else decimal_from_plain(plain_rate(first.list_rate_per_million)),
        package_tokens=first.package_tokens,
    )


def _description(charge: Charge, currency: str) -> str:
    tier = f", {charge.service_tier} tier," if charge.service_tier else ""
    what = f"{charge.model} {_METER_NAMES[charge.meter]}{tier}"
    if charge.package_tokens is not None:
        price = exact_charge(charge.package_tokens, charge.rate_per_million)
        return f"{what} in packages of {charge.package_tokens} at {plain_rate(price)} {currency} for each that was begun"
    if charge.meter is Meter.REQUEST:
        return f"{what} at {plain_rate(exact_charge(1, charge.rate_per_million))} {currency} each"
    return f"{what} at {plain_rate(charge.rate_per_million)} {currency} per million"


def _fee_line(fee: Decimal, period: BillingPeriod, currency: str, rounding: Rounding) -> InvoiceLine:
    return InvoiceLine(
        number=0,
        kind=LineKind.FEE,
        api_key_id="",
        model="",
        service_tier="",
        meter=None,
        quantity=1,
        rate_per_million=None,
        first_usage_date=period.first_date,
        exact_amount=normalised(fee),
        amount=rounded_to_minor_unit(fee, currency, rounding),
        description=f"monthly fee for {period}",
    )


def _line_order(line: InvoiceLine) -> tuple[object, ...]:
    """Order lines of usage; those of equal rates by their list rate and package, so that the order never depends on that of the charges."""
    meter = len(_METER_ORDER) if line.meter is None else _METER_ORDER[line.meter]
    where = (line.api_key_id, line.model, line.service_tier, meter, line.first_usage_date)
    return (*where, line.rate_per_million or 0, line.list_rate_per_million or -1, line.package_tokens or 0)


def _line_document(line: InvoiceLine) -> dict[str, Any]:
    return {
        "line": line.number,
        "kind": line.kind.value,
        "api_key_id": line.api_key_id,
        "model": line.model,
        "service_tier": line.service_tier,
        "meter": None if line.meter is None else line.meter.value,
        "quantity": line.quantity,
        "rate_per_million": None if line.rate_per_million is None else plain(line.rate_per_million),
        "first_usage_date": line.first_usage_date.isoformat(),
        "exact_amount": plain(line.exact_amount),
        "amount": plain(line.amount),
        "description": line.description,
        # Only where there is one: a document without them stays as it was issued before there were any.
        **({} if line.list_rate_per_million is None else {"list_rate_per_million": plain(line.list_rate_per_million)}),
        **({} if line.package_tokens is None else {"package_tokens": line.package_tokens}),
    }


def _line_from_document(document: Mapping[str, Any]) -> InvoiceLine:
    return InvoiceLine(
        number=document["line"],
        kind=LineKind(document["kind"]),
        api_key_id=document["api_key_id"],
        model=document["model"],
        service_tier=document["service_tier"],
        meter=None if document["meter"] is None else Meter(document["meter"]),
        quantity=document["quantity"],
        rate_per_million=_decimal_or_none(document["rate_per_million"]),
        first_usage_date=parse_date(document["first_usage_date"]),
        exact_amount=decimal_from_plain(document["exact_amount"]),
        amount=decimal_from_plain(document["amount"]),
        description=document["description"],
        list_rate_per_million=_decimal_or_none(document.get("list_rate_per_million")),
        package_tokens=document.get("package_tokens"),
    )


def _decimal_or_none(text: str | None) -> Decimal | None:
    return None if text is None else decimal_from_plain(text)


def _refusal(document: Mapping[str, Any], what: str) -> str:
    return f"the document of invoice {document.get('invoice_id')!r} is refused: {what}; restore it from a backup, issued invoices never change"
