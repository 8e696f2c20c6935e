"""What lines of one shape amount to, as a rule: which hole, or which sum of holes, each column of an event takes.

And what all lines of the shape have in common, and what must hold of their counts. Owns what a rule says. Does not own
how one is found (``search``), nor what a count or a key is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from pipeline.collectors.formats.gateways.access_logs import KEY_HEADERS
from pipeline.collectors.formats.instants import EARLIEST_US, LATEST_US
from pipeline.collectors.values.traced import Condition, Linear, Relation, alone
from pipeline.usage import TOGETHER, TOKENS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from pipeline.collectors.decode import Row

COUNT_MAX = 3_906_250_000
"""A count in a hole is 1 at least, and so many at most. Twin: ``source/scalars.h``."""
CONDITIONS_MAX = 32
"""So many conditions a rule has at most; those of real exchanges have four."""
JOINT = "/"
"""What stands between two ids that a format makes one of."""


OF_ID, OF_RAW, THE_SAME, OF_HEADER = range(4)
"""How a line has its key: the id of it, the key itself, or none, since it is the same for all lines of the shape.

From ``OF_HEADER`` on it is in one of ``KEY_HEADERS``, where that says a key.
"""
KINDS_OF_KEY = OF_HEADER + len(KEY_HEADERS)


class Key(NamedTuple):
    """How lines of one shape have their key, and in which hole; or its id, where that is the same for all of them."""

    how: int
    hole: int | None = None
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What lines of one shape amount to whose counts are read alike."""

    shared: Row
    """The values of ``SHARED``."""
    numbers: Mapping[str, Linear]
    """Of the columns of ``NUMBERS`` that are not null."""
    kept: Mapping[str, Linear]
    """Of what the column ``KEPT`` names."""
    ids: Mapping[str, tuple[int, ...]]
    """Which hole each of ``IDS`` is, where it is not null; which two, where it is made of these."""
    key: Key
    began: Linear
    """The instant: what stands in a hole, or that without how long it took, where the instant is that of the end."""
    conditions: tuple[Condition, ...]
    """What must hold; else the plain reader takes lines otherwise."""
    within: tuple[int | None, ...] = ()
    """Which holes have the ids by which a row says that it is within another one, where it does (``Places.within``)."""
    counts: tuple[int, ...] | None = ()
    """Which holes have the counts of such a row that are not zero; ``None`` where one is no hole alone."""

    def is_obeyed(self, content: Callable[[int], int]) -> bool:
        """Tell whether the counts of a line are such as the rule takes them. Twin: ``source/rules.h``."""
        return all(condition.holds(content) for condition in self.conditions)


def event_conditions(numbers: Mapping[str, Linear]) -> Iterator[Condition]:
    """Yield what holds of the counts of each event: they are counts, and no part of one is greater than its whole."""
    for name, number in numbers.items():
        yield Condition(number, Relation.NOT_NEGATIVE)
        if name != "content_chunks":
            yield Condition(number.turned(TOKENS_MAX), Relation.NOT_NEGATIVE)
    for whole, parts in TOGETHER.items():
        left = numbers.get(whole, Linear(0))
        for part in parts:
            left = left.less(numbers.get(part, Linear(0)))
        yield Condition(left, Relation.NOT_NEGATIVE)


def instant_conditions(began: Linear) -> Iterator[Condition]:
    """Yield what holds of an instant: it is of our years, as the kernel has seen of what stands in one hole alone."""
    if began != alone(began.times[0][0]):
        yield Condition(began.plus(Linear(-EARLIEST_US)), Relation.NOT_NEGATIVE)
        yield Condition(began.turned(LATEST_US - 1), Relation.NOT_NEGATIVE)


def needed(conditions: Iterable[Condition]) -> tuple[Condition, ...] | None:
    """Return conditions without those that all counts obey. ``None`` where more than ``CONDITIONS_MAX`` are left."""
    found = dict.fromkeys(each for each in conditions if not _is_always(each))
    return tuple(found) if len(found) <= CONDITIONS_MAX else None


def _is_always(condition: Condition) -> bool:
    """Tell whether what holds in a line holds in any: the bounds of counts say so."""
    of, relation = condition
    if relation is Relation.NO_ZERO:
        return _least(of) > 0 or _least(of.turned()) > 0
    return _least(of) >= 0 if relation is Relation.NOT_NEGATIVE else not of.times


def _least(of: Linear) -> int:
    """Return how much something is at least."""
    return of.always + sum(times if times > 0 else times * COUNT_MAX for _, times in of.times)


class Nothing:
    """What lines of a shape amount to that the plain reader reads as blank ones: what is no exchange."""


NOTHING = Nothing()
