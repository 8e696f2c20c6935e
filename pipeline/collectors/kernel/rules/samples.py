"""Samples: made-up lines of one shape, and what a rule says that the plain reader makes of them.

Owns what stands in their holes. Does not own the lines around these (``shapes``), nor which samples decide
(``search``).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pipeline.collectors.counting import named
from pipeline.collectors.event_columns import IDS, KEPT, SHARED
from pipeline.collectors.identity import event_id
from pipeline.collectors.kernel.rules.plain import LINE, SOURCE, fingerprint
from pipeline.collectors.kernel.rules.rule import JOINT
from pipeline.collectors.kernel.rules.shapes import HoleKind
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from pipeline.collectors.decode import Row
    from pipeline.collectors.formats.places import TakenApart
    from pipeline.collectors.kernel.rules.plain import PlainReader
    from pipeline.collectors.kernel.rules.rule import Bound, Nothing, Rule
    from pipeline.collectors.kernel.rules.shapes import Parsed

GREATEST = (1, 2, 2, 3, 5, 40, 10**6)
"""The greatest count of each sample by number: of few values, so that many are equal, or of many."""
_LENGTHS = ((1, 1), (2, 4), (1, 4))
"""The shortest and the longest run of chunks in each; in those beyond, as in the last."""
_DIGIT = re.compile("[0-9]")


class Samples:
    """Makes lines of one shape, in which an id may be such that the format takes it apart.

    Contents of holes are made as lists, in the order of the holes: counts, lengths, instants and durations as numbers,
    ids and keys as texts.
    """

    def __init__(self, plain: PlainReader, lines: Parsed, chance: random.Random, apart: TakenApart | None) -> None:
        self._plain = plain
        self._chance = chance
        self._apart = apart
        self._wholes: dict[Any, str] = {}
        """Of ids that are taken out of others, these."""
        self.lines = lines
        of_kind = {kind: [at for at, hole in enumerate(lines.holes) if hole.kind is kind] for kind in HoleKind}
        self.keys, self.ids = of_kind[HoleKind.KEY], of_kind[HoleKind.IDENTIFIER]
        self.counts, self.lengths = of_kind[HoleKind.COUNT], of_kind[HoleKind.LENGTH]
        self.instants, self.durations = of_kind[HoleKind.INSTANT], of_kind[HoleKind.DURATION]
        self.asked = 0
        """How many lines were made."""
        self.made = 0
        """How many contents were."""

    def contents(self) -> list[Any]:
        """Return contents of which ids, keys and the instant are made up, and nothing else is decided."""
        self.made += 1
        contents: list[Any] = [1] * len(self.lines.holes)
        for hole in (*self.keys, *self.ids):
            contents[hole] = f"{self._chance.getrandbits(40):x}-{hole}"
        for hole in self.keys:
            if self._plain.header_of(self.lines.holes[hole].name):
                contents[hole] = f"Bearer {contents[hole]}"
        if self._apart is not None:
            whole = _DIGIT.sub(lambda _: str(self._chance.randrange(10)), self._apart.example)
            taken = self._apart.taken_of(whole)
            contents[self.lines.ids[self._apart.name]] = taken
            self._wholes[taken] = whole
        for hole in self.instants:
            contents[hole] = 1_772_344_816_000_000 + self._chance.randrange(10**9) * 1000
        for hole in self.durations:
            contents[hole] = self._chance.randrange(1, 10**9)
        return contents

    def any_contents(self, number: int) -> list[Any]:
        """Return contents of the sample of a number, of which the counts are made up too."""
        contents = self.contents()
        shortest, longest = _LENGTHS[min(number, len(_LENGTHS) - 1)]
        greatest, any_part = GREATEST[number], self._chance.random  # as quick as chance is
        for hole in self.counts:
            contents[hole] = 1 + int(any_part() * greatest)
        for hole in self.lengths:
            contents[hole] = shortest + int(any_part() * (longest - shortest + 1))
        return contents

    def line(self, contents: Sequence[Any], bound: Bound, *, are_earlier_alike: bool = False) -> bytes:
        """Return a line; counts that are bound are what they must be (``Parsed.line`` for those that came earlier)."""
        self.asked += 1

        def content(number: int, *_: object) -> Any:
            if number in bound:
                return sum(contents[hole] for hole in bound[number])
            return self._wholes.get(contents[number], contents[number])

        return self.lines.line(content, self._chance, are_earlier_alike=are_earlier_alike)

    def row(self, contents: Sequence[Any], bound: Bound) -> Row | Nothing | None:
        """Return what the plain reader makes of a line."""
        return self._plain.row_of(self.line(contents, bound))

    def comes_out(self, rule: Rule, contents: Sequence[Any]) -> bool:
        """Tell whether the plain reader makes of a line what a rule says; whatever came before its last counts."""
        lines = (
            self.line(contents, rule.bound, are_earlier_alike=are_alike)
            for are_alike in ((False, True) if self.lines.has_earlier else (False,))
        )
        return all(self._plain.row_of(line) == self._foretold(rule, contents, line) for line in lines)

    def _foretold(self, rule: Rule, contents: Sequence[Any], line: bytes) -> Row:
        content = contents.__getitem__
        values: dict[str, Any] = dict.fromkeys(USAGE_EVENTS.names)
        values |= dict(zip(SHARED, rule.shared, strict=True))
        values |= {name: found.of(content) for name, found in rule.numbers.items()}
        values[KEPT] = named({name: found.of(content) for name, found in rule.kept.items()})
        values |= {name: JOINT.join(map(content, holes)) for name, holes in rule.ids.items()}
        key = rule.key_id if rule.key is None else contents[rule.key]
        values["api_key_id"] = fingerprint(key) if rule.is_raw else key
        values["occurred_at"] = began(contents, rule.instant, rule.less)
        values["source"] = SOURCE
        values["line"], values["byte_start"], values["byte_end"] = LINE.number, LINE.start, LINE.end
        ids = {name: values[name] for name in IDS}
        values["event_id"] = event_id(api_key_id=values["api_key_id"], line=line, rule=self._plain.identity, **ids)
        return tuple(values.values())


def began(contents: Sequence[Any], instant: int, less: int | None) -> Any:
    """Return the instant in a hole, less how long it took where another hole has that."""
    return contents[instant] - (0 if less is None else contents[less])
