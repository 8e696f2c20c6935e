"""The relations that anyone may query: their names, columns, types and units, each declared once.

Owns what ``tallybook sql --views`` and ``docs/analysts.md`` say of them. Does not own their rows (``relations``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from pipeline.tables import schemas
from pipeline.usage import events

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MONEY = pa.decimal128(38, 4)
"""A printed amount: the minor unit of a currency has at most four decimal places."""
_text, _count, _day = pa.string(), pa.int64(), pa.date32()

INVOICES = pa.schema(
    {
        "invoice_id": _text,
        "status": _text,
        "account_id": _text,
        "account_name": _text,
        "period": _text,
        "currency": _text,
        "lines": _count,
        "subtotal": MONEY,
        "tax": MONEY,
        "total": MONEY,
        "issue_date": _day,
        "due_date": _day,
        "purchase_order": _text,
        "credits_invoice": _text,
    }
)
INVOICE_LINES = pa.schema(
    {
        "invoice_id": _text,
        "status": _text,
        "account_id": _text,
        "period": _text,
        "line": _count,
        "kind": _text,
        "api_key_id": _text,
        "model": _text,
        "service_tier": _text,
        "meter": _text,
        "quantity": _count,
        "rate_per_million": schemas.RATE,
        "list_rate_per_million": schemas.RATE,
        "currency": _text,
        "exact_amount": schemas.AMOUNT,
        "amount": MONEY,
        "description": _text,
        "original_period": _text,
        "tags": _text,
    }
)
BUDGETS = pa.schema(
    {
        "budget": _text,
        "scope": _text,
        "period": _text,
        "days_elapsed": _count,
        "days": _count,
        "currency": _text,
        "amount": MONEY,
        "spent": schemas.AMOUNT,
        "forecast_low": schemas.AMOUNT,
        "forecast": schemas.AMOUNT,
        "forecast_high": schemas.AMOUNT,
        "level": _count,
        "unpriced_tokens": _count,
    }
)

COSTED_USAGE = pa.schema(
    {
        "account_id": _text,
        "api_key_id": _text,
        "model": _text,
        "service_tier": _text,
        "meter": _text,
        "usage_date": _day,
        "billing_period": _text,
        "quantity": _count,
        "currency": _text,
        "charge": schemas.AMOUNT,
        "cost": schemas.AMOUNT,
        "cost_card": _text,
        "cost_model": _text,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A relation by its name."""

    name: str
    says: str
    """One sentence."""
    schema: pa.Schema


VIEWS: Mapping[str, View] = {
    view.name: view
    for view in (
        View(
            name="usage_events",
            says="Every logged exchange, one row each, with its copies; what is billed of them is in usage_daily.",
            schema=schemas.USAGE_EVENTS,
        ),
        View(name="quarantine", says="Lines that could not become a usage event.", schema=schemas.QUARANTINE),
        View(
            name="usage_daily",
            says="Billed tokens by account, key, model, tier, meter, rate window and usage date.",
            schema=schemas.USAGE_DAILY,
        ),
        View(
            name="exchanges_daily",
            says="What became of every logged exchange, by status and fate, billed or not.",
            schema=schemas.EXCHANGES_DAILY,
        ),
        View(
            name="charges",
            says="What billed usage costs, exactly: usage_daily with rates and amounts, without what has no price.",
            schema=schemas.CHARGES,
        ),
        View(
            name="costed_usage",
            says="What billed usage is charged and what it costs us, row by row; a null amount is not known, never 0.",
            schema=COSTED_USAGE,
        ),
        View(name="invoices", says="Issued invoices, credit notes, and the drafts as of now.", schema=INVOICES),
        View(name="invoice_lines", says="The lines of these invoices, credit notes and drafts.", schema=INVOICE_LINES),
        View(name="budgets", says="How each budget of budgets.toml stands as of now.", schema=BUDGETS),
    )
}
"""By name, in the order of the way of the data."""

_EVENT_COLUMNS = {column.name: column.says for column in events.COLUMNS}
_SAYS = {
    **_EVENT_COLUMNS,
    "occurred_at": "when the request arrived, UTC",
    "prompt_tokens": "tokens, with cached and cache-write tokens",
    "completion_tokens": "tokens, with reasoning tokens",
    "event_id": "digest of the identity, 32 hexadecimal digits",
    "account_id": "the account of the key; empty where it is in none",
    "api_key_id": "whose key it was; never the key",
    "model": "the rate card's name of the model where it has one",
    "service_tier": "as the answer states it; empty where it states none",
    "meter": "what a token, or a request, is billed as",
    "rate_window_start": "when the rate in force began, UTC; empty without a rate, year 1 where it was always in force",
    "usage_date": "a day of the account's own clock",
    "billing_period": "the account's month of the usage date: 2026-10, or 2026-10-15 where months begin on the 15th",
    "quantity": "tokens; requests on the meter request",
    "prompt_band": "tokens: the greatest threshold of the rate that the request's prompt exceeds; 0 = none",
    "status": "measured, estimated, unknown, failed or not_metered",
    "fate": "survivor, duplicate, conflict or superseded; only survivors are billed",
    "is_suspicious": "a copy that lost and looks like a request of its own",
    "is_billed": "whether its usage is billed",
    "events": "exchanges",
    "rate_per_million": "currency units per million tokens or requests, exact",
    "currency": "ISO 4217",
    "amount": "currency units, exact, never rounded",
    "list_rate_per_million": "the rate before discounts; empty where there is none",
    "exchange": "by which rate of exchange the price became this one, and of which day; empty where by none",
    "package_tokens": "tokens in a package; empty where every token is charged",
    "flat_amount": "currency units of a tier that was reached; the quantity and the rate are 0 then",
    "entry": "what it counts towards, where a rate has a minimum or a maximum",
    "reason": "why the line could not be read",
    "detail": "which field, and numbers of it; never content",
}
_SAYS_OF = {
    "costed_usage": {
        "currency": "of both amounts: the account's; of a key in no account that of the cost card",
        "charge": "currency units, exact; empty where nobody is charged, or no rate is in force",
        "cost": "currency units, exact: what it costs us; empty without a price on the cost card",
        "cost_card": "the rate card of the cost; empty where none is named",
        "cost_model": "the cost card's name of the model where it has one",
    },
    "quarantine": {
        "api_key_id": "whose key it was, where that can be read",
        "prompt_tokens": "tokens, as the line states them, on no bill",
        "completion_tokens": "tokens, likewise",
    },
    "invoices": {
        "invoice_id": "the number with its prefix, or that of a draft",
        "status": "issued, credit_note or draft",
        "account_id": "who pays",
        "account_name": "as printed",
        "period": "as --period names it: 2026-10, 2026-Q4, 2026, or 2026-10-15",
        "lines": "how many lines it has",
        "subtotal": "currency units, before tax",
        "tax": "currency units",
        "total": "currency units: the sum of the printed lines",
        "issue_date": "of what is issued: a day of the account's own clock",
        "due_date": "of what is issued and has payment terms",
        "purchase_order": "as printed",
        "credits_invoice": "of a credit note: the invoice that it takes back",
    },
    "invoice_lines": {
        "invoice_id": "the number with its prefix, or that of a draft",
        "status": "issued, credit_note or draft",
        "account_id": "who pays; of a line of a child account too",
        "period": "of the invoice, as --period names it: 2026-10, 2026-Q4, 2026, or 2026-10-15",
        "line": "from 1",
        "kind": "usage, fee, commitment, correction, credit, tax and others, see docs/invoices.md",
        "quantity": "tokens, or requests; negative where it is taken back, 0 where the line is about none",
        "exact_amount": "currency units, before the one rounding",
        "amount": "currency units, rounded once to the currency's minor unit",
        "description": "as printed",
        "original_period": "of a correction: the month that it corrects",
        "tags": "of the key: project=x;team=search",
    },
    "budgets": {
        "budget": "its name",
        "scope": "whose spending it is",
        "period": "the month, quarter or year that is looked at",
        "days_elapsed": "days of it that are complete",
        "days": "days that it has",
        "amount": "currency units that it may cost",
        "spent": "currency units, exact: the charges of its scope and period",
        "forecast_low": "currency units: eight of ten periods end between this and forecast_high",
        "forecast": "currency units that the period will probably come to; empty where too few days are known",
        "forecast_high": "currency units",
        "level": "the highest alert level that is reached, in per cent; empty below all",
        "unpriced_tokens": "tokens of its scope and period without a rate, which are not in what is spent",
    },
}
_TYPES = {
    pa.string(): "text",
    pa.binary(16): "text",
    pa.bool_(): "boolean",
    pa.int32(): "integer",
    pa.int64(): "bigint",
    pa.date32(): "date",
    schemas.INSTANT: "timestamp",
}


def described() -> Iterator[tuple[str, str, str, str]]:
    """Yield the name of each view, of a column, its SQL type, and what it means, in its unit."""
    for view in VIEWS.values():
        for field in view.schema:
            says = _SAYS_OF.get(view.name, {}).get(field.name) or _SAYS[field.name]
            yield view.name, field.name, type_text(field.type), _with_unit(field.name, says)


def type_text(kind: pa.DataType) -> str:
    """Return the SQL name of the type of a column."""
    return f"decimal({kind.precision}, {kind.scale})" if pa.types.is_decimal(kind) else _TYPES[kind]


def _with_unit(name: str, says: str) -> str:
    """Say of a count of usage that it is of tokens, where what it says does not."""
    return f"tokens {says}" if name in {column.name for column in events.COUNTS} and "tokens" not in says else says
