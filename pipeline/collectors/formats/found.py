"""Every format that is read besides the request log: one module each, found by being in a room of this package.

A format is a module of ``batches``, ``clouds``, ``gateways``, ``spans`` or ``tools``, with ``NAME``,
``recognises(document)``, and a mapping, or what makes entries, or both. ``MAPPING`` says in the language of ``fields``
where its lines have what a request log says. ``entries(document)`` returns the lines of a request log that a document
holds, in their order, and raises ``LineRefused`` where it cannot; where it cannot make a line of one of several, the
refusal stands in its place. Entries have our names of fields (``pipeline.usage.events.LOG_FIELDS``); one with a dot
stands at the top as it is written (``"usage.prompt_tokens"``), or within an object (``"usage": {"prompt_tokens": …}``).
What else an entry has is for ``fields`` of a source to name. With both, entries have the names of their log, and the
mapping reads them: so lines that are no exchange are left out, or what no mapping can say is put right.
``joined(document, batch)`` puts beside a line what is known of its batch from other files, and ``BATCHES`` says what
its API calls these. ``PLACES`` says that lines are alike enough to be read many at once, and where they have what the
code looks at (``places``).

Owns which formats there are, and in which order they are asked. Does not own what a line is read by (``entries``).
None is imported before somebody asks for them: a log whose lines are our own needs none.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors.formats import batches, clouds, gateways, spans, tools

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.collectors.formats.batches.batch import Batch, BatchApi
    from pipeline.collectors.formats.places import Places
    from pipeline.collectors.values.refusal import LineRefused
    from pipeline.collectors.values.strict_json import JsonObject

_ROOMS = (batches, clouds, gateways, spans, tools)
"""The packages whose modules are formats."""
REQUEST_LOG = "request-log"
"""The format whose lines are our own: what nothing else recognises is read as it."""


class Format(NamedTuple):
    """One format: its name, whether a document is of it, a mapping, what makes entries of a document, and a join."""

    name: str
    recognises: Callable[[JsonObject], bool]
    mapping: Mapping[str, Any] | None
    entries: Callable[[JsonObject], list[JsonObject | LineRefused]] | None
    joined: Callable[[JsonObject, Batch], JsonObject] | None
    places: Places | None
    """Where its lines have what is looked at; ``None``: they are read one by one."""
    batches: BatchApi | None
    """What is told of its batches in other files; ``None``: its lines are of none."""


def _found() -> Iterator[Format]:
    """Yield the formats of the rooms' modules, in the order of their last names."""
    names = (f"{room.__name__}.{each.name}" for room in _ROOMS for each in iter_modules(room.__path__))
    for name in sorted(names, key=lambda name: name.rpartition(".")[2]):
        module = import_module(name)
        if hasattr(module, "recognises"):
            mapping, entries = getattr(module, "MAPPING", None), getattr(module, "entries", None)
            joined = getattr(module, "joined", None)
            places = getattr(module, "PLACES", None)
            of_batches = getattr(module, "BATCHES", None)
            yield Format(module.NAME, module.recognises, mapping, entries, joined, places, of_batches)


@cache
def all_formats() -> tuple[Format, ...]:
    """Return the formats in the order in which they are asked: that of their modules' names, whatever the room."""
    return tuple(_found())


@cache
def batch_apis() -> Mapping[str, BatchApi]:
    """Return what formats of batches' results are told of in other files, each by the name of its format."""
    return MappingProxyType({each.name: each.batches for each in all_formats() if each.batches is not None})


@cache
def by_name() -> Mapping[str, Format]:
    """Return each format by its name."""
    return MappingProxyType({each.name: each for each in all_formats()})


def is_request_log(document: JsonObject) -> bool:
    """Tell a line that calls time and key as we do; it is a request log's, whatever else is in it."""
    return "ts" in document and ("api_key_id" in document or "api_key" in document)


def format_of(document: JsonObject) -> Format | None:
    """Return the format of a document, ``None`` where it is a request log's line, or nobody's."""
    if is_request_log(document):
        return None
    return next((each for each in all_formats() if each.recognises(document)), None)
