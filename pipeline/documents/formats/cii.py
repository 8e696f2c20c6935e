"""CII: an e-invoice of EN 16931 (``pipeline.documents.einvoice``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.documents.einvoice.syntaxes import cii_invoice

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice

FORMAT = "cii"
SUFFIX = ".cii.xml"


def rendered(invoice: Invoice, *, language: str = "") -> bytes:
    """Return the document as ``pipeline.documents.rendering`` says."""
    return cii_invoice(invoice, language=language)
