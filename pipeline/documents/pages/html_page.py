"""A page as one HTML file: no request, no script, light and dark, and ready for the printer."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pipeline.documents.extras import extra_of
from pipeline.documents.pages.printed import printed_invoice

if TYPE_CHECKING:
    from jinja2 import Template

    from pipeline.invoicing import Invoice


def html_page(invoice: Invoice, *, language: str = "") -> bytes:
    """Return an invoice as HTML, UTF-8, in a language; empty = its own.

    Raises ``ExtraMissing`` without ``tallybook[html]``, ``ConfigurationError`` for a language without words.
    """
    template = _template()
    return template.render(page=printed_invoice(invoice, language=language)).encode("utf-8")


@cache
def _template() -> Template:
    with extra_of("html", "an HTML page"):
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - of an extra
    environment = Environment(
        loader=PackageLoader("pipeline.documents", "pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["style"] = (
        resources.files("pipeline.documents.pages").joinpath("invoice.css").read_text("utf-8")
    )
    return environment.get_template("invoice.html")
