"""What an account owes for a month beside its usage, worked out a second time, day by day.

Plain Python on plain values, no code shared with the product. Where the product cuts a month into spans of equal terms,
this asks on every single day what was agreed, and adds fractions.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """One account, and when usage of any account has reached which month."""

    fees: dict[str, Fraction]
    """By rate card."""
    agreed: list[tuple[date | None, dict[str, Any]]]
    """From a day on, in the order of time; each says everything."""
    begins_on: date | None
    ends_on: date | None
    items: list[tuple[str, date, Fraction]]
    spent: dict[date, Fraction] = field(default_factory=dict)
    """What its usage prints, by the first day of the month; months without usage are not in it."""
    reached: tuple[date, date]
    """First days of the first and the last month that any account has used."""
    minor_units: int
    to_even: bool


def owed(world: World, first: date) -> list[tuple[str, str, Fraction]] | None:
    """Return (kind, item, amount) of every line beside usage; None where the month has no invoice of its own."""
    days = days_of(first)
    within = [day for day in days if holds(world, day)]
    if any(said_on(world, day)[1]["proration"] == "days" for day in within):
        said = [said_on(world, day) for day in within]
    else:
        said = [said_on(world, first)] * len(days) if holds(world, first) else []
    is_used, is_reached = first in world.spent, world.reached[0] <= first <= world.reached[1]
    has_begun = world.begins_on is not None or any(month <= first for month in world.spent)
    fees: Counter[Fraction] = Counter()
    seats: Counter[tuple[int, Fraction]] = Counter()
    committed: Counter[Fraction] = Counter()
    for since, terms in said:
        is_due = is_reached and (has_begun or since is not None)
        fee = world.fees.get(terms["rate_card"])
        if fee is not None and (is_used or (is_due and terms["fee_without_usage"])):
            fees[fee] += 1
        if is_due and terms["seats"]:
            seats[terms["seats"], terms["seat_price"]] += 1
        if is_due and terms["minimum_commitment"]:
            committed[terms["minimum_commitment"]] += 1
    lines = [("fee", "", part(world, fee * count, days)) for fee, count in fees.items()]
    lines += [("fee", "seats", part(world, each[0] * each[1] * count, days)) for each, count in seats.items()]
    least = part(world, sum((amount * count for amount, count in committed.items()), Fraction(0)), days)
    missing = least - sum(amount for *_, amount in lines) - world.spent.get(first, 0)
    if committed and missing > 0:
        lines.append(("commitment", "", missing))
    year = year_that_ends(world, first) if is_reached else None
    surcharge = surcharge_of(world, first, said, lines, least)
    missing = missing_of_year(world, year, first, lines) if year else None
    if missing:
        lines.append(("commitment", "year", missing))
    lines += surcharge
    items = [(day, name, amount) for name, day, amount in world.items if day in days and first <= world.reached[1]]
    lines += [("item", name, amount) for _, name, amount in sorted(items)]
    return lines if is_used or fees or seats or committed or items or missing is not None else None


def surcharge_of(
    world: World,
    first: date,
    said: list[tuple[date | None, dict[str, Any]]],
    lines: list[tuple[str, str, Fraction]],
    least: Fraction,
) -> list[tuple[str, str, Fraction]]:
    """Pour fees and then usage into what was promised; what runs over costs its percentage, beside its own price."""
    has_begun = world.begins_on is not None or any(month <= first for month in world.spent)
    percents = [terms["overage_percent"] for since, terms in said if has_begun or since is not None]
    if not percents or percents[0] == 100 or first not in world.spent:
        return []
    room = least
    if not room and world.begins_on and world.begins_on.day == first.day:
        months = [months_from(date(world.begins_on.year + n, world.begins_on.month, first.day)) for n in range(-1, 4)]
        (year,) = (each for each in months if each[0] <= first < each[12])
        room = promised_by_the_year(world, year)
        for month in year[: year.index(first)] if room else []:
            fees = [amount for kind, _, amount in owed(world, month) or [] if kind == "fee"]
            room -= sum(fees, world.spent.get(month, Fraction(0)))
        is_promised = promised_by_the_year(world, year) > 0
    else:
        is_promised = least > 0
    if not is_promised:
        return []
    room -= sum((amount for kind, _, amount in lines if kind == "fee"), Fraction(0))
    over = world.spent[first] - min(max(room, Fraction(0)), world.spent[first])
    return [("overage", "", rounded(world, over * (percents[0] - 100) / 100))] if over else []


def promised_by_the_year(world: World, months: list[date]) -> Fraction:
    """Return what the twelve months were promised to come to."""
    days = [day for month in months[:12] for day in days_of(month)]
    within = [day for day in days if holds(world, day)]
    if any(said_on(world, day)[1]["proration"] == "days" for day in within):
        agreed = [said_on(world, day)[1]["yearly_commitment"] for day in within]
    else:
        agreed = [said_on(world, days[0])[1]["yearly_commitment"]] * len(days) if holds(world, days[0]) else []
    return part(world, sum(agreed, Fraction(0)), days)


def months_from(first: date) -> list[date]:
    passed = [(first.year * 12 + first.month - 1 + n) for n in range(13)]
    return [date(number // 12, number % 12 + 1, first.day) for number in passed]


def year_that_ends(world: World, month: date) -> list[date] | None:
    """Walk through the contract year by year; return the months of the one that ends here, and the month after it."""
    start = world.begins_on
    while start and start.day == month.day and start <= month:
        months = months_from(start)
        held = [each for each in months[:12] if any(holds(world, day) for day in days_of(each))]
        if held and held[-1] == month:
            return months
        start = months[12]
    return None


def missing_of_year(
    world: World, months: list[date], last: date, lines: list[tuple[str, str, Fraction]]
) -> Fraction | None:
    """Return what the year lacks (not below zero); None where no commitment by the year was agreed."""
    promised = promised_by_the_year(world, months)
    if not promised:
        return None
    spent = sum((amount for kind, _, amount in lines if kind == "fee"), world.spent.get(last, Fraction(0)))
    for month in months[: months.index(last)]:
        fees = [amount for kind, _, amount in owed(world, month) or [] if kind == "fee"]
        spent += sum(fees, world.spent.get(month, Fraction(0)))
    return max(Fraction(0), promised - spent)


def days_of(first: date) -> list[date]:
    """The days of the month that begins on one."""
    end = months_from(first)[1]
    return [first + timedelta(days=count) for count in range((end - first).days)]


def holds(world: World, day: date) -> bool:
    return not (world.begins_on and day < world.begins_on) and not (world.ends_on and day >= world.ends_on)


def said_on(world: World, day: date) -> tuple[date | None, dict[str, Any]]:
    return [(since, terms) for since, terms in world.agreed if since is None or since <= day][-1]


def part(world: World, of_all_days: Fraction, days: list[date]) -> Fraction:
    """Round what was added day by day, once."""
    return rounded(world, of_all_days / len(days))


def rounded(world: World, amount: Fraction) -> Fraction:
    whole, rest = divmod(abs(amount) * 10**world.minor_units, 1)
    is_up = rest > Fraction(1, 2) or (rest == Fraction(1, 2) and not (world.to_even and whole % 2 == 0))
    return Fraction(whole + is_up, 10**world.minor_units) * (-1 if amount < 0 else 1)
