"""A page as one HTML file: no request, no script, light and dark, and ready for the printer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.documents.html_template import html_template
from pipeline.documents.pages.printed import printed_invoice

if TYPE_CHECKING:
    from pipeline.invoicing import Invoice


def html_page(invoice: Invoice, *, language: str = "") -> bytes:
    """Return an invoice as HTML, UTF-8, in a language; empty = its own.

    Raises ``ExtraMissing`` without ``tallybook[html]``, ``ConfigurationError`` for a language without words.
    """
    return (
        html_template("pages", "invoice", what="an HTML page")
        .render(page=printed_invoice(invoice, language=language))
        .encode("utf-8")
    )
