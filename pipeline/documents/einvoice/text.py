"""Text and numbers as XML may hold them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.base.money import normalised, plain

if TYPE_CHECKING:
    from datetime import date

    from pipeline.base.periods import BillingPeriod
    from pipeline.documents.pages.words import Words

_NO_XML_CHARACTER = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_REPLACEMENT = "\ufffd"

Terms = dict[str, Any]
"""Business terms by their numbers: ``BT-1`` is text, a day or a plain number, ``BG-25`` a list of further terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainSpelling:
    """The words of a language with numbers and dates as programs write them; no library is needed for it."""

    words: Words

    def number(self, value: Decimal | int) -> str:
        """Write a number with all its digits."""
        return plain(Decimal(value))

    def percent(self, value: Decimal) -> str:
        """Write a percentage without zeros at its end."""
        return number(value)

    def money(self, amount: Decimal, currency: str) -> str:
        """Write an amount with the code of its currency: ``20.00 EUR``."""
        return f"{plain(amount)} {currency}"

    def date(self, day: date) -> str:
        """Write a date: ``2026-10-05``."""
        return day.isoformat()

    def month(self, period: BillingPeriod) -> str:
        """Write a billing period: ``2026-10``."""
        return str(period)


def xml_text(text: str) -> str:
    """Return text without blanks around it, and with U+FFFD for each character that XML 1.0 cannot hold."""
    return _NO_XML_CHARACTER.sub(_REPLACEMENT, text).strip()


def number(value: Decimal) -> str:
    """Return a price or a percentage without zeros at its end: 2.50 is ``2.5``."""
    return plain(normalised(value))


def stated(**terms: Any) -> Terms:
    """Return the terms that say something; texts as XML holds them, and ``BT_1`` as ``BT-1``."""
    cleaned = {
        name.replace("_", "-") if name.startswith("B") else name: xml_text(value) if isinstance(value, str) else value
        for name, value in terms.items()
    }
    return {name: value for name, value in cleaned.items() if value not in (None, "", [], {})}
