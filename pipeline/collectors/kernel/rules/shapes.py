"""A shape back to lines of it: what stands in the holes is the caller's choice.

A shape is parsed once, to the parts of its lines: texts that are the same in all of them, and what makes the others.

Owns the tokens of a shape, which ``source/shapes.h`` writes. Does not own what lines of a shape amount to (``rules``).
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from pipeline.collectors.kernel.names import Name

    Contents: TypeAlias = Callable[[int, "HoleKind", str], int | str]
    """What stands in a hole: its number, its kind, and the name it stands under."""
    Earlier: TypeAlias = Callable[[int], int]
    """What stood in a hole in a chunk before the one whose counts stand for it."""
    Part: TypeAlias = str | Callable[["_Line"], str]
    """A part of lines: the same in all of them, or what makes it."""
    Chunks: TypeAlias = Callable[["_Line"], list[str]]
    """What makes chunks that follow one another."""


class HoleKind(Enum):
    """What stands in a hole."""

    COUNT = auto()
    IDENTIFIER = auto()
    KEY = auto()
    INSTANT = auto()
    """Microseconds since 1970, of which milliseconds are whole."""
    DURATION = auto()
    """Microseconds, of which milliseconds are whole in lines that are made."""
    LENGTH = auto()
    """How many chunks of a run are of one kind, or came before the one whose counts stand for them; 1 or more."""


class Hole(NamedTuple):
    """A hole of a shape: its kind, and the name it stands under."""

    kind: HoleKind
    name: str


_SIZE_BYTES = 2
OTHER_NAME = "\u00b7"
"""Stands for all names that nobody looks at."""

_TEXTS = tuple(map(json.dumps, ("x", "\u2028 é", 'chat.completion "error" 0', "message_start")))
_FRACTIONS = ("0.5", "12.75", "-1.5")
"""Which of them stand in a line is decided by its number: at times all are equal."""
_FRACTIONS_MAX = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAIVE_EPOCH = _EPOCH.replace(tzinfo=None)
_CLOSE, _OTHERS, _ANY_NAME = b"}~m"
_SIMPLE = {"t": "true", "f": "false", "n": "null", "0": "0", "\2": '""', "~": "0"}
"""The last, of an array of which it is known that it has elements."""
_HOLES: Mapping[str, tuple[HoleKind, Callable[[Any], str]]] = {
    "c": (HoleKind.COUNT, "{}".format),
    "q": (HoleKind.COUNT, '"{}"'.format),
    "y": (HoleKind.KEY, json.dumps),
    "d": (HoleKind.INSTANT, lambda us: json.dumps((_EPOCH + timedelta(microseconds=us)).isoformat())),
    "e": (HoleKind.INSTANT, lambda us: json.dumps((_NAIVE_EPOCH + timedelta(microseconds=us)).isoformat())),
    "D": (HoleKind.INSTANT, lambda us: f"{us // 1000}"),
    "T": (HoleKind.INSTANT, lambda us: f'"{us // 1000}"'),
    "u": (HoleKind.DURATION, lambda us: f"{us / 1e6:.6f}"),
    "U": (HoleKind.DURATION, lambda us: f'"{us / 1e6:.6f}"'),
    "M": (HoleKind.DURATION, lambda us: f'"{us // 1000}ms"'),
}
"""The tokens of holes, with what stands in a line for what stands in one."""


class Form(NamedTuple):
    """What shapes have in common that differ in the names of models alone, and in where there are names unlooked at."""

    parts: tuple[bytes, ...]
    """The shape without these, parted where there is a model."""
    which: tuple[int, ...]
    """Of each model, the first that is equal to it."""


class Parsed(NamedTuple):
    """What is in a shape."""

    holes: list[Hole]
    """In the order of their contents."""
    form: Form
    models: list[str]
    """The words under names that say ``model``."""
    ids: dict[str, int]
    """Of each name at the top of the line that an id stands under, the hole of it."""
    again: frozenset[str]
    """The names under which an id stands that stood before, and so has no hole."""
    part: Part

    def line(self, contents: Contents, earlier: Earlier, number: int) -> bytes:
        """Return a line of the shape; ``earlier`` are the counts of chunks that others replace.

        What no row depends on differs from one number to the next: what a text is, how many fractions follow one
        another, in which order the two kinds of a run come.
        """
        return _text(self.part, _Line(contents, earlier, number, [])).encode()


def parsed(shape: bytes, names: Sequence[Name]) -> Parsed:
    """Return what is in a shape. Raises ``ValueError`` where a word is no text."""
    parser = _Parser(shape, names)
    part = parser.value()
    parts, models, last = [b""], [], 0
    for begin, end in parser.left_out:
        parts[-1] += shape[last:begin]
        if end - begin > 1:
            models.append(shape[begin + _SIZE_BYTES : end].decode())
            parts.append(b"")
        last = end
    parts[-1] += shape[last:]
    form = Form(tuple(parts), tuple(map(models.index, models)))
    return Parsed(parser.holes, form, models, parser.ids, frozenset(parser.again), part)


@lru_cache(2**10)
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class _Line(NamedTuple):
    """A line that is being made."""

    contents: Contents
    earlier: Earlier
    number: int
    ids: list[str]
    """The different ones so far."""


def _text(part: Part, line: _Line) -> str:
    return part if isinstance(part, str) else part(line)


def _one(parts: Sequence[Part]) -> Part:
    """Return parts in a row as one part."""
    return lambda line: "".join([part if isinstance(part, str) else part(line) for part in parts])


class _Parser:
    """Reads a shape from its first token to its last."""

    def __init__(self, shape: bytes, names: Sequence[Name]) -> None:
        self._shape = shape
        self._names = names
        self._at = self._depth = self._texts = self._fractions = 0
        self._name = ""
        self._ids: list[int] = []
        """The holes of the different ones so far."""
        self.ids: dict[str, int] = {}
        """Of each name of the outermost object, the hole of its id."""
        self.holes: list[Hole] = []
        self.again: set[str] = set()
        self.left_out: list[tuple[int, int]] = []
        """Where the tokens begin and end that a form is without: words that are names of models, with their sizes
        before them, and what stands for names that nobody looks at, which is one byte.
        """

    def _token(self) -> int:
        self._at += 1
        return self._shape[self._at - 1]

    def _number(self) -> int:
        high, low = self._token() - 0x40, self._token() - 0x40
        return high << 4 | low

    def _taken(self, size: int) -> str:
        self._at += size
        return self._shape[self._at - size : self._at].decode()

    def _hole(self, kind: HoleKind) -> Callable[[_Line], int | str]:
        number, name = len(self.holes), self._name
        self.holes.append(Hole(kind, name))
        return lambda line: line.contents(number, kind, name)

    def value(self) -> Part:  # noqa: C901, PLR0911 - a token a case
        """Return the part of a value."""
        token = chr(self._token())
        if token in _HOLES:
            kind, written = _HOLES[token]
            content = self._hole(kind)
            return lambda line: written(content(line))
        match token:
            case "\1":
                self._texts = place = self._texts + 1
                return lambda line: _text_at(place, line.number)
            case "F":
                self._fractions = place = self._fractions + 1
                return lambda line: _FRACTIONS[place * line.number % len(_FRACTIONS)]
            case "#":
                return self._taken(self._number())
            case '"':
                return _quoted(self._word())
            case "\\":
                return f'"{self._taken(self._number())}"'
            case "i":
                return self._identifier()
            case "{":
                return self._object()
            case "[":
                return self._list()
            case "P":
                return self._pairs()
            case "S" | "N" | "A":
                chunks = self._chunks()
                return lambda line: _stream(token, chunks(line))
            case "J":
                inner = self.value()
                return lambda line: json.dumps(_text(inner, line))
        return _SIMPLE[token]

    def _word(self) -> str:
        begin = self._at
        word = self._taken(self._number())
        if "model" in self._name.lower():
            self.left_out.append((begin, self._at))
        return word

    def _identifier(self) -> Part:
        number = self._token() - 0x40
        is_new = number == len(self._ids)
        if is_new:
            self._ids.append(len(self.holes))
        if self._depth == 1:
            self.ids[self._name] = self._ids[number]
        if not is_new:
            self.again.add(self._name)
            return lambda line: json.dumps(line.ids[number])
        hole = self._hole(HoleKind.IDENTIFIER)

        def part(line: _Line) -> str:
            line.ids.append(str(hole(line)))
            return json.dumps(line.ids[number])

        return part

    def _object(self) -> Part:
        parts: list[Part] = ["{"]
        self._depth += 1
        while (token := self._token()) != _CLOSE:
            if len(parts) > 1:
                parts.append(",")
            if token == _OTHERS:
                self.left_out.append((self._at - 1, self._at))
                parts.append(f'"{OTHER_NAME}":0')
                continue
            self._name = name = self._name_of(token)
            parts += [f"{_quoted(name)}:", self.value()]
        self._depth -= 1
        return _one([*parts, "}"])

    def _name_of(self, token: int) -> str:
        """Return a name that has a number, or that stands in the shape as a word."""
        if token == _ANY_NAME:
            self._token()
            return self._taken(self._number())
        return self._names[(self._token() - 0x40) << 6 | (self._token() - 0x40)].text

    def _pairs(self) -> Part:
        parts: list[Part] = ["["]
        while (token := self._token()) != ord("]"):
            if len(parts) > 1:
                parts.append(",")
            if token == _OTHERS:
                self.left_out.append((self._at - 1, self._at))
                parts.append(f'{{"key":"{OTHER_NAME}","value":{{}}}}')
                continue
            name = self._name_of(token)
            parts += [f'{{"key":{_quoted(name)},"value":', self._typed_value(name), "}"]
        return _one([*parts, "]"])

    def _typed_value(self, name: str) -> Part:
        """Return the part of what stands in a pair, under the name of its type; holes stand under that of the pair."""
        parts: list[Part] = ["{"]
        self._token()
        while (token := self._token()) != _CLOSE:
            parts.append(f"{_quoted(self._name_of(token))}:")
            self._name = name
            parts.append(self.value())
        return _one([*parts, "}"])

    def _list(self) -> Part:
        parts: list[Part] = ["["]
        name = self._name
        while self._shape[self._at] != ord("]"):
            if len(parts) > 1:
                parts.append(",")
            self._name = name
            is_fraction = self._shape[self._at] == ord("F")
            element = self.value()
            parts.append(_some_fractions if is_fraction else element)
        self._at += 1
        return _one([*parts, "]"])

    def _chunks(self) -> Chunks:
        groups: list[Chunks] = []
        while (token := self._token()) != ord("E"):
            if token == ord("C"):
                groups.append(_alone(self.value()))
            elif token == ord("L"):
                groups.append(self._latest())
            else:
                groups.append(_run([self._kind_of_run() for _ in range(self._number())]))
        return lambda line: [chunk for group in groups for chunk in group(line)]

    def _kind_of_run(self) -> Chunks:
        chunk = self.value()
        length = self._hole(HoleKind.LENGTH)

        def chunks(line: _Line) -> list[str]:
            made = _text(chunk, line)
            return [made] * int(length(line))

        return chunks

    def _latest(self) -> Chunks:
        """Return what makes chunks in a row that differ in their counts: those of the last are the holes."""
        part = self.value()
        length = self._hole(HoleKind.LENGTH)

        def earlier(line: _Line, ids: list[str]) -> str:
            return _text(part, line._replace(contents=lambda number, *_: line.earlier(number), ids=list(ids)))

        def chunks(line: _Line) -> list[str]:
            ids = list(line.ids)
            last = _text(part, line)
            return [*(earlier(line, ids) for _ in range(int(length(line)))), last]

        return chunks


def _text_at(place: int, number: int) -> str:
    """Return what a text is: in every other line as all are, and in those between another than the next one."""
    return _TEXTS[(place + number // 2 if number % 2 else number) % len(_TEXTS)]


def _stream(kind: str, chunks: list[str]) -> str:
    """Return chunks as an array, as documents on lines, or as events."""
    if kind == "A":
        return f"[{','.join(chunks)}]"
    if kind == "N":
        whole = chunks if len(chunks) > 1 else [*chunks, '{"cut']  # of one line alone nothing is whole
        return json.dumps("".join([f"{chunk}\n" for chunk in whole]))
    return json.dumps("".join([f"data: {chunk}\n\n" for chunk in chunks]))


def _some_fractions(line: _Line) -> str:
    return ",".join(["0.5"] * (1 + line.number % _FRACTIONS_MAX))


def _alone(chunk: Part) -> Chunks:
    return lambda line: [_text(chunk, line)]


def _run(kinds: Sequence[Chunks]) -> Chunks:
    """Return what makes a run of chunks of one kind, or of two, in turns or one behind the other."""

    def chunks(line: _Line) -> list[str]:
        made = [kind(line) for kind in kinds]
        takes_turns = len(made) > 1 and line.number % 2 == 1
        return _mixed(*made) if takes_turns else [chunk for kind in made for chunk in kind]

    return chunks


def _mixed(one: list[str], other: list[str]) -> list[str]:
    """Return both in turns, beginning with the first of ``one``."""
    both = [chunk for pair in zip(one, other, strict=False) for chunk in pair]
    return both + one[len(other) :] + other[len(one) :]
