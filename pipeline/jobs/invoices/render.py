"""Invoices as documents: each in each format, written where it belongs, and what could not be made named.

Owns where documents go and that one that cannot be made stops no other. Does not own what they say
(``pipeline.documents``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import register
from pipeline.base.errors import ConfigurationError, TallybookError
from pipeline.invoicing import invoice_from_document
from pipeline.register.invoice_files import invoice_folder, write_document

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from pipeline.configuration.workspace import Workspace
    from pipeline.documents.rendering import DocumentFormat
    from pipeline.invoicing import Invoice


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One invoice in one format."""

    invoice: Invoice
    format: str
    path: Path
    """Where it is, or would be."""
    refusal: str = ""
    """Why it could not be made; empty where it was."""


def issued_invoice_of(workspace: Workspace, invoice_id: str) -> Invoice | None:
    """Return an issued invoice or credit note from the register alone, for which nothing is counted; None for others.

    What is frozen can be rendered from the register as long as that is there, whatever became of the lake.
    """
    found = (document for document in register.read(workspace.root) if document["invoice_id"] == invoice_id)
    return next((invoice_from_document(document) for document in found), None)


def font_folder(workspace: Workspace) -> Path | None:
    """Return the folder of fonts that ``tallybook.toml`` names. Raises ``ConfigurationError`` where it is not there."""
    if not workspace.settings.fonts:
        return None
    folder = workspace.root / workspace.settings.fonts
    if not folder.is_dir():
        message = (
            f"fonts of [documents] is {workspace.settings.fonts!r}, and {folder} is no folder; make it and put fonts "
            "into it (.ttf, .otf, .ttc), or take the line out of tallybook.toml"
        )
        raise ConfigurationError(message)
    return folder


def render(
    invoices: Iterable[Invoice],
    formats: Sequence[DocumentFormat],
    *,
    root: Path,
    to: Path | None,
    language: str = "",
    fonts: Path | None = None,
) -> Iterator[Document]:
    """Write every invoice in every format, one by one: into ``to``, else into its own folder under ``invoices/``.

    A document is replaced where it says something else now (a draft, or another language), and never half written.
    """
    for invoice in invoices:
        folder = invoice_folder(root, invoice.period, invoice.id) if to is None else to
        for each in formats:
            path = folder / f"{invoice.id}{each.SUFFIX}"
            try:
                content = each.rendered(invoice, language=language, fonts=fonts)
            except TallybookError as refused:
                yield Document(invoice=invoice, format=each.FORMAT, path=path, refusal=str(refused))
                continue
            write_document(path, content, workspace=root if to is None else None)
            yield Document(invoice=invoice, format=each.FORMAT, path=path)
