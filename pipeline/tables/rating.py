"""Rating many rows at once: what ``pipeline.rating`` does one by one, on columns, exactly and to the last digit.

Owns the simple shape only: a rate per million, also one in another currency. Whatever depends on the period, counts
towards a minimum or a maximum, has no rate, or has more digits than a column holds is left to the plain rating, which
is the oracle of this module.
Also sums what shares an invoice line, where no sum can overflow, and rounds such sums as ``pipeline.invoicing`` rounds
a line. Does not own which rate applies (``pipeline.rates``).

How: rows that agree in everything that decides a rate are one *combination*; there are few, so that the rate is looked
up once for each and spread over the rows. Integers times rates are exact in 38 digits; a million is divided by moving
the decimal point.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from pipeline.base.money import Rounding, minor_unit_digits
from pipeline.rating import discounted_amount, list_rate
from pipeline.tables import schemas
from pipeline.tables.row_codes import first_rows, grouped, row_codes, whole
from pipeline.usage import INT64_MAX, Meter

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pipeline.accounts import Exchange
    from pipeline.rates import RateCard

DECIDING = ("account_id", "model", "service_tier", "meter", "rate_window_start", "prompt_band")
"""The columns of usage daily that decide a rate."""
RATE_MAX = Decimal(10**6)
"""Greater rates are left to the plain rating: 15 digits of tokens and 22 of a rate are what 38 digits hold for certain.
"""
QUANTITY_MAX = 10**15 - 1
"""Greater quantities are left to the plain rating, likewise."""
_NARROW_RATE = pa.decimal128(22, 16)
_TOKENS = pa.decimal128(15, 0)
_AMOUNT_LIMIT = Decimal(10**15)
_SMALLEST_RATE = Decimal(1).scaleb(-16)
_ROUND_MODES = {Rounding.HALF_UP: "half_towards_infinity", Rounding.HALF_EVEN: "half_to_even"}


class CardTerms(NamedTuple):
    """The rate card of an account, the discount off its rates, and how a price in another currency is paid."""

    rate_card: RateCard
    discount_percent: Decimal = Decimal(0)
    exchange: Exchange | None = None
    """None where the card is in the account's currency."""


class SimplyRated(NamedTuple):
    """What could be rated on columns, and what could not."""

    charges: pa.Table
    """``schemas.CHARGES``, and ``place``: the row of the usage that was given."""
    line_charges: pa.Table
    """``schemas.CHARGES``: the same, one row for all that share an invoice line, on their first usage date."""
    rest: pa.Table
    """The usage that is left, and its ``place``."""


class _FlatRate(NamedTuple):
    """What all rows of a combination have in common beside their key and date."""

    account_id: str
    model: str
    service_tier: str
    meter: str
    rate_per_million: Decimal
    list_rate_per_million: Decimal | None
    currency: str
    exchange: str | None = None


def rate_simple_usage(usage_daily: pa.Table, terms: Mapping[str, CardTerms]) -> SimplyRated:
    """Rate what has a plain rate per million; ``terms`` are those of the accounts, by account id (others are left)."""
    placed = usage_daily.append_column("place", pa.arange(0, usage_daily.num_rows)).combine_chunks()
    ids, examples = _combinations(placed, {each for each, terms_of in terms.items() if terms_of.exchange})
    rates = [_flat_rate(example, terms) for example in examples]
    rest = placed.slice(0, 0)
    is_great = pc.greater(placed["quantity"], QUANTITY_MAX)
    if not all(rates) or pc.any(is_great).as_py():
        is_simple = pa.array([rate is not None for rate in rates], pa.bool_()).take(ids)
        is_simple = pc.and_not(is_simple, whole(is_great))
        rest = placed.filter(pc.invert(is_simple))
        placed, ids = placed.filter(is_simple).combine_chunks(), ids.filter(is_simple)
    charges = _charges(placed, ids, rates)
    return SimplyRated(charges=charges, line_charges=_line_charges(charges, ids, rates), rest=rest)


def summed_over_days(usage_daily: pa.Table, every_terms: Sequence[Mapping[str, CardTerms]]) -> pa.Table:
    """Return usage that costs the same on the same lines under each of the given terms.

    In fewer rows, on their first usage dates.

    Rows that differ in nothing but the day are summed where all terms have a plain rate per million for them: the
    charge of a sum is the sum of the charges. All others stay as they are, in their order, after the sums.
    """
    table = usage_daily
    by_day = {each for terms in every_terms for each, terms_of in terms.items() if terms_of.exchange}
    if not table.num_rows or pc.max(table["quantity"]).as_py() * table.num_rows > INT64_MAX:
        return usage_daily
    codes = row_codes([table[name] for name in (*DECIDING, "api_key_id", "billing_period")])
    sums = grouped(table, codes, [("quantity", "sum"), ("usage_date", "min")])
    first = table.take(sums["first_row"])
    summed = {"quantity": sums["quantity_sum"], "usage_date": sums["usage_date_min"]}
    candidates = pa.table(
        [summed.get(name, first[name]) for name in table.schema.names], schema=table.schema
    ).combine_chunks()
    ids, examples = _combinations(candidates)
    is_plain = pa.array(
        [
            example["account_id"] not in by_day and all(_flat_rate(example, terms) for terms in every_terms)
            for example in examples
        ],
        pa.bool_(),
    ).take(ids)
    is_plain = pc.and_(is_plain, pc.less_equal(candidates["quantity"], QUANTITY_MAX))
    if pc.all(is_plain).as_py():
        return candidates
    stays = table.filter(pc.is_in(codes, whole(sums["code"].filter(pc.invert(is_plain)))))
    return pa.concat_tables([candidates.filter(is_plain), stays])


def rounded_amounts(line_charges: pa.Table, currency: str, rounding: Rounding) -> pa.ChunkedArray:
    """Return the amount of each line, rounded once to the currency's minor unit."""
    digits = minor_unit_digits(currency)
    return pc.round(line_charges["amount"], ndigits=digits, round_mode=_ROUND_MODES[rounding]).cast(
        pa.decimal128(38, digits)
    )


def sums_fit(charges: pa.Table) -> bool:
    """Say whether no sum of these rows can leave its column."""
    rows = charges.num_rows
    return bool(
        pc.max(charges["quantity"]).as_py() * rows <= INT64_MAX
        and pc.max(charges["amount"]).as_py() * rows < _AMOUNT_LIMIT
    )


def _flat_rate(example: Mapping[str, object], terms: Mapping[str, CardTerms]) -> _FlatRate | None:
    """Look up the rate of a combination as the plain rating does; None where it has to be asked."""
    account_id, model, service_tier = (str(example[name]) for name in ("account_id", "model", "service_tier"))
    rated_at = example["rate_window_start"]
    if account_id not in terms or rated_at is None:
        return None
    card, discount_percent, exchange = terms[account_id]
    rate = card.rate_at(model, rated_at, service_tier=service_tier, prompt_band=example["prompt_band"])  # type: ignore[arg-type]  # as the schema says
    meter = Meter.of(str(example["meter"]))
    price = rate.price(meter) if rate else None
    if rate is None or not isinstance(price, Decimal) or price >= RATE_MAX or rate.is_limited:
        return None
    billed_as = rate.billed_as(meter)
    listed = list_rate(rate, billed_as, price)
    if discount_percent:
        listed = price if listed is None else listed
        price = discounted_amount(price, discount_percent)
    if exchange is not None:
        paid = exchange.rate_of(card.currency, example["usage_date"])  # type: ignore[arg-type]  # as the schema says
        if paid is None:
            return None
        price, listed = paid.converted(price), None if listed is None else paid.converted(listed)
        place = (account_id, model, service_tier, billed_as.value)
        fits = all(each is None or (each < RATE_MAX and _fits(each)) for each in (price, listed))
        return _FlatRate(*place, price, listed, exchange.currency, str(paid)) if fits else None
    if not _fits(price):
        return None
    return _FlatRate(account_id, model, service_tier, billed_as.value, price, listed, card.currency)


def _fits(rate: Decimal) -> bool:
    """Say whether a rate below ``RATE_MAX`` has no more decimal places than a column."""
    return rate == rate.quantize(_SMALLEST_RATE)


def _charges(usage: pa.Table, ids: pa.Array, rates: Sequence[_FlatRate | None]) -> pa.Table:
    narrow = _spread([rate and rate.rate_per_million for rate in rates], _NARROW_RATE, ids)
    columns = {name: usage[name] for name in usage.schema.names} | {
        "meter": _spread([rate and rate.meter for rate in rates], pa.string(), ids),
        "rate_per_million": _spread([rate and rate.rate_per_million for rate in rates], schemas.RATE, ids),
        "currency": _spread([rate and rate.currency for rate in rates], pa.string(), ids),
        "amount": _divided_by_a_million(pc.multiply(_tokens(usage["quantity"]), narrow)),
        "list_rate_per_million": _spread([rate and rate.list_rate_per_million for rate in rates], schemas.RATE, ids),
        "package_tokens": pa.nulls(usage.num_rows, pa.int64()),
        "flat_amount": pa.nulls(usage.num_rows, schemas.RATE),
        "exchange": _spread([rate and rate.exchange for rate in rates], pa.string(), ids),
        "entry": pa.nulls(usage.num_rows, pa.string()),
    }
    schema = schemas.CHARGES.append(usage.schema.field("place"))
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _line_charges(charges: pa.Table, ids: pa.Array, rates: Sequence[_FlatRate | None]) -> pa.Table:
    """Sum what shares an account, period, key, model, tier, meter, rate and list rate.

    As it is, where a sum might not fit its column.
    """
    if not charges.num_rows or not sums_fit(charges):
        return charges.drop_columns(["place"])
    numbers: dict[_FlatRate | None, int] = {}
    lines = _spread([numbers.setdefault(rate, len(numbers)) for rate in rates], pa.int64(), ids)
    codes = row_codes([lines, charges["api_key_id"], charges["billing_period"]])
    sums = grouped(charges, codes, [("quantity", "sum"), ("amount", "sum"), ("usage_date", "min")])
    first = charges.take(sums["first_row"])
    summed = {
        "quantity": sums["quantity_sum"],
        "amount": sums["amount_sum"].cast(schemas.AMOUNT),
        "usage_date": sums["usage_date_min"],
    }
    return pa.table([summed.get(name, first[name]) for name in schemas.CHARGES.names], schema=schemas.CHARGES)


def _combinations(table: pa.Table, by_day: Collection[str] = ()) -> tuple[pa.Array, list[dict[str, object]]]:
    """Return each row's number of its combination, and an example of each combination.

    Those of the accounts ``by_day`` are of one usage date.
    """
    columns = [table[name] for name in DECIDING]
    if by_day:
        is_by_day = pc.is_in(table["account_id"], pa.array(sorted(by_day), pa.string()))
        columns.append(pc.if_else(is_by_day, table["usage_date"], pa.scalar(None, pa.date32())))
    numbered = row_codes(columns).dictionary_encode()
    return numbered.indices, table.select([*DECIDING, "usage_date"]).take(first_rows(numbered)).to_pylist()


def _spread(values: Sequence[object], kind: pa.DataType, ids: pa.Array) -> pa.Array:
    """Give each row the value of its combination."""
    if len(set(values)) == 1:
        return pa.repeat(pa.scalar(values[0], kind), len(ids))
    return pa.array(values, kind).take(ids)


def _tokens(quantity: pa.ChunkedArray) -> pa.Array:
    """Return quantities up to ``QUANTITY_MAX`` as decimals of as few digits.

    A cast alone insists on all that an integer could have.
    """
    wide = pc.cast(whole(quantity), pa.decimal128(19, 0))
    return pa.Array.from_buffers(_TOKENS, len(wide), wide.buffers(), wide.null_count, wide.offset)


def _divided_by_a_million(product: pa.Array) -> pa.Array:
    """Move the decimal point: the same digits, with 22 decimal places instead of 16."""
    return pa.Array.from_buffers(schemas.AMOUNT, len(product), product.buffers(), product.null_count, product.offset)
