"""An invoice as a document in a format: which formats there are, and what each is asked for.

Owns how a format is found and what it is called with. Does not own what any of them writes nor where documents lie
(``pipeline.register.invoice_files``).

A document is a pure function of the invoice, the language, the fonts and this version of the program: neither the clock
nor the machine has a say in it, so that it can be made again, byte for byte, from what is frozen.
"""

from __future__ import annotations

import pkgutil
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

from pipeline.base.errors import ConfigurationError
from pipeline.documents import formats as room_of_formats

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pipeline.invoicing import Invoice


class DocumentFormat(Protocol):
    """One module of ``pipeline.documents.formats``; it imports its libraries where it uses them.

    ``rendered`` raises ``RenderingRefused``, naming the fact that the invoice lacks for this format.

    It raises ``ExtraMissing`` where a library is not installed (``pipeline.documents.extras``).
    """

    FORMAT: str
    """As ``--format`` names it: ``html``; the module's own name."""
    SUFFIX: str
    """What follows the invoice's id in the name of its file: ``.html``, ``.ubl.xml``. No two formats share one."""

    def rendered(self, invoice: Invoice, *, language: str = "", fonts: Path | None = None) -> bytes:
        """Return the document; ``language`` is one of ``pipeline.documents.pages.words``, empty = the invoice's own.

        ``fonts`` is a folder of fonts for text that those of the format do not have; formats without fonts ignore it.
        """


@cache
def document_formats() -> Mapping[str, DocumentFormat]:
    """Return the modules of ``pipeline.documents.formats`` by what ``--format`` calls them, in order."""
    names = sorted(found.name for found in pkgutil.iter_modules(room_of_formats.__path__))
    modules = (cast("DocumentFormat", import_module(f"{room_of_formats.__name__}.{name}")) for name in names)
    return {module.FORMAT: module for module in modules}


def document_format(name: str) -> DocumentFormat:
    """Return one format. Raises ``ConfigurationError`` for a name that none has."""
    found = document_formats().get(name)
    if found is None:
        message = f"there is no document format {name!r}; write one of {', '.join(document_formats())}"
        raise ConfigurationError(message)
    return found
