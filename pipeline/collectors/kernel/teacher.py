"""The rule of a shape: asked of the plain reader on samples, and believed only where all of them agree.

It is found on one sample whose counts tell every sum of them apart. Then it must foretell what the plain reader makes
of others, among them such whose counts are equal, in another order, and whose chunks take turns. A shape that teaches
no rule is handed over for good. Owns samples. Does not own what a rule says (``rules``).
"""

from __future__ import annotations

import json
import random
import re
import zlib
from dataclasses import replace
from itertools import combinations, pairwise, permutations
from threading import Lock
from typing import TYPE_CHECKING, Any

from pipeline.collectors.counting import named
from pipeline.collectors.decode import EventRow, decode_line
from pipeline.collectors.event_columns import IDS, KEPT, NUMBERS, SHARED
from pipeline.collectors.formats.found import format_of
from pipeline.collectors.formats.gateways.access_logs import KEY_HEADERS
from pipeline.collectors.formats.log_format import read_by
from pipeline.collectors.formats.places import Places
from pipeline.collectors.identity import event_id
from pipeline.collectors.kernel.places import totals_of
from pipeline.collectors.kernel.rules import JOINT, NOTHING, TERMS_MAX, Rule, Sum, hold_together
from pipeline.collectors.kernel.shapes import HoleKind, parsed
from pipeline.collectors.logs.lines import Line
from pipeline.collectors.values.strict_json import parse
from pipeline.tables.schemas import USAGE_EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.collectors.decode import Row
    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.formats.places import TakenApart
    from pipeline.collectors.kernel.names import Name
    from pipeline.collectors.kernel.rules import Bound, Nothing
    from pipeline.collectors.kernel.shapes import Form, Parsed

_COUNTS_MAX = 16
_LENGTHS_MAX = 8
"""Of more, none can be in a sum, as in streams that state their usage none is."""
_COMPARED_MAX = 6
"""So many counts at most are each compared with all others, and with sums of two: some hundred samples."""
_ASKED_MAX = 100
"""After so many samples no further way is tried."""
_SUMMED = 3
"""A total that is no sum of prompt and completion is one of so many: xAI adds the reasoning."""
_BOUND_MAX = 4
"""So many counts that are sums of others in the example are tried as such."""
_UNIT = 2**9
"""More than all that lengths and what is always added come to in a sample."""
_GREATEST = (1, 2, 2, 3, 5, 40, 10**6)
"""The greatest count of each further sample: of few values, so that many are equal, or of many."""
_SAMPLES_MIN = 4
"""So many of them must hold together."""
_OF_SAME_FORM = 6
"""Which of them is asked where a shape of the same form has a rule: that whose counts, and sums of them, all differ."""
_TOTAL = re.compile("total(?:_?tokens?(?:_?count)?)?", re.IGNORECASE)
"""Names of what should be prompt and completion together."""
_NO_SHAPE = (ValueError, LookupError)
"""What parsing raises of a word of half characters, and of whatever is no shape."""
_DIGIT = re.compile("[0-9]")
_LINE = Line(7, 1000, 2000, b"")
_SOURCE = "sample"
_known: dict[tuple[str, int, bytes], Rule | Nothing | None] = {}
"""The rules of shapes, by what they are read by: what one thread has asked, no other asks again."""
_known_of_forms: dict[tuple[str, int, Form], tuple[list[str], Rule]] = {}
"""Of shapes of one form, the names of models of one, and its rule."""
_KNOWN_MAX = 2**14
_asking = Lock()
"""Held while a shape is asked of: another thread that meets the same one waits for the answer."""


class Teacher:
    """Asks the plain reader, for lines of one format in logs of one."""

    def __init__(self, log_format: LogFormat, names: Sequence[Name], found: Format | None = None) -> None:
        self._log_format = log_format
        self._format = f"{read_by(log_format)} {found.name if found else ''}"
        self._names = names
        self._of = found
        self.may_say_nothing = found is not None
        places = (found and found.places) or Places()
        self.may_have_several = bool(places.rows)
        self.within = places.within or ()
        self._has_headers = bool(places.headers)
        self._totals = totals_of(log_format, found)
        self.taken_apart = places.taken_apart
        """The ids that the format takes apart. Lines with one that fits are a shape of their own: a variant."""

    def ids_of(self, shape: bytes) -> tuple[dict[str, int], list[int]]:
        """Return which hole has the id under a name at the top of lines of a shape, and all holes that have ids."""
        try:
            lines = parsed(shape, self._names)
        except _NO_SHAPE:
            return {}, []
        return lines.ids, [at for at, hole in enumerate(lines.holes) if hole.kind is HoleKind.IDENTIFIER]

    def header_of(self, name: str) -> str:
        """Return the header of a request that a key is in which stands under a name, empty where it is in none."""
        return name if self._has_headers and name in KEY_HEADERS else ""

    def is_total(self, name: str) -> bool:
        """Tell the name of what should be prompt and completion together."""
        return name in self._totals or _TOTAL.fullmatch(name) is not None

    def rule_of(self, shape: bytes, example: Sequence[int], variant: int = 0) -> Rule | Nothing | None:
        """Return the rule of a shape, ``None`` where there is none that could be relied on.

        ``example`` are the contents of the holes of one line: its counts are of a usual order. ``variant``: which of
        the patterns ``taken_apart`` an id of the lines fits, from 1 on; 0 for none.
        """
        known = (self._format, variant, shape)
        with _asking:
            if known not in _known:
                if len(_known) >= _KNOWN_MAX:
                    _known.clear()
                    _known_of_forms.clear()
                _known[known] = self._found(shape, example, variant)
            return _known[known]

    def _found(self, shape: bytes, example: Sequence[int], variant: int) -> Rule | Nothing | None:
        try:
            lines = parsed(shape, self._names)
        except _NO_SHAPE:
            return None
        apart = self.taken_apart[variant - 1] if variant else None
        others, known = _known_of_forms.get((self._format, variant, lines.form), ([], None))
        if known is not None and not known.kept and not known.bound:  # else each model is asked of
            renamed: dict[Any, Any] = dict(zip(others, lines.models, strict=True))
            rule = replace(known, shared=tuple(renamed.get(value, value) for value in known.shared))
            if _Samples(self, lines, random.Random(zlib.crc32(shape)), example, apart).confirm(rule):
                return rule
        samples = _Samples(self, lines, random.Random(zlib.crc32(shape)), example, apart)
        found = samples.rule() if self.is_of_its_format(samples.any_line()) else None
        if isinstance(found, Rule):
            _known_of_forms[self._format, variant, lines.form] = lines.models, found
        return found

    def is_of_its_format(self, sample: bytes) -> bool:
        """Tell whether a line is of the format whose names its shape has: of another it has too few."""
        if self._log_format.format is not None or self._log_format.fields:
            return True
        document = parse(sample.decode(), depth_max=self._log_format.depth_max)
        return isinstance(document, dict) and format_of(document) is self._of

    def row_of(self, sample: bytes) -> Row | Nothing | None:
        """Return the row that the plain reader makes of a line; ``None`` where that is none of an event."""
        rows = decode_line(
            _LINE._replace(content=sample), source=_SOURCE, log_format=self._log_format, fingerprint=fingerprint
        )
        if not rows and self.may_say_nothing:
            return NOTHING
        return rows[0].values if len(rows) == 1 and isinstance(rows[0], EventRow) else None

    @property
    def identity(self) -> str:
        """The rule of the source."""
        return self._log_format.identity


def fingerprint(raw: str) -> str:
    """Stand for the fingerprint of a key, in samples; no id of a key is written so."""
    return f"\0{raw}"


class _Samples:
    def __init__(
        self,
        teacher: Teacher,
        lines: Parsed,
        chance: random.Random,
        example: Sequence[int],
        apart: TakenApart | None,
    ) -> None:
        self._teacher = teacher
        self._apart = apart
        self._wholes: dict[Any, str] = {}
        """Of ids that are taken out of others, these."""
        self._lines = lines
        self._chance = chance
        holes = lines.holes
        of_kind = {kind: [at for at, hole in enumerate(holes) if hole.kind is kind] for kind in HoleKind}
        self._keys, self._ids = of_kind[HoleKind.KEY], of_kind[HoleKind.IDENTIFIER]
        self._instants, self._lengths = of_kind[HoleKind.INSTANT], of_kind[HoleKind.LENGTH]
        self._durations = of_kind[HoleKind.DURATION]
        self._all_counts = sorted(of_kind[HoleKind.COUNT], key=lambda at: example[at])
        self._named_totals = [at for at in self._all_counts if teacher.is_total(holes[at].name)]
        self._example = example
        self._asked = 0
        self._take(self._named_totals, {})

    def _take(self, totals: Sequence[int], bound: Bound) -> None:
        """Let some counts be totals, and others be sums; all others may be what they like."""
        self._bound = bound
        self._totals = [at for at in totals if at not in bound]
        self._counts = [at for at in self._all_counts if at not in self._totals and at not in bound]

    def _ways(self) -> Iterator[tuple[Sequence[int], Bound]]:
        """Yield which counts may be totals, and which the sum of others, as they are in the example."""
        yield from self._of_totals({})
        example, counts = self._example, self._all_counts
        equal = [(other, (one,)) for one, other in pairwise(counts) if example[one] == example[other]]
        sums = [
            (total, holes)
            for total in self._named_totals
            for holes in combinations([at for at in counts if at not in self._named_totals], _SUMMED)
            if sum(example[hole] for hole in holes) == example[total]
        ]
        all_equal: Bound = {}
        for other, one in equal:
            all_equal[other] = all_equal.get(one[0], one)
        of_some = [dict([each]) for each in (*equal, *sums)[:_BOUND_MAX]]
        for bound in (*of_some, *([all_equal] if len(equal) > 1 else [])):
            yield from self._of_totals(bound)

    def _of_totals(self, bound: Bound) -> Iterator[tuple[Sequence[int], Bound]]:
        yield self._named_totals, bound
        if self._named_totals:
            yield (), bound

    def rule(self) -> Rule | Nothing | None:
        if self._says_nothing():
            return NOTHING
        if not self._instants:
            return None
        best = None
        for totals, bound in self._ways():
            if self._asked > _ASKED_MAX:
                break
            self._take(totals, bound)
            found = self._found() if len(self._counts) <= _COUNTS_MAX else None
            found = None if found is None else self._checked(found)
            if found is not None and self._is_met(found):
                return found
            best = best or found
        return best

    def _is_met(self, rule: Rule) -> bool:
        """Tell whether the example obeys a rule."""
        content = self._example.__getitem__
        are_sums = all(content(hole) == rule.together(content) for hole in rule.totals)
        return are_sums and bool(hold_together({name: found.of(content) for name, found in rule.numbers.items()}))

    def _checked(self, found: Rule) -> Rule | None:
        """Return a rule that was found, if further samples come out as it says and lines can obey it."""
        found = self._with_binding_totals(found)
        if found.totals and not found.numbers and not found.kept:
            return None  # they are totals of nothing
        checked = [self._is_foretold(found, number) for number in range(len(_GREATEST))]
        if False in checked or checked.count(True) < _SAMPLES_MIN:
            return None
        return found if self._holds_whatever_counts_are(found) else None

    def any_line(self) -> bytes:
        """Return a line of the shape."""
        return self._line(self._contents())

    def confirm(self, rule: Rule) -> bool:
        """Tell whether a rule holds that was found for a shape of the same form."""
        self._take(rule.totals, rule.bound)
        return self._is_foretold(rule, _OF_SAME_FORM) is True

    def _says_nothing(self) -> bool:
        """Tell a shape of which the plain reader says nothing, whatever stands in its holes."""
        return self._teacher.may_say_nothing and all(
            self._row(self._any_contents(number)) is NOTHING for number in range(len(_GREATEST))
        )

    def _found(self) -> Rule | None:
        """Return the rule that two samples suggest: their counts are as large as those of the example, in order.

        All lengths of the first are 1; the second tells which of them are added. Where there are none, it is the first.
        """
        one = self._contents()
        other = self._contents() if self._lengths else one
        for place, hole in enumerate(self._counts):
            one[hole] = other[hole] = _UNIT * 3**place
        for hole in self._totals:
            one[hole] = other[hole] = 0
        for place, hole in enumerate(self._lengths):
            other[hole] += 2**place if len(self._lengths) <= _LENGTHS_MAX else 0
        row = self._row(one)
        other_row = self._row(other) if self._lengths else row
        if not isinstance(row, tuple) or not isinstance(other_row, tuple):
            return None
        return self._suggested(row, other_row, one)

    def _with_binding_totals(self, rule: Rule) -> Rule:
        """Return the rule with those totals only that the plain reader compares; any other may be what it likes."""
        contents = self._other_contents(rule, len(_GREATEST) - 1)
        if contents is None:
            return rule
        for hole in rule.totals:
            if all(self._comes_out(rule, each) for each in self._with_others_at(hole, contents)):
                self._totals.remove(hole)
                self._counts.append(hole)
        return replace(rule, totals=tuple(self._totals))

    def _holds_whatever_counts_are(self, rule: Rule) -> bool:
        """Tell whether a rule holds for each count below and above all others, and equal to another or to two of them.

        Asked of what meters no count, where nothing has to hold together, and where counts are bound: whatever else
        compares them must be met.
        """
        if rule.numbers and not rule.kept and not rule.bound:
            return True
        contents = self._other_contents(rule, len(_GREATEST) - 1)
        if contents is None or len(self._counts) > _COMPARED_MAX:
            return False
        # In the order of the example, so that what holds together there holds together here.
        for place, hole in enumerate(self._counts):
            contents[hole] = _UNIT * 3**place
        others = (each for hole in self._counts for each in self._with_others_at(hole, contents))
        return all(self._comes_out(rule, each) for each in others if self._is_agreed(rule, each))

    def _with_others_at(self, hole: int, contents: Sequence[Any]) -> Iterator[list[Any]]:
        """Yield contents with other counts in a hole: small, great, those of other holes, and sums of two of these."""
        counts = [contents[at] for at in self._counts if at != hole]
        sums = [one + other for one, other in combinations(counts, 2)]
        for value in sorted({1, 10**7, contents[hole] + 1, *counts, *sums}):
            yield [*contents[:hole], value, *contents[hole + 1 :]]

    def _suggested(self, row: Row, other_row: Row, one: Sequence[Any]) -> Rule | None:
        values, others = (dict(zip(USAGE_EVENTS.names, each, strict=True)) for each in (row, other_row))
        numbers, other_numbers = ({name: each[name] for name in NUMBERS} for each in (values, others))
        stated, other_stated = (json.loads(each[KEPT] or "{}") for each in (values, others))
        sums, kept = self._sums(numbers, other_numbers, one), self._sums(stated, other_stated, one)
        if sums is None or kept is None:
            return None
        ids = {name: holes for name in IDS if (holes := self._id(values[name], one)) is not None}
        whose = values["api_key_id"]
        keys: list[tuple[int | None, bool]] = [(hole, False) for hole in self._keys if whose == one[hole]]
        keys += [(hole, True) for hole in self._keys if whose == fingerprint(one[hole])]
        key_id = ""
        if not keys and whose == others["api_key_id"] and not whose.startswith(fingerprint("")):
            keys, key_id = [(None, False)], whose
        instants = [
            (hole, less)
            for hole in self._instants
            for less in (None, *self._durations)
            if values["occurred_at"] == _began(one, hole, less)
        ]
        parts = [hole for holes in ids.values() for hole in holes]
        is_split = len(set(parts)) < len(parts) and any(len(holes) > 1 for holes in ids.values())
        if len(keys) != 1 or len(instants) != 1 or len(self._totals) > TERMS_MAX or is_split:
            return None
        if not ids and self._teacher.may_have_several:
            return None  # one of several rows without ids is known by its place in the line as well
        if not self._lines.again.isdisjoint(self._teacher.within):
            return None
        is_fixed = bool(kept) or any(found.always for found in sums.values())
        holes_of = {self._lines.holes[hole].name: hole for hole in self._ids}
        return Rule(
            shared=tuple(values[name] for name in SHARED),
            numbers=sums,
            kept=kept,
            ids=ids,
            key=keys[0][0],
            key_id=key_id,
            is_raw=keys[0][1],
            header="" if keys[0][0] is None else self._teacher.header_of(self._lines.holes[keys[0][0]].name),
            instant=instants[0][0],
            less=instants[0][1],
            totals=tuple(self._totals),
            bound=self._bound,
            within=tuple(map(holes_of.get, self._teacher.within)),
            counts=None if is_fixed else (*self._counts, *self._totals),
        )

    def _id(self, value: str | None, contents: Sequence[Any]) -> tuple[int, ...] | None:
        """Return the hole that an id is, or the two that it is made of; ``None`` where it is neither."""
        alone = ((hole,) for hole in self._ids)
        for holes in (*alone, *permutations(self._ids, 2)):
            if value == JOINT.join(contents[hole] for hole in holes):
                return holes
        return None

    def _sums(
        self, values: Mapping[str, int | None], others: Mapping[str, int | None], one: Sequence[int]
    ) -> dict[str, Sum] | None:
        """Return which sums of holes the values are that are stated; ``None`` where one is none."""
        found: dict[str, Sum] = {}
        for name in {*values, *others}:
            value, other_value = values.get(name), others.get(name)
            if value is None and other_value is None:
                continue
            own = None if value is None or other_value is None else self._sum(value, other_value, one)
            if own is None:
                return None
            found[name] = own
        return found

    def _sum(self, value: int, other_value: int, one: Sequence[int]) -> Sum | None:
        """Return the sum of holes that is one value in the first sample, and another in the second."""
        holes = []
        large, rest = divmod(value, _UNIT)
        for hole in reversed(self._counts):
            if large >= one[hole] // _UNIT:
                large -= one[hole] // _UNIT
                holes.append(hole)
        more = other_value - value
        lengths = [hole for place, hole in enumerate(self._lengths) if more >> place & 1]
        always = rest - len(lengths)
        holes += lengths
        is_sum = not large and always >= 0 and 0 <= more < 2 ** len(self._lengths) and len(holes) <= TERMS_MAX
        return Sum(always, tuple(holes)) if is_sum else None

    def _is_foretold(self, rule: Rule, number: int) -> bool | None:
        """Tell whether a rule knows what the plain reader makes of another sample; ``None`` where there is none."""
        contents = self._other_contents(rule, number)
        return None if contents is None else self._comes_out(rule, contents)

    def _comes_out(self, rule: Rule, contents: Sequence[Any]) -> bool:
        """Tell whether the plain reader makes of a sample what a rule says."""
        line = self._line(contents)
        return self._teacher.row_of(line) == self._foretold(rule, contents, line)

    def _other_contents(self, rule: Rule, number: int) -> list[Any] | None:
        """Return contents that hold together, ``None`` where none are found."""
        for _ in range(200):
            contents = self._any_contents(number)
            if self._is_agreed(rule, contents):
                return contents
        return None

    def _is_agreed(self, rule: Rule, contents: list[Any]) -> bool:
        """Let totals be what they must, and tell whether the counts hold together."""
        for hole in rule.totals:
            contents[hole] = rule.together(contents.__getitem__)
        return bool(hold_together({name: found.of(contents.__getitem__) for name, found in rule.numbers.items()}))

    def _foretold(self, rule: Rule, contents: Sequence[Any], line: bytes) -> Row:
        values: dict[str, Any] = dict.fromkeys(USAGE_EVENTS.names)
        values |= dict(zip(SHARED, rule.shared, strict=True))
        values |= {name: found.of(contents.__getitem__) for name, found in rule.numbers.items()}
        values[KEPT] = named({name: found.of(contents.__getitem__) for name, found in rule.kept.items()})
        values |= {name: JOINT.join(contents[hole] for hole in holes) for name, holes in rule.ids.items()}
        key = rule.key_id if rule.key is None else contents[rule.key]
        values["api_key_id"] = fingerprint(key) if rule.is_raw else key
        values["occurred_at"] = _began(contents, rule.instant, rule.less)
        values["source"] = _SOURCE
        values["line"], values["byte_start"], values["byte_end"] = _LINE.number, _LINE.start, _LINE.end
        ids = {name: values[name] for name in IDS}
        values["event_id"] = event_id(api_key_id=values["api_key_id"], line=line, rule=self._teacher.identity, **ids)
        return tuple(values.values())

    def _any_contents(self, number: int) -> list[Any]:
        """Return contents of a further sample, of which the counts are made up too."""
        contents = self._contents()
        shortest, longest = ((1, 1), (2, 4), (1, 4))[min(number, 2)]
        greatest, any_part = _GREATEST[number], self._chance.random  # as quick as chance is
        for hole in (*self._counts, *self._totals):
            contents[hole] = 1 + int(any_part() * greatest)
        for hole in self._lengths:
            contents[hole] = shortest + int(any_part() * (longest - shortest + 1))
        return contents

    def _contents(self) -> list[Any]:
        """Return contents of which ids, keys and the instant are made up, and nothing else is decided."""
        contents: list[Any] = [1] * len(self._lines.holes)
        for hole in (*self._keys, *self._ids):
            contents[hole] = f"{self._chance.getrandbits(40):x}-{hole}"
        for hole in self._keys:
            if self._teacher.header_of(self._lines.holes[hole].name):
                contents[hole] = f"Bearer {contents[hole]}"
        if self._apart is not None:
            whole = _DIGIT.sub(lambda _: str(self._chance.randrange(10)), self._apart.example)
            taken = self._apart.taken_of(whole)
            contents[self._lines.ids[self._apart.name]] = taken
            self._wholes[taken] = whole
        for hole in self._instants:
            contents[hole] = 1_772_344_816_000_000 + self._chance.randrange(10**9) * 1000
        for hole in self._durations:
            contents[hole] = self._chance.randrange(1, 10**9)
        return contents

    def _row(self, contents: Sequence[Any]) -> Row | Nothing | None:
        return self._teacher.row_of(self._line(contents))

    def _line(self, contents: Sequence[Any]) -> bytes:
        wholes, bound = self._wholes, self._bound
        self._asked += 1

        def content(number: int, *_: object) -> Any:
            if number in bound:
                return sum(contents[hole] for hole in bound[number])
            return wholes.get(contents[number], contents[number])

        return self._lines.line(content, self._chance)


def _began(contents: Sequence[Any], instant: int, less: int | None) -> Any:
    return contents[instant] - (0 if less is None else contents[less])
