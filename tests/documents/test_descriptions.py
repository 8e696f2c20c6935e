"""Descriptions of lines are written in the language of the page; what people wrote stays as they wrote it."""

from __future__ import annotations

import csv
import re
from dataclasses import asdict, replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from e_invoice_rules import broken_rules
from e_invoices import BIRKE
from every_line import OWN_WORDS, every_line, notes_of

from pipeline.accounts import Tax
from pipeline.documents.einvoice.syntaxes import cii_invoice, ubl_invoice
from pipeline.documents.einvoice.terms import business_terms
from pipeline.documents.pages.descriptions import PHRASES, description_in, reduction_in
from pipeline.documents.pages.printed import printed_invoice
from pipeline.documents.pages.spelling import spelling_of
from pipeline.documents.pages.words import LANGUAGES
from pipeline.invoicing.lines import LineKind

if TYPE_CHECKING:
    from collections.abc import Iterator

WITH_PHRASES = [LineKind.LIMIT, LineKind.FEE, LineKind.COMMITMENT, LineKind.COUPON, LineKind.CREDIT]
GOLDEN = Path(__file__).parents[1] / "golden" / "invoices"


def words_in(text: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]{2,}", text.lower()))


def texts_of(said: Any) -> Iterator[str]:
    """Yield every text within what a page says, or a table of words has."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, dict):
        for value in said.values():
            yield from texts_of(value)
    elif isinstance(said, list | tuple):
        for value in said:
            yield from texts_of(value)


def table(language: str) -> set[str]:
    return words_in(re.sub(r"\{\w+\}", "", " ".join(texts_of(asdict(LANGUAGES[language])))))


NO_WORDS = ("status", "language", "columns", "unfolded_columns", "appendix_columns")
"""What a page knows of itself and does not print."""


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_no_english_word_is_left_on_a_page_in_another_language(language: str) -> None:
    invoice = every_line(language)
    kinds = {kind for line in invoice.lines for kind in (line.kind, line.original_kind)}
    assert kinds == {*LineKind, None} - {LineKind.REDUCTION}
    english = table("en") - table(language) - words_in(OWN_WORDS)
    for document in (invoice, *notes_of(invoice)):
        page = asdict(printed_invoice(document)) | dict.fromkeys(NO_WORDS, "")
        said = re.sub(r"\{\w+\}|key_a|launch|sorry", "", " ".join(texts_of(page)))
        assert words_in(said) & english == set(), document.id


def test_a_credit_note_after_parts_says_that_it_takes_back_the_rest() -> None:
    *parts, rest = notes_of(every_line("en"))
    assert printed_invoice(rest).statement == "This credit note takes back all that was left of invoice INV-000001."
    assert {printed_invoice(part).statement for part in parts} == {
        "This credit note takes back a part of invoice INV-000001: Störung"
    }


def test_a_correction_of_seats_is_told_from_one_of_fees() -> None:
    (section,) = (each for each in printed_invoice(every_line("fr")).sections if each.title.startswith("Corrections"))
    assert {"Frais", "Frais · Sièges"} <= {row.what for group in section.groups for row in group.rows}


def test_the_page_of_each_line_is_written_as_its_language_has_it() -> None:
    invoice = every_line("de")
    spelling = spelling_of("de")
    found = [description_in(spelling, line.kind, line.description) for line in invoice.lines if line.meter is None]
    assert [text.replace("\u00a0", " ") for text in found if not text.startswith(("correction", "VAT", "Tax"))] == [
        "Mindestbetrag von 10,00 EUR für jamba-large, statt 2,59",
        "Höchstbetrag von 50,00 EUR für jamba-mini, Stufe batch, Eingaben über 200.000 Token, statt 90,00",
        "Monatsgebühr für Oktober 2026",
        "1 Platz zu 20,00 EUR für Oktober 2026, 16 von 31 Tagen",
        "5 Plätze zu 20,00 EUR für Oktober 2026, 15 von 31 Tagen",
        (
            "Mindestabnahme von 1.045,16 EUR (16 von 31 Tagen von 900,00, 15 von 31 Tagen von 1.200,00), abzüglich "
            "201,58 an Nutzung und Gebühren"
        ),
        "Einrichtung (5. Oktober 2026)",
        "Rabatt launch: 12,5 % von 1.295,16 EUR, Anteil besteuert wie Nutzung",
        "Rabatt launch: 12,5 % von 1.295,16 EUR, Anteil besteuert wie Gebühren",
        "Rabatt launch: 12,5 % von 1.295,16 EUR, Anteil besteuert wie Einmalige Posten",
        "Rabatt sorry, Anteil besteuert wie Nutzung",
        "Rabatt sorry, Anteil besteuert wie Gebühren",
        "Rabatt sorry, Anteil besteuert wie Einmalige Posten",
        (
            "Jährliche Mindestabnahme von 4.866,30 EUR (181 von 365 Tagen von 9.000,00, 184 von 365 Tagen von 800,00), "
            "abzüglich 3.126,96 an Nutzung und Gebühren von November 2025 bis Oktober 2026"
        ),
        "Guthaben g-2.2026-10",
        "Guthaben g-1",
    ]


@pytest.mark.parametrize("case", sorted(GOLDEN.glob("*/expected_lines.csv")), ids=lambda case: case.parent.name)
def test_each_description_that_an_accountant_checked_is_one_of_our_phrases(case: Path) -> None:
    """In English a phrase is what was frozen, but for the spelling of its numbers and dates."""
    with case.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            kind, description = row.get("kind", ""), row.get("description", "")
            if kind not in WITH_PHRASES or not description:
                continue
            german = description_in(spelling_of("de"), LineKind(kind), description)
            assert (
                words_in(german) & (table("en") - table("de") - {"launch", "sorry", "mini", "large", "monthly"})
                == set()
            )
            assert german != description


@pytest.mark.long
def test_an_e_invoice_names_items_in_its_language_with_numbers_as_programs_write_them() -> None:
    taxed = Tax(rate=Decimal(19), label="VAT", by_kind=(("fee", Tax(rate=Decimal(7), label="VAT")),))
    invoice = replace(every_line("de", tax=taxed), buyer=BIRKE.buyer)
    names = {line["BT-126"]: (line["BT-153"], line.get("BT-154", "")) for line in business_terms(invoice)["BG-25"]}
    assert [names[number] for number in ("9", "10", "14", "25")] == [
        ("Monatsgebühr für 2026-10", "monthly fee for 2026-10"),
        ("1 Platz zu 20.00 EUR für 2026-10, 16 von 31 Tagen", "1 seat at 20.00 EUR for 2026-10, 16 of 31 days"),
        (
            "Rabatt launch: 12.5 % von 1295.16 EUR, Anteil besteuert wie Nutzung",
            "coupon launch: 12.5% of 1295.16 EUR, part taxed as usage",
        ),
        ("Korrektur für 2026-09: Einmalige Posten", "correction of 2026-09: item"),
    ]
    in_english = business_terms(replace(invoice, language="en"))["BG-25"]
    assert in_english[8]["BT-153"] == "monthly fee for 2026-10"
    assert broken_rules(ubl_invoice(invoice)) + broken_rules(cii_invoice(invoice)) == []


def test_what_is_no_phrase_of_ours_stays_word_for_word() -> None:
    german = spelling_of("de")
    for description in ("monthly fee for ever", "a fee of a later version, 3 of 4 parts", ""):
        for kind in LineKind:
            assert description_in(german, kind, description) == description
    assert reduction_in(german, "something else", str.upper) == "something else"


def test_what_a_person_wrote_stays_even_where_it_reads_like_a_phrase() -> None:
    german = spelling_of("de")
    written = "monthly fee for 2026-10, 3 of 4 days (2026-10-05)"
    assert description_in(german, LineKind.ITEM, written) == "monthly fee for 2026-10, 3 of 4 days (5. Oktober 2026)"
    reduced = "credit on line 2 of INV-000001 (monthly fee for 2026-10): prepaid credit (x): y"
    assert (
        reduction_in(german, reduced, lambda text: description_in(german, LineKind.FEE, text))
        == "Gutschrift auf Zeile 2 von INV-000001 (Monatsgebühr für Oktober 2026): prepaid credit (x): y"
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PHRASES)
def test_a_phrase_has_the_same_places_in_every_language(language: str, name: str) -> None:
    places = [sorted(re.findall(r"\{\w+\}", getattr(LANGUAGES[each].phrases, name))) for each in ("en", language)]
    assert places[0] == places[1]
    assert getattr(LANGUAGES[language].phrases, name).strip()
