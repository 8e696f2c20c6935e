"""A language has every word; numbers, money and dates are written as its readers write them, digit for digit."""

from __future__ import annotations

import re
from dataclasses import fields
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.accounts.parties import LANGUAGES as CONFIGURABLE
from pipeline.base import money
from pipeline.base.errors import ConfigurationError
from pipeline.base.periods import BillingPeriod
from pipeline.documents.pages.spelling import harmless, spelling_of
from pipeline.documents.pages.words import LANGUAGES, Words
from pipeline.invoicing import LineKind
from pipeline.invoicing.worth.recurring_lines import SEATS, YEAR
from pipeline.usage import Meter

TAGS = ["en", "en-GB", "en-IN", "de", "de-AT", "de-CH", "fr", "fr-CH", "fr-CA"]
TEXTS = [field.name for field in fields(Words) if field.name not in ("kinds", "meters", "items", "phrases")]
BLANK = "\u00a0"


def test_an_invoice_can_be_written_in_every_language_that_can_be_configured_and_in_no_other() -> None:
    assert tuple(LANGUAGES) == CONFIGURABLE


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_every_word_every_kind_of_line_and_every_meter(language: str) -> None:
    words = LANGUAGES[language]
    assert [name for name in TEXTS if not getattr(words, name).strip()] == []
    assert {kind.value for kind in LineKind} <= set(words.kinds)
    assert set(words.kinds) == set(LANGUAGES["en"].kinds)
    assert set(words.meters) == set(Meter)
    assert set(words.items) == {SEATS, YEAR}
    assert all(text.strip() for text in (*words.kinds.values(), *words.meters.values()))
    assert len(set(words.meters.values())) == len(Meter)


@pytest.mark.parametrize("name", TEXTS)
def test_what_is_filled_into_a_text_is_the_same_in_every_language(name: str) -> None:
    filled = [set(re.findall(r"\{\w+\}", getattr(words, name))) for words in LANGUAGES.values()]
    assert all(each == filled[0] for each in filled)


def test_amounts_are_written_as_each_language_writes_them() -> None:
    amount = Decimal("-1234567.50")
    assert spelling_of("en").money(amount, "USD") == f"USD{BLANK}-1,234,567.50"
    assert spelling_of("de").money(amount, "EUR") == f"-1.234.567,50{BLANK}EUR"
    assert spelling_of("de-CH").money(amount, "CHF") == f"CHF{BLANK}-1\u2019234\u2019567.50"
    assert spelling_of("fr").money(amount, "EUR") == f"-1\u202f234\u202f567,50{BLANK}EUR"
    assert spelling_of("en-IN").number(amount) == "-12,34,567.50"


def test_dates_and_periods_are_written_as_each_language_writes_them() -> None:
    day, period = date(2026, 3, 2), BillingPeriod(year=2026, month=3)
    assert [spelling_of(tag).date(day) for tag in ("en", "en-GB", "de", "fr")] == [
        "March 2, 2026",
        "2 March 2026",
        "2. März 2026",
        "2 mars 2026",
    ]
    assert [spelling_of(tag).month(period) for tag in ("en", "de", "fr")] == ["March 2026", "März 2026", "mars 2026"]
    assert spelling_of("de").country("DE") == "Deutschland"


@pytest.mark.parametrize("tag", TAGS)
@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**60), max_value=10**60))
def test_no_digit_is_lost_or_rounded(tag: str, value: Decimal) -> None:
    spelling = spelling_of(tag)
    symbols = spelling.locale.number_symbols["latn"]
    written = spelling.number(value)
    digits = re.sub(f"[{re.escape(symbols['group'])}\u2019]", "", written).replace(symbols["decimal"], ".")
    assert Decimal(digits) == value
    assert digits.partition(".")[2] == money.plain(value).partition(".")[2]


@pytest.mark.parametrize("tag", TAGS)
def test_every_currency_has_the_decimal_places_of_its_minor_unit_whatever_the_cldr_says(tag: str) -> None:
    """To the CLDR, Iraqi dinars have no fils; ISO 4217 is what an invoice is rounded by."""
    spelling = spelling_of(tag)
    point = spelling.locale.number_symbols["latn"]["decimal"]
    for currency in ("USD", "JPY", "KWD", "IQD", "UGX", "MGA", "CLF"):
        digits = money.minor_unit_digits(currency)
        amount = money.rounded_to_minor_unit(Decimal(7), currency, money.Rounding.HALF_UP)
        number = spelling.money(amount, currency).replace(currency, "").strip()
        assert number == f"7{point}{'0' * digits}" if digits else number == "7"


def test_a_region_that_nobody_knows_is_left_out_and_a_language_without_words_refused() -> None:
    assert spelling_of("de-XX").language == "de"
    with pytest.raises(ConfigurationError, match="language is 'es'; write one of en, de, fr"):
        spelling_of("es")


@given(st.text(alphabet=st.characters(codec=None)))
def test_what_is_printed_has_no_hidden_direction_no_control_and_no_half_character(text: str) -> None:
    shown = harmless(text)
    shown.encode("utf-8")
    assert not re.search("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f\x7f-\x9f]", shown)
    assert harmless(shown) == shown


def test_what_is_no_character_is_shown_as_such_and_names_of_all_scripts_stay() -> None:
    assert harmless("a\x00b\x1b[31m\ud800\uffff") == "a\ufffdb\ufffd[31m\ufffd\ufffd"
    assert harmless("evil\u202egnp.exe") == "evilgnp.exe"
    for name in ("Dōjō Robotics", "Ελληνικά", "株式会社", "شركة", "Zoë & Söhne <GmbH>", "👩\u200d💻"):
        assert harmless(name) == name
