"""The rule of a shape: asked of the plain reader once, and known from then on, to all threads and logs of a process.

A shape without a rule is handed over for good. Owns what is known. Does not own how a rule is found (``search``), nor
what it says (``rule``).
"""

from __future__ import annotations

import random
import zlib
from dataclasses import replace
from operator import itemgetter
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
_known: dict[tuple[str, int, bytes], Rule | Nothing | None] = {}
"""The rules of shapes, by what they are read by: what one thread has asked, no other asks again."""
_known_of_forms: dict[tuple[str, int, Form], tuple[list[str], Rule]] = {}
"""Of shapes of one form, the names of models of one, and its rule."""
_KNOWN_MAX = 2**14
_met: dict[int, float] = {}
"""How many bytes of lines of a shape were met before it was asked of, by a hash of what ``_known`` has it by."""
_AHEAD = 4_000
"""To find rules may cost as much as to read all lines that were met plainly, and so many more.

So whoever makes every few lines a shape of their own, as by what stands in a path, makes them cost twice what they do.
"""
LINE_BYTES = 1_500
"""As long as so many bytes of it take a line takes the plain reader beside them."""
_WORTH = 2
"""A shape is asked of once lines of it took one part, of so many, of what rules of its format took to find."""
_CONTENTS_A_LINE = 8
"""To make up so many contents takes as long as to read a line plainly."""
_asking = Lock()
"""Held while a shape is asked of: another thread that meets the same one waits for the answer."""


class _Costs:
    """What it has cost to find rules, in lines that are read plainly; and how many lines were met."""

    def __init__(self) -> None:
        self.lines_met = 0
        self.spent = 0
        self._of_formats: dict[str, tuple[int, int]] = {}
        """What rules of each format took together, and how many were asked for."""

    def add(self, name: str, samples: Samples) -> None:
        """Add what was asked for a rule of a format."""
        cost = samples.asked + samples.made // _CONTENTS_A_LINE
        self.spent += cost
        together, asked = self._of_formats.get(name, (0, 0))
        self._of_formats[name] = together + cost, asked + 1

    def of_a_rule(self, name: str) -> float:
        """Return what a rule of a format has cost on average, 0 where none was asked for."""
        together, asked = self._of_formats.get(name, (0, 1))
        return together / asked

    @property
    def may_grow(self) -> bool:
        """Whether another rule may be searched."""
        return self.spent <= self.lines_met + _AHEAD


_costs = _Costs()
"""Of all threads and logs of the process; where two add to it at once, one of both may be lost."""


class RuleFinder:
    """Finds the rules of lines of one format in logs of one."""

    def __init__(self, log_format: LogFormat, names: Sequence[Name], found: Format | None = None) -> None:
        self._names = names
        self._plain = PlainReader(log_format, found)
        self.taken_apart = self._plain.taken_apart
        """Lines with an id that fits one of these are a shape of their own: a variant."""

    def ids_of(self, shape: bytes) -> tuple[dict[str, int], list[int]]:
        """Return which hole has the id under a name at the top of lines of a shape, and all holes that have ids."""
        try:
            lines = parsed(shape, self._names)
        except _NO_SHAPE:
            return {}, []
        return lines.ids, [at for at, hole in enumerate(lines.holes) if hole.kind is HoleKind.IDENTIFIER]

    def meets(self, lines: int) -> None:
        """Note that so many lines were met, of whatever shapes."""
        _costs.lines_met += lines

    def is_worth_it(self, shape: bytes, variant: int, size: float, enough: float) -> bool:
        """Note that some bytes of lines of a shape, or of a variant of one, were met; tell whether to ask for its rule.

        It is where that is known, or where ``enough`` bytes of such lines were met, by anyone, and as many as rules of
        the format cost to find, and it costs not too much. Where ``enough`` is 0, it is in any case. A line counts for
        ``LINE_BYTES`` more than it has.
        """
        known = (self._plain.name, variant, shape)
        if known in _known or not enough:
            return True
        if len(_met) >= _KNOWN_MAX:
            _met.clear()
        met = _met[hash(known)] = _met.get(hash(known), 0) + size
        cost = _costs.of_a_rule(self._plain.name) * (len(shape) + LINE_BYTES)
        return met >= max(enough, cost / _WORTH) and _costs.may_grow

    def rule_of(self, shape: bytes, examples: Sequence[Sequence[int]], variant: int = 0) -> Rule | Nothing | None:
        """Return the rule of a shape, ``None`` where there is none that could be relied on.

        ``examples`` are the contents of the holes of some lines: their counts are of usual orders. ``variant``: which
        of the patterns ``taken_apart`` an id of the lines fits, from 1 on; 0 for none.
        """
        known = (self._plain.name, variant, shape)
        with _asking:
            if known not in _known:
                if len(_known) >= _KNOWN_MAX:
                    _known.clear()
                    _known_of_forms.clear()
                _known[known] = self._found(shape, examples, variant)
            return _known[known]

    def _found(self, shape: bytes, examples: Sequence[Sequence[int]], variant: int) -> Rule | Nothing | None:
        try:
            lines = parsed(shape, self._names)
        except _NO_SHAPE:
            return None
        rule = self._of_its_form(shape, lines, examples[0], variant)
        if rule is not None:
            return rule
        samples = self._samples(shape, lines, variant)
        is_one = self._plain.is_of_its_format(samples.line(samples.contents(), {}))
        found = self._searched(samples, examples) if is_one else None
        _costs.add(self._plain.name, samples)
        if isinstance(found, Rule):
            _known_of_forms[self._plain.name, variant, lines.form] = lines.models, found
        return found

    def _searched(self, samples: Samples, examples: Sequence[Sequence[int]]) -> Rule | Nothing | None:
        """Return the rule that most of some lines obey, of those that each suggests; the first that half of them do."""
        best, most = None, -1
        for example in examples:
            found = Search(self._plain, samples, example).rule()
            if found is NOTHING:
                return found
            if isinstance(found, Rule):
                obeying = sum(bool(found.is_obeyed(each.__getitem__)) for each in examples)
                if 2 * obeying >= len(examples):
                    return found
                best, most = max((best, most), (found, obeying), key=itemgetter(1))
        return best

    def _of_its_form(self, shape: bytes, lines: Parsed, example: Sequence[int], variant: int) -> Rule | None:
        """Return the rule of a shape of the same form, with this one's models, where samples confirm it."""
        models, known = _known_of_forms.get((self._plain.name, variant, lines.form), ([], None))
        if known is None or known.kept or known.bound:  # each model is asked of
            return None
        renamed: dict[Any, Any] = dict(zip(models, lines.models, strict=True))
        rule = replace(known, shared=tuple(renamed.get(value, value) for value in known.shared))
        samples = self._samples(shape, lines, variant)
        is_confirmed = Search(self._plain, samples, example).confirms(rule, is_of_other_models=models != lines.models)
        _costs.add(self._plain.name, samples)
        return rule if is_confirmed else None

    def _samples(self, shape: bytes, lines: Parsed, variant: int) -> Samples:
        apart = self.taken_apart[variant - 1] if variant else None
        return Samples(self._plain, lines, random.Random(zlib.crc32(shape)), apart)
