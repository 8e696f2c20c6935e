"""The PDF of an invoice: an archive of its own, byte for byte the same, of which no name makes anything but a name."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pypdf
import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from printed_invoices import full_invoice

from pipeline.accounts import Account, BankDetails, CreditGrant, Party, Tax
from pipeline.base.errors import RenderingRefused
from pipeline.base.money import Rounding
from pipeline.documents.pages.attachment import Attachment
from pipeline.documents.pages.pdf_page import pdf_page
from pipeline.documents.pages.printed import printed_invoice
from pipeline.invoicing import LineKind, credit_note
from pipeline.invoicing.draft import OwedBy, draft_of_accounts
from pipeline.invoicing.reductions import Reduction, partial_credit_note
from pipeline.invoicing.rules import NEWEST

ROOT = Path(__file__).parents[2]
SMALL: dict[str, Any] = {"usage_lines": 8, "keys": 2, "models": 2}
AGAIN = """
import hashlib, sys
sys.path.insert(0, "tests/support/documents")
from printed_invoices import full_invoice
from pipeline.documents.pages.pdf_page import pdf_page
print(hashlib.sha256(pdf_page(full_invoice(usage_lines=8, keys=2, models=2))).hexdigest())
"""


def read(content: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def text_of(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in read(content).pages).split())


@pytest.mark.long
def test_two_runs_make_the_same_bytes_wherever_and_whenever_they_run() -> None:
    here = pdf_page(full_invoice(**SMALL))
    assert pdf_page(full_invoice(**SMALL)) == here
    elsewhere = {
        digest_elsewhere({"TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed})
        for zone, locale, seed in (("Asia/Tokyo", "C", "1"), ("America/New_York", "C.UTF-8", "2"))
    }
    assert elsewhere == {sha256(here)}


def test_a_pdf_is_pdf_a_3b_dated_by_its_issue_and_has_all_its_fonts_within() -> None:
    reader = read(pdf_page(full_invoice(**SMALL)))
    assert reader.xmp_metadata is not None
    xmp = reader.xmp_metadata.stream.get_data().decode()
    assert "<pdfaid:part>3</pdfaid:part>" in xmp
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in xmp
    assert reader.metadata is not None
    assert reader.metadata.title == "Invoice INV-000042"
    assert reader.metadata.creation_date_raw == reader.metadata.modification_date_raw == "D:20261102000000Z"
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        inner = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(inner)


def test_a_pdf_says_what_the_page_says() -> None:
    invoice = full_invoice(**SMALL)
    page, text = printed_invoice(invoice), text_of(pdf_page(invoice))
    said = [page.heading, page.seller.name, *page.buyer.lines, page.due.value, *(fact.value for fact in page.facts)]
    said += [group.amount for section in page.sections for group in section.groups]
    said += [row.quantity for part in page.appendix for row in part.rows]
    said += [fact.value for fact in (*page.totals, *page.payment)]
    missing = [each for each in said if " ".join(each.split()) not in text]
    assert missing == []
    assert "Page 1 of 2" in text
    assert "Page 2 of 2" in text


@pytest.mark.long
def test_481_lines_are_a_page_and_its_details() -> None:
    reader = read(pdf_page(full_invoice(usage_lines=481)))
    first, second = (page.extract_text() for page in reader.pages[:2])
    assert "Total before tax" in first
    assert "DE89 3704 0044 0532 0130 00" in first
    assert "Details" not in first
    assert "Details" in second
    assert len(reader.pages) <= 10


@pytest.mark.long
@pytest.mark.parametrize("lines_of_note", range(0, 60, 4))
def test_pages_are_numbered_wherever_the_first_one_ends(lines_of_note: int) -> None:
    """Also where nothing is to be paid, and the notes are all that follows the totals."""
    whole = full_invoice(usage_lines=60, keys=6, models=3, note="\n".join(["x"] * lines_of_note))
    for invoice in (
        whole,
        replace(whole, bank=BankDetails(), payment_terms="", payment_terms_days=None, due_date=None),
    ):
        assert_pages_are_numbered(pdf_page(invoice))


def assert_pages_are_numbered(pdf: bytes) -> None:
    """Assert that the last line of each page says which it is, and of how many."""
    footers = [page.extract_text().splitlines()[-1] for page in read(pdf).pages]
    said = [footer.rpartition("Page ")[2] for footer in footers]
    assert said == [f"{number} of {len(footers)}" for number in range(1, len(footers) + 1)]


@pytest.mark.long
def test_words_that_are_wider_than_their_column_are_broken_and_taken_out_whole() -> None:
    name, number, model = "W" * 90, f"PO_{'X' * 60}-0123456789", f"ft:{'m_' * 55}"
    buyer = Party(name=name, street="Birkenweg/Hinterhof-" * 6, city="Berlin", country="DE")
    invoice = full_invoice(buyer=buyer, purchase_order=number, issued=False, **SMALL)
    lines = tuple(
        replace(line, model=line.model and model, api_key_id=line.api_key_id and "k" * 120) for line in invoice.lines
    )
    pages = [page.extract_text() for page in read(pdf_page(replace(invoice, lines=lines))).pages]
    printed = "".join("".join(page.split()) for page in pages)
    for long_word in (name, number, model, "k" * 120):
        assert long_word in printed
        assert not any(long_word in line for page in pages for line in page.splitlines())


@pytest.mark.long
def test_words_of_notes_terms_reasons_taxes_and_banks_are_broken_likewise() -> None:
    reason, note, terms, label, bank = "r" * 190, f"https://pay.example/?{'n' * 190}", "T" * 150, "L" * 60, "B" * 150
    invoice = full_invoice(note=note, payment_terms=terms, tax=Tax(rate=Decimal(16), label=label), **SMALL)
    invoice = replace(invoice, bank=BankDetails(bank=bank))
    credited = Reduction(line=1, reason=reason, amount=Decimal("0.50"))
    reduced = partial_credit_note(
        invoice, [], credited, number=43, prefix="INV-", issued_on=date(2026, 11, 5), rules=NEWEST
    )
    for made, long_words in ((invoice, (note, terms, label, bank)), (reduced, (reason, note))):
        pages = [page.extract_text() for page in read(pdf_page(made)).pages]
        printed = "".join("".join(page.split()) for page in pages)
        for long_word in long_words:
            assert long_word in printed
            assert not any(long_word in line for page in pages for line in page.splitlines())


@pytest.mark.long
def test_an_invoice_of_several_accounts_that_is_folded_has_their_names_alone_and_then_credits() -> None:
    whole = full_invoice(usage_lines=81, keys=3, models=9, issued=False)
    worth = [line for line in whole.lines if line.kind is LineKind.USAGE]
    grant = CreditGrant(id="welcome", amount=Decimal(15), granted_on=date(2026, 1, 1), expires_on=None)
    accounts = [
        Account(id=name.lower(), name=name, timezone="UTC", rate_card="standard", key_ids=(), credits=grants)
        for name, grants in (("Acme", (grant,)), ("Bolt", ()), ("Corp", ()))
    ]
    draft = draft_of_accounts(
        [
            OwedBy(account=account, worth=worth[place::3], corrections=(), consumed={})
            for place, account in enumerate(accounts)
        ],
        period=whole.period,
        currency="EUR",
        rounding=Rounding.HALF_UP,
    )
    page, pdf = printed_invoice(draft), pdf_page(draft)
    text = text_of(pdf)
    assert_pages_are_numbered(pdf)
    assert [len(section.groups) for section in page.sections] == [0, 0, 0, 1]
    said = [account.title for section in page.sections if (account := section.account)]
    assert said == ["Acme", "Bolt", "Corp", "All accounts"]
    assert text.index("Acme") < text.index("Bolt") < text.index("Corp") < text.index("Prepaid credit welcome -15.00")


@pytest.mark.long
@pytest.mark.parametrize("lines_of_note", [21, 22, 23, 24, 25])
def test_no_page_ends_with_the_title_of_lines_on_the_next(lines_of_note: int) -> None:
    invoice = full_invoice(usage_lines=42, keys=14, models=1, note="\n".join(["x"] * lines_of_note))
    titles = tuple(part.title for part in printed_invoice(invoice).appendix)
    *pages, _ = (page.extract_text().splitlines() for page in read(pdf_page(invoice)).pages)
    assert pages
    for *lines, footer in pages:
        assert footer.startswith("Invoice INV-000042 Page ")
        assert not lines[-1].startswith(titles)


@pytest.mark.parametrize(
    "name", ["#strong[x] $ 1 $ `raw`", '#read("/etc/passwd")', '"]; #panic(1)', "*bold* _it_ <label> @ref", "// x /* y"]
)
def test_a_hostile_name_is_a_name(name: str) -> None:
    invoice = full_invoice(name=name, note=name, purchase_order=name, **SMALL)
    assert text_of(pdf_page(invoice)).count(" ".join(name.split())) >= 2


@pytest.mark.long
def test_hidden_directions_and_controls_do_no_harm() -> None:
    assert "evilgnp.exe" in text_of(pdf_page(full_invoice(note="evil\u202egnp.exe\x07", **SMALL)))


def test_text_that_the_fonts_do_not_have_is_refused_by_name_and_never_left_out() -> None:
    told = (
        r"INV-000042 has text that no font of a PDF has: "
        r"株 式 \(CJK\), ท U\+0E35 \(THAI\), 한 \(HANGUL\), 💻 \(symbol\); "
        r'.*\[documents\] fonts = "fonts", or render it as html'
    )
    with pytest.raises(RenderingRefused, match=told):
        pdf_page(full_invoice(note="株式 ที 한 💻", **SMALL))


@pytest.fixture
def fonts(tmp_path: Path) -> Path:
    """Return a folder with a font of the two characters of ``株式``."""
    folder = tmp_path / "fonts"
    folder.mkdir()
    pen = TTGlyphPen(None)
    for corner in ((100, 0), (100, 700), (900, 700), (900, 0)):
        (pen.lineTo if pen.points else pen.moveTo)(corner)
    pen.closePath()
    names = [".notdef", "kabu", "shiki"]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord("株"): "kabu", ord("式"): "shiki"})
    font.setupGlyf(dict.fromkeys(names, pen.glyph()))
    font.setupHorizontalMetrics(dict.fromkeys(names, (1000, 100)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Two Characters", "styleName": "Regular", "psName": "TwoCharacters-Regular"})
    font.setupOS2(sTypoAscender=800, sTypoDescender=-200, fsType=0)
    font.setupPost()
    font.save(folder / "two.ttf")
    return folder


@pytest.mark.long
def test_a_font_in_the_folder_draws_what_those_of_typst_do_not_have_byte_for_byte_the_same(fonts: Path) -> None:
    invoice = full_invoice(name="株式 Ltd", note="株式", **SMALL)
    pdf = pdf_page(invoice, fonts=fonts)
    assert "株式" in text_of(pdf)
    shutil.copytree(fonts, fonts.parent / "elsewhere")
    assert pdf_page(invoice, fonts=fonts.parent / "elsewhere") == pdf
    assert pdf_page(full_invoice(**SMALL), fonts=fonts) == pdf_page(full_invoice(**SMALL)), (
        "no other text is drawn by it"
    )
    with pytest.raises(RenderingRefused, match=f"会 \\(CJK\\); put a font that has it into {fonts}, or"):
        pdf_page(full_invoice(note="株式会", **SMALL), fonts=fonts)


def test_a_file_can_be_attached_and_comes_out_again() -> None:
    content = bytes(range(256)) * 3
    attached = Attachment(name="factur-x.xml", content=content, relationship="data", description="the invoice as XML")
    reader = read(pdf_page(full_invoice(**SMALL), attachments=[attached]))
    assert {name: list(files) for name, files in reader.attachments.items()} == {"factur-x.xml": [content]}
    (file,) = (each.get_object() for each in reader.trailer["/Root"]["/AF"])
    assert file["/AFRelationship"] == "/Data"


def test_a_credit_note_says_what_it_takes_back() -> None:
    note = credit_note(full_invoice(**SMALL), number=43, prefix="INV-")
    assert "This credit note takes back invoice INV-000042 in full." in text_of(pdf_page(note))


def digest_elsewhere(environment: dict[str, str]) -> str:
    done = subprocess.run(
        [sys.executable, "-c", AGAIN],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]), **environment},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
