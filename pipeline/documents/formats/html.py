"""An invoice as one HTML file that asks for no other: for reading, printing and archiving."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.invoicing import Invoice

FORMAT = "html"
SUFFIX = ".html"


def rendered(invoice: Invoice, *, language: str = "", fonts: Path | None = None) -> bytes:  # noqa: ARG001 - has no fonts
    """Return the page, UTF-8. Raises ``ExtraMissing`` without ``tallybook[html]``."""
    from pipeline.documents.pages.html_page import html_page  # noqa: PLC0415 - not before a page is asked for

    return html_page(invoice, language=language)
