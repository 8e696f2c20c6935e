"""A shape back to a line of it: what stands in the holes is the caller's choice.

Owns the tokens of a shape, which ``source/shapes.h`` writes. Does not own what lines of a shape amount to (``rules``).
"""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from pipeline.collectors.kernel.names import Name

    Contents: TypeAlias = Callable[[int, "HoleKind", str], int | str]
    """What stands in a hole: its number, its kind, and the name it stands under."""


class HoleKind(Enum):
    """What stands in a hole."""

    COUNT = auto()
    IDENTIFIER = auto()
    KEY = auto()
    INSTANT = auto()
    """Microseconds since 1970, of which milliseconds are whole."""
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
_HALF = 0.5
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_CLOSE, _OTHERS, _ANY_NAME = b"}~m"
_SIMPLE = {ord("t"): "true", ord("f"): "false", ord("n"): "null", ord("0"): "0"}


class Form(NamedTuple):
    """What shapes have in common that differ in nothing but the names of models."""

    parts: tuple[bytes, ...]
    """The shape without these."""
    which: tuple[int, ...]
    """Of each of them, the first that is equal to it."""


class Parsed(NamedTuple):
    """What is in a shape."""

    holes: list[Hole]
    """In the order of their contents."""
    form: Form
    models: list[str]
    """The words under names that say ``model``."""


def parsed(shape: bytes, names: Sequence[Name]) -> Parsed:
    """Return what is in a shape. Raises ``ValueError`` where a word is no text."""
    holes: list[Hole] = []

    def contents(_number: int, kind: HoleKind, name: str) -> int | str:
        holes.append(Hole(kind, name))
        return "x" if kind in (HoleKind.IDENTIFIER, HoleKind.KEY) else 1

    writer = _Writer(shape, names, contents, random.Random(0))
    writer.line()
    begins, ends = [0, *(end for _, end in writer.models)], [*(begin for begin, _ in writer.models), len(shape)]
    models = [shape[begin + _SIZE_BYTES : end].decode() for begin, end in writer.models]
    parts = tuple(shape[begin:end] for begin, end in zip(begins, ends, strict=True))
    return Parsed(holes, Form(parts, tuple(map(models.index, models))), models)


def line_of(shape: bytes, names: Sequence[Name], contents: Contents, chance: random.Random) -> bytes:
    """Return a line of a shape. Raises ``ValueError`` where a word is no text.

    By chance is what no row depends on: what a text is, in which order the two kinds of a run come, what the counts of
    a chunk were that others replace.
    """
    return _Writer(shape, names, contents, chance).line().encode()


@lru_cache(2**10)
def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


class _Writer:
    def __init__(self, shape: bytes, names: Sequence[Name], contents: Contents, chance: random.Random) -> None:
        self._shape = shape
        self._names = names
        self._contents = contents
        self._chance = chance
        self._at = self._holes = 0
        self._ids: list[str] = []
        self._name = ""
        self.models: list[tuple[int, int]] = []
        """Where words begin and end that are names of models, with their sizes before them."""

    def line(self) -> str:
        return self._value()

    def _token(self) -> int:
        self._at += 1
        return self._shape[self._at - 1]

    def _number(self) -> int:
        high, low = self._token() - 0x40, self._token() - 0x40
        return high << 4 | low

    def _taken(self, size: int) -> str:
        self._at += size
        return self._shape[self._at - size : self._at].decode()

    def _hole(self, kind: HoleKind) -> int | str:
        self._holes += 1
        return self._contents(self._holes - 1, kind, self._name)

    def _value(self) -> str:  # noqa: C901, PLR0911, PLR0912 - a token a case
        match self._token():
            case 1:
                return self._chance.choice(_TEXTS)
            case 2:
                return '""'
            case 0x7B:
                return self._object()
            case 0x5B:
                return self._list()
            case 0x46:  # F
                return "0.5"
            case 0x23:  # #
                return self._taken(self._number())
            case 0x22:  # "
                return _quoted(self._word())
            case 0x63:  # c
                return str(self._hole(HoleKind.COUNT))
            case 0x71:  # q
                return f'"{self._hole(HoleKind.COUNT)}"'
            case 0x69:  # i
                return json.dumps(self._identifier())
            case 0x79:  # y
                return json.dumps(self._hole(HoleKind.KEY))
            case 0x64:  # d
                return json.dumps(self._date_and_time().isoformat())
            case 0x65:  # e
                return json.dumps(self._date_and_time().replace(tzinfo=None).isoformat())
            case 0x44:  # D
                return str(int(self._hole(HoleKind.INSTANT)) // 1000)
            case 0x54:  # T
                return f'"{int(self._hole(HoleKind.INSTANT)) // 1000}"'
            case 0x53:  # S
                return json.dumps("".join(f"data: {chunk}\n\n" for chunk in self._chunks()))
            case 0x4E:  # N
                return json.dumps("".join(f"{chunk}\n" for chunk in self._chunks_on_lines()))
            case 0x41:  # A
                return f"[{','.join(self._chunks())}]"
            case 0x4A:  # J
                return json.dumps(self._value())
            case token:
                return _SIMPLE[token]

    def _date_and_time(self) -> datetime:
        return _EPOCH + timedelta(microseconds=int(self._hole(HoleKind.INSTANT)))

    def _word(self) -> str:
        begin = self._at
        word = self._taken(self._number())
        if "model" in self._name:
            self.models.append((begin, self._at))
        return word

    def _identifier(self) -> str:
        number = self._token() - 0x40
        if number == len(self._ids):
            self._ids.append(str(self._hole(HoleKind.IDENTIFIER)))
        return self._ids[number]

    def _object(self) -> str:
        members = []
        while (token := self._token()) != _CLOSE:
            if token == _OTHERS:
                members.append(f'"{OTHER_NAME}":0')
                continue
            self._name = name = self._name_of(token)
            members.append(f"{_quoted(name)}:{self._value()}")
        return f"{{{','.join(members)}}}"

    def _name_of(self, token: int) -> str:
        """Return a name that has a number, or that stands in the shape as a word."""
        if token == _ANY_NAME:
            self._token()
            return self._taken(self._number())
        return self._names[(self._token() - 0x40) << 5 | (self._token() - 0x40)].text

    def _list(self) -> str:
        elements = []
        name = self._name
        while self._shape[self._at] != ord("]"):
            self._name = name
            is_fraction = self._shape[self._at] == ord("F")
            elements += [self._value()] * (self._chance.randint(1, 3) if is_fraction else 1)
        self._at += 1
        return f"[{','.join(elements)}]"

    def _chunks_on_lines(self) -> list[str]:
        chunks = self._chunks()
        return chunks if len(chunks) > 1 else [*chunks, '{"cut']  # of one line alone nothing is whole

    def _chunks(self) -> list[str]:
        chunks: list[str] = []
        while (token := self._token()) != ord("E"):
            if token == ord("C"):
                chunks.append(self._value())
                continue
            if token == ord("L"):
                chunks += self._latest()
                continue
            kinds = [self._kind_of_run() for _ in range(self._number())]
            takes_turns = len(kinds) > 1 and self._chance.random() < _HALF
            chunks += _mixed(*kinds) if takes_turns else [chunk for kind in kinds for chunk in kind]
        return chunks

    def _kind_of_run(self) -> list[str]:
        chunk = self._value()
        return [chunk] * int(self._hole(HoleKind.LENGTH))

    def _latest(self) -> list[str]:
        """Return chunks in a row that differ in their counts: those of the last are the holes."""
        begin, ids = self._at, list(self._ids)
        last = self._value()
        end = self._at
        chunks = []
        for _ in range(int(self._hole(HoleKind.LENGTH))):
            earlier = _Writer(self._shape, self._names, self._any_count, self._chance)
            earlier._at, earlier._ids = begin, list(ids)
            chunks.append(earlier._value())
        self._at = end
        return [*chunks, last]

    def _any_count(self, _number: int, _kind: HoleKind, _name: str) -> int:
        return self._chance.choice((1, 2, 3, self._chance.randint(1, 1000)))


def _mixed(one: list[str], other: list[str]) -> list[str]:
    """Return both in turns, beginning with the first of ``one``."""
    both = [chunk for pair in zip(one, other, strict=False) for chunk in pair]
    return both + one[len(other) :] + other[len(one) :]
