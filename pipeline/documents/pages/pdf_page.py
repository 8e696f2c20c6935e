"""A page as a PDF/A-3: fonts within, no clock and no machine in its bytes, files attached where given.

Typst lays it out from ``invoice.typ``, to which the page is handed over as data.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from pipeline.base.errors import RenderingRefused
from pipeline.documents.extras import extra_of
from pipeline.documents.pages.printed import printed_invoice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from pipeline.documents.pages.attachment import Attachment
    from pipeline.invoicing import Invoice

PDF_STANDARD: Final = "a-3b"
"""PDF/A-3, level B (ISO 19005-3): a page for the archive, with files attached."""
_UNDRAWN = re.compile(r'the text `"([^`]*)"` could not be displayed')


def pdf_page(invoice: Invoice, *, language: str = "", attachments: Sequence[Attachment] = ()) -> bytes:
    """Return an invoice as a PDF/A-3 in a language; empty = its own. The same invoice gives the same bytes.

    Raises ``ExtraMissing`` without ``tallybook[pdf]``, ``ConfigurationError`` for a language without words, and
    ``RenderingRefused`` for text in a script that the fonts of typst do not have (Chinese, Japanese, Korean).
    """
    with extra_of("pdf", "a PDF"):
        import typst  # noqa: PLC0415 - of an extra
    page = printed_invoice(invoice, language=language)
    day = _dated(invoice)
    files = [asdict(attachment) | {"content": list(attachment.content)} for attachment in attachments]
    inputs = {"year": str(day.year), "month": str(day.month), "day": str(day.day)}
    inputs |= {"page": json.dumps(asdict(page)), "attachments": json.dumps(files)}
    try:
        pdf: bytes = typst.compile(
            _source(),
            format="pdf",
            ignore_system_fonts=True,
            pdf_standards=[PDF_STANDARD],
            timestamp=datetime(day.year, day.month, day.day, tzinfo=UTC),
            sys_inputs=inputs,
        )
    except typst.TypstError as error:
        undrawn = dict.fromkeys(_UNDRAWN.findall(error.diagnostic))
        if not undrawn:
            raise
        message = (
            f"{invoice.id} has text that the fonts of a PDF do not have: {' '.join(undrawn)}; "
            "render it as html, which takes the fonts of its reader"
        )
        raise RenderingRefused(message) from error
    return pdf


def _dated(invoice: Invoice) -> date:
    """Return the day of a document: of its issue, or, where it says none, the first one after its period."""
    return invoice.issue_date or invoice.period.end_date


@cache
def _source() -> bytes:
    return resources.files("pipeline.documents.pages").joinpath("invoice.typ").read_bytes()
