"""What lines of one shape amount to, as a rule: which hole, or which sum of holes, each column of an event takes.

And what all lines of the shape have in common, and what must hold of their counts. Owns what a rule says. Does not own
how one is found (``search``), nor what a count or a key is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.collectors.values.traced import Linear
from pipeline.usage import TOGETHER, TOKENS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pipeline.collectors.decode import Row
    from pipeline.collectors.values.traced import Condition

TERMS_MAX = 8
"""Of so many holes a sum is at most; and so many totals a rule has."""
COUNT_MAX = 3_906_250_000
"""A count in a hole is 1 at least, and so many at most. Twin: ``source/values.h``."""
WHOLES = ("prompt_tokens", "completion_tokens")
JOINT = "/"
"""What stands between two ids that a format makes one of."""


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
    key: int | None
    """Which hole has the key, or its id; ``None`` where it is the same for all lines."""
    key_id: str
    """The id of the key that is the same for all lines, else empty."""
    is_raw: bool
    """Whether a hole has the key itself."""
    header: str
    """In which header of the request the hole lies, whose text decides whether it is a key; or empty."""
    instant: int
    less: int | None
    """Which hole has how long it took, where the instant is that of the end."""
    totals: tuple[int, ...]
    """Holes that must be ``prompt_tokens`` and ``completion_tokens`` together."""
    conditions: tuple[Condition, ...]
    """What must hold beside; else the plain reader takes lines otherwise."""
    within: tuple[int | None, ...] = ()
    """Which holes have the ids by which a row says that it is within another one, where it does (``Places.within``)."""
    counts: tuple[int, ...] | None = ()
    """Which holes have the counts of such a row that are not zero; ``None`` where one is no hole alone."""

    @property
    def is_plain(self) -> bool:
        """Whether each number is a sum to which holes are added, and nothing is kept by name nor holds beside."""
        is_sum = all(times > 0 for found in self.numbers.values() for _, times in found.times)
        return is_sum and not self.kept and not self.conditions

    def is_obeyed(self, content: Callable[[int], Any]) -> Any:
        """Tell whether counts hang together as the rule takes it: of one line, or of many."""
        numbers = {name: found.of(content) for name, found in self.numbers.items()}
        holds = hold_together(numbers)
        both = together(self.numbers).of(content) if self.totals else 0
        for hole in self.totals:
            holds = holds & (content(hole) == both)
        for condition in self.conditions:
            holds = holds & condition.holds(content)
        return holds


def together(numbers: Mapping[str, Linear]) -> Linear:
    """Return prompt and completion together, which totals must be."""
    both = Linear(0)
    for name in WHOLES:
        both = both.plus(numbers.get(name, Linear(0)))
    return both


class Nothing:
    """What lines of a shape amount to that the plain reader reads as blank ones: what is no exchange."""


NOTHING = Nothing()


def hold_together(numbers: Mapping[str, Any]) -> Any:
    """Tell whether the counts of an event are counts, and no part of them greater than its whole.

    For one event, or for many at once, whose counts are arrays: then an element an event.
    """
    holds: Any = True
    for name, value in numbers.items():
        if name != "content_chunks":
            holds = holds & (value <= TOKENS_MAX)
    for whole, parts in TOGETHER.items():
        stated = [numbers[part] for part in parts if part in numbers]
        if stated:
            holds = holds & (sum(stated) <= numbers.get(whole, 0))
    return holds
