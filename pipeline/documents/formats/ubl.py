"""UBL 2.1: an e-invoice of EN 16931 (``pipeline.documents.einvoice``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.invoicing import Invoice

FORMAT = "ubl"
SUFFIX = ".ubl.xml"


def rendered(invoice: Invoice, *, language: str = "", fonts: Path | None = None) -> bytes:  # noqa: ARG001 - has no fonts
    """Return the document as ``pipeline.documents.rendering`` says."""
    from pipeline.documents.einvoice.syntaxes import ubl_invoice  # noqa: PLC0415 - not before a document is asked for

    return ubl_invoice(invoice, language=language)
