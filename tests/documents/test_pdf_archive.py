"""What an archive asks of a PDF/A-3b, of pages and Factur-X: some clauses of ISO 19005-3 here, all of them by veraPDF.

Typst refuses to write a page that is no PDF/A-3b; what is asked here holds also after a file was put into it. veraPDF
is a program of its own (https://verapdf.org), looked for on the path, or named by ``VERAPDF``. Without it, its test is
skipped and says so.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from e_invoices import credited, with_everything
from every_line import every_line, notes_of
from lxml import etree
from printed_invoices import full_invoice
from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, NullObject, StreamObject

from pipeline.documents.einvoice.hybrid import facturx_invoice
from pipeline.documents.pages.pdf_page import pdf_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MADE: dict[str, Callable[[], bytes]] = {
    "a page of 480 lines": lambda: pdf_page(full_invoice(usage_lines=480)),
    "a page of every kind of line in German": lambda: pdf_page(every_line("de")),
    "a page of a credit note in part in French": lambda: pdf_page(notes_of(every_line("fr"))[0]),
    "a Factur-X invoice": lambda: facturx_invoice(with_everything()),
    "a Factur-X credit note": lambda: facturx_invoice(credited(with_everything()), language="de"),
}
XMP = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "pdf": "http://ns.adobe.com/pdf/1.3/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}


def objects(reader: PdfReader) -> Iterator[DictionaryObject]:
    """Yield every dictionary and stream of a file."""
    for number in range(1, int(reader.trailer["/Size"])):
        found = reader.get_object(number)
        if isinstance(found, DictionaryObject):
            yield found


@pytest.mark.long
@pytest.mark.parametrize("name", MADE)
def test_what_an_archive_asks_of_a_pdf_holds(name: str) -> None:
    content = MADE[name]()
    reader = PdfReader(io.BytesIO(content), strict=True)
    root = reader.root_object
    header = content.split(b"\n", 2)
    assert header[0].startswith(b"%PDF-1.")
    assert header[1].startswith(b"%"), "6.1.2: a comment of four bytes above 127 follows"
    assert all(byte > 127 for byte in header[1][1:5])
    assert content.rstrip(b"\r\n").endswith(b"%%EOF")
    assert len(reader.trailer["/ID"]) == 2, "6.1.3"
    assert "/Encrypt" not in reader.trailer, "6.1.3"
    for each in objects(reader):
        assert not {"/AA", "/JS", "/Launch", "/XFA", "/NeedAppearances", "/TR", "/HTP", "/OPI", "/Ref"} & set(each)
        if isinstance(each, StreamObject):
            filters = each.get("/Filter")
            listed = filters if isinstance(filters, ArrayObject) else [filters]
            assert "/LZWDecode" not in listed, "6.1.7.2"
            assert not {"/F", "/FFilter", "/FDecodeParms"} & set(each), "6.1.7.1: no stream lies elsewhere"
        if each.get("/Type") == "/FontDescriptor":
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(each), "6.2.11.4"
        if each.get("/Type") == "/Filespec":
            assert {"/F", "/UF", "/AFRelationship", "/EF"} <= set(each), "6.8"
            assert each["/EF"]["/F"].get_object()["/Subtype"] == "/text/xml", "6.8"
            assert each in [file.get_object() for file in root["/AF"]], "6.8"
        if each.get("/Type") == "/Annot":
            assert int(each["/F"]) & 0b110 == 0b100, "6.3.2: printed, not hidden"
    (intent,) = (each.get_object() for each in root["/OutputIntents"])
    profile = intent["/DestOutputProfile"].get_object()
    assert (intent["/S"], profile["/N"] in (1, 3, 4)) == ("/GTS_PDFA1", True), "6.2.3"
    assert "/Filter" not in root["/Metadata"], "6.6.2.1"
    says_as_its_metadata(reader)


def says_as_its_metadata(reader: PdfReader) -> None:
    """Assert that the information of a file, where there is any, is that of its metadata (6.6.2.3)."""
    packet = etree.fromstring(reader.root_object["/Metadata"].get_data())
    stated = reader.metadata or {}
    pairs = {
        "/Title": ".//dc:title//rdf:li",
        "/Author": ".//dc:creator//rdf:li",
        "/Creator": ".//xmp:CreatorTool",
        "/Producer": ".//pdf:Producer",
    }
    for key, path in pairs.items():
        if not isinstance(stated.get(key, NullObject()), NullObject):
            assert packet.findtext(path, "", XMP) == stated[key]
    assert (packet.findtext(".//xmp:CreateDate", "", XMP) or "").startswith("2026-11-02T00:00:00")


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_vera_pdf_finds_nothing_that_breaks_pdf_a_3b(name: str, tmp_path: Path) -> None:
    program = shutil.which(os.environ.get("VERAPDF", "verapdf"))
    if program is None:
        pytest.skip("veraPDF is not installed; VERAPDF may name it")
    (tmp_path / "made.pdf").write_bytes(MADE[name]())
    done = subprocess.run(
        [program, "--flavour", "3b", "--format", "text", "-v", str(tmp_path / "made.pdf")],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.stdout.startswith("PASS "), done.stdout + done.stderr
