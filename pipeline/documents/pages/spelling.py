"""How a language writes numbers, money, dates and countries: by the CLDR, which Babel brings.

Owns that every digit of a number is printed, whatever the CLDR says of its currency. Does not own words (``words``).
"""

from __future__ import annotations

import copy
import decimal
import unicodedata
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from pipeline.base.errors import ConfigurationError
from pipeline.base.money import minor_unit_digits, plain, plain_rate
from pipeline.documents.extras import extra_of
from pipeline.documents.pages.words import LANGUAGES, words_of

if TYPE_CHECKING:
    from datetime import date

    from babel import Locale

    from pipeline.base.periods import BillingPeriod
    from pipeline.documents.pages.words import Words

_DIGITS_MAX = 200
"""Of a number that is written, well above those of any amount: Babel writes numbers in the context that it finds."""
_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
_ISOLATED = "\u2068{}\u2069"
_REPLACEMENT = "\ufffd"
_BLANKS = {"\t": " ", "\u2028": " ", "\u2029": " "}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """One language, with its region where one was named."""

    language: str
    """BCP 47: ``de-AT``."""
    locale: Locale
    words: Words

    def number(self, value: Decimal | int) -> str:
        """Write a number with all its digits, those before the point in groups.

        ``1234.50`` is ``1,234.50`` in English and ``1.234,50`` in German.
        """
        return self._written(value if isinstance(value, Decimal) else Decimal(value))

    def price(self, value: Decimal) -> str:
        """Write a rate with at least two decimal places, and more where they say something."""
        return self._written(Decimal(plain_rate(value)))

    def percent(self, value: Decimal) -> str:
        """Write a percentage without its sign: ``7.7``, ``19``."""
        return self._written(Decimal(plain(value.normalize())))

    def money(self, amount: Decimal, currency: str) -> str:
        """Write an amount with the code of its currency, where the language has it: ``USD 1,234.50``, ``1.234,50 EUR``.

        The code and no sign, of which several currencies have the same.
        """
        is_before = self.locale.currency_formats["standard"].pattern.partition(";")[0].lstrip().startswith("¤")
        number = self.number(amount)
        return f"{currency}\u00a0{number}" if is_before else f"{number}\u00a0{currency}"

    def unit(self, currency: str) -> str:
        """Write the smallest amount that is printed in a currency: ``0.01``."""
        return self.number(Decimal(1).scaleb(-minor_unit_digits(currency)))

    def date(self, day: date) -> str:
        """Write a date with the name of its month: ``2 November 2026``."""
        from babel.dates import format_date  # noqa: PLC0415 - of an extra

        return str(format_date(day, format="long", locale=self.locale))

    def month(self, period: BillingPeriod) -> str:
        """Write a month: ``October 2026``; by its days where it is none of the calendar's."""
        from babel.dates import format_skeleton  # noqa: PLC0415 - of an extra

        if period.day != 1:
            return f"{self.date(period.first_date)} \u2013 {self.date(period.end_date - timedelta(days=1))}"
        return str(format_skeleton("yMMMM", period.first_date, locale=self.locale))

    def country(self, code: str) -> str:
        """Write the name of a country, in capitals or not as the language has it; its code where it has none."""
        return str(self.locale.territories.get(code, code))

    def _written(self, value: Decimal) -> str:
        digits = len(plain(value).partition(".")[2])
        group = self.locale.number_symbols["latn"]["group"]
        if group in ("'", "\u2019"):  # Babel takes an apostrophe of Swiss numbers for a quote of its pattern
            decimal_point = self.locale.number_symbols["latn"]["decimal"]
            return f"{value:,.{digits}f}".translate({ord(","): "\u2019", ord("."): decimal_point})
        pattern = copy.copy(self.locale.decimal_formats[None])
        pattern.frac_prec = (digits, digits)
        with decimal.localcontext(prec=_DIGITS_MAX):
            return str(pattern.apply(value, self.locale, decimal_quantization=False))


def spelling_of(language: str) -> Spelling:
    """Return how a language tag is written: ``en``, ``de-AT``.

    A region that the CLDR does not know is left out. Raises ``ConfigurationError`` for a language without words, and
    ``ExtraMissing`` without Babel.
    """
    with extra_of("html", "a page for people"):
        from babel import Locale, UnknownLocaleError  # noqa: PLC0415 - of an extra
    try:
        words = words_of(language)
    except KeyError as unknown:
        message = f"language is {language!r}; write one of {', '.join(LANGUAGES)}, or one with a region, such as de-AT"
        raise ConfigurationError(message) from unknown
    try:
        locale = Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse(language.partition("-")[0])
    return Spelling(language=str(locale).replace("_", "-"), locale=locale, words=words)


def harmless(text: str) -> str:
    """Return text as it may be printed anywhere: nothing in it is invisible and changes how the rest is read.

    Marks that turn the direction of writing are left out, tabs and line separators are blanks, and what is no character
    at all (controls, lone surrogates, places of nothing) is shown as U+FFFD. Line breaks stay.
    """
    return "".join(_harmless(character) for character in text.replace("\r\n", "\n").replace("\r", "\n"))


def apart(text: str) -> str:
    """Return a name that numbers stand behind, so that each keeps its own direction of writing.

    Numbers behind Arabic or Hebrew are else drawn before it, and a rate is no longer beside its sum. ``text`` is
    harmless already.
    """
    is_turned = any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text)
    return _ISOLATED.format(text) if is_turned else text


def _harmless(character: str) -> str:
    if character == "\n" or character.isprintable():
        return character
    if character in _BIDI_CONTROLS:
        return ""
    if character in _BLANKS:
        return _BLANKS[character]
    is_kept = unicodedata.category(character) in ("Zs", "Cf")  # blanks, joiners and soft hyphens
    return character if is_kept else _REPLACEMENT
