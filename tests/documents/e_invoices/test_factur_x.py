"""A Factur-X document is the PDF/A-3 of the page, with the CII within it, and says so in its metadata."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import facturx
import pytest
from e_invoice_rules import broken_rules
from e_invoices import BIRKE, OCTOBER, credited, usage_line, with_everything
from lxml import etree
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject, StreamObject

from pipeline.base.errors import RenderingRefused
from pipeline.base.money import Rounding
from pipeline.documents.einvoice.hybrid import facturx_invoice
from pipeline.documents.einvoice.syntaxes import cii_invoice
from pipeline.documents.pages.attachment import Attachment
from pipeline.documents.pages.pdf_page import pdf_page
from pipeline.invoicing.draft import draft_of_lines

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice

XMP = {
    "fx": "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#",
    "pdfaExtension": "http://www.aiim.org/pdfa/ns/extension/",
    "pdfaSchema": "http://www.aiim.org/pdfa/ns/schema#",
    "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
}


def read(document: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(document), strict=True)


def metadata(document: bytes) -> etree._Element:
    return etree.fromstring(read(document).root_object["/Metadata"].get_data())


@pytest.fixture(scope="module")
def invoice() -> Invoice:
    return with_everything()


@pytest.fixture(scope="module")
def document(invoice: Invoice) -> bytes:
    return facturx_invoice(invoice)


def test_the_library_finds_the_cii_that_breaks_no_rule(invoice: Invoice, document: bytes) -> None:
    name, found = facturx.get_xml_from_pdf(io.BytesIO(document), check_xsd=True, check_schematron=False)
    assert (name, found) == ("factur-x.xml", cii_invoice(invoice))
    assert broken_rules(found) == []
    level = facturx.get_level(etree.fromstring(found))
    assert level == "en16931"


def test_the_file_is_attached_to_the_document_as_another_form_of_it(document: bytes) -> None:
    root = read(document).root_object
    (attached,) = (each.get_object() for each in root["/AF"])
    assert root["/Names"]["/EmbeddedFiles"]["/Names"][1].get_object() == attached
    assert [attached[key] for key in ("/Type", "/F", "/UF", "/AFRelationship")] == [
        "/Filespec",
        "factur-x.xml",
        "factur-x.xml",
        "/Alternative",
    ]
    embedded = attached["/EF"]["/F"].get_object()
    assert (embedded["/Subtype"], "/ModDate" in embedded["/Params"]) == ("/text/xml", True)


def test_the_metadata_declare_the_schema_of_factur_x_and_state_its_properties(document: bytes) -> None:
    packet = metadata(document)
    assert {name: packet.findtext(f".//fx:{name}", "", XMP) for name in FACTUR_X} == FACTUR_X
    declared = packet.findall(".//pdfaExtension:schemas", XMP)
    assert len(declared) == 1, "PDF/A has one bag of schemas"
    assert XMP["fx"] in [each.text for each in declared[0].iterfind(".//pdfaSchema:namespaceURI", XMP)]
    assert [packet.findtext(f".//pdfaid:{name}", "", XMP) for name in ("part", "conformance")] == ["3", "B"]


FACTUR_X = {
    "DocumentType": "INVOICE",
    "DocumentFileName": "factur-x.xml",
    "Version": "1.0",
    "ConformanceLevel": "EN 16931",
}


def test_all_else_is_as_the_page_has_it_which_was_validated_as_pdf_a(invoice: Invoice, document: bytes) -> None:
    attached = Attachment(name="factur-x.xml", content=cii_invoice(invoice), description="Factur-X")
    page = read(pdf_page(invoice, attachments=(attached,)))
    ours = read(document)
    assert ours.trailer["/ID"] == page.trailer["/ID"]
    assert ours.metadata == page.metadata
    assert plainly(ours.root_object) == plainly(page.root_object)
    assert document.startswith(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    assert "/Filter" not in ours.root_object["/Metadata"], "archives read metadata without a filter"


def plainly(value: Any, seen: tuple[int, ...] = ()) -> Any:
    """Return an object with all it refers to, but for metadata and for what it is a part of."""
    if isinstance(value, IndirectObject):
        value = value.get_object()
    if id(value) in seen:
        return "above"
    if isinstance(value, ArrayObject):
        return [plainly(each, (*seen, id(value))) for each in value]
    if not isinstance(value, DictionaryObject):
        return value
    found = {
        key: plainly(each, (*seen, id(value)))
        for key, each in value.items()
        if key not in ("/Metadata", "/Parent", "/P", "/Pg", "/StructTreeRoot", "/Length")
    }
    return found | ({"data": value.get_data()} if isinstance(value, StreamObject) else {})


def test_the_bytes_are_the_same_each_time(invoice: Invoice, document: bytes) -> None:
    assert facturx_invoice(invoice) == document


@pytest.mark.long
def test_a_credit_note_is_one_too_and_speaks_the_language_it_is_asked_for(invoice: Invoice) -> None:
    note = facturx_invoice(credited(invoice), language="de")
    _, found = facturx.get_xml_from_pdf(io.BytesIO(note), check_xsd=True, check_schematron=False)
    assert "hebt die Rechnung INV-000001 vollständig auf" in found.decode()
    assert read(note).root_object["/Lang"] == "de"


def test_there_is_none_of_a_draft() -> None:
    draft = draft_of_lines(
        [usage_line(1, "1")], account=BIRKE, period=OCTOBER, currency="EUR", rounding=Rounding.HALF_UP
    )
    with pytest.raises(RenderingRefused, match="a draft has none yet"):
        facturx_invoice(draft)
