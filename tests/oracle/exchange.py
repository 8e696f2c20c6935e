"""What usage costs in another currency than its price, worked out a second time, day by day, in fractions.

Plain Python on plain values, no code shared with the product. Where the product looks a rate up in a sorted table, this
walks back from day to day until one was published.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import NamedTuple

Used = tuple[date, str, int]
"""Day, model, tokens."""


class Spell(NamedTuple):
    """What was agreed from a day on: the currency of the price list, and the discount in hundredths of a percent."""

    since: date
    currency: str
    discount: int


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One account that pays euros."""

    agreed: list[Spell]
    """In the order of time."""
    prices: dict[str, dict[str, Fraction]]
    """Currency → model → price of a million tokens."""
    published: dict[str, dict[date, Fraction]]
    """Currency → day → euros for one of it."""
    by_month: bool
    days_max: int
    to_even: bool


def euros(world: World, currency: str, day: date) -> tuple[Fraction, date] | None:
    """Return what one of a currency is in euros for usage of a day, and the day of that rate."""
    table = world.published[currency]
    decides = last_day(day) if world.by_month else day
    for back in range(world.days_max + 1):
        if decides - timedelta(days=back) in table:
            return table[decides - timedelta(days=back)], decides - timedelta(days=back)
    if world.by_month and table and max(table) <= decides:
        return table[max(table)], max(table)
    return None


def month_lines(
    world: World, month: date, used: list[Used]
) -> tuple[dict[tuple[str, Fraction, str], tuple[int, Fraction]], int]:
    """Return (model, rate in euros, which rate of exchange) → tokens and printed amount; and the tokens without one."""
    lines: dict[tuple[str, Fraction, str], tuple[int, Fraction]] = defaultdict(lambda: (0, Fraction(0)))
    lacking = 0
    for day, model, tokens in used:
        if day.replace(day=1) != month:
            continue
        spell = [each for each in world.agreed if each.since <= day][-1]
        price = world.prices[spell.currency][model] * (10_000 - spell.discount) / 10_000
        by = ""
        if spell.currency != "EUR":
            found = euros(world, spell.currency, day)
            if found is None:
                lacking += tokens
                continue
            price, by = price * found[0], f"{spell.currency} {found[1]}"
        before, owed = lines[model, price, by]
        lines[model, price, by] = (before + tokens, owed + price * tokens / 1_000_000)
    return {each: (tokens, cents(world, owed)) for each, (tokens, owed) in lines.items()}, lacking


def last_day(day: date) -> date:
    following = day.replace(day=28) + timedelta(days=4)
    return following.replace(day=1) - timedelta(days=1)


def cents(world: World, amount: Fraction) -> Fraction:
    whole, rest = divmod(amount * 100, 1)
    is_up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and not (world.to_even and whole % 2 == 0))
    return Fraction(whole + is_up, 100)
