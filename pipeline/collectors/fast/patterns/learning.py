"""From one line to the pattern of all lines that are written like it: an expression that only such lines match.

Owns the walk through a line that the plain reader has read. Keys, structure and blanks become part of the pattern; of
values that nobody asks for, any JSON will do; values that rows need are captured. What the walk does not know, it
refuses to learn: such lines stay with the plain reader.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.base.errors import TallybookError
from pipeline.collectors.fast.grammar import INSIDE, NUMBER, OUTSIDE
from pipeline.collectors.fast.patterns.uses import (
    ABSENT,
    BODY,
    DECIDING,
    DOCUMENT,
    FIXED,
    IGNORED,
    NAME,
    Elements,
    Taken,
)
from pipeline.collectors.strict_json import DEPTH_MAX

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.collectors.fast.grammar import Level
    from pipeline.collectors.fast.patterns.uses import Use

_PIECES_MAX = 2_000
"""A line of more parts is one of a kind."""
_KINDS_MAX = 4
"""How many kinds of elements an array may have that is matched at any length."""

_SCALAR = re.compile(rb"(?:" + NUMBER + rb"|true|false|null)(?![0-9A-Za-z.+-])")
_PLAIN_KEY = re.compile(rb"[ !#-\[\]-~]{1,128}")
_LINE_END = re.compile(rb"\\r\\n|\\n")
_COMMENT = re.compile(rb": ?[A-Za-z0-9 .-]*+")


class Unlearnable(TallybookError):
    """A line that no pattern is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """The pattern of a line."""

    expression: bytes
    """What a whole line must match."""
    taken: Mapping[str, int]
    """The captured group of each value that goes into the row."""
    deciding: tuple[int, ...]
    """The captured groups that decide the rest of the row."""


def learned(content: bytes, uses: Mapping[str, Use]) -> Learned:
    """Return the pattern of a line that the plain reader takes. Raises ``Unlearnable``."""
    walk = _Walk(content)
    walk.value(OUTSIDE, uses)
    walk.blanks(OUTSIDE)
    if walk.at != len(content):
        raise Unlearnable
    return Learned(expression=b"".join(walk.pieces), taken=walk.taken, deciding=tuple(walk.deciding))


@dataclass(slots=True)
class _Walk:
    content: bytes
    at: int = 0
    pieces: list[bytes] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    deciding: list[int] = field(default_factory=list)
    _groups: int = 0
    _depth: int = 0

    def value(self, level: Level, use: Use) -> None:
        """Walk over one value."""
        self.blanks(level)
        if len(self.pieces) > _PIECES_MAX or self._depth > DEPTH_MAX:
            raise Unlearnable
        self._depth += 1
        opening = self.content[self.at : self.at + 1]
        if opening == b"{":
            self._object(level, use)
        elif opening == b"[":
            self._array(level, use)
        elif self.content.startswith(level.quote, self.at):
            self._string(level, use)
        else:
            self._scalar(level, use)
        self._depth -= 1

    def blanks(self, level: Level) -> None:
        """Walk over blanks: they are part of the pattern."""
        self._literal(self._match(level.blanks))

    def _object(self, level: Level, use: Use) -> set[bytes]:
        if not isinstance(use, dict) and use is not IGNORED and use is not BODY:
            raise Unlearnable
        uses: Mapping[str, Use] = DOCUMENT if use is BODY else use if isinstance(use, dict) else {}
        stated: set[bytes] = set()
        self._literal(b"{", take=True)
        self.blanks(level)
        while not self._is_next(b"}"):
            self.blanks(level)
            key = self._key(level)
            if use is not IGNORED and (key in stated or not _PLAIN_KEY.fullmatch(key)):
                raise Unlearnable
            stated.add(key)
            self.blanks(level)
            self._literal(b":", take=True)
            self.value(level, uses.get(key.decode("ascii"), IGNORED) if use is not IGNORED else IGNORED)
            self.blanks(level)
            if not self._is_next(b"}"):
                self._literal(b",", take=True)
        self._literal(b"}", take=True)
        return stated

    def _key(self, level: Level) -> bytes:
        key = self._match(level.string)
        if not key:
            raise Unlearnable
        self._literal(key)
        return key[len(level.quote) : -len(level.quote)]

    def _array(self, level: Level, use: Use) -> None:
        if not isinstance(use, Elements) and use is not IGNORED:
            raise Unlearnable
        self._literal(b"[", take=True)
        self.blanks(level)
        first = len(self.pieces)
        elements: list[tuple[bytes, ...]] = []
        between: set[tuple[bytes, ...]] = set()
        while not self._is_next(b"]"):
            begin = len(self.pieces)
            self.value(level, use.use if isinstance(use, Elements) else IGNORED)
            self.blanks(level)
            elements.append(tuple(self.pieces[begin:]))
            if not self._is_next(b"]"):
                begin = len(self.pieces)
                self._literal(b",", take=True)
                self.blanks(level)
                between.add(tuple(self.pieces[begin:]))
        if use is IGNORED and elements and len(between) <= 1:
            self._any_number(first, elements, next(iter(between), (b",", b" ")))
        self._literal(b"]", take=True)

    def _any_number(self, first: int, elements: list[tuple[bytes, ...]], between: tuple[bytes, ...]) -> None:
        """Let an array of which nothing is asked have any number of elements of the kinds that it has."""
        kinds = list(dict.fromkeys(elements))
        if len(kinds) > _KINDS_MAX:
            return
        if sum(map(len, kinds)) > _PIECES_MAX // 2:  # arrays in arrays double each time
            raise Unlearnable
        either: list[bytes] = [b"(?:", *kinds[0]]
        for kind in kinds[1:]:
            either += [b"|", *kind]
        either.append(b")")
        self.pieces[first:] = [*either, b"(?:", *between, *either, b")*+"]

    def _string(self, level: Level, use: Use) -> None:
        if use is BODY and level is OUTSIDE:
            self._body()
            return
        string = self._match(level.string)
        if not string:
            raise Unlearnable
        inner = string[len(level.quote) : -len(level.quote)]
        if use is IGNORED:
            self._ignored(level, string)
        elif use is FIXED or (not inner and (use is DECIDING or use is ABSENT or isinstance(use, Taken))):
            self._literal(string)
        elif use is DECIDING:
            self._captured(NAME, inner, string, level)
            self.deciding.append(self._groups - 1)
        elif isinstance(use, Taken) and use.text is not None:
            self._take(use.name)
            self._captured(use.text, inner, string, level)
        else:
            raise Unlearnable

    def _scalar(self, level: Level, use: Use) -> None:
        scalar = self._match(_SCALAR)
        if not scalar:
            raise Unlearnable
        if use is IGNORED:
            self._ignored(level, scalar)
        elif use is FIXED or (scalar == b"null" and not isinstance(use, Elements)):
            self._literal(scalar)
        elif use is DECIDING:
            self._captured(
                rb"true|false" if scalar in (b"true", b"false") else rb"-?(?:0|[1-9][0-9]{0,17}+)", scalar, scalar, None
            )
            self.deciding.append(self._groups - 1)
        elif isinstance(use, Taken) and use.number is not None:
            self._take(use.name)
            self._captured(use.number, scalar, scalar, None)
        else:
            raise Unlearnable

    def _ignored(self, level: Level, value: bytes) -> None:
        self.at += len(value)
        self.pieces += [b"(?:", level.string.pattern, b"|" + NUMBER + b"|true|false|null)"]

    def _captured(self, expression: bytes, inner: bytes, value: bytes, level: Level | None) -> None:
        """Capture a value, which must be what the expression says."""
        if not re.fullmatch(expression, inner):
            raise Unlearnable
        quote = re.escape(level.quote) if level is not None else b""
        self.at += len(value)
        self.pieces.append(quote + b"(" + expression + b")" + quote)
        self._groups += 1

    def _take(self, name: str) -> None:
        if name in self.taken:
            raise Unlearnable
        self.taken[name] = self._groups

    def _body(self) -> None:
        self._literal(b'"', take=True)
        if self._is_next(b"{"):
            self._object(INSIDE, BODY)
            self.blanks(INSIDE)
        else:
            while not self._is_next(b'"'):
                self._event()
        self._literal(b'"', take=True)

    def _event(self) -> None:
        """Walk over one event of a transcript.

        A line of data or of a comment, and a blank one, which the last may lack.
        """
        if not self._is_next(b"data:"):
            self._comments()
            return
        self._literal(b"data:", take=True)
        self._literal(b" " if self._is_next(b" ") else b"")
        if self._is_next(b"{"):
            if b"choices" not in self._object(INSIDE, self._chunk()):
                raise Unlearnable
        else:
            self._literal(b"[DONE]", take=True)
        ends = [self._line_end() for _ in range(2)]
        if not all(ends) and not self._is_next(b'"'):
            raise Unlearnable

    def _comments(self) -> None:
        """Walk over a comment; there may be any number of it."""
        begin = self.at
        comment = self._match(_COMMENT)
        end = _LINE_END.match(self.content, begin + len(comment))
        if not comment or end is None:
            raise Unlearnable
        while (again := _LINE_END.match(self.content, end.end())) is not None:
            end = again
        whole = self.content[begin : end.end()]
        while self.content.startswith(whole, self.at):
            self.at += len(whole)
        self.pieces.append(b"(?:" + re.escape(whole) + b")++")

    def _chunk(self) -> Mapping[str, Use]:
        """Return the uses of the next chunk: of ids the first counts."""
        return {**DOCUMENT, "id": IGNORED} if "response_id" in self.taken else DOCUMENT

    def _line_end(self) -> bytes:
        end = self._match(_LINE_END)
        self._literal(end)
        return end

    def _match(self, expression: re.Pattern[bytes]) -> bytes:
        found = expression.match(self.content, self.at)
        return found[0] if found else b""

    def _is_next(self, text: bytes) -> bool:
        if self.at >= len(self.content):
            raise Unlearnable
        return self.content.startswith(text, self.at)

    def _literal(self, text: bytes, *, take: bool = False) -> None:
        """Make ``text`` part of the pattern; with ``take``, refuse where it is not what comes next."""
        if take and not self.content.startswith(text, self.at):
            raise Unlearnable
        self.at += len(text)
        if text:
            self.pieces.append(re.escape(text))
