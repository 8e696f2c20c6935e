"""Texts, objects and arrays that note which code looks into them, and not only whether they are there.

Owns what counts as looking: whatever is done with a value but to ask for its type, its length, and whether it is true.
Python tells nobody of what its own code in C does with a text, such as a match of a pattern.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from pipeline.collectors.families.reading import any_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

_NOT_BY = ("json.", f"{__name__}.", "pipeline.collectors.refused.", "pipeline.collectors.values.strict_json.")
"""Who writes and parses, walks through what is refused, asks how deep a document is, and what it states twice."""
_SAY_NOTHING = frozenset(("__new__", "__init__", "__getattribute__", "__len__", "__class__", "__init_subclass__"))
_watched: list[set[str]] = [set()]
"""What is noted of values that were closed since ``watch``; those of before may live on in caches."""


def watch() -> None:
    """Begin: of values that were closed before, nothing is said any more."""
    _watched[:] = [set()]


def looked_into() -> set[str]:
    """Return by whom values were looked into since this was asked last: a name, and the function's."""
    found = {*_watched[0]}
    _watched[0].clear()
    return found


def _any_of(document: Any, name: str) -> Any:
    return document.get(name)


def let_any_of_ask_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``any_of`` ask by an object's own method: it calls that of ``dict``, of which no other object hears."""
    monkeypatch.setattr(any_of, "__code__", _any_of.__code__)


class ClosedText(str):
    """A text under a name."""

    __slots__ = ("looked", "name")


class ClosedObject(dict[str, Any]):
    """An object under a name."""

    __slots__ = ("looked", "name")


class ClosedArray(list[Any]):
    """An array under a name."""

    __slots__ = ("looked", "name")


def _noted(method: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    def noted(self: Any, *arguments: Any, **named: Any) -> Any:
        caller = sys._getframe(1)  # noqa: SLF001 - there is no other way to know who asks
        by = f"{caller.f_globals['__name__']}.{caller.f_code.co_qualname.partition('.<locals>')[0]}"
        if not by.startswith(_NOT_BY):
            self.looked.add(f"{self.name}: {by.removeprefix('pipeline.collectors.')}")
        return plain(self, *arguments, **named)

    noted.__name__ = method
    return noted


for _kind in (ClosedText, ClosedObject, ClosedArray):
    for _name, _method in vars(_kind.__base__).items():
        if callable(_method) and _name not in _SAY_NOTHING:
            setattr(_kind, _name, _noted(_name, _method))


def closed(name: str, value: Any) -> Any:
    """Return a value under a name, closed with all that is in it."""
    if isinstance(value, str):
        found: Any = ClosedText(value)
    elif isinstance(value, dict):
        found = ClosedObject({inner: closed(name, each) for inner, each in dict.items(value)})
    elif isinstance(value, list):
        found = ClosedArray([closed(name, each) for each in list.__iter__(value)])
    else:
        return value
    found.name, found.looked = name, _watched[0]
    return found


def with_closed_texts(name: str, value: Any) -> Any:
    """Return a value under a name of which texts are closed, those of an array too; objects are as they are."""
    if isinstance(value, list):
        return [with_closed_texts(name, each) for each in value]
    return closed(name, value) if isinstance(value, str) else value
