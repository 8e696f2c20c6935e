"""What stands in the holes of shapes, as values that note which code of the plain reader looks into them.

A rule holds for whatever stands in a hole, so nothing that no shape says may depend on it. Counts note that themselves
(``values.traced``); this is for what is varied in a few samples alone: ids, keys, instants, texts, fractions, and how
documents within texts are written. Patterns are written in C and tell nobody what they look at, so those of the reader
are replaced by ones that do.

Owns what counts as looking: whatever is done with a value but to ask for its type, whether it is true, whether it is
another one of the same kind, and whether it is one of the texts that stand in a shape as they are.
"""

from __future__ import annotations

import json
import re
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.collectors.kernel.rules import search, shapes
from pipeline.collectors.kernel.rules.search import Search
from pipeline.collectors.values import strict_json
from pipeline.collectors.values.traced import Trace, alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pytest

_READER = "pipeline.collectors."
_NOT_BY = ("json.", f"{__name__}.", f"{_READER}values.strict_json.", f"{_READER}refused.", f"{_READER}kernel.")
"""Who writes and parses, and walks through what is refused."""
_SAY_NOTHING = (
    "__new__",
    "__init__",
    "__getattribute__",
    "__init_subclass__",
    "__class__",
    "__getnewargs__",
    "__doc__",
)
_AS_THEY_ARE = ("", "-")
"""Texts that stand in a shape as they are, wherever an id or a key is one of them."""
_DOCUMENTS = ("{", "[", "data:", "event:", "id:", ":", "retry:")
_TEXTS = tuple(f"a text that nobody looks at {number}" for number in range(4))
_noted: set[tuple[str, str]] = set()
_documents: set[str] = set()
"""What was written as the text of a document, or of several."""


class HeldText(str):
    """A text of a kind."""

    __slots__ = ("kind",)

    def __bool__(self) -> bool:
        return str.__len__(self) > 0


class HeldFraction(Decimal):
    """A number that is not whole, of which a shape says no more."""

    kind = "fraction"


class HeldNumber(int):
    """An instant as a number."""

    kind = "instant"

    def __bool__(self) -> bool:
        return int.__ne__(self, 0)


def _note(kind: str, depth: int) -> None:
    caller = sys._getframe(depth)  # noqa: SLF001 - there is no other way to know who asks
    by = f"{caller.f_globals['__name__']}.{caller.f_code.co_qualname.partition('.<locals>')[0]}"
    if not by.startswith(_NOT_BY):
        _noted.add((kind, by.removeprefix(_READER)))


def _is_in_shapes(method: str, value: Any, others: tuple[Any, ...]) -> bool:
    """Tell a comparison of which shapes say how it ends."""
    if method not in ("__eq__", "__ne__"):
        return False
    (other,) = others
    if isinstance(value, Decimal):  # it is no whole number, whichever it is
        return not isinstance(other, Decimal)
    if isinstance(other, HeldText):
        return value.kind == other.kind == "id" or value is other
    if not isinstance(value, HeldText):
        return not isinstance(other, int | Decimal)
    if value.kind == "document" and isinstance(other, str):
        return not other.lstrip().startswith(_DOCUMENTS)
    return not isinstance(other, str) or other in _AS_THEY_ARE


def _that_notes(method: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    def noting(self: Any, *others: Any, **named: Any) -> Any:
        if not _is_in_shapes(method, self, others):
            _note(self.kind, 2)
        return plain(self, *others, **named)

    noting.__name__ = method
    return noting


for _kind in (HeldText, HeldFraction, HeldNumber):
    for _name, _method in vars(_kind.__base__).items():
        if callable(_method) and _name not in (*_SAY_NOTHING, *vars(_kind)):
            setattr(_kind, _name, _that_notes(_name, _method))
HeldFraction.__bool__ = Decimal.__bool__  # type: ignore[method-assign]


class _Json:
    """What ``shapes`` writes texts by: it notes which of them are documents."""

    @staticmethod
    def dumps(value: Any, **how: Any) -> str:
        if not how and isinstance(value, str) and value.startswith(_DOCUMENTS):  # words are written otherwise
            _documents.add(value)
        return json.dumps(value, **how)


class WatchedPattern:
    """A pattern that notes who matches it with what stands in a hole."""

    def __init__(self, pattern: re.Pattern[Any]) -> None:
        self._pattern = pattern

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._pattern, name)
        return self._noting(found) if callable(found) else found

    @staticmethod
    def _noting(method: Callable[..., Any]) -> Callable[..., Any]:
        def noting(*arguments: Any, **named: Any) -> Any:
            for each in arguments:
                if isinstance(each, HeldText):
                    _note(each.kind, 2)
            return method(*(str.__str__(each) if isinstance(each, HeldText) else each for each in arguments), **named)

        return noting

    def __hash__(self) -> int:
        return hash(self._pattern)

    def __eq__(self, other: object) -> bool:
        return self._pattern == (other._pattern if isinstance(other, WatchedPattern) else other)


def watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on, let each rule that is searched be preceded by a line whose holes note who looks into them."""
    _noted.clear()
    monkeypatch.setattr(shapes, "_TEXTS", tuple(map(json.dumps, _TEXTS)))
    monkeypatch.setattr(shapes, "json", _Json)
    for name, module in list(sys.modules.items()):
        if name.startswith(_READER) and not name.startswith(_READER + "kernel"):
            for attribute, value in list(vars(module).items()):
                if (watched := _watched(value)) is not None:
                    monkeypatch.setattr(module, attribute, watched)
    plainly = Search.rule

    def rule(self: Search) -> Any:
        _read_held(self)
        return plainly(self)

    monkeypatch.setattr(search.Search, "rule", rule)


def looked_into() -> set[tuple[str, str]]:
    """Return the kinds of values that were looked into since ``watch``, and by which functions of the plain reader."""
    return {*_noted}


def _watched(value: Any) -> Any:
    if isinstance(value, re.Pattern):
        return WatchedPattern(value)
    if type(value) is tuple and value and all(isinstance(each, re.Pattern) for each in value):
        return tuple(map(WatchedPattern, value))
    return None


def _read_held(of: Search) -> None:
    """Let the plain reader read a line of the shape for which a rule is searched."""
    _documents.clear()
    samples, trace = of._samples, Trace()  # noqa: SLF001 - what a search does, with other values in the holes
    contents = samples.contents()
    written = [*contents]
    for hole in samples.counts:
        written[hole] = trace.placeholder(of._example[hole], alone(hole))  # noqa: SLF001 - as above
    line = samples.line(written)
    kinds = {
        **{str(samples._wholes.get(contents[hole], contents[hole])): "id" for hole in samples.ids},  # noqa: SLF001
        **{str(contents[hole]): "key" for hole in samples.keys},
        **{str(written[hole]): "count" for hole in samples.counts},
        **dict.fromkeys(_TEXTS, "text"),
    }
    for hole in samples.instants:
        at = datetime.fromtimestamp(0, UTC) + timedelta(microseconds=contents[hole])
        for text in (at.isoformat(), at.replace(tzinfo=None).isoformat(), str(contents[hole] // 1000)):
            kinds[text] = "instant"
    for hole in samples.durations:
        kinds["{}.{:06}".format(*divmod(contents[hole], 10**6))] = "duration"
    with held(kinds), trace:
        of._plain.row_of(line)  # noqa: SLF001 - as above


@contextmanager
def held(kinds: dict[str, str]) -> Iterator[None]:
    """Let what is parsed be held values, by the kinds of texts."""

    def of_value(value: Any) -> Any:
        if isinstance(value, list):
            return [of_value(each) for each in value]
        kind = (kinds.get(value) or ("document" if value in _documents else None)) if type(value) is str else None
        if kind is None:
            return value
        found = HeldText(value)
        found.kind = kind
        return found

    def of_pairs(pairs: list[tuple[str, Any]]) -> Any:
        return strict_json._object([(name, of_value(value)) for name, value in pairs])  # noqa: SLF001

    def of_digits(digits: str) -> Any:
        number = strict_json._integer(digits)  # noqa: SLF001
        return HeldNumber(number) if type(number) is int and kinds.get(digits) == "instant" else number

    def of_fraction(digits: str) -> Any:
        return HeldFraction(digits) if digits in shapes._FRACTIONS else strict_json._decimal(digits)  # noqa: SLF001

    plainly = strict_json._STRICT  # noqa: SLF001
    strict_json._STRICT = json.JSONDecoder(  # noqa: SLF001
        object_pairs_hook=of_pairs,
        parse_int=of_digits,
        parse_float=of_fraction,
        parse_constant=strict_json._constant,  # noqa: SLF001
    )
    try:
        yield
    finally:
        strict_json._STRICT = plainly  # noqa: SLF001
