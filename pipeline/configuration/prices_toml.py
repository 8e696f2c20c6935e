"""How one price is written in a rate card: a number per million tokens, or a table for a price of the whole period.

::

    prompt = 2.00
    prompt = { mode = "graduated", tiers = [ { up_to = 1_000_000_000, rate = 2.0 }, { rate = 1.50 } ], group = "jamba" }
    prompt = { mode = "graduated", tiers = [ { up_to = 1_000_000_000, rate = 0, flat = 50.00 }, { rate = 1.50 } ] }
    prompt = { mode = "volume", tiers = [ … ] }
    prompt = { mode = "package", tokens = 1_000_000, price = 2.00 }
    per_request = 0.01
    per_request = { mode = "graduated", tiers = [ { up_to = 10_000, rate = 0.01 }, { rate = 0.005 } ] }
    per_request = { mode = "package", requests = 1_000, price = 5.00 }

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
    return {meter: _price(table, meter) for meter in Meter if meter.card_key in table.values}


def decimal_of(table: Table, key: str) -> Decimal:
    """Return an exact number. ``true`` is an int to Python and "2.00" a string: neither is a price."""
    value = table.values.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        what = f"{key} is {value_text(value)}; write a price per million tokens as a number, such as 2.00"
        if key not in _TOKEN_KEYS:
            what = f"{key} is {'missing' if value is None else value_text(value)}; write a number, such as 2.00"
        raise table.refusal(what)
    return Decimal(value)


def _rate(table: Table, key: str, meter: Meter) -> Decimal:
    """Return the price of a million; of requests the price of one is stated."""
    stated = decimal_of(table, key)
    if meter.is_of_tokens:
        return stated
    refuse_what_is_no_rate(f"{key} {stated}", stated)
    with exact_arithmetic():
        return stated * PER_MILLION


def _price(table: Table, meter: Meter) -> Price:
    key = meter.card_key
    value = table.values[key]
    if not isinstance(value, dict):
        return _rate(table, key, meter)
    shape = Table(file=table.file, name=f"{table.name}, {key}", values=value, error=table.error)
    mode = shape.text("mode")
    try:
        if mode == "package":
            size = "tokens" if meter.is_of_tokens else "requests"
            shape.allow_only("mode", size, "price", "group")
            tokens = shape.integer(size, default=0, smallest=1, greatest=_TOKENS_MAX)
            return PackagePrice(tokens=tokens, price=decimal_of(shape, "price"), group=_group(shape))
        if mode in {"graduated", "volume"}:
            shape.allow_only("mode", "tiers", "group")
            kind = GraduatedPrice if mode == "graduated" else VolumePrice
            return kind(tiers=_tiers(shape, meter), group=_group(shape))
    except RateCardError as wrong:
        raise wrong if str(wrong).startswith(table.file) else shape.refusal(str(wrong)) from wrong
    what = f'mode is {mode!r}; it must be "graduated", "volume" or "package"'
    raise shape.refusal(what)


def _tiers(shape: Table, meter: Meter) -> tuple[PeriodTier, ...]:
    return tuple(
        _tier(replace(tier, name=f"{shape.name}, tier {number}"), meter)
        for number, tier in enumerate(shape.tables("tiers"), start=1)
    )


def _tier(table: Table, meter: Meter) -> PeriodTier:
    table.allow_only("up_to", "rate", "flat")
    up_to = table.integer("up_to", default=1, smallest=1, greatest=_TOKENS_MAX) if "up_to" in table.values else None
    flat = decimal_of(table, "flat") if "flat" in table.values else Decimal(0)
    return PeriodTier(up_to=up_to, rate=_rate(table, "rate", meter), flat=flat)


def _group(table: Table) -> str | None:
    return table.text("group") if "group" in table.values else None
