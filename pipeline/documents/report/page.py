"""A report as one HTML file: no request, no script, light and dark, and ready for the printer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.documents.html_template import html_template
from pipeline.documents.report.printed import printed_report

if TYPE_CHECKING:
    from pipeline.documents.report.figures import Report


def report_page(report: Report) -> bytes:
    """Return a report as HTML, UTF-8, in English: the same bytes for the same report.

    Raises ``ExtraMissing`` without ``tallybook[html]``.
    """
    return html_template("report", "report", what="a report").render(page=printed_report(report)).encode("utf-8")
