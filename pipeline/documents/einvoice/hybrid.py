"""Factur-X (ZUGFeRD): the page that people read as PDF/A-3, with the CII for programs in it, in the profile EN 16931.

Owns what the PDF says of itself (its XMP metadata). Does not own the page (``pipeline.documents.pages.pdf_page``, which
attaches the file) nor the CII (``syntaxes``).

The metadata are those of the page, and the schema of Factur-X with its four properties, which the library ``factur-x``
writes. Its own way of joining the two is not taken: it writes the time of day into the file, and it would replace what
the page says of itself.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, cast

from pipeline.documents.einvoice.syntaxes import EXTRA, LEVEL, cii_invoice
from pipeline.documents.extras import extra_of
from pipeline.documents.pages.attachment import Attachment
from pipeline.documents.pages.pdf_page import pdf_page

if TYPE_CHECKING:
    from pathlib import Path

    from pypdf.generic import StreamObject

    from pipeline.invoicing import Invoice

FILE_NAME = "factur-x.xml"
PDF_HEADER = "%PDF-1.7"
_NAMESPACE = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_SCHEMAS = "{http://www.aiim.org/pdfa/ns/extension/}schemas"


def facturx_invoice(invoice: Invoice, *, language: str = "", fonts: Path | None = None) -> bytes:
    """Return the PDF/A-3 with its CII as ``factur-x.xml``. The same invoice gives the same bytes.

    Raises ``RenderingRefused`` and ``ExtraMissing``.
    """
    cii = cii_invoice(invoice, language=language)
    attached = Attachment(name=FILE_NAME, content=cii, description="Factur-X")
    page = pdf_page(invoice, language=language, attachments=(attached,), fonts=fonts)
    with extra_of(EXTRA, "a Factur-X document"):
        from pypdf import PdfWriter  # noqa: PLC0415  # only those who ask for it need the library
    pdf = PdfWriter(clone_from=io.BytesIO(page))
    pdf.pdf_header = PDF_HEADER
    metadata = cast("StreamObject", pdf.root_object["/Metadata"])
    metadata.set_data(_with_facturx(metadata.get_data()))
    written = io.BytesIO()
    pdf.write(written)
    return written.getvalue()


def _with_facturx(packet: bytes) -> bytes:
    """Return an XMP packet that declares the schema of Factur-X too, and states its properties.

    PDF/A allows one bag of schemas (ISO 19005-3, 6.6.2.3), so that of the page gets one more.
    """
    with extra_of(EXTRA, "a Factur-X document"):
        from facturx import generate_xmp_object  # noqa: PLC0415
        from facturx.facturx import FACTURX_LEVEL2xmp  # noqa: PLC0415
        from lxml import etree  # noqa: PLC0415
    declared = generate_xmp_object(
        dict.fromkeys(("pdfa3_flavor", "title", "author", "subject", "producer", "creator_tool", "timestamp"), "")
        | {
            "documenttype": "INVOICE",
            "xml_filename": FILE_NAME,
            "version": "1.0",
            "xmp_level": FACTURX_LEVEL2xmp[LEVEL],
            "urn": _NAMESPACE,
        }
    )
    *_, schema, properties = declared.iter(f"{_RDF}Description")
    root = etree.fromstring(packet)
    root.find(f".//{_SCHEMAS}/{_RDF}Bag").append(schema.find(f"{_SCHEMAS}/{_RDF}Bag/{_RDF}li"))
    root.find(f"{_RDF}RDF").append(properties)
    properties.set(f"{_RDF}about", "")
    before, _, after = packet.partition(b"<x:xmpmeta")
    return b"".join([before, etree.tostring(root), after.partition(b"</x:xmpmeta>")[2]])
