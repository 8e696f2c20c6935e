"""The page of an invoice: one file, of which no name makes anything but a name."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from printed_invoices import full_invoice, random_invoices

from pipeline.accounts import ExchangeRate, Party
from pipeline.documents.pages.html_page import html_page
from pipeline.documents.pages.spelling import harmless
from pipeline.invoicing import credit_note
from pipeline.invoicing.lines import LineKind, plain_line
from pipeline.invoicing.reductions import Reduction, partial_credit_note
from pipeline.invoicing.rules import NEWEST

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice

HOSTILE = [
    "</style></title><script>alert(1)</script>",
    "\"><img src=https://example.com/x onerror='alert(1)'>",
    "{{ page.__class__ }}{% raw %}",
    "<!-- & &amp; -->",
    "evil\u202egnp.exe \u2066hidden",
    "bell\x07 and escape\x1b[31m",
]
UNNAMED = Party(country="DE")
"""A buyer that is printed by the account's name."""
VOID = {"meta", "br"}


class Page(HTMLParser):
    """Elements, attributes and texts of a page, and whether each element is closed."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements: Counter[str] = Counter()
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(content.decode("utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements[tag] += 1
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, tag: str, name: str) -> list[str]:
        return [value for of, attribute, value in self.attributes if (of, attribute) == (tag, name)]


@pytest.mark.long
def test_a_page_asks_for_nothing_beyond_itself() -> None:
    page = Page(html_page(full_invoice()))
    assert page.open == []
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form", "a"} & set(page.elements)
    assert not {"src", "href", "srcset", "action", "style"} & {name for _, name, _ in page.attributes}
    assert [name for _, name, _ in page.attributes if name.startswith("on")] == []
    (policy,) = (value for value in page.values("meta", "content") if "default-src" in value)
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert not re.search(r"url\(|@import|https?:", html_page(full_invoice()).decode())


def test_a_page_has_a_language_one_title_and_tables_that_can_be_read_aloud() -> None:
    page = Page(html_page(full_invoice(usage_lines=8, keys=2, models=2, language="de-AT")))
    assert page.values("html", "lang") == ["de-AT"]
    assert page.elements["h1"] == page.elements["main"] == page.elements["address"] - 1 == 1
    assert page.elements["th"] == len(page.values("th", "scope")) > 10
    assert page.elements["thead"] == page.elements["table"] == 2
    charts = page.values("svg", "aria-label")
    assert len(charts) == 2
    assert all(re.search(r"Eingabe-Token: [\d.,]+; ", label) for label in charts)


def test_a_page_is_printed_on_paper_in_light_colours_with_table_heads_on_every_page() -> None:
    text = html_page(full_invoice()).decode()
    assert "@page { size: A4" in text
    assert "prefers-color-scheme: dark" in text
    printing = text.partition("@media print {")[2]
    assert "color-scheme: light" in printing
    assert "display: table-header-group" in printing


def test_names_of_models_leave_room_to_the_bars_of_the_chart() -> None:
    """However long they are: a column as wide as the longest of them leaves no bar to be seen."""
    text = html_page(full_invoice(usage_lines=8, keys=2, models=2)).decode()
    assert ".chart { display: grid; grid-template-columns: fit-content(45%) 1fr max-content;" in text


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_a_name(name: str) -> None:
    shape: dict[str, Any] = {"usage_lines": 8, "keys": 2, "models": 2, "buyer": UNNAMED}
    plain = Page(html_page(full_invoice(name="Plain", purchase_order="Plain", note="Plain", **shape)))
    page = Page(html_page(full_invoice(name=name, purchase_order=name, note=name, **shape)))
    assert page.elements == plain.elements
    assert [(tag, each) for tag, each, _ in page.attributes if each != "class"] == [
        (tag, each) for tag, each, _ in plain.attributes if each != "class"
    ]
    assert harmless(name) in page.texts


@pytest.mark.long
@settings(max_examples=40)
@given(random_invoices())
def test_a_page_of_any_invoice_is_well_formed_and_the_same_every_time(invoice: Invoice) -> None:
    content = html_page(invoice)
    assert html_page(invoice) == content
    assert Page(content).open == []


def test_a_draft_says_that_it_is_one_and_asks_for_no_payment() -> None:
    text = html_page(full_invoice(usage_lines=4, keys=1, models=1, issued=False)).decode()
    assert "This is a draft. It asks for no payment" in text
    assert "IBAN" not in text
    assert "Amount due" not in text


@pytest.mark.parametrize(
    ("language", "said", "asked"),
    [
        ("en", "Amount in your favour", "Amount due"),
        ("de", "Betrag zu Ihren Gunsten", "Zu zahlender Betrag"),
        ("fr", "Montant en votre faveur", "Montant à payer"),
    ],
)
def test_an_invoice_below_zero_says_what_its_buyer_is_owed_and_asks_for_no_payment(
    language: str, said: str, asked: str
) -> None:
    invoice = full_invoice(usage_lines=4, keys=1, models=1)
    assert invoice.due_date is not None
    allowance = plain_line(
        LineKind.ITEM, -2 * invoice.total, "Goodwill (2026-10-05)", currency=invoice.currency, rounding=invoice.rounding
    )
    below = replace(invoice, lines=(*invoice.lines, replace(allowance, number=len(invoice.lines) + 1)))
    assert below.total == -invoice.total
    texts = [" ".join(Page(html_page(each, language=language)).texts) for each in (invoice, below)]
    assert [(said in text, asked in text) for text in texts] == [(False, True), (True, False)]
    due_dates = {"en": "Due date", "de": "Fällig am", "fr": "Date d\u2019échéance"}
    assert [due_dates[language] in text for text in texts] == [True, False]
    assert "IBAN" not in texts[1]


def test_a_credit_note_says_what_it_takes_back_and_asks_for_no_payment() -> None:
    note = credit_note(full_invoice(usage_lines=4, keys=1, models=1), number=43, prefix="INV-")
    text = html_page(note).decode()
    assert "This credit note takes back invoice INV-000042 in full." in text
    assert "IBAN" not in text
    assert "Amount credited" in text


def test_a_credit_note_in_part_says_why_and_of_which_line() -> None:
    note = partial_note()
    text = html_page(note).decode()
    assert "This credit note takes back a part of invoice INV-000042: outage &lt;of&gt; October 12th" in text
    assert text.count("Line 1 of INV-000042") == 2
    assert "<strong>EUR\u00a01.19</strong>" in text
    assert "<h1>Rechnungskorrektur</h1>" in html_page(note, language="de").decode()
    assert re.search(r"\.banner \{[^}]*overflow-wrap: anywhere", text)  # a reason may be one long word


def partial_note() -> Invoice:
    return partial_credit_note(
        full_invoice(usage_lines=4, keys=1, models=1),
        [],
        Reduction(line=1, reason="outage <of> October 12th", amount=Decimal("1.00")),
        number=43,
        prefix="INV-",
        issued_on=date(2026, 11, 5),
        rules=NEWEST,
    )


def test_the_language_that_is_asked_for_comes_before_that_of_the_invoice() -> None:
    invoice = full_invoice(usage_lines=4, keys=1, models=1, language="fr")
    assert "Facture" in html_page(invoice).decode()
    assert "Rechnung" in html_page(invoice, language="de").decode()


@pytest.mark.parametrize(
    ("language", "said", "explained"),
    [
        ("en", "1.50 USD at 0.9135 of October 2, 2026", "Prices in USD are charged in EUR at the rates of exchange"),
        ("de", "1,50 USD zu 0,9135 vom 2. Oktober 2026", "Preise in USD sind in EUR zu den Wechselkursen des"),
        ("fr", "1,50 USD à 0,9135 du 2 octobre 2026", "Les prix en USD sont facturés en EUR aux taux de change du"),
    ],
)
def test_a_price_in_another_currency_stands_beside_the_rate_of_exchange_and_its_day(
    language: str, said: str, explained: str
) -> None:
    rate = ExchangeRate(currency="USD", rate=Decimal("0.9135"), on=date(2026, 10, 2))
    invoice = full_invoice(usage_lines=3)
    usage = replace(invoice.lines[0], rate_per_million=Decimal("1.37025"), exchange=rate)
    text = "".join(Page(html_page(replace(invoice, lines=(usage, *invoice.lines[1:])), language=language)).texts)
    assert said in text
    assert explained in text
    assert explained not in "".join(Page(html_page(invoice, language=language)).texts)
