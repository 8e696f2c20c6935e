"""Cost and usage as FOCUS 1.2 says it: the FinOps Open Cost and Usage Specification, version 1.2.

Owns the columns, their types and nullability, and the CSV and the Arrow table made of them. Source of the rules: the
specification's ``columns`` and ``attributes`` at its tag v1.2. Columns of our own begin with ``x_``, as it asks for.
Does not own which charges there are (``pipeline.jobs.answers.focus``).

Conditional columns are there where their condition holds: one currency for pricing and billing, no regions, no
commitment discounts in FOCUS's sense, so those columns are left out. A child account is a sub account.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.base.periods import instant_text
from pipeline.documents.csv_text import csv_bytes
from pipeline.tables import schemas

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

CONSUMED_UNIT = "Tokens"
REQUESTS_UNIT = "Requests"
OTHER_UNIT = "Units"
SERVICE_CATEGORY = "AI and Machine Learning"
SERVICE_SUBCATEGORY = "Generative AI"
SERVICE_NAME = "Chat Completions"

_COST = schemas.AMOUNT
_TEXT = pa.string()
_INSTANT = pa.timestamp("s", tz="UTC")

FOCUS = pa.schema(
    [
        pa.field("BilledCost", _COST, nullable=False),
        pa.field("BillingAccountId", _TEXT, nullable=False),
        pa.field("BillingAccountName", _TEXT),
        pa.field("BillingCurrency", _TEXT, nullable=False),
        pa.field("BillingPeriodEnd", _INSTANT, nullable=False),
        pa.field("BillingPeriodStart", _INSTANT, nullable=False),
        pa.field("ChargeCategory", _TEXT, nullable=False),
        pa.field("ChargeClass", _TEXT),
        pa.field("ChargeDescription", _TEXT),
        pa.field("ChargeFrequency", _TEXT, nullable=False),
        pa.field("ChargePeriodEnd", _INSTANT, nullable=False),
        pa.field("ChargePeriodStart", _INSTANT, nullable=False),
        pa.field("ConsumedQuantity", pa.decimal128(38, 0)),
        pa.field("ConsumedUnit", _TEXT),
        pa.field("ContractedCost", _COST, nullable=False),
        pa.field("ContractedUnitPrice", _COST),
        pa.field("EffectiveCost", _COST, nullable=False),
        pa.field("InvoiceId", _TEXT),
        pa.field("InvoiceIssuerName", _TEXT, nullable=False),
        pa.field("ListCost", _COST, nullable=False),
        pa.field("ListUnitPrice", _COST),
        pa.field("PricingCategory", _TEXT),
        pa.field("PricingQuantity", _COST),
        pa.field("PricingUnit", _TEXT),
        pa.field("ProviderName", _TEXT, nullable=False),
        pa.field("PublisherName", _TEXT, nullable=False),
        pa.field("ResourceId", _TEXT),
        pa.field("ResourceName", _TEXT),
        pa.field("ResourceType", _TEXT),
        pa.field("ServiceCategory", _TEXT, nullable=False),
        pa.field("ServiceName", _TEXT, nullable=False),
        pa.field("ServiceSubcategory", _TEXT, nullable=False),
        pa.field("SkuId", _TEXT),
        pa.field("SkuMeter", _TEXT),
        pa.field("SkuPriceDetails", _TEXT),  # a JSON object
        pa.field("SkuPriceId", _TEXT),
        pa.field("SubAccountId", _TEXT),
        pa.field("SubAccountName", _TEXT),
        pa.field("Tags", _TEXT),  # a JSON object
        pa.field("x_InvoiceLine", pa.int64(), nullable=False),
        pa.field("x_InvoiceStatus", _TEXT, nullable=False),
        pa.field("x_Meter", _TEXT),
        pa.field("x_Model", _TEXT),
        pa.field(
            "x_RoundingResidual", _COST, nullable=False
        ),  # part of BilledCost: what the line's one rounding added on this row
        pa.field("x_ServiceTier", _TEXT),
        pa.field("x_UsageDate", _TEXT),  # the day in the account's time zone
    ]
)
"""All mandatory columns of FOCUS 1.2, the conditional and recommended ones that apply, and our own."""

Row = dict[str, Any]
"""Column → value; money and quantities are ``Decimal``, instants aware; a column that is left out is null."""


def focus_csv(rows: Iterable[Row]) -> bytes:
    """Write rows as CSV: instants as ``2026-10-01T00:00:00Z``, decimals plain, null as an empty cell."""
    return csv_bytes(FOCUS.names, [_cells(row) for row in rows])


def focus_table(rows: Sequence[Row]) -> pa.Table:
    """Return rows as an Arrow table of ``FOCUS``, exact decimals and UTC timestamps."""
    return pa.Table.from_pylist([{name: row.get(name) for name in FOCUS.names} for row in rows], schema=FOCUS)


def _cells(row: Mapping[str, Any]) -> list[Any]:
    return [instant_text(row[field.name]) if field.type == _INSTANT else row.get(field.name) for field in FOCUS]
