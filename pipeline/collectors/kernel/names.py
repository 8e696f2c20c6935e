"""The names that any reader looks at, and what is taken of the values under them.

Whatever lies under another name is read as JSON and left out of a shape. The names of bodies are found, not listed:
every text that stands in the code of ``bodies``, ``families`` and ``exchange`` is one, so a new family's are too;
``tests/collectors/kernel/test_names.py`` watches the plain reader, and fails where it looks at another. Owns the kinds:
a name that has none here is ``LITERAL``, which is right for every name, and slow where values are many.
"""

from __future__ import annotations

import re
from enum import IntEnum
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, NamedTuple

from pipeline.collectors import bodies, exchange, families
from pipeline.collectors.families.reading import Stated
from pipeline.usage.events import LOG_FIELDS, LOGGED, MAPPED_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.collectors.formats.log_format import LogFormat


class Kind(IntEnum):
    """What is taken of the value under a name; the numbers are those of ``source/bodies.h``."""

    LITERAL = 0
    """Texts, whole numbers, true, false and null, as they are."""
    COUNTED = 1
    """Of a whole number from 0 on, whether it is 0; the number is a hole."""
    TEXTUAL = 2
    """Of a text, whether it is empty."""
    IDENTIFYING = 3
    """Of a text, whether it is empty, and to which other ids of the line it is equal; the text is a hole."""
    INSIDE = 4
    """An object of the line."""
    KEYED = 5
    """A text is a key, or the id of one."""
    TIMED = 6
    """An instant."""
    RESPONSE = 7
    """The body."""
    ONLY_NULL = 8
    """Anything else is handed over."""
    NEVER = 9
    """Handed over, whatever it is."""


class Name(NamedTuple):
    """One name: within which object of the line it stands (0: of a body; 1: of the line), and its kind."""

    text: str
    owner: int
    kind: Kind


OF_BODY, OF_LINE, OF_INNER = 0, 1, 2
"""Owners; the objects of a line are ``OF_INNER`` and the number of their name."""

SUFFIXES = ("TokenCount", "Exception")
"""Names that end so are looked at whatever they begin with (``gemini``, ``aws_event_stream``)."""

TEXTS = frozenset(
    (
        *("content", "text", "delta", "reasoning_content", "reasoning", "refusal", "thinking", "response"),
        *("outputText", "generation", "completion", "embedding"),
    )
)
"""Names of bodies under which a text is only asked whether it is one, and whether it is empty."""

_COUNT = re.compile("token|count", re.IGNORECASE)
_ID = re.compile("id|.*(?:_id|Id)")
_NAME = re.compile(r"[!#-\[\]-~]{1,64}")

_KINDS_OF_LINE: Mapping[str, Kind] = {
    "ts": Kind.TIMED,
    "request_id": Kind.IDENTIFYING,
    "api_key": Kind.KEYED,
    "api_key_id": Kind.KEYED,
    "request": Kind.INSIDE,
    "response": Kind.RESPONSE,
    "response_headers": Kind.ONLY_NULL,
}
"""Fields of a line; any other is ``LITERAL``."""
_IGNORED = frozenset(("host",))


def kind_of(name: str) -> Kind:
    """Return what is taken of the value under a name of a body."""
    if name in TEXTS:
        return Kind.TEXTUAL
    if _COUNT.search(name):
        return Kind.COUNTED
    return Kind.IDENTIFYING if _ID.fullmatch(name) else Kind.LITERAL


@cache
def names_of_bodies() -> tuple[Name, ...]:
    """Return every name that the code which reads bodies could look at."""
    modules = [exchange, *_modules_of(bodies), *_modules_of(families)]
    modules += [import_module(family.read.__module__) for family in families.FAMILIES]
    found = {text for module in modules for text in _texts_in(vars(module).values(), module.__name__, set())}
    return tuple(Name(text, OF_BODY, kind_of(text)) for text in sorted(found) if _NAME.fullmatch(text))


def names_of_line(log_format: LogFormat, *, first: int) -> tuple[Name, ...] | None:
    """Return the names of the fields of a line, numbered from ``first`` on.

    ``None`` where one field would lie within another, or is another, and where more than names is changed: such a log
    is for the plain reader.
    """
    if not log_format.is_simple:
        return None
    fields: Mapping[str, str] = log_format.fields
    paths: dict[tuple[str, ...], Kind] = {}
    request = tuple(fields.get("request", "request").split("."))
    logged = {str(column.log_field): column for column in LOGGED}
    for field in LOG_FIELDS:
        if field in _IGNORED or field in MAPPED_FIELDS:  # which are looked at only where they are named
            continue
        kind = _KINDS_OF_LINE.get(field, Kind.LITERAL)
        if field in logged and not logged[field].is_shared:
            kind = Kind.ONLY_NULL
        path = tuple(fields.get(field, field).split("."))
        if field.startswith("request.") and field not in fields:
            path = (*request, field.removeprefix("request."))
            paths[(field,)] = Kind.NEVER  # a key that contains dots wins
        if len(path) > 1 and field in fields:
            paths[(fields[field],)] = Kind.NEVER
        if path in paths:
            return None
        paths[path] = kind
    return _numbered(paths, first)


def _numbered(paths: Mapping[tuple[str, ...], Kind], first: int) -> tuple[Name, ...] | None:
    names: list[Name] = []
    owners: dict[tuple[str, ...], int] = {(): OF_LINE}
    whole = dict(paths)
    for path in paths:
        for size in range(1, len(path)):
            if whole.setdefault(path[:size], Kind.INSIDE) is not Kind.INSIDE:
                return None
    for path in sorted(whole, key=len):
        if not _NAME.fullmatch(path[-1]):
            return None
        owners[path] = OF_INNER + first + len(names)
        names.append(Name(path[-1], owners[path[:-1]], whole[path]))
    return tuple(names)


def _modules_of(package: Any) -> Iterator[Any]:
    yield package
    for found in iter_modules(package.__path__, f"{package.__name__}."):
        yield import_module(found.name)


def _texts_in(values: Any, module: str, seen: set[int]) -> Iterator[str]:
    """Yield the texts in values: in containers, in objects of ours, and in the code of a module's own functions."""
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, CodeType):
            yield from _texts_in(value.co_consts, module, seen)
        elif isinstance(value, FunctionType) and value.__module__ == module:
            yield from _texts_in((value.__code__, value.__defaults__ or (), value.__kwdefaults__ or {}), module, seen)
        elif id(value) in seen:
            continue
        elif isinstance(value, tuple | list | set | frozenset):
            seen.add(id(value))
            yield from _texts_in(value, module, seen)
        elif isinstance(value, dict):
            seen.add(id(value))
            yield from _texts_in((*value, *value.values()), module, seen)
        elif isinstance(value, type) and value.__module__ == module and value is not Stated:
            seen.add(id(value))
            yield from _texts_in(vars(value).values(), module, seen)
