"""JSON as RFC 8259 means it, from text to dicts: exact numbers, bounded depth, contradictions remembered.

Owns the reading of JSON text and the access to the keys of its objects. Does not own which keys matter: a key that an
object states twice with different values is ``CONTRADICTED`` for whoever reads it by ``get``, and an error for whoever
reads it by ``stated_once``. NaN, a number beyond the range of a double and what is nested too deep are ``UNREADABLE``.
Both are none of the values that anybody looks for.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from pipeline.base.errors import TallybookError
from pipeline.collectors.values.refusal import LineRefused
from pipeline.collectors.values.traced import PLACEHOLDER_DIGITS, whole_number
from pipeline.usage import QuarantineReason

if TYPE_CHECKING:
    from collections.abc import Iterator

JsonObject: TypeAlias = dict[str, Any]

_BLANKS = " \t\r\n"

_TEXTS_MAX = 3
"""So many times a text may turn out to be the text of another."""

DEPTH_MAX = 64
"""Objects and arrays nested deeper than this are not looked into."""


class Unreadable:
    """A value that cannot be used; it shows what it is, and nothing of what was written."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        """Show its name."""
        return self._name


UNREADABLE = Unreadable("UNREADABLE")
"""What JSON has no exact number for, or what is nested too deep."""
CONTRADICTED = Unreadable("CONTRADICTED")
"""What an object states more than once, with different values."""


class BrokenJson(TallybookError):
    """The text is not one JSON document, not even to a lax reader; a cut body is the usual case."""


class ContradictedObject(dict[str, Any]):
    """An object that stated ``contradicted`` keys more than once, with different values; the last are kept."""

    __slots__ = ("contradicted",)

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__()
        contradicted = set()
        for key, value in pairs:
            if key in self and not _is_same(self[key], value):
                contradicted.add(key)
            self[key] = value
        self.contradicted = frozenset(contradicted)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, ``CONTRADICTED`` where the log stated two."""
        return CONTRADICTED if key in self.contradicted else super().get(key, default)


def stated_once(document: JsonObject, key: str, default: Any = None) -> Any:
    """Return a value that decides something; raises ``LineRefused`` (``duplicate_key``) where the log stated two.

    ``key`` is one of ours.
    """
    value = document.get(key, default)
    if value is CONTRADICTED:
        raise twice(key)
    return value


def twice(key: str) -> LineRefused:
    """Return the refusal of a key that is stated twice."""
    return LineRefused(QuarantineReason.DUPLICATE_KEY, f"{key} is stated more than once with different values")


def parse(text: str, *, depth_max: int = DEPTH_MAX) -> Any:
    """Return the one JSON document that ``text`` is; numbers as ``int`` or exact ``Decimal``.

    NaN, Infinity, numbers beyond the range of a double, and objects and arrays nested deeper than ``depth_max`` are
    ``UNREADABLE``. Raises ``BrokenJson`` where the text is no JSON document.
    """
    text = text.strip(_BLANKS)
    try:
        document = _document(text)
    except RecursionError:
        return _document(_without_deep_parts(text, depth_max))
    if may_exceed(text, depth_max) and depth_of_document(document) > depth_max:
        return _document(_without_deep_parts(text, depth_max))
    return document


def document_in(text: str, *, depth_max: int = DEPTH_MAX) -> JsonObject | list[Any] | None:
    r"""Return the object or array that a text of a log is, however often it was made a text.

    ``None`` where it is none. One logger writes JSON as a string, and the next one what that wrote, with the quotes
    around it or without.

    >>> document_in('{"a": 1}'), document_in('"{\\"a\\": 1}"'), document_in('{\\"a\\": 1}'), document_in("a")
    ({'a': 1}, {'a': 1}, {'a': 1}, None)
    """
    for _ in range(_TEXTS_MAX):
        text = text.strip(f"\ufeff{_BLANKS}")
        if not text.startswith(("{", "[", '"')):
            return None
        try:
            document = parse(text, depth_max=depth_max)
        except BrokenJson:
            document = _unescaped(text)
        if not isinstance(document, str):
            return document if isinstance(document, dict | list) else None
        text = document
    return None


def _unescaped(text: str) -> str | None:
    """Return a text whose quotes were escaped and that lost the outer ones; ``None`` of any other."""
    try:
        return str(json.loads(f'"{text}"', strict=False)) if '\\"' in text else None
    except ValueError:
        return None


def documents_of(text: str, *, depth_max: int = DEPTH_MAX, may_touch: bool = False) -> list[Any] | None:
    r"""Return the objects and arrays that a text is made of, where each of them is whole; ``None`` for any other text.

    Blanks, one comma and the record separators of RFC 7464 may stand before, between and behind them: so somebody
    writes who means an array. Between each two stands a comma, a separator or a line end, unless they ``may_touch``:
    what ran together without one is the work of a crash, or of two writers.

    >>> documents_of('{"a": 1},{"b": 2}'), documents_of("\x1e{}"), documents_of("{},"), documents_of('{"a": 1} {}')
    ([{'a': 1}, {'b': 2}], [{}], [{}], None)
    """
    documents = [document for document, *_ in _all_documents(text, depth_max, may_touch=may_touch)]
    return documents or None


def texts_of_documents(text: str) -> list[str]:
    """Return the texts of the objects and arrays that a text is made of, which may touch; none of any other text.

    >>> texts_of_documents('{"a": 1}{"b": "}{"}'), texts_of_documents('{"a": 1}{"b"')
    (['{"a": 1}', '{"b": "}{"}'], [])
    """
    return [text[at:behind] for _, at, behind in _all_documents(text, DEPTH_MAX, may_touch=True)]


def _all_documents(text: str, depth_max: int, *, may_touch: bool) -> list[tuple[Any, int, int]]:
    """Return the documents of a text as ``_documents_from`` yields them; none where it is not made of them alone."""
    found: list[tuple[Any, int, int]] = []
    end = 0
    for document, at, behind in _documents_from(text, _place_behind(_BETWEEN, text, 0), "{[", depth_max):
        if found and not may_touch and _APART.search(text, end, at) is None:
            return []
        found.append((document, at, behind))
        end = behind
    return found if _place_behind(_BETWEEN, text, end) == len(text) else []


def whole_of(text: str, *, depth_max: int = DEPTH_MAX) -> list[JsonObject]:
    r"""Return the objects that a text begins with, one after another or in an array, up to what is not whole.

    >>> whole_of('[{"a": 1},\n{"b": 2},\n{"c'), whole_of('{"a": 1}{"b": 2}'), whole_of('{"a')
    ([{'a': 1}, {'b': 2}], [{'a': 1}, {'b': 2}], [])
    """
    begins_at = _place_behind(_ARRAY_BEGINS, text, 0)
    return [document for document, _, _ in _documents_from(text, begins_at, "{", depth_max)]


def _documents_from(text: str, at: int, opens: str, depth_max: int) -> Iterator[tuple[Any, int, int]]:
    """Yield the documents that stand from an offset on, each with its offset and that behind it, while one is whole.

    ``opens`` are the brackets with which one may begin. What may be between them says ``documents_of``.
    """
    while at < len(text) and text[at] in opens:
        try:
            _, end = _STRICT.raw_decode(text, at)
            document = parse(text[at:end], depth_max=depth_max)
        except (json.JSONDecodeError, RecursionError, BrokenJson):
            return
        yield document, at, end
        at = _place_behind(_BETWEEN, text, end)


def _place_behind(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Return the offset behind what fits a pattern, which may be nothing, and so fits everywhere."""
    found = pattern.match(text, at)
    return at if found is None else found.end()


class Beginning(NamedTuple):
    """What is whole of an object that may be broken: its members up to the damage."""

    members: JsonObject
    end: int
    """Offset after the object, or of the damage."""
    is_whole: bool


def beginning_of(text: str, at: int = 0) -> Beginning:
    """Return the members of the object at an offset of ``text``, up to the first that is not whole. Raises nothing."""
    pairs: list[tuple[str, Any]] = []
    mark = _OPENING.match(text, at)
    while mark is not None:
        at = mark.end()
        name = _NAME.match(text, at)
        try:
            value, end = _STRICT.raw_decode(text, name.end() if name else at)
            after = _AFTER_MEMBER.match(text, end)
            if name is None or (after is None and (end < len(text) or text[end - 1] not in _CLOSES)):
                break  # no member, or cut off within a number
            pairs.append((json.loads(name[1], strict=False), value))
            if after is None:
                break
        except (json.JSONDecodeError, RecursionError):
            break
        at = after.end()
        if after[0].endswith("}"):
            return Beginning(_object(pairs), at, is_whole=True)
        mark = after
    return Beginning(_object(pairs), at, is_whole=False)


def values_behind(text: str, name: str) -> Iterator[Any]:
    """Yield the values of members that go by a name, wherever they stand in a text; the last few, the last one first.

    A name that is escaped, as within a string, is none. Raises nothing.
    """
    places = [found.end() for found in re.finditer(rf"(?<!\\){re.escape(json.dumps(name))}[ \t]*:[ \t]*", text)]
    for place in places[: -_BEHIND_MAX - 1 : -1]:
        try:
            value, end = _STRICT.raw_decode(text, place)
        except (json.JSONDecodeError, RecursionError):
            continue
        if _AFTER_MEMBER.match(text, end):
            yield value


def _document(text: str) -> Any:
    try:
        document, end = _STRICT.raw_decode(text)
    except json.JSONDecodeError:
        raise BrokenJson from None
    if end != len(text):
        raise BrokenJson
    return document


def _without_deep_parts(text: str, depth_max: int) -> str:
    """Return JSON text with ``NaN`` for all that is nested deeper; what is cut out is read too, piece by piece.

    Raises ``BrokenJson``.
    """
    pieces: list[list[str]] = [[]]
    depth = begin = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        is_opening = token[0] in "[{"
        if not is_opening and token[0] not in "]}":
            continue  # a string
        is_edge = (depth if is_opening else depth - 1) % depth_max == 0 and depth > (0 if is_opening else 1)
        if is_edge and is_opening:
            pieces[-1].append(text[begin : token.start()])
            pieces.append([])
            begin = token.start()
        elif is_edge:
            _document("".join(pieces.pop()) + text[begin : token.end()])
            pieces[-1].append("NaN")
            begin = token.end()
        depth += 1 if is_opening else -1
        if depth < 0:
            raise BrokenJson
    if depth:
        raise BrokenJson
    return "".join(pieces.pop()) + text[begin:]


def _object(pairs: list[tuple[str, Any]]) -> JsonObject:
    document = dict(pairs)
    return document if len(document) == len(pairs) else ContradictedObject(pairs)


def _integer(digits: str) -> int | Unreadable:
    if len(digits) < PLACEHOLDER_DIGITS:  # mostly
        return int(digits)
    if len(digits) > 308 and math.isinf(float(digits)):  # noqa: PLR2004 - the largest double has 309 digits
        return UNREADABLE
    return whole_number(digits)


def _decimal(digits: str) -> Decimal | Unreadable:
    if math.isinf(float(digits)):
        return UNREADABLE
    try:
        return Decimal(digits)
    except InvalidOperation:
        return _TINY


def _constant(_name: str) -> Unreadable:
    return UNREADABLE


_TINY = Decimal("1E-999")
"""Stands for numbers that are JSON and smaller than a decimal can be; it is as little a count as they are."""

_STRICT = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)


def _is_same(one: Any, other: Any) -> bool:
    """Compare as JSON does: ``1`` and ``1.0`` are the same number, ``1`` and ``true`` are not."""
    if isinstance(one, dict) and isinstance(other, dict):
        return (
            one.keys() == other.keys()
            and all(_is_same(value, other[key]) for key, value in one.items())
            and getattr(one, "contradicted", None) == getattr(other, "contradicted", None)
        )
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def may_exceed(text: str | bytes, depth_max: int) -> bool:
    """Tell cheaply that a text can be nested deeper: it has that many brackets, if only in its strings."""
    if len(text) <= depth_max:
        return False
    opened = text.count("{") + text.count("[") if isinstance(text, str) else text.count(b"{") + text.count(b"[")
    return opened > depth_max


def depth_of_document(document: Any) -> int:
    """Count the levels of objects and arrays without recursion: a scalar has none, ``{}`` has one."""
    depth = 0
    level = [document]
    while level := [container for container in level if isinstance(container, dict | list)]:
        depth += 1
        level = [
            child for container in level for child in (container.values() if isinstance(container, dict) else container)
        ]
    return depth


_BEHIND_MAX = 8
_CLOSES = '}]"'
_OPENING = re.compile(r"[ \t\r\n]*\{")
_ARRAY_BEGINS = re.compile(r"(?:\[[ \t\r\n]*)?")
_APART = re.compile(r"[,\x1e\n]")
_BETWEEN = re.compile(r"[ \t\r\n\x1e]*(?:,[ \t\r\n\x1e]*)?")
_NAME = re.compile(r'[ \t\r\n]*("[^"\\]*(?:\\.[^"\\]*)*")[ \t\r\n]*:[ \t\r\n]*')
_AFTER_MEMBER = re.compile(r"[ \t\r\n]*[,}]")
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
