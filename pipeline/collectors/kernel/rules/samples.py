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
from pipeline.collectors.kernel.rules.rule import JOINT, OF_HEADER, OF_ID, THE_SAME
from pipeline.collectors.kernel.rules.shapes import HoleKind
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from pipeline.collectors.decode import Row
    from pipeline.collectors.formats.places import TakenApart
    from pipeline.collectors.kernel.rules.plain import PlainReader
    from pipeline.collectors.kernel.rules.rule import Rule
    from pipeline.collectors.kernel.rules.shapes import Parsed

_DIGIT = re.compile("[0-9]")
_HALF = 0.5


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

    def contents(self) -> list[Any]:
        """Return contents of which ids, keys and the instant are made up, and nothing else is decided."""
        contents: list[Any] = [1] * len(self.lines.holes)
        for hole in (*self.keys, *self.ids):
            contents[hole] = f"{self._chance.getrandbits(40):x}-{hole}"
        for hole in self.keys:
            if self._plain.how_raw(self.lines.holes[hole].name) >= OF_HEADER:
                contents[hole] = f"Bearer {contents[hole]}"
        if self._apart is not None:
            whole = _DIGIT.sub(lambda _: str(self._chance.randrange(10)), self._apart.example)
            taken = self._apart.taken_of(whole)
            contents[self.lines.ids[self._apart.name]] = taken
            self._wholes[taken] = whole
        for hole in self.instants:
            contents[hole] = 1_772_344_816_000_000 + self._chance.randrange(10**9) * 1000
        for hole in self.durations:
            contents[hole] = self._chance.randrange(1, 10**6) * 1000
        return contents

    def line(self, contents: Sequence[Any], earlier: Callable[[int], int] | None = None) -> bytes:
        """Return a line; counts of chunks that others replace are these, or any."""
        self.asked += 1
        written = [self._wholes.get(content, content) for content in contents]

        def any_count(hole: int) -> int:
            any_other = (1, 2, 3, self._chance.randint(1, 1000))
            return contents[hole] if self._chance.random() < _HALF else self._chance.choice(any_other)

        return self.lines.line(written.__getitem__, earlier or any_count, self.asked)

    def comes_out(self, rule: Rule, contents: Sequence[Any]) -> bool:
        """Tell whether the plain reader makes of a line what a rule says."""
        line = self.line(contents)
        return self._plain.row_of(line) == self._foretold(rule, contents, line)

    def _foretold(self, rule: Rule, contents: Sequence[Any], line: bytes) -> Row:
        content = contents.__getitem__
        values: dict[str, Any] = dict.fromkeys(USAGE_EVENTS.names)
        values |= dict(zip(SHARED, rule.shared, strict=True))
        values |= {name: found.of(content) for name, found in rule.numbers.items()}
        values[KEPT] = named({name: found.of(content) for name, found in rule.kept.items()})
        values |= {name: JOINT.join(map(content, holes)) for name, holes in rule.ids.items()}
        key = rule.key.id if rule.key.hole is None else contents[rule.key.hole]
        values["api_key_id"] = key if rule.key.how in (OF_ID, THE_SAME) else fingerprint(key)
        values["occurred_at"] = rule.began.of(content)
        values["source"] = SOURCE
        values["line"], values["byte_start"], values["byte_end"] = LINE.number, LINE.start, LINE.end
        ids = {name: values[name] for name in IDS}
        values["event_id"] = event_id(api_key_id=values["api_key_id"], line=line, rule=self._plain.identity, **ids)
        return tuple(values.values())
