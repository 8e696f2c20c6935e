"""The template of a page that is one HTML file, with its style inside.

Owns how templates are read: strictly, and with everything escaped. Does not own what stands on a page.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING

from pipeline.documents.extras import extra_of

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def html_template(room: str, name: str, *, what: str) -> Template:
    """Return the template ``name``.html of a room of ``pipeline.documents``; ``name``.css is its global ``style``.

    Raises ``ExtraMissing`` without ``tallybook[html]``, which says ``what`` cannot be made.
    """
    with extra_of("html", what):
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - of an extra
    environment = Environment(
        loader=PackageLoader("pipeline.documents", room),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = resources.files(f"pipeline.documents.{room}").joinpath(f"{name}.css")
    environment.globals["style"] = style.read_text("utf-8")
    return environment.get_template(f"{name}.html")
