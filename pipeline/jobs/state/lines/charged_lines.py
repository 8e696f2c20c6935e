"""Charges as rows of a table → lines of usage, for every account and month at once.

Owns which charges share a line where their sums fit into columns, and the charges themselves where one might not: then
the lines are made by ``pipeline.invoicing.worth``, which is the oracle of this module. Does not own what a line
prints beside its sums (``usage_lines.printed_price``) nor the one rounding: ``pipeline.tables.rating`` rounds, and an
invoice refuses a line that is not rounded as ``pipeline.base.money`` rounds it.
"""

from __future__ import annotations

from dataclasses import fields
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.accounts import ExchangeRate
from pipeline.base.money import normalised
from pipeline.base.periods import BillingPeriod
from pipeline.invoicing.lines import InvoiceLine, LineKind
from pipeline.invoicing.rules import NEWEST, Rules
from pipeline.invoicing.worth.usage_lines import printed_price
from pipeline.rating import Charge
from pipeline.tables import schemas
from pipeline.tables.rating import rounded_amounts, sums_fit
from pipeline.tables.row_codes import first_rows, grouped, row_codes, whole
from pipeline.usage import Meter

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.base.money import Rounding
    from pipeline.invoicing.worth.usage_lines import PrintedPrice

PRICED = (
    "billing_period",
    "account_id",
    "api_key_id",
    "model",
    "service_tier",
    "meter",
    "rate_per_million",
    "package_tokens",
    "flat_amount",
    "exchange",
    "entry",
    "currency",
)
"""Charges that agree in all of these share a line; by the first rules, in their list price also."""
_LIST_RATE = "list_rate_per_million"
_NO_LIST_RATE = Decimal(-1)
"""Before every list rate and flat amount in the order of lines."""
_PRINTED = (
    "model",
    "service_tier",
    "meter",
    "rate_per_million",
    "list_rate_per_million",
    "package_tokens",
    "flat_amount",
    "currency",
    "exchange",
)
"""What decides all that a line prints beside its key, date and sums."""
_METERS = {meter.value: meter for meter in Meter}


def lines_by_invoice(
    charges: pa.Table,
    *,
    currencies: Mapping[str, str],
    rounding: Rounding,
    tags: Mapping[str, str] | None = None,
    rules: Rules = NEWEST,
) -> dict[tuple[str, BillingPeriod], list[InvoiceLine]] | None:
    """Return the usage lines of each account's billing period.

    They are as ``usage_lines`` makes them of a ``schemas.CHARGES`` table.

    ``currencies`` are those of accounts, by id; ``tags`` are cells by key id. None where a sum might not fit its
    column, or a charge is in another currency than its account: this is for the plain way to decide.
    """
    if not charges.num_rows:
        return {}
    charges = charges.combine_chunks()
    pairs = charges.group_by(["account_id", "currency"], use_threads=False).aggregate([]).to_pylist()
    if not sums_fit(charges) or any(currencies.get(pair["account_id"]) != pair["currency"] for pair in pairs):
        return None
    lines = summed_to_lines(charges, rules)
    found: dict[tuple[str, str], list[InvoiceLine]] = {}
    for currency in sorted({pair["currency"] for pair in pairs}):
        mine = lines.filter(pc.equal(lines["currency"], currency))
        said = _said_on_lines(mine, currency, rounding, tags or {})
        places = zip(_values(mine["account_id"]), _values(mine["billing_period"]), strict=True)
        for place, values in zip(places, zip(*said.values(), strict=True), strict=True):
            listed = found.setdefault(place, [])
            values_by_name = dict(zip(said, values, strict=True))
            listed.append(InvoiceLine(number=len(listed) + 1, kind=LineKind.USAGE, **values_by_name))
    return {(account_id, BillingPeriod.parse(period)): mine for (account_id, period), mine in found.items()}


def _said_on_lines(
    lines: pa.Table, currency: str, rounding: Rounding, tags: Mapping[str, str]
) -> dict[str, Sequence[Any]]:
    """Return what ``summed_to_lines`` of one currency say, by fields of ``InvoiceLine``: a value a line."""
    key_ids, exact = _values(lines["api_key_id"]), lines["amount"].cast(pa.string()).to_pylist()
    amounts = rounded_amounts(lines, currency, rounding).cast(pa.string()).to_pylist()
    prices = _printed_prices(lines)
    return {
        "api_key_id": key_ids,
        "model": _values(lines["model"]),
        "service_tier": _values(lines["service_tier"]),
        "meter": [_METERS[name] for name in _values(lines["meter"])],
        "quantity": _values(lines["quantity"]),
        "rate_per_million": [price.rate_per_million for price in prices],
        "first_usage_date": _values(lines["usage_date"]),
        "exact_amount": [normalised(Decimal(text)) for text in exact],
        "amount": [Decimal(text) for text in amounts],
        "description": [price.description for price in prices],
        "list_rate_per_million": [price.list_rate_per_million for price in prices],
        "package_tokens": _values(lines["package_tokens"]),
        "flat_amount": [None if flat is None else normalised(flat) for flat in _values(lines["flat_amount"])],
        "exchange": [_exchange(text) for text in _values(lines["exchange"])],
        "entry": [entry or "" for entry in _values(lines["entry"])],
        "tags": [tags.get(key_id, "") for key_id in key_ids],
    }


def _printed_prices(lines: pa.Table) -> list[PrintedPrice]:
    """Return what each line prints of its price, which is made once for all that agree in it."""
    codes = row_codes([lines[name] for name in _PRINTED]).dictionary_encode()
    prices = [
        printed_price(**{**first, "meter": _METERS[first["meter"]], "exchange": _exchange(first["exchange"])})
        for first in lines.select(_PRINTED).take(first_rows(codes)).to_pylist()
    ]
    return [prices[code] for code in codes.indices.to_pylist()]


def summed_to_lines(charges: pa.Table, rules: Rules = NEWEST) -> pa.Table:
    """Return the lines that charges make, in the order of their invoices: ``PRICED``, and what was summed.

    That is ``quantity``, ``amount``, the first ``usage_date``, and the ``list_rate_per_million`` that all charges of
    the line have, else null. Where nothing was used there is no line. There are charges, and their sums fit
    (``tables.rating.sums_fit``).
    """
    is_used = pc.or_(pc.greater(charges["quantity"], 0), pc.is_valid(charges["flat_amount"]))
    used_on = pc.if_else(is_used, charges["usage_date"], pa.scalar(None, pa.date32()))
    list_rate = pc.fill_null(charges[_LIST_RATE], _NO_LIST_RATE)
    summable = pa.table(
        {"quantity": charges["quantity"], "amount": charges["amount"], "used_on": used_on, "list_rate": list_rate}
    )
    together = (*PRICED, _LIST_RATE) if rules is Rules.FIRST else PRICED
    sums = grouped(
        summable,
        row_codes([charges[name] for name in together]),
        [("quantity", "sum"), ("amount", "sum"), ("used_on", "min"), ("list_rate", "min"), ("list_rate", "max")],
    )
    sums = sums.filter(pc.is_valid(sums["used_on_min"]))
    first = charges.take(sums["first_row"])
    summed = {
        "quantity": sums["quantity_sum"],
        "amount": sums["amount_sum"].cast(schemas.AMOUNT),
        "usage_date": sums["used_on_min"],
        _LIST_RATE: pc.if_else(
            pc.and_(
                pc.equal(sums["list_rate_min"], sums["list_rate_max"]),
                pc.not_equal(sums["list_rate_max"], _NO_LIST_RATE),
            ),
            sums["list_rate_max"],
            pa.scalar(None, charges[_LIST_RATE].type),
        ),
    }
    lines = pa.table({name: summed.get(name, first[name]) for name in (*PRICED, *summed)})
    order = {
        **{name: lines[name] for name in ("billing_period", "account_id", "api_key_id", "model", "service_tier")},
        "meter": pc.index_in(lines["meter"], pa.array(list(_METERS), pa.string())),
        "is_flat": pc.is_valid(lines["flat_amount"]),
        "usage_date": lines["usage_date"],
        "rate": lines["rate_per_million"],
        "list_rate": sums["list_rate_max"],  # lines without one come first
        "package": pc.fill_null(lines["package_tokens"], 0),
        "flat_amount": pc.fill_null(lines["flat_amount"], _NO_LIST_RATE),
        "exchange": pc.fill_null(lines["exchange"], ""),
        "entry": pc.fill_null(lines["entry"], ""),
    }
    return lines.take(pc.sort_indices(pa.table(order), sort_keys=[(name, "ascending") for name in order]))


def charges_by_invoice(charges: pa.Table) -> dict[tuple[str, BillingPeriod], list[Charge]]:
    """Return the rows of a ``schemas.CHARGES`` table as charges, by account id and billing period."""
    found: dict[tuple[str, str], list[Charge]] = {}
    for period, charge in zip(charges["billing_period"].to_pylist(), charges_of(charges), strict=True):
        found.setdefault((charge.account_id, period), []).append(charge)
    return {(account_id, BillingPeriod.parse(period)): mine for (account_id, period), mine in found.items()}


def charges_of(charges: pa.Table) -> Iterator[Charge]:
    """Yield the rows of a ``schemas.CHARGES`` table as charges, without what only its rating needed."""
    names = [
        field.name for field in fields(Charge) if field.name in charges.schema.names and field.name != "prompt_band"
    ]
    columns = [_values(charges[name]) for name in names]
    columns[names.index("meter")] = [_METERS[meter] for meter in columns[names.index("meter")]]
    columns[names.index("exchange")] = list(map(_exchange, columns[names.index("exchange")]))
    return (Charge(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True))


@lru_cache(maxsize=1 << 10)
def _exchange(text: str | None) -> ExchangeRate | None:
    """Read a cell of the column of this name."""
    return None if text is None else ExchangeRate.parse(text)


def _values(column: pa.ChunkedArray) -> list[Any]:
    """Return what ``to_pylist`` returns.

    Each different value once, and decimals by their text, which is several times quicker for many rows.
    """
    if not len(column):
        return []
    encoded = whole(column.dictionary_encode())
    values = encoded.dictionary
    if pa.types.is_decimal(values.type):
        found = [None if text is None else Decimal(text) for text in values.cast(pa.string()).to_pylist()]
    else:
        found = values.to_pylist()
    return [None if number is None else found[number] for number in encoded.indices.to_pylist()]
