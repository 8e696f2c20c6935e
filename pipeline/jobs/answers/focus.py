"""Invoices → rows of FOCUS 1.2.

One for each account, key, model, tier, meter, rate and day, and one for each line of another kind.

The rows of an invoice add up to it: a usage line's one rounding is put on one of its rows, the one with the greatest
charge (of equal ones the first), and shown in ``x_RoundingResidual``. Issued invoices are exported as they were issued,
from the commit and the configuration that they name. A credit note has the rows of the invoice that it takes back,
negated, each a correction. Drafts are provisional invoices and carry their draft id.

Does not own FOCUS's columns (``pipeline.exports.focus``).
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline import register
from pipeline.accounts.keys import tags_from_text
from pipeline.base.errors import ConfigurationError, LakeError
from pipeline.base.money import exact_arithmetic, exact_sum, normalised
from pipeline.base.periods import day_bounds, time_zone
from pipeline.configuration.settings import CONFIG_FILE
from pipeline.exports.focus import (
    CONSUMED_UNIT,
    OTHER_UNIT,
    REQUESTS_UNIT,
    SERVICE_CATEGORY,
    SERVICE_NAME,
    SERVICE_SUBCATEGORY,
)
from pipeline.invoicing import LineKind, invoice_from_document
from pipeline.invoicing.document import accounts_of
from pipeline.invoicing.lines import is_of_usage, meter_and_rate
from pipeline.invoicing.rules import Rules
from pipeline.invoicing.worth.usage_lines import line_place
from pipeline.jobs.state.at_issue import present_state, state_at_issue, usage_document
from pipeline.jobs.state.drafts import invoice_book
from pipeline.jobs.state.lines.charged_lines import charges_of
from pipeline.rating import TOKENS_PER_RATE, exact_charge

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    from pipeline.base.periods import BillingPeriod
    from pipeline.configuration.workspace import Workspace
    from pipeline.exports.focus import Row
    from pipeline.invoicing import Invoice, InvoiceLine
    from pipeline.jobs.state.at_issue import AtIssue
    from pipeline.rating import Charge

_CATEGORIES = {
    "usage": "Usage",
    "correction": "Usage",
    "tax": "Tax",
    "credit": "Credit",
    "included": "Credit",
    "fee": "Purchase",
    "commitment": "Purchase",
    "item": "Purchase",
    "coupon": "Credit",
}
"""FOCUS's ChargeCategory by the kind of a line; whatever other kind there is is an Adjustment."""
_TAKEN_BACK = (
    "BilledCost",
    "ConsumedQuantity",
    "ContractedCost",
    "EffectiveCost",
    "ListCost",
    "PricingQuantity",
    "x_RoundingResidual",
)


def focus_rows(
    workspace: Workspace, *, seller: str | None, period: BillingPeriod | None = None, account_id: str | None = None
) -> list[Row]:
    """Return the rows of issued invoices and credit notes by number, then of drafts.

    Each in the order of its lines and days. Of a child account, its own rows on its parent's invoices.

    ``seller`` is who issues the invoices; without it the ``[seller] name`` of ``tallybook.toml``. Raises
    ``ConfigurationError`` where neither is there, ``LakeError`` where an issued invoice is not what its commit gives.
    """
    name = _seller(workspace, seller)
    present = present_state(workspace)
    states = {_state_key(workspace.digest, present.built.snapshot.version, workspace.rules): present}
    rows: list[Row] = []
    for document in register.read(workspace.root):
        if (period and document["period"] != str(period)) or account_id not in {None, *accounts_of(document)}:
            continue
        of_usage = usage_document(workspace, document)
        key = _state_key(of_usage["configuration_sha256"], of_usage["commit"], Rules.of(of_usage.get("rules")))
        states[key] = states.get(key) or state_at_issue(workspace, of_usage, is_checked=False)
        rows += _rows_of_document(document, of_usage, states[key], name)
    for draft in invoice_book(workspace, present.built).drafts:
        if period in (None, draft.period) and account_id in (None, *draft.account_ids):
            rows += invoice_rows(draft, present, name)
    return [row for row in rows if account_id in (None, row["BillingAccountId"], row["SubAccountId"])]


def _rows_of_document(document: dict[str, Any], of_usage: dict[str, Any], state: AtIssue, seller: str) -> Iterator[Row]:
    """Yield the rows of an issued document; a credit note in part has a row for each of its lines.

    One that takes an invoice back has those of the invoice, negated; where that was credited in part before, the tax
    and what gives these parts back are its own.
    """
    invoice = invoice_from_document(document)
    if document is of_usage or invoice.is_partial:
        yield from invoice_rows(invoice, state, seller)
        return
    credited = invoice_from_document(of_usage)
    own = [line for line in invoice.lines if line.kind is LineKind.REDUCTION]
    if own:
        own += [line for line in invoice.lines if line.kind is LineKind.TAX]
        credited = replace(credited, lines=tuple(line for line in credited.lines if line.kind is not LineKind.TAX))
    yield from (_taken_back(row, document) for row in invoice_rows(credited, state, seller))
    yield from ({**_common(invoice, line, seller), **_other(invoice, line)} for line in own)


def invoice_rows(invoice: Invoice, state: AtIssue, seller: str) -> Iterator[Row]:
    """Yield the rows of one invoice; the sum of their ``BilledCost`` is the sum of its lines."""
    usage = _usage_by_line(invoice, state)
    for line in invoice.lines:
        if not is_of_usage(line):
            yield {**_common(invoice, line, seller), **_other(invoice, line)}
            continue
        place = (invoice.account_of(line)[0], str(invoice.month_of(line)), line_place(line, state.workspace.rules))
        days = usage.get(place, {})
        charges = {day: exact_sum(charge.amount for charge in of_day) for day, of_day in sorted(days.items())}
        if exact_sum(charges.values()) != line.exact_amount:
            message = (
                f"{invoice.id} line {line.number} is not what its commit gives; "
                f"'tallybook recompute {invoice.id}' says what differs"
            )
            raise LakeError(message)
        residual = exact_sum([line.amount, -line.exact_amount])
        greatest = max(charges, key=lambda day: (charges[day], -day.toordinal()))
        for day in charges:
            on_this_row = residual if day == greatest else Decimal(0)
            yield {
                **_common(invoice, line, seller),
                **_of_day(invoice, line, day=day, charges=days[day], residual=on_this_row),
            }


def _taken_back(row: Row, credit_note: dict[str, Any]) -> Row:
    """Return the row of a credit note that takes back a row of the invoice it credits.

    The same prices, with costs and quantities negated.
    """
    negated = {name: normalised(-row[name]) for name in _TAKEN_BACK if row.get(name) is not None}
    return {
        **row,
        **negated,
        "ChargeClass": "Correction",
        "InvoiceId": credit_note["invoice_id"],
        "x_InvoiceStatus": credit_note["status"],
    }


def _usage_by_line(invoice: Invoice, state: AtIssue) -> dict[tuple[object, ...], dict[date, list[Charge]]]:
    """Return the charges of an invoice's accounts and months, by account, month and line, and then by day."""
    charges = state.built.rated.charges
    mine = charges.filter(
        pc.and_(
            pc.is_in(charges["account_id"], pa.array(invoice.account_ids, pa.string())),
            pc.is_in(charges["billing_period"], pa.array([str(month) for month in invoice.period.months])),
        )
    )
    days: dict[tuple[object, ...], dict[date, list[Charge]]] = {}
    for month, charge in zip(mine["billing_period"].to_pylist(), charges_of(mine), strict=True):
        place = charge.account_id, month, line_place(charge, state.workspace.rules)
        days.setdefault(place, {}).setdefault(charge.usage_date, []).append(charge)
    return days


def _common(invoice: Invoice, line: InvoiceLine, seller: str) -> Row:
    zone = time_zone(invoice.timezone)
    sub_account_id, sub_account_name = invoice.account_of(line) if line.account_id else (None, None)
    return {
        "BillingAccountId": invoice.account_id,
        "BillingAccountName": invoice.account_name,
        "BillingCurrency": invoice.currency,
        "BillingPeriodStart": invoice.period.start_at(zone),
        "BillingPeriodEnd": invoice.period.end_at(zone),
        "ChargeDescription": line.description,
        "InvoiceId": invoice.id,
        "InvoiceIssuerName": seller,
        "ProviderName": seller,
        "PublisherName": seller,
        "ServiceCategory": SERVICE_CATEGORY,
        "ServiceName": SERVICE_NAME,
        "ServiceSubcategory": SERVICE_SUBCATEGORY,
        "SubAccountId": sub_account_id,
        "SubAccountName": sub_account_name,
        "Tags": json.dumps(tags_from_text(line.tags), sort_keys=True, ensure_ascii=False) if line.tags else None,
        "x_InvoiceLine": line.number,
        "x_InvoiceStatus": invoice.status.value,
    }


def _of_day(invoice: Invoice, line: InvoiceLine, *, day: date, charges: Sequence[Charge], residual: Decimal) -> Row:
    meter, rate = meter_and_rate(line)
    start_at, end_at = day_bounds(day, time_zone(invoice.timezone))
    quantity, charge = sum(charge.quantity for charge in charges), exact_sum(charge.amount for charge in charges)
    billed = exact_sum([charge, residual])
    unit = CONSUMED_UNIT if meter.is_of_tokens else REQUESTS_UNIT
    sku = "/".join(part for part in (line.model, line.service_tier, meter.value) if part)
    details = {"x_Model": line.model, "x_Meter": meter.value} | (
        {"x_ServiceTier": line.service_tier} if line.service_tier else {}
    )
    priced = sum(map(_priced_quantity, charges))
    list_rate = rate if line.list_rate_per_million is None else line.list_rate_per_million
    with exact_arithmetic():
        pricing_quantity = priced / TOKENS_PER_RATE
    if line.flat_amount is not None:
        rate = list_rate = line.flat_amount
        priced, pricing_quantity = int(TOKENS_PER_RATE) * len(charges), Decimal(len(charges))
    return {
        "BilledCost": normalised(billed),
        "ChargeCategory": "Usage",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": start_at,
        "ChargePeriodEnd": end_at,
        "ConsumedQuantity": Decimal(quantity),
        "ConsumedUnit": unit,
        "ContractedCost": normalised(charge),
        "ContractedUnitPrice": rate,
        "EffectiveCost": normalised(billed),
        "ListCost": normalised(exact_charge(priced, list_rate)),
        "ListUnitPrice": list_rate,
        "PricingCategory": "Standard",
        "PricingQuantity": pricing_quantity,
        "PricingUnit": f"{TOKENS_PER_RATE} {unit}" if line.flat_amount is None else OTHER_UNIT,
        "ResourceId": line.api_key_id,
        "ResourceName": line.api_key_id,
        "ResourceType": "API Key",
        "SkuId": sku,
        "SkuMeter": f"{meter.value} tokens" if meter.is_of_tokens else meter.value,
        "SkuPriceDetails": json.dumps(details, sort_keys=True),
        "SkuPriceId": sku,
        "x_Meter": meter.value,
        "x_Model": line.model,
        "x_RoundingResidual": normalised(residual),
        "x_ServiceTier": line.service_tier or None,
        "x_UsageDate": day.isoformat(),
    }


def _priced_quantity(charge: Charge) -> int:
    """Return the tokens that were paid for: those of every package that was begun, where there are packages."""
    if charge.package_tokens is None:
        return charge.quantity
    price = exact_charge(charge.package_tokens, charge.rate_per_million)
    with exact_arithmetic():
        begun = int(charge.amount / price) if price else -(-charge.quantity // charge.package_tokens)
    return begun * charge.package_tokens


def _other(invoice: Invoice, line: InvoiceLine) -> Row:
    """Return what a line of no usage events says: it covers its whole month or period, and its amount is what it is."""
    kind = line.kind.value
    category = _CATEGORIES.get(kind, "Adjustment")
    zone, covered = time_zone(invoice.timezone), line.period or invoice.period
    row: dict[str, Any] = {
        "BilledCost": line.amount,
        "ChargeCategory": category,
        "ChargeClass": "Correction" if kind in ("correction", "reduction") else None,
        "ChargeFrequency": "Recurring" if category == "Purchase" and kind != "item" else "One-Time",
        "ChargePeriodStart": covered.start_at(zone),
        "ChargePeriodEnd": covered.end_at(zone),
        "ContractedCost": line.amount,
        "EffectiveCost": line.amount,
        "ListCost": line.amount,
        "x_RoundingResidual": Decimal(0),
    }
    if category == "Purchase":
        price = {
            "ContractedUnitPrice": line.amount,
            "ListUnitPrice": line.amount,
            "PricingQuantity": Decimal(1),
            "PricingUnit": OTHER_UNIT,
        }
        row |= {**price, "PricingCategory": "Standard", "SkuId": kind, "SkuMeter": kind, "SkuPriceId": kind}
    return row


def _seller(workspace: Workspace, stated: str | None) -> str:
    settings = tomllib.loads(workspace.files[CONFIG_FILE].decode("utf-8"))
    configured = settings.get("seller", {}).get("name")
    if not stated and not configured:
        message = (
            "FOCUS wants to know who issues the invoices; name the seller with --seller, or under [seller] in "
            "tallybook.toml"
        )
        raise ConfigurationError(message)
    return str(stated or configured)


def _state_key(digest: str, version: int | None, rules: Rules) -> tuple[str, int | None, Rules]:
    return digest, version, rules
