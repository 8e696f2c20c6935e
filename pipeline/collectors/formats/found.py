"""Every format that is read besides the request log: one module each, found by being here.

A format is a module of this package with ``NAME``, ``recognises(document)``, and one of two: ``MAPPING``, which says in
the language of ``fields`` where its lines have what a request log says, or ``entries(document)``, which returns the
lines of a request log that a document holds, in their order, and raises ``LineRefused`` where it cannot. Entries have
our names of fields (``pipeline.usage.events.LOG_FIELDS``); one with a dot stands at the top as it is written
(``"usage.prompt_tokens"``), or within an object (``"usage": {"prompt_tokens": …}``). What else an entry has is for
``fields`` of a source to name.

Owns which formats there are, and in which order they are asked. Does not own what a line is read by (``entries``).
"""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors import formats
from pipeline.configuration.log_fields import rules_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.collectors.strict_json import JsonObject

REQUEST_LOG = "request-log"
"""The format whose lines are our own: what nothing else recognises is read as it."""

_NO_FORMATS = frozenset(("entries", "fingerprint", "found", "instants", "log_format", "mapping", "request_log"))


class Format(NamedTuple):
    """One format: its name, whether a document is of it, and either a mapping or what makes entries of a document."""

    name: str
    recognises: Callable[[JsonObject], bool]
    mapping: Mapping[str, Any] | None
    entries: Callable[[JsonObject], list[JsonObject]] | None


def _found() -> Iterator[Format]:
    for found in iter_modules(formats.__path__):
        if found.name in _NO_FORMATS:
            continue
        module = import_module(f"{formats.__name__}.{found.name}")
        if hasattr(module, "recognises"):
            mapping, entries = getattr(module, "MAPPING", None), getattr(module, "entries", None)
            rules_of(mapping or {})
            yield Format(module.NAME, module.recognises, mapping, entries)


FORMATS = tuple(_found())
"""In the order in which they are asked: that of the names of their modules."""

BY_NAME = {each.name: each for each in FORMATS}
NAMES = (REQUEST_LOG, *BY_NAME)


def is_request_log(document: JsonObject) -> bool:
    """Tell a line that calls time and key as we do; it is a request log's, whatever else is in it."""
    return "ts" in document and ("api_key_id" in document or "api_key" in document)


def format_of(document: JsonObject) -> Format | None:
    """Return the format of a document, ``None`` where it is a request log's line, or nobody's."""
    if is_request_log(document):
        return None
    return next((each for each in FORMATS if each.recognises(document)), None)
