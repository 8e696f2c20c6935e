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
    from collections.abc import Iterator, Mapping

    from pipeline.base.money import Rounding

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
        codes = row_codes([mine[name] for name in _PRINTED]).dictionary_encode()
        firsts = mine.select(_PRINTED).take(first_rows(codes)).to_pylist()
        prices = [
            printed_price(**{**first, "meter": _METERS[first["meter"]], "exchange": _exchange(first["exchange"])})
            for first in firsts
        ]
        exact = map(normalised, map(Decimal, mine["amount"].cast(pa.string()).to_pylist()))
        rounded = map(Decimal, rounded_amounts(mine, currency, rounding).cast(pa.string()).to_pylist())
        names = (
            "account_id",
            "billing_period",
            "api_key_id",
            "model",
            "service_tier",
            "meter",
            "quantity",
            "usage_date",
            "package_tokens",
            "flat_amount",
            "exchange",
            "entry",
        )
        columns = [_values(mine[name]) for name in names]
        for (
            account_id,
            period,
            key_id,
            model,
            tier,
            meter,
            quantity,
            first_date,
            package,
            flat_amount,
            exchange,
            entry,
            exact_amount,
            amount,
            price,
        ) in zip(*columns, exact, rounded, codes.indices.to_pylist(), strict=True):
            listed = found.setdefault((account_id, period), [])
            listed.append(
                InvoiceLine(
                    number=len(listed) + 1,
                    kind=LineKind.USAGE,
                    api_key_id=key_id,
                    model=model,
                    service_tier=tier,
                    meter=_METERS[meter],
                    quantity=quantity,
                    rate_per_million=prices[price].rate_per_million,
                    first_usage_date=first_date,
                    exact_amount=exact_amount,
                    amount=amount,
                    description=prices[price].description,
                    list_rate_per_million=prices[price].list_rate_per_million,
                    package_tokens=package,
                    flat_amount=None if flat_amount is None else normalised(flat_amount),
                    exchange=_exchange(exchange),
                    entry=entry or "",
                    tags=tags.get(key_id, "") if tags else "",
                )
            )
    return {(account_id, BillingPeriod.parse(period)): mine for (account_id, period), mine in found.items()}


def summed_to_lines(charges: pa.Table, rules: Rules = NEWEST) -> pa.Table:
    """Return ``PRICED``, the ``list_rate_per_million`` that all of a line has (else null), and its sums.

    Those are ``quantity``, ``amount`` and the first ``usage_date`` of each line that charges make.

    By invoice and in its order.

    There are charges, and their sums fit (``rating_arrow.sums_fit``). Where nothing was used there is no line.
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
    meters = {meter.value: meter for meter in Meter}
    names = [
        field.name for field in fields(Charge) if field.name in charges.schema.names and field.name != "prompt_band"
    ]
    columns = [_values(charges[name]) for name in names]
    columns[names.index("meter")] = [meters[meter] for meter in columns[names.index("meter")]]
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


def charge_of(row: Mapping[str, object]) -> Charge:
    """Return a row of ``schemas.CHARGES`` as a charge."""
    return Charge(
        account_id=row["account_id"],  # type: ignore[arg-type]  # as the schema says, here and below
        api_key_id=row["api_key_id"],  # type: ignore[arg-type]
        model=row["model"],  # type: ignore[arg-type]
        service_tier=row["service_tier"],  # type: ignore[arg-type]
        meter=Meter.of(str(row["meter"])),
        usage_date=row["usage_date"],  # type: ignore[arg-type]
        quantity=row["quantity"],  # type: ignore[arg-type]
        rate_per_million=row["rate_per_million"],  # type: ignore[arg-type]
        currency=row["currency"],  # type: ignore[arg-type]
        amount=row["amount"],  # type: ignore[arg-type]
        list_rate_per_million=row["list_rate_per_million"],  # type: ignore[arg-type]
        package_tokens=row["package_tokens"],  # type: ignore[arg-type]
        flat_amount=row["flat_amount"],  # type: ignore[arg-type]
        exchange=_exchange(row["exchange"]),
        entry=row["entry"],  # type: ignore[arg-type]
    )
