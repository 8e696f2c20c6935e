"""A report as one HTML file: no request, no script, light and dark, and ready for the printer."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pipeline.documents.extras import extra_of
from pipeline.documents.report.printed import printed_report

if TYPE_CHECKING:
    from jinja2 import Template

    from pipeline.documents.report.figures import Report


def report_page(report: Report) -> bytes:
    """Return a report as HTML, UTF-8, in English: the same bytes for the same report.

    Raises ``ExtraMissing`` without ``tallybook[html]``.
    """
    return _template().render(page=printed_report(report)).encode("utf-8")


@cache
def _template() -> Template:
    with extra_of("html", "a report"):
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - of an extra
    environment = Environment(
        loader=PackageLoader("pipeline.documents", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals["style"] = (
        resources.files("pipeline.documents.report").joinpath("report.css").read_text("utf-8")
    )
    return environment.get_template("report.html")
