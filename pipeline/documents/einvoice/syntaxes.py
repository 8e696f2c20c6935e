"""The two syntaxes of EN 16931: UBL 2.1 and CII, written by the library ``factur-x`` from the business terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.documents.einvoice.terms import business_terms
from pipeline.documents.extras import extra_of

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice

EXTRA = "einvoice"
LEVEL = "en16931"
_UBL_VERSION = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}UBLVersionID"


def ubl_invoice(invoice: Invoice, *, language: str = "") -> bytes:
    """Return UBL 2.1: an ``Invoice``, or a ``CreditNote``. Raises ``RenderingRefused`` and ``ExtraMissing``.

    It does not name its version, which EN 16931 leaves to the root element (UBL-CR-001).
    """
    with extra_of(EXTRA, "an e-invoice"):
        from facturx import generate_xml  # noqa: PLC0415  # only those who ask for it need the library
        from lxml import etree  # noqa: PLC0415
    written = generate_xml(
        business_terms(invoice, language=language),
        flavor="ubl-2.1",
        level=LEVEL,
        check_xsd=False,
        check_schematron=False,
    )
    document = etree.fromstring(written)
    version = document.find(_UBL_VERSION)
    if version is not None:
        document.remove(version)
    return bytes(etree.tostring(document, xml_declaration=True, encoding="UTF-8"))


def cii_invoice(invoice: Invoice, *, language: str = "") -> bytes:
    """Return CII, as Factur-X has it in its profile EN 16931. Raises ``RenderingRefused`` and ``ExtraMissing``."""
    with extra_of(EXTRA, "an e-invoice"):
        from facturx import generate_xml  # noqa: PLC0415  # only those who ask for it need the library
    written = generate_xml(
        business_terms(invoice, language=language),
        flavor="factur-x",
        level=LEVEL,
        check_xsd=False,
        check_schematron=False,
    )
    return bytes(written)
