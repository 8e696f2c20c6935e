"""The rule of a shape: asked of the plain reader once, and known from then on, to all threads and logs of a process.

A shape without a rule is handed over for good. Owns what is known. Does not own how a rule is found (``search``), nor
what it says (``rule``).
"""

from __future__ import annotations

import random
import zlib
from collections import Counter
from dataclasses import replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from pipeline.collectors.kernel.rules.plain import PlainReader
from pipeline.collectors.kernel.rules.rule import NOTHING, Rule
from pipeline.collectors.kernel.rules.samples import Samples
from pipeline.collectors.kernel.rules.search import Search
from pipeline.collectors.kernel.rules.shapes import HoleKind, parsed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.collectors.formats.found import Format
    from pipeline.collectors.formats.log_format import LogFormat
    from pipeline.collectors.kernel.names import Name
    from pipeline.collectors.kernel.rules.rule import Nothing
    from pipeline.collectors.kernel.rules.shapes import Form, Parsed

_NO_SHAPE = (ValueError, LookupError)
"""What parsing raises of a word of half characters, and of whatever is no shape."""
_known: dict[tuple[str, int, bytes], tuple[Rule, ...] | Nothing] = {}
"""The rules of shapes, by what they are read by: what one thread has asked, no other asks again.

Each is for lines whose counts are read alike. Where no rule is for a line, none was asked for yet, or there is none.
"""
_known_of_forms: dict[tuple[str, int, Form], tuple[list[str], tuple[Rule, ...]]] = {}
"""Of shapes of one form, the names of models of one, and its rules."""
_KNOWN_MAX = 2**14
_met: dict[int, float] = {}
"""How many bytes of lines of a shape were met before it was asked of, by a hash of what ``_known`` has it by."""
_AHEAD = 4_000
"""To find rules may cost as much as to read all lines that were met plainly, and so many more.

So whoever makes every few lines a shape of their own, as by what stands in a path, makes them cost twice what they do.
"""
RULES_MAX = 8
"""So many rules a shape has at most: its lines are read in so many ways, if in any."""
_asking = Lock()
"""Held while a shape is asked of: another thread that meets the same one waits for the answer."""


_costs: Counter[str] = Counter()
"""How many lines were ``met``, and how many the plain reader was ``asked`` of to find rules, by all threads and logs.

Where two add to it at once, one of both may be lost.
"""


class RuleFinder:
    """Finds the rules of lines of one format in logs of one."""

    def __init__(self, log_format: LogFormat, names: Sequence[Name], found: Format | None = None) -> None:
        self._names = names
        self._plain = PlainReader(log_format, found)
        self.taken_apart = self._plain.places.taken_apart
        """Lines with an id that fits one of these are a shape of their own: a variant."""

    def ids_of(self, shape: bytes) -> tuple[dict[str, int], list[list[int]]]:
        """Return which hole has the id under a name at the top of lines of a shape.

        And of each id that is taken apart, the holes that have ids with which what is taken of it is compared: all of
        the line, where one of these stands under another name as well.
        """
        try:
            lines = parsed(shape, self._names)
        except _NO_SHAPE:
            return {}, [[] for _ in self.taken_apart]
        ids = [at for at, hole in enumerate(lines.holes) if hole.kind is HoleKind.IDENTIFIER]
        return lines.ids, [
            ids
            if not lines.again.isdisjoint(apart.compared)
            else [at for at in ids if lines.holes[at].name in apart.compared]
            for apart in self.taken_apart
        ]

    def meets(self, lines: int) -> None:
        """Note that so many lines were met, of whatever shapes."""
        _costs["met"] += lines

    def is_worth_it(self, shape: bytes, variant: int, size: float, enough: float, rules: int = 0) -> bool:
        """Note that some bytes of lines of a shape, or of a variant of one, were met; tell whether to ask for its rule.

        Or for one more than so many ``rules``, which none of these lines obeys. It is worth it where it is known, or
        where ``enough`` bytes of such lines were met, by anyone, and rules cost not too much. Where ``enough`` is 0, it
        is in any case.
        """
        known = (self._plain.name, variant, shape)
        if (not rules and known in _known) or not enough:
            return True
        if len(_met) >= _KNOWN_MAX:
            _met.clear()
        which = hash((known, rules))
        met = _met[which] = _met.get(which, 0) + size
        if met < enough or _costs["asked"] > _costs["met"] + _AHEAD:
            return False
        _met[which] = 0
        return True

    def rules_of(
        self, shape: bytes, examples: Sequence[Sequence[int]], variant: int = 0, own: tuple[Rule, ...] = ()
    ) -> tuple[Rule, ...] | Nothing:
        """Return the rules of a shape, none where there is none that could be relied on.

        ``examples`` are the contents of the holes of some lines: each that is read in another way teaches a rule, where
        nobody has asked of the shape, or they obey none of the rules that who asks has as his ``own``.
        ``variant``: which of the patterns ``taken_apart`` an id of the lines fits, from 1 on; 0 for none.
        """
        known = (self._plain.name, variant, shape)
        with _asking:
            if own or known not in _known:
                if len(_known) >= _KNOWN_MAX:
                    _known.clear()
                    _known_of_forms.clear()
                before = _known.get(known, own)
                _known[known] = self._found(shape, examples, variant, before if isinstance(before, tuple) else own)
            return _known[known]

    def _found(
        self, shape: bytes, examples: Sequence[Sequence[int]], variant: int, rules: tuple[Rule, ...]
    ) -> tuple[Rule, ...] | Nothing:
        try:
            lines = parsed(shape, self._names)
        except _NO_SHAPE:
            return ()
        samples = self._samples(shape, lines, variant)
        for example in examples:
            if len(rules) >= RULES_MAX or any(rule.is_obeyed(example.__getitem__) for rule in rules):
                continue
            rule = self._of_its_form(samples, example, variant) or self._searched(samples, example)
            if rule is NOTHING and not rules:
                return NOTHING
            if isinstance(rule, Rule):
                rules = (*rules, rule)
        _costs["asked"] += samples.asked
        if rules:
            _known_of_forms[self._plain.name, variant, lines.form] = lines.models, rules
        return rules

    def _searched(self, samples: Samples, example: Sequence[int]) -> Rule | Nothing | None:
        is_one = self._plain.is_of_its_format(samples.line(samples.contents()))
        return Search(self._plain, samples, example).rule() if is_one else None

    def _of_its_form(self, samples: Samples, example: Sequence[int], variant: int) -> Rule | None:
        """Return the rule of a shape of the same form, with this one's models, where a line confirms it."""
        lines = samples.lines
        models, known = _known_of_forms.get((self._plain.name, variant, lines.form), ([], ()))
        renamed: dict[Any, Any] = dict(zip(models, lines.models, strict=True)) if known else {}
        for rule in known:
            if rule.is_obeyed(example.__getitem__):
                own = replace(rule, shared=tuple(renamed.get(value, value) for value in rule.shared))
                return own if Search(self._plain, samples, example).confirms(own) else None
        return None

    def _samples(self, shape: bytes, lines: Parsed, variant: int) -> Samples:
        apart = self.taken_apart[variant - 1] if variant else None
        return Samples(self._plain, lines, random.Random(zlib.crc32(shape)), apart)
