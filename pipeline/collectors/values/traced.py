"""Counts that note what they are compared with: as a line is read with them, all are that compare so alike.

The code that reads usage is run as it is, with whole numbers of a subclass. They are what they stand for in one line,
and carry of which of its holes they are the sum; what is asked of them is noted as a condition. (Concolic execution:
Godefroid, Klarlund, Sen: *DART: directed automated random testing*, 2005.)

So code that reads counts tells them by ``is_integer``, and reads text that is one by ``whole_number``. What a fraction
does with a count on its right is not noted, since Python asks the fraction: it shows in samples alone.

Owns these numbers and what is noted. Does not own what is concluded from it (``kernel.rules``).
"""

from __future__ import annotations

import os
from decimal import Decimal
from enum import IntEnum
from threading import local
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Self, TypeGuard

PLACEHOLDERS_FROM = 10**14
"""Greater than each count can be: where one is taken for a count all the same, it is refused."""
PLACEHOLDER_DIGITS = len(str(PLACEHOLDERS_FROM))
_PLACEHOLDERS_TO = 9 * 10**14


class Linear(NamedTuple):
    """So much, and some times what stands in each of some holes."""

    always: int
    times: tuple[tuple[int, int], ...] = ()
    """A hole and how many times, which is never zero; in the order of the holes."""

    def plus(self, other: Linear, times: int = 1) -> Linear:
        """Return the sum with so many times another."""
        always = self.always + times * other.always
        if not other.times:
            return Linear(always, self.times)
        found = dict(self.times)
        for hole, each in other.times:
            found[hole] = found.get(hole, 0) + times * each
        return Linear(always, tuple(sorted((hole, each) for hole, each in found.items() if each)))

    def less(self, other: Linear) -> Linear:
        """Return what is left without another."""
        return self.plus(other, -1)

    def turned(self, more: int = 0) -> Linear:
        """Return what it takes off where it is added, and so much more."""
        return Linear(more - self.always, tuple([(hole, -times) for hole, times in self.times]))

    def of(self, content: Callable[[int], Any]) -> Any:
        """Return how much it is, for what stands in each hole: a number, or an array of many."""
        return sum((times * content(hole) for hole, times in self.times), self.always)


def alone(hole: int) -> Linear:
    """Return what stands in a hole."""
    return Linear(0, ((hole, 1),))


class Relation(IntEnum):
    """What something is. Twin: ``kernel/source/rules.h``."""

    ZERO = 1
    NO_ZERO = 2
    NOT_NEGATIVE = 3


class Condition(NamedTuple):
    """What holds in a line, and in all that are read alike."""

    of: Linear
    relation: Relation

    def holds(self, content: Callable[[int], int]) -> bool:
        """Tell whether it does, for what stands in each hole."""
        found: int = self.of.of(content)
        if self.relation is Relation.NOT_NEGATIVE:
            return found >= 0
        return found == 0 if self.relation is Relation.ZERO else found != 0


class Trace:
    """What is asked of the counts of one line, while a thread reads it within ``with``."""

    def __init__(self) -> None:
        self.conditions: dict[Condition, None] = {}
        """In the order in which they were asked first."""
        self.is_lost = False
        """Whether something was asked that no condition says, so that lines may be read otherwise."""
        self._first = PLACEHOLDERS_FROM + int.from_bytes(os.urandom(8)) % (_PLACEHOLDERS_TO - PLACEHOLDERS_FROM)
        self._counts: list[TracedCount] = []

    def placeholder(self, value: int, of: Linear) -> int:
        """Return a number to be written in place of a count, of which the line cannot know."""
        self._counts.append(TracedCount(value, of, self))
        return self._first + len(self._counts) - 1

    def count_of(self, number: int) -> int:
        """Return the count in whose place a number stands, or that number."""
        which = number - self._first
        return self._counts[which] if 0 <= which < len(self._counts) else number

    def note(self, of: Linear, relation: Relation) -> None:
        """Note what holds, the same of what is asked in either order; nothing where no hole decides it."""
        if of.times:
            is_turned = relation is not Relation.NOT_NEGATIVE and of.times[0][1] < 0
            self.conditions[Condition(of.turned() if is_turned else of, relation)] = None

    def __enter__(self) -> None:
        """Begin; a thread reads one line at a time."""
        _reading.trace = self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End."""
        _reading.trace = None


class _Reading(local):
    trace: Trace | None = None


_reading = _Reading()


def is_integer(value: Any) -> TypeGuard[int]:
    """Tell a whole number, which true and false are none of, from any other value."""
    return isinstance(value, int) and not isinstance(value, bool)


def whole_number(digits: str) -> int:
    """Return the whole number that is written in digits; of a line that is traced, the count that stands there."""
    number = int(digits)
    if number < PLACEHOLDERS_FROM or _reading.trace is None:
        return number
    return _reading.trace.count_of(number)


def digits_of(count: int) -> str:
    """Return a count in digits; of a traced one those that it is read again from."""
    return str(count.placeholder() if isinstance(count, TracedCount) else count)


def linear_of(number: int) -> Linear:
    """Return of which holes a number is the sum; of none where nothing was traced."""
    return number.linear if isinstance(number, TracedCount) else Linear(int(number))


class TracedCount(int):  # noqa: PLW1641 - below
    """A count that notes in its trace what it is compared with, and adds up as what it is the sum of."""

    linear: Linear
    _trace: Trace

    def __new__(cls, value: int, linear: Linear, trace: Trace) -> Self:
        """Return a count that is ``value`` in the line that is traced."""
        count = super().__new__(cls, value)
        count.linear = linear
        count._trace = trace
        return count

    def placeholder(self) -> int:
        """Return a number to be written in its place."""
        return self._trace.placeholder(int.__pos__(self), self.linear)

    def __bool__(self) -> bool:
        """Tell whether it is any, and note it."""
        return self != 0

    def __eq__(self, other: object) -> bool:
        """Tell whether it is as much as another, and note it."""
        if not isinstance(other, int):
            self._trace.is_lost |= isinstance(other, float | Decimal)
            return False
        is_equal = int.__eq__(self, other)
        self._trace.note(self._beyond(other), Relation.ZERO if is_equal else Relation.NO_ZERO)
        return is_equal

    def __ne__(self, other: object) -> bool:
        """Tell whether it is not as much as another, and note it."""
        return not self == other

    def __lt__(self, other: int) -> bool:
        """Tell whether it is less than another, and note it."""
        return self._is_at_least(other, 0, is_asked_otherwise=True)

    def __le__(self, other: int) -> bool:
        """Tell whether it is no more than another, and note it."""
        return self._is_at_least(other, 1, is_asked_otherwise=True)

    def __gt__(self, other: int) -> bool:
        """Tell whether it is more than another, and note it."""
        return self._is_at_least(other, 1)

    def __ge__(self, other: int) -> bool:
        """Tell whether it is no less than another, and note it."""
        return self._is_at_least(other, 0)

    def _is_at_least(self, other: int, more: int, *, is_asked_otherwise: bool = False) -> bool:
        """Tell whether it is so much more than another, and note it; or the contrary."""
        if not isinstance(other, int):
            self._trace.is_lost = True
            return NotImplemented
        beyond = self._beyond(other, more)
        is_so = int.__ge__(self, int.__add__(more, other))
        self._trace.note(beyond if is_so else beyond.turned(-1), Relation.NOT_NEGATIVE)
        return is_so != is_asked_otherwise

    def _beyond(self, other: int, more: int = 0) -> Linear:
        """Return what of it is beyond another, and so much more."""
        always, times = self.linear
        if isinstance(other, TracedCount):
            always, times = self.linear.less(other.linear)
            return Linear(always - more, times)
        return Linear(always - other - more, times)

    def __add__(self, other: int) -> int:
        """Return the sum with another."""
        return self._sum(other, 1)

    __radd__ = __add__

    def __sub__(self, other: int) -> int:
        """Return what is left without another."""
        return self._sum(other, -1)

    def __rsub__(self, other: int) -> int:
        """Return what is left of another without it."""
        return -self + other

    def __neg__(self) -> int:
        """Return what it takes off where it is added."""
        return TracedCount(int.__neg__(self), self.linear.turned(), self._trace)

    def _sum(self, other: int, times: int) -> int:
        """Return the sum with another, or what is left without it."""
        if not isinstance(other, int):
            self._trace.is_lost = True
            return NotImplemented
        value = int.__add__(self, other) if times > 0 else int.__sub__(self, other)
        return TracedCount(value, self.linear.plus(linear_of(other), times), self._trace)


def _that_is_lost(name: str) -> Callable[..., Any]:
    """Return a method of whole numbers that notes of a traced one that nobody knows what is done with it."""
    of_int = getattr(int, name)

    def method(self: TracedCount, *others: Any) -> Any:
        self._trace.is_lost = True
        return of_int(self, *others)

    return method


for _name in (
    *("hash", "int", "float", "index", "trunc", "floor", "ceil", "round", "abs", "pos", "invert"),
    *("repr", "str", "format", "divmod", "rdivmod"),
    *("mul", "rmul", "floordiv", "rfloordiv", "truediv", "rtruediv", "mod", "rmod", "pow", "rpow"),
    *("and", "rand", "or", "ror", "xor", "rxor", "lshift", "rlshift", "rshift", "rrshift"),
):
    setattr(TracedCount, f"__{_name}__", _that_is_lost(f"__{_name}__"))
