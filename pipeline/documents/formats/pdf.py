"""An invoice as a PDF/A-3, the same bytes on every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.invoicing import Invoice

FORMAT = "pdf"
SUFFIX = ".pdf"


def rendered(invoice: Invoice, *, language: str = "", fonts: Path | None = None) -> bytes:
    """Return the document. Raises ``ExtraMissing`` without ``tallybook[pdf]``."""
    from pipeline.documents.pages.pdf_page import pdf_page  # noqa: PLC0415 - not before a page is asked for

    return pdf_page(invoice, language=language, fonts=fonts)
