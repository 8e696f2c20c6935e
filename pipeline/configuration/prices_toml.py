"""How one price is written in a rate card: a number per million tokens, or a table for a price of the whole period.

::

    prompt = 2.00
    prompt = { mode = "graduated", tiers = [ { up_to = 1_000_000_000, rate = 2.0 }, { rate = 1.50 } ], group = "jamba" }
    prompt = { mode = "volume", tiers = [ … ] }
    prompt = { mode = "package", tokens = 1_000_000, price = 2.00 }
    per_request = 0.01

Owns the keys of such tables. Does not own what the prices mean (``pipeline.rates.prices``).
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.base.errors import RateCardError
from pipeline.base.money import exact_arithmetic
from pipeline.configuration.strict_toml import Table, value_text
from pipeline.rates.prices import (
    PER_MILLION,
    GraduatedPrice,
    PackagePrice,
    PeriodTier,
    VolumePrice,
    refuse_what_is_no_rate,
)
from pipeline.usage import Meter

if TYPE_CHECKING:
    from pipeline.rates.prices import Price

PRICE_KEYS = tuple(meter.card_key for meter in Meter)
_TOKEN_KEYS = tuple(meter.card_key for meter in Meter if meter.is_of_tokens)
_TOKENS_MAX = 2**62


def prices_of(table: Table) -> dict[Meter, Price]:
    """Return the prices that a ``[[rates]]`` table states, by meter. Raises ``RateCardError``."""
    return {
        meter: _price(table, meter.card_key) if meter.is_of_tokens else _price_of_one(table, meter.card_key)
        for meter in Meter
        if meter.card_key in table.values
    }


def decimal_of(table: Table, key: str) -> Decimal:
    """Return an exact number. ``true`` is an int to Python and "2.00" a string: neither is a price."""
    value = table.values.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        what = f"{key} is {value_text(value)}; write a price per million tokens as a number, such as 2.00"
        if key not in _TOKEN_KEYS:
            what = f"{key} is {'missing' if value is None else value_text(value)}; write a number, such as 2.00"
        raise table.refusal(what)
    return Decimal(value)


def _price_of_one(table: Table, key: str) -> Decimal:
    """Return the price of a million where that of one is stated."""
    one = decimal_of(table, key)
    refuse_what_is_no_rate(f"{key} {one}", one)
    with exact_arithmetic():
        return one * PER_MILLION


def _price(table: Table, key: str) -> Price:
    value = table.values[key]
    if not isinstance(value, dict):
        return decimal_of(table, key)
    shape = Table(file=table.file, name=f"{table.name}, {key}", values=value, error=table.error)
    mode = shape.text("mode")
    try:
        if mode == "package":
            shape.allow_only("mode", "tokens", "price", "group")
            tokens = shape.integer("tokens", default=0, smallest=1, greatest=_TOKENS_MAX)
            return PackagePrice(tokens=tokens, price=decimal_of(shape, "price"), group=_group(shape))
        if mode in {"graduated", "volume"}:
            shape.allow_only("mode", "tiers", "group")
            kind = GraduatedPrice if mode == "graduated" else VolumePrice
            return kind(tiers=_tiers(shape), group=_group(shape))
    except RateCardError as wrong:
        raise wrong if str(wrong).startswith(table.file) else shape.refusal(str(wrong)) from wrong
    what = f'mode is {mode!r}; it must be "graduated", "volume" or "package"'
    raise shape.refusal(what)


def _tiers(shape: Table) -> tuple[PeriodTier, ...]:
    return tuple(
        _tier(replace(tier, name=f"{shape.name}, tier {number}"))
        for number, tier in enumerate(shape.tables("tiers"), start=1)
    )


def _tier(table: Table) -> PeriodTier:
    table.allow_only("up_to", "rate")
    up_to = table.integer("up_to", default=1, smallest=1, greatest=_TOKENS_MAX) if "up_to" in table.values else None
    return PeriodTier(up_to=up_to, rate=decimal_of(table, "rate"))


def _group(table: Table) -> str | None:
    return table.text("group") if "group" in table.values else None
