"""Descriptions of lines in another language.

A description is frozen with its line, in English. This finds which of our own phrases it is, by the English words of
the table (``words.Phrases``), and writes that phrase with the words of another language, its numbers and dates as that
language has them. So it does for documents of every age, and no document has to state its text twice.

What people wrote themselves (the name of an item, a reason, the id of a coupon or a grant) is a part of a phrase that
stays as it is. A description that is none of the phrases of its kind stays as it was frozen, word for word.
"""

from __future__ import annotations

import re
from dataclasses import fields
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Protocol

from pipeline.accounts.billing import REVERSE_CHARGE_TEXT
from pipeline.base.errors import TallybookError
from pipeline.base.periods import BillingPeriod, parse_date
from pipeline.documents.pages.words import ENGLISH, Phrases
from pipeline.invoicing.lines import LineKind

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from pipeline.documents.pages.words import Words


class Speller(Protocol):
    """How a language is written: on a page (``spelling.Spelling``), or for programs (``einvoice.text``)."""

    @property
    def words(self) -> Words:
        """Its words."""

    def number(self, value: Decimal | int) -> str:
        """Write a number."""

    def percent(self, value: Decimal) -> str:
        """Write a percentage without its sign."""

    def money(self, amount: Decimal, currency: str) -> str:
        """Write an amount with its currency."""

    def date(self, day: date) -> str:
        """Write a date."""

    def month(self, period: BillingPeriod) -> str:
        """Write a billing period."""


_NUMBER = r"-?\d+(?:\.\d+)?"
_FIELDS = {
    "amount": _NUMBER,
    "date": r"\d{4}-\d{2}-\d{2}",
    "days": r"\d+",
    "entry": r".+",
    "id": r"\S+",
    "invoice": r"\S+",
    "kind": r"\w+",
    "last": r"\d[\dQ-]*",
    "line": r"\d+",
    "money": rf"{_NUMBER} [A-Z]{{3}}",
    "of_days": r"\d+",
    "parts": r" \(.+?\)|",
    "percent": _NUMBER,
    "period": r"\d[\dQ-]*",
    "reason": r".+",
    "seats": r"\d+",
    "text": r".+?",
    "tokens": r"\d+",
}
"""What stands in each place of a phrase, as it was frozen."""
_OF_KIND: Mapping[LineKind, tuple[str, ...]] = {
    LineKind.LIMIT: ("minimum", "maximum"),
    LineKind.FEE: ("monthly_fee", "seat", "seats"),
    LineKind.COMMITMENT: ("commitment", "yearly_commitment"),
    LineKind.ITEM: ("item",),
    LineKind.COUPON: ("coupon_in_percent", "coupon"),
    LineKind.CREDIT: ("credit",),
}
"""The phrases of each kind of lines, by their names; the first that fits is it."""
_ENDINGS = ("part_of_days", "part_taxed_as")
"""What may follow one of them."""


def description_in(spelling: Speller, kind: LineKind, description: str) -> str:
    """Return the description of a line in a language: ``Frais mensuels pour octobre 2026``.

    That of a kind without phrases (usage, which is written by its meter) and one of no phrase is returned as it is.
    """
    for name in _OF_KIND.get(kind, ()):
        body, endings = description, ""
        if kind is not LineKind.ITEM:  # what people write has no ending of ours
            body, endings = _without_endings(spelling, description)
        said = _pattern(name).fullmatch(body)
        if said is not None:
            text = _written(spelling, name, said.groupdict()) + endings
            return text if kind is LineKind.ITEM else text[:1].upper() + text[1:]
    return description


def reduction_in(spelling: Speller, description: str, text_in: Callable[[str], str]) -> str:
    """Return the description of a reduction in a language; its reason stays as it is.

    ``text_in`` writes the description of the line that it is taken off.
    """
    said = _pattern("reduction").fullmatch(description)
    if said is None:
        return description
    stated = said.groupdict()
    return _written(spelling, "reduction", stated | {"text": text_in(stated["text"])})


def tax_text_in(spelling: Speller, text: str) -> str:
    """Return what is printed about tax in a language, where it is our own sentence of a reversed charge."""
    return text.replace(REVERSE_CHARGE_TEXT, spelling.words.reverse_charge)


@cache
def _pattern(name: str) -> re.Pattern[str]:
    """Return the English phrase as a pattern of what was frozen; raises ``KeyError`` for a place of no kind."""
    parts = re.split(r"\{(\w+)\}", getattr(ENGLISH.phrases, name))
    return re.compile(
        "".join(f"(?P<{part}>{_FIELDS[part]})" if place % 2 else re.escape(part) for place, part in enumerate(parts)),
        re.DOTALL,
    )


def _without_endings(spelling: Speller, description: str) -> tuple[str, str]:
    endings = ""
    for name in _ENDINGS:
        said = re.search(f"{_pattern(name).pattern}$", description)
        if said is not None:
            description = description[: said.start()]
            endings = _written(spelling, name, said.groupdict()) + endings
    return description, endings


def _written(spelling: Speller, name: str, stated: Mapping[str, str]) -> str:
    return str(getattr(spelling.words.phrases, name)).format(
        **{field: _spelled(spelling, field, value) for field, value in stated.items()}
    )


def _spelled(spelling: Speller, field: str, value: str) -> str:
    write = _WRITTEN.get(field)
    return value if write is None else write(spelling, value)


def _number(spelling: Speller, value: str) -> str:
    return spelling.number(Decimal(value))


def _money(spelling: Speller, value: str) -> str:
    amount, currency = value.split(" ")
    return spelling.money(Decimal(amount), currency)


def _parts(spelling: Speller, value: str) -> str:
    """Write the parts of a commitment, between their brackets."""
    return _pattern("days_of_amount").sub(lambda said: _written(spelling, "days_of_amount", said.groupdict()), value)


def _period(spelling: Speller, value: str) -> str:
    try:
        return spelling.month(BillingPeriod.parse(value))
    except TallybookError:
        return value


def _entry_part(spelling: Speller, part: str) -> str:
    """Write a part of what an entry of a card is of: a model, a tier, or a size of prompts."""
    above = _pattern("above").fullmatch(part)
    if above is not None:
        return _written(spelling, "above", above.groupdict())
    tier = re.fullmatch(r"(\S+) tier", part)
    return spelling.words.tier.format(tier=tier[1]) if tier else part


_WRITTEN: Mapping[str, Callable[[Speller, str], str]] = {
    "amount": _number,
    "date": lambda spelling, value: spelling.date(parse_date(value)),
    "days": _number,
    "entry": lambda spelling, value: ", ".join(_entry_part(spelling, part) for part in value.split(", ")),
    "kind": lambda spelling, value: spelling.words.kinds.get(value, value),
    "last": _period,
    "money": _money,
    "of_days": _number,
    "parts": _parts,
    "percent": lambda spelling, value: spelling.percent(Decimal(value)),
    "period": _period,
    "seats": _number,
    "tokens": _number,
}
"""How what stands in a place is written; what is not among them stays as it is."""
PHRASES = tuple(field.name for field in fields(Phrases))
"""The names of all phrases."""
