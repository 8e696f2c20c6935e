"""How a report writes amounts, counts and changes: every digit, in groups, those beyond the minor unit quietly.

Owns how a number is split so that the points of a column stand under each other. Rounds nothing, but where a name says
so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.base.money import Rounding, minor_unit_digits, normalised, plain_amount, rounded_to_minor_unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

NONE = "\u2013"
"""Stands where nothing is known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """An exact amount, split behind its minor unit: ``13.256067`` US dollars are ``13.25`` and ``6067``."""

    head: str
    tail: str = ""
    sign: int = 0
    """-1, 0 or 1."""

    @property
    def text(self) -> str:
        """All of it."""
        return self.head + self.tail


NOTHING = Amount(head=NONE)


def amount_of(amount: Decimal | None, currency: str, *, is_change: bool = False) -> Amount:
    """Split an amount; a change has its sign in front: ``+0.50``."""
    if amount is None:
        return NOTHING
    whole, point, fraction = plain_amount(normalised(amount), currency).partition(".")
    digits = minor_unit_digits(currency)
    kept = f"{point}{fraction[:digits]}" if digits else ""
    rest = fraction[digits:] if digits else f"{point}{fraction}"
    plus = "+" if is_change and amount > 0 else ""
    return Amount(head=f"{plus}{grouped(whole)}{kept}", tail=rest, sign=(amount > 0) - (amount < 0))


def grouped(digits: str) -> str:
    """Write a whole number's digits in groups of three.

    >>> grouped("1234567"), grouped("-123"), grouped("-1234")
    ('1,234,567', '-123', '-1,234')
    """
    sign = "-" if digits.startswith("-") else ""
    return sign + f"{int(digits.lstrip('-')):,}"


def rounded_text(amount: Decimal | None, currency: str) -> str:
    """Write an amount rounded to its minor unit, half up, as a headline says it: ``13.26``."""
    if amount is None:
        return NONE
    return amount_of(rounded_to_minor_unit(amount, currency, Rounding.HALF_UP), currency).text


def percent_text(part: Decimal | None, *, is_change: bool = False) -> str:
    """Write a part of 1 in per cent, as it was rounded: ``+6.78\u00a0%``."""
    if part is None:
        return NONE
    percent = part.scaleb(2)
    plus = "+" if is_change and part > 0 else ""
    return f"{plus}{percent:,f}\u00a0%"


def tail_width(amounts: Iterable[Amount]) -> int:
    """Return how many characters the longest tail of a column has."""
    return max((len(each.tail) for each in amounts), default=0)


def axis_texts(values: Sequence[Decimal]) -> list[str]:
    """Write the round numbers of an axis, all with as many decimal places as one of them needs.

    >>> axis_texts([Decimal("0.5"), Decimal(1)]), axis_texts([Decimal("5E+2"), Decimal(1000)])
    (['0.5', '1.0'], ['500', '1,000'])
    """
    digits = max((len(f"{normalised(value):f}".partition(".")[2]) for value in values), default=0)
    return [f"{value:,.{digits}f}" for value in values]
