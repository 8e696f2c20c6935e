"""A page as a PDF/A-3: fonts within, no clock and no machine in its bytes, files attached where given.

Typst lays it out from ``invoice.typ``, to which the page is handed over as data.
"""

from __future__ import annotations

import json
import re
import unicodedata
from dataclasses import asdict
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Final

from pipeline.base.errors import RenderingRefused
from pipeline.documents.extras import extra_of
from pipeline.documents.pages.printed import printed_invoice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from pathlib import Path

    from typst import Fonts

    from pipeline.documents.pages.attachment import Attachment
    from pipeline.invoicing import Invoice

PDF_STANDARD: Final = "a-3b"
"""PDF/A-3, level B (ISO 19005-3): a page for the archive, with files attached."""
_UNDRAWN = re.compile(r'the text `"([^`]*)"` could not be displayed')
_ESCAPED = re.compile(r"\\u\{([0-9a-f]+)\}")


def pdf_page(
    invoice: Invoice, *, language: str = "", attachments: Sequence[Attachment] = (), fonts: Path | None = None
) -> bytes:
    """Return an invoice as a PDF/A-3 in a language; empty = its own. The same invoice and fonts give the same bytes.

    ``fonts`` is a folder of fonts for what those of typst do not have: Chinese, Japanese, Korean, Thai, emoji.

    Raises ``ExtraMissing`` without ``tallybook[pdf]``, ``ConfigurationError`` for a language without words, and
    ``RenderingRefused`` for text that no font has.
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
            font_paths=_fonts(fonts),
            pdf_standards=[PDF_STANDARD],
            timestamp=datetime(day.year, day.month, day.day, tzinfo=UTC),
            sys_inputs=inputs,
        )
    except typst.TypstError as error:
        undrawn = list(dict.fromkeys("".join(map(_unescaped, _UNDRAWN.findall(error.diagnostic)))))
        if not undrawn:
            raise
        remedy = 'name a folder with a font that has it in tallybook.toml, [documents] fonts = "fonts"'
        message = (
            f"{invoice.id} has text that no font of a PDF has: {_listed_by_script(undrawn)}; "
            f"{f'put a font that has it into {fonts}' if fonts else remedy}, or render it as html, which takes the "
            "fonts of its reader"
        )
        raise RenderingRefused(message) from error
    return pdf


@cache
def _fonts(folder: Path | None) -> Fonts:
    """Return the fonts that come with typst and those of a folder; never those of the machine."""
    from typst import Fonts  # noqa: PLC0415 - of an extra

    return Fonts(include_system_fonts=False, font_paths=[] if folder is None else [str(folder)])


def _unescaped(text: str) -> str:
    """Return the characters that a message of typst shows by their numbers."""
    return _ESCAPED.sub(lambda said: chr(int(said[1], 16)), text)


def _listed_by_script(characters: Iterable[str]) -> str:
    """List characters by their scripts, as Unicode names them: ``株 式 (CJK), ท (THAI), 😀 (symbol)``."""
    scripts: dict[str, list[str]] = {}
    for character in characters:
        is_of_script = unicodedata.category(character)[0] in "LM"
        script = unicodedata.name(character, "unnamed").partition(" ")[0] if is_of_script else "symbol"
        shown = character if unicodedata.category(character)[0] in "LSN" else f"U+{ord(character):04X}"
        scripts.setdefault(script, []).append(shown)
    return ", ".join(f"{' '.join(shown)} ({script})" for script, shown in scripts.items())


def _dated(invoice: Invoice) -> date:
    """Return the day of a document: of its issue, or, where it says none, the first one after its period."""
    return invoice.issue_date or invoice.period.end_date


@cache
def _source() -> bytes:
    return resources.files("pipeline.documents.pages").joinpath("invoice.typ").read_bytes()
