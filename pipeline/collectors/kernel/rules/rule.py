"""What lines of one shape amount to, as a rule: which hole, or which sum of holes, each column of an event takes.

And what all lines of the shape have in common. Owns what a rule says. Does not own how one is found (``search``), nor
what a count or a key is: rows are told only where the counts hold together (``hold_together``) as they do in samples.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.usage import TOGETHER, TOKENS_MAX

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from pipeline.collectors.decode import Row

    Bound: TypeAlias = dict[int, tuple[int, ...]]

TERMS_MAX = 8
"""Of so many holes a sum is at most."""
WHOLES = ("prompt_tokens", "completion_tokens")
JOINT = "/"
"""What stands between two ids that a format makes one of."""


@dataclass(frozen=True, slots=True)
class Sum:
    """So much, the holes that are added to it, and those that are taken off."""

    always: int
    holes: tuple[int, ...]
    less: tuple[int, ...] = ()
    """Where there are some, the sum must be above zero: whether nothing is left, the plain reader says otherwise."""

    def of(self, content: Callable[[int], Any]) -> Any:
        """Return the sum, for what stands in each hole: of one line, or as an array of many."""
        return sum(map(content, self.holes), self.always) - self.less_of(content)

    def less_of(self, content: Callable[[int], Any]) -> Any:
        """Return what is taken off."""
        return sum(map(content, self.less))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What lines of one shape amount to."""

    shared: Row
    """The values of ``SHARED``."""
    numbers: Mapping[str, Sum]
    """Of the columns of ``NUMBERS`` that are not null."""
    kept: Mapping[str, Sum]
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
    """Holes that must be ``prompt_tokens`` and ``completion_tokens`` together, whether metered or kept by name."""
    bound: Bound
    """Further holes that must be the sum of others, or equal to another: else the plain reader takes them otherwise."""
    within: tuple[int | None, ...] = ()
    """Which holes have the ids by which a row says that it is within another one, where it does (``Places.within``)."""
    counts: tuple[int, ...] | None = ()
    """Which holes have the counts of such a row; ``None`` where some may be no holes, or neither of ``WHOLES`` is."""

    @property
    def differences(self) -> Mapping[str, Sum]:
        """Those of the numbers, and of what is kept, of which something is taken off."""
        return {name: found for counts in (self.numbers, self.kept) for name, found in counts.items() if found.less}

    def together(self, content: Callable[[int], Any]) -> Any:
        """Return what totals must be."""
        stated = [counts[name] for counts in (self.numbers, self.kept) for name in WHOLES if name in counts]
        return sum(found.of(content) for found in stated)

    def holds_together(self, content: Callable[[int], Any]) -> Any:
        """Tell whether the counts do, and some is left wherever some is taken off: of one line, or of many."""
        holds = hold_together({name: found.of(content) for name, found in self.numbers.items()})
        for found in self.differences.values():
            holds = holds & (found.of(content) > 0)
        return holds

    def is_obeyed(self, content: Callable[[int], Any]) -> Any:
        """Tell whether counts hang together as the rule takes it: of one line, or of many."""
        holds = self.holds_together(content)
        for hole in self.totals:
            holds = holds & (content(hole) == self.together(content))
        for hole, holes in self.bound.items():
            holds = holds & (content(hole) == sum(map(content, holes)))
        return holds


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
