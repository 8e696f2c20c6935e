"""Factur-X: a PDF/A-3 that people read, with the CII for programs within it (``pipeline.documents.einvoice``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.invoicing import Invoice

FORMAT = "facturx"
SUFFIX = ".facturx.pdf"


def rendered(invoice: Invoice, *, language: str = "", fonts: Path | None = None) -> bytes:
    """Return the document as ``pipeline.documents.rendering`` says."""
    from pipeline.documents.einvoice.hybrid import facturx_invoice  # noqa: PLC0415 - not before a document is asked for

    return facturx_invoice(invoice, language=language, fonts=fonts)
