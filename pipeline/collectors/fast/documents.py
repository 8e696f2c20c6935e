"""JSON objects that are looked into where they lie, without making Python of what nobody asks for.

Owns the two parsers and the test that lets an object pass: the plain reader would take it (one JSON object in UTF-8, no
number beyond a double, no deeper than allowed), and it states no key twice. ``None`` means that the plain reader must
look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from simdjson import Object, Parser

from pipeline.collectors.strict_json import depth_of_document, may_exceed

if TYPE_CHECKING:
    from collections.abc import Iterable


class Document(Protocol):
    """An object as it lies in its text. Asking for a key that it does not state is slow."""

    def __len__(self) -> int:
        """Return how many keys it states, one that is stated twice twice."""

    def __getitem__(self, key: str) -> Any:
        """Return a value: objects and arrays lie there too, all else is Python's."""

    def keys(self) -> Iterable[str]:
        """Return its keys, one that is stated twice twice."""

    def as_dict(self) -> dict[str, Any]:
        """Make Python of all of it, with the last value of each key."""


_LINE, _PART = Parser(), Parser()  # a parser holds one document at a time, and a line holds others
_UNREADABLE = (ValueError, RuntimeError)  # no JSON, or no UTF-8; an integer beyond 64 bits, or too deep for the stack
_BRACE = ord("{")


def line_of(content: bytes, *, depth_max: int) -> Document | None:
    """Return the object that a line is. The line before it must have been let go."""
    try:
        document: Any = _LINE.parse(content)
    except _UNREADABLE:
        return None
    if (
        type(document) is not Object
        or content[0] != _BRACE
        or (may_exceed(content, depth_max) and depth_of_document(document.as_dict()) > depth_max)
    ):
        return None  # what begins with a BOM, or with blanks, is for the plain reader
    return document


def part_of(text: str, *, depth_max: int) -> Document | None:
    """Return the object that a text within a line is. The part before it must have been let go."""
    try:
        document: Any = _PART.parse(text)
    except _UNREADABLE:
        return None
    if (
        type(document) is not Object
        or text[0] != "{"
        or (may_exceed(text, depth_max) and depth_of_document(document.as_dict()) > depth_max)
    ):
        return None
    return document


_REMEMBERED_MAX = 4096
_REMEMBERED_KEYS_MAX = 64
_REMEMBERED_LETTERS_MAX = 1024
_remembered: dict[tuple[str, ...], frozenset[str] | None] = {}


def keys_of(document: Document) -> frozenset[str] | None:
    """Return the keys of an object, ``None`` where it states one of them twice.

    Those of small objects are remembered: they recur.
    """
    keys = tuple(document.keys())
    try:
        return _remembered[keys]
    except KeyError:
        stated = frozenset(keys)
    found = stated if len(stated) == len(keys) else None
    if (
        len(_remembered) < _REMEMBERED_MAX
        and len(keys) <= _REMEMBERED_KEYS_MAX
        and sum(map(len, keys)) <= _REMEMBERED_LETTERS_MAX
    ):
        _remembered[keys] = found
    return found
