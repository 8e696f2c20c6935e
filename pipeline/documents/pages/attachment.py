"""A file within a PDF, as PDF/A-3 has it: what the page says, for programs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """Given to ``pages.pdf_page.pdf_page(invoice, language=…, attachments=(…))``, which embeds it."""

    name: str
    """``factur-x.xml``: letters, digits, dots, dashes and underscores."""
    content: bytes
    media_type: str = "text/xml"
    relationship: str = "alternative"
    """What it is to the page: ``alternative``, ``data``, ``source`` or ``supplement`` (ISO 32000-2, 7.11.3)."""
    description: str = ""
